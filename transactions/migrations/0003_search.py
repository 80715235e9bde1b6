from django.db import migrations

from ledger.sqlfile import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("transactions", "0002_guards")]

    operations = [run_sql_file(__file__, "search")]

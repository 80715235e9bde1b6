from django.db import migrations

from ledger.sqlfile import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [run_sql_file(__file__, "guards")]

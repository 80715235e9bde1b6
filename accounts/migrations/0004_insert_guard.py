from django.db import migrations

from ledger.sqlfile import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_financial_type_of_its_type")]

    operations = [run_sql_file(__file__, "insert_guard")]

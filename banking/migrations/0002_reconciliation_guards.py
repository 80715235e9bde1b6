from django.db import migrations

from ledger.sqlfile import run_sql_file


class Migration(migrations.Migration):
    dependencies = [
        ("banking", "0001_initial"),
        ("transactions", "0002_guards"),
        ("ledger", "0002_guards"),
    ]

    operations = [run_sql_file(__file__, "reconciliation_guards")]

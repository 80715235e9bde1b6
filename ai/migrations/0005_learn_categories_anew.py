"""Models that were trained before counterparties were counted by purpose, and plurals read as one, are due at the
next training, however few answers are new."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ai", "0004_categories")]

    operations = [
        migrations.RunSQL("UPDATE ai_categorymodel SET trained_on = 0", migrations.RunSQL.noop),
    ]

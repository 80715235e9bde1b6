"""Forms that came with a wrong password were kept with what was typed into them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0007_second_factor"),
        ("axes", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE axes_accessattempt SET post_data = '' WHERE post_data <> ''", migrations.RunSQL.noop
        ),
    ]

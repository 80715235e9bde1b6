import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transactions", "0005_find_what_was_categorized")]

    operations = [
        migrations.AddField(
            model_name="journalentry",
            name="line_order",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40), null=True, size=None
            ),
        ),
    ]

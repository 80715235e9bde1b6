from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0004_order_tasks_by_time"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="backgroundtask",
            name="backgroundtask_once",
        ),
        migrations.AddConstraint(
            model_name="backgroundtask",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("state__in", ["queued", "running"]), models.Q(("key", ""), _negated=True)
                ),
                fields=("entity", "name", "key", "state"),
                name="backgroundtask_once",
            ),
        ),
    ]

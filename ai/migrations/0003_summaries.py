import django.db.models.deletion
from django.db import migrations, models

import ledger.ids
import ledger.tenancy


class Migration(migrations.Migration):
    dependencies = [("ai", "0002_documents"), ("ledger", "0004_order_tasks_by_time")]

    operations = [
        migrations.CreateModel(
            name="Summary",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=ledger.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("month", models.DateField()),
                ("currency", models.CharField(max_length=3)),
                ("text", models.TextField()),
                ("figures", models.JSONField()),
                ("created_at", models.DateTimeField()),
                (
                    "entity",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.entity",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "summaries",
                "ordering": ["-month"],
                "constraints": [
                    ledger.tenancy.TenantPrimaryKey(name="ai_summary_tenant_key"),
                    ledger.tenancy.CompositeForeignKey(
                        fields=("entity",), name="ai_summary_entity_fk", to="ledger.Entity", to_fields=("id",)
                    ),
                    models.UniqueConstraint(fields=("entity", "month"), name="ai_summary_once_a_month"),
                    models.CheckConstraint(
                        condition=models.Q(("month__day", 1)), name="ai_summary_first_day"
                    ),
                ],
            },
        ),
    ]

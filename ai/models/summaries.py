"""Months in words, kept as they were told."""

from django.db import models
from django.db.models import Q

from ledger.tenancy import CompositeForeignKey, TenantModel, TenantPrimaryKey


class Summary(TenantModel):
    """What a month came to, in words and figures, as the books stood when it was written.

    Written once, soon after the month has ended in the company's time zone, where its setting `smart_summary`
    is on. Who later changes that month's books reads today's figures in the statements.
    """

    # The first day of the month.
    month = models.DateField()
    currency = models.CharField(max_length=3)
    text = models.TextField()
    # {name: amount as a decimal text}, from the statements.
    figures = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "summaries"
        ordering = ["-month"]
        constraints = [
            TenantPrimaryKey(name="ai_summary_tenant_key"),
            CompositeForeignKey(
                fields=("entity",), to="ledger.Entity", to_fields=("id",), name="ai_summary_entity_fk"
            ),
            models.UniqueConstraint(fields=["entity", "month"], name="ai_summary_once_a_month"),
            models.CheckConstraint(condition=Q(month__day=1), name="ai_summary_first_day"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%B %Y}"

from django.db import models
from django.db.models import Q

from ledger.choices import ActorKind, Outcome
from ledger.ids import new_id
from ledger.tenancy import TableKind


class AuditEvent(models.Model):
    """Who did what to anything but transactions, whose history is in their revisions.

    Events of one scope (a company, else a developer, else the installation) form a chain: each holds
    the hash of the one before, so that a row that was changed or taken out shows. Rows are only ever
    added; a guard in the database refuses anything else.
    """

    table_kind = TableKind.GLOBAL

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # The company's id, else the developer's, else `ledger.audit.INSTALLATION`.
    scope_id = models.UUIDField()
    # 1, 2, 3 … within the scope, without a gap.
    sequence = models.PositiveBigIntegerField()
    occurred_at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10, choices=ActorKind)
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(max_length=200, blank=True)
    # Dotted: app.noun.done, as in "accounts.account.closed".
    action = models.CharField(max_length=100)
    object_type = models.CharField(max_length=50)
    object_id = models.CharField(max_length=64)
    # The changed fields alone, as they were and as they are; secrets never.
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.DONE)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=128, blank=True)
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["scope_id", "sequence"], name="auditevent_chain_unique"),
            models.CheckConstraint(condition=Q(sequence__gte=1), name="auditevent_sequence_from_one"),
        ]
        indexes = [models.Index(fields=["object_type", "object_id"], name="auditevent_object")]

    def __str__(self) -> str:
        return f"{self.action} {self.object_id}"

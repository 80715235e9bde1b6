from django.db import models
from django.db.models import Q

from ledger.choices import TaskState
from ledger.ids import Prefix, encode_id
from ledger.tenancy import TenantModel, TenantPrimaryKey


class BackgroundTask(TenantModel):
    """Work of one company that a request does not wait for: what is to be done, and how far it is.

    The row is written in the database transaction that wants the work, and only then sent to the queue: what
    the queue lost is found here and sent once more (the outbox pattern).
    """

    # Which work, as in "banking.sync_connection", and with what; ids, never secrets.
    name = models.CharField(max_length=100)
    arguments = models.JSONField(default=dict)
    # Of one name and key, one runs and one waits at most: asking again gives the one that waits. What is
    # asked for while one runs is done after it, because that one may have looked already.
    key = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=10, choices=TaskState, default=TaskState.QUEUED)
    # How much is done, of how much where that is known.
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True)
    # What it does now, or has done; why it failed, and the remedy.
    message = models.CharField(max_length=500, blank=True)
    error = models.CharField(max_length=1000, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    # An API key's or a person's id; null for the system.
    created_by = models.UUIDField(null=True)
    # When it was last given to the queue; a worker that works on it renews `seen_at`.
    sent_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            TenantPrimaryKey(name="ledger_backgroundtask_tenant_key"),
            models.UniqueConstraint(
                fields=["entity", "name", "key", "state"],
                condition=Q(state__in=[TaskState.QUEUED, TaskState.RUNNING]) & ~Q(key=""),
                name="backgroundtask_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=TaskState.values), name="backgroundtask_state_known"
            ),
        ]
        indexes = [
            # Of all companies: what is old goes, and the back office looks at the newest. A company's own are
            # read by the primary key, whose ids grow with time.
            models.Index(fields=["created_at"], name="backgroundtask_by_time"),
            # The sweep looks for what waits, of all companies.
            models.Index(
                fields=["sent_at"],
                condition=Q(state__in=[TaskState.QUEUED, TaskState.RUNNING]),
                name="backgroundtask_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.TASK, self.id)

    @property
    def percent(self) -> int | None:
        """How much is done, 0 to 100, rounded down; None while it is not known how much there is to do."""
        if self.total is None:
            return None
        return 100 if self.done >= self.total else self.done * 100 // self.total

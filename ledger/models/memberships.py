from django.db import models
from django.db.models import Q

from ledger.choices import Role
from ledger.ids import new_id
from ledger.models.entities import Entity
from ledger.models.users import User
from ledger.tenancy import TableKind


class Membership(models.Model):
    """What a person of the back office may do in one company. Without one, a person sees nothing of it;
    that holds for superusers too, who look after the installation and not after anybody's books."""

    # The directory of people, read by person over all their companies; so it is no company's own table.
    table_kind = TableKind.GLOBAL

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["entity", "user"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.role} ({self.user_id} in {self.entity_id})"

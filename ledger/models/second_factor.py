from django.db import models
from django_otp.models import Device, ThrottlingMixin

from ledger.ids import new_id
from ledger.models.users import User
from ledger.tenancy import TableKind


class Authenticator(ThrottlingMixin, Device):
    """The app on a person's telephone that shows a new code every half minute (TOTP, RFC 6238).

    Not django-otp's own table, which would hold the key in the clear. While `confirmed` is false the person
    is still setting it up, and it counts for nothing.
    """

    table_kind = TableKind.GLOBAL

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="authenticator")
    # The shared key in base32, encrypted (`ledger.encryption`).
    key_encrypted = models.TextField(editable=False)
    # How many half minutes the telephone's clock is ahead of ours.
    drift = models.SmallIntegerField(default=0)
    # The half minute of the last code that was taken: none works twice.
    last_step = models.BigIntegerField(default=-1)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.name)

    def get_throttle_factor(self) -> int:
        """Seconds to wait after the first wrong code; doubled with each further one."""
        return 1


class RecoveryCode(models.Model):
    """A code for the day when the telephone is gone; each works once. Only its SHA-256 is stored: it is 80
    random bits."""

    table_kind = TableKind.GLOBAL

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    authenticator = models.ForeignKey(Authenticator, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["authenticator", "code_hash"], name="recoverycode_once"),
        ]

    def __str__(self) -> str:
        return str(self.id)

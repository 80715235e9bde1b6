import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models

from ledger.ids import new_id
from ledger.tenancy import TableKind


class User(AbstractUser):
    """A person who works in the back office. The id is a UUID, so that one column can say who did a
    thing, be it a person or an API key."""

    table_kind = TableKind.GLOBAL

    id: "models.UUIDField[uuid.UUID, uuid.UUID]" = models.UUIDField(
        primary_key=True, default=new_id, editable=False
    )
    # The password was made by somebody else, for one log-in: nothing opens until it is replaced.
    must_change_password = models.BooleanField(default=False)
    # Since when a second factor is asked for at the log-in; null for none. Here and not read from the
    # authenticator, because every request asks.
    second_factor_since = models.DateTimeField(null=True, editable=False)

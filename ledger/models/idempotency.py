from django.db import models

from ledger.tenancy import TableKind


class IdempotencyKey(models.Model):
    """A client's promise that calls with one key are one call, and the answer that the first one got.

    Written in the database transaction of the work itself: where the work is rolled back, the key is
    free again. See docs/decisions/0005-idempotency-keys.md.
    """

    table_kind = TableKind.GLOBAL

    pk = models.CompositePrimaryKey("owner_id", "key")
    # The token's owner: the developer of a developer token, the company of an entity token. In the back
    # office the person whose form it is.
    owner_id = models.UUIDField()
    key = models.CharField(max_length=255)
    # SHA-256 of method, path, query and body.
    fingerprint = models.BinaryField(max_length=32)
    # Null until the work is done; nobody outside of its database transaction sees it so.
    response_status = models.PositiveSmallIntegerField(null=True)
    response_body = models.BinaryField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="idempotencykey_age")]

    def __str__(self) -> str:
        return self.key

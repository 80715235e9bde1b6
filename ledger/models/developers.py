from django.db import models
from django.db.models import Q

from ledger.choices import KeyKind
from ledger.ids import Prefix, encode_id, new_id
from ledger.tenancy import TableKind


class Developer(models.Model):
    """A software platform that keeps the books of its customers (entities) here."""

    table_kind = TableKind.GLOBAL

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    industry = models.CharField(max_length=100, blank=True)
    # {currency, timezone, locale}: what a new entity of this developer starts with.
    preferences = models.JSONField(default=dict, blank=True)
    # Set by an operator: all its tokens stop working within seconds, its books stay.
    disabled_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.DEVELOPER, self.id)


class ApiKey(models.Model):
    """A secret that mints access tokens. Only its SHA-256 is stored: it is 256 random bits, so there
    is nothing to guess, and a slow hash would only slow its owner."""

    table_kind = TableKind.GLOBAL

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=10, choices=KeyKind, default=KeyKind.DEVELOPER)
    # Null for an admin key, which manages developers and reaches no books.
    developer = models.ForeignKey(Developer, on_delete=models.PROTECT, null=True, related_name="api_keys")
    name = models.CharField(max_length=100)
    # The first characters, to recognise a key by in a list.
    prefix = models.CharField(max_length=20)
    key_hash = models.BinaryField(max_length=32)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["key_hash"], name="apikey_hash_unique"),
            models.CheckConstraint(
                condition=Q(kind=KeyKind.ADMIN, developer__isnull=True)
                | Q(kind=KeyKind.DEVELOPER, developer__isnull=False),
                name="apikey_developer_by_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.API_KEY, self.id)

"""Connections to other programs that hold books or payments."""

from django.db import models
from django.db.models import Q

from banking.choices import IntegrationProvider, IntegrationStatus
from ledger.ids import Prefix, encode_id
from ledger.tenancy import TenantModel, TenantPrimaryKey


class Integration(TenantModel):
    """A company's permission to read from QuickBooks, Xero or Stripe (OAuth 2, RFC 6749 with RFC 7636)."""

    provider = models.CharField(max_length=20, choices=IntegrationProvider)
    status = models.CharField(max_length=20, choices=IntegrationStatus)
    # The provider's id of the company there: realm, tenant or account.
    workspace_id = models.CharField(max_length=200, blank=True)
    workspace_name = models.CharField(max_length=200, blank=True)
    # Encrypted; empty while there are none.
    access_token = models.TextField(blank=True)
    refresh_token = models.TextField(blank=True)
    token_expires_at = models.DateTimeField(null=True)
    # While connecting: the SHA-256 of the state that was sent along, and the verifier (PKCE), encrypted.
    state_hash = models.CharField(max_length=64, blank=True)
    code_verifier = models.TextField(blank=True)
    state_expires_at = models.DateTimeField(null=True)
    # How far the import has come, in the provider's terms.
    import_position = models.JSONField(null=True)
    synced_at = models.DateTimeField(null=True)
    error_message = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            TenantPrimaryKey(name="banking_integration_tenant_key"),
            models.CheckConstraint(
                condition=Q(provider__in=IntegrationProvider.values), name="integration_provider_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=IntegrationStatus.values), name="integration_status_known"
            ),
            models.UniqueConstraint(
                fields=["entity", "provider"],
                condition=~Q(status=IntegrationStatus.DISCONNECTED),
                name="integration_one_of_each",
            ),
            models.CheckConstraint(
                condition=~Q(status=IntegrationStatus.DISCONNECTED) | Q(access_token="", refresh_token=""),
                name="integration_tokens_forgotten",
            ),
        ]
        indexes = [
            # The provider sends the person back with the state alone.
            models.Index(fields=["state_hash"], condition=~Q(state_hash=""), name="integration_by_state")
        ]

    def __str__(self) -> str:
        return f"{self.provider} ({self.public_id})"

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.INTEGRATION, self.id)

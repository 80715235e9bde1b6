"""A company's connections to banks, and its accounts there."""

from django.db import models
from django.db.models import Q

from accounts.models import Account
from banking.choices import ConnectionStatus, ProviderName
from ledger.ids import Prefix, encode_id
from ledger.models import Ledger
from ledger.tenancy import CompositeForeignKey, TenantModel, TenantPrimaryKey


class BankConnection(TenantModel):
    """One log-in at one bank, through a provider (Plaid calls it an item).

    `cursor` is how far its lines are stored: both change in one database transaction, so a sync that dies
    in the middle is simply run again.
    """

    provider = models.CharField(max_length=10, choices=ProviderName)
    # The provider's own id of the connection.
    provider_item_id = models.CharField(max_length=200)
    institution_id = models.CharField(max_length=100, blank=True)
    institution_name = models.CharField(max_length=200, blank=True)
    # Encrypted; empty once disconnected. Never leaves the server.
    access_token = models.TextField(blank=True)
    # SHA-256, in hex, of the public token that it was last made or repaired with: the same one again is the
    # same request.
    public_token_hash = models.CharField(max_length=64, blank=True)
    cursor = models.TextField(blank=True)
    status = models.CharField(max_length=20, choices=ConnectionStatus, default=ConnectionStatus.ACTIVE)
    # The provider's code and words of what is wrong, and what to do; empty where all is well.
    error_code = models.CharField(max_length=100, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    sync_started_at = models.DateTimeField(null=True)
    # The last time that everything the provider had was stored.
    synced_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)
    disconnected_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            TenantPrimaryKey(name="banking_bankconnection_tenant_key"),
            models.UniqueConstraint(
                fields=["entity", "provider", "provider_item_id"], name="connection_item_unique"
            ),
            models.CheckConstraint(
                condition=Q(provider__in=ProviderName.values), name="connection_provider_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=ConnectionStatus.values), name="connection_status_known"
            ),
            # What is disconnected holds no key to the bank any more.
            models.CheckConstraint(
                condition=~Q(status=ConnectionStatus.DISCONNECTED)
                | Q(access_token="", disconnected_at__isnull=False),
                name="connection_token_forgotten",
            ),
        ]
        indexes = [
            # A webhook names the item alone; whose it is, is found here.
            models.Index(fields=["provider_item_id", "provider"], name="connection_by_item"),
            models.Index(fields=["status", "synced_at"], name="connection_by_sync"),
        ]

    def __str__(self) -> str:
        return f"{self.institution_name or self.provider} ({self.public_id})"

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.BANK_CONNECTION, self.id)


class BankAccount(TenantModel):
    """An account at a bank, with the ledger account that stands for it in the books.

    Its lines come through a connection, or from statement files alone. A credit card is one too; its ledger
    account is a liability.
    """

    connection = models.ForeignKey(
        BankConnection,
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="accounts",
        db_index=False,
        db_constraint=False,
    )
    # The provider's id; for a file-fed account the number that its statements carry, once one was read.
    provider_account_id = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=200)
    official_name = models.CharField(max_length=200, blank=True)
    # The last digits of its number.
    mask = models.CharField(max_length=10, blank=True)
    # In Plaid's words: depository, credit, loan, …; checking, savings, credit card, …
    type = models.CharField(max_length=50)
    subtype = models.CharField(max_length=50, blank=True)
    ledger = models.ForeignKey(
        Ledger, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    ledger_account = models.ForeignKey(
        Account, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    currency = models.CharField(max_length=3)
    # As the bank says it, so that money owed on a card is positive; null where it said nothing.
    balance_current = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    balance_available = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    balance_at = models.DateTimeField(null=True)
    # Which column of its CSV statements is what, as a person last said.
    csv_mapping = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()
    disconnected_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            TenantPrimaryKey(name="banking_bankaccount_tenant_key"),
            CompositeForeignKey(
                fields=("entity", "connection"),
                to="banking.BankConnection",
                to_fields=("entity", "id"),
                name="bankaccount_connection_fk",
            ),
            # Its lines become transactions of that account, so both have one currency.
            CompositeForeignKey(
                fields=("entity", "ledger_account", "ledger", "currency"),
                to="accounts.Account",
                to_fields=("entity", "id", "ledger", "currency"),
                name="bankaccount_ledger_account_fk",
            ),
            models.UniqueConstraint(
                fields=["entity", "connection", "provider_account_id"],
                condition=Q(connection__isnull=False),
                name="bankaccount_of_connection_unique",
            ),
            # Two feeds into one ledger account would count everything twice.
            models.UniqueConstraint(
                fields=["entity", "ledger_account"],
                condition=Q(disconnected_at__isnull=True),
                name="bankaccount_ledger_account_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ••{self.mask}" if self.mask else self.name

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.BANK_ACCOUNT, self.id)

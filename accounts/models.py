"""The chart of accounts, and the totals that are kept beside it so that nobody adds up transactions."""

from django.db import models
from django.db.models import F, Q

from accounts.choices import AccountType
from accounts.exact_json import ExactDecoder, ExactEncoder
from accounts.financial_types import financial_types_of
from accounts.querysets import AccountQuerySet
from ledger.choices import ImportStatus
from ledger.ids import Prefix, encode_id
from ledger.models import Entity, Ledger
from ledger.tenancy import CompositeForeignKey, TableKind, TenantModel, TenantPrimaryKey


def _financial_type_of_its_type() -> Q:
    """True where the financial type is one of the account's type: what statements and their signs rest on."""
    known = Q(financial_type__isnull=True)
    for type_ in AccountType:
        known |= Q(type=type_, financial_type__in=financial_types_of(type_))
    return known


class Account(TenantModel):
    """A ledger account: one line of a company's chart of accounts.

    Debits increase assets and expenses, credits increase liabilities, equity and revenue
    (assets = liabilities + equity, and profit is equity). A contra account, by its financial type,
    has the other side.
    """

    ledger = models.ForeignKey(
        Ledger, on_delete=models.PROTECT, related_name="accounts", db_index=False, db_constraint=False
    )
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        db_index=False,
        db_constraint=False,
    )
    name = models.CharField(max_length=200)
    type = models.CharField(max_length=10, choices=AccountType)
    financial_type = models.CharField(max_length=50, null=True, blank=True)
    sub_type = models.CharField(max_length=50, null=True, blank=True)
    # The accountant's number of the account, as 1010 for Cash; unique in a ledger where given.
    sub_type_code = models.PositiveIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    metadata = models.JSONField(null=True, blank=True, encoder=ExactEncoder, decoder=ExactDecoder)
    # What the system itself uses the account for (`SystemRole`), at most one of each in a ledger.
    role = models.CharField(max_length=30, null=True, editable=False)
    # A closed account keeps its history and takes no new transactions.
    closed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = AccountQuerySet.as_manager()

    class Meta:
        ordering = ["sub_type_code", "name", "id"]
        constraints = [
            TenantPrimaryKey(name="accounts_account_tenant_key"),
            CompositeForeignKey(
                fields=("entity", "ledger", "currency"),
                to="ledger.Ledger",
                to_fields=("entity", "id", "currency"),
                name="account_ledger_fk",
                # A ledger without transactions may change its currency, and its accounts with it.
                follow_updates=True,
            ),
            # What a transaction refers to: both its accounts are of one ledger and one currency.
            models.UniqueConstraint(
                fields=["entity", "id", "ledger", "currency"], name="account_currency_unique"
            ),
            # What a child refers to: it is of its parent's ledger and type.
            models.UniqueConstraint(fields=["entity", "id", "ledger", "type"], name="account_type_unique"),
            CompositeForeignKey(
                fields=("entity", "parent", "ledger", "type"),
                to="accounts.Account",
                to_fields=("entity", "id", "ledger", "type"),
                name="account_parent_fk",
            ),
            models.UniqueConstraint(
                fields=["entity", "ledger", "sub_type_code"],
                condition=Q(sub_type_code__isnull=False),
                name="account_code_unique",
            ),
            models.UniqueConstraint(
                fields=["entity", "ledger", "role"],
                condition=Q(role__isnull=False),
                name="account_role_unique",
            ),
            models.CheckConstraint(condition=Q(type__in=AccountType.values), name="account_type_known"),
            models.CheckConstraint(
                condition=_financial_type_of_its_type(), name="account_financial_type_of_its_type"
            ),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="account_not_its_own_parent"),
            models.CheckConstraint(condition=~Q(name=""), name="account_named"),
        ]
        indexes = [models.Index(fields=["entity", "parent"], name="account_children")]

    def __str__(self) -> str:
        return f"{self.sub_type_code} {self.name}" if self.sub_type_code is not None else self.name

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.ACCOUNT, self.id)


class Totals(models.Model):
    """Four sums of an account, kept by the posting engine in the database transaction of each change.

    They are spread over slots: a writer adds to the slot of its connection, so that postings to one
    busy account do not wait for each other, and a reader adds the slots up. A single slot may be
    negative (what one connection added another may take away); their sum never is.

    The row's identity is its natural key: an id of its own would cost an index on the hot path and
    serve nobody.
    """

    table_kind = TableKind.TENANT

    entity = models.ForeignKey(
        Entity, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    account = models.ForeignKey(
        Account, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    slot = models.PositiveSmallIntegerField()
    debits_pending = models.DecimalField(max_digits=30, decimal_places=4)
    debits_posted = models.DecimalField(max_digits=30, decimal_places=4)
    credits_pending = models.DecimalField(max_digits=30, decimal_places=4)
    credits_posted = models.DecimalField(max_digits=30, decimal_places=4)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{type(self).__name__} of {encode_id(Prefix.ACCOUNT, self.account_id)}"


def _account_key(name: str) -> CompositeForeignKey:
    return CompositeForeignKey(
        fields=("entity", "account"), to="accounts.Account", to_fields=("entity", "id"), name=name
    )


class AccountBalance(Totals):
    """What an account's transactions add up to, of all days."""

    pk = models.CompositePrimaryKey("entity_id", "account_id", "slot")

    class Meta:
        constraints = [_account_key("accountbalance_account_fk")]


class AccountDay(Totals):
    """What an account's transactions of one day add up to."""

    pk = models.CompositePrimaryKey("entity_id", "account_id", "date", "slot")
    date = models.DateField()

    class Meta:
        constraints = [_account_key("accountday_account_fk")]


class AccountMonth(Totals):
    """What an account's transactions of one month add up to."""

    pk = models.CompositePrimaryKey("entity_id", "account_id", "month", "slot")
    # The first day of the month.
    month = models.DateField()

    class Meta:
        constraints = [
            _account_key("accountmonth_account_fk"),
            models.CheckConstraint(condition=Q(month__day=1), name="accountmonth_first_day"),
        ]


class AccountImport(TenantModel):
    """A chart of accounts that was read from a template or a file, and what became of each row."""

    source = models.CharField(max_length=10)
    template_id = models.CharField(max_length=50, null=True)
    file_format = models.CharField(max_length=10, null=True)
    status = models.CharField(max_length=10, choices=ImportStatus)
    accounts_created = models.PositiveIntegerField()
    accounts_skipped = models.PositiveIntegerField()
    # [{row, field, message}]
    errors = models.JSONField(default=list)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            TenantPrimaryKey(name="accounts_accountimport_tenant_key"),
            CompositeForeignKey(
                fields=("entity",), to="ledger.Entity", to_fields=("id",), name="accountimport_entity_fk"
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.IMPORT, self.id)

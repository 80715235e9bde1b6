"""What banks say, line by line, and which transactions of the books stand for it."""

from django.db import models
from django.db.models import Q

from accounts.models import Account
from banking.choices import LineStatus, LinkKind
from banking.models.connections import BankAccount
from banking.models.statements import StatementImport
from ledger.ids import Prefix, encode_id
from ledger.tenancy import CompositeForeignKey, TenantModel, TenantPrimaryKey
from transactions.models import Transaction


class BankLine(TenantModel):
    """One line of a bank account, as the bank gave it.

    The amount is positive where money left the account (Plaid's sign), also on a card. What the bank says
    is kept in `raw`; the books are not changed by changing a line, but by the services.
    """

    bank_account = models.ForeignKey(
        BankAccount, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    # The provider's id of the line, or what a statement identifies it by: never the same line twice.
    provider_line_id = models.CharField(max_length=200)
    # A posted line names the pending one that it came of.
    pending_line_id = models.CharField(max_length=200, null=True)
    statement_import = models.ForeignKey(
        StatementImport,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    date = models.DateField()
    # When the card was used, where the bank says so; `date` is when the bank booked it.
    authorized_date = models.DateField(null=True)
    amount = models.DecimalField(max_digits=20, decimal_places=4)
    currency = models.CharField(max_length=3)
    description = models.CharField(max_length=1000)
    counterparty = models.CharField(max_length=200, blank=True)
    # The provider's own category, as GENERAL_SERVICES_ACCOUNTING.
    provider_category = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=10, choices=LineStatus)
    # The category that a person chose while the line was pending: it carries over to the posted one.
    chosen_account = models.ForeignKey(
        Account,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    # The transaction of the books that it looks like, while a person decides (status OFFERED).
    offered_transaction = models.ForeignKey(
        Transaction,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    # Set where bank and books part ways and no service may mend it: the bank changed or took back what is
    # final in the books, or the line could not be taken in. A person looks at it.
    attention = models.CharField(max_length=500, blank=True)
    raw = models.JSONField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-date", "-id"]
        constraints = [
            TenantPrimaryKey(name="banking_bankline_tenant_key"),
            CompositeForeignKey(
                fields=("entity", "bank_account"),
                to="banking.BankAccount",
                to_fields=("entity", "id"),
                name="bankline_bank_account_fk",
            ),
            CompositeForeignKey(
                fields=("entity", "statement_import"),
                to="banking.StatementImport",
                to_fields=("entity", "id"),
                name="bankline_statement_import_fk",
            ),
            CompositeForeignKey(
                fields=("entity", "chosen_account"),
                to="accounts.Account",
                to_fields=("entity", "id"),
                name="bankline_chosen_account_fk",
            ),
            CompositeForeignKey(
                fields=("entity", "offered_transaction"),
                to="transactions.Transaction",
                to_fields=("entity", "id"),
                name="bankline_offered_transaction_fk",
            ),
            models.UniqueConstraint(
                fields=["entity", "bank_account", "provider_line_id"], name="bankline_once"
            ),
            models.CheckConstraint(
                condition=(Q(amount__gt=-(10**15)) & Q(amount__lt=10**15) & ~Q(amount=0)),
                name="bankline_amount_in_bounds",
            ),
            models.CheckConstraint(condition=Q(status__in=LineStatus.values), name="bankline_status_known"),
            models.CheckConstraint(
                condition=Q(status=LineStatus.OFFERED, offered_transaction__isnull=False)
                | (~Q(status=LineStatus.OFFERED) & Q(offered_transaction__isnull=True)),
                name="bankline_offer_by_status",
            ),
        ]
        indexes = [
            models.Index(fields=["entity", "bank_account", "date"], name="bankline_by_day"),
            # What waits for the bank or for a person; few, beside what is recorded.
            models.Index(
                fields=["entity", "status", "date"],
                condition=~Q(status=LineStatus.RECORDED),
                name="bankline_waiting",
            ),
            models.Index(
                fields=["entity", "offered_transaction"],
                condition=Q(offered_transaction__isnull=False),
                name="bankline_by_offer",
            ),
            models.Index(
                fields=["entity", "statement_import"],
                condition=Q(statement_import__isnull=False),
                name="bankline_by_import",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.BANK_LINE, self.id)


class LineLink(TenantModel):
    """That a transaction of the books stands for a bank line.

    Mostly one to one. A transfer between own accounts has two lines and one transaction, a deposit of
    several payments one line and several transactions.
    """

    line = models.ForeignKey(
        BankLine, on_delete=models.DO_NOTHING, related_name="links", db_index=False, db_constraint=False
    )
    bank_account = models.ForeignKey(
        BankAccount, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    transaction = models.ForeignKey(
        Transaction, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    kind = models.CharField(max_length=10, choices=LinkKind)
    created_at = models.DateTimeField()
    # A person's or key's id; null for the system.
    created_by = models.UUIDField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            TenantPrimaryKey(name="banking_linelink_tenant_key"),
            CompositeForeignKey(
                fields=("entity", "line"),
                to="banking.BankLine",
                to_fields=("entity", "id"),
                name="linelink_line_fk",
            ),
            CompositeForeignKey(
                fields=("entity", "bank_account"),
                to="banking.BankAccount",
                to_fields=("entity", "id"),
                name="linelink_bank_account_fk",
            ),
            CompositeForeignKey(
                fields=("entity", "transaction"),
                to="transactions.Transaction",
                to_fields=("entity", "id"),
                name="linelink_transaction_fk",
            ),
            # A transaction stands for at most one line of a bank account.
            models.UniqueConstraint(
                fields=["entity", "transaction", "bank_account"], name="linelink_transaction_once"
            ),
            models.CheckConstraint(condition=Q(kind__in=LinkKind.values), name="linelink_kind_known"),
        ]
        indexes = [models.Index(fields=["entity", "line"], name="linelink_by_line")]

    def __str__(self) -> str:
        return f"{self.kind} {encode_id(Prefix.TRANSACTION, self.transaction_id)}"

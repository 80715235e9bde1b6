"""Agreeing the books with what the bank says."""

from django.db import models
from django.db.models import Q

from banking.choices import ReconciliationStatus
from banking.models.connections import BankAccount
from ledger.ids import Prefix, encode_id
from ledger.tenancy import CompositeForeignKey, TenantModel, TenantPrimaryKey
from transactions.models import Transaction


class Reconciliation(TenantModel):
    """A bank statement of one day, held against the books until they differ by nothing.

    Balances are as the bank says them: money in the account, or on a card money owed.
    """

    bank_account = models.ForeignKey(
        BankAccount, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    statement_date = models.DateField()
    statement_balance = models.DecimalField(max_digits=20, decimal_places=4)
    # What the last completed statement of the account ended with; else zero.
    opening_balance = models.DecimalField(max_digits=20, decimal_places=4)
    status = models.CharField(max_length=10, choices=ReconciliationStatus, default=ReconciliationStatus.OPEN)
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)
    completed_at = models.DateTimeField(null=True)
    completed_by = models.UUIDField(null=True)

    class Meta:
        ordering = ["-statement_date", "-id"]
        constraints = [
            TenantPrimaryKey(name="banking_reconciliation_tenant_key"),
            CompositeForeignKey(
                fields=("entity", "bank_account"),
                to="banking.BankAccount",
                to_fields=("entity", "id"),
                name="reconciliation_bank_account_fk",
            ),
            models.UniqueConstraint(
                fields=["entity", "bank_account"],
                condition=Q(status=ReconciliationStatus.OPEN),
                name="reconciliation_one_open",
            ),
            models.UniqueConstraint(
                fields=["entity", "bank_account", "statement_date"], name="reconciliation_day_unique"
            ),
            models.CheckConstraint(
                condition=Q(status=ReconciliationStatus.OPEN, completed_at__isnull=True)
                | Q(status=ReconciliationStatus.COMPLETED, completed_at__isnull=False),
                name="reconciliation_completed_at_by_status",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.RECONCILIATION, self.id)


class ReconciledTransaction(TenantModel):
    """That a transaction stands on a statement.

    Once that is completed, the transaction keeps what the statement proves: its amount, its day and its side
    on the bank's account (`migrations/sql/reconciliation_guards.sql`).
    """

    reconciliation = models.ForeignKey(
        Reconciliation, on_delete=models.DO_NOTHING, related_name="items", db_index=False, db_constraint=False
    )
    bank_account = models.ForeignKey(
        BankAccount, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    transaction = models.ForeignKey(
        Transaction, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            TenantPrimaryKey(name="banking_reconciledtransaction_tenant_key"),
            CompositeForeignKey(
                fields=("entity", "reconciliation"),
                to="banking.Reconciliation",
                to_fields=("entity", "id"),
                name="reconciledtransaction_reconciliation_fk",
            ),
            CompositeForeignKey(
                fields=("entity", "bank_account"),
                to="banking.BankAccount",
                to_fields=("entity", "id"),
                name="reconciledtransaction_bank_account_fk",
            ),
            CompositeForeignKey(
                fields=("entity", "transaction"),
                to="transactions.Transaction",
                to_fields=("entity", "id"),
                name="reconciledtransaction_transaction_fk",
            ),
            # On one statement of each account; a transfer stands on one of each of its two.
            models.UniqueConstraint(
                fields=["entity", "transaction", "bank_account"], name="reconciledtransaction_once"
            ),
        ]
        indexes = [models.Index(fields=["entity", "reconciliation"], name="reconciledtransaction_by_rec")]

    def __str__(self) -> str:
        return encode_id(Prefix.TRANSACTION, self.transaction_id)


class TieOut(TenantModel):
    """Of one day, what the bank said an account held and what the books said."""

    bank_account = models.ForeignKey(
        BankAccount, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    date = models.DateField()
    bank_balance = models.DecimalField(max_digits=20, decimal_places=4)
    # In the bank's sign; what waits at the bank, or for a person, is not in it.
    books_balance = models.DecimalField(max_digits=20, decimal_places=4)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-date", "-id"]
        constraints = [
            TenantPrimaryKey(name="banking_tieout_tenant_key"),
            CompositeForeignKey(
                fields=("entity", "bank_account"),
                to="banking.BankAccount",
                to_fields=("entity", "id"),
                name="tieout_bank_account_fk",
            ),
            models.UniqueConstraint(fields=["entity", "bank_account", "date"], name="tieout_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.date}: {self.bank_balance} / {self.books_balance}"

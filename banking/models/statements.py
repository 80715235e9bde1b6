"""Statement files that were read."""

from django.db import models
from django.db.models import Q

from banking.choices import StatementFormat
from banking.models.connections import BankAccount
from ledger.choices import ImportStatus
from ledger.ids import Prefix, encode_id
from ledger.tenancy import CompositeForeignKey, TenantModel, TenantPrimaryKey


class StatementImport(TenantModel):
    """One upload of a statement file, and what became of it."""

    bank_account = models.ForeignKey(
        BankAccount, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    format = models.CharField(max_length=10, choices=StatementFormat)
    file_name = models.CharField(max_length=255, blank=True)
    # SHA-256 of the bytes, in hex.
    fingerprint = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=ImportStatus)
    created_count = models.PositiveIntegerField()
    skipped_count = models.PositiveIntegerField()
    # [{"row", "field", "message"}]
    errors = models.JSONField(default=list)
    # What the statement itself says, where it does.
    opening_balance = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    closing_balance = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    first_date = models.DateField(null=True)
    last_date = models.DateField(null=True)
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            TenantPrimaryKey(name="banking_statementimport_tenant_key"),
            CompositeForeignKey(
                fields=("entity", "bank_account"),
                to="banking.BankAccount",
                to_fields=("entity", "id"),
                name="statementimport_bank_account_fk",
            ),
            models.CheckConstraint(
                condition=Q(format__in=StatementFormat.values), name="statementimport_format_known"
            ),
        ]
        indexes = [models.Index(fields=["entity", "bank_account"], name="statementimport_by_account")]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.IMPORT, self.id)

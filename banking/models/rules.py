"""A company's own rules of which bank line belongs to which account, and what they did."""

from django.db import models
from django.db.models import Q

from accounts.models import Account
from banking.choices import Direction
from banking.models.connections import BankAccount
from ledger.ids import Prefix, encode_id
from ledger.tenancy import CompositeForeignKey, TenantModel, TenantPrimaryKey


class Rule(TenantModel):
    """What a bank line must look like, and the account that it then belongs to.

    All conditions that are set must hold. Of several rules that fit, the one with the lowest `priority` is
    taken, of equals the older one.
    """

    name = models.CharField(max_length=200)
    priority = models.PositiveIntegerField(default=100)
    # Both look at description and counterparty, whatever the case.
    contains = models.CharField(max_length=200, blank=True)
    regex = models.CharField(max_length=500, blank=True)
    counterparty = models.CharField(max_length=200, blank=True)
    direction = models.CharField(max_length=3, choices=Direction, default=Direction.ANY)
    # Bounds of the amount without its sign, both included.
    amount_least = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    amount_most = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    bank_account = models.ForeignKey(
        BankAccount,
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    category_account = models.ForeignKey(
        Account, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    # Post at once, with nobody looking.
    auto_approve = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["priority", "created_at", "id"]
        constraints = [
            TenantPrimaryKey(name="banking_rule_tenant_key"),
            CompositeForeignKey(
                fields=("entity", "bank_account"),
                to="banking.BankAccount",
                to_fields=("entity", "id"),
                name="rule_bank_account_fk",
            ),
            CompositeForeignKey(
                fields=("entity", "category_account"),
                to="accounts.Account",
                to_fields=("entity", "id"),
                name="rule_category_account_fk",
            ),
            models.CheckConstraint(condition=Q(direction__in=Direction.values), name="rule_direction_known"),
            # A rule without any condition would take everything.
            models.CheckConstraint(
                condition=~Q(contains="", regex="", counterparty="")
                | Q(amount_least__isnull=False)
                | Q(amount_most__isnull=False),
                name="rule_has_condition",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.RULE, self.id)


class RuleApplication(TenantModel):
    """That a rule put a transaction into a category: the record of which rule changed what. Only added."""

    # No foreign keys: the record outlives a rule and a transaction that were deleted.
    rule_id = models.UUIDField()
    rule_name = models.CharField(max_length=200)
    transaction_id = models.UUIDField()
    account_before = models.UUIDField(null=True)
    account_after = models.UUIDField()
    approved = models.BooleanField()
    applied_at = models.DateTimeField()
    applied_by = models.UUIDField(null=True)

    class Meta:
        ordering = ["-applied_at", "-id"]
        constraints = [TenantPrimaryKey(name="banking_ruleapplication_tenant_key")]
        indexes = [
            models.Index(fields=["entity", "rule_id", "applied_at"], name="ruleapplication_by_rule"),
            models.Index(fields=["entity", "transaction_id"], name="ruleapplication_by_txn"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_name} → {encode_id(Prefix.TRANSACTION, self.transaction_id)}"

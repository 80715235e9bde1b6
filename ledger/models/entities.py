from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from ledger.choices import AccountingMethod, EntityStatus, EntityType, NotificationFrequency
from ledger.ids import Prefix, encode_id, new_id
from ledger.models.developers import Developer
from ledger.tenancy import CompositeForeignKey, TableKind, TenantModel, TenantPrimaryKey


class Entity(models.Model):
    """One company with its own books: the tenant that every other row belongs to."""

    table_kind = TableKind.GLOBAL

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    developer = models.ForeignKey(Developer, on_delete=models.PROTECT, related_name="entities")
    external_id = models.CharField(max_length=255, null=True, blank=True)
    legal_name = models.CharField(max_length=255, blank=True)
    entity_type = models.CharField(max_length=30, choices=EntityType, null=True, blank=True)
    status = models.CharField(max_length=10, choices=EntityStatus, default=EntityStatus.ACTIVE)
    # The tax number, encrypted (`ledger.encryption`).
    tin_encrypted = models.TextField(null=True, editable=False)
    us_state = models.CharField(max_length=2, null=True, blank=True)
    phone_number = models.CharField(max_length=50, null=True, blank=True)
    website = models.CharField(max_length=500, null=True, blank=True)
    # {street, city, state, zip, country}
    address = models.JSONField(null=True, blank=True)
    clerk_id = models.CharField(max_length=255, null=True, blank=True)
    instance_id = models.CharField(max_length=255, null=True, blank=True)
    # When the company itself came to be, as its developer tells it; `created_at` is ours.
    date_created = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    # Settings
    default_currency = models.CharField(max_length=3, default="USD")
    timezone = models.CharField(max_length=64, default="UTC")
    accounting_method = models.CharField(
        max_length=10, choices=AccountingMethod, default=AccountingMethod.ACCRUAL
    )
    # The month (1-12) with whose first day a fiscal year begins.
    fiscal_year_start = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    # The last day of the closed period: nothing is dated on or before it any more.
    books_closed_through = models.DateField(null=True, blank=True)
    notification_frequency = models.CharField(
        max_length=10, choices=NotificationFrequency, default=NotificationFrequency.NEVER
    )
    smart_suggestions = models.BooleanField(default=True)
    smart_assistant = models.BooleanField(default=True)
    smart_summary = models.BooleanField(default=False)
    # Whatever else the developer wants to remember with the company.
    extra_settings = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name_plural = "entities"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["developer", "external_id"], name="entity_external_id_unique"),
            models.CheckConstraint(condition=Q(status__in=EntityStatus.values), name="entity_status_known"),
            models.CheckConstraint(
                condition=Q(fiscal_year_start__range=(1, 12)), name="entity_fiscal_year_start_month"
            ),
            models.CheckConstraint(
                condition=Q(default_currency__regex=r"^[A-Z]{3}$"), name="entity_currency_code"
            ),
        ]

    def __str__(self) -> str:
        return self.legal_name or self.public_id

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.ENTITY, self.id)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone whose days are the days of these books."""
        return ZoneInfo(self.timezone)


class Ledger(TenantModel):
    """A set of books of a company, in one currency. Every company has one by default."""

    name = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            TenantPrimaryKey(name="ledger_ledger_tenant_key"),
            CompositeForeignKey(
                fields=("entity",), to="ledger.Entity", to_fields=("id",), name="ledger_entity_fk"
            ),
            # An account refers to these three, so its currency is always that of its ledger.
            models.UniqueConstraint(fields=["entity", "id", "currency"], name="ledger_currency_unique"),
            models.UniqueConstraint(
                fields=["entity"], condition=Q(is_default=True), name="ledger_one_default"
            ),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="ledger_currency_code"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.LEDGER, self.id)

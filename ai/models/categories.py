"""What category suggestions keep of a company: what was confirmed, what was learned, and what is
suggested."""

from django.db import models
from django.db.models import Q
from pgvector.django import HalfVectorField

from ledger.ids import Prefix, encode_id
from ledger.tenancy import CompositeForeignKey, TenantModel, TenantPrimaryKey
from transactions.models import Transaction

# As `ai.categories.vectors.NEIGHBOUR_COLUMNS`, which a web worker loads only where it suggests.
WORDING_DIMENSIONS = 384


class Wording(TenantModel):
    """A text that confirmed transactions of the company have, any digit as good as another, with the vector
    by which texts that nobody has seen find it."""

    # A hash of the text: the key `pattern` of `ai.categories.texts.Keys`.
    pattern = models.BigIntegerField()
    vector = HalfVectorField(dimensions=WORDING_DIMENSIONS)

    class Meta:
        constraints = [
            TenantPrimaryKey(name="ai_wording_tenant_key"),
            models.UniqueConstraint(fields=["entity", "pattern"], name="wording_once"),
        ]

    def __str__(self) -> str:
        return str(self.pattern)


class ConfirmedTransaction(TenantModel):
    """A transaction of which a person or a rule said the category, with the keys by which like ones find
    it."""

    transaction = models.ForeignKey(
        Transaction, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    # No foreign key: what was learned of an account keeps nobody from deleting it, and is passed over then.
    account_id = models.UUIDField()
    confirmed_at = models.DateTimeField()
    date = models.DateField()
    # Positive where money left the company.
    amount = models.DecimalField(max_digits=20, decimal_places=4)
    # See `ai.categories.texts.Keys`.
    word = models.BigIntegerField()
    name = models.BigIntegerField()
    pattern = models.BigIntegerField()
    exact = models.BigIntegerField()

    class Meta:
        constraints = [
            TenantPrimaryKey(name="ai_confirmedtransaction_tenant_key"),
            CompositeForeignKey(
                fields=("entity", "transaction"),
                to="transactions.Transaction",
                to_fields=("entity", "id"),
                name="confirmed_transaction_fk",
            ),
            models.UniqueConstraint(fields=["entity", "transaction"], name="confirmed_once"),
        ]
        indexes = [
            # The newest of a key are read; the company's history in its order is the last one.
            models.Index(fields=["entity", "word", "date"], name="confirmed_by_word"),
            models.Index(fields=["entity", "name", "date"], name="confirmed_by_name"),
            models.Index(fields=["entity", "pattern", "date"], name="confirmed_by_pattern"),
            models.Index(fields=["entity", "exact", "date"], name="confirmed_by_exact"),
            models.Index(fields=["entity", "date", "transaction"], name="confirmed_in_order"),
        ]

    def __str__(self) -> str:
        return encode_id(Prefix.TRANSACTION, self.transaction_id)


class CategoryModel(TenantModel):
    """The linear model of a company, and how far its answers are taken in; one row."""

    # Answers up to then are among the confirmed transactions. Null before the first look.
    seen_through = models.DateTimeField(null=True)
    # `ai.categories.learned.Learned`, as bytes; null before the first training.
    stored = models.BinaryField(null=True)
    trained_at = models.DateTimeField(null=True)
    # How many confirmed transactions there were then.
    trained_on = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            TenantPrimaryKey(name="ai_categorymodel_tenant_key"),
            models.UniqueConstraint(fields=["entity"], name="categorymodel_once"),
        ]

    def __str__(self) -> str:
        return f"trained on {self.trained_on}"


class SuggestionSettings(TenantModel):
    """What a company wants done with suggestions; without a row nothing is applied by itself."""

    apply_automatically = models.BooleanField(default=False)
    # Suggestions at least that sure are applied, where that is on.
    threshold = models.DecimalField(max_digits=4, decimal_places=3)

    class Meta:
        constraints = [
            TenantPrimaryKey(name="ai_suggestionsettings_tenant_key"),
            models.UniqueConstraint(fields=["entity"], name="suggestionsettings_once"),
            models.CheckConstraint(
                condition=Q(threshold__gte="0.5", threshold__lte=1), name="suggestionsettings_threshold"
            ),
        ]

    def __str__(self) -> str:
        return f"at {self.threshold}" if self.apply_automatically else "by hand"


class SuggestionStatus(models.TextChoices):
    """What became of a suggestion."""

    WAITING = "waiting"
    # A person took it as it was.
    ACCEPTED = "accepted"
    # A person said another category.
    CORRECTED = "corrected"
    # It was sure enough, and the company wants such ones applied.
    APPLIED = "applied"


class Suggestion(TenantModel):
    """A category suggested for a transaction that has none; a newer suggestion replaces it while it waits."""

    transaction = models.ForeignKey(
        Transaction, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    # As in ConfirmedTransaction, no foreign keys.
    account_id = models.UUIDField()
    confidence = models.DecimalField(max_digits=5, decimal_places=4)
    reason = models.CharField(max_length=500)
    # The next best: a list of {"accountId" (a plain UUID), "confidence", "reason"}.
    others = models.JSONField(default=list)
    status = models.CharField(max_length=10, choices=SuggestionStatus, default=SuggestionStatus.WAITING)
    # What the transaction was put in.
    decided_account_id = models.UUIDField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.UUIDField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            TenantPrimaryKey(name="ai_suggestion_tenant_key"),
            CompositeForeignKey(
                fields=("entity", "transaction"),
                to="transactions.Transaction",
                to_fields=("entity", "id"),
                name="suggestion_transaction_fk",
            ),
            models.UniqueConstraint(fields=["entity", "transaction"], name="suggestion_once"),
            models.CheckConstraint(
                condition=Q(status__in=SuggestionStatus.values), name="suggestion_status_known"
            ),
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="suggestion_confidence_a_share"
            ),
        ]
        indexes = [
            models.Index(fields=["entity", "id"], condition=Q(status="waiting"), name="suggestion_waiting"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.SUGGESTION, self.id)

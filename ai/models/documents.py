"""What search by meaning keeps of a company's books; all of it can be made again from these."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from pgvector.django import HalfVectorField, HnswIndex

from ai.search.embedding import DIMENSIONS
from ledger.tenancy import CompositeForeignKey, TenantModel, TenantPrimaryKey


class SourceType(models.TextChoices):
    """What a document was made of."""

    TRANSACTION = "transaction"
    LEDGER_ACCOUNT = "ledger_account"
    REPORT = "report"


class Document(TenantModel):
    """A text of a company's books, with its meaning as a vector.

    Transactions that say the same (but for numbers, dates and references) and are booked on the same account
    share one document: rent has one, whatever the number of months (docs/decisions/0013). Accounts, the
    months' statements and their summaries have one each.
    """

    # Of a transaction the account that says what it was for, or both where neither alone does; of an account
    # itself. No foreign keys: an account may be deleted, and the next pass takes its documents away.
    account_ids = ArrayField(models.UUIDField())
    # What makes two texts the same, as a hash of it.
    key = models.UUIDField()
    # How `embedding` was made; other vectors than today's are made anew.
    version = models.IntegerField()
    # Whether it is in the graph of vectors: only in companies that have more documents than are quickly
    # compared one by one.
    in_graph = models.BooleanField()
    source_type = models.CharField(max_length=16, choices=SourceType)
    # Of a transaction "transfer" or the type of its category's account; of an account its type; of a report
    # which statement it is.
    document_type = models.CharField(max_length=20)
    # Up to four lines (ai/search/texts.py).
    text = models.TextField()
    embedding = HalfVectorField(dimensions=DIMENSIONS)

    class Meta:
        constraints = [
            TenantPrimaryKey(name="ai_document_tenant_key"),
            models.UniqueConstraint(fields=["entity", "source_type", "key"], name="document_once"),
            models.CheckConstraint(
                condition=Q(source_type__in=SourceType.values), name="document_source_type_known"
            ),
        ]
        indexes = [
            # Of all companies together, as such an index cannot begin with the company.
            HnswIndex(
                name="document_graph",
                fields=["embedding"],
                m=16,
                ef_construction=64,
                opclasses=["halfvec_ip_ops"],
                condition=Q(in_graph=True),
            ),
        ]

    def __str__(self) -> str:
        return self.text.partition("\n")[0]


class DocumentSource(TenantModel):
    """A transaction, account or statement that a document stands for; `id` is its own id."""

    document = models.ForeignKey(
        Document, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    # When the transaction took effect, the account was made, or the statement's period ends.
    time = models.DateTimeField()

    class Meta:
        constraints = [
            TenantPrimaryKey(name="ai_documentsource_tenant_key"),
            CompositeForeignKey(
                fields=("entity", "document"),
                to="ai.Document",
                to_fields=("entity", "id"),
                name="documentsource_document_fk",
            ),
        ]
        indexes = [models.Index(fields=["entity", "document", "time"], name="documentsource_by_time")]

    def __str__(self) -> str:
        return str(self.id)


class DocumentState(TenantModel):
    """How far a company's documents follow its books."""

    # Whatever was recorded or changed before is in.
    through = models.DateTimeField()
    # When every transaction was last compared with its document.
    checked_at = models.DateTimeField()
    version = models.IntegerField()
    in_graph = models.BooleanField()

    class Meta:
        constraints = [
            TenantPrimaryKey(name="ai_documentstate_tenant_key"),
            models.UniqueConstraint(fields=["entity"], name="documentstate_once"),
        ]

    def __str__(self) -> str:
        return f"documents through {self.through:%Y-%m-%d %H:%M}"

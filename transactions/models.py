"""The two-account transaction, its history, the journal entry that groups several, and views of the list."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from ledger.choices import ActorKind
from ledger.ids import Prefix, encode_id
from ledger.models import Ledger, User
from ledger.tenancy import CompositeForeignKey, TenantModel, TenantPrimaryKey
from transactions.choices import COUNTS_AS_PENDING, Change, Source, Status
from transactions.days import Hour, Week
from transactions.querysets import TransactionQuerySet

AMOUNT_DIGITS, AMOUNT_PLACES = 20, 4


class JournalEntry(TenantModel):
    """An accountant's entry of two or more lines, stored as linked two-account transactions."""

    ledger = models.ForeignKey(
        Ledger, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    description = models.CharField(max_length=1000, blank=True)
    date = models.DateField()
    # An import's own name of the entry: the same file twice makes nothing twice.
    external_id = models.CharField(max_length=255, null=True)
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)
    # In which order its lines were sent (`line_key`), since transactions have none. It only sorts what is
    # read: an account that an edit brings in is not among these.
    line_order = ArrayField(models.CharField(max_length=40), null=True)

    class Meta:
        verbose_name_plural = "journal entries"
        ordering = ["-date", "-id"]
        constraints = [
            TenantPrimaryKey(name="transactions_journalentry_tenant_key"),
            CompositeForeignKey(
                fields=("entity", "ledger"),
                to="ledger.Ledger",
                to_fields=("entity", "id"),
                name="journalentry_ledger_fk",
            ),
            models.UniqueConstraint(
                fields=["entity", "external_id"],
                condition=Q(external_id__isnull=False),
                name="journalentry_external_id_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.JOURNAL_ENTRY, self.id)


class TransactionState(TenantModel):
    """Everything that a transaction says at one moment: the columns of a transaction and of its former
    states alike."""

    # Of fixed width first, so that PostgreSQL need not pad between columns.
    ledger = models.ForeignKey(
        Ledger, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    debit_account = models.ForeignKey(
        Account, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    credit_account = models.ForeignKey(
        Account, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    # When it took effect in the world; `created_at` is when it was recorded here.
    timestamp = models.DateTimeField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    posted_at = models.DateTimeField(null=True)
    # A PENDING one expires by itself once this has passed.
    expires_at = models.DateTimeField(null=True)
    # When a person or a rule said which category it is; the model learns from these alone.
    categorized_at = models.DateTimeField(null=True)
    # An API key's or a person's id; null for a command or the system itself.
    created_by = models.UUIDField(null=True)
    journal_entry = models.ForeignKey(
        JournalEntry,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    # A reversal names what it reverses, and that names its reversal.
    reverses = models.ForeignKey(
        "transactions.Transaction",
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    reversed_by = models.ForeignKey(
        "transactions.Transaction",
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    # A posted transaction is moved to another category by a second one that names it.
    reclassifies = models.ForeignKey(
        "transactions.Transaction",
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    # The day of `timestamp` in the company's time zone: the day that it counts for in the totals.
    date = models.DateField()
    # > 0, in `currency`: it leaves the credit account and enters the debit account.
    amount = models.DecimalField(max_digits=AMOUNT_DIGITS, decimal_places=AMOUNT_PLACES)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status)
    source = models.CharField(max_length=10, choices=Source)
    external_id = models.CharField(max_length=255, null=True)
    counterparty = models.CharField(max_length=200)
    description = models.CharField(max_length=1000)
    metadata = models.JSONField(null=True)

    class Meta:
        abstract = True


def _account_fk(side: str) -> CompositeForeignKey:
    """Both accounts are of the transaction's own company, ledger and currency."""
    return CompositeForeignKey(
        fields=("entity", side, "ledger", "currency"),
        to="accounts.Account",
        to_fields=("entity", "id", "ledger", "currency"),
        name=f"transaction_{side}_fk",
    )


def _transaction_fk(link: str) -> CompositeForeignKey:
    return CompositeForeignKey(
        fields=("entity", link),
        to="transactions.Transaction",
        to_fields=("entity", "id"),
        name=f"transaction_{link}_fk",
    )


class Transaction(TransactionState):
    """One amount moved from a credit account to a debit account of the same company.

    It is the only thing that changes a balance, so the books balance by construction. Only the posting
    engine (`transactions.services`) writes here.
    """

    objects = TransactionQuerySet.as_manager()

    class Meta:
        ordering = ["-timestamp", "-id"]
        constraints = [
            TenantPrimaryKey(name="transactions_transaction_tenant_key"),
            _account_fk("debit_account"),
            _account_fk("credit_account"),
            CompositeForeignKey(
                fields=("entity", "journal_entry"),
                to="transactions.JournalEntry",
                to_fields=("entity", "id"),
                name="transaction_journal_entry_fk",
            ),
            _transaction_fk("reverses"),
            _transaction_fk("reversed_by"),
            _transaction_fk("reclassifies"),
            models.CheckConstraint(
                # numeric knows NaN (greater than all numbers) and Infinity: the upper bound refuses both.
                condition=Q(amount__gt=0, amount__lt=10**15),
                name="transaction_amount_positive",
            ),
            models.CheckConstraint(
                condition=~Q(debit_account=F("credit_account")), name="transaction_two_accounts"
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="transaction_status_known"),
            models.CheckConstraint(condition=Q(source__in=Source.values), name="transaction_source_known"),
            models.CheckConstraint(
                condition=Q(posted_at__isnull=False, status__in=[Status.POSTED, Status.REVERSED])
                | Q(posted_at__isnull=True, status__in=[*sorted(COUNTS_AS_PENDING), Status.EXPIRED]),
                name="transaction_posted_at_by_status",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.REVERSED, reversed_by__isnull=False)
                | (~Q(status=Status.REVERSED) & Q(reversed_by__isnull=True)),
                name="transaction_reversed_by_status",
            ),
            models.UniqueConstraint(
                fields=["entity", "external_id"],
                condition=Q(external_id__isnull=False),
                name="transaction_external_id_unique",
            ),
            models.UniqueConstraint(
                fields=["entity", "reverses"],
                condition=Q(reverses__isnull=False),
                name="transaction_reversed_once",
            ),
        ]
        indexes = [
            # The list, newest first, by keyset; those of one hour are sorted when read.
            models.Index("entity", Hour("timestamp"), name="transaction_by_hour"),
            models.Index("entity", "debit_account", Week("date"), name="transaction_by_debit"),
            models.Index("entity", "credit_account", Week("date"), name="transaction_by_credit"),
            # Nearly all are POSTED in the end; what waits, and the odd REVERSED or EXPIRED one, is few.
            # So approving writes one index entry less, and what is posted takes no room here.
            models.Index(
                fields=["entity", "status", "date"],
                condition=~Q(status=Status.POSTED),
                name="transaction_by_status",
            ),
            models.Index(fields=["entity", "counterparty"], name="transaction_by_counterparty"),
            models.Index(
                fields=["entity", "journal_entry"],
                condition=Q(journal_entry__isnull=False),
                name="transaction_by_journal_entry",
            ),
            models.Index(
                fields=["entity", "reclassifies"],
                condition=Q(reclassifies__isnull=False),
                name="transaction_by_reclassified",
            ),
            # Asked of every row that is deleted: does a reversed one still name it?
            models.Index(
                fields=["entity", "reversed_by"],
                condition=Q(reversed_by__isnull=False),
                name="transaction_by_reversal",
            ),
            # Suggestions learn from what was said since. Postings that nobody categorized take no room here.
            models.Index(
                fields=["entity", "categorized_at"],
                condition=Q(categorized_at__isnull=False),
                name="transaction_by_categorizing",
            ),
            models.Index(
                fields=["entity", "expires_at"],
                condition=Q(status=Status.PENDING, expires_at__isnull=False),
                name="transaction_by_expiry",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.TRANSACTION, self.id)


class Revision(TransactionState):
    """A former state of a transaction: what it said until `changed_at`, and who changed or deleted it.

    Nothing is ever forgotten: the books can be shown as they were known at any past moment. Rows are
    only ever added.
    """

    # No foreign key: the history outlives a deleted transaction.
    transaction_id = models.UUIDField()
    changed_at = models.DateTimeField()
    changed_by = models.UUIDField(null=True)
    changed_by_kind = models.CharField(max_length=10, choices=ActorKind)
    change = models.CharField(max_length=12, choices=Change)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-changed_at", "-id"]
        constraints = [TenantPrimaryKey(name="transactions_revision_tenant_key")]
        indexes = [
            models.Index(fields=["entity", "transaction_id", "changed_at"], name="revision_of_transaction"),
            models.Index(fields=["entity", "changed_at"], name="revision_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.change} {encode_id(Prefix.TRANSACTION, self.transaction_id)}"


class SavedView(TenantModel):
    """Filters of the list of transactions that a person keeps under a name, for one company. It is theirs
    alone."""

    # A person may be in several companies and their row is no company's, so the database does not prove it;
    # Django deletes the views with the person.
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    name = models.CharField(max_length=60)
    # The query string of the page, without the place in the list.
    query = models.CharField(max_length=1000)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            TenantPrimaryKey(name="transactions_savedview_tenant_key"),
            CompositeForeignKey(
                fields=("entity",), to="ledger.Entity", to_fields=("id",), name="savedview_entity_fk"
            ),
            models.UniqueConstraint(fields=["entity", "user", "name"], name="savedview_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name

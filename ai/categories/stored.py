"""Suggestions that are kept until somebody decides, and what is decided.

They are made after each sync, for transactions that are still uncategorized. A posted transaction is never
touched here: neither is anything suggested for it, nor is a suggestion taken that was made before it was
posted.
"""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.db.transaction import atomic

from accounts.chart_templates import SystemRole
from accounts.facts import facts_of_accounts
from ai.categories.confirmed import take_in
from ai.categories.suggesting import Suggested, Suggestions, Wanted, check_wanted, suggest
from ai.categories.texts import Line
from ai.categories.training import start_learning
from ai.models import Suggestion, SuggestionSettings, SuggestionStatus
from ledger import audit
from ledger.actors import SYSTEM, Actor
from ledger.api import json
from ledger.clock import utc_now
from ledger.db import compact, execute, fetch, uuid_array
from ledger.exceptions import ConflictError, LedgerError, NotFoundError
from ledger.ids import Prefix, decode_id, encode_id, new_id
from ledger.models import Entity
from transactions.choices import COUNTS_AS_PENDING
from transactions.rows import Row
from transactions.services import categorize_transactions
from transactions.services.changing import lock_transactions

# Nothing less sure is applied without a person, whatever is asked for.
THRESHOLD_MIN: Final = Decimal("0.5")
THRESHOLD: Final = Decimal("0.95")
# So many are accepted in one call.
ACCEPTED_MAX: Final = 5_000

_UNCATEGORIZED: Final = [SystemRole.UNCATEGORIZED_INCOME.value, SystemRole.UNCATEGORIZED_EXPENSE.value]
_OPEN: Final = sorted(state.value for state in COUNTS_AS_PENDING)

# Waiting for a category: not final, in an open period, with nobody having said what it was for.
# The literal lets the index of what is not posted be used, whatever plan there is.
_STILL_OPEN: Final = """
    AND t.status <> 'POSTED' AND t.status = ANY(%(open)s::text[]) AND t.categorized_at IS NULL
    AND (e.books_closed_through IS NULL OR t.date > e.books_closed_through)
    AND (d.role = ANY(%(roles)s::text[]) OR c.role = ANY(%(roles)s::text[]))
"""
_JOINED: Final = """
JOIN accounts_account d ON d.entity_id = t.entity_id AND d.id = t.debit_account_id
JOIN accounts_account c ON c.entity_id = t.entity_id AND c.id = t.credit_account_id
JOIN ledger_entity e ON e.id = t.entity_id
"""
_WANTED: Final = compact(f"""
SELECT t.id, t.description, t.counterparty, t.metadata->>'providerCategory', t.metadata->>'bankAccountId',
    t.amount, t.date, t.ledger_id, t.debit_account_id, t.credit_account_id,
    coalesce(d.role = ANY(%(roles)s::text[]), false)
FROM transactions_transaction t {_JOINED}
WHERE t.entity_id = %(entity)s::uuid {_STILL_OPEN}
    AND (%(ids)s::uuid[] IS NULL OR t.id = ANY(%(ids)s::uuid[]))
    AND (%(before)s::uuid IS NULL OR t.id < %(before)s::uuid)
ORDER BY t.id DESC LIMIT %(limit)s::int
""")
# What was decided stays decided; a transaction that was deleted meanwhile needs no suggestion. Nor is one
# waited for that is being deleted: should it stay all the same, the next look at it keeps one.
_KEEP: Final = compact("""
WITH there AS MATERIALIZED (
    SELECT id FROM transactions_transaction
    WHERE entity_id = %(entity)s::uuid AND id = ANY(%(transactions)s::uuid[]) ORDER BY id
    FOR KEY SHARE SKIP LOCKED
)
INSERT INTO ai_suggestion (entity_id, id, transaction_id, account_id, confidence, reason, others, status,
    created_at)
SELECT %(entity)s::uuid, w.id, w.transaction_id, w.account_id, w.confidence, w.reason, w.others::jsonb,
    'waiting', %(now)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(transactions)s::uuid[], %(accounts)s::uuid[], %(confidences)s::numeric[],
    %(reasons)s::text[], %(others)s::text[])
    AS w (id, transaction_id, account_id, confidence, reason, others)
JOIN there ON there.id = w.transaction_id
ON CONFLICT (entity_id, transaction_id) DO UPDATE SET account_id = excluded.account_id,
    confidence = excluded.confidence, reason = excluded.reason, others = excluded.others,
    created_at = excluded.created_at
WHERE ai_suggestion.status = 'waiting'
""")
_WAITING: Final = compact(f"""
SELECT s.id, s.transaction_id, s.account_id, s.confidence, s.reason, s.others::text, s.created_at, t.date,
    t.amount, t.currency, t.description, t.counterparty
FROM ai_suggestion s
JOIN transactions_transaction t ON t.entity_id = s.entity_id AND t.id = s.transaction_id {_JOINED}
WHERE s.entity_id = %(entity)s::uuid AND s.status = 'waiting' {_STILL_OPEN}
    AND (%(before)s::uuid IS NULL OR s.id < %(before)s::uuid)
    AND (%(least)s::numeric IS NULL OR s.confidence >= %(least)s::numeric)
ORDER BY s.id DESC LIMIT %(limit)s::int
""")
_DECIDE: Final = compact("""
UPDATE ai_suggestion s SET status = %(status)s::text, decided_account_id = w.account_id,
    decided_at = %(now)s::timestamptz, decided_by = %(by)s::uuid
FROM unnest(%(ids)s::uuid[], %(accounts)s::uuid[]) AS w (id, account_id)
WHERE s.entity_id = %(entity)s::uuid AND s.id = w.id
""")


class Waiting(NamedTuple):
    """A suggestion that waits, with what its transaction says."""

    id: UUID
    transaction_id: UUID
    account_id: UUID
    confidence: Decimal
    reason: str
    others: Any
    created_at: Any
    date: Any
    amount: Decimal
    currency: str
    description: str
    counterparty: str


class AlreadyDecidedError(ConflictError):
    """Somebody was first, or the transaction is not waiting any more."""


class SuggestionNotFoundError(NotFoundError):
    def __init__(self, suggestion_id: UUID) -> None:
        super().__init__(
            f"There is no suggestion {encode_id(Prefix.SUGGESTION, suggestion_id)}; "
            "GET /v1/ai/suggestions lists those that wait."
        )


# --- making ----------------------------------------------------------------------------------------


class Uncategorized(NamedTuple):
    """A transaction that waits for a category."""

    id: UUID
    wanted: Wanted


def uncategorized(
    entity: Entity, *, ids: Collection[UUID] | None = None, before: UUID | None = None, limit: int
) -> list[Uncategorized]:
    """Transactions that wait for a category, of `ids` or all, the newest first, from behind `before`."""
    rows = fetch(
        _WANTED,
        {
            "entity": entity.id,
            "ids": None if ids is None else uuid_array(ids),
            "before": before,
            "limit": limit,
            "open": _OPEN,
            "roles": _UNCATEGORIZED,
        },
    )
    return [_as_uncategorized(row) for row in rows]


def _as_uncategorized(row: Sequence[Any]) -> Uncategorized:
    id_, description, counterparty, provider, bank_account, amount, day, ledger_id, debit, credit, is_out = (
        row
    )
    return Uncategorized(
        id_,
        Wanted(
            Line(description, counterparty, provider or "", amount if is_out else -amount),
            ledger_id,
            day,
            credit if is_out else debit,
            named_bank_account(bank_account),
        ),
    )


def named_bank_account(text: object) -> UUID | None:
    """The bank account that the metadata names; a caller may have written anything there."""
    if not text or not isinstance(text, str):
        return None
    try:
        return decode_id(Prefix.BANK_ACCOUNT, text, field="bankAccountId")
    except LedgerError:
        return None


def suggest_and_keep(entity: Entity, waiting: Sequence[Uncategorized]) -> int:
    """Suggest categories for transactions and keep the suggestions; apply those that are sure enough, where
    the company wants that. Returns how many were applied."""
    made = list(zip(waiting, suggest(entity, [one.wanted for one in waiting]), strict=True))
    keep(entity, [(one.id, its) for one, its in made if its.best])
    return apply_sure_ones(entity, [one.id for one, _ in made])


def keep(entity: Entity, made: Sequence[tuple[UUID, Suggestions]]) -> None:
    """Keep suggestions by the ids of their transactions, in place of older ones that still wait."""
    if not made:
        return
    made = sorted(made, key=lambda one: one[0])
    execute(
        _KEEP,
        {
            "entity": entity.id,
            "now": utc_now(),
            "ids": uuid_array(new_id() for _ in made),
            "transactions": uuid_array(id_ for id_, _ in made),
            "accounts": uuid_array(its.best[0].account_id for _, its in made),
            "confidences": [Decimal(str(its.best[0].confidence)) for _, its in made],
            "reasons": [its.best[0].reason for _, its in made],
            "others": [json.encode([_other(one) for one in its.best[1:]]).decode() for _, its in made],
        },
    )


def _other(one: Suggested) -> dict[str, Any]:
    return {
        "accountId": str(one.account_id),
        "confidence": Decimal(str(one.confidence)),
        "reason": one.reason,
    }


def settings_of(entity: Entity) -> SuggestionSettings:
    """What the company wants done with suggestions; unsaved where it never said."""
    found = SuggestionSettings.objects.filter(entity_id=entity.id).first()
    return found or SuggestionSettings(entity_id=entity.id, threshold=THRESHOLD)


@atomic
def update_settings(
    *, entity: Entity, apply_automatically: bool | None, threshold: Decimal | None, actor: Actor
) -> SuggestionSettings:
    """Change what is given (None leaves a setting as it is), and record who did."""
    SuggestionSettings.objects.bulk_create(
        [SuggestionSettings(entity_id=entity.id, threshold=THRESHOLD)], ignore_conflicts=True
    )
    settings = SuggestionSettings.objects.select_for_update().get(entity_id=entity.id)
    before = {"applyAutomatically": settings.apply_automatically, "threshold": str(settings.threshold)}
    if apply_automatically is not None:
        settings.apply_automatically = apply_automatically
    if threshold is not None:
        settings.threshold = threshold
    settings.save()
    after = {"applyAutomatically": settings.apply_automatically, "threshold": str(settings.threshold)}
    if before != after:
        audit.record(
            entity=entity,
            actor=actor,
            action="ai.settings.updated",
            object_type="suggestion_settings",
            object_id=entity.public_id,
            before=before,
            after=after,
        )
    return settings


def apply_sure_ones(entity: Entity, transaction_ids: Collection[UUID]) -> int:
    """Apply waiting suggestions of these transactions that are sure enough, where the company wants it."""
    settings = settings_of(entity)
    if not settings.apply_automatically or not entity.smart_suggestions:
        return 0
    found = Suggestion.objects.filter(
        entity_id=entity.id,
        transaction_id__in=list(transaction_ids),
        status=SuggestionStatus.WAITING,
        confidence__gte=settings.threshold,
    ).values_list("id", flat=True)
    return len(_take(entity, list(found), SuggestionStatus.APPLIED, SYSTEM)[0])


# --- reading ---------------------------------------------------------------------------------------


def waiting_suggestions(
    entity: Entity, *, before: UUID | None = None, least: Decimal | None = None, limit: int
) -> list[Waiting]:
    """Suggestions that wait for a person, the newest first: of transactions that still are uncategorized and
    may be categorized."""
    rows = fetch(
        _WAITING,
        {
            "entity": entity.id,
            "before": before,
            "least": least,
            "limit": limit,
            "open": _OPEN,
            "roles": _UNCATEGORIZED,
        },
    )
    return [Waiting(*row)._replace(others=json.decode(row[5].encode())) for row in rows]


def find_suggestion(entity: Entity, suggestion_id: UUID) -> Suggestion:
    """The suggestion of that id. Raises SuggestionNotFoundError, also for another company's."""
    found = Suggestion.objects.filter(entity_id=entity.id, id=suggestion_id).first()
    if found is None:
        raise SuggestionNotFoundError(suggestion_id)
    return found


# --- deciding --------------------------------------------------------------------------------------


def accept_suggestion(*, entity: Entity, suggestion_id: UUID, actor: Actor) -> Row:
    """Put the transaction in the account that was suggested, and learn from it.

    Raises SuggestionsOffError, SuggestionNotFoundError, AlreadyDecidedError (of two racing calls exactly one
    gets through), and what categorizing raises.
    """
    check_wanted(entity)
    return _decide(entity, suggestion_id, None, actor)


def correct_suggestion(*, entity: Entity, suggestion_id: UUID, category_id: UUID, actor: Actor) -> Row:
    """Put the transaction in another account than the suggested one, and learn from it. Raises as
    `accept_suggestion` does, and AccountNotFoundError."""
    check_wanted(entity)
    return _decide(entity, suggestion_id, category_id, actor)


def _decide(entity: Entity, suggestion_id: UUID, category_id: UUID | None, actor: Actor) -> Row:
    suggestion = find_suggestion(entity, suggestion_id)
    status = SuggestionStatus.ACCEPTED if category_id is None else SuggestionStatus.CORRECTED
    with atomic():
        # Transactions before everything else, as whoever changes them does.
        row = lock_transactions(entity, [suggestion.transaction_id]).get(suggestion.transaction_id)
        if row is None:
            # Deleted since the suggestion was found, which went with it.
            raise SuggestionNotFoundError(suggestion_id)
        suggestion = Suggestion.objects.select_for_update(of=("self",)).get(
            entity_id=entity.id, id=suggestion_id
        )
        _check_waiting(suggestion, row)
        account_id = category_id or suggestion.account_id
        [row] = categorize_transactions(
            entity=entity, ids=[suggestion.transaction_id], category_id=account_id, actor=actor
        )
        _mark(entity, {suggestion.id: account_id}, status, actor)
        learn_from(entity, [suggestion.transaction_id])
    return row


def _check_waiting(suggestion: Suggestion, row: Row) -> None:
    if suggestion.status != SuggestionStatus.WAITING:
        raise AlreadyDecidedError(
            f"Suggestion {suggestion.public_id} was {suggestion.status} already; "
            "POST /v1/transactions/categorize changes the category."
        )
    if row.status not in COUNTS_AS_PENDING:
        raise AlreadyDecidedError(
            f"Transaction {encode_id(Prefix.TRANSACTION, row.id)} is {row.status}, and suggestions never "
            "touch such ones; POST /v1/transactions/categorize reclassifies a posted one."
        )
    if row.categorized_at is not None:
        raise AlreadyDecidedError(
            f"Transaction {encode_id(Prefix.TRANSACTION, row.id)} was categorized already; "
            "POST /v1/transactions/categorize changes it."
        )


class Accepted(NamedTuple):
    """What became of many suggestions."""

    transaction_ids: list[UUID]
    # By the id of the suggestion.
    faults: dict[UUID, LedgerError]
    # Whether another call may accept more; not where this one could take none.
    has_more: bool = False


def accept_sure_ones(*, entity: Entity, least: Decimal, actor: Actor) -> Accepted:
    """Accept every waiting suggestion with a confidence of at least `least`, at most ACCEPTED_MAX.

    One that cannot be taken (its period was closed meanwhile, its account too) is left waiting, and told.
    """
    check_wanted(entity)
    found = waiting_suggestions(entity, least=least, limit=ACCEPTED_MAX)
    taken, faults = _take(entity, [one.id for one in found], SuggestionStatus.ACCEPTED, actor)
    return Accepted(taken, faults, has_more=len(found) == ACCEPTED_MAX and bool(taken))


def _take(
    entity: Entity, ids: Sequence[UUID], status: SuggestionStatus, actor: Actor
) -> tuple[list[UUID], dict[UUID, LedgerError]]:
    """Put transactions in the suggested accounts, account by account, each group in a database
    transaction."""
    wanted = Suggestion.objects.filter(entity_id=entity.id, id__in=list(ids))
    groups: dict[UUID, list[Suggestion]] = {}
    for suggestion in wanted.order_by("transaction_id"):
        groups.setdefault(suggestion.account_id, []).append(suggestion)
    taken: list[UUID] = []
    faults: dict[UUID, LedgerError] = {}
    for account_id, group in groups.items():
        try:
            taken += _take_group(entity, account_id, group, status, actor)
        except LedgerError:
            # One of them cannot be taken: find out which.
            for suggestion in group:
                try:
                    taken += _take_group(entity, account_id, [suggestion], status, actor)
                except LedgerError as fault:
                    faults[suggestion.id] = fault
    return taken, faults


@atomic
def _take_group(
    entity: Entity, account_id: UUID, group: Sequence[Suggestion], status: SuggestionStatus, actor: Actor
) -> list[UUID]:
    rows = lock_transactions(entity, [one.transaction_id for one in group])
    locked: QuerySet[Suggestion] = Suggestion.objects.select_for_update(of=("self",)).filter(
        entity_id=entity.id,
        id__in=[one.id for one in group],
        account_id=account_id,
        status=SuggestionStatus.WAITING,
    )
    still = [
        one
        for one in locked.order_by("id")
        if (row := rows.get(one.transaction_id)) is not None
        and row.status in COUNTS_AS_PENDING
        and row.categorized_at is None
    ]
    ids = [one.transaction_id for one in still]
    if not ids:
        return []
    categorize_transactions(entity=entity, ids=ids, category_id=account_id, actor=actor)
    _mark(entity, {one.id: account_id for one in still}, status, actor)
    if status is not SuggestionStatus.APPLIED:
        learn_from(entity, ids)
    return ids


def _mark(entity: Entity, accounts: dict[UUID, UUID], status: SuggestionStatus, actor: Actor) -> None:
    execute(
        _DECIDE,
        {
            "entity": entity.id,
            "ids": uuid_array(accounts),
            "accounts": uuid_array(accounts.values()),
            "status": status.value,
            "now": utc_now(),
            "by": actor.id,
        },
    )


def learn_from(entity: Entity, ids: Collection[UUID]) -> None:
    """Take in what was just said of transactions, and let the model follow."""
    new, _ = take_in(entity, ids=ids)
    if new:
        start_learning(entity)


def names_of(entity: Entity, account_ids: Collection[UUID]) -> dict[UUID, tuple[str, str | None]]:
    """Name and code of accounts, by id."""
    facts = facts_of_accounts(entity, account_ids)
    return {id_: (one.name, None if one.code is None else str(one.code)) for id_, one in facts.items()}

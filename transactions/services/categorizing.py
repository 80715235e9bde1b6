"""Saying what transactions were for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.transaction import atomic

from accounts.facts import AccountFacts, facts_of_accounts
from ledger.actors import Actor
from ledger.api import json
from ledger.clock import utc_now
from ledger.exceptions import Detail, ValidationError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.times import day_of
from transactions.category_side import Side, category_side
from transactions.choices import Change, Source, Status
from transactions.drafts import Draft
from transactions.exceptions import (
    AccountNotFoundError,
    IllegalMoveError,
    TransactionNotFoundError,
    UnclearCategoryError,
)
from transactions.rows import Row
from transactions.services.batches import post_batch
from transactions.services.changing import closed_through, lock_transactions
from transactions.services.editing import announce_edits
from transactions.services.posting import account_fault, metadata_text
from transactions.services.rewriting import rewrite_transactions
from transactions.standing import Move, Standing, moves_between, standings


def categorize_transactions(
    *,
    entity: Entity,
    ids: Sequence[UUID],
    category_id: UUID,
    actor: Actor,
    on: datetime | None = None,
    reason: str = "",
) -> list[Row]:
    """Move the side of each transaction that says what it was for to the account `category_id`; all or
    none. Returns them as they then are, in the order of `ids`.

    Of a POSTED one nothing is moved: a second transaction, linked to it by `reclassifies`, posts the
    amount from its present category to the new one (one for each part where it stands split), dated `on`,
    else as the original, or today where that day is closed. Either way the choice is remembered:
    `categorized_at`, and `categoryId` and `categoryName` in the metadata.

    Raises TransactionNotFoundError, AccountNotFoundError, IllegalMoveError for a REVERSED one,
    UnclearCategoryError where no side is clearly the one, ValidationError where `on` lies before a posted
    one's day, AccountClosedError, PeriodClosedError, and what an app above refuses it with
    (`transactions.signals`).
    """
    with atomic():
        rows = lock_transactions(entity, ids)
        now = utc_now()  # after the lock, so that the history is in the order in which things happened
        category = facts_of_accounts(entity, [category_id]).get(category_id)
        if category is None:
            raise AccountNotFoundError(category_id, field="categoryId")
        for transaction_id in ids:
            if transaction_id not in rows:
                raise TransactionNotFoundError(transaction_id)
        choice = Choice(entity, category, now, on, closed_through(entity))
        standing = posted_standings(entity, rows.values())
        categorized: dict[UUID, Row] = {}
        corrections: list[Draft] = []
        unchecked: list[Row] = []
        for transaction_id in dict.fromkeys(ids):
            row = rows[transaction_id]
            chosen, its_corrections = choice.of(row, standing.get(row.id))
            corrections += its_corrections
            if row.status != Status.POSTED:
                unchecked.append(chosen)
            categorized[transaction_id] = chosen
        _check_accounts(entity, unchecked)
        announce_edits(entity, [(rows[chosen.id], chosen) for chosen in unchecked], actor)
        rewrite_transactions(
            entity=entity,
            rows=list(categorized.values()),
            change=Change.CATEGORIZED,
            actor=actor,
            now=now,
            reason=reason,
        )
        faults = post_batch(entity=entity, drafts=corrections, actor=actor) if corrections else {}
        for fault in faults.values():
            raise fault
    return [categorized[transaction_id] for transaction_id in ids]


@dataclass(frozen=True, slots=True)
class Choice:
    """A category that is chosen for transactions at a moment, and what that makes of each."""

    entity: Entity
    category: AccountFacts
    now: datetime
    # When posted ones are moved; None for their own day, or today where that is closed.
    on: datetime | None
    closed_through: date | None

    def of(self, row: Row, standing: Standing | None) -> tuple[Row, list[Draft]]:
        """The transaction as it then is, and what is posted beside it. `standing` is where the amount of a
        posted one stands (`posted_standings`).

        Raises IllegalMoveError, UnclearCategoryError, ValidationError. Nothing is checked against accounts
        and periods.
        """
        if row.status == Status.REVERSED:
            raise IllegalMoveError(row.id, row.status, "recategorized")
        side = side_of(row)
        chosen = with_category(row, self.category, self.now)
        if row.status != Status.POSTED:
            return between(chosen, side, self.category), []
        assert standing is not None, "it was asked for all posted ones"
        wanted = {self.category.id: row.amount}
        return chosen, corrections_of(
            self.entity, row, side, moves_between(standing, wanted), self.now, self.on, self.closed_through
        )


def posted_standings(entity: Entity, rows: Iterable[Row]) -> dict[UUID, Standing]:
    """Where the amounts of those that are POSTED stand, on the side that says what each was for; one query,
    or none. One without such a side is left out."""
    posted = [row for row in rows if row.status == Status.POSTED]
    sides = {row.id: side for row in posted if (side := _clear_side(row)) is not None}
    return standings(entity, posted, sides)


def unclear_category(transaction_id: UUID, debit_name: str, credit_name: str) -> UnclearCategoryError:
    """The error of a transaction of which neither side is clearly the one to categorize."""
    message = (
        f"Transaction {encode_id(Prefix.TRANSACTION, transaction_id)} moves money between {debit_name} and "
        f"{credit_name}: neither side is clearly the one to categorize. Name its debit and credit "
        "accounts instead (POST /v1/transactions/edit changes them)."
    )
    return UnclearCategoryError(message, details=[Detail("categoryId", message)])


def side_of(row: Row) -> Side:
    """The side that says what a transaction was for. Raises UnclearCategoryError."""
    side = _clear_side(row)
    if side is None:
        raise unclear_category(row.id, row.debit_name, row.credit_name)
    return side


def _clear_side(row: Row) -> Side | None:
    return category_side(row.debit_type, row.debit_financial_type, row.credit_type, row.credit_financial_type)


def corrections_of(
    entity: Entity,
    row: Row,
    side: Side,
    moves: Sequence[Move],
    now: datetime,
    on: datetime | None,
    closed: date | None,
) -> list[Draft]:
    """The transactions that move parts of the amount of a posted `row` from account to account.

    Raises ValidationError, naming `date`, where `on` lies before the day of `row`.
    """
    if on is not None and day_of(on, entity.zone) < row.date:
        raise ValidationError.of(
            "date",
            f"{day_of(on, entity.zone)} lies before the original's day; reclassify it on {row.date} or "
            "later.",
        )
    is_own_day = on is None and (closed is None or row.date > closed)
    timestamp = row.timestamp if is_own_day else on or now
    day = row.date if is_own_day else day_of(timestamp, entity.zone)
    return [
        Draft(
            debit_account_id=move.to_id if side == "debit" else move.from_id,
            credit_account_id=move.from_id if side == "debit" else move.to_id,
            amount=move.amount,
            currency=row.currency,
            timestamp=timestamp,
            date=day,
            status=Status.POSTED,
            source=Source.SYSTEM,
            description=f"Reclassified: {row.description}"[:1000],
            counterparty=row.counterparty,
            reclassifies_id=row.id,
        )
        for move in moves
    ]


def _check_accounts(entity: Entity, rows: list[Row]) -> None:
    ids = {row.debit_account_id for row in rows} | {row.credit_account_id for row in rows}
    accounts = facts_of_accounts(entity, ids)
    for row in rows:
        fault = account_fault(row, accounts)
        if fault is not None:
            raise fault


def between(row: Row, side: Side, category: AccountFacts) -> Row:
    """The transaction with another account on that side."""
    moved: dict[str, Any] = {
        f"{side}_account_id": category.id,
        f"{side}_name": category.name,
        f"{side}_type": category.type,
        f"{side}_financial_type": category.financial_type,
        f"{side}_code": category.code,
    }
    return row._replace(**moved)


def with_category(row: Row, category: AccountFacts, now: datetime) -> Row:
    """The transaction with the choice remembered."""
    return row._replace(categorized_at=now, updated_at=now, metadata=_with_category(row.metadata, category))


def _with_category(metadata: str | None, category: AccountFacts) -> str | None:
    known = json.decode(metadata.encode()) if metadata else {}
    chosen = {"categoryId": encode_id(Prefix.ACCOUNT, category.id), "categoryName": category.name}
    return metadata_text(known | chosen)

"""Saying what transactions were for."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db.transaction import atomic

from accounts.facts import AccountFacts, facts_of_accounts
from ledger.actors import Actor
from ledger.api import json
from ledger.clock import utc_now
from ledger.db import fetch, uuid_array
from ledger.exceptions import Detail
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.times import day_of
from transactions.category_side import category_side
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

# The newest reclassification of each transaction says where its amount stands now.
_RECLASSIFIED_TO: Final = """
SELECT DISTINCT ON (reclassifies_id) reclassifies_id, debit_account_id, credit_account_id
FROM transactions_transaction
WHERE entity_id = %(entity)s::uuid AND reclassifies_id = ANY(%(ids)s::uuid[]) AND status = 'POSTED'
ORDER BY reclassifies_id, id DESC
"""


def categorize_transactions(
    *, entity: Entity, ids: Sequence[UUID], category_id: UUID, actor: Actor
) -> list[Row]:
    """Move the side of each transaction that says what it was for to the account `category_id`; all or
    none. Returns them as they then are, in the order of `ids`.

    Of a POSTED one nothing is moved: a second transaction, linked to it by `reclassifies`, posts the
    amount from its present category to the new one, dated as the original, or today where that day is
    closed. Either way the choice is remembered: `categorized_at`, and `categoryId` and `categoryName`
    in the metadata.

    Raises TransactionNotFoundError, AccountNotFoundError, IllegalMoveError for a REVERSED one,
    UnclearCategoryError where no side is clearly the one, AccountClosedError, PeriodClosedError, and what an
    app above refuses it with (`transactions.signals`).
    """
    with atomic():
        rows = lock_transactions(entity, ids)
        now = utc_now()  # after the lock, so that the history is in the order in which things happened
        closed = closed_through(entity)
        category = facts_of_accounts(entity, [category_id]).get(category_id)
        if category is None:
            raise AccountNotFoundError(category_id, field="categoryId")
        reclassified = _reclassified_to(
            entity, [row.id for row in rows.values() if row.status == Status.POSTED]
        )
        categorized: dict[UUID, Row] = {}
        corrections: list[Draft] = []
        unchecked: list[Row] = []
        for transaction_id in dict.fromkeys(ids):
            if transaction_id not in rows:
                raise TransactionNotFoundError(transaction_id)
            row = rows[transaction_id]
            if row.status == Status.REVERSED:
                raise IllegalMoveError(row.id, row.status, "recategorized")
            side = _side(row)
            chosen = row._replace(
                categorized_at=now, updated_at=now, metadata=_with_category(row.metadata, category)
            )
            if row.status == Status.POSTED:
                present = reclassified.get(row.id, {}).get(side) or getattr(row, f"{side}_account_id")
                if present != category.id:
                    corrections.append(_correction(entity, row, side, present, category, now, closed))
            else:
                chosen = _moved(chosen, side, category)
                unchecked.append(chosen)
            categorized[transaction_id] = chosen
        _check_accounts(entity, unchecked)
        announce_edits(entity, [(rows[chosen.id], chosen) for chosen in unchecked], actor)
        rewrite_transactions(
            entity=entity, rows=list(categorized.values()), change=Change.CATEGORIZED, actor=actor, now=now
        )
        faults = post_batch(entity=entity, drafts=corrections, actor=actor) if corrections else {}
        for fault in faults.values():
            raise fault
    return [categorized[transaction_id] for transaction_id in ids]


def unclear_category(transaction_id: UUID, debit_name: str, credit_name: str) -> UnclearCategoryError:
    """The error of a transaction of which neither side is clearly the one to categorize."""
    message = (
        f"Transaction {encode_id(Prefix.TRANSACTION, transaction_id)} moves money between {debit_name} and "
        f"{credit_name}: neither side is clearly the one to categorize. Name its debit and credit "
        "accounts instead (POST /v1/transactions/edit changes them)."
    )
    return UnclearCategoryError(message, details=[Detail("categoryId", message)])


def _side(row: Row) -> str:
    side = category_side(row.debit_type, row.debit_financial_type, row.credit_type, row.credit_financial_type)
    if side is None:
        raise unclear_category(row.id, row.debit_name, row.credit_name)
    return side


def _reclassified_to(entity: Entity, ids: list[UUID]) -> dict[UUID, dict[str, UUID]]:
    """Of reclassified transactions, the accounts of the newest reclassification, by side."""
    if not ids:
        return {}
    found = fetch(_RECLASSIFIED_TO, {"entity": entity.id, "ids": uuid_array(ids)})
    return {original: {"debit": debit, "credit": credit} for original, debit, credit in found}


def _correction(
    entity: Entity,
    row: Row,
    side: str,
    present: UUID,
    category: AccountFacts,
    now: datetime,
    closed: date | None,
) -> Draft:
    """The transaction that moves the amount of `row` from its present category to the new one."""
    debit, credit = (category.id, present) if side == "debit" else (present, category.id)
    is_open = closed is None or row.date > closed
    timestamp = row.timestamp if is_open else now
    return Draft(
        debit_account_id=debit,
        credit_account_id=credit,
        amount=row.amount,
        currency=row.currency,
        timestamp=timestamp,
        date=row.date if is_open else day_of(now, entity.zone),
        status=Status.POSTED,
        source=Source.SYSTEM,
        description=f"Reclassified: {row.description}"[:1000],
        counterparty=row.counterparty,
        reclassifies_id=row.id,
    )


def _check_accounts(entity: Entity, rows: list[Row]) -> None:
    ids = {row.debit_account_id for row in rows} | {row.credit_account_id for row in rows}
    accounts = facts_of_accounts(entity, ids)
    for row in rows:
        fault = account_fault(row, accounts)
        if fault is not None:
            raise fault


def _moved(row: Row, side: str, category: AccountFacts) -> Row:
    moved: dict[str, Any] = {
        f"{side}_account_id": category.id,
        f"{side}_name": category.name,
        f"{side}_type": category.type,
        f"{side}_financial_type": category.financial_type,
        f"{side}_code": category.code,
    }
    return row._replace(**moved)


def _with_category(metadata: str | None, category: AccountFacts) -> str | None:
    known = json.decode(metadata.encode()) if metadata else {}
    chosen = {"categoryId": encode_id(Prefix.ACCOUNT, category.id), "categoryName": category.name}
    return metadata_text(known | chosen)

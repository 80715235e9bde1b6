"""Changing and deleting what is not yet final."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db.transaction import atomic

from accounts.facts import AccountFacts, facts_of_accounts
from accounts.totals import ADD_EFFECT_TO_TOTALS, SLOTS
from ledger.actors import Actor
from ledger.api import json
from ledger.clock import utc_now
from ledger.db import compact, execute, slot, uuid_array
from ledger.exceptions import ConflictError
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import Entity
from ledger.money import parse_amount
from transactions.choices import FINAL, MOVES, Change, Source, Status
from transactions.effects import effect_of
from transactions.exceptions import (
    FinalError,
    IllegalMoveError,
    TransactionNotFoundError,
    refusals_in_words,
)
from transactions.rows import Row
from transactions.services.changing import HISTORY, lock_transactions
from transactions.services.entries import delete_entries, whole_entries
from transactions.services.posting import account_fault, metadata_text
from transactions.services.rewriting import rewrite_transactions
from transactions.signals import transactions_deleting, transactions_editing

# Contract, section 5: which states an edit may set. POSTED comes by approving, REVERSED by reversing.
STATES_BY_EDIT: Final = frozenset({Status.CLEARED, Status.RECONCILED, Status.EXPIRED})
_SET_BY: Final = {
    Status.POSTED: "approve it (PUT /v1/transactions/approve)",
    Status.REVERSED: "reverse it (POST /v1/transactions/{id}/reverse)",
}

_DELETE: Final = compact(f"""
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::uuid[], %(revision_ids)s::uuid[]) AS w (id, revision_id)
),
before AS MATERIALIZED (
    SELECT t.*, w.revision_id FROM wanted w
    JOIN transactions_transaction t ON t.entity_id = %(entity)s::uuid AND t.id = w.id
),
{HISTORY},
gone AS (
    DELETE FROM transactions_transaction t
    WHERE t.entity_id = %(entity)s::uuid AND t.id = ANY(%(ids)s::uuid[])
),
effect AS ({effect_of("before", undone=True)}),
{ADD_EFFECT_TO_TOTALS}
SELECT 1
""")


_SORTED_JSON: Final = msgspec.json.Encoder(decimal_format="number", order="sorted")


class Unchanged:
    """Marks a field that an edit leaves as it is, where None would mean to clear it."""

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = Unchanged()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The fields that an edit sets; the others stay."""

    debit_account_id: UUID | Unchanged = UNCHANGED
    credit_account_id: UUID | Unchanged = UNCHANGED
    # Signed: a negative amount swaps the two accounts.
    amount: Decimal | Unchanged = UNCHANGED
    timestamp: datetime | Unchanged = UNCHANGED
    # The day of `timestamp`; given with it and only with it.
    date: "date | Unchanged" = UNCHANGED
    status: Status | Unchanged = UNCHANGED
    description: str | Unchanged = UNCHANGED
    counterparty: str | Unchanged = UNCHANGED
    metadata: dict[str, Any] | Unchanged | None = UNCHANGED
    expires_at: datetime | Unchanged | None = UNCHANGED


def edit_transaction(*, entity: Entity, transaction_id: UUID, edit: Edit, actor: Actor) -> Row:
    """Set the fields of `edit` on a transaction; returns it as it then is.

    Of a POSTED or REVERSED one only description, counterparty and metadata can be set: what they say
    about money is final. An edit that changes nothing leaves no trace.

    Raises TransactionNotFoundError, FinalError, IllegalMoveError, PeriodClosedError (for the old day as
    for the new), AccountNotFoundError, AccountClosedError, ValidationError where the accounts do not go
    together, and what an app above refuses it with (`transactions.signals`).
    """
    return edit_transactions(entity=entity, edits={transaction_id: edit}, actor=actor)[transaction_id]


def edit_transactions(
    *, entity: Entity, edits: Mapping[UUID, Edit], actor: Actor, reason: str = ""
) -> dict[UUID, Row]:
    """Edit many, as `edit_transaction` does one: all or none, in as many statements. Returns them by id."""
    with atomic():
        rows = lock_transactions(entity, list(edits))
        pairs = []
        for transaction_id, edit in edits.items():
            row = rows.get(transaction_id)
            if row is None:
                raise TransactionNotFoundError(transaction_id)
            if isinstance(edit.amount, Decimal):
                parse_amount(edit.amount, currency=row.currency, field="amount")
            edited = _edited(row, edit)
            if edited != row:
                _check_state(row, edited)
                pairs.append((row, edited))
        if not pairs:
            return rows
        now = utc_now()
        changed = [row._replace(updated_at=now) for row in _with_accounts(entity, pairs)]
        for row in changed:
            _check_entry(rows[row.id], row)
        announce_edits(entity, [(rows[row.id], row) for row in changed], actor)
        rewrite_transactions(
            entity=entity, rows=changed, change=Change.EDITED, actor=actor, now=now, reason=reason
        )
    return rows | {row.id: row for row in changed}


def announce_edits(entity: Entity, changes: Sequence[tuple[Row, Row]], actor: Actor) -> None:
    """Tell the apps above which transactions will say something else of money; they may refuse it."""
    weighty = [(row, edited) for row, edited in changes if _money_of(row) != _money_of(edited)]
    if weighty:
        transactions_editing.send(sender=Entity, entity=entity, changes=weighty, actor=actor)


def _money_of(row: Row) -> tuple[object, ...]:
    return row.amount, row.currency, row.debit_account_id, row.credit_account_id, row.date


def _edited(row: Row, edit: Edit) -> Row:
    changes: dict[str, Any] = {
        name: value for name in Edit.__slots__ if not isinstance(value := getattr(edit, name), Unchanged)
    }
    if "metadata" in changes:
        wanted = metadata_text(changes["metadata"])
        changes["metadata"] = row.metadata if _is_same_json(row.metadata, wanted) else wanted
    edited = row._replace(**changes)
    if edited.amount < 0:
        edited = edited._replace(
            amount=-edited.amount,
            debit_account_id=edited.credit_account_id,
            credit_account_id=edited.debit_account_id,
        )
    return edited


def _is_same_json(text: str | None, other: str | None) -> bool:
    """Whether two JSON texts say the same: the database has an order and spaces of its own."""
    if text is None or other is None:
        return text is other
    first, second = (_SORTED_JSON.encode(json.decode(one.encode())) for one in (text, other))
    return first == second


def _check_state(row: Row, edited: Row) -> None:
    if row.status in FINAL:
        money = ("debit_account_id", "credit_account_id", "amount", "timestamp", "date", "expires_at")
        if any(getattr(row, name) != getattr(edited, name) for name in money):
            raise FinalError(row.id, row.status, "changed in its amount, accounts or date")
    if edited.status == row.status:
        return
    if edited.status in STATES_BY_EDIT and edited.status in MOVES[row.status]:
        return
    if edited.status in _SET_BY and edited.status in MOVES[row.status]:
        raise ConflictError(
            f"Transaction {encode_id(Prefix.TRANSACTION, row.id)} is {row.status} and an edit cannot make it "
            f"{edited.status}; {_SET_BY[edited.status]}."
        )
    raise IllegalMoveError(row.id, row.status, edited.status)


def _check_entry(row: Row, edited: Row) -> None:
    """The transactions of a journal entry share its day and its ledger."""
    if row.journal_entry_id is None:
        return
    for what, differs in (("day", edited.date != row.date), ("ledger", edited.ledger_id != row.ledger_id)):
        if differs:
            entry_id = encode_id(Prefix.JOURNAL_ENTRY, row.journal_entry_id)
            raise ConflictError(
                f"Transaction {encode_id(Prefix.TRANSACTION, row.id)} belongs to journal entry {entry_id} of "
                f"{row.date} and keeps its {what}; delete the entry (DELETE /v1/journal-entries/{entry_id}) "
                "and record it anew."
            )


def _with_accounts(entity: Entity, pairs: Sequence[tuple[Row, Row]]) -> list[Row]:
    """The edited rows with what they show of their accounts, which are checked where an edit changes them."""
    moved = {
        edited.id
        for row, edited in pairs
        if (row.debit_account_id, row.credit_account_id)
        != (edited.debit_account_id, edited.credit_account_id)
    }
    if not moved:
        return [edited for _, edited in pairs]
    accounts = facts_of_accounts(
        entity,
        {
            account_id
            for _, edited in pairs
            if edited.id in moved
            for account_id in (edited.debit_account_id, edited.credit_account_id)
        },
    )
    return [_between(edited, accounts) if edited.id in moved else edited for _, edited in pairs]


def _between(edited: Row, accounts: Mapping[UUID, AccountFacts]) -> Row:
    fault = account_fault(edited, accounts)
    if fault is not None:
        raise fault
    debit, credit = accounts[edited.debit_account_id], accounts[edited.credit_account_id]
    return edited._replace(
        ledger_id=debit.ledger_id,
        debit_name=debit.name,
        debit_type=debit.type,
        debit_financial_type=debit.financial_type,
        debit_code=debit.code,
        credit_name=credit.name,
        credit_type=credit.type,
        credit_financial_type=credit.financial_type,
        credit_code=credit.code,
    )


def delete_transaction(*, entity: Entity, transaction_id: UUID, actor: Actor) -> None:
    """Take a transaction that is not final out of the books and out of both accounts' totals.

    Its last state stays in the history. Raises TransactionNotFoundError, FinalError (which says to
    reverse), PartOfEntryError for one of several of a journal entry, PeriodClosedError, and what an app above
    refuses it with (`transactions.signals`).
    """
    delete_transactions(entity=entity, ids=[transaction_id], actor=actor)


def delete_transactions(*, entity: Entity, ids: Collection[UUID], actor: Actor, reason: str = "") -> None:
    """Delete many, as `delete_transaction` does one: all or none, in as many statements. A journal entry goes
    with the last of its transactions, and only as a whole; of one that an import brought the name stays."""
    with atomic():
        rows = lock_transactions(entity, ids)
        for transaction_id in ids:
            if transaction_id not in rows:
                raise TransactionNotFoundError(transaction_id)
            if rows[transaction_id].status in FINAL:
                raise FinalError(transaction_id, rows[transaction_id].status, "deleted")
        if not rows:
            return
        gone = list(rows)
        # What an import brought is remembered by its entry, or the next import would bring it back.
        imported = {row.journal_entry_id for row in rows.values() if row.source == Source.IMPORT}
        entries = [one for one in whole_entries(entity, rows.values()) if one not in imported]
        transactions_deleting.send(sender=Entity, entity=entity, transaction_ids=gone, actor=actor)
        with refusals_in_words():
            execute(
                _DELETE,
                {
                    "entity": entity.id,
                    "slot": slot(SLOTS),
                    "ids": uuid_array(gone),
                    "revision_ids": uuid_array(new_id() for _ in gone),
                    "now": utc_now(),
                    "changed_by": actor.id,
                    "changed_by_kind": actor.kind.value,
                    "change": Change.DELETED.value,
                    "reason": reason,
                },
            )
        delete_entries(entity=entity, entry_ids=entries, actor=actor)

"""Taking back what was said that transactions were for."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.db.transaction import atomic

from accounts.chart_templates import SystemRole
from accounts.facts import AccountFacts, facts_of_accounts
from accounts.system_accounts import system_account_ids
from ledger.actors import Actor
from ledger.api import json
from ledger.clock import utc_now
from ledger.exceptions import ConflictError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from transactions.category_side import category_side
from transactions.choices import COUNTS_AS_PENDING, Change
from transactions.exceptions import TransactionNotFoundError
from transactions.rows import Row
from transactions.services.categorizing import unclear_category
from transactions.services.changing import lock_transactions
from transactions.services.editing import announce_edits
from transactions.services.posting import metadata_text
from transactions.services.rewriting import rewrite_transactions

_ROLES: Final = {
    "debit": SystemRole.UNCATEGORIZED_EXPENSE,
    "credit": SystemRole.UNCATEGORIZED_INCOME,
}
_SAID: Final = ("categoryId", "categoryName")


def uncategorize_transactions(*, entity: Entity, ids: Sequence[UUID], actor: Actor) -> list[Row]:
    """Let transactions wait for a category again; all or none. Returns them as they then are, in that order.

    The side that says what each was for goes back to the ledger's uncategorized account: of expenses where
    it is the debit, of income where it is the credit. `categorized_at` is cleared.

    Raises TransactionNotFoundError, ConflictError for one that is final (it is reclassified instead) and for
    one that nobody has categorized, UnclearCategoryError, PeriodClosedError, and what an app above refuses
    it with (`transactions.signals`).
    """
    with atomic():
        rows = lock_transactions(entity, ids)
        now = utc_now()
        accounts = system_account_ids(entity, *_ROLES.values())
        facts = facts_of_accounts(entity, accounts.values())
        waiting: dict[UUID, Row] = {}
        for transaction_id in dict.fromkeys(ids):
            if transaction_id not in rows:
                raise TransactionNotFoundError(transaction_id)
            row = rows[transaction_id]
            _check(row)
            side = category_side(
                row.debit_type, row.debit_financial_type, row.credit_type, row.credit_financial_type
            )
            if side is None:
                raise unclear_category(row.id, row.debit_name, row.credit_name)
            account = facts[accounts[row.ledger_id, _ROLES[side]]]
            waiting[row.id] = _moved(row, side, account)._replace(
                categorized_at=None, updated_at=now, metadata=_unsaid(row.metadata)
            )
        announce_edits(entity, [(rows[row.id], row) for row in waiting.values()], actor)
        rewrite_transactions(
            entity=entity,
            rows=list(waiting.values()),
            change=Change.CATEGORIZED,
            actor=actor,
            now=now,
            reason="category taken back",
        )
    return [waiting[transaction_id] for transaction_id in ids]


def _check(row: Row) -> None:
    name = encode_id(Prefix.TRANSACTION, row.id)
    if row.status not in COUNTS_AS_PENDING:
        raise ConflictError(f"Transaction {name} is {row.status}; reclassify it instead.")
    if row.categorized_at is None:
        raise ConflictError(f"Nobody has categorized transaction {name}; there is nothing to take back.")


def _moved(row: Row, side: str, account: AccountFacts) -> Row:
    moved: dict[str, Any] = {
        f"{side}_account_id": account.id,
        f"{side}_name": account.name,
        f"{side}_type": account.type,
        f"{side}_financial_type": account.financial_type,
        f"{side}_code": account.code,
    }
    return row._replace(**moved)


def _unsaid(metadata: str | None) -> str | None:
    known = json.decode(metadata.encode()) if metadata else {}
    kept = {key: value for key, value in known.items() if key not in _SAID}
    return metadata_text(kept) if kept else None

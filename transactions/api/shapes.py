"""A transaction as the API shows it (contract, section 5)."""

from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from msgspec import Raw

from accounts.financial_types import is_cash
from ledger.api import json
from ledger.ids import Prefix, encode_id, encode_optional_id
from ledger.models import Entity
from ledger.money import as_number
from transactions.category_side import category_side
from transactions.rows import Row

_NO_METADATA: Final[dict[str, Any]] = {}
_NO_BANK_ACCOUNTS: Final[dict[int, Raw]] = {}
_ACCOUNTS_KNOWN_MAX: Final = 8192


class _Account(NamedTuple):
    """An account as transactions show it."""

    id: str
    name: str
    type: str
    financial_type: str | None
    json: Raw


@lru_cache(maxsize=_ACCOUNTS_KNOWN_MAX)
def _account(
    account_id: int, name: str, type_: str, financial_type: str | None, code: int | None
) -> _Account:
    """The account of these values, written once for all the transactions that show it.

    Its id comes as the UUID's integer: looking that up takes a fifth of the time.
    """
    public_id = encode_id(Prefix.ACCOUNT, UUID(int=account_id))
    # Here, unlike in the accounts' own API, codes are strings.
    shown_code = None if code is None else str(code)
    shape = {
        "id": public_id,
        "name": name,
        "type": type_,
        "financialType": financial_type,
        "code": shown_code,
        "subTypeCode": shown_code,
        "isCategory": not is_cash(financial_type or ""),
    }
    return _Account(public_id, name, type_, financial_type, Raw(json.encode(shape)))


# Where an app above leaves the bank accounts of a company (`ledger.entity_cache.load_beside`): a list of
# objects with the UUIDs `id` and `ledger_account_id`, and the other members of `PlaidAccount`.
BANK_ACCOUNTS: Final = "bank_accounts_beside"


def bank_accounts_of(entity: Entity) -> dict[int, Raw]:
    """What stands behind ledger accounts at banks, as JSON, by the ledger account's id as an integer.

    Costs no query, and nothing where the company has no bank accounts.
    """
    beside: list[dict[str, Any]] | None = getattr(entity, BANK_ACCOUNTS, None)
    if not beside:
        return _NO_BANK_ACCOUNTS
    return {UUID(one["ledger_account_id"]).int: Raw(json.encode(_bank_account(one))) for one in beside}


def _bank_account(beside: dict[str, Any]) -> dict[str, Any]:
    names = ("name", "type", "subtype", "mask", "institution_id")
    public_id = encode_id(Prefix.BANK_ACCOUNT, UUID(beside["id"]))
    return {"id": public_id, **{name: beside[name] or None for name in names}}


def metadata_shape(row: Row) -> object:
    """The metadata of a row as JSON; the database's own text, which need not be read to be written."""
    return _NO_METADATA if row.metadata is None else Raw(row.metadata.encode())


class TransactionShaper:
    """Shapes the rows of one response; what many rows share is shaped once."""

    def __init__(self, entity: Entity) -> None:
        self.entity_id = entity.public_id
        self.instance_id = entity.instance_id
        self._ledgers: dict[int, str] = {}
        self._banks = bank_accounts_of(entity)

    def _bank_account(self, row: Row) -> Raw | None:
        """The bank account that the money left or, where it left none, came to."""
        return self._banks.get(row.credit_account_id.int) or self._banks.get(row.debit_account_id.int)

    def full(self, row: Row) -> dict[str, Any]:
        """The whole transaction object."""
        debit = _account(
            row.debit_account_id.int,
            row.debit_name,
            row.debit_type,
            row.debit_financial_type,
            row.debit_code,
        )
        credit = _account(
            row.credit_account_id.int,
            row.credit_name,
            row.credit_type,
            row.credit_financial_type,
            row.credit_code,
        )
        ledger_id = self._ledgers.get(row.ledger_id.int) or self._ledgers.setdefault(
            row.ledger_id.int, encode_id(Prefix.LEDGER, row.ledger_id)
        )
        side = category_side(
            row.debit_type, row.debit_financial_type, row.credit_type, row.credit_financial_type
        )
        category = None if side is None else debit if side == "debit" else credit
        return {
            "id": encode_id(Prefix.TRANSACTION, row.id),
            "entityId": self.entity_id,
            "instanceId": self.instance_id,
            "ledgerId": ledger_id,
            "timestamp": row.timestamp,
            "date": row.date,
            "transaction_date": row.date,
            "amount": as_number(row.amount, row.currency),
            "currency": row.currency,
            "description": row.description,
            "counterparty": row.counterparty or None,
            "debitAccountId": debit.id,
            "creditAccountId": credit.id,
            "status": row.status,
            "category": category.name if category else None,
            "category_id": category.id if category else None,
            "accountType": category.type if category else None,
            "financialType": category.financial_type if category else None,
            "metadata": metadata_shape(row),
            "debitAccount": debit.json,
            "creditAccount": credit.json,
            "plaid_account": self._bank_account(row) if self._banks else None,
            "externalId": row.external_id,
            "journalEntryId": encode_optional_id(Prefix.JOURNAL_ENTRY, row.journal_entry_id),
            "reverses": encode_optional_id(Prefix.TRANSACTION, row.reverses_id),
            "reversedBy": encode_optional_id(Prefix.TRANSACTION, row.reversed_by_id),
            "reclassifies": encode_optional_id(Prefix.TRANSACTION, row.reclassifies_id),
            "expiresAt": row.expires_at,
            "createdAt": row.created_at,
            "updatedAt": row.updated_at,
            "postedAt": row.posted_at,
        }

"""A transaction as the API shows it (contract, section 5)."""

from typing import Any, Final
from uuid import UUID

from msgspec import Raw

from accounts.financial_types import is_cash
from ledger.ids import Prefix, encode_id, encode_optional_id
from ledger.models import Entity
from ledger.money import as_number
from transactions.category_side import category_side
from transactions.rows import Row

_NO_METADATA: Final[dict[str, Any]] = {}


def metadata_shape(row: Row) -> object:
    """The metadata of a row as JSON; the database's own text, which need not be read to be written."""
    return _NO_METADATA if row.metadata is None else Raw(row.metadata.encode())


class TransactionShaper:
    """Shapes the rows of one response; what many rows share, accounts above all, is shaped once."""

    def __init__(self, entity: Entity) -> None:
        self.entity_id = entity.public_id
        self.instance_id = entity.instance_id
        self._accounts: dict[UUID, dict[str, Any]] = {}
        self._ledgers: dict[UUID, str] = {}

    def full(self, row: Row) -> dict[str, Any]:
        """The whole transaction object."""
        debit = self._accounts.get(row.debit_account_id) or self._account(
            row.debit_account_id, row.debit_name, row.debit_type, row.debit_financial_type, row.debit_code
        )
        credit = self._accounts.get(row.credit_account_id) or self._account(
            row.credit_account_id,
            row.credit_name,
            row.credit_type,
            row.credit_financial_type,
            row.credit_code,
        )
        ledger_id = self._ledgers.get(row.ledger_id) or self._ledgers.setdefault(
            row.ledger_id, encode_id(Prefix.LEDGER, row.ledger_id)
        )
        side = category_side(
            row.debit_type, row.debit_financial_type, row.credit_type, row.credit_financial_type
        )
        category = None if side is None else debit if side == "debit" else credit
        day = row.date.isoformat()
        return {
            "id": encode_id(Prefix.TRANSACTION, row.id),
            "entityId": self.entity_id,
            "instanceId": self.instance_id,
            "ledgerId": ledger_id,
            "timestamp": row.timestamp,
            "date": day,
            "transaction_date": day,
            "amount": as_number(row.amount, row.currency),
            "currency": row.currency,
            "description": row.description,
            "counterparty": row.counterparty or None,
            "debitAccountId": debit["id"],
            "creditAccountId": credit["id"],
            "status": row.status,
            "category": category["name"] if category else None,
            "category_id": category["id"] if category else None,
            "accountType": category["type"] if category else None,
            "financialType": category["financialType"] if category else None,
            "metadata": metadata_shape(row),
            "debitAccount": debit,
            "creditAccount": credit,
            "plaid_account": None,
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

    def _account(
        self, account_id: UUID, name: str, type_: str, financial_type: str | None, code: int | None
    ) -> dict[str, Any]:
        # Here, unlike in the accounts' own API, codes are strings.
        shown_code = None if code is None else str(code)
        shape = self._accounts[account_id] = {
            "id": encode_id(Prefix.ACCOUNT, account_id),
            "name": name,
            "type": type_,
            "financialType": financial_type,
            "code": shown_code,
            "subTypeCode": shown_code,
            "isCategory": not is_cash(financial_type or ""),
        }
        return shape

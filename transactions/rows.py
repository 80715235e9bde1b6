"""A transaction as it is read: one flat row with its two accounts, values and no model instances."""

from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from transactions.choices import Status


class Row(NamedTuple):
    """The columns of `SELECT_ROW`, in its order."""

    id: UUID
    ledger_id: UUID
    debit_account_id: UUID
    credit_account_id: UUID
    timestamp: datetime
    created_at: datetime
    updated_at: datetime
    posted_at: datetime | None
    expires_at: datetime | None
    categorized_at: datetime | None
    created_by: UUID | None
    journal_entry_id: UUID | None
    reverses_id: UUID | None
    reversed_by_id: UUID | None
    reclassifies_id: UUID | None
    date: date
    amount: Decimal
    currency: str
    status: Status
    source: str
    external_id: str | None
    counterparty: str
    description: str
    metadata: str | None  # JSON text, as the database gives it
    debit_name: str
    debit_type: str
    debit_financial_type: str | None
    debit_code: int | None
    credit_name: str
    credit_type: str
    credit_financial_type: str | None
    credit_code: int | None


_ACCOUNT_COLUMNS: Final = ("name", "type", "financial_type", "sub_type_code")
# The columns of a transaction itself, which a revision has too.
STATE_COLUMNS: Final = Row._fields[: -2 * len(_ACCOUNT_COLUMNS)]

STATE: Final = ", ".join(STATE_COLUMNS)
ACCOUNTS: Final = ", ".join(f"{side}.{column}" for side in ("d", "c") for column in _ACCOUNT_COLUMNS)
# Stands before FROM … t, with d and c the debit and the credit account.
SELECT_ROW: Final = "SELECT " + ", ".join(f"t.{column}" for column in STATE_COLUMNS) + ", " + ACCOUNTS
JOIN_ACCOUNTS: Final = """
JOIN accounts_account d ON d.entity_id = t.entity_id AND d.id = t.debit_account_id
JOIN accounts_account c ON c.entity_id = t.entity_id AND c.id = t.credit_account_id
"""

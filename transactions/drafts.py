"""A transaction that is to be recorded, checked in itself and not yet against the books."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from ledger.ids import new_id
from transactions.choices import Source, Status


@dataclass(slots=True)
class Draft:
    """What the posting engine takes. `date` is the day of `timestamp` in the company's time zone."""

    debit_account_id: UUID
    credit_account_id: UUID
    # > 0, in `currency`, with at most its minor digits. Whoever makes a draft from a negative amount
    # (a refund) swaps the accounts.
    amount: Decimal
    currency: str
    timestamp: datetime
    date: date
    status: Status = Status.PENDING
    source: Source = Source.API
    description: str = ""
    # Never empty by omission: `counterparty_name(description)` fills it at the door.
    counterparty: str = ""
    metadata: dict[str, Any] | None = None
    external_id: str | None = None
    expires_at: datetime | None = None
    categorized_at: datetime | None = None
    journal_entry_id: UUID | None = None
    reverses_id: UUID | None = None
    reclassifies_id: UUID | None = None
    id: UUID = field(default_factory=new_id)

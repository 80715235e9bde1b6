"""The books of a company, added up in plain Python from its transactions: what answers are held against."""

import re
from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cached_property
from typing import Any

from accounts.models import Account
from ledger.models import Entity
from transactions.models import Transaction

CASH = {"CASH", "SAVINGS", "PETTY_CASH", "UNDEPOSITED_FUNDS"}
CENT = Decimal("0.01")


def day(text: str) -> date:
    """The day of `2025-05-01`, `2025-05` (its first) or `2025`."""
    year, *rest = [int(part) for part in text.split("-")]
    return date(year, *([*rest, 1, 1][:2]))


@dataclass(frozen=True)
class Entry:
    """A transaction as the tests add it up."""

    date: date
    amount: Decimal
    status: str
    counterparty: str
    description: str
    debit: Account
    credit: Account

    @property
    def is_posted(self) -> bool:
        return self.status in ("POSTED", "REVERSED")

    @property
    def is_paid_out(self) -> bool:
        return _is_money(self.credit) and not _is_money(self.debit) and not _brought_in(self.debit)

    @property
    def is_paid_in(self) -> bool:
        return _is_money(self.debit) and not _is_money(self.credit) and not _brought_in(self.credit)


def _is_money(account: Account) -> bool:
    return account.financial_type in (CASH | {"CREDIT_CARD"}) - {"UNDEPOSITED_FUNDS"}


def _brought_in(account: Account) -> bool:
    return account.financial_type == "OPENING_BALANCE_EQUITY"


def total(entries: Iterable[Entry]) -> Decimal:
    return sum((entry.amount for entry in entries), Decimal(0))


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def has_words(entry: Entry, *words: str) -> bool:
    """Whether words begin words of a transaction's own text."""
    known = re.split(r"[^a-z0-9]+", f"{entry.description} {entry.counterparty}".lower())
    return all(any(one.startswith(word) for one in known) for word in words)


def month_ends(year: int, count: int) -> list[tuple[str, str, str]]:
    """The name, the first and the last day of the first months of a year."""
    return [
        (
            f"{date(year, month, 1):%B %Y}",
            f"{year}-{month:02d}-01",
            f"{year}-{month:02d}-{monthrange(year, month)[1]}",
        )
        for month in range(1, count + 1)
    ]


class KnownBooks:
    """What a company's transactions come to."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity

    @cached_property
    def entries(self) -> list[Entry]:
        accounts = {one.id: one for one in Account.objects.for_entity(self.entity)}
        return [
            Entry(
                one.date,
                one.amount,
                one.status,
                one.counterparty,
                one.description,
                accounts[one.debit_account_id],
                accounts[one.credit_account_id],
            )
            for one in Transaction.objects.for_entity(self.entity)
            if one.status != "EXPIRED"
        ]

    def within(
        self, first: str = "", last: str = "", *, where: Callable[[Entry], bool] | None = None
    ) -> list[Entry]:
        """Those from the first to the last day, both included."""
        return [
            entry
            for entry in self.entries
            if (not first or entry.date >= day(first))
            and (not last or entry.date <= day(last))
            and (where is None or where(entry))
        ]

    # --- accounts of revenue and expenses ---

    def signed(
        self,
        is_meant: Callable[[Account], bool],
        first: str = "",
        last: str = "",
        *,
        where: Callable[[Entry], bool] | None = None,
        posted: bool = False,
    ) -> list[tuple[Entry, Decimal]]:
        """What each transaction adds to or takes from these accounts."""
        found = []
        for entry in self.within(first, last, where=where):
            debit, credit = is_meant(entry.debit), is_meant(entry.credit)
            if debit == credit or (posted and not entry.is_posted):
                continue
            account = entry.debit if debit else entry.credit
            grows_by_debit = account.type in ("ASSET", "EXPENSE")
            found.append((entry, entry.amount if debit == grows_by_debit else -entry.amount))
        return found

    def on(self, *names: str) -> Callable[[Account], bool]:
        """The accounts of these names."""
        known = {one.name for entry in self.entries for one in (entry.debit, entry.credit)}
        assert known & set(names), f"{names} have no transactions"
        return lambda account: account.name in names

    def spent(
        self, names: str | tuple[str, ...], first: str = "", last: str = "", **more: Any
    ) -> dict[str, Any]:
        """Total, number and average of what was booked to accounts."""
        names = (names,) if isinstance(names, str) else names
        return self._of([amount for _, amount in self.signed(self.on(*names), first, last, **more)])

    def of_type(self, type_: str, first: str = "", last: str = "", **more: Any) -> dict[str, Any]:
        """The same of all accounts of a type."""
        return self._of(
            [amount for _, amount in self.signed(lambda one: one.type == type_, first, last, **more)]
        )

    def _of(self, amounts: list[Decimal]) -> dict[str, Any]:
        assert amounts, "nothing to add up: the question is of no use"
        found = sum(amounts, Decimal(0))
        return {"total": found, "count": len(amounts), "average": rounded(found / len(amounts))}

    # --- statements ---

    def posted(self, type_: str, first: str = "", last: str = "") -> Decimal:
        """Posted revenue or expenses."""
        return sum(
            (amount for _, amount in self.signed(lambda one: one.type == type_, first, last, posted=True)),
            Decimal(0),
        )

    def profit(self, first: str = "", last: str = "") -> Decimal:
        return self.posted("REVENUE", first, last) - self.posted("EXPENSE", first, last)

    def balance(self, is_meant: Callable[[Account], bool], last: str, *, by_debit: bool = True) -> Decimal:
        """What stands, posted, on accounts at the end of a day."""
        debits = total(entry for entry in self.within("", last) if entry.is_posted and is_meant(entry.debit))
        credits = total(
            entry for entry in self.within("", last) if entry.is_posted and is_meant(entry.credit)
        )
        return debits - credits if by_debit else credits - debits

    def cash(self, last: str) -> Decimal:
        return self.balance(lambda one: one.financial_type in CASH, last)

    # --- dealings ---

    def all(
        self, first: str = "", last: str = "", where: Callable[[Entry], bool] | None = None
    ) -> dict[str, Any]:
        """Total, number and average of transactions as they are."""
        return self._of([entry.amount for entry in self.within(first, last, where=where)])

    def paid(self, name: str = "", first: str = "", last: str = "") -> dict[str, Any]:
        """What was paid out, to whom a name begins so."""
        return self.all(first, last, lambda one: one.is_paid_out and one.counterparty.startswith(name))

    def received(self, name: str = "", first: str = "", last: str = "") -> dict[str, Any]:
        """What was paid in, by whom a name begins so."""
        return self.all(first, last, lambda one: one.is_paid_in and one.counterparty.startswith(name))

    def named(self, name: str, first: str = "", last: str = "") -> dict[str, Any]:
        """All transactions with whom a name begins so."""
        return self.all(first, last, lambda one: one.counterparty.startswith(name))

    def by(self, key: Callable[[Entry], str], pairs: Iterable[tuple[Entry, Decimal]]) -> dict[str, Decimal]:
        """Sums by a key."""
        found: dict[str, Decimal] = defaultdict(Decimal)
        for entry, amount in pairs:
            found[key(entry)] += amount
        return dict(found)

    def by_month(self, pairs: Iterable[tuple[Entry, Decimal]]) -> dict[str, Decimal]:
        return self.by(lambda entry: f"{entry.date:%B %Y}", pairs)

    def top(self, sums: dict[str, Decimal], count: int, *, lowest: bool = False) -> list[tuple[str, Decimal]]:
        """The groups with the most, or with the least."""
        return sorted(sums.items(), key=lambda one: one[1] if lowest else -one[1])[:count]

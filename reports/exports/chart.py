"""The chart of accounts as other programs can write it: every account under a name that they accept.

Names are made from ours by rules alone, and stay the same from one export to the next: an account that is
added later never takes the name of an earlier one. The original name and id stand beside them in the export.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from accounts.choices import AccountType
from accounts.models import Account
from ledger.ids import Prefix, encode_id
from ledger.models import Entity, Ledger

PATH_SEPARATOR: Final = ":"
# Beancount's five roots, by account type.
BEANCOUNT_ROOTS: Final = {
    AccountType.ASSET: "Assets",
    AccountType.LIABILITY: "Liabilities",
    AccountType.EQUITY: "Equity",
    AccountType.REVENUE: "Income",
    AccountType.EXPENSE: "Expenses",
}
# What a chart's own top account of a type may be called to stand for the root itself.
_ROOT_WORDS: Final = {
    AccountType.ASSET: frozenset({"asset", "assets"}),
    AccountType.LIABILITY: frozenset({"liability", "liabilities"}),
    AccountType.EQUITY: frozenset({"equity"}),
    AccountType.REVENUE: frozenset({"revenue", "revenues", "income"}),
    AccountType.EXPENSE: frozenset({"expense", "expenses"}),
}
# What hledger would read as a status, a comment, a virtual posting or a rule at the beginning of a posting.
_HLEDGER_MARKS: Final = "([*!;~=@\"'"


class ChartAccount(NamedTuple):
    """An account of the chart, with its names from the top down, as "Bank:Checking"."""

    id: UUID
    parent_id: UUID | None
    name: str
    path: str
    type: AccountType
    financial_type: str | None
    code: int | None
    closed_on: date | None

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.ACCOUNT, self.id)


class ExportedAccount(NamedTuple):
    """An account under its name in another program."""

    account: ChartAccount
    name: str
    # The account whose balance, in that program, includes this one's.
    above_id: UUID | None


def chart_of(entity: Entity, ledger: Ledger, *, separator: str = PATH_SEPARATOR) -> list[ChartAccount]:
    """The accounts of a ledger, each after its parent, siblings in the order of their ids; one query.

    `separator` stands between the names of a path.
    """
    rows = (
        Account.objects.for_entity(entity)
        .filter(ledger_id=ledger.id)
        .order_by("id")
        .values_list(
            "id", "parent_id", "name", "type", "financial_type", "sub_type_code", "closed_at", named=True
        )
    )
    children: dict[UUID | None, list[ChartAccount]] = {}
    for row in rows:
        closed_on = row.closed_at.astimezone(entity.zone).date() if row.closed_at else None
        account = ChartAccount(
            row.id,
            row.parent_id,
            row.name,
            row.name,
            AccountType(row.type),
            row.financial_type,
            row.sub_type_code,
            closed_on,
        )
        children.setdefault(row.parent_id, []).append(account)
    return list(_downwards(children, separator))


def beancount_chart(chart: list[ChartAccount]) -> list[ExportedAccount]:
    """The chart under beancount's five roots, each part of a name a capital or digit with letters, digits
    and hyphens behind it.

    A top account called like its root ("assets") gives its children to the root itself.
    """
    exported: list[ExportedAccount] = []
    taken: set[str] = set()
    # Under what an account's children stand: a name, and the account that it is, if it is one.
    places: dict[UUID, tuple[str, UUID | None]] = {}
    for account in chart:
        root = BEANCOUNT_ROOTS[account.type]
        prefix, above_id = places[account.parent_id] if account.parent_id else (root, None)
        part = _beancount_part(account.name)
        name = _free(prefix + PATH_SEPARATOR + part, taken, "{}-{}")
        is_root = account.parent_id is None and account.name.casefold() in _ROOT_WORDS[account.type]
        places[account.id] = (root, None) if is_root else (name, account.id)
        exported.append(ExportedAccount(account, name, above_id))
    return exported


def hledger_chart(chart: list[ChartAccount]) -> list[ExportedAccount]:
    """The chart under its own names, without what hledger reads as something else."""
    return _named(chart, _hledger_part, "{} {}")


def plain_chart(chart: list[ChartAccount]) -> list[ExportedAccount]:
    """The chart under its paths as they are."""
    return [ExportedAccount(account, account.path, account.parent_id) for account in chart]


def _named(chart: list[ChartAccount], part_of: Callable[[str], str], numbered: str) -> list[ExportedAccount]:
    taken: set[str] = set()
    names: dict[UUID, str] = {}
    exported = []
    for account in chart:
        above = names[account.parent_id] + PATH_SEPARATOR if account.parent_id else ""
        name = names[account.id] = _free(above + part_of(account.name), taken, numbered)
        exported.append(ExportedAccount(account, name, account.parent_id))
    return exported


def _downwards(children: dict[UUID | None, list[ChartAccount]], separator: str) -> Iterator[ChartAccount]:
    waiting = list(reversed(children.get(None, [])))
    while waiting:
        account = waiting.pop()
        yield account
        waiting += [
            child._replace(path=account.path + separator + child.name)
            for child in reversed(children.get(account.id, []))
        ]


def _free(name: str, taken: set[str], numbered: str) -> str:
    """The name, or the first free one with a number behind it: two of our names may look the same there."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = numbered.format(name, number)
    taken.add(free)
    return free


def _beancount_part(name: str) -> str:
    letters = [
        char if unicodedata.category(char)[0] == "L" or unicodedata.category(char) == "Nd" else "-"
        for char in unicodedata.normalize("NFC", name)
    ]
    part = re.sub("-+", "-", "".join(letters)).strip("-")
    # Some letters grow to two in capitals ("ß"), and most scripts have no capitals at all.
    first = part[:1].upper() if len(part[:1].upper()) == 1 else part[:1]
    if unicodedata.category(first or "-") not in ("Lu", "Nd"):
        return f"X-{part}" if part else "X"
    return first + part[1:]


def _hledger_part(name: str) -> str:
    words = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in name).split()
    part = " ".join(words).replace(PATH_SEPARATOR, "-").replace(";", ",")
    return part.lstrip(_HLEDGER_MARKS).strip() or "account"

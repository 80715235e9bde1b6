"""What the rows of a chart mean for a ledger: which accounts to make, which are there, which cannot be.

The rules, in this order, each without regard to the order of rows:
- A row that is wrong on its own is an error; so is the second row with one code.
- A row whose code an account has is skipped: it is that account.
- A parent is a code or a name, of a row of the file first, else of an account. A parent that there isn't,
  that is ambiguous or of another type is an error, also of every row below; so is a circle.
- A row without a code is skipped where an account of its name and type stands below its parent.
- Every other row is an account to make. A second run finds each of them, and so makes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from accounts.choices import AccountType
from accounts.constants import ACCOUNT_DEPTH_MAX
from accounts.imports.rows import Row, RowError
from accounts.models import Account
from accounts.services.insertion import folded, new_account
from ledger.clock import utc_now
from ledger.exceptions import shown
from ledger.models import Ledger

_TOP: Final = None


@dataclass(frozen=True, slots=True)
class Plan:
    """`fresh` are accounts that are not stored yet, parents before their children. `outcomes` are, in the
    order of the rows, the account that each makes or is, or None where it is refused."""

    fresh: list[Account]
    skipped: int
    errors: list[RowError]
    outcomes: list[Account | None]


def plan_accounts(ledger: Ledger, rows: Iterable[Row]) -> Plan:
    """Return what these rows mean for the ledger; one query, nothing is written.

    To act on the plan, hold the tree's lock since before it was made.
    """
    return _Planner(ledger, list(rows)).plan()


class _Planner:
    def __init__(self, ledger: Ledger, rows: list[Row]) -> None:
        self.ledger = ledger
        self.rows = rows
        self.now = utc_now()
        self.fresh: list[Account] = []
        self.skipped = 0
        # What became of each row, by its place in `rows`: its account, or None for an error.
        self.outcome: dict[int, Account | None] = {}
        self.depth: dict[UUID, int] = {}
        self.by_code: dict[int, Account] = {}
        self.by_name: dict[str, list[Account]] = defaultdict(list)
        self.by_place: dict[tuple[UUID | None, str, str], Account] = {}
        self.rows_by_code: dict[int, int] = {}
        self.rows_by_name: dict[str, list[int]] = defaultdict(list)

    def plan(self) -> Plan:
        self._know_accounts()
        self._know_rows()
        for place in range(len(self.rows)):
            self._settle_upwards(place)
        errors = [error for row in self.rows for error in row.errors]
        outcomes = [self.outcome[place] for place in range(len(self.rows))]
        return Plan(self.fresh, self.skipped, errors, outcomes)

    def _know_accounts(self) -> None:
        stored = list(
            Account.objects.filter(entity_id=self.ledger.entity_id, ledger_id=self.ledger.id)
            .only("id", "parent_id", "name", "type", "sub_type_code", "ledger_id", "entity_id")
            .order_by("id")
        )
        parents = {account.id: account.parent_id for account in stored}
        for account in stored:
            self._know(account)
            above: list[UUID] = []
            at: UUID | None = account.id
            while at is not None and at not in self.depth:
                above.append(at)
                at = parents[at]
            depth = self.depth[at] if at is not None else 0
            for id_ in reversed(above):
                depth += 1
                self.depth[id_] = depth

    def _know(self, account: Account) -> None:
        if account.sub_type_code is not None:
            self.by_code[account.sub_type_code] = account
        self.by_name[folded(account.name)].append(account)
        self.by_place.setdefault((account.parent_id, account.type, folded(account.name)), account)

    def _know_rows(self) -> None:
        for place, row in enumerate(self.rows):
            if row.code is not None:
                first = self.rows_by_code.setdefault(row.code, place)
                if first != place:
                    row.refuse(
                        "sub_type_code",
                        f"{row.code} is the code of row {self.rows[first].number} already; "
                        "write one that no other row has.",
                    )
                    continue
            if row.name:
                self.rows_by_name[folded(row.name)].append(place)

    def _settle_upwards(self, place: int) -> None:
        """Settle a row, and before it those above it; without recursion, for a file may be one chain."""
        waiting = [place]
        on_the_way = {place}
        while waiting:
            here = waiting[-1]
            if here in self.outcome:
                waiting.pop()
                continue
            above = self._row_above(here)
            if above is None or above in self.outcome:
                self.outcome[here] = self._settle(here, above)
                waiting.pop()
            elif above in on_the_way:
                circle = waiting[waiting.index(above) :]
                for member in circle:
                    self.rows[member].refuse(
                        "parent",
                        f"{shown(self.rows[member].parent)} stands below this row; write another parent.",
                    )
                    self.outcome[member] = None
            else:
                waiting.append(above)
                on_the_way.add(above)

    def _row_above(self, place: int) -> int | None:
        """The row of the file that this one names as its parent; None where none is, or it won't matter."""
        row = self.rows[place]
        if row.errors or row.parent is None or (row.code is not None and row.code in self.by_code):
            return None
        if (code := _as_code(row.parent)) is not None and code in self.rows_by_code:
            return self.rows_by_code[code]
        named = self._of_type(place, self.rows_by_name.get(folded(row.parent), []))
        return named[0] if len(named) == 1 else None

    def _of_type(self, place: int, places: list[int]) -> list[int]:
        """Of several rows of one name, those that can be this row's parent by their type."""
        type_ = self.rows[place].type
        if len(places) < 2 or type_ is None:
            return places
        return [other for other in places if self.rows[other].type is type_] or places

    def _settle(self, place: int, above: int | None) -> Account | None:
        row = self.rows[place]
        if row.errors:
            return None
        if row.code is not None and row.code in self.by_code:
            self.skipped += 1
            return self.by_code[row.code]
        if row.parent is None:
            parent = _TOP
        else:
            parent = self.outcome[above] if above is not None else self._stored_parent(place)
            if parent is None:
                if not row.errors and above is not None:
                    row.refuse(
                        "parent",
                        f"{shown(row.parent)} in row {self.rows[above].number} was not made; correct it.",
                    )
                return None
        type_ = self._type(row, parent)
        if type_ is None:
            return None
        key = (parent.id if parent else None, str(type_), folded(row.name))
        if row.code is None and key in self.by_place:
            self.skipped += 1
            return self.by_place[key]
        depth = self.depth[parent.id] + 1 if parent else 1
        if depth > ACCOUNT_DEPTH_MAX:
            row.refuse(
                "parent", f"the account would be on level {depth}; at most {ACCOUNT_DEPTH_MAX} are possible."
            )
            return None
        return self._make(row, type_, parent, depth)

    def _stored_parent(self, place: int) -> Account | None:
        """The account that a row names as its parent, where no single row of the file is meant."""
        row = self.rows[place]
        assert row.parent is not None
        in_file = self._of_type(place, self.rows_by_name.get(folded(row.parent), []))
        if len(in_file) > 1:
            numbers = ", ".join(str(self.rows[other].number) for other in in_file[:5])
            row.refuse(
                "parent", f"{shown(row.parent)} is the name of the rows {numbers}; write the parent's code."
            )
            return None
        code = _as_code(row.parent)
        if code is not None and code in self.by_code:
            return self.by_code[code]
        named = self.by_name.get(folded(row.parent), [])
        if len(named) > 1 and row.type is not None:
            named = [one for one in named if one.type == row.type] or named
        if len(named) == 1:
            return named[0]
        row.refuse(
            "parent",
            f"{shown(row.parent)} is the name of {len(named)} accounts; write the parent's code."
            if named
            else f"there is no account {shown(row.parent)}, neither in the file nor in the chart; write the "
            "code or the name of one.",
        )
        return None

    def _type(self, row: Row, parent: Account | None) -> AccountType | None:
        """The type of the row, its parent's where it gives none; None where the two differ or are missing."""
        if row.type is None:
            if parent is not None:
                return AccountType(parent.type)
            row.refuse("type", f"is missing; write one of {', '.join(AccountType.values)}.")
            return None
        if parent is not None and parent.type != row.type:
            row.refuse(
                "parent",
                f"{shown(row.parent)} is of type {parent.type} and the row of type {row.type}; "
                "a parent and its children are of one type.",
            )
            return None
        return row.type

    def _make(self, row: Row, type_: AccountType, parent: Account | None, depth: int) -> Account:
        account = new_account(
            ledger=self.ledger,
            name=row.name,
            type_=type_,
            now=self.now,
            financial_type=row.financial_type,
            sub_type_code=row.code,
            parent=parent,
            description=row.description,
        )
        self.depth[account.id] = depth
        self.fresh.append(account)
        self.by_place.setdefault((account.parent_id, account.type, folded(account.name)), account)
        return account


def _as_code(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None

"""Any statement as a table of lines, for whatever is laid out on paper or in cells."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from reports.basis import Basis
from reports.frame import Frame
from reports.periods import BEGINNING, Period
from reports.sums import StatusFilter
from reports.tree import Node


class Style(StrEnum):
    """How a line is set: a heading without amounts, an ordinary line, a sum of a group, the end of a part."""

    HEADING = "heading"
    LINE = "line"
    SUBTOTAL = "subtotal"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of amounts."""

    key: str  # amount, debit, credit; with "comparison" in front for those of the other period
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a statement.

    `amounts` has one entry for each column, None where the cell is empty; a heading has none at all. `key` is
    unique in its table and the same for the same thing in the tables of other periods. `level` counts the
    indents.
    """

    key: str
    label: str
    level: int
    style: Style
    amounts: tuple[Decimal | None, ...] = ()
    code: int | None = None
    # What explains the first amount; None where there is none.
    entries_url: str | None = None


@dataclass(frozen=True, slots=True)
class StatementTable:
    """A statement laid out: what stands above it, its columns, and its lines from the top down."""

    key: str  # balance-sheet, income-statement, cash-flow, trial-balance, general-ledger, overview
    title: str
    company: str
    # "As of June 30, 2024" or "January 1, 2024 to June 30, 2024".
    subtitle: str
    period: Period
    basis: Basis
    status: StatusFilter
    currency: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    # What a reader must know besides, a sentence each.
    notes: tuple[str, ...] = field(default=())

    def compared_with(self, other: "StatementTable", *, label: str) -> "StatementTable":
        """The two tables side by side; `label` names the other's columns, whose lines are merged in their
        places."""
        columns = self.columns + tuple(
            Column(f"comparison{column.key.capitalize()}", _joined(label, column.label, len(other.columns)))
            for column in other.columns
        )
        return replace(self, columns=columns, lines=tuple(_merged(self, other)))


def _joined(label: str, column: str, columns: int) -> str:
    return label if columns == 1 else f"{label}, {column.lower()}"


def _merged(ours: StatementTable, others: StatementTable) -> Iterator[Line]:
    """Lines in our order; what only the other table has stands where it stands there, after the same line."""
    theirs = {line.key: line for line in others.lines}
    known = {line.key for line in ours.lines}
    following: dict[str | None, list[Line]] = {}
    anchor: str | None = None
    for line in others.lines:
        if line.key in known:
            anchor = line.key
        else:
            following.setdefault(anchor, []).append(line)
    empty, their_empty = (None,) * len(ours.columns), (None,) * len(others.columns)

    def with_theirs(line: Line) -> Line:
        if line.style is Style.HEADING:
            return line
        other = theirs.get(line.key)
        return replace(line, amounts=line.amounts + (other.amounts if other else their_empty))

    def only_theirs(line: Line) -> Line:
        if line.style is Style.HEADING:
            return line
        return replace(line, amounts=empty + line.amounts, entries_url=None)

    yield from map(only_theirs, following.get(None, ()))
    for line in ours.lines:
        yield with_theirs(line)
        yield from map(only_theirs, following.get(line.key, ()))


def new_table(
    frame: Frame,
    *,
    key: str,
    title: str,
    lines: Sequence[Line],
    columns: tuple[Column, ...] | None = None,
    is_of_a_day: bool = False,
    basis: Basis | None = None,
) -> StatementTable:
    """The table of a frame's statement; `is_of_a_day` for what stands at the end of the period."""
    scope, period = frame.scope, frame.period
    notes = []
    if scope.status is StatusFilter.ALL:
        notes.append("Pending transactions are included.")
    if scope.known_at is not None:
        notes.append(f"As the books stood on {scope.known_at:%Y-%m-%d at %H:%M:%S} UTC.")
    return StatementTable(
        key=key,
        title=title,
        company=str(scope.entity),
        subtitle=as_of_label(period.end) if is_of_a_day else period_label(period),
        period=period,
        basis=basis or scope.basis,
        status=scope.status,
        currency=scope.currency,
        columns=columns or (Column("amount", column_label(period, is_of_a_day=is_of_a_day)),),
        lines=tuple(lines),
        notes=tuple(notes),
    )


def heading(key: str, label: str, level: int = 0) -> Line:
    """A line that names a part."""
    return Line(key, label, level, Style.HEADING)


def subtotal(key: str, label: str, amount: Decimal, level: int = 0, *, url: str | None = None) -> Line:
    """The sum of a part."""
    return Line(key, label, level, Style.SUBTOTAL, (amount,), entries_url=url)


def total_line(key: str, label: str, amount: Decimal, *, url: str | None = None) -> Line:
    """The last line of a statement or of one of its sides."""
    return Line(key, label, 0, Style.TOTAL, (amount,), entries_url=url)


def node_lines(prefix: str, nodes: Iterable[Node], level: int) -> Iterator[Line]:
    """The lines of a forest, parents before their children, each with what stands in it and below it."""
    for top in nodes:
        for node in top.walk():
            yield Line(
                f"{prefix}/{node.id}",
                node.name,
                level + node.level,
                Style.LINE,
                (node.balance,),
                node.code,
                node.entries_url,
            )


def day_label(day: date) -> str:
    """A day as Americans write it: June 30, 2024."""
    return f"{day:%B} {day.day}, {day.year}"


def as_of_label(day: date) -> str:
    """What stands under the title of a balance sheet."""
    return f"As of {day_label(day)}"


def period_label(period: Period) -> str:
    """What stands under the title of a statement of a period."""
    if period.start <= BEGINNING:
        return f"From the beginning to {day_label(period.end)}"
    return f"{day_label(period.start)} to {day_label(period.end)}"


def column_label(period: Period, *, is_of_a_day: bool) -> str:
    """The heading of a period's column."""
    if is_of_a_day:
        return day_label(period.end)
    if period.month is not None:
        return f"{period.end:%B %Y}"
    if period.whole_months == 12 and period.start.month == 1:
        return str(period.end.year)
    return period_label(period)

"""A statement's table as the page shows it: rows with linked figures, changes, and what folds away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from reports.files.layout import set_lines
from reports.office.drill import entries_page
from reports.office.questions import Asked
from reports.statements.overview import percent_change
from reports.statements.table import Line, StatementTable, Style

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Cell:
    """An amount, and the page with what makes it."""

    amount: Decimal | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the page. `depth` counts indents. A row that `folds` hides the rows right below it whose
    `fold_depth` is more than its own."""

    key: str
    label: str
    depth: int
    fold_depth: int
    style: str
    code: int | None
    cells: tuple[Cell, ...]
    # By how much, and by how many percent, the first period's amount is more than the other's.
    change: Decimal | None
    percent: Decimal | None
    folds: bool


def rows_of(
    table: StatementTable, other: StatementTable | None, asked: Asked, *, paths: Mapping[str, str]
) -> list[Row]:
    """Return the rows of a statement, beside those of the other period where one is compared with.

    `paths` are the accounts' names with those above them, by public id, for the trial balance.
    """
    joined = table if other is None else table.compared_with(other, label="")
    known = _Explained(
        {line.key: line.amounts for line in joined.lines},
        (_urls(table), _urls(other) if other else {}),
        len(table.columns),
    )
    lines = set_lines(joined, paths)
    return [_row(line, lines[place + 1 : place + 2], asked, known) for place, line in enumerate(lines)]


class _Explained(NamedTuple):
    """What the lines of the tables say before they are set, and what explains it, for each period."""

    amounts: Mapping[str, Sequence[Decimal | None]]
    urls: tuple[Mapping[str, str | None], Mapping[str, str | None]]
    columns: int

    def url(self, line: Line, place: int) -> str | None:
        """What explains the amount at a place of a set line."""
        key = line.key.removesuffix("/total")
        url = self.urls[place // self.columns].get(key)
        if url is not None and line.amounts[place] != self.amounts[key][place]:
            # Set apart from what is below it, which has lines of its own.
            return url.replace("&includeChildren=true", "&includeChildren=false")
        return url


def _row(line: Line, following: Sequence[Line], asked: Asked, known: _Explained) -> Row:
    columns = known.columns
    cells = tuple(
        Cell(amount, None if amount is None else entries_page(known.url(line, place), asked))
        for place, amount in enumerate(line.amounts)
    )
    ours, theirs = _net(line.amounts[:columns]), _net(line.amounts[columns:])
    has_change = bool(line.amounts[columns:]) and (ours is not None or theirs is not None)
    change = (ours or _ZERO) - (theirs or _ZERO) if has_change else None
    goes_on = any(one.level > line.level for one in following)
    is_sum = line.style in (Style.SUBTOTAL, Style.TOTAL)
    return Row(
        key=line.key,
        label=line.label,
        depth=line.level,
        # A sum with more of its part below it folds away with that.
        fold_depth=line.level + (is_sum and goes_on),
        style=line.style.value,
        code=line.code,
        cells=cells,
        change=change,
        percent=percent_change(ours or _ZERO, theirs) if has_change and theirs else None,
        folds=goes_on and not is_sum,
    )


def _net(amounts: Sequence[Decimal | None]) -> Decimal | None:
    """One amount as it is; of two columns the debit less the credit; None where the cells are empty."""
    if all(amount is None for amount in amounts):
        return None
    first, *rest = (amount or _ZERO for amount in amounts)
    return first - sum(rest, _ZERO)


def _urls(table: StatementTable) -> dict[str, str | None]:
    return {line.key: line.entries_url for line in table.lines}

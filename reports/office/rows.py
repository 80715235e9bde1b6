"""A statement's table as the page shows it: rows with linked figures, changes, and what folds away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

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
    """A line of the page. `depth` counts indents; a row that `folds` hides the deeper ones right below it."""

    key: str
    label: str
    depth: int
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
    explained = [_urls(table), _urls(other) if other else {}]
    columns = len(table.columns)
    lines = set_lines(joined, paths)
    return [
        _row(line, lines[place + 1 : place + 2], asked, columns, explained)
        for place, line in enumerate(lines)
    ]


def _row(
    line: Line,
    following: Sequence[Line],
    asked: Asked,
    columns: int,
    explained: Sequence[Mapping[str, str | None]],
) -> Row:
    cells = tuple(
        Cell(
            amount,
            None if amount is None else entries_page(_url_of(line, explained[place // columns]), asked),
        )
        for place, amount in enumerate(line.amounts)
    )
    ours, theirs = _net(line.amounts[:columns]), _net(line.amounts[columns:])
    has_change = bool(line.amounts[columns:]) and (ours is not None or theirs is not None)
    change = (ours or _ZERO) - (theirs or _ZERO) if has_change else None
    return Row(
        key=line.key,
        label=line.label,
        depth=line.level,
        style=line.style.value,
        code=line.code,
        cells=cells,
        change=change,
        percent=percent_change(ours or _ZERO, theirs) if has_change and theirs else None,
        folds=any(one.level > line.level for one in following),
    )


def _net(amounts: Sequence[Decimal | None]) -> Decimal | None:
    """One amount as it is; of two columns the debit less the credit; None where the cells are empty."""
    if all(amount is None for amount in amounts):
        return None
    first, *rest = (amount or _ZERO for amount in amounts)
    return first - sum(rest, _ZERO)


def _urls(table: StatementTable) -> dict[str, str | None]:
    return {line.key: line.entries_url for line in table.lines}


def _url_of(line: Line, urls: Mapping[str, str | None]) -> str | None:
    """What explains a line's amount: that of a parent's own amount is without what is below it, which its
    total has with it."""
    key = line.key.removesuffix("/total")
    url = urls.get(key)
    if url is not None and key == line.key and line.style is Style.LINE and line.entries_url is None:
        return url.replace("&includeChildren=true", "&includeChildren=false")
    return url

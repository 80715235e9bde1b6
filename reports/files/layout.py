"""Statements set as accountants set them: a group's name above its accounts, and its sum below them.

A table's lines give a parent with what stands in it and below it, and then its children. On paper a column
must add up from the top down: so a parent's own amount stands with its name, and its whole amount follows
its children, as a total.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from reports.files.orders import Statement
from reports.statements.table import Line, StatementTable, Style

Amounts = tuple[Decimal | None, ...]
_ZERO: Final = Decimal(0)


def set_lines(table: StatementTable, paths: Mapping[str, str]) -> list[Line]:
    """The lines of a statement as they are set on paper and in sheets.

    `paths` are the accounts' names from the top of the chart down, by public id: the trial balance has no
    tree, so its accounts are called by them.
    """
    if table.key == Statement.TRIAL_BALANCE:
        return [
            replace(line, label=paths.get(line.key.rpartition("/")[2], line.label)) for line in table.lines
        ]
    if table.key == Statement.CASH_FLOW:
        return list(_set(_without_only_accounts(table.lines)))
    return list(_set(table.lines))


def _set(lines: Sequence[Line]) -> Iterator[Line]:
    """Each parent's own amount in its place, and its sum after what is below it."""
    # Each with whether a total is due.
    open_parents: list[tuple[Line, bool]] = []

    def closed(until: Line | None) -> Iterator[Line]:
        while open_parents and (until is None or not _is_below(until, open_parents[-1][0])):
            parent, is_summed = open_parents.pop()
            if is_summed:
                yield _total_of(parent)

    for place, line in enumerate(lines):
        yield from closed(line)
        below = list(_children(lines, place))
        if not below:
            yield line
            continue
        own = _own(line.amounts, below)
        yield replace(line, amounts=own, entries_url=None)
        # The total of one amount is that amount, which stands there already.
        open_parents.append((line, len(below) > 1 or any(own)))
    yield from closed(None)


def _is_below(line: Line, parent: Line) -> bool:
    return line.style is Style.LINE and line.level > parent.level


def _children(lines: Sequence[Line], place: int) -> Iterator[Line]:
    """The lines right below an account's line, without those below them."""
    parent = lines[place]
    if parent.style is not Style.LINE:
        return
    for line in lines[place + 1 :]:
        if not _is_below(line, parent):
            return
        if line.level == parent.level + 1:
            yield line


def _own(amounts: Amounts, children: Sequence[Line]) -> Amounts:
    """What of a parent's amounts is not its children's; None where that is nothing."""
    own = (
        (amount or _ZERO) - sum((child.amounts[column] or _ZERO for child in children), _ZERO)
        for column, amount in enumerate(amounts)
    )
    return tuple(amount or None for amount in own)


def _total_of(parent: Line) -> Line:
    return replace(
        parent, key=f"{parent.key}/total", label=f"Total {parent.label}", style=Style.SUBTOTAL, code=None
    )


def _without_only_accounts(lines: Sequence[Line]) -> list[Line]:
    """The lines without accounts that say again what the line above says: those that are its only one."""
    kept: list[Line] = []
    skipped_below: int | None = None
    for place, line in enumerate(lines):
        if skipped_below is not None and line.style is Style.LINE and line.level > skipped_below:
            continue
        skipped_below = None
        kept.append(line)
        children = list(_children(lines, place))
        if len(children) == 1 and children[0].amounts == line.amounts:
            skipped_below = line.level
    return kept

"""The overview as a picture: revenue beside expenses, and profit and cash as lines."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from html import escape
from typing import Any, Final

from ledger.clock import utc_now
from reports.files.formats import FileFormat
from reports.files.typesetting import typeset
from reports.files.wording import NOTHING, facts, made_label
from reports.statements.overview import Interval, Overview, Point
from reports.statements.table import period_label

_TICKS, _CASH_TICKS = 5, 3
# More bars than this are thinner than a line of a printer.
BARS_MAX: Final = 400
LABELS_MAX: Final = 13
_ZERO, _TWO, _FIVE, _TEN = Decimal(0), Decimal(2), Decimal(5), Decimal(10)
_SHORT: Final = (
    (Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "K"),
)  # fmt: skip


def chart(overview: Overview, format_: FileFormat, *, framed: bool = True) -> bytes:
    """The chart as SVG (its letters drawn, so it looks the same everywhere) or PNG; `framed` with the
    company's name and all that a reader must know."""
    made = typeset("chart", chart_data(overview) | {"framed": framed}, format_)
    return _titled(made, overview) if format_ is FileFormat.SVG else made


def chart_data(overview: Overview) -> dict[str, Any]:
    """What the template draws: flows above, and the cash that they left below, on an axis of its own."""
    points = overview.points
    every = -(-len(points) // LABELS_MAX) or 1
    return {
        "company": str(overview.scope.entity),
        "title": "Overview",
        "subtitle": period_label(overview.period),
        "facts": facts(overview.scope.basis, overview.scope),
        "made": made_label(utc_now(), overview.scope.entity),
        "flows": plot([[point.revenue, point.expenses, point.profit] for point in points], ticks=_TICKS),
        "cash": plot([[point.cash] for point in points], ticks=_CASH_TICKS),
        "labels": [
            _label(point, overview.interval) if n % every == 0 else "" for n, point in enumerate(points)
        ],
        "has_bars": len(points) <= BARS_MAX,
        "is_empty": not any(point.revenue or point.expenses or point.cash for point in points),
        "nothing": NOTHING,
    }


def plot(points: list[list[Decimal]], *, ticks: int) -> dict[str, Any]:
    """One plot: all heights as shares of its axis, from the bottom (0) to the top (1)."""
    bottom, top, step = axis([value for point in points for value in point], ticks=ticks)
    span = top - bottom

    def height(amount: Decimal) -> float:
        return float((amount - bottom) / span)

    # Where all is zero there is no scale, and only zero to mark.
    count = int(span / step) + 1 if any(map(any, points)) else 1
    marks = [bottom + step * number for number in range(count)]
    return {
        "points": [[height(value) for value in point] for point in points],
        "ticks": [{"at": height(mark), "label": short(mark)} for mark in marks],
        "zero": height(_ZERO),
    }


def axis(values: list[Decimal], *, ticks: int) -> tuple[Decimal, Decimal, Decimal]:
    """The bottom and the top of an axis that holds the values and zero, and the step between its some `ticks`
    marks: 1, 2 or 5 times a power of ten."""
    low, high = min([*values, _ZERO]), max([*values, _ZERO])
    if low == high:
        return _ZERO, Decimal(1), Decimal(1)
    rough = (high - low) / ticks
    power = _TEN ** rough.adjusted()
    step = next(times * power for times in (Decimal(1), _TWO, _FIVE, _TEN) if times * power >= rough)
    bottom = (low / step).to_integral_value(ROUND_FLOOR) * step
    top = (high / step).to_integral_value(ROUND_CEILING) * step
    return bottom, top, step


def short(amount: Decimal) -> str:
    """An amount at an axis: 1.5K, (20K), 3M."""
    size = abs(amount)
    for unit, letter in _SHORT:
        if size >= unit:
            text = f"{(size / unit).normalize():f}{letter}"
            break
    else:
        text = f"{size.normalize():f}"
    return f"({text})" if amount < 0 else text


def _label(point: Point, interval: Interval) -> str:
    if interval is Interval.MONTHLY:
        return f"{point.period.start:%b %Y}"
    return f"{point.period.start:%b} {point.period.start.day}"


def _titled(svg: bytes, overview: Overview) -> bytes:
    """The SVG with a title that screen readers say and browsers show."""
    title = f"Overview of {overview.scope.entity}, {period_label(overview.period)}"
    head, end, rest = svg.partition(b">")
    return head + b' role="img"' + end + f"<title>{escape(title)}</title>".encode() + rest

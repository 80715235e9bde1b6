"""Pictures of figures, as shapes that a template draws in SVG: every number in them stands in a table beside
them too."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from reports.files.charts import plot
from reports.statements.cash_flow import CashFlowStatement
from reports.statements.overview import Overview, Point

WIDTH: Final = 760
_HEIGHT, _TOP, _LEFT, _RIGHT = 200, 10, 52, 8
_TICKS: Final = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from the zero line up or down; lengths in the picture's units."""

    x: str
    y: str
    width: str
    height: str
    kind: str
    title: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the axis."""

    y: str
    label: str


@dataclass(frozen=True, slots=True)
class Label:
    """Words below a place of the picture."""

    x: str
    text: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a line."""

    x: str
    y: str


@dataclass(frozen=True, slots=True)
class Months:
    """Revenue beside expenses of each month, and the profit as a line."""

    points: tuple[Point, ...]
    bars: tuple[Bar, ...]
    line: str
    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[Label, ...]
    zero: str
    is_empty: bool
    width: int = WIDTH
    height: int = _HEIGHT + _TOP + 24
    label_y: int = _HEIGHT + _TOP + 18


@dataclass(frozen=True, slots=True)
class Bridge:
    """Bars from the cash at the beginning to the cash at the end."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[Label, ...]
    zero: str
    is_empty: bool
    width: int = WIDTH
    height: int = _HEIGHT + _TOP + 24
    label_y: int = _HEIGHT + _TOP + 18


def months_picture(overview: Overview) -> Months:
    """The months of an overview."""
    points = overview.months
    plotted = plot([[point.revenue, point.expenses, point.profit] for point in points], ticks=_TICKS)
    step = (WIDTH - _LEFT - _RIGHT) / len(points)
    width = step * 0.3
    bars, dots, line = [], [], []
    for number, (point, heights) in enumerate(zip(points, plotted["points"], strict=True)):
        left = _LEFT + number * step
        month = f"{point.period.start:%B %Y}"
        for place, (kind, amount) in enumerate((("revenue", point.revenue), ("expenses", point.expenses))):
            x = left + step * 0.18 + place * (width + step * 0.04)
            bars.append(_bar(x, width, plotted["zero"], heights[place], kind, f"{month}: {kind}", amount))
        middle, y = left + step / 2, _y(heights[2])
        line.append(f"{middle:.1f},{y:.1f}")
        dots.append(Dot(f"{middle:.1f}", f"{y:.1f}"))
    return Months(
        points=points,
        bars=tuple(bars),
        line=" ".join(line),
        dots=tuple(dots),
        ticks=_ticks(plotted),
        labels=_labels([f"{point.period.start:%b}" for point in points], step),
        zero=f"{_y(plotted['zero']):.1f}",
        is_empty=not any(point.revenue or point.expenses for point in points),
    )


def cash_bridge(statement: CashFlowStatement) -> Bridge:
    """How the cash at the beginning became that at the end."""
    steps = (
        ("Operating", statement.operating),
        ("Investing", statement.investing),
        ("Financing", statement.financing),
    )
    levels = [statement.beginning_cash]
    for _, amount in steps:
        levels.append(levels[-1] + amount)
    plotted = plot([[level] for level in levels], ticks=_TICKS)
    heights = [height for [height] in plotted["points"]]
    names = ("Cash at the beginning", *(name for name, _ in steps), "Cash at the end")
    step = (WIDTH - _LEFT - _RIGHT) / len(names)
    width = step * 0.56
    spans: list[tuple[float, float, str, Decimal]] = [
        (plotted["zero"], heights[0], "cash", statement.beginning_cash)
    ]
    for place, (_, amount) in enumerate(steps):
        kind = "up" if amount >= 0 else "down"
        spans.append((heights[place], heights[place + 1], kind, amount))
    spans.append((plotted["zero"], heights[-1], "cash", statement.ending_cash))
    bars = [
        _bar(_LEFT + place * step + step * 0.22, width, low, high, kind, names[place], amount)
        for place, (low, high, kind, amount) in enumerate(spans)
    ]
    return Bridge(
        bars=tuple(bars),
        ticks=_ticks(plotted),
        labels=_labels(list(names), step),
        zero=f"{_y(plotted['zero']):.1f}",
        is_empty=not any(levels),
    )


def _bar(x: float, width: float, from_: float, to: float, kind: str, title: str, amount: Decimal) -> Bar:
    top, bottom = _y(max(from_, to)), _y(min(from_, to))
    # A hair's breadth shows that there is a figure of nothing.
    return Bar(f"{x:.1f}", f"{top:.1f}", f"{width:.1f}", f"{max(bottom - top, 0.6):.1f}", kind, title, amount)


def _y(height: float) -> float:
    """Where a share of the axis stands, from the top of the picture."""
    return _TOP + (1 - height) * _HEIGHT


def _ticks(plotted: dict[str, Any]) -> tuple[Tick, ...]:
    return tuple(Tick(f"{_y(tick['at']):.1f}", tick["label"]) for tick in plotted["ticks"])


def _labels(texts: Sequence[str], step: float) -> tuple[Label, ...]:
    return tuple(Label(f"{_LEFT + place * step + step / 2:.1f}", text) for place, text in enumerate(texts))

"""A small chart of bars as the numbers that an SVG needs; the template draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ledger.money import minor_digits

HEIGHT: Final = 96
_STEP: Final = 40
_BAR: Final = 26
_ROOM: Final = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it stands in the picture, in its units."""

    x: int
    y: float
    height: float
    width: int
    middle: float
    label: str
    title: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars above and below a line at zero."""

    bars: tuple[Bar, ...]
    width: int
    height: int
    zero: float


def plain(amount: Decimal, currency: str) -> str:
    """An amount as text alone, where no markup may stand: negative ones in parentheses."""
    text = f"{abs(amount):,.{minor_digits(currency)}f}"
    return f"({text})" if amount < 0 else text


def bars_of(values: Sequence[tuple[str, str, Decimal]]) -> Bars:
    """Return the bars of values, each with its label and its longer title, from left to right."""
    most = max([value for _, _, value in values] + [Decimal(0)])
    least = min([value for _, _, value in values] + [Decimal(0)])
    span = (most - least) or Decimal(1)
    room = HEIGHT - 2 * _ROOM
    zero = _ROOM + float(most / span) * room
    bars = []
    for place, (label, title, value) in enumerate(values):
        height = float(abs(value) / span) * room
        x = place * _STEP + (_STEP - _BAR) // 2
        y = zero - height if value > 0 else zero
        bars.append(Bar(x, round(y, 1), round(height, 1), _BAR, x + _BAR / 2, label, title, value))
    return Bars(tuple(bars), _STEP * len(values), HEIGHT, round(zero, 1))

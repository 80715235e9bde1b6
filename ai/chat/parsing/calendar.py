"""One stretch of time as it is said ("last quarter", "5 May", "FY24"), as days of a company's calendar."""

import re
from calendar import month_abbr, month_name, monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from ai.chat.query import Span
from ledger.times import YEAR_MAX, YEAR_MIN
from reports.periods import Period, fiscal_year_period, fiscal_year_start, month_period, year_period

_DAY: Final = timedelta(days=1)
MONTHS: Final = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    "|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
MONTH_WORDS: Final = tuple(
    name[:length].lower()
    for name in month_name[1:]
    for length in (3, 4, len(name))
    if length != 4 or name == "September"
)
_M: Final = rf"(?P<month>{MONTHS})"
_Y: Final = r"(?P<year>(?:19|20)\d\d)"
_D: Final = r"(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_MONTHS: Final = [name.lower() for name in month_abbr[1:]]
_ORDINALS: Final = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}
# Days and weeks are counted back from today; of the longer ones the whole ones before the present one are
# meant, as books are closed by them.
_COUNT_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Calendar:
    """The company's calendar on a day of its own time zone."""

    today: date
    fiscal_year_first_month: int = 1


@dataclass(frozen=True, slots=True)
class Element:
    """A stretch of time, and how it moves to another year where none was said."""

    span: Span
    # The span of the same name in another year; None where the year was said, or there is none to say.
    in_year: Callable[[int], Span] | None = None


def _span(period: Period) -> Span:
    return Span(period.start, period.end)


def months_later(day: date, months: int) -> date:
    """The first day of the month that many months later (or before, below 0)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(max(1, min(year, 9998)), month + 1, 1)


def _latest(in_year: Callable[[int], Span], calendar: Calendar) -> Element:
    """Without a year the latest one is meant that has begun."""
    this = in_year(calendar.today.year)
    assert this.start is not None
    year = calendar.today.year if this.start <= calendar.today else calendar.today.year - 1
    return Element(in_year(year), in_year)


def _of(match: "re.Match[str]", in_year: Callable[[int], Span], calendar: Calendar) -> Element:
    year = match.groupdict().get("year")
    return Element(in_year(int(year))) if year else _latest(in_year, calendar)


def _month_number(word: str) -> int:
    return _MONTHS.index(word[:3]) + 1


def _day_of_month(year: int, month: int, day: int) -> Span:
    last = monthrange(year, month)[1]
    one = date(year, month, min(day, last))
    return Span(one, one)


def _quarter(year: int, number: int) -> Span:
    start = date(year, 3 * number - 2, 1)
    return Span(start, months_later(start, 3) - _DAY)


def _of_books(day: date) -> Element | None:
    """A day, if books can have it."""
    return Element(Span(day, day)) if YEAR_MIN <= day.year <= YEAR_MAX else None


def _iso(match: "re.Match[str]", calendar: Calendar) -> Element | None:
    try:
        return _of_books(date.fromisoformat(match["iso"]))
    except ValueError:
        return None


def _us(match: "re.Match[str]", calendar: Calendar) -> Element | None:
    try:
        return _of_books(date(int(match["year"]), int(match["m"]), int(match["d"])))
    except ValueError:
        return None


def _day(match: "re.Match[str]", calendar: Calendar) -> Element:
    month, day = _month_number(match["month"]), int(match["day"])
    return _of(match, lambda year: _day_of_month(year, month, day), calendar)


def _month(match: "re.Match[str]", calendar: Calendar) -> Element:
    month = _month_number(match["month"])
    return _of(match, lambda year: _span(month_period(year, month)), calendar)


def _last_named_month(match: "re.Match[str]", calendar: Calendar) -> Element:
    month = _month_number(match["month"])
    year = calendar.today.year - (month >= calendar.today.month)
    if match["which"] == "this":
        year = calendar.today.year
    return Element(_span(month_period(year, month)))


def _named_quarter(match: "re.Match[str]", calendar: Calendar) -> Element:
    groups = match.groupdict()
    number = int(groups.get("number") or _ORDINALS[groups["ordinal"]])
    if groups.get("fiscal"):
        first = calendar.fiscal_year_first_month

        def in_year(year: int) -> Span:
            start = months_later(fiscal_year_period(year, first_month=first).start, 3 * (number - 1))
            return Span(start, months_later(start, 3) - _DAY)

        return _of(match, in_year, calendar)
    return _of(match, lambda year: _quarter(year, number), calendar)


def _half(match: "re.Match[str]", calendar: Calendar) -> Element:
    groups = match.groupdict()
    number = int(groups.get("number") or _ORDINALS[groups["ordinal"]])

    def in_year(year: int) -> Span:
        return (
            Span(date(year, 1, 1), date(year, 6, 30))
            if number == 1
            else Span(date(year, 7, 1), date(year, 12, 31))
        )

    return _of(match, in_year, calendar)


def _fiscal_year(match: "re.Match[str]", calendar: Calendar) -> Element:
    year = int(match["fy"])
    year += 2000 if year < 100 else 0
    return Element(_span(fiscal_year_period(year, first_month=calendar.fiscal_year_first_month)))


def _year(match: "re.Match[str]", calendar: Calendar) -> Element:
    return Element(_span(year_period(int(match["year"]))))


def unit_span(unit: str, calendar: Calendar, ago: int) -> Span:
    """The whole day, week, month, quarter, year or fiscal year that many before the present one."""
    today = calendar.today
    if unit == "day":
        day = today - ago * _DAY
        return Span(day, day)
    if unit == "week":
        start = today - timedelta(days=today.weekday() + 7 * ago)
        return Span(start, start + 6 * _DAY)
    if unit == "month":
        start = months_later(today, -ago)
        return Span(start, months_later(start, 1) - _DAY)
    first = calendar.fiscal_year_first_month
    if unit == "fiscal year":
        start = months_later(fiscal_year_start(today, first_month=first), -12 * ago)
        return Span(start, months_later(start, 12) - _DAY)
    if unit == "fiscal quarter":
        begun = fiscal_year_start(today, first_month=first)
        months = (today.year - begun.year) * 12 + today.month - begun.month
        start = months_later(begun, months - months % 3 - 3 * ago)
        return Span(start, months_later(start, 3) - _DAY)
    if unit == "quarter":
        start = months_later(date(today.year, today.month - (today.month - 1) % 3, 1), -3 * ago)
        return Span(start, months_later(start, 3) - _DAY)
    start = months_later(date(today.year, 1, 1), -12 * ago)
    return Span(start, months_later(start, 12) - _DAY)


def _unit(word: str) -> str:
    word = word.replace("financial", "fiscal").removesuffix("s")
    return "fiscal year" if word == "fy" else word


def _relative(match: "re.Match[str]", calendar: Calendar) -> Element:
    ago = {"this": 0, "current": 0, "next": -1}.get(match["which"], 1)
    return Element(unit_span(_unit(match["unit"]), calendar, ago))


def _counted(match: "re.Match[str]", calendar: Calendar) -> Element:
    count, unit = max(1, min(int(match["count"]), _COUNT_MAX)), _unit(match["unit"])
    if unit in ("day", "week"):
        days = count * (7 if unit == "week" else 1)
        return Element(Span(calendar.today - (days - 1) * _DAY, calendar.today))
    first, last = unit_span(unit, calendar, min(count, 100)), unit_span(unit, calendar, 1)
    return Element(Span(first.start, last.end))


def _ago(match: "re.Match[str]", calendar: Calendar) -> Element:
    count = match["count"]
    number = 1 if count in ("a", "one", "an") else min(int(count), _COUNT_MAX)
    unit = _unit(match["unit"])
    return Element(unit_span(unit, calendar, number if unit in ("day", "week") else min(number, 100)))


def _to_date(match: "re.Match[str]", calendar: Calendar) -> Element:
    short = {"ytd": "year", "mtd": "month", "qtd": "quarter", "wtd": "week", "fytd": "fiscal year"}
    unit = short.get(match["short"] or "") or _unit(match["unit"] or match["so"])
    return Element(Span(unit_span(unit, calendar, 0).start, calendar.today))


def _named_day(match: "re.Match[str]", calendar: Calendar) -> Element:
    return Element(unit_span("day", calendar, int(match.group() == "yesterday")))


_UNITS: Final = r"(?:fiscal|financial) (?:year|quarter)s?|days?|weeks?|months?|quarters?|years?|fy"
_OF: Final = r"(?: (?:of |in )?" + _Y + ")?"
Reader = Callable[["re.Match[str]", Calendar], Element | None]
# The first that matches wins, so what is longer stands first.
_READERS: Final[tuple[tuple["re.Pattern[str]", Reader], ...]] = tuple(
    (re.compile(rf"(?:{pattern})(?![^ ])"), reader)
    for pattern, reader in (
        (r"(?P<iso>\d{4}-\d\d-\d\d)", _iso),
        (rf"(?P<m>\d{{1,2}})/(?P<d>\d{{1,2}})/{_Y}", _us),
        (
            rf"(?P<short>ytd|mtd|qtd|wtd|fytd)|(?:the )?(?P<unit>{_UNITS}) to date"
            rf"|(?:this |the |current )*(?P<so>{_UNITS}) so far",
            _to_date,
        ),
        (rf"(?:the )?{_D} (?:of )?{_M}(?: {_Y})?", _day),
        (rf"{_M} (?:the )?{_D}(?: {_Y})?(?! {MONTHS})", _day),
        (rf"(?P<which>last|this|past|previous) {_M}(?! \d)", _last_named_month),
        (rf"{_M}(?: of)?(?: {_Y})?", _month),
        (rf"(?P<fiscal>f|fiscal |financial )?q ?(?P<number>[1-4]){_OF}", _named_quarter),
        (
            rf"(?:the )?(?P<ordinal>{'|'.join(_ORDINALS)}) (?P<fiscal>fiscal |financial )?quarter{_OF}",
            _named_quarter,
        ),
        (rf"h(?P<number>[12]){_OF}", _half),
        (rf"(?:the )?(?P<ordinal>first|1st|second|2nd) half(?: of(?: the year)?)?{_OF}", _half),
        (r"(?:the )?(?:fy|(?:fiscal|financial) year) ?(?P<fy>(?:19|20)\d\d|\d\d)", _fiscal_year),
        (
            rf"(?:the )?(?:last|past|previous|prior|trailing) (?P<count>\d{{1,4}}) (?:full |whole "
            rf")?(?P<unit>{_UNITS})",
            _counted,
        ),
        (rf"(?P<count>\d{{1,4}}|an?|one) (?P<unit>{_UNITS}) (?:ago|before|earlier)", _ago),
        (
            rf"(?:the )?(?P<which>this|last|past|previous|prior|current|next) (?P<unit>{_UNITS})",
            _relative,
        ),
        (r"today|yesterday", _named_day),
        (rf"(?:the )?(?:calendar )?(?:year )?{_Y}", _year),
    )
)


def element_at(text: str, place: int, calendar: Calendar) -> tuple[Element, int] | None:
    """The stretch of time that is said at `place` of `text`, and where it ends; None where none is."""
    for pattern, reader in _READERS:
        match = pattern.match(text, place)
        if match is not None:
            found = reader(match, calendar)
            if found is not None:
                return found, match.end()
    return None


def in_order(first: Element, last: Element) -> Span:
    """From the beginning of `first` to the end of `last`; a year that only one of them has is the other's."""
    begins, _ = _bounds(first.span)
    _, ends = _bounds(last.span)
    if first.in_year is not None:
        begins, _ = _bounds(first.in_year(ends.year))
        if begins > ends:
            begins, _ = _bounds(first.in_year(ends.year - 1))
    elif last.in_year is not None:
        _, ends = _bounds(last.in_year(begins.year))
        if ends < begins:
            _, ends = _bounds(last.in_year(begins.year + 1))
    if begins > ends:
        # Said the wrong way round.
        begins, ends = _bounds(last.span)[0], _bounds(first.span)[1]
    return Span(begins, ends)


def _bounds(span: Span) -> tuple[date, date]:
    """Both ends, which every element has."""
    assert span.start is not None
    assert span.end is not None
    return span.start, span.end

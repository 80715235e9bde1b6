"""Periods as they are said, with the words around them: since, between, until, compared with."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ai.chat.parsing.calendar import MONTHS, Calendar, Element, element_at, in_order, months_later, unit_span
from ai.chat.parsing.prompt import Prompt, whole
from ai.chat.query import Compare, Span

_DAY: Final = timedelta(days=1)
_YEAR_DAYS: Final = 360
_MONTH_DAYS: Final = 31
_AND: Final = re.compile(r" (?:and|to|until|till|through|thru|up to) (?:the end of |including )?")
_COMPARING: Final = (
    r"(?:compared? (?:it |this |that |them )?(?:with|to|against)|in comparison (?:with|to)|versus|vs|against"
    r"|(?:more|less|higher|lower|better|worse|fewer|bigger|greater) than|than|as opposed to|relative to)"
    r"(?: (?:in|for|during|those of|that of))?"
)
_COMPARE: Final = re.compile(rf"(?<![^ ]){_COMPARING} ")
_UNIT: Final = r"(?P<unit>day|month|quarter|week|year|fiscal year|period|one)"
# "The same days a year before", and what goes with a cue only.
_SAME: Final = whole(
    rf"(?:{_COMPARING} )?(?:the )?(?:same (?:period|time|days?|months?|quarters?|weeks?)(?: of| in)?"
    r" (?:the )?(?:last|previous|prior) year|year (?:over|on) year|yoy|this time last year)"
    rf"|{_COMPARING} (?:a|the|one|1) year (?:before|earlier|ago)"
)
_LAST_YEAR: Final = whole(rf"{_COMPARING} (?:the )?last year")
_BEFORE_IT: Final = whole(
    rf"{_COMPARING} (?:the )?(?:previous|prior|preceding) {_UNIT}"
    rf"|{_COMPARING} the {_UNIT.replace('unit', 'other')} (?:before|earlier|prior)|{_COMPARING} before"
    r"|(?:the )?(?:previous|prior|preceding) period"
    r"|(?:month (?:over|on) month|mom|quarter (?:over|on) quarter|qoq|week over week)"
)
_BARE: Final = whole(r"(?:and )?compared?(?: it| this| that| them)?(?: with| to)?")
_PAIR: Final = re.compile(r"(?<![^ ])(?:compared?|difference between|differ|changed? (?:from|between)) ")
_WORDS_BETWEEN_MAX: Final = 6
_PAIRED: Final = re.compile(r" (?:and|with|to|against|versus|vs) ")
_ALL_TIME: Final = whole(
    r"(?:of |in |over )?(?:all time|all (?:the )?years|the whole time|ever|since (?:the )?(?:inception)"
    r"|so far|until now|till now|up to now|life ?time)(?! (?:this|last))"
)
_DAYS_OF_MONTH: Final = re.compile(
    r"(?<![^ ])(?:between |from )?(?:the )?(?P<first>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
    r" (?:and|to|until|till|through) (?:the )?(?=(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)? (?:of )?[a-z]{3,})"
)
_MONTH_WITH_DAYS: Final = re.compile(
    r" (?:and|to|until|till|through) (?:the )?(?P<last>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?(?![^ ])"
    rf"(?! (?:of )?(?:{MONTHS})(?![^ ]))"
    r"(?: (?P<year>(?:19|20)\d\d)(?![^ ]))?"
)
_LEAD: Final = re.compile(
    r"(?<![^ ])(?:(?P<since>since|starting(?: in| from| on)?|beginning(?: in| from)?)|(?P<from>from)"
    r"|(?P<after>after)|(?P<before>before|prior to|earlier than)"
    r"|(?P<until>until|till|through|up to|up until|by|as of|as at|as on|at the end of|at end of|by the end of"
    r"|end of)"
    r"|(?P<between>between)|(?P<during>in|for|during|of|over|within|on|at|throughout)) "
    r"(?P<edge>(?:the )?(?:start|beginning|end) of )?"
)
_THE_UNIT: Final = re.compile(r"(?:the|this) (?P<unit>month|quarter|week|year|fiscal year)(?![^ ])")
_ONWARDS: Final = re.compile(r" (?:on|onwards?|forward|until (?:now|today)|to (?:now|today|date))(?![^ ])")
# Numbers that look like years but are amounts, and the verb "may".
_AMOUNT_CUE: Final = re.compile(
    r"(?:over|above|under|below|than|least|most|exceeding|exactly|[<>]=?|around|about|up to) $"
)
_NO_YEAR: Final = re.compile(r"(?:over|on|at|up to|by) (?:19|20)\d\d")
_MAY_CUE: Final = re.compile(
    r"^$|(?:^|[ \x01])(?:in|since|of|for|from|until|till|through|and|between|during|last|this|to|by|vs|versus"
    r"|than|with|about|on|before|after|early|late|mid|against|only|compare) $"
)


@dataclass(frozen=True, slots=True)
class Times:
    """What a prompt says of time. `is_said` also where it says "ever", which is no period; not where the
    period only follows from the one to compare with."""

    period: Span | None = None
    is_said: bool = False
    compare: Compare | None = None
    compare_with: Span | None = None


def read_times(prompt: Prompt, calendar: Calendar) -> Times:
    """Take the period, and the one to compare with, out of a prompt."""
    compare, compare_with = _read_comparison(prompt, calendar)
    period: Span | None = None
    is_said = False
    while True:
        found = _next(prompt, calendar)
        if found is None:
            break
        span, start, end = found
        prompt.take_span(start, end)
        # Two periods side by side ("January and March") are a comparison where one was asked for.
        if period is None:
            period = span
        elif compare is not None and compare_with is None:
            compare, compare_with = Compare.GIVEN, span
        else:
            break
        is_said = True
    if prompt.take(_ALL_TIME):
        is_said = True
    if compare is Compare.GIVEN and period is None and compare_with is not None:
        period = _counterpart(compare_with, calendar)
    elif compare is not None and period is None:
        period = unit_span("month", calendar, 0)
    return Times(period, is_said, compare, compare_with)


def _read_comparison(prompt: Prompt, calendar: Calendar) -> tuple[Compare | None, Span | None]:
    if prompt.take(_SAME):
        return Compare.YEAR, None
    before_it = prompt.take(_BEFORE_IT)
    if before_it is not None:
        unit = before_it["unit"] or before_it["other"]
        rest = _next(prompt, calendar)
        if unit in ("year", "fiscal year") and rest is not None and _days(rest[0]) < _YEAR_DAYS:
            return Compare.YEAR, None
        if rest is None and unit in ("day", "week", "month", "quarter", "year", "fiscal year"):
            return Compare.GIVEN, unit_span(unit, calendar, 1)
        return Compare.PREVIOUS, None
    for match in _COMPARE.finditer(prompt.text):
        found = _composite(prompt.text, match.end(), calendar)
        if found is None or not _is_time(prompt.text, match.end(), found[1]):
            continue
        span, end = found
        is_last_year = _LAST_YEAR.match(prompt.text, match.start()) is not None
        prompt.take_span(match.start(), end)
        # "May compared with last year" means May of last year; "this year vs last year" the whole of it.
        rest = _next(prompt, calendar)
        if is_last_year and rest is not None and _days(rest[0]) < _YEAR_DAYS:
            return Compare.YEAR, None
        return Compare.GIVEN, span
    return _read_pair(prompt, calendar)


def _read_pair(prompt: Prompt, calendar: Calendar) -> tuple[Compare | None, Span | None]:
    """ "Compare March and April": the second is what the first is compared with."""
    match = _PAIR.search(prompt.text)
    if match is not None:
        text = prompt.text
        starts = [
            match.end(),
            *(blank.end() for blank in re.finditer(" ", text) if blank.end() > match.end()),
        ]
        for start in starts[:_WORDS_BETWEEN_MAX]:
            first = element_at(text, start, calendar)
            joint = first and _PAIRED.match(text, first[1])
            second = joint and element_at(text, joint.end(), calendar)
            if first and joint and second:
                prompt.take_span(joint.start() + 1, second[1])
                prompt.take(_BARE)
                return Compare.GIVEN, second[0].span
    if prompt.take(_BARE):
        return Compare.PREVIOUS, None
    return None, None


def _days(span: Span) -> int:
    return (span.end - span.start).days if span.start and span.end else 10_000


def _counterpart(other: Span, calendar: Calendar) -> Span:
    """The present period of the kind of another: "more than last month" asks of this month."""
    for unit in ("day", "week", "month", "quarter", "year", "fiscal year"):
        for ago in range(1, 3):
            if unit_span(unit, calendar, ago) == other:
                return unit_span(unit, calendar, 0)
    if other.start is not None and other.start.day == 1 and _days(other) < _MONTH_DAYS:
        return unit_span("month", calendar, 0)
    return Span(months_later(calendar.today, 0), calendar.today)


def _next(prompt: Prompt, calendar: Calendar) -> tuple[Span, int, int] | None:
    """The first period in what is left, with its place."""
    text = prompt.text
    for place in [0, *(match.end() for match in re.finditer(" ", text))]:
        found = _composite(text, place, calendar)
        if found is not None and _is_time(text, place, found[1]):
            return found[0], place, found[1]
    return None


def _is_time(text: str, place: int, end: int) -> bool:
    said = text[place:end]
    if re.fullmatch(r"(?:19|20)\d\d", said):
        rest = text[end : end + 9]
        return not _AMOUNT_CUE.search(text[:place]) and not re.match(
            r" (?:dollars|usd|eur|bucks|euros)", rest
        )
    if _NO_YEAR.fullmatch(said):
        return False
    if said == "may":
        return bool(_MAY_CUE.search(text[:place])) or end == len(text)
    return said != "mar" or not text[end:].startswith(" a ")


def _composite(text: str, place: int, calendar: Calendar) -> tuple[Span, int] | None:
    """The period that begins exactly at `place`: an element, two of them, or one behind a preposition."""
    days = _DAYS_OF_MONTH.match(text, place)
    if days is not None:
        last = element_at(text, days.end(), calendar)
        if last is not None and last[0].span.start is not None and last[0].span.start == last[0].span.end:
            end = last[0].span.end
            first_day = int(days["first"])
            if end is not None and first_day <= end.day:
                return Span(end.replace(day=first_day), end), last[1]
    lead = _LEAD.match(text, place)
    if lead is not None:
        found = _after_lead(text, lead, calendar)
        if found is not None:
            return found
    element = element_at(text, place, calendar)
    if element is None:
        return None
    return _with_second(text, element, calendar) or (element[0].span, element[1])


def _with_second(text: str, first: tuple[Element, int], calendar: Calendar) -> tuple[Span, int] | None:
    """From an element to another: "March to May", "May 5 to 20"."""
    element, end = first
    span = element.span
    joint = _AND.match(text, end)
    if joint is None:
        return None
    if span.start is not None and span.start == span.end:
        days = _MONTH_WITH_DAYS.match(text, end)
        if days is not None and int(days["last"]) >= span.start.day:
            year = int(days["year"] or span.start.year)
            try:
                return Span(
                    span.start.replace(year=year), span.start.replace(year=year, day=int(days["last"]))
                ), days.end()
            except ValueError:
                return None
    second = element_at(text, joint.end(), calendar)
    if second is None or (joint.group().strip() == "and" and not text[:end].strip()):
        return None
    return in_order(element, second[0]), second[1]


def _after_lead(text: str, lead: "re.Match[str]", calendar: Calendar) -> tuple[Span, int] | None:
    first = element_at(text, lead.end(), calendar)
    if first is None and lead["edge"]:
        unit = _THE_UNIT.match(text, lead.end())
        if unit is not None:
            first = Element(unit_span(unit["unit"], calendar, 0)), unit.end()
    if first is None:
        return None
    span, today = first[0].span, calendar.today
    assert span.start is not None
    assert span.end is not None
    joined = _with_second(text, first, calendar)
    if joined is not None and (lead["between"] or lead["since"] or lead["from"] or lead["during"]):
        return joined
    if lead["between"]:
        return None
    onwards = _ONWARDS.match(text, first[1])
    if onwards is not None and (lead["from"] or lead["since"]):
        return Span(span.start, max(today, span.start)), onwards.end()
    if lead["since"]:
        # What is still to come is not since then.
        return Span(span.start, max(today, span.start)), first[1]
    if lead["after"]:
        return Span(span.end + _DAY, max(today, span.end + _DAY)), first[1]
    if lead["before"]:
        return Span(None, span.start - _DAY), first[1]
    if lead["until"] or (lead["edge"] and "end" in lead["edge"]):
        return Span(None, span.end), first[1]
    return span, first[1]

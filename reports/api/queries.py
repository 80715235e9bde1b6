"""What requests for reports may say, and what they mean."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from accounts.querysets import known_default_ledger
from ledger.api.fields import RequestField
from ledger.api.pagination import CURSOR_LENGTH_MAX, page_size_field
from ledger.api.serializers import (
    BoundedIntegerField,
    DayField,
    IdField,
    OneOfField,
    RequestSerializer,
    StrictBooleanField,
    TextField,
    TimestampField,
)
from ledger.clock import utc_now
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity, Ledger
from ledger.times import YEAR_MAX, YEAR_MIN, day_of, format_timestamp, parse_day, parse_timestamp
from reports.figures import figure_names
from reports.frame import Scope
from reports.periods import (
    Period,
    fiscal_year_period,
    month_period,
    range_period,
    year_period,
)
from reports.question import MAIN_STATEMENTS
from reports.read import COMPARISONS, new_scope
from reports.statements.overview import Interval
from reports.sums import StatusFilter

FORMATS: Final = ("json", "pdf", "csv", "xlsx")
CHART_FORMATS: Final = (*FORMATS, "svg", "png")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class DayOrMomentField(RequestField):
    """A day in the entity's time zone; a timestamp means the day that it falls on there."""

    form = 'a day such as "2024-01-15"'
    schema = {"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}

    def parse(self, value: object) -> date:
        """Return the day."""
        if isinstance(value, str) and _DAY.fullmatch(value) is None and ":" in value:
            zone = self.context["zone"]
            return day_of(parse_timestamp(value, zone=zone, field=self.label_in_errors), zone)
        return parse_day(value, field=self.label_in_errors)


class ScopeQuery(RequestSerializer):
    """Which books, and as known when."""

    ledger_id = IdField(Prefix.LEDGER, required=False, help_text="The default ledger unless given.")
    status = OneOfField(
        StatusFilter, required=False, help_text="`posted` (unless given), or `all` for pending ones too."
    )
    known_at = TimestampField(
        required=False, help_text="The books as they stood at that moment, whatever was recorded since."
    )


class PeriodQuery(ScopeQuery):
    """Which books and days: a month of a year, a year, a fiscal year, or a range; both ends are included.

    Without any of them, the current month. An `endDate` alone means all days of the books until then.
    """

    month = BoundedIntegerField(min_value=1, max_value=12, required=False)
    year = BoundedIntegerField(min_value=YEAR_MIN, max_value=YEAR_MAX, required=False)
    fiscal_year = BoundedIntegerField(
        min_value=YEAR_MIN + 1,
        max_value=YEAR_MAX,
        required=False,
        help_text="The fiscal year that ends in this calendar year.",
    )
    start_date = DayOrMomentField(required=False)
    end_date = DayOrMomentField(required=False)
    compare = OneOfField(
        COMPARISONS,
        required=False,
        help_text="Adds the same for the period right before (`previous`) or a year before (`year`).",
    )
    format = OneOfField(FORMATS, required=False, help_text="`json` unless given.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take one way of naming the period."""
        check_period_names(attrs)
        return attrs


class GenerateQuery(PeriodQuery):
    """Which statements, of which books and days."""

    type = OneOfField(
        [str(kind) for kind in MAIN_STATEMENTS],
        required=False,
        help_text="One statement; all three unless given.",
    )


class GeneralLedgerQuery(PeriodQuery):
    """Which entries. A statement's `entriesUrl` is such a query: the `amount`s of its entries add up to the
    figure."""

    account_id = IdField(Prefix.ACCOUNT, required=False, help_text="One account alone.")
    include_children = StrictBooleanField(
        required=False, help_text="With `accountId`: all accounts below it too (true unless given)."
    )
    figure = OneOfField(
        figure_names(), required=False, help_text="The accounts alone that count in a figure of a statement."
    )
    cursor = TextField(max_length=CURSOR_LENGTH_MAX, required=False)
    page_size = page_size_field()


class TrialBalanceQuery(PeriodQuery):
    """The end of which day: `asOf`, or the last day of a period; today unless given."""

    as_of = DayField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take one way of naming the day."""
        if "as_of" in attrs:
            for name, outer in _PERIOD_NAMES.items():
                if name in attrs:
                    raise ValidationError.of(outer, "is a second way to say which day; send it or asOf.")
        return super().validate(attrs)


class OverviewQuery(ScopeQuery):
    """Which days, in steps of which length. Without days, the twelve months up to this one."""

    start_date = DayOrMomentField(required=False)
    end_date = DayOrMomentField(required=False)
    interval = OneOfField(Interval, required=False, help_text="`monthly` unless given.")
    status_filter = OneOfField(StatusFilter, required=False, help_text="Another name of `status`.")
    compare = OneOfField(COMPARISONS, required=False)
    format = OneOfField(CHART_FORMATS, required=False, help_text="`json` unless given.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take the two names of the status as one."""
        if "status_filter" in attrs:
            if attrs.setdefault("status", attrs["status_filter"]) != attrs["status_filter"]:
                raise ValidationError.of("statusFilter", "contradicts status; send one of the two.")
            del attrs["status_filter"]
        return attrs


class ChangesQuery(RequestSerializer):
    """What was recorded after `since`, up to `until` (now unless given), and changed the figures of a period;
    the closed period of the books unless one is given."""

    since = TimestampField()
    until = TimestampField(required=False)
    ledger_id = IdField(Prefix.LEDGER, required=False)
    status = OneOfField(StatusFilter, required=False)
    month = BoundedIntegerField(min_value=1, max_value=12, required=False)
    year = BoundedIntegerField(min_value=YEAR_MIN, max_value=YEAR_MAX, required=False)
    fiscal_year = BoundedIntegerField(min_value=YEAR_MIN + 1, max_value=YEAR_MAX, required=False)
    start_date = DayOrMomentField(required=False)
    end_date = DayOrMomentField(required=False)
    cursor = TextField(max_length=CURSOR_LENGTH_MAX, required=False)
    page_size = page_size_field()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take one way of naming the period."""
        check_period_names(attrs)
        return attrs


_PERIOD_NAMES: Final = {
    "month": "month",
    "year": "year",
    "fiscal_year": "fiscalYear",
    "start_date": "startDate",
    "end_date": "endDate",
}


def check_period_names(attrs: Mapping[str, Any]) -> None:
    """Raise ValidationError where a period is named in two ways, or by half."""
    given = [name for name in _PERIOD_NAMES if name in attrs]
    if "month" in attrs and "year" not in attrs:
        raise ValidationError.of("year", "is missing; a month is one of a year, send both.")
    if "start_date" in attrs and "end_date" not in attrs:
        raise ValidationError.of("endDate", "is missing; send the last day of the range too.")
    ways = {_WAYS[name] for name in given}
    if len(ways) > 1:
        second = next(name for name in given if _WAYS[name] != _WAYS[given[0]])
        raise ValidationError.of(
            _PERIOD_NAMES[second],
            f"is a second way to say which days, besides {_PERIOD_NAMES[given[0]]}; send one of the two.",
        )


_WAYS: Final = {"month": 0, "year": 0, "fiscal_year": 1, "start_date": 2, "end_date": 2}


def named_period(query: Mapping[str, Any], entity: Entity) -> Period | None:
    """The period that a query names; None where it names none. Raises ValidationError for ranges that are
    none."""
    if "fiscal_year" in query:
        return fiscal_year_period(query["fiscal_year"], first_month=entity.fiscal_year_start)
    if "month" in query:
        return month_period(query["year"], query["month"])
    if "year" in query:
        return year_period(query["year"])
    if "end_date" in query:
        return range_period(query.get("start_date"), query["end_date"])
    return None


def period_of(query: Mapping[str, Any], entity: Entity) -> Period:
    """The period that a query names; the current month of the entity's time zone where it names none."""
    named = named_period(query, entity)
    if named is not None:
        return named
    today = day_of(utc_now(), entity.zone)
    return month_period(today.year, today.month)


def ledger_of(query: Mapping[str, Any], entity: Entity) -> Ledger:
    """The ledger that a query names, or the default one. Raises ValidationError for one that the entity does
    not have."""
    ledger_id = query.get("ledger_id")
    if ledger_id is None:
        return known_default_ledger(entity)
    found = Ledger.objects.filter(entity_id=entity.id, id=ledger_id).first()
    if found is None:
        raise ValidationError.of(
            "ledgerId",
            f"{encode_id(Prefix.LEDGER, ledger_id)} is no ledger of this entity; send the id of one of its "
            "own, or none for the default one.",
        )
    return found


def scope_of(query: Mapping[str, Any], entity: Entity) -> Scope:
    """The scope that a query names. Raises ValidationError for an unknown ledger and a moment to come."""
    known_at = query.get("known_at")
    if known_at is not None:
        check_past(known_at, "knownAt")
    return new_scope(
        entity=entity,
        ledger=ledger_of(query, entity),
        status=query.get("status", StatusFilter.POSTED),
        known_at=known_at,
    )


def check_past(moment: datetime, field: str) -> None:
    """Raise ValidationError for a moment that has not come yet."""
    now = utc_now()
    if moment > now:
        raise ValidationError.of(
            field,
            f"{format_timestamp(moment)} has not come yet; send a timestamp up to {format_timestamp(now)}.",
        )

"""The filters of the list of transactions: how the page's query says them."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from ledger.clock import utc_now
from ledger.ids import Prefix, decode_id
from ledger.models import Entity
from ledger.money import minor_digits
from ledger.times import day_of
from transactions.browsing import Filters
from transactions.choices import COUNTS_AS_PENDING, Source, Status
from transactions.office.chart_choices import Chart
from transactions.office.fields import DayField, MoneyField

WAITING: Final = "waiting"
UNCATEGORIZED: Final = "uncategorized"
# What the page's query may hold beside the place in the list.
NAMES: Final = (
    "from", "to", "min", "max", "account", "category", "counterparty", "status", "source", "reconciled", "q",
)  # fmt: skip
_STATUS_NAMES: Final = {
    WAITING: "Waiting for approval",
    Status.PENDING.value: "Pending",
    Status.CLEARED.value: "Cleared",
    Status.RECONCILED.value: "Reconciled, not posted",
    Status.POSTED.value: "Posted",
    Status.REVERSED.value: "Reversed",
    Status.EXPIRED.value: "Expired",
}
SOURCE_NAMES: Final = {
    Source.API.value: "API",
    Source.BACK_OFFICE.value: "Back office",
    Source.BANK.value: "Bank",
    Source.IMPORT.value: "Import",
    Source.JOURNAL.value: "Journal entry",
    Source.SANDBOX.value: "Sandbox",
    Source.SYSTEM.value: "System",
}
# A round sum that somebody looks at twice, in a currency with two digits after the point.
_LARGE: Final = 10_000


class FilterForm(forms.Form):
    """What the list is narrowed to. `filters()` gives it, once it is valid."""

    def __init__(self, data: QueryDict, *, chart: Chart) -> None:
        super().__init__(data)
        self.chart = chart
        ids = {one.public_id for one in chart.choices}
        self.fields |= {
            "from": DayField(required=False, label="From"),
            "to": DayField(required=False, label="To"),
            "min": MoneyField(required=False, allow_zero=True, label="Amount from"),
            "max": MoneyField(required=False, allow_zero=True, label="Amount to"),
            "account": _choice(ids, label="Account"),
            "category": _choice({*ids, UNCATEGORIZED}, label="Category"),
            "counterparty": forms.CharField(required=False, max_length=200, label="Counterparty"),
            "status": _choice(_STATUS_NAMES, label="Status"),
            "source": _choice(SOURCE_NAMES, label="Source"),
            "reconciled": _choice({"yes", "no"}, label="Reconciled"),
            "q": forms.CharField(required=False, max_length=200, label="Words"),
        }

    def clean(self) -> dict[str, Any]:
        """Refuse ranges that leave nothing between their ends."""
        values = super().clean() or {}
        for lower, upper in (("from", "to"), ("min", "max")):
            low, high = values.get(lower), values.get(upper)
            if low is not None and high is not None and low > high:
                self.add_error(upper, "This is below the other end; swap them.")
        return values

    def filters(self) -> Filters:
        """What the list is narrowed to."""
        values = self.cleaned_data
        status = values["status"]
        category = values["category"]
        return Filters(
            date_from=values["from"],
            date_to=values["to"],
            amount_min=values["min"],
            amount_max=values["max"],
            account_id=decode_id(Prefix.ACCOUNT, values["account"], field="account")
            if values["account"]
            else None,
            category_id=(
                decode_id(Prefix.ACCOUNT, category, field="category")
                if category and category != UNCATEGORIZED
                else None
            ),
            uncategorized_on=self.chart.uncategorized() if category == UNCATEGORIZED else (),
            counterparty=values["counterparty"],
            statuses=tuple(sorted(COUNTS_AS_PENDING))
            if status == WAITING
            else (Status(status),)
            if status
            else (),
            source=values["source"],
            reconciled={"yes": True, "no": False}.get(values["reconciled"]),
            words=values["q"],
        )

    def query(self) -> str:
        """The page's query without the place in the list, in one order: what a view keeps."""
        given = self.data
        return urlencode([(name, given[name]) for name in NAMES if given.get(name)])

    def narrowed_by(self) -> int:
        """How many filters are given, beside words."""
        return sum(1 for name in NAMES if name != "q" and self.data.get(name))

    def options(self, name: str) -> list[tuple[str, str, bool]]:
        """The values of a list to choose from, what they are called, and which one is chosen."""
        names = {"status": _STATUS_NAMES, "source": SOURCE_NAMES, "reconciled": {"yes": "Yes", "no": "No"}}[
            name
        ]
        return [(value, label, self.data.get(name) == value) for value, label in names.items()]

    def status_options(self) -> list[tuple[str, str, bool]]:
        """The states."""
        return self.options("status")

    def source_options(self) -> list[tuple[str, str, bool]]:
        """The sources."""
        return self.options("source")

    def reconciled_options(self) -> list[tuple[str, str, bool]]:
        """Reconciled or not."""
        return self.options("reconciled")


def _choice(values: Any, **options: Any) -> forms.ChoiceField:
    return forms.ChoiceField(choices=[(value, value) for value in values], required=False, **options)


@dataclass(frozen=True, slots=True)
class Tab:
    """A view of the list that is one click away."""

    name: str
    query: str
    is_current: bool = False
    # Of a person's own view.
    id: str = ""


def own_day(entity: Entity) -> date:
    """Today, where the company is."""
    return day_of(utc_now(), entity.zone)


def built_in(entity: Entity) -> list[tuple[str, str]]:
    """The views that everybody has: name and query."""
    today = own_day(entity)
    first, last = _month(today)
    large = _LARGE * 10 ** (2 - min(minor_digits(entity.default_currency), 2))
    return [
        ("All", ""),
        ("To approve", urlencode({"status": WAITING})),
        ("To categorize", urlencode({"category": UNCATEGORIZED})),
        ("Large", urlencode({"min": Decimal(large)})),
        ("This month", urlencode({"from": first, "to": last})),
        ("Journal entries", urlencode({"source": Source.JOURNAL.value})),
    ]


def presets(entity: Entity) -> list[tuple[str, date, date]]:
    """Ranges of days that an accountant asks for: name, first and last day."""
    today = own_day(entity)
    first, last = _month(today)
    before_first, before_last = _month(first - timedelta(days=1))
    quarter = date(today.year, 3 * ((today.month - 1) // 3) + 1, 1)
    fiscal = date(
        today.year if today.month >= entity.fiscal_year_start else today.year - 1, entity.fiscal_year_start, 1
    )
    return [
        ("This month", first, last),
        ("Last month", before_first, before_last),
        ("This quarter", quarter, _months_later(quarter, 3) - timedelta(days=1)),
        ("This year", date(today.year, 1, 1), date(today.year, 12, 31)),
        ("Fiscal year", fiscal, _months_later(fiscal, 12) - timedelta(days=1)),
    ]


def _month(day: date) -> tuple[date, date]:
    first = day.replace(day=1)
    return first, _months_later(first, 1) - timedelta(days=1)


def _months_later(first: date, months: int) -> date:
    years, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(years, month + 1, 1)

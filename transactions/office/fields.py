"""Fields of the forms: an account by its name, an amount as accountants write it, a reason."""

import re
from decimal import Decimal
from typing import Any, Final

from django import forms

from ledger.exceptions import LedgerError
from ledger.money import parse_amount
from ledger.times import YEAR_MAX, YEAR_MIN
from transactions.office.chart_choices import Chart, Choice

# Thousands apart, as 12,500.00; a comma elsewhere could be a decimal one, and is refused.
_GROUPED: Final = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?", re.ASCII)
_PLAIN: Final = re.compile(r"-?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})", re.ASCII)
REASON_LENGTH_MAX: Final = 500


class AccountField(forms.CharField):
    """An account by label, code, name or id. Cleans to a Choice, or None where nothing is asked for."""

    def __init__(self, *, chart: Chart, **options: Any) -> None:
        super().__init__(max_length=250, **options)
        self.chart = chart
        self.widget.attrs |= {"list": "accounts", "autocomplete": "off"}

    def clean(self, value: Any) -> Choice | None:
        """Find the account."""
        text = super().clean(value)
        if not text:
            return None
        found = self.chart.find(text)
        if found is None:
            raise forms.ValidationError("No account is called so; choose one of the chart.")
        return found


class MoneyField(forms.CharField):
    """An amount, with or without commas between thousands. Cleans to a Decimal, or None."""

    def __init__(
        self,
        *,
        currency: str | None = None,
        allow_zero: bool = False,
        allow_negative: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(max_length=60, **options)
        self.currency, self.allow_zero, self.allow_negative = currency, allow_zero, allow_negative
        self.widget.attrs |= {"class": "amount", "inputmode": "decimal", "autocomplete": "off"}

    def clean(self, value: Any) -> Decimal | None:
        """Read the amount."""
        text = super().clean(value)
        if not text:
            return None
        return read_amount(
            text, currency=self.currency, allow_zero=self.allow_zero, allow_negative=self.allow_negative
        )


def read_amount(
    text: str, *, currency: str | None, allow_zero: bool = False, allow_negative: bool = False
) -> Decimal:
    """Return the amount that a person typed. Raises the form's ValidationError."""
    said = text.strip()
    if _GROUPED.fullmatch(said):
        said = said.replace(",", "")
    if not _PLAIN.fullmatch(said):
        raise forms.ValidationError("This is not an amount; write one such as 1,250.50.")
    said = said.removesuffix(".")
    if said.startswith("."):
        said = f"0{said}"
    try:
        return parse_amount(
            said, currency=currency, field="", allow_zero=allow_zero, allow_negative=allow_negative
        )
    except LedgerError as error:
        raise forms.ValidationError(error.message) from error


class DayField(forms.DateField):
    """A day that books can have, as a browser's own calendar gives it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            widget=forms.DateInput(
                format="%Y-%m-%d",
                attrs={"type": "date", "min": f"{YEAR_MIN}-01-01", "max": f"{YEAR_MAX}-12-31"},
            ),
            input_formats=["%Y-%m-%d"],
            **options,
        )

    def clean(self, value: Any) -> Any:
        """Read the day."""
        day = super().clean(value)
        if day is not None and not YEAR_MIN <= day.year <= YEAR_MAX:
            raise forms.ValidationError(f"Choose a day of a year from {YEAR_MIN} to {YEAR_MAX}.")
        return day


def refuse(form: forms.Form, error: LedgerError, names: dict[str, str]) -> None:
    """Show what a service refused at the fields that it names (`names` by the service's own), else above the
    form."""
    for detail in error.details:
        name = names.get(detail.field, detail.field)
        form.add_error(name if name in form.fields else None, detail.message)
    if not error.details:
        form.add_error(None, error.message)

"""How the pages of statements write counts, changes and addresses."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import template
from django.urls import reverse
from django.utils.http import urlencode

from ledger.ids import Prefix, encode_id
from reports.files.figures import on_paper
from reports.standing import COUNTED_MAX

register = template.Library()


@register.filter
def counted(count: int) -> str:
    """A count that stopped at a bound: 1,000+ beyond it."""
    return f"{COUNTED_MAX:,}+" if count > COUNTED_MAX else f"{count:,}"


@register.filter
def percent(value: Decimal | None) -> str:
    """A change in percent with its sign, as +12.5 %; nothing where there was nothing before."""
    return "" if value is None else f"{value:+,.1f}\N{NO-BREAK SPACE}%".replace("-", "\N{MINUS SIGN}")


@register.filter
def plain(amount: Decimal, currency: str) -> str:
    """An amount where no markup can stand, as 1,234.50 or (20.00)."""
    return on_paper(amount, currency)


@register.filter
def iso(value: date | datetime | None) -> str:
    """A day as a field takes it."""
    return "" if value is None else value.isoformat()[:10]


@register.simple_tag(takes_context=True)
def place(context: template.Context, name: str, **query: Any) -> str:
    """The address of a page of the company with that query."""
    url = _address(context, name)
    chosen = {key: value for key, value in query.items() if value not in (None, "")}
    return f"{url}?{urlencode(chosen)}" if chosen else url


@register.simple_tag(takes_context=True)
def transaction_page(context: template.Context, transaction_id: UUID) -> str:
    """The address of a transaction's page."""
    return _address(context, "transaction", id=encode_id(Prefix.TRANSACTION, transaction_id))


@register.simple_tag(takes_context=True)
def account_page(context: template.Context, account_id: UUID) -> str:
    """The address of an account's ledger."""
    return _address(context, "account", id=encode_id(Prefix.ACCOUNT, account_id))


def _address(context: template.Context, name: str, **parts: str) -> str:
    return reverse(f"office:{name}", kwargs={"company": context["company"].public_id, **parts})

"""How the back office writes amounts, days and addresses."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ledger.money import minor_digits

register = template.Library()


@register.filter
def money(amount: Decimal | None, currency: str = "USD") -> SafeString:
    """An amount as accountants write it: thousands apart, negative ones in parentheses, zero as a dash.

    It comes in a `<span class="money">`, so that figures are of one width and stand flush right.
    """
    if amount is None:
        return SafeString("")
    digits = minor_digits(currency)
    text = f"{abs(amount):,.{digits}f}"
    if not amount.quantize(Decimal(1).scaleb(-digits)):
        return format_html('<span class="money money-zero">{}</span>', "\N{EN DASH}")
    if amount < 0:
        return format_html('<span class="money money-negative">({})</span>', text)
    return format_html('<span class="money">{}</span>', text)


@register.filter
def day(value: date | datetime | None) -> str:
    """A day, as 5 Mar 2026."""
    return "" if value is None else f"{value.day} {value:%b %Y}"


@register.simple_tag(takes_context=True)
def moment(context: template.Context, value: datetime | None) -> str:
    """A moment in the company's time zone, as 5 Mar 2026 14:07; in UTC where the page is about no company."""
    if value is None:
        return ""
    company = context.get("company")
    local = value.astimezone(company.zone) if company is not None else value
    return f"{local.day} {local:%b %Y %H:%M}"


@register.simple_tag(takes_context=True)
def page(context: template.Context, name: str, **parts: Any) -> str:
    """The address of a page of the company that this page is about."""
    return reverse(f"office:{name}", kwargs={"company": context["company"].public_id, **parts})


@register.simple_tag(takes_context=True)
def with_query(context: template.Context, **changes: Any) -> str:
    """The query string of this page with some parameters changed; None takes one away. Begins with "?"."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = str(value)
    return f"?{query.urlencode()}"

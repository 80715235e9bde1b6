"""The month in words: from the statements, by rules, so that the same books always give the same words."""

from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Final

from django.db import models
from django.db.models import OuterRef, Q, QuerySet, Subquery

from accounts.querysets import default_ledger
from ai.chat.parsing.calendar import months_later
from ai.chat.wording import money
from ai.models import Summary
from ledger.choices import EntityStatus
from ledger.clock import utc_now
from ledger.ids import new_id
from ledger.models import Entity
from ledger.money import as_text
from ledger.times import day_of
from reports.periods import month_period
from reports.question import Kind, Question, answer
from reports.read import PREVIOUS, new_scope
from reports.statements.balance_sheet import BalanceSheet
from reports.statements.cash_flow import CashFlowStatement
from reports.statements.income_statement import IncomeStatement
from reports.statements.overview import percent_change
from reports.sums import exactly
from reports.tree import Forest
from transactions.choices import COUNTS_AS_PENDING
from transactions.selections import Selection, chart_of, totals

LARGEST_SHOWN: Final = 3
WRITTEN_AT_ONCE_MAX: Final = 500
_DAY: Final = timedelta(days=1)
_KINDS: Final = (Kind.INCOME, Kind.BALANCE, Kind.CASHFLOW)


def write_summary(entity: Entity, month: date) -> bool:
    """Write the summary of the month that begins on `month`, from what is posted; False where there is one
    already. Four queries."""
    ledger = default_ledger(entity)
    period = month_period(month.year, month.month)
    question = Question(new_scope(entity=entity, ledger=ledger), period, _KINDS, PREVIOUS)
    found = answer(question)
    income, before = found.statements[Kind.INCOME], found.comparison[Kind.INCOME]
    cash, sheet = found.statements[Kind.CASHFLOW], found.statements[Kind.BALANCE]
    assert isinstance(income, IncomeStatement)
    assert isinstance(before, IncomeStatement)
    assert isinstance(cash, CashFlowStatement)
    assert isinstance(sheet, BalanceSheet)
    waiting = totals(
        entity,
        chart_of(entity, ledger.id),
        Selection(ledger.id, period.start, period.end, statuses=COUNTS_AS_PENDING),
    )
    figures = {
        "revenue": income.total_revenue,
        "expenses": income.total_expenses,
        "netIncome": income.net_income,
        "previousRevenue": before.total_revenue,
        "previousExpenses": before.total_expenses,
        "previousNetIncome": before.net_income,
        "netChangeInCash": cash.net_change_in_cash,
        "endingCash": cash.ending_cash,
        "totalAssets": sheet.total_assets,
        "totalLiabilities": sheet.total_liabilities,
    }
    text = _text(month, ledger.currency, figures, income.expenses, waiting.count)
    summary = Summary(
        id=new_id(),
        entity=entity,
        month=period.start,
        currency=ledger.currency,
        text=text,
        figures={name: as_text(amount, ledger.currency) for name, amount in figures.items()},
        created_at=utc_now(),
    )
    # Two workers may write the same one: the first stays.
    made = Summary.objects.bulk_create([summary], ignore_conflicts=True)
    return bool(made) and Summary.objects.filter(entity_id=entity.id, id=summary.id).exists()


def summaries_of(entity: Entity, *, older_than: date | None = None) -> QuerySet[Summary]:
    """The company's summaries, the newest month first."""
    found = Summary.objects.filter(entity_id=entity.id).order_by("-month")
    return found if older_than is None else found.filter(month__lt=older_than)


def due_summaries() -> list[tuple[Entity, date]]:
    """The companies whose last month has ended, in their own time zones, and has no summary yet, with that
    month's first day; of all companies, at most WRITTEN_AT_ONCE_MAX. One query."""
    now = utc_now()
    newest = Summary.objects.filter(entity_id=OuterRef("pk")).order_by("-month").values("month")[:1]
    # Nowhere has a month ended more than a day before it does in UTC.
    latest_possible = months_later((now + _DAY).astimezone(UTC).date(), -1)
    wanted = (
        Entity.objects.filter(smart_summary=True, status=EntityStatus.ACTIVE)
        .annotate(newest_summary=Subquery(newest, output_field=models.DateField()))
        .filter(Q(newest_summary__isnull=True) | Q(newest_summary__lt=latest_possible))
        .order_by("id")
    )
    due: list[tuple[Entity, date]] = []
    for entity in wanted.iterator(chunk_size=WRITTEN_AT_ONCE_MAX):
        month = months_later(day_of(now, entity.zone), -1)
        if entity.newest_summary is None or entity.newest_summary < month:
            due.append((entity, month))
            if len(due) == WRITTEN_AT_ONCE_MAX:
                break
    return due


def _text(month: date, currency: str, figures: dict[str, Decimal], expenses: Forest, waiting: int) -> str:
    """The month in words."""
    name = f"{month:%B %Y}"
    revenue, spent, profit = figures["revenue"], figures["expenses"], figures["netIncome"]
    if not (revenue or spent or figures["netChangeInCash"]):
        sentences = [f"Nothing was earned or spent in {name}."]
    else:
        result = "a net income of" if profit >= 0 else "a net loss of"
        sentences = [
            f"In {name} revenue was {money(revenue, currency)}"
            f"{_change(revenue, figures['previousRevenue'])} and expenses were {money(spent, currency)}"
            f"{_change(spent, figures['previousExpenses'])}: {result} "
            f"{money(abs(profit), currency)}, after {money(figures['previousNetIncome'], currency)} the "
            "month before."
        ]
    largest = _largest(expenses)
    if largest:
        told = ", ".join(f"{label} ({money(amount, currency)})" for label, amount in largest)
        sentences.append(f"The largest expenses were {told}.")
    change = figures["netChangeInCash"]
    if change:
        word = "rose" if change > 0 else "fell"
        sentences.append(
            f"Cash {word} by {money(abs(change), currency)} to {money(figures['endingCash'], currency)}."
        )
    else:
        sentences.append(f"Cash stayed at {money(figures['endingCash'], currency)}.")
    if waiting:
        verb = "is" if waiting == 1 else "are"
        noun = "transaction" if waiting == 1 else "transactions"
        sentences.append(f"{waiting:,} {noun} of the month {verb} not posted yet and not in these figures.")
    return " ".join(sentences)


def _change(now: Decimal, before: Decimal) -> str:
    percent = percent_change(now, before)
    if percent is None:
        return ""
    if not percent:
        return " (as the month before)"
    return f" ({abs(percent):f}% {'more' if percent > 0 else 'less'} than the month before)"


def _largest(expenses: Forest) -> list[tuple[str, Decimal]]:
    """The accounts that most was spent on, each by what stands on itself."""
    with exactly():
        own = [
            (node.name, node.balance - sum((child.balance for child in node.children), Decimal(0)))
            for top in expenses
            for node in top.walk()
        ]
    found = sorted((one for one in own if one[1] > 0), key=lambda one: (-one[1], one[0]))
    return found[:LARGEST_SHOWN]

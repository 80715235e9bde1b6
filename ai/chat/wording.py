"""Answers in words. Every number in them is one that was computed."""

from datetime import date
from decimal import Decimal
from typing import Final

from accounts.choices import AccountType
from ai.chat.answering import Answered, Part
from ai.chat.query import OF_A_DAY, OF_STATEMENTS, AmountRange, ChatQuery, Measure, Rank, Span
from ledger.money import as_number
from reports.periods import Period
from transactions.choices import COUNTS_AS_PENDING, COUNTS_AS_POSTED
from transactions.rows import Row
from transactions.selections import Flow, Grouping

_YEAR_MONTHS: Final = 12
PARTS_NAMED: Final = 12
NAMES_SHOWN: Final = 4
_SIGNS: Final = {"USD": "$", "EUR": "€", "GBP": "£"}
_FIGURES: Final = {
    Measure.PROFIT: "Net income",
    Measure.GROSS_PROFIT: "Gross profit",
    Measure.OPERATING_INCOME: "Operating income",
    Measure.REVENUE: "Total revenue",
    Measure.EXPENSES: "Total expenses",
    Measure.CASH_CHANGE: "The net change in cash",
    Measure.CASH: "Cash",
    Measure.ASSETS: "Total assets",
    Measure.LIABILITIES: "Total liabilities",
    Measure.EQUITY: "Total equity",
}
_OF_TYPE: Final = {
    AccountType.REVENUE: "of revenue",
    AccountType.EXPENSE: "of expenses",
    AccountType.ASSET: "on asset accounts",
    AccountType.LIABILITY: "on liability accounts",
    AccountType.EQUITY: "on equity accounts",
}
_COMPUTED: Final = {
    Measure.SUM: "The sum",
    Measure.COUNT: "The number",
    Measure.AVERAGE: "The average",
    Measure.LARGEST: "The largest",
    Measure.SMALLEST: "The smallest",
    Measure.LIST: "A list",
}


def money(amount: Decimal, currency: str) -> str:
    """An amount as people write it: `$1,247.50`, `1,247.50 CHF`."""
    number = as_number(abs(amount), currency)
    sign = "-" if amount < 0 else ""
    if currency in _SIGNS:
        return f"{sign}{_SIGNS[currency]}{number:,f}"
    return f"{sign}{number:,f} {currency}"


def day_text(day: date) -> str:
    """A day as `5 May 2025`."""
    return f"{day.day} {day:%B %Y}"


def span_text(span: Span | None) -> str:
    """Days in words, to stand at the end of a sentence."""
    if span is None or (span.start is None and span.end is None):
        return "in all of the books"
    if span.start is None:
        assert span.end is not None
        return f"until {day_text(span.end)}"
    if span.end is None:
        return f"since {day_text(span.start)}"
    if span.start == span.end:
        return f"on {day_text(span.start)}"
    period = Period(span.start, span.end)
    if period.month is not None:
        return f"in {span.start:%B %Y}"
    if span.start.year == span.end.year and period.whole_months == _YEAR_MONTHS:
        return f"in {span.start.year}"
    return f"from {day_text(span.start)} to {day_text(span.end)}"


def _amount_text(amount: AmountRange, currency: str) -> str:
    if amount.low is not None and amount.high is not None:
        if amount.low == amount.high:
            return f"of exactly {money(amount.low, currency)}"
        return f"between {money(amount.low, currency)} and {money(amount.high, currency)}"
    if amount.low is not None:
        return f"{'over' if amount.low_excluded else 'of at least'} {money(amount.low, currency)}"
    assert amount.high is not None
    return f"{'under' if amount.high_excluded else 'of at most'} {money(amount.high, currency)}"


def _names(names: list[str]) -> str:
    """Names in a row, of many the first and how many more."""
    if len(names) > NAMES_SHOWN:
        return ", ".join(names[:NAMES_SHOWN]) + f" and {len(names) - NAMES_SHOWN} more"
    if len(names) > 1:
        return ", ".join(names[:-1]) + f" and {names[-1]}"
    return "".join(names)


def subject(found: Answered) -> str:
    """Which transactions are meant, without the time: `transactions in Travel with Delta Air over "
    "$100.00`."""
    query, parts = found.query, ["transactions"]
    if query.statuses:
        parts.insert(0, _statuses(query))
    if query.uncategorized:
        parts.insert(0, "uncategorized")
    if query.account_ids:
        accounts = [found.accounts[one].name for one in query.account_ids if one in found.accounts]
        parts.append(f"in {_names(accounts)}")
    elif query.account_type is not None:
        parts.append(_OF_TYPE[query.account_type])
    if query.flow is not None:
        out = query.flow is Flow.OUT
        parts.append("paid out of bank accounts and cards" if out else "paid into bank accounts and cards")
    if query.counterparties:
        parts.append(f"with {_names(list(query.counterparties))}")
    if query.amount is not None:
        parts.append(_amount_text(query.amount, found.currency))
    if query.text:
        parts.append(f'with "{query.text}" in their text')
    return " ".join(parts)


def _statuses(query: ChatQuery) -> str:
    if query.statuses == COUNTS_AS_POSTED:
        return "posted"
    if query.statuses == COUNTS_AS_PENDING:
        return "not yet approved"
    return " or ".join(sorted(status.value.lower() for status in query.statuses))


def interpretation(found: Answered) -> str:
    """How a question was read, in one sentence."""
    query = found.query
    if query.measure is Measure.BALANCE:
        accounts = [found.accounts[one].name for one in query.account_ids if one in found.accounts]
        text = f"The posted balance of {_names(accounts)} at the end of {_day_of(found)}"
    elif query.measure in OF_A_DAY:
        text = f"{_FIGURES[query.measure]} of the balance sheet (posted) at the end of {_day_of(found)}"
    elif query.measure in OF_STATEMENTS:
        text = f"{_FIGURES[query.measure]} of the statements (posted) {span_text(found.span)}"
    else:
        text = f"{_COMPUTED[query.measure]} of {subject(found)} {span_text(query.period)}"
    if query.group_by is not None:
        text += f", by {query.group_by.value}"
        if query.rank is not None:
            text += f", {query.rank.value} first"
    if query.limit is not None:
        text += f", at most {query.limit}"
    if found.comparison is not None:
        other = found.comparison.period
        days = _other_days(found, Span(other.start, other.end))
        text += f", compared with {days.removeprefix('in ').removeprefix('from ').removeprefix('on ')}"
    return text + "."


def _day_of(found: Answered) -> str:
    return day_text(found.span.end) if found.span.end else "today"


def _other_days(found: Answered, other: Span) -> str:
    if found.query.measure in OF_A_DAY and other.end is not None:
        return day_text(other.end)
    return span_text(other)


def answer_text(found: Answered) -> str:
    """The answer in sentences."""
    query = found.query
    if query.measure is Measure.BALANCE or query.measure in OF_STATEMENTS:
        sentences = _of_statement(found)
    else:
        sentences = _of_transactions(found)
    sentences += _of_parts(found)
    sentences += _of_comparison(found)
    sentences += found.remarks
    return " ".join(sentences)


def _of_statement(found: Answered) -> list[str]:
    query, total = found.query, money(found.total, found.currency)
    if query.measure is Measure.BALANCE:
        accounts = [found.accounts[one].name for one in query.account_ids if one in found.accounts]
        sentences = [f"The balance of {_names(accounts)} at the end of {_day_of(found)} is {total}."]
    elif query.measure in OF_A_DAY:
        verb = "are" if _FIGURES[query.measure].endswith("s") else "is"
        sentences = [f"{_FIGURES[query.measure]} {verb} {total} at the end of {_day_of(found)}."]
    else:
        verb = "were" if _FIGURES[query.measure].endswith("expenses") else "was"
        sentences = [f"{_FIGURES[query.measure]} {span_text(found.span)} {verb} {total}."]
    if found.pending_total != found.total:
        sentences.append(f"With what is not posted yet it is {money(found.pending_total, found.currency)}.")
    return sentences


def _of_transactions(found: Answered) -> list[str]:
    query, currency = found.query, found.currency
    what, when = subject(found), span_text(query.period)
    if not found.count:
        return [f"I found no {what} {when}."]
    total = money(found.total, currency)
    noun = what.replace("transactions", "transaction", 1) if found.count == 1 else what
    counted = f"{found.count:,} {noun} {when}"
    if query.measure is Measure.COUNT:
        sentences = [f"There {'is' if found.count == 1 else 'are'} {counted}, totaling {total}."]
    elif query.measure is Measure.AVERAGE and found.average is not None:
        per = f"per {query.group_by.value} " if query.group_by in _TIMES else ""
        sentences = [f"The average {per}is {money(found.average, currency)}, of {counted}, totaling {total}."]
    elif query.measure in (Measure.LARGEST, Measure.SMALLEST) and query.group_by is None:
        word = query.measure.value
        number = f"{len(found.rows)} {word}" if (query.limit or 0) > 1 else word
        sentences = [f"The {number} of {counted}: {_rows(found)}.", f"All of them total {total}."]
    else:
        sentences = [f"I found {counted}, totaling {total}."]
        if found.count > 1 and found.average is not None and query.group_by is None:
            sentences[0] = sentences[0][:-1] + f" (average {money(found.average, currency)})."
            if found.count <= len(found.rows):
                largest = max(found.rows, key=lambda row: row.amount)
                sentences.append(f"The largest was {_row(largest)}.")
    if found.pending_count:
        sentences.append(
            f"{found.pending_count:,} of them, {money(found.pending_total, currency)}, "
            f"{'is' if found.pending_count == 1 else 'are'} not posted yet."
        )
    return sentences


_TIMES: Final = frozenset({Grouping.DAY, Grouping.WEEK, Grouping.MONTH, Grouping.QUARTER, Grouping.YEAR})


def _rows(found: Answered) -> str:
    wanted = found.query.limit or 1
    return "; ".join(_row(row) for row in found.rows[:wanted])


def _row(row: Row) -> str:
    name = row.counterparty or row.description
    return f"{money(row.amount, row.currency)}{', ' + name if name else ''}, on {day_text(row.date)}"


def _of_parts(found: Answered) -> list[str]:
    parts, query = found.parts, found.query
    if not parts:
        return []
    if len(parts) == 1 and query.rank is not None:
        word = "highest" if query.rank is Rank.HIGHEST else "lowest"
        return [f"The {word} is {_part(parts[0], found)}."]
    told = "; ".join(_part(part, found) for part in parts[:PARTS_NAMED])
    more = len(parts) - PARTS_NAMED
    return [
        f"{'By ' + query.group_by.value if query.group_by else 'Of that'}: {told}"
        + (f"; and {more} more." if more > 0 else ".")
    ]


def _part(part: Part, found: Answered) -> str:
    if found.query.measure is Measure.COUNT and part.count is not None:
        return f"{part.name} {part.count:,}"
    return f"{part.name} {money(part.total, found.currency)}"


def _of_comparison(found: Answered) -> list[str]:
    other = found.comparison
    if other is None:
        return []
    is_count = found.query.measure is Measure.COUNT
    before = f"{other.count:,}" if is_count else money(other.total, found.currency)
    when = _other_days(found, Span(other.period.start, other.period.end))
    if found.query.measure in OF_A_DAY:
        when = f"at the end of {when}"
    if not other.change:
        return [f"It was the same, {before}, {when}."]
    size = f"{abs(other.change):,f}" if is_count else money(abs(other.change), found.currency)
    percent = f" ({abs(other.percent):f}%)" if other.percent is not None else ""
    word = "more" if other.change > 0 else "less"
    return [f"That is {size}{percent} {word} than the {before} {when}."]

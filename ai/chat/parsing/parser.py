"""A question in plain language as a typed query, by rules alone: the same words always give the same "
"query."""

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from accounts.choices import AccountType
from ai.chat.parsing.amounts import read_amounts
from ai.chat.parsing.calendar import Calendar
from ai.chat.parsing.followups import Continuation, continued, read_continuation
from ai.chat.parsing.measures import Wanted, read_wanted
from ai.chat.parsing.names import Found, Names
from ai.chat.parsing.periods import Times, read_times
from ai.chat.parsing.plain_words import EMPTY, listed
from ai.chat.parsing.prompt import Prompt
from ai.chat.parsing.spelling import correct
from ai.chat.parsing.statuses import read_statuses, read_uncategorized
from ai.chat.query import (
    ACCOUNTS_MAX,
    COUNTERPARTIES_MAX,
    OF_A_DAY,
    ChatQuery,
    Measure,
    Rank,
)
from transactions.category_side import PROFIT_AND_LOSS
from transactions.selections import Flow, Grouping

_TEXT_WORDS_MAX: Final = 6
_RESULTS: Final = frozenset({Measure.PROFIT, Measure.GROSS_PROFIT, Measure.OPERATING_INCOME})
_OF_AMOUNTS: Final = frozenset({Measure.SUM, Measure.AVERAGE})
# Beside the name of an account they say nothing; without one they may stand in texts.
_KINDS_OF_ENTRIES: Final = listed("bill bills invoice invoices receipt receipts charge charges order orders")
_TRANSACTION_WORDS: Final = listed(
    "transaction transactions payment payments entry entries record records txn txns item items"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a prompt was read as. Without any sense `query` is None; `left` are the words that were not
    understood, as they were written: they may stand in descriptions."""

    query: ChatQuery | None
    left: tuple[str, ...] = ()
    is_continued: bool = False


def parse(text: str, *, names: Names, calendar: Calendar, before: ChatQuery | None = None) -> Reading:
    """Read a prompt; `before` is what was asked before it, which a follow-up goes on from."""
    prompt = Prompt.of(text)
    correct(prompt, names.words)
    continuation = read_continuation(prompt, has_before=before is not None)
    phrases = names.read_phrases(prompt)
    times = read_times(prompt, calendar)
    amount = read_amounts(prompt)
    uncategorized = read_uncategorized(prompt)
    statuses = read_statuses(prompt)
    wanted = read_wanted(prompt)
    is_balance = wanted.measure in OF_A_DAY
    found = phrases.joined(names.read_words(prompt, wanted.account_type, accounts_only=is_balance))
    if wanted.financial_types:
        found = Found(names.of_financial_types(wanted.financial_types))
    kinds = _KINDS_OF_ENTRIES if found.account_ids else frozenset()
    prompt.drop(lambda word: word in EMPTY or word in kinds)
    left = tuple(dict.fromkeys(prompt.left))[:_TEXT_WORDS_MAX]
    query = _query(wanted, times, found, names)
    query = replace(
        query,
        amount=amount,
        statuses=statuses,
        uncategorized=uncategorized,
        text=" ".join(prompt.quoted)[:200],
    )
    says_something = query != ChatQuery() or wanted.measure is not None or times.is_said
    if before is not None and continuation is not Continuation.NONE and (says_something or left):
        return Reading(continued(before, query, wanted, times, continuation), left, is_continued=True)
    if (
        before is not None
        and continuation is Continuation.NONE
        and says_something
        and _is_bare(query, wanted)
    ):
        return Reading(continued(before, query, wanted, times, Continuation.ALSO), left, is_continued=True)
    if not says_something or (left and _is_bare(query, wanted) and not _speaks_of_transactions(prompt)):
        return Reading(None, left)
    return Reading(_settled(query, wanted), left)


def _is_bare(query: ChatQuery, wanted: Wanted) -> bool:
    """Whether only a period, a state or a bound was said, which asks for nothing by itself."""
    return (
        wanted.measure is None
        and wanted.account_type is None
        and wanted.flow is None
        and not query.account_ids
        and not query.counterparties
        and not query.text
        and not query.uncategorized
    )


def _speaks_of_transactions(prompt: Prompt) -> bool:
    return any(word.text in _TRANSACTION_WORDS for word in prompt.words)


def _query(wanted: Wanted, times: Times, found: Found, names: Names) -> ChatQuery:
    """The parts as a query."""
    account_type, flow = wanted.account_type, wanted.flow
    account_ids = _of_one_kind(found.account_ids, names)[:ACCOUNTS_MAX]
    if wanted.is_spending and not account_ids:
        by_partner = wanted.group_by is Grouping.COUNTERPARTY
        if found.counterparties or by_partner:
            account_type, flow = None, Flow.OUT
    if flow is Flow.OUT and (account_type is AccountType.EXPENSE or _are_results(account_ids, names)):
        # Costs count when they are booked, whenever they are paid.
        flow = None
    return ChatQuery(
        measure=wanted.measure or Measure.LIST,
        period=times.period,
        account_ids=account_ids,
        account_type=account_type if not account_ids else None,
        flow=flow,
        counterparties=found.counterparties[:COUNTERPARTIES_MAX],
        group_by=wanted.group_by,
        rank=wanted.rank,
        compare=times.compare,
        compare_with=times.compare_with,
        limit=wanted.limit,
    )


def _are_results(account_ids: tuple[UUID, ...], names: Names) -> bool:
    return bool(account_ids) and all(
        one.type in PROFIT_AND_LOSS for one in names.chart if one.id in account_ids
    )


def _of_one_kind(account_ids: tuple[UUID, ...], names: Names) -> tuple[UUID, ...]:
    """Of accounts of several kinds those of revenue and expenses: sums over both kinds mean nothing."""
    kinds = {one.id: one.type in PROFIT_AND_LOSS for one in names.chart}
    results = tuple(one for one in account_ids if kinds.get(one))
    return results or account_ids


def _settled(query: ChatQuery, wanted: Wanted) -> ChatQuery:
    """A query of its own, with what goes without saying."""
    measure = query.measure
    if wanted.measure is None:
        if query.group_by is not None or query.compare is not None or query.account_type is not None:
            measure = Measure.SUM
        elif query.account_ids or query.counterparties:
            measure = Measure.LIST
    if measure is Measure.LIST and wanted.measure is Measure.LIST and query.group_by is not None:
        measure = Measure.SUM
    if measure is Measure.BALANCE and not query.account_ids:
        measure = Measure.CASH
    if measure is Measure.CASH and query.account_ids:
        measure = Measure.BALANCE
    names_nothing = not (query.account_type or query.flow or query.account_ids or query.counterparties)
    if query.group_by is Grouping.CATEGORY and names_nothing and measure in _OF_AMOUNTS:
        # What money goes to, unless something else was said.
        query = replace(query, account_type=AccountType.EXPENSE)
    rank = query.rank
    if query.group_by in (Grouping.CATEGORY, Grouping.COUNTERPARTY) and rank is None:
        rank = Rank.HIGHEST
    return settle_statement(replace(query, measure=measure, rank=rank))


def settle_statement(query: ChatQuery) -> ChatQuery:
    """All revenue and all expenses are lines of the income statement; with anything else they are sums of
    transactions."""
    measure, account_type = query.measure, query.account_type
    by_partner = query.group_by is Grouping.COUNTERPARTY
    if (
        measure is Measure.SUM
        and account_type in PROFIT_AND_LOSS
        and not query.narrows_transactions
        and not by_partner
    ):
        measure = Measure.REVENUE if account_type is AccountType.REVENUE else Measure.EXPENSES
        account_type = None
    elif measure in (Measure.REVENUE, Measure.EXPENSES) and (query.narrows_transactions or by_partner):
        account_type = AccountType.REVENUE if measure is Measure.REVENUE else AccountType.EXPENSE
        measure = Measure.SUM
    if (query.account_ids or query.counterparties) and measure in _RESULTS:
        measure = Measure.SUM
    return replace(query, measure=measure, account_type=account_type)

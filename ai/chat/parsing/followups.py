"""Questions that go on from the one before: "and in May?", "what about marketing?", "only those"."""

from dataclasses import replace
from enum import Enum
from typing import Final

from accounts.choices import AccountType
from ai.chat.parsing.measures import Wanted
from ai.chat.parsing.periods import Times
from ai.chat.parsing.prompt import Prompt, whole
from ai.chat.query import OF_STATEMENTS, ChatQuery, Measure
from transactions.category_side import PROFIT_AND_LOSS


class Continuation(Enum):
    """How a prompt goes on: not at all; with something else in its place; or narrowing what was found."""

    NONE = 0
    ALSO = 1
    ONLY = 2


_ALSO: Final = whole(
    r"(?:ok |okay |and |so |then |now )*(?:what about|how about|what if|same(?: thing| question| "
    r"again)?(?: for| in)?|and|but|also|then|instead"
    r"|now|ok|okay)"
)
_ONLY: Final = whole(
    r"(?:and |but |now |ok |please )*(?:(?:show |list |give )?(?:me )?(?:only|just)|of (?:those|these"
    r"|them)|(?:which|how many|what) of (?:those|these|them)"
    r"|(?:those|these|them|they|it|there|that|the ones|ones))"
)


def read_continuation(prompt: Prompt, *, has_before: bool) -> Continuation:
    """Find out whether a prompt goes on; takes the words that say so."""
    if not has_before:
        return Continuation.NONE
    text = prompt.text
    beginning = _ALSO.match(text)
    only = _ONLY.search(text)
    if only is not None:
        if only.group().split()[-1] in ("only", "just"):
            prompt.take_span(only.start(), only.end())
        return Continuation.ONLY
    if beginning is not None:
        prompt.take_span(beginning.start(), beginning.end())
        return Continuation.ALSO
    return Continuation.NONE


def continued(
    before: ChatQuery, said: ChatQuery, wanted: Wanted, times: Times, how: Continuation
) -> ChatQuery:
    """The query before with what was said now. What is named anew takes the place of what was named, unless
    it narrows it."""
    from ai.chat.parsing.parser import settle_statement

    query = before
    if times.is_said:
        query = replace(query, period=times.period)
    if times.compare is not None:
        period = times.period if times.is_said else before.period or times.period
        query = replace(query, compare=times.compare, compare_with=times.compare_with, period=period)
    elif times.is_said:
        query = replace(query, compare=None if before.compare_with else before.compare, compare_with=None)
    query = _subject(query, said, how)
    for name in ("amount", "text", "statuses", "uncategorized", "limit", "rank"):
        value = getattr(said, name)
        if value:
            query = replace(query, **{name: value})
    if wanted.group_by is not None:
        query = replace(query, group_by=wanted.group_by)
    if wanted.measure is not None and not (
        how is Continuation.ONLY and wanted.measure is Measure.LIST and query.measure is Measure.LIST
    ):
        query = _with_measure(query, wanted.measure)
    return settle_statement(query)


def _subject(query: ChatQuery, said: ChatQuery, how: Continuation) -> ChatQuery:
    names_something = bool(said.account_ids or said.counterparties or said.account_type or said.flow)
    if not names_something:
        return query
    measure = query.measure
    if measure in OF_STATEMENTS or (measure is Measure.BALANCE and not said.account_ids):
        # "What about marketing?" after the costs of May asks what was spent on it.
        measure = Measure.SUM
    if how is Continuation.ONLY:
        return replace(
            query,
            measure=measure,
            account_ids=said.account_ids or query.account_ids,
            counterparties=said.counterparties or query.counterparties,
            account_type=said.account_type or query.account_type,
            flow=said.flow or query.flow,
        )
    return replace(
        query,
        measure=measure,
        account_ids=said.account_ids,
        counterparties=said.counterparties,
        account_type=said.account_type,
        flow=said.flow or (query.flow if said.counterparties else None),
        text="",
        uncategorized=False,
    )


def _with_measure(query: ChatQuery, measure: Measure) -> ChatQuery:
    """Another measure of the same: of a line of the income statement its transactions."""
    of_type = {Measure.REVENUE: AccountType.REVENUE, Measure.EXPENSES: AccountType.EXPENSE}
    assert set(of_type.values()) == PROFIT_AND_LOSS
    if query.measure in of_type and measure not in OF_STATEMENTS:
        return replace(query, measure=measure, account_type=of_type[query.measure])
    if measure in OF_STATEMENTS:
        return replace(
            query, measure=measure, account_ids=(), counterparties=(), account_type=None, flow=None
        )
    return replace(query, measure=measure)

"""What is to be computed, of which kind of money, by what, and how many."""

from dataclasses import dataclass
from typing import Final

from accounts.choices import AccountType
from ai.chat.parsing.prompt import Prompt, whole
from ai.chat.query import LIMIT_MAX, Measure, Rank
from transactions.selections import Flow, Grouping


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a prompt says of what is to be computed; None where it does not."""

    measure: Measure | None = None
    group_by: Grouping | None = None
    rank: Rank | None = None
    limit: int | None = None
    account_type: AccountType | None = None
    # "Spent" means costs, but of a supplier what was paid to it.
    is_spending: bool = False
    flow: Flow | None = None
    # Kinds of accounts whose balance is meant: what customers owe, what suppliers are owed.
    financial_types: frozenset[str] = frozenset()


_OUT: Final = r"suppliers?|vendors?|merchants?|payees?|shops?|stores?|compan(?:y|ies)|contractors?"
_IN: Final = r"customers?|clients?|payers?|donors?|buyers?"
_WHO: Final = r"counterpart(?:y|ies)|who|whom"
_WHAT: Final = (
    r"(?:(?:expense|spending|cost|revenue|income) )?(?:categor(?:y|ies)|accounts?|types?|kinds?|areas?)"
)
_TIMES: Final = {
    Grouping.DAY: ("days?", "daily"),
    Grouping.WEEK: ("weeks?", "weekly"),
    Grouping.MONTH: ("months?", "monthly"),
    Grouping.QUARTER: ("quarters?", "quarterly"),
    Grouping.YEAR: ("years?", "yearly|annually"),
}
_NOUNS: Final = f"{_OUT}|{_IN}|{_WHO}|{_WHAT}|days?|weeks?|months?|quarters?|years?"
_HIGH: Final = (
    "biggest|largest|highest|greatest|most expensive|costliest|priciest|top|main|major|maximum|max|best"
    "|most important"
)
_LOW: Final = "smallest|lowest|cheapest|least expensive|minimum|min|least|worst"
_BY: Final = (
    r"(?:(?:broken down|break down|breakdown|split|split up|grouped|group|itemi[sz]ed|sorted"
    r"|summari[sz]ed) )?"
    r"(?:by|per|for each|for every|each|every|across)"
)

_RANKED: Final = whole(
    rf"(?:the |our |my )?(?:(?P<first>\d{{1,3}}) )?(?:(?P<high>{_HIGH})|(?P<low>{_LOW}))(?: "
    rf"(?P<second>\d{{1,3}}))?"
    rf"(?:(?: (?:spending|expense|cost|revenue|income))? (?P<noun>{_NOUNS}))?"
)
_WHICH: Final = whole(
    r"(?:which|what|in which|in what|on which|on what|to which|to whom) (?:of (?:our|the|my) "
    rf")?(?P<noun>{_NOUNS})"
)
_WHO_ASKED: Final = whole(r"(?:who|whom|to whom|from whom)")
_WHERE: Final = whole(
    r"(?:where|on what)(?= (?:do|did|does|have|has|are|were) (?:we|i|you) (?:spend|spent|spending))"
)
_MOST: Final = whole(r"(?:the )?(?P<word>most|least)(?: (?:money|often|frequently))?")
_GROUPED: Final = whole(rf"{_BY} (?:the |our |different )?(?P<noun>{_NOUNS})")
_ADVERB: Final = whole("|".join(f"(?P<{grouping.value}>{words[1]})" for grouping, words in _TIMES.items()))
_NEWEST: Final = whole(
    r"(?:the )?(?:(?:last|latest|newest|most recent|recent|first) (?P<count>\d{1,3})|(?:latest|newest|most "
    r"recent|recent))"
)
_COUNTED: Final = whole(
    r"(?:show |list |give )?(?:me )?(?P<count>[1-9]\d?) (?=(?:transactions?|payments?|entries|items"
    r"|purchases))"
)

_F: Final = r"(?:total |overall |our |my |the |net )*"
# Lines of statements and what else is computed; the first that matches wins.
_MEASURES: Final = (
    (
        whole(r"how many(?: times)?|(?:the )?number of|count(?: of| the)?|how often|how frequently"),
        Measure.COUNT,
    ),
    (
        whole(
            r"(?:on |the |an |our )*(?:average|avg|mean|typical|typically)(?: (?:amount|size|value))?(?: of)?"
        ),
        Measure.AVERAGE,
    ),
    (whole(r"gross (?:profit|margin|income|earnings)s?"), Measure.GROSS_PROFIT),
    (whole(r"(?:operating (?:income|profit|result|margin|earnings)|ebit)"), Measure.OPERATING_INCOME),
    (
        whole(
            rf"{_F}(?:(?:net )?profits?(?: (?:and|or) loss(?:es)?)?|net (?:income|earnings|loss)|bottom "
            r"line|loss(?:es)?|profitable|profitability|p and l|pnl)"
            r"|how much (?:money )?(?:do|did|have|has|are|were) (?:we|i) (?:make|made|making)|(?:make|made"
            r"|lose|lost|losing) (?:any )?money"
        ),
        Measure.PROFIT,
    ),
    (whole(r"(?:net )?(?:change in cash|cash ?flows?|burn(?: rate)?|cash burn)"), Measure.CASH_CHANGE),
    (
        whole(
            r"(?:how much )?(?:cash|money) (?:do|did|does|have) (?:we|i) (?:have|had|got|hold)(?: (?:left"
            r"|in (?:the |our )?banks?|on hand|available|now|right now))*"
            r"|(?:how much )?(?:cash|money)(?: is| was| do we have)? (?:there )?(?:in (?:the |our "
            r")?banks?(?: accounts?)?|on hand|available)|(?:bank|cash) (?:balance|position|on hand)s?"
            r"|balance (?:in|of|at) (?:the |our )?(?:banks?|cash)|(?:how much )?cash"
        ),
        Measure.CASH,
    ),
    (whole(rf"{_F}(?:assets)|what (?:do|did) we own"), Measure.ASSETS),
    (whole(rf"{_F}(?:equity|net worth|net assets)"), Measure.EQUITY),
)
_CUSTOMERS_OWE: Final = whole(
    rf"(?:how much |what )?(?:do|does|is|are|did)? ?(?:(?:our |the )?(?:{_IN}) )?(?:owe us|owing us|owe me"
    rf"|owed to us|still owe|(?<=s )owe)(?: by (?:our )?(?:{_IN}))?"
    r"|(?:unpaid|open|outstanding) (?:customer )?(?:invoices|receivables)|receivables"
    rf"|(?:which |what )?(?:{_IN}) (?:who |that )?(?:have |has |still )*not (?:yet )?paid(?: us| yet)*"
)
_WE_OWE: Final = whole(
    rf"(?:how much |what )?(?:do|did|are) (?:we|i) (?:owe|owing)(?: to)? (?:our |the )?(?P<who>{_OUT})"
    r"|(?:unpaid|open|outstanding) (?:supplier )?bills|payables"
)
_LIABILITIES: Final = whole(
    rf"{_F}(?:liabilities|debts?)|(?:how much |what )?(?:do|did|are) (?:we|i) (?:owe|owing)"
)
_BALANCE: Final = whole(
    r"(?:what is |what was |show |the |our |my |current |account )*balances?(?: (?:of|in|on|for|at))?(?: "
    r"(?:the|our|my))?"
    r"|how much (?:money |cash )?(?:is|was|do we have|did we have|have we got|is there|are there|was "
    r"there)(?: left)? (?:in|on)(?: (?:the|our|my))?"
)
_SUM: Final = whole(
    r"(?:how much|(?:what (?:is|was|are|were) )?(?:the |our |my )*(?:totals?|sums?|amounts?|value)(?: "
    r"(?:of|for|amounts?|sum))?|add up|altogether|in total|overall)"
)
_LIST: Final = whole(
    r"(?:please |can you |could you |i want to |let me )*(?:show|list|find|display|give|get|see|view"
    r"|search|look up|look for|pull up|fetch)(?: me)?(?: (?:a list of|all|the|of|every|any))*|which|list of"
)
_REVENUE: Final = whole(
    r"(?:did (?:we|i) |we |i |have we )*(?:total |gross |our |my |the |net )*(?:revenues?|incomes?|sales"
    r"|turnover|takings|earnings|earn(?:ed|ing)?|bring in|brought in)"
)
_EXPENSE: Final = whole(
    r"(?:total |our |my |the |business |all |running )*(?:expenses?|costs?|expenditures?|outlays?|overheads?)"
)
_SPEND: Final = whole(r"(?:total |our |my |the )*(?:spend|spent|spends|spending)")
_FLOW_IN: Final = whole(
    r"(?:received?|receiving|receipts|collected?|deposit(?:s|ed)?|incoming(?: (?:payments?|money"
    r"|transactions?))?|money in|came in|coming in|got paid|inflows?"
    rf"|(?:paid|pay|payments?) (?:to )?us|paid by (?={_IN})|payments? from|paid in)"
)
_FLOW_OUT: Final = whole(
    r"(?:pay|paid|pays|paying|payments?(?: made)?(?: to)?|outgoing(?: (?:payments?|money|transactions?))?"
    r"|money out|went out|going out|outflows?|purchas(?:e|es|ed)|bought|buy)"
)


def read_wanted(prompt: Prompt) -> Wanted:
    """Take what is to be computed out of a prompt."""
    # "Which customers have not paid" asks for a balance, and not by customer.
    balance = _read_balance(prompt)
    group_by, rank, limit, side = _read_groups(prompt)
    measure, financial_types = balance if balance is not None else (_read_measure(prompt), frozenset())
    is_named = measure is not None
    if measure is None and prompt.take(_BALANCE):
        measure = Measure.BALANCE
    is_sum = prompt.take(_SUM) is not None
    is_list = prompt.take(_LIST) is not None
    flow = side
    if prompt.take_all(_FLOW_IN):
        flow = Flow.IN
    elif prompt.take_all(_FLOW_OUT):
        flow = flow or Flow.OUT
    account_type = None
    is_spending = bool(prompt.take_all(_SPEND))
    if prompt.take_all(_EXPENSE) or is_spending:
        account_type = AccountType.EXPENSE
        is_spending = is_spending and "expense" not in " ".join(word.text for word in prompt.words)
    elif prompt.take_all(_REVENUE):
        account_type = AccountType.REVENUE
    if side is Flow.IN and account_type is None and flow is Flow.IN:
        # The best customers are those whom most was sold to, whenever they pay.
        account_type, flow = AccountType.REVENUE, None
    if rank is not None and group_by is None and measure is None:
        measure = Measure.LARGEST if rank is Rank.HIGHEST else Measure.SMALLEST
        rank = None
    if measure is None and not is_named:
        if is_sum:
            measure = Measure.SUM
        elif is_list or limit is not None:
            measure = Measure.LIST if group_by is None else None
    return Wanted(measure, group_by, rank, limit, account_type, is_spending, flow, financial_types)


def _read_measure(prompt: Prompt) -> Measure | None:
    for pattern, measure in _MEASURES:
        if prompt.take(pattern):
            return measure
    return None


def _read_balance(prompt: Prompt) -> tuple[Measure, frozenset[str]] | None:
    """What is owed, to the company and by it."""
    if prompt.take(_CUSTOMERS_OWE):
        return Measure.BALANCE, frozenset({"ACCOUNTS_RECEIVABLE", "PLEDGES_RECEIVABLE"})
    if prompt.take(_WE_OWE):
        return Measure.BALANCE, frozenset({"ACCOUNTS_PAYABLE"})
    if prompt.take(_LIABILITIES):
        return Measure.LIABILITIES, frozenset()
    return None


def _read_groups(prompt: Prompt) -> tuple[Grouping | None, Rank | None, int | None, Flow | None]:
    """What sums are wanted by, in which order and how many, and which side of the trade its noun names."""
    group_by, rank, limit, noun = None, None, None, None
    ranked = prompt.take(_RANKED)
    if ranked is not None:
        rank = Rank.HIGHEST if ranked["high"] else Rank.LOWEST
        limit = _limit(ranked["first"] or ranked["second"])
        noun = ranked["noun"]
    which = prompt.take(_WHICH) or prompt.take(_GROUPED)
    if which is not None:
        noun = which["noun"]
    elif noun is None and prompt.take(_WHERE):
        noun = "category"
    elif noun is None and prompt.take(_WHO_ASKED):
        noun = "counterparty"
    most = prompt.take(_MOST)
    if most is not None:
        rank = Rank.HIGHEST if most["word"] == "most" else Rank.LOWEST
    side = None
    if noun is not None:
        group_by, side = _grouping(noun)
        if rank is not None and limit is None and not noun.endswith("s") and (most or ranked):
            limit = 1
    else:
        adverb = prompt.take(_ADVERB)
        if adverb is not None and adverb.lastgroup is not None:
            group_by = Grouping(adverb.lastgroup)
    newest = prompt.take(_NEWEST) or prompt.take(_COUNTED)
    if newest is not None and limit is None:
        limit = _limit(newest["count"])
    return group_by, rank, limit, side


def _grouping(noun: str) -> tuple[Grouping, Flow | None]:
    for grouping, words in _TIMES.items():
        if whole(words[0]).fullmatch(noun):
            return grouping, None
    if whole(_OUT).fullmatch(noun):
        return Grouping.COUNTERPARTY, Flow.OUT
    if whole(_IN).fullmatch(noun):
        return Grouping.COUNTERPARTY, Flow.IN
    if whole(_WHO).fullmatch(noun):
        return Grouping.COUNTERPARTY, None
    return Grouping.CATEGORY, None


def _limit(count: str | None) -> int | None:
    return max(1, min(int(count), LIMIT_MAX)) if count else None

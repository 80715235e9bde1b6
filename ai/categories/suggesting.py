"""Suggesting categories: the company's rules first, then what was learned, mixed by how much history there
is."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from accounts.chart_templates import SystemRole
from accounts.choices import AccountType
from accounts.financial_types import is_cash
from ai.categories.confirmed import InDatabase, take_in
from ai.categories.lookups import Found, Known
from ai.categories.texts import Line, words_of
from ai.categories.training import start_learning
from banking.rules import Candidate as RuleCandidate
from banking.rules import choose
from ledger.db import compact, fetch, uuid_array
from ledger.exceptions import ConflictError
from ledger.models import Entity
from transactions.counterparty_names import counterparty_name

if TYPE_CHECKING:
    # What computes is loaded where it is used: a web worker that suggests nothing needs none of it.
    from ai.categories.chart import Chart
    from ai.categories.learned import Learned
    from ai.categories.mixing import Answer

# The best so many are suggested.
BEST: Final = 3
# So many lines are read and answered at once; a stream sends them on in between.
CHUNK: Final = 25
# Models of so many companies stay in the memory of a process, about a megabyte each.
_MODELS_KEPT: Final = 8
_SHOWN_MAX: Final = 60
# A layer is named as the reason where it gives the account at least this share.
_SHARE_MIN: Final = 0.5
_ALIKE_MIN: Final = 0.35
_TELLING_MIN: Final = 0.5
# So likely a line must be for a purpose that the account is called after.
_TAKES_MIN: Final = 0.05

# Accounts that hold others are left out, but where something was put in them.
_CANDIDATES: Final = compact("""
SELECT a.id, a.name, a.type, a.financial_type, a.sub_type_code, EXISTS (
    SELECT 1 FROM accounts_account c WHERE c.entity_id = a.entity_id AND c.parent_id = a.id
        AND c.closed_at IS NULL
)
FROM accounts_account a
WHERE a.entity_id = %(entity)s::uuid AND a.ledger_id = %(ledger)s::uuid AND a.closed_at IS NULL
    AND (a.role IS NULL OR NOT a.role = ANY(%(roles)s::text[]))
ORDER BY a.sub_type_code, a.name, a.id
""")
_NOT_FOR_CATEGORIES: Final = [role.value for role in SystemRole]
_COPIED: Final = compact("""
SELECT id, description, date FROM transactions_transaction
WHERE entity_id = %(entity)s::uuid AND id = ANY(%(ids)s::uuid[])
""")
_MODEL: Final = "SELECT trained_at FROM ai_categorymodel WHERE entity_id = %(entity)s::uuid"
_STORED: Final = compact("""
SELECT stored FROM ai_categorymodel WHERE entity_id = %(entity)s::uuid AND trained_at = %(at)s::timestamptz
""")


class SuggestionsOffError(ConflictError):
    """The company does not want suggestions."""

    def __init__(self) -> None:
        super().__init__(
            "Category suggestions are switched off for this company; switch them on with "
            'PUT /v1/entities/settings {"smart_suggestions": true}.'
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line for which a category is wanted, and what is known around it."""

    line: Line
    ledger_id: UUID
    # The day of the line, for saying days without the year.
    day: date | None = None
    # The account that the money left or entered: never suggested.
    own_account_id: UUID | None = None
    bank_account_id: UUID | None = None


class Suggested(NamedTuple):
    """One account, how likely it is the right one (0 to 1), and why."""

    account_id: UUID
    name: str
    type: str
    code: int | None
    confidence: float
    reason: str
    # From a rule of the company.
    is_rule: bool = False


@dataclass(slots=True)
class Suggestions:
    """The best accounts for a line, the likeliest first; empty where the chart has none to suggest."""

    best: list[Suggested] = field(default_factory=list)

    @property
    def kind(self) -> str | None:
        """What the transaction would be: expense, revenue, transfer, asset, liability or equity."""
        return self.best[0].type.lower() if self.best else None


def check_wanted(entity: Entity) -> None:
    """Raise SuggestionsOffError where the company switched suggestions off."""
    if not entity.smart_suggestions:
        raise SuggestionsOffError


def suggest(entity: Entity, wanted: Sequence[Wanted], *, may_learn: bool = True) -> Iterator[Suggestions]:
    """Suggest accounts for each of `wanted`, in its order, as soon as each is ready.

    Answers that people gave since the last time are learned first, so that what was confirmed a moment ago
    already counts; for who only looks (not `may_learn`) nothing is written. About eight queries for CHUNK
    lines.
    """
    if may_learn:
        new, is_more = take_in(entity)
        if new or is_more:
            start_learning(entity)
    learned = model_of(entity)
    charts: dict[UUID, Chart] = {}
    for start in range(0, len(wanted), CHUNK):
        yield from _suggest(entity, wanted[start : start + CHUNK], learned, charts)


def _suggest(
    entity: Entity, wanted: Sequence[Wanted], learned: "Learned | None", charts: dict[UUID, "Chart"]
) -> list[Suggestions]:
    for ledger_id in {one.ledger_id for one in wanted} - charts.keys():
        charts[ledger_id] = chart_of(entity, ledger_id, learned.accounts if learned else ())
    found = InDatabase(entity).find([one.line for one in wanted])
    answers: list[list[tuple[Answer, Chart]]] = [[] for _ in wanted]
    for ledger_id, chart in charts.items():
        rows = [row for row, one in enumerate(wanted) if one.ledger_id == ledger_id]
        if not rows or not len(chart):
            continue
        given = answer([wanted[row].line for row in rows], [found[row] for row in rows], chart, learned)
        for row, its in zip(rows, given, strict=True):
            answers[row] = [
                (one, chart) for one in its if chart.accounts[one.place].id != wanted[row].own_account_id
            ][:BEST]
    copied = _copied(entity, found, answers)
    suggestions = []
    for one, evidence, replies in zip(wanted, found, answers, strict=True):
        best = []
        for reply, chart in replies:
            account = chart.accounts[reply.place]
            best.append(
                Suggested(
                    account.id,
                    account.name,
                    _kind(account.type, account.financial_type),
                    account.code,
                    round(reply.confidence, 4),
                    _reason(one, evidence, account.id, account.name, chart, copied),
                )
            )
        suggestions.append(Suggestions(best))
    _let_rules_win(entity, wanted, suggestions, charts)
    return suggestions


def answer(
    lines: Sequence[Line], found: Sequence[Found], chart: "Chart", learned: "Learned | None"
) -> list[list["Answer"]]:
    """The best accounts of the chart for each line, one more than is suggested; needs no database."""
    from ai.categories.evidence import evidence_of
    from ai.categories.mixing import shipped_mixture

    return shipped_mixture().answers(evidence_of(lines, found, chart, learned), BEST + 1)


def model_of(entity: Entity) -> "Learned | None":
    """The company's linear model as it was trained last, or None before the first time."""
    rows = fetch(_MODEL, {"entity": entity.id})
    if not rows or rows[0][0] is None:
        return None
    return _model(entity.id, rows[0][0])


@lru_cache(maxsize=_MODELS_KEPT)
def _model(entity_id: UUID, trained_at: object) -> "Learned | None":
    from ai.categories.learned import Learned

    rows = fetch(_STORED, {"entity": entity_id, "at": trained_at})
    return Learned.from_bytes(bytes(rows[0][0])) if rows else None


def chart_of(entity: Entity, ledger_id: UUID, used: Collection[UUID]) -> "Chart":
    """The accounts of the ledger that a transaction may be put in: open, no cash, and no groups but those
    among `used`, in which something was put."""
    from ai.categories.chart import Candidate, Chart
    from ai.categories.prior.words import shipped_prior

    used = frozenset(used)
    rows = fetch(_CANDIDATES, {"entity": entity.id, "ledger": ledger_id, "roles": _NOT_FOR_CATEGORIES})
    return Chart(
        [Candidate(*row[:5]) for row in rows if not is_cash(row[3] or "") and (not row[5] or row[0] in used)],
        shipped_prior(),
    )


# --- rules -----------------------------------------------------------------------------------------


def _let_rules_win(
    entity: Entity, wanted: Sequence[Wanted], suggestions: Sequence[Suggestions], charts: dict[UUID, "Chart"]
) -> None:
    rules = choose(
        entity,
        [
            RuleCandidate(
                description=one.line.description,
                counterparty=one.line.counterparty or counterparty_name(one.line.description),
                amount=one.line.amount,
                bank_account_id=one.bank_account_id,
            )
            for one in wanted
        ],
    )
    for one, rule, its in zip(wanted, rules, suggestions, strict=True):
        if rule is None or rule.category_account.ledger_id != one.ledger_id:
            continue
        account = rule.category_account
        by_rule = Suggested(
            account.id,
            account.name,
            _kind(account.type, account.financial_type),
            account.sub_type_code,
            1.0,
            f"your rule '{rule.name}' puts it in {account.name}"[:500],
            is_rule=True,
        )
        others = [other._replace(confidence=0.0) for other in its.best if other.account_id != account.id]
        its.best = [by_rule, *others][:BEST]


# --- reasons ---------------------------------------------------------------------------------------


def _copied(
    entity: Entity, found: Sequence[Found], answers: Sequence[Sequence[tuple["Answer", "Chart"]]]
) -> dict[UUID, Known]:
    """The transactions that reasons name, with their descriptions; one query."""
    named = {
        copy[0].transaction_id: copy[0]
        for evidence, its in zip(found, answers, strict=True)
        for reply, chart in its
        if (copy := _copy(evidence, chart.accounts[reply.place].id)) is not None
    }
    rows = fetch(_COPIED, {"entity": entity.id, "ids": uuid_array(one for one in named if one is not None)})
    return {id_: named[id_]._replace(description=description, date=day) for id_, description, day in rows}


def _copy(found: Found, account_id: UUID) -> tuple[Known, str] | None:
    """The confirmed transaction that speaks most for the account, and how it is like the line."""
    for group, how in ((found.exact, "like"), (found.pattern, "like"), (found.name, "same counterparty as")):
        its = [one for one in group if one.account_id == account_id]
        if its and 2 * len(its) >= len(group):
            return its[0], how
    for similarity, one in found.near:
        if similarity >= _ALIKE_MIN and one.account_id == account_id:
            return one, "similar to"
    for group, how in ((found.exact, "like"), (found.pattern, "like"), (found.name, "same counterparty as")):
        for one in group:
            if one.account_id == account_id:
                return one, how
    return None


def _reason(
    wanted: Wanted,
    found: Found,
    account_id: UUID,
    name: str,
    chart: "Chart",
    copied: dict[UUID, Known],
) -> str:
    """Why the account is suggested, in words."""
    copy = _copy(found, account_id)
    if copy is not None and copy[0].transaction_id in copied:
        one, how = copied[copy[0].transaction_id], copy[1]
        text = (
            one.description if len(one.description) <= _SHOWN_MAX else one.description[: _SHOWN_MAX - 1] + "…"
        )
        shown = f"'{text}'" if text else "one without a description"
        return f"{how} {shown} on {_day(one.date, wanted.day)}, which you put in {name}"[:500]
    return prior_reason(wanted.line, account_id, name, chart)


def prior_reason(line: Line, account_id: UUID, name: str, chart: "Chart") -> str:
    """Why an account is suggested that no confirmed transaction speaks for."""
    words, place = words_of(line), chart.place[account_id]
    if chart.named_in(words.text)[place] >= _SHARE_MIN:
        return f"the text names {name}"
    reading = chart.prior.read(words.prior)
    account = chart.accounts[place]
    takes = reading.likely * chart.prior.of_account(account.name, account.financial_type)
    best = int(takes.argmax())
    # Of accounts that are for something else nobody should read that they take fuel.
    if reading.telling >= _TELLING_MIN and takes[best] >= _TAKES_MIN:
        purpose = chart.prior.purposes[best].replace("-", " ")
        return f"such lines are usually {purpose}, which {name} takes"
    return f"{name} fits the words and the amount best"


def _day(day: date, near: date | None) -> str:
    year = "" if near is not None and near.year == day.year else f" {day.year}"
    return f"{day.day} {day:%B}{year}"


def _kind(type_: str, financial_type: str | None) -> str:
    """What a transaction is that is put in such an account: paying off a card is a transfer."""
    if financial_type == "CREDIT_CARD" or (type_ == AccountType.ASSET and is_cash(financial_type or "")):
        return "TRANSFER"
    return type_

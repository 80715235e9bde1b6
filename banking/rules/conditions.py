"""What a bank line must look like for a rule: pure functions over values."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from unicodedata import normalize
from uuid import UUID

from banking.choices import Direction
from banking.models import Rule
from banking.rules.patterns import compiled


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a rule looks at."""

    description: str
    counterparty: str
    # Positive where money left the company.
    amount: Decimal
    # The bank account that the line is of; None where that is not known any more.
    bank_account_id: UUID | None


class Text(NamedTuple):
    """A candidate's text, made ready once for all rules."""

    # As people compare it: whatever the case, with single spaces.
    description: str
    counterparty: str
    # As it came, in UTF-8: what expressions search.
    description_raw: bytes
    counterparty_raw: bytes


Condition = Callable[[Candidate, Text], bool]


def folded(text: str) -> str:
    """The text as people compare it: upper and lower case alike, accents in one spelling, runs of spaces
    (banks fill up columns with them) as one."""
    return " ".join(normalize("NFC", text).casefold().split())


def text_of(candidate: Candidate) -> Text:
    return Text(
        folded(candidate.description),
        folded(candidate.counterparty),
        candidate.description.encode(errors="replace"),
        candidate.counterparty.encode(errors="replace"),
    )


def fits(conditions: tuple[Condition, ...], candidate: Candidate, text: Text) -> bool:
    """Whether all conditions hold."""
    # Run for each line and rule: a loop takes half of what all() and its generator do.
    for condition in conditions:  # noqa: SIM110
        if not condition(candidate, text):
            return False
    return True


def conditions_of(rule: Rule) -> tuple[Condition, ...]:
    """The conditions that the rule sets, the cheapest first.

    `contains` and `regex` look for their text in the description and in the counterparty, and one of the two
    is enough; `counterparty` is the whole name. Bounds of the amount count both ends and no sign.
    """
    conditions: list[Condition] = []
    if rule.bank_account_id is not None:
        conditions.append(_of_bank_account(rule.bank_account_id))
    if rule.direction != Direction.ANY:
        conditions.append(_in_direction(Direction(rule.direction)))
    if rule.amount_least is not None or rule.amount_most is not None:
        conditions.append(_within(rule.amount_least, rule.amount_most))
    if rule.counterparty:
        conditions.append(_with_counterparty(folded(rule.counterparty)))
    if rule.contains:
        conditions.append(_containing(folded(rule.contains)))
    if rule.regex:
        conditions.append(_like(rule.regex))
    return tuple(conditions)


def _of_bank_account(bank_account_id: UUID) -> Condition:
    return lambda candidate, _: candidate.bank_account_id == bank_account_id


def _in_direction(direction: Direction) -> Condition:
    if direction == Direction.OUT:
        return lambda candidate, _: candidate.amount > 0
    return lambda candidate, _: candidate.amount < 0


def _within(least: Decimal | None, most: Decimal | None) -> Condition:
    def within(candidate: Candidate, _: Text) -> bool:
        amount = abs(candidate.amount)
        return (least is None or least <= amount) and (most is None or amount <= most)

    return within


def _with_counterparty(name: str) -> Condition:
    return lambda _, text: text.counterparty == name


def _containing(part: str) -> Condition:
    return lambda _, text: part in text.description or part in text.counterparty


def _like(regex: str) -> Condition:
    pattern = compiled(regex)
    return lambda _, text: (
        pattern.search(text.description_raw) is not None or pattern.search(text.counterparty_raw) is not None
    )

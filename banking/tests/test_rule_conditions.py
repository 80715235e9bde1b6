"""What a rule's conditions take, over values alone."""

import time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account
from banking.choices import Direction
from banking.models import Rule
from banking.rules.choosing import ReadyRule, choose_among
from banking.rules.conditions import Candidate, conditions_of, fits, text_of
from banking.rules.patterns import REGEX_LENGTH_MAX, check_regex
from ledger.exceptions import ValidationError
from ledger.ids import new_id

BANK, CARD = new_id(), new_id()


def candidate(
    description: str = "ADOBE  *CREATIVE CLOUD",
    amount: str = "52.99",
    counterparty: str = "Adobe Inc.",
    bank: UUID | None = BANK,
) -> Candidate:
    return Candidate(description, counterparty, Decimal(amount), bank)


def takes(one: Candidate, **conditions: Any) -> bool:
    return fits(conditions_of(Rule(**conditions)), one, text_of(one))


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        # In the description, whatever the case, and with blanks as people see them.
        ({"contains": "adobe"}, True),
        ({"contains": "ADOBE *creative"}, True),
        ({"contains": "adobe creative"}, False),
        ({"contains": "figma"}, False),
        # In the counterparty as well.
        ({"contains": "inc."}, True),
        # It is text: signs of expressions mean themselves.
        ({"contains": "*creative"}, True),
        ({"contains": "a.obe"}, False),
        # Expressions are found anywhere, in one of the two, whatever the case.
        ({"regex": "a.obe"}, True),
        ({"regex": r"^adobe\s+\*"}, True),
        ({"regex": "cloud$"}, True),
        ({"regex": r"^adobe inc\.$"}, True),
        ({"regex": "^creative"}, False),
        ({"regex": r"cloud\nadobe"}, False),
        ({"regex": "figma|adobe|github"}, True),
        # The counterparty is meant in full.
        ({"counterparty": "ADOBE INC."}, True),
        ({"counterparty": "  adobe   inc. "}, True),
        ({"counterparty": "adobe"}, False),
        # Bounds are included.
        ({"amount_least": Decimal("52.99")}, True),
        ({"amount_least": Decimal("53")}, False),
        ({"amount_most": Decimal("52.9900")}, True),
        ({"amount_most": Decimal("52.98")}, False),
        ({"amount_least": Decimal("50"), "amount_most": Decimal("60")}, True),
        # Money out is positive.
        ({"contains": "adobe", "direction": Direction.OUT}, True),
        ({"contains": "adobe", "direction": Direction.IN}, False),
        ({"contains": "adobe", "direction": Direction.ANY}, True),
        ({"contains": "adobe", "bank_account_id": BANK}, True),
        ({"contains": "adobe", "bank_account_id": CARD}, False),
        # All that is set must hold.
        ({"contains": "adobe", "regex": "cloud", "amount_most": Decimal("100")}, True),
        ({"contains": "adobe", "regex": "figma"}, False),
        ({"contains": "adobe", "counterparty": "Figma"}, False),
        ({"contains": "adobe", "amount_least": Decimal("100")}, False),
    ],
)
def test_all_conditions_that_are_set_must_hold(conditions: dict[str, Any], expected: bool) -> None:
    assert takes(candidate(), **conditions) is expected


def test_a_refund_is_money_in_and_its_amount_counts_without_sign() -> None:
    refund = candidate(amount="-52.99")

    assert takes(refund, amount_least=Decimal("50"), direction=Direction.IN)
    assert not takes(refund, amount_least=Decimal("50"), direction=Direction.OUT)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("straße", "STRASSE 12"),
        ("café", "CAFE\u0301 DE PARIS"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("москва", "МОСКВА МЕТРО"),  # noqa: RUF001
    ],
)
def test_case_and_accents_are_compared_as_people_read_them(said: str, written: str) -> None:
    assert takes(candidate(written), contains=said)


@pytest.mark.parametrize(
    ("regex", "written"), [("σίσυφος", "ΣΊΣΥΦΟΣ 1"), ("é{2}", "CRÉÉ"), (r"\pL+ß", "Straß")]
)
def test_expressions_know_letters_beyond_ascii(regex: str, written: str) -> None:
    check_regex(regex, field="regex")

    assert takes(candidate(written), regex=regex)


def test_a_line_without_a_counterparty_has_no_name_that_could_be_meant() -> None:
    assert not takes(candidate(counterparty=""), counterparty="adobe")


@pytest.mark.parametrize(
    ("regex", "place", "words"),
    [
        ("(abc", 4, "missing )"),
        ("a)b", 2, "unexpected )"),
        ("a(?=b)", 2, "invalid perl operator"),
        (r"(a)\1", 4, "invalid escape sequence"),
        ("ok[z-a]", 4, "invalid character class range"),
        ("a*|*b*", 4, "no argument for repetition operator"),
        ("x{2}y{1001}", 6, "invalid repetition size"),
        ("ab\\", 3, "trailing \\"),
    ],
)
def test_a_bad_expression_is_refused_with_its_place(regex: str, place: int, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        check_regex(regex, field="regex")

    assert f"at place {place}: {words}" in caught.value.details[0].message
    assert caught.value.details[0].field == "regex"


@pytest.mark.parametrize("regex", ["a*", "", "x?", "^", ".*", "(adobe|)"])
def test_an_expression_that_fits_everything_is_refused(regex: str) -> None:
    with pytest.raises(ValidationError, match="would take every line"):
        check_regex(regex, field="regex")


def test_an_expression_too_large_to_run_is_refused() -> None:
    for regex in (r"\pL{60}x", "(.{1,300})(.{1,300})x", "a" * (REGEX_LENGTH_MAX + 1)):
        with pytest.raises(ValidationError):
            check_regex(regex, field="regex")


@pytest.mark.parametrize(
    "regex",
    [
        "(a+)+$",
        "(a|aa)+$",
        "(a|a?)+b",
        "(.*a){25}$",
        "(x+x+)+y",
        r"^(\w+\s?)*$x",
        "(a|b)*a(a|b){150}$",
        "(.?){60}z",
    ],
)
def test_no_expression_holds_up_a_worker(regex: str) -> None:
    # Python's own engine takes years over the first of them.
    check_regex(regex, field="regex")
    longest = candidate("a" * 998 + "!?", counterparty="a" * 199 + "!")

    started = time.perf_counter()
    for _ in range(20):
        takes(longest, regex=regex)
    assert time.perf_counter() - started < 2


# --- against a model that knows nothing of folding, readiness or speed ------------------------------

WORDS = st.sampled_from(["adobe", "Adobe", "FIGMA", "rent may", "rent", "ab", "b"])
TEXTS = st.lists(WORDS, min_size=0, max_size=3).map(" ".join)
AMOUNTS = st.integers(-6, 6).filter(bool).map(Decimal)
CANDIDATES = st.builds(Candidate, TEXTS, TEXTS, AMOUNTS, st.sampled_from([BANK, CARD, None]))


@st.composite
def ready_rules(draw: st.DrawFn) -> ReadyRule:
    rule = Rule(
        id=new_id(),
        name="Rule",
        priority=draw(st.integers(0, 3)),
        contains=draw(st.one_of(st.just(""), WORDS)),
        regex=draw(st.sampled_from(["", "", "adobe|figma", "^rent", "b$"])),
        counterparty=draw(st.one_of(st.just(""), WORDS)),
        direction=draw(st.sampled_from(Direction)),
        amount_least=draw(st.one_of(st.none(), st.integers(1, 6).map(Decimal))),
        amount_most=draw(st.one_of(st.none(), st.integers(1, 6).map(Decimal))),
        bank_account_id=draw(st.sampled_from([None, None, BANK, CARD])),
        category_account=Account(id=new_id()),
    )
    usable = draw(st.sampled_from([frozenset({BANK, CARD}), frozenset({BANK}), frozenset()]))
    return ReadyRule(rule, conditions_of(rule), draw(st.booleans()), usable)


def naive(rules: list[ReadyRule], one: Candidate) -> Rule | None:
    import re

    for ready in rules:
        rule, texts = ready.rule, (one.description, one.counterparty)
        if ready.is_closed or (one.bank_account_id and one.bank_account_id not in ready.bank_account_ids):
            continue
        if rule.contains and not any(rule.contains.lower() in text.lower() for text in texts):
            continue
        if rule.regex and not any(re.search(rule.regex, text, re.IGNORECASE) for text in texts):
            continue
        if rule.counterparty and rule.counterparty.lower() != one.counterparty.lower():
            continue
        if (rule.direction == Direction.IN and one.amount > 0) or (
            rule.direction == Direction.OUT and one.amount < 0
        ):
            continue
        if rule.amount_least is not None and abs(one.amount) < rule.amount_least:
            continue
        if rule.amount_most is not None and abs(one.amount) > rule.amount_most:
            continue
        if rule.bank_account_id not in (None, one.bank_account_id):
            continue
        return rule
    return None


@given(st.lists(ready_rules(), max_size=6), st.lists(CANDIDATES, max_size=6))
def test_choosing_agrees_with_a_naive_model(rules: list[ReadyRule], candidates: list[Candidate]) -> None:
    assert choose_among(rules, candidates) == [naive(rules, one) for one in candidates]

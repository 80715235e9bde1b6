"""The layers by themselves: text, vectors, the prior, the linear model, the mixture."""

import io
import json
import tomllib
import tracemalloc
from collections import defaultdict
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid5

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.financial_types import FINANCIAL_TYPES
from ai.categories.chart import Candidate, Chart
from ai.categories.evidence import LAYERS, evidence_of
from ai.categories.learned import Learned, learn
from ai.categories.lookups import Example, Found, Known
from ai.categories.mixing import DOUBTS, MIXTURE, doubts, expanded, shipped_mixture
from ai.categories.prior.words import HERE, LEARNED, likeness, name_words, shipped_prior
from ai.categories.texts import Line, names_in, plain, singular, words_of
from ai.categories.vectors import NEIGHBOUR_COLUMNS, neighbour_vectors
from ai.models.categories import WORDING_DIMENSIONS

_SPACE = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


def account(name: str, financial_type: str | None = None, type_: str = "EXPENSE") -> Candidate:
    return Candidate(uuid5(_SPACE, name), name, type_, financial_type, None)


FUEL, TRAVEL, BOOKS = account("Vehicle Fuel"), account("Travel"), account("Books and Periodicals")
CHART = (FUEL, TRAVEL, BOOKS, account("Sales", "SALES", "REVENUE"))


def example(text: str, target: Candidate, amount: str = "20") -> Example:
    return Example(Line(text, amount=Decimal(amount)), target.id)


def test_text_is_compared_without_case_accents_and_punctuation() -> None:
    assert plain("  CAFÉ   d'Or -- #12 ") == "cafe dor #12"
    assert plain("АЭРОФЛОТ 12") == "аэрофлот 12"
    assert words_of(Line("INV 1023 ACME")).keys.pattern == words_of(Line("inv 9941 acme")).keys.pattern
    assert words_of(Line("INV 1023 ACME")).keys.exact != words_of(Line("inv 9941 acme")).keys.exact


def test_the_prior_reads_names_as_people_write_them() -> None:
    assert names_in(plain("DOMINO'S PIZZA 2243 LTD")) == ["domino", "pizza", "ltd"]
    assert names_in(plain("HOLIDAY INNS")) == names_in(plain("Holiday Inn"))
    # One digit belongs to a name, more are a number.
    assert names_in(plain("O2 UK A19 JET2 7 24H 4711")) == ["o2", "uk", "jet2"]
    # What is no plural stays, and what is no plural of its singular.
    assert names_in("gas express currys") == ["gas", "express", "currys"]


def test_no_two_names_of_different_purposes_are_read_as_one() -> None:
    lexicon = tomllib.loads((HERE / "lexicon.toml").read_text(encoding="utf-8"))
    purposes: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for purpose, entry in lexicon.items():
        for phrase in map(plain, entry["lines"].split(",")):
            purposes[" ".join(map(singular, phrase.split()))][phrase].add(purpose)

    mixed = [
        forms.keys()
        for forms in purposes.values()
        if len(forms) > 1 and not set.intersection(*forms.values())
    ]
    assert mixed == []


def test_a_counterparty_joins_the_text_where_it_is_not_in_it() -> None:
    assert words_of(Line("Storage of April", "Acme Ltd")).text == "acme ltd storage of april"
    assert words_of(Line("ACME LTD storage", "Acme Ltd")).text == "acme ltd storage"


@given(st.text(max_size=300), st.text(max_size=50))
def test_any_text_has_keys_and_a_vector_of_length_one(description: str, counterparty: str) -> None:
    words = words_of(Line(description, counterparty))

    assert all(-(2**63) <= key < 2**63 for key in words.keys)
    [vector] = neighbour_vectors([words.pattern])
    assert vector.shape == (WORDING_DIMENSIONS,)
    assert np.isfinite(vector).all()
    # Two drawers in one column may cancel out, so that it is only about 1.
    assert 0.3 < np.linalg.norm(vector) < 2


def test_vectors_have_the_dimensions_of_their_column() -> None:
    assert WORDING_DIMENSIONS == NEIGHBOUR_COLUMNS


def test_near_words_have_near_vectors() -> None:
    near, same, far = neighbour_vectors(["starbucks coffee", "starbucks coffee 00", "yorkshire water plc"])

    assert near @ same > 0.7
    assert near @ far < 0.3


def test_the_prior_speaks_of_standard_financial_types_alone() -> None:
    prior = shipped_prior()

    assert {code for types in prior.types.values() for code in types} <= set(FINANCIAL_TYPES)
    known = set(prior.purposes)
    for line in LEARNED.read_text(encoding="utf-8").splitlines()[1:]:
        assert {one.rpartition("=")[0] for one in line.partition("\t")[2].split()} <= known


def test_what_is_shipped_holds_no_labels_of_whose_lines_were_learned() -> None:
    text = LEARNED.read_text(encoding="utf-8").casefold()

    for label in (
        "bldg rm",
        "noncentrx",
        "othruncosts",
        "ext contractors",
        "goro",
        "parish precept payments",
    ):
        assert label not in text
    assert LEARNED.stat().st_size < 1_000_000


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        ("SHELL PETROL", "fuel"),
        ("ROYAL MAIL", "postage"),
        ("NCP CAR PARK", "parking-and-tolls"),
        ("AWS EMEA", "hosting"),
        ("ADP PAYROLL", "payroll"),
        ("GOOGLE ADS", "advertising"),
        ("THAMES WATER", "water"),
        # Neither an inn nor what some companies call hospitality.
        ("PREMIER INN BIRMINGHAM", "lodging"),
        ("TRAVELODGE GB", "lodging"),
        ("HOLIDAY INN EXPRESS", "lodging"),
        ("MARRIOTT DENVER", "lodging"),
        ("BRITISH AIRWAYS", "air-travel"),
        ("O2 BILL PAYMENT", "telecommunications"),
        ("CURRYS", "computers"),
        ("HOWDENS", "building-materials"),
        ("BOLT EU", "taxis"),
        ("OFFICE", "stationery"),
        ("WWW.DOMINOS.CO.UK", "meals"),
        ("TESCO PFS", "fuel"),
        ("TESCO STORES", "groceries"),
        ("UBER EATS", "meals"),
        ("UBER TRIP", "taxis"),
        ("MICROSOFT OFFICE", "software"),
        ("BRITISH GAS BUSINESS", "electricity-and-gas"),
        ("HISCOX INC", "insurance"),
        ("HMRC PAYE NIC", "payroll-taxes"),
        ("HMRC VAT", "sales-tax"),
        ("HMRC CORP TAX", "income-tax"),
        ("MONTHLY SERVICE FEE", "bank-charges"),
        ("STRIPE FEES", "card-fees"),
        ("AMEX EPAYMENT", "credit-card-payment"),
    ],
)
def test_the_prior_knows_common_merchants(text: str, purpose: str) -> None:
    prior = shipped_prior()

    assert prior.purposes[int(prior.read(words_of(Line(text)).prior).likely.argmax())] == purpose


@pytest.mark.parametrize(
    ("name", "financial_type", "purpose"),
    [
        ("Vehicle Fuel", None, "fuel"),
        ("Equip Maint", None, "repairs"),
        ("Tel & Internet", None, "telecommunications"),
        ("Various", "RENT_EXPENSES", "rent"),
        ("Prof. Fees (Legal)", "PROFESSIONAL_FEES", "professional-fees"),
        ("Stationery", None, "stationery"),
        ("N'papers&Periodicals", None, "books"),
    ],
)
def test_account_names_say_what_accounts_are_for(name: str, financial_type: str | None, purpose: str) -> None:
    takes = shipped_prior().of_account(name, financial_type)

    best = [shipped_prior().purposes[int(at)] for at in (-takes).argsort()[:2]]
    assert purpose in best
    assert takes.sum() <= 1.0001


def test_a_name_that_says_nothing_takes_nothing() -> None:
    assert not shipped_prior().of_account("Xyzzy", None).any()


def test_words_of_names_are_alike_by_stem() -> None:
    assert name_words("Bldg R&M (old: 4711)") == ("building", "r", "m")
    assert likeness("equipment", "equip") == 0.8
    assert likeness("travel", "traveller") == 0.8
    assert likeness("tax", "taxi") == 0


def test_learning_twice_gives_the_same_bytes() -> None:
    examples = [example(f"SHELL {number}", FUEL) for number in range(30)] + [example("TRAINLINE", TRAVEL)] * 9

    assert learn(examples, shipped_prior()).to_bytes() == learn(examples, shipped_prior()).to_bytes()


def test_what_is_stored_answers_as_what_was_learned() -> None:
    examples = [example(f"SHELL {number}", FUEL) for number in range(30)] + [example("TRAINLINE", TRAVEL)] * 9
    model = learn(examples, shipped_prior())

    again = Learned.from_bytes(model.to_bytes())

    lines = [Line("SHELL 99"), Line("TRAINLINE 4"), Line("OTHER")]
    assert again.accounts == model.accounts
    assert again.examples == 39
    np.testing.assert_allclose(
        again.scores(lines, shipped_prior()), model.scores(lines, shipped_prior()), atol=0.01
    )


def test_the_linear_model_knows_what_it_was_told() -> None:
    examples = [example(f"SHELL {number}", FUEL) for number in range(30)]
    examples += [example(f"TRAINLINE {number}", TRAVEL) for number in range(30)]
    model = learn(examples, shipped_prior())

    scores = model.scores(
        [Line("SHELL 4711", amount=Decimal(20)), Line("TRAINLINE 1", amount=Decimal(20))], shipped_prior()
    )

    fuel, travel = model.accounts.index(FUEL.id), model.accounts.index(TRAVEL.id)
    assert scores[0, fuel] > 0.6 > 0.2 > scores[0, travel]
    assert scores[1, travel] > 0.6 > 0.2 > scores[1, fuel]


def test_it_counts_how_consistently_like_lines_were_put() -> None:
    same = [example("SHELL 4711", FUEL)] * 20
    mixed = [example("SHELL 4711", FUEL if number % 2 else TRAVEL) for number in range(20)]
    alone = [example(f"{'ABCDEFGHIJ'[number]} SHOP", FUEL) for number in range(10)]

    steady, unsteady, unlike = (learn(one, shipped_prior()) for one in (same, mixed, alone))

    # The first of a kind is compared with nothing; each is counted where it is most like those before it.
    assert steady.compared[0] > 15
    assert steady.agreed[0] == steady.compared[0]
    assert not steady.compared[1:].any()
    assert unsteady.compared[0] == steady.compared[0]
    assert unsteady.agreed[0] < 0.7 * unsteady.compared[0]
    assert not unlike.compared.any()


def test_a_company_that_wavers_is_answered_less_surely() -> None:
    shops = [f"{name} STORE" for name in ("ALPHA", "BRAVO", "CHARLIE", "DELTA", "ECHO", "FOXTROT")]
    asked = Line("ZULU STORE", amount=Decimal(20))
    known = [Known(FUEL.id, Decimal(20), date(2024, 1, day), "ZULU STORE") for day in range(1, 6)]
    found = [Found(known, known, known, known)]

    def sure(second: Candidate) -> float:
        lines = [example(shop, FUEL if turn % 2 else second) for turn in range(8) for shop in shops]
        model = learn([*lines, *[example("ZULU STORE", FUEL)] * 5], shipped_prior())
        chart = Chart(CHART, shipped_prior())
        [[best, *_]] = shipped_mixture().answers(evidence_of([asked], found, chart, model), 3)
        assert chart.accounts[best.place] == FUEL
        return best.confidence

    assert sure(FUEL) > sure(TRAVEL)


def test_each_counterparty_counts_once_for_what_new_ones_are_put_in() -> None:
    often = [example("SHELL", FUEL)] * 20
    once = [example(f"{name} SHOP", BOOKS) for name in ("ALPHA", "BRAVO", "CHARLIE")]

    model = learn([*often, *once], shipped_prior())

    fuel, books = model.accounts.index(FUEL.id), model.accounts.index(BOOKS.id)
    assert model.base[fuel] > 5 * model.base[books]
    assert model.fresh[books] > 2.5 * model.fresh[fuel]


def test_names_are_held_to_say_little_where_a_company_puts_things_otherwise() -> None:
    chart = Chart(CHART, shipped_prior())
    shops = ("SHELL", "ESSO", "BP", "TEXACO")

    def holding(account_: Candidate) -> float:
        model = learn([example(shop, account_) for shop in shops for _ in range(5)], shipped_prior())
        return float(evidence_of([Line("SHELL")], [Found()], chart, model).known[0, -1])

    assert holding(FUEL) > 0.5
    assert holding(BOOKS) < -0.5


def test_a_model_that_was_stored_before_more_was_counted_still_answers() -> None:
    model = learn([example("SHELL", FUEL)] * 6, shipped_prior())
    later = ("agreed", "compared", "fresh", "fresh_by_purpose")
    with np.load(io.BytesIO(model.to_bytes())) as stored:
        older = {name: stored[name] for name in stored if name not in later}
    out = io.BytesIO()
    np.savez(out, **older)

    restored = Learned.from_bytes(out.getvalue())

    assert restored.accounts == model.accounts
    assert not restored.compared.any()
    assert (restored.fresh == model.base).all()
    assert (restored.fresh_by_purpose == restored.by_purpose).all()


def test_more_examples_than_columns_are_solved_alike() -> None:
    few = [example(f"SHELL {number}", FUEL) for number in range(1200)]
    few += [example(f"TRAINLINE {number}", TRAVEL) for number in range(1200)]

    model = learn(few, shipped_prior())

    scores = model.scores([Line("SHELL 4711", amount=Decimal(20))], shipped_prior())
    assert scores[0, model.accounts.index(FUEL.id)] > 0.9


def test_an_account_that_is_gone_falls_out() -> None:
    model = learn([example("SHELL", FUEL)] * 9 + [example("BOOKSHOP", BOOKS)] * 9, shipped_prior())
    chart = Chart([TRAVEL, BOOKS], shipped_prior())

    answers = shipped_mixture().answers(evidence_of([Line("SHELL")], [Found()], chart, model), 3)

    assert sorted(one.place for one in answers[0]) == [0, 1]


def test_a_chart_of_one_account_has_one_answer() -> None:
    chart = Chart([TRAVEL], shipped_prior())

    [[only]] = shipped_mixture().answers(evidence_of([Line("SHELL")], [Found()], chart, None), 3)

    assert only.place == 0
    assert 0 <= only.confidence <= 1


def test_the_mixture_has_a_weight_for_each_column() -> None:
    chart = Chart(CHART, shipped_prior())

    evidence = evidence_of([Line("SHELL")], [Found()], chart, None)

    assert evidence.scores.shape == (1, len(CHART), len(LAYERS))
    assert np.isfinite(evidence.scores).all()
    assert expanded(evidence).shape[2] == len(shipped_mixture().weights)
    looked_at = doubts(np.full((1, len(CHART)), 1 / len(CHART)), evidence)
    assert looked_at.shape[1] == len(shipped_mixture().calibration)
    # Nothing is younger than a company without a history.
    assert looked_at[0, DOUBTS.index("young")] == 1


def test_the_mixture_was_fitted_to_the_layers_and_doubts_that_there_are() -> None:
    stored = json.loads(MIXTURE.read_text(encoding="utf-8"))

    assert tuple(stored["layers"]) == LAYERS
    assert tuple(stored["doubts"]) == DOUBTS


def hotels_ahead_of_parking(amount: str, model: Learned | None = None) -> float:
    """How far the prior takes a line that may be either rather for a hotel than for parking."""
    chart = Chart((account("Car Parking"), account("Hotels")), shipped_prior())
    evidence = evidence_of([Line("HOTEL PARKING", amount=Decimal(amount))], [Found()], chart, model)
    parking, hotels = evidence.scores[0, :, LAYERS.index("prior")].tolist()
    return float(hotels - parking)


def test_the_prior_knows_what_things_cost() -> None:
    cheap, dear = hotels_ahead_of_parking("2.50"), hotels_ahead_of_parking("180")

    assert cheap < -0.5
    assert dear > cheap + 1


def test_what_things_cost_is_measured_by_a_company_s_own_amounts() -> None:
    """In a company that keeps its books in yen 400 is parking, and 30,000 a hotel."""
    usual = ("500", "3000", "9000", "1200", "20000", "4000")
    hotels = account("Hotels")
    yen = learn([example("SHOP", hotels, amount) for amount in usual * 20], shipped_prior())

    cheap, dear = hotels_ahead_of_parking("400", yen), hotels_ahead_of_parking("30000", yen)

    assert cheap < hotels_ahead_of_parking("400") - 0.3
    assert dear > cheap + 0.5


@pytest.mark.parametrize(
    "amount", ["0.0001", "-0.01", "12345678.90", "1000000000000", "999999999999999.9999"]
)
@pytest.mark.parametrize("history", [None, "0.05", "20", "50000000"])
def test_any_amount_has_an_answer(amount: str, history: str | None) -> None:
    chart = Chart(CHART, shipped_prior())
    model = learn([example("SHELL", FUEL, history)] * 9, shipped_prior()) if history else None

    [answers] = shipped_mixture().answers(
        evidence_of([Line("SHELL", amount=Decimal(amount))], [Found()], chart, model), 3
    )

    assert all(0 <= one.confidence <= 1 for one in answers)


def test_a_few_lines_of_another_size_are_no_other_money() -> None:
    """A pound company that begins with its rents has hotels for a hundred all the same."""
    rents = learn([example("LANDLORD", account("Hotels"), "2500")] * 3, shipped_prior())
    usual = learn([example("LANDLORD", account("Hotels"), "2500")] * 300, shipped_prior())

    few, many = (
        hotels_ahead_of_parking("100", one) - hotels_ahead_of_parking("5", one) for one in (rents, usual)
    )

    assert few > 0.5
    assert few != many


def test_habits_with_a_purpose_count_each_counterparty_once() -> None:
    """Twenty lines of one shop say less of the next shop of its kind than three shops do."""
    often = [example("SHELL", TRAVEL)] * 20
    others = [example(name, FUEL) for name in ("ESSO", "TEXACO", "GULF")]
    chart = Chart((account("Alpha"), account("Beta")), shipped_prior())
    alpha, beta = chart.accounts
    model = learn(
        [
            *(one._replace(account_id=alpha.id) for one in often),
            *(one._replace(account_id=beta.id) for one in others),
        ],
        shipped_prior(),
    )

    evidence = evidence_of([Line("MURCO", amount=Decimal(20))], [Found()], chart, model)

    of_lines = evidence.scores[0, :, LAYERS.index("purpose")]
    of_counterparties = evidence.scores[0, :, LAYERS.index("leaning")]
    assert of_lines[0] > of_lines[1]
    assert of_counterparties[1] > of_counterparties[0]


def test_learning_ten_thousand_takes_bounded_memory() -> None:
    """Half a gigabyte is far beyond what it takes: this keeps it from growing with the square of the
    history."""
    examples = [
        example(f"SHOP {number % 997} {chr(97 + number % 26) * 4}", CHART[number % 3])
        for number in range(10_000)
    ]
    tracemalloc.start()
    model = learn(examples, shipped_prior())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert model.examples == 10_000
    assert peak < 700_000_000

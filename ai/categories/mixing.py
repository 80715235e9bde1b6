"""How the layers are mixed into one answer, and how sure that is.

Each layer gives each account a score; a conditional logit adds them up. Its weights depend on what is known:
how much history the company has, and whether the very words, their pattern or the counterparty were seen
before, so they move from the prior to the company's own history as it grows. The weights, and the calibration
of the confidence, were fitted over many companies (`bench/category_weights.py`) and come in `mixture.json`.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import numpy as np

from ai.categories.amounts import STEPS, amount_steps
from ai.categories.chart import Chart
from ai.categories.learned import STATES, Learned
from ai.categories.lookups import Found, Known
from ai.categories.texts import Line, words_of

Floats = np.ndarray[Any, np.dtype[np.float32]]

MIXTURE: Final = Path(__file__).parent / "mixture.json"

# What each layer says of an account, in this order.
LAYERS: Final = (
    "base",  # how often it was chosen at all
    "fresh",  # the same, each counterparty counting once
    "chain",  # what lines of the same words were put in, backed off to rarer keys and the prior
    "counterparty",  # the same, without the last words
    "linear",  # the linear model
    "last",  # what the counterparty's newest lines were put in
    "near",  # what lines of near words were put in
    "amount",  # amounts of this size
    "sized",  # what the counterparty's lines of about this amount were put in
    "named",  # its name stands in the text
    "prior",  # the prior, through its name
    "purpose",  # the prior, through what was put in it
    "leaning",  # the same, each counterparty counting once, and its name for more
    "used",  # it was chosen before
    "revenue_out",  # money went out, and it is revenue
    "expense_in",  # money came in, and it is an expense
)
# The first so many layers count by what of a line was seen before.
_BY_STATE: Final = LAYERS.index("revenue_out")
# How strongly a key's lines outweigh what is behind them, from the first word to the exact words and amount.
_TRUST: Final = (4.0, 1.0, 0.7, 0.5, 0.7)
_RECENT: Final = 0.5 ** (np.arange(64) / 20)
_LAST: Final = 0.3 * 0.7 ** np.arange(64)
_FAINT: Final = 1e-4
# Amounts that differ by so much (as a logarithm) speak for each other by a third.
_APART: Final = 0.25
# For how many lines of a purpose an account's name counts.
_NAMES_IN_HABIT: Final = 0.7
_NAMES_IN_LEANING: Final = 3.0
# Companies' usual amounts differ by so much (as a logarithm to ten) within one currency.
_OTHER_MONEY: Final = 0.7
# What is known of a line beside the scores.
KNOWN: Final = 9
# Layers that count otherwise where accounts' names say little of what is put in them.
_BY_NAMES: Final = (
    "base",
    "fresh",
    "chain",
    "linear",
    "amount",
    "named",
    "prior",
    "purpose",
    "used",
)
# Layers whose own first choice tells how sure the mixture may be.
_AGREEING: Final = ("chain", "linear", "last", "near", "purpose", "prior")
# How likely names lead to the account that was chosen, as a logarithm, in the middle of companies; and how
# many lines' worth of it are added to what is known of a company.
_NAMED_RIGHT: Final = -1.8
_NAMED_DOUBT: Final = 5.0
# A history of so many lines is half as young as one of none.
_YOUNG: Final = 50.0
# What the calibration looks at, in this order; two words are one times the other.
DOUBTS: Final = (
    "always",
    "odds",  # how likely the answer is by the mixture, as log odds
    "ahead",  # how much likelier than the second
    "name",  # the counterparty was seen before
    "pattern",  # the words but for digits were
    "exact",  # the very words were
    "support",  # how often the counterparty was
    "closest",  # how near the nearest line is
    "telling",  # how much the words say to the prior
    "history",  # how long it is
    "chain",
    "last",
    "last support",
    "linear",
    "linear history",
    "agreement",  # how consistently like lines were put in one account
    "agreement new",
    "agreement odds",
    "history odds",
    "holding",  # how far names of accounts led there so far
    "holding odds",
    "young",  # how young the history is
    "young odds",
    "young holding",
    "young new",
    *(f"{layer} agrees" for layer in _AGREEING),
)
# The logarithm of a history of 3,000.
_LONG: Final = float(np.log(3000))


class Answer(NamedTuple):
    """An account, and how likely it is the right one, from 0 to 1."""

    place: int
    confidence: float


class Evidence(NamedTuple):
    """The layers' scores of each line and account, and what is known of each line."""

    scores: Floats
    known: Floats


def evidence_of(
    lines: Sequence[Line], found: Sequence[Found], chart: Chart, learned: Learned | None
) -> Evidence:
    """What the layers say of each of `lines`."""
    size, width = len(lines), len(chart)
    words = [words_of(line) for line in lines]
    readings = [chart.prior.read(one.prior) for one in words]
    base, fresh, by_amount, by_purpose, fresh_by_purpose, linear = _aligned(lines, chart, learned)
    history = learned.examples if learned else 0
    steps = amount_steps(lines)
    usual = by_amount.sum(0) / max(float(by_amount.sum()), 1e-9)
    purposes = _of_such_amounts(
        np.array([reading.likely for reading in readings]), lines, chart, usual if by_amount.any() else None
    )
    used = base > 0
    holding = _names_hold(base, by_purpose, chart) if history else 0.0
    base = (base + 0.3) / (base.sum() + 0.3 * width)
    fresh = (fresh + 0.3) / (fresh.sum() + 0.3 * width)
    by_name = purposes @ chart.share.T
    by_habit = _by_habit(purposes, by_purpose, base, chart, _NAMES_IN_HABIT)
    by_leaning = _by_habit(purposes, fresh_by_purpose, fresh, chart, _NAMES_IN_LEANING)
    chain = np.empty((size, width), np.float32)
    counterparty = np.empty((size, width), np.float32)
    last = np.zeros((size, width), np.float32)
    near = np.zeros((size, width), np.float32)
    sized = np.zeros((size, width), np.float32)
    rates, overall = _agreement(learned)
    named = np.empty((size, width), np.float32)
    known = np.empty((size, KNOWN), np.float32)
    for row, (line, one) in enumerate(zip(lines, found, strict=True)):
        likely = 0.5 * base + 0.5 * by_habit[row]
        same_amount = [each for each in one.pattern if each.amount == line.amount]
        for step, group in enumerate((one.word, one.name, one.pattern, one.exact, same_amount)):
            likely = _backed_off(likely, group, chart.place, _TRUST[step])
            if step == 1:
                counterparty[row] = likely
        chain[row] = likely
        for weight, each in zip(_LAST, one.name, strict=False):
            place = chart.place.get(each.account_id)
            if place is not None:
                last[row, place] += weight
        closest = _near(near[row], one, chart.place)
        _sized(sized[row], line, one, chart.place)
        state = 0 if one.exact else 1 if one.pattern else 2 if one.name else None
        named[row] = chart.named_in(words[row].text)
        known[row] = (
            bool(one.name),
            bool(one.pattern),
            bool(one.exact),
            np.log1p(len(one.name)),
            closest,
            min(readings[row].telling, 4.0) / 4,
            np.log1p(history) / 10,
            overall if state is None else rates[state],
            holding,
        )
    typical = (by_amount + 3 * usual[None]) / (by_amount.sum(1, keepdims=True) + 3)
    by_size = (
        np.log(steps @ (typical / (usual[None] + 1e-3)).T + 1e-3) if history else np.zeros((size, width))
    )
    is_in = np.array([line.amount < 0 for line in lines])[:, None]
    scores = np.stack(
        [
            np.broadcast_to(np.log(base), (size, width)),
            np.broadcast_to(np.log(fresh), (size, width)),
            np.log(chain + _FAINT),
            np.log(counterparty + _FAINT),
            linear,
            last,
            np.log(near + 0.01),
            by_size,
            np.log(sized + 0.03),
            named,
            np.log(by_name + 1e-3),
            np.log(by_habit + 1e-3),
            np.log(by_leaning + 1e-3),
            np.broadcast_to(used, (size, width)),
            ~is_in * chart.brings_in[None],
            is_in * chart.is_expense[None],
        ],
        axis=2,
    ).astype(np.float32)
    return Evidence(scores, known)


def _aligned(
    lines: Sequence[Line], chart: Chart, learned: Learned | None
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """What was learned, in the order of the chart; an account that is closed by now falls out."""
    width, size = len(chart), chart.prior.size
    base, fresh = np.zeros(width, np.float32), np.zeros(width, np.float32)
    by_amount = np.zeros((width, len(STEPS)), np.float32)
    by_purpose, fresh_by_purpose = np.zeros((width, size), np.float32), np.zeros((width, size), np.float32)
    linear = np.zeros((len(lines), width), np.float32)
    if learned is None:
        return base, fresh, by_amount, by_purpose, fresh_by_purpose, linear
    pairs = [
        (chart.place[account], number)
        for number, account in enumerate(learned.accounts)
        if account in chart.place
    ]
    to, of = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    base[to], fresh[to] = learned.base[of], learned.fresh[of]
    by_amount[to] = learned.by_amount[of]
    by_purpose[to], fresh_by_purpose[to] = learned.by_purpose[of], learned.fresh_by_purpose[of]
    linear[:, to] = learned.scores(lines, chart.prior)[:, of]
    return base, fresh, by_amount, by_purpose, fresh_by_purpose, linear


def _of_such_amounts(purposes: Floats, lines: Sequence[Line], chart: Chart, usual: Floats | None) -> Floats:
    """How likely each purpose is by the words, and by the amount: parking costs a few, a hotel a hundred. The
    prior's amounts are pounds and dollars; in a company whose `usual` amounts are far from them, as yen are,
    a line's is taken for what it is among its own."""
    size = 1.0
    if usual is not None:
        apart = float((usual - chart.prior.usual_amounts) @ STEPS)
        size = 10.0 ** (np.sign(apart) * max(abs(apart) - _OTHER_MONEY, 0.0))
    steps = amount_steps(lines, size)
    likely = purposes * (steps @ chart.prior.amounts.T)
    return np.asarray(likely / likely.sum(1, keepdims=True), np.float32)


def _by_habit(purposes: Floats, by_purpose: Floats, base: Floats, chart: Chart, names: float) -> Floats:
    """How likely each account is by the purposes that were put in it, where its name counts as `names` lines
    of each."""
    takes = by_purpose + names * chart.share + 0.02 * base[:, None]
    return np.asarray(purposes @ (takes / takes.sum(0, keepdims=True)).T)


def _backed_off(likely: Floats, group: Sequence[Known], place: Mapping[UUID, int], trust: float) -> Floats:
    """The shares of accounts in a group, the newest counting most, with `likely` for what it leaves open."""
    if not group:
        return likely
    counted = likely * trust
    total = trust
    for weight, known in zip(_RECENT, group, strict=False):
        at = place.get(known.account_id)
        if at is not None:
            counted[at] += weight
            total += weight
    return counted / total


def _names_hold(base: Floats, by_purpose: Floats, chart: Chart) -> float:
    """How likely the accounts' names alone would have led to what was chosen so far, as a logarithm; 0 as in
    most companies. Some put hotels, meals and fuel in "Conference Fees": there names say little."""
    led = float((by_purpose * chart.share).sum())
    usual = float(np.exp(_NAMED_RIGHT))
    return float(np.log((led + _NAMED_DOUBT * usual) / (float(base.sum()) + _NAMED_DOUBT))) - _NAMED_RIGHT


def _agreement(learned: Learned | None) -> tuple[list[float], float]:
    """How likely like lines were put in one account so far, as log odds: by how they are alike, and in all;
    about even where there is little to compare."""
    if learned is None:
        return [0.0] * STATES, 0.0
    agreed, compared = learned.agreed, learned.compared
    every = (agreed.sum() + 2) / (compared.sum() + 4)
    rates = (agreed + 4 * every) / (compared + 4)
    odds = np.log(np.append(rates, every) / (1 - np.append(rates, every)))
    return odds[:STATES].tolist(), float(odds[STATES])


def _sized(sized: Floats, line: Line, found: Found, place: Mapping[UUID, int]) -> None:
    """Fill in the shares of accounts among the counterparty's lines, the nearer their amount the more."""
    group = found.name or found.word
    if not group:
        return
    amounts = np.array([float(each.amount) for each in group])
    amount = float(line.amount)
    apart = np.abs(np.log(np.maximum(np.abs(amounts), 0.01) / max(abs(amount), 0.01)))
    weights = np.where(amounts * amount > 0, np.exp(-apart / _APART), 0.02) * _RECENT[: len(group)]
    total = 0.15
    for weight, each in zip(weights.tolist(), group, strict=True):
        total += weight
        at = place.get(each.account_id)
        if at is not None:
            sized[at] += weight
    sized /= total


def _near(near: Floats, found: Found, place: Mapping[UUID, int]) -> float:
    """Fill in the shares of near lines' accounts, and return how near the nearest is."""
    if found.pattern:
        neighbours = [(1.0, known) for known in found.pattern]
    else:
        neighbours = [(max(similarity, 0.0), known) for similarity, known in found.near]
    total = 0.05
    for similarity, known in neighbours:
        weight = similarity**4
        total += weight
        at = place.get(known.account_id)
        if at is not None:
            near[at] += weight
    near /= total
    return neighbours[0][0] if neighbours else 0.0


def expanded(evidence: Evidence) -> Floats:
    """The scores beside what they depend on: one column for each weight of the mixture."""
    scores, known = evidence
    name, pattern, exact, support, closest, telling, history, agreement, holding = known.T
    states = [1 - name, name * (1 - pattern), pattern * (1 - exact), exact]
    columns = [scores[:, :, layer] * state[:, None] for layer in range(_BY_STATE) for state in states]
    at = LAYERS.index
    longer = history * 10 / _LONG - 0.7
    for layers, by in (
        # "sized" is left out where it says the same as "chain": each would cancel the other in companies
        # unlike those that the weights were fitted over.
        ([layer for layer in LAYERS[:_BY_STATE] if layer != "sized"], longer),
        (("base", "fresh", "chain", "linear", "prior", "purpose", "used"), longer * longer),
        (("prior", "purpose", "named"), (history == 0).astype(np.float32)),
        (("chain", "linear", "near"), closest - 0.7),
        (("chain", "counterparty"), 0.3 * (support - 1)),
        (("base", "chain", "counterparty", "last", "linear", "purpose", "sized"), 0.5 * (agreement - 0.5)),
        (("prior", "purpose", "used", "linear"), telling - 0.5),
        (_BY_NAMES, holding),
    ):
        columns += [scores[:, :, at(layer)] * by[:, None] for layer in layers]
    columns += [scores[:, :, at("revenue_out")], scores[:, :, at("expense_in")]]
    return np.stack(columns, axis=2)


def likelihoods(weighed: Floats) -> Floats:
    """Sums of scores as shares that add up to 1 for each line."""
    shares = np.exp(weighed - weighed.max(1, keepdims=True))
    return np.asarray(shares / shares.sum(1, keepdims=True))


def doubts(shares: Floats, evidence: Evidence) -> Floats:
    """What the calibration looks at, for each line: one column for each of its weights."""
    order = np.argsort(-shares, axis=1, kind="stable")
    rows = np.arange(len(shares))
    top = order[:, 0]
    first = np.clip(shares[rows, top], 1e-6, 1 - 1e-6)
    second = (
        np.clip(shares[rows, order[:, 1]], 1e-6, None) if shares.shape[1] > 1 else np.full(len(first), 1e-6)
    )
    name, pattern, exact, support, closest, telling, history, agreement, holding = evidence.known.T
    at = LAYERS.index
    # How far the layers, each for itself, agree with the answer.
    said = {layer: evidence.scores[rows, top, at(layer)].astype(np.float64) for layer in _AGREEING}
    chain = np.clip(np.exp(said["chain"]), 1e-4, 1 - 1e-4)
    young = _YOUNG / (_YOUNG + np.expm1(10 * history.astype(np.float64)))
    agreeing = [evidence.scores[:, :, at(layer)].argmax(1) == top for layer in _AGREEING]
    odds = np.log(first / (1 - first))
    linear = np.clip(said["linear"], -0.5, 1.5)
    columns = {
        "always": np.ones(len(first)),
        "odds": odds,
        "ahead": np.log(first / second),
        "name": name,
        "pattern": pattern,
        "exact": exact,
        "support": support,
        "closest": closest,
        "telling": telling,
        "history": history,
        "chain": np.log(chain / (1 - chain)),
        "last": said["last"],
        "last support": said["last"] * support,
        "linear": linear,
        "linear history": linear * history,
        "agreement": agreement,
        "agreement new": agreement * (1 - name),
        "agreement odds": agreement * odds,
        "history odds": history * odds,
        "holding": holding,
        "holding odds": holding * odds,
        "young": young,
        "young odds": young * odds,
        "young holding": young * holding,
        "young new": young * (1 - name),
        **{f"{layer} agrees": each for layer, each in zip(_AGREEING, agreeing, strict=True)},
    }
    return np.stack([columns[doubt] for doubt in DOUBTS], axis=1).astype(np.float64)


class Mixture(NamedTuple):
    """The weights of the layers, and of the calibration."""

    weights: Floats
    calibration: Floats

    def answers(self, evidence: Evidence, best: int) -> list[list[Answer]]:
        """The `best` accounts for each line, the likeliest first, with calibrated confidence."""
        shares = likelihoods(expanded(evidence) @ self.weights)
        sure = 1 / (1 + np.exp(-(doubts(shares, evidence) @ self.calibration)))
        answers = []
        for row, confidence in zip(shares, sure, strict=True):
            order = np.argsort(-row, kind="stable")[:best]
            rest = max(1 - float(row[order[0]]), 1e-9)
            others = (1 - float(confidence)) / rest
            answers.append(
                [
                    Answer(
                        int(place),
                        float(confidence) if rank == 0 else float(min(row[place] * others, confidence)),
                    )
                    for rank, place in enumerate(order)
                ]
            )
        return answers


@lru_cache(maxsize=1)
def shipped_mixture() -> Mixture:
    """The mixture that comes with the project."""
    stored = json.loads(MIXTURE.read_text(encoding="utf-8"))
    return Mixture(np.array(stored["weights"], np.float32), np.array(stored["calibration"], np.float32))

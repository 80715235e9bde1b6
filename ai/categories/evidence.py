"""What the layers say of a line: each gives each account a score, beside what is known of the line.

They look at lines of the same words and of the same counterparty, at near words, at the company's linear
model and its counts, and at the prior; `mixing` makes one answer of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

import numpy as np

from ai.categories.amounts import STEPS, amount_steps
from ai.categories.chart import Chart
from ai.categories.learned import STATES, Learned
from ai.categories.lookups import Found, Known
from ai.categories.texts import Line, words_of

Floats = np.ndarray[Any, np.dtype[np.float32]]

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
# After so many lines half of what a company's usual amounts say is believed.
_FEW: Final = 10
# How likely names lead to the account that was chosen, as a logarithm, in the middle of companies; and how
# many lines' worth of it are added to what is known of a company.
_NAMED_RIGHT: Final = -1.8
_NAMED_DOUBT: Final = 5.0
# What is known of a line beside the scores.
KNOWN: Final = 9


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
    own = _Own.of(chart, learned)
    purposes = _of_such_amounts(np.array([reading.likely for reading in readings]), lines, chart, own)
    base = (own.base + 0.3) / (own.base.sum() + 0.3 * width)
    fresh = (own.fresh + 0.3) / (own.fresh.sum() + 0.3 * width)
    by_habit = _by_habit(purposes, own.by_purpose, base, chart, _NAMES_IN_HABIT)
    by_leaning = _by_habit(purposes, own.fresh_by_purpose, fresh, chart, _NAMES_IN_LEANING)
    is_in = np.array([line.amount < 0 for line in lines])[:, None]
    like, closest = _of_like_lines(lines, found, chart, 0.5 * base + 0.5 * by_habit)
    scores = like | {
        "base": np.broadcast_to(np.log(base), (size, width)),
        "fresh": np.broadcast_to(np.log(fresh), (size, width)),
        "linear": _linear(lines, chart, learned),
        "amount": _by_size(lines, own) if learned else np.zeros((size, width)),
        "named": np.array([chart.named_in(one.text) for one in words]),
        "prior": np.log(purposes @ chart.share.T + 1e-3),
        "purpose": np.log(by_habit + 1e-3),
        "leaning": np.log(by_leaning + 1e-3),
        "used": np.broadcast_to(own.base > 0, (size, width)),
        "revenue_out": ~is_in * chart.brings_in[None],
        "expense_in": is_in * chart.is_expense[None],
    }
    history = learned.examples if learned else 0
    holding = _names_hold(own, chart) if learned else 0.0
    rates, overall = _agreement(learned)
    known = np.empty((size, KNOWN), np.float32)
    for row, one in enumerate(found):
        state = 0 if one.exact else 1 if one.pattern else 2 if one.name else None
        known[row] = (
            bool(one.name),
            bool(one.pattern),
            bool(one.exact),
            np.log1p(len(one.name)),
            closest[row],
            min(readings[row].telling, 4.0) / 4,
            np.log1p(history) / 10,
            overall if state is None else rates[state],
            holding,
        )
    return Evidence(np.stack([scores[layer] for layer in LAYERS], axis=2).astype(np.float32), known)


def _of_like_lines(
    lines: Sequence[Line], found: Sequence[Found], chart: Chart, before: Floats
) -> tuple[dict[str, Floats], list[float]]:
    """What the layers say that look at lines like these, by layer, and how near the nearest is to each line;
    `before` is how likely each account is where there are none."""
    chain, counterparty, last, near, sized = np.zeros((5, len(lines), len(chart)), np.float32)
    closest = []
    for row, (line, one) in enumerate(zip(lines, found, strict=True)):
        likely = before[row]
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
        closest.append(_near(near[row], one, chart.place))
        _sized(sized[row], line, one, chart.place)
    said = {
        "chain": np.log(chain + _FAINT),
        "counterparty": np.log(counterparty + _FAINT),
        "last": last,
        "near": np.log(near + 0.01),
        "sized": np.log(sized + 0.03),
    }
    return said, closest


class _Own(NamedTuple):
    """What the company has learned (see `Learned`), in the order of the chart."""

    base: Floats
    fresh: Floats
    by_amount: Floats
    by_purpose: Floats
    fresh_by_purpose: Floats

    @property
    def usual_amounts(self) -> Floats:
        """How its lines are distributed over the steps of the amount."""
        usual: Floats = self.by_amount.sum(0) / max(float(self.by_amount.sum()), 1e-9)
        return usual

    @classmethod
    def of(cls, chart: Chart, learned: Learned | None) -> Self:
        """An account that is closed by now falls out; one that nothing was put in has zeros."""
        width = len(chart)
        shapes = ((), (), (len(STEPS),), (chart.prior.size,), (chart.prior.size,))
        own = cls(*(np.zeros((width, *shape), np.float32) for shape in shapes))
        if learned is not None:
            to, of = _places(chart, learned)
            for name, mine in own._asdict().items():
                mine[to] = getattr(learned, name)[of]
        return own


def _places(chart: Chart, learned: Learned) -> tuple[list[int], list[int]]:
    """Where the learned accounts that are still there stand in the chart, and where in what was learned."""
    pairs = [
        (chart.place[account], number)
        for number, account in enumerate(learned.accounts)
        if account in chart.place
    ]
    return [to for to, _ in pairs], [of for _, of in pairs]


def _linear(lines: Sequence[Line], chart: Chart, learned: Learned | None) -> Floats:
    """How much the linear model speaks for each account."""
    scores = np.zeros((len(lines), len(chart)), np.float32)
    if learned is not None:
        to, of = _places(chart, learned)
        scores[:, to] = learned.scores(lines, chart.prior)[:, of]
    return scores


def _by_size(lines: Sequence[Line], own: _Own) -> Floats:
    """How much more usual an amount of this size is in each account than in all, as a logarithm."""
    usual = own.usual_amounts
    typical = (own.by_amount + 3 * usual[None]) / (own.by_amount.sum(1, keepdims=True) + 3)
    return np.asarray(np.log(amount_steps(lines) @ (typical / (usual[None] + 1e-3)).T + 1e-3))


def _of_such_amounts(purposes: Floats, lines: Sequence[Line], chart: Chart, own: _Own) -> Floats:
    """How likely each purpose is by the words, and by the amount: parking costs a few, a hotel a hundred. The
    prior's amounts are pounds and dollars; in a company whose usual amounts are far from them, as yen are, a
    line's is taken for what it is among its own."""
    size, count = 1.0, float(own.by_amount.sum())
    if count:
        # After few lines, which may be no usual ones, only in part.
        apart = float((own.usual_amounts - chart.prior.usual_amounts) @ STEPS) * count / (count + _FEW)
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


def _names_hold(own: _Own, chart: Chart) -> float:
    """How likely the accounts' names alone would have led to what was chosen so far, as a logarithm; 0 as in
    most companies. Some put hotels, meals and fuel in "Conference Fees": there names say little."""
    led = float((own.by_purpose * chart.share).sum())
    usual = float(np.exp(_NAMED_RIGHT))
    return float(np.log((led + _NAMED_DOUBT * usual) / (float(own.base.sum()) + _NAMED_DOUBT))) - _NAMED_RIGHT


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

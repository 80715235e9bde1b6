"""How the layers are mixed into one answer, and how sure that is.

Each layer gives each account a score (`evidence`); a conditional logit adds them up. Its weights depend on
what is known: how much history the company has, and whether the very words, their pattern or the counterparty
were seen before, so they move from the prior to the company's own history as it grows. The weights, and the
calibration of the confidence, were fitted over many companies (`bench/category_weights.py`) and come in
`mixture.json`.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from ai.categories.evidence import LAYERS, Evidence

Floats = np.ndarray[Any, np.dtype[np.float32]]

MIXTURE: Final = Path(__file__).parent / "mixture.json"

# The first so many layers count by what of a line was seen before.
_BY_STATE: Final = LAYERS.index("revenue_out")
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

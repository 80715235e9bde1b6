"""Fit the weights of the mixture of category suggestions, and calibrate its confidence; scipy is a tool of
development."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from bench.category_samples import YOUNG_LINES, Sample

# A line's right account is told from so many others.
CANDIDATES = 32
RIDGE = 20.0
# The fit ends where no weight's slope is above this, among losses of some hundred thousand.
GRADIENT = 0.5
# How much a line counts, where that is not once: those of made-up companies and of empty books less, those of
# merged companies more, because few companies have a history as long.
COUNTS = {"sandbox": 0.5, "merged": 1.5}
COUNT_OF_EMPTY = 0.5
# A confidence of 0.8, as a logit, and how many of such answers must be right at least.
SURE = float(np.log(4))
PRECISION = 0.91
# The confidence is lowered by so much at most (as a logit).
SHIFT_MAX = 0.8
# What `mixing` says of how young a history of YOUNG_LINES is.
YOUNG_AT = 0.5
# Fewer sure answers of one kind say too little.
CELL_MIN = 100


class Lines(NamedTuple):
    """The lines of samples, ready for fitting."""

    # The columns of the right account, which comes first, and of the CANDIDATES that could be taken for it.
    columns: Any
    # Which of them there are.
    there: Any
    # How much each line counts, and its group.
    counts: Any
    groups: Any

    def without(self, group: int) -> "Lines":
        """Those of the other groups."""
        return Lines(*(one[self.groups != group] for one in self))


def narrowed(samples: Sequence[Sample], kinds: dict[str, str]) -> Lines:
    """The lines of all samples."""
    from ai.categories.evidence import LAYERS

    columns, there, counts, groups = [], [], [], []
    for one in samples:
        its = one.columns
        # By what was put where before, and by the prior: other accounts have next to no share.
        rough = sum(
            times * its[:, :, 4 * at : 4 * at + 4].sum(2)
            for at, times in zip(map(LAYERS.index, ("chain", "linear", "purpose")), (1, 3, 1), strict=True)
        )
        at = np.arange(len(one.right))
        rough[at, one.right] = np.inf
        chosen = np.argsort(-rough, axis=1, kind="stable")[:, :CANDIDATES]
        taken = np.take_along_axis(its, chosen[:, :, None], axis=1)
        missing = CANDIDATES - taken.shape[1]
        columns.append(np.pad(taken, ((0, 0), (0, missing), (0, 0))))
        there.append(np.arange(CANDIDATES)[None] < np.full((len(at), 1), CANDIDATES - missing))
        counts.append(np.full(len(at), COUNTS.get(kinds[one.company], 1.0) if one.part else COUNT_OF_EMPTY))
        groups.append(np.full(len(at), one.group))
    return Lines(*map(np.concatenate, (columns, there, counts, groups)))


def fitted(lines: Lines, start: Any | None = None) -> Any:
    """The weights that make the right accounts likeliest, as far as large weights are worth it."""
    from scipy.optimize import minimize

    def parts() -> Iterator[tuple[Any, Any, Any]]:
        for at in range(0, len(lines.columns), 4096):
            here = slice(at, at + 4096)
            yield lines.columns[here], lines.there[here], lines.counts[here]

    def shares_of(part: Any, there: Any, weights: Any) -> Any:
        sums = np.where(there, part @ weights.astype(np.float32), -1e9)
        shares = np.exp(sums - sums.max(1, keepdims=True))
        return shares / shares.sum(1, keepdims=True)

    def loss(weights: Any) -> tuple[float, Any]:
        total, slope = RIDGE * float(weights @ weights), 2 * RIDGE * weights
        for part, there, counts in parts():
            shares = shares_of(part, there, weights)
            total -= float(counts @ np.log(shares[:, 0] + 1e-12))
            shares[:, 0] -= 1
            slope = slope + (shares * counts[:, None]).reshape(-1) @ part.reshape(-1, part.shape[2])
        return total, slope

    def curvature(weights: Any) -> Any:
        bend = 2 * RIDGE * np.eye(len(weights))
        for part, there, counts in parts():
            shares = (shares_of(part, there, weights)).astype(np.float32)
            counted = (shares * counts[:, None]).astype(np.float32)
            flat = part.reshape(-1, part.shape[2])
            middle = np.einsum("lc,lcw->lw", shares, part)
            bend += (flat * counted.reshape(-1, 1)).T @ flat
            bend -= (middle * counts[:, None].astype(np.float32)).T @ middle
        return bend

    begin = np.zeros(lines.columns.shape[2]) if start is None else start
    # With the curvature it takes some ten steps, and ends where no weight can be bettered.
    found = minimize(loss, begin, jac=True, hess=curvature, method="trust-exact", options={"gtol": GRADIENT})
    assert found.success, found.message
    return found.x


class Judged(NamedTuple):
    """What is answered for the lines of a sample, as weights of other companies mix it."""

    sample: Sample
    # What the calibration looks at, and whether the first answer and one of three are right.
    doubts: Any
    first: Any
    third: Any


def judged(sample_: Sample, weights: Any) -> Judged:
    """The answers for the lines of a sample."""
    from ai.categories.mixing import doubts, likelihoods

    shares = likelihoods(sample_.columns @ weights.astype(np.float32))
    order = np.argsort(-shares, axis=1, kind="stable")[:, :3]
    right = sample_.right
    return Judged(
        sample_, doubts(shares, sample_.evidence), order[:, 0] == right, (order == right[:, None]).any(1)
    )


def calibrated(answers: Sequence[Judged], kinds: dict[str, str]) -> Any:
    """The weights of a logistic regression that says how likely the first answer is right."""
    from scipy.optimize import minimize

    from ai.categories.mixing import DOUBTS

    always, is_young, is_new = (DOUBTS.index(name) for name in ("always", "young", "young new"))
    x = np.concatenate([one.doubts for one in answers])
    y = np.concatenate([one.first for one in answers])
    # A large company counts more than a small one, but by far not as much as it has more lines: the
    # accountant of a small one trusts the number as well.
    w = np.concatenate(
        [np.full(len(one.first), one.sample.stands_for**0.5 / len(one.first)) for one in answers]
    )
    w = w / w.mean()

    def loss(beta: Any) -> tuple[float, Any]:
        z = x @ beta
        p = 1 / (1 + np.exp(-z))
        value = float((w * (np.logaddexp(0, z) - y * z)).sum()) + 2 * float(beta @ beta)
        return value, x.T @ (w * (p - y)) + 4 * beta

    found = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    # What is said to be sure must be so for each kind of company at each length of a history, and not only on
    # average: the confidence is lowered until it is, as little as that takes; after few lines apart, because
    # they say little of how a company will go on, and there least of counterparties that it had not yet.
    # Lowered further it says less and is no surer: what is left are companies that suddenly do otherwise.
    cells = _cells(answers, kinds)
    for which, weight, each in (
        ("seen", is_young, YOUNG_AT),
        ("new", is_new, YOUNG_AT),
        ("older", always, 1.0),
    ):
        margin = x @ found
        for shift in np.arange(0, SHIFT_MAX + 0.01, 0.05):
            if _are_right(cells[which], margin - shift / each * x[:, weight] >= SURE, y):
                break
        found[weight] -= shift / each
    return found


def _cells(answers: Sequence[Judged], kinds: dict[str, str]) -> dict[str, list[Any]]:
    """Where the answers of each kind of company at each length of a history are, and how many lines each
    stands for: after YOUNG_LINES lines of counterparties that were seen, of "new" ones, and "older"."""
    from ai.categories.mixing import DOUBTS

    found: dict[tuple[str, float, str], list[Any]] = {}
    start = 0
    for one in answers:
        its = np.arange(start, start + len(one.first))
        start += len(its)
        part, kind = one.sample.part, kinds[one.sample.company]
        if part in (0, 12):
            continue
        each = np.full(len(its), one.sample.stands_for / len(its))
        was_seen = one.doubts[:, DOUBTS.index("name")] > 0
        every = np.ones(len(its), bool)
        for which, chosen in (
            (("seen", was_seen), ("new", ~was_seen)) if part == YOUNG_LINES else (("older", every),)
        ):
            found.setdefault((kind, part, which), []).append(np.stack([its[chosen], each[chosen]]))
    cells: dict[str, list[Any]] = {"seen": [], "new": [], "older": []}
    for (_, _, which), parts in found.items():
        cells[which].append(np.concatenate(parts, axis=1))
    return cells


def _are_right(cells: Sequence[Any], sure: Any, right: Any) -> bool:
    """Whether in each cell enough of the lines are right that are said to be sure."""
    for at, each in cells:
        its = at.astype(int)
        its, each = its[sure[its]], each[sure[its]]
        if len(its) >= CELL_MIN and np.average(right[its], weights=each) < PRECISION:
            return False
    return True

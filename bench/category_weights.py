"""Fit how the layers of category suggestions are mixed, and how sure they are: `python -m
bench.category_weights`.

Over many companies at once, each at several lengths of its history: learn from what came first, and hold the
layers' scores against the next lines. The prior is made without the companies that are looked at (groups of
companies, taken in turn), and so are the weights that the calibration is fitted to. scipy is a tool of
development.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openledger.settings")

GROUPS_FILE = Path(__file__).parent / "category_groups.json"
GROUPS = 5
HISTORIES = (0, 12, 50, 0.15, 0.3, 0.6)
LINES_MAX = 90
# Of merged companies, which alone have long histories, many more: they stand for ledgers of suppliers.
MERGED_LINES_MAX = 1_500
# A confidence of 0.8, as a logit, and how many of such answers must be right at least.
SURE = float(np.log(4))
PRECISION = 0.91
# The confidence is lowered by so much at most (as a logit).
SHIFT_MAX = 0.8
# After so many lines a history is young, and what `mixing` says of how young it is.
YOUNG_LINES, YOUNG_AT = 50, 0.5
# Fewer sure answers of one kind say too little.
CELL_MIN = 100
# A line's right account is told from so many others.
CANDIDATES = 32
SEED = 20_240_101
RIDGE = 4.0
SANDBOX_SEEDS = (11, 12, 13)


class Sample(NamedTuple):
    """Lines of one company after a part of its history."""

    company: str
    group: int
    history: int
    # What of the history was learned from: a part of HISTORIES.
    part: float
    evidence: Any
    right: Any
    # How many of the company's lines it stands for.
    stands_for: int

    @property
    def columns(self) -> Any:
        """One column for each weight."""
        from ai.categories.mixing import expanded

        return expanded(self.evidence).astype(np.float32)


def sandbox_companies() -> list[Any]:
    """Made-up companies of each industry: what their banks say, and what their books say it was."""
    from datetime import date
    from decimal import Decimal

    from accounts.chart_templates import SYSTEM_ACCOUNTS, chart_template
    from accounts.financial_types import is_cash
    from ai.categories.chart import Candidate
    from ai.categories.labelled import Company, Row
    from ai.categories.texts import Line
    from banking.sandbox.categories import category_of
    from banking.sandbox.industries import INDUSTRIES
    from banking.sandbox.story import tell
    from ledger.ids import new_id

    companies = []
    for kind in INDUSTRIES.values():
        charted: list[Any] = [*SYSTEM_ACCOUNTS, *chart_template(kind.template_id).accounts]
        accounts = {
            one.code: Candidate(new_id(), one.name, one.type, one.financial_type, one.code)
            for one in charted
            if one.code is not None
        }
        own = {code for code, one in accounts.items() if is_cash(one.financial_type or "")} | {
            kind.chart.card
        }
        for seed in SANDBOX_SEEDS:
            story = tell(
                industry=kind,
                seed=seed,
                first=date(2023, 1, 1),
                until=date(2024, 12, 31),
                step=Decimal("0.01"),
            )
            rows = []
            for one in story:
                if not one.is_bank or {one.debit, one.credit} <= own or not {one.debit, one.credit} & own:
                    continue
                is_in = one.debit in own
                other = accounts[one.credit if is_in else one.debit]
                # Half of the companies have a bank that says what it thinks.
                said = category_of(other.financial_type or "", is_in=is_in) if seed % 2 else ""
                rows.append(
                    Row(
                        Line(one.description, "", said, -one.amount if is_in else one.amount),
                        one.day,
                        other.id,
                    )
                )
            groups = {one.parent for one in chart_template(kind.template_id).accounts}
            systems = {one.code for one in SYSTEM_ACCOUNTS}
            chart = tuple(one for code, one in accounts.items() if code not in own | groups | systems)
            rows = [row for row in rows if row.account_id in {one.id for one in chart}]
            companies.append(Company(f"{kind.id} {seed}", chart, tuple(rows)))
    return companies


def merged(companies: Sequence[Any], name: str) -> Any:
    """Several companies of one chart as one with a long history, as suppliers' ledgers have. Half of its
    lines have a reference, and say their counterparty."""
    rows = sorted((row for company in companies for row in company.rows), key=lambda row: row.date)
    dice = np.random.default_rng(SEED)
    changed = []
    for row, kind, number in zip(
        rows, dice.random(len(rows)), dice.integers(10_000, 999_999, len(rows)), strict=True
    ):
        line = row.line
        if kind < 0.5:
            line = line._replace(
                description=f"{line.description} {number}/{1 + number % 3}", counterparty=line.description
            )
        changed.append(row._replace(line=line))
    return companies[0]._replace(name=name, rows=tuple(changed))


def groups_of(companies: Sequence[Any], alone: Sequence[str]) -> dict[str, int]:
    """Which group each company is of; one of `alone` has a group of its own."""
    others = [company.name for company in companies if company.name not in alone]
    order = np.random.default_rng(SEED).permutation(len(others))
    groups = {others[at]: number % GROUPS for number, at in enumerate(order)}
    for number, name in enumerate(alone):
        groups[name] = GROUPS + number
    # Made-up companies of one industry are one company in different words.
    for name in groups:
        head, _, seed = name.rpartition(" ")
        if seed.isdigit() and f"{head} {SANDBOX_SEEDS[0]}" in groups:
            groups[name] = groups[f"{head} {SANDBOX_SEEDS[0]}"]
    return groups


def sample(
    company: Any, group: int, part: float, prior: Any, lines_max: int, *, is_shared: bool
) -> Sample | None:
    from ai.categories.chart import Chart
    from ai.categories.learned import learn
    from ai.categories.lookups import Example, InMemory, Known
    from ai.categories.mixing import Evidence, evidence_of

    rows = company.rows
    history = part if isinstance(part, int) else int(part * len(rows))
    if history + 20 > len(rows):
        return None
    used = {row.account_id for row in rows}
    # Half of the companies have a chart of what they use, half one that they share with others.
    accounts = company.accounts if is_shared else [one for one in company.accounts if one.id in used]
    chart = Chart(accounts, prior)
    lookups = InMemory()
    for row in rows[:history]:
        lookups.add(row.line, Known(row.account_id, row.line.amount, row.date, row.line.description))
    model = learn([Example(row.line, row.account_id) for row in rows[:history]], prior) if history else None
    rest = np.arange(history, len(rows))
    chosen = np.sort(np.random.default_rng(history).choice(rest, min(lines_max, len(rest)), replace=False))
    lines = [rows[at].line for at in chosen]
    evidence = evidence_of(lines, lookups.find(lines), chart, model)
    right = np.array([chart.place[rows[at].account_id] for at in chosen])
    evidence = Evidence(evidence.scores.astype(np.float16), evidence.known)
    return Sample(company.name, group, history, part, evidence, right, len(rest))


def narrowed(samples: Sequence[Sample]) -> tuple[Any, Any, Any]:
    """The columns of the right account and of the CANDIDATES that could be taken for it, of every line of all
    samples, the right one first; which of them there are; and the groups of the lines."""
    from ai.categories.mixing import LAYERS

    columns, there, groups = [], [], []
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
        groups.append(np.full(len(at), one.group))
    return np.concatenate(columns), np.concatenate(there), np.concatenate(groups)


def fitted(columns: Any, there: Any, start: Any | None = None) -> Any:
    """The weights that make the right accounts (the first of each line) likeliest."""
    from scipy.optimize import minimize

    def loss(weights: Any) -> tuple[float, Any]:
        total, slope = RIDGE * float(weights @ weights), 2 * RIDGE * weights
        for at in range(0, len(columns), 4096):
            part = columns[at : at + 4096]
            sums = np.where(there[at : at + 4096], part @ weights.astype(np.float32), -1e9)
            shares = np.exp(sums - sums.max(1, keepdims=True))
            shares /= shares.sum(1, keepdims=True)
            total -= float(np.log(shares[:, 0] + 1e-12).sum())
            shares[:, 0] -= 1
            slope = slope + shares.reshape(-1) @ part.reshape(-1, part.shape[2])
        return total, slope

    begin = np.zeros(columns.shape[2]) if start is None else start
    return minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": 60}).x


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

    from ai.categories.mixing import YOUNG

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
    # they say little of how a company will go on. Lowered further it says less and is no surer: what is left
    # are companies that suddenly do otherwise.
    young, older = _cells(answers, kinds)
    for cells, weight, times in ((young, YOUNG, x[:, YOUNG] / YOUNG_AT), (older, 0, x[:, 0])):
        margin = x @ found
        for shift in np.arange(0, SHIFT_MAX + 0.01, 0.05):
            if _are_right(cells, margin - shift * times >= SURE, y):
                break
        found[weight] -= shift / (YOUNG_AT if weight == YOUNG else 1)
    return found


def _cells(answers: Sequence[Judged], kinds: dict[str, str]) -> tuple[list[Any], list[Any]]:
    """Where the answers of each kind of company at each length of a history are, and how many lines each
    stands for: after YOUNG_LINES lines, and later."""
    found: dict[tuple[str, float], list[Any]] = {}
    start = 0
    for one in answers:
        its = np.arange(start, start + len(one.first))
        start += len(its)
        if one.sample.part not in (0, 12):
            each = np.full(len(its), one.sample.stands_for / len(its))
            found.setdefault((kinds[one.sample.company], one.sample.part), []).append(np.stack([its, each]))
    cells = {key: np.concatenate(parts, axis=1) for key, parts in found.items()}
    return (
        [its for (_, part), its in cells.items() if part == YOUNG_LINES],
        [its for (_, part), its in cells.items() if part != YOUNG_LINES],
    )


def _are_right(cells: Sequence[Any], sure: Any, right: Any) -> bool:
    """Whether in each cell enough of the lines are right that are said to be sure."""
    for at, each in cells:
        its = at.astype(int)
        its, each = its[sure[its]], each[sure[its]]
        if len(its) >= CELL_MIN and np.average(right[its], weights=each) < PRECISION:
            return False
    return True


def key_of(name: str) -> str:
    """By which the file of groups knows a company."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]


@lru_cache(maxsize=32)
def _prior_without(names: frozenset[str]) -> Any:
    from ai.categories.prior.make import learned_from
    from ai.categories.prior.words import Prior

    return Prior(*learned_from(_real, without=sorted(names)))


_real: list[Any] = []


@contextmanager
def held_out(name: str, real: Sequence[Any]) -> Iterator[None]:
    """Let the product answer with a prior, a mixture and a calibration that were made without this company
    and the others of its group; of a company that nothing was made of, with what is shipped. The prior is
    made of the others of `real`, so that these should be all that the shipped one was made of."""
    from ai.categories import mixing
    from ai.categories.prior import words

    stored = json.loads(GROUPS_FILE.read_text(encoding="utf-8"))
    group_of = stored["companies"]
    if key_of(name) not in group_of:
        yield
        return
    global _real
    if len(_real) != len(real):
        _real = list(real)
        _prior_without.cache_clear()
    group = group_of[key_of(name)]
    its = stored["groups"][str(group)]
    mixture = mixing.Mixture(np.array(its["weights"], np.float32), np.array(its["calibration"], np.float32))
    prior = _prior_without(
        frozenset(one.name for one in real if group_of.get(key_of(one.name), group) == group)
    )
    before = words.shipped_prior, mixing.shipped_mixture
    changed: Any = (words, mixing)
    changed[0].shipped_prior, changed[1].shipped_mixture = lambda: prior, lambda: mixture
    try:
        yield
    finally:
        changed[0].shipped_prior, changed[1].shipped_mixture = before


def main() -> None:
    import django

    django.setup()
    from ai.categories.labelled import read_file
    from ai.categories.mixing import LAYERS, MIXTURE
    from ai.categories.prior.make import learned_from
    from ai.categories.prior.words import Prior

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true", help=f"write {MIXTURE}")
    options = parser.parse_args()
    started = time.monotonic()
    real: list[Any] = []
    alone = []
    for path in options.files:
        found = read_file(path)
        real += found
        if len(found) == 1:
            alone.append(found[0].name)
    companies = [*real, *sandbox_companies()]
    groups = groups_of(companies, alone)
    kinds = {company.name: _kind(company, real, alone) for company in companies}
    samples: list[Sample] = []
    for group in sorted(set(groups.values())):
        its = [company for company in companies if groups[company.name] == group]
        prior = Prior(*learned_from(real, without=[company.name for company in its]))
        for company in its:
            many = LINES_MAX * 5 if company.name in alone else LINES_MAX
            for part in HISTORIES:
                # Units of one council share a chart; of the others half have only what they use.
                is_shared = kinds[company.name] == "unit" or bool((len(company.rows) + len(samples)) % 2)
                one = sample(company, group, part, prior, many, is_shared=is_shared)
                if one is not None:
                    samples.append(one)
        units = [company for company in its if company in real and company.name not in alone]
        if len(units) > 1:
            whole = merged(units, f"merged {group}")
            for part in (50, 0.15, 0.3, 0.6):
                one = sample(whole, group, part, prior, MERGED_LINES_MAX, is_shared=True)
                if one is not None:
                    samples.append(one)
            kinds[whole.name] = "merged"
        say(f"group {group}: {len(samples)} samples, {time.monotonic() - started:.0f} s")
    columns, there, group_of_line = narrowed(samples)
    say(f"{len(columns)} lines")
    weights = fitted(columns, there)
    by_group = {
        group: fitted(columns[group_of_line != group], there[group_of_line != group], weights)
        for group in sorted(set(groups.values()))
    }
    answers = [judged(one, by_group[one.group]) for one in samples]
    calibration = {
        group: calibrated([one for one in answers if one.sample.group != group], kinds) for group in by_group
    }
    say("history  companies  top-1  top-3  coverage and precision at 0.8, all by weights of other companies")
    for kind in dict.fromkeys(kinds.values()):
        for part in HISTORIES:
            its = [one for one in answers if kinds[one.sample.company] == kind and one.sample.part == part]
            if its:
                say(f"{kind} {part}: {_told(its, calibration)}")
    sureness = calibrated(answers, kinds)
    if options.write:
        stored = {
            "about": "Made by `python -m bench.category_weights --write`.",
            "layers": LAYERS,
            "weights": _rounded(weights),
            "calibration": _rounded(sureness),
        }
        MIXTURE.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
        held = {
            "about": "Made by `python -m bench.category_weights --write`, without each group in turn.",
            "companies": {key_of(company.name): groups[company.name] for company in real},
            "groups": {
                group: {"weights": _rounded(by_group[group]), "calibration": _rounded(calibration[group])}
                for group in by_group
            },
        }
        GROUPS_FILE.write_text(json.dumps(held) + "\n", encoding="utf-8")
    say(f"{time.monotonic() - started:.0f} s")


def _told(answers: Sequence[Judged], calibration: dict[int, Any]) -> str:
    """How many there were, how many right, and what of the sure ones."""
    first, third, sure = (
        np.concatenate(parts)
        for parts in (
            [one.first for one in answers],
            [one.third for one in answers],
            [one.doubts @ calibration[one.sample.group] >= SURE for one in answers],
        )
    )
    return (
        f"{len(answers)} companies {first.mean():.4f} {third.mean():.4f} "
        f"{sure.mean():.3f} {(first & sure).sum() / max(sure.sum(), 1):.3f}"
    )


def _rounded(weights: Any) -> list[float]:
    return [round(float(weight), 5) for weight in weights]


def _kind(company: Any, real: Sequence[Any], alone: Sequence[str]) -> str:
    if company.name in alone:
        return str(company.name)[:12]
    return "unit" if any(company.name == one.name for one in real) else "sandbox"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

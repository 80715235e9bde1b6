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
from typing import Any

import numpy as np

from bench.category_fitting import SURE, Judged, calibrated, fitted, judged, narrowed
from bench.category_samples import (
    HISTORIES,
    Sample,
    groups_of,
    merged_samples,
    samples_of,
    sandbox_companies,
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openledger.settings")

GROUPS_FILE = Path(__file__).parent / "category_groups.json"


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
    from ai.categories.evidence import LAYERS
    from ai.categories.labelled import read_file
    from ai.categories.mixing import DOUBTS, MIXTURE
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
    doubted: list[Sample] = []
    for group in sorted(set(groups.values())):
        its = [company for company in companies if groups[company.name] == group]
        prior = Prior(*learned_from(real, without=[company.name for company in its]))
        for fitting, calibrating in samples_of(its, group, prior, kinds, alone=alone):
            samples.append(fitting)
            doubted.append(calibrating)
        units = [company for company in its if company in real and company.name not in alone]
        if len(units) > 1:
            kinds[f"merged {group}"] = "merged"
            for one, calibrating in merged_samples(units, group, prior):
                samples += [one] if one else []
                doubted.append(calibrating)
        say(f"group {group}: {len(samples)} samples, {time.monotonic() - started:.0f} s")
    lines = narrowed(samples, kinds)
    say(f"{len(lines.columns)} lines, {time.monotonic() - started:.0f} s")
    weights = fitted(lines)
    by_group = {group: fitted(lines.without(group), weights) for group in sorted(set(groups.values()))}
    say(f"fitted, {time.monotonic() - started:.0f} s")
    answers = [judged(one, by_group[one.group]) for one in doubted]
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
            "doubts": DOUBTS,
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

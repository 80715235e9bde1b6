"""Make `learned.tsv` and `amounts.tsv` anew, from files of labelled lines: `python -m
ai.categories.prior.make FILE…`.

What a company calls an account is turned into purposes by the words of its name, as for any company; nothing
else of its chart is kept. A word is kept where two companies use it, or where four different counterparties
of one company have it in their lines, and never more than its few main purposes. Words of people's names
hardly pass that, those of shops and trades do.
"""

import math
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

# Of a word of one company alone, so many different counterparties must have it.
_NAMES_MIN: Final = 4
# A purpose that has less than this part of a word is left out.
_PART_MIN: Final = 0.05
_ROUNDED_TO: Final = 2
# How likely a line is for a purpose that its account does not take, and for one that its words do not name.
_READ_ANYWAY: Final = 0.05
_PUT_ANYWAY: Final = 0.02


class Said(NamedTuple):
    """What labelled lines say of purposes."""

    # The weights of purposes by phrase.
    phrases: dict[str, dict[str, float]]
    # How usual each purpose is.
    shares: dict[str, float]
    # How many lines of each step of the amount (`amounts.STEPS`) each purpose has.
    amounts: dict[str, list[float]]


def learned_from(companies: Iterable[Any], *, without: Sequence[str] = ()) -> Said:
    """What the labelled lines of all companies but those named in `without` say."""
    from ai.categories.amounts import STEPS, amount_steps
    from ai.categories.prior.words import Prior
    from ai.categories.texts import names_in, phrases, plain, words_of

    prior = Prior({}, {})
    parts: dict[str, Any] = defaultdict(lambda: np.zeros(prior.size))
    companies_with: Counter[str] = Counter()
    most_names: Counter[str] = Counter()
    usual = np.zeros(prior.size)
    amounts = np.zeros((prior.size, len(STEPS)))
    for company in companies:
        if company.name in without:
            continue
        names = {account.id: account for account in company.accounts}
        takes = {
            id_: prior.of_account(account.name, account.financial_type) for id_, account in names.items()
        }
        # Some bookkeepers write the account's name into the line: that is theirs, and no word of a shop.
        own = {
            phrase
            for account in company.accounts
            for phrase in phrases(" ".join(names_in(plain(account.name))))
            if " " in phrase
        }
        counted: dict[str, Any] = defaultdict(lambda: np.zeros(prior.size))
        rows_with: Counter[str] = Counter()
        names_with: dict[str, set[int]] = defaultdict(set)
        for row in company.rows:
            words = words_of(row.line)
            usual += takes[row.account_id] / math.sqrt(len(company.rows))
            for phrase in set(phrases(words.prior)) - own:
                counted[phrase] += takes[row.account_id]
                rows_with[phrase] += 1
                names_with[phrase].add(words.keys.name)
        lines = [row.line for row in company.rows]
        # An account takes several purposes: which of them a line was for, its words say as well.
        read = np.array([prior.read(words_of(line).prior).likely for line in lines])
        put = np.array([takes[row.account_id] for row in company.rows])
        meant = (put + _READ_ANYWAY * read) * (read + _PUT_ANYWAY)
        by_step = (meant / meant.sum(1, keepdims=True)).T @ amount_steps(lines)
        times = by_step.sum(1, keepdims=True)
        amounts += by_step / np.maximum(times, 1e-9) * np.log1p(times)
        for phrase, count in counted.items():
            # So many lines of one company don't outweigh other companies.
            parts[phrase] += count / rows_with[phrase] * math.log1p(rows_with[phrase])
            companies_with[phrase] += 1
            most_names[phrase] = max(most_names[phrase], len(names_with[phrase]))
    kept = {
        phrase: _main(part, prior.purposes)
        for phrase, part in sorted(parts.items())
        if companies_with[phrase] >= 2 or most_names[phrase] >= _NAMES_MIN
    }
    return Said(
        {phrase: main for phrase, main in kept.items() if main},
        _main(usual, prior.purposes, all_=True),
        {
            purpose: [round(float(part), _ROUNDED_TO) for part in parts]
            for purpose, parts in zip(prior.purposes, amounts, strict=True)
        },
    )


def _main(part: Any, purposes: Sequence[str], *, all_: bool = False) -> dict[str, float]:
    """The purposes that have a real part, with their weights."""
    least = 0.005 if all_ else _PART_MIN * part.sum()
    return {
        purpose: round(float(weight), _ROUNDED_TO)
        for purpose, weight in zip(purposes, part, strict=True)
        if weight > max(least, 0.005)
    }


def as_text(said: Said) -> str:
    """The text of `learned.tsv`: a line for each phrase."""
    lines = [
        "# Made by `python -m ai.categories.prior.make`. Phrase, tab, and how much it says for each purpose.",
        *(
            f"{phrase}\t" + " ".join(f"{purpose}={weight:g}" for purpose, weight in known.items())
            for phrase, known in [("", said.shares), *said.phrases.items()]
        ),
    ]
    return "\n".join(lines) + "\n"


def amounts_as_text(said: Said) -> str:
    """The text of `amounts.tsv`: a line for each purpose."""
    lines = [
        "# Made by `python -m ai.categories.prior.make`. Purpose, tab, and its lines by step of the amount.",
        *(
            f"{purpose}\t" + " ".join(f"{part:g}" for part in parts)
            for purpose, parts in said.amounts.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> None:
    """Write the files that are shipped."""
    import django

    django.setup()
    from ai.categories.labelled import read_file
    from ai.categories.prior.words import AMOUNTS, LEARNED

    companies = [company for argument in arguments for company in read_file(Path(argument))]
    said = learned_from(companies)
    LEARNED.write_text(as_text(said), encoding="utf-8")
    AMOUNTS.write_text(amounts_as_text(said), encoding="utf-8")
    sys.stdout.write(f"{len(said.phrases)} phrases from {len(companies)} companies in {LEARNED}\n")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openledger.settings")
    main(sys.argv[1:])

"""Make `learned.tsv` anew: `python -m ai.categories.prior.make FILE…`, from files of labelled lines.

What a company calls an account is turned into purposes by the words of its name, as for any company; nothing
else of its chart is kept. A word is kept where two companies use it, or where four different counterparties
of one company have it in their lines, and never more than its few main purposes. Words of people's names
hardly pass that, those of shops and trades do.
"""

import math
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

# Of a word of one company alone, so many different counterparties must have it.
_NAMES_MIN: Final = 4
# A purpose that has less than this part of a word is left out.
_PART_MIN: Final = 0.05
_ROUNDED_TO: Final = 2


def learned_from(
    companies: Iterable[Any], *, without: Sequence[str] = ()
) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """The weights of purposes by phrase, and how usual each purpose is, from all companies but those named
    in `without`."""
    from ai.categories.prior.words import Prior
    from ai.categories.texts import phrases, plain, words_of

    prior = Prior({}, {})
    parts: dict[str, Any] = defaultdict(lambda: np.zeros(prior.size))
    companies_with: Counter[str] = Counter()
    most_names: Counter[str] = Counter()
    usual = np.zeros(prior.size)
    for company in companies:
        if company.name in without:
            continue
        names = {account.id: account for account in company.accounts}
        takes = {
            id_: prior.of_account(account.name, account.financial_type) for id_, account in names.items()
        }
        # Some bookkeepers write the account's name into the line: that is theirs, and no word of a shop.
        own = {
            phrase for account in company.accounts for phrase in phrases(plain(account.name)) if " " in phrase
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
    return {phrase: main for phrase, main in kept.items() if main}, _main(usual, prior.purposes, all_=True)


def _main(part: Any, purposes: Sequence[str], *, all_: bool = False) -> dict[str, float]:
    """The purposes that have a real part, with their weights."""
    least = 0.005 if all_ else _PART_MIN * part.sum()
    return {
        purpose: round(float(weight), _ROUNDED_TO)
        for purpose, weight in zip(purposes, part, strict=True)
        if weight > max(least, 0.005)
    }


def as_text(learned: Mapping[str, Mapping[str, float]], usual: Mapping[str, float]) -> str:
    """The file's text: a line for each phrase."""
    lines = [
        "# Made by `python -m ai.categories.prior.make`. Phrase, tab, and how much it says for each purpose.",
        *(
            f"{phrase}\t" + " ".join(f"{purpose}={weight:g}" for purpose, weight in known.items())
            for phrase, known in [("", usual), *learned.items()]
        ),
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> None:
    """Write the file that is shipped."""
    import django

    django.setup()
    from ai.categories.labelled import read_file
    from ai.categories.prior.words import LEARNED

    companies = [company for argument in arguments for company in read_file(Path(argument))]
    learned, usual = learned_from(companies)
    LEARNED.write_text(as_text(learned, usual), encoding="utf-8")
    sys.stdout.write(f"{len(learned)} phrases from {len(companies)} companies in {LEARNED}\n")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openledger.settings")
    main(sys.argv[1:])

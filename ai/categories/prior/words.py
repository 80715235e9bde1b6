"""The prior: what money is commonly spent on, by the words of lines and by the words of account names.

It knows neither companies nor their charts. It speaks of purposes ("fuel", "postage"), each of which belongs
to standard financial types; an account takes a purpose as far as its name and its financial type say so. The
lexicon is written by hand (`lexicon.toml`). What many companies' labelled lines add to it is in
`learned.tsv`, and how large the amounts of each purpose are in `amounts.tsv`, which
`python -m ai.categories.prior.make` makes; words that fewer than two companies use are not in it, unless
several different lines of one have them.
"""

import math
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from accounts.choices import AccountType
from accounts.financial_types import default_financial_type
from ai.categories.amounts import STEPS
from ai.categories.texts import BANK_MARK, names_in, phrases, plain, singular

Floats = np.ndarray[Any, np.dtype[np.float32]]

HERE: Final = Path(__file__).parent
LEARNED: Final = HERE / "learned.tsv"
AMOUNTS: Final = HERE / "amounts.tsv"

# How much a word of the lexicon weighs against the (logarithm of the) lines in which companies used it.
_LEXICON_WEIGHT: Final = 3.0
# And a name of it so many times as much as what companies did with that name.
_WRITTEN_SHARE: Final = 1.5
# So many lines' worth of doubt are added to what is known of a word.
_DOUBT: Final = 1.5
# And so many to what is known of a purpose's amounts.
_AMOUNT_DOUBT: Final = 5.0
# A word that tells purposes apart by less (in nats) is left out.
_TELLING_MIN: Final = 0.3
_CACHED: Final = 4096

# What accountants cut short in account names.
_SHORT: Final[Mapping[str, str]] = {
    "acctg": "accounting",
    "admin": "administrative",
    "advert": "advertising",
    "bldg": "building",
    "chg": "charge",
    "chgs": "charges",
    "comp": "computer",
    "conf": "conference",
    "depn": "depreciation",
    "emp": "employee",
    "equip": "equipment",
    "exp": "expenses",
    "ext": "external",
    "govt": "government",
    "hort": "horticultural",
    "ins": "insurance",
    "int": "interest",
    "lics": "licences",
    "maint": "maintenance",
    "matl": "materials",
    "mgmt": "management",
    "misc": "miscellaneous",
    "mtce": "maintenance",
    "oth": "other",
    "phon": "telephone",
    "prof": "professional",
    "purch": "purchases",
    "recruit": "recruitment",
    "rm": "repairs maintenance",
    "stat": "stationery",
    "subs": "subscriptions",
    "supp": "supplies",
    "svc": "service",
    "svce": "service",
    "tel": "telephone",
    "util": "utilities",
    "utils": "utilities",
    "veh": "vehicle",
}
# Words of account names that say little of what is bought.
VAGUE: Final = frozenset(
    [
        "other",
        "miscellaneous",
        "general",
        "expense",
        "cost",
        "fee",
        "service",
        "charge",
        "non",
        "to",
        "payment",
        "purchase",
        "income",
        "account",
        "direct",
    ]
)
# What an account has where nobody said more: nothing is read from it.
_SAYS_NOTHING: Final = frozenset(
    {
        *(default_financial_type(type_).code for type_ in AccountType),
        "UNCATEGORIZED_EXPENSE",
        "UNCATEGORIZED_INCOME",
    }
)
_JOINING: Final = frozenset(("and", "the", "of", "or", "for"))


def name_words(name: str) -> tuple[str, ...]:
    """The words of an account's name, singular and in full, without what stands in brackets."""
    return _name_words(name)


@lru_cache(maxsize=_CACHED)
def _name_words(name: str) -> tuple[str, ...]:
    outside, depth = [], 0
    for char, following in zip(name, f"{name[1:]} ", strict=False):
        depth += (char == "(") - (char == ")")
        if depth <= 0 and char != ")":
            outside.append(" and " if char == "&" else char)
            if char.islower() and following.isupper():
                outside.append(" ")
    words = []
    for word in plain("".join(outside) or name).split():
        for full in _SHORT.get(word, word).split():
            if full not in _JOINING and not full.isdigit():
                words.append(singular(full))
    return tuple(words)


def likeness(one: str, other: str) -> float:
    """How far two words of names are the same: cut short, or of one stem."""
    if one == other:
        return 1.0
    shorter = min(len(one), len(other))
    if shorter >= 4 and one[:shorter] == other[:shorter]:
        return 0.8
    if shorter >= 6 and one[:5] == other[:5]:
        return 0.6
    return 0.0


class _Purpose(NamedTuple):
    types: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]


class Reading(NamedTuple):
    """What the prior makes of a text: how likely each purpose is, and how much the text said."""

    likely: Floats
    telling: float


class Prior:
    """The lexicon, and what was learned of words."""

    def __init__(
        self,
        learned: Mapping[str, Mapping[str, float]],
        shares: Mapping[str, float],
        amounts: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        lexicon = _lexicon()
        self.purposes: tuple[str, ...] = tuple(lexicon)
        self.types = {name: tuple(entry["types"]) for name, entry in lexicon.items()}
        self._index = {name: number for number, name in enumerate(self.purposes)}
        self._learn_names(lexicon)
        self._learn_lines(lexicon, learned, shares)
        self._learn_amounts(amounts or {})

    @property
    def size(self) -> int:
        return len(self.purposes)

    # --- lines -----------------------------------------------------------------------------------

    def _learn_lines(
        self,
        lexicon: Mapping[str, Any],
        learned: Mapping[str, Mapping[str, float]],
        shares: Mapping[str, float],
    ) -> None:
        usual = np.array([1 + shares.get(name, 0.0) for name in self.purposes])
        self.usual: Floats = (usual / usual.sum()).astype(np.float32)
        counts: dict[str, np.ndarray[Any, np.dtype[np.float64]]] = defaultdict(lambda: np.zeros(self.size))
        self._written: dict[str, Floats] = {}
        self._merchants: set[str] = set()
        for name, entry in lexicon.items():
            number = self._index[name]
            for phrase in _listed(entry["lines"]):
                self._merchants.add(phrase)
                counts[phrase][number] += _LEXICON_WEIGHT
            for phrase in _listed(entry["names"]):
                counts[phrase][number] += _LEXICON_WEIGHT / 2
            for category in entry.get("bank", "").split(", "):
                counts[BANK_MARK + category.casefold()][number] += _LEXICON_WEIGHT
        for phrase, count in counts.items():
            self._written[phrase] = (count / count.sum()).astype(np.float32)
        for phrase, known in learned.items():
            written = self._written.get(phrase)
            if written is not None:
                # What is known of a name is worth more than all that some companies did with it.
                counts[phrase] *= max(1.0, _WRITTEN_SHARE * sum(known.values()) / counts[phrase].sum())
            for name, weight in known.items():
                counts[phrase][self._index[name]] += weight
        phrases_, rows, telling = [], [], []
        for phrase, count in counts.items():
            likely = (count + _DOUBT * self.usual) / (count.sum() + _DOUBT)
            odds = np.log(likely / self.usual)
            says = float((likely * odds).sum())
            if says > _TELLING_MIN:
                phrases_.append(phrase)
                rows.append(odds.astype(np.float16))
                telling.append(says)
        self._row = {phrase: number for number, phrase in enumerate(phrases_)}
        self._odds = np.array(rows)
        self._telling = np.array(telling, np.float32)

    @lru_cache(maxsize=_CACHED)  # noqa: B019  # there is one prior in a process
    def read(self, text: str) -> Reading:
        """How likely each purpose is for a line with the words of `text` (`Words.prior`)."""
        known = dict.fromkeys(phrase for phrase in phrases(text) if phrase in self._row)
        # "Premier Inn" is no inn, wherever it stands: of a name that was written down neither its single
        # words count nor what some companies did with the one in their town.
        for phrase in [phrase for phrase in known if " " in phrase and phrase in self._merchants]:
            for part in phrases(phrase):
                if part != phrase and self._speaks_otherwise(part, phrase):
                    known.pop(part, None)
            for longer in [one for one in known if f" {phrase} " in f" {one} " and one not in self._written]:
                known.pop(longer)
        found = [self._row[phrase] for phrase in known]
        if not found:
            return Reading(self.usual, 0.0)
        lengths = np.array([phrase.count(" ") for phrase in known])
        weights = self._telling[found] * (1 + 0.7 * lengths)
        weights = weights / weights.sum() * min(2.0, 1 + 0.25 * (len(found) - 1))
        odds = weights @ self._odds[found].astype(np.float32) + np.log(self.usual)
        likely = np.exp(odds - odds.max())
        return Reading((likely / likely.sum()).astype(np.float32), float(self._telling[found].max()))

    def _speaks_otherwise(self, part: str, phrase: str) -> bool:
        """Whether a part of a merchant's name was written down for something else, or for nothing."""
        written = self._written.get(part)
        return written is None or float(written @ self._written[phrase]) < 0.5

    def _learn_amounts(self, amounts: Mapping[str, Sequence[float]]) -> None:
        counts = np.array([amounts.get(name, np.zeros(len(STEPS))) for name in self.purposes])
        every = counts.sum(0) + 1e-3
        self.usual_amounts: Floats = (every / every.sum()).astype(np.float32)
        likely = counts + _AMOUNT_DOUBT * self.usual_amounts
        # How likely each step of the amount is for a line of each purpose.
        self.amounts: Floats = (likely / likely.sum(1, keepdims=True)).astype(np.float32)

    # --- names -----------------------------------------------------------------------------------

    def _learn_names(self, lexicon: Mapping[str, Any]) -> None:
        self._terms: list[tuple[int, tuple[str, ...]]] = []
        used: Counter[str] = Counter()
        for name, entry in lexicon.items():
            terms = [name_words(term) for term in entry["names"].split(",")]
            used.update({word for term in terms for word in term})
            self._terms += [(self._index[name], term) for term in terms if term]
        self._used = used
        self._with_word: dict[str, list[int]] = defaultdict(list)
        for number, (_, term) in enumerate(self._terms):
            for word in set(term):
                self._with_word[word].append(number)
        self._term_weight = [sum(self._rare(word) for word in term) for _, term in self._terms]

    def _rare(self, word: str) -> float:
        weight = math.log((self.size + 1) / (self._used.get(word, 0.5) + 0.5))
        return weight * 0.35 if word in VAGUE else weight

    @lru_cache(maxsize=_CACHED)  # noqa: B019
    def _alike(self, word: str) -> tuple[tuple[str, float], ...]:
        return tuple((known, like) for known in self._used if (like := likeness(word, known)) > 0)

    @lru_cache(maxsize=_CACHED)  # noqa: B019
    def of_account(self, name: str, financial_type: str | None) -> Floats:
        """How far an account of that name and financial type takes each purpose: at most 1 in all, and less
        the less it says."""
        score = np.zeros(self.size)
        words = name_words(name)
        weight = sum(map(self._rare, words))
        matched: dict[int, float] = defaultdict(float)
        for word in words:
            best: dict[int, float] = {}
            for known, like in self._alike(word):
                for term in self._with_word[known]:
                    best[term] = max(best.get(term, 0.0), like)
            for term, like in best.items():
                matched[term] += like * self._rare(word)
        for term, common in matched.items():
            purpose = self._terms[term][0]
            fit = common / math.sqrt(max(weight, 0.1) * max(self._term_weight[term], 0.1))
            score[purpose] = max(score[purpose], min(fit, 1.2))
        for phrase in phrases(" ".join(names_in(plain(name)))):
            if phrase in self._written:
                score += 0.25 * self._written[phrase]
        if financial_type and financial_type not in _SAYS_NOTHING:
            for number, purpose_name in enumerate(self.purposes):
                types = self.types[purpose_name]
                if financial_type in types:
                    score[number] += 0.35 / (1 + types.index(financial_type))
                else:
                    score[number] *= 0.7
        strong = np.where(score**2 > 0.02, score**2, 0.0)
        if not strong.any():
            return strong.astype(np.float32)
        takes: Floats = (strong / strong.sum() * min(1.0, float(score.max()))).astype(np.float32)
        return takes


def _listed(text: str) -> set[str]:
    """The phrases of a list. One with a number is none: lines are read without theirs, and "office 365" would
    be any office."""
    listed = {plain(one) for one in text.split(",")}
    return {" ".join(words) for one in listed if one and len(words := names_in(one)) == len(one.split())}


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, Any]:
    with (HERE / "lexicon.toml").open("rb") as file:
        return tomllib.load(file)


@lru_cache(maxsize=1)
def shipped_prior() -> Prior:
    """The prior that comes with the project; read once in a process."""
    learned: dict[str, dict[str, float]] = {}
    shares: dict[str, float] = {}
    for phrase, known in _rows(LEARNED.read_text(encoding="utf-8").splitlines()):
        if phrase:
            learned[phrase] = known
        else:
            shares = known
    return Prior(learned, shares, amounts_in(AMOUNTS.read_text(encoding="utf-8")))


def amounts_in(text: str) -> dict[str, list[float]]:
    """The lines of each purpose by step of the amount, as `amounts.tsv` has them."""
    rows = (line.partition("\t") for line in text.splitlines() if not line.startswith("#"))
    return {purpose: [float(part) for part in parts.split()] for purpose, _, parts in rows}


def _rows(lines: Iterable[str]) -> Iterable[tuple[str, dict[str, float]]]:
    """Each line of `learned.tsv`: a phrase, and after a tab each purpose with its weight. The one without a
    phrase says how usual each purpose is."""
    for line in lines:
        if line.startswith("#"):
            continue
        phrase, _, known = line.partition("\t")
        pairs = (one.rpartition("=") for one in known.split())
        yield phrase, {purpose: float(weight) for purpose, _, weight in pairs}

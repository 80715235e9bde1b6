"""Names of the company's own accounts and counterparties, as people shorten them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from accounts.choices import AccountType
from ai.chat.parsing.lexicon import GROUPS, PHRASE_WORDS_MAX, SYNONYMS
from ai.chat.parsing.plain_words import EMPTY, listed
from ai.chat.parsing.prompt import Prompt, words_of
from transactions.category_side import PROFIT_AND_LOSS
from transactions.selections import AccountOfChart

_JOINTS: Final = frozenset({"and", "of", "the", "in", "for", "to", "a", "an", "by", "with"})
_PARTNERS: Final = frozenset({"to", "from", "at", "with", "by", "via"})
_WINDOW_MAX: Final = 8
# What may follow a name without being part of it: "legal and accounting fees".
_KINDS: Final = listed("fee fees account accounts category categories bill bills payment payments")
_INSIDE_LENGTH_MIN: Final = 4
_LETTERS_MIN: Final = 3


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A word without its plural."""
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


def _content(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(stem(word) for word in words if word not in _JOINTS)


def _parts(name: str) -> tuple[tuple[str, ...], frozenset[str]]:
    words = words_of(name)
    return _content(words), frozenset(words) & _JOINTS


class _Account(NamedTuple):
    account: AccountOfChart
    words: tuple[str, ...]
    joints: frozenset[str]


class _Counterparty(NamedTuple):
    name: str
    words: tuple[str, ...]
    joints: frozenset[str]


@dataclass(frozen=True, slots=True)
class Found:
    """Whom and what a prompt names."""

    account_ids: tuple[UUID, ...] = ()
    counterparties: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.account_ids or self.counterparties)

    def joined(self, other: "Found") -> "Found":
        """Both together, in their order."""
        return Found(
            tuple(dict.fromkeys((*self.account_ids, *other.account_ids))),
            tuple(dict.fromkeys((*self.counterparties, *other.counterparties))),
        )


@dataclass
class Names:
    """The names of a company."""

    chart: Sequence[AccountOfChart]
    counterparties: Sequence[str]
    _accounts: list[_Account] = field(init=False)
    _partners: list[_Counterparty] = field(init=False)

    def __post_init__(self) -> None:
        self._accounts = [_Account(one, *_parts(one.name)) for one in self.chart]
        self._partners = [_Counterparty(name, *_parts(name)) for name in self.counterparties]

    @cached_property
    def _stems(self) -> frozenset[str]:
        of_all = [one.words for one in self._accounts] + [one.words for one in self._partners]
        return frozenset(word for words in of_all for word in words)

    @cached_property
    def _whole_names(self) -> frozenset[tuple[str, ...]]:
        return frozenset(one.words for one in self._accounts)

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of letters in the names, to tell misspellings by."""
        names = (*(one.name for one in self.chart), *self.counterparties)
        words = {word for name in names for word in words_of(name) if word.isalpha() and len(word) > 2}
        return frozenset(words | {stem(word) for word in words})

    def read_phrases(self, prompt: Prompt, wanted: AccountType | None = None) -> Found:
        """Take names of two words and more out of a prompt, the longest first."""
        found = Found()
        for size in range(min(_WINDOW_MAX, len(prompt.words)), 1, -1):
            for first in range(len(prompt.words) - size + 1):
                window = prompt.words[first : first + size]
                if any(word.is_taken for word in window) or {window[0].text, window[-1].text} & _JOINTS:
                    continue
                phrase = _content(word.text for word in window)
                if len(phrase) < 2 or not self._stems.issuperset(phrase):
                    continue
                joints = frozenset(word.text for word in window) & _JOINTS
                is_partner = _is_behind_partner(prompt, first)
                one = self._of_phrase(phrase, joints, wanted, is_partner=is_partner)
                if one:
                    tail = prompt.words[first + size : first + size + 1]
                    is_kind = bool(tail) and tail[0].text in _KINDS
                    prompt.take_words(first, size + is_kind)
                    found = found.joined(one)
        return found

    def read_words(self, prompt: Prompt, wanted: AccountType | None, *, accounts_only: bool = False) -> Found:
        """Take what is left of names out of a prompt: single words of them, and what people call accounts."""
        found = Found()
        for size in range(PHRASE_WORDS_MAX, 0, -1):
            for first in range(len(prompt.words) - size + 1):
                window = prompt.words[first : first + size]
                if any(word.is_taken for word in window):
                    continue
                if size > 1:
                    one = self._of_types(" ".join(word.text for word in window), SYNONYMS, wanted)
                elif window[0].text in EMPTY and not self._is_whole_name(window[0].text):
                    continue
                else:
                    is_partner = _is_behind_partner(prompt, first) and not accounts_only
                    one = self._of_word(
                        window[0].text, wanted, is_partner=is_partner, accounts_only=accounts_only
                    )
                if one:
                    prompt.take_words(first, size)
                    found = found.joined(one)
        return found

    def of_financial_types(self, types: Iterable[str]) -> tuple[UUID, ...]:
        """The accounts of these financial types."""
        wanted = frozenset(types)
        return tuple(one.id for one in self.chart if one.financial_type in wanted)

    def _is_whole_name(self, word: str) -> bool:
        return (stem(word),) in self._whole_names and word not in _JOINTS

    def _of_phrase(
        self,
        phrase: tuple[str, ...],
        joints: frozenset[str],
        wanted: AccountType | None,
        *,
        is_partner: bool,
    ) -> Found:
        """`joints` may be left out ("sales marketing"), but none said that a name has not: "pay in payroll"
        is no "Gross pay, payroll of"."""
        accounts = [
            one for one in self._accounts if _place(one.words, phrase) is not None and joints <= one.joints
        ]
        partners = [
            one for one in self._partners if _place(one.words, phrase) is not None and joints <= one.joints
        ]
        whole = [one for one in accounts if one.words == phrase]
        if whole:
            return _of_accounts(_of_type(whole, wanted))
        if any(one.words == phrase for one in partners):
            return _of_partners(partners, phrase)
        if partners and (is_partner or not accounts):
            return _of_partners(partners, phrase)
        return _of_accounts(_best(_of_type(accounts, wanted), phrase))

    def _of_word(
        self, word: str, wanted: AccountType | None, *, is_partner: bool, accounts_only: bool
    ) -> Found:
        if len(word) < _LETTERS_MIN and not self._is_whole_name(word):
            return self._of_initials(word)
        phrase = (stem(word),)
        known_partners = [] if accounts_only else self._partners
        partners = [one for one in known_partners if _place(one.words, phrase) == 0]
        if is_partner and partners:
            return _of_partners(partners, phrase)
        whole = [one for one in self._accounts if one.words == phrase]
        if whole:
            return _of_accounts(_of_type(whole, wanted))
        group = self._of_types(word, GROUPS, wanted)
        if group:
            return group
        accounts = _of_type([one for one in self._accounts if _place(one.words, phrase) is not None], wanted)
        beginning = [one for one in accounts if one.words[0] == phrase[0]]
        if not beginning and wanted is not None:
            # "Software expenses" are an account's, whoever's name begins so.
            beginning = [one for one in accounts if one.account.type == wanted]
        if beginning:
            return _of_accounts(_best(beginning, phrase))
        if partners:
            return _of_partners(partners, phrase)
        if accounts and len(word) >= _INSIDE_LENGTH_MIN:
            return _of_accounts(_best(accounts, phrase))
        known = self._of_types(word, SYNONYMS, wanted)
        if known:
            return known
        inside = [one for one in known_partners if _place(one.words, phrase) is not None]
        if inside and len(word) >= _INSIDE_LENGTH_MIN:
            return _of_partners(inside, phrase)
        begun = [one for one in known_partners if one.words and one.words[0].startswith(word)]
        if begun and len(word) >= _INSIDE_LENGTH_MIN:
            return Found((), tuple(one.name for one in begun))
        return self._of_initials(word)

    def _of_initials(self, word: str) -> Found:
        """AWS is Amazon Web Services."""
        if len(word) < _LETTERS_MIN or not word.isalpha():
            return Found()
        named = [
            one.name for one in self._partners if "".join(part[0] for part in one.words[: len(word)]) == word
        ]
        return Found((), tuple(named))

    def _of_types(self, words: str, lexicon: dict[str, frozenset[str]], wanted: AccountType | None) -> Found:
        types = lexicon.get(words)
        if types is None:
            return Found()
        accounts = [one for one in self._accounts if one.account.financial_type in types]
        # With an account all below it is meant; one that has others below it stands for more than these uses.
        mixed = {one.parent_id for one in self.chart if one.financial_type not in types}
        return _of_accounts(_of_type([one for one in accounts if one.account.id not in mixed], wanted))


def _is_behind_partner(prompt: Prompt, place: int) -> bool:
    """Whether a name stands where somebody is named who was dealt with: "paid to", "bought at"."""
    before = [
        word.text for word in prompt.words[max(0, place - 2) : place] if word.text not in ("the", "our")
    ]
    return bool(before) and before[-1] in _PARTNERS


def _place(words: tuple[str, ...], phrase: tuple[str, ...]) -> int | None:
    """Where a phrase stands in the words of a name."""
    for place in range(len(words) - len(phrase) + 1):
        if words[place : place + len(phrase)] == phrase:
            return place
    return None


def _of_type(accounts: Sequence[_Account], wanted: AccountType | None) -> list[_Account]:
    """Those of the type that was said, else those of revenue and expenses, else all."""
    for types in (frozenset({wanted}) if wanted else PROFIT_AND_LOSS, PROFIT_AND_LOSS):
        chosen = [one for one in accounts if one.account.type in types]
        if chosen:
            return chosen
    return list(accounts)


def _best(accounts: Sequence[_Account], phrase: tuple[str, ...]) -> list[_Account]:
    """Those that the phrase begins, and of these those that it says most of."""
    beginning = [one for one in accounts if _place(one.words, phrase) == 0] or list(accounts)
    shortest = min((len(one.words) for one in beginning), default=0)
    return [one for one in beginning if len(one.words) == shortest]


def _of_accounts(accounts: Sequence[_Account]) -> Found:
    return Found(tuple(one.account.id for one in accounts))


def _of_partners(partners: Sequence[_Counterparty], phrase: tuple[str, ...]) -> Found:
    """Everybody whose name begins so: banks write one name in several ways. Otherwise whose has it inside."""
    beginning = [one for one in partners if _place(one.words, phrase) == 0] or list(partners)
    return Found((), tuple(one.name for one in beginning))

"""The words of a prompt, and which of them were understood."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

# A word that was taken: nothing matches across it.
TAKEN: Final = "\x01"
_TOKEN: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?!\d)|\d{1,2}/\d{1,2}/\d{4}(?!\d)"
    r"|(?:[$€£]\s?)?\d+(?:,\d{3})*(?:\.\d+)?(?:k|m|st|nd|rd|th)?(?![^\W_])|[<>]=?|[^\W_]+"
)
_QUOTED: Final = re.compile(r"[\"“”«»]([^\"“”«»]{1,100})[\"“”«»]")
_NUMBERS: Final = {
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
    "eleven": "11",
    "twelve": "12",
    "dozen": "12",
    "fifteen": "15",
    "twenty": "20",
    "thirty": "30",
    "fifty": "50",
    "hundred": "100",
}


def plain(text: str) -> str:
    """Text in lower case without accents, with & as a word."""
    decomposed = unicodedata.normalize("NFKD", text.replace("&", " and "))
    return "".join(one for one in decomposed if not unicodedata.combining(one)).casefold()


def words_of(text: str) -> list[str]:
    """The words of a name, as a prompt's are made."""
    return [match.group() for match in _TOKEN.finditer(_joined(plain(text)))]


def _joined(text: str) -> str:
    # Possessives and contractions: "March's", "what's"; "don't" keeps its "not".
    text = re.sub(r"n['\u2019]t\b", " not", text)
    return re.sub(r"['\u2019](s|re|ve|ll|d|m)\b", "", text)


@dataclass
class Word:
    """A word as it was written, and as it is read."""

    written: str
    text: str
    is_taken: bool = False


@dataclass
class Prompt:
    """A prompt while it is read."""

    words: list[Word]
    quoted: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> "Prompt":
        """The words of `text`; what stands in quotation marks apart."""
        quoted = [found.strip() for found in _QUOTED.findall(text)]
        rest = _joined(plain(_QUOTED.sub(" ", text)))
        return cls(
            [
                Word(match.group(), _NUMBERS.get(match.group(), match.group()))
                for match in _TOKEN.finditer(rest)
            ],
            [one for one in quoted if one],
        )

    @property
    def text(self) -> str:
        """What is not taken yet, in which one blank parts the words."""
        return " ".join(TAKEN if word.is_taken else word.text for word in self.words)

    @property
    def left(self) -> list[str]:
        """The words that nobody took, as they were written."""
        return [word.written for word in self.words if not word.is_taken]

    def take(self, pattern: "re.Pattern[str]") -> "re.Match[str] | None":
        """Find a pattern in what is left, and take its words; None where there is none."""
        match = pattern.search(self.text)
        if match is not None:
            self.take_span(match.start(), match.end())
        return match

    def take_all(self, pattern: "re.Pattern[str]") -> "list[re.Match[str]]":
        """Take every place of a pattern."""
        found = []
        while (match := self.take(pattern)) is not None and match.group():
            found.append(match)
        return found

    def take_span(self, start: int, end: int) -> None:
        """Take the words that stand, even partly, between two places of `text`."""
        for place, word in list(self._places()):
            if place < end and place + len(TAKEN if word.is_taken else word.text) > start:
                word.is_taken = True

    def take_words(self, first: int, count: int) -> None:
        """Take `count` words from the word of that number on."""
        for word in self.words[first : first + count]:
            word.is_taken = True

    def drop(self, is_dropped: Callable[[str], bool]) -> None:
        """Take the words that say nothing."""
        for word in self.words:
            if not word.is_taken and is_dropped(word.text):
                word.is_taken = True

    def _places(self) -> Iterator[tuple[int, Word]]:
        place = 0
        for word in self.words:
            yield place, word
            place += len(TAKEN if word.is_taken else word.text) + 1


def whole(pattern: str) -> "re.Pattern[str]":
    """A pattern of whole words."""
    return re.compile(rf"(?<![^ ])(?:{pattern})(?![^ ])")

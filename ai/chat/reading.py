"""From a prompt and what was asked before it to a typed query, with the company's own names and calendar."""

from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from accounts.querysets import default_ledger
from ai.chat.parsing.calendar import Calendar
from ai.chat.parsing.names import Names, stem
from ai.chat.parsing.parser import Reading, parse
from ai.chat.query import ChatQuery
from ledger.clock import utc_now
from ledger.models import Entity
from ledger.times import day_of
from transactions.counterparties import counterparty_names
from transactions.selections import Selection, chart_of, totals

COUNTERPARTIES_MAX: Final = 10_000
PROMPTS_BEFORE_MAX: Final = 5
PROMPT_LENGTH_MAX: Final = 1_000
_TEXT_WORDS_MAX: Final = 4
_ASKED_BY: Final = frozenset({"user", "human", "customer", "question"})
_KEYS: Final = ("content", "prompt", "question", "text", "message", "user")


@dataclass(frozen=True)
class Question:
    """A prompt, read. `not_understood` are its words that nothing is known of."""

    query: ChatQuery | None
    not_understood: tuple[str, ...]
    names: Names
    calendar: Calendar


def read_question(entity: Entity, prompt: str, *, history: str = "") -> Question:
    """Read a prompt. Two queries for the names, and some more for words that may stand in descriptions: at
    most two for each prompt before it and ten for its own."""
    ledger = default_ledger(entity)
    chart = chart_of(entity, ledger.id)
    names = Names(chart, counterparty_names(entity, limit=COUNTERPARTIES_MAX))
    calendar = Calendar(day_of(utc_now(), entity.zone), entity.fiscal_year_start)
    texts = _Texts(entity, Selection(ledger.id), names)
    before: ChatQuery | None = None
    for asked in prompts_before(history):
        reading = parse(asked, names=names, calendar=calendar, before=before)
        query, _ = texts.resolved(reading, is_thorough=False)
        before = query or before
    reading = parse(prompt, names=names, calendar=calendar, before=before)
    query, left = texts.resolved(reading, is_thorough=True)
    return Question(query, left, names, calendar)


def prompts_before(history: str) -> list[str]:
    """What was asked before, the newest last: of a list in JSON, of texts or of messages with a role and a
    content, the user's own; else the lines of a text, each of which may say who speaks. What cannot be read
    is left out; what the other side said is of no interest."""
    try:
        value: Any = msgspec.json.decode(history) if history.strip()[:1] in ("[", "{", '"') else None
    except (msgspec.MsgspecError, RecursionError):
        value = None
    if value is None:
        value = history.splitlines()
    elif isinstance(value, dict):
        value = value.get("messages") or value.get("history") or [value]
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return []
    found = [text for one in value if (text := _asked(one))]
    return found[-PROMPTS_BEFORE_MAX:]


def _asked(one: object) -> str:
    if isinstance(one, dict):
        role = one.get("role", one.get("sender", "user"))
        if not isinstance(role, str) or role.lower() not in _ASKED_BY:
            return ""
        one = next((one[key] for key in _KEYS if isinstance(one.get(key), str)), "")
    if not isinstance(one, str):
        return ""
    speaker, colon, said = one.partition(":")
    if colon and speaker.strip().lower() in _ASKED_BY:
        one = said
    elif colon and speaker.strip().lower() in ("assistant", "ai", "bot", "answer", "system"):
        return ""
    return one.strip()[:PROMPT_LENGTH_MAX]


@dataclass
class _Texts:
    """Finds out whether words that no reader knows stand in the transactions' own texts."""

    entity: Entity
    everything: Selection
    names: Names

    def resolved(self, reading: Reading, *, is_thorough: bool) -> tuple[ChatQuery | None, tuple[str, ...]]:
        """The query with the words that are found as its text, and the words that are not."""
        query, left = reading.query, reading.left[:_TEXT_WORDS_MAX]
        if not left or (query is not None and query.text):
            return query, reading.left
        found: tuple[str, ...] = ()
        if self._is_there(left):
            found = left
        elif is_thorough and len(left) > 1:
            found = tuple(word for word in left if self._is_there((word,)))
        if not found:
            return query, reading.left
        text = " ".join(stem(word.lower()) for word in found)
        unknown = tuple(word for word in reading.left if word not in found)
        return replace(query or ChatQuery(), text=text), unknown

    def _is_there(self, words: tuple[str, ...]) -> bool:
        text = " ".join(stem(word.lower()) for word in words)
        return totals(self.entity, self.names.chart, replace(self.everything, text=text)).count > 0

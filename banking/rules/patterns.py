"""Regular expressions that a user wrote, run so that none of them can hold up a worker.

RE2 takes time that grows with the length of the text and nothing else, where a backtracking engine may take
hours over `(a+)+$`; so it has no back references and no look-around
(syntax: https://github.com/google/re2/wiki/Syntax).
"""

from functools import lru_cache
from typing import Final, Protocol

from ledger.exceptions import ValidationError, shown

REGEX_LENGTH_MAX: Final = 500
# Instructions of the compiled program: with the length of the text, what bounds a search. `(x{500}){2}` has
# a thousand; a rule that a person wrote has some dozens.
_PROGRAM_SIZE_MAX: Final = 2_000
_MEMORY_BYTES_MAX: Final = 1 << 19
# Enough to parse an expression, which is where faults are found; compiling may fail for want of it.
_MEMORY_BYTES_OF_A_PROBE: Final = 1 << 14
# Each takes some kilobytes, and one that was made to do harm all that it may have.
_PATTERNS_KEPT_MAX: Final = 300


class PatternError(ValueError):
    """What RE2 takes for no expression. Its text is RE2's own words."""


class Pattern(Protocol):
    """What is used of a compiled expression."""

    programsize: int

    def search(self, text: bytes) -> object | None: ...


@lru_cache(maxsize=_PATTERNS_KEPT_MAX)
def compiled(regex: str) -> Pattern:
    """The expression, searching UTF-8 whatever the case.

    Raises PatternError where it is none; what `check_regex` let in never does.
    """
    return _compile(regex, memory_bytes=_MEMORY_BYTES_MAX)


def check_regex(regex: str, *, field: str) -> None:
    """Refuse what is no regular expression, takes every line, or is too large to run.

    Raises ValidationError that says what is wrong with it, and where.
    """
    if len(regex) > REGEX_LENGTH_MAX:
        raise ValidationError.of(
            field, f"has {len(regex)} characters; use at most {REGEX_LENGTH_MAX}, or several rules."
        )
    try:
        pattern = compiled(regex)
    except UnicodeEncodeError as error:
        raise ValidationError.of(
            field, f"has half a character (a surrogate) at place {error.start + 1}; leave it out."
        ) from None
    except PatternError as error:
        raise ValidationError.of(field, _fault(regex, str(error))) from None
    if pattern.programsize > _PROGRAM_SIZE_MAX:
        raise ValidationError.of(
            field,
            f"{shown(regex)} is too large to run on every bank line ({pattern.programsize} steps, at most "
            f"{_PROGRAM_SIZE_MAX}); use smaller repetitions.",
        )
    if pattern.search(b"") is not None:
        raise ValidationError.of(
            field, f"{shown(regex)} fits an empty text, so it would take every line; ask for a character."
        )


def _compile(regex: str, *, memory_bytes: int) -> Pattern:
    # Not before somebody's rule needs it: it takes memory of every web worker.
    import re2

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.never_capture = True
    options.max_mem = memory_bytes
    # Bytes, as RE2 has it: translating places in the text back, which nobody asks for, would take longer
    # than the search.
    written = regex.encode()
    try:
        pattern: Pattern = re2.compile(written, options)
    except re2.error as error:
        raise PatternError(_words(error)) from None
    return pattern


def _fault(regex: str, words: str) -> str:
    """RE2's own words, and the place of the fault."""
    kind, _, quoted = words.partition(": ")
    place = _surplus_bracket(regex) if kind == "unexpected )" else _place(regex, words, quoted)
    return (
        f"{shown(regex)} is not a regular expression, at place {place}: {kind}"
        + (f" ({shown(quoted)})" if quoted and quoted != regex else "")
        + ". Write it in RE2's syntax, which has no back references and no look-around."
    )


def _place(regex: str, words: str, quoted: str) -> int:
    """Where the fault begins, counted from 1: where what RE2 quotes first makes it say the same; the last
    character where it misses something behind it."""
    if quoted == regex:
        return len(regex)
    start = regex.find(quoted)
    while quoted and start >= 0:
        try:
            _compile(regex[: start + len(quoted)], memory_bytes=_MEMORY_BYTES_OF_A_PROBE)
        except PatternError as error:
            if str(error) == words:
                return start + 1
        start = regex.find(quoted, start + 1)
    return len(regex)


def _surplus_bracket(regex: str) -> int:
    """The place of the first bracket that closes nothing; RE2 quotes the whole expression there."""
    end = regex.find(")")
    while end >= 0:
        try:
            _compile(regex[: end + 1], memory_bytes=_MEMORY_BYTES_OF_A_PROBE)
        except PatternError as error:
            if str(error).startswith("unexpected )"):
                break
        end = regex.find(")", end + 1)
    return end + 1


def _words(error: Exception) -> str:
    told = error.args[0] if error.args else b""
    return told.decode(errors="replace") if isinstance(told, bytes) else str(told)

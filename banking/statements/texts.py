"""Bytes to text, and text to what the books keep of it."""

import codecs
import re
from functools import lru_cache
from typing import Final, NamedTuple, NoReturn

from banking.statements.faults import refuse_file
from banking.statements.limits import LINE_CHARACTERS_MAX, RAW_VALUE_LENGTH_MAX
from ledger.exceptions import shown

# Beginnings of what is no text: archives, which are not unpacked (a small one can hold gigabytes), and
# documents that people take for statements.
_PACKED: Final = {
    b"PK\x03\x04": "a zip archive or a workbook",
    b"PK\x05\x06": "an empty zip archive",
    b"\x1f\x8b": "packed by gzip",
    b"BZh": "packed by bzip2",
    b"\xfd7zXZ\x00": "packed by xz",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "packed by zstd",
    b"%PDF-": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What no text has: controls but for tabs and line ends.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f]")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")
_NOTHING_USEFUL: Final = frozenset({"NONREF", "NOTPROVIDED", "NOREF", "NONE", "UNKNOWN", "N/A", "-"})


class Decoded(NamedTuple):
    """The text of a file, without its byte order mark, and its encoding."""

    text: str
    encoding: str


def refuse_packed(data: bytes) -> None:
    """Refuse a file that is an archive, a workbook or a PDF, or empty."""
    if not data.strip(b" \t\r\n\0"):
        refuse_file("is empty; download it again.")
    for magic, what in _PACKED.items():
        if data.startswith(magic):
            refuse_file(f"is {what}; send the statement itself, as OFX, CAMT.053, MT940 or CSV.")


def decode(data: bytes) -> Decoded:
    """Return the file's text: UTF-8 or UTF-16, or what is left of Windows-1252 (Latin-1).

    Raises StatementFileError for bytes that are no text in any of them.
    """
    # What old systems put around a text: start and end of transmission, end of file.
    data = data.lstrip(b"\x01").rstrip(b"\x1a\x03")
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _checked(_strictly(data[len(bom) :], encoding), encoding)
    even, odd = data[0:4000:2].count(0), data[1:4000:2].count(0)
    if max(even, odd) > len(data[:4000]) // 8 and min(even, odd) <= max(even, odd) // 10:
        encoding = "utf-16-le" if odd > even else "utf-16-be"
        return _checked(_strictly(data, encoding), encoding)
    try:
        return _checked(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        # Where most of what is not ASCII is UTF-8, the rest is damage, and no other encoding.
        replaced = data.decode("utf-8", "replace")
        broken = replaced.count("\ufffd")
        if sum(not c.isascii() for c in replaced) > 2 * broken:
            _not_text(data, error.start, "UTF-8")
    try:
        return _checked(data.decode("cp1252"), "windows-1252")
    except UnicodeDecodeError as error:
        _not_text(data, error.start, "UTF-8, UTF-16 or Windows-1252")


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        _not_text(data, error.start, encoding.upper())


def _not_text(data: bytes, at: int, encodings: str) -> NoReturn:
    line = data.count(b"\n", 0, at) + 1
    refuse_file(
        f"is no text in {encodings} (byte {at}, {shown(data[at : at + 4])}); download it again, or save it "
        "in UTF-8.",
        row=line,
    )


def _checked(text: str, encoding: str) -> Decoded:
    found = _CONTROL.search(text)
    if found:
        refuse_file(
            f"has the control character U+{ord(found[0]):04X}, which no text has; download it again.",
            row=text.count("\n", 0, found.start()) + 1,
        )
    return Decoded(text, encoding)


def check_line(line: str, row: int) -> str:
    """Return a line of text. Raises StatementFileError for one that is far too long."""
    if len(line) > LINE_CHARACTERS_MAX:
        refuse_file(
            f"has a line of more than {LINE_CHARACTERS_MAX} characters, which no bank writes; download it "
            "again.",
            row=row,
        )
    return line


@lru_cache(maxsize=10_000)
def clean(text: str, length_max: int) -> str:
    """Return text on one line, without what doesn't print, cut to `length_max` characters.

    Kept, as the texts of a statement repeat.
    """
    text = text[: 4 * length_max]
    if not text.isprintable():
        text = _UNPRINTABLE.sub(" ", text)
    return " ".join(text.split())[:length_max].rstrip()


def clean_raw(text: str) -> str:
    """Return a value as it is kept for the record."""
    return text.strip()[:RAW_VALUE_LENGTH_MAX]


def useful_reference(text: str) -> str:
    """Return a bank's reference of a line; empty for the words by which banks say that there is none."""
    text = clean(text, 200)
    return "" if text.upper() in _NOTHING_USEFUL or not text.strip("0") else text


def joined(*parts: str) -> str:
    """Return the parts as one text, without those that stand in an earlier one already."""
    kept: list[str] = []
    for part in parts:
        part = part.strip()
        if part and not any(part.casefold() in other.casefold() for other in kept):
            kept.append(part)
    return " ".join(kept)

"""Which format a file has, by what is in it; its name may say anything."""

import re
from typing import Final

from banking.choices import StatementFormat
from banking.statements.faults import refuse_file
from banking.statements.texts import refuse_packed

_HEAD_BYTES: Final = 8_000
_MT940: Final = re.compile(r"^(?:\{1:.*\{4:\s*)?:20:", re.MULTILINE)
_MT940_MORE: Final = re.compile(r"^:(?:25P?|28C?|60[FM]):", re.MULTILINE)


def detect_format(data: bytes) -> StatementFormat:
    """Return the file's format: what is neither OFX, CAMT.053 nor MT940 is taken for CSV.

    Raises StatementFileError for archives, documents, and XML that is no statement.
    """
    refuse_packed(data)
    # Only what all of them write in ASCII is looked at, in UTF-16, too.
    head = data[:_HEAD_BYTES].replace(b"\0", b"").decode("latin-1")
    begin = head.lstrip("\ufeff\xef\xbb\xbf\xff\xfe \t\r\n\x01")
    upper = begin.upper()
    if upper.startswith(("OFXHEADER", "<OFX>", "<?OFX")) or (begin.startswith("<") and "<OFX" in upper):
        return StatementFormat.OFX
    if begin.startswith("<"):
        if "<?OFX" in upper:
            return StatementFormat.OFX
        if "<!DOCTYPE" in upper or "<!ENTITY" in upper:
            refuse_file("declares a document type or entities; a statement needs none, and none is read.")
        if "BKTOCSTMR" in upper or "CAMT.05" in upper:
            return StatementFormat.CAMT053
        refuse_file("is XML, but neither CAMT.053 nor OFX; download the statement in one of these.")
    if "OFXHEADER:" in upper and "<OFX>" in upper:
        return StatementFormat.OFX
    text = begin.replace("\r\n", "\n").replace("\r", "\n")
    if _MT940.search(text) and _MT940_MORE.search(text):
        return StatementFormat.MT940
    return StatementFormat.CSV

"""OFX and QFX: Open Financial Exchange 1.x (SGML) and 2.x (XML), https://financialdataexchange.org/ofx.

ofxtools builds the tree. The header is read here, as banks write what ofxtools refuses: unknown character
sets, missing fields, none at all.
"""

import html
import logging
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final
from xml.etree.ElementTree import Element

from ofxtools.Parser import ParseError, TreeBuilder

from banking.choices import StatementFormat
from banking.statements.amounts import plain
from banking.statements.content import Reading, Statement, StatementFile, StatementLine
from banking.statements.faults import refuse_file
from banking.statements.limits import (
    COUNTERPARTY_LENGTH_MAX,
    DEPTH_MAX,
    DESCRIPTION_LENGTH_MAX,
    LINES_MAX,
)
from banking.statements.texts import clean, clean_raw, decode, joined, useful_reference
from ledger.exceptions import shown

# YYYYMMDD, then perhaps a time and a zone. The day counts as the bank wrote it, in the bank's own zone.
_DAY: Final = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{2,6}(?:\.[0-9]+)?)?\s*(?:\[[^\]]*\])?", re.ASCII
)
_HEADER_BYTES: Final = 2_000
# One transaction has twenty at most.
_ELEMENTS_MAX: Final = 25 * LINES_MAX
# Elements of text that some banks leave open without any text.
_OF_TEXT: Final = frozenset(
    {"ACCTID", "ACCTKEY", "BANKID", "BRANCHID", "CHECKNUM", "EXTDNAME", "FITID", "MEMO", "NAME", "PAYEEID"}
    | {"REFNUM", "SIC", "SRVRTID", "USERKEY", "ADDR1", "ADDR2", "ADDR3", "CITY", "STATE", "POSTALCODE"}
    | {"COUNTRY", "PHONE", "DTUSER", "DTAVAIL", "LANGUAGE", "ORG", "FID", "MESSAGE", "MKTGINFO"}
    | {"INTU.BID", "INTU.USERID"}
)


# It writes a line into the log for each file.
logging.getLogger("ofxtools").setLevel(logging.WARNING)


class _Builder(TreeBuilder):
    """ofxtools' builder, strict about which element ends, and aware of text elements that are empty."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._elements = 0

    def _start(self, tag: str, text: str | None, closetag: str | None) -> None:
        if not text and not closetag and tag in _OF_TEXT:
            return
        super()._start(tag, text, closetag)

    def start(self, tag: str, attrs: Any) -> Element:
        self._elements += 1
        if self._elements > _ELEMENTS_MAX or len(self._open) >= DEPTH_MAX:
            raise ParseError(f"too many elements at <{tag}>")
        self._open.append(tag)
        return super().start(tag, attrs)

    def end(self, tag: str) -> Element:
        if tag in _OF_TEXT and (not self._open or self._open[-1] != tag):
            # The end of an element that was left out as it is empty.
            return Element(tag)
        if not self._open or self._open.pop() != tag:
            raise ParseError(f"</{tag}> ends what did not begin")
        return super().end(tag)

    def close(self) -> Element:
        if self._open:
            raise ParseError(f"<{self._open[-1]}> has no end")
        return super().close()  # type: ignore[no-any-return,unused-ignore]


def read_ofx(data: bytes, reading: Reading) -> StatementFile:
    """Return the statements of an OFX file; what the bank marks as pending is not in them.

    Raises StatementFileError for a file that is broken or cut off, or holds no bank or card statement.
    """
    root = _tree(data)
    statements = [
        _statement(element, number, reading)
        for number, element in enumerate(
            (one for tag in ("STMTRS", "CCSTMTRS") for one in root.iter(tag)), start=1
        )
    ]
    if not statements:
        _refuse_without_statement(root)
    return StatementFile(StatementFormat.OFX, statements, reading.faults)


def _tree(data: bytes) -> Element:
    # Whatever character set the header names: many banks name 1252 and write UTF-8.
    text = decode(data).text
    begin = text.upper().find("<OFX>")
    body = text[begin:].strip() if begin >= 0 else ""
    head = text[: max(begin, 0)].upper()
    if "<!DOCTYPE" in head or "<!ENTITY" in head or "<!DOCTYPE" in body[:_HEADER_BYTES].upper():
        refuse_file("declares a document type or entities; a statement needs none, and none is read.")
    if not body:
        refuse_file("has no <OFX> in it; download it again.")
    if not body.upper().endswith("</OFX>"):
        refuse_file("is cut off: it does not end with </OFX>; download it again.")
    builder = _Builder()
    try:
        builder.feed(_without_cdata(body))
        root = builder.close()
    # Both of its parents have a ParseError of their own.
    except (SyntaxError, AssertionError, IndexError) as error:
        refuse_file(f"is broken ({shown(str(error))}); download it again.")
    if root is None or root.tag != "OFX":
        refuse_file("has no <OFX> around all of it; download it again.")
    return root


def _without_cdata(text: str) -> str:
    """Write each CDATA section as text, in one pass: the builder would join those of one line."""
    if "<![CDATA[" not in text:
        return text
    parts = text.split("<![CDATA[")
    written = [parts[0]]
    for part in parts[1:]:
        inner, end, rest = part.partition("]]>")
        if not end:
            raise ParseError("<![CDATA[ has no end")
        written += [html.escape(inner, quote=False), rest]
    return "".join(written)


def _refuse_without_statement(root: Element) -> None:
    for status in root.iter("STATUS"):
        if _value(status, "SEVERITY").upper() == "ERROR":
            code, message = _value(status, "CODE"), _value(status, "MESSAGE")
            refuse_file(f"holds no statement but the bank's error {shown(code)} {shown(message)}.")
    what = "an investment statement" if root.find(".//INVSTMTRS") is not None else "no statement"
    refuse_file(f"holds {what}; download the statement of a bank account or a card.")


def _statement(element: Element, number: int, reading: Reading) -> Statement:
    of = element.find("BANKACCTFROM")
    if of is None:
        of = element.find("CCACCTFROM")
    statement = Statement(
        account_number=_value(of, "ACCTID"), currency=_value(element, "CURDEF").upper(), row=number
    )
    balance = element.find("LEDGERBAL")
    if balance is not None:
        text = plain(_value(balance, "BALAMT"))
        statement.closing_balance = Decimal(text) if text is not None else None
        statement.closing_day = _day(_value(balance, "DTASOF"))
    seen: set[tuple[str, date, Decimal, str]] = set()
    for row, one in enumerate(_transactions(element), start=1):
        line = _line(one, row, statement.currency, reading)
        if line is None:
            continue
        if line.reference:
            # The standard has one FITID for one transaction: the same all over is the same line again.
            key = (line.reference, line.day, line.amount, line.description)
            if key in seen:
                statement.left_out += 1
                continue
            seen.add(key)
        reading.add(statement, line)
    return statement


def _transactions(element: Element) -> Iterator[Element]:
    for listed in element.iter("BANKTRANLIST"):
        yield from listed.iter("STMTTRN")


def _line(element: Element, row: int, currency: str, reading: Reading) -> StatementLine | None:
    faults = reading.faults
    values = {child.tag: _text_of(child) for child in element if not len(child)}
    known = faults.count
    written = values.get("DTPOSTED", "")
    day = _day(written)
    if day is None:
        faults.add(row, "DTPOSTED", f'{shown(written)} is no date that exists; OFX writes "20240131".')
    else:
        reading.check_day(row, day, field="DTPOSTED")
    text = plain(values.get("TRNAMT", ""))
    amount = None
    if text is None:
        faults.add(
            row, "TRNAMT", f'{shown(values.get("TRNAMT", ""))} is no amount; OFX writes it as "-12.50".'
        )
    else:
        amount = reading.amount(row, text, field="TRNAMT", currency=currency or None)
    foreign = _value(element.find("CURRENCY"), "CURSYM").upper()
    if foreign and currency and foreign != currency:
        faults.add(row, "CURSYM", f"{shown(foreign)} is another currency than the statement's, {currency}.")
    if values.get("CORRECTFITID"):
        faults.add(
            row,
            "CORRECTFITID",
            f"takes back or replaces the line {shown(values['CORRECTFITID'])}; correct that in the "
            "books, and leave this one out.",
        )
    if day is None or amount is None or faults.count > known:
        return None
    payee = element.find("PAYEE")
    name, memo = values.get("NAME", ""), values.get("MEMO", "")
    who = _value(payee, "NAME") or values.get("EXTDNAME", "")
    return StatementLine(
        row=row,
        day=day,
        amount=-amount,
        description=clean(
            joined(name or who, memo) or values.get("CHECKNUM", "") or values.get("TRNTYPE", ""),
            DESCRIPTION_LENGTH_MAX,
        ),
        counterparty=clean(who, COUNTERPARTY_LENGTH_MAX),
        reference=useful_reference(values.get("FITID", "")),
        used_on=_day(values.get("DTUSER", "")),
        raw=partial(_raw, values),
    )


def _raw(values: dict[str, str]) -> dict[str, str]:
    return {name: clean_raw(value) for name, value in values.items()}


def _day(text: str) -> date | None:
    found = _DAY.fullmatch(text.strip())
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def _value(element: Element | None, tag: str) -> str:
    child = element.find(tag) if element is not None else None
    return _text_of(child) if child is not None else ""


def _text_of(element: Element) -> str:
    return html.unescape(element.text or "").strip()

"""CAMT.053: ISO 20022 BankToCustomerStatement, versions 001.02 to 001.13 (https://www.iso20022.org).

Names are compared without their namespace, which is all that changes between most versions; what moved
(status, party, amounts of details) is looked for in each of its places. The file is read as a stream: no more
than one entry of it is held as a tree.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import partial
from io import BytesIO
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from banking.choices import StatementFormat
from banking.statements.amounts import plain
from banking.statements.content import Reading, Statement, StatementFile, StatementLine
from banking.statements.faults import refuse_file
from banking.statements.limits import (
    CATEGORY_LENGTH_MAX,
    COUNTERPARTY_LENGTH_MAX,
    DEPTH_MAX,
    DESCRIPTION_LENGTH_MAX,
    ENTRY_ELEMENTS_MAX,
)
from banking.statements.texts import clean, clean_raw, joined, useful_reference
from ledger.exceptions import ValidationError, shown
from ledger.money import MINOR_DIGITS, parse_amount
from ledger.times import YEAR_MIN

# Parts of a statement that are looked at as a whole; all others are let go of as they are read.
_PARTS: Final = frozenset({"Acct", "Bal", "Ntry"})
_OTHER_MESSAGES: Final = {
    "BkToCstmrAcctRpt": "a camt.052 report of the day, whose entries come again in the statement",
    "BkToCstmrDbtCdtNtfctn": "a camt.054 notification, whose entries come again in the statement",
}
# Opening and closing: booked, of the day before, or of a part of the statement.
_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = ("CLBD",)
_DETAILS_KEPT_MAX: Final = 200


def read_camt(data: bytes, reading: Reading) -> StatementFile:
    """Return the statements of a CAMT.053 file: booked entries, without pending ones and information.

    An entry that sums up several transactions (a batch) becomes a line for each where the details have
    amounts that add up to the entry's, else one line. Raises StatementFileError for a file that is broken,
    cut off, another message, or declares a document type or entities.
    """
    try:
        statements = _read(data, reading)
    except ParseError as error:
        line = error.position[0] if getattr(error, "position", None) else 0
        refuse_file(f"is broken or cut off ({shown(str(error))}); download it again.", row=line)
    except DefusedXmlException:
        refuse_file("declares a document type or entities; a statement needs none, and none is read.")
    except (ValueError, LookupError, AssertionError) as error:
        # Of expat: an encoding that it does not know, or that its declaration denies.
        refuse_file(f"cannot be read as XML ({shown(str(error))}); save it in UTF-8.")
    if not statements:
        refuse_file("holds no statement (Stmt); send a CAMT.053 message.")
    return StatementFile(StatementFormat.CAMT053, statements, reading.faults)


def _read(data: bytes, reading: Reading) -> list[Statement]:
    statements: list[Statement] = []
    path: list[Element] = []
    # How deep the part stands that is being collected, and how many elements it has.
    part_depth = part_size = 0
    # How many elements there are outside of parts; nothing of them is kept.
    others = 0
    row = 0
    for event, element in iterparse(BytesIO(data), events=("start", "end"), forbid_dtd=True):
        name = _name(element)
        if event == "start":
            path.append(element)
            if len(path) > DEPTH_MAX:
                refuse_file(f"has more than {DEPTH_MAX} elements in each other; no statement has.", row=row)
            if name in _OTHER_MESSAGES:
                refuse_file(f"is {_OTHER_MESSAGES[name]}; send a CAMT.053 statement.")
            if part_depth:
                part_size += 1
                if part_size > ENTRY_ELEMENTS_MAX:
                    refuse_file(f"has an entry of more than {ENTRY_ELEMENTS_MAX} elements.", row=row + 1)
            elif (others := others + 1) > ENTRY_ELEMENTS_MAX:
                refuse_file(f"has more than {ENTRY_ELEMENTS_MAX} elements outside of its entries.")
            elif name in _PARTS and _names(path[:-1]) == ["Document", "BkToCstmrStmt", "Stmt"]:
                part_depth, part_size = len(path), 1
            elif name == "Stmt" and _names(path[:-1]) == ["Document", "BkToCstmrStmt"]:
                statements.append(Statement(row=len(statements) + 1))
            continue
        if len(path) == part_depth:
            if name == "Ntry":
                row += 1
                _read_entry(element, row, statements[-1], reading)
            elif name == "Acct":
                _read_account(element, statements[-1])
            else:
                _read_balance(element, statements[-1])
            part_depth = 0
        path.pop()
        if path and not part_depth:
            path[-1].remove(element)
    return statements


def _names(path: list[Element]) -> list[str]:
    return [_name(element) for element in path]


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: Element, *names: str) -> Iterator[Element]:
    """Descendants by a path of names, whatever their namespace."""
    if not names:
        yield element
        return
    for child in element:
        if _name(child) == names[0]:
            yield from _children(child, *names[1:])


def _text(element: Element | None, *paths: str) -> str:
    """The text at the first of the paths ("Sts/Cd") where there is any."""
    if element is not None:
        for path in paths:
            for found in _children(element, *path.split("/")):
                text = (found.text or "").strip()
                if text:
                    return text
    return ""


def _read_account(element: Element, statement: Statement) -> None:
    statement.account_number = _text(element, "Id/IBAN", "Id/Othr/Id")
    statement.currency = _text(element, "Ccy").upper()


def _read_balance(element: Element, statement: Statement) -> None:
    kind = _text(element, "Tp/CdOrPrtry/Cd")
    amount = next(_children(element, "Amt"), None)
    text = plain(_text(element, "Amt"))
    if amount is None or text is None:
        return
    statement.currency = statement.currency or amount.get("Ccy", "").upper()
    balance = Decimal(text) if _text(element, "CdtDbtInd") != "DBIT" else -Decimal(text)
    if kind in _OPENING and (statement.opening_balance is None or kind == _OPENING[0]):
        statement.opening_balance = balance
    elif kind in _CLOSING:
        statement.closing_balance = balance
        statement.closing_day = _day(_text(element, "Dt/Dt", "Dt/DtTm"))


def _read_entry(entry: Element, row: int, statement: Statement, reading: Reading) -> None:
    status = _text(entry, "Sts/Cd", "Sts/Prtry", "Sts").upper()
    if status in {"PDNG", "INFO", "FUTR"}:
        statement.left_out += 1
        return
    faults = reading.faults
    known = faults.count
    currency = _currency(entry, row, statement, reading)
    amount = _amount(entry, row, currency, reading)
    written = _text(entry, "BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm")
    day = _day(written)
    if day is None:
        faults.add(row, "BookgDt", f'{shown(written)} is no date that exists; CAMT.053 writes "2024-01-31".')
    else:
        reading.check_day(row, day, field="BookgDt")
    sign = _sign(entry, row, reading)
    if day is None or amount is None or sign is None or faults.count > known:
        return
    reference = useful_reference(_text(entry, "AcctSvcrRef"))
    if not reference:
        reference = _reference_of_entry(_text(entry, "NtryRef"))
    details = list(_children(entry, "NtryDtls", "TxDtls"))
    shares = _shares(details, amount, sign, currency)
    common = _values(entry, leave_out="TxDtls")
    if shares is None:
        detail = details[0] if len(details) == 1 else None
        line = _line(entry, detail, row, day, sign * amount, reference, common)
        reading.add(statement, line)
        return
    for number, (detail, share) in enumerate(zip(details, shares, strict=True), start=1):
        own = useful_reference(_text(detail, "Refs/AcctSvcrRef"))
        # The details of a batch may all repeat the reference of the batch.
        part = f"{reference}/{number}" if reference and own in ("", reference) else own
        reading.add(statement, _line(entry, detail, row, day, share, part, common))


def _currency(entry: Element, row: int, statement: Statement, reading: Reading) -> str:
    """The currency of an entry, which is the account's (ISO 20022: its Amt is in the account's currency)."""
    amount = next(_children(entry, "Amt"), None)
    currency = amount.get("Ccy", "").upper() if amount is not None else ""
    statement.currency = statement.currency or currency
    if currency and currency != statement.currency:
        reading.faults.add(
            row, "Amt", f"is in {shown(currency)}, and the statement in {statement.currency}; ask the bank."
        )
    return currency or statement.currency


def _amount(entry: Element, row: int, currency: str, reading: Reading) -> Decimal | None:
    text = plain(_text(entry, "Amt"))
    if text is None or text.startswith("-"):
        reading.faults.add(
            row, "Amt", f'{shown(_text(entry, "Amt"))} is no amount; CAMT.053 writes it as "12.50", unsigned.'
        )
        return None
    return reading.amount(row, text, field="Amt", currency=currency or None)


def _sign(entry: Element, row: int, reading: Reading) -> int | None:
    """1 where money left the account. The mark of a reversal (RvslInd) changes nothing: an entry that takes
    back a debit is marked CRDT already."""
    mark = _text(entry, "CdtDbtInd")
    if mark in {"DBIT", "CRDT"}:
        return 1 if mark == "DBIT" else -1
    reading.faults.add(row, "CdtDbtInd", f"{shown(mark)} is neither CRDT nor DBIT.")
    return None


def _reference_of_entry(text: str) -> str:
    """The reference of an entry in its statement; of use only where it is more than a running number."""
    return "" if text.isdigit() and len(text) < 8 else useful_reference(text)


def _shares(details: list[Element], amount: Decimal, sign: int, currency: str) -> list[Decimal] | None:
    """The amounts of a batch's transactions, signed as lines are; None where they are not all there, or are
    no amounts of the currency."""
    if len(details) < 2:
        return None
    shares = []
    for detail in details:
        found = next(
            (
                one
                for path in (("Amt",), ("AmtDtls", "TxAmt", "Amt"))
                for one in _children(detail, *path)
                if one.get("Ccy", "").upper() in ("", currency)
            ),
            None,
        )
        text = plain(found.text or "") if found is not None else None
        if text is None:
            return None
        try:
            known = currency if currency in MINOR_DIGITS else None
            share = parse_amount(Decimal(text), currency=known, field="Amt")
        except ValidationError:
            return None
        mark = _text(detail, "CdtDbtInd")
        direction = {"DBIT": 1, "CRDT": -1}.get(mark, sign)
        shares.append(direction * share)
    return shares if sum(shares) == sign * amount else None


def _line(
    entry: Element,
    detail: Element | None,
    row: int,
    day: date,
    amount: Decimal,
    reference: str,
    common: dict[str, str],
) -> StatementLine:
    """The line of an entry, or of one transaction of it; `common` is what is kept of the entry itself."""
    is_reversal = _text(entry, "RvslInd").lower() in {"true", "1"}
    # A reversal keeps the parties of what it takes back.
    to_others = (amount > 0) != is_reversal
    role = "Cdtr" if to_others else "Dbtr"
    who = _text(
        detail,
        f"RltdPties/{role}/Pty/Nm",
        f"RltdPties/{role}/Nm",
        f"RltdPties/Ultmt{role}/Pty/Nm",
        f"RltdPties/Ultmt{role}/Nm",
    )
    purpose = ""
    if detail is not None:
        purpose = " ".join((one.text or "").strip() for one in _children(detail, "RmtInf", "Ustrd"))
        purpose = purpose.strip() or _text(detail, "RmtInf/Strd/AddtlRmtInf", "RmtInf/Strd/CdtrRefInf/Ref")
    text = joined(who, purpose or _text(detail, "AddtlTxInf")) if detail is not None else ""
    code = ".".join(
        part
        for part in (
            _text(entry, "BkTxCd/Domn/Cd"),
            _text(entry, "BkTxCd/Domn/Fmly/Cd"),
            _text(entry, "BkTxCd/Domn/Fmly/SubFmlyCd"),
        )
        if part
    )
    return StatementLine(
        row=row,
        day=day,
        amount=amount,
        description=clean(
            text or _text(entry, "AddtlNtryInf") or code or "Bank transaction", DESCRIPTION_LENGTH_MAX
        ),
        counterparty=clean(who, COUNTERPARTY_LENGTH_MAX),
        reference=reference,
        category=clean(code, CATEGORY_LENGTH_MAX),
        raw=partial(dict, common if detail is None else common | _values(detail, "NtryDtls/TxDtls")),
    )


def _values(top: Element, path: str = "", *, leave_out: str = "") -> dict[str, str]:
    """The texts of an element, by their paths from the entry on."""
    values: dict[str, str] = {}
    waiting: list[tuple[str, Element]] = [(path, top)]
    while waiting and len(values) < _DETAILS_KEPT_MAX:
        path, element = waiting.pop()
        text = (element.text or "").strip()
        if text and not len(element):
            known = values.get(path)
            values[path] = clean_raw(text if known is None else f"{known} {text}")
        for child in reversed(list(element)):
            if _name(child) != leave_out:
                waiting.append((f"{path}/{_name(child)}" if path else _name(child), child))
    return values


def _day(text: str) -> date | None:
    """The day of "2024-01-31", or of a time of that day; a zone behind it is left out."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return day if day.year >= YEAR_MIN and text[10:11] in ("", "T", "Z", "+", "-") else None

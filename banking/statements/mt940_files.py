"""MT940: SWIFT's customer statement (SWIFT User Handbook, category 9), by the fields of the library mt-940.

The library reads each field; which fields make up a statement is read here, so that a fault is told with its
line of the file.
"""

import logging
import re
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple

import mt940
from mt940.processors import transaction_details_post_processor
from mt940.tags import StatementGLS, Tags

from banking.choices import StatementFormat
from banking.statements.content import Reading, Statement, StatementFile, StatementLine
from banking.statements.faults import refuse_file
from banking.statements.limits import COUNTERPARTY_LENGTH_MAX, DESCRIPTION_LENGTH_MAX
from banking.statements.texts import check_line, clean, clean_raw, decode, joined, useful_reference
from ledger.exceptions import shown
from ledger.money import MINOR_DIGITS

_FIELD: Final = re.compile(r":([0-9]{2}[A-Z]?|NS):(.*)", re.DOTALL)
# The header of a message on SWIFT's network, which may stand before its first field.
_ENVELOPE: Final = re.compile(r"^\{1:.*?\{4:\s*|^\{4:\s*")
# As ABN AMRO, ING, Rabobank and others mark the parts of field 86.
_SLASHED: Final = re.compile(
    r"/(TRTP|TRCD|IBAN|BIC|NAME|REMI|EREF|MARF|CSID|ORDP|BENM|ADDR|ID|ISDT|RTRN|CNTP|PREF|PURP|ULTC|ULTD|ULTB|"
    r"USTD|STRD|KREF|SVCL|OCMT|EXCH|CHGS)/"
)
# Opening and closing: final, or where a page ends and the next begins (M).
_BALANCES: Final = frozenset({"60", "60F", "60M", "62", "62F", "62M"})
_DETAILS_LENGTH_MAX: Final = 4_000
# What the library raises for a field that is not as it should be.
_BROKEN: Final = (RuntimeError, ValueError, ArithmeticError, TypeError, LookupError, AttributeError)
_STATEMENT_LINES: Final = (Tags.STATEMENT.value, StatementGLS())

# It logs each field that it cannot read, with all that stands in it: the fault is ours to tell.
logging.getLogger("mt940").setLevel(logging.CRITICAL)


class _Field(NamedTuple):
    """One field: where it begins, its tag ("61"), and its lines."""

    row: int
    tag: str
    lines: list[str]

    @property
    def value(self) -> str:
        return "\n".join(self.lines).strip()


def read_mt940(data: bytes, reading: Reading) -> StatementFile:
    """Return the statements of an MT940 file.

    Raises StatementFileError for a file that is broken, cut off (a statement ends with its closing balance),
    or an interim report (MT942), whose lines come again in the statement.
    """
    statements: list[Statement] = []
    context = mt940.models.Transactions(options=mt940.Options.all())
    line: _Field | None = None
    is_open = ends_page = False
    for one in [*_fields(decode(data).text), _Field(0, "", [])]:
        if line is not None:
            # Field 86 right behind a line is about it, whatever else it is about.
            details = one.value if one.tag == "86" else ""
            _read_line(line, details, statements[-1], context, reading)
            line = None
            if one.tag == "86":
                continue
        if one.tag == "20":
            if is_open:
                _refuse_cut_off(statements[-1])
            statements.append(Statement(row=one.row))
            is_open = True
        elif one.tag and not statements:
            refuse_file(f"begins with field :{one.tag}:; a statement begins with :20:.", row=one.row)
        elif one.tag == "34F":
            refuse_file(
                "is an interim report (MT942); its lines come again in the MT940 statement, send that."
            )
        elif one.tag in {"25", "25P"}:
            _read_account(one, statements[-1])
        elif one.tag in _BALANCES:
            if one.tag == "60M" and ends_page and _is_next_page(statements):
                statements.pop()
            _read_balance(one, statements[-1], context)
            if one.tag.startswith("62"):
                is_open, ends_page = False, one.tag == "62M"
        elif one.tag == "61":
            if not is_open:
                refuse_file("has a line (:61:) behind the closing balance of its statement.", row=one.row)
            line = one
    if not statements:
        refuse_file("holds no statement; one begins with :20:.")
    if is_open:
        _refuse_cut_off(statements[-1])
    return StatementFile(StatementFormat.MT940, statements, reading.faults)


def _is_next_page(statements: list[Statement]) -> bool:
    """Whether the last two are pages of one statement, whose lines are counted together."""
    return len(statements) > 1 and statements[-2].account_number == statements[-1].account_number


def _refuse_cut_off(statement: Statement) -> None:
    refuse_file(
        "is cut off: the statement that begins here has no closing balance (:62F:); download it again.",
        row=statement.row,
    )


def _fields(text: str) -> list[_Field]:
    fields: list[_Field] = []
    is_inside = False
    for row, raw in enumerate(text.splitlines(), start=1):
        written = _ENVELOPE.sub("", check_line(raw, row).rstrip())
        if written.strip() == "-" or written.startswith("-}"):
            is_inside = False
            continue
        found = _FIELD.fullmatch(written)
        if found:
            fields.append(_Field(row, found[1], [found[2]]))
            is_inside = True
        elif is_inside:
            fields[-1].lines.append(written)
        # Before the first field and between messages stands what is for the network.
    return fields


def _read_account(one: _Field, statement: Statement) -> None:
    number = one.lines[0].strip()
    # Some banks write the currency behind the number.
    if len(number) > 8 and number[-3:] in MINOR_DIGITS and not number[-4].isalpha():
        statement.currency, number = number[-3:], number[:-3].strip()
    statement.account_number = number


def _read_balance(one: _Field, statement: Statement, context: mt940.models.Transactions) -> None:
    tag = (Tags.FINAL_OPENING_BALANCE if one.tag.startswith("60") else Tags.FINAL_CLOSING_BALANCE).value
    try:
        (balance,) = tag(context, tag.parse(context, one.value)).values()
        amount, day = balance.amount, date(balance.date.year, balance.date.month, balance.date.day)
        value = Decimal(amount.amount)
    except _BROKEN:
        refuse_file(
            f':{one.tag}: {shown(one.value)} is no balance; MT940 writes it as "C240131EUR1234,56".',
            row=one.row,
        )
    currency = str(amount.currency).upper()
    if statement.currency and currency != statement.currency:
        refuse_file(
            f":{one.tag}: is in {shown(currency)}, and the statement in {statement.currency}.", row=one.row
        )
    statement.currency = currency
    if one.tag.startswith("60"):
        if statement.opening_balance is None:
            statement.opening_balance = value
    else:
        statement.closing_balance, statement.closing_day = value, day


def _read_line(
    one: _Field, details: str, statement: Statement, context: mt940.models.Transactions, reading: Reading
) -> None:
    faults = reading.faults
    known = faults.count
    found = _parsed(one, context)
    if found is None:
        faults.add(
            one.row,
            ":61:",
            f"{shown(one.value)} is no statement line with a date and an amount that exist; MT940 writes it "
            'as "2401310131D12,50NTRFREFERENCE".',
        )
        return
    day = found.get("entry_date") or found["date"]
    day = date(day.year, day.month, day.day)
    reading.check_day(one.row, day, field=":61:")
    amount = reading.amount(
        one.row, f"{found['amount'].amount:f}", field=":61:", currency=statement.currency or None
    )
    if amount is None or faults.count > known:
        return
    who, text = _explained(details[:_DETAILS_LENGTH_MAX], context)
    extra = found.get("extra_details") or ""
    customer = useful_reference(found.get("customer_reference") or "")
    reading.add(
        statement,
        StatementLine(
            row=one.row,
            day=day,
            amount=-amount,
            description=clean(
                joined(who, text) or extra or customer or "Bank transaction", DESCRIPTION_LENGTH_MAX
            ),
            counterparty=clean(who, COUNTERPARTY_LENGTH_MAX),
            reference=useful_reference(found.get("bank_reference") or ""),
            raw=partial(_raw, one.value, details),
        ),
    )


def _raw(line: str, details: str) -> dict[str, str]:
    return {"61": clean_raw(line), "86": clean_raw(details)} if details else {"61": clean_raw(line)}


def _parsed(one: _Field, context: mt940.models.Transactions) -> dict[str, Any] | None:
    """Date, entry date, amount and references of a field 61; None where it is broken."""
    first, *rest = one.lines
    value = first.strip() + ("\n" + " ".join(part.strip() for part in rest if part.strip()) if rest else "")
    for tag in _STATEMENT_LINES:
        try:
            groups = tag.parse(context, value.strip())
            if not all((groups[name] or "0").isascii() for name in ("year", "month", "day", "amount")):
                return None
            return dict(tag(context, groups))
        except _BROKEN:
            continue
    return None


def _explained(details: str, context: mt940.models.Transactions) -> tuple[str, str]:
    """The counterparty and the text of a field 86, in the ways that banks structure it."""
    if not details:
        return "", ""
    lines = [line.strip() for line in details.splitlines()]
    groups: dict[str, Any] = {"transaction_details": details}
    found = transaction_details_post_processor(context, Tags.TRANSACTION_DETAILS.value, groups, dict(groups))
    if "transaction_details" not in found:
        # As German and Austrian banks: a code, then ?00 to ?63.
        text = found.get("purpose") or found.get("posting_text") or ""
        return found.get("applicant_name") or "", joined(text, found.get("additional_purpose") or "")
    whole = "".join(lines)
    if _SLASHED.search(whole):
        parts = _SLASHED.split(whole)
        by_name: dict[str, str] = {}
        for name, value in zip(parts[1::2], parts[2::2], strict=True):
            by_name.setdefault(name, value.strip("/ "))
        contact = by_name.get("CNTP", "").split("/")
        who = by_name.get("NAME") or (contact[2] if len(contact) > 2 else "")
        text = by_name.get("REMI") or by_name.get("USTD") or by_name.get("EREF") or by_name.get("TRTP") or ""
        return who, re.sub(r"^(?:USTD|STRD)//", "", text)
    return "", " ".join(lines)

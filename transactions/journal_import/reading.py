"""The rows of a journal file, checked one by one."""

import csv
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.exceptions import ValidationError, shown
from ledger.models import Entity, Ledger
from ledger.money import minor_digits, parse_amount
from ledger.times import parse_day
from transactions.exceptions import PeriodClosedError
from transactions.journal_import.faults import Faults
from transactions.models import Transaction

if TYPE_CHECKING:
    from _csv import Reader

COLUMNS: Final = ("entry_id", "date", "description", "debit_account", "credit_account", "amount", "currency")
_DESCRIPTION_LENGTH_MAX: Final = Transaction._meta.get_field("description").max_length or 0
_ENTRY_ID_LENGTH_MAX: Final = 255


class JournalRow(NamedTuple):
    """A row that can be recorded: its amount, above 0, leaves the credit account and enters the debit one."""

    line: int
    entry_id: str
    day: date
    description: str
    debit: str
    credit: str
    amount: Decimal


class JournalReader:
    """Reads the file from its beginning each time that it is iterated."""

    def __init__(self, path: Path, entity: Entity, ledger: Ledger) -> None:
        self._path = path
        self._ledger = ledger
        self._closed_through = Entity.objects.values_list("books_closed_through", flat=True).get(pk=entity.pk)
        # Amounts as nearly all are written: no sign, no exponent, and not more digits than the currency has.
        digits = minor_digits(ledger.currency)
        self._plain_amount = re.compile(
            rf"[0-9]{{1,15}}(?:\.[0-9]{{1,{digits}}})?" if digits else "[0-9]{1,15}", re.ASCII
        ).fullmatch
        self._days: dict[str, date] = {}

    def rows(self, *, faults: Faults) -> Iterator[JournalRow]:
        """Yield the good rows, and tell `faults` of the others."""
        with self._path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            try:
                header = next(lines, [])
                places = _places(header, faults)
                if places is None:
                    return
                yield from self._body(lines, len(header), places, faults)
            except csv.Error as error:
                faults.add(lines.line_num, "", f"cannot be read as CSV: {error}.")
            except UnicodeDecodeError as error:
                # The file is decoded ahead, so the fault is here or some lines below.
                faults.add(
                    lines.line_num + 1, "", f"cannot be read as UTF-8, here or a little below: {error}."
                )

    def _body(
        self, lines: "Reader", width: int, places: tuple[int, ...], faults: Faults
    ) -> Iterator[JournalRow]:
        at_entry, at_day, at_description, at_debit, at_credit, at_amount, at_currency = places
        currency = self._ledger.currency
        days, plain_amount = self._days, self._plain_amount
        line = lines.line_num + 1
        for fields in lines:
            here, line = line, lines.line_num + 1
            if not fields:
                continue
            if len(fields) != width:
                message = (
                    f"the row has {len(fields)} values and the header {width}; write one for each column."
                )
                faults.add(here, "", message)
                continue
            entry_id, description = fields[at_entry].strip(), fields[at_description].strip()
            debit, credit = fields[at_debit].strip(), fields[at_credit].strip()
            day = days.get(fields[at_day])
            amount_text = fields[at_amount]
            if (
                day is not None
                and entry_id
                and len(entry_id) <= _ENTRY_ID_LENGTH_MAX
                and debit != credit
                and debit
                and credit
                and fields[at_currency] == currency
                and len(description) <= _DESCRIPTION_LENGTH_MAX
                and plain_amount(amount_text)
                and (amount := Decimal(amount_text))
                and "\0" not in description
                and "\0" not in entry_id
            ):
                yield JournalRow(here, entry_id, day, description, debit, credit, amount)
            else:
                row = self._slowly(
                    here, dict(zip(COLUMNS, (fields[place] for place in places), strict=True)), faults
                )
                if row is not None:
                    yield row

    def _slowly(self, line: int, fields: dict[str, str], faults: Faults) -> JournalRow | None:
        """The row, or None after naming each of its faults."""
        known = faults.count
        fields = {name: value.strip() for name, value in fields.items()}
        day = amount = None
        try:
            day = parse_day(fields["date"], field="date")
        except ValidationError as error:
            faults.add(line, "date", error.details[0].message)
        if day and self._closed_through and day <= self._closed_through:
            faults.add(line, "date", f"{shown(fields['date'])}: {PeriodClosedError(self._closed_through)}")
        try:
            amount = parse_amount(fields["amount"], currency=self._ledger.currency, field="amount")
        except ValidationError as error:
            faults.add(line, "amount", error.details[0].message)
        if fields["currency"] != self._ledger.currency:
            faults.add(
                line,
                "currency",
                f"{shown(fields['currency'])} is not the ledger's; write {self._ledger.currency}, or import "
                "into a ledger of that currency (--ledger).",
            )
        for name, length_max in (
            ("entry_id", _ENTRY_ID_LENGTH_MAX),
            ("description", _DESCRIPTION_LENGTH_MAX),
        ):
            if len(fields[name]) > length_max:
                faults.add(line, name, f"{shown(fields[name])} is longer than {length_max} characters.")
            if "\0" in fields[name]:
                faults.add(line, name, f"{shown(fields[name])} has a NUL character; leave it out.")
        for name in ("entry_id", "debit_account", "credit_account"):
            if not fields[name]:
                faults.add(line, name, '"" is empty; every row needs one.')
        debit, credit = fields["debit_account"], fields["credit_account"]
        if debit and debit == credit:
            faults.add(line, "credit_account", same_account(credit))
        if day is None or amount is None or faults.count > known:
            return None
        self._days[fields["date"]] = day
        if amount < 0:
            debit, credit, amount = credit, debit, -amount
        return JournalRow(line, fields["entry_id"], day, fields["description"], debit, credit, amount)


def _places(header: list[str], faults: Faults) -> tuple[int, ...] | None:
    """Where in a row each of COLUMNS stands; None after naming those that are missing or there twice."""
    names = [name.strip().casefold() for name in header]
    for column in COLUMNS:
        if names.count(column) != 1:
            is_or_are = "is missing from the header" if column not in names else "stands in the header twice"
            faults.add(1, column, f"{is_or_are} {shown(','.join(header))}; write {','.join(COLUMNS)}.")
    return None if faults.count else tuple(names.index(column) for column in COLUMNS)


def same_account(path: str) -> str:
    return f"{shown(path)} is the debit account too; a transaction needs two different accounts."

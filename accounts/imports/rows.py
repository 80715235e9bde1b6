"""One row of a chart as it was read, and what can be wrong with it on its own."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from accounts.choices import AccountType
from accounts.constants import ACCOUNT_NAME_LENGTH_MAX, CODE_MAX, CODE_MIN
from accounts.financial_types import FINANCIAL_TYPES, financial_types_of
from ledger.cells import as_written
from ledger.exceptions import shown

COLUMNS: Final = ("name", "type", "financial_type", "sub_type_code", "parent", "top_level", "description")
DESCRIPTION_LENGTH_MAX: Final = 1_000
_CODE: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORDS_OF_TRUTH: Final = {
    "true": True,
    "yes": True,
    "1": True,
    "false": False,
    "no": False,
    "0": False,
    "": None,
}


class RowError(NamedTuple):
    """A fault of one row: its number as its reader sees it, the column, and what would be right."""

    row: int
    field: str
    message: str


@dataclass(slots=True)
class Row:
    """One account of the file. `parent` is a code or a name, as it was written; None at the top level.

    A row's number is the one that a spreadsheet shows: the header is row 1. Rows sent as JSON count from 1.
    """

    number: int
    name: str
    type: AccountType | None = None
    financial_type: str | None = None
    code: int | None = None
    parent: str | None = None
    description: str = ""
    errors: list[RowError] = field(default_factory=list)

    def refuse(self, column: str, message: str) -> None:
        """Note a fault of this row; it and all that stands below it will not be made."""
        self.errors.append(RowError(self.number, column, message))


def column_name(header: object) -> str:
    """Return a header as our columns are spelled: `Sub Type Code` and `subTypeCode` are `sub_type_code`.

    `code`, as the templates call it, is the same column.
    """
    words = _CAMEL.sub("_", str(header).strip().lstrip("\ufeff"))
    name = re.sub(r"[\s\-_]+", "_", words).lower()
    return "sub_type_code" if name == "code" else name


def parse_row(number: int, cells: Mapping[str, object]) -> Row:
    """Return the row of these cells, by column; what is wrong with it stands in its `errors`."""
    text = {column: as_written(_text(value)) for column, value in cells.items()}
    row = Row(number, text.get("name", ""), description=text.get("description", ""))
    for column in cells:
        if column not in COLUMNS:
            row.refuse(column, f"is unknown here; the columns are {', '.join(COLUMNS)}.")
    if not 1 <= len(row.name) <= ACCOUNT_NAME_LENGTH_MAX:
        why = f"has {len(row.name)} characters" if row.name else "is empty"
        row.refuse("name", f"{why}; write 1 to {ACCOUNT_NAME_LENGTH_MAX} characters.")
    if len(row.description) > DESCRIPTION_LENGTH_MAX:
        row.refuse(
            "description", f"has {len(row.description)} characters; write at most {DESCRIPTION_LENGTH_MAX}."
        )
    for column in ("name", "description", "parent"):
        if not _storable(text.get(column, "")):
            row.refuse(column, "has a NUL character or half of a surrogate pair; leave it out.")
    _read_code(row, text.get("sub_type_code", ""))
    _read_types(row, text.get("type", ""), text.get("financial_type", ""))
    row.parent = text.get("parent") or None
    _read_top_level(row, text.get("top_level", ""))
    return row


def is_blank(cells: Iterable[object]) -> bool:
    """Return whether a line has nothing in it, as spreadsheets leave many at the end."""
    return not any(_text(cell) for cell in cells)


def _text(value: object) -> str:
    """A cell as text: a spreadsheet's 1010.0 is 1010, its TRUE is true."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal) and abs(value.adjusted()) < 40 and value == value.to_integral_value():
        return str(int(value))
    if isinstance(value, Mapping | list):
        return shown(value)
    return str(value).strip()


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _read_code(row: Row, text: str) -> None:
    if not text:
        return
    if not _CODE.fullmatch(text) or not CODE_MIN <= int(text) <= CODE_MAX:
        row.refuse(
            "sub_type_code", f"{shown(text)} is no code; write an integer from {CODE_MIN} to {CODE_MAX}."
        )
    else:
        row.code = int(text)


def _read_types(row: Row, type_: str, financial_type: str) -> None:
    """The type, and the financial type; where only that is given it tells the type."""
    if type_:
        try:
            row.type = AccountType(type_.upper())
        except ValueError:
            row.refuse(
                "type", f"{shown(type_)} is no account type; write one of {', '.join(AccountType.values)}."
            )
    if financial_type:
        code = re.sub(r"[\s\-]+", "_", financial_type).upper()
        known = FINANCIAL_TYPES.get(code)
        if known is None:
            row.refuse("financial_type", f"{shown(financial_type)} is no financial type{_choice(row.type)}.")
        elif row.type is not None and known.type is not row.type:
            row.refuse(
                "financial_type", f"{code} belongs to {known.type}, not to {row.type}{_choice(row.type)}."
            )
        else:
            row.financial_type, row.type = code, known.type


def _choice(type_: AccountType | None) -> str:
    if type_ is None:
        return "; write one such as CASH or RENT_EXPENSES"
    return f"; for {type_} write one of {', '.join(financial_types_of(type_))}"


def _read_top_level(row: Row, text: str) -> None:
    lowered = text.lower()
    if lowered not in _WORDS_OF_TRUTH:
        row.refuse("top_level", f"{shown(text)} is neither true nor false; write one of the two, or nothing.")
    elif _WORDS_OF_TRUTH[lowered] and row.parent:
        row.refuse(
            "top_level",
            f"is true, and the parent is {shown(row.parent)}; an account is one of the two, drop one.",
        )

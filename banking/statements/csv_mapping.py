"""Which column of a CSV statement is what: as a person says, as was remembered, or guessed by the names."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final, Self

from banking.statements.days import DayOrder
from banking.statements.faults import refuse_file
from ledger.exceptions import shown
from ledger.money import MINOR_DIGITS

_COLUMN_NAME_LENGTH_MAX: Final = 200


class AmountSign(StrEnum):
    """What a positive amount of a signed column means."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class CsvMapping:
    """Columns by name, or by number from 1 where a file has no header.

    Either `amount` is there, signed or with a `direction` column beside it that says debit or credit, or
    `debit` (money out) and `credit` (money in) are. What is None is read off the file.
    """

    date: str
    description: tuple[str, ...] = ()
    amount: str | None = None
    debit: str | None = None
    credit: str | None = None
    direction: str | None = None
    counterparty: str | None = None
    reference: str | None = None
    used_on: str | None = None
    category: str | None = None
    currency: str | None = None
    account: str | None = None
    balance: str | None = None
    date_order: DayOrder | None = None
    decimal_mark: str | None = None
    amount_sign: AmountSign | None = None

    @property
    def columns(self) -> list[str]:
        """Every column that it names."""
        return [getattr(self, name) for name in _SINGLE if getattr(self, name)] + list(self.description)

    @classmethod
    def parse(cls, given: object) -> Self:
        """Return the mapping that a caller sent, in either spelling of the names.

        Raises StatementFileError, naming the field, for what is none.
        """
        if not isinstance(given, Mapping):
            refuse_file(f"{shown(given)} is no object; send {FORM}.", field="mapping")
        values: dict[str, Any] = {}
        for key, value in given.items():
            name = _SPELLINGS.get(key)
            if name is None:
                refuse_file(f"is unknown; a mapping has {', '.join(NAMES)}.", field=f"mapping.{key}"[:200])
            if value is None:
                continue
            values[name] = _value(name, key, value)
        if "date" not in values:
            refuse_file("is missing; name the column of the date.", field="mapping.date")
        has_sides = "debit" in values or "credit" in values
        if ("amount" in values) == has_sides:
            refuse_file(
                "name either amount, or debit and credit, or one of these two.", field="mapping.amount"
            )
        return cls(**values)

    def as_json(self) -> dict[str, Any]:
        """The mapping as the API shows it, and as a bank account remembers it."""
        out: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if value:
                out[_camel(one.name)] = list(value) if isinstance(value, tuple) else str(value)
        return out

    def remembered(self, decimal_mark: str | None) -> Self:
        """What a bank account keeps of a mapping by which a file was read: the columns, and how its next file
        must be read to fit. A decimal mark is kept only as a person said it; each file shows its own."""
        is_plain = self.date_order is DayOrder.YEAR_FIRST
        return replace(self, date_order=None if is_plain else self.date_order, decimal_mark=decimal_mark)


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


_CHOICES: Final[dict[str, Any]] = {"date_order": DayOrder, "amount_sign": AmountSign}
_SINGLE: Final = (
    "date", "amount", "debit", "credit", "direction", "counterparty", "reference", "used_on", "category",
    "currency", "account", "balance",
)  # fmt: skip
NAMES: Final = [_camel(one.name) for one in fields(CsvMapping)]
FORM: Final = 'an object such as {"date": "Date", "amount": "Amount", "description": ["Payee", "Memo"]}'
_SPELLINGS: Final = {one.name: one.name for one in fields(CsvMapping)} | {
    _camel(one.name): one.name for one in fields(CsvMapping)
}


def _value(name: str, key: str, value: object) -> Any:
    field = f"mapping.{key}"
    if name == "description":
        listed = value if isinstance(value, list | tuple) else [value]
        if not 1 <= len(listed) <= 10:
            refuse_file(f"{shown(value)} is no list of 1 to 10 columns.", field=field)
        return tuple(_column(field, one) for one in listed)
    if name in _CHOICES:
        words = [str(one) for one in _CHOICES[name]]
        if value not in words:
            refuse_file(f"{shown(value)} is none of {', '.join(words)}.", field=field)
        return _CHOICES[name](value)
    if name == "decimal_mark":
        if value not in (".", ","):
            refuse_file(f'{shown(value)} is no decimal mark; send "." or ",".', field=field)
        return value
    return _column(field, value)


def _column(field: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1_000:
        return str(value)
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= _COLUMN_NAME_LENGTH_MAX:
        refuse_file(f"{shown(value)} is no column; send its name, or its number from 1.", field=field)
    if "\0" in value:
        refuse_file(f"{shown(value)} has a NUL character.", field=field)
    return value.strip()


def parse_words(text: str) -> dict[str, Any]:
    """Return the object that a command line means by `date=Date,amount=Amount,description=Payee+Memo`."""
    out: dict[str, Any] = {}
    for part in text.split(","):
        name, mark, value = part.partition("=")
        if not mark or not name.strip():
            refuse_file(f"{shown(part)} is not name=column; write date=Date,amount=Amount.", field="mapping")
        values = [one.strip() for one in value.split("+")]
        out[name.strip()] = values if name.strip() == "description" and len(values) > 1 else value.strip()
    return out


# --- guessing -------------------------------------------------------------------------------------

# What banks call their columns, folded: lower case, without accents, blanks and punctuation. The first name
# of a list that a file has is taken. English, German, Dutch, French, Spanish, Italian, Portuguese, Swedish.
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "date": (
        "bookingdate", "postingdate", "postdate", "posteddate", "dateposted", "buchungstag", "buchungsdatum",
        "buchung", "boekdatum", "datedecomptabilisation", "datecomptable", "dateoperation", "datedoperation",
        "fechaoperacion", "fechacontable", "datacontabile", "datalancamento", "bokforingsdag", "date",
        "datum", "fecha", "data", "transactiondate", "transdate", "completeddate", "dateutc", "wertstellung",
        "valutadatum", "valuedate", "valuta",
    ),
    "used_on": ("transactiondate", "transdate", "starteddate", "purchasedate", "kaufdatum", "dateused"),
    "amount": (
        "amount", "transactionamount", "amountusd", "amountgbp", "amounteur", "betrag", "betrageur",
        "umsatz", "umsatzineur", "bedrag", "bedrageur", "montant", "montanteur", "importe", "importo",
        "valor", "belopp", "value", "netamount", "amt",
    ),
    "debit": (
        "debit", "debitamount", "withdrawal", "withdrawals", "withdrawalamount", "paidout", "moneyout",
        "out", "soll", "sollbetrag", "lastschrift", "ausgang", "belastung", "af", "debito", "cargo", "dare",
        "addebiti", "uscite", "debiteur", "debitgbp",
    ),
    "credit": (
        "credit", "creditamount", "deposit", "deposits", "depositamount", "paidin", "moneyin", "in", "haben",
        "habenbetrag", "gutschrift", "eingang", "bij", "credito", "abono", "avere", "accrediti", "entrate",
    ),
    "direction": (
        "debitcredit", "creditdebit", "drcr", "crdr", "debitorcredit", "creditdebitindicator", "sollhaben",
        "sh", "afbij", "sens", "direction",
    ),
    "description": (
        "description", "transactiondescription", "details", "narrative", "particulars", "memo", "purpose",
        "buchungstext", "verwendungszweck", "vorgangverwendungszweck", "omschrijving", "mededelingen",
        "libelle", "libelleoperation", "concepto", "descripcion", "descrizione", "causale", "descricao",
        "beskrivning", "text", "transaction", "extendeddetails", "originaldescription",
    ),
    "counterparty": (
        "counterparty", "counterpartyname", "payee", "payeename", "merchant", "merchantname", "vendor",
        "beguenstigterzahlungspflichtiger", "beguenstigterauftraggeber", "begunstigterzahlungspflichtiger",
        "begunstigterauftraggeber", "zahlungsempfangerin", "zahlungspflichtiger", "auftraggeberempfanger",
        "auftraggeberempfaenger", "auftraggeberbeguenstigter", "auftraggeberbegunstigter",
        "zahlungsempfanger", "namezahlungsbeteiligter",
        "empfanger", "tegenpartij", "naamtegenpartij", "naamomschrijving", "name", "beneficiaire",
        "beneficiario", "mottagare",
    ),
    "reference": (
        "transactionid", "fitid", "bankreference", "transactionreference", "referencenumber", "transactionno",
        "umsatzid", "volgnr",
    ),
    "category": ("category", "kategorie", "categorie", "categoria"),
    "currency": ("currency", "wahrung", "waehrung", "munt", "devise", "divisa", "moneda", "ccy"),
    "account": ("accountnumber", "accountno", "account", "kontonummer", "auftragskonto", "ibanauftragskonto",
                "rekening", "ibanbban", "iban"),
    "balance": ("balance", "runningbalance", "runningbal", "accountbalance", "saldo", "kontostand",
                "saldonachbuchung", "saldonatrn", "solde"),
}  # fmt: skip
_AMOUNTS: Final = frozenset(_NAMES["amount"] + _NAMES["debit"] + _NAMES["credit"])


def folded(name: str) -> str:
    """Return a column's name as it is compared: lower case, without accents, blanks and punctuation."""
    plain = unicodedata.normalize("NFKD", name[:_COLUMN_NAME_LENGTH_MAX].casefold())
    return "".join(c for c in plain if c.isalnum() and c.isascii())


def looks_like_header(cells: Sequence[str]) -> bool:
    """Whether a row names at least a date and an amount."""
    names = {folded(cell) for cell in cells}
    return bool(names & set(_NAMES["date"]) and any(name in _AMOUNTS or _is_amount(name) for name in names))


def _is_amount(name: str) -> bool:
    """Whether a name is one of an amount with its currency behind it, as "amountusd"."""
    return name[:-3] in _AMOUNTS and name[-3:].upper() in MINOR_DIGITS


def guess_mapping(header: Sequence[str]) -> CsvMapping | None:
    """Return what a header's columns are by their names; None where date or amounts are not among them."""
    by_name: dict[str, str] = {}
    for cell in header:
        if cell.strip():
            by_name.setdefault(folded(cell), cell.strip())
    found: dict[str, Any] = {}
    taken: set[str] = set()
    for what, names in _NAMES.items():
        if what == "description":
            continue
        for name in names:
            column = by_name.get(name) or _with_currency(by_name, name, what)
            if column is not None and column not in taken:
                found[what] = column
                taken.add(column)
                break
    if "amount" in found:
        found.pop("debit", None)
        found.pop("credit", None)
    description = [by_name[name] for name in by_name if name in _NAMES["description"]]
    found["description"] = tuple(column for column in description if column not in taken)[:10]
    if "date" not in found or not ({"amount", "debit", "credit"} & found.keys()):
        return None
    return CsvMapping(**found)


def _with_currency(by_name: Mapping[str, str], name: str, what: str) -> str | None:
    """The column whose name has a currency behind it: "Betrag (EUR)"."""
    if what not in {"amount", "debit", "credit", "balance"}:
        return None
    return next(
        (
            column
            for known, column in by_name.items()
            if known[:-3] == name and known[-3:].upper() in MINOR_DIGITS
        ),
        None,
    )

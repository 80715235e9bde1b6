"""Books as hledger reads them (https://hledger.org/1.25/hledger.html#journal-format)."""

import re
from decimal import Decimal
from typing import Final
from uuid import UUID

from accounts.choices import AccountType
from accounts.financial_types import is_cash
from ledger.ids import Prefix, encode_id
from ledger.money import as_text, minor_digits
from reports.exports.books import Books, ExportRow, Month, Standing
from reports.exports.chart import ChartAccount, ExportedAccount
from transactions.choices import FINAL

_TYPES: Final = {
    AccountType.ASSET: "A",
    AccountType.LIABILITY: "L",
    AccountType.EQUITY: "E",
    AccountType.REVENUE: "R",
    AccountType.EXPENSE: "X",
}
_CASH: Final = "C"
_BREAKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


class HledgerWriter:
    """Writes transactions of two postings with our ids as codes, `*` for posted and `!` for waiting ones,
    and at each month's end a transaction of nothing that asserts the balances that the month changed."""

    def __init__(self, books: Books, accounts: list[ExportedAccount]) -> None:
        self._books = books
        self._accounts = accounts
        self._currency = books.ledger.currency
        self._names = {one.account.id: one.name for one in accounts}

    def beginning(self, months: list[Month]) -> str:
        """The currency, and each account with its type, so that hledger's own statements find them."""
        lines = [
            f"; {_line(str(self._books.entity))}",
            "",
            "decimal-mark .",
            f"commodity 1000.{'0' * minor_digits(self._currency)} {self._currency}",
            "",
        ]
        for account, name, _ in self._accounts:
            tags = f"type:{_type(account)}, id:{account.public_id}"
            if account.code is not None:
                tags += f", code:{account.code}"
            if account.closed_on:
                tags += f", closed:{account.closed_on}"
            lines.append(f"account {name}  ; {tags}")
            if name != account.path:
                lines.append(f"  ; name:{_line(account.path)}")
        return "\n".join(lines) + "\n\n"

    def opening(self, standings: list[Standing]) -> str:
        """One transaction on the day before, that brings the balances forward."""
        postings = "".join(self._posting(one.account_id, one.own) for one in standings if one.own)
        return f"{self._books.day_before} * Balances brought forward\n{postings}\n" if postings else ""

    def transaction(self, row: ExportRow) -> str:
        """One transaction; those of one journal entry share its id as a tag."""
        flag = "*" if row.status in FINAL else "!"
        note = _words(row.description)
        if row.counterparty:
            note = f"{_words(row.counterparty).replace('|', '/')} | {note}"
        lines = [f"{row.date} {flag} ({encode_id(Prefix.TRANSACTION, row.id)}) {note}".rstrip()]
        tags = {
            "journal": row.journal_entry_id and encode_id(Prefix.JOURNAL_ENTRY, row.journal_entry_id),
            "reverses": row.reverses_id and encode_id(Prefix.TRANSACTION, row.reverses_id),
            "reversed-by": row.reversed_by_id and encode_id(Prefix.TRANSACTION, row.reversed_by_id),
            "reclassifies": row.reclassifies_id and encode_id(Prefix.TRANSACTION, row.reclassifies_id),
        }
        said = ", ".join(f"{name}:{value}" for name, value in tags.items() if value)
        if said:
            lines.append(f"  ; {said}")
        return (
            "\n".join(lines)
            + "\n"
            + self._posting(row.debit_account_id, row.amount)
            + self._posting(row.credit_account_id, -row.amount)
            + "\n"
        )

    def assertions(self, month: Month, standings: list[Standing]) -> str:
        """A transaction of the day after in which nothing moves, and each balance is asserted."""
        if not standings:
            return ""
        nothing = as_text(Decimal(0), self._currency)
        lines = [
            f"  {self._names[one.account_id]}  {nothing} {self._currency}"
            f" = {as_text(one.own, self._currency)} {self._currency}\n"
            for one in standings
        ]
        return f"{month.day_after} * Balances at the end of {month.end}\n{''.join(lines)}\n"

    def _posting(self, account_id: UUID, amount: Decimal) -> str:
        return f"  {self._names[account_id]}  {as_text(amount, self._currency)} {self._currency}\n"


def _type(account: ChartAccount) -> str:
    return _CASH if account.financial_type and is_cash(account.financial_type) else _TYPES[account.type]


def _line(text: str) -> str:
    return _BREAKS.sub(" ", text).strip()


def _words(text: str) -> str:
    """Text of one line that begins no comment."""
    return _line(text).replace(";", ",")

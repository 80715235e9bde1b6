"""Books as beancount reads them (https://beancount.github.io/docs/beancount_language_syntax.html)."""

from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from ledger.ids import Prefix, encode_id
from ledger.money import as_text
from reports.exports.books import Books, ExportRow, Month, Standing
from reports.exports.chart import ExportedAccount
from transactions.choices import FINAL, Status

# Beancount reads these escapes inside of its strings, and all other characters as they are.
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})
_LINKS: Final = ("reverses", "reversed_by", "reclassifies")


class BeancountWriter:
    """Writes transactions of two postings with our ids as metadata, `*` for posted and `!` for waiting ones,
    and a balance assertion without tolerance for each account that a month changed."""

    def __init__(self, books: Books, accounts: list[ExportedAccount]) -> None:
        self._books = books
        self._accounts = accounts
        self._currency = books.ledger.currency
        self._names = {one.account.id: one.name for one in accounts}

    def beginning(self, months: list[Month]) -> str:
        """The title, the currency, and an `open` for each account of the chart, used or not."""
        first_day = self._first_day(months)
        currency = self._currency
        lines = [
            f"option {_text('title')} {_text(str(self._books.entity))}",
            f"option {_text('operating_currency')} {_text(currency)}",
            "",
            f"{first_day} commodity {currency}",
            "",
        ]
        for account, name, _ in self._accounts:
            lines += [
                f"{first_day} open {name} {currency}",
                f"  id: {_text(account.public_id)}",
                f"  name: {_text(account.path)}",
            ]
            if account.code is not None:
                lines.append(f"  code: {_text(str(account.code))}")
            if account.financial_type:
                lines.append(f"  financial-type: {_text(account.financial_type)}")
            if account.closed_on:
                lines.append(f"  closed: {account.closed_on}")
        return "\n".join(lines) + "\n\n"

    def opening(self, standings: list[Standing]) -> str:
        """One transaction on the day before, that brings the balances forward."""
        postings = "".join(self._posting(one.account_id, one.own) for one in standings if one.own)
        return f'{self._books.day_before} * "Balances brought forward"\n{postings}\n' if postings else ""

    def transaction(self, row: ExportRow) -> str:
        """One transaction; those of one journal entry share its id as a link."""
        flag = "*" if row.status in FINAL else "!"
        payee = f"{_text(row.counterparty)} " if row.counterparty else ""
        link = f" ^{encode_id(Prefix.JOURNAL_ENTRY, row.journal_entry_id)}" if row.journal_entry_id else ""
        lines = [
            f"{row.date} {flag} {payee}{_text(row.description)}{link}",
            f'  id: "{encode_id(Prefix.TRANSACTION, row.id)}"',
        ]
        if row.status != Status.POSTED:
            lines.append(f'  status: "{row.status}"')
        if row.external_id is not None:
            lines.append(f"  external-id: {_text(row.external_id)}")
        for link_name in _LINKS:
            other = getattr(row, f"{link_name}_id")
            if other is not None:
                lines.append(f'  {link_name.replace("_", "-")}: "{encode_id(Prefix.TRANSACTION, other)}"')
        return (
            "\n".join(lines)
            + "\n"
            + self._posting(row.debit_account_id, row.amount)
            + self._posting(row.credit_account_id, -row.amount)
            + "\n"
        )

    def assertions(self, month: Month, standings: list[Standing]) -> str:
        """A `balance` of the morning after for each account; it counts the accounts below, so do we."""
        lines = [
            # Beancount forgives a cent unless told that nothing is forgiven.
            f"{month.day_after} balance {self._names[one.account_id]}  "
            f"{as_text(one.inclusive, self._currency)} ~ 0 {self._currency}\n"
            for one in standings
        ]
        return "".join(lines) + "\n" if lines else ""

    def _first_day(self, months: list[Month]) -> date:
        if self._books.start is not None:
            return self._books.day_before
        return months[0].first_used if months else self._books.ledger.created_at.date()

    def _posting(self, account_id: UUID, amount: Decimal) -> str:
        return f"  {self._names[account_id]}  {as_text(amount, self._currency)} {self._currency}\n"


def _text(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'

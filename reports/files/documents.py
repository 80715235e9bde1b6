"""Statements on paper: what the templates are told."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import chain, groupby
from typing import Any, Final

from ledger.clock import utc_now
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, encode_id
from reports.basis import Basis
from reports.files.charts import chart
from reports.files.figures import on_paper
from reports.files.formats import FileFormat
from reports.files.layout import set_lines
from reports.files.orders import Order, Statement
from reports.files.typesetting import typeset
from reports.files.wording import NOTHING, facts, ledger_notes, made_label
from reports.frame import Scope
from reports.snapshot import snapshot
from reports.statements.general_ledger import GeneralLedger, iterate_entries
from reports.statements.table import StatementTable, Style, period_label

# A thousand pages: nobody reads more, and CSV has them all.
PDF_ENTRIES_MAX: Final = 40_000
# From here on the marks for screen readers would make the file ten times as long.
_LONG_ENTRIES: Final = 2_000
# Whose money is written on Letter; all others write on A4 (ISO 216).
_LETTER_CURRENCIES: Final = frozenset({"USD", "CAD", "MXN", "CLP", "COP", "CRC", "GTQ", "PHP", "VES"})


def statement_document(order: Order) -> bytes:
    """The statement as a PDF. Raises what `Order.table` raises."""
    if order.statement is Statement.GENERAL_LEDGER:
        return _general_ledger_document(order)
    overview = order.overview() if order.statement is Statement.OVERVIEW else None
    table = overview.table() if overview else order.table()
    lines = set_lines(table, order.paths() if order.statement is Statement.TRIAL_BALANCE else {})
    has_codes = table.key == Statement.TRIAL_BALANCE
    data = _head(table.title, table.subtitle, table.basis, order.scope) | {
        "columns": [column.label for column in table.columns],
        "lines": [
            {
                "label": line.label,
                "code": str(line.code) if has_codes and line.code is not None else "",
                "level": line.level,
                "style": line.style.value,
                "amounts": [on_paper(amount, table.currency) for amount in line.amounts],
            }
            for line in lines
        ],
        "notes": list(table.notes),
        "is_empty": is_empty(table),
        # Two columns of amounts and more than one period beside another need a wide page.
        "flipped": len(table.columns) > 3 and overview is None,
        "chart": chart(overview, FileFormat.SVG, framed=False).decode() if overview else None,
        "amount_characters": max(
            (len(on_paper(amount, table.currency)) for line in lines for amount in line.amounts), default=0
        ),
    }
    return typeset("statement", data, FileFormat.PDF)


def is_empty(table: StatementTable) -> bool:
    """Whether no line but sums has an amount."""
    return not any(any(line.amounts) for line in table.lines if line.style is Style.LINE)


def _head(title: str, subtitle: str, basis: Basis, scope: Scope) -> dict[str, Any]:
    return {
        "company": str(scope.entity),
        "title": title,
        "subtitle": subtitle,
        "facts": facts(basis, scope),
        "made": made_label(utc_now(), scope.entity),
        "paper": "us-letter" if scope.currency in _LETTER_CURRENCIES else "a4",
        "nothing": NOTHING,
    }


def _general_ledger_document(order: Order) -> bytes:
    with snapshot():
        ledger, paths = order.general_ledger(), order.paths()
        accounts = list(_ledger_accounts(ledger, paths))
    entries = sum(len(account["entries"]) for account in accounts)
    # By accrual whatever the statements' basis: it shows what was booked.
    data = _head("General Ledger", period_label(order.period), Basis.ACCRUAL, order.scope) | {
        "columns": ["Date", "Description", "Debit", "Credit", "Balance"],
        "accounts": accounts,
        "debits": on_paper(ledger.total_debits, order.scope.currency),
        "credits": on_paper(ledger.total_credits, order.scope.currency),
        "notes": ledger_notes(order, paths),
        "is_long": entries > _LONG_ENTRIES,
        "amount_characters": _longest_amount(accounts),
    }
    return typeset("general-ledger", data, FileFormat.PDF)


def _longest_amount(accounts: list[dict[str, Any]]) -> int:
    """How many characters the longest amount of a general ledger has."""
    balances = (entry[-1] for account in accounts for entry in account["entries"])
    sums = (account[name] for account in accounts for name in ("opening", "closing", "debits", "credits"))
    return max(map(len, chain(balances, sums)), default=0)


def _ledger_accounts(ledger: GeneralLedger, paths: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The accounts that had a balance or an entry, each with its entries.

    Raises ValidationError, naming `format`, where there are too many for paper.
    """
    currency = ledger.frame.scope.currency
    read = 0
    by_account = groupby(iterate_entries(ledger), key=lambda entry: entry.account.id)
    current = next(by_account, None)
    for one in ledger.accounts:
        entries: list[list[str]] = []
        if current is not None and current[0] == one.account.id:
            for entry in current[1]:
                read += 1
                if read > PDF_ENTRIES_MAX:
                    raise too_long("pdf", PDF_ENTRIES_MAX)
                entries.append(
                    [
                        entry.date.isoformat(),
                        entry.description,
                        on_paper(entry.debit or None, currency),
                        on_paper(entry.credit or None, currency),
                        on_paper(entry.running_balance, currency),
                    ]
                )
            current = next(by_account, None)
        if not entries and not one.opening:
            continue
        yield {
            "name": paths.get(encode_id(Prefix.ACCOUNT, one.account.id), one.account.name),
            "code": "" if one.account.code is None else str(one.account.code),
            "opening": on_paper(one.opening, currency),
            "closing": on_paper(one.closing, currency),
            "debits": on_paper(one.moved.debits if one.weights.debit else Decimal(0), currency),
            "credits": on_paper(one.moved.credits if one.weights.credit else Decimal(0), currency),
            "entries": entries,
        }


def too_long(format_: str, entries_max: int) -> ValidationError:
    """The refusal of a general ledger that does not fit into that form."""
    return ValidationError.of(
        "format",
        f'"{format_}" takes up to {entries_max:,} entries and there are more; send csv, or a shorter period.',
    )

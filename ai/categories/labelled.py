"""Labelled lines of companies, from which the prior and the mixture are made and by which they are measured.

A file has a row per line, `date,entity,description,amount,counterparty,merchant_category,category`, amounts
positive where money left. Nothing of it is shipped but what `prior/make.py` and `bench/category_weights.py`
make.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from accounts.choices import AccountType
from ai.categories.chart import Candidate
from ai.categories.texts import Line

_NAMESPACE: Final = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
_COLUMNS: Final = {"date", "entity", "description", "amount", "category"}
_PAIRS: Final = {"date", "description", "amount", "debit_account", "credit_account"}
# A journal's own name of a kind of account, and what it is here.
_TYPES: Final = {
    "expenses": AccountType.EXPENSE,
    "revenues": AccountType.REVENUE,
    "income": AccountType.REVENUE,
    "assets": AccountType.ASSET,
    "liabilities": AccountType.LIABILITY,
    "equity": AccountType.EQUITY,
}


class Row(NamedTuple):
    line: Line
    date: date
    # A key of the company's accounts.
    account_id: UUID


class Company(NamedTuple):
    """One entity of a file, its lines oldest first."""

    name: str
    accounts: tuple[Candidate, ...]
    rows: tuple[Row, ...]


def read_file(path: Path) -> list[Company]:
    """The companies of a file, by name. Every account of the file is in the chart of each: a council's units
    share one. Rows without a category or an amount are left out. A journal of debit and credit accounts is
    one company.

    Raises ValueError where the columns are others.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns = set(reader.fieldnames or ())
        found = list(reader)
    if columns >= _COLUMNS:
        labelled = [
            (row["entity"], row["category"], AccountType.EXPENSE, row)
            for row in found
            if row["category"].strip() and Decimal(row["amount"])
        ]
    elif columns >= _PAIRS:
        labelled = list(_of_journal(found, path.stem))
    else:
        raise ValueError(f"{path.name}: columns are {sorted(columns)}; {sorted(_COLUMNS)} are needed.")
    chart = {
        name: Candidate(uuid5(_NAMESPACE, f"{path.name}/{name}"), name, type_, None, None)
        for name, type_ in sorted({(name, type_) for _, name, type_, _ in labelled})
    }
    companies: dict[str, list[Row]] = defaultdict(list)
    for entity, category, _, row in labelled:
        line = Line(
            row["description"],
            row.get("counterparty", ""),
            row.get("merchant_category", ""),
            Decimal(row["amount"]),
        )
        companies[entity].append(Row(line, date.fromisoformat(row["date"]), chart[category].id))
    return [
        Company(name, tuple(chart.values()), tuple(sorted(rows, key=lambda row: row.date)))
        for name, rows in sorted(companies.items())
    ]


def _of_journal(
    found: list[dict[str, str]], name: str
) -> Iterator[tuple[str, str, AccountType, dict[str, str]]]:
    """Entries of a journal that one revenue or expense account says the purpose of."""
    for row in found:
        debit, credit = row["debit_account"], row["credit_account"]
        kinds = [_TYPES.get(account.partition(":")[0]) for account in (debit, credit)]
        if kinds[0] == AccountType.EXPENSE and kinds[1] in (AccountType.ASSET, AccountType.LIABILITY):
            yield name, debit, AccountType.EXPENSE, row
        elif kinds[1] == AccountType.REVENUE and kinds[0] in (AccountType.ASSET, AccountType.LIABILITY):
            yield name, credit, AccountType.REVENUE, row | {"amount": f"-{row['amount']}"}

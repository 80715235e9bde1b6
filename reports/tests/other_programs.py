"""Exported books, as the programs read them that they are for: beancount, hledger."""

import csv
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest

from ledger.ids import Prefix, encode_id
from reports.exports import Books, ExportFormat, export_books
from reports.exports.chart import chart_of
from transactions.trial_balance import trial_balance

BIN = Path(sys.executable).parent


def text_of(books: Books, format_: ExportFormat) -> str:
    return "".join(export_books(books, format_))


def bean_check(file: Path) -> None:
    """Have beancount read the file; any error of it fails the test."""
    done = subprocess.run([BIN / "bean-check", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr


def bean_query(file: Path, query: str) -> list[dict[str, str]]:
    """What beancount's query language answers, as rows."""
    done = subprocess.run(
        [BIN / "bean-query", "--format", "csv", file, query], capture_output=True, text=True, check=True
    )
    return [
        {name.strip(): value.strip() for name, value in row.items()}
        for row in csv.DictReader(StringIO(done.stdout))
    ]


def beancount_balances(file: Path, where: str = "") -> dict[str, Decimal]:
    rows = bean_query(file, f"SELECT account, sum(number) AS total {where} GROUP BY account")
    return {row["account"]: Decimal(row["total"]) for row in rows if Decimal(row["total"])}


def hledger(file: Path, *arguments: str) -> str:
    """What hledger prints; any error of it fails the test."""
    program = shutil.which("hledger")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("hledger is not installed; on Debian it is the package hledger")
        pytest.skip("hledger is not on this machine")
    done = subprocess.run(
        [program, "-f", file, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def hledger_balances(file: Path, *arguments: str) -> dict[str, Decimal]:
    printed = hledger(file, "balance", "--flat", "--no-total", "-O", "csv", *arguments)
    return {
        row["account"]: Decimal(row["balance"].removesuffix(" USD"))
        for row in csv.DictReader(StringIO(printed))
    }


def our_balances(books: Books) -> dict[str, Decimal]:
    """What stands on the accounts by our own trial balance, by id, debits positive."""
    balance = trial_balance(entity=books.entity, ledger=books.ledger, as_of=books.end, pending=books.pending)
    return {
        encode_id(Prefix.ACCOUNT, line.account_id): line.debit - line.credit
        for line in balance.lines
        if line.debit != line.credit
    }


def our_balances_by_path(books: Books) -> dict[str, Decimal]:
    paths = {account.public_id: account.path for account in chart_of(books.entity, books.ledger)}
    return {paths[id_]: balance for id_, balance in our_balances(books).items()}


def by_beancount_name(books: Books, file: Path) -> dict[str, Decimal]:
    """Our balances under the names that the export gave the accounts, which its metadata tell."""
    rows = bean_query(file, "SELECT account, open_meta(account)['id'] AS id, sum(number) GROUP BY 1, 2")
    names = {row["id"]: row["account"] for row in rows}
    return {names[id_]: balance for id_, balance in our_balances(books).items()}


def written(tmp_path: Path, books: Books, format_: ExportFormat) -> Path:
    file = tmp_path / f"books.{format_.suffix}"
    file.write_text(text_of(books, format_), encoding="utf-8")
    return file

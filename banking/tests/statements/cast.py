"""The cast of the tests of statement files: a company with a bank account, and the samples."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from accounts.tests.conftest import make_books
from banking.models import BankAccount, BankLine, StatementImport
from banking.statements.csv_mapping import CsvMapping
from banking.statements.importing import import_statement
from banking.tests.rules_cast import Client
from ledger.actors import SYSTEM
from ledger.tests.helpers import make_developer
from transactions.models import Transaction
from transactions.tests.conftest import Company

SAMPLES: Final = Path(__file__).parent / "samples"
# Each dialect: the account's currency and type, how many lines each of its two files has, and how many of the
# second file are not in the first.
DIALECTS: Final = {
    "ofx_us_checking": ("USD", "depository", 5, 5, 2),
    "ofx_card": ("USD", "credit", 4, 4, 1),
    "ofx_uk_xml": ("GBP", "depository", 3, 3, 1),
    "camt_de_batches": ("EUR", "depository", 6, 5, 2),
    "camt_ch_prefixed": ("CHF", "depository", 4, 4, 1),
    "camt_nl_days": ("EUR", "depository", 2, 2, 1),
    "mt940_de_structured": ("EUR", "depository", 4, 3, 1),
    "mt940_nl_slashes": ("EUR", "depository", 2, 2, 1),
    "mt940_gb_daily": ("GBP", "depository", 3, 2, 1),
    "csv_us_signed": ("USD", "depository", 4, 5, 2),
    "csv_gb_columns": ("GBP", "depository", 3, 4, 2),
    "csv_de_preamble": ("EUR", "depository", 4, 4, 1),
}


def sample(dialect: str, number: int) -> bytes:
    """One of the two files of a dialect."""
    (path,) = SAMPLES.glob(f"{dialect}_{number}.*")
    return path.read_bytes()


def csv(*rows: str) -> bytes:
    """A CSV file of these lines."""
    return "\n".join([*rows, ""]).encode()


class Holder:
    """A company with one bank account, whose statements come as files."""

    def __init__(self, currency: str = "USD", type_: str = "depository", **more: Any) -> None:
        developer = make_developer(f"Holder {currency}")
        company = Company(developer, make_books("Holder", currency=currency, developer=developer.developer))
        client = Client(company=company)
        self.client, self.company, self.entity = client, company, client.entity
        self.account = client.checking
        BankAccount.objects.filter(id=self.account.id).update(type=type_, **more)
        self.account.refresh_from_db()

    def upload(self, data: bytes, *, mapping: Any = None, **more: Any) -> StatementImport:
        """Import a file, as the account is by now."""
        self.account.refresh_from_db()
        return import_statement(
            entity=self.entity,
            bank_account=self.account,
            data=data,
            mapping=CsvMapping.parse(mapping) if mapping else None,
            actor=SYSTEM,
            **more,
        )

    def lines(self) -> list[tuple[str, Decimal, str]]:
        """Day, amount and text of every line, oldest first."""
        rows = BankLine.objects.filter(entity=self.entity).order_by("date", "amount", "provider_line_id")
        return [(str(one.date), one.amount, one.description) for one in rows]

    def transaction_count(self) -> int:
        """How many transactions are in the books."""
        return Transaction.objects.filter(entity=self.entity).count()

"""The cast of the tests of banks: a bakery with bank accounts, and what its banks say."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.transaction import atomic

from accounts.models import Account
from accounts.system_accounts import make_system_accounts
from accounts.tests.conftest import make_account, make_books
from banking.choices import LineStatus
from banking.models import BankAccount, BankLine, LineLink
from banking.providers.base import LineSeen
from banking.services.recording import Recorded, record_lines
from banking.services.storing import store_lines
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.ids import new_id
from ledger.models import Entity
from ledger.tests.helpers import make_developer
from transactions.models import Transaction
from transactions.tests.conftest import Company, assert_totals_hold
from transactions.verification import verify_books

DAY = dt.date(2024, 3, 15)


class Banked(Company):
    """A company with a checking account, a savings account and a card, all fed by statement files."""

    def __post_init__(self) -> None:
        super().__post_init__()
        with atomic():
            make_system_accounts(entity=self.entity, ledger=self.ledger, actor=SYSTEM)
        self.uncategorized_income = self.of_role("uncategorized_income")
        self.uncategorized_expense = self.of_role("uncategorized_expense")
        self.card_account = make_account(self.ledger, "Visa", "LIABILITY", financial_type="CREDIT_CARD")
        self.savings_account = make_account(self.ledger, "Savings", financial_type="SAVINGS")
        self.checking = self.bank_account(self.bank, "Checking", mask="1234")
        self.savings = self.bank_account(self.savings_account, "Savings", subtype="savings", mask="5678")
        self.card = self.bank_account(
            self.card_account, "Visa", type_="credit", subtype="credit card", mask="9012"
        )

    def of_role(self, role: str) -> Account:
        return Account.objects.get(entity_id=self.entity.id, role=role)

    def bank_account(
        self,
        account: Account,
        name: str,
        *,
        type_: str = "depository",
        subtype: str = "checking",
        mask: str = "",
    ) -> BankAccount:
        return BankAccount.objects.create(
            id=new_id(), entity=self.entity, name=name, mask=mask, type=type_, subtype=subtype,
            ledger=account.ledger, ledger_account=account, currency=account.currency, created_at=utc_now(),
        )  # fmt: skip

    def line(self, provider_line_id: str, account: BankAccount | None = None) -> BankLine:
        """The line as the database has it now."""
        return BankLine.objects.get(
            entity_id=self.entity.id,
            bank_account_id=(account or self.checking).id,
            provider_line_id=provider_line_id,
        )

    def transactions_of(self, line: BankLine) -> list[Transaction]:
        """What stands for the line."""
        ids = LineLink.objects.filter(entity_id=self.entity.id, line_id=line.id).values("transaction_id")
        return list(Transaction.objects.filter(entity_id=self.entity.id, id__in=ids).order_by("id"))

    def transaction_of(self, provider_line_id: str, account: BankAccount | None = None) -> Transaction:
        """The one transaction that stands for the line."""
        [found] = self.transactions_of(self.line(provider_line_id, account))
        return found

    def all_transactions(self) -> list[Transaction]:
        return list(Transaction.objects.filter(entity_id=self.entity.id).order_by("id"))


def make_banked(name: str = "Bakery", *, zone: str = "UTC") -> Banked:
    made = make_developer(name)
    return Banked(made, make_books(name, developer=made.developer, zone=zone))


def seen(id_: str, amount: str, **more: Any) -> LineSeen:
    """A posted line of the cast's day: money out where the amount is positive."""
    values: dict[str, Any] = {
        "account_id": "acct",
        "pending": False,
        "pending_line_id": None,
        "date": DAY,
        "authorized_date": None,
        "currency": "USD",
        "description": "POS DEBIT MILLER FLOUR 0042",
    }
    return LineSeen(id=id_, amount=Decimal(amount), **(values | more))


def feed(company: Banked, *lines: LineSeen, account: BankAccount | None = None) -> Recorded:
    """Store and record, as a sync or a file does."""
    with atomic():
        stored = store_lines(company.entity, account or company.checking, lines)
        return record_lines(entity=company.entity, line_ids=stored.new_ids, actor=SYSTEM)


def assert_books_hold(entity: Entity) -> None:
    """Nothing that `manage.py verify` looks at is wrong, and each line is where its links say."""
    assert list(verify_books(entity)) == []
    assert_totals_hold(entity)


def statuses(company: Banked) -> dict[str, LineStatus]:
    """Where each line is, by the provider's id."""
    lines = BankLine.objects.filter(entity_id=company.entity.id).values_list("provider_line_id", "status")
    return {line_id: LineStatus(status) for line_id, status in lines}

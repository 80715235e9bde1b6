"""What the tests of integrations share: a company that connects, and what its books then say."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import banking.tasks  # noqa: F401 - the worker knows the work
from accounts.models import Account
from accounts.services.outside import OUTSIDE_IDS
from banking.models import Integration
from banking.tests.fake_programs import FakeProgram, FakeQuickBooks, FakeStripe, FakeXero, query_of
from ledger.background_runs import run_task
from ledger.ids import Prefix, decode_id
from ledger.models import BackgroundTask, Entity
from ledger.services.developers import NewDeveloper
from ledger.tests.helpers import Caller, caller_of, make_developer, make_entity

BROWSER = {"HTTP_ACCEPT": "text/html,application/xhtml+xml"}


@dataclass
class Customer:
    """A company of a developer, and the developer's program that calls us."""

    name: str = "Corner Bakery LLC"
    settings: dict[str, Any] = field(default_factory=dict)
    developer: NewDeveloper = field(init=False)
    entity: Entity = field(init=False)
    caller: Caller = field(init=False)

    def __post_init__(self) -> None:
        self.developer = make_developer(f"Platform of {self.name}")
        self.entity = make_entity(self.developer.developer, self.name, **self.settings)
        self.caller = caller_of(self.developer)

    def get(self, path: str, **more: Any) -> Any:
        return self.caller.get(f"/v1/{path}", {"entityId": self.entity.public_id} | more)

    def post(self, path: str, **body: Any) -> Any:
        return self.caller.post(f"/v1/{path}", {"entityId": self.entity.public_id} | body)

    def begin(self, provider: str = "quickbooks") -> str:
        """The link that the person opens."""
        answer = self.post("integrations/connect", provider=provider)
        assert answer.status_code == 200, answer.content
        return str(answer.json()["link"])

    def come_back(self, provider: str, brought: dict[str, str], **headers: Any) -> Any:
        """The person's browser, sent back to us."""
        path = f"/v1/integrations/callback/{provider}?{query_of(brought)}"
        return Caller().get(path, **(BROWSER | headers))

    def connect(self, program: FakeProgram) -> Any:
        """The whole way: link, permission, coming back."""
        provider = program.prefix.lower()
        page = self.come_back(provider, program.allow(self.begin(provider)))
        assert page.status_code == 200, page.content
        return page

    def run_import(self) -> BackgroundTask:
        """Do the work that waits, as a worker would; the row afterwards."""
        task = BackgroundTask.objects.filter(entity_id=self.entity.id, state="queued").latest("created_at")
        run_task(self.entity.id, task.id)
        task.refresh_from_db()
        return task

    def import_again(self, provider: str) -> BackgroundTask:
        answer = self.post("integrations/sync", integrationType=provider)
        assert answer.status_code == 200, answer.content
        task_id = decode_id(Prefix.TASK, answer.json()["taskId"], field="taskId")
        assert BackgroundTask.objects.get(id=task_id).state == "queued"
        return self.run_import()

    @property
    def integration(self) -> Integration:
        return Integration.objects.filter(entity_id=self.entity.id).latest("created_at")

    def shown(self) -> dict[str, Any]:
        """The one integration, as the API shows it."""
        answer = self.get("integrations/status").json()
        assert answer["count"] == 1
        assert answer["connections"] == answer["integrations"]
        return dict(answer["connections"][0])

    def balances(self, **query: str) -> dict[str, Decimal]:
        """The trial balance by the accounts' ids at the provider, debits above zero."""
        answer = self.get("reports/trial-balance", **query)
        assert answer.status_code == 200, answer.content
        outside = self.outside_ids()
        return {
            outside[row["id"]]: Decimal(str(row["debit"])) - Decimal(str(row["credit"]))
            for row in answer.json()["accounts"]
            if Decimal(str(row["debit"])) - Decimal(str(row["credit"]))
        }

    def outside_ids(self) -> dict[str, str]:
        """The id at the provider of each account that stands for one there, by ours."""
        return {
            account.public_id: next(iter(account.metadata[OUTSIDE_IDS].values()))
            for account in Account.objects.for_entity(self.entity)
            if account.metadata and OUTSIDE_IDS in account.metadata
        }

    def account(self, outside_id: str) -> Account:
        """What stands for the provider's account."""
        ours = {theirs: id_ for id_, theirs in self.outside_ids().items()}[outside_id]
        return Account.objects.get(id=decode_id(Prefix.ACCOUNT, ours, field="id"))


def state_in(link: str) -> str:
    """The state that a link carries."""
    return parse_qs(urlsplit(link).query)["state"][0]


@pytest.fixture
def quickbooks() -> Iterator[FakeQuickBooks]:
    """A company at QuickBooks with a chart of accounts and some entries."""
    with FakeQuickBooks().running() as fake:
        fake.account("1", "Checking", "Bank", "Checking", AcctNum="1010")
        fake.account("2", "Savings", "Bank", "Savings", ParentRef={"value": "1"}, SubAccount=True)
        fake.account("3", "Sales", "Income", "SalesOfProductIncome")
        fake.account("4", "Rent", "Expense", "RentOrLeaseOfBuildings")
        fake.account("5", "Visa", "Credit Card", "CreditCard", Active=False)
        fake.entry("11", "2024-01-05", ("1", "100.10"), ("3", "-100.10"))
        fake.entry("12", "2024-01-31", ("4", "50.00"), ("1", "-38.00"), ("5", "-12.00"))
        fake.entry("13", "2024-02-01", ("2", "0.01"), ("1", "-0.01"))
        yield fake


@pytest.fixture
def xero() -> Iterator[FakeXero]:
    """An organisation at Xero with a sale and its tax."""
    with FakeXero().running() as fake:
        fake.account("a-bank", "Business account", "BANK", Code="090")
        fake.account("a-card", "Company card", "BANK", BankAccountType="CREDITCARD")
        fake.account("a-sales", "Sales", "SALES", Code="200")
        fake.account("a-gst", "GST", "CURRLIAB", Code="820", SystemAccount="GST")
        fake.account("a-debtors", "Accounts Receivable", "CURRENT", Code="610", SystemAccount="DEBTORS")
        midnight = 1_706_745_600_000  # 2024-02-01
        fake.journal(3, midnight, ("a-debtors", "115.00"), ("a-sales", "-100.00"), ("a-gst", "-15.00"))
        fake.journal(4, midnight, ("a-bank", "115.00"), ("a-debtors", "-115.00"))
        yield fake


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    """An account at Stripe that has sold, given back and paid out."""
    with FakeStripe().running() as fake:
        fake.transaction("txn_1", "charge", 10_000, 320, description="Cake")
        fake.transaction("txn_2", "refund", -2_500)
        fake.transaction("txn_3", "adjustment", -1_000, 1_500, description="Chargeback")
        fake.transaction("txn_4", "payout", -4_000)
        yield fake

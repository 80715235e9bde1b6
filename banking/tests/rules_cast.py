"""The cast of the tests of rules: a company with a bank account, and lines of it in the books."""

from decimal import Decimal
from itertools import count
from typing import Any, cast
from uuid import UUID

from django.db.transaction import atomic

from accounts.chart_templates import SystemRole
from accounts.models import Account
from accounts.system_accounts import make_system_accounts, system_account
from accounts.tests.conftest import make_account
from banking.choices import LineStatus, LinkKind
from banking.models import BankAccount, BankLine, LineLink, Rule
from banking.rules.keeping import RuleFields, create_rule
from ledger.actors import SYSTEM, Actor
from ledger.choices import ActorKind
from ledger.ids import new_id
from ledger.models import Ledger
from transactions.choices import Source, Status
from transactions.models import Transaction
from transactions.services import post_batch
from transactions.tests.conftest import NOON, Company, make_company

PERSON = Actor(ActorKind.USER, id=new_id(), label="ann")
_number = count(1)


class Client:
    """A company whose bank speaks to it."""

    def __init__(self, name: str = "Bakery", company: Company | None = None) -> None:
        self.company = company or make_company(name)
        self.entity = self.company.entity
        self.software, self.rent = self.company.software, self.company.rent
        self.sales, self.cash = self.company.sales, self.company.cash
        with atomic():
            make_system_accounts(entity=self.entity, ledger=self.company.ledger, actor=SYSTEM)
        self.spent = system_account(self.entity, SystemRole.UNCATEGORIZED_EXPENSE)
        self.earned = system_account(self.entity, SystemRole.UNCATEGORIZED_INCOME)
        self.checking = self.bank_account(self.company.bank)

    def bank_account(self, account: Account, **more: Any) -> BankAccount:
        """A bank account that stands for a ledger account."""
        values: dict[str, Any] = {
            "entity_id": self.entity.id,
            "name": account.name,
            "type": "depository",
            "ledger_id": account.ledger_id,
            "ledger_account_id": account.id,
            "currency": account.currency,
            "created_at": NOON,
        }
        return BankAccount.objects.create(**(values | more))

    def rule(self, name: str = "Software", **fields: Any) -> Rule:
        """A rule that takes everything with "adobe" to software, unless told otherwise."""
        if not fields.keys() & {"contains", "regex", "counterparty", "amount_least", "amount_most"}:
            fields["contains"] = "adobe"
        values = {"name": name, "category_account_id": self.software.id, **fields}
        return create_rule(entity=self.entity, fields=cast("RuleFields", values), actor=SYSTEM)

    def record(self, *lines: tuple[str, str], bank: BankAccount | None = None, **more: Any) -> list[UUID]:
        """Record bank lines, each a text and an amount (positive = money out), as a sync does: CLEARED,
        against the uncategorized accounts. The ids of the transactions."""
        bank = bank or self.checking
        drafts, rows = [], []
        for text, amount in lines:
            is_out = Decimal(amount) > 0
            sides = (
                {"debit": self.spent, "credit": None} if is_out else {"debit": None, "credit": self.earned}
            )
            values: dict[str, Any] = {
                "debit": sides["debit"] or bank.ledger_account,
                "credit": sides["credit"] or bank.ledger_account,
                "description": text,
                "status": Status.CLEARED,
                "source": Source.BANK,
            }
            draft = self.company.draft(amount.lstrip("-"), **(values | more))
            drafts.append(draft)
            line = BankLine(
                id=new_id(),
                entity_id=self.entity.id,
                bank_account=bank,
                provider_line_id=f"line-{next(_number)}",
                date=draft.date,
                amount=Decimal(amount),
                currency="USD",
                description=text,
                status=LineStatus.RECORDED,
                raw={},
                created_at=NOON,
                updated_at=NOON,
            )
            rows.append((line, draft))
        assert post_batch(entity=self.entity, drafts=drafts, actor=SYSTEM) == {}
        BankLine.objects.bulk_create([line for line, _ in rows])
        LineLink.objects.bulk_create(
            [
                LineLink(
                    id=new_id(),
                    entity_id=self.entity.id,
                    line=line,
                    bank_account=bank,
                    transaction_id=draft.id,
                    kind=LinkKind.MADE,
                    created_at=NOON,
                )
                for line, draft in rows
            ]
        )
        return [draft.id for draft in drafts]

    def stored(self, transaction_id: UUID) -> Transaction:
        return self.company.stored(transaction_id)

    def categories(self, ids: list[UUID]) -> list[str]:
        """The names of the accounts on the other side than the bank's."""
        banks = set(
            BankAccount.objects.filter(entity_id=self.entity.id).values_list("ledger_account_id", flat=True)
        )
        names = []
        for one in ids:
            row = self.stored(one)
            other = row.debit_account_id if row.credit_account_id in banks else row.credit_account_id
            names.append(Account.objects.get(entity_id=self.entity.id, id=other).name)
        return names


def second_ledger(client: Client, currency: str = "EUR") -> Ledger:
    """Another set of books of the company."""
    return Ledger.objects.create(
        entity=client.entity, name=f"Books in {currency}", currency=currency, created_at=NOON
    )


def account_in(ledger: Ledger, name: str = "Software abroad") -> Account:
    return make_account(ledger, name, "EXPENSE", financial_type="SOFTWARE_EXPENSES")

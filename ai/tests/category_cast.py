"""The cast of the suggestions' tests: a studio whose lines are categorized, and ways to say so."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.chart_templates import SystemRole
from accounts.models import Account
from accounts.querysets import default_ledger
from accounts.system_accounts import system_account
from accounts.tests.conftest import make_account
from ai.categories.confirmed import take_in
from ai.categories.suggesting import Suggestions, Wanted, suggest
from ai.categories.texts import Line
from ai.categories.training import train
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.tests.helpers import make_developer, make_entity
from transactions.choices import Status
from transactions.rows import Row
from transactions.services import post_batch
from transactions.tests.conftest import NOON, Company


class Studio(Company):
    """A company with a chart of usual expenses, and a bank account that lines come from."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.travel = make_account(self.ledger, "Travel", "EXPENSE", financial_type="TRAVEL_EXPENSES")
        self.meals = make_account(self.ledger, "Meals", "EXPENSE", financial_type="MEALS_EXPENSES")
        self.office = make_account(
            self.ledger, "Office Supplies", "EXPENSE", financial_type="OFFICE_EXPENSES"
        )
        self.vehicle = make_account(self.ledger, "Vehicle Fuel", "EXPENSE", financial_type="VEHICLE_EXPENSES")
        self.unknown = system_account(self.entity, SystemRole.UNCATEGORIZED_EXPENSE)
        self.unknown_in = system_account(self.entity, SystemRole.UNCATEGORIZED_INCOME)

    def line(self, description: str, amount: str = "20", **more: Any) -> Row:
        """An uncategorized line of the bank account, cleared; money that came in where `amount` is
        negative."""
        value = Decimal(amount)
        debit, credit = (self.unknown, self.bank) if value > 0 else (self.bank, self.unknown_in)
        values: dict[str, Any] = {
            "debit": debit,
            "credit": credit,
            "description": description,
            "status": Status.CLEARED,
        }
        return self.post(str(abs(value)), **(values | more))

    def confirmed(self, description: str, account: Account, amount: str = "20", **more: Any) -> Row:
        """A line that a person put in an account."""
        return self.line(
            description, amount, debit=account, credit=self.bank, categorized_at=utc_now(), **more
        )

    def confirm_many(self, lines: list[tuple[str, Account]]) -> None:
        """Lines that a person put in accounts, a day each."""
        drafts = [
            self.draft(
                "20",
                debit=account,
                credit=self.bank,
                description=description,
                status=Status.CLEARED,
                categorized_at=utc_now(),
                at=NOON + dt.timedelta(days=number),
            )
            for number, (description, account) in enumerate(lines)
        ]
        assert post_batch(entity=self.entity, drafts=drafts, actor=SYSTEM) == {}

    def wanted(self, description: str, amount: str = "20", **more: Any) -> Wanted:
        values: dict[str, Any] = {"day": dt.date(2024, 6, 1), "own_account_id": self.bank.id}
        return Wanted(Line(description, amount=Decimal(amount)), self.ledger.id, **(values | more))

    def suggested(self, description: str, amount: str = "20", **more: Any) -> Suggestions:
        """What is suggested for one line."""
        [answer] = suggest(self.entity, [self.wanted(description, amount, **more)])
        return answer

    def learn(self) -> None:
        """As the worker does, whatever is new."""
        take_in(self.entity)
        train(self.entity, anyway=True)


def make_studio(name: str = "Studio") -> Studio:
    """A studio without a transaction."""
    developer = make_developer(name)
    return Studio(developer, default_ledger(make_entity(developer.developer, name)))


HISTORY = [
    ("SHELL 4711 DENVER", "vehicle"),
    ("TRAINLINE 88123", "travel"),
    ("GREGGS 0012", "meals"),
    ("STAPLES 0042", "office"),
    ("SHELL 4712 DENVER", "vehicle"),
    ("DELTA AIR 0062", "travel"),
    ("STARBUCKS 1123", "meals"),
    ("VIKING DIRECT 9", "office"),
]


def with_history(studio: Studio, times: int = 3) -> Studio:
    """The studio after it said a few times what usual lines were for, and the model learned it."""
    studio.confirm_many([(text, getattr(studio, account)) for text, account in HISTORY * times])
    studio.learn()
    return studio


def ids(suggestions: Suggestions) -> list[UUID]:
    """The accounts that are suggested, the likeliest first."""
    return [one.account_id for one in suggestions.best]

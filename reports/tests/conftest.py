"""The cast of the statements' tests: a company with an account of every kind, and callers of its reports."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from accounts.financial_types import FINANCIAL_TYPES
from accounts.models import Account
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.tests.helpers import Caller
from reports.frame import Frame
from reports.periods import Period
from reports.read import new_scope, read_frame
from reports.sums import StatusFilter
from transactions.choices import Status
from transactions.rows import Row
from transactions.services import post_transaction
from transactions.tests.conftest import Company, make_company

__all__ = ["Company", "make_company"]


def account_of(company: Company, code: str, **more: Any) -> Account:
    """A new account of a financial type, called by it."""
    kind = FINANCIAL_TYPES[code]
    return make_account(company.ledger, kind.label, kind.type.value, financial_type=code, **more)


def post(
    company: Company,
    day: str | dt.date,
    amount: str | Decimal | int,
    debit: Account,
    credit: Account,
    status: Status = Status.POSTED,
    description: str = "",
) -> Row:
    """Record a transaction of a day."""
    date = dt.date.fromisoformat(day) if isinstance(day, str) else day
    moment = dt.datetime.combine(date, dt.time(12), dt.UTC)
    draft = company.draft(str(amount), debit=debit, credit=credit, at=moment, status=status)
    draft.description = description
    return post_transaction(entity=company.entity, draft=draft, actor=SYSTEM)


def frame_of(company: Company, period: Period, **scope: Any) -> Frame:
    """The frame of a company's books."""
    return read_frame(new_scope(entity=company.entity, ledger=company.ledger, **scope), period)


class Reports:
    """Asks for the reports of a company over HTTP, as JSON with exact numbers."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.caller: Caller = company.caller()

    def get(self, name: str, **query: Any) -> dict[str, Any]:
        """The answer's body, which must be a success."""
        answer = self.ask(name, **query)
        assert answer.status_code == 200, answer.content
        body: dict[str, Any] = exact(answer)
        return body

    def ask(self, name: str, **query: Any) -> Any:
        """The answer, whatever it is."""
        return self.caller.get(f"/v1/reports/{name}?{urlencode(query)}")

    def explained(self, url: str) -> Decimal:
        """What the entries at an address add up to, over all pages."""
        total, cursor = Decimal(0), None
        while True:
            answer = self.caller.get(url + "&pageSize=100" + (f"&cursor={cursor}" if cursor else ""))
            assert answer.status_code == 200, f"{url}: {answer.content}"
            body = exact(answer)
            total += sum((entry["amount"] for entry in body["entries"]), Decimal(0))
            cursor = body["nextCursor"]
            if cursor is None:
                assert body["totals"]["amount"] == total
                return total


def exact(answer: Any) -> Any:
    """The body of an answer, its numbers as Decimals."""
    return json.loads(answer.content, parse_float=Decimal, parse_int=Decimal)


@pytest.fixture
def reports(bakery: Company) -> Reports:
    return Reports(bakery)


@pytest.fixture
def bakery(db: None) -> Company:
    return make_company()


__all__ += ["Frame", "Reports", "StatusFilter", "account_of", "frame_of", "post"]

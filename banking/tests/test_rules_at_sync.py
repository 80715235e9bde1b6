"""Rules when lines arrive, and the same rules on demand: both must say the same of the same line."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db.transaction import atomic

from banking.models import BankLine, LineLink, RuleApplication
from banking.providers.base import LineSeen
from banking.rules.applying import Selection, plan
from banking.services.recording import record_lines
from banking.services.storing import store_lines
from banking.tests.rules_cast import PERSON, Client
from transactions.choices import Status
from transactions.models import Transaction

pytestmark = pytest.mark.django_db


def arrive(client: Client, *lines: tuple[str, str, str]) -> list[Transaction]:
    """Let lines (text, counterparty, amount) come from the bank; the transactions made of them."""
    count = BankLine.objects.count()
    seen = [
        LineSeen(
            id=f"line-{count + number}",
            account_id="",
            pending=False,
            pending_line_id=None,
            date=dt.date(2024, 3, 15),
            authorized_date=None,
            amount=Decimal(amount),
            currency="USD",
            description=text,
            counterparty=counterparty,
        )
        for number, (text, counterparty, amount) in enumerate(lines)
    ]
    with atomic():
        stored = store_lines(client.entity, client.checking, seen)
        record_lines(entity=client.entity, line_ids=stored.new_ids, actor=PERSON)
    made = dict(LineLink.objects.filter(entity_id=client.entity.id).values_list("line_id", "transaction_id"))
    return [client.stored(made[line_id]) for line_id in stored.new_ids]


def test_a_line_that_arrives_goes_where_its_rule_says(client: Client) -> None:
    rule = client.rule(auto_approve=True)
    client.rule("Rent", counterparty="Landlord Ltd", category_account_id=client.rent.id)

    software, rent, other = arrive(
        client,
        ("ADOBE *CLOUD", "Adobe", "52.99"),
        ("Standing order", "LANDLORD LTD", "900"),
        ("Cash", "", "20"),
    )

    assert client.categories([software.id, rent.id, other.id]) == [
        "Software",
        "Rent",
        "Uncategorized Expense",
    ]
    assert [one.status for one in (software, rent, other)] == [Status.POSTED, Status.CLEARED, Status.CLEARED]
    record = RuleApplication.objects.get(entity_id=client.entity.id, rule_id=rule.id)
    assert (record.transaction_id, record.account_before, record.account_after, record.approved) == (
        software.id,
        None,
        client.software.id,
        True,
    )


def test_a_rule_knows_whoever_the_books_name_where_the_bank_names_nobody(client: Client) -> None:
    client.rule("Rent", counterparty="Blue Bottle Coffee", category_account_id=client.rent.id)

    (arrived,) = arrive(client, ("SQ *BLUE BOTTLE COFFEE 0042", "", "4.50"))

    assert arrived.counterparty == "Blue Bottle Coffee"
    assert client.categories([arrived.id]) == ["Rent"]


def test_on_demand_the_same_rules_take_the_same_lines(client: Client) -> None:
    lines = [
        ("ADOBE *CLOUD", "Adobe", "52.99"),
        ("ADOBE REFUND", "Adobe", "-10"),
        ("Standing order", "LANDLORD LTD", "900"),
        ("Standing order", "Somebody else", "900.01"),
        ("Nothing", "", "1"),
    ]
    before = arrive(client, *lines)
    client.rule("Adobe", contains="adobe", direction="out")
    client.rule("Rent", counterparty="landlord ltd", category_account_id=client.rent.id)
    client.rule("Dear", amount_least=Decimal(900), category_account_id=client.cash.id)

    planned = {one.found.id: one.rule.name for one in plan(client.entity, Selection(), size=99).changes}
    after = arrive(client, *lines)
    names = dict(RuleApplication.objects.values_list("transaction_id", "rule_name"))

    assert [planned.get(one.id) for one in before] == ["Adobe", None, "Rent", "Dear", None]
    assert [names.get(one.id) for one in after] == ["Adobe", None, "Rent", "Dear", None]


@pytest.fixture
def client() -> Client:
    return Client()

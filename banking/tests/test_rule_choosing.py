"""Which of a company's rules takes a line, as `choose` reads them."""

from random import Random
from time import monotonic

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from accounts.services import close_account, reopen_account
from banking.models import BankAccount, Rule
from banking.rules import Candidate, choose, choosing
from banking.rules.choosing import RulesTooSlowError, choose_among, ready_rules
from banking.rules.keeping import update_rule
from banking.tests.rules_cast import Client, account_in, second_ledger
from banking.tests.test_rule_conditions import candidate
from ledger.actors import SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client()


def chosen(client: Client, *candidates: Candidate) -> list[str | None]:
    return [rule and rule.name for rule in choose(client.entity, candidates)]


def test_the_lowest_priority_number_is_taken_and_of_equals_the_older(client: Client) -> None:
    client.rule("Late", priority=200)
    client.rule("Older")
    client.rule("Younger")
    line = candidate(bank=client.checking.id)

    assert chosen(client, line) == ["Older"]

    update_rule(
        entity=client.entity, rule_id=Rule.objects.get(name="Late").id, fields={"priority": 0}, actor=SYSTEM
    )
    assert chosen(client, line) == ["Late"]


def test_the_answers_are_in_the_order_of_the_candidates(client: Client) -> None:
    client.rule("Adobe")
    client.rule("Rent", contains="rent", category_account_id=client.rent.id)
    bank = client.checking.id
    lines = [
        candidate("RENT", bank=bank, counterparty=""),
        candidate("nothing", bank=bank, counterparty=""),
        candidate(bank=bank),
    ]

    assert chosen(client, *lines) == ["Rent", None, "Adobe"]
    assert chosen(client) == []


def test_disabled_rules_take_nothing(client: Client) -> None:
    client.rule(enabled=False)

    assert chosen(client, candidate(bank=client.checking.id)) == [None]


def test_a_rule_whose_account_is_closed_is_passed_over_and_logged_once(client: Client) -> None:
    client.rule("First", priority=1)
    client.rule("Second", category_account_id=client.rent.id)
    close_account(entity=client.entity, account=client.software, actor=SYSTEM)

    with capture_logs() as logs:
        lines = [candidate(bank=client.checking.id)] * 3
        assert chosen(client, *lines) == ["Second"] * 3

    assert [(entry["event"], entry["reason"], entry["lines"]) for entry in logs] == [
        ("banking.rule_passed_over", "account closed", 3)
    ]
    # It works again as soon as its account does.
    reopen_account(entity=client.entity, account=client.software, actor=SYSTEM)
    assert chosen(client, candidate(bank=client.checking.id)) == ["First"]


def test_a_rule_takes_no_line_of_a_bank_account_in_another_ledger(client: Client) -> None:
    books = second_ledger(client)
    abroad = account_in(books)
    client.rule("Abroad", priority=1, category_account_id=abroad.id)
    client.rule("At home")
    euros = client.bank_account(account_in(books, "Bank abroad"))
    lines = [candidate(bank=client.checking.id), candidate(bank=euros.id)]

    assert chosen(client, *lines) == ["At home", "Abroad"]


def test_a_rule_never_books_a_bank_account_against_itself(client: Client) -> None:
    savings = client.bank_account(client.cash)
    client.rule("To cash", contains="transfer", category_account_id=client.cash.id)
    lines = [candidate("Transfer", bank=client.checking.id), candidate("Transfer", bank=savings.id)]

    assert chosen(client, *lines) == ["To cash", None]


def test_another_companys_rules_and_bank_accounts_count_for_nothing(client: Client) -> None:
    stranger = Client("Stranger")
    stranger.rule("Strange")

    assert chosen(client, candidate(bank=client.checking.id)) == [None]
    # A foreign bank account is none that a rule could book.
    client.rule("Ours")
    assert chosen(client, candidate(bank=stranger.checking.id)) == [None]


def test_one_query_reads_the_rules_for_any_number_of_lines(client: Client) -> None:
    for number in range(20):
        client.rule(f"Rule {number}", contains=f"word{number}")
    lines = [
        candidate(f"has word{number % 20}", bank=client.checking.id, counterparty="") for number in range(500)
    ]

    with CaptureQueriesContext(
        connection,
    ) as queries:
        rules = choose(client.entity, lines)
        assert all(rule is not None and rule.category_account.name == "Software" for rule in rules)

    assert len(queries) == 1


def test_a_bank_account_of_the_rule_is_the_only_one(client: Client) -> None:
    card: BankAccount = client.bank_account(client.cash)
    client.rule("Card", bank_account_id=card.id)

    assert chosen(client, candidate(bank=client.checking.id), candidate(bank=card.id)) == [None, "Card"]


def test_a_line_of_no_known_bank_account_is_taken_by_rules_for_any(client: Client) -> None:
    client.rule("Checking", bank_account_id=client.checking.id)
    client.rule("Any")

    assert chosen(client, candidate(bank=None)) == ["Any"]


def test_expressions_that_take_too_long_hold_up_no_run_and_no_sync(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Among the worst that are let in: 15 ms for one text.
    client.rule(contains="", regex="([ab]{1,30}){15}x")
    random = Random(1)
    texts = ["".join(random.choice("ab") for _ in range(1_000)) for _ in range(100)]
    lines = [candidate(text, bank=client.checking.id, counterparty="") for text in texts]
    monkeypatch.setattr(choosing, "SECONDS_MAX", 0.02)
    monkeypatch.setattr(choosing, "SECONDS_PER_LINE_MAX", 0.001)
    started = monotonic()

    with pytest.raises(RulesTooSlowError, match="of 100 transactions"):
        choose_among(ready_rules(client.entity, {client.checking.id}), lines)
    with capture_logs() as logs:
        assert choose(client.entity, lines) == [None] * 100

    assert monotonic() - started < 1
    assert [one["event"] for one in logs] == ["banking.rules_too_slow"]

"""`manage.py verify` finds where bank lines and books part."""

import pytest
from django.db import connection

from banking.tests.cast import Banked, feed, make_banked, seen
from transactions.verification import Difference, verify_books


@pytest.fixture
def bakery(db: None) -> Banked:
    company = make_banked()
    feed(company, seen("a", "12.50"), seen("b", "-3"))
    return company


def break_books(sql: str) -> None:
    """Do what no service does: past the guards."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)
        cursor.execute("SET LOCAL session_replication_role = origin")


def found(company: Banked) -> list[Difference]:
    return [one for one in verify_books(company.entity) if one.check == "bank lines"]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("DELETE FROM banking_linelink WHERE line_id = '{line}'", "is recorded and has 0 transactions"),
        (
            "UPDATE banking_bankline SET status = 'ignored' WHERE id = '{line}'",
            "is ignored and has 1 transactions",
        ),
        (
            "UPDATE banking_bankline SET amount = 13 WHERE id = '{line}'",
            "is of 13.0000, its transactions move 12.5000",
        ),
        ("UPDATE banking_bankline SET currency = 'EUR' WHERE id = '{line}'", "is in EUR"),
        (
            "UPDATE banking_linelink SET bank_account_id = '{other}' WHERE line_id = '{line}'",
            "another bank account",
        ),
        (
            "UPDATE transactions_transaction SET credit_account_id = '{cash}' WHERE id = '{transaction}'",
            "is not of its bank's ledger account",
        ),
        ("UPDATE transactions_transaction SET status = 'EXPIRED' WHERE id = '{transaction}'", "has expired"),
    ],
)
def test_each_difference_is_told_of_with_its_line(bakery: Banked, sql: str, words: str) -> None:
    line = bakery.line("a")
    assert found(bakery) == []

    break_books(
        sql.format(
            line=line.id,
            other=bakery.savings.id,
            cash=bakery.cash.id,
            transaction=bakery.transaction_of("a").id,
        )
    )

    [difference] = found(bakery)
    assert line.public_id in difference.message
    assert words in difference.message


def test_a_line_that_a_person_must_look_at_is_known_to_differ(bakery: Banked) -> None:
    break_books("UPDATE banking_bankline SET amount = 13, attention = 'Look' WHERE provider_line_id = 'a'")

    assert found(bakery) == []

"""`manage.py verify` finds each thing that can be wrong in the books, and is content with good ones."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import InternalError, connection
from django.db.transaction import atomic

from accounts.choices import Side
from accounts.models import Account
from accounts.services import ensure_account_paths
from ledger.actors import SYSTEM
from ledger.db import execute, fetch
from ledger.models import Entity, Ledger
from ledger.tests.helpers import make_developer, make_entity
from transactions import verification
from transactions.choices import Status
from transactions.drafts import Draft
from transactions.models import Transaction
from transactions.rows import Row
from transactions.services import (
    JournalLine,
    approve_transactions,
    categorize_transactions,
    delete_transaction,
    post_journal_entry,
    post_transaction,
    reverse_transaction,
)
from transactions.verification import checks, register_check, verify_books

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)


class Books:
    """A company with one of everything: posted, pending, reversed, reclassified, deleted, and an entry."""

    def __init__(self) -> None:
        self.entity: Entity = make_entity(make_developer().developer, "Verified LLC")
        self.ledger = Ledger.objects.get(entity_id=self.entity.id)
        paths = ["assets:cash", "expenses:rent", "expenses:software", "revenues:sales"]
        accounts = ensure_account_paths(entity=self.entity, ledger=self.ledger, paths=paths, actor=SYSTEM)
        self.cash, self.rent, self.software, self.sales = (accounts[path] for path in paths)
        self.posted = self.post(self.rent, self.cash, "100", Status.POSTED)
        self.pending = self.post(self.cash, self.sales, "250", Status.PENDING)
        approved = self.post(self.cash, self.sales, "40", Status.PENDING)
        approve_transactions(entity=self.entity, ids=[approved.id], actor=SYSTEM)
        self.approved = approved
        self.original = self.post(self.rent, self.cash, "70", Status.POSTED)
        self.reversal = reverse_transaction(
            entity=self.entity, transaction_id=self.original.id, actor=SYSTEM
        ).reversal
        categorize_transactions(
            entity=self.entity, ids=[self.posted.id], category_id=self.software.id, actor=SYSTEM
        )
        self.deleted = self.post(self.cash, self.sales, "9", Status.PENDING)
        delete_transaction(entity=self.entity, transaction_id=self.deleted.id, actor=SYSTEM)
        self.journal_entry = post_journal_entry(
            entity=self.entity,
            lines=[
                JournalLine(self.cash.id, Side.DEBIT, Decimal(90)),
                JournalLine(self.rent.id, Side.DEBIT, Decimal(10)),
                JournalLine(self.sales.id, Side.CREDIT, Decimal(100)),
            ],
            currency="USD",
            timestamp=NOON,
            day=NOON.date(),
            actor=SYSTEM,
            status=Status.POSTED,
        )

    def post(self, debit: Account, credit: Account, amount: str, status: Status) -> Row:
        draft = Draft(
            debit_account_id=debit.id,
            credit_account_id=credit.id,
            amount=Decimal(amount),
            currency="USD",
            timestamp=NOON,
            date=NOON.date(),
            status=status,
            description="Rent",
        )
        return post_transaction(entity=self.entity, draft=draft, actor=SYSTEM)

    def found(self) -> dict[str, str]:
        """What is wrong, by check; several sentences of one check on several lines."""
        found: dict[str, str] = {}
        for check, message in verify_books(self.entity):
            found[check] = f"{found[check]}\n{message}" if check in found else message
        return found


@pytest.fixture
def books(db: None) -> Books:
    return Books()


def corrupt(sql: str, *params: object) -> None:
    """Change rows past every guard and foreign key, as no application role can."""
    execute("SET LOCAL session_replication_role = replica")
    assert execute(sql, params) > 0
    execute("SET LOCAL session_replication_role = origin")


def test_good_books_are_right(books: Books) -> None:
    assert books.found() == {}
    out = StringIO()
    call_command("verify", stdout=out)
    assert f"{books.entity.public_id} Verified LLC: right ({len(checks())} checks)" in out.getvalue()
    assert "The books of 1 companies are right." in out.getvalue()


def test_quiet_says_nothing_of_good_books(books: Books) -> None:
    out = StringIO()
    call_command("verify", "--quiet", "--entity", books.entity.public_id, stdout=out)
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("table", "check"),
    [
        ("accounts_accountbalance", "account balances"),
        ("accounts_accountday", "account days"),
        ("accounts_accountmonth", "account months"),
    ],
)
class TestTotals:
    def test_a_changed_sum_is_found_with_both_figures(self, books: Books, table: str, check: str) -> None:
        corrupt(
            f"UPDATE {table} SET debits_posted = debits_posted + 1 WHERE account_id = %s", books.software.id
        )
        message = books.found()[check]
        assert books.software.public_id in message
        assert "debits_posted is 101.0000, the transactions add up to 100.0000" in message

    def test_a_missing_row_is_found(self, books: Books, table: str, check: str) -> None:
        corrupt(f"DELETE FROM {table} WHERE account_id = %s", books.software.id)
        assert (
            "debits_posted is 0, the transactions add up to 100.0000 (the row is missing)"
            in books.found()[check]
        )

    def test_a_superfluous_row_is_found(self, books: Books, table: str, check: str) -> None:
        stray = ensure_account_paths(
            entity=books.entity, ledger=books.ledger, paths=["assets:stray"], actor=SYSTEM
        )["assets:stray"]
        day = {"accounts_accountday": "date, ", "accounts_accountmonth": "month, "}.get(table, "")
        value = "'2026-03-01', " if day else ""
        corrupt(
            f"""INSERT INTO {table} (entity_id, account_id, {day}slot, debits_pending, debits_posted,
                credits_pending, credits_posted) VALUES (%s, %s, {value}3, 0, 5, 0, 0)""",
            books.entity.id,
            stray.id,
        )
        message = books.found()[check]
        assert stray.public_id in message
        assert "debits_posted is 5.0000, the transactions add up to 0 (no transaction belongs" in message


def test_a_changed_amount_shows_in_all_totals(books: Books) -> None:
    corrupt("UPDATE transactions_transaction SET amount = amount + 1 WHERE id = %s", books.pending.id)
    found = books.found()
    assert set(found) == {"account balances", "account days", "account months"}
    assert "credits_pending is 250.0000, the transactions add up to 251.0000" in found["account balances"]


def test_a_transaction_moved_to_another_day_shows_in_days_alone(books: Books) -> None:
    corrupt("UPDATE transactions_transaction SET date = date - 1 WHERE id = %s", books.pending.id)
    found = books.found()
    assert set(found) == {"account days"}
    assert "2026-03-14: debits_pending is 0" in found["account days"]


def test_debits_that_are_not_the_credits_are_found(books: Books) -> None:
    corrupt(
        "UPDATE accounts_accountbalance SET credits_posted = credits_posted + 2 WHERE account_id = %s",
        books.sales.id,
    )
    message = books.found()["debits equal credits"]
    assert books.ledger.public_id in message
    # 100 + 40 + 70 and its reversal 70 + reclassified 100 + the entry's 100
    assert "posted debits are 480.0000 and credits 482.0000" in message


def test_another_currency_than_the_accounts_is_found(books: Books) -> None:
    corrupt("UPDATE transactions_transaction SET currency = 'EUR' WHERE id = %s", books.pending.id)
    message = books.found()["currencies and ledgers"]
    assert f"is in EUR of {books.ledger.public_id}, its account {books.cash.public_id} in USD" in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "UPDATE transactions_transaction SET reverses_id = NULL WHERE id = %(reversal)s",
            "do not name each other",
        ),
        (
            "UPDATE transactions_transaction SET status = 'POSTED', reversed_by_id = NULL"
            " WHERE id = %(original)s",
            "are POSTED and POSTED, not REVERSED and POSTED",
        ),
        (
            "UPDATE transactions_transaction SET amount = 71 WHERE id = %(reversal)s",
            "are of 70.0000 USD and 71.0000",
        ),
        (
            "UPDATE transactions_transaction SET debit_account_id = %(sales)s WHERE id = %(reversal)s",
            "are not those of the other, swapped",
        ),
        ("DELETE FROM transactions_transaction WHERE id = %(reversal)s", "the other half of the reversal"),
    ],
)
def test_a_broken_reversal_is_found(books: Books, change: str, words: str) -> None:
    ids = {"reversal": books.reversal.id, "original": books.original.id, "sales": books.sales.id}
    execute("SET LOCAL session_replication_role = replica")
    assert execute(change, ids) == 1
    execute("SET LOCAL session_replication_role = origin")
    assert words in books.found()["reversals"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("amount = amount + 1", "are of 101.0000 and 100.0000"),
        ("status = 'PENDING', posted_at = NULL", "are PENDING and POSTED, not POSTED or REVERSED"),
        ("reclassifies_id = '01900000-0000-7000-8000-000000000000'", "the latter does not exist"),
    ],
)
def test_a_broken_reclassification_is_found(books: Books, change: str, words: str) -> None:
    corrupt(f"UPDATE transactions_transaction SET {change} WHERE reclassifies_id = %s", books.posted.id)
    assert words in books.found()["reclassifications"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("date = '2026-03-16'", "is of 2026-03-15, the entry of 2026-03-16"),
        ("ledger_id = '01900000-0000-7000-8000-000000000000'", "the entry of ldgr_"),
        ("id = '01900000-0000-7000-8000-000000000000'", "the entry does not exist"),
    ],
)
def test_a_journal_entry_of_another_day_or_ledger_is_found(books: Books, change: str, words: str) -> None:
    corrupt(f"UPDATE transactions_journalentry SET {change} WHERE id = %s", books.journal_entry.id)
    assert words in books.found()["journal entries"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "UPDATE transactions_revision SET status = 'EXPIRED' WHERE transaction_id = %(approved)s",
            "it went from EXPIRED to POSTED, which is no move",
        ),
        (
            "UPDATE transactions_revision SET amount = 7 WHERE transaction_id = %(original)s",
            "it was POSTED, and its amount, currency, accounts or day changed",
        ),
        (
            "UPDATE transactions_revision SET change = 'edited' WHERE transaction_id = %(deleted)s",
            "the transaction is gone, and no revision says who deleted it",
        ),
        (
            "UPDATE transactions_revision SET change = 'deleted' WHERE transaction_id = %(approved)s",
            "it was deleted as PENDING and is there as POSTED",
        ),
        (
            "UPDATE transactions_revision SET status = 'POSTED' WHERE transaction_id = %(deleted)s",
            "it was deleted as POSTED, which is final",
        ),
    ],
)
def test_a_history_that_does_not_follow_is_found(books: Books, change: str, words: str) -> None:
    ids = {"approved": books.approved.id, "original": books.original.id, "deleted": books.deleted.id}
    execute("SET LOCAL session_replication_role = replica")
    assert execute(change, ids) == 1
    execute("SET LOCAL session_replication_role = origin")
    assert words in books.found()["revisions"]


def test_a_changed_audit_event_is_found(books: Books) -> None:
    corrupt("UPDATE ledger_auditevent SET action = 'x' WHERE scope_id = %s AND sequence = 1", books.entity.id)
    assert "event 1" in books.found()["audit chain"]


def test_the_command_prints_each_difference_and_exits_with_one(books: Books) -> None:
    corrupt("UPDATE transactions_transaction SET amount = amount + 1 WHERE id = %s", books.pending.id)
    out = StringIO()
    with pytest.raises(CommandError, match="6 differences in the books of 1 companies") as exit_:
        call_command("verify", "--entity", books.entity.public_id, stdout=out)
    assert exit_.value.returncode == 1
    assert f"{books.entity.public_id} account balances: {books.cash.public_id}" in out.getvalue()
    assert f"{books.entity.public_id} Verified LLC: 6 differences" in out.getvalue()


def test_each_check_is_told_as_it_begins(books: Books) -> None:
    told: list[str] = []
    assert list(verification.verify_books(books.entity, told.append)) == []
    assert told == list(verification.checks())
    assert len(told) > 5


def test_the_trail_of_a_developer_is_checked_with_all_companies(books: Books) -> None:
    corrupt("UPDATE ledger_auditevent SET action = 'x' WHERE scope_id = %s", books.entity.developer_id)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify", stdout=out)
    assert f"audit trail: {books.entity.developer_id}: event 1" in out.getvalue()


def test_another_company_s_fault_is_not_this_one_s(books: Books) -> None:
    corrupt("UPDATE transactions_transaction SET amount = amount + 1 WHERE id = %s", books.pending.id)
    assert Books().found() == {}


@pytest.fixture
def added() -> Iterator[Callable[[str, verification.Check], None]]:
    before = dict(verification._CHECKS)
    yield lambda name, check: (register_check(name)(check), None)[1]
    verification._CHECKS.clear()
    verification._CHECKS.update(before)


def test_apps_above_add_checks_of_their_own(
    books: Books, added: Callable[[str, verification.Check], None]
) -> None:
    added("assets = liabilities + equity", lambda entity: [f"{entity} is off by 1.00"])
    assert books.found() == {"assets = liabilities + equity": "Verified LLC is off by 1.00"}
    with pytest.raises(ValueError, match="There is a check called"):
        register_check("account days")(lambda entity: [])


@pytest.mark.django_db(transaction=True)
def test_checks_see_one_moment_and_cannot_write(added: Callable[[str, verification.Check], None]) -> None:
    books = Books()
    seen: list[object] = []

    def look(entity: Entity) -> list[str]:
        seen.extend(
            fetch("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')")
        )
        with pytest.raises(InternalError, match="read-only"), atomic():
            Transaction.objects.filter(id=books.pending.id).update(description="changed")
        return []

    added("look", look)
    assert list(verify_books(books.entity)) == []
    assert seen == [("repeatable read", "on")]
    assert not connection.in_atomic_block

"""Pending transactions expire by command and by task."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from celery import current_app as app
from django.core.management import call_command

from accounts.balances import account_balance
from accounts.models import Account
from accounts.services import ensure_account_paths
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.ids import new_id
from ledger.models import Entity, Ledger
from ledger.services.periods import close_books
from ledger.tests.helpers import make_developer, make_entity
from transactions import tasks, verification
from transactions.choices import Status
from transactions.drafts import Draft
from transactions.models import Revision, Transaction
from transactions.rows import Row
from transactions.services import post_transaction

pytestmark = pytest.mark.django_db


class Books:
    """A company with one transaction that is due and one that is not."""

    def __init__(self, name: str = "Held Cards LLC") -> None:
        self.entity: Entity = make_entity(make_developer().developer, name)
        ledger = Ledger.objects.get(entity_id=self.entity.id)
        paths = ("expenses:travel", "assets:bank")
        accounts = ensure_account_paths(entity=self.entity, ledger=ledger, paths=paths, actor=SYSTEM)
        self.travel: Account = accounts[paths[0]]
        self.bank: Account = accounts[paths[1]]
        self.due = self.hold(utc_now() - timedelta(minutes=1))
        self.later = self.hold(utc_now() + timedelta(hours=1))

    def hold(self, expires_at: datetime) -> Row:
        moment = datetime(2026, 3, 15, tzinfo=UTC)
        draft = Draft(
            debit_account_id=self.travel.id,
            credit_account_id=self.bank.id,
            amount=Decimal("80.00"),
            currency="USD",
            timestamp=moment,
            date=moment.date(),
            expires_at=expires_at,
        )
        return post_transaction(entity=self.entity, draft=draft, actor=SYSTEM)

    def states(self) -> list[str]:
        found = dict(Transaction.objects.for_entity(self.entity).values_list("id", "status"))
        return [found[self.due.id], found[self.later.id]]


def run(*options: str) -> str:
    out = StringIO()
    call_command("expire_pending", *options, stdout=out)
    return out.getvalue()


def test_what_is_due_expires_and_counts_no_more() -> None:
    books = Books()
    assert run() == "1 pending transactions expired.\n"
    assert books.states() == [Status.EXPIRED, Status.PENDING]
    balance = account_balance(books.entity.id, books.travel.id)
    assert balance is not None
    assert balance.total.sums.debits_pending == Decimal(80)
    assert Revision.objects.get().transaction_id == books.due.id
    # Again, and nothing happens.
    assert run() == "0 pending transactions expired.\n"
    assert Revision.objects.count() == 1


def test_a_dry_run_counts_and_changes_nothing() -> None:
    books = Books()
    assert run("--dry-run") == "1 pending transactions would be expired.\n"
    assert books.states() == [Status.PENDING, Status.PENDING]


def test_only_the_company_that_is_named() -> None:
    books, others = Books(), Books("Stranger LLC")
    assert run("--entity", books.entity.public_id) == "1 pending transactions expired.\n"
    assert books.states() == [Status.EXPIRED, Status.PENDING]
    assert others.states() == [Status.PENDING, Status.PENDING]


def test_a_closed_period_stays_as_it_was_closed() -> None:
    books = Books()
    close_books(entity=books.entity, through=datetime(2026, 3, 31, tzinfo=UTC).date(), actor=SYSTEM)
    assert run("--dry-run") == "0 pending transactions would be expired.\n"
    assert run() == "0 pending transactions expired.\n"
    assert books.states() == [Status.PENDING, Status.PENDING]


@pytest.fixture
def at_once() -> Iterator[None]:
    """Run what is queued where it is queued; a test with a real worker is in openledger/."""
    app.conf.update(task_always_eager=True, task_eager_propagates=True)
    yield
    app.conf.update(task_always_eager=False, task_eager_propagates=False)


@pytest.mark.usefixtures("at_once")
def test_the_task_expires_what_is_due_in_every_company() -> None:
    companies = [Books("One LLC"), Books("Two LLC")]
    tasks.expire_pending.delay()
    tasks.expire_pending.delay()
    assert [books.states() for books in companies] == [[Status.EXPIRED, Status.PENDING]] * 2
    assert Revision.objects.count() == 2


@pytest.mark.usefixtures("at_once")
def test_tasks_do_nothing_for_a_company_that_is_gone() -> None:
    tasks.expire_pending.delay(str(new_id()))
    tasks.verify_books.delay(str(new_id()))


@pytest.mark.usefixtures("at_once")
def test_the_nightly_task_checks_the_books_of_every_company(monkeypatch: pytest.MonkeyPatch) -> None:
    companies = {Books("One LLC").entity.id, Books("Two LLC").entity.id}
    checked: list[object] = []

    def check(entity: Entity) -> list[verification.Difference]:
        checked.append(entity.id)
        return []

    monkeypatch.setattr(verification, "verify_books", check)
    tasks.verify_books.delay()
    assert set(checked) == companies


def test_the_timetable_names_tasks_that_there_are() -> None:
    app.loader.import_default_modules()
    entries = app.conf.beat_schedule.values()
    ours = {entry["task"] for entry in entries if entry["task"].startswith("transactions.")}
    assert ours == {"transactions.expire_pending", "transactions.verify_books"}
    assert ours <= set(app.tasks)

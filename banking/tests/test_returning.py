"""A bank that is connected anew tells its lines once more, under new ids."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from banking.choices import LineStatus, LinkKind
from banking.models import BankAccount, LineLink
from banking.services.deciding import ignore_line, match_line
from banking.tests.cast import DAY, Banked, assert_books_hold, feed, make_banked, seen
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from transactions.choices import Status
from transactions.services import approve_transactions, delete_transaction


@pytest.fixture
def bakery(db: None) -> Banked:
    return make_banked()


def connected_anew(company: Banked, former: BankAccount | None = None) -> BankAccount:
    """Disconnect a bank account, and connect it again on the same ledger account."""
    former = former or company.checking
    BankAccount.objects.filter(id=former.id).update(disconnected_at=utc_now())
    return company.bank_account(former.ledger_account, former.name, mask=former.mask)


def test_lines_that_come_again_take_their_former_places_whatever_was_decided(bakery: Banked) -> None:
    feed(bakery, seen("posted", "5"), seen("cleared", "6"), seen("ignored", "7"), seen("gone", "8"))
    posted, cleared = bakery.transaction_of("posted"), bakery.transaction_of("cleared")
    approve_transactions(entity=bakery.entity, ids=[posted.id], actor=SYSTEM)
    for name in ("ignored", "gone"):
        made = bakery.transaction_of(name)
        delete_transaction(entity=bakery.entity, transaction_id=made.id, actor=SYSTEM)
    ignore_line(entity=bakery.entity, line_id=bakery.line("ignored").id, actor=SYSTEM)
    entered = bakery.post("9", credit=bakery.bank)
    feed(bakery, seen("offered", "9"))
    anew = connected_anew(bakery)

    again = [seen(f"{n}-again", str(n)) for n in (5, 6, 7, 8, 9)]
    recorded = feed(bakery, *again, seen("new", "10"), account=anew)

    assert (recorded.created, recorded.offered) == (1, 0)
    assert [bakery.transaction_of(f"{n}-again", anew).id for n in (5, 6)] == [posted.id, cleared.id]
    assert {bakery.line(f"{n}-again", anew).status for n in (7, 8)} == {LineStatus.IGNORED}
    assert bakery.line("9-again", anew).offered_transaction_id == entered.id
    assert bakery.transaction_of("new", anew).amount == Decimal(10)
    assert bakery.line("posted").status == LineStatus.REMOVED
    assert not LineLink.objects.filter(bank_account_id=bakery.checking.id).exists()
    assert_books_hold(bakery.entity)


def test_a_line_in_its_former_place_is_followed_as_ever(bakery: Banked) -> None:
    feed(bakery, seen("a", "5"))
    made = bakery.transaction_of("a")
    anew = connected_anew(bakery)
    feed(bakery, seen("again", "5"), account=anew)

    feed(bakery, seen("again", "5.50"), account=anew)

    now = bakery.transaction_of("again", anew)
    assert (now.id, now.amount, now.status) == (made.id, Decimal("5.5"), Status.CLEARED)
    assert_books_hold(bakery.entity)


def test_each_former_line_is_taken_once(bakery: Banked) -> None:
    feed(bakery, seen("a", "5"))
    anew = connected_anew(bakery)

    feed(bakery, seen("x", "5"), account=anew)
    feed(bakery, seen("y", "5"), account=anew)

    assert len(bakery.all_transactions()) == 2
    assert bakery.transaction_of("x", anew).id != bakery.transaction_of("y", anew).id
    assert_books_hold(bakery.entity)


@pytest.mark.parametrize(
    ("amount", "description", "day"),
    [
        ("5.01", "FLOUR", DAY),
        ("5", "OIL", DAY),
        ("5", "FLOUR", DAY + dt.timedelta(days=1)),
        ("-5", "FLOUR", DAY),
    ],
)
def test_what_is_not_the_same_goes_through_the_other_doors(
    bakery: Banked, amount: str, description: str, day: dt.date
) -> None:
    feed(bakery, seen("a", "5", description="FLOUR"))
    anew = connected_anew(bakery)

    feed(bakery, seen("b", amount, description=description, date=day), account=anew)

    assert bakery.line("a").status == LineStatus.RECORDED


def test_a_transfer_keeps_both_sides(bakery: Banked) -> None:
    feed(bakery, seen("out", "500", description="Transfer to 5678"))
    feed(bakery, seen("into", "-500", description="Transfer"), account=bakery.savings)
    anew = connected_anew(bakery)

    feed(bakery, seen("again", "500", description="Transfer to 5678"), account=anew)

    [made] = bakery.all_transactions()
    assert bakery.transaction_of("again", anew).id == made.id
    assert bakery.transaction_of("into", bakery.savings).id == made.id
    assert_books_hold(bakery.entity)


def test_a_line_that_comes_again_in_other_words_is_offered_and_matched_takes_the_place_too(
    bakery: Banked,
) -> None:
    feed(bakery, seen("a", "5"))
    made = bakery.transaction_of("a")
    anew = connected_anew(bakery)
    feed(bakery, seen("b", "5", description="FLOUR"), account=anew)
    line = bakery.line("b", anew)
    assert line.offered_transaction_id == made.id

    match_line(entity=bakery.entity, line_id=line.id, transaction_ids=[made.id], actor=SYSTEM)

    assert bakery.line("a").status == LineStatus.REMOVED
    [link] = LineLink.objects.filter(entity_id=bakery.entity.id)
    assert (link.line_id, link.transaction_id, link.kind) == (line.id, made.id, LinkKind.MADE)
    # Another purchase like the first is one of its own.
    feed(bakery, seen("c", "5"), account=anew)
    assert bakery.transaction_of("c", anew).id != made.id
    assert_books_hold(bakery.entity)


def test_a_feed_that_was_never_connected_anew_pays_nothing_and_others_the_same_for_any_number(
    bakery: Banked,
) -> None:
    def statements(account: BankAccount, count: int, prefix: str, base: int) -> int:
        lines = [seen(f"{prefix}{n}", f"{base + n}.25") for n in range(count)]
        with CaptureQueriesContext(connection) as queries:
            feed(bakery, *lines, account=account)
        return len(queries)

    # What listens to recorded lines may cost less from the second time on.
    feed(bakery, seen("zero", "1"))
    never = statements(bakery.checking, 3, "first", 100)
    assert statements(bakery.checking, 60, "second", 200) == never
    feed(bakery, *(seen(f"many{n}", f"{1000 + n}.25") for n in range(60)))
    anew = connected_anew(bakery)

    few, many = statements(anew, 3, "again", 100), statements(anew, 60, "more", 1000)

    assert few == many
    assert not [one for one in bakery.all_transactions() if one.amount > 2000]
    assert_books_hold(bakery.entity)

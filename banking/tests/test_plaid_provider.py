"""Plaid as a provider: what its connections, accounts and lines are in our words."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from unittest.mock import Mock

import msgspec
import pytest

from banking import http
from banking.models import BankConnection
from banking.providers.base import (
    AccountSeen,
    LineRemoved,
    LineSeen,
    LoginRequiredError,
    PagesChangedError,
    Provider,
    PublicTokenError,
    SyncPage,
    provider_named,
)
from banking.providers.plaid import PlaidProvider
from banking.tests.fake_plaid import FakeItem, FakePlaid, new_account
from ledger.clock import utc_now
from ledger.encryption import encrypt
from ledger.exceptions import ProviderError
from ledger.ids import new_id
from ledger.models import Entity

PROVIDER: Final[Provider] = PlaidProvider()
ENTITY: Final = Entity(id=new_id())


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "pause", Mock())


def synced(item: FakeItem, cursor: str = "") -> tuple[list[SyncPage], str]:
    """All pages since the cursor, and where the next sync begins."""
    pages = []
    while True:
        page = PROVIDER.sync(item.access_token, cursor)
        pages.append(page)
        cursor = page.next_cursor
        if not page.has_more:
            return pages, cursor


def line_of(item: FakeItem) -> LineSeen:
    """The only line."""
    (line,) = PROVIDER.sync(item.access_token, "").added
    return line


def test_plaid_is_there_by_its_name() -> None:
    assert isinstance(provider_named("plaid"), PlaidProvider)


def test_a_person_connects_a_bank(plaid: FakePlaid) -> None:
    item = plaid.new_item()

    link = PROVIDER.create_link(entity=ENTITY, connection=None)
    exchanged = PROVIDER.exchange(entity=ENTITY, public_token=plaid.finish_link(link.token, item))

    assert timedelta(hours=3) < link.expires_at - utc_now() < timedelta(hours=5)
    assert link.request_id
    assert plaid.calls[0].body["user"] == {"client_user_id": ENTITY.public_id}
    assert (exchanged.item_id, exchanged.access_token) == (item.id, item.access_token)
    assert (exchanged.institution_id, exchanged.institution_name) == ("ins_109508", "First Platypus Bank")


def test_a_public_token_works_once(plaid: FakePlaid) -> None:
    token = plaid.public_token(plaid.new_item())
    PROVIDER.exchange(entity=ENTITY, public_token=token)

    with pytest.raises(PublicTokenError) as caught:
        PROVIDER.exchange(entity=ENTITY, public_token=token)

    assert (caught.value.status_code, caught.value.details[0].field) == (400, "publicToken")


def test_the_banks_name_is_looked_up_where_the_connection_lacks_it(plaid: FakePlaid) -> None:
    item = plaid.new_item(institution_name=None)

    exchanged = PROVIDER.exchange(entity=ENTITY, public_token=plaid.public_token(item))

    assert exchanged.institution_name == "First Platypus Bank"
    (call,) = plaid.calls_of("/institutions/get_by_id")
    assert call.body == {"institution_id": "ins_109508", "country_codes": ["US"]}


@pytest.mark.parametrize("path", ["/item/get", "/institutions/get_by_id"])
def test_a_name_that_cannot_be_had_loses_no_connection(plaid: FakePlaid, path: str) -> None:
    item = plaid.new_item(institution_name=None)
    plaid.refuse(path, "INTERNAL_SERVER_ERROR", status=500, kind="API_ERROR", times=3)

    exchanged = PROVIDER.exchange(entity=ENTITY, public_token=plaid.public_token(item))

    assert (exchanged.access_token, exchanged.institution_name) == (item.access_token, "")


def test_a_broken_log_in_is_repaired_by_a_link_in_update_mode(plaid: FakePlaid) -> None:
    item = plaid.new_item()
    connection = BankConnection(access_token=encrypt(item.access_token))
    item.broken = "ITEM_LOGIN_REQUIRED"
    with pytest.raises(LoginRequiredError) as caught:
        PROVIDER.sync(item.access_token, "")
    assert caught.value.provider_code == "ITEM_LOGIN_REQUIRED"

    link = PROVIDER.create_link(entity=ENTITY, connection=connection)
    plaid.finish_link(link.token)

    assert PROVIDER.sync(item.access_token, "").has_more is False


def test_a_connection_is_given_up_and_a_second_time_is_without_effect(plaid: FakePlaid) -> None:
    item = plaid.new_item()

    PROVIDER.disconnect(item.access_token)
    PROVIDER.disconnect(item.access_token)

    assert plaid.items == {}


def test_a_connection_that_cannot_be_given_up_now_says_so(plaid: FakePlaid) -> None:
    item = plaid.new_item()
    plaid.refuse("/item/remove", "INVALID_API_KEYS")

    with pytest.raises(ProviderError):
        PROVIDER.disconnect(item.access_token)


# --- accounts ------------------------------------------------------------------------------------------


def test_accounts_come_with_what_the_bank_says_of_them(plaid: FakePlaid) -> None:
    item = plaid.new_item(
        accounts=[
            new_account("Checking", current=msgspec.Raw(b"1e-2"), available=Decimal("100000000000000.10")),
            new_account(
                "Card",
                type="credit",
                subtype=None,
                current=Decimal("410.50"),
                available=None,
                mask=None,
                official_name=None,
            ),
            new_account("G" * 300, currency="EUR", current=msgspec.Raw(b"1.005"), available=7),
        ]
    )

    checking, card, giro = PROVIDER.accounts(item.access_token)

    assert checking == AccountSeen(
        id=item.accounts[0]["account_id"],
        name="Checking",
        official_name="Checking (official)",
        mask="0000",
        type="depository",
        subtype="checking",
        currency="USD",
        balance_current=Decimal("0.01"),
        balance_available=Decimal("100000000000000.10"),
    )
    assert (card.subtype, card.mask, card.official_name) == ("", "", "")
    assert (card.balance_current, card.balance_available) == (Decimal("410.50"), None)
    assert [giro.currency, giro.balance_current, giro.balance_available] == ["EUR", None, 7]
    assert giro.name == "G" * 200


@pytest.mark.parametrize(
    ("currency", "unofficial", "seen"),
    [(None, "BTC", "BTC"), (None, None, "none"), ("EUR", None, "EUR")],
)
def test_the_currency_is_plaids_own_where_it_is_no_official_one(
    plaid: FakePlaid, currency: str | None, unofficial: str | None, seen: str
) -> None:
    item = plaid.new_item(accounts=[new_account("Wallet", currency=currency, unofficial_currency=unofficial)])
    item.add(5)

    (account,) = PROVIDER.accounts(item.access_token)
    line = line_of(item)

    assert (account.currency, line.currency) == (seen, seen)
    assert (account.balance_current is None) == (seen != "EUR")


# --- lines ---------------------------------------------------------------------------------------------


def test_a_line_comes_with_what_the_bank_says_of_it(plaid: FakePlaid) -> None:
    item = plaid.new_item()
    id_ = item.add(Decimal("12.34"), "Corner Bakery", authorized_date="2024-03-04", pending=True)

    line = line_of(item)

    raw = line.raw
    assert line == LineSeen(
        id=id_,
        account_id=item.accounts[0]["account_id"],
        pending=True,
        pending_line_id=None,
        date=date(2024, 3, 5),
        authorized_date=date(2024, 3, 4),
        amount=Decimal("12.34"),
        currency="USD",
        description="PURCHASE CORNER BAKERY 0419",
        counterparty="Corner Bakery",
        category="FOOD_AND_DRINK_RESTAURANT",
        raw=raw,
    )
    # All that came is kept, numbers with their digits.
    assert raw == item.lines[id_]
    assert raw["location"]["lat"] == Decimal("44.4759")


def test_fields_that_plaid_leaves_out_or_null_are_empty(plaid: FakePlaid) -> None:
    item = plaid.new_item()
    empty: dict[str, Any] = dict.fromkeys(
        (
            "original_description",
            "merchant_name",
            "counterparties",
            "personal_finance_category",
            "authorized_date",
        )
    )
    id_ = item.add(Decimal("1.00"), "ACH Electronic Credit", **empty)
    line = line_of(item)
    assert (line.description, line.counterparty, line.category) == ("ACH Electronic Credit", "", "")
    assert line.authorized_date is None

    for name in empty:
        del item.lines[id_][name]
    assert line_of(item).description == "ACH Electronic Credit"


def test_a_payment_app_stands_in_for_a_merchant_that_is_not_known(plaid: FakePlaid) -> None:
    item = plaid.new_item()
    item.add(5, "Square", merchant_name=None)

    assert line_of(item).counterparty == "Square"


def test_texts_are_cut_to_what_can_be_stored(plaid: FakePlaid) -> None:
    item = plaid.new_item()
    item.add(5, "M" * 500, original_description="D" * 2000)

    line = line_of(item)

    assert (len(line.description), len(line.counterparty)) == (1000, 200)


@pytest.mark.parametrize(
    ("sent", "amount"),
    [
        (b"0.1", "0.1"),
        (b"1e-2", "0.01"),
        (b"2.5E+1", "25"),
        (b"25", "25"),
        (b"-1200.5", "-1200.50"),
        (b"999999999999999.99", "999999999999999.99"),
        (b"28.340000000000003", "28.340000000000003"),
    ],
)
def test_amounts_are_exact(plaid: FakePlaid, sent: bytes, amount: str) -> None:
    item = plaid.new_item()
    item.add(msgspec.Raw(sent))

    line = line_of(item)

    assert (type(line.amount), line.amount) == (Decimal, Decimal(amount))


def test_a_tenth_and_two_tenths_are_three_tenths(plaid: FakePlaid) -> None:
    item = plaid.new_item()
    item.add(msgspec.Raw(b"0.1"))
    item.add(msgspec.Raw(b"0.2"))

    lines = PROVIDER.sync(item.access_token, "").added

    assert sum(line.amount for line in lines) == Decimal("0.3")


def test_a_line_over_nothing_is_none_and_one_that_becomes_nothing_goes(plaid: FakePlaid) -> None:
    item = plaid.new_item()
    item.add(msgspec.Raw(b"0.00"))
    hold = item.add(100, pending=True)
    _, cursor = synced(item)
    item.modify(hold, amount=0)

    assert [line.id for line in PROVIDER.sync(item.access_token, "").added] == [hold]
    page = PROVIDER.sync(item.access_token, cursor)
    assert (page.modified, page.removed) == ([], [LineRemoved(hold, item.accounts[0]["account_id"])])


# --- pages ---------------------------------------------------------------------------------------------


def test_changes_come_page_by_page_and_then_no_more(plaid: FakePlaid) -> None:
    plaid.page_size = 3
    item = plaid.new_item()
    ids = [item.add(number + 1) for number in range(7)]

    pages, cursor = synced(item)

    assert [[line.id for line in page.added] for page in pages] == [ids[:3], ids[3:6], ids[6:]]
    assert [one.balance_current for one in pages[0].accounts] == [Decimal("110.05")]
    again, same = synced(item, cursor)
    assert ([*again[0].added, *again[0].modified, *again[0].removed], same) == ([], cursor)


def test_pending_lines_post_change_and_go(plaid: FakePlaid) -> None:
    item = plaid.new_item()
    account = item.accounts[0]["account_id"]
    pending, other = item.add(Decimal("5.00"), pending=True), item.add(Decimal("8.00"))
    _, cursor = synced(item)

    posted = item.post(pending, amount=Decimal("5.50"), date="2024-03-07")
    item.modify(other, amount=Decimal("8.25"))
    page = PROVIDER.sync(item.access_token, cursor)

    (line,) = page.added
    assert (line.id, line.pending, line.pending_line_id, line.amount, line.date) == (
        posted,
        False,
        pending,
        Decimal("5.50"),
        date(2024, 3, 7),
    )
    assert page.removed == [LineRemoved(pending, account)]
    assert [(one.id, one.amount) for one in page.modified] == [(other, Decimal("8.25"))]


def test_changes_between_pages_are_told_and_the_first_cursor_begins_again(plaid: FakePlaid) -> None:
    plaid.page_size = 2
    item = plaid.new_item()
    ids = [item.add(number + 1) for number in range(5)]
    item.before_pages.extend([None, lambda: item.add(99)])

    with pytest.raises(PagesChangedError):
        synced(item)

    pages, _ = synced(item)
    assert [line.id for page in pages for line in page.added][:5] == ids
    assert sum(len(page.added) for page in pages) == 6

"""Looking through transactions: the filters, the pages put together, and how much work each is."""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from ledger.actors import SYSTEM
from ledger.db import execute
from ledger.ids import new_id
from transactions import browsing
from transactions.browsing import Browsed, Filters, browse
from transactions.choices import Source, Status
from transactions.listing import Position
from transactions.services import categorize_transactions, reverse_transaction
from transactions.tests.conftest import NOON, Company, make_company

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


def ids(page: Browsed) -> list[UUID]:
    return [row.id for row in page.rows]


def look(company: Company, **filters: Any) -> list[UUID]:
    return ids(browse(company.entity, Filters(**filters), limit=100))


def test_newest_first_and_those_of_the_company_alone(bakery: Company, stranger: Company) -> None:
    stranger.post()
    rows = [bakery.post(str(n + 1), at=NOON + n * DAY) for n in (1, 0, 2)]
    assert look(bakery) == [rows[2].id, rows[0].id, rows[1].id]
    assert look(bakery, account_id=stranger.cash.id) == []


def test_each_filter_narrows(bakery: Company) -> None:
    rent = bakery.post("10", at=NOON, counterparty="Landlord", description="March")
    hosting = bakery.posted("20", at=NOON + DAY, debit=bakery.software, source=Source.BANK)
    sale = bakery.posted("30", at=NOON + 2 * DAY, debit=bakery.bank, credit=bakery.sales)
    cleared = bakery.post("40", at=NOON + 3 * DAY, status=Status.CLEARED)
    cases: list[tuple[dict[str, Any], list[UUID]]] = [
        ({}, [cleared.id, sale.id, hosting.id, rent.id]),
        ({"date_from": NOON.date() + DAY}, [cleared.id, sale.id, hosting.id]),
        ({"date_to": NOON.date() + DAY}, [hosting.id, rent.id]),
        ({"date_from": NOON.date() + DAY, "date_to": NOON.date() + DAY}, [hosting.id]),
        ({"amount_min": Decimal(20)}, [cleared.id, sale.id, hosting.id]),
        ({"amount_max": Decimal(20)}, [hosting.id, rent.id]),
        ({"account_id": bakery.cash.id}, [cleared.id, hosting.id, rent.id]),
        ({"account_id": bakery.bank.id}, [sale.id]),
        ({"category_id": bakery.sales.id}, [sale.id]),
        ({"account_id": bakery.cash.id, "category_id": bakery.software.id}, [hosting.id]),
        ({"counterparty": "Landlord"}, [rent.id]),
        ({"statuses": (Status.POSTED,)}, [sale.id, hosting.id]),
        ({"statuses": (Status.PENDING,)}, [rent.id]),
        ({"statuses": (Status.PENDING, Status.CLEARED)}, [cleared.id, rent.id]),
        ({"source": "bank"}, [hosting.id]),
        ({"source": "sandbox"}, []),
        ({"words": "march"}, [rent.id]),
        ({"words": "softw"}, [hosting.id]),
        ({"words": "march softw"}, []),
        ({"words": "!?"}, []),
        ({"words": "cash", "amount_min": Decimal(20)}, [cleared.id, hosting.id]),
        ({"words": "cash", "account_id": bakery.rent.id}, [cleared.id, rent.id]),
        ({"date_to": NOON.date(), "account_id": bakery.cash.id}, [rent.id]),
    ]
    for filters, expected in cases:
        assert look(bakery, **filters) == expected, filters


def test_reconciled_is_what_the_state_says_where_no_statement_does(bakery: Company) -> None:
    open_, reconciled = bakery.post("1"), bakery.post("2", status=Status.RECONCILED)
    assert look(bakery, reconciled=True) == [reconciled.id]
    assert look(bakery, reconciled=False) == [open_.id]


def test_what_is_to_be_categorized(bakery: Company) -> None:
    on = (bakery.rent.id, bakery.sales.id)
    waiting = bakery.post("1")
    posted = bakery.posted("2", at=NOON + DAY)
    income = bakery.post("3", debit=bakery.cash, credit=bakery.sales, at=NOON + 2 * DAY)
    # It moves between two such accounts, and stands in the list once.
    between = bakery.post("4", debit=bakery.rent, credit=bakery.sales, at=NOON + 3 * DAY)
    done, undone = bakery.posted("5"), bakery.posted("6")
    bakery.post("7", debit=bakery.software)
    categorize_transactions(entity=bakery.entity, ids=[done.id], category_id=bakery.software.id, actor=SYSTEM)
    reverse_transaction(entity=bakery.entity, transaction_id=undone.id, actor=SYSTEM)
    assert look(bakery, uncategorized_on=on) == [between.id, income.id, posted.id, waiting.id]
    assert look(bakery, uncategorized_on=on, words="rent") == [between.id, posted.id, waiting.id]


def pages(company: Company, filters: Filters, limit: int) -> Iterator[Browsed]:
    after: Position | None = None
    while True:
        page = browse(company.entity, filters, limit=limit, after=after)
        yield page
        if page.after is None:
            return
        after = page.after


@pytest.mark.parametrize("bound", [3, 10_000])
@pytest.mark.parametrize("limit", [1, 4, 50])
def test_pages_put_together_are_the_list(
    bakery: Company, monkeypatch: pytest.MonkeyPatch, bound: int, limit: int
) -> None:
    monkeypatch.setattr(browsing, "LOOKED_THROUGH_MAX", bound)
    for n in range(24):
        bakery.post(
            str(n % 5 + 1),
            # Several in an hour, in a week, and at the same moment.
            at=NOON + dt.timedelta(minutes=25 * (n // 2), days=n // 8),
            debit=bakery.rent if n % 3 else bakery.software,
            status=Status.POSTED if n % 4 else Status.PENDING,
            counterparty=f"Name {n % 2}",
        )
    cases = [
        Filters(),
        Filters(amount_min=Decimal(4)),
        Filters(account_id=bakery.rent.id),
        Filters(account_id=bakery.rent.id, amount_max=Decimal(2)),
        Filters(uncategorized_on=(bakery.rent.id, bakery.software.id)),
        Filters(counterparty="Name 1", amount_min=Decimal(2)),
        Filters(words="name", statuses=(Status.POSTED,)),
        Filters(statuses=(Status.PENDING,), amount_min=Decimal(2)),
        Filters(date_from=NOON.date() + DAY, source="api"),
    ]
    for filters in cases:
        monkeypatch.setattr(browsing, "LOOKED_THROUGH_MAX", 10_000)
        whole = browse(bakery.entity, filters, limit=100)
        assert whole.after is None
        assert whole.rows, filters
        monkeypatch.setattr(browsing, "LOOKED_THROUGH_MAX", bound)
        cut = list(pages(bakery, filters, limit))
        assert [id_ for page in cut for id_ in ids(page)] == ids(whole), filters
        assert all(len(page.rows) <= limit for page in cut)
        for page in cut:
            # Whoever is told how far it looked can go on from there.
            assert page.looked_through_to is None or page.after is not None


@pytest.mark.parametrize("limit", [2, 4, 100])
@pytest.mark.parametrize("is_of_account", [True, False])
def test_words_keep_the_order_of_the_list_where_days_and_moments_disagree(
    bakery: Company, limit: int, is_of_account: bool
) -> None:
    on: dict[str, Any] = {"account_id": bakery.rent.id} if is_of_account else {}
    for n in range(12):
        moment = NOON + n * dt.timedelta(minutes=5)
        # As after a change of the time zone: later days, earlier moments.
        bakery.post(at=moment, date=moment.date() + (n < 5) * DAY, description="Rent of March")
    listed = [id_ for page in pages(bakery, Filters(**on), 100) for id_ in ids(page)]
    found: list[UUID] = []
    for number, page in enumerate(pages(bakery, Filters(words="march", **on), limit)):
        found += ids(page)
        assert number < 12, "the list does not end"
    assert found == listed


def test_words_that_very_many_have_are_looked_for_among_the_newest(
    bakery: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [bakery.post(str(n + 1), at=NOON + n * DAY, description="Rent of March") for n in range(9)]
    bakery.post("100", at=NOON + 20 * DAY, description="Other", debit=bakery.software)
    monkeypatch.setattr(browsing, "_WITH_WORDS_MAX", 5)
    found = [id_ for page in pages(bakery, Filters(words="march"), 4) for id_ in ids(page)]
    assert found == [row.id for row in reversed(rows)]
    found = [
        id_ for page in pages(bakery, Filters(words="cash", amount_min=Decimal(8)), 4) for id_ in ids(page)
    ]
    assert len(found) == 3


def test_a_page_is_one_statement_and_two_where_rows_were_looked_through(bakery: Company) -> None:
    for n in range(5):
        bakery.post(str(n + 1))

    def statements(**filters: Any) -> int:
        with CaptureQueriesContext(connection) as queries:
            browse(bakery.entity, Filters(**filters), limit=3)
        return len(queries)

    assert statements() == statements(account_id=bakery.cash.id) == statements(amount_min=Decimal(1)) == 1
    # Not enough pass to fill the page.
    assert statements(amount_min=Decimal(5)) == 2
    # Of a frequent word the newest rows fill the page; a rare one is looked up besides.
    assert statements(words="rent") == 2
    assert statements(words="rent", amount_min=Decimal(5)) == 4


# -- What the planner does with many rows --------------------------------------------------------------


MANY = 50_000
_FILL = """
INSERT INTO transactions_transaction (entity_id, id, ledger_id, debit_account_id, credit_account_id,
    timestamp, created_at, updated_at, posted_at, date, amount, currency, status, source, counterparty,
    description)
SELECT %(entity)s, ids.id, %(ledger)s,
    (%(debits)s::uuid[])[1 + n %% 3], (%(credits)s::uuid[])[1 + n %% 2],
    %(first)s::timestamptz + n * interval '13 minutes', now(), now(),
    CASE WHEN n %% 100 = 0 THEN NULL ELSE now() END,
    (%(first)s::timestamptz + n * interval '13 minutes')::date,
    1 + n %% 997, 'USD', CASE WHEN n %% 100 = 0 THEN 'PENDING' ELSE 'POSTED' END,
    CASE WHEN n %% 1000 = 0 THEN 'bank' ELSE 'api' END,
    'Counterparty ' || n %% 500, 'Invoice ' || n || CASE WHEN n %% 5000 = 0 THEN ' rarity' ELSE '' END
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS ids (id, n)
"""


@pytest.fixture(scope="module")
def warehouse(django_db_setup: None, django_db_blocker: Any) -> Iterator[Company]:
    """A company of 50,000 transactions, made set-based, once for this module; another one beside it."""
    with django_db_blocker.unblock(), transaction.atomic():
        company, other = make_company("Warehouse"), make_company("Other")
        for one, count in ((company, MANY), (other, 5_000)):
            ids_ = sorted((new_id() for _ in range(count)), key=lambda id_: id_.int)
            execute(
                _FILL.replace("%(entity)s", "%(entity)s::uuid").replace("%(ledger)s", "%(ledger)s::uuid"),
                {
                    "entity": one.entity.id,
                    "ledger": one.ledger.id,
                    "debits": [one.rent.id, one.software.id, one.loan.id],
                    "credits": [one.cash.id, one.bank.id],
                    "first": dt.datetime(2022, 1, 1, tzinfo=dt.UTC),
                    "ids": ids_,
                },
            )
        execute("ANALYZE transactions_transaction")
        yield company
        transaction.set_rollback(True)


@contextmanager
def explained() -> Iterator[list[dict[str, Any]]]:
    """The plans, with what they really did, of the statements that read transactions."""
    plans: list[dict[str, Any]] = []

    with CaptureQueriesContext(connection) as queries:
        yield plans
    for query in queries.captured_queries:
        if "transactions_transaction" in query["sql"]:
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query["sql"].replace("%", "%%"), ())
                [(plan,)] = cursor.fetchall()
                plans.append((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def rows_read(plan: dict[str, Any]) -> int:
    """How many rows of transactions came out of the table or were thrown away there."""
    total = 0
    for node in nodes(plan):
        if node.get("Relation Name") == "transactions_transaction":
            removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
            total += int((node["Actual Rows"] + removed) * node["Actual Loops"])
    return total


CASES: list[tuple[str, dict[str, Any]]] = [
    ("everything", {}),
    ("a month", {"date_from": dt.date(2022, 5, 1), "date_to": dt.date(2022, 5, 31)}),
    ("a day long ago", {"date_to": dt.date(2022, 1, 3)}),
    ("a state", {"statuses": (Status.PENDING,)}),
    ("several states", {"statuses": (Status.PENDING, Status.CLEARED, Status.RECONCILED)}),
    ("a state that there is not", {"statuses": (Status.EXPIRED,)}),
    ("posted", {"statuses": (Status.POSTED,)}),
    ("a counterparty", {"counterparty": "Counterparty 7"}),
    ("no such counterparty", {"counterparty": "Nobody"}),
    ("an amount that nothing has", {"amount_min": Decimal(100_000)}),
    ("an amount", {"amount_min": Decimal(990), "amount_max": Decimal(991)}),
    ("a source", {"source": "bank"}),
    ("no such source", {"source": "journal"}),
    ("reconciled", {"reconciled": True}),
    ("not reconciled", {"reconciled": False}),
    ("a rare word", {"words": "rarity"}),
    ("a frequent word", {"words": "invoice"}),
    ("a number", {"words": "12345"}),
    ("a word of an account", {"words": "softw"}),
    ("words that are rare together", {"words": "invoice rarity cash"}),
    ("a frequent word of an amount", {"words": "invoice", "amount_min": Decimal(100_000)}),
    ("a word in a month", {"words": "counterparty", "date_to": dt.date(2022, 2, 1)}),
]
ACCOUNT_CASES: list[tuple[str, dict[str, Any]]] = [
    ("an account", {}),
    ("an account in a month", {"date_from": dt.date(2022, 5, 1), "date_to": dt.date(2022, 5, 31)}),
    ("an account and a state", {"statuses": (Status.PENDING,)}),
    ("an account and an amount that nothing has", {"amount_min": Decimal(100_000)}),
    ("an account and a source", {"source": "journal"}),
]


@pytest.mark.parametrize(
    ("name", "filters"), [pytest.param(*case, id=case[0]) for case in [*CASES, *ACCOUNT_CASES]]
)
def test_no_filter_reads_the_whole_table(warehouse: Company, name: str, filters: dict[str, Any]) -> None:
    if (name, filters) in ACCOUNT_CASES:
        filters = {**filters, "account_id": warehouse.cash.id}
    wanted = Filters(**filters)
    first = browse(warehouse.entity, wanted, limit=50)
    for after in (None, first.after):
        with explained() as plans:
            browse(warehouse.entity, wanted, limit=50, after=after)
        assert plans or "words" in filters
        for plan in plans:
            for node in nodes(plan):
                is_transactions = node.get("Relation Name") == "transactions_transaction"
                assert not (is_transactions and node["Node Type"] == "Seq Scan"), (name, plan)
            assert rows_read(plan) <= 25_000, (name, rows_read(plan))


def test_what_waits_to_be_categorized_is_found_by_the_accounts(warehouse: Company) -> None:
    wanted = Filters(uncategorized_on=(warehouse.software.id, warehouse.sales.id))
    with explained() as plans:
        page = browse(warehouse.entity, wanted, limit=50)
    assert len(page.rows) == 50
    for plan in plans:
        assert all(
            node["Node Type"] != "Seq Scan"
            for node in nodes(plan)
            if node.get("Relation Name") == "transactions_transaction"
        )
        assert rows_read(plan) <= 25_000


def test_pages_deep_down_cost_what_the_first_does(warehouse: Company) -> None:
    middle = Position(dt.date(2022, 9, 1), dt.datetime(2022, 9, 1, tzinfo=dt.UTC), UUID(int=0))
    with explained() as plans:
        page = browse(warehouse.entity, Filters(), limit=50, after=middle)
    assert len(page.rows) == 50
    assert sum(rows_read(plan) for plan in plans) <= 200

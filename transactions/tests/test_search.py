"""POST /v1/transactions/search: words, filters, pages, and the index that makes it quick."""

import datetime as dt
import json
import string
from itertools import combinations
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.choices import AccountType
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import IdempotencyKey
from ledger.tests.helpers import Caller
from ledger.tokens import Scope
from transactions import search
from transactions.choices import Status
from transactions.services import delete_transaction, edit_transaction, post_batch
from transactions.services.editing import Edit
from transactions.tests.conftest import NOON, Company, make_company

URL = "/v1/transactions/search"
A_DAY = dt.timedelta(days=1)


def found(caller: Caller, query: str | None = None, **filters: Any) -> list[str]:
    """The descriptions of what a search finds, in its order."""
    body: dict[str, Any] = {"limit": 100}
    if query is not None:
        body["query"] = query
    if filters:
        body["filters"] = filters
    answer = caller.post(URL, body)
    assert answer.status_code == 200, answer.content
    assert answer.json()["pagination"]["total"] == len(answer.json()["transactions"])
    return [transaction["description"] for transaction in answer.json()["transactions"]]


@pytest.fixture
def caller(bakery: Company) -> Caller:
    return bakery.caller()


def test_a_search_may_be_repeated_with_or_without_an_idempotency_key(bakery: Company, caller: Caller) -> None:
    def found(query: str, key: str) -> int:
        answer = caller.post(URL, {"query": query}, HTTP_IDEMPOTENCY_KEY=key)
        assert answer.status_code == 200, answer.content
        assert "Idempotent-Replayed" not in answer
        total: int = answer.json()["pagination"]["total"]
        return total

    assert found("rye", "same") == 0
    bakery.post(description="Rye bread")
    # It changes nothing, so nothing of it is kept: the same key finds what has come since, and other words.
    assert found("rye", "same") == 1
    assert found("bread", "same") == 1
    assert not IdempotencyKey.objects.exists()


def test_the_reference_example_field_by_field(bakery: Company, caller: Caller) -> None:
    at = dt.datetime(2024, 1, 15, 12, tzinfo=dt.UTC)
    row = bakery.post(
        "500", debit=bakery.cash, credit=bakery.sales, description="Invoice payment received", at=at
    )
    bakery.post("50", description="Invoice, too small", at=at)
    bakery.post("500", description="Invoice of February", at=at + 31 * A_DAY)
    bakery.posted("500", description="Invoice, posted", at=at)

    answer = caller.post(
        URL,
        {
            "query": "invoice",
            "filters": {
                "dateFrom": "2024-01-01",
                "dateTo": "2024-01-31",
                "amountMin": 100,
                "amountMax": 1000,
                "status": "PENDING",
            },
            "page": 1,
            "limit": 20,
        },
    )

    assert answer.status_code == 200
    body = answer.json()
    assert body["pagination"] == {"total": 1, "page": 1, "limit": 20, "totalPages": 1}
    [transaction] = body["transactions"]
    expected = {
        "id": encode_id(Prefix.TRANSACTION, row.id),
        "description": "Invoice payment received",
        "amount": 500.0,
        "timestamp": "2024-01-15T12:00:00Z",
        "status": "PENDING",
        "debitAccountId": bakery.cash.public_id,
        "creditAccountId": bakery.sales.public_id,
        "currency": "USD",
        "metadata": {},
    }
    assert {name: transaction[name] for name in expected} == expected
    assert transaction["createdAt"].endswith("Z")
    assert transaction["updatedAt"].endswith("Z")
    # Whole objects, as everywhere.
    assert transaction["creditAccount"]["name"] == "Sales"
    assert transaction["category_id"] == bakery.sales.public_id


@pytest.mark.parametrize(
    "query",
    [
        "invoice", "INVOICE", "inv", "Invoice 1003", "1003 invoice", "10", "100345", "INV-100345",
        "inv-1003", "inv100345x", "acme", "ACME-Corp", "cafe", "CAFÉ", "café", "strasse", "STRASSE", "straße",
        "sodruzhestvo", "цветы", "ЦВЕ", "日本", "ref2024", "REF20240115000123", "x100345", "  invoice \n 10 ",
        "\uff11\uff10\uff10\uff13\uff14\uff15",
        "software", "SOFT", "cash", "invoice software", "cash acme inv", "invoice --- 1003!!!", "o reilly",
        "O'Reilly", "a", "' & | ! ( ) <-> invoice :*", "abcdefghijklmnopqrstuvwxyz", "oslo",
    ],
)  # fmt: skip
def test_words_and_word_beginnings_are_found_in_every_text(
    bakery: Company, caller: Caller, query: str
) -> None:
    bakery.post(
        debit=bakery.software,
        description=(
            "Invoice 100345 at Café Straße, ЦВЕТЫ 日本語 REF20240115000123 x100345 sodruzhestvo "
            "abcdefghijklmnopqrstuvwxyzabcdef øslo"
        ),
        counterparty="Acme Corp O'Reilly",
        external_id="INV100345X",
    )
    bakery.post(debit=bakery.bank, credit=bakery.loan, description="Something else")

    assert len(found(caller, query)) == 1


@pytest.mark.parametrize(
    "query",
    [
        "nvoice", "voice", "00345", "003", "0345", "345", "1003456", "100354", "invoice 2", "acme rent",
        "115", "0115", "20240116", "ref20240115000124", "---", "!", "'", "\\", ":*", "&", "()", "_", "%",
        "sales", "~0345", "100345 0345", "cde", "abcdefghijklmnopqrstuvwxyc", "🙂", "10034 5",
    ],
)  # fmt: skip
def test_what_stands_inside_of_words_or_nowhere_is_not_found(
    bakery: Company, caller: Caller, query: str
) -> None:
    bakery.post(
        debit=bakery.software,
        description="Invoice 100345 REF20240115000123 abcdefghijklmnopqrstuvwxyzabcdef",
        counterparty="Acme",
    )

    assert found(caller, query) == []


def test_all_pieces_of_a_number_must_be_of_one_word(bakery: Company, caller: Caller) -> None:
    bakery.post(description="12345678 1234000099995678")
    bakery.post(description="1234999900005678 and 99995678")

    assert found(caller, "12345678") == ["12345678 1234000099995678"]
    assert found(caller, "12349999") == ["1234999900005678 and 99995678"]


@pytest.mark.parametrize("letter", ["x", "\u5b57", "\U0001d518", "\uac01"])
def test_words_as_long_as_a_description_are_found(bakery: Company, caller: Caller, letter: str) -> None:
    row = bakery.post(description=letter * 1000)
    bakery.post(description=letter * 20 + "y" * 980)

    for length in (22, 24, 25, 30, 200):
        assert found(caller, letter * length) == [row.description]
    assert len(found(caller, letter * 20)) == 2
    assert found(caller, letter * 40 + "y") == found(caller, "y" * 30) == []


def test_accounts_are_found_by_name_on_either_side(bakery: Company, caller: Caller) -> None:
    bakery.post(debit=bakery.software, description="subscription")
    bakery.post(debit=bakery.cash, credit=bakery.sales, description="software sold")
    bakery.post(debit=bakery.cash, credit=bakery.loan, description="loan")

    assert set(found(caller, "software")) == {"subscription", "software sold"}
    assert found(caller, "software subs") == ["subscription"]
    assert found(caller, "soft sales") == ["software sold"]
    assert len(found(caller, "cash")) == 3


def test_every_word_may_stand_in_the_text_or_in_a_name(bakery: Company, caller: Caller) -> None:
    names = ["Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta"]
    accounts = {name: make_account(bakery.ledger, f"{name} account") for name in names}
    for debit, credit in combinations(names, 2):
        text = " ".join(name for name in names if name not in (debit, credit))
        bakery.post(debit=accounts[debit], credit=accounts[credit], description=text)
    # One whose text says all of it, and one that lacks a word.
    bakery.post(description=" ".join(names) + " account")
    bakery.post(debit=accounts["Alpha"], credit=accounts["Beta"], description="Gamma Delta Epsilon")

    for count in range(1, len(names) + 1):
        missing = 0 if count < len(names) else 1
        assert len(found(caller, " ".join(names[:count]))) == 15 + 2 - missing
    assert len(found(caller, " ".join(names) + " account")) == 16
    assert len(found(caller, "zeta gam")) == 16
    assert found(caller, "alpha beta gamma delta epsilon zeta eta") == []


def test_without_words_everything_is_found_newest_first(bakery: Company, caller: Caller) -> None:
    for day in (2, 3, 1):
        bakery.post(description=str(day), at=NOON + day * A_DAY)

    for query in (None, "", "  \n "):
        assert found(caller, query) == ["3", "2", "1"]
    assert caller.post(URL, {"query": None, "filters": None}).json()["pagination"]["total"] == 3
    assert found(caller, query="rent") == ["3", "2", "1"]


def test_filters_narrow_what_is_found_with_and_without_words(bakery: Company, caller: Caller) -> None:
    bakery.post("10.50", description="one rent", counterparty="Landlord", at=NOON)
    bakery.posted("20", debit=bakery.software, description="two", counterparty="Acme", at=NOON + A_DAY)
    bakery.post(
        "30",
        debit=bakery.cash,
        credit=bakery.sales,
        description="three",
        counterparty="",
        at=NOON + 2 * A_DAY,
    )
    bakery.post("40", debit=bakery.cash, credit=bakery.bank, description="four", at=NOON + 3 * A_DAY)
    bakery.post("50", debit=bakery.loan, credit=bakery.cash, description="five", at=NOON + 4 * A_DAY)
    cases: list[tuple[dict[str, Any], set[str]]] = [
        ({"dateFrom": "2024-03-17"}, {"three", "four", "five"}),
        ({"dateTo": "2024-03-16"}, {"one rent", "two"}),
        ({"dateFrom": "2024-03-16", "dateTo": "2024-03-16"}, {"two"}),
        ({"amountMin": 20}, {"two", "three", "four", "five"}),
        ({"amountMax": "10.5"}, {"one rent"}),
        ({"amountMin": 20, "amountMax": 30}, {"two", "three"}),
        ({"amountMin": 0}, {"one rent", "two", "three", "four", "five"}),
        ({"status": "POSTED"}, {"two"}),
        ({"status": "EXPIRED"}, set()),
        ({"accountId": bakery.cash.public_id}, {"one rent", "two", "three", "four", "five"}),
        ({"accountId": bakery.bank.public_id}, {"four"}),
        ({"categoryId": bakery.sales.public_id}, {"three"}),
        ({"counterparty": "Acme"}, {"two"}),
        ({"counterparty": "acme"}, set()),
        ({"type": "EXPENSE"}, {"one rent", "two"}),
        ({"type": "REVENUE"}, {"three"}),
        ({"type": "LIABILITY"}, {"five"}),
        # Money moved between own pockets has no category.
        ({"type": "ASSET"}, set()),
        ({"type": "EXPENSE", "status": "POSTED", "date_from": "2024-03-01"}, {"two"}),
        ({"status": None, "dateFrom": None}, {"one rent", "two", "three", "four", "five"}),
    ]
    for filters, expected in cases:
        assert set(found(caller, **filters)) == expected, filters
        # Every one of them is on an account whose name begins so, or says so itself.
        assert set(found(caller, "cash", **filters)) == expected, filters


def test_the_type_filter_means_the_account_type_that_is_shown(bakery: Company, caller: Caller) -> None:
    asset = make_account(bakery.ledger, "Equipment")
    equity = make_account(bakery.ledger, "Capital", "EQUITY")
    everything = [*bakery.accounts, asset, equity]
    for debit in everything:
        for credit in everything:
            if debit is not credit:
                bakery.post(debit=debit, credit=credit, description=f"{debit.name} {credit.name}")

    shown = {
        transaction["description"]: transaction["accountType"]
        for transaction in caller.post(URL, {"limit": 100}).json()["transactions"]
    }
    assert len(shown) == len(everything) * (len(everything) - 1)
    for type_ in ("ASSET", "LIABILITY", "EQUITY", "REVENUE", "EXPENSE"):
        assert set(found(caller, type=type_)) == {name for name, its in shown.items() if its == type_}


def test_days_are_those_of_the_company(db: None) -> None:
    tokyo = make_company("Tokyo", zone="Asia/Tokyo")
    late = dt.datetime(2024, 3, 15, 20, tzinfo=dt.UTC)
    tokyo.post(description="on the 16th there", at=late, date=dt.date(2024, 3, 16))

    caller = tokyo.caller()
    assert found(caller, dateFrom="2024-03-16", dateTo="2024-03-16") == ["on the 16th there"]
    assert found(caller, dateTo="2024-03-15") == []


def test_pages_are_exact_and_a_page_past_the_end_is_empty(bakery: Company, caller: Caller) -> None:
    drafts = [bakery.draft(description=f"Invoice {n}", at=NOON + n * A_DAY) for n in range(1, 8)]
    assert post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM) == {}

    for query in ("invoice", ""):
        pages = [caller.post(URL, {"query": query, "page": page, "limit": 3}).json() for page in (1, 2, 3, 4)]
        names = [[one["description"] for one in page["transactions"]] for page in pages]
        assert names == [
            ["Invoice 7", "Invoice 6", "Invoice 5"],
            ["Invoice 4", "Invoice 3", "Invoice 2"],
            ["Invoice 1"],
            [],
        ]
        assert pages[3]["pagination"] == {"total": 7, "page": 4, "limit": 3, "totalPages": 3}
    assert caller.post(URL, {"query": "nothing"}).json()["pagination"] == {
        "total": 0,
        "page": 1,
        "limit": 25,
        "totalPages": 0,
    }


def test_changed_texts_are_found_by_what_they_say_now(bakery: Company, caller: Caller) -> None:
    row = bakery.post(description="before")
    edit_transaction(
        entity=bakery.entity, transaction_id=row.id, edit=Edit(description="after"), actor=SYSTEM
    )
    assert (found(caller, "before"), found(caller, "after")) == ([], ["after"])

    delete_transaction(entity=bakery.entity, transaction_id=row.id, actor=SYSTEM)
    assert found(caller, "after") == []


def test_books_of_others_stay_unseen(bakery: Company, stranger: Company, caller: Caller) -> None:
    stranger.post(description="Secret invoice", counterparty="Acme")

    assert found(caller, "secret") == found(caller, "cash") == found(caller) == []
    assert found(caller, accountId=stranger.cash.public_id) == []
    foreign = caller.post(f"{URL}?entityId={stranger.entity.public_id}", {"query": "secret"})
    assert foreign.status_code == 403


def test_a_token_that_may_only_read_may_search(bakery: Company) -> None:
    bakery.post(description="Invoice")

    assert found(bakery.caller(scope=Scope.READ), "invoice") == ["Invoice"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"querry": "x"}, "querry"),
        ({"query": 5}, "query"),
        ({"query": "x" * 201}, "query"),
        ({"query": "a\0"}, "body"),
        ({"page": 0}, "page"),
        ({"limit": 101}, "limit"),
        ({"filters": []}, "filters"),
        ({"filters": {"dateForm": "2024-01-01"}}, "filters.dateForm"),
        ({"filters": {"dateFrom": "2024-02-30"}}, "filters.dateFrom"),
        ({"filters": {"date_to": "x"}}, "filters.date_to"),
        ({"filters": {"amountMin": "NaN"}}, "filters.amountMin"),
        ({"filters": {"status": "pending"}}, "filters.status"),
        ({"filters": {"type": "MONEY"}}, "filters.type"),
        ({"filters": {"accountId": "acc_1"}}, "filters.accountId"),
        ({"filters": {"counterparty": ""}}, "filters.counterparty"),
        ({"filters": {"dateFrom": "2024-02-02", "dateTo": "2024-02-01"}}, "filters.dateFrom"),
        ({"filters": {"amountMin": 2, "amount_max": 1}}, "filters.amountMin"),
    ],
)
def test_malformed_searches_are_refused_by_name(caller: Caller, body: dict[str, Any], field: str) -> None:
    answer = caller.post(URL, body)

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert [detail["field"] for detail in error.get("details", [{"field": "body"}])] == [field]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60),
    cut=st.integers(1, 60),
)
def test_any_text_is_found_by_itself_and_by_the_beginnings_of_its_words(
    bakery: Company, text: str, cut: int
) -> None:
    bakery.post(description=text)
    words = _words(text)

    _, page = search.search_transactions(bakery.entity, query=text, filters={}, page=1, limit=1)
    assert page.total >= 1 or not words
    for word in words:
        _, page = search.search_transactions(bakery.entity, query=word[:cut], filters={}, page=1, limit=1)
        assert page.total >= 1


@pytest.mark.parametrize("length", [4, 9, 12, 13, 20, 25])
def test_an_id_made_by_a_machine_is_found_by_its_beginning_and_by_nothing_else(
    bakery: Company, caller: Caller, length: int
) -> None:
    said = "01kaf9z3x4eh8vq2m7t5c6d1br"
    bakery.post(description="this", external_id=f"line_{said}")
    bakery.post(description="other", external_id=f"line_{said[:length]}{'y' * (26 - length)}")

    assert sorted(found(caller, f"line {said[:length]}")) == ["other", "this"]
    assert found(caller, f"line {said[: length + 1]}") == ["this"]
    assert found(caller, f"line_{said}") == ["this"]
    assert found(caller, said[1:length]) == []


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.text(alphabet="ab019 -", max_size=24),
    asked=st.text(alphabet="ab019 -", min_size=1, max_size=9),
    in_id=st.booleans(),
    asks_for_beginning=st.booleans(),
)
def test_exactly_word_beginnings_are_found(
    bakery: Company, said: str, asked: str, in_id: bool, asks_for_beginning: bool
) -> None:
    if in_id:
        # Of an id the company has one transaction, and these begin with a word of their own.
        said = f"{new_id().hex} {said}"
    if asks_for_beginning:
        asked = said[: 3 * len(asked)]
    row = bakery.post(**{"external_id" if in_id else "description": said})
    rows, _ = search.search_transactions(bakery.entity, query=asked, filters={}, page=1, limit=1)
    words = said.replace("-", " ").split()
    wanted = asked.replace("-", " ").split()
    # Accounts are called Rent and Cash here: no word of theirs begins like one of these.
    expected = all(any(word.startswith(beginning) for word in words) for beginning in wanted)

    if asked.strip():
        # Of equally old ones the one recorded last comes first.
        assert ([one.id for one in rows] == [row.id]) == (expected and bool(wanted))


def _words(text: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_to_array(transactions_search_words(%s), ' ')", [text])
        found: list[str] = cursor.fetchone()[0]
    return found


@pytest.fixture
def crowded(bakery: Company) -> Company:
    """A company whose books are long enough for the planner to care."""
    drafts = [
        bakery.draft(
            description=f"Invoice {100_000 + n} from {string.ascii_letters[n % 52] * 3} Ltd",
            at=NOON + n * dt.timedelta(minutes=1),
            status=Status.PENDING if n % 2 else Status.POSTED,
        )
        for n in range(8_000)
    ]
    assert post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM) == {}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE transactions_transaction")
    return bakery


@pytest.mark.parametrize(
    "query", ["100345", "INV-100345", "invoice 10034", "zzz", "neverheard", "rent 100345"]
)
def test_a_selective_search_uses_the_index_of_words(crowded: Company, query: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        search.search_transactions(crowded.entity, query=query, filters={}, page=1, limit=20)
    [hits] = [one["sql"] for one in queries if "hits AS MATERIALIZED" in one["sql"]]

    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + hits)
        plan = json.dumps(cursor.fetchone()[0])
    assert "transaction_by_words" in plan
    assert "Seq Scan on transactions_transaction" not in plan


@pytest.mark.parametrize(
    ("query", "filters", "count"),
    [
        ("invoice", {}, 3),
        ("invoice rent cash", {}, 3),
        ("", {"type": AccountType.EXPENSE}, 4),
        ("---", {}, 1),
        ("nothing", {}, 2),
        ("", {}, 3),
        ("", {"status": Status.EXPIRED}, 1),
    ],
)
def test_a_search_takes_a_fixed_number_of_queries(
    crowded: Company, query: str, filters: dict[str, Any], count: int
) -> None:
    with CaptureQueriesContext(connection) as queries:
        search.search_transactions(crowded.entity, query=query, filters=filters, page=1, limit=50)

    assert len(queries) == count


def test_the_index_of_words_stays_small(crowded: Company) -> None:
    with connection.cursor() as cursor:
        cursor.execute("REINDEX INDEX transaction_by_words")
        cursor.execute("SELECT pg_relation_size('transaction_by_words')")
        size = cursor.fetchone()[0]

    # An index of whole words takes twice as much: each of the numbers is there once.
    assert size / 8_000 < 35

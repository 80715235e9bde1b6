"""POST /v1/ai/semantic-search: what it finds, filters, and refuses."""

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ai.models import Document, SourceType, Summary
from ai.search import finding, keeping
from ai.search.embedding import as_text, embed_query
from ai.search.finding import Wanted, find, near_vector
from ai.search.keeping import embed_books
from ledger.actors import SYSTEM
from ledger.ids import Prefix, decode_id, encode_id
from ledger.tests.helpers import Caller
from ledger.tokens import Scope
from transactions.choices import Status
from transactions.services import delete_transaction, post_batch
from transactions.tests.conftest import NOON, Company

pytestmark = pytest.mark.django_db
URL = "/v1/ai/semantic-search"
A_DAY = dt.timedelta(days=1)


def results(caller: Caller, query: str, **more: Any) -> list[dict[str, Any]]:
    answer = caller.post(URL, {"query": query, **more})
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def descriptions(caller: Caller, query: str, **more: Any) -> list[str]:
    """The descriptions of the transactions that are found, in their order."""
    found = results(caller, query, sourceTypes=["transaction"], **more)
    return [one["details"]["description"] for one in found]


@pytest.fixture
def books(bakery: Company) -> Company:
    """A bakery that has bought this and that, embedded."""
    for number, description in enumerate(
        (
            "AMAZON WEB SERVICES AWS.AMAZON.CO WA",
            "DELTA AIR 0061234 ATLANTA GA",
            "MARRIOTT DENVER 5512 DENVER CO",
            "HISCOX INSURANCE ANNUAL PREMIUM 8812",
            "SHELL OIL 5512 PORTLAND OR",
        )
    ):
        bakery.posted(description=description, at=NOON + number * A_DAY)
    bakery.posted(description="Sold bread", debit=bakery.cash, credit=bakery.sales, at=NOON)
    bakery.posted(description="To the bank", debit=bakery.bank, credit=bakery.cash, at=NOON)
    embed_books(bakery.entity)
    return bakery


@pytest.fixture
def caller(books: Company) -> Caller:
    return books.caller()


def test_the_answer_field_by_field(books: Company, caller: Caller) -> None:
    answer = caller.post(
        URL,
        {
            "entityId": books.entity.public_id,
            "query": "cloud hosting",
            "limit": 1,
            "sourceTypes": ["transaction"],
            "documentTypes": ["expense"],
            "timeStart": "2024-03-01T00:00:00Z",
            "timeEnd": "2024-03-31",
        },
    )

    assert answer.status_code == 200
    body = answer.json()
    (result,) = body.pop("results")
    assert body == {"success": True, "query": "cloud hosting", "entityId": books.entity.public_id}
    source_id = decode_id(Prefix.TRANSACTION, result["source_id"], field="id")
    assert result.pop("id") == encode_id("doc", source_id)
    assert 0.7 < result.pop("similarity") <= 1
    details = result.pop("details")
    shown = caller.get(f"/v1/transactions/{result.pop('source_id')}").json()["transaction"]
    assert details == {name: shown[name] for name in details}
    assert details["description"] == "AMAZON WEB SERVICES AWS.AMAZON.CO WA"
    assert result == {"source_type": "transaction", "document_type": "expense"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("cloud hosting", "AMAZON WEB"),
        ("plane tickets", "DELTA"),
        ("hotels", "MARRIOTT"),
        ("insurence", "HISCOX"),
        ("how much did we pay for petrol", "SHELL"),
        ("aws", "AMAZON WEB"),
        ("Marriott", "MARRIOTT"),
    ],
)
def test_what_is_meant_comes_first(caller: Caller, query: str, found: str) -> None:
    assert descriptions(caller, query)[0].startswith(found)


def test_what_is_broader_finds_all_its_parts(caller: Caller) -> None:
    found = descriptions(caller, "trips")

    assert {text.split()[0] for text in found} == {"DELTA", "MARRIOTT"}


def test_words_that_mean_nothing_in_the_books_find_nothing(caller: Caller) -> None:
    assert results(caller, "xylophone quartz") == []
    assert results(caller, "?!") == []


def test_accounts_are_found_with_their_details(books: Company, caller: Caller) -> None:
    (result,) = results(caller, "saas subscriptions", sourceTypes=["ledger_account"], limit=1)

    assert result["source_id"] == books.software.public_id
    assert (result["source_type"], result["document_type"]) == ("ledger_account", "expense")
    assert result["details"]["name"] == "Software"
    assert result["details"]["sub_type_code"] == 6100


def test_the_statements_of_a_month_are_found_with_their_address(caller: Caller) -> None:
    (result,) = results(caller, "profit in march 2024", limit=1)

    assert (result["source_type"], result["document_type"]) == ("report", "income_statement")
    assert result["source_id"].startswith("rep_")
    details = result["details"]
    assert details["title"] == "Income statement, March 2024"
    assert (details["startDate"], details["endDate"]) == ("2024-03-01", "2024-03-31")
    statement = caller.get(details["path"])
    assert statement.status_code == 200, statement.content
    assert b"2024-03-31" in statement.content


def test_a_month_in_words_is_found_with_its_text(books: Company, caller: Caller) -> None:
    Summary.objects.create(
        entity=books.entity,
        month=dt.date(2024, 3, 1),
        currency="USD",
        text="In March 2024 revenue was $10.00.",
        figures={},
        created_at=NOON,
    )
    embed_books(books.entity)

    (result,) = results(caller, "summary of march 2024", limit=1)

    assert (result["source_type"], result["document_type"]) == ("report", "summary")
    assert result["details"] == {
        "title": "Summary, March 2024",
        "startDate": "2024-03-01",
        "endDate": "2024-03-31",
        "text": "In March 2024 revenue was $10.00.",
    }
    Summary.objects.filter(entity=books.entity).delete()
    assert results(caller, "summary of march 2024", limit=1, documentTypes=["summary"]) == []


def test_types_and_times_filter(caller: Caller) -> None:
    def types(**more: Any) -> set[tuple[str, str]]:
        found = results(caller, "bread travel insurance bank income statement", limit=50, **more)
        return {(one["source_type"], one["document_type"]) for one in found}

    assert types(documentTypes=["transfer"]) <= {("transaction", "transfer")}
    assert types(sourceTypes=["report"]) <= {
        ("report", name) for name in ("income_statement", "balance_sheet", "cash_flow")
    }
    trips = {"limit": 50}
    assert descriptions(caller, "trips", timeStart="2024-03-17", **trips) == [
        "MARRIOTT DENVER 5512 DENVER CO"
    ]
    assert descriptions(caller, "trips", timeEnd="2024-03-16T23:00:00Z", **trips) == [
        "DELTA AIR 0061234 ATLANTA GA"
    ]
    assert descriptions(caller, "trips", timeStart="2025-01-01", **trips) == []
    assert descriptions(caller, "trips", documentTypes=["revenue"], **trips) == []


def test_of_the_same_the_newest_comes_first_and_the_limit_holds(books: Company) -> None:
    for number in range(4):
        books.posted(description=f"UBER *TRIP {number}000", at=NOON + number * A_DAY)
    embed_books(books.entity)

    found = descriptions(books.caller(), "uber", limit=3)

    assert found == ["UBER *TRIP 3000", "UBER *TRIP 2000", "UBER *TRIP 1000"]


def test_many_of_one_kind_leave_room_for_the_others(books: Company) -> None:
    for number in range(20):
        books.posted(description=f"UBER *TRIP {number}000", at=NOON + number * A_DAY)
    embed_books(books.entity)

    found = descriptions(books.caller(), "trips", limit=12)

    assert {text.split()[0] for text in found} == {"UBER", "DELTA", "MARRIOTT"}


def test_a_reference_is_looked_for_as_it_is(books: Company, caller: Caller) -> None:
    books.posted(description="Invoice INV-1003 to Acme")
    books.posted(description="Invoice INV-1004 to Acme")
    embed_books(books.entity)

    found = results(caller, "INV-1003")

    assert found[0]["details"]["description"] == "Invoice INV-1003 to Acme"
    assert found[0]["similarity"] == 1
    assert descriptions(caller, "INV-1003", timeEnd="2024-01-01") == []
    assert descriptions(caller, "INV-1003", documentTypes=["revenue"]) == []


def test_before_there_are_documents_words_are_found(bakery: Company) -> None:
    bakery.posted(description="Baker Street rent")

    assert descriptions(bakery.caller(), "baker street") == ["Baker Street rent"]
    assert results(bakery.caller(), "baker", sourceTypes=["report"]) == []


def test_what_was_deleted_since_is_left_out(books: Company, caller: Caller) -> None:
    row = books.post(description="UBER *TRIP")
    embed_books(books.entity)
    delete_transaction(entity=books.entity, transaction_id=row.id, actor=SYSTEM)

    assert descriptions(caller, "uber") == []


def test_nobody_finds_what_is_another_companys(books: Company, stranger: Company) -> None:
    stranger.posted(description="AMAZON WEB SERVICES canary")
    embed_books(stranger.entity)

    assert all("canary" not in text for text in descriptions(books.caller(), "aws canary", limit=50))
    assert descriptions(stranger.caller(), "cloud hosting") == ["AMAZON WEB SERVICES canary"]
    answer = stranger.caller().post(URL, {"entityId": books.entity.public_id, "query": "aws"})
    assert answer.status_code == 403


def test_a_token_that_may_only_read_may_search(books: Company) -> None:
    assert descriptions(books.caller(scope=Scope.READ), "hotels")


def test_both_spellings_of_the_fields_are_taken(caller: Caller) -> None:
    snake = {"source_types": ["transaction"], "document_types": ["expense"], "time_start": "2024-01-01"}
    camel = {"sourceTypes": ["transaction"], "documentTypes": ["expense"], "timeStart": "2024-01-01"}

    assert results(caller, "hotels", **snake) == results(caller, "hotels", **camel)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": "a" * 501}, "query"),
        ({"query": 7}, "query"),
        ({"query": "\0"}, ""),
        ({"query": "a", "limit": 0}, "limit"),
        ({"query": "a", "limit": 51}, "limit"),
        ({"query": "a", "limit": "many"}, "limit"),
        ({"query": "a", "sourceTypes": []}, "sourceTypes"),
        ({"query": "a", "sourceTypes": ["invoice"]}, "sourceTypes[0]"),
        ({"query": "a", "documentTypes": ["invoice"]}, "documentTypes[0]"),
        ({"query": "a", "timeStart": "yesterday"}, "timeStart"),
        ({"query": "a", "timeStart": "2024-02-01", "timeEnd": "2024-01-01"}, "timeStart"),
        ({"query": "a", "kind": "x"}, "kind"),
    ],
)
def test_what_cannot_be_is_refused_by_name(caller: Caller, body: dict[str, Any], field: str) -> None:
    answer = caller.post(URL, body)

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert field in {one["field"] for one in error.get("details", [])} or not field


@pytest.mark.parametrize(
    "query", ["'; DROP TABLE ai_document; --", "%s %(x)s", "\ud7ff \U0001f600", "a " * 250, "<>&|!():*"]
)
def test_any_text_is_a_query(caller: Caller, query: str) -> None:
    assert isinstance(results(caller, query), list)


def test_a_search_takes_as_many_queries_whatever_it_finds(books: Company, caller: Caller) -> None:
    results(caller, "hotels")
    with CaptureQueriesContext(connection) as one:
        assert len(descriptions(caller, "hotels")) == 1
    for number in range(30):
        books.posted(description=f"HILTON {number}", at=NOON + number * A_DAY)
    embed_books(books.entity)

    with CaptureQueriesContext(connection) as many:
        assert len(descriptions(caller, "hotels", limit=30)) == 30

    # Whether the company is in the graph, the documents, what they stand for, and the transactions.
    assert len(one) == len(many) <= 5


# --- the two ways to the nearest -------------------------------------------------------------------


@pytest.fixture
def crowd(bakery: Company, stranger: Company) -> Company:
    """A bakery with several hundred documents, in the graph with a stranger's."""
    names = [f"{a}{b}{c}" for a in "brst" for b in "aeiou" for c in ("nker", "llow", "mpton", "zel")]
    for company in (bakery, stranger):
        faults = post_batch(
            entity=company.entity,
            drafts=[
                company.draft(description=f"{name} {thing}", status=Status.POSTED)
                for name in names
                for thing in ("hotel", "insurance", "taxi", "bakery", "hosting")
            ],
            actor=SYSTEM,
        )
        assert not faults
    limit = pytest.MonkeyPatch()
    limit.setattr(keeping, "GRAPH_FROM", 10)
    embed_books(bakery.entity)
    embed_books(stranger.entity)
    limit.undo()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ai_document")
    return bakery


def test_the_graph_leads_to_the_same_documents_as_comparing_all(crowd: Company) -> None:
    hits = total = 0
    for query in ("hotels", "bonker taxi", "cloud hosting", "insurence", "tillow bakery"):
        wanted, vector = Wanted(query), as_text(embed_query(query))
        exact = near_vector(crowd.entity, wanted, vector, count=50, by_graph=False)
        graph = near_vector(crowd.entity, wanted, vector, count=50, by_graph=True)
        assert len(exact) == len(graph) == 50
        nearest = exact[-1][4]
        hits += sum(one[4] >= nearest - 1e-6 for one in graph)
        total += 50
    assert hits / total > 0.95


def test_the_graph_keeps_companies_and_filters_apart(crowd: Company) -> None:
    ours = set(Document.objects.filter(entity=crowd.entity).values_list("id", flat=True))
    wanted = Wanted("hotels", source_types=(SourceType.LEDGER_ACCOUNT,))

    everything = near_vector(crowd.entity, Wanted("hotels"), as_text(embed_query("hotels")), by_graph=True)
    accounts = near_vector(crowd.entity, wanted, as_text(embed_query("hotels")), by_graph=True)

    assert {one[0] for one in everything} <= ours
    assert {one[1] for one in accounts} == {"ledger_account"}


def plan_of(company: Company, **more: Any) -> str:
    """How PostgreSQL goes about a search."""
    with CaptureQueriesContext(connection) as queries:
        near_vector(company.entity, Wanted("hotels"), as_text(embed_query("hotels")), count=20, **more)
    (sql,) = [query["sql"] for query in queries if "<#>" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('enable_sort', %s, true)", ["off" if more["by_graph"] else "on"])
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql.replace('%', '%%')}")
        (plan,) = cursor.fetchone()
        cursor.execute("SELECT set_config('enable_sort', 'on', true)")
    return json.dumps(plan)


def test_the_graph_serves_large_companies_and_the_companys_own_index_small_ones(crowd: Company) -> None:
    by_graph, one_by_one = plan_of(crowd, by_graph=True), plan_of(crowd, by_graph=False)

    assert "document_graph" in by_graph
    assert "document_graph" not in one_by_one


def test_settings_of_the_graph_end_with_the_search(crowd: Company) -> None:
    near_vector(crowd.entity, Wanted("hotels"), as_text(embed_query("hotels")), by_graph=True)

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('enable_sort')")
        assert cursor.fetchone() == ("on",)


def test_a_company_in_the_graph_is_searched_by_it(crowd: Company) -> None:
    assert keeping.is_in_graph(crowd.entity)

    with CaptureQueriesContext(connection) as queries:
        found = find(crowd.entity, Wanted("bonker hotel", limit=5))

    assert any("in_graph" in query["sql"] and "<#>" in query["sql"] for query in queries)
    rows = finding.transactions_of(crowd.entity, found)
    assert rows[found[0].source_id].description == "bonker hotel"

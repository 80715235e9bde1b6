"""Documents follow the books: made once, moved, renamed and deleted with what they stand for."""

import datetime as dt
import json
import time
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from accounts.services import update_account
from ai.models import Document, DocumentSource, DocumentState
from ai.search import background, embedding, keeping, rows
from ai.search.background import check_documents, keep_documents, start_embedding
from ai.search.embedding import as_text, embed_document, version
from ai.search.keeping import embed_books, follow_books, put_into_graph
from ledger import db
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.services.entities import delete_entity
from ledger.tests.helpers import run_background
from transactions.choices import Status
from transactions.rows import Row
from transactions.services import delete_transaction, edit_transaction, post_batch
from transactions.services.editing import Edit
from transactions.tests.conftest import NOON, Company

pytestmark = pytest.mark.django_db


def documents_of(company: Company, source_type: str = "transaction") -> list[Document]:
    return list(Document.objects.filter(entity=company.entity, source_type=source_type).order_by("text"))


def document_of(company: Company, source_id: UUID) -> Document:
    return DocumentSource.objects.select_related("document").get(entity=company.entity, id=source_id).document


def sources_of(company: Company) -> set[UUID]:
    """The transactions that lead to a document."""
    found = DocumentSource.objects.filter(entity=company.entity, document__source_type="transaction")
    return set(found.values_list("id", flat=True))


def lines_of(document: Document) -> list[str]:
    return document.text.split("\n")


def test_transactions_that_say_the_same_share_a_document(bakery: Company) -> None:
    rents = [
        bakery.posted(description=f"ACH DEBIT MAIN STREET RENT {number}", at=NOON + dt.timedelta(number))
        for number in (1001, 1002)
    ]
    other = bakery.posted(description="ACH DEBIT MAIN STREET RENT 1003", debit=bakery.software)

    kept = embed_books(bakery.entity)

    assert document_of(bakery, rents[0].id) == document_of(bakery, rents[1].id)
    # What is booked on another account means something else.
    assert document_of(bakery, other.id) != document_of(bakery, rents[0].id)
    assert kept.transactions == 3
    assert len(documents_of(bakery)) == 2


def test_a_document_says_what_the_books_say(bakery: Company) -> None:
    row = bakery.posted(
        description="SHELL OIL 5512 PORTLAND OR",
        counterparty="Shell Oil",
        metadata={"providerCategory": "TRANSPORTATION_GAS"},
    )
    embed_books(bakery.entity)

    document = document_of(bakery, row.id)

    assert lines_of(document) == ["shell oil portland or", "Rent", "Rent and lease", "gas"]
    assert (document.source_type, document.document_type) == ("transaction", "expense")
    assert document.account_ids == [bakery.rent.id]
    assert document.version == version()
    assert list(document.embedding) == pytest.approx(embed_document(document.text), abs=1e-3)


@pytest.mark.parametrize(
    ("debit", "credit", "document_type", "named"),
    [
        ("rent", "cash", "expense", ["rent"]),
        ("cash", "sales", "revenue", ["sales"]),
        ("cash", "bank", "transfer", ["cash", "bank"]),
        ("cash", "loan", "liability", ["loan"]),
        ("rent", "loan", "expense", ["rent"]),
    ],
)
def test_the_type_of_a_document_is_that_of_the_category(
    bakery: Company, debit: str, credit: str, document_type: str, named: list[str]
) -> None:
    row = bakery.posted(debit=getattr(bakery, debit), credit=getattr(bakery, credit), description="X")

    embed_books(bakery.entity)

    document = document_of(bakery, row.id)
    assert document.document_type == document_type
    assert document.account_ids == [getattr(bakery, name).id for name in named]


def test_every_account_has_a_document_of_its_own(bakery: Company) -> None:
    embed_books(bakery.entity)

    software = document_of(bakery, bakery.software.id)
    assert lines_of(software)[0] == "6100 Software"
    assert (software.source_type, software.document_type) == ("ledger_account", "expense")
    accounts = Account.objects.for_entity(bakery.entity).count()
    assert len(documents_of(bakery, "ledger_account")) == accounts


def test_every_month_with_postings_has_its_statements(bakery: Company) -> None:
    bakery.posted(at=NOON)
    bakery.posted(at=NOON + dt.timedelta(days=60))
    bakery.post(at=NOON + dt.timedelta(days=120))

    embed_books(bakery.entity)

    titles = {lines_of(one)[0] for one in documents_of(bakery, "report")}
    assert titles == {
        f"{title} {month} 2024"
        for title in ("Income statement", "Balance sheet", "Cash flow statement")
        for month in ("March", "May")
    }


def test_embedding_twice_changes_nothing(bakery: Company) -> None:
    bakery.posted(description="Rent")
    embed_books(bakery.entity)
    before = list(Document.objects.order_by("id").values_list("id", "text"))
    sources = list(DocumentSource.objects.order_by("id").values_list("id", "document_id"))

    embed_books(bakery.entity)
    follow_books(bakery.entity)

    assert list(Document.objects.order_by("id").values_list("id", "text")) == before
    assert list(DocumentSource.objects.order_by("id").values_list("id", "document_id")) == sources


def test_what_came_since_is_embedded_by_itself(bakery: Company) -> None:
    follow_books(bakery.entity)
    row = bakery.posted(description="GITHUB INC")

    assert follow_books(bakery.entity) == 1

    assert lines_of(document_of(bakery, row.id))[0] == "github inc"


def test_an_edited_transaction_moves_to_another_document(bakery: Company) -> None:
    row = bakery.post(description="GITHUB INC")
    embed_books(bakery.entity)

    _edit(bakery, row, description="Baker Street", debit_account_id=bakery.software.id)
    follow_books(bakery.entity)

    (document,) = documents_of(bakery)
    assert lines_of(document)[:2] == ["baker street", "Software"]
    assert document_of(bakery, row.id) == document


def test_a_deleted_transaction_takes_its_document_along(bakery: Company) -> None:
    kept = bakery.post(description="GITHUB INC")
    gone = bakery.post(description="FIGMA INC")
    embed_books(bakery.entity)

    delete_transaction(entity=bakery.entity, transaction_id=gone.id, actor=SYSTEM)
    follow_books(bakery.entity)

    assert sources_of(bakery) == {kept.id}
    assert [lines_of(one)[0] for one in documents_of(bakery)] == ["github inc"]


def test_a_change_that_no_run_saw_is_found_by_the_check(bakery: Company) -> None:
    gone = bakery.post(description="GITHUB INC")
    late = bakery.post(description="FIGMA INC")
    embed_books(bakery.entity)
    DocumentSource.objects.filter(entity=bakery.entity, id=late.id).delete()
    delete_transaction(entity=bakery.entity, transaction_id=gone.id, actor=SYSTEM)
    _pretend_all_is_seen(bakery)
    assert follow_books(bakery.entity) == 0

    embed_books(bakery.entity)

    assert sources_of(bakery) == {late.id}


def test_documents_say_what_an_account_is_called_now(bakery: Company) -> None:
    row = bakery.posted(description="WEWORK", metadata={"providerCategory": "RENT_AND_UTILITIES_RENT"})
    embed_books(bakery.entity)
    before = document_of(bakery, row.id)

    update_account(entity=bakery.entity, account=bakery.rent, name="Coworking", actor=SYSTEM)
    follow_books(bakery.entity)

    document = document_of(bakery, row.id)
    assert document.id == before.id
    assert lines_of(document) == ["wework", "Coworking", lines_of(before)[2], "rent"]
    assert list(document.embedding) == pytest.approx(embed_document(document.text), abs=1e-3)
    assert lines_of(document_of(bakery, bakery.rent.id))[0] == "Coworking"
    # A transaction that says the same still finds it.
    later = bakery.posted(description="WEWORK", metadata={"providerCategory": "RENT_AND_UTILITIES_RENT"})
    follow_books(bakery.entity)
    assert document_of(bakery, later.id).id == before.id


def test_vectors_made_in_another_way_are_made_anew(bakery: Company, monkeypatch: Any) -> None:
    row = bakery.posted(description="GITHUB INC")
    embed_books(bakery.entity)
    old = document_of(bakery, row.id)
    monkeypatch.setattr(embedding, "_ALGORITHM", 2)
    monkeypatch.setattr(embedding, "_MEANING", 0.1)

    follow_books(bakery.entity)

    new = document_of(bakery, row.id)
    assert new.id == old.id
    assert (new.version, list(new.embedding)) != (old.version, list(old.embedding))
    assert new.version == version()
    assert not Document.objects.filter(entity=bakery.entity).exclude(version=version()).exists()


def test_companies_share_nothing(bakery: Company, stranger: Company) -> None:
    ours, theirs = bakery.posted(description="WEWORK"), stranger.posted(description="WEWORK")

    embed_books(bakery.entity)
    assert not Document.objects.filter(entity=stranger.entity).exists()
    embed_books(stranger.entity)

    assert document_of(bakery, ours.id).entity_id == bakery.entity.id
    assert document_of(stranger, theirs.id).id != document_of(bakery, ours.id).id
    delete_entity(entity=bakery.entity, actor=SYSTEM)
    assert not Document.objects.filter(entity=bakery.entity).exists()
    assert not DocumentState.objects.filter(entity=bakery.entity).exists()
    assert document_of(stranger, theirs.id).text.startswith("wework")


def test_a_batch_takes_as_many_queries_as_one_transaction(bakery: Company) -> None:
    bakery.posted(description="one")
    embed_books(bakery.entity)
    with CaptureQueriesContext(connection) as few:
        embed_books(bakery.entity)
    faults = post_batch(
        entity=bakery.entity,
        drafts=[
            bakery.draft(
                description=f"{chr(97 + number % 26)}{chr(97 + number // 26)} shop", status=Status.POSTED
            )
            for number in range(200)
        ],
        actor=SYSTEM,
    )
    assert not faults

    with CaptureQueriesContext(connection) as many:
        embed_books(bakery.entity)

    # One more: the one that makes documents.
    assert len(many) <= len(few) + 1
    assert len(documents_of(bakery)) == 201


def test_books_beyond_a_batch_are_embedded_whole(bakery: Company, monkeypatch: Any) -> None:
    monkeypatch.setattr(keeping, "BATCH", 3)
    monkeypatch.setattr(keeping, "_REEMBEDDED_AT_ONCE", 2)
    rows = [bakery.post(description=f"shop {name}") for name in ("a", "b", "c", "d", "e", "f", "g")]
    told: list[tuple[int, int]] = []

    embed_books(bakery.entity, lambda done, total: told.append((done, total)))

    assert sources_of(bakery) == {row.id for row in rows}
    assert told == [(0, 7), (3, 7), (6, 7), (7, 7)]
    monkeypatch.setattr(embedding, "_ALGORITHM", 3)
    follow_books(bakery.entity)
    assert not Document.objects.filter(entity=bakery.entity).exclude(version=version()).exists()


@pytest.mark.parametrize("is_gone", [False, True])
@pytest.mark.parametrize("statement", [rows.DELETE_GONE, rows.DELETE_UNUSED])
def test_clearing_is_cheap_before_the_database_has_figures_of_the_company(
    bakery: Company, stranger: Company, statement: str, is_gone: bool
) -> None:
    """Figures from before the company came say that it has next to no rows, and then joins of all with all
    look cheap: 100,000 transactions took longer than a statement may."""
    stranger.posted(description="RENT")
    embed_books(stranger.entity)
    db.execute("ANALYZE ai_document, ai_documentsource, transactions_transaction")
    for number in range(300):
        bakery.post(description=f"SELLER {chr(97 + number % 26)}{chr(97 + number // 26)}ton")
    embed_books(bakery.entity)
    documents = keeping.count_documents(bakery.entity)
    if is_gone and statement == rows.DELETE_GONE:
        for transaction_id in sources_of(bakery):
            delete_transaction(entity=bakery.entity, transaction_id=transaction_id, actor=SYSTEM)
    elif is_gone:
        DocumentSource.objects.filter(entity=bakery.entity).delete()

    [(plan,)] = db.fetch(
        f"EXPLAIN (ANALYZE, TIMING off, FORMAT json) {statement}", {"entity": bakery.entity.id}
    )

    assert documents > 300
    root = json.loads(plan)[0]["Plan"]
    assert rows_read(root) < 10 * documents
    # A list, or an array, would be searched through for each row.
    assert "hashed SubPlan" in plan
    found = root["Plans"][0]["Actual Rows"]
    assert found == (0 if not is_gone else 300 if statement == rows.DELETE_GONE else documents)


def rows_read(plan: dict[str, Any]) -> int:
    """How many rows the nodes of a plan looked at, and threw away."""
    each = plan["Actual Rows"] + sum(plan[key] for key in plan if key.startswith("Rows Removed"))
    return int(each * plan["Actual Loops"]) + sum(map(rows_read, plan.get("Plans", ())))


def test_a_company_that_has_grown_moves_into_the_graph(bakery: Company, monkeypatch: Any) -> None:
    monkeypatch.setattr(keeping, "GRAPH_FROM", 5)
    bakery.posted(description="one")
    embed_books(bakery.entity)
    assert not Document.objects.filter(entity=bakery.entity, in_graph=False).exists()
    later = bakery.posted(description="two")

    follow_books(bakery.entity)

    assert document_of(bakery, later.id).in_graph

    Document.objects.filter(entity=bakery.entity).update(in_graph=False)
    embed_books(bakery.entity)

    assert not Document.objects.filter(entity=bakery.entity, in_graph=False).exists()


def test_the_graph_is_searched_once_all_documents_are_in_it(bakery: Company, monkeypatch: Any) -> None:
    for name in ("RENT", "FIGMA INC", "GITHUB INC"):
        bakery.posted(description=name)
    embed_books(bakery.entity)
    monkeypatch.setattr(keeping, "_INTO_GRAPH_AT_ONCE", 2)
    whole, states = keeping._put_some_into_graph, []

    def cut_off(entity: Any) -> int:
        states.append(keeping.is_in_graph(entity))
        if len(states) == 3:
            raise ConnectionError
        return whole(entity)

    monkeypatch.setattr(keeping, "_put_some_into_graph", cut_off)
    with pytest.raises(ConnectionError):
        put_into_graph(bakery.entity)
    assert states == [False] * 3
    assert Document.objects.filter(entity=bakery.entity, in_graph=True).count() == 4
    assert not keeping.is_in_graph(bakery.entity)

    monkeypatch.setattr(keeping, "_put_some_into_graph", whole)
    put_into_graph(bakery.entity)

    assert keeping.is_in_graph(bakery.entity)
    assert not Document.objects.filter(entity=bakery.entity, in_graph=False).exists()


def test_the_worker_embeds_new_companies_and_follows_the_others(
    bakery: Company, stranger: Company, monkeypatch: Any
) -> None:
    queued: list[str] = []
    monkeypatch.setattr(keep_documents, "delay", queued.append)
    bakery.posted(description="WEWORK")

    # Neither has documents: each gets all of them, in a row of background work that shows how far it is.
    assert keep_documents() == 2
    (task,) = run_background(bakery.entity)
    assert (task.name, task.state, task.done, task.total) == ("ai.embed_books", "succeeded", 1, 1)
    assert task.message == f"1 transactions have {_count(bakery)} documents"
    run_background(stranger.entity)
    assert queued == []

    # Just now something happened in one, so that one is looked after once more.
    assert keep_documents() == 1
    assert queued == [str(bakery.entity.id)]

    # A quiet company is left alone.
    queued.clear()
    for company in (bakery, stranger):
        _pretend_all_is_seen(company)
    assert keep_documents() == 0
    _pretend_time_passed(bakery)
    assert keep_documents() == 1
    assert queued == [str(bakery.entity.id)]


@pytest.mark.parametrize("event", ["recorded", "edited", "deleted", "renamed"])
def test_the_worker_sees_whatever_happens_in_the_books(bakery: Company, monkeypatch: Any, event: str) -> None:
    queued: list[str] = []
    monkeypatch.setattr(keep_documents, "delay", queued.append)
    row = bakery.post(description="WEWORK")
    embed_books(bakery.entity)
    time.sleep(0.01)
    # So that what comes now is new, and nothing before.
    through = utc_now() + keeping.OVERLAP
    DocumentState.objects.filter(entity=bakery.entity).update(through=through)
    assert keep_documents() == 0

    match event:
        case "recorded":
            bakery.post(description="REGUS")
        case "edited":
            _edit(bakery, row, description="REGUS")
        case "deleted":
            delete_transaction(entity=bakery.entity, transaction_id=row.id, actor=SYSTEM)
        case _:
            update_account(entity=bakery.entity, account=bakery.rent, name="Coworking", actor=SYSTEM)

    assert keep_documents() == 1
    assert queued == [str(bakery.entity.id)]


def test_the_worker_compares_everything_once_a_day(bakery: Company, monkeypatch: Any) -> None:
    queued: list[str] = []
    monkeypatch.setattr(check_documents, "delay", queued.append)
    row = bakery.posted(description="WEWORK")
    embed_books(bakery.entity)
    assert check_documents() == 0

    DocumentState.objects.update(checked_at=NOON)
    assert check_documents() == 1
    assert queued == [str(bakery.entity.id)]
    DocumentSource.objects.filter(id=row.id).delete()
    assert check_documents(str(bakery.entity.id)) == 1
    assert sources_of(bakery) == {row.id}
    assert check_documents() == 0


def test_tasks_of_a_company_that_is_gone_do_nothing(bakery: Company) -> None:
    gone = str(UUID(int=7))

    assert keep_documents(gone) == 0
    assert check_documents(gone) == 0


def test_asking_twice_for_all_documents_makes_one_task(bakery: Company) -> None:
    assert start_embedding(bakery.entity).id == start_embedding(bakery.entity).id
    assert background.TASK == "ai.embed_books"


def test_the_command_embeds_one_company_or_all(
    bakery: Company, stranger: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    bakery.posted(description="WEWORK")
    stranger.posted(description="WEWORK")

    call_command("embed_books", entity=bakery.entity.public_id)
    assert capsys.readouterr().out.startswith(f"1 transactions have {_count(bakery)} documents (")
    assert not Document.objects.filter(entity=stranger.entity).exists()

    call_command("embed_books")
    assert capsys.readouterr().out.startswith(f"2 transactions have {2 * _count(bakery)} documents (")

    with pytest.raises(CommandError, match="there is no company"):
        call_command("embed_books", entity="entity_01h455vb4pex5vsknk084sn02q")


def test_the_database_refuses_a_source_of_another_company(bakery: Company, stranger: Company) -> None:
    row = bakery.posted(description="WEWORK")
    embed_books(bakery.entity)
    document = document_of(bakery, row.id)

    with pytest.raises(Exception, match="documentsource_document_fk"), db.restorable():
        db.execute(
            "INSERT INTO ai_documentsource (entity_id, id, document_id, time) VALUES (%s, %s, %s, now())",
            [stranger.entity.id, row.id, document.id],
        )
    with pytest.raises(Exception, match="document_once"), db.restorable():
        db.execute(
            "INSERT INTO ai_document (entity_id, id, source_type, document_type, key, account_ids, text,"
            " embedding, version, in_graph)"
            " VALUES (%s, %s, 'transaction', 'expense', %s, '{}', '', %s::halfvec, 1, false)",
            [bakery.entity.id, UUID(int=9), document.key, as_text(embed_document("x"))],
        )


def _count(company: Company) -> int:
    """A transaction's, the accounts' and a month's three statements."""
    return 1 + Account.objects.for_entity(company.entity).count() + 3


def _edit(company: Company, row: Row, **changes: Any) -> None:
    edit_transaction(entity=company.entity, transaction_id=row.id, edit=Edit(**changes), actor=SYSTEM)


def _pretend_all_is_seen(company: Company) -> None:
    """Let the last run have been well after everything that happened so far."""
    through = utc_now() + 2 * keeping.OVERLAP
    DocumentState.objects.filter(entity=company.entity).update(through=through)


def _pretend_time_passed(company: Company) -> None:
    """Let the last run have been before what happened."""
    through = utc_now() - 2 * keeping.OVERLAP
    DocumentState.objects.filter(entity=company.entity).update(through=through)

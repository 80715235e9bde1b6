"""Holding bank statements against the books in the back office."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.transaction import atomic
from django.test.utils import CaptureQueriesContext

from accounts.system_accounts import make_system_accounts
from banking.choices import LineStatus, ReconciliationStatus
from banking.models import ReconciledTransaction, Reconciliation
from banking.tests.reconciliation_cast import Bakery, day, rec, txn
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.models import AuditEvent
from ledger.tests.office import OfficeClient, office_client, page_url
from transactions.choices import Status

pytestmark = pytest.mark.django_db
JSON: dict[str, Any] = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def bakery() -> Bakery:
    return Bakery()


@pytest.fixture
def ann(bakery: Bakery) -> OfficeClient:
    return office_client(bakery.entity, Role.ACCOUNTANT, name="ann")


def act(client: OfficeClient, company: Bakery, one: UUID, action: str, **fields: Any) -> Any:
    """Send a form of the page, and see the page after it."""
    url = page_url("reconciliation", company.entity, id=rec(one))
    return client.post(url, {"action": action, **fields}, follow=True)


def said(answer: Any) -> str:
    return " ".join(str(one) for one in answer.context["messages"])


def ticked(one: UUID) -> int:
    return ReconciledTransaction.objects.filter(reconciliation_id=one).count()


def test_a_statement_is_begun_and_the_list_says_where_each_account_stands(
    ann: OfficeClient, bakery: Bakery
) -> None:
    bakery.completed(bakery.earn("100", "2024-01-10"))

    begun = ann.post(
        page_url("reconciliations", bakery.entity),
        {"account": bakery.checking.public_id, "day": "2024-02-29", "balance": "150"},
    )

    made = Reconciliation.objects.get(status=ReconciliationStatus.OPEN)
    assert begun["Location"] == page_url("reconciliation", bakery.entity, id=made.public_id)
    assert (made.opening_balance, made.statement_balance) == (Decimal(100), Decimal(150))
    page = ann.page("reconciliations", bakery.entity)
    checking, card = page.context["states"]
    assert (checking.last.day, checking.last.balance) == (day("2024-01-31"), Decimal(100))
    assert checking.open.id == made.public_id
    assert (checking.books_balance, checking.difference) == (Decimal(100), None)
    assert (card.last, card.open) == (None, None)
    # Of an account with an open statement no other is begun.
    assert [value for value, _ in page.context["form"].fields["account"].choices] == [bakery.card.public_id]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"day": "2999-01-01"}, "is to come"),
        ({"day": "31.2.2024"}, "valid date"),
        ({"balance": "1.005"}, "digits"),
        ({"balance": "money"}, "number"),
        ({"account": "bacc_nonsense"}, "available choices"),
        ({"day": "2023-12-31"}, "2024-01-31"),
    ],
)
def test_a_statement_that_cannot_be_is_refused_at_its_field(
    ann: OfficeClient, bakery: Bakery, more: dict[str, str], words: str
) -> None:
    bakery.completed(bakery.earn("100", "2024-01-10"))
    sent = {"account": bakery.checking.public_id, "day": "2024-02-29", "balance": "150", **more}

    answer = ann.post(page_url("reconciliations", bakery.entity), sent)

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert Reconciliation.objects.count() == 1


def test_ticks_change_the_difference_and_at_zero_it_is_completed(ann: OfficeClient, bakery: Bakery) -> None:
    sale, rent = bakery.earn("100.10", text="Sale"), bakery.spend("30", text="Rent")
    later = bakery.spend("5", "2024-02-02", text="Later")
    one = bakery.start("70.10")
    url = page_url("reconciliation", bakery.entity, id=rec(one))

    page = ann.get(url)
    assert page.context["difference"] == Decimal("70.10")
    assert [row.entry.id for row in page.context["rows"]] == sorted([sale.id, rent.id], reverse=True)
    assert 'id="complete" disabled' in page.content.decode()
    assert txn(later) not in page.content.decode()

    told = ann.post(url, {"action": "set", "tick": [txn(sale), txn(rent)]}, **JSON).json()
    assert told == {"difference": "0", "cleared": "7010", "count": 2}
    told = ann.post(url, {"action": "set", "untick": txn(rent)}, **JSON).json()
    assert told == {"difference": "-3000", "cleared": "10010", "count": 1}
    assert "difference is -30.00" in said(act(ann, bakery, one, "complete"))
    assert Reconciliation.objects.get().status == ReconciliationStatus.OPEN

    # Without the script the form says what it showed, and what of it is ticked.
    act(ann, bakery, one, "set", shown=[txn(sale), txn(rent)], tick=[txn(sale), txn(rent)])
    assert ticked(one) == 2
    assert 'id="complete">' in ann.get(url).content.decode()
    done = act(ann, bakery, one, "complete")

    assert "Completed" in said(done)
    assert bakery.company.stored(sale.id).status == Status.RECONCILED
    text = done.content.decode()
    assert "by ann" in text
    assert 'name="tick"' not in text
    assert Reconciliation.objects.get().completed_by == ann.user.pk


def test_a_completed_statement_is_a_summary_that_is_reopened_with_a_reason(
    ann: OfficeClient, bakery: Bakery
) -> None:
    one = bakery.completed(bakery.earn("100", text="Sale"))
    cheque = bakery.spend("8", "2024-01-20", text="Cheque on its way")

    page = ann.page("reconciliation", bakery.entity, id=rec(one))
    assert [row.entry.description for row in page.context["rows"]] == ["Sale"]
    assert [row.description for row in page.context["outstanding"]] == ["Cheque on its way"]
    assert page.context["books_balance"] == Decimal(92)
    assert "stands on" in said(act(ann, bakery, one, "set", tick=txn(cheque))) or ticked(one) == 1
    assert "say why" in said(act(ann, bakery, one, "reopen"))
    assert Reconciliation.objects.get().status == ReconciliationStatus.COMPLETED

    act(ann, bakery, one, "reopen", reason="The bank sent a corrected one")

    assert Reconciliation.objects.get().status == ReconciliationStatus.OPEN
    event = AuditEvent.objects.get(action="banking.reconciliation.reopened")
    assert event.after == {"reason": "The bank sent a corrected one"}


def test_suggested_matches_are_accepted_one_by_one_and_all_at_once(ann: OfficeClient, bakery: Bakery) -> None:
    known = bakery.earn("10", text="Known")
    bakery.line("-10", of=[known])
    rent, half, other = bakery.spend("30", text="Rent"), bakery.spend("12"), bakery.spend("13")
    pair, sum_ = bakery.line("30", text="Rent"), bakery.line("25", text="Two bills")
    one = bakery.start("-45")

    page = ann.page("reconciliation", bakery.entity, id=rec(one))
    found = {row.id: row.transaction_ids for row in page.context["lines"]}
    assert found == {
        pair.public_id: [txn(rent)],
        sum_.public_id: [txn(row) for row in sorted([half, other], key=lambda row: row.id)],
    }
    assert page.context["at_once"] == 2
    act(ann, bakery, one, "match", line=sum_.public_id, transaction=found[sum_.public_id])
    assert ticked(one) == 2
    done = act(ann, bakery, one, "suggested")

    assert "2 ticked" in said(done)
    assert done.context["difference"] == 0
    assert done.context["lines"] == []
    act(ann, bakery, one, "unmatch", line=pair.public_id)
    assert ticked(one) == 3
    pair.refresh_from_db()
    assert pair.status == LineStatus.IGNORED


def test_a_line_is_matched_with_what_a_person_chooses_or_recorded(ann: OfficeClient, bakery: Bakery) -> None:
    with atomic():
        make_system_accounts(entity=bakery.entity, ledger=bakery.company.ledger, actor=SYSTEM)
    cheque = bakery.spend("30", "2024-01-02", text="Cheque")
    bakery.spend("99", text="Too much")
    bakery.earn("30", text="The other way")
    line, fee = bakery.line("30", "2024-01-30", text="CHEQUE 7"), bakery.line("4", text="FEE")
    one = bakery.start("-34")
    parts: dict[str, Any] = {"id": rec(one), "line": line.public_id}

    page = ann.page("reconciliation-match", bakery.entity, **parts)
    assert [row["id"] for row in page.context["parts"]] == [txn(cheque)]
    assert (page.context["wanted_minor"], page.context["parts"][0]["minor"]) == (3000, 3000)
    assert "choose at least one" in said(act(ann, bakery, one, "match", line=line.public_id))
    act(ann, bakery, one, "match", line=line.public_id, transaction=txn(cheque))
    assert ticked(one) == 1
    assert ann.page("reconciliation-match", bakery.entity, **parts).status_code == 404

    act(ann, bakery, one, "record", line=fee.public_id)
    done = act(ann, bakery, one, "suggested")
    assert done.context["difference"] == 0


def test_a_statement_is_thrown_away(ann: OfficeClient, bakery: Bakery) -> None:
    one = bakery.start("1")
    answer = act(ann, bakery, one, "throw")
    assert answer.redirect_chain[-1][0] == page_url("reconciliations", bakery.entity)
    assert not Reconciliation.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "set", "tick": "txn_nonsense"},
        {"action": "set", "tick": "txn_01h455vb4pex5vsknk084sn02q"},
        {"action": "match", "line": "x", "transaction": "y"},
        {"action": "match"},
        {"action": "__class__"},
        {"action": "id"},
        {},
    ],
)
def test_bad_input_is_answered_in_words_and_nothing_is_done(
    ann: OfficeClient, bakery: Bakery, fields: dict[str, str]
) -> None:
    bakery.earn("1")
    one = bakery.start("1")
    url = page_url("reconciliation", bakery.entity, id=rec(one))

    assert ann.post(url, fields, **JSON).json()["error"]
    page = ann.post(url, fields, follow=True)
    assert page.status_code == 200
    assert said(page)
    assert ticked(one) == 0


def test_a_stranger_finds_nothing_and_ids_of_others_are_not_taken(ann: OfficeClient, bakery: Bakery) -> None:
    stranger = Bakery("Stranger")
    theirs, ours = stranger.start("1"), bakery.start("1")
    row, line = stranger.earn("1"), stranger.line("1")

    pages: list[tuple[str, dict[str, Any]]] = [
        ("reconciliations", {}),
        ("reconciliation", {"id": rec(theirs)}),
        ("reconciliation-match", {"id": rec(theirs), "line": line.public_id}),
    ]
    for name, parts in pages:
        assert ann.page(name, stranger.entity, **parts).status_code == 404
        assert ann.send(name, stranger.entity, {"action": "throw"}, **parts).status_code == 404
        if parts:
            assert ann.page(name, bakery.entity, **parts).status_code == 404
    ann.send("reconciliation", bakery.entity, {"action": "throw"}, id=rec(theirs))
    assert "no" in said(act(ann, bakery, ours, "set", tick=txn(row))).lower()
    act(ann, bakery, ours, "match", line=line.public_id, transaction=txn(row))
    act(ann, bakery, ours, "record", line=line.public_id)
    assert Reconciliation.objects.count() == 2
    assert ReconciledTransaction.objects.count() == 0
    line.refresh_from_db()
    assert line.status == LineStatus.IGNORED


def test_an_auditor_looks_and_ticks_nothing_and_an_operator_sees_nothing(bakery: Bakery) -> None:
    row = bakery.earn("1", text="Sale")
    one = bakery.start("1")
    auditor = office_client(bakery.entity, Role.AUDITOR)
    operator = office_client(bakery.entity, Role.OPERATOR)

    page = auditor.page("reconciliation", bakery.entity, id=rec(one))
    assert "Sale" in page.content.decode()
    assert 'name="action"' not in page.content.decode()
    for client in (auditor, operator):
        for action in ("set", "complete", "throw", "suggested"):
            sent = client.send(
                "reconciliation", bakery.entity, {"action": action, "tick": txn(row)}, id=rec(one)
            )
            assert sent.status_code == 403
        assert client.send("reconciliations", bakery.entity, {}).status_code == 403
    assert operator.page("reconciliation", bakery.entity, id=rec(one)).status_code == 403
    assert operator.page("reconciliations", bakery.entity).status_code == 403
    assert ticked(one) == 0


def test_pages_cost_the_same_however_many_transactions_there_are(ann: OfficeClient, bakery: Bakery) -> None:
    def queries(name: str, **parts: Any) -> int:
        with CaptureQueriesContext(connection) as counted:
            assert ann.page(name, bakery.entity, **parts).status_code == 200
        return len(counted)

    bakery.spend("7", text="first")
    bakery.line("7", text="first")
    one = rec(bakery.start("-7"))
    few = queries("reconciliation", id=one), queries("reconciliations")
    for number in range(1, 15):
        bakery.spend(f"{number}0", text=f"number {number}")
        bakery.line(f"{number}0", text=f"number {number}")

    assert (queries("reconciliation", id=one), queries("reconciliations")) == few
    assert few[0] <= 16
    assert few[1] <= 12


def test_more_than_fits_is_reached_page_by_page(
    ann: OfficeClient, bakery: Bakery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("banking.office.statement_rows.ROWS_MAX", 2)
    rows = [bakery.earn("1", f"2024-01-{number:02}") for number in range(1, 6)]
    one = bakery.start("5")

    page = ann.page("reconciliation", bakery.entity, id=rec(one))
    assert page.context["more_candidates"]
    found: list[UUID] = []
    query = {"show": "unticked"}
    while True:
        page = ann.page("reconciliation", bakery.entity, id=rec(one), query=query)
        found += [row.entry.id for row in page.context["rows"]]
        if page.context["next_cursor"] is None:
            break
        query = {"show": "unticked", "cursor": page.context["next_cursor"]}
    assert found == [row.id for row in reversed(rows)]

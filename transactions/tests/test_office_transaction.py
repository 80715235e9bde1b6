"""The page of one transaction: what it says, its history, editing it, splitting it."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services import close_account
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.services.periods import close_books
from ledger.tests.office import OfficeClient, office_client, page_url
from transactions.choices import Status
from transactions.models import JournalEntry, Revision, Transaction
from transactions.office.facts import Fact, transaction_facts
from transactions.rows import Row
from transactions.services import (
    Part,
    approve_transactions,
    categorize_transactions,
    edit_transaction,
    reverse_transaction,
    split_transaction,
)
from transactions.services.editing import Edit
from transactions.tests.conftest import NOON, Company, assert_totals_hold, make_company
from transactions.tests.test_moves import in_state
from transactions.tests.test_reversal import net

pytestmark = pytest.mark.django_db


def public(row: Any) -> str:
    return encode_id(Prefix.TRANSACTION, row.id)


@pytest.fixture
def ann(bakery: Company) -> OfficeClient:
    return office_client(bakery.entity, Role.ACCOUNTANT, name="ann")


def show(client: OfficeClient, company: Company, row: Any, **query: str) -> Any:
    return client.page("transaction", company.entity, query=query, id=public(row))


def form(row: Row, **changes: str) -> dict[str, str]:
    """What the form holds, with changes."""
    said = {
        "date": row.date.isoformat(), "amount": f"{row.amount:f}", "debit": row.debit_name,
        "credit": "1010 Cash", "description": row.description, "counterparty": row.counterparty,
    }  # fmt: skip
    return said | changes


def test_it_says_what_there_is_to_say(ann: OfficeClient) -> None:
    harbour = make_company("Harbour", zone="America/New_York")
    from ledger.services.memberships import grant_membership

    grant_membership(user=ann.user, entity=harbour.entity, role=Role.ACCOUNTANT, actor=SYSTEM)
    at = dt.datetime(2024, 3, 16, 1, 30, tzinfo=dt.UTC)
    row = harbour.post(
        "1234.5", at=at, date=dt.date(2024, 3, 15), description="<b>Rent</b>", counterparty="Landlord & Co",
        metadata={"note": "<script>", "n": 1}, external_id="INV-7",
    )  # fmt: skip
    page = show(ann, harbour, row)
    text = page.content.decode()
    for said in (
        "&lt;b&gt;Rent&lt;/b&gt;", "Landlord &amp; Co", "&lt;script&gt;", "INV-7", "1,234.50",
        # The day and the time are New York's.
        "15 Mar 2024", "15 Mar 2024 21:30", "1010 Cash", "Rent", public(row),
    ):  # fmt: skip
        assert said in text
    assert "<b>Rent</b>" not in text


@pytest.mark.parametrize("status", list(Status))
def test_what_can_be_done_depends_on_its_state_and_on_the_role(
    bakery: Company, ann: OfficeClient, status: Status
) -> None:
    row = in_state(bakery, status)
    text = show(ann, bakery, row).content.decode()
    waiting = status in (Status.PENDING, Status.CLEARED, Status.RECONCILED)
    assert ("?edit=1" in text) is waiting
    assert ("act/approve/" in text) is waiting
    assert ("act/delete/" in text) is waiting
    assert ("act/reverse/" in text) is (status == Status.POSTED)
    assert ("act/reclassify/" in text) is (status == Status.POSTED)
    assert ("/split/" in text) is (waiting or status == Status.POSTED)
    auditor = office_client(bakery.entity, Role.AUDITOR)
    read_only = show(auditor, bakery, row, edit="1").content.decode()
    for one in ("act/approve/", "act/reverse/", "/split/", "act/delete/"):
        assert one not in read_only


def test_strangers_and_other_ids_are_not_found(bakery: Company, stranger: Company, ann: OfficeClient) -> None:
    row, foreign = bakery.post(), stranger.post()
    assert show(office_client(stranger.entity), bakery, row).status_code == 404
    assert show(ann, bakery, foreign).status_code == 404
    assert ann.page("transaction", bakery.entity, id="txn_nonsense").status_code == 404
    assert ann.send("transaction", bakery.entity, form(foreign), id=public(foreign)).status_code == 404
    assert show(office_client(bakery.entity, Role.OPERATOR), bakery, row).status_code == 403
    assert ann.page("transaction-split", bakery.entity, id=public(foreign)).status_code == 404


def test_the_history_reads_as_who_did_what_when_and_why(bakery: Company, ann: OfficeClient) -> None:
    row = bakery.post("10", description="Rnt")
    ann.send(
        "transaction",
        bakery.entity,
        form(row, description="Rent", amount="12.00", date="2024-03-16", reason="Typing error"),
        id=public(row),
    )
    categorize_transactions(entity=bakery.entity, ids=[row.id], category_id=bakery.software.id, actor=SYSTEM)
    approve_transactions(entity=bakery.entity, ids=[row.id], actor=SYSTEM)

    page = show(ann, bakery, row)

    steps = page.context["history"]
    assert [(step["what"], step["who"]) for step in steps] == [
        ("approved", "system"), ("categorized", "system"), ("edited", "ann"), ("recorded", "system"),
    ]  # fmt: skip
    assert steps[0]["changes"] == [("Status", "PENDING", "POSTED")]
    assert ("Debit", "Rent", "6100 Software") in steps[1]["changes"]
    assert ("categoryName", "", "Software") in steps[1]["changes"]
    assert steps[2]["reason"] == "Typing error"
    assert steps[2]["changes"] == [
        ("Day", "15 Mar 2024", "16 Mar 2024"), ("Amount", "10.00 USD", "12.00 USD"),
        ("Description", "Rnt", "Rent"),
    ]  # fmt: skip
    assert "“Typing error”" in page.content.decode()


def test_it_leads_to_what_belongs_to_it(bakery: Company, ann: OfficeClient) -> None:
    row = bakery.posted("10")
    split_transaction(
        entity=bakery.entity,
        transaction_id=row.id,
        parts=[Part(bakery.rent.id, Decimal(6)), Part(bakery.software.id, Decimal(4))],
        actor=SYSTEM,
    )
    moved = Transaction.objects.get(reclassifies_id=row.id)
    page = show(ann, bakery, row)
    assert page_url("transaction", bakery.entity, id=public(moved)) in page.content.decode()
    assert [(title, amount) for _, title, amount in page.context["standing"]] == [
        ("Rent", 6), ("6100 Software", 4),
    ]  # fmt: skip
    assert public(row) in show(ann, bakery, moved).content.decode()

    done = reverse_transaction(entity=bakery.entity, transaction_id=row.id, actor=SYSTEM)
    assert public(done.reversal) in show(ann, bakery, row).content.decode()
    assert public(row) in show(ann, bakery, done.reversal).content.decode()


def test_apps_above_add_what_they_know(bakery: Company, ann: OfficeClient) -> None:
    row = bakery.post()

    def tell(sender: object, *, entity: Entity, transaction_id: Any, **more: Any) -> list[Fact]:
        assert (entity.id, transaction_id) == (bakery.entity.id, row.id)
        return [Fact("Bank line", "<Coffee>", "/admin/x/"), Fact("Note", "Seen")]

    transaction_facts.connect(tell)
    try:
        text = show(ann, bakery, row).content.decode()
    finally:
        transaction_facts.disconnect(tell)
    assert '<dt>Bank line</dt><dd><a href="/admin/x/">&lt;Coffee&gt;</a></dd>' in text
    assert "<dt>Note</dt><dd>Seen</dd>" in text


def test_the_number_of_queries_does_not_grow_with_the_history(bakery: Company, ann: OfficeClient) -> None:
    row = bakery.post()

    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert show(ann, bakery, row).status_code == 200
        return len([query for query in queries if "banking_" not in query["sql"]])

    assert statements() == 6
    for n in range(8):
        edit_transaction(
            entity=bakery.entity, transaction_id=row.id, edit=Edit(description=str(n)), actor=SYSTEM
        )
    assert statements() == 7


# -- Editing -------------------------------------------------------------------------------------------


def test_one_that_waits_is_edited_in_place(bakery: Company, ann: OfficeClient) -> None:
    row = bakery.post("10", description="Rent", counterparty="Landlord")
    assert 'value="10.00"' in show(ann, bakery, row, edit="1").content.decode()
    changes = {
        "amount": "1,250.5", "debit": "6100", "credit": "Bank", "date": "2024-03-18",
        "description": "Hosting", "counterparty": "", "reason": "As on the receipt",
    }  # fmt: skip
    answer = ann.send("transaction", bakery.entity, form(row, **changes), id=public(row))
    assert answer["Location"] == page_url("transaction", bakery.entity, id=public(row))
    stored = bakery.stored(row.id)
    assert (stored.amount, stored.debit_account_id, stored.credit_account_id) == (
        Decimal("1250.5"), bakery.software.id, bakery.bank.id,
    )  # fmt: skip
    assert (stored.date, stored.description, stored.counterparty) == (dt.date(2024, 3, 18), "Hosting", "")
    # The same time of the other day.
    assert stored.timestamp == NOON.replace(day=18)
    assert Revision.objects.get().reason == "As on the receipt"
    assert_totals_hold(bakery.entity)


def test_what_another_person_saved_meanwhile_is_not_written_over(bakery: Company, ann: OfficeClient) -> None:
    row = bakery.post("10", description="Rent")
    seen = show(ann, bakery, row, edit="1").context["seen"]
    edit_transaction(
        entity=bakery.entity,
        transaction_id=row.id,
        edit=Edit(debit_account_id=bakery.software.id),
        actor=SYSTEM,
    )

    answer = ann.send(
        "transaction", bakery.entity, form(row, description="Rent of May", seen=seen), id=public(row)
    )

    assert "changed since you opened it" in answer.content.decode()
    stored = bakery.stored(row.id)
    assert (stored.description, stored.debit_account_id) == ("Rent", bakery.software.id)
    # Who saves once more has seen it.
    again = form(row, description="Rent of May", seen=answer.context["seen"])
    assert ann.send("transaction", bakery.entity, again, id=public(row)).status_code == 302
    assert bakery.stored(row.id).description == "Rent of May"


def test_saving_what_was_not_changed_leaves_no_trace(bakery: Company, ann: OfficeClient) -> None:
    row = bakery.post("10", description="Rent")
    ann.send("transaction", bakery.entity, form(row), id=public(row))
    assert not Revision.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("date", ""), ("date", "2024-02-30"), ("date", "1066-10-14"), ("amount", ""), ("amount", "lots"),
        ("amount", "0"), ("amount", "-5"), ("amount", "1.234"), ("amount", "1e999999999"),
        ("debit", ""), ("debit", "Nowhere"), ("credit", "Nowhere"), ("description", "x" * 1001),
        ("counterparty", "x" * 201), ("reason", "x" * 501), ("credit", "Rent"), ("credit", "Loan"),
    ],
)  # fmt: skip
def test_bad_input_is_said_at_its_field_with_what_was_typed(
    bakery: Company, ann: OfficeClient, field: str, value: str
) -> None:
    row = bakery.post("10", description="Rent")
    if value == "Loan":
        close_account(entity=bakery.entity, account=bakery.loan, actor=SYSTEM)
    answer = ann.send("transaction", bakery.entity, form(row, **{field: value}), id=public(row))
    assert answer.status_code == 200
    assert answer.context["form"].errors.keys() == {field}
    assert answer.context["form"][field].value() == value
    assert bakery.stored(row.id).amount == 10
    assert not Revision.objects.exists()


def test_what_is_posted_or_in_a_closed_period_is_not_edited(bakery: Company, ann: OfficeClient) -> None:
    posted, pending = bakery.posted("10"), bakery.post("10")
    answer = ann.send("transaction", bakery.entity, form(posted, amount="11"), id=public(posted))
    assert answer.status_code == 302
    assert "What is posted is not edited" in ann.get(answer["Location"]).content.decode()
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    answer = ann.send("transaction", bakery.entity, form(pending, amount="11"), id=public(pending))
    assert "closed" in str(answer.context["form"].errors)
    for row in (posted, pending):
        assert bakery.stored(row.id).amount == 10


def test_an_auditor_edits_nothing(bakery: Company) -> None:
    row = bakery.post("10")
    auditor = office_client(bakery.entity, Role.AUDITOR)
    assert (
        auditor.send("transaction", bakery.entity, form(row, amount="11"), id=public(row)).status_code == 403
    )
    assert bakery.stored(row.id).amount == 10


# -- Splitting -----------------------------------------------------------------------------------------


def split_form(*parts: tuple[str, str, str], **more: str) -> dict[str, Any]:
    return {
        "account": [one[0] for one in parts],
        "amount": [one[1] for one in parts],
        "memo": [one[2] for one in parts],
        **more,
    }


@pytest.mark.parametrize("status", [Status.PENDING, Status.POSTED])
def test_splitting_shows_the_effect_and_then_does_it(
    bakery: Company, ann: OfficeClient, status: Status
) -> None:
    row = bakery.post("100", status=status, description="Stationer")
    assert ann.page("transaction-split", bakery.entity, id=public(row)).status_code == 200
    # An empty row between is no part.
    data = split_form(("Rent", "60", ""), ("", "", ""), ("6100", "40", "Licences"))

    page = ann.send("transaction-split", bakery.entity, data, id=public(row))

    assert page.status_code == 200
    effects = {one.name: one for one in page.context["preview"].effects}
    attribute = "posted_change" if status == Status.POSTED else "pending_change"
    assert {name: getattr(one, attribute) for name, one in effects.items()} == {"Rent": -40, "Software": 40}
    assert Transaction.objects.count() == 1

    done = ann.send(
        "transaction-split", bakery.entity, data | {"shown": page.context["shown"]}, id=public(row)
    )

    assert done["Location"] == page_url("transaction", bakery.entity, id=public(row))
    assert Transaction.objects.count() == 2
    assert JournalEntry.objects.count() == (0 if status == Status.POSTED else 1)
    if status == Status.POSTED:
        assert net(bakery)["Software"] == 40
    assert_totals_hold(bakery.entity)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([("Rent", "60", ""), ("Nowhere", "40", "")], "Choose an account of the chart"),
        ([("Rent", "60", ""), ("Software", "", "")], "Give an amount"),
        ([("Rent", "60", ""), ("Software", "forty", "")], "not an amount"),
        ([("Rent", "60", ""), ("Software", "-40", "")], "negative"),
        ([("Rent", "60", ""), ("Software", "39.99", "")], "0.01 is left to assign"),
        ([("Rent", "100", "")], "2 to 100 parts"),
        ([], "2 to 100 parts"),
        ([("Rent", "60", ""), ("Cash", "40", "")], "both the debit and the credit"),
    ],
)
def test_parts_that_cannot_be_are_said_and_nothing_is_done(
    bakery: Company, ann: OfficeClient, parts: list[tuple[str, str, str]], words: str
) -> None:
    row = bakery.post("100")
    page = ann.send("transaction-split", bakery.entity, split_form(*parts), id=public(row))
    assert page.status_code == 200
    assert words in page.content.decode()
    for account, amount, _ in parts:
        assert f'value="{account}"' in page.content.decode()
        assert f'value="{amount}"' in page.content.decode()
    assert Transaction.objects.count() == 1
    assert not Revision.objects.exists()


def test_parts_changed_since_the_effect_was_shown_show_the_new_effect(
    bakery: Company, ann: OfficeClient
) -> None:
    row = bakery.post("100")
    first = split_form(("Rent", "60", ""), ("6100", "40", ""))
    shown = ann.send("transaction-split", bakery.entity, first, id=public(row)).context["shown"]
    other = split_form(("Rent", "50", ""), ("6100", "50", ""), shown=shown)
    assert ann.send("transaction-split", bakery.entity, other, id=public(row)).status_code == 200
    assert Transaction.objects.count() == 1


def test_who_may_split(bakery: Company, stranger: Company) -> None:
    row = bakery.post("100")
    data = split_form(("Rent", "60", ""), ("6100", "40", ""))
    for client, status in (
        (office_client(bakery.entity, Role.AUDITOR), 403),
        (office_client(bakery.entity, Role.OPERATOR), 403),
        (office_client(stranger.entity), 404),
    ):
        assert client.page("transaction-split", bakery.entity, id=public(row)).status_code == status
        assert client.send("transaction-split", bakery.entity, data, id=public(row)).status_code == status

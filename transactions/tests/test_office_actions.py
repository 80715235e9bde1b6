"""Acting on chosen transactions in the back office: the effect is shown, and then it is what happens."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.actors import SYSTEM
from ledger.choices import ActorKind, Role
from ledger.ids import Prefix, encode_id
from ledger.services.periods import close_books
from ledger.tests.office import OfficeClient, office_client, page_url
from transactions.choices import Status
from transactions.models import Revision, Transaction
from transactions.office.actions import ACTIONS
from transactions.rows import Row
from transactions.services import categorize_transactions, delete_transactions
from transactions.tests.conftest import NOON, Company, assert_totals_hold
from transactions.tests.test_reversal import net

pytestmark = pytest.mark.django_db


def public(row: Row) -> str:
    return encode_id(Prefix.TRANSACTION, row.id)


@pytest.fixture
def ann(bakery: Company) -> OfficeClient:
    return office_client(bakery.entity, Role.ACCOUNTANT)


def look(client: OfficeClient, company: Company, action: str, *rows: Row, **said: str) -> Any:
    """The page that shows the effect."""
    url = page_url("transactions-act", company.entity, action=action)
    return client.get(url, {"id": [public(row) for row in rows], **said})


def confirm(client: OfficeClient, page: Any, **said: str) -> Any:
    """Press the button of a page that shows the effect, with its hidden fields as they are."""
    context = page.context
    data = {
        "id": context["ids"],
        "act": [line.public_id for line in context["acts_on"]],
        "back": context["back"],
        "shown": context["shown"],
        **said,
    }
    return client.post(page.request["PATH_INFO"], data)


def test_approving_shows_the_effect_and_then_does_it(bakery: Company, ann: OfficeClient) -> None:
    first, second, posted = bakery.post("10"), bakery.post("5"), bakery.posted("1")

    page = look(ann, bakery, "approve", first, second, posted)

    assert page.status_code == 200
    effects = {one.name: one for one in page.context["preview"].effects}
    rent = effects["Rent"]
    assert (rent.posted_before, rent.posted_change, rent.posted_after) == (1, 15, 16)
    assert (rent.pending_before, rent.pending_change, rent.pending_after) == (15, -15, 0)
    assert effects["Cash"].posted_change == -15
    text = page.content.decode()
    assert "Approve 2 transactions" in text
    assert "It is posted already." in text
    assert Transaction.objects.filter(status=Status.POSTED).count() == 1

    done = confirm(ann, page)

    assert done["Location"] == page_url("transactions", bakery.entity)
    assert Transaction.objects.filter(status=Status.POSTED).count() == 3
    assert net(bakery)["Rent"] == 16
    revision = Revision.objects.get(transaction_id=first.id)
    assert (revision.changed_by_kind, revision.changed_by) == (ActorKind.USER, ann.user.pk)
    assert_totals_hold(bakery.entity)


def test_categorizing_asks_for_the_account_first(bakery: Company, ann: OfficeClient) -> None:
    pending, posted, unclear = bakery.post("10"), bakery.posted("5"), bakery.post(debit=bakery.bank)
    asked = look(ann, bakery, "categorize", pending, posted, unclear)
    assert asked.context["preview"] is None
    assert not asked.context["form"].errors
    assert '<option value="6100 Software">' in asked.content.decode()

    page = look(ann, bakery, "categorize", pending, posted, unclear, account="6100 Software")
    assert "neither side is a category" in page.content.decode()
    assert page.context["preview"].recorded == 1
    confirm(ann, page, account="6100 Software", reason="It was hosting")

    assert bakery.stored(pending.id).debit_account_id == bakery.software.id
    assert Transaction.objects.get(reclassifies_id=posted.id).debit_account_id == bakery.software.id
    assert bakery.stored(unclear.id).debit_account_id == bakery.bank.id
    assert Revision.objects.get(transaction_id=posted.id).reason == "It was hosting"


@pytest.mark.parametrize("said", ["6100", "software", "acc"])
def test_an_account_is_known_by_code_name_or_id(bakery: Company, ann: OfficeClient, said: str) -> None:
    row = bakery.post()
    said = bakery.software.public_id if said == "acc" else said
    page = look(ann, bakery, "categorize", row, account=said)
    assert page.context["preview"].effects[0].name in ("Rent", "Software")


def test_when_the_form_was_changed_since_the_effect_was_shown_the_new_one_is_shown(
    bakery: Company, ann: OfficeClient
) -> None:
    row = bakery.posted("10")
    page = look(ann, bakery, "categorize", row, account="Software")
    other = confirm(ann, page, account="Loan")
    assert other.status_code == 200
    assert {one.name for one in other.context["preview"].effects} == {"Rent", "Loan"}
    assert Transaction.objects.count() == 1
    assert confirm(ann, other, account="Loan").status_code == 302
    assert net(bakery)["Loan"] == 10


def test_reversing_with_a_day_and_a_reason(bakery: Company, ann: OfficeClient) -> None:
    row, pending = bakery.posted("10"), bakery.post("5")
    page = look(ann, bakery, "reverse", row, pending, date="2024-03-20")
    assert [line.row.id for line in page.context["acts_on"]] == [row.id]
    assert "It is pending." in page.content.decode()
    confirm(ann, page, date="2024-03-20", reason="Entered twice")
    reversal = Transaction.objects.get(reverses_id=row.id)
    assert (reversal.date, reversal.metadata) == (dt.date(2024, 3, 20), {"reason": "Entered twice"})
    assert bakery.stored(row.id).status == Status.REVERSED
    assert bakery.stored(pending.id).status == Status.PENDING


def test_reclassifying_leaves_alone_what_is_not_posted(bakery: Company, ann: OfficeClient) -> None:
    row, pending = bakery.posted("10"), bakery.post("5")
    page = look(ann, bakery, "reclassify", row, pending, account="Software", date="2024-03-20")
    assert [line.row.id for line in page.context["acts_on"]] == [row.id]
    assert {one.pending_change for one in page.context["preview"].effects} == {0}
    confirm(ann, page, account="Software", date="2024-03-20")
    assert Transaction.objects.get(reclassifies_id=row.id).date == dt.date(2024, 3, 20)
    assert bakery.stored(pending.id).debit_account_id == bakery.rent.id


def test_deleting(bakery: Company, ann: OfficeClient) -> None:
    row, posted = bakery.post("10"), bakery.posted("5")
    page = look(ann, bakery, "delete", row, posted)
    assert "It is posted: reverse it instead." in page.content.decode()
    confirm(ann, page, reason="Not ours")
    assert set(Transaction.objects.values_list("id", flat=True)) == {posted.id}
    assert Revision.objects.get(transaction_id=row.id).reason == "Not ours"


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_in_a_closed_period_the_page_says_what_cannot_be(
    bakery: Company, ann: OfficeClient, action: str
) -> None:
    row = bakery.posted() if action in ("reverse", "reclassify") else bakery.post()
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    said = {"account": "Software"} if "account" in ACTIONS[action].asks else {}
    if action in ("reverse", "reclassify"):
        said["date"] = NOON.date().isoformat()
    page = look(ann, bakery, action, row, **said)
    assert page.context["acts_on"] == []
    assert "closed period" in page.content.decode()
    # Nothing to press; who posts all the same is told by the service.
    confirm(ann, page, act=public(row), shown=page.context["shown"], **said)
    assert bakery.stored(row.id).status == row.status
    assert Transaction.objects.count() == 1


@pytest.mark.parametrize(
    ("action", "field", "value"),
    [
        ("categorize", "account", ""), ("categorize", "account", "Nowhere"),
        ("reclassify", "account", "acc_x"), ("reclassify", "date", "soon"), ("reverse", "date", "2024-13-01"),
        ("reverse", "reason", "x" * 501), ("delete", "reason", "x" * 501), ("reverse", "date", "2024-03-01"),
    ],
)  # fmt: skip
def test_bad_input_is_said_at_its_field_and_nothing_is_done(
    bakery: Company, ann: OfficeClient, action: str, field: str, value: str
) -> None:
    row = bakery.posted()
    said = {"account": "Software"} if "account" in ACTIONS[action].asks else {}
    said |= {field: value}
    if value == "2024-03-01":
        # A day that can be, but lies before the transaction: the row is left alone and says why.
        page = look(ann, bakery, action, row, **said)
        assert "lies before the original" in page.content.decode()
        assert page.context["acts_on"] == []
        return
    data = {"id": public(row), "act": public(row), "shown": "|", **said}
    answer = ann.send("transactions-act", bakery.entity, data, action=action)
    assert answer.status_code == 200
    assert answer.context["form"].errors.keys() == {field}
    assert Transaction.objects.count() == 1
    assert not Revision.objects.exists()


def test_what_changed_meanwhile_is_said_and_nothing_is_half_done(bakery: Company, ann: OfficeClient) -> None:
    first, second = bakery.post("10"), bakery.post("5")
    page = look(ann, bakery, "delete", first, second)
    delete_transactions(entity=bakery.entity, ids=[second.id], actor=SYSTEM)
    answer = confirm(ann, page)
    assert answer.status_code == 200
    assert "There is no transaction" in answer.content.decode()
    assert bakery.stored(first.id).amount == 10
    # Approving does what it can, and says so.
    page = look(ann, bakery, "approve", first)
    delete_transactions(entity=bakery.entity, ids=[first.id], actor=SYSTEM)
    done = ann.get(confirm(ann, page)["Location"])
    assert "1 left alone" in done.content.decode()


def test_nothing_chosen_too_many_or_no_ids_lead_back_to_the_list(bakery: Company, ann: OfficeClient) -> None:
    url = page_url("transactions-act", bakery.entity, action="approve")
    for ids in ([], ["txn_x"], ["acc_01h455vb4pex5vsknk084sn02q"], [public(bakery.post())] * 101):
        answers = [ann.get(url, {"id": ids}), ann.post(url, {"id": ids, "act": ids, "shown": "|"})]
        for answer in answers:
            assert answer.status_code == 302
            assert answer["Location"] == page_url("transactions", bakery.entity)
    assert ann.get(page_url("transactions-act", bakery.entity, action="burn")).status_code == 404


def test_one_goes_back_to_where_one_came_from_but_to_no_other_place(
    bakery: Company, stranger: Company, ann: OfficeClient
) -> None:
    home = page_url("transactions", bakery.entity)
    cases = {
        f"{home}?status=waiting": f"{home}?status=waiting",
        "https://evil.example/": home,
        "//evil.example/": home,
        page_url("transactions", stranger.entity): home,
        "javascript:alert(1)": home,
        f"{home}\\evil": home,
    }
    for wanted, expected in cases.items():
        page = look(ann, bakery, "approve", bakery.post(), back=wanted)
        assert page.context["back"] == expected
        assert confirm(ann, page, back=wanted)["Location"] == expected


def test_who_may_act(bakery: Company, stranger: Company, ann: OfficeClient) -> None:
    row = bakery.post()
    url = page_url("transactions-act", bakery.entity, action="approve")
    data = {"id": public(row), "act": public(row), "shown": "|"}
    for client, status in (
        (office_client(bakery.entity, Role.AUDITOR), 403),
        (office_client(bakery.entity, Role.OPERATOR), 403),
        (office_client(stranger.entity), 404),
    ):
        assert client.get(url, {"id": public(row)}).status_code == status
        assert client.post(url, data).status_code == status
    assert bakery.stored(row.id).status == Status.PENDING


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_transactions_of_another_company_are_left_alone(
    bakery: Company, stranger: Company, ann: OfficeClient, action: str
) -> None:
    foreign = stranger.post() if action in ("approve", "delete", "categorize") else stranger.posted()
    said = {"account": "Software"} if "account" in ACTIONS[action].asks else {}
    page = look(ann, bakery, action, foreign, **said)
    assert page.context["acts_on"] == []
    assert "not in these books" in page.content.decode()
    assert "Rent" not in page.content.decode().split("Left alone")[1].split("</section>")[0]
    confirm(ann, page, act=public(foreign), **said)
    assert stranger.stored(foreign.id).status == foreign.status
    assert Transaction.objects.count() == 1


@pytest.mark.parametrize("rows", [1, 30])
def test_the_number_of_queries_does_not_grow_with_the_chosen(
    bakery: Company, ann: OfficeClient, rows: int
) -> None:
    def statements(action: str, chosen: list[Row], **said: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            page = look(ann, bakery, action, *chosen, **said)
            assert page.context["preview"].effects
        return len(queries)

    pending = [bakery.post(str(n + 1)) for n in range(rows)]
    posted = [bakery.posted(str(n + 1)) for n in range(rows)]
    categorize_transactions(
        entity=bakery.entity, ids=[posted[0].id], category_id=bakery.software.id, actor=SYSTEM
    )
    assert statements("approve", pending) == 6
    assert statements("delete", pending) == 6
    assert statements("reverse", posted) == 9
    assert statements("categorize", posted + pending, account="Loan") == 13

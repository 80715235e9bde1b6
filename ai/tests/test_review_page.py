"""The review queue in the back office."""

import re
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from ai.models import CategoryModel, ConfirmedTransaction, Suggestion, SuggestionStatus
from ai.office import queue
from banking.choices import LineStatus
from banking.tests.cast import Banked, feed, make_banked, seen
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.clock import utc_now
from ledger.ids import Prefix, encode_id
from ledger.models import BackgroundTask
from ledger.tests.office import OfficeClient, office_client, page_url
from transactions.choices import Status
from transactions.models import Transaction
from transactions.services import approve_transactions, categorize_transactions

pytestmark = pytest.mark.django_db
JSON: dict[str, Any] = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def bakery() -> Banked:
    return make_banked()


@pytest.fixture
def ann(bakery: Banked) -> OfficeClient:
    return office_client(bakery.entity, Role.ACCOUNTANT, name="ann")


def march(day: int) -> date:
    return date(2024, 3, day)


def ids(page: Any) -> list[str]:
    return [one.id for one in page.context["items"]]


def txn(one: Any) -> str:
    return encode_id(Prefix.TRANSACTION, one.id)


def acc(account: Account) -> str:
    return account.public_id


def decide(client: OfficeClient, company: Banked, **fields: Any) -> Any:
    """What the page's script sends, and gets."""
    return client.post(page_url("review", company.entity), fields, **JSON)


def category_of(company: Banked, transaction: Transaction) -> str:
    row = company.stored(transaction.id)
    other = row.debit_account_id if row.credit_account_id == company.bank.id else row.credit_account_id
    return Account.objects.get(entity_id=company.entity.id, id=other).name


def test_offered_lines_come_first_then_what_is_uncategorized_the_newest_on_top(
    ann: OfficeClient, bakery: Banked
) -> None:
    rent = bakery.post("80", credit=bakery.bank, description="Rent")
    feed(
        bakery,
        seen("old", "12.50", description="FLOUR", date=march(1)),
        seen("new", "-7", description="SALES", date=march(9)),
    )
    feed(bakery, seen("offer", "80", description="LANDLORD LLC"))

    page = ann.page("review", bakery.entity)

    assert ids(page) == [
        bakery.line("offer").public_id,
        txn(bakery.transaction_of("new")),
        txn(bakery.transaction_of("old")),
    ]
    offer, new, old = page.context["items"]
    assert (offer.offer.id, offer.offer.reason) == (txn(rent), "Same amount, same day.")
    assert (new.money_in, new.money_out) == (Decimal(7), None)
    assert (old.money_in, old.money_out, old.bank_name) == (None, Decimal("12.50"), "Checking ••1234")
    text = page.content.decode()
    assert "LANDLORD LLC" in text
    assert "12.50" in text
    assert page.context["waiting"] == "3"


def test_a_suggestion_is_made_kept_and_accepted(ann: OfficeClient, bakery: Banked) -> None:
    feed(bakery, seen("a", "20", description="ADOBE SOFTWARE"))
    [item] = ann.page("review", bakery.entity).context["items"]
    kept = Suggestion.objects.get(entity_id=bakery.entity.id)
    assert item.suggestion.account_id == encode_id(Prefix.ACCOUNT, kept.account_id)

    answer = decide(ann, bakery, action="accept", row=item.id, account=item.suggestion.account_id)

    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "message": f"Put in {item.suggestion.name}.",
        "undo": {"row": item.id},
        "waiting": "0",
    }
    kept.refresh_from_db()
    assert (kept.status, kept.decided_by) == (SuggestionStatus.ACCEPTED, ann.user.pk)
    assert category_of(bakery, bakery.transaction_of("a")) == item.suggestion.name
    assert ann.page("review", bakery.entity).context["items"] == []


def test_another_account_is_chosen_learned_and_taken_back(ann: OfficeClient, bakery: Banked) -> None:
    feed(bakery, seen("a", "20", description="ADOBE SOFTWARE"))
    made = bakery.transaction_of("a")
    ann.page("review", bakery.entity)

    chosen = decide(ann, bakery, action="choose", row=txn(made), account=acc(bakery.rent)).json()
    assert category_of(bakery, made) == "Rent"
    assert ConfirmedTransaction.objects.get(transaction_id=made.id).account_id == bakery.rent.id

    undone = decide(ann, bakery, action="undo", **chosen["undo"])

    assert undone.json()["message"] == "Taken back; it waits again."
    assert category_of(bakery, made) == "Uncategorized Expense"
    assert not ConfirmedTransaction.objects.exists()
    assert Suggestion.objects.get().status == SuggestionStatus.WAITING
    assert ids(ann.page("review", bakery.entity)) == [txn(made)]


def test_without_a_script_the_forms_do_the_same(ann: OfficeClient, bakery: Banked) -> None:
    feed(bakery, seen("a", "20", description="ADOBE"))
    made = bakery.transaction_of("a")
    one = ann.page("review-one", bakery.entity, id=txn(made))
    assert one.status_code == 200
    assert "Rent" in one.content.decode()

    answer = ann.post(
        page_url("review", bakery.entity),
        {"action": "choose", "row": txn(made), "account": acc(bakery.rent)},
        follow=True,
    )

    text = answer.content.decode()
    assert "Put in Rent." in text
    assert "Undo the last one" in text
    assert answer.context["undo"] == {"row": txn(made)}
    ann.send("review", bakery.entity, {"action": "undo", "row": txn(made)})
    assert category_of(bakery, made) == "Uncategorized Expense"


def test_an_offer_is_accepted_refused_or_left_out_and_each_is_taken_back(
    ann: OfficeClient, bakery: Banked
) -> None:
    rent = bakery.post("80", credit=bakery.bank, description="Rent")
    feed(bakery, seen("a", "80", description="LANDLORD"))
    row = bakery.line("a").public_id
    undo = {"row": row, "offered": txn(rent)}

    for fields, status in (
        ({"action": "accept", "transaction": txn(rent)}, LineStatus.RECORDED),
        ({"action": "record"}, LineStatus.RECORDED),
        ({"action": "record", "account": acc(bakery.software)}, LineStatus.RECORDED),
        ({"action": "ignore"}, LineStatus.IGNORED),
    ):
        answer = decide(ann, bakery, row=row, **fields)
        assert answer.json()["undo"] == undo
        assert bakery.line("a").status == status
        assert decide(ann, bakery, action="undo", **undo).status_code == 200
        assert bakery.line("a").offered_transaction_id == rent.id


def test_a_transaction_is_matched_with_another_one_of_the_books(ann: OfficeClient, bakery: Banked) -> None:
    feed(bakery, seen("a", "80", description="CHEQUE 7"))
    made = bakery.transaction_of("a")
    cheque = bakery.post("80", credit=bakery.bank, description="Cheque to the landlord")

    found = ann.get(page_url("review-one", bakery.entity, id=txn(made)), **JSON).json()["candidates"]
    assert [one["id"] for one in found] == [txn(cheque)]
    assert "Cheque to the landlord" in found[0]["label"]
    answer = decide(ann, bakery, action="match", row=txn(made), transaction=txn(cheque))

    assert answer.status_code == 200
    assert bakery.transaction_of("a").id == cheque.id


def test_what_waits_no_more_is_refused_in_words(ann: OfficeClient, bakery: Banked) -> None:
    feed(bakery, seen("a", "20", description="ADOBE"))
    made = bakery.transaction_of("a")
    ann.page("review", bakery.entity)
    approve_transactions(entity=bakery.entity, ids=[made.id], actor=SYSTEM)

    refused = decide(ann, bakery, action="choose", row=txn(made), account=acc(bakery.rent))

    assert refused.status_code == 409
    assert "POSTED" in refused.json()["error"]
    assert category_of(bakery, made) == "Uncategorized Expense"
    gone = ann.page("review-one", bakery.entity, id=txn(made))
    assert gone.status_code == 302


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "accept"},
        {"action": "choose", "account": ""},
        {"action": "choose", "account": "acc_nonsense"},
        {"action": "explode"},
        {"action": "match"},
        {"action": "choose", "row": "line_nonsense"},
        {"action": "choose", "row": "'; DROP TABLE"},
        {},
    ],
)
def test_bad_input_is_answered_in_words_and_nothing_is_done(
    ann: OfficeClient, bakery: Banked, fields: dict[str, str]
) -> None:
    feed(bakery, seen("a", "20", description="ADOBE"))
    made = bakery.transaction_of("a")

    answer = decide(ann, bakery, **{"row": txn(made), **fields})
    form = ann.post(page_url("review", bakery.entity), {"row": txn(made), **fields}, follow=True)

    assert answer.status_code in (400, 404, 409)
    assert answer.json()["error"]
    assert form.status_code == 200
    assert len(list(form.context["messages"])) == 1
    assert category_of(bakery, made) == "Uncategorized Expense"


def test_accounts_and_rows_of_a_stranger_are_not_there(ann: OfficeClient, bakery: Banked) -> None:
    stranger = make_banked("Stranger")
    feed(stranger, seen("a", "20", description="ADOBE"))
    feed(bakery, seen("b", "20", description="ADOBE"))
    theirs, ours = stranger.transaction_of("a"), bakery.transaction_of("b")

    assert decide(ann, bakery, action="choose", row=txn(theirs), account=acc(bakery.rent)).status_code == 409
    assert decide(ann, bakery, action="choose", row=txn(ours), account=acc(stranger.rent)).status_code == 404
    assert decide(ann, bakery, action="undo", row=txn(theirs)).status_code == 404
    line = stranger.line("a").public_id
    for action in ("accept", "ignore", "record"):
        assert decide(ann, bakery, action=action, row=line, transaction=txn(ours)).status_code == 404
    assert ann.page("review-one", bakery.entity, id=txn(theirs)).status_code == 302
    assert ann.page("review", stranger.entity).status_code == 404
    assert (
        decide(ann, stranger, action="choose", row=txn(theirs), account=acc(stranger.rent)).status_code == 404
    )
    assert category_of(stranger, theirs) == category_of(bakery, ours) == "Uncategorized Expense"


def test_an_auditor_looks_and_decides_nothing_and_an_operator_sees_nothing(bakery: Banked) -> None:
    feed(bakery, seen("a", "20", description="ADOBE"))
    made = bakery.transaction_of("a")
    auditor = office_client(bakery.entity, Role.AUDITOR)
    operator = office_client(bakery.entity, Role.OPERATOR)

    page = auditor.page("review", bakery.entity)
    assert ids(page) == [txn(made)]
    assert "<form" not in page.content.decode().split("review-rows")[1].split("</table>")[0]
    # Looking keeps nothing.
    assert not Suggestion.objects.exists()
    choice = {"action": "choose", "row": txn(made), "account": acc(bakery.rent)}
    assert decide(auditor, bakery, **choice).status_code == 403
    assert auditor.page("review-accept", bakery.entity).status_code == 403
    assert operator.page("review", bakery.entity).status_code == 403
    assert operator.page("review-one", bakery.entity, id=txn(made)).status_code == 403
    assert decide(operator, bakery, **choice).status_code == 403
    assert category_of(bakery, made) == "Uncategorized Expense"


def test_who_only_looks_writes_nothing(ann: OfficeClient, bakery: Banked) -> None:
    feed(bakery, seen("a", "20", description="ADOBE"), seen("b", "20", description="ADOBE"))
    said = bakery.transaction_of("a")
    # What somebody said elsewhere, and is not learned yet.
    categorize_transactions(entity=bakery.entity, ids=[said.id], category_id=bakery.software.id, actor=SYSTEM)
    ConfirmedTransaction.objects.all().delete()
    CategoryModel.objects.all().delete()
    BackgroundTask.objects.all().delete()
    auditor = office_client(bakery.entity, Role.AUDITOR)

    for look in (
        lambda: auditor.page("review", bakery.entity),
        lambda: auditor.page("review-one", bakery.entity, id=txn(bakery.transaction_of("b"))),
        lambda: ann.head(page_url("review", bakery.entity)),
    ):
        with CaptureQueriesContext(connection) as asked:
            assert look().status_code == 200
        assert [
            one["sql"] for one in asked if re.match("(INSERT|UPDATE|DELETE|WITH .*INSERT)", one["sql"])
        ] == []
    for kept in (ConfirmedTransaction, CategoryModel, BackgroundTask, Suggestion):
        assert not kept.objects.exists()  # type: ignore[attr-defined]

    ann.page("review", bakery.entity)
    for kept in (ConfirmedTransaction, CategoryModel, BackgroundTask, Suggestion):
        assert kept.objects.exists()  # type: ignore[attr-defined]


@pytest.mark.django_db(transaction=True)
def test_a_look_does_not_wait_for_what_is_being_deleted(ann: OfficeClient, bakery: Banked) -> None:
    feed(bakery, *(seen(one, "20", description="ADOBE") for one in ("said", "held", "free")))
    said, held, free = (bakery.transaction_of(one).id for one in ("said", "held", "free"))
    categorize_transactions(entity=bakery.entity, ids=[said], category_id=bakery.software.id, actor=SYSTEM)
    # Longer ago than each look looks back.
    Transaction.objects.filter(id=said).update(categorized_at=utc_now() - timedelta(hours=1))
    ConfirmedTransaction.objects.all().delete()
    CategoryModel.objects.all().delete()

    def kept() -> list[set[UUID]]:
        rows = (Suggestion.objects, ConfirmedTransaction.objects)
        return [set(one.values_list("transaction_id", flat=True)) for one in rows]

    with closing(connection.copy()) as other:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM transactions_transaction WHERE id = ANY(%s) FOR UPDATE", [[said, held]]
            )
        page = ann.page("review", bakery.entity)
        assert len([one for one in page.context["items"] if one.suggestion]) == 2
        assert kept() == [{free}, set()]
        other.rollback()

    # It was not deleted after all.
    ann.page("review", bakery.entity)
    assert kept() == [{free, held}, {said}]


def test_all_that_is_sure_is_accepted_after_a_look(ann: OfficeClient, bakery: Banked) -> None:
    feed(bakery, *(seen(f"{number}", "20", description=f"ADOBE {number}") for number in range(4)))
    ann.page("review", bakery.entity)
    Suggestion.objects.update(account_id=bakery.software.id, confidence=Decimal("0.97"))
    unsure = Suggestion.objects.order_by("id")[0]
    Suggestion.objects.filter(id=unsure.id).update(confidence=Decimal("0.60"))

    shown = ann.page("review-accept", bakery.entity, query={"least": "90"})
    assert shown.context["count"] == 3
    assert [(one["name"], one["count"], one["total"]) for one in shown.context["groups"]] == [
        ("Software", 3, Decimal(60))
    ]
    # Another number than was looked at: nothing is done.
    ann.send("review-accept", bakery.entity, {"least": "90", "count": "2"})
    assert Suggestion.objects.filter(status=SuggestionStatus.WAITING).count() == 4
    done = ann.post(page_url("review-accept", bakery.entity), {"least": "90", "count": "3"}, follow=True)

    assert "3 accepted." in done.content.decode()
    assert ids(done) == [encode_id(Prefix.TRANSACTION, unsure.transaction_id)]
    refused = ann.post(page_url("review-accept", bakery.entity), {"least": "10", "count": "1"}, follow=True)
    assert "50 to 100" in refused.content.decode()


def test_who_switched_suggestions_off_still_categorizes(ann: OfficeClient, bakery: Banked) -> None:
    bakery.entity.smart_suggestions = False
    bakery.entity.save(update_fields=["smart_suggestions"])
    feed(bakery, seen("a", "20", description="ADOBE"))
    made = bakery.transaction_of("a")

    page = ann.page("review", bakery.entity)
    assert page.context["items"][0].suggestion is None
    assert "switched off" in page.content.decode()
    assert decide(ann, bakery, action="choose", row=txn(made), account=acc(bakery.rent)).status_code == 200
    assert category_of(bakery, made) == "Rent"


def test_pages_follow_one_another_without_a_gap(
    ann: OfficeClient, bakery: Banked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PAGE_SIZE", 2)
    monkeypatch.setattr(
        queue.queue_page, "__kwdefaults__", {**(queue.queue_page.__kwdefaults__ or {}), "size": 2}
    )
    bakery.post("80", credit=bakery.bank, description="Rent")
    feed(bakery, seen("offer", "80"), *(seen(f"{one}", f"{one}", date=march(one)) for one in range(1, 5)))

    seen_ids: list[str] = []
    query: dict[str, str] = {}
    while True:
        page = ann.page("review", bakery.entity, query=query)
        seen_ids += ids(page)
        if page.context["next_cursor"] is None:
            break
        query = {"cursor": page.context["next_cursor"]}

    assert seen_ids == [
        bakery.line("offer").public_id,
        *(txn(bakery.transaction_of(f"{one}")) for one in (4, 3, 2, 1)),
    ]
    broken = ann.page("review", bakery.entity, query={"cursor": "nonsense"})
    assert broken.status_code == 302


def test_the_page_asks_the_same_of_the_database_however_many_wait(ann: OfficeClient, bakery: Banked) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            ann.page("review", bakery.entity)
        return len(counted)

    feed(bakery, seen("a", "1"), seen("b", "2"))
    ann.page("review", bakery.entity)
    few = queries()
    feed(bakery, *(seen(f"{one}", f"{one}") for one in range(10, 40)))
    ann.page("review", bakery.entity)

    assert queries() == few
    assert few <= 15


def test_a_posted_transaction_that_is_uncategorized_is_no_row(ann: OfficeClient, bakery: Banked) -> None:
    bakery.post("5", debit=bakery.uncategorized_expense, credit=bakery.bank, status=Status.POSTED)

    assert ann.page("review", bakery.entity).context["items"] == []

"""Applying rules on demand: what is shown beforehand, what is done, and what stays untouched."""

import datetime as dt
import time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.transaction import atomic
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from accounts.services import close_account
from accounts.tests.conftest import make_account
from banking.models import LineLink, Rule, RuleApplication
from banking.reconciliation.matching import tick
from banking.reconciliation.services import complete_reconciliation, start_reconciliation
from banking.rules import applying, background
from banking.rules.applying import Plan, Selection, apply_rules, apply_to_all, plan
from banking.rules.background import apply_rules_in_background, start_applying
from banking.rules.candidates import Wanted
from banking.rules.keeping import delete_rule, update_rule
from banking.tests.rules_cast import PERSON, Client
from ledger.actors import SYSTEM
from ledger.background import TaskRun
from ledger.background_runs import run_task
from ledger.choices import TaskState
from ledger.models import BackgroundTask, Entity
from ledger.services.periods import close_books
from ledger.tests.helpers import Caller
from transactions.choices import Change, Source, Status
from transactions.models import Revision
from transactions.services import (
    approve_transactions,
    categorize_transactions,
    delete_transaction,
    move_transactions,
)
from transactions.services.changing import lock_transactions
from transactions.tests.conftest import NOON, assert_totals_hold, race, wait_until_blocked

pytestmark = pytest.mark.django_db

PATH = "/v1/banks/rules/apply"
OPEN = Selection()
ALL = Selection(Wanted(include_categorized=True))


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def api(client: Client) -> Caller:
    return client.company.caller()


def apply(client: Client, selection: Selection = OPEN, **more: Any) -> Plan:
    return apply_rules(entity=client.entity, selection=selection, actor=PERSON, **({"size": 1_000} | more))


def summary(done: Plan) -> list[tuple[UUID, str, str, UUID, bool]]:
    return [
        (one.found.id, one.rule.name, one.found.category_name, one.rule.category_account_id, one.approves)
        for one in done.changes
    ]


def revisions(client: Client, transaction_id: UUID) -> list[Revision]:
    return list(
        Revision.objects.filter(entity_id=client.entity.id, transaction_id=transaction_id).order_by(
            "changed_at"
        )
    )


def test_rules_take_what_is_uncategorized_and_say_what_they_did(client: Client) -> None:
    software = client.rule()
    client.rule("Refunds", contains="refund", category_account_id=client.sales.id, priority=5)
    paid, refund, other = client.record(("ADOBE 1", "52.99"), ("ADOBE refund", "-20"), ("Cinema", "12"))

    done = apply(client)

    assert (done.examined, len(done.changes), done.next_after) == (3, 2, None)
    assert client.categories([paid, refund, other]) == ["Software", "Sales", "Uncategorized Expense"]
    row = client.stored(paid)
    assert (row.status, row.credit_account_id) == (Status.CLEARED, client.company.bank.id)
    assert row.metadata is not None
    assert row.metadata["categoryId"] == client.software.public_id
    assert row.categorized_at is not None
    # Who it was is in the history, which rule in the record.
    [revision] = revisions(client, paid)
    assert (revision.change, revision.changed_by, revision.changed_by_kind) == (
        "categorized",
        PERSON.id,
        "user",
    )
    record = RuleApplication.objects.get(entity_id=client.entity.id, transaction_id=paid)
    assert (record.rule_id, record.rule_name, record.account_before, record.account_after) == (
        software.id,
        "Software",
        client.spent.id,
        client.software.id,
    )
    assert (record.approved, record.applied_by) == (False, PERSON.id)
    assert_totals_hold(client.entity)


def test_what_another_accounts_completed_statement_holds_fast_is_left_out_and_holds_up_nothing(
    client: Client,
) -> None:
    account = make_account(client.company.ledger, "Card", "LIABILITY", financial_type="CREDIT_CARD")
    card = client.bank_account(account, type="credit")
    # The card is paid off from the checking account; the payment stands on the card's own statement.
    [payment] = client.record(("ADOBE card payment", "50"), debit=account)
    [paid] = client.record(("ADOBE", "52.99"))
    statement = start_reconciliation(
        entity=client.entity,
        bank_account_id=card.id,
        statement_date=NOON.date(),
        statement_balance=Decimal(-50),
        actor=SYSTEM,
    )
    tick(entity=client.entity, reconciliation_id=statement, transaction_ids=[payment], actor=SYSTEM)
    client.rule()
    assert len(plan(client.entity, ALL, size=1_000).changes) == 2
    complete_reconciliation(entity=client.entity, reconciliation_id=statement, actor=SYSTEM)

    done = apply(client, ALL)

    assert [one.found.id for one in done.changes] == [paid]
    assert client.categories([payment, paid]) == ["Card", "Software"]


def test_a_dry_run_changes_nothing_and_is_what_the_run_does(client: Client) -> None:
    client.rule("Adobe", auto_approve=True)
    client.rule("Rent", contains="rent", category_account_id=client.rent.id)
    client.rule("Sales", regex="^stripe", category_account_id=client.sales.id, direction="in")
    ids = client.record(
        ("ADOBE", "10"), ("May rent", "900"), ("STRIPE payout", "-75"), ("stripe fee", "3"), ("Other", "1")
    )
    before = [client.stored(one) for one in ids]

    with CaptureQueriesContext(connection) as queries:
        planned = plan(client.entity, Selection(), size=1_000)

    assert all(query["sql"].lstrip("( ").upper().startswith("SELECT") for query in queries)
    assert len(queries) == 2
    assert [row.updated_at for row in before] == [client.stored(one).updated_at for one in ids]
    assert RuleApplication.objects.count() == 0

    done = apply(client)
    assert summary(done) == summary(planned)
    assert [one[1] for one in summary(done)] == ["Adobe", "Rent", "Sales"]
    # Doing it again does nothing, to anything.
    assert apply(client).changes == []
    assert apply(client, ALL).changes == []


def test_auto_approval_posts_and_the_history_names_who(client: Client) -> None:
    client.rule(auto_approve=True)
    [paid] = client.record(("ADOBE", "10"))

    done = apply(client)

    assert [change.approves for change in done.changes] == [True]
    row = client.stored(paid)
    assert row.status == Status.POSTED
    assert row.debit_account_id == client.software.id
    assert [(one.change, one.changed_by) for one in revisions(client, paid)] == [
        (Change.CATEGORIZED, PERSON.id),
        (Change.APPROVED, PERSON.id),
    ]
    assert RuleApplication.objects.get(transaction_id=paid).approved
    assert_totals_hold(client.entity)


def test_what_has_expired_gets_its_category_and_is_not_approved(client: Client) -> None:
    client.rule(auto_approve=True)
    [late] = client.record(("ADOBE", "10"), status=Status.PENDING, expires_at=NOON)

    planned = plan(client.entity, Selection(), size=10)
    done = apply(client)

    assert summary(planned) == summary(done)
    assert (client.stored(late).status, client.categories([late])) == (Status.PENDING, ["Software"])
    assert not RuleApplication.objects.get(transaction_id=late).approved


def test_posted_and_other_final_rows_are_never_touched(client: Client) -> None:
    client.rule()
    posted, expired, pending = client.record(("ADOBE 1", "1"), ("ADOBE 2", "2"), ("ADOBE 3", "3"))
    approve_transactions(entity=client.entity, ids=[posted], actor=SYSTEM)
    pendings = client.record(("ADOBE 4", "4"), status=Status.PENDING)
    move_transactions(
        entity=client.entity, ids=pendings, to=Status.EXPIRED, change=Change.EXPIRED, actor=SYSTEM
    )
    before = [client.stored(one).updated_at for one in (posted, *pendings)]

    done = apply(client, ALL)

    assert {one.found.id for one in done.changes} == {expired, pending}
    assert [client.stored(one).updated_at for one in (posted, *pendings)] == before


def test_only_what_came_from_the_bank_is_taken(client: Client) -> None:
    client.rule()
    client.record(("ADOBE by hand", "5"), source=Source.API)
    [unlinked] = client.record(("ADOBE unlinked", "6"))
    LineLink.objects.filter(transaction_id=unlinked).delete()

    assert apply(client, ALL).examined == 0


def test_a_transfer_between_own_accounts_is_left_alone(client: Client) -> None:
    client.bank_account(client.cash)
    client.rule(contains="transfer")
    [transfer] = client.record(("Transfer", "5"), debit=client.cash)

    assert apply(client, ALL).changes == []
    assert client.stored(transfer).debit_account_id == client.cash.id


def test_what_is_categorized_is_taken_only_when_asked(client: Client) -> None:
    client.rule(auto_approve=True)
    by_hand, right = client.record(("ADOBE 1", "1"), ("ADOBE 2", "2"))
    for transaction, account in ((by_hand, client.rent), (right, client.software)):
        categorize_transactions(entity=client.entity, ids=[transaction], category_id=account.id, actor=SYSTEM)

    assert apply(client).examined == 0
    done = apply(client, ALL)

    # Where the category is right already, it is only approved.
    assert [(one.found.id, one.moves, one.approves) for one in done.changes] == [
        (by_hand, True, True),
        (right, False, True),
    ]
    assert client.categories([by_hand, right]) == ["Software", "Software"]
    assert [one.change for one in revisions(client, right)] == [Change.CATEGORIZED, Change.APPROVED]


def test_days_and_rules_are_chosen(client: Client) -> None:
    client.rule("Adobe", priority=1)
    rent = client.rule("Rent", regex="adobe|rent", category_account_id=client.rent.id)
    march, april = NOON.date(), dt.date(2024, 4, 15)
    [early] = client.record(("ADOBE", "1"))
    [late] = client.record(("ADOBE", "1"), timestamp=NOON + dt.timedelta(days=31), date=april)

    only_april = Selection(Wanted(april, april))
    assert [one[0] for one in summary(plan(client.entity, only_april, size=9))] == [late]
    only_march = Selection(Wanted(last=dt.date(2024, 4, 14)), rule_ids=(rent.id,))
    # The rule that is named counts as if there were no other.
    assert [one[:2] for one in summary(apply(client, only_march))] == [(early, "Rent")]
    assert client.stored(late).date > march
    assert client.categories([early, late]) == ["Rent", "Uncategorized Expense"]


def test_what_is_dated_in_a_closed_period_stays_as_it_was_closed(client: Client) -> None:
    client.rule()
    [old] = client.record(("ADOBE", "1"))
    [new] = client.record(("ADOBE", "1"), timestamp=NOON + dt.timedelta(days=31), date=dt.date(2024, 4, 15))
    close_books(entity=client.entity, through=dt.date(2024, 3, 31), actor=SYSTEM)

    assert [one.found.id for one in apply(client).changes] == [new]
    assert client.categories([old]) == ["Uncategorized Expense"]


def test_a_rule_whose_account_was_closed_is_skipped(client: Client) -> None:
    client.rule()
    [paid] = client.record(("ADOBE", "1"))
    close_account(entity=client.entity, account=client.software, actor=SYSTEM)

    assert apply(client).changes == []
    assert client.categories([paid]) == ["Uncategorized Expense"]


def test_statements_do_not_grow_with_the_number_of_transactions(client: Client) -> None:
    client.rule(auto_approve=True)
    client.rule("Rent", contains="rent", category_account_id=client.rent.id)

    def statements(lines: int) -> int:
        client.record(*[("ADOBE", "1"), ("rent", "2"), ("other", "3")] * lines)
        with CaptureQueriesContext(connection) as queries:
            assert len(apply(client).changes) == 2 * lines
        return len(queries)

    assert statements(2) == statements(200) <= 40


def test_batches_meet_every_transaction_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "BATCH_SIZE", 3)
    client.rule()
    ids = client.record(*[("ADOBE", "1"), ("other", "2")] * 5)

    done = list(apply_to_all(entity=client.entity, selection=Selection(), actor=SYSTEM))

    assert [one.examined for one in done] == [3, 3, 3, 1]
    assert [change.found.id for one in done for change in one.changes] == ids[::2]
    assert set(RuleApplication.objects.values_list("transaction_id", flat=True)) == set(ids[::2])


# --- through the API ---------------------------------------------------------------------------------


def test_the_api_shows_and_then_does_it(client: Client, api: Caller) -> None:
    rule = client.rule(auto_approve=True)
    paid, _ = client.record(("ADOBE", "52.99"), ("Cinema", "12"))

    shown = api.post(PATH, {"dryRun": True})
    assert shown.status_code == 200
    row = client.stored(paid)
    assert shown.json() == {
        "success": True,
        "dryRun": True,
        "examined": 2,
        "changed": 1,
        "approved": 1,
        "changes": [
            {
                "transactionId": row.public_id,
                "date": "2024-03-15",
                "description": "ADOBE",
                "amount": 52.99,
                "currency": "USD",
                "ruleId": rule.public_id,
                "ruleName": "Software",
                "accountBefore": {"id": client.spent.public_id, "name": "Uncategorized Expense"},
                "accountAfter": {"id": client.software.public_id, "name": "Software"},
                "wouldApprove": True,
            }
        ],
        "nextCursor": None,
        "hasMore": False,
    }
    assert client.stored(paid).status == Status.CLEARED

    done = api.post(PATH, {})
    assert done.json() == shown.json() | {"dryRun": False}
    assert client.stored(paid).status == Status.POSTED
    applications = api.get(f"/v1/banks/rules/{rule.public_id}/applications").json()
    [application] = applications["applications"]
    assert application | {"appliedAt": ""} == {
        "transactionId": row.public_id,
        "ruleId": rule.public_id,
        "ruleName": "Software",
        "accountBefore": {"id": client.spent.public_id, "name": "Uncategorized Expense"},
        "accountAfter": {"id": client.software.public_id, "name": "Software"},
        "approved": True,
        "appliedAt": "",
    }


def test_a_dry_run_of_many_is_read_page_by_page(
    client: Client, api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "AT_ONCE_MAX", 2)
    client.rule()
    ids = client.record(*[("ADOBE", "1")] * 5)

    seen, sent = [], {"dryRun": True, "dateFrom": "2024-01-01"}
    while True:
        page = api.post(PATH, sent).json()
        seen += [change["transactionId"] for change in page["changes"]]
        if not page["hasMore"]:
            break
        sent["cursor"] = page["nextCursor"]
    assert seen == [client.stored(one).public_id for one in ids]
    # A cursor goes with what it was made for, and with dry runs.
    assert api.post(PATH, sent | {"dateFrom": "2024-01-02"}).status_code == 400
    assert api.post(PATH, sent | {"dryRun": False}).status_code == 400


def test_a_large_run_goes_to_the_background_once(
    client: Client, api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "AT_ONCE_MAX", 3)
    monkeypatch.setattr(applying, "BATCH_SIZE", 2)
    rule = client.rule(auto_approve=True)
    ids = client.record(*[("ADOBE", "1")] * 4)

    started = api.post(PATH, {"ruleIds": [rule.public_id], "dateTo": "2024-12-31"})
    twice = api.post(PATH, {"ruleIds": [rule.public_id], "dateTo": "2024-12-31"})

    assert (started.status_code, twice.status_code) == (202, 202)
    assert started.json()["taskId"] == twice.json()["taskId"]
    assert client.stored(ids[0]).status == Status.CLEARED
    task = BackgroundTask.objects.get(entity_id=client.entity.id)
    assert (task.name, task.public_id) == ("banking.apply_rules", started.json()["taskId"])

    # As the worker does it, which knows the work by its name.
    run_task(client.entity.id, task.id)
    task.refresh_from_db()
    assert (task.state, task.done, task.total) == (TaskState.SUCCEEDED, 4, 4)
    assert task.message == "4 of 4 transactions changed, 4 of them approved"
    assert {client.stored(one).status for one in ids} == {Status.POSTED}
    # Run a second time, as after a worker that was killed.
    again = TaskRun(client.entity, task.arguments)
    assert apply_rules_in_background(again) == "0 of 0 transactions changed, 0 of them approved"


def test_tasks_of_other_selections_are_other_tasks(client: Client) -> None:
    selections = [Selection(), ALL, Selection(Wanted(dt.date(2024, 1, 1))), Selection(rule_ids=())]

    tasks = {start_applying(entity=client.entity, selection=one, actor=SYSTEM).id for one in selections}

    assert len(tasks) == len(selections)


def test_a_disabled_rule_is_shown_and_not_applied(client: Client, api: Caller) -> None:
    rule = client.rule(enabled=False)
    client.record(("ADOBE", "1"))
    named = {"ruleIds": [rule.public_id]}

    assert api.post(PATH, named | {"dryRun": True}).json()["changed"] == 1
    assert api.post(PATH, {"dryRun": True}).json()["changed"] == 0
    refused = api.post(PATH, named)
    assert refused.status_code == 409
    assert "enable it" in refused.json()["error"]["message"]


def test_applications_are_listed_newest_first_and_outlive_their_rule(client: Client, api: Caller) -> None:
    rule = client.rule()
    ids = []
    for number in range(5):
        ids += client.record((f"ADOBE {number}", "1"))
        apply(client)
    delete_rule(entity=client.entity, rule_id=rule.id, actor=SYSTEM)

    path, seen, query = f"/v1/banks/rules/{rule.public_id}/applications", [], {"pageSize": 2}
    while True:
        page = api.get(path, query).json()
        seen += [one["transactionId"] for one in page["applications"]]
        if not page["hasMore"]:
            break
        query["cursor"] = page["nextCursor"]
    assert seen == [client.stored(one).public_id for one in reversed(ids)]
    with CaptureQueriesContext(connection) as queries:
        api.get(path)
    assert len([one for one in queries if "banking_rule" in one["sql"] or "accounts_" in one["sql"]]) <= 4
    # One that never was has none.
    assert api.get(path, query | {"cursor": "nonsense"}).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"ruleIds": []},
        {"ruleIds": ["txn_01h455vb4pex5vsknk084sn02q"]},
        {"ruleIds": "all"},
        {"dateFrom": "2024-13-01"},
        {"dateFrom": "2024-02-01", "dateTo": "2024-01-01"},
        {"dryRun": "yes"},
        {"dryRun": None},
        {"dryRun": True, "cursor": "nonsense"},
        {"includeCategorised": True},
        [],
        "apply",
    ],
)
def test_bad_requests_are_refused(client: Client, api: Caller, body: Any) -> None:
    client.rule()
    [paid] = client.record(("ADOBE", "1"))

    assert api.post(PATH, body).status_code == 400
    assert client.categories([paid]) == ["Uncategorized Expense"]


def test_another_companys_transactions_are_never_taken(client: Client, api: Caller) -> None:
    stranger = Client("Stranger")
    [theirs] = stranger.record(("ADOBE", "1"))
    stranger.rule("Theirs")
    client.rule("Ours")

    assert api.post(PATH, {"includeCategorized": True}).json()["examined"] == 0
    assert stranger.categories([theirs]) == ["Uncategorized Expense"]


# --- races -------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_another_call_took_first_is_left_to_it(client: Client) -> None:
    """The plan is made, then somebody else changes or deletes what it wants before it is locked."""
    client.rule()
    kept, changed, posted, deleted = client.record(*[("ADOBE", "1")] * 4)
    real = lock_transactions

    def meanwhile(entity: Entity, ids: list[UUID]) -> Any:
        def others() -> None:
            categorize_transactions(entity=entity, ids=[changed], category_id=client.rent.id, actor=SYSTEM)
            approve_transactions(entity=entity, ids=[posted], actor=SYSTEM)
            delete_transaction(entity=entity, transaction_id=deleted, actor=SYSTEM)

        assert race(others) == [None]
        return real(entity, ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(applying, "lock_transactions", meanwhile)
        done = apply(client)

    assert [one.found.id for one in done.changes] == [kept]
    assert client.categories([kept, changed, posted]) == ["Software", "Rent", "Uncategorized Expense"]
    assert client.stored(posted).status == Status.POSTED
    assert list(RuleApplication.objects.values_list("transaction_id", flat=True)) == [kept]
    assert_totals_hold(client.entity)


@pytest.mark.django_db(transaction=True)
def test_a_rule_deleted_during_a_run_takes_nothing_in_later_batches(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "BATCH_SIZE", 2)
    rule = client.rule()
    ids = client.record(*[("ADOBE", "1")] * 5)

    batches = apply_to_all(entity=client.entity, selection=Selection(), actor=SYSTEM)
    first = next(batches)
    delete_rule(entity=client.entity, rule_id=rule.id, actor=SYSTEM)
    rest = list(batches)

    assert [len(one.changes) for one in (first, *rest)] == [2, 0, 0]
    assert client.categories(ids) == ["Software"] * 2 + ["Uncategorized Expense"] * 3
    assert RuleApplication.objects.filter(rule_id=rule.id, rule_name="Software").count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_change_each_transaction_once(client: Client) -> None:
    client.rule(auto_approve=True)
    ids = client.record(*[("ADOBE", "1")] * 50)

    first, second = race(lambda: apply(client), lambda: apply(client))

    assert isinstance(first, Plan), first
    assert isinstance(second, Plan), second
    assert sorted(one.found.id for done in (first, second) for one in done.changes) == ids
    assert RuleApplication.objects.count() == len(ids)
    assert Revision.objects.filter(entity_id=client.entity.id).count() == 2 * len(ids)
    assert_totals_hold(client.entity)


@pytest.mark.django_db(transaction=True)
def test_books_that_are_being_closed_wait_for_a_run_that_has_begun(client: Client) -> None:
    client.rule()
    [paid] = client.record(("ADOBE", "1"))

    def close() -> None:
        close_books(entity=client.entity, through=NOON.date(), actor=SYSTEM)

    real = lock_transactions
    results: list[Any] = []

    def closing(entity: Entity, ids: list[UUID]) -> Any:
        import threading

        thread = threading.Thread(target=lambda: results.extend(race(close)))
        thread.start()
        wait_until_blocked()
        results.append(thread)
        return real(entity, ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(applying, "lock_transactions", closing)
        done = apply(client)
    results[0].join(30)

    # The closing came after, and found the transaction as the rule left it.
    assert results[1] is None
    assert [one.found.id for one in done.changes] == [paid]
    assert client.categories([paid]) == ["Software"]
    assert apply(client).examined == 0


@pytest.mark.django_db(transaction=True)
def test_a_rule_changed_and_applied_at_once_leaves_one_of_the_two_orders(client: Client) -> None:
    rule: Rule = client.rule()
    [paid] = client.record(("ADOBE", "1"))

    def change() -> Rule:
        fields: Any = {"category_account_id": client.rent.id}
        return update_rule(entity=client.entity, rule_id=rule.id, fields=fields, actor=SYSTEM)

    applied, changed = race(lambda: apply(client), change)

    assert isinstance(changed, Rule), changed
    assert isinstance(applied, Plan), applied
    [name] = client.categories([paid])
    record = RuleApplication.objects.get(transaction_id=paid)
    assert name in ("Software", "Rent")
    assert Account.objects.get(id=record.account_after).name == name


def test_what_fails_in_the_middle_changes_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.rule(auto_approve=True)
    [paid] = client.record(("ADOBE", "1"))

    def broken(*args: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(applying, "record_applications", broken)
    with pytest.raises(RuntimeError, match="broken"), atomic():
        apply(client)

    assert client.stored(paid).status == Status.CLEARED
    assert client.categories([paid]) == ["Uncategorized Expense"]
    assert client.stored(paid).amount == Decimal(1)


def test_a_dry_run_of_thousands_is_quick(client: Client) -> None:
    for number in range(100):
        client.rule(f"Rule {number}", regex=f"merchant{number}$", category_account_id=client.rent.id)
    client.record(*[(f"PAYMENT 4711 merchant{number % 200}", "1") for number in range(2_000)])

    started = time.perf_counter()
    planned = plan(client.entity, Selection(), size=5_000)

    assert len(planned.changes) == 1_000
    # A tenth of it on a machine with nothing else to do.
    assert time.perf_counter() - started < 10

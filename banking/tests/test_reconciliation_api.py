"""Reconciliation over the API: answers, refusals that name their field, other companies' ids, and queries."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from banking.reconciliation.tie_out import tie_out
from banking.tests.reconciliation_cast import Bakery, rec, txn
from banking.tests.test_tie_out import reported
from ledger.ids import Prefix, encode_id, new_id
from ledger.tests.helpers import Caller
from ledger.tokens import Scope
from transactions.choices import Status

pytestmark = pytest.mark.django_db

URL = "/v1/banks/reconciliations"
TIE_OUTS = "/v1/banks/tie-outs"


@pytest.fixture
def bakery(db: None) -> Bakery:
    return Bakery()


@pytest.fixture
def owner(bakery: Bakery) -> Caller:
    return bakery.company.caller()


@pytest.fixture
def stranger(db: None) -> Bakery:
    return Bakery("Stranger")


def body(bakery: Bakery, **changes: Any) -> dict[str, Any]:
    return {
        "bankAccountId": bakery.checking.public_id,
        "statementDate": "2024-01-31",
        "statementBalance": 100,
    } | changes


def begin(owner: Caller, bakery: Bakery, **changes: Any) -> str:
    answer = owner.post(URL, body(bakery, **changes))
    assert answer.status_code == 201, answer.content
    return f"{URL}/{answer.json()['reconciliation']['id']}"


def fields(answer: Any) -> list[str]:
    """The fields that a refusal names."""
    return [detail["field"] for detail in answer.json()["error"].get("details", [])]


# --- answers -------------------------------------------------------------------------------------


def test_a_statement_from_beginning_to_end(bakery: Bakery, owner: Caller) -> None:
    linked = bakery.earn("60", text="Sale", counterparty="Ames")
    line = bakery.line("-60", of=[linked])
    cheques = [bakery.earn("30", "2024-01-20", "Cheque A"), bakery.earn("10", "2024-01-20", "Cheque B")]
    deposit = bakery.line("-40", "2024-01-21", "DEPOSIT")
    answer = owner.post(URL, body(bakery))
    assert answer.status_code == 201
    begun = answer.json()["reconciliation"]
    url = f"{URL}/{begun['id']}"

    figures = (
        "openingBalance",
        "statementBalance",
        "clearedBalance",
        "difference",
        "booksBalance",
        "unticked",
    )
    assert [begun[name] for name in figures] == [0, 100, 0, 100, 100, 100]
    assert begun["status"] == "open"
    assert (begun["bankAccountId"], begun["currency"]) == (bakery.checking.public_id, "USD")
    assert begun["ledgerAccountId"] == bakery.company.bank.public_id
    assert [one["transactionId"] for one in begun["candidates"]] == [
        txn(cheques[1]), txn(cheques[0]), txn(linked)
    ]  # fmt: skip
    assert begun["candidates"][2] == {
        "transactionId": txn(linked),
        "date": "2024-01-10",
        "description": "Sale",
        "counterparty": "Ames",
        "status": "CLEARED",
        "amount": 60.0,
        "lineId": line.public_id,
        "clearedOn": "2024-01-10",
    }
    assert begun["suggestions"]["cleared"] == {"count": 1, "amount": 60.0}
    (suggested,) = begun["suggestions"]["oneToMany"]
    assert suggested["line"]["id"] == deposit.public_id
    assert suggested["reason"] == (
        "2 transactions come to it exactly, 30.00 + 10.00, at most 1 day earlier in the books."
    )

    early = owner.post(f"{url}/complete")
    assert early.status_code == 409
    assert "The difference is 100.00 USD" in early.json()["error"]["message"]
    assert fields(early) == ["transactionIds"] * 3

    accepted = owner.post(f"{url}/match", {"suggested": True})
    assert (accepted.status_code, accepted.json()["changed"]) == (200, 1)
    matched = owner.post(
        f"{url}/match",
        {"line_id": deposit.public_id, "transaction_ids": [txn(one) for one in cheques]},
    )
    assert (matched.status_code, matched.json()["changed"]) == (200, 2)
    assert matched.json()["reconciliation"]["difference"] == 0

    unticked = owner.post(f"{url}/unmatch", {"transactionIds": [txn(linked)]})
    assert unticked.json()["changed"] == 1
    assert unticked.json()["reconciliation"]["unticked"] == 60
    owner.post(f"{url}/match", {"transactionIds": [txn(linked)]})

    completed = owner.post(f"{url}/complete", {})
    assert completed.status_code == 200
    state = completed.json()["reconciliation"]
    assert (state["status"], state["itemCount"], state["difference"]) == ("completed", 3, 0)
    assert (state["suggestions"], state["candidates"]) == (None, [])
    assert {one["status"] for one in state["items"]} == {"RECONCILED"}
    assert owner.get(url).json()["reconciliation"] == state
    assert owner.post(f"{url}/complete").status_code == 409

    locked = owner.delete(f"/v1/transactions?transactionId={txn(linked)}")
    assert locked.status_code == 409
    assert "completed bank statement of 2024-01-31" in locked.json()["error"]["message"]

    reopened = owner.post(f"{url}/reopen", {"reason": "Corrected"})
    assert reopened.json()["reconciliation"]["status"] == "open"
    back = owner.post(f"{url}/unmatch", {"lineId": deposit.public_id})
    assert back.json()["changed"] == 2
    assert owner.delete(url).status_code == 204
    assert owner.get(url).status_code == 404


def test_lists_go_page_by_page_and_by_filters(bakery: Bakery, owner: Caller) -> None:
    for month in range(1, 6):
        bakery.completed(on=f"2024-{month:02}-28")
    bakery.start("0", "2024-06-28")
    bakery.start("0", bank=bakery.card)
    seen, cursor = [], None
    while True:
        page = owner.get(URL, {"pageSize": 3} | ({"cursor": cursor} if cursor else {})).json()
        seen += [one["statementDate"] for one in page["reconciliations"]]
        cursor = page["nextCursor"]
        assert page["hasMore"] is bool(cursor)
        if not cursor:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 7

    def count(**query: Any) -> int:
        return len(owner.get(URL, query).json()["reconciliations"])

    assert count(bankAccountId=bakery.card.public_id) == 1
    assert count(status="open") == 2
    assert count(status="completed", bank_account_id=bakery.checking.public_id) == 5


def test_all_that_is_ticked_and_all_that_is_not_are_lists_of_their_own(bakery: Bakery, owner: Caller) -> None:
    rows = [bakery.earn("1", f"2024-01-{n % 28 + 1:02}") for n in range(105)]
    one = bakery.start("53")
    bakery.tick(one, *rows[:53])
    url = f"{URL}/{rec(one)}"
    state = owner.get(url).json()["reconciliation"]
    assert (state["itemCount"], len(state["items"]), state["hasMoreItems"]) == (53, 53, False)

    def everything(**query: Any) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = owner.get(f"{url}/transactions", {"pageSize": 20, **query, **cursor}).json()
            found += [item["transactionId"] for item in page["transactions"]]
            if not page["hasMore"]:
                return found
            cursor = {"cursor": page["nextCursor"]}

    ticked, unticked = everything(ticked="true"), everything()
    assert set(ticked) == {txn(row) for row in rows[:53]}
    assert set(unticked) == set(everything(ticked="false")) == {txn(row) for row in rows[53:]}
    assert (len(ticked), len(unticked)) == (53, 52)
    bakery.complete(one)
    assert everything() == []
    assert everything(ticked="true") == ticked


def test_the_state_shows_a_hundred_and_says_that_there_are_more(bakery: Bakery, owner: Caller) -> None:
    for n in range(101):
        bakery.earn("1", f"2024-01-{n % 28 + 1:02}")
    state = owner.get(f"{URL}/{rec(bakery.start('1'))}").json()["reconciliation"]
    assert (len(state["candidates"]), state["hasMoreCandidates"]) == (100, True)
    assert state["unticked"] == 101


def test_tie_outs_are_listed_by_account_by_days_and_the_newest_of_each(bakery: Bakery, owner: Caller) -> None:
    for on in ("2024-01-30", "2024-01-31"):
        reported(bakery.checking, "5", on)
        reported(bakery.card, "0", on)
        tie_out(bakery.entity)
    days = owner.get(TIE_OUTS, {"bankAccountId": bakery.checking.public_id, "dateFrom": "2024-01-31"}).json()
    (day,) = days["tieOuts"]
    assert day | {"checkedAt": ""} == {
        "bankAccountId": bakery.checking.public_id,
        "bankAccountName": "Bank",
        "currency": "USD",
        "date": "2024-01-31",
        "bankBalance": 5.0,
        "booksBalance": 0.0,
        "difference": 5.0,
        "checkedAt": "",
    }
    assert len(owner.get(TIE_OUTS, {"latest": "true"}).json()["tieOuts"]) == 2
    first = owner.get(TIE_OUTS, {"pageSize": 3}).json()
    rest = owner.get(TIE_OUTS, {"pageSize": 3, "cursor": first["nextCursor"]}).json()
    assert (len(first["tieOuts"]), len(rest["tieOuts"]), rest["hasMore"]) == (3, 1, False)


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"bankAccountId": "acc_01h455vb4pex5vsknk084sn02q"}, "bankAccountId"),
        ({"bankAccountId": None}, "bankAccountId"),
        ({"statementDate": "2024-02-30"}, "statementDate"),
        ({"statementDate": "31.01.2024"}, "statementDate"),
        ({"statementDate": "2199-01-01"}, "statementDate"),
        ({"statementDate": "1024-01-01"}, "statementDate"),
        ({"statementBalance": "1.005"}, "statementBalance"),
        ({"statementBalance": "NaN"}, "statementBalance"),
        ({"statementBalance": True}, "statementBalance"),
        ({"statementBalance": "1e15"}, "statementBalance"),
        ({"statementBalance": None}, "statementBalance"),
        ({"balance": 1}, "balance"),
    ],
)
def test_a_statement_that_cannot_be_is_refused(
    bakery: Bakery, owner: Caller, changes: dict[str, Any], field: str
) -> None:
    answer = owner.post(URL, body(bakery, **changes))
    assert answer.status_code == 400
    assert field in fields(answer)


@pytest.mark.parametrize("missing", ["bankAccountId", "statementDate", "statementBalance"])
def test_what_is_missing_is_named(bakery: Bakery, owner: Caller, missing: str) -> None:
    sent = body(bakery)
    del sent[missing]
    answer = owner.post(URL, sent)
    assert (answer.status_code, fields(answer)) == (400, [missing])


_TXN = "txn_01h455vb4pex5vsknk084sn02q"
_LINE = "line_01h455vb4pex5vsknk084sn02q"


@pytest.mark.parametrize(
    ("call", "sent", "field"),
    [
        ("match", {}, "transactionIds"),
        ("match", {"transactionIds": []}, "transactionIds"),
        ("match", {"transactionIds": [_TXN] * 5_001}, "transactionIds"),
        ("match", {"transactionIds": _TXN}, "transactionIds"),
        ("match", {"transactionIds": [_TXN, "txn_1"]}, "transactionIds[1]"),
        ("match", {"lineId": _LINE}, "transactionIds"),
        ("match", {"lineId": _TXN, "transactionIds": [_TXN]}, "lineId"),
        ("match", {"suggested": False}, "suggested"),
        ("match", {"suggested": "true"}, "suggested"),
        ("match", {"suggested": True, "transactionIds": [_TXN]}, "suggested"),
        ("match", {"transactions": [_TXN]}, "transactions"),
        ("unmatch", {}, "transactionIds"),
        ("unmatch", {"lineId": _LINE, "transactionIds": [_TXN]}, "transactionIds"),
        ("unmatch", {"suggested": True}, "suggested"),
        ("complete", {"force": True}, "force"),
        ("reopen", {}, "reason"),
        ("reopen", {"reason": ""}, "reason"),
        ("reopen", {"reason": "x" * 501}, "reason"),
    ],
)
def test_bodies_that_say_too_much_too_little_or_nonsense_are_refused(
    bakery: Bakery, owner: Caller, call: str, sent: dict[str, Any], field: str
) -> None:
    answer = owner.post(f"{URL}/{rec(bakery.start('10'))}/{call}", sent)
    assert answer.status_code == 400, answer.content
    assert field in fields(answer)


@pytest.mark.parametrize("sent", [[], "x", 7, [{}]])
@pytest.mark.parametrize("call", ["match", "unmatch", "complete", "reopen"])
def test_bodies_of_another_kind_are_refused(bakery: Bakery, owner: Caller, call: str, sent: Any) -> None:
    answer = owner.post(f"{URL}/{rec(bakery.start('10'))}/{call}", sent)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        (URL, {"bankAccountId": "x"}, "bankAccountId"),
        (URL, {"status": "done"}, "status"),
        (URL, {"cursor": "x"}, "cursor"),
        (URL, {"pageSize": 101}, "pageSize"),
        (URL, {"until": "2024-01-01"}, "until"),
        (TIE_OUTS, {"bankAccountId": "x"}, "bankAccountId"),
        (TIE_OUTS, {"dateFrom": "2024-13-01"}, "dateFrom"),
        (TIE_OUTS, {"dateTo": "x"}, "dateTo"),
        (TIE_OUTS, {"latest": "yes"}, "latest"),
    ],
)
def test_queries_that_mean_nothing_are_refused(
    bakery: Bakery, owner: Caller, path: str, query: dict[str, Any], field: str
) -> None:
    answer = owner.get(path, query)
    assert (answer.status_code, fields(answer)) == (400, [field])


def test_ids_that_are_none_and_ids_of_nothing(bakery: Bakery, owner: Caller) -> None:
    for call in ("", "/transactions"):
        assert owner.get(f"{URL}/rec_1{call}").status_code == 400
        assert owner.get(f"{URL}/{rec(new_id())}{call}").status_code == 404
    assert owner.delete(f"{URL}/{rec(new_id())}").status_code == 404
    url = f"{URL}/{rec(bakery.start('10'))}"
    gone = owner.post(f"{url}/match", {"transactionIds": [_TXN]})
    assert (gone.status_code, fields(gone)) == (404, ["transactionIds[0]"])
    sale = txn(bakery.earn("10"))
    gone = owner.post(f"{url}/match", {"lineId": _LINE, "transactionIds": [sale]})
    assert (gone.status_code, fields(gone)) == (404, ["lineId"])
    gone = owner.post(URL, body(bakery, bankAccountId=encode_id(Prefix.BANK_ACCOUNT, new_id())))
    assert (gone.status_code, fields(gone)) == (404, ["bankAccountId"])


# --- other companies -----------------------------------------------------------------------------


def test_another_companys_ids_are_as_unknown_as_none_in_each_call(
    bakery: Bakery, owner: Caller, stranger: Bakery
) -> None:
    sale, line = stranger.earn("10"), stranger.line("-10")
    theirs = stranger.start("10")
    ours = f"{URL}/{rec(bakery.start('10'))}"
    own = txn(bakery.earn("10"))
    foreign = f"{URL}/{rec(theirs)}"
    calls: list[Callable[[], Any]] = [
        lambda: owner.get(foreign),
        lambda: owner.get(f"{foreign}/transactions"),
        lambda: owner.delete(foreign),
        lambda: owner.post(f"{foreign}/match", {"transactionIds": [own]}),
        lambda: owner.post(f"{foreign}/match", {"suggested": True}),
        lambda: owner.post(f"{foreign}/match", {"lineId": line.public_id, "transactionIds": [own]}),
        lambda: owner.post(f"{foreign}/unmatch", {"transactionIds": [own]}),
        lambda: owner.post(f"{foreign}/unmatch", {"lineId": line.public_id}),
        lambda: owner.post(f"{foreign}/complete"),
        lambda: owner.post(f"{foreign}/reopen", {"reason": "x"}),
        lambda: owner.post(URL, body(bakery, bankAccountId=stranger.checking.public_id)),
        lambda: owner.post(f"{ours}/match", {"transactionIds": [txn(sale)]}),
        lambda: owner.post(f"{ours}/match", {"lineId": line.public_id, "transactionIds": [own]}),
        lambda: owner.post(f"{ours}/unmatch", {"transactionIds": [txn(sale)]}),
        lambda: owner.post(f"{ours}/unmatch", {"lineId": line.public_id}),
    ]
    for call in calls:
        answer = call()
        assert answer.status_code == 404, answer.content
        assert answer.json()["error"]["code"] == "NOT_FOUND"
    # Filters find nothing, and nobody's list shows it.
    reported(stranger.checking, "5", "2024-01-31")
    tie_out(stranger.entity)
    for path, key in ((URL, "reconciliations"), (TIE_OUTS, "tieOuts")):
        assert owner.get(path, {"bankAccountId": stranger.checking.public_id}).json()[key] == []
    assert owner.get(TIE_OUTS).json()["tieOuts"] == []
    assert len(owner.get(URL).json()["reconciliations"]) == 1
    # The stranger's statement is as it was, and can be completed.
    stranger.tick(theirs, sale)
    stranger.complete(theirs)


def test_a_token_that_may_only_read_changes_nothing(bakery: Bakery) -> None:
    reader = bakery.company.caller(scope=Scope.READ)
    one = f"{URL}/{rec(bakery.start('0'))}"
    assert reader.get(one).status_code == 200
    for call, sent in (
        ("match", {"suggested": True}),
        ("unmatch", {"transactionIds": [_TXN]}),
        ("complete", {}),
        ("reopen", {"reason": "x"}),
    ):
        assert reader.post(f"{one}/{call}", sent).status_code == 403
    assert reader.post(URL, body(bakery)).status_code == 403
    assert reader.delete(one).status_code == 403


# --- queries -------------------------------------------------------------------------------------


def statements(call: Callable[[], Any], status: int = 200) -> int:
    with CaptureQueriesContext(connection) as queries:
        answer = call()
    assert answer.status_code == status, answer.content
    ignored = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return len([query for query in queries if not query["sql"].startswith(ignored)])


@pytest.mark.parametrize("rows", [1, 30])
def test_how_many_queries_each_call_sends_does_not_grow(bakery: Bakery, owner: Caller, rows: int) -> None:
    sales = [bakery.earn("1", status=Status.POSTED) for _ in range(rows)]
    parts = [bakery.earn("2") for _ in range(rows)]
    for sale in sales:
        bakery.line("-1", of=[sale])
    for _ in parts:
        bakery.line("-2")
    owner.get(URL)

    one = rec(bakery.start(str(3 * rows)))
    url = f"{URL}/{one}"
    ids = [txn(sale) for sale in sales]
    # The statement, what is ticked, the books' balance, two lists, and three for what is suggested.
    assert statements(lambda: owner.get(url)) == 8
    assert statements(lambda: owner.get(URL)) == 1
    assert statements(lambda: owner.get(f"{url}/transactions")) == 2
    assert statements(lambda: owner.get(TIE_OUTS)) == 1
    # The lock, the statement, its transactions, the ticks, the audit trail (3); then as above.
    assert statements(lambda: owner.post(f"{url}/match", {"transactionIds": ids})) == 15
    assert statements(lambda: owner.post(f"{url}/unmatch", {"transactionIds": ids})) == 14
    assert statements(lambda: owner.post(f"{url}/match", {"suggested": True})) == 24
    assert statements(lambda: owner.post(f"{url}/complete")) == 19

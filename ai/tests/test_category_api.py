"""The addresses of category suggestions: streams, lists, decisions, faults."""

import json
from typing import Any

import pytest

from ai.models import Suggestion
from ai.tests.category_cast import Studio, make_studio, with_history
from ai.tests.test_category_deciding import of, synced
from ledger.actors import SYSTEM
from ledger.ids import Prefix, encode_id, new_id
from ledger.services.settings import update_settings
from ledger.tokens import Scope
from transactions.services import approve_transactions

pytestmark = pytest.mark.django_db

LINE = {"id": "line-1", "description": "SHELL 4711 DENVER", "amount": 20.5, "direction": "out"}


@pytest.fixture
def studio() -> Studio:
    return with_history(make_studio())


def stream_path(studio: Studio) -> str:
    return f"/v1/ai/{studio.entity.public_id}/suggest-categories-vector"


def entries_path(studio: Studio) -> str:
    return f"/v1/transactions/suggest-categories/{studio.entity.public_id}"


def acc(account: Any) -> str:
    return encode_id(Prefix.ACCOUNT, account.id)


def events_of(answer: Any) -> list[dict[str, Any]]:
    """The events of a stream: each is one line of data and an empty one."""
    body = b"".join(answer.streaming_content).decode()
    assert body.endswith("\n\n")
    events = body.removesuffix("\n\n").split("\n\n")
    assert all(event.startswith("data: ") and "\n" not in event for event in events)
    return [json.loads(event.removeprefix("data: ")) for event in events]


def test_suggestions_come_as_events_one_by_one(studio: Studio) -> None:
    lines = [
        LINE | {"id": f"line-{number}", "description": f"SHELL\r\ndata: {number}"} for number in range(30)
    ]

    answer = studio.caller().post(stream_path(studio), {"transactions": lines})

    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/event-stream"
    assert answer["X-Accel-Buffering"] == "no"
    *each, last = events_of(answer)
    assert [one["transactionId"] for one in each] == [one["id"] for one in lines]
    assert last == {"done": True, "count": 30}
    first = each[0]["suggestions"][0]
    assert first["categoryId"] == acc(studio.vehicle)
    assert set(first) == {"categoryId", "categoryName", "code", "confidence", "reason"}
    assert each[0]["transactionType"] == "expense"
    assert each[0]["alreadyCategorized"] is False


def test_the_same_comes_as_json_for_who_accepts_that(studio: Studio) -> None:
    streamed = events_of(studio.caller().post(stream_path(studio), {"transactions": [LINE]}))

    answer = studio.caller().post(
        stream_path(studio), {"transactions": [LINE]}, headers={"Accept": "application/json"}
    )

    assert answer.json() == {"results": streamed[:-1], "done": True, "count": 1}


def test_an_error_is_json_for_who_asked_for_a_stream(studio: Studio) -> None:
    answer = studio.caller().post(
        stream_path(studio), {"transactions": []}, headers={"Accept": "text/event-stream"}
    )

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"


def test_entries_name_both_accounts(studio: Studio) -> None:
    lines = [
        LINE,
        {"description": "ACME INVOICE PAYMENT", "amount": 900, "direction": "in"},
        # A negative amount turns the direction round.
        {"description": "ACME INVOICE PAYMENT", "amount": -900, "direction": "out"},
    ]

    answer = studio.caller().post(entries_path(studio), {"transactions": lines}).json()

    assert answer["success"] is True
    out, into, turned = answer["results"]
    assert (out["debitAccountId"], out["creditAccountId"]) == (acc(studio.vehicle), acc(studio.cash))
    assert into["debitAccountId"] == acc(studio.cash)
    assert into["creditAccountId"] == into["suggestions"][0]["categoryId"]
    assert turned["debitAccountId"] == acc(studio.cash)
    assert into["transactionId"] is None


def test_a_transaction_of_the_books_speaks_for_itself(studio: Studio) -> None:
    row = studio.line("SHELL 4711 DENVER")
    known = studio.confirmed("GREGGS", studio.meals)
    lines = [
        {"id": encode_id(Prefix.TRANSACTION, one.id), "description": "something else", "amount": 1}
        for one in (row, known)
    ]

    first, second = studio.caller().post(entries_path(studio), {"transactions": lines}).json()["results"]

    assert first["suggestions"][0]["categoryId"] == acc(studio.vehicle)
    assert first["creditAccountId"] == acc(studio.bank)
    assert first["alreadyCategorized"] is False
    assert second["alreadyCategorized"] is True


def test_the_bank_s_category_of_a_transaction_of_the_books_is_heard(studio: Studio) -> None:
    said, odd = (
        studio.line("ZORBLAX 12", metadata={"providerCategory": category, "bankAccountId": "nobody's"})
        for category in ("TRANSPORTATION_GAS", {"of": ["nothing"]})
    )
    lines = [
        {"id": encode_id(Prefix.TRANSACTION, one.id), "description": "", "amount": 1} for one in (said, odd)
    ]

    answer = studio.caller().post(entries_path(studio), {"transactions": lines})

    assert answer.status_code == 200
    assert answer.json()["results"][0]["suggestions"][0]["categoryId"] == acc(studio.vehicle)


def test_another_company_s_transaction_is_a_line_like_any(studio: Studio) -> None:
    canary = make_studio("Canary")
    row = canary.line("KANARIENVOGEL GMBH")

    answer = studio.caller().post(
        entries_path(studio),
        {"transactions": [LINE | {"id": encode_id(Prefix.TRANSACTION, row.id)}]},
    )

    assert answer.status_code == 200
    assert "KANARIENVOGEL" not in answer.content.decode()
    assert answer.json()["results"][0]["creditAccountId"] == acc(studio.cash)


@pytest.mark.parametrize("path", [stream_path, entries_path])
def test_another_company_s_address_is_refused(studio: Studio, path: Any) -> None:
    canary = make_studio("Canary")

    assert studio.caller().post(path(canary), {"transactions": [LINE]}).status_code in {403, 404}


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([], "transactions"),
        ([LINE] * 501, "transactions"),
        ([LINE | {"amount": 0}], "transactions.0.amount"),
        ([LINE | {"amount": "NaN"}], "transactions.0.amount"),
        ([LINE | {"amount": True}], "transactions.0.amount"),
        ([LINE | {"direction": "sideways"}], "transactions.0.direction"),
        ([LINE | {"description": None}], "transactions.0.description"),
        ([LINE | {"description": "x" * 1001}], "transactions.0.description"),
        ([LINE | {"date": "yesterday"}], "transactions.0.date"),
        ([LINE | {"bankAccountId": "acc_1"}], "transactions.0.bankAccountId"),
        ([LINE | {"unknown": 1}], "transactions.0.unknown"),
        (["SHELL"], "transactions.0"),
        ("SHELL", "transactions"),
    ],
)
def test_a_fault_is_named(studio: Studio, lines: Any, field: str) -> None:
    answer = studio.caller().post(entries_path(studio), {"transactions": lines})

    assert answer.status_code == 400
    [detail] = answer.json()["error"]["details"]
    assert detail["field"].replace("[", ".").replace("]", "") == field


def test_a_bank_account_of_nobody_is_not_there(studio: Studio) -> None:
    unknown = encode_id(Prefix.BANK_ACCOUNT, new_id())

    answer = studio.caller().post(entries_path(studio), {"transactions": [LINE | {"bankAccountId": unknown}]})

    assert answer.status_code == 404


def test_snake_case_is_understood(studio: Studio) -> None:
    line = {"description": "4711", "amount": "20.50", "counterparty_name": "Shell", "merchant_name": None}

    answer = studio.caller().post(entries_path(studio), {"transactions": [line]})

    assert answer.json()["results"][0]["suggestions"][0]["categoryId"] == acc(studio.vehicle)


def test_a_reader_may_ask_and_not_decide(studio: Studio) -> None:
    [row] = synced(studio, "SHELL 4711 DENVER")
    reader = studio.caller(scope=Scope.READ)

    assert reader.post(entries_path(studio), {"transactions": [LINE]}).status_code == 200
    assert reader.get("/v1/ai/suggestions").status_code == 200
    assert reader.post(f"/v1/ai/suggestions/{of(row).public_id}/accept").status_code == 403
    assert reader.post("/v1/ai/suggestions/accept", {"minConfidence": 0.5}).status_code == 403
    assert reader.put("/v1/ai/settings", {"applyAutomatically": True}).status_code == 403


def test_switched_off_suggestions_say_so(studio: Studio) -> None:
    [row] = synced(studio, "SHELL 4711 DENVER")
    update_settings(entity=studio.entity, changes={"smart_suggestions": False}, actor=SYSTEM)
    caller = studio.caller()

    for answer in (
        caller.post(stream_path(studio), {"transactions": [LINE]}),
        caller.post(entries_path(studio), {"transactions": [LINE]}),
        caller.post(f"/v1/ai/{studio.entity.public_id}/backtest", {}),
        caller.get("/v1/ai/suggestions"),
        caller.post(f"/v1/ai/suggestions/{of(row).public_id}/accept"),
        caller.post("/v1/ai/suggestions/accept", {"minConfidence": 0.5}),
    ):
        assert answer.status_code == 409
        assert "smart_suggestions" in answer.json()["error"]["message"]
    assert caller.get("/v1/ai/settings").json()["smartSuggestions"] is False


def test_waiting_suggestions_come_in_pages(studio: Studio) -> None:
    rows = synced(studio, *(f"SHELL {number} DENVER" for number in range(5)))
    caller = studio.caller()

    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = caller.get(f"/v1/ai/suggestions?pageSize=2{cursor}").json()
        seen += [one["transactionId"] for one in page["suggestions"]]
        cursor = f"&cursor={page['nextCursor']}"
    assert page["hasMore"] is False
    assert sorted(seen) == sorted(encode_id(Prefix.TRANSACTION, row.id) for row in rows)
    [one] = caller.get("/v1/ai/suggestions?pageSize=1").json()["suggestions"]
    assert one["suggestions"][0]["categoryName"] == "Vehicle Fuel"
    assert one["amount"] == 20.0
    assert len(one["suggestions"]) == 3


def test_a_suggestion_is_accepted_once(studio: Studio) -> None:
    [row] = synced(studio, "SHELL 4711 DENVER")
    path = f"/v1/ai/suggestions/{of(row).public_id}/accept"

    first, second = studio.caller().post(path), studio.caller().post(path)

    assert first.status_code == 200
    assert first.json()["transaction"]["categoryId"] == acc(studio.vehicle)
    assert second.status_code == 409


def test_an_accepted_suggestion_is_replayed_for_its_key(studio: Studio) -> None:
    [row] = synced(studio, "SHELL 4711 DENVER")
    path = f"/v1/ai/suggestions/{of(row).public_id}/accept"

    answers = [studio.caller().post(path, headers={"Idempotency-Key": "once"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1]["Idempotent-Replayed"] == "true"


def test_a_correction_names_the_account(studio: Studio) -> None:
    [row] = synced(studio, "SHELL 4711 DENVER")
    path = f"/v1/ai/suggestions/{of(row).public_id}/correct"
    caller = studio.caller()
    canary = make_studio("Canary")

    assert caller.post(path, {}).status_code == 400
    assert caller.post(path, {"categoryId": acc(canary.meals)}).status_code == 404
    answer = caller.post(path, {"category_id": acc(studio.meals)})

    assert answer.json()["transaction"]["categoryName"] == "Meals"
    assert Suggestion.objects.get(transaction_id=row.id).status == "corrected"


def test_unknown_and_foreign_suggestions_answer_alike(studio: Studio) -> None:
    canary = with_history(make_studio("Canary"))
    [row] = synced(canary, "SHELL 4711 DENVER")
    caller = studio.caller()

    for id_ in (of(row).public_id, encode_id(Prefix.SUGGESTION, new_id())):
        assert caller.post(f"/v1/ai/suggestions/{id_}/accept").status_code == 404
    assert caller.post("/v1/ai/suggestions/nonsense/accept").status_code == 400


@pytest.mark.parametrize("least", [0.49, 1.01, "much", None, True, 0.12345, -1])
def test_a_confidence_out_of_bounds_is_refused(studio: Studio, least: Any) -> None:
    answer = studio.caller().post("/v1/ai/suggestions/accept", {"minConfidence": least})

    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "minConfidence"


def test_many_are_accepted_by_confidence(studio: Studio) -> None:
    sure, gone = synced(studio, "SHELL 4711 DENVER", "SHELL 4712 DENVER")
    Suggestion.objects.update(confidence="0.9")
    approve_transactions(entity=studio.entity, ids=[gone.id], actor=SYSTEM)

    answer = studio.caller().post("/v1/ai/suggestions/accept", {"minConfidence": 0.9}).json()

    assert answer["accepted"] == 1
    assert answer["transactionIds"] == [encode_id(Prefix.TRANSACTION, sure.id)]
    assert answer["errors"] == []
    assert answer["hasMore"] is False


def test_settings_change_one_at_a_time(studio: Studio) -> None:
    caller = studio.caller()

    assert caller.get("/v1/ai/settings").json() == {
        "smartSuggestions": True,
        "applyAutomatically": False,
        "threshold": 0.95,
    }
    assert caller.put("/v1/ai/settings", {"threshold": 0.8}).json()["threshold"] == 0.8
    changed = caller.put("/v1/ai/settings", {"apply_automatically": True}).json()
    assert (changed["applyAutomatically"], changed["threshold"]) == (True, 0.8)
    assert caller.put("/v1/ai/settings", {"threshold": 0.2}).status_code == 400
    assert make_studio("Canary").caller().get("/v1/ai/settings").json()["applyAutomatically"] is False


def test_a_backtest_tells_precision_by_confidence(studio: Studio) -> None:
    answer = studio.caller().post(f"/v1/ai/{studio.entity.public_id}/backtest", {"limit": 20}).json()

    assert answer["count"] == 20
    assert 0 <= answer["top1"] <= answer["top3"] <= 1
    coverage = [one["coverage"] for one in answer["byConfidence"]]
    assert coverage == sorted(coverage, reverse=True)
    assert studio.caller().post(f"/v1/ai/{studio.entity.public_id}/backtest", {"limit": 0}).status_code == 400

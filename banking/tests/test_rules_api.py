"""Keeping rules through the API."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services import close_account, delete_account
from banking.models import Rule
from banking.rules import keeping
from banking.tests.rules_cast import Client, account_in, second_ledger
from ledger.actors import SYSTEM
from ledger.audit import verify_chain
from ledger.exceptions import ConflictError
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import AuditEvent
from ledger.tests.helpers import Caller
from ledger.tokens import Scope

pytestmark = pytest.mark.django_db
PATH = "/v1/banks/rules"


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def api(client: Client) -> Caller:
    return client.company.caller()


def body(client: Client, **more: Any) -> dict[str, Any]:
    return {"name": "Software", "contains": "adobe", "categoryId": client.software.public_id, **more}


def faults(answer: Any) -> dict[str, str]:
    return {detail["field"]: detail["message"] for detail in answer.json()["error"].get("details", [])}


def test_a_rule_is_made_read_changed_and_deleted(client: Client, api: Caller) -> None:
    made = api.post(
        PATH, body(client, amountMax=500, direction="out", bankAccountId=client.checking.public_id)
    )
    assert made.status_code == 201
    rule = made.json()["rule"]
    assert rule | {"createdAt": "", "updatedAt": ""} == {
        "id": rule["id"],
        "name": "Software",
        "priority": 100,
        "contains": "adobe",
        "regex": None,
        "counterparty": None,
        "direction": "out",
        "amountMin": None,
        "amountMax": 500,
        "bankAccountId": client.checking.public_id,
        "categoryId": client.software.public_id,
        "categoryName": "Software",
        "autoApprove": False,
        "enabled": True,
        "createdAt": "",
        "updatedAt": "",
    }
    assert api.get(f"{PATH}/{rule['id']}").json()["rule"] == rule

    # Only what is sent changes, and null takes a condition away.
    changed = api.put(
        f"{PATH}/{rule['id']}", {"regex": "adobe|figma", "contains": None, "bankAccountId": None}
    )
    expected = rule | {"regex": "adobe|figma", "contains": None, "bankAccountId": None}
    assert changed.status_code == 200
    assert changed.json()["rule"] | {"updatedAt": ""} == expected | {"updatedAt": ""}

    assert api.delete(f"{PATH}/{rule['id']}").status_code == 204
    assert api.get(f"{PATH}/{rule['id']}").status_code == 404
    assert api.get(PATH).json() == {"rules": [], "nextCursor": None, "hasMore": False}


def test_snake_case_is_understood(client: Client, api: Caller) -> None:
    sent = {
        "name": "Small",
        "amount_max": "12.50",
        "category_id": client.software.public_id,
        "auto_approve": True,
    }

    rule = api.post(PATH, sent).json()["rule"]

    assert (rule["amountMax"], rule["autoApprove"]) == (12.5, True)


def test_rules_are_listed_page_by_page_in_the_order_in_which_they_are_asked(
    client: Client, api: Caller
) -> None:
    for number, priority in enumerate([30, 10, 20, 10, 30]):
        client.rule(f"{priority}/{number}", priority=priority)

    names: list[str] = []
    query: dict[str, Any] = {"pageSize": 2}
    while True:
        page = api.get(PATH, query).json()
        names += [rule["name"] for rule in page["rules"]]
        if not page["hasMore"]:
            break
        query["cursor"] = page["nextCursor"]

    assert names == ["10/1", "10/3", "20/2", "30/0", "30/4"]
    with CaptureQueriesContext(connection) as queries:
        api.get(PATH)
    assert len([one for one in queries if "banking_rule" in one["sql"]]) == 1


def test_every_change_of_a_rule_is_audited(client: Client, api: Caller) -> None:
    rule_id = api.post(PATH, body(client)).json()["rule"]["id"]
    api.put(f"{PATH}/{rule_id}", {"priority": 5})
    api.put(f"{PATH}/{rule_id}", {"priority": 5})
    api.delete(f"{PATH}/{rule_id}")

    events = AuditEvent.objects.filter(scope_id=client.entity.id, object_type="rule").order_by("sequence")
    assert [(one.action, one.object_id) for one in events] == [
        ("banking.rule.created", rule_id),
        ("banking.rule.updated", rule_id),
        ("banking.rule.deleted", rule_id),
    ]
    (before, made), *changes = [(one.before, one.after or {}) for one in events]
    assert (before, made["contains"]) == (None, "adobe")
    (before, after), (deleted, nothing) = changes
    assert (before, after) == ({"priority": 100}, {"priority": 5})
    assert ((deleted or {})["priority"], nothing) == (5, {})
    assert {one.actor_kind for one in events} == {"api_key"}
    assert verify_chain(client.entity.id) == []


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ({"regex": "(abc"}, "regex", "at place 4: missing )"),
        ({"regex": "a(?=b)"}, "regex", "at place 2: invalid perl operator"),
        ({"regex": "a*"}, "regex", "would take every line"),
        ({"regex": "x" * 501}, "regex", "1 to 500 characters"),
        ({"contains": "   "}, "contains", "blank"),
        ({"contains": ""}, "contains", "1 to 200 characters"),
        ({"counterparty": 5}, "counterparty", "not text"),
        ({"name": "  "}, "name", "blank"),
        ({"name": None}, "name", "null"),
        ({"amountMin": 0}, "amountMin", "zero"),
        ({"amountMin": -5}, "amountMin", "negative"),
        ({"amountMax": "1e20"}, "amountMax", "too large"),
        ({"amountMax": "NaN"}, "amountMax", "not an amount"),
        ({"amountMin": 20, "amountMax": 10}, "amountMin", "above amountMax"),
        ({"direction": "sideways"}, "direction", "any, in, out"),
        ({"priority": -1}, "priority", "from 0"),
        ({"priority": True}, "priority", "integer"),
        ({"autoApprove": "yes"}, "autoApprove", "true or false"),
        ({"bankAccountId": "acc_01h455vb4pex5vsknk084sn02q"}, "bankAccountId", "bacc_"),
        ({"categoryId": None}, "categoryId", "null"),
        ({"category": "Software"}, "category", "did you mean"),
    ],
)
def test_bad_input_is_refused_with_the_field_and_the_remedy(
    client: Client, api: Caller, more: dict[str, Any], field: str, words: str
) -> None:
    refused = api.post(PATH, body(client, **more))

    assert refused.status_code == 400
    assert words in faults(refused)[field]
    # And a change is refused just so.
    rule = client.rule()
    changed = api.put(f"{PATH}/{rule.public_id}", more)
    assert changed.status_code == 400
    assert words in faults(changed)[field]
    assert Rule.objects.filter(entity_id=client.entity.id).count() == 1


def test_a_rule_that_would_take_everything_is_refused(client: Client, api: Caller) -> None:
    alone = {"name": "All", "categoryId": client.software.public_id, "direction": "out"}
    refused = api.post(PATH, alone | {"bankAccountId": client.checking.public_id})
    assert refused.status_code == 400
    assert "would take every line" in refused.json()["error"]["message"]

    rule = client.rule()
    emptied = api.put(f"{PATH}/{rule.public_id}", {"contains": None})
    assert emptied.status_code == 400
    assert Rule.objects.get(id=rule.id).contains == "adobe"


def test_a_closed_category_account_is_refused_and_keeps_nothing_else_from_changing(
    client: Client, api: Caller
) -> None:
    rule = client.rule()
    close_account(entity=client.entity, account=client.software, actor=SYSTEM)

    assert api.post(PATH, body(client)).status_code == 409
    assert api.put(f"{PATH}/{rule.public_id}", {"enabled": False}).status_code == 200
    assert api.put(f"{PATH}/{rule.public_id}", {"name": "Old"}).status_code == 200
    assert api.put(f"{PATH}/{rule.public_id}", {"enabled": True}).status_code == 409
    assert api.put(f"{PATH}/{rule.public_id}", {"categoryId": client.rent.public_id}).status_code == 200


def test_a_category_of_another_ledger_or_the_bank_account_itself_is_refused(
    client: Client, api: Caller
) -> None:
    abroad = account_in(second_ledger(client))
    bank = client.checking.public_id

    for category in (abroad, client.company.bank):
        refused = api.post(PATH, body(client, bankAccountId=bank, categoryId=category.public_id))
        assert refused.status_code == 400
        assert "categoryId" in faults(refused)
    # Without a bank account it waits for lines of accounts in its own ledger.
    assert api.post(PATH, body(client, categoryId=abroad.public_id)).status_code == 201


def test_foreign_ids_are_not_found_in_any_field_and_call(client: Client, api: Caller) -> None:
    stranger = Client("Stranger")
    foreign = stranger.rule()
    ours = client.rule()
    calls = [
        api.post(PATH, body(client, categoryId=stranger.software.public_id)),
        api.post(PATH, body(client, bankAccountId=stranger.checking.public_id)),
        api.put(f"{PATH}/{ours.public_id}", {"categoryId": stranger.software.public_id}),
        api.put(f"{PATH}/{ours.public_id}", {"bankAccountId": stranger.checking.public_id}),
        api.get(f"{PATH}/{foreign.public_id}"),
        api.put(f"{PATH}/{foreign.public_id}", {"name": "Mine"}),
        api.delete(f"{PATH}/{foreign.public_id}"),
        api.get(f"{PATH}/{foreign.public_id}/applications"),
        api.post(f"{PATH}/apply", {"ruleIds": [foreign.public_id]}),
        api.post(f"{PATH}/apply", {"ruleIds": [ours.public_id, foreign.public_id], "dryRun": True}),
    ]

    assert [answer.status_code for answer in calls] == [404] * len(calls)
    assert [rule["id"] for rule in api.get(PATH).json()["rules"]] == [ours.public_id]
    foreign.refresh_from_db()
    assert foreign.name == "Software"


def test_unknown_and_malformed_ids_are_told_apart(client: Client, api: Caller) -> None:
    unknown = encode_id(Prefix.RULE, new_id())

    for path, status in ((f"{PATH}/{unknown}", 404), (f"{PATH}/rule_nonsense", 400), (f"{PATH}/txn_x", 400)):
        for call in (api.get, api.delete, lambda path: api.put(path, {"name": "New"})):
            assert call(path).status_code == status
        assert api.get(f"{path}/applications").status_code == status


def test_a_token_that_may_only_read_makes_and_applies_no_rule(client: Client) -> None:
    reader = client.company.caller(scope=Scope.READ)
    rule = client.rule()

    assert reader.get(PATH).status_code == 200
    assert reader.post(PATH, body(client)).status_code == 403
    assert reader.put(f"{PATH}/{rule.public_id}", {"name": "New"}).status_code == 403
    assert reader.delete(f"{PATH}/{rule.public_id}").status_code == 403
    assert reader.post(f"{PATH}/apply", {}).status_code == 403


def test_a_company_has_only_so_many_rules(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "RULES_MAX", 2)
    client.rule()
    client.rule()

    with pytest.raises(ConflictError, match="as many as can be"):
        client.rule()


def test_an_account_that_a_rule_names_is_not_deleted_beneath_it(client: Client) -> None:
    account = account_in(client.company.ledger, "Cloud")
    client.rule(category_account_id=account.id)

    with pytest.raises(ConflictError, match="in use"):
        delete_account(entity=client.entity, account=account, actor=SYSTEM)


def test_the_same_request_twice_makes_one_rule(client: Client, api: Caller) -> None:
    first = api.post(PATH, body(client), HTTP_IDEMPOTENCY_KEY="once")
    again = api.post(PATH, body(client), HTTP_IDEMPOTENCY_KEY="once")

    assert first.content == again.content
    assert Rule.objects.filter(entity_id=client.entity.id).count() == 1

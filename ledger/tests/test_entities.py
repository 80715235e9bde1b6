"""Companies: made, shown, changed, removed; and which token reaches which."""

from collections.abc import Callable
from typing import Any

import pytest

from ledger import audit, signals
from ledger.actors import SYSTEM
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import AuditEvent, Entity, Ledger
from ledger.services.developers import NewDeveloper
from ledger.services.entities import delete_entity, masked
from ledger.tests.helpers import Caller, caller_of, make_admin_key, make_developer, make_entity, token_of
from ledger.tokens import Scope

pytestmark = pytest.mark.django_db
FIELDS = {
    "id",
    "externalId",
    "legalName",
    "name",
    "tin",
    "usState",
    "entityType",
    "phoneNumber",
    "developerId",
    "clerkId",
    "dateCreated",
    "createdAt",
    "updatedAt",
    "status",
    "instanceId",
    "website",
    "address",
    "settings",
}
IN_FULL = {
    "externalId": "customer-1",
    "legalName": "Corner Bakery LLC",
    "tin": "12-3456789",
    "usState": "de",
    "entityType": "LLC",
    "phoneNumber": "+1 302 555 0100",
    "status": "ACTIVE",
    "clerkId": "user_1",
    "dateCreated": "2020-05-01T00:00:00Z",
    "instanceId": "inst_1",
    "website": "https://bakery.example",
    "address": {"street": "1 Main St", "city": "Dover", "state": "DE", "zip": "19901", "country": "US"},
    "settings": {"default_currency": "USD", "timezone": "America/New_York", "fiscal_year_start": 7},
}


@pytest.fixture
def made() -> NewDeveloper:
    return make_developer()


@pytest.fixture
def caller(made: NewDeveloper) -> Caller:
    return caller_of(made)


def test_entity_is_made_with_all_its_fields(made: NewDeveloper, caller: Caller) -> None:
    answer = caller.post("/v1/entities", IN_FULL | {"developerId": made.developer.public_id})

    assert answer.status_code == 201
    entity = answer.json()["entity"]
    assert entity.keys() == FIELDS
    expected = IN_FULL | {"usState": "DE", "name": "Corner Bakery LLC"}
    assert {name: entity[name] for name in expected if name != "settings"} == {
        name: value for name, value in expected.items() if name != "settings"
    }
    assert entity["developerId"] == made.developer.public_id
    assert entity["settings"]["fiscal_year_start"] == 7
    assert entity["settings"]["timezone"] == "America/New_York"
    # It has its books.
    ledger = Ledger.objects.get(entity__external_id="customer-1")
    assert (ledger.is_default, ledger.currency) == (True, "USD")


def test_both_spellings_are_read(made: NewDeveloper, caller: Caller) -> None:
    body = {"developer_id": made.developer.public_id, "legal_name": "Snake Ltd", "external_id": "s"}

    answer = caller.post("/v1/entities", body)

    assert (answer.status_code, answer.json()["entity"]["legalName"]) == (201, "Snake Ltd")
    assert caller.get("/v1/entities?external_id=s").status_code == 200


def test_entity_starts_with_its_developers_preferences() -> None:
    made = make_developer("Berlin Platform", preferences={"currency": "EUR", "timezone": "Europe/Berlin"})

    entity = caller_of(made).post("/v1/entities", {"legalName": "Bäckerei"}).json()["entity"]

    assert entity["settings"]["default_currency"] == "EUR"
    assert entity["settings"]["timezone"] == "Europe/Berlin"
    assert Ledger.objects.get().currency == "EUR"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"entityType": "GMBH"}, "entityType"),
        ({"status": "DELETING"}, "status"),
        ({"usState": "D1"}, "usState"),
        ({"legalName": 5}, "legalName"),
        ({"legalNmae": "x"}, "legalNmae"),
        ({"address": {"planet": "Mars"}}, "address.planet"),
        ({"settings": {"colour": "red"}}, "settings.colour"),
        ({"settings": {"fiscal_year_start": 13}}, "settings.fiscal_year_start"),
        ({"settings": {"timezone": "Mars/Base"}}, "settings.timezone"),
        ({"dateCreated": "yesterday"}, "dateCreated"),
        ({"developerId": "dev_1"}, "developerId"),
    ],
)
def test_malformed_entities_are_400_and_leave_nothing(
    caller: Caller, change: dict[str, Any], field: str
) -> None:
    answer = caller.post("/v1/entities", {"legalName": "x"} | change)

    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == field
    assert not Entity.objects.exists()


def test_external_id_is_unique_per_developer(made: NewDeveloper, caller: Caller) -> None:
    rival = caller_of(make_developer("Rival"))
    first = caller.post("/v1/entities", {"externalId": "x"}).json()["entity"]["id"]

    second = caller.post("/v1/entities", {"externalId": "x"})
    assert (second.status_code, second.json()["error"]["code"]) == (409, "CONFLICT")
    assert first in second.json()["error"]["message"]
    assert [one["field"] for one in second.json()["error"]["details"]] == ["externalId"]
    assert rival.post("/v1/entities", {"externalId": "x"}).status_code == 201
    # An update collides just so.
    other = caller.post("/v1/entities", {"externalId": "y"}).json()["entity"]["id"]
    assert caller.put(f"/v1/entities?entityId={other}", {"externalId": "x"}).status_code == 409


def test_entity_is_found_by_either_id(made: NewDeveloper, caller: Caller) -> None:
    entity = caller.post("/v1/entities", IN_FULL).json()["entity"]

    by_ours = caller.get(f"/v1/entities?entityId={entity['id']}")
    by_theirs = caller.get("/v1/entities?externalId=customer-1")

    assert by_ours.json() == by_theirs.json() == {"entity": entity | {"plaidAccounts": []}}
    assert caller.get("/v1/entities?externalId=nobody").status_code == 404
    assert caller.get(f"/v1/entities?entityId={entity['id']}&externalId=customer-1").status_code == 400


def test_bank_accounts_come_from_the_apps_above(made: NewDeveloper, caller: Caller) -> None:
    entity = make_entity(made.developer)

    def accounts(**_: Any) -> list[dict[str, str]]:
        return [{"id": "bacc_1", "accountName": "Checking"}]

    signals.bank_accounts_wanted.connect(accounts)
    try:
        answer = caller.get(f"/v1/entities?entityId={entity.public_id}")
    finally:
        signals.bank_accounts_wanted.disconnect(accounts)

    assert answer.json()["entity"]["plaidAccounts"] == [{"id": "bacc_1", "accountName": "Checking"}]


@pytest.mark.parametrize("path", ["/v1/entities", "/v1/entities/developer-entities"])
def test_entities_are_listed_in_pages_newest_first(made: NewDeveloper, caller: Caller, path: str) -> None:
    names = [f"company {number}" for number in range(5)]
    for name in names:
        make_entity(made.developer, name)
    make_entity(make_developer("Rival").developer, "foreign")

    seen, cursor = [], ""
    for _ in range(3):
        page = caller.get(f"{path}?pageSize=2{cursor}").json()
        assert page.keys() == {"entities", "nextCursor", "hasMore"}
        seen += [entity["name"] for entity in page["entities"]]
        cursor = f"&cursor={page['nextCursor']}"

    assert seen == names[::-1]
    assert (page["hasMore"], page["nextCursor"]) == (False, None)


def test_update_changes_what_it_names_and_no_more(caller: Caller) -> None:
    entity = caller.post("/v1/entities", IN_FULL).json()["entity"]

    answer = caller.put(
        f"/v1/entities?entityId={entity['id']}",
        {"legalName": "Corner Bakery Inc.", "website": None, "settings": {"smart_summary": True}},
    )

    assert answer.status_code == 200
    body = answer.json()
    again = body.pop("entity")
    assert body == again
    expected = entity | {"legalName": "Corner Bakery Inc.", "name": "Corner Bakery Inc.", "website": None}
    expected["settings"] = entity["settings"] | {"smart_summary": True}
    assert again == expected | {"updatedAt": again["updatedAt"]}
    assert again["updatedAt"] > entity["updatedAt"]
    assert (
        caller.get(f"/v1/entities?entityId={entity['id']}").json()["entity"]["name"] == "Corner Bakery Inc."
    )


def test_tax_number_is_encrypted_and_shown_whole_to_developers_alone(
    made: NewDeveloper, caller: Caller
) -> None:
    shown = caller.post("/v1/entities", IN_FULL).json()["entity"]
    entity = Entity.objects.get()
    inside = caller_of(made, entity=entity)

    assert shown["tin"] == "12-3456789"
    assert inside.get("/v1/entities").json()["entities"][0]["tin"] == "**-***6789"
    assert entity.tin_encrypted is not None
    assert "3456789" not in entity.tin_encrypted
    caller.put(f"/v1/entities?entityId={shown['id']}", {"tin": "98-7654321"})
    # The trail has neither.
    trail = str(list(AuditEvent.objects.filter(scope_id=entity.id).values()))
    assert "**-***4321" in trail
    assert "7654321" not in trail
    assert "3456789" not in trail


@pytest.mark.parametrize(
    ("tin", "hidden"), [("12-3456789", "**-***6789"), ("1234", "****"), ("12345", "*2345"), (None, None)]
)
def test_masking_leaves_four_digits(tin: str | None, hidden: str | None) -> None:
    assert masked(tin) == hidden


def test_deleted_entity_leaves_nothing_but_a_line_in_its_developers_trail(
    made: NewDeveloper, caller: Caller
) -> None:
    entity = make_entity(made.developer)
    other = make_entity(made.developer, "Stays")

    answer = caller.delete(f"/v1/entities?entityId={entity.public_id}")

    assert (answer.status_code, answer.json()) == (200, {"message": "Entity deleted successfully"})
    assert caller.get(f"/v1/entities?entityId={entity.public_id}").status_code == 404
    assert caller.delete(f"/v1/entities?entityId={entity.public_id}").status_code == 404
    assert not Ledger.objects.filter(entity=entity).exists()
    assert not AuditEvent.objects.filter(scope_id=entity.id).exists()
    event = AuditEvent.objects.get(scope_id=made.developer.id, action="ledger.entity.deleted")
    assert event.object_id == entity.public_id
    assert audit.verify_chain(made.developer.id) == []
    # The neighbour is untouched.
    assert caller.get(f"/v1/entities?entityId={other.public_id}").status_code == 200
    assert audit.verify_chain(other.id) == []


def test_apps_above_take_part_in_making_and_removing(made: NewDeveloper) -> None:
    seen: list[tuple[str, Any]] = []

    def on_created(*, entity: Entity, ledger: Ledger, **_: Any) -> None:
        seen.append(("created", ledger.entity_id == entity.id))

    def on_deleting(*, entity: Entity, **_: Any) -> None:
        seen.append(("deleting", entity.status))

    signals.entity_created.connect(on_created)
    signals.entity_deleting.connect(on_deleting)
    try:
        delete_entity(entity=make_entity(made.developer), actor=SYSTEM)
    finally:
        signals.entity_created.disconnect(on_created)
        signals.entity_deleting.disconnect(on_deleting)

    assert seen == [("created", True), ("deleting", "DELETING")]


def test_entity_is_named_in_query_header_body_or_token(made: NewDeveloper, caller: Caller) -> None:
    entity = make_entity(made.developer)
    other = make_entity(made.developer, "Other")
    id_, path = entity.public_id, "/v1/entities/settings"

    assert caller.get(f"{path}?entityId={id_}").status_code == 200
    assert caller.get(f"{path}?entity_id={id_}").status_code == 200
    assert caller.get(path, HTTP_X_ENTITY_ID=id_).status_code == 200
    assert caller.put(path, {"entityId": id_, "smart_summary": True}).status_code == 200
    assert caller.put(path, {"entity_id": id_, "smart_summary": True}).status_code == 200
    assert caller_of(made, entity=entity).get(path).status_code == 200
    # The same in several places is no contradiction; another is, and so is none.
    assert caller.put(f"{path}?entityId={id_}", {"entityId": id_}, HTTP_X_ENTITY_ID=id_).status_code == 200
    assert caller.get(f"{path}?entityId={id_}", HTTP_X_ENTITY_ID=other.public_id).status_code == 400
    assert caller.put(f"{path}?entityId={id_}", {"entityId": other.public_id}).status_code == 400
    assert caller.get(f"{path}?entityId={id_}&entityId={id_}").status_code == 400
    assert caller.get(f"{path}?entityId={id_}&entity_id={other.public_id}").status_code == 400
    assert caller.get(path).status_code == 400
    assert caller.get(f"{path}?entityId=entity_1").status_code == 400
    assert caller.put(path, {"entityId": 5}).status_code == 400


# Who may do what: the status of each cast member at each endpoint. "own" is a token of the developer,
# "inside" of the entity, "reader" of the entity and reading only, "neighbour" of another entity of the same
# developer.
CAST = ("own", "own reader", "inside", "reader", "neighbour", "stranger", "operator", "nobody")
ACCESS = {
    ("get", "/v1/entities?entityId={id}"): (200, 200, 200, 200, 403, 404, 403, 401),
    ("get", "/v1/entities?externalId=x"): (200, 200, 200, 200, 404, 404, 403, 401),
    ("get", "/v1/entities"): (200, 200, 200, 200, 200, 200, 403, 401),
    ("get", "/v1/entities/developer-entities"): (200, 200, 200, 200, 200, 200, 403, 401),
    ("get", "/v1/entities/settings?entityId={id}"): (200, 200, 200, 200, 403, 404, 403, 401),
    ("put", "/v1/entities/settings?entityId={id}"): (200, 403, 200, 403, 403, 404, 403, 401),
    ("put", "/v1/entities?entityId={id}"): (200, 403, 200, 403, 403, 404, 403, 401),
    ("post", "/v1/entities"): (201, 403, 403, 403, 403, 403, 403, 401),
    ("delete", "/v1/entities?entityId={id}"): (200, 403, 403, 403, 403, 404, 403, 401),
    ("post", "/v1/developers"): (403, 403, 403, 403, 403, 403, 400, 401),
    ("get", "/v1/developers/me"): (200, 200, 403, 403, 403, 200, 403, 401),
    ("get", "/v1/developers/api-keys"): (200, 200, 403, 403, 403, 200, 403, 401),
    ("post", "/v1/developers/api-keys"): (400, 403, 403, 403, 403, 400, 403, 401),
    ("delete", "/v1/developers/api-keys/{key}"): (204, 403, 403, 403, 403, 404, 403, 401),
    ("post", "/v1/developers/api-keys/{key}/rotate"): (201, 403, 403, 403, 403, 404, 403, 401),
}


@pytest.mark.parametrize(("call", "statuses"), ACCESS.items(), ids=lambda value: " ".join(map(str, value)))
@pytest.mark.parametrize("member", CAST)
def test_who_may_do_what(member: str, call: tuple[str, str], statuses: tuple[int, ...]) -> None:
    owner = make_developer("Owner")
    entity = make_entity(owner.developer)
    Entity.objects.filter(pk=entity.pk).update(external_id="x")
    neighbour = make_entity(owner.developer, "Neighbour")
    tokens: dict[str, Callable[[], str | None]] = {
        "own": lambda: token_of(owner.first_key),
        "own reader": lambda: token_of(owner.first_key, scope=Scope.READ),
        "inside": lambda: token_of(owner.first_key, entity=entity),
        "reader": lambda: token_of(owner.first_key, entity=entity, scope=Scope.READ),
        "neighbour": lambda: token_of(owner.first_key, entity=neighbour),
        "stranger": lambda: token_of(make_developer("Stranger").first_key),
        "operator": lambda: token_of(make_admin_key()),
        "nobody": lambda: None,
    }
    method, path = call
    url = path.format(id=entity.public_id, key=owner.first_key.key.public_id)
    body = {"developerId": owner.developer.public_id} if call == ("post", "/v1/entities") else {}

    answer = getattr(Caller(tokens[member]()), method)(url, **({} if method == "get" else {"data": body}))

    assert answer.status_code == statuses[CAST.index(member)], answer.content


def test_unknown_and_foreign_entities_answer_alike(made: NewDeveloper, caller: Caller) -> None:
    foreign = make_entity(make_developer("Rival").developer).public_id
    unknown = encode_id(Prefix.ENTITY, new_id())

    answers = [caller.get(f"/v1/entities/settings?entityId={id_}") for id_ in (foreign, unknown)]

    assert [answer.status_code for answer in answers] == [404, 404]
    messages = [answer.json()["error"]["message"] for answer in answers]
    assert messages[0].replace(foreign, "?") == messages[1].replace(unknown, "?")


def test_methods_that_are_not_there_are_405(made: NewDeveloper, caller: Caller) -> None:
    for method in ("patch", "put"):
        answer = getattr(caller, method)("/v1/developers/me", {})
        assert (answer.status_code, answer.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
        assert "GET" in answer["Allow"]

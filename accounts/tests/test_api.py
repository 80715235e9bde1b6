"""The endpoints of ledger accounts and categories, as a client sees them."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import Account
from accounts.tests.conftest import add_totals, make_account
from accounts.tests.test_imports import workbook
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import Entity, Ledger
from ledger.services.developers import NewDeveloper
from ledger.tests.helpers import Caller, caller_of, make_developer, make_entity
from ledger.tokens import Scope

ACCOUNT_FIELDS = [
    "id",
    "name",
    "type",
    "financial_type",
    "sub_type",
    "sub_type_code",
    "entity_id",
    "ledger_id",
    "parent_account_id",
    "top_level",
    "metadata",
    "created_at",
    "updated_at",
]


@pytest.fixture
def developer(db: None) -> NewDeveloper:
    return make_developer()


@pytest.fixture
def entity(developer: NewDeveloper) -> Entity:
    return make_entity(developer.developer)


@pytest.fixture
def books(entity: Entity) -> Ledger:
    return Ledger.objects.get(entity=entity)


@pytest.fixture
def owner(developer: NewDeveloper, entity: Entity) -> Caller:
    return caller_of(developer, entity=entity)


@pytest.fixture
def stranger(db: None) -> Caller:
    other = make_developer("Stranger")
    return caller_of(other, entity=make_entity(other.developer, "Stranger Inc"))


def message(response: Any, status: int) -> str:
    assert response.status_code == status, response.content
    return str(response.json()["error"]["message"])


# --- create, get, list ---------------------------------------------------------------------------


def test_an_account_is_made_shown_and_found_as_the_reference_shows_it(owner: Caller, entity: Entity) -> None:
    parent = owner.post("/v1/accounts", {"name": "Expenses", "type": "EXPENSE"}).json()
    response = owner.post(
        "/v1/accounts",
        {
            "name": "Marketing Expenses",
            "type": "EXPENSE",
            "financial_type": "ADVERTISING_EXPENSES",
            "sub_type_code": 5020,
            "parent_account_id": parent["id"],
            "top_level": False,
            "metadata": {"description": "General", "rate": 0.10},
        },
    )
    assert response.status_code == 201
    made = response.json()
    assert list(made) == ACCOUNT_FIELDS
    assert made["id"].startswith("acc_")
    assert made["entity_id"] == entity.public_id
    assert made["ledger_id"].startswith("ldgr_")
    assert (made["parent_account_id"], made["top_level"]) == (parent["id"], False)
    assert (made["sub_type_code"], made["financial_type"]) == (5020, "ADVERTISING_EXPENSES")
    assert made["created_at"].endswith("Z")
    assert parent["top_level"] is True
    assert owner.get(f"/v1/accounts/{made['id']}").json() == made
    listed = owner.get("/v1/accounts", {"parent_account_id": parent["id"]}).json()
    assert listed == {"data": [made], "meta": {"total": 1, "page": 1, "limit": 25, "pages": 1}}


def test_requests_may_be_spelled_in_camel_case(owner: Caller) -> None:
    made = owner.post(
        "/v1/accounts",
        {"name": "Cash", "type": "ASSET", "financialType": "CASH", "subTypeCode": 1010, "topLevel": True},
    ).json()
    assert (made["financial_type"], made["sub_type_code"]) == ("CASH", 1010)
    found = owner.get("/v1/accounts", {"financialType": "CASH", "topLevel": "true"}).json()
    assert [one["id"] for one in found["data"]] == [made["id"]]
    # A default sent in so many words is no contradiction.
    assert owner.post("/v1/accounts", {"name": "A", "type": "ASSET", "top_level": False}).json()["top_level"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "ASSET"}, "name"),
        ({"name": "", "type": "ASSET"}, "name"),
        ({"name": "  ", "type": "ASSET"}, "name"),
        ({"name": "x" * 201, "type": "ASSET"}, "name"),
        ({"name": "Cash"}, "type"),
        ({"name": "Cash", "type": "asset"}, "type"),
        ({"name": "Cash", "type": "ASSET", "financial_type": "RENT_EXPENSES"}, "financial_type"),
        ({"name": "Cash", "type": "ASSET", "financial_type": "MONEY"}, "financial_type"),
        ({"name": "Cash", "type": "ASSET", "sub_type_code": 0}, "sub_type_code"),
        ({"name": "Cash", "type": "ASSET", "sub_type_code": 2**31}, "sub_type_code"),
        ({"name": "Cash", "type": "ASSET", "sub_type_code": True}, "sub_type_code"),
        ({"name": "Cash", "type": "ASSET", "parent_account_id": "acc_x"}, "parent_account_id"),
        ({"name": "Cash", "type": "ASSET", "metadata": []}, "metadata"),
        ({"name": "Cash", "type": "ASSET", "metadata": {"a": "x" * 17_000}}, "metadata"),
        ({"name": "Cash", "type": "ASSET", "colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_with_a_new_account_is_named(owner: Caller, body: dict[str, Any], field: str) -> None:
    response = owner.post("/v1/accounts", body)
    assert response.status_code == 400
    assert [fault["field"] for fault in response.json()["error"]["details"]] == [field]


def test_top_level_contradicts_a_parent(owner: Caller) -> None:
    parent = owner.post("/v1/accounts", {"name": "A", "type": "ASSET"}).json()["id"]
    body = {"name": "B", "type": "ASSET", "parent_account_id": parent, "top_level": True}
    assert "contradicts parent_account_id" in message(owner.post("/v1/accounts", body), 400)


def test_an_unknown_parent_is_not_found(owner: Caller) -> None:
    unknown = encode_id(Prefix.ACCOUNT, new_id())
    body = {"name": "B", "type": "ASSET", "parent_account_id": unknown}
    assert unknown in message(owner.post("/v1/accounts", body), 404)


def test_a_taken_code_is_a_conflict_that_names_its_account(owner: Caller) -> None:
    body = {"name": "Cash", "type": "ASSET", "sub_type_code": 1010}
    first = owner.post("/v1/accounts", body).json()
    taken = owner.post("/v1/accounts", body)
    assert first["id"] in message(taken, 409)
    assert [one["field"] for one in taken.json()["error"]["details"]] == ["sub_type_code"]


def test_metadata_keeps_every_digit(owner: Caller) -> None:
    raw = b'{"name": "A", "type": "ASSET", "metadata": {"rate": 0.10000000000000000001}}'
    made = owner.post("/v1/accounts", raw, content_type="application/json")
    assert b"0.10000000000000000001" in made.content
    assert b"0.10000000000000000001" in owner.get(f"/v1/accounts/{made.json()['id']}").content


def test_lists_are_filtered_and_paged_in_the_order_of_the_chart(owner: Caller, books: Ledger) -> None:
    Account.objects.all().delete()
    root = make_account(books, "Assets", sub_type_code=1000)
    for number in range(29, 0, -1):
        make_account(books, f"A{number:02}", sub_type_code=1000 + number, parent=root)
    make_account(books, "Rent", "EXPENSE", financial_type="RENT_EXPENSES")

    page = owner.get("/v1/accounts").json()
    assert page["meta"] == {"total": 31, "page": 1, "limit": 25, "pages": 2}
    assert [one["name"] for one in page["data"][:3]] == ["Assets", "A01", "A02"]
    page = owner.get("/v1/accounts", {"page": 2}).json()
    assert len(page["data"]) == 6
    assert page["data"][-1]["name"] == "Rent"
    page = owner.get("/v1/accounts", {"page": 9, "limit": 100}).json()
    assert (page["data"], page["meta"]["pages"]) == ([], 1)

    def total(**query: str) -> int:
        return int(owner.get("/v1/accounts", query).json()["meta"]["total"])

    assert total(type="EXPENSE") == 1
    assert total(financial_type="RENT_EXPENSES") == 1
    assert total(financial_type="CASH") == 0
    assert total(top_level="true") == 2
    assert total(top_level="false") == 29
    assert total(parent_account_id=root.public_id) == 29
    assert total(parent_account_id=root.public_id, type="EXPENSE") == 0


@pytest.mark.parametrize(
    "query",
    [
        {"type": "CASH"},
        {"financial_type": "MONEY"},
        {"parent_account_id": "acc_1"},
        {"top_level": "yes"},
        {"page": "0"},
        {"limit": "101"},
        {"colour": "red"},
    ],
)
def test_a_wrong_filter_is_refused(owner: Caller, query: dict[str, str]) -> None:
    response = owner.get("/v1/accounts", query)
    assert response.status_code == 400
    assert response.json()["error"]["details"][0]["field"] in query


# --- update and delete ---------------------------------------------------------------------------


def test_an_update_changes_what_is_sent_and_answers_the_account(owner: Caller) -> None:
    made = owner.post(
        "/v1/accounts", {"name": "A", "type": "ASSET", "sub_type_code": 1, "metadata": {"a": 1}}
    )
    path = f"/v1/accounts/{made.json()['id']}"
    changed = owner.put(path, {"name": "B", "subTypeCode": 2, "financial_type": "CASH"}).json()
    assert list(changed) == ACCOUNT_FIELDS
    assert (changed["name"], changed["sub_type_code"], changed["financial_type"]) == ("B", 2, "CASH")
    assert changed["metadata"] == {"a": 1}
    assert owner.put(path, {"sub_type_code": None, "metadata": None}).json()["metadata"] is None
    assert owner.get(path).json()["sub_type_code"] is None
    # The type is not among what can be changed.
    assert owner.put(path, {"type": "EXPENSE"}).status_code == 400
    assert owner.put(path, {}).json()["name"] == "B"


def test_an_account_moves_by_its_parent(owner: Caller) -> None:
    upper = owner.post("/v1/accounts", {"name": "Upper", "type": "ASSET"}).json()["id"]
    lower = owner.post("/v1/accounts", {"name": "Lower", "type": "ASSET"}).json()["id"]
    moved = owner.put(f"/v1/accounts/{lower}", {"parent_account_id": upper}).json()
    assert (moved["parent_account_id"], moved["top_level"]) == (upper, False)
    circle = owner.put(f"/v1/accounts/{upper}", {"parent_account_id": lower})
    assert "below it" in message(circle, 409)
    assert [one["field"] for one in circle.json()["error"]["details"]] == ["parent_account_id"]
    assert owner.put(f"/v1/accounts/{lower}", {"parent_account_id": None}).json()["top_level"] is True


def test_a_deleted_account_is_gone_without_a_word(owner: Caller) -> None:
    path = "/v1/accounts/" + owner.post("/v1/accounts", {"name": "A", "type": "ASSET"}).json()["id"]
    response = owner.delete(path)
    assert (response.status_code, response.content) == (204, b"")
    # RFC 9110, 8.6
    assert not response.has_header("Content-Length")
    assert owner.get(path).status_code == 404
    assert owner.delete(path).status_code == 404


def test_an_account_with_children_is_not_deleted(owner: Caller) -> None:
    parent = owner.post("/v1/accounts", {"name": "A", "type": "ASSET"}).json()["id"]
    owner.post("/v1/accounts", {"name": "B", "type": "ASSET", "parent_account_id": parent})
    assert "child accounts" in message(owner.delete(f"/v1/accounts/{parent}"), 409)


def test_a_call_that_is_sent_twice_makes_one_account(owner: Caller) -> None:
    body = {"name": "Once", "type": "ASSET"}
    first = owner.post("/v1/accounts", body, HTTP_IDEMPOTENCY_KEY="k1")
    second = owner.post("/v1/accounts", body, HTTP_IDEMPOTENCY_KEY="k1")
    assert first.content == second.content
    assert second["Idempotent-Replayed"] == "true"
    assert Account.objects.filter(name="Once").count() == 1


# --- balances ------------------------------------------------------------------------------------


def test_a_balance_has_the_references_shape_and_strings(owner: Caller, books: Ledger) -> None:
    account = make_account(books, "Cash", financial_type="CASH")
    petty = make_account(books, "Petty", financial_type="CASH", parent=account)
    add_totals(account, "2024-01-10", debits_posted="10500", credits_posted="500", debits_pending="1000")
    add_totals(petty, "2024-01-10", debits_posted="500")
    add_totals(account, "2024-02-01", debits_posted="0.5")
    response = owner.get(f"/v1/accounts/{account.public_id}/balance", {"as_of": "2024-01-15"})
    assert response.json() == {
        "account_id": account.public_id,
        "balance": {
            "debits_pending": "1000.00",
            "debits_posted": "11000.00",
            "credits_pending": "0.00",
            "credits_posted": "500.00",
            "timestamp": "2024-01-15T00:00:00Z",
        },
        "net_balance": "10500.00",
        "currency": "USD",
        "as_of": "2024-01-15",
        "child_account_balances": [
            {
                "account_id": petty.public_id,
                "balance": {"debits_posted": "500.00", "credits_posted": "0.00", "net_balance": "500.00"},
            }
        ],
    }
    live = owner.get(f"/v1/accounts/{account.public_id}/balance").json()
    assert live["net_balance"] == "10500.50"
    assert live["as_of"] == datetime.now(UTC).date().isoformat()
    own = owner.get(f"/v1/accounts/{account.public_id}/balance", {"includeChildAccounts": "false"}).json()
    assert (own["net_balance"], own["child_account_balances"]) == ("10000.50", [])


def test_a_loan_of_500_shows_500(owner: Caller, books: Ledger) -> None:
    loan = make_account(books, "Loan", "LIABILITY", financial_type="SHORT_TERM_DEBT")
    add_totals(loan, "2024-01-10", credits_posted="500")
    assert owner.get(f"/v1/accounts/{loan.public_id}/balance").json()["net_balance"] == "500.00"


@pytest.mark.parametrize(("currency", "shown"), [("JPY", "500"), ("KWD", "500.000")])
def test_balances_have_their_currencys_digits(developer: NewDeveloper, currency: str, shown: str) -> None:
    entity = make_entity(developer.developer, default_currency=currency)
    account = make_account(Ledger.objects.get(entity=entity))
    add_totals(account, "2024-01-10", debits_posted="500")
    balance = caller_of(developer, entity=entity).get(f"/v1/accounts/{account.public_id}/balance").json()
    assert (balance["net_balance"], balance["currency"]) == (shown, currency)


def test_a_day_begins_in_the_entitys_time_zone(developer: NewDeveloper) -> None:
    entity = make_entity(developer.developer, timezone="America/New_York")
    account = make_account(Ledger.objects.get(entity=entity))
    path = f"/v1/accounts/{account.public_id}/balance"
    balance = caller_of(developer, entity=entity).get(path, {"as_of": "2024-01-15"}).json()
    assert balance["balance"]["timestamp"] == "2024-01-15T05:00:00Z"


@pytest.mark.parametrize(
    "query", [{"as_of": "2024-02-30"}, {"as_of": "now"}, {"include_child_accounts": "1"}]
)
def test_a_wrong_balance_query_is_refused(owner: Caller, books: Ledger, query: dict[str, str]) -> None:
    assert owner.get(f"/v1/accounts/{make_account(books).public_id}/balance", query).status_code == 400


# --- imports -------------------------------------------------------------------------------------


def test_the_standard_template_is_imported_as_the_reference_shows(owner: Caller) -> None:
    response = owner.post(
        "/v1/accounts/import", {"source": "template", "template_id": "tmpl_standard_business"}
    )
    assert response.status_code == 201
    done = response.json()
    assert list(done) == ["import_id", "status", "accounts_created", "accounts_skipped", "errors"]
    assert done["import_id"].startswith("imp_")
    assert (done["status"], done["accounts_created"], done["accounts_skipped"], done["errors"]) == (
        "completed",
        75,
        0,
        [],
    )
    assert owner.get(f"/v1/accounts/import/{done['import_id']}").json() == done


@pytest.mark.parametrize("file_format", ["csv", "xlsx", None])
def test_files_are_imported_and_bad_rows_listed(owner: Caller, file_format: str | None) -> None:
    data = b"name,type\nCash,ASSET\nBad,X\n"
    if file_format == "xlsx":
        data = workbook(("name", "type"), ("Cash", "ASSET"), ("Bad", "X"))
    body = {"source": "file", "file": base64.b64encode(data).decode()}
    if file_format:
        body["file_format"] = file_format
    done = owner.post("/v1/accounts/import", body).json()
    assert (done["status"], done["accounts_created"]) == ("partial", 1)
    [error] = done["errors"]
    assert (error["row"], error["field"]) == (3, "type")
    assert list(error) == ["row", "field", "message"]


def test_rows_are_imported_as_json(owner: Caller) -> None:
    body = {
        "source": "json",
        "accounts": [{"name": "Cash", "type": "ASSET"}, {"name": "Till", "parent": "Cash"}],
    }
    assert owner.post("/v1/accounts/import", body).json()["accounts_created"] == 2
    assert owner.post("/v1/accounts/import", body).json()["accounts_skipped"] == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "source"),
        ({"source": "web"}, "source"),
        ({"source": "template"}, "template_id"),
        ({"source": "template", "template_id": "tmpl_x"}, "template_id"),
        ({"source": "template", "template_id": "tmpl_saas", "file": "eA=="}, "file"),
        ({"source": "file"}, "file"),
        ({"source": "file", "file": "!"}, "file"),
        ({"source": "file", "file": "eA==", "file_format": "ods"}, "file_format"),
        ({"source": "file", "file": "eA==", "file_format": "xlsx"}, "file"),
        ({"source": "json"}, "accounts"),
        ({"source": "json", "accounts": []}, "accounts"),
        ({"source": "json", "accounts": ["x"]}, "accounts"),
    ],
)
def test_an_import_that_cannot_be_read_is_refused_and_leaves_nothing(
    owner: Caller, body: dict[str, Any], field: str
) -> None:
    before = Account.objects.count()
    response = owner.post("/v1/accounts/import", body)
    assert response.status_code == 400
    assert response.json()["error"]["details"][0]["field"] == field
    assert Account.objects.count() == before


def test_a_file_of_ten_megabytes_passes_the_door_and_a_larger_one_does_not(owner: Caller) -> None:
    def body(size: int) -> dict[str, str]:
        return {"source": "file", "file": base64.b64encode(b"x" * size).decode()}

    # Ten megabytes of one field are no chart, but they are read.
    assert "header" in message(owner.post("/v1/accounts/import", body(10_000)), 400)
    assert "is broken" in message(owner.post("/v1/accounts/import", body(10_000_000)), 400)
    assert owner.post("/v1/accounts/import", body(10_000_001)).status_code == 413
    assert owner.post("/v1/accounts/import", body(12_000_000)).status_code == 413


def test_the_templates_are_listed(owner: Caller) -> None:
    listed = owner.get("/v1/accounts/templates").json()["data"]
    assert [one["id"] for one in listed] == [
        "tmpl_standard_business",
        "tmpl_saas",
        "tmpl_retail",
        "tmpl_professional_services",
        "tmpl_nonprofit",
    ]
    assert listed[0]["accounts_count"] == 75


# --- categories ----------------------------------------------------------------------------------


def test_categories_are_the_open_accounts_in_camel_case(owner: Caller, books: Ledger, entity: Entity) -> None:
    make_account(books, "Closed", "EXPENSE", closed_at=datetime.now(UTC))
    cash = make_account(books, "Cash", financial_type="CASH")
    made = owner.post(
        f"/v1/categories?entityId={entity.public_id}",
        {"name": "Software", "type": "EXPENSE", "subTypeCode": 6310},
    )
    assert made.status_code == 201
    category = made.json()["category"]
    assert category == {
        "id": category["id"],
        "name": "Software",
        "type": "EXPENSE",
        "entityId": entity.public_id,
        "subTypeCode": 6310,
    }
    listed = {
        one["id"]: one
        for one in owner.get(f"/v1/categories?entityId={entity.public_id}").json()["categories"]
    }
    assert len(listed) == 6
    assert listed[category["id"]]["isCategory"] is True
    assert listed[cash.public_id]["isCategory"] is False
    assert list(listed[category["id"]]) == [
        "id",
        "instanceId",
        "parentAccountId",
        "name",
        "type",
        "financialType",
        "isCategory",
        "code",
        "subTypeCode",
        "tbAccountId",
        "templateNodeId",
        "ledgerId",
        "entityId",
        "createdAt",
        "updatedAt",
        "topLevel",
        "metadata",
    ]


# --- who may, and what it costs ------------------------------------------------------------------

ENDPOINTS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("get", "/v1/accounts/{id}", None),
    ("put", "/v1/accounts/{id}", {"name": "Mine"}),
    ("delete", "/v1/accounts/{id}", None),
    ("get", "/v1/accounts/{id}/balance", None),
    ("get", "/v1/accounts/import/{import_id}", None),
]


@pytest.fixture
def ids(owner: Caller) -> dict[str, str]:
    done = owner.post("/v1/accounts/import", {"source": "json", "accounts": [{"name": "A", "type": "ASSET"}]})
    return {"id": Account.objects.get(name="A").public_id, "import_id": done.json()["import_id"]}


@pytest.mark.parametrize(("method", "path", "body"), ENDPOINTS)
def test_a_stranger_finds_nothing_and_unknown_ids_answer_alike(
    owner: Caller, stranger: Caller, ids: dict[str, str], method: str, path: str, body: Any
) -> None:
    def answer(caller: Caller, **more: str) -> Any:
        call: Callable[..., Any] = getattr(caller, method)
        return call(path.format(**ids | more), body) if body else call(path.format(**ids | more))

    unknown = {"id": encode_id(Prefix.ACCOUNT, new_id()), "import_id": encode_id(Prefix.IMPORT, new_id())}
    theirs, none = answer(stranger), answer(owner, **unknown)
    assert theirs.status_code == none.status_code == 404
    for one in (theirs, none):
        assert one.json()["error"]["code"] == "NOT_FOUND"
    assert answer(owner, id="acc_!", import_id="imp_!").status_code == 400
    assert answer(Caller()).status_code == 401
    assert Account.objects.filter(name="A").exists()


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/categories", "/v1/accounts/import"])
def test_a_token_that_may_only_read_changes_nothing(
    developer: NewDeveloper, entity: Entity, path: str
) -> None:
    reader = caller_of(developer, entity=entity, scope=Scope.READ)
    assert reader.post(path, {"name": "A", "type": "ASSET"}).status_code == 403
    if path != "/v1/accounts/import":
        assert reader.get(path).status_code == 200


def test_a_developer_names_the_company_in_the_header(developer: NewDeveloper, entity: Entity) -> None:
    caller = caller_of(developer)
    assert caller.get("/v1/accounts").status_code == 400
    listed = caller.get("/v1/accounts", HTTP_X_ENTITY_ID=entity.public_id)
    assert listed.json()["meta"]["total"] == 4
    made = caller.post("/v1/accounts", {"name": "A", "type": "ASSET", "entityId": entity.public_id})
    assert made.status_code == 201
    assert caller.get("/v1/accounts/templates").status_code == 200


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("/v1/accounts", 2),
        ("/v1/accounts?limit=100&type=ASSET", 2),
        ("/v1/accounts/{id}", 1),
        ("/v1/accounts/{child}/balance", 1),
        ("/v1/accounts/{id}/balance?include_child_accounts=false", 1),
        ("/v1/accounts/{id}/balance", 2),
        ("/v1/accounts/{id}/balance?as_of=2024-01-15", 2),
        ("/v1/categories", 1),
        ("/v1/accounts/templates", 0),
    ],
)
def test_reads_cost_these_many_queries(
    owner: Caller, books: Ledger, django_assert_num_queries: Any, path: str, queries: int
) -> None:
    account = make_account(books)
    children = [make_account(books, f"Child {number}", parent=account) for number in range(30)]
    path = path.format(id=account.public_id, child=children[0].public_id)
    assert owner.get(path).status_code == 200
    # The token and the company are known to the process by now.
    with django_assert_num_queries(queries):
        response = owner.get(path)
    assert response.status_code == 200
    assert response["Content-Length"] == str(len(response.content))


def test_every_error_is_json(owner: Caller) -> None:
    for response in (
        owner.patch("/v1/accounts/acc_x", {}),
        owner.get("/v1/accounts/import"),
        owner.post("/v1/accounts", b"{", content_type="application/json"),
    ):
        assert response.status_code in (400, 405)
        assert json.loads(response.content)["error"]["requestId"]

"""`POST /v1/sandbox`: a company to try the API with, for everybody."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from banking.models import BankAccount
from ledger.actors import SYSTEM
from ledger.choices import KeyKind
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import Developer, Entity
from ledger.services.keys import check_secret
from ledger.tests.helpers import Caller, make_admin_key, make_developer, make_entity, token_of
from ledger.tokens import Scope
from transactions.models import Transaction

pytestmark = pytest.mark.django_db
ADDRESS = "/v1/sandbox"


def ask(token: str | None = None, **body: Any) -> Any:
    return Caller(token).post(ADDRESS, {"name": "Blue Door Bistro"} | body)


def made(**body: Any) -> dict[str, Any]:
    answer = ask(**body)
    assert answer.status_code == 201, answer.content
    assert answer.headers["Cache-Control"] == "no-store"
    said = json.loads(answer.content, parse_float=Decimal)
    assert said["success"] is True
    data: dict[str, Any] = said["data"]
    return data


def test_it_makes_a_developer_a_company_its_books_and_its_banks_for_anybody() -> None:
    data = made(industry="Bakery", preferences={"currency": "EUR", "timezone": "Europe/Berlin"})
    entity = Entity.objects.get()
    developer = entity.developer
    assert data["developer"] == {
        "id": developer.public_id,
        "name": "Blue Door Bistro",
        "apiKey": data["developer"]["apiKey"],
    }
    assert developer.industry == "restaurant"
    assert data["entity"] == {"id": entity.public_id, "legal_name": "Blue Door Bistro"}
    assert data["ledger"]["name"] == "General ledger"
    # The key is the developer's.
    key = check_secret(
        data["developer"]["apiKey"], kind=KeyKind.DEVELOPER, developer_id=developer.id, actor=SYSTEM
    )
    assert key.developer_id == developer.id
    # The banks' accounts, with what they say.
    accounts = {account.public_id: account for account in BankAccount.objects.filter(entity=entity)}
    assert len(accounts) == 3
    for shown in data["plaidAccounts"]:
        account = accounts.pop(shown["id"])
        assert shown["balance"]["current"] == account.balance_current
        assert shown["balance"]["available"] == account.balance_available
        assert (shown["name"], shown["mask"], shown["type"], shown["subtype"]) == (
            account.name, account.mask, account.type, account.subtype,
        )  # fmt: skip
        assert account.currency == "EUR"


def test_the_token_opens_the_books_at_once() -> None:
    data = made()
    caller = Caller(data["token"])
    page = caller.get(f"/v1/transactions?entityId={data['entity']['id']}&pageSize=5").json()
    assert len(page["transactions"]) == 5
    assert caller.get("/v1/developers/me").json()["developer"]["industry"] == "software"


def test_the_same_name_makes_the_same_books_and_another_one_others() -> None:
    books = []
    for name in ("One", "One", "Other"):
        entity_id = made(name=name)["entity"]["id"]
        rows = [row for row in Transaction.objects.all() if row.entity.public_id == entity_id]
        books.append(sorted((row.date, row.amount, row.description) for row in rows))
    assert books[0] == books[1] != books[2]


def test_an_industry_that_there_is_not_is_refused_with_those_there_are() -> None:
    answer = ask(industry="mining")
    assert answer.status_code == 400
    (detail,) = answer.json()["error"]["details"]
    assert detail["field"] == "industry"
    for industry in ("software", "retail", "restaurant", "consulting", "nonprofit"):
        assert industry in detail["message"]
    assert not Developer.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"industry": 5}, "industry"),
        ({"preferences": {"currency": "EURO"}}, "preferences.currency"),
        ({"preferences": {"timezone": "Mars"}}, "preferences.timezone"),
        ({"developerId": "dev_1"}, "developerId"),
        ({"months": 60}, "months"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(body: dict[str, Any], field: str) -> None:
    answer = ask(**body)
    assert answer.status_code == 400
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]
    assert not Developer.objects.exists()


# --- under a developer that there is ----------------------------------------------------------------


def test_a_developers_own_token_makes_a_company_under_it_and_shows_no_secret() -> None:
    owner = make_developer("Owner")
    answer = ask(
        token_of(owner.first_key),
        developer_id=owner.developer.public_id,
        preferences={"currency": "GBP"},
        industry="retail",
    )
    assert answer.status_code == 201, answer.content
    data = answer.json()["data"]
    assert data["developer"] == {"id": owner.developer.public_id, "name": "Owner", "apiKey": None}
    assert data["token"] is None
    entity = Entity.objects.get()
    assert (entity.developer_id, entity.default_currency) == (owner.developer.id, "GBP")
    assert Developer.objects.count() == 1


def test_nobody_makes_a_company_under_another_developer() -> None:
    owner, stranger = make_developer("Owner"), make_developer("Stranger")
    id_ = owner.developer.public_id
    entity = make_entity(owner.developer)
    refusals = {
        None: 401,
        "abc": 401,
        token_of(stranger.first_key): 403,
        token_of(owner.first_key, scope=Scope.READ): 403,
        token_of(owner.first_key, entity=entity): 403,
        token_of(make_admin_key()): 403,
    }
    for token, status in refusals.items():
        answer = ask(token, developerId=id_)
        assert answer.status_code == status, (token, answer.content)
        assert "Owner" not in answer.content.decode()
    # Whether there is such a developer is not told.
    unknown = ask(token_of(stranger.first_key), developerId=encode_id(Prefix.DEVELOPER, new_id()))
    known = ask(token_of(stranger.first_key), developerId=id_)
    assert unknown.status_code == known.status_code
    assert unknown.json()["error"]["message"] == known.json()["error"]["message"]
    assert Entity.objects.count() == 1


def test_a_token_without_a_developer_changes_nothing_but_a_bad_one_is_refused() -> None:
    owner = make_developer("Owner")
    answer = ask(token_of(owner.first_key))
    assert answer.status_code == 201
    assert answer.json()["data"]["developer"]["id"] != owner.developer.public_id
    assert ask("abc").status_code == 401


def test_the_same_request_again_makes_nothing_and_shows_the_same_secret() -> None:
    owner = make_developer("Owner")
    caller = Caller(token_of(owner.first_key), HTTP_IDEMPOTENCY_KEY="once")
    first, second = (caller.post(ADDRESS, {"name": "Once"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Entity.objects.count() == 1


def test_where_it_is_off_there_is_nothing_here(settings: Settings) -> None:
    settings.SANDBOX = False
    for body in ({"name": "Blue Door Bistro"}, {}):
        answer = Caller().post(ADDRESS, body)
        assert answer.status_code == 404
        assert "SANDBOX" in answer.json()["error"]["message"]
    assert not Developer.objects.exists()

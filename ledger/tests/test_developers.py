"""Developers: made by operators, shown to themselves."""

from typing import Any

import pytest

from ledger import audit
from ledger.models import Developer
from ledger.tests.helpers import Caller, caller_of, make_admin_key, make_developer, token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Caller:
    return Caller(token_of(make_admin_key()))


def test_operator_makes_a_developer_with_a_key(admin: Caller) -> None:
    answer = admin.post(
        "/v1/developers",
        {
            "name": "Acme Platform",
            "email": "books@acme.example",
            "industry": "Retail",
            "preferences": {"currency": "eur", "timezone": "Europe/Berlin", "locale": "de-DE"},
        },
    )

    assert answer.status_code == 201
    body = answer.json()
    assert body.keys() == {"developer", "apiKey"}
    assert {"id", "name", "key", "prefix", "createdAt"} <= body["apiKey"].keys()
    assert body["developer"]["preferences"] == {
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "locale": "de-DE",
    }
    credentials = {"developerId": body["developer"]["id"], "apiKey": body["apiKey"]["key"]}
    token = Caller().post("/v1/auth/developer-token", credentials).json()["access_token"]
    assert Caller(token).get("/v1/developers/me").json() == {"developer": body["developer"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x", "email": "nobody"}, "email"),
        ({"name": "x", "email": 5}, "email"),
        ({"name": "x", "email": None}, "email"),
        ({"name": "x", "email": f"{'n' * 250}@x.example"}, "email"),
        ({"name": "x", "preferences": {"currency": "XXZ"}}, "preferences.currency"),
        ({"name": "x", "preferences": {"timezone": "Mars/Base"}}, "preferences.timezone"),
        ({"name": "x", "preferences": {"colour": "red"}}, "preferences.colour"),
        ({"name": "x", "nmae": "y"}, "nmae"),
    ],
)
def test_malformed_developers_are_400(admin: Caller, body: dict[str, Any], field: str) -> None:
    answer = admin.post("/v1/developers", body)

    assert answer.status_code == 400
    [detail] = answer.json()["error"]["details"]
    assert detail["field"] == field
    assert any(remedy in detail["message"] for remedy in ("send ", "did you mean", "this takes"))
    assert not Developer.objects.exists()


def test_only_operators_make_developers() -> None:
    made = make_developer()

    assert caller_of(made).post("/v1/developers", {"name": "x"}).status_code == 403
    assert Caller().post("/v1/developers", {"name": "x"}).status_code == 401


def test_new_developer_begins_an_audit_chain() -> None:
    made = make_developer()

    assert audit.verify_chain(made.developer.id) == []

"""What supervisors, monitors and readers of the docs get, without a token."""

import re
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client
from pytest_django import Settings

from ledger import checks


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


def test_healthz_answers_without_a_database(browser: Client) -> None:
    answer = browser.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_readyz_looks_at_all_that_is_needed(browser: Client) -> None:
    answer = browser.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["checks"] == {"database": "ok", "redis": "ok", "migrations": "ok"}
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_readyz_tells_when_redis_is_away(browser: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    answer = browser.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "checks": {"database": "ok", "redis": "unavailable", "migrations": "ok"},
    }


@pytest.mark.django_db
def test_readyz_tells_when_migrations_are_missing(browser: Client) -> None:
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder.Migration.objects.filter(app="ledger").delete()

    answer = browser.get("/readyz")

    assert (answer.status_code, answer.json()["checks"]["migrations"]) == (503, "unavailable")


@pytest.mark.django_db
def test_metrics_are_for_prometheus(browser: Client) -> None:
    browser.get("/v1/entities")

    answer = browser.get("/metrics")

    assert answer.status_code == 200
    assert b"django_http_requests_total_by_method_total" in answer.content


def test_description_covers_every_endpoint(browser: Client) -> None:
    answer = browser.get("/v1/openapi.json")

    assert answer.status_code == 200
    description: dict[str, Any] = answer.json()
    assert {
        "/v1/auth/tokens",
        "/v1/auth/developer-token",
        "/v1/auth/entity-token",
        "/v1/developers",
        "/v1/developers/me",
        "/v1/developers/api-keys",
        "/v1/developers/api-keys/{key_id}",
        "/v1/developers/api-keys/{key_id}/rotate",
        "/v1/entities",
        "/v1/entities/developer-entities",
        "/v1/entities/settings",
    } <= description["paths"].keys()
    assert description["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    # Requests are described in the spelling of the reference.
    request = description["paths"]["/v1/entities"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    shape = description["components"]["schemas"][request["$ref"].rpartition("/")[2]]
    assert "legalName" in shape["properties"]
    assert browser.get("/v1/openapi.yaml").status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_docs_are_served_from_our_own_files(browser: Client, path: str) -> None:
    answer = browser.get(path)

    assert answer.status_code == 200
    page = answer.content.decode()
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources
    assert not [source for source in sources if source.startswith(("http:", "https:", "//"))]
    files = [source for source in sources if source.startswith("/static/")]
    assert [browser.get(file).status_code for file in files] == [200] * len(files)


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/", "/v1/entities/"])
def test_unknown_paths_of_the_api_are_json(browser: Client, path: str) -> None:
    answer = browser.get(path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_production_must_be_given_its_secrets(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("SECRET_KEY", "JWT_SIGNING_KEYS", "FIELD_ENCRYPTION_KEYS", "ALLOWED_HOSTS")
    for name in names:
        monkeypatch.delenv(name, raising=False)

    def found() -> set[str | None]:
        return {message.id for message in run_checks(include_deployment_checks=True)}

    ours = {"ledger.E001", "ledger.E002", "ledger.E003", "ledger.E004"}
    assert not found() & ours
    settings.PRODUCTION = True
    assert ours <= found()
    for name in names:
        monkeypatch.setenv(name, "given")
    assert not found() & ours
    settings.ALLOWED_HOSTS = ["*"]
    assert "ledger.E004" in found()


def test_keys_that_are_none_are_found(settings: Settings) -> None:
    assert checks.check_keys() == []
    settings.JWT_SIGNING_KEYS = ["short"]
    settings.FIELD_ENCRYPTION_KEYS = ["no key"]

    assert [message.id for message in checks.check_keys()] == ["ledger.E005", "ledger.E006"]

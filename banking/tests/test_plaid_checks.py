"""What `manage.py check` says of Plaid's settings."""

from typing import Any

import pytest

from banking.providers.plaid.checks import check_plaid


@pytest.fixture(autouse=True)
def _right(settings: Any) -> None:
    settings.BANK_PROVIDER = "plaid"
    settings.PLAID_CLIENT_ID = settings.PLAID_SECRET = "known"
    settings.PLAID_BASE_URL = "https://production.plaid.com"
    settings.PLAID_WEBHOOK_URL = "https://books.example.com/v1/banks/webhook/plaid"


def test_right_settings_are_right() -> None:
    assert check_plaid() == []


@pytest.mark.parametrize(
    ("changed", "id_"),
    [
        ({"PLAID_CLIENT_ID": ""}, "banking.E001"),
        ({"PLAID_SECRET": ""}, "banking.E001"),
        ({"PLAID_BASE_URL": "http://production.plaid.com"}, "banking.E002"),
        ({"PLAID_BASE_URL": "production.plaid.com"}, "banking.E002"),
        ({"PLAID_WEBHOOK_URL": "https://books.example.com/webhook"}, "banking.W001"),
    ],
)
def test_a_wrong_one_is_named(settings: Any, changed: dict[str, str], id_: str) -> None:
    for name, value in changed.items():
        setattr(settings, name, value)

    assert [message.id for message in check_plaid()] == [id_]


@pytest.mark.parametrize(
    "changed",
    [
        {"BANK_PROVIDER": "sandbox", "PLAID_SECRET": ""},
        {"PLAID_BASE_URL": "http://127.0.0.1:9000"},
        {"PLAID_WEBHOOK_URL": ""},
    ],
)
def test_what_is_not_needed_or_stays_on_this_machine_is_not_asked_for(
    settings: Any, changed: dict[str, str]
) -> None:
    for name, value in changed.items():
        setattr(settings, name, value)

    assert check_plaid() == []

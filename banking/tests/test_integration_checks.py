"""What `manage.py check` says of the settings of integrations."""

from typing import Any

import pytest

from banking.integrations.checks import check_integrations


@pytest.fixture(autouse=True)
def _xero_alone(settings: Any) -> None:
    for name in ("QUICKBOOKS", "STRIPE"):
        setattr(settings, f"{name}_CLIENT_ID", "")
    settings.XERO_CLIENT_ID = settings.XERO_CLIENT_SECRET = "known"


def test_the_addresses_that_are_set_by_default_are_right() -> None:
    assert check_integrations() == []


@pytest.mark.parametrize("name", ["XERO_AUTHORIZE_URL", "XERO_TOKEN_URL", "XERO_API_URL"])
@pytest.mark.parametrize("address", ["http://xero.example", "xero.example", ""])
def test_an_address_that_would_carry_secrets_in_the_open_is_named(
    settings: Any, name: str, address: str
) -> None:
    setattr(settings, name, address)

    (message,) = check_integrations()

    assert (message.id, message.msg) == ("banking.E003", f"{name} is no https address.")


def test_what_is_not_set_up_or_stays_on_this_machine_may_be_anything(settings: Any) -> None:
    settings.STRIPE_TOKEN_URL = "http://stripe.example"
    settings.XERO_TOKEN_URL = "http://127.0.0.1:9000/token"

    assert check_integrations() == []

"""Tokens of integrations: renewed by one worker for all, and told plainly when they end."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.db import connection
from django.db.transaction import atomic

from banking.integrations import tokens
from banking.integrations.exceptions import ConnectAgainError
from banking.integrations.tokens import access_token
from banking.models import Integration
from banking.providers.base import ProviderDownError
from banking.tests.fake_programs import FakeQuickBooks, FakeStripe, Raw
from banking.tests.integration_cast import Customer, quickbooks, stripe
from ledger.clock import utc_now
from ledger.encryption import decrypt
from ledger.exceptions import ConflictError, ProviderError
from transactions.tests.conftest import errors_of, race

__all__ = ["quickbooks", "stripe"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bakery(quickbooks: FakeQuickBooks) -> Customer:
    """A company that is connected with QuickBooks."""
    customer = Customer()
    customer.connect(quickbooks)
    return customer


def near_its_end(customer: Customer) -> Integration:
    """The integration, with a token that has a minute left."""
    Integration.objects.update(token_expires_at=utc_now() + dt.timedelta(minutes=1))
    return customer.integration


def test_a_token_is_used_as_long_as_it_lasts(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    first = access_token(bakery.integration)

    assert access_token(bakery.integration) == first == quickbooks.grants[0].access_token
    assert quickbooks.renewals == 0


def test_a_token_near_its_end_is_renewed_and_both_new_ones_are_kept(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    before = decrypt(bakery.integration.refresh_token)

    token = access_token(near_its_end(bakery))

    row = bakery.integration
    assert quickbooks.renewals == 1
    assert decrypt(row.access_token) == token == quickbooks.grants[0].access_token
    assert decrypt(row.refresh_token) == quickbooks.grants[0].refresh_token != before
    assert row.token_expires_at is not None
    assert row.token_expires_at > utc_now() + dt.timedelta(minutes=50)


def test_two_workers_renew_once(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    integration = near_its_end(bakery)
    quickbooks.token_delay_seconds = 0.3

    results = race(*[lambda: access_token(integration)] * 4)

    assert errors_of(results) == []
    assert set(results) == {quickbooks.grants[0].access_token}
    assert quickbooks.renewals == 1


def test_without_the_lock_two_workers_would_spend_one_refresh_token_twice(
    bakery: Customer, quickbooks: FakeQuickBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    integration = near_its_end(bakery)
    quickbooks.token_delay_seconds = 0.3
    monkeypatch.setattr(tokens, "_locked", lambda seen: Integration.objects.get(id=seen.id))

    results = race(*[lambda: access_token(integration)] * 2)

    assert quickbooks.renewals == 2
    assert len(errors_of(results)) == 1


def test_two_workers_whose_token_was_refused_renew_once(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    refused = access_token(bakery.integration)
    integration = bakery.integration

    results = race(*[lambda: access_token(integration, refused=refused)] * 3)

    assert errors_of(results) == []
    assert len(set(results)) == 1
    assert refused not in results
    assert quickbooks.renewals == 1


def test_whoever_waits_too_long_for_another_to_renew_comes_back_later(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    integration = near_its_end(bakery)

    def hurried() -> str:
        with atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '50ms'")
            return access_token(integration)

    with atomic():
        Integration.objects.select_for_update().get(id=integration.id)
        [result] = race(hurried)

    assert isinstance(result, ProviderDownError)
    assert "try again later" in str(result)


def interrupted(integration: Integration, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that dies between the provider's answer and its commit."""

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tokens, "store", die)
        with pytest.raises(KeyboardInterrupt):
            access_token(integration)


def test_a_worker_that_dies_while_it_renews_costs_nothing_where_the_former_token_still_counts(
    bakery: Customer, quickbooks: FakeQuickBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    quickbooks.is_lenient = True
    integration = near_its_end(bakery)

    interrupted(integration, monkeypatch)

    assert access_token(integration) == quickbooks.grants[0].access_token
    assert quickbooks.renewals == 2
    assert bakery.shown()["status"] == "connected"


def test_a_worker_that_dies_while_it_renews_may_cost_a_new_connection_and_says_so(
    bakery: Customer, quickbooks: FakeQuickBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    integration = near_its_end(bakery)

    interrupted(integration, monkeypatch)

    with pytest.raises(ConnectAgainError, match="Connect again"):
        access_token(integration)
    assert bakery.shown()["status"] == "expired"


def test_a_permission_that_was_taken_back_expires_the_integration_until_it_is_connected_again(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    quickbooks.grants[0].revoked = True

    task = bakery.run_import()

    shown = bakery.shown()
    assert (task.state, shown["status"]) == ("failed", "expired")
    assert "Connect again (POST /v1/integrations/connect)" in task.error
    assert shown["error"] == task.error
    row = bakery.integration
    assert (row.access_token, row.refresh_token) == ("", "")
    refused = bakery.post("integrations/sync", integrationType="quickbooks")
    assert refused.status_code == 409
    assert "Connect again" in refused.json()["error"]["message"]

    bakery.connect(quickbooks)

    assert bakery.shown() | {"lastImport": 0, "lastSync": 0} == shown | {
        "status": "connected",
        "error": None,
        "lastImport": 0,
        "lastSync": 0,
    }
    assert bakery.run_import().state == "succeeded"
    assert bakery.balances() == quickbooks.balances()


def test_an_access_token_that_ends_early_is_renewed_in_the_middle_of_an_import(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    quickbooks.before.append(("query", quickbooks.forget_access_tokens))

    assert bakery.run_import().state == "succeeded"
    assert quickbooks.renewals == 1
    assert bakery.balances() == quickbooks.balances()


def test_a_new_token_that_is_refused_at_once_expires_the_integration(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    quickbooks.before += [("query", Raw(401)), ("query", Raw(401))]

    task = bakery.run_import()

    assert (task.state, bakery.shown()["status"]) == ("failed", "expired")
    assert quickbooks.renewals == 1


def test_tokens_that_were_put_there_meanwhile_are_not_thrown_away(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    old = access_token(bakery.integration)
    access_token(bakery.integration, refused=old)

    tokens.refuse(bakery.integration, old)

    assert bakery.shown()["status"] == "connected"
    assert access_token(bakery.integration) == quickbooks.grants[0].access_token


def test_stripes_token_has_nothing_to_renew_it_with_before_its_owner_takes_it_back(
    stripe: FakeStripe,
) -> None:
    bakery = Customer()
    bakery.connect(stripe)
    stripe.grants[0].revoked = True

    task = bakery.run_import()

    assert (task.state, bakery.shown()["status"]) == ("failed", "expired")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Raw(503), ProviderDownError),
        (Raw(401, {"error": "invalid_client"}), ProviderError),
        (Raw(200, b"<html>"), ProviderError),
    ],
)
def test_a_failure_that_says_nothing_of_the_permission_leaves_it(
    bakery: Customer, quickbooks: FakeQuickBooks, answer: Raw, kind: type[Exception]
) -> None:
    integration = near_its_end(bakery)
    quickbooks.before.append(("/token", answer))

    with pytest.raises(kind):
        access_token(integration)

    assert bakery.shown()["status"] == "connected"
    assert access_token(integration) == quickbooks.grants[0].access_token


@pytest.mark.parametrize(
    "end",
    [
        lambda row: Integration.objects.filter(id=row.id).delete(),
        lambda row: Integration.objects.filter(id=row.id).update(
            status="disconnected", access_token="", refresh_token=""
        ),
    ],
)
def test_what_is_disconnected_gives_no_token(bakery: Customer, end: Callable[[Integration], None]) -> None:
    integration = bakery.integration
    end(integration)

    with pytest.raises(ConflictError, match="was disconnected"):
        access_token(integration)

"""Plaid over HTTP: what is sent, what is tried again, what is refused, and what no log ever shows."""

import gzip
import logging
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import pytest

from banking import http
from banking.providers.base import (
    LoginRequiredError,
    PagesChangedError,
    ProviderDownError,
    PublicTokenError,
)
from banking.providers.plaid import client
from banking.providers.plaid.errors import GoneError
from banking.tests.fake_plaid import FakePlaid
from ledger.exceptions import ProviderError

SYNC: Final = "/transactions/sync"
EXCHANGE: Final = "/item/public_token/exchange"


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which the tests don't wait for."""
    made: list[float] = []
    monkeypatch.setattr(http, "pause", made.append)
    return made


def test_a_call_carries_the_keys_the_version_and_nothing_of_them_in_its_body(plaid: FakePlaid) -> None:
    item = plaid.new_item()

    client.get_item(item.access_token)

    (call,) = plaid.calls
    assert call.headers["PLAID-CLIENT-ID"] == plaid.client_id
    assert call.headers["PLAID-SECRET"] == plaid.secret
    assert call.headers["Plaid-Version"] == "2020-09-14"
    assert call.headers["Content-Type"] == "application/json"
    assert call.body == {"access_token": item.access_token}


def test_a_new_link_asks_for_products_and_history_and_a_repair_for_neither(
    plaid: FakePlaid, settings: Any
) -> None:
    settings.PLAID_CLIENT_NAME = "A platform with a name that is too long for Plaid"
    settings.PLAID_WEBHOOK_URL = "https://books.example.com/v1/banks/webhook/plaid"
    item = plaid.new_item()

    new = client.create_link_token(user="entity_1")
    repair = client.create_link_token(user="entity_1", access_token=item.access_token)

    assert plaid.link_tokens == {new.link_token: None, repair.link_token: item}
    first, second = (call.body for call in plaid.calls)
    shared = {
        "client_name": "A platform with a name that is",
        "language": "en",
        "country_codes": ["US"],
        "user": {"client_user_id": "entity_1"},
        "webhook": "https://books.example.com/v1/banks/webhook/plaid",
    }
    assert first == shared | {"products": ["transactions"], "transactions": {"days_requested": 730}}
    assert second == shared | {"access_token": item.access_token}


def test_a_sync_asks_for_full_pages_with_the_banks_own_text(plaid: FakePlaid) -> None:
    item = plaid.new_item()

    page = client.sync_transactions(item.access_token, "")
    client.sync_transactions(item.access_token, page.next_cursor)

    options = {"count": 500, "options": {"include_original_description": True}}
    assert [call.body for call in plaid.calls] == [
        {"access_token": item.access_token, **options},
        {"access_token": item.access_token, "cursor": page.next_cursor, **options},
    ]


# --- errors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "kind", "raised"),
    [
        ("ITEM_LOGIN_REQUIRED", 400, "ITEM_ERROR", LoginRequiredError),
        ("PENDING_EXPIRATION", 400, "ITEM_ERROR", LoginRequiredError),
        ("INVALID_CREDENTIALS", 400, "ITEM_ERROR", LoginRequiredError),
        ("ITEM_LOCKED", 400, "ITEM_ERROR", LoginRequiredError),
        ("USER_SETUP_REQUIRED", 400, "ITEM_ERROR", LoginRequiredError),
        ("TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION", 400, "TRANSACTIONS_ERROR", PagesChangedError),
        ("RATE_LIMIT", 429, "RATE_LIMIT_EXCEEDED", ProviderDownError),
        ("TRANSACTIONS_SYNC_LIMIT", 429, "RATE_LIMIT_EXCEEDED", ProviderDownError),
        ("INSTITUTION_DOWN", 400, "INSTITUTION_ERROR", ProviderDownError),
        ("INSTITUTION_NOT_RESPONDING", 400, "INSTITUTION_ERROR", ProviderDownError),
        ("INTERNAL_SERVER_ERROR", 500, "API_ERROR", ProviderDownError),
        ("PLANNED_MAINTENANCE", 400, "API_ERROR", ProviderDownError),
        ("PRODUCT_NOT_READY", 400, "ITEM_ERROR", ProviderDownError),
        ("INVALID_PUBLIC_TOKEN", 400, "INVALID_INPUT", PublicTokenError),
        ("INVALID_ACCESS_TOKEN", 400, "INVALID_INPUT", GoneError),
        ("INSTITUTION_NO_LONGER_SUPPORTED", 400, "INSTITUTION_ERROR", ProviderError),
        ("INVALID_API_KEYS", 400, "INVALID_INPUT", ProviderError),
    ],
)
def test_an_error_of_plaid_becomes_ours(
    plaid: FakePlaid, code: str, status: int, kind: str, raised: type[ProviderError]
) -> None:
    plaid.refuse(SYNC, code, status=status, kind=kind, message="This is why.", times=3)

    with pytest.raises(ProviderError) as caught:
        client.sync_transactions("access-sandbox-1", "")

    assert type(caught.value) is raised
    if raised is LoginRequiredError:
        assert getattr(caught.value, "provider_code") == code  # noqa: B009 - of one of the classes alone
    if raised is PublicTokenError:
        assert caught.value.status_code == 400
    else:
        assert caught.value.status_code == 502
        assert f"This is why ({code}, request " in caught.value.message


@pytest.mark.parametrize(
    ("status", "body", "raised", "words"),
    [
        (200, b"<html>hello</html>", ProviderError, "no JSON"),
        (200, b'{"item": {"item_id": "1"', ProviderError, "no JSON"),
        (200, b'["item"]', ProviderError, "no JSON object"),
        (200, b"[" * 100_000, ProviderError, "no JSON"),
        (200, b'{"item": {"item_id": 5}}', ProviderError, "in a form that we do not know"),
        (200, b"{}", ProviderError, "in a form that we do not know"),
        (200, b"\xff\xfe", ProviderError, "no JSON"),
        (400, b"<html>bad</html>", ProviderError, "status 400"),
        (403, b'{"error_code": {"a": 1}}', ProviderError, "an object of 1 fields"),
        (502, b"<html>gateway</html>", ProviderDownError, "status 502"),
        (504, b"", ProviderDownError, "status 504"),
    ],
)
def test_nonsense_is_an_error_and_no_crash(
    plaid: FakePlaid, status: int, body: bytes, raised: type[ProviderError], words: str
) -> None:
    for _ in range(3):
        plaid.script("/item/get", status, body)

    with pytest.raises(ProviderError, match=words) as caught:
        client.get_item("access-sandbox-1")

    assert type(caught.value) is raised


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_beyond_bounds_is_not_read_to_its_end(
    plaid: FakePlaid, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr(http, "ANSWER_BYTES_MAX", 100_000)
    body = b'{"item": "' + b" " * 300_000 + b'"}'
    if packed:
        # Some hundred bytes on the wire.
        plaid.script("/item/get", 200, gzip.compress(body), {"Content-Encoding": "gzip"})
    else:
        plaid.script("/item/get", 200, body)

    with pytest.raises(ProviderError, match="more than 100000 bytes"):
        client.get_item("access-sandbox-1")

    assert len(plaid.calls) == 1


def test_a_redirect_is_not_followed(plaid: FakePlaid) -> None:
    with FakePlaid() as elsewhere:
        plaid.script("/item/get", 307, b"", {"Location": f"{elsewhere.base_url}/item/get"})
        with pytest.raises(ProviderError, match=r"redirect \(307\)"):
            client.get_item("access-sandbox-1")

    assert elsewhere.calls == []


def test_without_keys_nothing_is_sent(plaid: FakePlaid, settings: Any) -> None:
    settings.PLAID_SECRET = ""

    with pytest.raises(ProviderError, match="set PLAID_CLIENT_ID and PLAID_SECRET"):
        client.get_item("access-sandbox-1")

    assert plaid.calls == []


# --- retries -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes_is_tried_three_times_with_longer_pauses(
    plaid: FakePlaid, pauses: list[float], status: int
) -> None:
    item = plaid.new_item()
    plaid.refuse("/item/get", "INTERNAL_SERVER_ERROR", status=status, kind="API_ERROR", times=2)

    assert client.get_item(item.access_token).item_id == item.id

    assert len(plaid.calls) == 3
    first, second = pauses
    assert 0.3 < first < 0.7 < second < 1.3

    # A third failure is the caller's.
    plaid.refuse("/item/get", "INTERNAL_SERVER_ERROR", status=status, kind="API_ERROR", times=3)
    with pytest.raises(ProviderDownError):
        client.get_item(item.access_token)


def test_what_does_not_pass_is_tried_once(plaid: FakePlaid) -> None:
    plaid.refuse("/item/get", "INVALID_FIELD")

    with pytest.raises(ProviderError):
        client.get_item("access-sandbox-1")

    assert len(plaid.calls) == 1


def test_the_pause_is_as_long_as_plaid_says_and_a_long_one_is_left_to_the_caller(
    plaid: FakePlaid, pauses: list[float]
) -> None:
    item = plaid.new_item()
    limited: dict[str, Any] = {"status": 429, "kind": "RATE_LIMIT_EXCEEDED"}
    plaid.refuse("/item/get", "RATE_LIMIT", headers={"Retry-After": "3"}, **limited)

    client.get_item(item.access_token)
    assert pauses == [3.0]

    plaid.refuse("/item/get", "RATE_LIMIT", headers={"Retry-After": "60"}, **limited)
    with pytest.raises(ProviderDownError):
        client.get_item(item.access_token)
    assert (pauses, len(plaid.calls)) == ([3.0], 3)


def test_an_exchange_is_not_sent_again_unless_plaid_did_nothing(plaid: FakePlaid) -> None:
    token = plaid.public_token(plaid.new_item())
    plaid.refuse(EXCHANGE, "INTERNAL_SERVER_ERROR", status=500, kind="API_ERROR")
    with pytest.raises(ProviderDownError):
        client.exchange_public_token(token)
    assert len(plaid.calls) == 1

    plaid.refuse(EXCHANGE, "RATE_LIMIT", status=429, kind="RATE_LIMIT_EXCEEDED")
    client.exchange_public_token(token)
    assert len(plaid.calls) == 3


def test_a_slow_plaid_is_given_up_in_time(plaid: FakePlaid, settings: Any) -> None:
    settings.PLAID_TIMEOUT_SECONDS = 0.1
    plaid.pauses["/item/get"] = 2.0
    began = time.monotonic()

    with pytest.raises(ProviderDownError, match="did not answer"):
        client.get_item("access-sandbox-1")

    assert time.monotonic() - began < 1.5


def test_a_plaid_that_is_not_there_passes_too(settings: Any) -> None:
    with FakePlaid() as gone:
        pass
    settings.PLAID_BASE_URL = gone.base_url
    settings.PLAID_CLIENT_ID = settings.PLAID_SECRET = "known"

    with pytest.raises(ProviderDownError, match="did not answer"):
        client.get_item("access-sandbox-1")


def test_a_connection_that_breaks_off_passes(plaid: FakePlaid) -> None:
    item = plaid.new_item()
    plaid.script("/item/get", 200, b'{"item"', {"Content-Length": "1000", "Connection": "close"})

    assert client.get_item(item.access_token).item_id == item.id
    assert len(plaid.calls) == 2


# --- amounts -------------------------------------------------------------------------------------------


def test_numbers_come_with_exactly_their_digits(plaid: FakePlaid) -> None:
    texts = ["0.1", "0.2", "1e-2", "2.5E+1", "999999999999999.99", "-0.10", "12", "0.30000000000000004"]
    head = b'{"removed": [], "modified": [], "next_cursor": "c", "has_more": false, "added": ['
    lines = ",".join(f'{{"amount": {text}}}' for text in texts).encode()
    plaid.script(SYNC, 200, head + lines + b"]}")

    page = client.sync_transactions("access-sandbox-1", "")

    amounts = [line["amount"] for line in page.added]
    assert amounts == [Decimal(text) for text in texts]
    assert not [one for one in amounts if isinstance(one, float)]
    assert amounts[0] + amounts[1] == Decimal("0.3")


# --- secrets -------------------------------------------------------------------------------------------

Act = Callable[[FakePlaid, str], object]


@pytest.mark.parametrize(
    "act",
    [
        lambda fake, token: client.get_item(token),
        lambda fake, token: client.exchange_public_token(token.replace("access", "public")),
        lambda fake, token: client.create_link_token(user="me", access_token=token),
        lambda fake, token: (
            fake.refuse(
                "/item/get",
                "INVALID_ACCESS_TOKEN",
                message=f"no such token {token}; keys {fake.client_id} and {fake.secret}",
            ),
            client.get_item(token),
        ),
        lambda fake, token: (fake.pauses.update({"/item/get": 0.5}), client.get_item(token)),
        lambda fake, token: (fake.script("/item/get", 200, token.encode()), client.get_item(token)),
    ],
)
def test_no_log_and_no_error_shows_a_secret(
    plaid: FakePlaid, settings: Any, caplog: pytest.LogCaptureFixture, act: Act
) -> None:
    settings.PLAID_TIMEOUT_SECONDS = 0.1
    token = "access-sandbox-4f4f4f4f-0000-4000-8000-c0ffee00cafe"
    caplog.set_level(logging.DEBUG)

    with pytest.raises(ProviderError) as caught:
        act(plaid, token)
    logging.getLogger("test").exception("failed", exc_info=caught.value)

    shown = caplog.text + repr(caught.value) + str(caught.value.details)
    assert len(shown) > 100
    for secret in ("c0ffee00cafe", plaid.secret, plaid.client_id):
        assert secret not in shown

"""The fake Plaid against Plaid's own client: each answer is read in Plaid's types, and so is each of our
requests."""

from collections.abc import Callable
from datetime import date
from typing import Any, Final

import plaid as official
import pytest
from plaid.api.plaid_api import PlaidApi
from plaid.model.accounts_get_request import AccountsGetRequest
from plaid.model.country_code import CountryCode
from plaid.model.institutions_get_by_id_request import InstitutionsGetByIdRequest
from plaid.model.item_error_webhook import ItemErrorWebhook
from plaid.model.item_get_request import ItemGetRequest
from plaid.model.item_login_repaired_webhook import ItemLoginRepairedWebhook
from plaid.model.item_public_token_exchange_request import ItemPublicTokenExchangeRequest
from plaid.model.item_remove_request import ItemRemoveRequest
from plaid.model.link_token_create_request import LinkTokenCreateRequest
from plaid.model.link_token_create_request_user import LinkTokenCreateRequestUser
from plaid.model.pending_expiration_webhook import PendingExpirationWebhook
from plaid.model.plaid_error import PlaidError
from plaid.model.products import Products
from plaid.model.sync_updates_available_webhook import SyncUpdatesAvailableWebhook
from plaid.model.transactions_sync_request import TransactionsSyncRequest
from plaid.model.transactions_sync_request_options import TransactionsSyncRequestOptions
from plaid.model.user_permission_revoked_webhook import UserPermissionRevokedWebhook
from plaid.model.webhook_verification_key_get_request import WebhookVerificationKeyGetRequest
from plaid.model_utils import ModelNormal, validate_and_convert_types

from banking.providers.plaid import client
from banking.tests.fake_plaid import FakePlaid, new_account
from ledger.api import json
from ledger.exceptions import ProviderError

REQUESTS: Final[dict[str, Any]] = {
    "/link/token/create": LinkTokenCreateRequest,
    "/item/public_token/exchange": ItemPublicTokenExchangeRequest,
    "/item/get": ItemGetRequest,
    "/institutions/get_by_id": InstitutionsGetByIdRequest,
    "/accounts/get": AccountsGetRequest,
    "/transactions/sync": TransactionsSyncRequest,
    "/item/remove": ItemRemoveRequest,
    "/webhook_verification_key/get": WebhookVerificationKeyGetRequest,
}


@pytest.fixture
def api(plaid: FakePlaid) -> PlaidApi:
    configuration = official.Configuration(
        host=plaid.base_url, api_key={"clientId": plaid.client_id, "secret": plaid.secret}
    )
    return PlaidApi(official.ApiClient(configuration))


def as_official(value: Any, model: Any) -> Any:
    """The JSON value in Plaid's own type. Raises where it does not fit."""
    return validate_and_convert_types(
        value, (model,), ["received"], True, True, official.Configuration(host="http://127.0.0.1")
    )


def unknown_fields(model: Any, path: str = "") -> list[str]:
    """The fields that Plaid's types have no name for; the types keep such fields without a word."""
    if isinstance(model, list):
        return [one for inner in model for one in unknown_fields(inner, path)]
    if not isinstance(model, ModelNormal):
        return []
    found = []
    for name, value in model._data_store.items():
        if name not in model.openapi_types:
            found.append(f"{path}.{name}")
        found += unknown_fields(value, f"{path}.{name}")
    return found


def test_plaids_own_client_reads_every_answer(plaid: FakePlaid, api: PlaidApi) -> None:
    item = plaid.new_item(
        accounts=[
            new_account(),
            new_account("Plaid Card", type="credit", subtype="credit card", available=None),
            new_account("Wallet", currency=None, unofficial_currency="BTC"),
        ]
    )
    pending = item.add(5, pending=True)
    item.modify(item.add(7, date="2024-03-06"), name="Other")
    item.post(pending)

    link = api.link_token_create(
        LinkTokenCreateRequest(
            client_name="Test",
            language="en",
            country_codes=[CountryCode("US")],
            products=[Products("transactions")],
            user=LinkTokenCreateRequestUser(client_user_id="me"),
        )
    )
    public_token = plaid.finish_link(link.link_token, item)
    token = api.item_public_token_exchange(ItemPublicTokenExchangeRequest(public_token=public_token))
    read_item = api.item_get(ItemGetRequest(access_token=token.access_token))
    institution = api.institutions_get_by_id(
        InstitutionsGetByIdRequest(
            institution_id=read_item.item.institution_id, country_codes=[CountryCode("US")]
        )
    )
    accounts = api.accounts_get(AccountsGetRequest(access_token=token.access_token))
    options = TransactionsSyncRequestOptions(include_original_description=True)
    page = api.transactions_sync(
        TransactionsSyncRequest(access_token=token.access_token, count=3, options=options)
    )
    rest = api.transactions_sync(
        TransactionsSyncRequest(access_token=token.access_token, cursor=page.next_cursor, options=options)
    )
    key = api.webhook_verification_key_get(WebhookVerificationKeyGetRequest(key_id=plaid.key.kid))
    item.broken = "ITEM_LOGIN_REQUIRED"
    broken = api.item_get(ItemGetRequest(access_token=token.access_token))
    removed = api.item_remove(ItemRemoveRequest(access_token=token.access_token))

    # They mean what the fake meant.
    assert (token.item_id, read_item.item.item_id) == (item.id, item.id)
    assert institution.institution.name == "First Platypus Bank"
    assert [one.name for one in accounts.accounts] == ["Plaid Checking", "Plaid Card", "Wallet"]
    assert ([one.amount for one in page.added], page.has_more) == ([5, 7], True)
    assert page.modified[0].date == date(2024, 3, 6)
    assert rest.removed[0].transaction_id == pending
    assert rest.added[0].pending_transaction_id == pending
    assert rest.has_more is False
    assert key.key.kid == plaid.key.kid
    assert broken.item.error.error_code == "ITEM_LOGIN_REQUIRED"

    # And have no field that Plaid's types don't know.
    for answer in (link, token, read_item, institution, accounts, page, rest, key, broken, removed):
        assert unknown_fields(answer, type(answer).__name__) == []


def test_plaids_own_client_reads_every_error(plaid: FakePlaid, api: PlaidApi) -> None:
    item = plaid.new_item()
    item.broken = "ITEM_LOGIN_REQUIRED"
    plaid.refuse("/item/remove", "RATE_LIMIT", status=429, kind="RATE_LIMIT_EXCEEDED")
    calls: list[Callable[[], object]] = [
        lambda: api.transactions_sync(TransactionsSyncRequest(access_token=item.access_token)),
        lambda: api.item_remove(ItemRemoveRequest(access_token=item.access_token)),
        lambda: api.item_get(ItemGetRequest(access_token="access-sandbox-unknown")),
        lambda: api.item_public_token_exchange(ItemPublicTokenExchangeRequest(public_token="used")),
    ]

    codes = []
    for one in calls:
        with pytest.raises(official.ApiException) as caught:
            one()
        error = as_official(json.decode(caught.value.body.encode()), PlaidError)
        assert unknown_fields(error) == []
        codes.append((caught.value.status, error.error_code))

    assert codes == [
        (400, "ITEM_LOGIN_REQUIRED"),
        (429, "RATE_LIMIT"),
        (400, "INVALID_ACCESS_TOKEN"),
        (400, "INVALID_PUBLIC_TOKEN"),
    ]


def test_a_wrong_secret_opens_nothing(plaid: FakePlaid, settings: Any) -> None:
    item = plaid.new_item()
    settings.PLAID_SECRET = "another"

    with pytest.raises(ProviderError, match="INVALID_API_KEYS"):
        client.get_item(item.access_token)


@pytest.mark.parametrize(
    ("model", "kind", "code", "more"),
    [
        (
            SyncUpdatesAvailableWebhook,
            "TRANSACTIONS",
            "SYNC_UPDATES_AVAILABLE",
            {"initial_update_complete": True, "historical_update_complete": False},
        ),
        (
            ItemErrorWebhook,
            "ITEM",
            "ERROR",
            {"error": {"error_type": "ITEM_ERROR", "error_code": "ITEM_LOGIN_REQUIRED",
                       "error_message": "log in", "display_message": None}},
        ),
        (
            PendingExpirationWebhook,
            "ITEM",
            "PENDING_EXPIRATION",
            {"consent_expiration_time": "2024-04-15T13:25:17.766Z"},
        ),
        (UserPermissionRevokedWebhook, "ITEM", "USER_PERMISSION_REVOKED", {}),
        (ItemLoginRepairedWebhook, "ITEM", "LOGIN_REPAIRED", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_webhooks_are_of_plaids_types(
    plaid: FakePlaid, model: Any, kind: str, code: str, more: dict[str, Any]
) -> None:
    webhook = plaid.webhook("eVBnVMp7zdTJLkRNr33Rs6zr7KNJqBFL9DrE6", code, kind=kind, **more)

    assert unknown_fields(as_official(json.decode(webhook.body), model)) == []


def test_each_of_our_requests_is_of_plaids_types(plaid: FakePlaid, settings: Any) -> None:
    settings.PLAID_WEBHOOK_URL = "https://books.example.com/v1/banks/webhook/plaid"
    settings.PLAID_REDIRECT_URI = "https://books.example.com/back"
    item = plaid.new_item()

    client.create_link_token(user="entity_01h455vb4pex5vsknk084sn02q")
    client.create_link_token(user="entity_01h455vb4pex5vsknk084sn02q", access_token=item.access_token)
    client.exchange_public_token(plaid.public_token(item))
    client.get_item(item.access_token)
    client.get_institution(item.institution_id)
    client.get_accounts(item.access_token)
    page = client.sync_transactions(item.access_token, "")
    client.sync_transactions(item.access_token, page.next_cursor)
    client.get_webhook_key(plaid.key.kid)
    client.remove_item(item.access_token)

    assert {one.path for one in plaid.calls} == REQUESTS.keys()
    for one in plaid.calls:
        assert unknown_fields(as_official(one.body, REQUESTS[one.path])) == []
        assert one.headers["Plaid-Version"] == "2020-09-14"

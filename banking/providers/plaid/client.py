"""The calls of Plaid's API that we make, one function each; https://plaid.com/docs/api/.

What comes back is in the shapes of `banking.providers.plaid.shapes`. Errors are those of
`banking.providers.base`.
"""

from typing import Any, Final

from django.conf import settings

from banking.providers.plaid.http import call
from banking.providers.plaid.shapes import (
    Account,
    AccountsAnswer,
    ExchangedToken,
    Institution,
    InstitutionAnswer,
    Item,
    ItemAnswer,
    Key,
    KeyAnswer,
    LinkToken,
    SyncAnswer,
    read,
)

LINES_PER_PAGE: Final = 500  # the most that Plaid gives
# Plaid takes at most 30 characters.
CLIENT_NAME_CHARACTERS_MAX: Final = 30


def create_link_token(*, user: str, access_token: str = "") -> LinkToken:
    """Begin to connect a bank, or, with an access token, to repair that connection (update mode).

    `user` is our name of whoever connects; Plaid wants no personal data in it.
    """
    body: dict[str, Any] = {
        "client_name": settings.PLAID_CLIENT_NAME[:CLIENT_NAME_CHARACTERS_MAX],
        "language": settings.PLAID_LANGUAGE,
        "country_codes": settings.PLAID_COUNTRY_CODES,
        "user": {"client_user_id": user},
    }
    if access_token:
        # Products must be left out here.
        body["access_token"] = access_token
    else:
        body["products"] = settings.PLAID_PRODUCTS
        body["transactions"] = {"days_requested": settings.PLAID_DAYS_REQUESTED}
    if settings.PLAID_WEBHOOK_URL:
        body["webhook"] = settings.PLAID_WEBHOOK_URL
    if settings.PLAID_REDIRECT_URI:
        body["redirect_uri"] = settings.PLAID_REDIRECT_URI
    return read(call("/link/token/create", body, repeatable=True), LinkToken)


def exchange_public_token(public_token: str) -> ExchangedToken:
    """Turn the token that a person brought back from the bank into one that stays. It works once, so this is
    not tried again."""
    body = {"public_token": public_token}
    return read(call("/item/public_token/exchange", body, repeatable=False), ExchangedToken)


def get_item(access_token: str) -> Item:
    """Return the connection."""
    return read(call("/item/get", {"access_token": access_token}, repeatable=True), ItemAnswer).item


def get_institution(institution_id: str) -> Institution:
    """Return the bank of that id."""
    body = {"institution_id": institution_id, "country_codes": settings.PLAID_COUNTRY_CODES}
    return read(call("/institutions/get_by_id", body, repeatable=True), InstitutionAnswer).institution


def get_accounts(access_token: str) -> list[Account]:
    """Return the accounts that the person allowed us to see, with the balances that Plaid last fetched."""
    return read(
        call("/accounts/get", {"access_token": access_token}, repeatable=True), AccountsAnswer
    ).accounts


def sync_transactions(access_token: str, cursor: str) -> SyncAnswer:
    """Return the next page of what changed since `cursor`; an empty one begins with all that there is."""
    body: dict[str, Any] = {
        "access_token": access_token,
        "count": LINES_PER_PAGE,
        "options": {"include_original_description": True},
    }
    if cursor:
        body["cursor"] = cursor
    return read(call("/transactions/sync", body, repeatable=True), SyncAnswer)


def remove_item(access_token: str) -> None:
    """Give the connection up. Plaid then asks the bank for nothing more, and charges nothing more."""
    call("/item/remove", {"access_token": access_token}, repeatable=True)


def get_webhook_key(kid: str) -> Key:
    """Return the public key of that id. Not tried again: a webhook waits for it, and comes again itself."""
    return read(call("/webhook_verification_key/get", {"key_id": kid}, repeatable=False), KeyAnswer).key

"""QuickBooks Online: chart of accounts and journal entries.

https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/account and …/journalentry.
Invoices, bills and payments are not read: they are not journal entries there.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import requests

from accounts.services.outside import OutsideAccount
from banking.http import bound
from banking.integrations.applications import Application
from banking.integrations.calls import Calls
from banking.integrations.oauth import Tokens, brief
from banking.integrations.sources.base import (
    Amount,
    EntryPage,
    OutsideEntry,
    Unreadable,
    Workspace,
    amount,
    id_of,
    inner,
    objects,
    text,
    word,
)
from banking.integrations.sources.quickbooks_types import types_of
from ledger.exceptions import ProviderError, ValidationError
from ledger.times import parse_day
from transactions.choices import Status

PAGE_SIZE: Final = 1000  # the most that it gives
# Fields and behaviour of the answers: the lowest version that Intuit still serves, since August 2025.
MINOR_VERSION: Final = 75
_ID_DIGITS_MAX: Final = 32


class QuickBooks:
    """A company at QuickBooks Online; its id is the realm's."""

    status = Status.POSTED

    def workspace(self, calls: Calls, *, tokens: Tokens, returned: Mapping[str, str]) -> Workspace:
        """The company that was chosen: the browser brings its id, and the token opens no other one."""
        realm_id = returned.get("realmId", "")
        if not (realm_id.isascii() and realm_id.isdigit() and len(realm_id) <= _ID_DIGITS_MAX):
            raise ValidationError.of("realmId", "QuickBooks did not say which company it is; connect again.")
        answer = calls.get(f"/v3/company/{realm_id}/companyinfo/{realm_id}", {"minorversion": MINOR_VERSION})
        return Workspace(realm_id, text(inner(answer, "CompanyInfo"), "CompanyName", length_max=200))

    def currency(self, calls: Calls, workspace_id: str) -> str | None:
        """The home currency."""
        preferences = _query(calls, workspace_id, "select * from Preferences")
        for one in objects(preferences.get("Preferences")):
            code = text(inner(one, "CurrencyPrefs", "HomeCurrency"), "value", length_max=3)
            if code:
                return code
        raise ProviderError("QuickBooks did not say in which currency the company's books are.")

    def accounts(
        self, calls: Calls, workspace_id: str, currency: str
    ) -> Iterator[OutsideAccount | Unreadable]:
        """Closed ones too: old entries are on them."""
        position = 1
        while True:
            answer = _query(
                calls,
                workspace_id,
                "select * from Account where Active in (true, false) orderby MetaData.CreateTime"
                f" startposition {position} maxresults {PAGE_SIZE}",
            )
            found = objects(answer.get("Account"))
            yield from (_account(one, currency) for one in found)
            if len(found) < PAGE_SIZE:
                return
            position += PAGE_SIZE

    def entries(self, calls: Calls, workspace_id: str, position: str) -> EntryPage:
        """In the order in which they were made, so that a new one comes last and shifts none."""
        start = int(position or "1")
        answer = _query(
            calls,
            workspace_id,
            "select * from JournalEntry orderby MetaData.CreateTime"
            f" startposition {start} maxresults {PAGE_SIZE}",
        )
        found = objects(answer.get("JournalEntry"))
        entries = [_entry(one) for one in found]
        return EntryPage(entries, str(start + PAGE_SIZE) if len(found) == PAGE_SIZE else None)

    def revoke(self, app: Application, tokens: Tokens, workspace_id: str) -> None:
        """Take back the refresh token, and with it all that came of it."""
        with requests.Session() as session:
            bound(session, brief(app))
            session.post(
                app.revoke_url,
                json={"token": tokens.refresh_token},
                headers={"Accept": "application/json"},
                auth=(app.client_id, app.client_secret),
                allow_redirects=False,
            )


def _query(calls: Calls, realm_id: str, query: str) -> dict[str, Any]:
    answer = calls.get(f"/v3/company/{realm_id}/query", {"query": query, "minorversion": MINOR_VERSION})
    if not isinstance(answer.get("QueryResponse"), dict):
        raise ProviderError("QuickBooks answered a query with nothing we know.")
    return inner(answer, "QueryResponse")


def _account(one: dict[str, Any], currency: str) -> OutsideAccount | Unreadable:
    in_currency = text(inner(one, "CurrencyRef"), "value", length_max=3) or currency
    try:
        id_ = id_of(one, "Id")
        type_, financial_type = types_of(text(one, "AccountType"), text(one, "AccountSubType"))
        if in_currency != currency:
            raise ValidationError.of(
                "CurrencyRef", f"the account is in {in_currency}, the books in {currency}."
            )
    except ValidationError as error:
        return Unreadable(f"Account:{text(one, 'Id', length_max=100)}", error.message)
    return OutsideAccount(
        id=id_,
        name=text(one, "Name", length_max=200),
        type=type_,
        financial_type=financial_type,
        code=text(one, "AcctNum", length_max=20),
        parent_id=text(inner(one, "ParentRef"), "value", length_max=100) or None,
        description=text(one, "Description"),
    )


def _entry(one: dict[str, Any]) -> OutsideEntry | Unreadable:
    id_ = f"JournalEntry:{text(one, 'Id', length_max=100)}"
    try:
        id_of(one, "Id")
        return OutsideEntry(
            id=id_,
            when=parse_day(one.get("TxnDate"), field="TxnDate"),
            description=_description(one),
            currency=text(inner(one, "CurrencyRef"), "value", length_max=3) or None,
            amounts=[_amount(line) for line in objects(one.get("Line")) if _has_amount(line)],
        )
    except ValidationError as error:
        return Unreadable(id_, error.message)


def _description(one: dict[str, Any]) -> str:
    lines = (text(line, "Description") for line in objects(one.get("Line")))
    number = text(one, "DocNumber", length_max=50)
    return text(one, "PrivateNote") or next(filter(None, lines), "") or f"Journal entry {number}".strip()


def _has_amount(line: dict[str, Any]) -> bool:
    """Others are for people to read (DetailType DescriptionOnly)."""
    return line.get("DetailType") == "JournalEntryLineDetail"


def _amount(line: dict[str, Any]) -> Amount:
    detail = inner(line, "JournalEntryLineDetail")
    sign = 1 if word(detail, "PostingType", "Debit", "Credit") == "Debit" else -1
    return Amount(id_of(inner(detail, "AccountRef"), "value"), sign * amount(line, "Amount"))

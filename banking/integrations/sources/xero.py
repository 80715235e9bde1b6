"""Xero: chart of accounts and journals, which are the whole general ledger there.

https://developer.xero.com/documentation/api/accounting/accounts and …/journals. A journal is never changed:
what is voided or edited is answered by a reversing journal.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from accounts.choices import AccountType
from accounts.services.outside import OutsideAccount
from banking.integrations.applications import Application
from banking.integrations.calls import Calls, calls_with
from banking.integrations.oauth import Tokens
from banking.integrations.sources.base import (
    Amount,
    EntryPage,
    OutsideEntry,
    Unreadable,
    Workspace,
    amount,
    id_of,
    objects,
    text,
    word,
)
from ledger.api import json
from ledger.exceptions import ProviderError, ValidationError, shown
from ledger.times import YEAR_MAX, YEAR_MIN, parse_day
from transactions.choices import Status

PAGE_SIZE: Final = 100  # what it gives, always
_TENANT: Final = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
# Milliseconds since 1970, as in /Date(1368403200000+0000)/.
_DATE: Final = re.compile(r"/Date\((-?[0-9]{1,15})([+-][0-9]{4})?\)/", re.ASCII)

_A, _L, _E, _R, _X = (
    AccountType.ASSET,
    AccountType.LIABILITY,
    AccountType.EQUITY,
    AccountType.REVENUE,
    AccountType.EXPENSE,
)
_TYPES: Final[dict[str, tuple[AccountType, str]]] = {
    "BANK": (_A, "CASH"),
    "CURRENT": (_A, "OTHER_CURRENT_ASSETS"),
    "INVENTORY": (_A, "INVENTORY"),
    "PREPAYMENT": (_A, "PREPAID_EXPENSES"),
    "FIXED": (_A, "OTHER_FIXED_ASSETS"),
    "NONCURRENT": (_A, "OTHER_NON_CURRENT_ASSETS"),
    "CURRLIAB": (_L, "OTHER_CURRENT_LIABILITIES"),
    "LIABILITY": (_L, "OTHER_CURRENT_LIABILITIES"),
    "PAYGLIABILITY": (_L, "PAYROLL_LIABILITIES"),
    "SUPERANNUATIONLIABILITY": (_L, "PAYROLL_LIABILITIES"),
    "WAGESPAYABLELIABILITY": (_L, "PAYROLL_LIABILITIES"),
    "TERMLIAB": (_L, "OTHER_NON_CURRENT_LIABILITIES"),
    "EQUITY": (_E, "OWNER_EQUITY"),
    "REVENUE": (_R, "OTHER_REVENUES"),
    "SALES": (_R, "SALES"),
    "OTHERINCOME": (_R, "OTHER_INCOME"),
    "DIRECTCOSTS": (_X, "COST_OF_GOODS_SOLD"),
    "EXPENSE": (_X, "OTHER_EXPENSES"),
    "OVERHEADS": (_X, "OTHER_EXPENSES"),
    "DEPRECIATN": (_X, "DEPRECIATION_EXPENSES"),
    "WAGESEXPENSE": (_X, "PAYROLL_EXPENSES"),
    "SUPERANNUATIONEXPENSE": (_X, "EMPLOYEE_BENEFITS_EXPENSES"),
}
# What Xero itself uses an account for says more than its type; it counts where it is of that type.
_SYSTEM_ACCOUNTS: Final[dict[str, tuple[AccountType, str]]] = {
    "DEBTORS": (_A, "ACCOUNTS_RECEIVABLE"),
    "CREDITORS": (_L, "ACCOUNTS_PAYABLE"),
    "GST": (_L, "SALES_TAX_PAYABLE"),
    "GSTONIMPORTS": (_L, "SALES_TAX_PAYABLE"),
    "RETAINEDEARNINGS": (_E, "RETAINED_EARNINGS"),
    "WAGEPAYABLES": (_L, "PAYROLL_LIABILITIES"),
    "BANKCURRENCYGAIN": (_X, "FOREIGN_EXCHANGE_LOSSES"),
    "REALISEDCURRENCYGAIN": (_X, "FOREIGN_EXCHANGE_LOSSES"),
    "UNREALISEDCURRENCYGAIN": (_X, "FOREIGN_EXCHANGE_LOSSES"),
}


class Xero:
    """An organisation at Xero; its id is the tenant's."""

    status = Status.POSTED

    def workspace(self, calls: Calls, *, tokens: Tokens, returned: Mapping[str, str]) -> Workspace:
        """The organisation that was chosen just now. A person may have connected others before, for other
        companies here: the token's event tells them apart."""
        event = _authentication_event(tokens.access_token)
        found = _connections(calls, event)
        if not found:
            raise ProviderError("Xero names no organisation that we may read; connect again and choose one.")
        newest = max(found, key=lambda one: text(one, "updatedDateUtc"))
        tenant_id = text(newest, "tenantId")
        if not _TENANT.fullmatch(tenant_id):
            raise ProviderError("Xero named an organisation by nothing we know.")
        return Workspace(tenant_id, text(newest, "tenantName", length_max=200))

    def currency(self, calls: Calls, workspace_id: str) -> str | None:
        """The base currency, in which all journals are."""
        answer = _get(calls, workspace_id, "/api.xro/2.0/Organisation")
        for one in objects(answer.get("Organisations")):
            if code := text(one, "BaseCurrency", length_max=3):
                return code
        raise ProviderError("Xero did not say in which currency the organisation's books are.")

    def accounts(
        self, calls: Calls, workspace_id: str, currency: str
    ) -> Iterator[OutsideAccount | Unreadable]:
        """All of them, archived ones too, as one answer has them. Journals are in the base currency even on a
        bank account in another one."""
        answer = _get(calls, workspace_id, "/api.xro/2.0/Accounts")
        yield from (_account(one) for one in objects(answer.get("Accounts")))

    def entries(self, calls: Calls, workspace_id: str, position: str) -> EntryPage:
        """In the order of their numbers; the position is the last one that was read."""
        answer = _get(calls, workspace_id, "/api.xro/2.0/Journals", {"offset": int(position or "0")})
        found = objects(answer.get("Journals"))
        numbers = [one.get("JournalNumber") for one in found]
        if not all(isinstance(number, int) and number > int(position or "0") for number in numbers):
            raise ProviderError("Xero gave journals without numbers, or again those that were read.")
        last = max((number for number in numbers if isinstance(number, int)), default=0)
        return EntryPage([_entry(one) for one in found], str(last) if len(found) >= PAGE_SIZE else None)

    def revoke(self, app: Application, tokens: Tokens, workspace_id: str) -> None:
        """Take the organisation away from our application.

        Revoking the token instead would end every connection that the same person has made, an accountant's
        other clients among them (https://developer.xero.com/documentation/guides/oauth2/auth-flow#revoking).
        """
        calls = calls_with(app, tokens)
        for one in _connections(calls, None):
            connection_id = text(one, "id")
            if text(one, "tenantId") == workspace_id and _TENANT.fullmatch(connection_id):
                calls.send("DELETE", f"/connections/{connection_id}")


def _connections(calls: Calls, event: str | None) -> list[dict[str, Any]]:
    # The answer is a list, where all others are objects.
    response = calls.send("GET", "/connections", {"authEventId": event} if event else None)
    try:
        return objects(json.decode(response.content)) if response.status_code == 200 else []
    except ValidationError:
        raise ProviderError("Xero answered with what is no JSON.") from None


def _authentication_event(access_token: str) -> str | None:
    """The event in which a person gave the permission, as the token says, which is a JWT that came from Xero
    itself and is not checked again; None where it says nothing."""
    parts = access_token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValidationError, binascii.Error, ValueError):
        return None
    event = text(claims, "authentication_event_id") if isinstance(claims, dict) else ""
    return event if _TENANT.fullmatch(event) else None


def _get(
    calls: Calls, tenant_id: str, path: str, query: Mapping[str, str | int] | None = None
) -> dict[str, Any]:
    return calls.get(path, query, headers={"Xero-Tenant-Id": tenant_id})


def _account(one: dict[str, Any]) -> OutsideAccount | Unreadable:
    try:
        id_ = id_of(one, "AccountID")
        type_, financial_type = _TYPES[word(one, "Type", *_TYPES)]
    except ValidationError as error:
        return Unreadable(f"Account:{text(one, 'AccountID', length_max=100)}", error.message)
    if text(one, "BankAccountType") == "CREDITCARD":
        type_, financial_type = _L, "CREDIT_CARD"
    system = _SYSTEM_ACCOUNTS.get(text(one, "SystemAccount"))
    if system is not None and system[0] is type_:
        financial_type = system[1]
    return OutsideAccount(
        id=id_,
        name=text(one, "Name", length_max=200),
        type=type_,
        financial_type=financial_type,
        code=text(one, "Code", length_max=20),
        description=text(one, "Description"),
    )


def _entry(one: dict[str, Any]) -> OutsideEntry | Unreadable:
    id_ = f"Journal:{text(one, 'JournalID', length_max=100)}"
    lines = objects(one.get("JournalLines"))
    try:
        id_of(one, "JournalID")
        return OutsideEntry(
            id=id_,
            when=_day(one.get("JournalDate")),
            description=_description(one, lines),
            currency=None,
            # The tax of a line stands in a line of its own, on the tax account, so that net amounts are all.
            amounts=[Amount(id_of(line, "AccountID"), amount(line, "NetAmount")) for line in lines],
        )
    except ValidationError as error:
        return Unreadable(id_, error.message)


def _description(one: dict[str, Any], lines: list[dict[str, Any]]) -> str:
    words = (text(line, "Description") for line in lines)
    return next(filter(None, words), "") or text(one, "Reference") or f"Journal {text(one, 'JournalNumber')}"


def _day(value: object) -> date:
    """A day without a time zone: midnight UTC of it, or ISO 8601."""
    if isinstance(value, str) and (found := _DATE.fullmatch(value)):
        try:
            day = datetime.fromtimestamp(int(found[1]) / 1000, UTC).date()
        except (OverflowError, OSError, ValueError):
            day = date.min
        if YEAR_MIN <= day.year <= YEAR_MAX:
            return day
        raise ValidationError.of("JournalDate", f"{shown(value)} is out of bounds.")
    return parse_day(value[:10] if isinstance(value, str) else value, field="JournalDate")

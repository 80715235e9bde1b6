"""Stripe: balance transactions, each of which changes what Stripe holds for the company.

https://docs.stripe.com/api/balance_transactions. What Stripe holds is one account of ours, its
counterparts are told by the transaction's type: a charge is income, its fee an expense, a payout is on its
way to the bank.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import requests

from accounts.choices import AccountType
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
    id_of,
    objects,
    text,
)
from ledger.exceptions import ProviderError, ValidationError, shown
from ledger.money import AMOUNT_LIMIT, MINOR_DIGITS, parse_currency
from ledger.times import YEAR_MAX, YEAR_MIN
from transactions.choices import Status

PAGE_SIZE: Final = 100  # the most that it gives
# What the answers look like; without it that is whatever the account's owner has chosen.
VERSION: Final = "2024-06-20"

# Where Stripe counts other units than ISO 4217 has: https://docs.stripe.com/currencies#zero-decimal and
# #special-cases. Amounts in krónur and shillings are in hundredths there, of which they have none.
_DIGITS: Final = MINOR_DIGITS | {"MGA": 0, "ISK": 2, "UGX": 2}

_HELD = "balance"
_SALES, _REFUNDS, _FEES, _TRANSIT = "sales", "refunds", "fees", "payouts"
_OTHER_INCOME, _OTHER_COST = "other-income", "other-costs"

_ACCOUNTS: Final = (
    # Takings that are held for us are cash already (ASC 230-10-20), as are payouts on their way.
    OutsideAccount(_HELD, "Stripe balance", AccountType.ASSET, "UNDEPOSITED_FUNDS"),
    OutsideAccount(_TRANSIT, "Stripe payouts in transit", AccountType.ASSET, "UNDEPOSITED_FUNDS"),
    OutsideAccount(_SALES, "Stripe sales", AccountType.REVENUE, "SALES"),
    OutsideAccount(_REFUNDS, "Stripe refunds and disputes", AccountType.REVENUE, "SALES_RETURNS_AND_REFUNDS"),
    OutsideAccount(_OTHER_INCOME, "Stripe other income", AccountType.REVENUE, "UNCATEGORIZED_INCOME"),
    OutsideAccount(_FEES, "Stripe fees", AccountType.EXPENSE, "MERCHANT_FEES"),
    OutsideAccount(_OTHER_COST, "Stripe other costs", AccountType.EXPENSE, "UNCATEGORIZED_EXPENSE"),
)
# https://docs.stripe.com/reports/balance-transaction-types
_COUNTERPARTS: Final[dict[str, str]] = {
    "charge": _SALES,
    "payment": _SALES,
    "charge_failure": _SALES,
    "payment_failure_refund": _SALES,
    "payment_reversal": _SALES,
    "refund": _REFUNDS,
    "refund_failure": _REFUNDS,
    "payment_refund": _REFUNDS,
    # Disputes lost and won: the customer's money goes back, or comes back.
    "adjustment": _REFUNDS,
    "stripe_fee": _FEES,
    "stripe_fx_fee": _FEES,
    "tax_fee": _FEES,
    "network_cost": _FEES,
    "payout": _TRANSIT,
    "payout_cancel": _TRANSIT,
    "payout_failure": _TRANSIT,
    "payout_minimum_balance_hold": _HELD,
    "payout_minimum_balance_release": _HELD,
    "topup": _TRANSIT,
    "topup_reversal": _TRANSIT,
}


class Stripe:
    """An account at Stripe."""

    # Stripe has moved the money, but what it was for is told by its type alone: a person approves.
    status = Status.CLEARED

    def workspace(self, calls: Calls, *, tokens: Tokens, returned: Mapping[str, str]) -> Workspace:
        """The account that was connected, as the tokens came with it."""
        account_id = text(tokens.more, "stripe_user_id", length_max=200)
        if not account_id:
            raise ProviderError("Stripe did not say which account it is; connect again.")
        return Workspace(account_id, "")

    def currency(self, calls: Calls, workspace_id: str) -> str | None:
        """Each balance transaction says it itself."""
        return None

    def accounts(
        self, calls: Calls, workspace_id: str, currency: str
    ) -> Iterator[OutsideAccount | Unreadable]:
        """Stripe has no chart: the accounts are ours."""
        yield from _ACCOUNTS

    def entries(self, calls: Calls, workspace_id: str, position: str) -> EntryPage:
        """The newest first; the position is the last that was read, so that newer ones shift nothing."""
        query: dict[str, str | int] = {"limit": PAGE_SIZE}
        if position:
            query["starting_after"] = position
        answer = calls.get("/v1/balance_transactions", query, headers={"Stripe-Version": VERSION})
        found = objects(answer.get("data"))
        entries = [_entry(one) for one in found]
        if answer.get("has_more") is not True:
            return EntryPage(entries, None)
        last = text(found[-1], "id") if found else ""
        if not last or last == position:
            raise ProviderError("Stripe said that there are more balance transactions, but not after which.")
        return EntryPage(entries, last)

    def revoke(self, app: Application, tokens: Tokens, workspace_id: str) -> None:
        """Take the account away from our application."""
        with requests.Session() as session:
            bound(session, brief(app))
            session.post(
                app.revoke_url,
                data={"client_id": app.client_id, "stripe_user_id": workspace_id},
                auth=(app.client_secret, ""),
                allow_redirects=False,
            )


def _entry(one: dict[str, Any]) -> OutsideEntry | Unreadable:
    id_ = f"BalanceTransaction:{text(one, 'id', length_max=200)}"
    try:
        id_of(one, "id")
        currency = parse_currency(one.get("currency"), field="currency")
        gross, fee, net = (_amount(one, name, currency) for name in ("amount", "fee", "net"))
        if net != gross - fee:
            raise ValidationError.of("net", f"{net} is not {gross} less the fee of {fee}.")
        type_ = text(one, "type", length_max=60)
        other = _COUNTERPARTS.get(type_, _OTHER_INCOME if gross > 0 else _OTHER_COST)
        amounts = [(_HELD, gross), (other, -gross), (_FEES, fee), (_HELD, -fee)]
        return OutsideEntry(
            id=id_,
            when=_moment(one.get("created")),
            description=text(one, "description") or f"Stripe {type_.replace('_', ' ')}",
            currency=currency,
            amounts=[Amount(account_id, amount) for account_id, amount in amounts if amount],
        )
    except ValidationError as error:
        return Unreadable(id_, error.message)


def _amount(one: dict[str, Any], name: str, currency: str) -> Decimal:
    """An integer of the currency's smallest units, as Stripe counts them."""
    units = one.get(name)
    if not isinstance(units, int) or isinstance(units, bool):
        raise ValidationError.of(name, f"{shown(units)} is no integer.")
    if abs(units) >= AMOUNT_LIMIT:
        raise ValidationError.of(name, f"{shown(units)} is out of bounds.")
    return Decimal(units).scaleb(-_DIGITS[currency])


def _moment(value: object) -> datetime:
    """Seconds since 1970."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**11:
        moment = datetime.fromtimestamp(value, UTC)
        if YEAR_MIN <= moment.year <= YEAR_MAX:
            return moment
    raise ValidationError.of("created", f"{shown(value)} is no moment in seconds since 1970.")

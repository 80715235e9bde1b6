"""Plaid as a provider of bank connections."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import structlog

from banking.models import BankConnection
from banking.providers.base import (
    AccountSeen,
    Exchanged,
    LineRemoved,
    LineSeen,
    Link,
    ProviderDownError,
    SyncPage,
)
from banking.providers.plaid import client
from banking.providers.plaid.errors import GoneError
from banking.providers.plaid.shapes import Account, Balances, Line, read
from ledger.encryption import decrypt
from ledger.exceptions import ProviderError, ValidationError
from ledger.models import Entity
from ledger.money import MINOR_DIGITS, parse_amount

logger = structlog.get_logger(__name__)

DESCRIPTION_CHARACTERS_MAX: Final = 1000
NAME_CHARACTERS_MAX: Final = 200
CATEGORY_CHARACTERS_MAX: Final = 100
MASK_CHARACTERS_MAX: Final = 10
TYPE_CHARACTERS_MAX: Final = 50


class PlaidProvider:
    """Plaid's API, at the host of PLAID_BASE_URL."""

    def create_link(self, *, entity: Entity, connection: BankConnection | None) -> Link:
        """Begin to connect a bank, or to repair `connection`."""
        token = client.create_link_token(
            user=entity.public_id,
            access_token=decrypt(connection.access_token) if connection else "",
        )
        return Link(token=token.link_token, expires_at=token.expiration, request_id=token.request_id)

    def exchange(self, *, entity: Entity, public_token: str) -> Exchanged:
        """Turn the public token into a connection."""
        exchanged = client.exchange_public_token(public_token)
        institution_id, institution_name = _institution(exchanged.access_token)
        return Exchanged(
            item_id=exchanged.item_id,
            access_token=exchanged.access_token,
            institution_id=institution_id,
            institution_name=institution_name,
        )

    def accounts(self, access_token: str) -> list[AccountSeen]:
        """The accounts of the connection."""
        return [_account(account) for account in client.get_accounts(access_token)]

    def sync(self, access_token: str, cursor: str) -> SyncPage:
        """The next page of what changed since `cursor`."""
        page = client.sync_transactions(access_token, cursor)
        if page.transactions_update_status == "NOT_READY":
            # Of a new connection there is nothing yet, which is not to be taken for all there is.
            raise ProviderDownError("Plaid is still reading the bank for the first time; try again later.")
        added, _ = _lines(page.added)
        modified, emptied = _lines(page.modified)
        removed = [LineRemoved(one.transaction_id, one.account_id) for one in page.removed]
        return SyncPage(
            added=added,
            modified=modified,
            removed=[*removed, *emptied],
            next_cursor=page.next_cursor,
            has_more=page.has_more,
            accounts=[_account(account) for account in page.accounts],
        )

    def disconnect(self, access_token: str) -> None:
        """Give the connection up; without effect where Plaid no longer has it."""
        try:
            client.remove_item(access_token)
        except GoneError:
            logger.info("plaid_item_gone_already")


def _institution(access_token: str) -> tuple[str, str]:
    """Return id and name of the connection's bank, as far as they can be had.

    The public token is used up by now: a name that cannot be had must not lose the connection.
    """
    institution_id = name = ""
    try:
        item = client.get_item(access_token)
        institution_id, name = item.institution_id or "", item.institution_name or ""
        if institution_id and not name:
            name = client.get_institution(institution_id).name
    except ProviderError as error:
        logger.warning("plaid_institution_unknown", institution_id=institution_id, reason=str(error))
    return institution_id, name[:NAME_CHARACTERS_MAX]


def _account(account: Account) -> AccountSeen:
    balances, currency = account.balances, _currency(account.balances)
    return AccountSeen(
        id=account.account_id,
        name=account.name[:NAME_CHARACTERS_MAX],
        official_name=(account.official_name or "")[:NAME_CHARACTERS_MAX],
        mask=(account.mask or "")[:MASK_CHARACTERS_MAX],
        type=account.type[:TYPE_CHARACTERS_MAX],
        subtype=(account.subtype or "")[:TYPE_CHARACTERS_MAX],
        currency=currency,
        balance_current=_balance(balances.current, currency),
        balance_available=_balance(balances.available, currency),
    )


def _balance(balance: Decimal | None, currency: str) -> Decimal | None:
    """The balance, or None where the bank said nothing, or what is no sum of the currency: better none than
    one that is not what the bank said."""
    if balance is None or currency not in MINOR_DIGITS:
        return None
    try:
        return parse_amount(balance, currency=currency, field="balance", allow_zero=True)
    except ValidationError as error:
        logger.warning("plaid_balance_refused", reason=error.message)
        return None


def _lines(raws: Sequence[Mapping[str, Any]]) -> tuple[list[LineSeen], list[LineRemoved]]:
    """Return the lines, and apart those over nothing: a card that was only checked moves no money, and of a
    hold that became nothing nothing is left."""
    lines, emptied = [], []
    for raw in raws:
        line = read(raw, Line)
        if line.amount:
            lines.append(_line(line, raw))
        else:
            emptied.append(LineRemoved(line.transaction_id, line.account_id))
    return lines, emptied


def _line(line: Line, raw: Mapping[str, Any]) -> LineSeen:
    category = line.personal_finance_category
    return LineSeen(
        id=line.transaction_id,
        account_id=line.account_id,
        pending=line.pending,
        pending_line_id=line.pending_transaction_id,
        date=line.date,
        authorized_date=line.authorized_date,
        amount=line.amount,
        currency=_currency(line),
        # The bank's own text, where Plaid has it; its `name` is cleaned already.
        description=(line.original_description or line.name)[:DESCRIPTION_CHARACTERS_MAX],
        counterparty=_counterparty(line)[:NAME_CHARACTERS_MAX],
        category=((category.detailed or category.primary) if category else "")[:CATEGORY_CHARACTERS_MAX],
        raw=raw,
    )


def _counterparty(line: Line) -> str:
    """The merchant; otherwise whoever else the line names first, a payment app or a market place."""
    if line.merchant_name:
        return line.merchant_name
    return line.counterparties[0].name if line.counterparties else ""


def _currency(of: Balances | Line) -> str:
    """The ISO 4217 code. Where there is none, Plaid's own (BTC), or none at all: no books are kept in that,
    and whoever stores it says so."""
    return of.iso_currency_code or of.unofficial_currency_code or "none"

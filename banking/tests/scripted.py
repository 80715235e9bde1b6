"""A bank that says what a test tells it to, in memory."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db import connection

from banking.choices import ProviderName
from banking.models import BankConnection
from banking.providers import base
from banking.providers.base import (
    AccountSeen,
    Exchanged,
    LineRemoved,
    LineSeen,
    Link,
    PublicTokenError,
    SyncPage,
    register_provider,
)
from ledger.models import Entity

CHECKING = AccountSeen(
    "chk", "Checking", "Business Checking", "1111", "depository", "checking", "USD",
    Decimal("1500.25"), Decimal("1400"),
)  # fmt: skip
SAVINGS = AccountSeen("sav", "Savings", "", "2222", "depository", "savings", "USD", Decimal(9000), None)
CARD = AccountSeen("crd", "Visa", "", "3333", "credit", "credit card", "USD", Decimal("210.40"), None)


class Scripted:
    """Pages of changes, one for each `tell`; a cursor is how many of them were read.

    Refuses to be called inside of a database transaction, as no provider may be.
    """

    def __init__(self, *accounts: AccountSeen) -> None:
        self.seen: list[AccountSeen] = list(accounts or (CHECKING, SAVINGS, CARD))
        self.pages: list[SyncPage] = []
        # What goes wrong when the page of that number is asked for, once each.
        self.faults: dict[int, list[Exception]] = defaultdict(list)
        self.account_faults: list[Exception] = []
        self.disconnect_faults: list[Exception] = []
        self.asked: list[str] = []
        self.given_up: list[str] = []
        # Called whenever a page is asked for.
        self.on_page: Callable[[int], object] = lambda number: None
        self.item = "item-1"
        self.used: set[str] = set()
        self.exchanges = 0
        self.links: list[BankConnection | None] = []
        # Tests that stand in one database transaction as a whole say so.
        self.is_strict = True

    def tell(
        self,
        *added: LineSeen,
        modified: Sequence[LineSeen] = (),
        removed: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Add a page; `removed` are lines with their accounts."""
        gone = [LineRemoved(*one) for one in removed]
        self.pages.append(SyncPage(added, modified, gone, "", has_more=False))

    # --- the provider ---

    def create_link(self, *, entity: Entity, connection: BankConnection | None) -> Link:
        self._check()
        self.links.append(connection)
        return Link("link-1", dt.datetime(2030, 1, 1, tzinfo=dt.UTC), "request-1")

    def exchange(self, *, entity: Entity, public_token: str) -> Exchanged:
        self._check()
        if not public_token.startswith("public-") or public_token in self.used:
            raise PublicTokenError("The public token is unknown or used.")
        self.used.add(public_token)
        self.exchanges += 1
        return Exchanged(self.item, f"access-{public_token}", "ins_1", "First Platypus Bank")

    def accounts(self, access_token: str) -> list[AccountSeen]:
        self._check()
        if self.account_faults:
            raise self.account_faults.pop(0)
        return list(self.seen)

    def sync(self, access_token: str, cursor: str) -> SyncPage:
        self._check()
        number = int(cursor or 0)
        self.asked.append(cursor)
        self.on_page(number)
        if self.faults[number]:
            raise self.faults[number].pop(0)
        end = len(self.pages)
        if number >= end:
            return SyncPage((), (), (), str(end), has_more=False)
        return replace(self.pages[number], next_cursor=str(number + 1), has_more=number + 1 < end)

    def disconnect(self, access_token: str) -> None:
        self._check()
        if self.disconnect_faults:
            raise self.disconnect_faults.pop(0)
        self.given_up.append(access_token)

    def _check(self) -> None:
        assert not (self.is_strict and connection.in_atomic_block), "called in a database transaction"


@contextmanager
def in_place_of_the_sandbox(provider: Any) -> Iterator[None]:
    """Let `provider` be the one that the setting names."""
    former = base._PROVIDERS.get(ProviderName.SANDBOX)
    register_provider(ProviderName.SANDBOX, provider)
    try:
        yield
    finally:
        if former is not None:
            register_provider(ProviderName.SANDBOX, former)

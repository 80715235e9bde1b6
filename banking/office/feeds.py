"""How the feeds are: connections and their syncs, bank accounts, statement files; and giving one up.

Whoever operates sees states and counts; amounts are for those who may read the books.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from banking.choices import ConnectionStatus
from banking.models import BankAccount, BankConnection, Integration
from banking.office.overview import account_states
from banking.querysets import (
    SYNC_ALL,
    SYNC_CONNECTION,
    bank_accounts,
    find_bank_account,
    find_connection,
    live_connections,
)
from banking.services.connecting import disconnect_account, start_sync
from banking.statements.reads import line_counts, statement_imports
from ledger.background import start_task
from ledger.choices import TaskState
from ledger.clock import utc_now
from ledger.ids import Prefix
from ledger.models import BackgroundTask
from ledger.office.access import Duty
from ledger.office.pages import CompanyPage

RUNS_SHOWN: Final = 12
IMPORTS_SHOWN: Final = 20
_STALE_DAYS: Final = 3
_KINDS: Final = "banking."
_REMEDIES: Final = {
    ConnectionStatus.LOGIN_REQUIRED: "The bank wants the person to log in again. Your program asks for a new "
    "link token (GET /v1/banks/create-link?connectionId={id}) and opens the bank's window with it; that "
    "cannot be done from here.",
    ConnectionStatus.FAILED: "The provider refuses. It is tried again by itself; where that lasts, connect "
    "the bank anew (GET /v1/banks/create-link).",
}


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """A connection, and what to do about it."""

    connection: BankConnection
    accounts: list[BankAccount]
    remedy: str
    days_since_sync: int | None
    is_under_way: bool

    @property
    def is_stale(self) -> bool:
        return self.days_since_sync is None or self.days_since_sync >= _STALE_DAYS


class Feeds(CompanyPage):
    """The page of the banks."""

    title = "Banks"
    template_name = "office/feeds.html"
    duty = Duty.OPERATE
    duty_to_change = Duty.OPERATE

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Connections, accounts, runs and files; the balances only for who may read the books."""
        runs = _runs(self)
        imports = list(statement_imports(self.company)[:IMPORTS_SHOWN])
        counts = line_counts(self.company, imports)
        states = account_states(self.company) if self.may(Duty.READ) else []
        accounts = [one.account for one in states] or list(bank_accounts(self.company))
        return super().get_context_data(
            connections=_connections(self, accounts, runs),
            accounts=accounts,
            states=states,
            runs=runs[:RUNS_SHOWN],
            is_under_way=any(one.finished_at is None for one in runs),
            imports=[(one, counts[one.id]) for one in imports],
            integrations=list(
                Integration.objects.filter(entity_id=self.company.id).order_by("created_at", "id")
            ),
            may_read=self.may(Duty.READ),
            **kwargs,
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Ask one bank, or all, what is new."""
        wanted = request.POST.get("connection", "")
        if wanted:
            connection = find_connection(self.company, self.id_of(Prefix.BANK_CONNECTION, wanted))
            if connection.disconnected_at is not None:
                messages.error(request, "That connection was given up; connect the bank anew.")
                return HttpResponseRedirect(request.path)
            start_sync(entity=self.company, connection=connection, actor=self.actor)
        else:
            start_task(entity=self.company, name=SYNC_ALL, key="all", actor=self.actor)
        self.say("The sync begins in the background.")
        return HttpResponseRedirect(request.path)


class Disconnect(CompanyPage):
    """Giving a bank account's feed up, once that was confirmed."""

    title = "Disconnect"
    template_name = "office/disconnect.html"
    duty = Duty.OPERATE
    duty_to_change = Duty.OPERATE

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The account, and what goes with it."""
        account = self._account()
        connection = account.connection
        others = (
            [one for one in bank_accounts(self.company) if one.connection_id == connection.id]
            if connection
            else []
        )
        return super().get_context_data(
            account=account,
            is_last=connection is not None and {one.id for one in others} <= {account.id},
            title=f"Disconnect {account}",
            crumbs=[("Banks", self.link("feeds"))],
            **kwargs,
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Disconnect it."""
        account = self._account()
        disconnect_account(entity=self.company, bank_account_id=account.id, actor=self.actor)
        self.say(f"{account} is disconnected; the books stay as they are.")
        return HttpResponseRedirect(self.link("feeds"))

    def after_refusal(self) -> str:
        """The banks."""
        return self.link("feeds")

    def _account(self) -> BankAccount:
        return find_bank_account(self.company, self.id_of(Prefix.BANK_ACCOUNT, self.kwargs["id"]))


def _runs(page: CompanyPage) -> list[BackgroundTask]:
    """The newest background work on banks, by the ids, which grow with time."""
    return list(
        BackgroundTask.objects.filter(entity_id=page.company.id, name__startswith=_KINDS).order_by("-id")[:50]
    )


def _connections(
    page: CompanyPage, accounts: list[BankAccount], runs: list[BackgroundTask]
) -> list[ConnectionRow]:
    under_way = {(one.name, one.key) for one in runs if one.state in (TaskState.QUEUED, TaskState.RUNNING)}
    is_all = any(name == SYNC_ALL for name, _ in under_way)
    now = utc_now()
    return [
        ConnectionRow(
            one,
            [account for account in accounts if account.connection_id == one.id],
            _REMEDIES.get(ConnectionStatus(one.status), "").format(id=one.public_id),
            _days(one.synced_at, now),
            is_all or (SYNC_CONNECTION, str(one.id)) in under_way,
        )
        for one in live_connections(page.company)
    ]


def _days(moment: datetime | None, now: datetime) -> int | None:
    return None if moment is None else (now - moment).days

"""Endpoints of bank accounts: connecting them, syncing them, and giving them up."""

from functools import cached_property
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from banking.api.account_shapes import (
    BANK_ACCOUNT,
    LINK,
    NEW_BANK_ACCOUNT,
    SYNC_STARTED,
    SYNC_STATUS,
    BankAccountEnvelope,
    BankAccountsOut,
    ConnectedOut,
    ExchangeFields,
    LinkOut,
    LinkQuery,
    NewBankAccount,
    SyncStarted,
    SyncStatusOut,
    bank_account_json,
    left_out_json,
    sync_status_json,
)
from banking.querysets import SYNC_ALL, bank_accounts, find_bank_account, sync_states
from banking.services.accounts import open_file_fed
from banking.services.connecting import Arrival, create_link, disconnect_account, exchange, store_connection
from ledger.api.query import parse_query
from ledger.api.schema import ENTITY_QUERY, errors
from ledger.api.serializers import RequestSerializer, parse, parse_body
from ledger.api.views import ApiView
from ledger.background import start_task
from ledger.exceptions import NotFoundError, ProviderError, ValidationError, shown
from ledger.ids import Prefix, decode_id, encode_id

_TAGS: Final = ["Banks"]
_ID: Final = OpenApiParameter(
    "bank_account_id", str, OpenApiParameter.PATH, description="The bank account, `bacc_…`."
)


class NoFields(RequestSerializer):
    """A body that names the entity at most."""


def _sent(name: str, value: object) -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True)


def _answered(name: str, value: object, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=[str(status)])


class CreateLink(ApiView):
    """`/v1/banks/create-link`"""

    @extend_schema(
        operation_id="createBankLink",
        summary="Begin connecting a bank",
        description="A pass to the bank's window (Plaid calls it a link token), for one person and a few "
        "hours. With `connectionId` the window repairs that connection, where the bank wants a new log-in.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY, LinkQuery],
        responses={200: LinkOut, **errors(400, 401, 403, 404, 409, 502)},
        examples=[_answered("A link", LINK)],
    )
    def get(self, request: Request) -> Response:
        """Make a link."""
        query = parse_query(request, LinkQuery)
        link = create_link(entity=self.entity, connection_id=query.get("connection_id"))
        return Response(
            {
                "link_token": link.token,
                "expiration": link.expires_at,
                "request_id": link.request_id,
                "user_id": self.entity.public_id,
            }
        )


class BankAccounts(ApiView):
    """`/v1/banks/accounts`"""

    @extend_schema(
        operation_id="listBankAccounts",
        summary="List bank accounts",
        description="The accounts that a connection or statement files feed, oldest first, with the "
        "balances that the bank said last.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        responses={200: BankAccountsOut, **errors(400, 401, 403, 404)},
        examples=[_answered("Accounts", {"accounts": [BANK_ACCOUNT]})],
    )
    def get(self, request: Request) -> Response:
        """List the company's bank accounts."""
        parse_query(request)
        accounts = [bank_account_json(account) for account in bank_accounts(self.entity)]
        return Response({"accounts": accounts})

    @extend_schema(
        operation_id="createBankAccount",
        summary="Add a bank account that statement files feed",
        description="Without a connection; its lines come from `POST /v1/banks/statements`. It gets a "
        "ledger account of its own (an asset, for cards and loans a liability), unless one is named.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        request=NewBankAccount,
        responses={201: BankAccountEnvelope, **errors(400, 401, 403, 404, 409)},
        examples=[
            _sent("A card", NEW_BANK_ACCOUNT),
            _answered("The account", {"account": BANK_ACCOUNT}, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        """Add a bank account."""
        parse_query(request)
        body = parse_body(request, NewBankAccount)
        account = open_file_fed(
            entity=self.entity,
            name=_clean(body["name"]),
            type_=body["type"],
            subtype=body.get("subtype", ""),
            currency=body.get("currency"),
            mask=body.get("mask", ""),
            ledger_account=self._ledger_account(body),
            actor=self.actor,
        )
        return Response({"account": bank_account_json(account)}, status=201)

    @extend_schema(
        operation_id="connectBankAccounts",
        summary="Connect the accounts of a bank",
        description="Exchanges the public token that the bank's window gave, and keeps the connection. Each "
        "account gets a ledger account of its own, and its lines are fetched in the background. The same "
        "token again gives the same accounts; the token of a repaired connection repairs it.",
        tags=_TAGS,
        parameters=[
            ENTITY_QUERY,
            OpenApiParameter(
                "public_token", str, description="The token; may stand in the body instead.", required=False
            ),
        ],
        request=ExchangeFields,
        responses={200: ConnectedOut, **errors(400, 401, 403, 404, 409, 502)},
        examples=[
            _sent("A token", {"public_token": "public-sandbox-b0e2c4ee-a763-4df5-bfe9-46a46bce993d"}),
            _answered(
                "Connected",
                {
                    "createdAccounts": [BANK_ACCOUNT],
                    "accounts": [BANK_ACCOUNT],
                    "leftOut": [],
                    "connectionId": BANK_ACCOUNT["connectionId"],
                },
            ),
        ],
    )
    def put(self, request: Request) -> Response:
        """Keep the connection."""
        if self._refusal is not None:
            raise self._refusal
        connected = store_connection(
            entity=self.entity, public_token=self._public_token, arrival=self._arrival, actor=self.actor
        )
        accounts = []
        for account in connected.accounts:
            account.connection = connected.connection
            accounts.append(bank_account_json(account))
        return Response(
            {
                "createdAccounts": accounts,
                "accounts": accounts,
                "leftOut": left_out_json(connected.left_out),
                "connectionId": connected.connection.public_id,
            }
        )

    _arrival: Arrival | None = None
    _refusal: ProviderError | None = None

    def prepare(self) -> None:
        """Exchange the token at the provider, before any database transaction."""
        if self.request.method != "PUT":
            return
        try:
            self._arrival = exchange(entity=self.entity, public_token=self._public_token)
        except ProviderError as error:
            # A request that an Idempotency-Key repeats is answered as it was, whatever the provider says of
            # its token by now.
            self._refusal = error

    @cached_property
    def _public_token(self) -> str:
        """The token of the query or the body; both may have it, where they agree."""
        query = parse_query(self.request, ExchangeFields)
        body = self.request.data if query_has_body(self.request) else {}
        sent = parse(body, ExchangeFields)
        tokens = {one["public_token"] for one in (query, sent) if "public_token" in one}
        if len(tokens) != 1:
            raise ValidationError.of(
                "public_token",
                "is given twice and differs; send it once."
                if tokens
                else "is missing; send the token that the bank's window gave, in the query or in the body.",
            )
        return str(tokens.pop())

    def _ledger_account(self, body: dict[str, Any]) -> Account | None:
        wanted = body.get("ledger_account_id")
        if wanted is None:
            return None
        found = Account.objects.for_entity(self.entity).filter(id=wanted).select_related("ledger").first()
        if found is None:
            raise NotFoundError(f"There is no account {encode_id(Prefix.ACCOUNT, wanted)} in this entity.")
        return found


class BankAccountView(ApiView):
    """`/v1/banks/accounts/{id}`"""

    @extend_schema(
        operation_id="getBankAccount",
        summary="Get a bank account",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY],
        responses={200: BankAccountEnvelope, **errors(400, 401, 403, 404)},
        examples=[_answered("The account", {"account": BANK_ACCOUNT})],
    )
    def get(self, request: Request, bank_account_id: str) -> Response:
        """Show a bank account, a disconnected one too."""
        parse_query(request)
        wanted = decode_id(Prefix.BANK_ACCOUNT, bank_account_id, field="bank_account_id")
        return Response({"account": bank_account_json(find_bank_account(self.entity, wanted))})

    @extend_schema(
        operation_id="disconnectBankAccount",
        summary="Disconnect a bank account",
        description="No more lines come; the books and the lines that are there stay. With the last account "
        "of a connection the provider is told to forget it, and so do we.",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY],
        responses={204: None, **errors(400, 401, 403, 404)},
    )
    def delete(self, request: Request, bank_account_id: str) -> Response:
        """Disconnect a bank account; again, it changes nothing."""
        parse_query(request)
        wanted = decode_id(Prefix.BANK_ACCOUNT, bank_account_id, field="bank_account_id")
        disconnect_account(entity=self.entity, bank_account_id=wanted, actor=self.actor)
        return self.deleted("Bank account disconnected successfully")


class Sync(ApiView):
    """`/v1/banks/sync`"""

    @extend_schema(
        operation_id="syncBanks",
        summary="Ask the banks what is new",
        description="Queues a sync of every connection. Asking again while one waits gives that one; while "
        "one runs, another is queued behind it, because that one may have passed by what is new now.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        request=NoFields,
        responses={200: SyncStarted, **errors(400, 401, 403, 404, 409)},
        examples=[_answered("Started", SYNC_STARTED)],
    )
    def post(self, request: Request) -> Response:
        """Start a sync."""
        parse_query(request)
        parse(self.request.data if query_has_body(request) else {}, NoFields)
        task = start_task(entity=self.entity, name=SYNC_ALL, key="all", actor=self.actor)
        return Response({"success": True, "message": SYNC_STARTED["message"], "taskId": task.public_id})


class SyncState(ApiView):
    """`/v1/banks/sync-status`"""

    @extend_schema(
        operation_id="getSyncStatus",
        summary="Say how far the banks are synced",
        description="`error` says what is wrong with an account's connection, and what to do: after "
        "`login_required`, `GET /v1/banks/create-link?connectionId=` leads to the bank's window once more.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        responses={200: SyncStatusOut, **errors(400, 401, 403, 404)},
        examples=[_answered("All is there", SYNC_STATUS)],
    )
    def get(self, request: Request) -> Response:
        """Show how far each bank account is."""
        parse_query(request)
        return Response(sync_status_json(sync_states(self.entity)))


def query_has_body(request: Request) -> bool:
    """Whether the request has a body at all; what has none need not say what it would be in."""
    return request.META.get("CONTENT_LENGTH") not in (None, "", "0")


def _clean(name: str) -> str:
    clean = name.strip()
    if not clean:
        raise ValidationError.of("name", f"{shown(name)} is no name; send one such as Checking.")
    return clean

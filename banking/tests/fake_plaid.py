"""A Plaid for the tests: an HTTP server on this machine that keeps connections, accounts and lines as Plaid
does, and that fails, limits, delays and signs as it is told.

Its answers have every field that Plaid's own types ask for; test_fake_plaid reads each of them, and each of
our requests, with Plaid's own client.
"""

import base64
import hashlib
import secrets
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple, Self
from uuid import uuid4

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from requests.structures import CaseInsensitiveDict

from ledger.api import json

VERSION: Final = "2020-09-14"
# A number as it stands in the answer: a Decimal with its digits, or the text of a JSON number.
Number = Decimal | msgspec.Raw | int


class Call(NamedTuple):
    """One request that came."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


class Script(NamedTuple):
    """What the next call of a path gets instead of its answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Webhook(NamedTuple):
    """A webhook as Plaid would send it."""

    body: bytes
    signature: str


class RefusedError(Exception):
    """The call gets an error."""

    def __init__(self, status: int, kind: str, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.kind, self.code, self.message = status, kind, code, message


@dataclass
class FakeKey:
    """A key that webhooks are signed with."""

    kid: str = field(default_factory=lambda: str(uuid4()))
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    expired_at: int | None = None

    def as_jwk(self) -> dict[str, Any]:
        """Return the public half as Plaid gives it."""
        numbers = self.private.public_key().public_numbers()
        return {
            "alg": "ES256",
            "crv": "P-256",
            "kid": self.kid,
            "kty": "EC",
            "use": "sig",
            "x": _base64url(numbers.x.to_bytes(32, "big")),
            "y": _base64url(numbers.y.to_bytes(32, "big")),
            "created_at": 1_560_466_143,
            "expired_at": self.expired_at,
        }


@dataclass
class FakeItem:
    """A connection to a bank, as Plaid keeps it: accounts, and a log of what changed."""

    institution_id: str
    accounts: list[dict[str, Any]]
    id: str = field(default_factory=lambda: _id(37))
    access_token: str = field(default_factory=lambda: f"access-sandbox-{uuid4()}")
    # Null in the connection itself at times: then only the bank's own record knows it.
    institution_name: str | None = "First Platypus Bank"
    webhook: str | None = None
    # The code of what is wrong with the log-in, or none.
    broken: str | None = None
    # Whether Plaid has read the bank for the first time.
    is_ready: bool = True
    log: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lines: dict[str, dict[str, Any]] = field(default_factory=dict)
    # What happens before the next pages are served, one entry for each.
    before_pages: deque[Callable[[], object] | None] = field(default_factory=deque)
    # Where a page with more to come ended, and how much there was to read then.
    paging: dict[int, int] = field(default_factory=dict)

    def add(
        self,
        amount: Number,
        name: str = "Corner Bakery",
        *,
        account: int = 0,
        date: str = "2024-03-05",
        pending: bool = False,
        **more: Any,
    ) -> str:
        """A new line of the bank; its id."""
        line = new_line(self.accounts[account], amount=amount, name=name, date=date, pending=pending, **more)
        self.lines[line["transaction_id"]] = line
        self.log.append(("added", line))
        return str(line["transaction_id"])

    def post(self, pending_id: str, **changes: Any) -> str:
        """The bank books a pending line: it goes, and another one comes that names it. The new id."""
        pending = self.lines[pending_id]
        self.remove(pending_id)
        posted = pending | {
            "transaction_id": _id(37),
            "pending": False,
            "pending_transaction_id": pending_id,
            **changes,
        }
        self.lines[posted["transaction_id"]] = posted
        self.log.append(("added", posted))
        return str(posted["transaction_id"])

    def modify(self, line_id: str, **changes: Any) -> None:
        """The bank changes its mind about a line."""
        self.lines[line_id] = self.lines[line_id] | changes
        self.log.append(("modified", self.lines[line_id]))

    def remove(self, line_id: str) -> None:
        """The bank takes a line back."""
        line = self.lines.pop(line_id)
        self.log.append(("removed", {"transaction_id": line_id, "account_id": line["account_id"]}))


class FakePlaid:
    """The server. As a context manager it listens, at `base_url`."""

    client_id: Final = "64f0c0ffee64f0c0ffee0001"
    secret: Final = "5ecre75ecre75ecre75ecre75ecre7"

    def __init__(self) -> None:
        self.items: dict[str, FakeItem] = {}
        self.public_tokens: dict[str, FakeItem] = {}
        # The connection that a link token repairs, or None.
        self.link_tokens: dict[str, FakeItem | None] = {}
        self.institutions: dict[str, str] = {"ins_109508": "First Platypus Bank"}
        self.keys: dict[str, FakeKey] = {}
        self.key = self.new_key()
        self.calls: list[Call] = []
        # The most lines on a page, however many are asked for.
        self.page_size = 500
        self.pauses: dict[str, float] = {}
        self._scripts: dict[str, deque[Script]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._server = _QuietServer(("127.0.0.1", 0), _handler_of(self))
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=lambda: self._server.serve_forever(poll_interval=0.02), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # --- what people and banks do --------------------------------------------------------------------

    def new_item(self, *, accounts: list[dict[str, Any]] | None = None, **more: Any) -> FakeItem:
        """A connection that a person has made, with a checking account."""
        item = FakeItem("ins_109508", accounts or [new_account()], **more)
        self.items[item.access_token] = item
        return item

    def finish_link(self, link_token: str, item: FakeItem | None = None) -> str:
        """A person goes through Plaid's window: the public token that comes of it, which is empty where the
        link repaired a connection."""
        repaired = self.link_tokens.pop(link_token)
        if repaired is not None:
            repaired.broken = None
            return ""
        return self.public_token(item or self.new_item())

    def public_token(self, item: FakeItem) -> str:
        """A public token of the connection."""
        token = f"public-sandbox-{uuid4()}"
        self.public_tokens[token] = item
        return token

    # --- what goes wrong -----------------------------------------------------------------------------

    def refuse(
        self,
        path: str,
        code: str,
        *,
        status: int = 400,
        kind: str = "INVALID_REQUEST",
        message: str = "something is wrong",
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Let the next calls of `path` fail with that error."""
        body = json.encode(_error(kind, code, message))
        for _ in range(times):
            self.script(path, status, body, headers)

    def script(self, path: str, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Let the next call of `path` get exactly that."""
        self._scripts.setdefault(path, deque()).append(Script(status, body, headers or {}))

    def calls_of(self, path: str) -> list[Call]:
        """The calls of `path` so far."""
        return [one for one in self.calls if one.path == path]

    # --- webhooks ------------------------------------------------------------------------------------

    def new_key(self) -> FakeKey:
        """A key for webhooks."""
        key = FakeKey()
        self.keys[key.kid] = key
        return key

    def webhook(
        self,
        item_id: str,
        code: str,
        *,
        kind: str = "TRANSACTIONS",
        issued_at: float | None = None,
        key: FakeKey | None = None,
        **more: Any,
    ) -> Webhook:
        """A webhook about a connection, signed."""
        content = {
            "webhook_type": kind,
            "webhook_code": code,
            "item_id": item_id,
            "environment": "sandbox",
            **more,
        }
        # Plaid sends them indented; who hashes anything but the raw bytes gets another hash.
        body = msgspec.json.format(json.encode(content), indent=2)
        return Webhook(body, self.sign(body, issued_at=issued_at, key=key))

    def sign(self, body: bytes, *, issued_at: float | None = None, key: FakeKey | None = None) -> str:
        """The content of the header Plaid-Verification for that body."""
        signing = key or self.key
        claims = {
            "iat": int(time.time() if issued_at is None else issued_at),
            "request_body_sha256": hashlib.sha256(body).hexdigest(),
        }
        return jwt.encode(claims, signing.private, algorithm="ES256", headers={"kid": signing.kid})

    # --- the server ----------------------------------------------------------------------------------

    def answer(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Script:
        """Take one request."""
        with self._lock:
            self.calls.append(Call(path, headers, body))
            scripted = self._scripts.get(path)
            if scripted:
                return scripted.popleft()
            try:
                return Script(200, json.encode(self._served(path, headers, body)), {})
            except RefusedError as refused:
                error = _error(refused.kind, refused.code, refused.message)
                return Script(refused.status, json.encode(error), {})

    def _served(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> dict[str, Any]:
        given = (
            headers.get("PLAID-CLIENT-ID") or body.get("client_id"),
            headers.get("PLAID-SECRET") or body.get("secret"),
        )
        if given != (self.client_id, self.secret):
            raise RefusedError(
                400, "INVALID_INPUT", "INVALID_API_KEYS", "invalid client_id or secret provided"
            )
        if headers.get("Plaid-Version") != VERSION:
            raise RefusedError(400, "INVALID_REQUEST", "INVALID_HEADERS", "unknown version")
        endpoint = self._endpoints.get(path)
        if endpoint is None:
            raise RefusedError(404, "INVALID_REQUEST", "NOT_FOUND", "the requested path was not found")
        return endpoint(self, body) | {"request_id": _id(15)}

    def _item(self, body: dict[str, Any], *, may_be_broken: bool = False) -> FakeItem:
        item = self.items.get(str(body.get("access_token")))
        if item is None:
            raise RefusedError(
                400, "INVALID_INPUT", "INVALID_ACCESS_TOKEN", "could not find matching access token"
            )
        if item.broken and not may_be_broken:
            raise RefusedError(
                400,
                "ITEM_ERROR",
                item.broken,
                "the login details of this item have changed and a user login is required to update this "
                "information. use Link's update mode to restore the item to a good state",
            )
        return item

    def _create_link_token(self, body: dict[str, Any]) -> dict[str, Any]:
        repaired = None
        if body.get("access_token"):
            repaired = self._item(body, may_be_broken=True)
            if "products" in body:
                raise RefusedError(
                    400, "INVALID_REQUEST", "INVALID_FIELD", "products are not allowed in update mode"
                )
        elif not body.get("products"):
            raise RefusedError(400, "INVALID_REQUEST", "MISSING_FIELDS", "products must be given")
        token = f"link-sandbox-{uuid4()}"
        self.link_tokens[token] = repaired
        expiration = datetime.now(UTC) + timedelta(minutes=30 if repaired else 240)
        return {"link_token": token, "expiration": expiration.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def _exchange(self, body: dict[str, Any]) -> dict[str, Any]:
        item = self.public_tokens.pop(str(body.get("public_token")), None)
        if item is None:
            raise RefusedError(
                400, "INVALID_INPUT", "INVALID_PUBLIC_TOKEN", "could not find matching public token"
            )
        return {"access_token": item.access_token, "item_id": item.id}

    def _get_item(self, body: dict[str, Any]) -> dict[str, Any]:
        item = self._item(body, may_be_broken=True)
        error = _error("ITEM_ERROR", item.broken, "a user login is required") if item.broken else None
        return {
            "item": {
                "item_id": item.id,
                "institution_id": item.institution_id,
                "institution_name": item.institution_name,
                "webhook": item.webhook,
                "error": error,
                "available_products": ["balance", "identity"],
                "billed_products": ["transactions"],
                "products": ["transactions"],
                "consented_products": ["transactions"],
                "consent_expiration_time": None,
                "update_type": "background",
            },
            "status": {
                "transactions": {
                    "last_successful_update": "2024-03-05T15:52:39Z",
                    "last_failed_update": None,
                },
                "last_webhook": None,
            },
        }

    def _get_institution(self, body: dict[str, Any]) -> dict[str, Any]:
        id_ = str(body.get("institution_id"))
        if id_ not in self.institutions:
            raise RefusedError(400, "INVALID_INPUT", "INVALID_INSTITUTION", "invalid institution_id provided")
        return {
            "institution": {
                "institution_id": id_,
                "name": self.institutions[id_],
                "products": ["transactions", "balance"],
                "country_codes": ["US"],
                "routing_numbers": ["110000000"],
                "dtc_numbers": [],
                "oauth": False,
                "connection_availability": "SUPPORTED",
            }
        }

    def _get_accounts(self, body: dict[str, Any]) -> dict[str, Any]:
        item = self._item(body)
        return {"accounts": item.accounts, "item": self._get_item(body)["item"]}

    def _sync(self, body: dict[str, Any]) -> dict[str, Any]:
        item = self._item(body)
        if item.before_pages and (action := item.before_pages.popleft()):
            action()
            item = self._item(body)
        if not item.is_ready:
            return {
                **{"added": [], "modified": [], "removed": [], "next_cursor": "", "has_more": False},
                **{"transactions_update_status": "NOT_READY", "accounts": item.accounts},
            }
        start = _position(str(body.get("cursor") or ""), item)
        was = item.paging.pop(start, None)
        if was is not None and was != len(item.log):
            raise RefusedError(
                400,
                "TRANSACTIONS_ERROR",
                "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",
                "Underlying transaction data changed since last page was fetched. Please restart pagination "
                "from last update.",
            )
        end = min(start + min(int(body.get("count", 100)), self.page_size), len(item.log))
        page: dict[str, Any] = {"added": [], "modified": [], "removed": []}
        for kind, line in item.log[start:end]:
            page[kind].append(_shown(line, body))
        has_more = end < len(item.log)
        if has_more:
            item.paging[end] = len(item.log)
        return page | {
            "next_cursor": f"{item.id}/{end}",
            "has_more": has_more,
            "transactions_update_status": "HISTORICAL_UPDATE_COMPLETE",
            "accounts": item.accounts,
        }

    def _remove_item(self, body: dict[str, Any]) -> dict[str, Any]:
        del self.items[self._item(body, may_be_broken=True).access_token]
        return {}

    def _get_key(self, body: dict[str, Any]) -> dict[str, Any]:
        key = self.keys.get(str(body.get("key_id")))
        if key is None:
            raise RefusedError(
                400, "INVALID_INPUT", "INVALID_WEBHOOK_VERIFICATION_KEY_ID", "invalid key_id provided"
            )
        return {"key": key.as_jwk()}

    _endpoints: Final[dict[str, Callable[["FakePlaid", dict[str, Any]], dict[str, Any]]]] = {
        "/link/token/create": _create_link_token,
        "/item/public_token/exchange": _exchange,
        "/item/get": _get_item,
        "/institutions/get_by_id": _get_institution,
        "/accounts/get": _get_accounts,
        "/transactions/sync": _sync,
        "/item/remove": _remove_item,
        "/webhook_verification_key/get": _get_key,
    }


@pytest.fixture
def plaid(settings: Any) -> Iterator[FakePlaid]:
    """A fake Plaid, which the settings name as the host."""
    with FakePlaid() as fake:
        settings.PLAID_BASE_URL = fake.base_url
        settings.PLAID_CLIENT_ID = fake.client_id
        settings.PLAID_SECRET = fake.secret
        yield fake


def new_account(
    name: str = "Plaid Checking",
    *,
    type: str = "depository",
    subtype: str | None = "checking",
    currency: str | None = "USD",
    unofficial_currency: str | None = None,
    current: Number | None = Decimal("110.05"),
    available: Number | None = Decimal("100.00"),
    **more: Any,
) -> dict[str, Any]:
    """An account with all fields that Plaid's has."""
    return {
        "account_id": _id(37),
        "name": name,
        "official_name": f"{name} (official)",
        "mask": "0000",
        "type": type,
        "subtype": subtype,
        "holder_category": "business",
        "balances": {
            "available": available,
            "current": current,
            "limit": None,
            "iso_currency_code": currency,
            "unofficial_currency_code": unofficial_currency,
        },
        **more,
    }


def new_line(
    account: Mapping[str, Any], *, amount: Number, name: str, date: str, pending: bool, **more: Any
) -> dict[str, Any]:
    """A line with all fields that Plaid's has."""
    return {
        "account_id": account["account_id"],
        "account_owner": None,
        "amount": amount,
        "authorized_date": None,
        "authorized_datetime": None,
        "category": None,
        "category_id": None,
        "check_number": None,
        "counterparties": [
            {
                "name": name,
                "type": "merchant",
                "website": None,
                "logo_url": None,
                "entity_id": None,
                "confidence_level": "LOW",
            }
        ],
        "date": date,
        "datetime": None,
        "iso_currency_code": account["balances"]["iso_currency_code"],
        "unofficial_currency_code": account["balances"]["unofficial_currency_code"],
        "location": {
            "address": None,
            "city": "Burlington",
            "region": None,
            "postal_code": None,
            "country": None,
            "lat": Decimal("44.4759"),
            "lon": Decimal("-73.2121"),
            "store_number": None,
        },
        "logo_url": None,
        "merchant_entity_id": None,
        "merchant_name": name,
        "name": name,
        "original_description": f"PURCHASE {name.upper()} 0419",
        "payment_channel": "in store",
        "payment_meta": {
            "by_order_of": None,
            "payee": None,
            "payer": None,
            "payment_method": None,
            "payment_processor": None,
            "ppd_id": None,
            "reason": None,
            "reference_number": None,
        },
        "pending": pending,
        "pending_transaction_id": None,
        "personal_finance_category": {
            "primary": "FOOD_AND_DRINK",
            "detailed": "FOOD_AND_DRINK_RESTAURANT",
            "confidence_level": "LOW",
        },
        "personal_finance_category_icon_url": "https://plaid-category-icons.plaid.com/PFC_FOOD_AND_DRINK.png",
        "transaction_code": None,
        "transaction_id": _id(37),
        "transaction_type": "place",
        "website": None,
        **more,
    }


def _error(kind: str, code: str | None, message: str) -> dict[str, Any]:
    return {
        "error_type": kind,
        "error_code": code,
        "error_message": message,
        "display_message": None,
        "documentation_url": "https://plaid.com/docs/errors/",
        "suggested_action": None,
        "request_id": _id(15),
    }


def _shown(line: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """The line as the request wants it: the bank's own text comes to those who ask for it."""
    options = body.get("options") or {}
    if "original_description" not in line or options.get("include_original_description"):
        return line
    return line | {"original_description": None}


def _position(cursor: str, item: FakeItem) -> int:
    if not cursor:
        return 0
    id_, _, position = cursor.partition("/")
    if id_ != item.id or not position.isdigit():
        raise RefusedError(400, "INVALID_INPUT", "INVALID_FIELD", "cursor not associated with access_token")
    return int(position)


def _id(length: int) -> str:
    return "".join(
        secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz3456789") for _ in range(length)
    )


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up, as some tests let ours do."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler_of(fake: FakePlaid) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Small answers go out at once instead of waiting for the client's acknowledgement.
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(fake.pauses.get(self.path, 0))
            answer = fake.answer(self.path, CaseInsensitiveDict(self.headers.items()), json.decode(text))
            try:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in answer.headers:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(answer.body)
            except OSError:
                self.close_connection = True  # the client did not wait

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler

"""QuickBooks, Xero and Stripe as the tests need them: small servers on this machine that keep state.

They hold to OAuth 2: a code works once and only with the verifier of its challenge, a refresh token is used
once and followed by another, a revoked or expired token opens nothing. What their APIs answer is made of the
books that a test puts in.
"""

import base64
import hashlib
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import override_settings

CLIENT_ID = "our-application"
CLIENT_SECRET = "our-secret-at-the-provider"
# What amounts, ids and names of the wire must not be read through.
Rows = list[dict[str, Any]]


class Call(NamedTuple):
    """A request that came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: dict[str, Any]


class Raw(NamedTuple):
    """An answer as it goes out."""

    status: int
    body: Any = None
    headers: dict[str, str] = {}


@dataclass
class Grant:
    """What a person allowed: alive until it is revoked."""

    workspace: str
    event: str = field(default_factory=lambda: secrets.token_hex(8))
    access_token: str = ""
    refresh_token: str = ""
    expires_at: float = 0
    revoked: bool = False
    # What was renewed last.
    former_refresh_token: str = ""


class FakeProgram:
    """What the three have in common: people, codes and tokens."""

    prefix: str
    lifetime_seconds: int | None = 3600
    rotates = True
    # Whether the refresh token before the newest is taken, too.
    is_lenient = False

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.grants: list[Grant] = []
        self.spent: set[str] = set()
        self.workspace = "9130347"
        self.redirect_uri = f"http://127.0.0.1:8000/v1/integrations/callback/{self.prefix.lower()}"
        self.codes: dict[str, tuple[str, str, Grant]] = {}
        # Answers that come before the right one: (what the path holds, the answer).
        self.before: list[tuple[str, Raw | Callable[[], None]]] = []
        self.token_delay_seconds = 0.0
        self.lock = threading.Lock()

    # --- the person, in a browser --------------------------------------------------------------------

    def allow(self, link: str) -> dict[str, str]:
        """Open the link and allow what it asks; what the browser brings back to us."""
        asked = {name: value[0] for name, value in parse_qs(urlsplit(link).query).items()}
        assert link.startswith(f"{self.url}/authorize?")
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["redirect_uri"] == self.redirect_uri
        assert asked["code_challenge_method"] == "S256"
        assert asked["scope"]
        code = secrets.token_urlsafe(12)
        grant = Grant(self.workspace)
        self.codes[code] = (asked["code_challenge"], asked["redirect_uri"], grant)
        return {"code": code, "state": asked["state"]} | self.brought_along(grant)

    def brought_along(self, grant: Grant) -> dict[str, str]:
        return {}

    # --- tokens --------------------------------------------------------------------------------------

    def token(self, call: Call) -> Raw:
        if not self.knows_client(call):
            return Raw(401, {"error": "invalid_client"})
        time.sleep(self.token_delay_seconds)
        with self.lock:
            match call.body.get("grant_type"):
                case "authorization_code":
                    return self._exchanged(call)
                case "refresh_token":
                    return self._renewed(call)
        return Raw(400, {"error": "unsupported_grant_type"})

    def knows_client(self, call: Call) -> bool:
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        return call.headers.get("Authorization") == f"Basic {expected}"

    def _exchanged(self, call: Call) -> Raw:
        challenge, redirect_uri, grant = self.codes.pop(call.body.get("code", ""), ("", "", Grant("")))
        verifier = call.body.get("code_verifier", "")
        digest = hashlib.sha256(verifier.encode()).digest()
        if (
            not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier)
            or base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge
            or call.body.get("redirect_uri") != redirect_uri
        ):
            return Raw(400, {"error": "invalid_grant"})
        self.grants.append(grant)
        return self._given(grant)

    def _renewed(self, call: Call) -> Raw:
        sent = call.body.get("refresh_token", "")
        grant = next((one for one in self.grants if sent in self._taken(one) and not one.revoked), None)
        if grant is None or not sent:
            return Raw(400, {"error": "invalid_grant", "error_description": f"unknown token {sent}"})
        return self._given(grant)

    def _taken(self, grant: Grant) -> set[str]:
        return {grant.refresh_token} | ({grant.former_refresh_token} if self.is_lenient else set())

    def _given(self, grant: Grant) -> Raw:
        if grant.access_token:
            self.spent.add(grant.access_token)
        grant.access_token = self.new_access_token(grant)
        if self.rotates or not grant.refresh_token:
            self.spent.add(grant.refresh_token)
            grant.former_refresh_token = grant.refresh_token
            grant.refresh_token = f"refresh-{secrets.token_urlsafe(16)}"
        grant.expires_at = time.time() + (self.lifetime_seconds or 10**9)
        answer = {
            "access_token": grant.access_token,
            "refresh_token": grant.refresh_token,
            "token_type": "bearer",
        }
        if self.lifetime_seconds is not None:
            answer["expires_in"] = self.lifetime_seconds  # type: ignore[assignment]
        return Raw(200, answer | self.with_tokens(grant))

    def new_access_token(self, grant: Grant) -> str:
        return f"access-{secrets.token_urlsafe(16)}"

    def with_tokens(self, grant: Grant) -> dict[str, Any]:
        return {}

    def forget_access_tokens(self) -> None:
        """Let every access token end now, whatever was said of its life."""
        for grant in self.grants:
            grant.expires_at = 0

    def secrets_given(self) -> set[str]:
        """Every token that was ever handed out."""
        given = {one.access_token for one in self.grants} | {one.refresh_token for one in self.grants}
        return (given | self.spent | {CLIENT_SECRET}) - {""}

    @property
    def renewals(self) -> int:
        return sum(call.body.get("grant_type") == "refresh_token" for call in self.calls)

    # --- the API -------------------------------------------------------------------------------------

    def api(self, call: Call, grant: Grant) -> Raw:
        raise NotImplementedError

    def revoke(self, call: Call) -> Raw:
        raise NotImplementedError

    def answer(self, call: Call) -> Raw:
        self.calls.append(call)
        for place, (part, first) in enumerate(self.before):
            if part in call.path:
                del self.before[place]
                if isinstance(first, Raw):
                    return first
                first()
                break
        if call.path == "/token":
            return self.token(call)
        if call.path == "/revoke":
            return self.revoke(call)
        sent = call.headers.get("Authorization", "").removeprefix("Bearer ")
        grant = next((one for one in self.grants if one.access_token == sent), None)
        if grant is None or grant.revoked or grant.expires_at <= time.time():
            return Raw(401, {"error": "the token is not valid"})
        return self.api(call, grant)

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Serve on a free port, with the settings that lead there."""
        program = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                if "json" in self.headers.get("Content-Type", ""):
                    body = json.loads(text)
                else:
                    body = {name: value[0] for name, value in parse_qs(text).items()}
                query = {name: value[0] for name, value in parse_qs(parts.query).items()}
                call = Call(self.command, parts.path, query, dict(self.headers), body)
                status, answer, headers = program.answer(call)
                data = answer if isinstance(answer, bytes) else b"" if answer is None else encoded(answer)
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - as the server calls them

            def log_message(self, format: str, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            with override_settings(**self.settings()):
                yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def settings(self) -> dict[str, str]:
        """What an operator sets."""
        values = {
            "CLIENT_ID": CLIENT_ID,
            "CLIENT_SECRET": CLIENT_SECRET,
            "AUTHORIZE_URL": f"{self.url}/authorize",
            "TOKEN_URL": f"{self.url}/token",
            "API_URL": f"{self.url}/api",
            "REVOKE_URL": f"{self.url}/revoke",
        }
        return {f"{self.prefix}_{name}": value for name, value in values.items()}


def encoded(value: Any) -> bytes:
    """JSON with Decimals as the numbers that they are: digit for digit."""
    marks: dict[str, str] = {}

    def mark(decimal: object) -> str:
        assert isinstance(decimal, Decimal)
        key = f"@{len(marks)}@"
        marks[f'"{key}"'] = f"{decimal:f}"
        return key

    text = json.dumps(value, default=mark)
    for key, number in marks.items():
        text = text.replace(key, number)
    return text.encode()


def query_of(values: Mapping[str, str]) -> str:
    return urlencode(values)


# --- QuickBooks --------------------------------------------------------------------------------------


class FakeQuickBooks(FakeProgram):
    """Accounts and journal entries of one company, asked for in Intuit's query language."""

    prefix = "QUICKBOOKS"

    def __init__(self) -> None:
        super().__init__()
        self.currency = "USD"
        self.accounts: Rows = []
        self.entries: Rows = []

    def account(self, id_: str, name: str, type_: str, sub_type: str = "", **more: Any) -> None:
        """Put an account into the chart."""
        self.accounts.append(
            {
                "Id": id_,
                "Name": name,
                "AccountType": type_,
                "AccountSubType": sub_type,
                "Active": True,
                "CurrencyRef": {"value": self.currency},
                **more,
            }
        )

    def entry(self, id_: str, day: str, *lines: tuple[str, str], **more: Any) -> None:
        """Put an entry into the books: (account, amount), below zero for a credit."""
        self.entries.append(
            {
                "Id": id_,
                "TxnDate": day,
                "PrivateNote": f"Entry {id_}",
                "CurrencyRef": {"value": self.currency},
                "Line": [
                    {
                        "Amount": abs(Decimal(amount)),
                        "DetailType": "JournalEntryLineDetail",
                        "JournalEntryLineDetail": {
                            "PostingType": "Debit" if Decimal(amount) > 0 else "Credit",
                            "AccountRef": {"value": account},
                        },
                    }
                    for account, amount in lines
                ],
                **more,
            }
        )

    def brought_along(self, grant: Grant) -> dict[str, str]:
        return {"realmId": grant.workspace}

    def api(self, call: Call, grant: Grant) -> Raw:
        base = f"/api/v3/company/{grant.workspace}/"
        if not call.path.startswith(base):
            return Raw(403, {"Fault": {"Error": [{"Message": "another company"}]}})
        if call.path.startswith(f"{base}companyinfo/"):
            return Raw(200, {"CompanyInfo": {"CompanyName": "Corner Bakery at QuickBooks"}})
        query = call.query["query"]
        if query == "select * from Preferences":
            preferences = [{"CurrencyPrefs": {"HomeCurrency": {"value": self.currency}}}]
            return Raw(200, {"QueryResponse": {"Preferences": preferences}})
        asked = re.fullmatch(
            r"select \* from (Account|JournalEntry)(?P<where> where Active in \(true, false\))?"
            r" orderby MetaData.CreateTime startposition (\d+) maxresults (\d+)",
            query,
        )
        assert asked, query
        kind, start, count = asked[1], int(asked[3]), int(asked[4])
        rows = self.accounts if kind == "Account" else self.entries
        if kind == "Account" and not asked["where"]:
            rows = [row for row in rows if row["Active"]]
        page = rows[start - 1 : start - 1 + count]
        return Raw(200, {"QueryResponse": {kind: page, "startPosition": start} if page else {}})

    def revoke(self, call: Call) -> Raw:
        if not self.knows_client(call):
            return Raw(401, {"error": "invalid_client"})
        for grant in self.grants:
            grant.revoked = grant.revoked or grant.refresh_token == call.body["token"]
        return Raw(200)

    def balances(self) -> dict[str, Decimal]:
        """What each account's entries come to, debits above zero."""
        sums: dict[str, Decimal] = {}
        for line in (line for entry in self.entries for line in entry["Line"]):
            detail = line["JournalEntryLineDetail"]
            sign = 1 if detail["PostingType"] == "Debit" else -1
            account = detail["AccountRef"]["value"]
            sums[account] = sums.get(account, Decimal(0)) + sign * line["Amount"]
        return {account: amount for account, amount in sums.items() if amount}


# --- Xero --------------------------------------------------------------------------------------------


class FakeXero(FakeProgram):
    """Accounts and journals of an organisation; a hundred journals on a page."""

    prefix = "XERO"
    lifetime_seconds = 1800

    def __init__(self) -> None:
        super().__init__()
        self.workspace = "9f2c1e0a-0000-4000-8000-000000000001"
        self.currency = "USD"
        self.accounts: Rows = []
        self.journals: Rows = []
        self.disconnected: list[str] = []

    def account(self, id_: str, name: str, type_: str, **more: Any) -> None:
        self.accounts.append({"AccountID": id_, "Name": name, "Type": type_, "Status": "ACTIVE", **more})

    def journal(self, number: int, milliseconds: int, *lines: tuple[str, str], **more: Any) -> None:
        """Put a journal into the books: (account, net amount), below zero for a credit."""
        self.journals.append(
            {
                "JournalID": f"journal-{number}",
                "JournalNumber": number,
                "JournalDate": f"/Date({milliseconds}+0000)/",
                "Reference": f"Reference {number}",
                "JournalLines": [
                    {"AccountID": account, "NetAmount": Decimal(amount), "TaxAmount": Decimal("1.23")}
                    for account, amount in lines
                ],
                **more,
            }
        )

    def new_access_token(self, grant: Grant) -> str:
        claims = {"authentication_event_id": grant.event, "jti": secrets.token_hex(8)}
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        return f"head.{payload}.{secrets.token_urlsafe(8)}"

    def api(self, call: Call, grant: Grant) -> Raw:
        if call.path == "/api/connections":
            alive = [one for one in self.grants if one.workspace not in self.disconnected]
            event = call.query.get("authEventId")
            return Raw(
                200,
                [
                    {
                        "id": f"connection-of-{one.workspace}",
                        "authEventId": one.event,
                        "tenantId": one.workspace,
                        "tenantName": "Corner Bakery at Xero",
                        "updatedDateUtc": "2024-02-01T00:00:00",
                    }
                    for one in alive
                    if event in (None, one.event)
                ],
            )
        if call.path.startswith("/api/connections/connection-of-") and call.method == "DELETE":
            self.disconnected.append(call.path.rpartition("connection-of-")[2])
            return Raw(204)
        if call.headers.get("Xero-Tenant-Id") != grant.workspace or grant.workspace in self.disconnected:
            return Raw(403, {"Title": "Forbidden"})
        match call.path.removeprefix("/api/api.xro/2.0/"):
            case "Organisation":
                return Raw(200, {"Organisations": [{"BaseCurrency": self.currency}]})
            case "Accounts":
                return Raw(200, {"Accounts": self.accounts})
            case "Journals":
                after = int(call.query["offset"])
                later = [one for one in self.journals if one["JournalNumber"] > after]
                return Raw(200, {"Journals": later[:100]})
        return Raw(404)

    def balances(self) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = {}
        for line in (line for journal in self.journals for line in journal["JournalLines"]):
            sums[line["AccountID"]] = sums.get(line["AccountID"], Decimal(0)) + line["NetAmount"]
        return {account: amount for account, amount in sums.items() if amount}


# --- Stripe ------------------------------------------------------------------------------------------


class FakeStripe(FakeProgram):
    """Balance transactions of an account, the newest first."""

    prefix = "STRIPE"
    lifetime_seconds = None
    rotates = False

    def __init__(self) -> None:
        super().__init__()
        self.workspace = "acct_1Bakery"
        # The oldest first; it answers the other way round.
        self.transactions: Rows = []

    def transaction(self, id_: str, type_: str, amount: int, fee: int = 0, **more: Any) -> None:
        """Put a balance transaction there, in the currency's smallest units."""
        self.transactions.append(
            {
                "id": id_,
                "object": "balance_transaction",
                "type": type_,
                "amount": amount,
                "fee": fee,
                "net": amount - fee,
                "currency": "usd",
                "created": 1_706_000_000 + len(self.transactions),
                "description": None,
                **more,
            }
        )

    def knows_client(self, call: Call) -> bool:
        return (call.body.get("client_id"), call.body.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)

    def with_tokens(self, grant: Grant) -> dict[str, Any]:
        return {"stripe_user_id": grant.workspace, "scope": "read_only", "livemode": False}

    def api(self, call: Call, grant: Grant) -> Raw:
        assert call.path == "/api/v1/balance_transactions"
        rows = self.transactions[::-1]
        if after := call.query.get("starting_after"):
            rows = rows[[row["id"] for row in rows].index(after) + 1 :]
        limit = int(call.query["limit"])
        return Raw(200, {"object": "list", "data": rows[:limit], "has_more": len(rows) > limit})

    def revoke(self, call: Call) -> Raw:
        expected = base64.b64encode(f"{CLIENT_SECRET}:".encode()).decode()
        if call.headers.get("Authorization") != f"Basic {expected}" or call.body["client_id"] != CLIENT_ID:
            return Raw(401, {"error": "invalid_client"})
        for grant in self.grants:
            grant.revoked = grant.revoked or grant.workspace == call.body["stripe_user_id"]
        return Raw(200, {"stripe_user_id": call.body["stripe_user_id"]})

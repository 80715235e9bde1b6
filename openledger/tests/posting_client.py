"""A client that posts without pause, and keeps trying until each of its requests is answered.

Run by `test_kill.py` as a process of its own. Reads one line of JSON: `port`, `token`, `entity`, `debit`,
`credit` and `name`. Posts until its standard input is closed, finishes what it has begun, and writes a line
of JSON: what the server acknowledged, and how often it had to try again.

It posts in turn, each time with a description that names the write:
- `plain`: with an external id alone; sent again, it is refused with the id of the first one;
- `keyed`: with an idempotency key and no external id, so that nothing but the key keeps it from being posted
  twice; every tenth time the client hangs up without reading the answer, and sends it again;
- `both`: with the two;
- `batch`: five at once under one idempotency key;
- `approved`: pending first, then approved in a second request.
"""

import http.client
import itertools
import json
import re
import select
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Final

TIMEOUT_SECONDS: Final = 20
PAUSE_SECONDS: Final = 0.05
GIVE_UP_SECONDS: Final = 60
BATCH: Final = 5
HANG_UP_EVERY: Final = 10
KINDS: Final = ("plain", "keyed", "both", "batch", "approved")
TRANSACTION_ID: Final = re.compile(r"txn_[0-9a-z]{26}")


class UnexpectedAnswerError(Exception):
    """The server answered what no outage explains."""


@dataclass
class Report:
    """What became of the requests."""

    # Id of each acknowledged transaction by its description, and those that were approved.
    acknowledged: dict[str, str] = field(default_factory=dict)
    approved: list[str] = field(default_factory=list)
    lost_connections: int = 0
    hung_up: int = 0
    server_errors: int = 0
    replayed: int = 0
    known_external_ids: int = 0


class PostingClient:
    """Keeps one connection open and makes a new one when it breaks."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self.orders = orders
        self.report = Report()
        self._connection: http.client.HTTPConnection | None = None

    def post_without_pause(self) -> None:
        """Post until standard input is closed."""
        for number in itertools.count():
            if select.select([sys.stdin], [], [], 0)[0]:
                return
            kind = KINDS[number % len(KINDS)]
            name = f"{self.orders['name']} {kind} {number}"
            if kind == "batch":
                self._post_batch(name)
            else:
                self._post(name, kind, hang_up=number // len(KINDS) % HANG_UP_EVERY == 0)

    def _post(self, name: str, kind: str, *, hang_up: bool) -> None:
        body = self._body(name, status="PENDING" if kind == "approved" else "POSTED")
        if kind != "keyed":
            body["externalId"] = name
        key = name if kind in ("keyed", "both") else None
        if key and hang_up:
            self._hang_up("POST", "/v1/transactions", body, key)
        status, answer = self._until_answered("POST", "/v1/transactions", body, key)
        if status == 409 and kind in ("plain", "approved"):
            # Recorded by the request whose answer was lost.
            self.report.known_external_ids += 1
            found = TRANSACTION_ID.search(answer["error"]["message"])
            if found is None:
                raise UnexpectedAnswerError(answer)
            transaction_id = found[0]
        elif status == 201:
            transaction_id = answer["transaction"]["id"]
        else:
            raise UnexpectedAnswerError(status, answer)
        self.report.acknowledged[name] = transaction_id
        if kind == "approved":
            status, answer = self._until_answered("PUT", "/v1/transactions/approve", transaction_id, None)
            if status != 200 or answer["approvedTransactions"][0]["status"] != "POSTED":
                raise UnexpectedAnswerError(status, answer)
            self.report.approved.append(transaction_id)

    def _post_batch(self, name: str) -> None:
        names = [f"{name}.{index}" for index in range(BATCH)]
        body = {"transactions": [self._body(one, status="POSTED") for one in names]}
        status, answer = self._until_answered("POST", "/v1/transactions/bulk", body, name)
        if status != 201 or not answer["success"]:
            raise UnexpectedAnswerError(status, answer)
        self.report.acknowledged |= {
            one: result["id"] for one, result in zip(names, answer["results"], strict=True)
        }

    def _body(self, name: str, *, status: str) -> dict[str, Any]:
        return {
            "amount": "1.25",
            "debitAccountId": self.orders["debit"],
            "creditAccountId": self.orders["credit"],
            "description": name,
            "status": status,
        }

    # --- the wire --------------------------------------------------------------------------------

    def _until_answered(self, method: str, path: str, body: Any, key: str | None) -> tuple[int, Any]:
        """Send a request again and again until it is answered for good: done, or refused."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            try:
                response = self._sent(method, path, body, key).getresponse()
                answer = response.read()
            except (OSError, http.client.HTTPException):
                self.report.lost_connections += 1
                self._drop()
            else:
                if response.getheader("Idempotent-Replayed"):
                    self.report.replayed += 1
                if response.status >= 500:
                    self.report.server_errors += 1
                elif response.status != 409 or not response.getheader("Retry-After"):
                    return response.status, json.loads(answer)
            time.sleep(PAUSE_SECONDS)
        raise UnexpectedAnswerError(f"{method} {path} was not answered in {GIVE_UP_SECONDS} s")

    def _hang_up(self, method: str, path: str, body: Any, key: str | None) -> None:
        """Send a request, and leave when its answer comes, without having read it."""
        try:
            connection = self._sent(method, path, body, key)
            select.select([connection.sock], [], [], TIMEOUT_SECONDS)
        except (OSError, http.client.HTTPException):
            self.report.lost_connections += 1
        self._drop()
        self.report.hung_up += 1

    def _sent(self, method: str, path: str, body: Any, key: str | None) -> http.client.HTTPConnection:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", self.orders["port"], timeout=TIMEOUT_SECONDS
            )
        headers = {
            "Authorization": f"Bearer {self.orders['token']}",
            "Content-Type": "application/json",
            "X-Entity-ID": self.orders["entity"],
        }
        if key is not None:
            headers["Idempotency-Key"] = key
        self._connection.request(method, path, json.dumps(body), headers)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def main() -> None:
    """Post as ordered, and report."""
    client = PostingClient(json.loads(sys.stdin.readline()))
    client.post_without_pause()
    json.dump(asdict(client.report), sys.stdout)


if __name__ == "__main__":
    main()

"""Rate limits: what they count, what they cost, and what happens without Redis."""

import threading
from typing import Any, cast
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings
from structlog.testing import CapturingLogger

from ledger.api.limits import RateLimiter, Rule, address_key, client_address, mints_tokens, rules_for

NOW = 1_700_000_040.0  # the first second of a minute


class CountingRedis(redis.Redis):
    """A real client that counts its round trips."""

    trips = 0

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> "redis.client.Pipeline":
        self.trips += 1
        return super().pipeline(transaction, shard_hint)


def client() -> CountingRedis:
    return cast("CountingRedis", CountingRedis.from_url(settings.REDIS_URL))


def rule(limit: int) -> Rule:
    return Rule("test", uuid4().hex, limit)


def test_exactly_the_limit_passes_and_a_new_window_begins_afresh() -> None:
    limiter, limits = RateLimiter(client()), [rule(5)]

    results = [limiter.take(limits, now=NOW) for _ in range(8)]

    assert [result.allowed for result in results] == 5 * [True] + 3 * [False]
    assert [result.remaining for result in results] == [4, 3, 2, 1, 0, 0, 0, 0]
    assert limiter.take(limits, now=NOW + 60).allowed


def test_processes_together_never_exceed_the_limit() -> None:
    limits = [rule(600)]
    limiters = [RateLimiter(client()) for _ in range(4)]

    passed = sum(limiter.take(limits, now=NOW).allowed for _ in range(400) for limiter in limiters)

    assert passed == 600  # every chunk is spent, because every process goes on


def test_threads_together_never_exceed_the_limit() -> None:
    limits, limiter = [rule(300)], RateLimiter(client())
    passed: list[bool] = []

    def run() -> None:
        passed.extend(limiter.take(limits, now=NOW).allowed for _ in range(100))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(passed) == 300


def test_most_requests_cost_no_round_trip_and_refused_ones_none() -> None:
    counted = client()
    limiter, limits = RateLimiter(counted), [rule(600)]

    for _ in range(600):
        limiter.take(limits, now=NOW)
    assert counted.trips == 20

    for _ in range(100):
        assert not limiter.take(limits, now=NOW).allowed
    assert counted.trips == 20


def test_the_tightest_rule_is_told_and_the_first_that_refuses_decides() -> None:
    limiter, wide, narrow = RateLimiter(client()), rule(100), rule(2)

    assert limiter.take([wide, narrow], now=NOW)[:3] == (True, 2, 1)
    assert limiter.take([wide, narrow], now=NOW)[:3] == (True, 2, 0)
    assert limiter.take([wide, narrow], now=NOW)[:3] == (False, 2, 0)
    assert limiter.take([wide], now=NOW).remaining == 96


def test_windows_are_minutes_and_leave_nothing_behind_in_redis() -> None:
    counted = client()
    limits = [rule(5)]

    allowance = RateLimiter(counted).take(limits, now=NOW + 0.5)

    assert allowance.reset_seconds == 60
    assert RateLimiter(counted).take(limits, now=NOW + 59.9).reset_seconds == 1
    [key] = counted.keys(f"*{limits[0].key}*")
    assert 0 < counted.ttl(key) <= 120


def test_without_redis_requests_pass_and_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr("ledger.api.limits.logger", log)
    nobody = CountingRedis(unix_socket_path="/nowhere/redis.sock")
    limiter, limits = RateLimiter(nobody), [rule(2)]

    assert all(limiter.take(limits, now=NOW).allowed for _ in range(10))
    assert nobody.trips == 1  # no time-out for each request
    assert [call.args for call in log.calls] == [("rate_limits_off",)]

    # Redis comes back: after the pause the limit holds again.
    monkeypatch.setattr(limiter, "_client", client())
    monkeypatch.setattr("ledger.api.limits.REDIS_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(limiter, "_asks_again_at", 0.0)
    assert [limiter.take(limits, now=NOW).allowed for _ in range(3)] == [True, True, False]


def request(path: str = "/v1/accounts", **meta: Any) -> HttpRequest:
    return RequestFactory().get(path, **meta)


def test_forged_tokens_count_for_themselves_and_for_their_address() -> None:
    honest = rules_for(request(HTTP_AUTHORIZATION="Bearer a.b.c"))
    forged = rules_for(request(HTTP_AUTHORIZATION="Bearer a.b.x"))

    assert [one.name for one in honest] == ["address", "token"]
    assert honest[0] == forged[0]
    assert honest[1].key != forged[1].key
    assert "a.b.c" not in honest[1].key


@pytest.mark.parametrize(
    "path",
    [
        "/v1/auth/tokens", "/v1/auth/entity-token", "/v1/auth/developer-token",
        "/v1/developers/auth/generate-token", "/v1/entities/auth/generate-token",
    ],
)  # fmt: skip
def test_token_endpoints_have_the_stricter_limit(path: str) -> None:
    assert mints_tokens(path)
    assert [one.limit for one in rules_for(request(path))] == [
        settings.RATE_LIMIT_ADDRESS_PER_MINUTE,
        settings.RATE_LIMIT_TOKENS_PER_MINUTE,
    ]
    assert not mints_tokens("/v1/transactions")


def test_sandbox_companies_have_the_strictest_limit() -> None:
    with override_settings(RATE_LIMIT_SANDBOX_PER_MINUTE=5):
        limits = rules_for(request("/v1/sandbox"))
    assert [(one.name, one.limit) for one in limits] == [
        ("address", settings.RATE_LIMIT_ADDRESS_PER_MINUTE),
        ("sandbox", 5),
    ]
    limiter = RateLimiter(client())
    mine = [limits[1]._replace(key=uuid4().hex)]
    assert [limiter.take(mine, now=NOW).allowed for _ in range(6)] == [True] * 5 + [False]


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw() -> None:
    through = request(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="6.6.6.6, 203.0.113.9")

    assert client_address(through) == "10.0.0.1"
    with override_settings(TRUSTED_PROXIES=1):
        assert client_address(through) == "203.0.113.9"
        assert client_address(request(REMOTE_ADDR="10.0.0.1")) == "10.0.0.1"
    with override_settings(TRUSTED_PROXIES=3):
        assert client_address(through) == "10.0.0.1"


def test_an_ipv6_caller_counts_by_its_network() -> None:
    assert (
        address_key("2001:db8:1:2:3:4:5:6")
        == address_key("2001:db8:1:2::1")
        != address_key("2001:db8:1:3::1")
    )
    assert address_key("::ffff:203.0.113.9") == address_key("203.0.113.9")
    assert address_key("made up") == "unknown"


def test_every_api_response_says_what_is_left_and_refusals_when_to_come_back(client: Client) -> None:
    token: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {uuid4()}"}
    with override_settings(RATE_LIMIT_PER_MINUTE=2, RATE_LIMIT_ADDRESS_PER_MINUTE=1_000_000):
        responses = [client.get("/v1/nowhere", **token) for _ in range(3)]

    assert [response.status_code for response in responses] == [404, 404, 429]
    assert [response["RateLimit-Remaining"] for response in responses] == ["1", "0", "0"]
    for response in responses:
        assert response["RateLimit-Limit"] == "2"
        assert response["RateLimit-Policy"] == "2;w=60"
        assert 1 <= int(response["RateLimit-Reset"]) <= 60
    refusal = responses[-1]
    assert refusal["Retry-After"] == refusal["RateLimit-Reset"]
    assert refusal.json()["error"]["code"] == "RATE_LIMITED"
    assert refusal.json()["error"]["requestId"] == refusal["X-Request-ID"]

"""Rate limits: fixed windows of a minute, counted in Redis, and leased from there in chunks.

A process takes a chunk of a window's quota from Redis and spends it from memory, so most requests make no
round trip. What one process leased and did not spend is lost for that window: the limit is never exceeded in
total, and with several processes it may bite up to a chunk per process early.

The books need no Redis: when it is down, requests pass, and the log says so once.
"""

import hashlib
import ipaddress
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import redis
import structlog
from django.conf import settings
from django.http import HttpRequest

logger = structlog.get_logger(__name__)

WINDOW_SECONDS: Final = 60
CHUNKS_PER_WINDOW: Final = 20
# A bound on memory: whoever sends a million made-up tokens makes the leases start over, no more.
BUCKETS_MAX: Final = 50_000
REDIS_TIMEOUT_SECONDS: Final = 0.25
# How long requests pass unasked after Redis failed, so that its time-outs don't add up.
REDIS_PAUSE_SECONDS: Final = 5.0
IPV6_SITE_BITS: Final = 64
SANDBOX_PATH: Final = "/v1/sandbox"
CHAT_PATH: Final = "/v1/transactions/chat"


class Rule(NamedTuple):
    """One limit: `limit` requests a minute for each caller that `key` tells apart."""

    name: str
    key: str
    limit: int


class Allowance(NamedTuple):
    """What a caller has left: the tightest of the rules that the request fell under."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int

    def headers(self) -> dict[str, str]:
        """Return the RateLimit headers (IETF draft-ietf-httpapi-ratelimit-headers-07)."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
            "RateLimit-Policy": f"{self.limit};w={WINDOW_SECONDS}",
        }


@dataclass(slots=True)
class _Bucket:
    """What this process holds of one caller's quota in one window."""

    leased: int  # and not spent yet
    taken_by_all: int  # by all processes, when we last asked


class RateLimiter:
    """Counts requests against rules. One per process; safe for threads."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._lock = threading.Lock()
        self._window = 0
        self._buckets: dict[tuple[Rule, int], _Bucket] = {}
        self._asks_again_at = 0.0
        self._is_down = False

    def take(self, rules: list[Rule], *, now: float | None = None) -> Allowance:
        """Count one request against each rule in turn, up to the first that refuses.

        `now` is in seconds since 1970. Returns the allowance of the rule that refused, else of the one
        with the least left.
        """
        moment = time.time() if now is None else now
        window = int(moment) // WINDOW_SECONDS
        reset_seconds = WINDOW_SECONDS - int(moment) % WINDOW_SECONDS
        tightest: Allowance | None = None
        for rule in rules:
            remaining = self._spend(rule, window)
            if remaining is None:
                return Allowance(False, rule.limit, 0, reset_seconds)
            if tightest is None or remaining < tightest.remaining:
                tightest = Allowance(True, rule.limit, remaining, reset_seconds)
        if tightest is None:
            raise ValueError("a request is counted against at least one rule")
        return tightest

    def _spend(self, rule: Rule, window: int) -> int | None:
        """Spend one request and return how many are left, or None where none was left."""
        # The window is part of the name: what a slow thread leased in the last one is not spent in this one.
        name = (rule, window)
        with self._lock:
            if window > self._window or len(self._buckets) > BUCKETS_MAX:
                self._window = max(window, self._window)
                self._buckets = {}
            bucket = self._buckets.get(name)
            if bucket is not None:
                if bucket.leased > 0:
                    bucket.leased -= 1
                    return max(0, rule.limit - bucket.taken_by_all) + bucket.leased
                if bucket.taken_by_all >= rule.limit:
                    return None
        # The lock is not held while Redis is asked; two threads that ask at once lease two chunks.
        chunk = max(1, rule.limit // CHUNKS_PER_WINDOW)
        taken = self._lease(rule, window, chunk)
        if taken is None:
            return rule.limit
        granted = max(0, min(chunk, rule.limit - (taken - chunk)))
        with self._lock:
            bucket = self._buckets.setdefault(name, _Bucket(0, 0))
            bucket.taken_by_all = max(bucket.taken_by_all, taken)
            bucket.leased += granted
            if bucket.leased == 0:
                return None
            bucket.leased -= 1
            return max(0, rule.limit - bucket.taken_by_all) + bucket.leased

    def _lease(self, rule: Rule, window: int, chunk: int) -> int | None:
        """Take a chunk from Redis and return what all processes took so far; None where Redis is down."""
        if self._is_down and time.monotonic() < self._asks_again_at:
            return None
        # A limit that was changed counts afresh: chunks of the old one would fill the new one at once.
        key = f"ratelimit:{rule.name}:{rule.key}:{rule.limit}:{window}"
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                pipeline.incrby(key, chunk)
                pipeline.expire(key, 2 * WINDOW_SECONDS)
                taken, _ = pipeline.execute()
        except redis.RedisError as error:
            if not self._is_down:
                logger.warning("rate_limits_off", reason=str(error))
            self._is_down = True
            self._asks_again_at = time.monotonic() + REDIS_PAUSE_SECONDS
            return None
        if self._is_down:
            logger.warning("rate_limits_on_again")
            self._is_down = False
        return int(taken)


@lru_cache(maxsize=1)
def limiter() -> RateLimiter:
    """Return the process's limiter on the Redis of the settings."""
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
    )
    return RateLimiter(client)


def rules_for(request: HttpRequest) -> list[Rule]:
    """Return the limits that an API request falls under, the address's first.

    Settings, in requests per minute: `RATE_LIMIT_ADDRESS_PER_MINUTE` per address, `RATE_LIMIT_PER_MINUTE` per
    token, `RATE_LIMIT_TOKENS_PER_MINUTE` per address where tokens are made, of
    `RATE_LIMIT_SANDBOX_PER_MINUTE` where sandbox companies are, and `RATE_LIMIT_CHAT_PER_MINUTE` per token
    where questions are asked. A token counts by the hash of what was sent, before it is verified: a forged
    one never spends another's quota.
    """
    address = address_key(client_address(request))
    rules = [Rule("address", address, settings.RATE_LIMIT_ADDRESS_PER_MINUTE)]
    if mints_tokens(request.path_info):
        rules.append(Rule("mint", address, settings.RATE_LIMIT_TOKENS_PER_MINUTE))
    elif request.path_info == SANDBOX_PATH:
        # Anybody may call it, and it makes a whole company.
        rules.append(Rule("sandbox", address, settings.RATE_LIMIT_SANDBOX_PER_MINUTE))
    authorization = request.META.get("HTTP_AUTHORIZATION")
    if authorization:
        digest = hashlib.sha256(authorization.encode("utf-8", "backslashreplace")).hexdigest()[:32]
        rules.append(Rule("token", digest, settings.RATE_LIMIT_PER_MINUTE))
        if request.path_info == CHAT_PATH:
            # Each may take a dozen queries, and cost money where a hosted model answers.
            rules.append(Rule("chat", digest, settings.RATE_LIMIT_CHAT_PER_MINUTE))
    return rules


def mints_tokens(path: str) -> bool:
    """Return whether a path hands out tokens, so that guessing keys there is slow."""
    return path.startswith("/v1/auth/") or path.endswith("/auth/generate-token")


def client_address(request: HttpRequest) -> str:
    """Return the address that the request came from.

    Behind `TRUSTED_PROXIES` proxies it is that entry of X-Forwarded-For, counted from its end: what stands
    before it may be made up by the caller.
    """
    peer = str(request.META.get("REMOTE_ADDR") or "")
    proxies = settings.TRUSTED_PROXIES
    if proxies:
        forwarded = [entry.strip() for entry in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        if len(forwarded) >= proxies and forwarded[-proxies]:
            return str(forwarded[-proxies])
    return peer


@lru_cache(maxsize=4096)
def address_key(address: str) -> str:
    """Return what an address counts as: an IPv6 address as its /64 network, which one caller holds whole."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, IPV6_SITE_BITS), strict=False))
    return str(parsed)

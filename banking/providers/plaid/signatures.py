"""Plaid's signature of a webhook: https://plaid.com/docs/api/webhooks/webhook-verification/."""

import hashlib
import hmac
import re
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import jwt
import structlog

from banking.providers.plaid import client
from banking.providers.plaid.shapes import Key
from ledger.exceptions import AuthenticationError, ProviderError

logger = structlog.get_logger(__name__)

HEADER: Final = "Plaid-Verification"
ALGORITHM: Final = "ES256"
AGE_SECONDS_MAX: Final = 5 * 60
# How far Plaid's clock may be ahead of ours.
AHEAD_SECONDS_MAX: Final = 60
SIGNATURE_CHARACTERS_MAX: Final = 4096
_KID: Final = re.compile(r"[0-9A-Za-z_.-]{1,100}", re.ASCII)


class KeyRing:
    """The public keys that webhooks are signed with, as this process has seen them. Safe for threads.

    A key is asked for again after an hour, so that one which Plaid has expired does not count for long. Keys
    that nobody has seen are asked for at most once a minute, and so is each one that was: whoever sends
    webhooks with made-up keys cannot make us call Plaid more often than that.
    """

    KEPT_SECONDS: Final = 3600.0
    PAUSE_SECONDS: Final = 60.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # Only keys that Plaid knows are in here, so nobody can fill it.
        self._keys: dict[str, tuple[float, Key]] = {}
        # When a key was last asked for, by its id; "" stands for all that were not known.
        self._asked_at: dict[str, float] = {}

    def find(self, kid: str) -> Key | None:
        """Return the key of that id, or None where there is none, or it may not be asked for now."""
        now = self._clock()
        with self._lock:
            seen = self._keys.get(kid)
            if seen is not None and now - seen[0] < self.KEPT_SECONDS:
                return seen[1]
            asking = kid if seen else ""
            if now - self._asked_at.get(asking, float("-inf")) < self.PAUSE_SECONDS:
                return None
            self._asked_at[asking] = now
        try:
            key = client.get_webhook_key(kid)
        except ProviderError as error:
            logger.warning("plaid_webhook_key_not_found", reason=str(error))
            return None
        self.keep(kid, key)
        return key

    def keep(self, kid: str, key: Key) -> None:
        """Keep a key that Plaid gave."""
        with self._lock:
            self._keys[kid] = (self._clock(), key)


keys: KeyRing = KeyRing()


def check_signature(body: bytes, signature: str) -> None:
    """Return where `signature`, the content of the header, is Plaid's, of this very body, and not old.

    Raises AuthenticationError otherwise, always with the same words; the log says why.
    """
    reason = _fault(body, signature)
    if reason:
        logger.warning("plaid_webhook_refused", reason=reason)
        raise AuthenticationError("This webhook is not signed as Plaid signs.")


def _fault(body: bytes, signature: str) -> str:
    """Return what is wrong, or nothing. What costs least is looked at first; no key is asked for before."""
    if not signature or len(signature) > SIGNATURE_CHARACTERS_MAX or not signature.isascii():
        return "there is no signature"
    try:
        header = jwt.get_unverified_header(signature)
        claims = jwt.decode(signature, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return "it is no JWT"
    kid = header.get("kid")
    if header.get("alg") != ALGORITHM:
        return "it is not signed by ES256"
    if not (isinstance(kid, str) and _KID.fullmatch(kid)):
        return "it names no key"
    # These are made up, for all that is known so far; below they count.
    fault = _fault_of_claims(claims, body)
    if fault:
        return fault
    key = keys.find(kid)
    if key is None:
        return "its key is not known"
    if key.expired_at is not None:
        return "its key has expired"
    if (key.kid, key.kty, key.crv, key.alg, key.use) != (kid, "EC", "P-256", ALGORITHM, "sig"):
        return "its key is of another kind"
    jwk = {"kty": key.kty, "crv": key.crv, "x": key.x, "y": key.y}
    try:
        # No claim is left to the library: Plaid sends but the two that are looked at here.
        claims = jwt.decode(
            signature, jwt.PyJWK(jwk, ALGORITHM).key, algorithms=[ALGORITHM], options={"verify_iat": False}
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        return "the signature does not fit"
    return _fault_of_claims(claims, body)


def _fault_of_claims(claims: dict[str, Any], body: bytes) -> str:
    issued_at, digest = claims.get("iat"), claims.get("request_body_sha256")
    # Whole seconds: an integer of any length can be compared with them, but not with a float.
    now = int(time.time())
    if type(issued_at) is not int or not -AHEAD_SECONDS_MAX <= now - issued_at <= AGE_SECONDS_MAX:
        return "it is too old"
    if not (isinstance(digest, str) and digest.isascii()):
        return "it says nothing of the body"
    # In constant time, so that nobody learns a digest byte by byte.
    if not hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), digest.encode()):
        return "the body is another"
    return ""

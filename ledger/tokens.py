"""Access tokens: signed JWTs (RFC 7519, HS256) that name the API key they were made with.

A signature is checked once, then the token is known in this process for a minute. Whether its key still
counts is asked every few seconds at most, so a request usually reads nothing from the database, and a revoked
key, a disabled developer or a deleted company ends its tokens within seconds.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

import jwt
from django.conf import settings
from django.utils import timezone

from ledger import db
from ledger.caches import TimedCache
from ledger.choices import KeyKind
from ledger.exceptions import AuthenticationError
from ledger.ids import new_id
from ledger.models import ApiKey

LIFETIME_SECONDS: Final = 3600
ISSUER: Final = "openledger"
AUDIENCE: Final = "openledger-api"
_ALGORITHM: Final = "HS256"
_TYPE: Final = "access"
_REQUIRED: Final = ["iss", "aud", "typ", "exp", "iat", "jti", "kind", "key", "scope"]
_TOKEN_LENGTH_MAX: Final = 4096
_SIGNATURE_KNOWN_SECONDS: Final = 60.0
_STATE_KNOWN_SECONDS: Final = 3.0


class TokenKind(StrEnum):
    """Whom a token speaks for."""

    DEVELOPER = "developer"
    ENTITY = "entity"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a token may do."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Token:
    """A verified access token."""

    kind: TokenKind
    # None for an admin token.
    developer_id: UUID | None
    # The only company of an entity token; None for the others.
    entity_id: UUID | None
    key_id: UUID
    scope: Scope

    @property
    def owner_id(self) -> UUID:
        """Whose idempotency keys the token's are: its company's, its developer's, or its admin key's."""
        return self.entity_id or self.developer_id or self.key_id


class _KeyState(NamedTuple):
    counts: bool
    name: str


_known: TimedCache[bytes, Token] = TimedCache(size_max=20_000, seconds=_SIGNATURE_KNOWN_SECONDS)
_states: TimedCache[tuple[UUID, UUID | None], _KeyState] = TimedCache(
    size_max=20_000, seconds=_STATE_KNOWN_SECONDS
)

_KEY_STATE = """
    SELECT k.name, k.revoked_at, k.expires_at, d.disabled_at,
        %(entity)s::uuid IS NULL OR EXISTS (
            SELECT FROM ledger_entity e WHERE e.id = %(entity)s AND e.developer_id = k.developer_id)
    FROM ledger_apikey k LEFT JOIN ledger_developer d ON d.id = k.developer_id
    WHERE k.id = %(key)s
"""


def issue(*, key: ApiKey, scope: Scope, entity_id: UUID | None = None) -> str:
    """Return a new token of one hour for what `key` reaches, or for one company of its developer.

    That the company is the developer's is the caller's to check.
    """
    if key.kind == KeyKind.ADMIN:
        kind = TokenKind.ADMIN
    else:
        kind = TokenKind.DEVELOPER if entity_id is None else TokenKind.ENTITY
    issued = int(timezone.now().timestamp())
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "typ": _TYPE,
        "iat": issued,
        "exp": issued + LIFETIME_SECONDS,
        "jti": new_id().hex,
        "kind": str(kind),
        "dev": None if key.developer_id is None else key.developer_id.hex,
        "ent": None if entity_id is None else entity_id.hex,
        "key": key.id.hex,
        "scope": str(scope),
    }
    secret = settings.JWT_SIGNING_KEYS[0]
    return jwt.encode(claims, secret, algorithm=_ALGORITHM, headers={"kid": _kid(secret)})


def verify(text: str) -> Token:
    """Return the token that `text` is, if it is ours, has not expired and its key still counts.

    Raises AuthenticationError, the same for whatever is wrong.
    """
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).digest()
    token = _known.get(digest)
    if token is None:
        token, seconds_left = _decode(text)
        _known.put(digest, token, seconds=seconds_left)
    if not _state(token).counts:
        raise AuthenticationError
    return token


def key_name(token: Token) -> str:
    """Return the name of the token's API key, as the audit trail shows it."""
    return _state(token).name


def forget_key(key_id: UUID) -> None:
    """Ask anew, at the key's next use in this process, whether it still counts."""
    _states.drop_where_first(key_id)


def forget_all_keys() -> None:
    """Ask anew of every key; for changes that touch many at once."""
    _states.clear()


def _decode(text: str) -> tuple[Token, float]:
    try:
        if len(text) > _TOKEN_LENGTH_MAX:
            raise AuthenticationError
        secret = _secrets(tuple(settings.JWT_SIGNING_KEYS))[jwt.get_unverified_header(text)["kid"]]
        claims = jwt.decode(
            text,
            secret,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": _REQUIRED},
        )
        if claims["typ"] != _TYPE:
            raise AuthenticationError
        token = Token(
            kind=TokenKind(claims["kind"]),
            developer_id=_uuid(claims["dev"]),
            entity_id=_uuid(claims["ent"]),
            key_id=UUID(hex=claims["key"]),
            scope=Scope(claims["scope"]),
        )
        return token, claims["exp"] - datetime.now(UTC).timestamp()
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, AttributeError):
        raise AuthenticationError from None


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(hex=text)


def _state(token: Token) -> _KeyState:
    name = (token.key_id, token.entity_id)
    state = _states.get(name)
    if state is None:
        state = _look_up(*name)
        _states.put(name, state)
    return state


def _look_up(key_id: UUID, entity_id: UUID | None) -> _KeyState:
    rows = db.fetch(_KEY_STATE, {"key": key_id, "entity": entity_id})
    if not rows:
        return _KeyState(False, "")
    name, revoked_at, expires_at, disabled_at, entity_exists = rows[0]
    is_over = expires_at is not None and expires_at <= timezone.now()
    return _KeyState(revoked_at is None and not is_over and disabled_at is None and entity_exists, name)


def _kid(secret: str) -> str:
    """The name of a signing key: what a token may say of it without giving it away."""
    return hashlib.sha256(b"openledger.kid:" + secret.encode()).hexdigest()[:16]


@lru_cache(maxsize=4)
def _secrets(secrets: tuple[str, ...]) -> dict[str, str]:
    return {_kid(secret): secret for secret in secrets}

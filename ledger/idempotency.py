"""Calls that may be sent twice and happen once: the key, the request's fingerprint and the first answer.

All of it is in the database transaction of the work. The key is inserted first: a second call with the same
key waits at the unique index until the first one ends. Was that committed, the second gets its answer; was it
rolled back, the key is free and the second does the work. See IETF draft-ietf-httpapi-idempotency-key-
header-06.
"""

import hashlib
import re
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone

from ledger import db
from ledger.exceptions import BusyError, IdempotencyMismatchError, ValidationError, shown

KEY_LENGTH_MAX: Final = 255
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}", re.ASCII)

# The short time-out holds for this one wait: whoever waits longer is told to come back. Where the row went
# in, the former time-out is put back for the work that follows.
_CLAIM = """
    WITH former AS MATERIALIZED (SELECT current_setting('lock_timeout') AS value),
    short AS MATERIALIZED (SELECT set_config('lock_timeout', '1s', true) AS value FROM former)
    INSERT INTO ledger_idempotencykey (owner_id, key, fingerprint, created_at)
    SELECT %(owner)s, %(key)s, %(fingerprint)s, %(now)s FROM short WHERE short.value IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING set_config('lock_timeout', (SELECT value FROM former), true)
"""
_STORED = """
    SELECT fingerprint, response_status, response_body FROM ledger_idempotencykey
    WHERE owner_id = %(owner)s AND key = %(key)s
"""
_STORE = """
    UPDATE ledger_idempotencykey SET response_status = %(status)s, response_body = %(body)s
    WHERE owner_id = %(owner)s AND key = %(key)s
"""
_FORGET = """
    DELETE FROM ledger_idempotencykey WHERE (owner_id, key) IN (
        SELECT owner_id, key FROM ledger_idempotencykey WHERE created_at < %(before)s
        ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""
_FORGET_BATCH: Final = 5_000


class Answer(NamedTuple):
    """What the first call got."""

    status: int
    body: bytes


def check_key(key: str) -> str:
    """Return the key. Raises ValidationError unless it has 1 to 255 printable ASCII characters."""
    if not _KEY.fullmatch(key):
        raise ValidationError.of(
            "Idempotency-Key",
            f"{shown(key)} is no key; send 1 to {KEY_LENGTH_MAX} printable ASCII characters, such as a UUID.",
        )
    return key


def fingerprint(*parts: bytes) -> bytes:
    """Return the SHA-256 of a request's method, path, query and body; each part counts with its length."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def claim(*, owner_id: UUID, key: str, request: bytes) -> Answer | None:
    """Take the key for the work of this database transaction; None says that the work is ours to do.

    Where the work was done before, its answer comes back. `request` is the fingerprint. Raises BusyError
    while another call with the key runs, IdempotencyMismatchError where the key came with another request
    before.
    """
    row = {"owner": owner_id, "key": key, "fingerprint": request, "now": timezone.now()}
    try:
        claimed = db.fetch(_CLAIM, row)
    except DatabaseError as error:
        if db.sqlstate(error) == db.LOCK_NOT_AVAILABLE:
            raise _running(key) from error
        raise
    if claimed:
        return None
    stored = db.fetch(_STORED, {"owner": owner_id, "key": key})
    if not stored:  # forgotten between the two statements, having expired
        raise _running(key)
    known, status, body = stored[0]
    if bytes(known) != request:
        raise IdempotencyMismatchError(
            f"Idempotency-Key {shown(key)} came with another request before; send a new key."
        )
    return Answer(status, bytes(body))


def _running(key: str) -> BusyError:
    return BusyError(f"The first request with Idempotency-Key {shown(key)} is still running; send it again.")


def store(*, owner_id: UUID, key: str, answer: Answer) -> None:
    """Keep the answer beside the key, in the same database transaction."""
    db.execute(_STORE, {"owner": owner_id, "key": key, "status": answer.status, "body": answer.body})


def forget_old(*, hours: int | None = None) -> int:
    """Delete the keys older than `hours` (IDEMPOTENCY_KEY_HOURS by default), in batches; return how many."""
    before = timezone.now() - timedelta(hours=settings.IDEMPOTENCY_KEY_HOURS if hours is None else hours)
    forgotten = 0
    while deleted := db.execute(_FORGET, {"before": before, "limit": _FORGET_BATCH}):
        forgotten += deleted
    return forgotten

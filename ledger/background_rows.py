"""The rows of background work, statement by statement.

The database's clock measures everything, so that the clocks of several machines need not agree. Who works on
a row is told by its `attempts`: each worker that takes it counts one on, and from then on only its writes
count. A worker that was taken for dead, and is not, finds that out with its next write.

Of the rows of one name and key (not empty), one is `queued` and one `running` at most, by a unique index.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import IntegrityError

from ledger import db
from ledger.api.json import encode
from ledger.ids import new_id

MESSAGE_LENGTH_MAX: Final = 500
ERROR_LENGTH_MAX: Final = 1000
COUNT_MAX: Final = 2**31 - 1
ONE_OF_A_KEY: Final = "backgroundtask_once"

_INSERT: Final = """
INSERT INTO ledger_backgroundtask
    (id, entity_id, name, arguments, key, state, done, message, error, attempts,
     created_at, created_by, sent_at)
VALUES
    (%(id)s, %(entity)s, %(name)s, %(arguments)s::jsonb, %(key)s, 'queued', 0, '', '', 0,
     statement_timestamp(), %(created_by)s, statement_timestamp())
ON CONFLICT (entity_id, name, key, state) WHERE state IN ('queued', 'running') AND NOT key = '' DO NOTHING
"""
_WAITING: Final = """
SELECT id FROM ledger_backgroundtask
WHERE entity_id = %(entity)s AND name = %(name)s AND key = %(key)s AND state = 'queued' AND NOT key = ''
"""
_NOT_SENT: Final = """
UPDATE ledger_backgroundtask SET sent_at = NULL
WHERE entity_id = %(entity)s AND id = %(id)s AND state IN ('queued', 'running')
"""
_CLAIM: Final = """
UPDATE ledger_backgroundtask
SET state = 'running', attempts = attempts + 1, done = 0, total = NULL, message = '', finished_at = NULL,
    started_at = statement_timestamp(), seen_at = statement_timestamp()
WHERE entity_id = %(entity)s AND id = %(id)s AND (state = 'queued' OR (
    state = 'running' AND seen_at < statement_timestamp() - %(lost)s * interval '1 second'))
RETURNING name, key, arguments, attempts, created_by
"""
_OURS: Final = "WHERE entity_id = %(entity)s AND id = %(id)s AND state = 'running' AND attempts = %(attempt)s"
_SEEN: Final = f"""
UPDATE ledger_backgroundtask
SET seen_at = clock_timestamp(), done = %(done)s, total = %(total)s, message = %(message)s {_OURS}
"""
_RETRY: Final = f"""
UPDATE ledger_backgroundtask
SET state = 'queued', error = %(error)s, sent_at = clock_timestamp() + %(delay)s * interval '1 second',
    done = %(done)s, total = %(total)s, message = %(message)s {_OURS}
"""
_FINISH: Final = f"""
UPDATE ledger_backgroundtask
SET state = %(state)s, error = %(error)s, finished_at = clock_timestamp(), seen_at = clock_timestamp(),
    done = %(done)s, total = %(total)s, message = %(message)s {_OURS}
"""

_DROP: Final = f"DELETE FROM ledger_backgroundtask {_OURS}"


class SupersededError(Exception):
    """A row need not be tried again: the same was asked for once more, and that one waits."""


class Claimed(NamedTuple):
    """A row that this worker may work on."""

    name: str
    key: str
    arguments: str  # JSON
    attempt: int
    created_by: UUID | None


class Progress(NamedTuple):
    """How far the work is."""

    done: int = 0
    total: int | None = None
    message: str = ""


class Claim(NamedTuple):
    """Whose row it is: with another attempt's number nothing is written."""

    entity_id: UUID
    task_id: UUID
    attempt: int
    name: str = ""
    key: str = ""


def insert(
    *, entity_id: UUID, name: str, arguments: Mapping[str, Any], key: str, created_by: UUID | None
) -> tuple[UUID, bool]:
    """Insert a row and return its id and True, or False and the id of the one of this name and key that is
    queued. Waits for another database transaction that is inserting the same."""
    row = {
        "entity": entity_id,
        "name": name,
        "arguments": encode(arguments).decode(),
        "key": key,
        "created_by": created_by,
    }
    while True:
        task_id = new_id()
        if db.execute(_INSERT, row | {"id": task_id}):
            return task_id, True
        # A worker may have taken it between the two statements; then there is room for a new one.
        waits = waiting(entity_id, name, key)
        if waits is not None:
            return waits, False


def waiting(entity_id: UUID, name: str, key: str) -> UUID | None:
    """Return the id of the row of this name and key that is queued, or None; None without a key, too."""
    found = db.fetch(_WAITING, {"entity": entity_id, "name": name, "key": key})
    return found[0][0] if found else None


def mark_not_sent(entity_id: UUID, task_id: UUID) -> None:
    """Note that the queue did not take it: the next sweep sends it."""
    db.execute(_NOT_SENT, {"entity": entity_id, "id": task_id})


def claim(entity_id: UUID, task_id: UUID, *, lost_seconds: float) -> Claimed | None:
    """Take the row to work on it, or return None: it has ended, is gone, a live worker has it, or it must
    wait for another one of its name and key that runs.

    A worker that was not seen for `lost_seconds` is taken for dead.
    """
    try:
        with db.restorable():
            rows = db.fetch(_CLAIM, {"entity": entity_id, "id": task_id, "lost": lost_seconds})
    except IntegrityError as error:
        if db.constraint_name(error) != ONE_OF_A_KEY:
            raise
        return None
    return Claimed(*rows[0]) if rows else None


def mark_seen(claim: Claim, progress: Progress) -> bool:
    """Say that the work goes on, and how far it is; False where the row is no longer ours."""
    return bool(db.execute(_SEEN, _values(claim, progress)))


def mark_for_retry(claim: Claim, progress: Progress, *, error: str, delay_seconds: float) -> bool:
    """Put the row back into the queue, due after `delay_seconds`; False where it is no longer ours.

    Raises SupersededError where another one of its name and key waits already.
    """
    values = {"error": _stored(error, ERROR_LENGTH_MAX), "delay": delay_seconds}
    try:
        with db.restorable():
            return bool(db.execute(_RETRY, _values(claim, progress) | values))
    except IntegrityError as conflict:
        if db.constraint_name(conflict) != ONE_OF_A_KEY:
            raise
        raise SupersededError from conflict


def finish(claim: Claim, progress: Progress, *, state: str, error: str = "") -> bool:
    """Write how the work ended; False where the row is no longer ours."""
    values = {"state": state, "error": _stored(error, ERROR_LENGTH_MAX)}
    return bool(db.execute(_FINISH, _values(claim, progress) | values))


def drop(claim: Claim) -> None:
    """Take the row away: there is nothing that it could be about."""
    db.execute(_DROP, {"entity": claim.entity_id, "id": claim.task_id, "attempt": claim.attempt})


def _values(claim: Claim, progress: Progress) -> dict[str, Any]:
    return {
        "entity": claim.entity_id,
        "id": claim.task_id,
        "attempt": claim.attempt,
        "done": min(progress.done, COUNT_MAX),
        "total": None if progress.total is None else min(progress.total, COUNT_MAX),
        "message": _stored(progress.message, MESSAGE_LENGTH_MAX),
    }


def _stored(text: str, length_max: int) -> str:
    """The text as the table can hold it: PostgreSQL takes no NUL character and no lone surrogate."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:length_max]

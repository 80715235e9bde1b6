"""The record of who did what to anything but transactions (whose history is in their revisions).

Events of one scope form a chain: each holds the SHA-256 of the one before and of itself, so that a row that
was changed or taken out shows. What is cut off at the end of a chain alone cannot show here; a copy of the
newest hash, kept elsewhere, proves that too.
"""

import hashlib
import ipaddress
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.utils import timezone

from ledger import db
from ledger.actors import Actor
from ledger.choices import Outcome
from ledger.models import AuditEvent, Developer, Entity

# The scope of what belongs to no company and no developer, as admin keys do.
INSTALLATION: Final = UUID(int=0)
FIRST_PREVIOUS_HASH: Final = bytes(32)
# Apart from the key of a company's books (ledger_books_key), which hashes with 1.
_CHAIN_LOCK = "SELECT pg_advisory_xact_lock(uuid_hash_extended(%(scope)s, 2))"
_CHAIN_END = """
    SELECT sequence, hash FROM ledger_auditevent WHERE scope_id = %(scope)s ORDER BY sequence DESC LIMIT 1
"""
_LABEL_LENGTH: Final = 200


def record(
    *,
    actor: Actor,
    action: str,
    object_type: str,
    object_id: UUID | str,
    entity: Entity | None = None,
    developer: Developer | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    outcome: Outcome = Outcome.DONE,
) -> AuditEvent:
    """Append an event to the chain of `entity`, else of `developer`, else of the installation.

    `action` is dotted, as in "ledger.entity.updated". `before` and `after` hold the changed fields alone and
    never a secret; amounts and times in them are stored as text. Must be called in the database transaction
    of what it records, as late as can be: it holds the chain's lock until that ends. Raises RuntimeError
    outside of one.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("audit.record must run in the database transaction of what it records")
    scope_id = entity.id if entity is not None else developer.id if developer is not None else INSTALLATION
    # Two statements: what waited for the lock would not see what was committed meanwhile.
    db.fetch(_CHAIN_LOCK, {"scope": scope_id})
    end = db.fetch(_CHAIN_END, {"scope": scope_id})
    sequence, previous_hash = end[0] if end else (0, FIRST_PREVIOUS_HASH)
    event = AuditEvent(
        scope_id=scope_id,
        sequence=sequence + 1,
        occurred_at=timezone.now(),
        actor_kind=str(actor.kind),
        actor_id=actor.id,
        actor_label=actor.label[:_LABEL_LENGTH],
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        before=_plain(before),
        after=_plain(after),
        outcome=str(outcome),
        address=_address(actor.address),
        request_id=actor.request_id,
        previous_hash=bytes(previous_hash),
    )
    event.hash = _hash(event)
    event.save(force_insert=True)
    return event


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return `before` and `after` without the fields that are alike in both."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def verify_chain(scope_id: UUID) -> list[str]:
    """Recompute the chain of a scope and return a sentence for each fault; none means that it is whole."""
    faults = []
    expected, previous_hash = 1, FIRST_PREVIOUS_HASH
    for event in AuditEvent.objects.filter(scope_id=scope_id).order_by("sequence").iterator():
        if event.sequence != expected:
            faults.append(f"{scope_id}: events {expected} to {event.sequence - 1} are missing")
        elif bytes(event.previous_hash) != previous_hash:
            faults.append(f"{scope_id}: event {event.sequence} does not follow from the one before it")
        if bytes(event.hash) != _hash(event):
            faults.append(
                f"{scope_id}: event {event.sequence} ({event.id}) was changed after it was recorded"
            )
        expected, previous_hash = event.sequence + 1, bytes(event.hash)
    return faults


def verify_chains(scope_ids: Iterable[UUID] | None = None) -> list[str]:
    """Return the faults of the chains of `scope_ids`, or of every chain there is."""
    if scope_ids is None:
        scope_ids = AuditEvent.objects.order_by("scope_id").values_list("scope_id", flat=True).distinct()
    return [fault for scope_id in scope_ids for fault in verify_chain(scope_id)]


def _hash(event: AuditEvent) -> bytes:
    row = {
        "id": str(event.id),
        "scope_id": str(event.scope_id),
        "sequence": event.sequence,
        "occurred_at": event.occurred_at.astimezone(UTC).isoformat(),
        "actor_kind": event.actor_kind,
        "actor_id": None if event.actor_id is None else str(event.actor_id),
        "actor_label": event.actor_label,
        "action": event.action,
        "object_type": event.object_type,
        "object_id": event.object_id,
        "before": event.before,
        "after": event.after,
        "outcome": event.outcome,
        "address": _address(event.address),
        "request_id": event.request_id,
    }
    canonical = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(bytes(event.previous_hash) + canonical.encode()).digest()


def _plain(value: Any) -> Any:
    """Return `value` with nothing in it that jsonb would give back in another spelling (1E+2 as 100)."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)  # a member of an enumeration as its value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)


@lru_cache(maxsize=1024)
def _address(text: str | None) -> str | None:
    """Return an address in one spelling; None for what is no address, such as the name of a socket."""
    try:
        parsed = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(parsed)

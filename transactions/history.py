"""What happened to a transaction, from its revisions: who did it, when and why, and what changed by it."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from accounts.facts import facts_of_accounts
from ledger.api import json
from ledger.choices import ActorKind
from ledger.db import fetch, uuid_array
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.money import as_text
from transactions.choices import Change
from transactions.rows import STATE_COLUMNS, Row

STEPS_MAX: Final = 200

_REVISIONS: Final = f"""
SELECT changed_at, changed_by, changed_by_kind, change, reason, transaction_id, {", ".join(STATE_COLUMNS[1:])}
FROM transactions_revision
WHERE entity_id = %(entity)s::uuid AND transaction_id = %(id)s::uuid
ORDER BY changed_at DESC, id DESC LIMIT {STEPS_MAX:d}
"""
_NAMES: Final = """
SELECT id, username, 'user' FROM ledger_user WHERE id = ANY(%(ids)s::uuid[])
UNION ALL
SELECT id, name, 'api_key' FROM ledger_apikey WHERE id = ANY(%(ids)s::uuid[])
"""
# In the order in which a person would look at them.
_FIELDS: Final = {
    "date": "Day",
    "amount": "Amount",
    "debit_account_id": "Debit",
    "credit_account_id": "Credit",
    "status": "Status",
    "description": "Description",
    "counterparty": "Counterparty",
    "expires_at": "Expires",
    "journal_entry_id": "Journal entry",
    "reversed_by_id": "Reversed by",
}


class FieldChange(NamedTuple):
    """What a field said, and what it says since; days and moments as they are, the rest in words."""

    label: str
    before: str | date | datetime | None
    after: str | date | datetime | None


class Step(NamedTuple):
    """One thing that happened to a transaction."""

    at: datetime
    # "recorded", or a Change.
    what: str
    # The person's or the API key's name; "system" or "command" where it was neither.
    who: str
    reason: str
    changes: list[FieldChange]


def history_of(entity: Entity, row: Row) -> list[Step]:
    """What happened to a transaction, newest first, its recording last; three queries at most.

    Only the newest `STEPS_MAX` changes are told; the recording then comes right before them.
    """
    found = fetch(_REVISIONS, {"entity": entity.id, "id": row.id})
    names = _names({revision[1] for revision in found} | {row.created_by})
    states = [row._asdict(), *(dict(zip(STATE_COLUMNS, revision[5:], strict=True)) for revision in found)]
    accounts = _account_names(entity, states) if found else {}
    steps = []
    for number, (at, by, kind, change, reason, *_) in enumerate(found):
        after, before = states[number], states[number + 1]
        changes = list(_changes(before, after, accounts))
        steps.append(Step(at, Change(change).value, _who(by, kind, names), reason, changes))
    steps.append(Step(row.created_at, "recorded", _who(row.created_by, "", names), "", []))
    return steps


def _changes(
    before: Mapping[str, Any], after: Mapping[str, Any], accounts: Mapping[UUID, str]
) -> Iterable[FieldChange]:
    currency = after["currency"]
    for name, label in _FIELDS.items():
        old, new = before[name], after[name]
        if old != new:
            yield FieldChange(
                label, _readable(name, old, currency, accounts), _readable(name, new, currency, accounts)
            )
    old_data, new_data = _metadata(before["metadata"]), _metadata(after["metadata"])
    for key in sorted(old_data.keys() | new_data.keys()):
        if old_data.get(key) != new_data.get(key):
            yield FieldChange(key, _text(old_data.get(key)), _text(new_data.get(key)))


def _readable(
    name: str, value: Any, currency: str, accounts: Mapping[UUID, str]
) -> str | date | datetime | None:
    if value is None or isinstance(value, date | datetime):
        return value
    if isinstance(value, Decimal):
        return f"{as_text(value, currency)} {currency}"
    if name in ("debit_account_id", "credit_account_id"):
        return accounts.get(value) or encode_id(Prefix.ACCOUNT, value)
    if name == "journal_entry_id":
        return encode_id(Prefix.JOURNAL_ENTRY, value)
    if name == "reversed_by_id":
        return encode_id(Prefix.TRANSACTION, value)
    return str(value)


def _metadata(text: str | None) -> dict[str, Any]:
    """Metadata but for the category's id, whose name says the same in words."""
    known = json.decode(text.encode()) if text else {}
    return (
        {key: value for key, value in known.items() if key != "categoryId"} if isinstance(known, dict) else {}
    )


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.encode(value).decode()


def _account_names(entity: Entity, states: Iterable[Mapping[str, Any]]) -> dict[UUID, str]:
    ids = {state[name] for state in states for name in ("debit_account_id", "credit_account_id")}
    return {
        one.id: f"{one.code} {one.name}" if one.code else one.name
        for one in facts_of_accounts(entity, ids).values()
    }


def _names(ids: Iterable[UUID | None]) -> dict[UUID, str]:
    known = [one for one in ids if one is not None]
    if not known:
        return {}
    return {
        id_: name if kind == ActorKind.USER else f"API key {name}"
        for id_, name, kind in fetch(_NAMES, {"ids": uuid_array(known)})
    }


def _who(id_: UUID | None, kind: str, names: Mapping[UUID, str]) -> str:
    if id_ is None:
        return kind or ActorKind.SYSTEM.value
    return names.get(id_) or f"{kind or 'somebody'} {id_}"

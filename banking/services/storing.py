"""Keeping what banks say, line by line, exactly once."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from banking.choices import LineStatus
from banking.models import BankAccount, StatementImport
from banking.providers.base import LineSeen
from banking.services.changing import follow_changes
from banking.services.locks import hold_lines
from banking.services.rows import Line, lines_by_provider_id
from ledger.api import json
from ledger.clock import utc_now
from ledger.db import compact, copy_rows, execute, uuid_array
from ledger.exceptions import Detail, ValidationError, shown
from ledger.ids import new_id
from ledger.models import Entity
from ledger.money import parse_amount
from ledger.times import YEAR_MAX, YEAR_MIN

LINE_ID_LENGTH_MAX: Final = 200
DESCRIPTION_LENGTH_MAX: Final = 1000
COUNTERPARTY_LENGTH_MAX: Final = 200
CATEGORY_LENGTH_MAX: Final = 100

# What PostgreSQL's text cannot hold.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_COLUMNS: Final = (
    "id", "entity_id", "bank_account_id", "provider_line_id", "pending_line_id", "statement_import_id",
    "date", "authorized_date", "amount", "currency", "description", "counterparty", "provider_category",
    "status", "attention", "raw", "created_at", "updated_at",
)  # fmt: skip
# What the bank may say otherwise of a line that we have.
_UPDATE: Final = compact("""
UPDATE banking_bankline l
SET provider_line_id = w.line_id, pending_line_id = w.pending_line_id, date = w.date,
    authorized_date = w.authorized_date, amount = w.amount, description = w.description,
    counterparty = w.counterparty, provider_category = w.category, status = w.status,
    offered_transaction_id = CASE WHEN w.status = 'offered' THEN l.offered_transaction_id END,
    raw = w.raw::jsonb, updated_at = %(now)s::timestamptz
FROM unnest(
    %(ids)s::uuid[], %(line_ids)s::text[], %(pending_line_ids)s::text[], %(dates)s::date[],
    %(authorized_dates)s::date[], %(amounts)s::numeric[], %(descriptions)s::text[],
    %(counterparties)s::text[], %(categories)s::text[], %(statuses)s::text[], %(raws)s::text[]
) AS w (
    id, line_id, pending_line_id, date, authorized_date, amount, description, counterparty, category,
    status, raw
)
WHERE l.entity_id = %(entity)s::uuid AND l.id = w.id
""")


class Stored(NamedTuple):
    """What became of a batch of lines."""

    # Lines that are now posted at the bank and not yet in the books, in the order they came: for
    # `record_lines`, in the same database transaction.
    new_ids: list[UUID]
    # Lines that were here already and that the bank now says otherwise.
    changed_ids: list[UUID]
    # Lines that were here already, just like that.
    skipped: int
    # Those of `new_ids` that were not here in any form before, as they are now.
    fresh: Sequence[Line] = ()


def store_lines(
    entity: Entity,
    bank_account: BankAccount,
    lines: Sequence[LineSeen],
    statement_import: StatementImport | None = None,
) -> Stored:
    """Store `lines` of `bank_account`, each once, whatever was stored before, in a few statements for any
    number. The same id twice in `lines`: the last one counts.

    Runs in the caller's database transaction, which must record `new_ids` too: a posted line is stored as
    RECORDED, and `record_lines` makes that true. Callers with files cut them into batches of some thousands.
    Pending lines are stored and wait for the bank; they are in none of the two lists when new. A posted line
    that names a pending one takes its place, with the category that a person chose for it; where both come at
    once, the pending one is passed over. What the bank changed goes on to the transaction where that may
    still be changed (`follow_changes`).

    Raises ValidationError where a line is not in the account's currency, zero, out of bounds, or of an
    impossible date.
    """
    hold_lines(entity)
    _check(bank_account, lines)
    unique = {line.id: line for line in lines}
    booked = {line.pending_line_id for line in unique.values() if not line.pending}
    names = {*unique, *(line.pending_line_id for line in unique.values() if line.pending_line_id)}
    known = lines_by_provider_id(entity, bank_account.id, names)
    fresh: list[tuple[Line, LineSeen]] = []
    new_ids: list[UUID] = []
    changes: list[tuple[Line, Line, LineSeen]] = []
    taken: set[UUID] = set()
    skipped = 0
    for seen in unique.values():
        if seen.pending and seen.id in booked:
            skipped += 1
            continue
        row = known.get(seen.id) or _pending_row(known, seen)
        if row is None or row.id in taken:
            fresh.append((_line(bank_account.id, seen), seen))
            if not seen.pending:
                new_ids.append(fresh[-1][0].id)
            continue
        # Of two posted lines that name one pending line, the first takes its place.
        taken.add(row.id)
        after = _as_seen(row, seen)
        if after == row:
            skipped += 1
            continue
        changes.append((row, after, seen))
        if after.status == LineStatus.RECORDED and row.status != LineStatus.RECORDED:
            new_ids.append(row.id)
    # First, as a line that is renamed makes room for a new one of its former name.
    follow_changes(
        entity, [(row, after) for row, after, _ in changes], write=lambda: _update(entity, changes)
    )
    _insert(entity, bank_account, fresh, statement_import)
    return Stored(
        new_ids,
        [row.id for row, _, _ in changes],
        skipped,
        [line for line, seen in fresh if not seen.pending],
    )


def line_fault(bank_account: BankAccount, line: LineSeen) -> Detail | None:
    """What keeps a line out, with the name of its field; None for a sound one."""
    try:
        parse_amount(line.amount, currency=bank_account.currency, field="amount")
    except ValidationError as error:
        return error.details[0]
    if line.currency != bank_account.currency:
        return Detail(
            "currency",
            f"{shown(line.currency)} is not the currency of the bank account "
            f"({bank_account.currency}); lines in another currency belong to an account of their own.",
        )
    for field, id_ in (("id", line.id), ("pendingLineId", line.pending_line_id)):
        if id_ is not None and (not 1 <= len(id_) <= LINE_ID_LENGTH_MAX or _UNSTORABLE.search(id_)):
            return Detail(field, f"{shown(id_)} is no id; it has 1 to {LINE_ID_LENGTH_MAX} characters.")
    for field, day in (("date", line.date), ("authorizedDate", line.authorized_date)):
        if day is not None and not YEAR_MIN <= day.year <= YEAR_MAX:
            return Detail(field, f"{day} is out of bounds; years go from {YEAR_MIN} to {YEAR_MAX}.")
    return None


def _check(bank_account: BankAccount, lines: Sequence[LineSeen]) -> None:
    faults = [
        Detail(f"lines[{index}].{fault.field}", fault.message)
        for index, line in enumerate(lines)
        if (fault := line_fault(bank_account, line)) is not None
    ]
    if faults:
        raise ValidationError.many(faults)


def _pending_row(known: Mapping[str, Line], seen: LineSeen) -> Line | None:
    """The pending line that a posted one came of; the bank may have taken that one back already."""
    if seen.pending or seen.pending_line_id is None:
        return None
    row = known.get(seen.pending_line_id)
    waits = row is not None and row.status in (LineStatus.PENDING, LineStatus.REMOVED) and not row.attention
    return row if waits else None


def _line(bank_account_id: UUID, seen: LineSeen) -> Line:
    """The line that is made of one that was never here."""
    return Line(
        new_id(),
        bank_account_id,
        seen.id,
        seen.pending_line_id,
        seen.date,
        seen.authorized_date,
        seen.amount,
        seen.currency,
        _text(seen.description, DESCRIPTION_LENGTH_MAX),
        _text(seen.counterparty, COUNTERPARTY_LENGTH_MAX),
        _text(seen.category, CATEGORY_LENGTH_MAX),
        LineStatus.PENDING if seen.pending else LineStatus.RECORDED,
        None,
        None,
        "",
    )


def _as_seen(row: Line, seen: LineSeen) -> Line:
    """The line as the bank says it now."""
    after = row._replace(
        provider_line_id=seen.id,
        pending_line_id=seen.pending_line_id or row.pending_line_id,
        date=seen.date,
        authorized_date=seen.authorized_date,
        amount=seen.amount,
        description=_text(seen.description, DESCRIPTION_LENGTH_MAX),
        counterparty=_text(seen.counterparty, COUNTERPARTY_LENGTH_MAX),
        provider_category=_text(seen.category, CATEGORY_LENGTH_MAX),
    )
    if row.status in (LineStatus.PENDING, LineStatus.REMOVED):
        after = after._replace(status=LineStatus.PENDING if seen.pending else LineStatus.RECORDED)
    elif row.status == LineStatus.OFFERED and (row.amount, row.date) != (after.amount, after.date):
        # What it was offered need not be like it any more: it goes through the books' door anew.
        after = after._replace(status=LineStatus.RECORDED, offered_transaction_id=None)
    return after


def _insert(
    entity: Entity,
    bank_account: BankAccount,
    fresh: Sequence[tuple[Line, LineSeen]],
    statement_import: StatementImport | None,
) -> None:
    if not fresh:
        return
    # What all rows share is written as text once.
    now, entity_id, account_id = str(utc_now()), str(entity.id), str(bank_account.id)
    import_id = str(statement_import.id) if statement_import else None
    copy_rows(
        "banking_bankline",
        _COLUMNS,
        (
            (
                line.id.hex, entity_id, account_id, line.provider_line_id, line.pending_line_id, import_id,
                line.date, line.authorized_date, line.amount, line.currency,
                line.description, line.counterparty, line.provider_category,
                line.status.value, "", _raw_text(seen.raw), now, now,
            )
            for line, seen in fresh
        ),
    )  # fmt: skip


def _update(entity: Entity, changes: Sequence[tuple[Line, Line, LineSeen]]) -> None:
    if not changes:
        return
    after = [change[1] for change in changes]
    execute(
        _UPDATE,
        {
            "entity": entity.id,
            "now": utc_now(),
            "ids": uuid_array(line.id for line in after),
            "line_ids": [line.provider_line_id for line in after],
            "pending_line_ids": [line.pending_line_id for line in after],
            "dates": [line.date for line in after],
            "authorized_dates": [line.authorized_date for line in after],
            "amounts": [line.amount for line in after],
            "descriptions": [line.description for line in after],
            "counterparties": [line.counterparty for line in after],
            "categories": [line.provider_category for line in after],
            "statuses": [line.status.value for line in after],
            "raws": [_raw_text(seen.raw) for _, _, seen in changes],
        },
    )


def _text(text: str, length_max: int) -> str:
    if not text.isprintable():
        text = _UNSTORABLE.sub("", text)
    return text[:length_max]


def _raw_text(raw: Mapping[str, Any]) -> str:
    """What came as JSON text that the database takes."""
    try:
        data = json.encode(raw)
    except (ValueError, TypeError):  # a lone surrogate, an infinite number, a type without a JSON form
        return json.encode(_storable(raw)).decode()
    return json.encode(_storable(raw)).decode() if b"\\u0000" in data else data.decode()


def _storable(value: object) -> object:
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, Mapping):
        return {str(_storable(str(key))): _storable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(inner) for inner in value]
    if value is None or isinstance(value, bool | int | date):
        return value
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return value
    return _UNSTORABLE.sub("", str(value))

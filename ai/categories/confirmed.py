"""What people and rules said of transactions, taken over into tables that suggestions look things up in.

The transactions themselves say it (`categorized_at`), so whoever said it, and whichever way, is heard;
nothing is added to the way in. Taking over is safe to run twice, and by two at once.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.transaction import atomic

from ai.categories.lookups import (
    EXAMPLES_MAX,
    NEWEST,
    NEWEST_OF_WORDING,
    WORDINGS,
    Example,
    Found,
    Known,
)
from ai.categories.texts import Line, words_of
from ledger.clock import utc_now
from ledger.db import compact, execute, fetch, uuid_array
from ledger.ids import new_id
from ledger.models import Entity
from transactions.category_side import category_side
from transactions.standing import standing_of

# So many are taken over at once; a longer history in several steps.
STEP: Final = 2_000
# A database transaction may commit after another that began later: what it says is dated before what was
# seen. None lasts longer than a statement may.
_OVERLAP: Final = timedelta(minutes=2)

# A posted transaction stays, and its reclassifications, oldest first, say where its amount stands. What was
# applied without a person is no answer: the model would only hear itself.
_UNSEEN: Final = compact("""
SELECT t.id, t.categorized_at, t.date, t.amount, t.description, t.counterparty,
    t.metadata->>'providerCategory', t.debit_account_id, d.type, d.financial_type,
    t.credit_account_id, c.type, c.financial_type, r.debits, r.credits, r.amounts
FROM transactions_transaction t
JOIN accounts_account d ON d.entity_id = t.entity_id AND d.id = t.debit_account_id
JOIN accounts_account c ON c.entity_id = t.entity_id AND c.id = t.credit_account_id
LEFT JOIN LATERAL (
    SELECT array_agg(m.debit_account_id ORDER BY m.id) AS debits,
        array_agg(m.credit_account_id ORDER BY m.id) AS credits, array_agg(m.amount ORDER BY m.id) AS amounts
    FROM transactions_transaction m
    WHERE m.entity_id = t.entity_id AND m.reclassifies_id = t.id AND m.status = 'POSTED'
) r ON t.status = 'POSTED'
WHERE t.entity_id = %(entity)s::uuid AND t.categorized_at IS NOT NULL
    AND (%(ids)s::uuid[] IS NULL OR t.id = ANY(%(ids)s::uuid[]))
    AND (%(since)s::timestamptz IS NULL OR t.categorized_at > %(since)s::timestamptz)
    AND t.status NOT IN ('REVERSED', 'EXPIRED') AND t.reclassifies_id IS NULL AND t.reverses_id IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM ai_confirmedtransaction k WHERE k.entity_id = t.entity_id AND k.transaction_id = t.id
            AND k.confirmed_at = t.categorized_at
    )
    AND NOT EXISTS (
        SELECT 1 FROM ai_suggestion s WHERE s.entity_id = t.entity_id AND s.transaction_id = t.id
            AND s.status = 'applied' AND s.decided_at >= t.categorized_at
    )
ORDER BY t.categorized_at, t.id LIMIT %(limit)s::int
""")
# One that was deleted meanwhile falls out, and one that is being deleted: should it stay all the same, it is
# taken in the next time.
_STORE: Final = compact("""
WITH there AS MATERIALIZED (
    SELECT id FROM transactions_transaction
    WHERE entity_id = %(entity)s::uuid AND id = ANY(%(ids)s::uuid[]) ORDER BY id
    FOR KEY SHARE SKIP LOCKED
)
INSERT INTO ai_confirmedtransaction (entity_id, id, transaction_id, account_id, confirmed_at, date, amount,
    word, name, pattern, exact)
SELECT %(entity)s::uuid, w.* FROM unnest(%(row_ids)s::uuid[], %(ids)s::uuid[], %(accounts)s::uuid[],
    %(confirmed)s::timestamptz[], %(dates)s::date[], %(amounts)s::numeric[], %(word)s::bigint[],
    %(name)s::bigint[], %(pattern)s::bigint[], %(exact)s::bigint[])
    AS w (id, transaction_id, account_id, confirmed_at, date, amount, word, name, pattern, exact)
JOIN there ON there.id = w.transaction_id
ON CONFLICT (entity_id, transaction_id) DO UPDATE SET account_id = excluded.account_id,
    confirmed_at = excluded.confirmed_at, date = excluded.date, amount = excluded.amount,
    word = excluded.word, name = excluded.name, pattern = excluded.pattern, exact = excluded.exact
""")
_UNWORDED: Final = compact("""
SELECT w.pattern FROM unnest(%(patterns)s::bigint[]) AS w (pattern)
WHERE NOT EXISTS (
    SELECT 1 FROM ai_wording k WHERE k.entity_id = %(entity)s::uuid AND k.pattern = w.pattern
)
""")
_STORE_WORDINGS: Final = compact("""
INSERT INTO ai_wording (entity_id, id, pattern, vector)
SELECT %(entity)s::uuid, w.id, w.pattern, w.vector::halfvec
FROM unnest(%(ids)s::uuid[], %(patterns)s::bigint[], %(vectors)s::text[]) AS w (id, pattern, vector)
ON CONFLICT (entity_id, pattern) DO NOTHING
""")
_SEEN: Final = "SELECT seen_through FROM ai_categorymodel WHERE entity_id = %(entity)s::uuid"
# A row before the first answer is seen, so that two who come first don't both make one.
_STATE: Final = compact("""
INSERT INTO ai_categorymodel (entity_id, id, trained_on) VALUES (%(entity)s::uuid, %(id)s::uuid, 0)
ON CONFLICT (entity_id) DO NOTHING
""")


def _newest_of(key: str) -> str:
    return f"""
    SELECT '{key}', w.{key}, k.account_id, k.amount, k.date, k.transaction_id
    FROM (SELECT DISTINCT unnest(%({key})s::bigint[]) AS {key}) w
    CROSS JOIN LATERAL (
        SELECT account_id, amount, date, transaction_id FROM ai_confirmedtransaction
        WHERE entity_id = %(entity)s::uuid AND {key} = w.{key}
        ORDER BY date DESC, transaction_id DESC LIMIT {NEWEST}
    ) k
    """


_FIND: Final = compact(" UNION ALL ".join(_newest_of(key) for key in ("word", "name", "pattern", "exact")))
# All wordings of the company are compared: exact, and 2 ms for 10,000 (docs/decisions/0014).
_NEAR: Final = compact(f"""
SELECT w.pattern, near.similarity, k.account_id, k.amount, k.date, k.transaction_id
FROM unnest(%(patterns)s::bigint[], %(vectors)s::text[]) AS w (pattern, vector)
CROSS JOIN LATERAL (
    SELECT o.pattern, -(o.vector <#> w.vector::halfvec) AS similarity FROM ai_wording o
    WHERE o.entity_id = %(entity)s::uuid ORDER BY o.vector <#> w.vector::halfvec, o.id LIMIT {WORDINGS}
) near
CROSS JOIN LATERAL (
    SELECT account_id, amount, date, transaction_id FROM ai_confirmedtransaction
    WHERE entity_id = %(entity)s::uuid AND pattern = near.pattern
    ORDER BY date DESC, transaction_id DESC LIMIT {NEWEST_OF_WORDING}
) k
ORDER BY w.pattern, near.similarity DESC
""")
_EXAMPLES: Final = compact("""
SELECT t.description, t.counterparty, t.metadata->>'providerCategory', k.amount, k.account_id
FROM ai_confirmedtransaction k
JOIN transactions_transaction t ON t.entity_id = k.entity_id AND t.id = k.transaction_id
WHERE k.entity_id = %(entity)s::uuid ORDER BY k.date DESC, k.transaction_id DESC LIMIT %(limit)s::int
""")
_FORGET: Final = compact("""
WITH gone AS (
    DELETE FROM ai_suggestion WHERE entity_id = %(entity)s::uuid AND transaction_id = ANY(%(ids)s::uuid[])
)
DELETE FROM ai_confirmedtransaction
WHERE entity_id = %(entity)s::uuid AND transaction_id = ANY(%(ids)s::uuid[])
""")
_UNLEARN: Final = """
DELETE FROM ai_confirmedtransaction
WHERE entity_id = %(entity)s::uuid AND transaction_id = ANY(%(ids)s::uuid[])
"""
_MOVE: Final = compact("""
UPDATE ai_confirmedtransaction k SET account_id = w.account_id, date = w.date, amount = w.amount
FROM unnest(%(ids)s::uuid[], %(accounts)s::uuid[], %(dates)s::date[], %(amounts)s::numeric[])
    AS w (id, account_id, date, amount)
WHERE k.entity_id = %(entity)s::uuid AND k.transaction_id = w.id
""")


# Suggestions that were decided stay as they were: they are the record.
_FOLLOW_MERGE: Final = (
    """
    UPDATE ai_confirmedtransaction SET account_id = %(target)s::uuid
    WHERE entity_id = %(entity)s::uuid AND account_id = %(source)s::uuid
    """,
    """
    UPDATE ai_suggestion SET account_id = %(target)s::uuid
    WHERE entity_id = %(entity)s::uuid AND account_id = %(source)s::uuid AND status = 'waiting'
    """,
)


class Standing(NamedTuple):
    """Where a confirmed transaction stands by now; the amount is positive where money left the company."""

    account_id: UUID
    date: date
    amount: Decimal


class Confirmed(NamedTuple):
    """A confirmed transaction, as it is stored."""

    transaction_id: UUID
    confirmed_at: datetime
    date: date
    line: Line
    account_id: UUID


def take_in(entity: Entity, *, ids: Collection[UUID] | None = None, limit: int = STEP) -> tuple[int, bool]:
    """Take over what was said since the last time, oldest first, or all that was said of `ids`.

    Returns how many answers were new, and whether there may be more (at most `limit` are taken at once).
    Two statements where there is nothing new.
    """
    state = fetch(_SEEN, {"entity": entity.id})
    if not state:
        execute(_STATE, {"entity": entity.id, "id": new_id()})
    seen_through: datetime | None = state[0][0] if state else None
    since = seen_through - _OVERLAP if seen_through is not None and ids is None else None
    started = utc_now()
    rows = fetch(
        _UNSEEN,
        {
            "entity": entity.id,
            "ids": None if ids is None else uuid_array(ids),
            "since": since,
            "limit": limit,
        },
    )
    confirmed = [one for one in map(_confirmed, rows) if one is not None]
    with atomic():
        stored = _store(entity, confirmed)
        # Who asks often need not write each time: what is looked at once more is small.
        is_old = seen_through is None or started - seen_through > _OVERLAP / 2
        if ids is None and stored == len(confirmed) and (rows or is_old):
            # Never back, whatever another one that runs beside this one has reached.
            through = rows[-1][1] if len(rows) == limit else started
            execute(
                "UPDATE ai_categorymodel SET seen_through = %(through)s::timestamptz"
                " WHERE entity_id = %(entity)s::uuid"
                " AND (seen_through IS NULL OR seen_through < %(through)s::timestamptz)",
                {"entity": entity.id, "through": through},
            )
    return stored, len(rows) == limit


def follow_merge(entity: Entity, source_id: UUID, target_id: UUID) -> None:
    """Let what was learned and suggested of an account say the one that it was merged into."""
    params = {"entity": entity.id, "source": source_id, "target": target_id}
    for statement in _FOLLOW_MERGE:
        execute(statement, params)


def _confirmed(row: tuple[Any, ...]) -> Confirmed | None:
    """The answer in a row of `_UNSEEN`; None where neither side of it says what it was for."""
    id_, said_at, day, amount, description, counterparty, provider, *accounts = row
    debit, debit_type, debit_use, credit, credit_type, credit_use, *moved = accounts
    side = category_side(debit_type, debit_use, credit_type, credit_use)
    if side is None:
        return None
    moves = zip(*(column or () for column in moved), strict=True)
    standing = standing_of(debit if side == "debit" else credit, amount, side, moves)
    # Of one that was split, what most of it was for.
    account = max(standing, key=lambda one: standing[one])
    line = Line(description, counterparty, provider or "", amount if side == "debit" else -amount)
    return Confirmed(id_, said_at, day, line, account)


def _store(entity: Entity, confirmed: Sequence[Confirmed]) -> int:
    """Store answers, and return how many were: all but those whose transactions go at the moment."""
    if not confirmed:
        return 0
    # In order of their ids, so that two who store the same don't lock each other out.
    confirmed = sorted(confirmed, key=lambda one: one.transaction_id)
    words = [words_of(one.line) for one in confirmed]
    stored = execute(
        _STORE,
        {
            "entity": entity.id,
            "row_ids": uuid_array(new_id() for _ in confirmed),
            "ids": uuid_array(one.transaction_id for one in confirmed),
            "accounts": uuid_array(one.account_id for one in confirmed),
            "confirmed": [one.confirmed_at for one in confirmed],
            "dates": [one.date for one in confirmed],
            "amounts": [one.line.amount for one in confirmed],
            **{
                key: [getattr(one.keys, key) for one in words] for key in ("word", "name", "pattern", "exact")
            },
        },
    )
    patterns = {one.keys.pattern: one.pattern for one in words}
    unworded = sorted(row[0] for row in fetch(_UNWORDED, {"entity": entity.id, "patterns": list(patterns)}))
    if unworded:
        execute(
            _STORE_WORDINGS,
            {
                "entity": entity.id,
                "ids": uuid_array(new_id() for _ in unworded),
                "patterns": unworded,
                "vectors": _vectors([patterns[pattern] for pattern in unworded]),
            },
        )
    return stored


def _vectors(patterns: Sequence[str]) -> list[str]:
    """The vectors of texts, as PostgreSQL reads them."""
    # numpy only where something is learned or suggested: see `vectors`.
    from ai.categories.vectors import neighbour_vectors

    return ["[" + ",".join(f"{value:.4g}" for value in row) + "]" for row in neighbour_vectors(patterns)]


class InDatabase:
    """Lookups over a company's confirmed transactions: two queries, however many lines."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity

    def find(self, lines: Sequence[Line]) -> list[Found]:
        keys = [words_of(line).keys for line in lines]
        groups: dict[tuple[str, int], list[Known]] = {}
        wanted = {
            key: list({getattr(one, key) for one in keys}) for key in ("word", "name", "pattern", "exact")
        }
        for level, key, *values in fetch(_FIND, {"entity": self.entity.id, **wanted}):
            groups.setdefault((level, key), []).append(_known(values))
        near = self._near(
            {
                one.pattern: words_of(line).pattern
                for one, line in zip(keys, lines, strict=True)
                if ("pattern", one.pattern) not in groups
            }
        )
        return [
            Found(
                groups.get(("word", one.word), ()),
                groups.get(("name", one.name), ()),
                groups.get(("pattern", one.pattern), ()),
                groups.get(("exact", one.exact), ()),
                near.get(one.pattern, ()),
            )
            for one in keys
        ]

    def _near(self, unseen: dict[int, str]) -> dict[int, list[tuple[float, Known]]]:
        near: dict[int, list[tuple[float, Known]]] = {}
        if unseen:
            rows = fetch(
                _NEAR,
                {
                    "entity": self.entity.id,
                    "patterns": list(unseen),
                    "vectors": _vectors(list(unseen.values())),
                },
            )
            for pattern, similarity, *values in rows:
                near.setdefault(pattern, []).append((float(similarity), _known(values)))
        return near


def _known(values: Sequence[Any]) -> Known:
    account_id, amount, day, transaction_id = values
    return Known(account_id, Decimal(amount), day, "", transaction_id)


def count_confirmed(entity: Entity) -> int:
    """How many answers were taken over."""
    [(count,)] = fetch(
        "SELECT count(*) FROM ai_confirmedtransaction WHERE entity_id = %(entity)s::uuid",
        {"entity": entity.id},
    )
    return int(count)


def examples_of(entity: Entity) -> list[Example]:
    """The newest answers, oldest first: what the linear model learns from."""
    rows = fetch(_EXAMPLES, {"entity": entity.id, "limit": EXAMPLES_MAX})
    return [
        Example(Line(description, counterparty, provider or "", amount), account_id)
        for description, counterparty, provider, amount, account_id in reversed(rows)
    ]


def forget(entity: Entity, ids: Collection[UUID]) -> None:
    """Transactions are gone: neither are they examples, nor is anything suggested for them; one statement."""
    execute(_FORGET, {"entity": entity.id, "ids": uuid_array(ids)})


def unlearn(entity: Entity, ids: Collection[UUID]) -> None:
    """Transactions are no examples any more: neither of their accounts says what they were for."""
    execute(_UNLEARN, {"entity": entity.id, "ids": uuid_array(ids)})


def move(entity: Entity, standing: dict[UUID, Standing]) -> None:
    """Confirmed transactions, by id, now stand elsewhere, are of another day or another amount."""
    execute(
        _MOVE,
        {
            "entity": entity.id,
            "ids": uuid_array(standing),
            "accounts": uuid_array(one.account_id for one in standing.values()),
            "dates": [one.date for one in standing.values()],
            "amounts": [one.amount for one in standing.values()],
        },
    )

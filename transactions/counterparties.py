"""Who a company deals with, and how much.

What counts is dealings: expired transactions never happened, reversed ones and their reversals cancel out,
and a reclassification repeats what is counted already. So these four are left out, and with them whoever has
nothing else. Transactions without a counterparty are left out, too.
"""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from ledger.db import fetch
from ledger.models import Entity
from ledger.money import round_to_minor

NEWEST: Final = 5

_DEALINGS: Final = (
    "t.status NOT IN ('EXPIRED', 'REVERSED') AND t.reverses_id IS NULL AND t.reclassifies_id IS NULL"
)

# From each name the index leads straight to the next one: what a page costs depends on the transactions of
# its own counterparties, not on how many there are before it.
_PAGE: Final = f"""
WITH RECURSIVE names AS (
    (SELECT t.counterparty AS name, 1 AS number FROM transactions_transaction t
    WHERE t.entity_id = %(entity)s::uuid AND t.counterparty > %(after)s::text AND {_DEALINGS}
    ORDER BY t.counterparty LIMIT 1)
    UNION ALL
    SELECT (
        SELECT t.counterparty FROM transactions_transaction t
        WHERE t.entity_id = %(entity)s::uuid AND t.counterparty > names.name AND {_DEALINGS}
        ORDER BY t.counterparty LIMIT 1
    ), number + 1
    FROM names WHERE names.name IS NOT NULL AND number < %(limit)s::int
)
SELECT names.name, sums.* FROM names
LEFT JOIN LATERAL (
    SELECT t.currency, count(*), min(t.timestamp), max(t.timestamp), sum(t.amount)
    FROM transactions_transaction t
    WHERE t.entity_id = %(entity)s::uuid AND t.counterparty = names.name AND {_DEALINGS}
        AND names.number <= %(size)s::int
    GROUP BY t.currency
) sums ON true
WHERE names.name IS NOT NULL
ORDER BY names.name, sums.currency
"""

_NEWEST: Final = f"""
SELECT pair.name, pair.currency, newest.*
FROM unnest(%(names)s::text[], %(currencies)s::text[]) WITH ORDINALITY AS pair (name, currency, number)
CROSS JOIN LATERAL (
    SELECT t.id, t.description, t.amount, t.timestamp FROM transactions_transaction t
    WHERE t.entity_id = %(entity)s::uuid AND t.counterparty = pair.name AND t.currency = pair.currency
        AND {_DEALINGS}
    ORDER BY t.timestamp DESC, t.id DESC LIMIT {NEWEST}
) newest
ORDER BY pair.number, newest.timestamp DESC, newest.id DESC
"""


class Dealing(NamedTuple):
    """One transaction with a counterparty."""

    id: UUID
    description: str
    amount: Decimal  # > 0
    timestamp: datetime


class Counterparty(NamedTuple):
    """What a company's transactions with one counterparty add up to, in one currency."""

    name: str
    currency: str
    transaction_count: int
    first_seen: datetime
    last_seen: datetime
    # All amounts that changed hands, in either direction.
    total: Decimal
    # Rounded half to even at the currency's minor digits.
    average: Decimal
    # At most NEWEST, newest first.
    newest: list[Dealing]


def list_counterparties(
    entity: Entity, *, size: int, after: str | None = None
) -> tuple[list[Counterparty], str | None]:
    """The first `size` counterparties of `entity` whose names come after `after`, by name, and the last of
    these names where more follow, else None.

    Currencies don't add up: a counterparty with transactions in two of them comes twice. Two queries.
    """
    # No name is empty, so that every name comes after the empty one.
    params = {"entity": entity.id, "after": after or "", "size": size, "limit": size + 1}
    rows = fetch(_PAGE, params)
    shown = [row for row in rows if row[1] is not None]
    if not shown:
        return [], None
    newest = _newest(entity, [(row[0], row[1]) for row in shown])
    page = [
        Counterparty(
            name,
            currency,
            count,
            first,
            last,
            total,
            round_to_minor(total / count, currency),
            newest[name, currency],
        )
        for name, currency, count, first, last, total in shown
    ]
    return page, page[-1].name if len(shown) < len(rows) else None


def _newest(entity: Entity, pairs: list[tuple[str, str]]) -> dict[tuple[str, str], list[Dealing]]:
    rows = fetch(
        _NEWEST,
        {
            "entity": entity.id,
            "names": [name for name, _ in pairs],
            "currencies": [currency for _, currency in pairs],
        },
    )
    found: defaultdict[tuple[str, str], list[Dealing]] = defaultdict(list)
    for name, currency, *dealing in rows:
        found[name, currency].append(Dealing(*dealing))
    return found


# From each name the index leads straight to the next one, whatever the number of transactions.
_NAMES: Final = """
WITH RECURSIVE names AS (
    (SELECT t.counterparty AS name, 1 AS number FROM transactions_transaction t
    WHERE t.entity_id = %(entity)s::uuid AND t.counterparty > '' ORDER BY t.counterparty LIMIT 1)
    UNION ALL
    SELECT (
        SELECT t.counterparty FROM transactions_transaction t
        WHERE t.entity_id = %(entity)s::uuid AND t.counterparty > names.name
        ORDER BY t.counterparty LIMIT 1
    ), number + 1
    FROM names WHERE names.name IS NOT NULL AND number < %(limit)s::int
)
SELECT name FROM names WHERE name IS NOT NULL
"""


def counterparty_names(entity: Entity, *, limit: int) -> list[str]:
    """The first `limit` names of counterparties, in the order of the index; one query."""
    return [row[0] for row in fetch(_NAMES, {"entity": entity.id, "limit": limit})]

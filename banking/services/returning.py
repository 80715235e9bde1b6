"""Lines that come again under new ids, because their bank was connected anew.

The account of the new connection goes on with the ledger account of the former one, and the bank tells its
lines once more. A line is one of the former's where day, amount and text are the same; each of those is taken
once, so of two equal purchases one never stands for both. What was decided on the former line is not decided
a second time: the new one takes its place, with its transactions, its offer, or its being left out of the
books.
"""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from banking.choices import LineStatus
from banking.services.links import attend, mark, move_links
from banking.services.rows import SELECT_LINE, BankFacts, Line, as_line, lines_by_id, links_of_lines
from ledger.db import compact, fetch, uuid_array
from ledger.models import Entity
from transactions.services.changing import lock_transactions

# Lines that could not be taken in say so in `attention`; by now they may be. (The amounts are looked up in a
# hash table: see `transactions.movements`.)
_FORMER: Final = compact(f"""
{SELECT_LINE} FROM banking_bankline l
WHERE l.entity_id = %(entity)s::uuid AND l.bank_account_id = ANY(%(accounts)s::uuid[])
    AND l.date BETWEEN %(first)s::date AND %(last)s::date
    AND (l.status IN ('recorded', 'offered') OR l.status = 'ignored' AND l.attention = '')
    AND (l.amount IN (SELECT m.amount FROM unnest(%(amounts)s::numeric[]) AS m (amount))) IS TRUE
ORDER BY l.id
""")


class Again(NamedTuple):
    """A line, and the one that it was when the bank was connected before."""

    line: Line
    former: Line


def take_places(entity: Entity, lines: Sequence[Line], facts: Mapping[UUID, BankFacts]) -> set[UUID]:
    """Let those of `lines` that came before, under another id, take their former places; returns their ids.

    No query where no bank was connected anew, otherwise the same few for any number of lines. The caller
    holds the company's lines and books.
    """
    found = _still_so(entity, _found(entity, lines, facts))
    if not found:
        return set()
    recorded = [one for one in found if one.former.status == LineStatus.RECORDED]
    move_links(entity, [(one.former.id, one.line.id, one.line.bank_account_id) for one in recorded])
    attend(entity, [(one.line.id, one.former.attention) for one in recorded if one.former.attention])
    mark(entity, LineStatus.REMOVED, ((one.former.id, None, "") for one in found))
    for status in (LineStatus.OFFERED, LineStatus.IGNORED):
        mark(
            entity,
            status,
            (
                (one.line.id, one.former.offered_transaction_id, "")
                for one in found
                if one.former.status == status
            ),
        )
    return {one.line.id for one in found}


def _found(entity: Entity, lines: Sequence[Line], facts: Mapping[UUID, BankFacts]) -> list[Again]:
    """Each line with the former one that says the same, where there is one."""
    formers = {account.id: account.ledger_account_id for account in facts.values() if not account.is_live}
    stood_on = set(formers.values())
    accounts = {id_ for id_, one in facts.items() if one.is_live and one.ledger_account_id in stood_on}
    lines = [line for line in lines if line.bank_account_id in accounts]
    if not lines:
        return []
    days = [line.date for line in lines]
    rows = fetch(
        _FORMER,
        {
            "entity": entity.id,
            "accounts": uuid_array(formers),
            "first": min(days),
            "last": max(days),
            "amounts": list({line.amount for line in lines}),
        },
    )

    def look(line: Line) -> tuple[object, ...]:
        ledger_account_id = facts[line.bank_account_id].ledger_account_id
        return ledger_account_id, line.date, line.amount, line.description

    alike: defaultdict[tuple[object, ...], deque[Line]] = defaultdict(deque)
    for former in map(as_line, rows):
        alike[look(former)].append(former)
    return [Again(line, alike[look(line)].popleft()) for line in lines if alike[look(line)]]


def _still_so(entity: Entity, found: Sequence[Again]) -> list[Again]:
    """Those of which the former line is still what it was, once its transactions are locked: who deletes one
    leaves its line out of the books."""
    if not found:
        return []
    formers = [one.former.id for one in found]
    ids = {one.transaction_id for one in links_of_lines(entity, formers)}
    ids |= {id_ for one in found if (id_ := one.former.offered_transaction_id) is not None}
    lock_transactions(entity, ids)
    now = lines_by_id(entity, formers)
    return [one for one in found if now.get(one.former.id) == one.former]

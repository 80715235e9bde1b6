"""What makes a line of a statement the same line in the next file.

The bank's own reference, with day and amount: some banks use a reference again for another line, and none
must be lost for that. Without a reference day, amount and text. Lines that are equal in all of this within
one statement are counted: two equal purchases of a day are two lines, and a file that overlaps counts them
the same way, so it adds none.
"""

from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b

from banking.providers.base import LineSeen
from banking.statements.content import Statement, StatementLine

_REFERENCE_LENGTH_MAX = 120


def line_keys(statement: Statement) -> Iterator[str]:
    """The identity of each line of a statement, in their order; at most 200 characters."""
    seen: Counter[str] = Counter()
    for line in statement.lines:
        kind, rest = _key(line)
        seen[kind + rest] += 1
        place = seen[kind + rest]
        yield f"{kind}{place if place > 1 else ''}:{rest}"


def _key(line: StatementLine) -> tuple[str, str]:
    """What the key begins with, and what lines that are equal share."""
    amount = f"{line.amount.normalize():f}"
    if line.reference:
        reference = line.reference
        if len(reference) > _REFERENCE_LENGTH_MAX:
            reference = _digest(reference)
        return "ref", f"{line.day}:{amount}:{reference}"
    text = " ".join(line.description.casefold().split())
    return "text", f"{line.day}:{amount}:{_digest(text)}"


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def line_seen(line: StatementLine, key: str, *, account_id: str, currency: str) -> LineSeen:
    """A line of a statement as all lines of bank accounts are stored."""
    return LineSeen(
        id=key,
        account_id=account_id,
        pending=False,
        pending_line_id=None,
        date=line.day,
        authorized_date=line.used_on,
        amount=line.amount,
        currency=currency,
        description=line.description,
        counterparty=line.counterparty,
        category=line.category,
        raw={"row": line.row, **line.raw()},
    )

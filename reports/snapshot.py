"""One unmoving picture of the books for a report that takes more than one statement."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.transaction import atomic

from ledger.db import execute
from reports.sums import exactly


@contextmanager
def snapshot() -> Iterator[None]:
    """A database transaction that sees one moment and can only read; sums in it keep all their digits.

    Inside of another database transaction it sees what that one sees.
    """
    is_outermost = not connection.in_atomic_block
    with atomic(), exactly():
        if is_outermost:
            execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield

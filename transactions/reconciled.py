"""Whether a bank statement proves a transaction: told by the app above that holds the statements.

A transaction itself knows it only as long as it is RECONCILED and not yet approved.
"""

from typing import Final

_OWN: Final = "t.status = 'RECONCILED'"
_conditions: list[str] = []


def register_reconciled(condition: str) -> None:
    """Let a condition in SQL say it too: over the caller's own tables and the transaction `t`, with the
    company in `t.entity_id`."""
    if condition not in _conditions:
        _conditions.append(condition)


def is_reconciled() -> str:
    """The condition in SQL that the transaction `t` is reconciled."""
    return "(" + " OR ".join([_OWN, *_conditions]) + ")"

"""A question of the tests, and what must be answered."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ai.tests.known_books import KnownBooks


@dataclass(frozen=True)
class Ask:
    """A question, and how its answer is found without the code under test.

    `known` gives any of: total, count, average, before (what it is compared with), first (the amount of the
    first transaction), listed (how many transactions are given), groups (all of them by name), top (the first
    of them in order). `measure` is how the question must be read, `after` what was asked before it.
    """

    prompt: str
    known: Callable[[KnownBooks], dict[str, Any]]
    measure: str | None = None
    after: tuple[str, ...] = ()


def told(body: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """What an answer says of the things that are wanted."""
    data = body["data"]
    found: dict[str, Any] = {
        "total": data["summary"]["total_amount"],
        "count": data["summary"]["transaction_count"],
        "average": data["summary"]["average_amount"],
        "before": (data["comparison"] or {}).get("total_amount"),
        "first": data["transactions"][0]["amount"] if data["transactions"] else None,
        "listed": len(data["transactions"]),
        "groups": {group["name"]: group["total_amount"] for group in data["groups"]},
        "top": [(group["name"], group["total_amount"]) for group in data["groups"]],
    }
    return {name: found[name] for name in wanted}


def exact(value: Any) -> Any:
    """Figures without the zeros that only say how they were kept."""
    if isinstance(value, dict):
        return {key: exact(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [exact(one) for one in value]
    return Decimal(value).normalize() if isinstance(value, Decimal | int) else value

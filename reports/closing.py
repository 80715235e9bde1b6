"""What should be done before a month is closed, and what was closed and reopened until now."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from banking.choices import ConnectionStatus, ReconciliationStatus
from banking.models import BankConnection
from banking.querysets import live_connections
from ledger.db import compact, fetch
from ledger.models import AuditEvent, Entity
from ledger.times import day_end, parse_day
from reports.standing import BankBesideBooks, Banks, Work, banks_beside_books, banks_of, work_of
from transactions.services.verifying import Verification, last_verification

HISTORY_MAX: Final = 50
_ACTIONS: Final = ("ledger.books.closed", "ledger.books.reopened")


class Unreconciled(NamedTuple):
    """An account at a bank without a completed statement up to a day, and the day of its last one."""

    id: UUID
    name: str
    mask: str
    statement_date: date | None


@dataclass(frozen=True, slots=True)
class Checklist:
    """What is open before the books are closed through `through`."""

    through: date
    # The moment when that day ended: what was verified before says nothing about all of it.
    ended_at: datetime
    work: Work
    banks: Banks
    unreconciled: tuple[Unreconciled, ...]
    # Accounts whose bank says something else than the books now.
    differing: tuple[BankBesideBooks, ...]
    # Connections whose last sync began before the day had ended, or that do not work.
    behind: tuple[BankConnection, ...]
    verification: Verification | None

    @property
    def points(self) -> dict[str, bool]:
        """The points of the list, and whether each is done."""
        work = self.work
        return {
            "approved": not work.to_approve,
            "categorized": not work.uncategorized and not work.uncategorized_posted,
            "matched": not self.banks.offered and not self.banks.attention,
            "synced": not self.behind,
            "reconciled": not self.unreconciled,
            "tied_out": not self.differing,
            "verified": self.verification is not None
            and not self.verification.found
            and self.verification.began_at >= self.ended_at,
        }

    @property
    def open_points(self) -> int:
        """How many points are not done."""
        return sum(1 for done in self.points.values() if not done)


class Closing(NamedTuple):
    """The books were closed or reopened: by whom, and through which day they have been closed since."""

    at: datetime
    by: str
    closed: bool
    through: date | None
    before: date | None
    reason: str


_UNRECONCILED: Final = compact("""
SELECT b.id, b.name, b.mask, last.statement_date
FROM banking_bankaccount b
LEFT JOIN LATERAL (
    SELECT max(r.statement_date) AS statement_date
    FROM banking_bankaccount same
    JOIN banking_reconciliation r ON r.entity_id = same.entity_id AND r.bank_account_id = same.id
    WHERE same.entity_id = %(entity)s::uuid AND same.ledger_account_id = b.ledger_account_id
        AND r.status = %(completed)s::text
) last ON true
WHERE b.entity_id = %(entity)s::uuid AND b.disconnected_at IS NULL
    AND (last.statement_date IS NULL OR last.statement_date < %(through)s::date)
ORDER BY b.created_at, b.id
""")


def checklist(entity: Entity, through: date) -> Checklist:
    """Return what is open in the books of a company up to the end of a day; six statements."""
    end = day_end(through, entity.zone)
    unreconciled = fetch(
        _UNRECONCILED,
        {"entity": entity.id, "completed": ReconciliationStatus.COMPLETED.value, "through": through},
    )
    return Checklist(
        through,
        end,
        work_of([entity], through=through)[entity.id],
        banks_of([entity], through=through)[entity.id],
        tuple(Unreconciled(*row) for row in unreconciled),
        tuple(one for one in banks_beside_books([entity]) if one.difference),
        tuple(
            one
            for one in live_connections(entity)
            if one.status != ConnectionStatus.ACTIVE or one.synced_at is None or one.synced_at < end
        ),
        last_verification(entity),
    )


def closings(entity: Entity) -> list[Closing]:
    """The latest closings and reopenings of a company, newest first; one statement."""
    events = AuditEvent.objects.filter(
        object_type="entity", object_id=entity.public_id, scope_id=entity.id, action__in=_ACTIONS
    ).order_by("-sequence")[:HISTORY_MAX]
    return [
        Closing(
            event.occurred_at,
            event.actor_label or event.actor_kind,
            event.action == _ACTIONS[0],
            _day((event.after or {}).get("books_closed_through")),
            _day((event.before or {}).get("books_closed_through")),
            (event.after or {}).get("reason", ""),
        )
        for event in events
    ]


def _day(text: str | None) -> date | None:
    return None if text is None else parse_day(text, field="books_closed_through")

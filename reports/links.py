"""Addresses of what explains a figure: the entries of the general ledger that add up to it."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from urllib.parse import urlencode
from uuid import UUID

from ledger.ids import Prefix, encode_id
from ledger.models import Entity, Ledger
from ledger.times import format_timestamp
from reports.periods import Period
from reports.sums import StatusFilter

PATH = "/v1/reports/general-ledger"


@dataclass(frozen=True)
class Explainer:
    """Makes the addresses of one report: of its company, ledger, status and moment of knowledge.

    The `amount`s of the entries at such an address add up to the figure, exactly.
    """

    entity_id: str
    ledger_id: str | None
    status: StatusFilter
    known_at: datetime | None
    # Of the figures: the days whose entries make them.
    period: Period

    @classmethod
    def of(
        cls,
        *,
        entity: Entity,
        ledger: Ledger,
        status: StatusFilter,
        known_at: datetime | None,
        period: Period,
    ) -> "Explainer":
        """The addresses of a report."""
        ledger_id = None if ledger.is_default else ledger.public_id
        return cls(entity.public_id, ledger_id, status, known_at, period)

    def during(self, period: Period) -> "Explainer":
        """The same for figures of other days."""
        return replace(self, period=period)

    def prefix(self, figure: str) -> str:
        """The address that explains a figure as a whole."""
        return self._base + figure

    def account(self, figure: str, account_id: UUID, *, with_children: bool = True) -> str:
        """The address that explains what an account, with all below it, adds to a figure."""
        tail = "true" if with_children else "false"
        return (
            f"{self.prefix(figure)}&accountId={encode_id(Prefix.ACCOUNT, account_id)}&includeChildren={tail}"
        )

    @cached_property
    def _base(self) -> str:
        """The address up to the figure; a report asks for it hundreds of times."""
        query = {"entityId": self.entity_id}
        if self.ledger_id is not None:
            query["ledgerId"] = self.ledger_id
        if not self.period.is_from_beginning:
            query["startDate"] = self.period.start.isoformat()
        query["endDate"] = self.period.end.isoformat()
        query["status"] = self.status.value
        if self.known_at is not None:
            query["knownAt"] = format_timestamp(self.known_at)
        return f"{PATH}?{urlencode(query)}&figure="

"""All companies of a person, those that need it most first.

The one page that reads several companies at once: those of the person's own memberships, and of each only
what the role in it may see. The number of statements is the same for one company and for a hundred.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from ledger.clock import utc_now
from ledger.models import Entity, Membership
from ledger.office.access import DUTIES, Duty, own_memberships
from ledger.office.pages import OfficePage
from ledger.times import day_of
from reports.office.dashboard import page_address
from reports.standing import (
    NO_BANKS,
    Banks,
    Figures,
    Work,
    banks_beside_books,
    banks_of,
    figures_of,
    work_of,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """A line of the table. `work` and `figures` are None where the role may not see the books."""

    company: Entity
    role: str
    url: str
    banks: Banks
    work: Work | None
    figures: Figures | None
    # Accounts at banks that hold something else than the books say.
    differing: int
    # For how many days the oldest thing has waited, and the bank that was not asked for the longest time.
    waiting_days: int
    sync_days: int | None

    @property
    def uncategorized(self) -> int:
        """How many transactions have no category, posted or not."""
        return self.work.uncategorized + self.work.uncategorized_posted if self.work else 0

    @property
    def waits(self) -> int:
        """How many things wait, as far as they were counted."""
        work = self.work
        if work is None:
            return self.banks.broken
        return (
            work.to_approve
            + work.uncategorized
            + work.uncategorized_posted
            + self.banks.offered
            + self.banks.attention
            + self.banks.unreconciled
        )

    @property
    def urgency(self) -> tuple[int, int, int, int]:
        """How badly it needs somebody, the larger the worse: broken connections, then banks that differ from
        the books, then how long the oldest thing waits, then how much does."""
        return self.banks.broken, self.differing, self.waiting_days, self.waits


class CompaniesPage(OfficePage):
    """All companies of the person; whoever has one only is shown that one."""

    title = "Companies"
    template_name = "office/companies.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The table, or the only company's own page."""
        own = own_memberships(request)
        if len(own) == 1:
            return HttpResponseRedirect(_first_page(own[0]))
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add a line for each company, of those whose name has what is searched for."""
        own = own_memberships(self.request)
        wanted = self.request.GET.get("q", "").strip()
        found = [one for one in own if wanted.casefold() in str(one.entity).casefold()]
        superuser = bool(self.request.user.is_superuser)
        return super().get_context_data(
            **{
                **kwargs,
                "q": wanted,
                "companies": len(own),
                "standings": standings(found),
                # What a superuser without companies looks after.
                "windows": admin.site.get_app_list(self.request) if superuser and not own else [],
            }
        )


def standings(memberships: list[Membership]) -> list[Standing]:
    """Return how each company stands, the worst first; four statements at most."""
    readers = [one.entity for one in memberships if Duty.READ in DUTIES[one.role]]
    watchers = [one.entity for one in memberships if DUTIES[one.role] & {Duty.READ, Duty.OPERATE}]
    work = work_of(readers) if readers else {}
    figures = figures_of(readers) if readers else {}
    banks = banks_of(watchers) if watchers else {}
    differing: dict[UUID, int] = {}
    for one in banks_beside_books(readers) if readers else ():
        differing[one.entity_id] = differing.get(one.entity_id, 0) + bool(one.difference)
    now = utc_now()
    found = [
        _standing(
            one,
            work.get(one.entity_id),
            figures.get(one.entity_id),
            banks.get(one.entity_id, NO_BANKS),
            differing.get(one.entity_id, 0),
            now,
        )
        for one in memberships
    ]
    # Of equals the order of their names stays.
    return sorted(found, key=lambda one: one.urgency, reverse=True)


def _standing(
    membership: Membership,
    work: Work | None,
    figures: Figures | None,
    banks: Banks,
    differing: int,
    now: datetime,
) -> Standing:
    company = membership.entity
    sync_days = None if banks.oldest_sync is None else (now - banks.oldest_sync).days
    if work is None:
        # Who looks after the feeds sees nothing of what is in the books.
        banks = NO_BANKS._replace(
            connections=banks.connections, broken=banks.broken, oldest_sync=banks.oldest_sync
        )
    oldest = [day for day in (work.oldest if work else None, banks.oldest_offer) if day is not None]
    return Standing(
        company,
        membership.role,
        _first_page(membership),
        banks,
        work,
        figures,
        differing,
        _age(min(oldest), company, now) if oldest else 0,
        sync_days,
    )


def _age(day: date, company: Entity, now: datetime) -> int:
    return max((day_of(now, company.zone) - day).days, 0)


def _first_page(membership: Membership) -> str:
    """The page of the company that the role begins with."""
    reads = Duty.READ in DUTIES[membership.role]
    return page_address(membership.entity, "dashboard" if reads else "feeds")

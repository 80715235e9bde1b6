"""From a question ("June, posted only, as known on Monday") to the frames that statements are made of."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from ledger.models import Entity, Ledger
from reports.basis import Basis
from reports.frame import Frame, Scope, needed_periods
from reports.known import known_sums
from reports.periods import Period
from reports.sums import StatusFilter, cuts_of, kept_sums

PREVIOUS: Final = "previous"
YEAR_BEFORE: Final = "year"
COMPARISONS: Final = (PREVIOUS, YEAR_BEFORE)


def new_scope(
    *,
    entity: Entity,
    ledger: Ledger,
    status: StatusFilter = StatusFilter.POSTED,
    known_at: datetime | None = None,
) -> Scope:
    """The scope of a company's reports, on the basis that is its accounting method."""
    return Scope(entity, ledger, Basis(entity.accounting_method), status, known_at)


def compared_period(period: Period, compare: str | None) -> Period | None:
    """The period to compare with: `previous`, `year` (the same days a year before), or None for none."""
    if compare is None:
        return None
    return period.previous() if compare == PREVIOUS else period.year_before()


def read_frames(scope: Scope, periods: Iterable[Period]) -> list[Frame]:
    """The frames of several periods, in their order, from one reading of the books."""
    periods = list(periods)
    first_month = scope.entity.fiscal_year_start
    cuts = cuts_of(
        [
            needed
            for period in periods
            for needed in needed_periods(period, fiscal_year_first_month=first_month)
        ]
    )
    if scope.known_at is None:
        books = kept_sums(scope.entity, scope.ledger, cuts, scope.status)
    else:
        books = known_sums(scope.entity, scope.ledger, cuts, scope.status, known_at=scope.known_at)
    return [Frame(scope, books, period) for period in periods]


def read_frame(scope: Scope, period: Period) -> Frame:
    """The frame of one period."""
    [frame] = read_frames(scope, [period])
    return frame

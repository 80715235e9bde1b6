"""What every file says besides its figures."""

from datetime import datetime
from typing import Final

from ledger.models import Entity
from reports.basis import Basis
from reports.frame import Scope
from reports.statements.table import day_label
from reports.sums import StatusFilter

NOTHING: Final = "There is nothing to show for this period."
_BASES: Final = {Basis.ACCRUAL: "Accrual basis", Basis.CASH: "Cash basis"}


def made_label(moment: datetime, entity: Entity) -> str:
    """When the file was made, in the company's time zone."""
    local = moment.astimezone(entity.zone)
    return f"Made {day_label(local.date())} at {local:%H:%M} ({entity.timezone})"


def facts(basis: Basis, scope: Scope) -> list[str]:
    """What must be known of all figures: the basis, the currency, and which transactions count."""
    counted = (
        "Posted transactions" if scope.status is StatusFilter.POSTED else "Posted and pending transactions"
    )
    return [_BASES[basis], f"In {scope.currency}", counted]


def known_note(scope: Scope) -> list[str]:
    """The sentence that says so where the books are shown as they were known at a past moment."""
    if scope.known_at is None:
        return []
    return [f"As the books stood on {scope.known_at:%Y-%m-%d at %H:%M:%S} UTC."]

"""What every file says besides its figures."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from reports.basis import Basis
from reports.files.orders import Order
from reports.frame import Scope
from reports.statements.general_ledger import BALANCE
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


def ledger_notes(order: Order, paths: Mapping[str, str]) -> list[str]:
    """What a reader of a general ledger must know of the choice of its entries, a sentence each."""
    notes = []
    if order.account_id is not None:
        public_id = encode_id(Prefix.ACCOUNT, order.account_id)
        below = ", with the accounts below it" if order.with_children else ""
        notes.append(f"Only the account {paths.get(public_id, public_id)}{below}.")
    if order.figure != BALANCE:
        notes.append(
            f"Only the entries that make the figure {order.figure}; balances count as they do in it."
        )
    known_at = order.scope.known_at
    if known_at is not None:
        notes.append(f"As the books stood on {known_at:%Y-%m-%d at %H:%M:%S} UTC.")
    return notes

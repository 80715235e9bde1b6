"""What a statement's page is asked for: its books, its period and what to compare them with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from ledger.exceptions import NotFoundError, ValidationError, shown
from ledger.ids import Prefix, decode_id
from ledger.models import Entity, Ledger
from ledger.times import YEAR_MAX, YEAR_MIN, format_timestamp
from reports.api.queries import check_past
from reports.basis import Basis
from reports.frame import Scope
from reports.office.periods import PERIOD_NAMES, Chosen, PeriodKind, Query, chosen_period
from reports.periods import Period
from reports.read import COMPARISONS, compared_period, new_scope
from reports.sums import StatusFilter

# What of the query string says which books are meant; the pages behind the figures take the same.
SCOPE_NAMES: Final = ("status", "basis", "ledger", "known")
# What of it decides which entries a page of the general ledger lists.
PAGE_NAMES: Final = (*SCOPE_NAMES, "figure", "account", "children")


@dataclass(frozen=True, slots=True)
class Asked:
    """A page's question, and what there is to choose from."""

    scope: Scope
    chosen: Chosen
    compare: str | None
    # The period to compare with, where one is.
    other: Period | None
    ledgers: tuple[Ledger, ...]

    @property
    def period(self) -> Period:
        """The days that are shown."""
        return self.chosen.period

    @property
    def known_local(self) -> str:
        """The moment of knowledge as its field takes it, in the company's time zone; empty for now."""
        moment = self.scope.known_at
        if moment is None:
            return ""
        return moment.astimezone(self.scope.entity.zone).strftime("%Y-%m-%dT%H:%M:%S")

    def scope_query(self) -> Query:
        """What of the query string says which books are meant, without what goes without saying."""
        scope = self.scope
        query = {}
        if scope.status is not StatusFilter.POSTED:
            query["status"] = scope.status.value
        if scope.basis is not Basis(scope.entity.accounting_method):
            query["basis"] = scope.basis.lower()
        if not scope.ledger.is_default:
            query["ledger"] = scope.ledger.public_id
        if scope.known_at is not None:
            query["known"] = format_timestamp(scope.known_at)
        return query


def asked_of(
    query: Mapping[str, str], entity: Entity, *, default: PeriodKind, of_a_day: bool = False
) -> Asked:
    """Return what a page's query string asks for; one query, of the company's ledgers.

    Raises ValidationError, naming the faulty field, for what cannot be asked for.
    """
    chosen = chosen_period(query, entity, default=default, of_a_day=of_a_day)
    ledgers = tuple(Ledger.objects.filter(entity_id=entity.id).order_by("-is_default", "name", "id"))
    scope = new_scope(
        entity=entity,
        ledger=_ledger(query.get("ledger"), ledgers),
        status=_one_of(query, "status", StatusFilter.POSTED),
        known_at=_known_at(query.get("known"), entity),
    )
    basis = query.get("basis")
    if basis:
        if basis not in ("accrual", "cash"):
            raise ValidationError.of("basis", f"{shown(basis)} is none; choose accrual or cash.")
        scope = replace(scope, basis=Basis(basis.upper()))
    compare = query.get("compare") or None
    if compare is not None and compare not in COMPARISONS:
        raise ValidationError.of(
            "compare", f"{shown(compare)} is none; choose one of {', '.join(COMPARISONS)}."
        )
    return Asked(scope, chosen, compare, compared_period(chosen.period, compare), ledgers)


def without_period(query: Mapping[str, str]) -> Query:
    """Return what of a query string stays when another period is looked at."""
    dropped = {*PERIOD_NAMES, "cursor", "format"}
    return {name: value for name, value in query.items() if name not in dropped and value}


def _ledger(public_id: str | None, ledgers: tuple[Ledger, ...]) -> Ledger:
    if not public_id:
        found = next((one for one in ledgers if one.is_default), None)
        if found is None:
            raise NotFoundError("This company has no default ledger; its books are damaged.")
        return found
    ledger_id = decode_id(Prefix.LEDGER, public_id, field="ledger")
    found = next((one for one in ledgers if one.id == ledger_id), None)
    if found is None:
        raise ValidationError.of("ledger", f"{shown(public_id)} is no ledger of this company.")
    return found


def _one_of(query: Mapping[str, str], name: str, default: StatusFilter) -> StatusFilter:
    value = query.get(name)
    if not value:
        return default
    if value not in list(StatusFilter):
        raise ValidationError.of(name, f"{shown(value)} is none; choose {' or '.join(StatusFilter)}.")
    return StatusFilter(value)


def _known_at(text: str | None, entity: Entity) -> datetime | None:
    """The moment of a field of date and time, in the company's time zone unless it says another."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=entity.zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValidationError.of(
            "known", f'{shown(text)} is no moment; give one such as "2026-03-31T18:00".'
        ) from None
    if not YEAR_MIN <= moment.year <= YEAR_MAX:
        raise ValidationError.of("known", f"{shown(text)} is out of bounds.")
    check_past(moment, "known")
    return moment

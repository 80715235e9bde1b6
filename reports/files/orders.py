"""What a file shows: one statement of one company, with everything that it was asked for with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Protocol, Self
from uuid import UUID

from ledger.exceptions import NotFoundError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity, Ledger
from reports.exports.chart import chart_of
from reports.frame import Frame, Scope
from reports.periods import Period
from reports.read import compared_period, new_scope, read_frame, read_frames
from reports.statements.balance_sheet import balance_sheet
from reports.statements.cash_flow import cash_flow_statement
from reports.statements.general_ledger import BALANCE, GeneralLedger, read_general_ledger
from reports.statements.income_statement import income_statement
from reports.statements.overview import Interval, Overview, read_overview
from reports.statements.table import StatementTable, column_label
from reports.statements.trial_balance import trial_balance
from reports.sums import StatusFilter, exactly


class Statement(StrEnum):
    """The statements that files are made of; the values are the keys of their tables."""

    BALANCE_SHEET = "balance-sheet"
    INCOME_STATEMENT = "income-statement"
    CASH_FLOW = "cash-flow"
    TRIAL_BALANCE = "trial-balance"
    GENERAL_LEDGER = "general-ledger"
    OVERVIEW = "overview"

    @property
    def is_of_a_day(self) -> bool:
        """Whether it shows what stands at the end of the period, not what happened in it."""
        return self in (Statement.BALANCE_SHEET, Statement.TRIAL_BALANCE)


class _HasTable(Protocol):
    """What a maker of a statement returns."""

    def table(self) -> StatementTable: ...


# Between the names of a path, where people read it.
ON_PAPER: Final = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
# All but the general ledger, which is too long for one answer, and the overview, which has no frame.
_OF_FRAMES: Final[dict[Statement, Callable[[Frame], _HasTable]]] = {
    Statement.BALANCE_SHEET: balance_sheet,
    Statement.INCOME_STATEMENT: income_statement,
    Statement.CASH_FLOW: cash_flow_statement,
    Statement.TRIAL_BALANCE: trial_balance,
}


@dataclass(frozen=True, slots=True)
class Order:
    """A statement of `scope` for `period`, and what only some statements know: `compare` (see
    `reports.read.COMPARISONS`), the general ledger's `figure` and account, and the overview's `interval`.

    It can be written down in a link and read again, and then shows the books as they are by then.
    """

    statement: Statement
    scope: Scope
    period: Period
    compare: str | None = None
    figure: str = BALANCE
    account_id: UUID | None = None
    with_children: bool = True
    interval: Interval = Interval.MONTHLY

    @property
    def entity(self) -> Entity:
        """The company whose books it shows."""
        return self.scope.entity

    def table(self) -> StatementTable:
        """The statement laid out, beside that of the other period where one is compared with.

        Raises ValidationError, naming `compare`, where there is no other period. Not for the general ledger.
        """
        if self.statement is Statement.OVERVIEW:
            return self.overview().table()
        make = _OF_FRAMES[self.statement]
        other = compared_period(self.period, self.compare)
        with exactly():
            if other is None:
                return make(read_frame(self.scope, self.period)).table()
            ours, theirs = read_frames(self.scope, [self.period, other])
            label = column_label(other, is_of_a_day=self.statement.is_of_a_day)
            return make(ours).table().compared_with(make(theirs).table(), label=label)

    def paths(self) -> dict[str, str]:
        """What each account is called with those above it in front, by public id."""
        return {
            account.public_id: account.path
            for account in chart_of(self.scope.entity, self.scope.ledger, separator=ON_PAPER)
        }

    def general_ledger(self) -> GeneralLedger:
        """The general ledger; its entries are read by whoever writes them."""
        return read_general_ledger(
            self.scope,
            self.period,
            figure=self.figure,
            account_id=self.account_id,
            with_children=self.with_children,
        )

    def overview(self) -> Overview:
        """The overview, which the chart shows too."""
        return read_overview(self.scope, self.period, self.interval)

    def written_down(self) -> dict[str, Any]:
        """The order as JSON values; `Order.from_written` reads them."""
        scope = self.scope
        values = {
            "entity": scope.entity.id.hex,
            "ledger": scope.ledger.id.hex,
            "statement": self.statement.value,
            "start": self.period.start.isoformat(),
            "end": self.period.end.isoformat(),
            "status": scope.status.value,
            "known": scope.known_at and scope.known_at.isoformat(),
            "compare": self.compare,
            "figure": self.figure,
            "account": self.account_id and self.account_id.hex,
            "children": self.with_children,
            "interval": self.interval.value,
        }
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_written(cls, values: dict[str, Any], entity: Entity) -> Self:
        """The order that `written_down` wrote for this company.

        Raises NotFoundError where its ledger is gone, KeyError or ValueError for anything else than what
        `written_down` gives.
        """
        ledger_id = UUID(values["ledger"])
        ledger = Ledger.objects.filter(entity_id=entity.id, id=ledger_id).first()
        if ledger is None:
            raise NotFoundError(f"There is no ledger {encode_id(Prefix.LEDGER, ledger_id)} any more.")
        known = values.get("known")
        account = values.get("account")
        return cls(
            Statement(values["statement"]),
            new_scope(
                entity=entity,
                ledger=ledger,
                status=StatusFilter(values["status"]),
                known_at=datetime.fromisoformat(known) if known else None,
            ),
            Period(date.fromisoformat(values["start"]), date.fromisoformat(values["end"])),
            values.get("compare"),
            values["figure"],
            UUID(account) if account else None,
            values["children"],
            Interval(values["interval"]),
        )

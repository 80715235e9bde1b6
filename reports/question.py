"""What somebody asks of the reports, and the answer as data."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from reports.banks import Reconciliation, reconcile
from reports.frame import Frame, Scope
from reports.periods import Period
from reports.read import compared_period, read_frames
from reports.statements.balance_sheet import BalanceSheet, balance_sheet
from reports.statements.cash_flow import CashFlowStatement, cash_flow_statement
from reports.statements.income_statement import IncomeStatement, income_statement
from reports.statements.trial_balance import TrialBalance, trial_balance
from reports.sums import exactly

Statement = BalanceSheet | IncomeStatement | CashFlowStatement | TrialBalance


class Kind(StrEnum):
    """The statements that are made of one frame."""

    INCOME = "INCOME"
    BALANCE = "BALANCE"
    CASHFLOW = "CASHFLOW"
    TRIAL_BALANCE = "TRIAL_BALANCE"


MAIN_STATEMENTS = (Kind.BALANCE, Kind.INCOME, Kind.CASHFLOW)
_MAKERS: dict[Kind, Callable[[Frame], Statement]] = {
    Kind.INCOME: income_statement,
    Kind.BALANCE: balance_sheet,
    Kind.CASHFLOW: cash_flow_statement,
    Kind.TRIAL_BALANCE: trial_balance,
}


@dataclass(frozen=True, slots=True)
class Question:
    """Which statements, of which books and period, compared with what (`previous`, `year` or nothing)."""

    scope: Scope
    period: Period
    kinds: tuple[Kind, ...] = MAIN_STATEMENTS
    compare: str | None = None


@dataclass(frozen=True)
class Answer:
    """The statements of a question, and those of the period to compare with."""

    question: Question
    frame: Frame
    statements: dict[Kind, Statement]
    other_frame: Frame | None
    comparison: dict[Kind, Statement]

    def reconciliation(self) -> Reconciliation:
        """The banks' balances against the cash at the end of the period."""
        cash = self.frame.figure("cash", self.frame.until_end)
        return reconcile(self.question.scope.entity, cash)


def answer(question: Question) -> Answer:
    """Make the statements of a question: one reading of the books, in one statement."""
    other = compared_period(question.period, question.compare)
    with exactly():
        frames = read_frames(question.scope, [question.period, *([other] if other else [])])
        made = [{kind: _MAKERS[kind](frame) for kind in question.kinds} for frame in frames]
    return Answer(
        question,
        frames[0],
        made[0],
        frames[1] if other else None,
        made[1] if other else {},
    )

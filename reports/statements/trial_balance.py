"""The trial balance: what stands on every account at the end of a day, debits beside credits.

It lists the books as they are kept, so by accrual whatever the statements' basis, and without any closing:
revenue and expenses are those of all days.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from accounts.choices import AccountType, Side
from ledger.ids import Prefix, encode_id
from reports.basis import Basis
from reports.frame import Frame
from reports.statements.table import Column, Line, StatementTable, Style, new_table
from reports.sums import ChartAccount

_ZERO: Final = Decimal(0)
_COLUMNS: Final = (Column("debit", "Debit"), Column("credit", "Credit"))


@dataclass(frozen=True, slots=True)
class TrialBalanceLine:
    """An account's own balance, without those below it, on the side where it has one."""

    account: ChartAccount
    debit: Decimal
    credit: Decimal
    # Its entries add up to the balance on the normal side of the account's type.
    entries_url: str


@dataclass(frozen=True)
class TrialBalance:
    """The accounts that were ever used until the end of `frame.period`, in the order of the chart."""

    frame: Frame
    lines: tuple[TrialBalanceLine, ...]
    total_debits: Decimal
    total_credits: Decimal

    def table(self) -> StatementTable:
        """The trial balance laid out in two columns."""
        lines = [
            Line(
                f"account/{encode_id(Prefix.ACCOUNT, line.account.id)}",
                line.account.name,
                0,
                Style.LINE,
                (line.debit or None, line.credit or None),
                line.account.code,
                line.entries_url,
            )
            for line in self.lines
        ]
        lines.append(Line("total", "Total", 0, Style.TOTAL, (self.total_debits, self.total_credits)))
        return new_table(
            self.frame,
            key="trial-balance",
            title="Trial Balance",
            lines=lines,
            columns=_COLUMNS,
            is_of_a_day=True,
            basis=Basis.ACCRUAL,
        )


def trial_balance(frame: Frame) -> TrialBalance:
    """The trial balance at the end of the frame's period."""
    turnovers = frame.turnovers(frame.until_end)
    prefix = frame.scope.explain(frame.until_end).prefix("balance") + "&accountId="
    lines = []
    for account in frame.books.accounts:
        turnover = turnovers.get(account.key)
        if turnover is None:
            continue
        net = turnover.debits - turnover.credits
        debit, credit = max(net, _ZERO), max(-net, _ZERO)
        url = f"{prefix}{account.public_id}&includeChildren=false"
        lines.append(TrialBalanceLine(account, debit, credit, url))
    return TrialBalance(
        frame,
        tuple(lines),
        sum((line.debit for line in lines), _ZERO),
        sum((line.credit for line in lines), _ZERO),
    )


def signed(line: TrialBalanceLine) -> Decimal:
    """The line's balance on the normal side of its account's type: what its entries add up to."""
    net = line.debit - line.credit
    return net if AccountType(line.account.type).normal_side is Side.DEBIT else -net

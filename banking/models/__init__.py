"""Banks and what they say, on the way into the books."""

from banking.models.connections import BankAccount, BankConnection
from banking.models.integrations import Integration
from banking.models.lines import BankLine, LineLink
from banking.models.reconciliations import ReconciledTransaction, Reconciliation, TieOut
from banking.models.rules import Rule, RuleApplication
from banking.models.statements import StatementImport

__all__ = [
    "BankAccount",
    "BankConnection",
    "BankLine",
    "Integration",
    "LineLink",
    "ReconciledTransaction",
    "Reconciliation",
    "Rule",
    "RuleApplication",
    "StatementImport",
    "TieOut",
]

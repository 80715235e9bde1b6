"""How answers about reports look, for the API's description."""

from reports.api.responses.changes import CHANGES_DESCRIPTION, CHANGES_EXAMPLE, ChangesReport
from reports.api.responses.general_ledger import (
    GENERAL_LEDGER_DESCRIPTION,
    GENERAL_LEDGER_EXAMPLE,
    GeneralLedgerReport,
)
from reports.api.responses.overview import OVERVIEW_DESCRIPTION, OVERVIEW_EXAMPLE, OverviewReport
from reports.api.responses.statements import GENERATE_DESCRIPTION, GENERATED_EXAMPLE, GeneratedReport
from reports.api.responses.trial_balance import (
    TRIAL_BALANCE_DESCRIPTION,
    TRIAL_BALANCE_EXAMPLE,
    TrialBalanceReport,
)

__all__ = [
    "CHANGES_DESCRIPTION",
    "CHANGES_EXAMPLE",
    "GENERAL_LEDGER_DESCRIPTION",
    "GENERAL_LEDGER_EXAMPLE",
    "GENERATED_EXAMPLE",
    "GENERATE_DESCRIPTION",
    "OVERVIEW_DESCRIPTION",
    "OVERVIEW_EXAMPLE",
    "TRIAL_BALANCE_DESCRIPTION",
    "TRIAL_BALANCE_EXAMPLE",
    "ChangesReport",
    "GeneralLedgerReport",
    "GeneratedReport",
    "OverviewReport",
    "TrialBalanceReport",
]

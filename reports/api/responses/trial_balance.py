"""How the trial balance looks, for the API's description."""

from rest_framework import serializers

from accounts.choices import AccountType
from ledger.api.schema import example_id
from reports.api.responses.common import FILE, SCOPE, URL, amount, example, scope_fields, shape

_TRIAL_ACCOUNT = shape(
    "TrialBalanceAccount",
    {
        "id": serializers.CharField(),
        "code": serializers.CharField(allow_null=True),
        "name": serializers.CharField(),
        "type": serializers.ChoiceField(AccountType.choices),
        "financialType": serializers.CharField(allow_null=True),
        "debit": amount(),
        "credit": amount(),
        "entriesUrl": serializers.CharField(),
    },
)


def _trial_fields() -> dict[str, serializers.Field]:
    return {
        "asOf": serializers.DateField(),
        "accounts": _TRIAL_ACCOUNT(many=True),
        "totalDebits": amount(),
        "totalCredits": amount(),
    }


TrialBalanceReport = shape(
    "TrialBalanceReport",
    {
        **_trial_fields(),
        **scope_fields(),
        "pdf_url": serializers.CharField(),
        "comparison": shape("TrialBalanceComparison", _trial_fields())(required=False),
    },
)
TRIAL_BALANCE_DESCRIPTION = (
    "What stands on every account at the end of a day, from the beginning of the books, by accrual. Debits "
    "equal credits."
)
TRIAL_BALANCE_EXAMPLE = example(
    "At the end of January",
    {
        "asOf": "2024-01-31",
        "accounts": [
            {
                "id": example_id("acc"),
                "code": code,
                "name": name,
                "type": type_,
                "financialType": financial_type,
                "debit": debit,
                "credit": credit,
                "entriesUrl": f"{URL}balance&accountId={example_id('acc')}&includeChildren=false",
            }
            for code, name, type_, financial_type, debit, credit in (
                ("1010", "Cash", "ASSET", "CASH", 500.00, 0.00),
                ("4000", "Sales", "REVENUE", "SALES", 0.00, 500.00),
            )
        ],
        "totalDebits": 500.00,
        "totalCredits": 500.00,
        **SCOPE,
        "pdf_url": FILE,
    },
)

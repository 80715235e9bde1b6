"""How the general ledger looks, for the API's description."""

from rest_framework import serializers

from accounts.choices import AccountType
from ledger.api.schema import example_id
from reports.api.responses.common import (
    FILE,
    PERIOD,
    SCOPE,
    URL,
    ReportNode,
    ReportPeriod,
    amount,
    amounts,
    example,
    node,
    scope_fields,
    shape,
)
from reports.figures import figure_names
from transactions.choices import Status

_LEDGER_ACCOUNT = shape(
    "GeneralLedgerAccount",
    {
        "id": serializers.CharField(),
        "name": serializers.CharField(),
        "type": serializers.ChoiceField(AccountType.choices),
        "financialType": serializers.CharField(allow_null=True),
        "parentId": serializers.CharField(allow_null=True),
        "accountCode": serializers.IntegerField(allow_null=True),
        "subTypeCode": serializers.IntegerField(allow_null=True),
        "openingBalance": amount("Before the first day of the period, in terms of the figure."),
        "closingBalance": amount("At the end of the last day."),
        "balance": shape(
            "GeneralLedgerSums",
            {
                **{
                    name: serializers.CharField()
                    for name in ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
                },
                "timestamp": serializers.DateTimeField(),
            },
        )(),
        "entriesUrl": serializers.CharField(),
    },
)
_ENTRY = shape(
    "GeneralLedgerEntry",
    {
        "date": serializers.DateField(),
        "timestamp": serializers.DateTimeField(),
        "transactionId": serializers.CharField(),
        "accountId": serializers.CharField(),
        "accountName": serializers.CharField(),
        "description": serializers.CharField(allow_blank=True),
        "status": serializers.ChoiceField(Status.choices),
        "debit": amount(),
        "credit": amount(),
        "amount": amount("What the entry adds to the figure."),
        "runningBalance": amount("The account's opening balance with all amounts up to this one."),
    },
)
GeneralLedgerReport = shape(
    "GeneralLedgerReport",
    {
        "reportPeriod": ReportPeriod(),
        **scope_fields(),
        "figure": serializers.ChoiceField(figure_names()),
        "accounts": _LEDGER_ACCOUNT(many=True),
        "totals": amounts("GeneralLedgerTotals", ("debit", "credit", "amount"))(
            help_text="What all entries of the period add up to, on whatever page; `amount` is the figure."
        ),
        "entries": _ENTRY(many=True),
        "pdf_url": serializers.CharField(),
        "hierarchy": shape(
            "GeneralLedgerHierarchy",
            {
                name: ReportNode(many=True)
                for name in ("assets", "liabilities", "equity", "revenue", "expenses")
            },
        )(),
        "nextCursor": serializers.CharField(allow_null=True),
        "hasMore": serializers.BooleanField(),
        "comparison": shape(
            "GeneralLedgerComparison",
            {"reportPeriod": ReportPeriod(), "accounts": _LEDGER_ACCOUNT(many=True)},
        )(required=False),
    },
)
GENERAL_LEDGER_DESCRIPTION = """\
Every account with its opening and closing balance, and its entries by account, day, moment and id, in pages.

With `figure`, the entries that make a figure of a statement, each with the `amount` that it adds; balances
are then in terms of that figure."""
GENERAL_LEDGER_EXAMPLE = example(
    "The cash of January",
    {
        "reportPeriod": PERIOD,
        **SCOPE,
        "figure": "balance",
        "accounts": [
            {
                "id": example_id("acc"),
                "name": "Cash",
                "type": "ASSET",
                "financialType": "CASH",
                "parentId": None,
                "accountCode": 1010,
                "subTypeCode": 1010,
                "openingBalance": 0.00,
                "closingBalance": 500.00,
                "balance": {
                    "debits_pending": "0.00",
                    "debits_posted": "500.00",
                    "credits_pending": "0.00",
                    "credits_posted": "0.00",
                    "timestamp": "2024-02-01T09:00:00Z",
                },
                "entriesUrl": f"{URL}balance&accountId={example_id('acc')}&includeChildren=false",
            }
        ],
        "totals": {"debit": 500.00, "credit": 0.00, "amount": 500.00},
        "entries": [
            {
                "date": "2024-01-15",
                "timestamp": "2024-01-15T12:00:00Z",
                "transactionId": example_id("txn"),
                "accountId": example_id("acc"),
                "accountName": "Cash",
                "description": "Invoice payment received",
                "status": "POSTED",
                "debit": 500.00,
                "credit": 0.00,
                "amount": 500.00,
                "runningBalance": 500.00,
            }
        ],
        "pdf_url": FILE,
        "hierarchy": {
            "assets": [node("Cash", "ASSET", "CASH", "1010", 500.00, "balance")],
            "liabilities": [],
            "equity": [],
            "revenue": [],
            "expenses": [],
        },
        "nextCursor": None,
        "hasMore": False,
    },
)

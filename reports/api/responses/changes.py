"""How the changes of a period look, for the API's description."""

from rest_framework import serializers

from ledger.api.schema import example_id
from reports.api.responses.common import PERIOD, SCOPE, ReportPeriod, amount, example, scope_fields, shape
from transactions.choices import Change, Status

_STATE = shape(
    "ReportedTransactionState",
    {
        "date": serializers.DateField(),
        "status": serializers.ChoiceField(Status.choices),
        "amount": amount(),
        "currency": serializers.CharField(),
        "debitAccountId": serializers.CharField(),
        "creditAccountId": serializers.CharField(),
        "description": serializers.CharField(allow_blank=True),
    },
)
_STEP = shape(
    "ReportedChangeStep",
    {
        "change": serializers.ChoiceField(["created", *(str(change) for change in Change)]),
        "changedAt": serializers.DateTimeField(),
        "changedBy": serializers.CharField(
            allow_null=True,
            help_text="The API key, `key_…`, or a person's user name; null for the system and commands.",
        ),
        "reason": serializers.CharField(allow_blank=True),
    },
)
ChangesReport = shape(
    "ReportChanges",
    {
        "reportPeriod": ReportPeriod(),
        **scope_fields(),
        "since": serializers.DateTimeField(),
        "until": serializers.DateTimeField(),
        "figures": shape(
            "ReportedFigure",
            {
                "figure": serializers.CharField(),
                **{name: amount() for name in ("before", "after", "change")},
            },
        )(many=True, help_text="The period's figures at both moments; on the first page alone."),
        "changes": shape(
            "ReportedChange",
            {
                "transactionId": serializers.CharField(),
                "changedAt": serializers.DateTimeField(),
                "changes": _STEP(many=True),
                "before": _STATE(allow_null=True),
                "after": _STATE(allow_null=True),
            },
        )(many=True),
        "nextCursor": serializers.CharField(allow_null=True),
        "hasMore": serializers.BooleanField(),
    },
)
CHANGES_DESCRIPTION = """\
The transactions that count otherwise in the period's figures at `until` than at `since`: recorded, changed,
approved or deleted in between, with their states at both moments and what happened to them. Without a period,
that of `books_closed_through`."""
CHANGES_EXAMPLE = example(
    "A bill of January came late",
    {
        "reportPeriod": PERIOD,
        **SCOPE,
        "since": "2024-02-01T00:00:00Z",
        "until": "2024-03-01T00:00:00Z",
        "figures": [
            {"figure": "expenses", "before": 0.00, "after": 80.00, "change": 80.00},
            {"figure": "netIncome", "before": 500.00, "after": 420.00, "change": -80.00},
        ],
        "changes": [
            {
                "transactionId": example_id("txn"),
                "changedAt": "2024-02-07T10:15:00Z",
                "changes": [
                    {
                        "change": "created",
                        "changedAt": "2024-02-07T10:15:00Z",
                        "changedBy": example_id("key"),
                        "reason": "",
                    }
                ],
                "before": None,
                "after": {
                    "date": "2024-01-31",
                    "status": "POSTED",
                    "amount": 80.00,
                    "currency": "USD",
                    "debitAccountId": example_id("acc"),
                    "creditAccountId": example_id("acc"),
                    "description": "Electricity of January",
                },
            }
        ],
        "nextCursor": None,
        "hasMore": False,
    },
)

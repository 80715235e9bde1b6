"""How responses about reconciliations look, for the API's description."""
# ruff: noqa: N815 - names as they are on the wire

from typing import Any, Final

from rest_framework import serializers

from banking.choices import ReconciliationStatus
from ledger.api.schema import EXAMPLE_SUFFIX
from transactions.choices import Status


def _money(help_text: str = "", **more: Any) -> serializers.DecimalField:
    return serializers.DecimalField(20, 4, coerce_to_string=False, help_text=help_text, **more)


class EntryShape(serializers.Serializer[Any]):
    """A transaction that stands on the statement, or could."""

    transactionId = serializers.CharField()
    date = serializers.DateField()
    description = serializers.CharField(allow_blank=True)
    counterparty = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(Status.choices)
    amount = _money("What it adds to the balance that the bank states; below zero where it lowers it.")
    lineId = serializers.CharField(allow_null=True, help_text="The bank line that it stands for.")
    clearedOn = serializers.DateField(allow_null=True, help_text="The day of that line.")


class SummaryShape(serializers.Serializer[Any]):
    """A bank statement that is, or was, held against the books."""

    id = serializers.CharField()
    bankAccountId = serializers.CharField()
    bankAccountName = serializers.CharField()
    ledgerAccountId = serializers.CharField()
    currency = serializers.CharField()
    status = serializers.ChoiceField(ReconciliationStatus.choices)
    statementDate = serializers.DateField()
    openingBalance = _money("What the account's last completed statement ended with, else zero.")
    statementBalance = _money()
    createdAt = serializers.DateTimeField()
    completedAt = serializers.DateTimeField(allow_null=True)


class ClearedShape(serializers.Serializer[Any]):
    """What bank lines of the period stand for, and is not ticked yet."""

    count = serializers.IntegerField()
    amount = _money()


class SuggestedLineShape(serializers.Serializer[Any]):
    """A bank line that stands for no transaction yet."""

    id = serializers.CharField()
    date = serializers.DateField()
    description = serializers.CharField(allow_blank=True)
    amount = _money("Positive where money left the account, as bank lines have it.")


class SuggestedTransactionShape(serializers.Serializer[Any]):
    """A transaction that stands for no bank line yet."""

    transactionId = serializers.CharField()
    date = serializers.DateField()
    description = serializers.CharField(allow_blank=True)
    amount = _money("In the line's sign.")


class SuggestionShape(serializers.Serializer[Any]):
    """A line and the transactions that come to it exactly."""

    line = SuggestedLineShape()
    transactions = SuggestedTransactionShape(many=True)
    score = serializers.IntegerField(help_text="0 to 100.")
    reason = serializers.CharField()


class SuggestionsShape(serializers.Serializer[Any]):
    """What `match` with `{"suggested": true}` would tick, and sums that a person decides on."""

    cleared = ClearedShape()
    oneToOne = SuggestionShape(many=True)
    oneToMany = SuggestionShape(many=True)
    complete = serializers.BooleanField(help_text="False where there was too much to look through all of it.")


class ReconciliationShape(SummaryShape):
    """A statement with what is ticked and what is not."""

    clearedBalance = _money("The opening balance and what is ticked.")
    difference = _money("The statement's balance less the cleared balance; zero completes it.")
    booksBalance = _money("What the books say at the end of that day, whether ticked or not.")
    unticked = _money("The books' balance less the cleared balance: what is not ticked comes to.")
    itemCount = serializers.IntegerField()
    items = EntryShape(many=True, help_text="The newest ones; all are at `…/transactions?ticked=true`.")
    hasMoreItems = serializers.BooleanField()
    candidates = EntryShape(
        many=True,
        help_text="What could be ticked, the newest ones, up to six months before the last statement; all "
        "are at `…/transactions`.",
    )
    hasMoreCandidates = serializers.BooleanField()
    suggestions = SuggestionsShape(allow_null=True, help_text="Null where it is completed.")


class ReconciliationBody(serializers.Serializer[Any]):
    """One reconciliation."""

    reconciliation = ReconciliationShape()


class MatchedBody(ReconciliationBody):
    """The reconciliation as it now is."""

    changed = serializers.IntegerField(help_text="How many transactions were ticked, or unticked.")


class ReconciliationPage(serializers.Serializer[Any]):
    """A page of reconciliations, newest statement first."""

    reconciliations = SummaryShape(many=True)
    nextCursor = serializers.CharField(allow_null=True)
    hasMore = serializers.BooleanField()


class EntryPage(serializers.Serializer[Any]):
    """A page of transactions, newest first."""

    transactions = EntryShape(many=True)
    nextCursor = serializers.CharField(allow_null=True)
    hasMore = serializers.BooleanField()


class TieOutShape(serializers.Serializer[Any]):
    """What bank and books said of one day."""

    bankAccountId = serializers.CharField()
    bankAccountName = serializers.CharField()
    currency = serializers.CharField()
    date = serializers.DateField()
    bankBalance = _money("As the bank says it: money in the account, or on a card money owed.")
    booksBalance = _money("In the same sign, pending and posted.")
    difference = _money("Bank less books.")
    checkedAt = serializers.DateTimeField()


class TieOutPage(serializers.Serializer[Any]):
    """A page of days, newest first."""

    tieOuts = TieOutShape(many=True)
    nextCursor = serializers.CharField(allow_null=True)
    hasMore = serializers.BooleanField()


NEW_RECONCILIATION: Final = {
    "bankAccountId": f"bacc_{EXAMPLE_SUFFIX}",
    "statementDate": "2024-01-31",
    "statementBalance": 1825.50,
}
SUMMARY: Final = {
    "id": f"rec_{EXAMPLE_SUFFIX}",
    "bankAccountId": f"bacc_{EXAMPLE_SUFFIX}",
    "bankAccountName": "Business Checking",
    "ledgerAccountId": f"acc_{EXAMPLE_SUFFIX}",
    "currency": "USD",
    "status": "open",
    "statementDate": "2024-01-31",
    "openingBalance": 1000.00,
    "statementBalance": 1825.50,
    "createdAt": "2024-02-02T09:00:00Z",
    "completedAt": None,
}
ENTRY: Final = {
    "transactionId": f"txn_{EXAMPLE_SUFFIX}",
    "date": "2024-01-30",
    "description": "Invoice 4711",
    "counterparty": "Baker Street 221",
    "status": "CLEARED",
    "amount": 500.00,
    "lineId": f"line_{EXAMPLE_SUFFIX}",
    "clearedOn": "2024-01-31",
}
_CHEQUES: Final = [
    {
        "transactionId": f"txn_{EXAMPLE_SUFFIX[:-1]}{last}",
        "date": "2024-01-29",
        "description": f"Cheque of {name}",
        "amount": amount,
    }
    for last, name, amount in (("a", "Ames", -200.00), ("b", "Burr", -100.00), ("c", "Cole", -25.50))
]
RECONCILIATION: Final = {
    "reconciliation": {
        **SUMMARY,
        "clearedBalance": 1500.00,
        "difference": 325.50,
        "booksBalance": 1825.50,
        "unticked": 325.50,
        "itemCount": 1,
        "items": [ENTRY],
        "hasMoreItems": False,
        "candidates": [
            {
                **ENTRY,
                "transactionId": one["transactionId"],
                "date": one["date"],
                "description": one["description"],
                "counterparty": None,
                "status": "PENDING",
                "amount": -one["amount"],  # type: ignore[operator]
                "lineId": None,
                "clearedOn": None,
            }
            for one in _CHEQUES
        ],
        "hasMoreCandidates": False,
        "suggestions": {
            "cleared": {"count": 0, "amount": 0.00},
            "oneToOne": [],
            "oneToMany": [
                {
                    "line": {
                        "id": f"line_{EXAMPLE_SUFFIX}",
                        "date": "2024-01-30",
                        "description": "DEPOSIT BRANCH 12",
                        "amount": -325.50,
                    },
                    "transactions": _CHEQUES,
                    "score": 43,
                    "reason": "3 transactions come to it exactly, 200.00 + 100.00 + 25.50, at most 1 day "
                    "earlier in the books.",
                }
            ],
            "complete": True,
        },
    }
}
TIE_OUTS: Final = {
    "tieOuts": [
        {
            "bankAccountId": f"bacc_{EXAMPLE_SUFFIX}",
            "bankAccountName": "Business Checking",
            "currency": "USD",
            "date": "2024-01-31",
            "bankBalance": 1825.50,
            "booksBalance": 1800.00,
            "difference": 25.50,
            "checkedAt": "2024-02-01T03:00:00Z",
        }
    ],
    "nextCursor": None,
    "hasMore": False,
}

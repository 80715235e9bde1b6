"""What questions take and what answers look like."""

from typing import Any, Final

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from ai.chat.reading import PROMPT_LENGTH_MAX
from ledger.api.serializers import RequestSerializer, StrictBooleanField, TextField
from transactions.api.responses import EXAMPLE_TRANSACTION, Transaction

HISTORY_LENGTH_MAX: Final = 8_000
CONTEXT_LENGTH_MAX: Final = 4_000
CUSTOM_PROMPT_LENGTH_MAX: Final = 2_000


class ChatQueryShape(RequestSerializer):
    """A question and what was asked before it."""

    prompt = TextField(max_length=PROMPT_LENGTH_MAX, help_text="The question.")
    history = TextField(
        max_length=HISTORY_LENGTH_MAX,
        min_length=0,
        required=False,
        help_text="The earlier prompts, oldest first: a JSON list of texts or of {role, content}, or one a "
        "line.",
    )
    context_data = TextField(
        max_length=CONTEXT_LENGTH_MAX,
        min_length=0,
        required=False,
        help_text="For the wording of a hosted model, where there is one; it changes no figure.",
    )
    custom_prompt = TextField(
        max_length=CUSTOM_PROMPT_LENGTH_MAX,
        min_length=0,
        required=False,
        help_text="Wishes for the style of a hosted model's wording; they change no figure.",
    )
    stream = StrictBooleanField(required=False, help_text="Whether to answer as server-sent events.")


def _amount(help_text: str) -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=30, decimal_places=4, coerce_to_string=False, help_text=help_text
    )


CHAT_RESPONSE: Final = inline_serializer(
    "ChatAnswer",
    {
        "response": serializers.CharField(help_text="The answer in words."),
        "content": serializers.CharField(help_text="The same."),
        "data": inline_serializer(
            "ChatData",
            {
                "transactions": Transaction(many=True),
                "summary": inline_serializer(
                    "ChatSummary",
                    {
                        "total_amount": _amount(
                            "Of everything that was asked for, not only of what is listed; or the figure "
                            "of the "
                            "statements."
                        ),
                        "transaction_count": serializers.IntegerField(),
                        "average_amount": _amount("Rounded half to even."),
                    },
                ),
                "currency": serializers.CharField(required=False),
                "pending": inline_serializer(
                    "ChatPending",
                    {
                        "total_amount": _amount(
                            "What is not posted yet: within the total of transactions, beside a figure of "
                            "the "
                            "statements."
                        ),
                        "transaction_count": serializers.IntegerField(allow_null=True),
                    },
                    required=False,
                ),
                "groups": inline_serializer(
                    "ChatGroup",
                    {
                        "name": serializers.CharField(),
                        "id": serializers.CharField(
                            allow_null=True, help_text="Of the account, of a category."
                        ),
                        "startDate": serializers.DateField(allow_null=True),
                        "total_amount": _amount("Of the group."),
                        "transaction_count": serializers.IntegerField(allow_null=True),
                    },
                    many=True,
                ),
                "comparison": inline_serializer(
                    "ChatComparison",
                    {
                        "startDate": serializers.DateField(),
                        "endDate": serializers.DateField(),
                        "total_amount": _amount("In the other period."),
                        "transaction_count": serializers.IntegerField(),
                        "change": _amount("Now less then."),
                        "percent": serializers.DecimalField(
                            max_digits=30, decimal_places=1, coerce_to_string=False, allow_null=True
                        ),
                    },
                    allow_null=True,
                ),
            },
        ),
        "parsed": inline_serializer(
            "ChatParsed",
            {
                "filter": serializers.DictField(
                    allow_null=True,
                    help_text="The question as it was read; what does not narrow is left out.",
                ),
                "interpretation": serializers.CharField(),
                "notUnderstood": serializers.ListField(child=serializers.CharField()),
                "readBy": serializers.ChoiceField(["rules", "model"]),
                "wordedBy": serializers.ChoiceField(["rules", "model"]),
            },
        ),
    },
)

EXAMPLE_ANSWER: Final[dict[str, Any]] = {
    "response": "I found 1 transaction in Software over $100.00 from 1 January 2024 to 31 January 2024, "
    "totaling "
    "$500.00.",
    "content": "I found 1 transaction in Software over $100.00 from 1 January 2024 to 31 January 2024, "
    "totaling "
    "$500.00.",
    "data": {
        "transactions": [EXAMPLE_TRANSACTION],
        "summary": {"total_amount": 500.00, "transaction_count": 1, "average_amount": 500.00},
        "currency": "USD",
        "pending": {"total_amount": 0.00, "transaction_count": 0},
        "groups": [],
        "comparison": None,
    },
    "parsed": {
        "filter": {
            "measure": "list",
            "dateFrom": "2024-01-01",
            "dateTo": "2024-01-31",
            "accounts": [{"id": "acc_01h455vb4pex5vsknk084sn02q", "name": "Software"}],
            "amountMin": 100.00,
            "amountMinExcluded": True,
        },
        "interpretation": "A list of transactions in Software over $100.00 from 1 January 2024 to 31 "
        "January 2024.",
        "notUnderstood": [],
        "readBy": "rules",
        "wordedBy": "rules",
    },
}

"""How responses about transactions look, for the API's description."""

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from accounts.choices import AccountType
from transactions.choices import Status

EXAMPLE_TRANSACTION = {
    "id": "txn_01h455vb4pex5vsknk084sn02q",
    "entityId": "entity_01h455vb4pex5vsknk084sn02q",
    "instanceId": None,
    "ledgerId": "ldgr_01h455vb4pex5vsknk084sn02q",
    "timestamp": "2024-01-15T12:00:00Z",
    "date": "2024-01-15",
    "transaction_date": "2024-01-15",
    "amount": 500.00,
    "currency": "USD",
    "description": "Invoice payment received",
    "counterparty": "Invoice Payment",
    "debitAccountId": "acc_01h455vb4pex5vsknk084sn02q",
    "creditAccountId": "acc_01h455vb4pex5vsknk084sn02r",
    "status": "PENDING",
    "category": "Sales Revenue",
    "category_id": "acc_01h455vb4pex5vsknk084sn02r",
    "accountType": "REVENUE",
    "financialType": "SALES",
    "metadata": {"receipt_url": "https://example.com/receipts/123.pdf"},
    "debitAccount": {
        "id": "acc_01h455vb4pex5vsknk084sn02q",
        "name": "Checking",
        "type": "ASSET",
        "financialType": "CASH",
        "code": "1010",
        "subTypeCode": "1010",
        "isCategory": False,
    },
    "creditAccount": {
        "id": "acc_01h455vb4pex5vsknk084sn02r",
        "name": "Sales Revenue",
        "type": "REVENUE",
        "financialType": "SALES",
        "code": "4010",
        "subTypeCode": "4010",
        "isCategory": True,
    },
    "plaid_account": None,
    "externalId": None,
    "journalEntryId": None,
    "reverses": None,
    "reversedBy": None,
    "reclassifies": None,
    "expiresAt": None,
    "createdAt": "2024-01-15T12:01:00Z",
    "updatedAt": "2024-01-15T12:01:00Z",
    "postedAt": None,
}


def example(name: str, value: object, *, request: bool = False, status: str | None = None) -> OpenApiExample:
    """An example of a request's or a response's body."""
    return OpenApiExample(
        name,
        value=value,
        request_only=request,
        response_only=not request,
        status_codes=[status] if status else None,
    )


class TransactionAccount(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    type = serializers.ChoiceField(AccountType.choices)
    financialType = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_null=True)
    subTypeCode = serializers.CharField(allow_null=True)
    isCategory = serializers.BooleanField()


class PlaidAccount(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    type = serializers.CharField()
    subtype = serializers.CharField(allow_null=True)
    mask = serializers.CharField(allow_null=True)
    institution_id = serializers.CharField(allow_null=True)


class Transaction(serializers.Serializer):
    """One amount moved from the credit account to the debit account."""

    id = serializers.CharField()
    entityId = serializers.CharField()
    instanceId = serializers.CharField(allow_null=True)
    ledgerId = serializers.CharField()
    timestamp = serializers.DateTimeField()
    date = serializers.DateField(help_text="The day of `timestamp` in the entity's time zone.")
    transaction_date = serializers.DateField()
    amount = serializers.DecimalField(
        max_digits=20, decimal_places=4, coerce_to_string=False, help_text="Above zero, in `currency`."
    )
    currency = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    counterparty = serializers.CharField(allow_null=True)
    debitAccountId = serializers.CharField()
    creditAccountId = serializers.CharField()
    status = serializers.ChoiceField(Status.choices)
    category = serializers.CharField(allow_null=True)
    category_id = serializers.CharField(allow_null=True)
    accountType = serializers.CharField(allow_null=True)
    financialType = serializers.CharField(allow_null=True)
    metadata = serializers.DictField()
    debitAccount = TransactionAccount()
    creditAccount = TransactionAccount()
    plaid_account = PlaidAccount(allow_null=True)
    externalId = serializers.CharField(allow_null=True)
    journalEntryId = serializers.CharField(allow_null=True)
    reverses = serializers.CharField(allow_null=True)
    reversedBy = serializers.CharField(allow_null=True)
    reclassifies = serializers.CharField(allow_null=True)
    expiresAt = serializers.DateTimeField(allow_null=True)
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()
    postedAt = serializers.DateTimeField(allow_null=True)


class TransactionEnvelope(serializers.Serializer):
    transaction = Transaction()


class TransactionPage(serializers.Serializer):
    transactions = Transaction(many=True)
    nextCursor = serializers.CharField(allow_null=True)
    hasMore = serializers.BooleanField()


class BulkResult(serializers.Serializer):
    index = serializers.IntegerField()
    success = serializers.BooleanField()
    id = serializers.CharField(required=False)
    error = serializers.CharField(required=False)


class BulkResponse(serializers.Serializer):
    success = serializers.BooleanField()
    totalProcessed = serializers.IntegerField()
    results = BulkResult(many=True)


class ApprovedTransaction(serializers.Serializer):
    id = serializers.CharField()
    status = serializers.CharField()
    updatedAt = serializers.DateTimeField()


class ApprovalTransaction(serializers.Serializer):
    id = serializers.CharField()
    amount = serializers.DecimalField(max_digits=20, decimal_places=4, coerce_to_string=False)
    description = serializers.CharField(allow_blank=True)
    status = serializers.CharField()


class ApprovalResult(serializers.Serializer):
    id = serializers.CharField()
    success = serializers.BooleanField()
    transaction = ApprovalTransaction(required=False)
    error = serializers.CharField(required=False)


class ApprovalResponse(serializers.Serializer):
    message = serializers.CharField()
    approvedTransactions = ApprovedTransaction(many=True)
    success = serializers.BooleanField()
    totalProcessed = serializers.IntegerField()
    results = ApprovalResult(many=True)


class EditedTransaction(serializers.Serializer):
    id = serializers.CharField()
    debit_account_id = serializers.CharField(
        required=False, help_text="Left out for the official Python client, which types it as a number."
    )
    credit_account_id = serializers.CharField(required=False)
    description = serializers.CharField(allow_blank=True)
    transaction = Transaction()


class ReversalResponse(serializers.Serializer):
    transaction = Transaction()
    reversal = Transaction()


class CategorizedTransaction(serializers.Serializer):
    id = serializers.CharField()
    metadata = serializers.DictField()
    updatedAt = serializers.DateTimeField()


class CategorizeResponse(serializers.Serializer):
    message = serializers.CharField()
    transaction = CategorizedTransaction()
    transactions = CategorizedTransaction(many=True, required=False)

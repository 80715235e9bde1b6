"""One valid request for each operation of the API, and the cast that it needs.

The tests of the description and of permissions send all of them. An operation without an entry here makes
them fail: add one that succeeds for its owner.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
from django.db.transaction import atomic
from django.http import HttpResponse
from django.test import override_settings

from accounts.models import Account, AccountImport
from accounts.querysets import default_ledger
from accounts.services import import_accounts, rows_of_template
from ai.categories.stored import suggest_and_keep, uncategorized
from ai.models import Suggestion
from banking.choices import IntegrationProvider
from banking.integrations.connecting import begin_connection
from banking.models import BankAccount, BankLine, Integration
from banking.providers.base import LineSeen
from banking.providers.plaid import signatures
from banking.providers.plaid.shapes import Key
from banking.services.recording import record_lines
from banking.services.storing import store_lines
from banking.tests.fake_plaid import FakePlaid
from ledger.actors import SYSTEM
from ledger.background import start_task
from ledger.clock import utc_now
from ledger.encryption import encrypt
from ledger.ids import Prefix, decode_id, encode_id
from ledger.models import Entity
from ledger.services.developers import NewDeveloper
from ledger.services.keys import NewKey, create_key
from ledger.tests.helpers import Caller, make_admin_key, make_developer, make_entity, token_of
from openledger.api_description import description
from reports.files.formats import FileFormat
from reports.files.links import file_link
from reports.files.orders import Order, Statement
from reports.periods import year_period
from reports.read import new_scope

METHODS: Final = ("get", "post", "put", "patch", "delete")


class Operation(NamedTuple):
    """One method of one address, as the description has it."""

    id: str
    method: str  # in capitals
    path: str
    described: Mapping[str, Any]

    @property
    def takes_token(self) -> bool:
        """Whether it is not open to everybody."""
        return bool(self.described.get("security"))

    @property
    def takes_entity(self) -> bool:
        """Whether it is about the books of one company, which the request may name."""
        return "EntityIdQuery" in self._shared_parameters

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return "IdempotencyKey" in self._shared_parameters

    @property
    def _shared_parameters(self) -> list[str]:
        return [one.get("$ref", "").rpartition("/")[2] for one in self.described.get("parameters", [])]


def all_operations() -> list[Operation]:
    """Every operation of the description."""
    return [
        Operation(item[method]["operationId"], method.upper(), path, item[method])
        for path, item in description()["paths"].items()
        for method in METHODS
        if method in item
    ]


_LINES: Final = {
    "transactions": [{"id": "line-1", "description": "SHELL 4711", "amount": 20.5, "direction": "out"}]
}
_XERO: Final = {"XERO_CLIENT_ID": "our-application", "XERO_CLIENT_SECRET": "secret"}


class Books:
    """A developer with a company, a chart of accounts, and something of everything in it, made at need."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.made: NewDeveloper = make_developer(name)
        self.developer_id = self.made.developer.public_id
        self.entity: Entity = make_entity(self.made.developer, f"{name} LLC")
        self.entity_id = self.entity.public_id
        self.token = token_of(self.made.first_key)
        self.entity_token = token_of(self.made.first_key, entity=self.entity)
        self.chart: AccountImport = import_accounts(
            entity=self.entity,
            ledger=default_ledger(self.entity),
            rows=rows_of_template("tmpl_standard_business"),
            source="template",
            template_id="tmpl_standard_business",
            file_format=None,
            actor=SYSTEM,
        )
        self._codes = {
            str(code): encode_id(Prefix.ACCOUNT, id_)
            for id_, code in Account.objects.for_entity(self.entity).values_list("id", "sub_type_code")
        }

    def account(self, code: str) -> str:
        """The id of the account with that code: 1010 checking, 4010 sales, 6310 and so on."""
        return self._codes[code]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """What the API answers to the owner's request, which must succeed."""
        answer = Caller(self.token).generic(
            method,
            f"{path}{'&' if '?' in path else '?'}entityId={self.entity_id}",
            _encoded(body),
            content_type="application/json",
        )
        assert 200 <= answer.status_code < 300, answer.content
        return answer.json()

    def fill(self) -> None:
        """Make all of it now."""
        for name in (
            "pending",
            "posted",
            "journal_entry",
            "unused_account",
            "purchase_at_the_bank",
            "suggestion",
            "bank_rule",
            "ticked_purchase",
            "pending_line",
            "recorded_line",
            "offered_line",
            "statement_import",
            "spare_key",
            "task",
        ):
            getattr(self, name)

    def transaction(self, **more: Any) -> str:
        """The id of a new transaction: a sale, pending."""
        body = {
            "amount": "12.50",
            "description": "Sale of bread",
            "debitAccountId": self.account("1010"),
            "creditAccountId": self.account("4010"),
            **more,
        }
        return str(self.call("POST", "/v1/transactions", body)["transaction"]["id"])

    @cached_property
    def pending(self) -> str:
        """The id of a pending transaction."""
        return self.transaction(counterpartyName="Baker Street 221")

    @cached_property
    def posted(self) -> str:
        """The id of a posted transaction."""
        return self.transaction(status="POSTED")

    @cached_property
    def journal_entry(self) -> str:
        """The id of a journal entry."""
        return str(self.call("POST", "/v1/journal-entries", journal_entry(self))["journalEntry"]["id"])

    @cached_property
    def unused_account(self) -> str:
        """The id of an account that nothing refers to."""
        body = {"name": "Unused", "type": "EXPENSE"}
        return str(self.call("POST", "/v1/accounts", body)["id"])

    @cached_property
    def task(self) -> str:
        """The id of background work that waits."""
        return start_task(entity=self.entity, name="tests.waits").public_id

    @cached_property
    def integration(self) -> str:
        """The id of an integration: Stripe, whose application the operator has taken away meanwhile."""
        return Integration.objects.create(
            entity=self.entity,
            provider="stripe",
            status="connected",
            workspace_id="acct_1Bakery",
            access_token=encrypt("sk_test_1"),
            refresh_token=encrypt(""),
            created_at=utc_now(),
            updated_at=utc_now(),
        ).public_id

    @cached_property
    def state_at_xero(self) -> str:
        """What a person brings back from Xero."""
        with override_settings(**_XERO):
            begun = begin_connection(entity=self.entity, provider=IntegrationProvider.XERO, actor=SYSTEM)
        return parse_qs(urlsplit(begun.link).query)["state"][0]

    @cached_property
    def confidence(self) -> float:
        """One that a suggestion that waits has."""
        assert self.suggestion
        Suggestion.objects.filter(entity_id=self.entity.id).update(confidence=0.95)
        return 0.9

    @cached_property
    def suggestion(self) -> str:
        """The id of a suggestion that waits, for the purchase at the bank."""
        self.purchase_at_the_bank  # noqa: B018 - makes what is suggested for
        suggest_and_keep(self.entity, uncategorized(self.entity, limit=1))
        return Suggestion.objects.get(entity_id=self.entity.id).public_id

    @cached_property
    def purchase_at_the_bank(self) -> BankAccount:
        """A bank account with one line, which stands in the books uncategorized."""
        checking = Account.objects.for_entity(self.entity).get(sub_type_code=1010)
        bank = BankAccount.objects.create(
            entity_id=self.entity.id,
            name="Checking",
            type="depository",
            ledger_id=checking.ledger_id,
            ledger_account=checking,
            currency=checking.currency,
            created_at=utc_now(),
        )
        line = LineSeen(
            id="line-1",
            account_id="",
            pending=False,
            pending_line_id=None,
            date=date(2024, 1, 20),
            authorized_date=None,
            amount=Decimal("31.40"),
            currency=checking.currency,
            description="FLOUR AND YEAST LTD",
        )
        with atomic():
            stored = store_lines(self.entity, bank, [line])
            record_lines(entity=self.entity, line_ids=stored.new_ids, actor=SYSTEM)
        return bank

    def bank_line(self, id_: str, amount: str, *, pending: bool = False) -> str:
        """The id of another line, of a bank account that nothing is reconciled of."""
        bank = BankAccount.objects.get(
            entity_id=self.entity.id,
            id=decode_id(Prefix.BANK_ACCOUNT, self.savings_at_the_bank["id"], field="id"),
        )
        line = LineSeen(
            id=id_,
            account_id="",
            pending=pending,
            pending_line_id=None,
            date=date(2024, 1, 20),
            authorized_date=None,
            amount=Decimal(amount),
            currency=bank.currency,
            description="SALE OF BREAD",
        )
        with atomic():
            stored = store_lines(self.entity, bank, [line])
            record_lines(entity=self.entity, line_ids=stored.new_ids, actor=SYSTEM)
        return BankLine.objects.get(entity_id=self.entity.id, provider_line_id=id_).public_id

    @cached_property
    def savings_at_the_bank(self) -> dict[str, Any]:
        """A second bank account, that statement files feed."""
        body = {"name": "Savings", "type": "depository", "subtype": "savings"}
        account: dict[str, Any] = self.call("POST", "/v1/banks/accounts", body)["account"]
        return account

    @cached_property
    def statement_import(self) -> str:
        """The id of an import of a statement file."""
        return str(self.call("POST", "/v1/banks/statements", _statement_file(self))["importId"])

    @cached_property
    def pending_line(self) -> str:
        """The id of a line that the bank has not booked yet."""
        return self.bank_line("line-2", "8.15", pending=True)

    @cached_property
    def recorded_line(self) -> str:
        """The id of a line that a transaction was made of."""
        return self.bank_line("line-3", "6.66")

    @cached_property
    def offered_line(self) -> str:
        """The id of a line that is offered `sale_in_the_books`."""
        assert self.sale_in_the_books
        return self.bank_line("line-4", "-77.70")

    @cached_property
    def sale_in_the_books(self) -> str:
        """The id of a sale into the bank account."""
        savings = self.savings_at_the_bank["ledgerAccountId"]
        return self.transaction(amount="77.70", date="2024-01-19", debitAccountId=savings)

    @cached_property
    def bank_rule(self) -> str:
        """The id of a bank rule."""
        return str(self.call("POST", "/v1/banks/rules", _new_bank_rule(self))["rule"]["id"])

    @cached_property
    def bank_statement(self) -> str:
        """The id of a reconciliation on which nothing is ticked yet."""
        return str(
            self.call("POST", "/v1/banks/reconciliations", bank_statement(self))["reconciliation"]["id"]
        )

    @cached_property
    def ticked_purchase(self) -> str:
        """The id of the transaction that is ticked on that statement, which then has no difference."""
        path = f"/v1/banks/reconciliations/{self.bank_statement}/match"
        (item,) = self.call("POST", path, {"suggested": True})["reconciliation"]["items"]
        return str(item["transactionId"])

    @cached_property
    def completed_statement(self) -> str:
        """The id of that reconciliation, completed."""
        assert self.ticked_purchase
        self.call("POST", f"/v1/banks/reconciliations/{self.bank_statement}/complete", {})
        return self.bank_statement

    @cached_property
    def spare_key(self) -> NewKey:
        """A key that may be revoked."""
        return create_key(developer=self.made.developer, name="Spare", actor=SYSTEM)


@dataclass(frozen=True)
class Valid:
    """A request that succeeds. The company is added where the operation takes one."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    # Which kinds of token are let in; none where the operation takes no token.
    kinds: frozenset[str] = frozenset({"developer", "entity"})
    headers: Mapping[str, Any] = field(default_factory=dict)
    # What the operator must have set up.
    settings: Mapping[str, Any] = field(default_factory=dict)


_DEVELOPER: Final = frozenset({"developer"})
_ADMIN: Final = frozenset({"admin"})
_NOBODY: Final[frozenset[str]] = frozenset()


def journal_entry(books: Books) -> dict[str, Any]:
    """The body of a journal entry with three lines."""
    return {
        "description": "Payroll of January",
        "date": "2024-01-31",
        "lines": [
            {"accountId": books.account("6010"), "direction": "DEBIT", "amount": "50.00"},
            {"accountId": books.account("1010"), "direction": "CREDIT", "amount": "38.00"},
            {"accountId": books.account("1020"), "direction": "CREDIT", "amount": "12.00"},
        ],
    }


def _new_transaction(books: Books) -> dict[str, Any]:
    return {
        "amount": 500,
        "description": "Invoice 4711",
        "date": "2024-01-15",
        "debitAccountId": books.account("1010"),
        "creditAccountId": books.account("4010"),
        "metadata": {"invoice": 4711},
    }


# Date, description and amount of one purchase, in CSV.
_STATEMENT_FILE: Final = b64encode(b"Date,Description,Amount\n2024-01-22,Flour,-18.90\n").decode()


def _statement_file(books: Books) -> dict[str, Any]:
    return {"bankAccountId": books.savings_at_the_bank["id"], "file": _STATEMENT_FILE, "partial": True}


def bank_statement(books: Books) -> dict[str, Any]:
    """The body of a reconciliation: a statement with the one purchase on it."""
    return {
        "bankAccountId": books.purchase_at_the_bank.public_id,
        "statementDate": "2024-01-31",
        "statementBalance": "-31.40",
    }


def _ticked(books: Books, body: Any) -> Valid:
    assert books.ticked_purchase
    return Valid({"reconciliation_id": books.bank_statement}, body=body)


def _new_bank_rule(books: Books) -> dict[str, Any]:
    return {
        "name": "Bakery supplies",
        "regex": "flour|yeast",
        "direction": "out",
        "amountMax": 500,
        "categoryId": books.account("6310"),
    }


def _purchase_under_a_rule(books: Books) -> Valid:
    # The line comes first: otherwise the rule would take it when it arrives.
    assert books.purchase_at_the_bank
    return Valid(body={"ruleIds": [books.bank_rule], "dateFrom": "2024-01-01", "dryRun": False})


def _developer_credentials(books: Books) -> Valid:
    return Valid(
        body={"developerId": books.developer_id, "apiKey": books.made.first_key.secret}, kinds=_NOBODY
    )


def _entity_credentials(books: Books) -> Valid:
    body = {
        "entityId": books.entity_id,
        "developerId": books.developer_id,
        "apiKey": books.made.first_key.secret,
    }
    return Valid(body=body, kinds=_NOBODY)


VALID: Final[dict[str, Callable[[Books], Valid]]] = {
    # Tokens
    "createToken": lambda books: Valid(
        body={"userType": "developer", "id": books.developer_id, "apiKey": books.made.first_key.secret},
        kinds=_NOBODY,
    ),
    "createDeveloperToken": _developer_credentials,
    "generateDeveloperToken": _developer_credentials,
    "createEntityToken": _entity_credentials,
    "generateEntityToken": _entity_credentials,
    # Developers
    "createDeveloper": lambda books: Valid(
        body={"name": "Acme", "preferences": {"currency": "EUR"}}, kinds=_ADMIN
    ),
    "getDeveloper": lambda books: Valid(kinds=_DEVELOPER),
    "listApiKeys": lambda books: Valid(query={"pageSize": 10}, kinds=_DEVELOPER),
    "createApiKey": lambda books: Valid(body={"name": "Production"}, kinds=_DEVELOPER),
    "revokeApiKey": lambda books: Valid({"key_id": books.spare_key.key.public_id}, kinds=_DEVELOPER),
    "rotateApiKey": lambda books: Valid(
        {"key_id": books.spare_key.key.public_id}, body={"graceHours": 1}, kinds=_DEVELOPER
    ),
    # Entities
    "getEntities": lambda books: Valid(),
    "listEntities": lambda books: Valid(query={"pageSize": 10}),
    "createEntity": lambda books: Valid(
        body={"developerId": books.developer_id, "legalName": "New LLC"}, kinds=_DEVELOPER
    ),
    "updateEntity": lambda books: Valid(body={"legalName": "Renamed LLC"}),
    "deleteEntity": lambda books: Valid(kinds=_DEVELOPER),
    "getEntitySettings": lambda books: Valid(),
    "updateEntitySettings": lambda books: Valid(body={"smart_summary": True}),
    # Background tasks
    "listTasks": lambda books: Valid(query={"state": "queued", "pageSize": 5}),
    "getTask": lambda books: Valid({"task_id": books.task}),
    # Ledger accounts and categories
    "listAccounts": lambda books: Valid(query={"type": "ASSET", "limit": 5}),
    "createAccount": lambda books: Valid(body={"name": "Marketing", "type": "EXPENSE"}),
    "getAccount": lambda books: Valid({"id": books.account("1010")}, {"include_transactions": "true"}),
    "updateAccount": lambda books: Valid({"id": books.account("1010")}, body={"name": "Main account"}),
    "deleteAccount": lambda books: Valid({"id": books.unused_account}),
    "getAccountBalance": lambda books: Valid({"id": books.account("1010")}),
    "listAccountTransactions": lambda books: Valid({"id": books.account("1010")}, {"limit": 5}),
    "listAccountTemplates": lambda books: Valid(),
    "importAccounts": lambda books: Valid(
        body={"source": "json", "accounts": [{"name": "Till", "type": "ASSET", "financial_type": "CASH"}]}
    ),
    "getAccountImport": lambda books: Valid({"id": encode_id(Prefix.IMPORT, books.chart.id)}),
    "listCategories": lambda books: Valid(),
    "createCategory": lambda books: Valid(body={"name": "Software", "type": "EXPENSE"}),
    # Transactions
    "listTransactions": lambda books: Valid(query={"accountId": books.account("1010"), "pageSize": 5}),
    "createTransaction": lambda books: Valid(body=_new_transaction(books)),
    "updateTransaction": lambda books: Valid(body={"transactionId": books.pending, "amount": 3}),
    "deleteTransaction": lambda books: Valid(query={"transactionId": books.pending}),
    "getTransaction": lambda books: Valid({"transaction_id": books.pending}),
    "createTransactions": lambda books: Valid(body={"transactions": [_new_transaction(books)]}),
    "editTransaction": lambda books: Valid(body={"id": books.pending, "description": "Rye bread"}),
    "approveTransactions": lambda books: Valid(body={"transactionIds": [books.pending]}),
    "reverseTransaction": lambda books: Valid({"transaction_id": books.posted}, body={"reason": "Twice"}),
    "categorizeTransactions": lambda books: Valid(
        body={"transactionId": books.pending, "categoryId": books.account("4020")}
    ),
    "searchTransactions": lambda books: Valid(body={"query": "bread", "filters": {"status": "PENDING"}}),
    "listCounterparties": lambda books: Valid(query={"pageSize": 5}),
    "listTransactionsByMonth": lambda books: Valid(),
    "createJournalEntry": lambda books: Valid(body=journal_entry(books)),
    "getJournalEntry": lambda books: Valid({"entry_id": books.journal_entry}),
    "deleteJournalEntry": lambda books: Valid({"entry_id": books.journal_entry}),
    "suggestCategories": lambda books: Valid({"entity_id": books.entity_id}, body=_LINES),
    "streamCategorySuggestions": lambda books: Valid({"entity_id": books.entity_id}, body=_LINES),
    "backtestCategorySuggestions": lambda books: Valid({"entity_id": books.entity_id}, body={"limit": 5}),
    "listCategorySuggestions": lambda books: Valid(query={"pageSize": 5}),
    "acceptCategorySuggestions": lambda books: Valid(body={"minConfidence": books.confidence}),
    "acceptCategorySuggestion": lambda books: Valid({"suggestion_id": books.suggestion}),
    "correctCategorySuggestion": lambda books: Valid(
        {"suggestion_id": books.suggestion}, body={"categoryId": books.account("6310")}
    ),
    "getSuggestionSettings": lambda books: Valid(),
    "updateSuggestionSettings": lambda books: Valid(body={"applyAutomatically": False, "threshold": 0.9}),
    "semanticSearch": lambda books: Valid(
        body={"query": "cloud hosting", "limit": 5, "sourceTypes": ["transaction", "ledger_account"]}
    ),
    "chatWithTransactions": lambda books: Valid(
        query={
            "prompt": "How much did we spend over $10 in January 2024?",
            "history": '["total revenue in 2024"]',
            "contextData": "{}",
            "customPrompt": "Be brief.",
            "stream": "false",
        }
    ),
    "listSummaries": lambda books: Valid(query={"pageSize": 5}),
    # Integrations
    "connectIntegration": lambda books: Valid(body={"provider": "xero"}, settings=_XERO),
    "returnFromIntegration": lambda books: Valid(
        {"provider": "xero"},
        {"state": books.state_at_xero, "error": "access_denied"},
        kinds=_NOBODY,
        settings=_XERO,
    ),
    "getIntegrationStatus": lambda books: Valid(),
    "listIntegrationProviders": lambda books: Valid(settings=_XERO),
    "syncIntegration": lambda books: Valid(body={"integrationId": books.integration}),
    "disconnectIntegration": lambda books: Valid(body={"integrationId": books.integration}),
    # Banks
    "createBankLink": lambda books: Valid(),
    "listBankAccounts": lambda books: Valid(),
    "createBankAccount": lambda books: Valid(body={"name": "Card", "type": "credit", "mask": "9012"}),
    "connectBankAccounts": lambda books: Valid(body={"public_token": "public-sandbox-software-1"}),
    "getBankAccount": lambda books: Valid({"bank_account_id": books.purchase_at_the_bank.public_id}),
    "disconnectBankAccount": lambda books: Valid({"bank_account_id": books.purchase_at_the_bank.public_id}),
    "syncBanks": lambda books: Valid(),
    "getSyncStatus": lambda books: Valid(),
    "listBankLines": lambda books: Valid(query={"status": "recorded", "pageSize": 5}),
    "getBankLine": lambda books: Valid({"line_id": books.recorded_line}),
    "matchBankLine": lambda books: Valid(
        {"line_id": books.offered_line}, body={"transactionId": books.sale_in_the_books}
    ),
    "recordBankLine": lambda books: Valid(
        {"line_id": books.offered_line}, body={"categoryId": books.account("4010")}
    ),
    "ignoreBankLine": lambda books: Valid({"line_id": books.offered_line}),
    "unmatchBankLine": lambda books: Valid({"line_id": books.recorded_line}),
    "categorizeBankLine": lambda books: Valid(
        {"line_id": books.pending_line}, body={"categoryId": books.account("6310")}
    ),
    "receivePlaidWebhook": lambda books: _plaid_webhook(),
    # Sandbox
    "createSandbox": lambda books: Valid(
        body={"name": "Blue Door Bistro", "industry": "restaurant", "preferences": {"currency": "EUR"}},
        kinds=_NOBODY,
    ),
    # Operations
    "getDescriptionAsJson": lambda books: Valid(kinds=_NOBODY),
    "getDescriptionAsYaml": lambda books: Valid(kinds=_NOBODY),
    "getHealth": lambda books: Valid(kinds=_NOBODY),
    "getReadiness": lambda books: Valid(kinds=_NOBODY),
    "getMetrics": lambda books: Valid(kinds=_NOBODY),
    # Bank rules
    "listBankRules": lambda books: Valid(query={"pageSize": 5}),
    "createBankRule": lambda books: Valid(body=_new_bank_rule(books)),
    "getBankRule": lambda books: Valid({"rule_id": books.bank_rule}),
    "updateBankRule": lambda books: Valid({"rule_id": books.bank_rule}, body={"priority": 10}),
    "deleteBankRule": lambda books: Valid({"rule_id": books.bank_rule}),
    "applyBankRules": _purchase_under_a_rule,
    "listBankRuleApplications": lambda books: Valid({"rule_id": books.bank_rule}, {"pageSize": 5}),
    # Reconciliation
    "listReconciliations": lambda books: Valid(query={"status": "open", "pageSize": 5}),
    "startReconciliation": lambda books: Valid(body=bank_statement(books)),
    "getReconciliation": lambda books: Valid({"reconciliation_id": books.bank_statement}),
    "listReconciliationTransactions": lambda books: Valid(
        {"reconciliation_id": books.bank_statement}, {"ticked": "false"}
    ),
    "matchReconciliation": lambda books: Valid(
        {"reconciliation_id": books.bank_statement}, body={"suggested": True}
    ),
    "unmatchReconciliation": lambda books: _ticked(books, {"transactionIds": [books.ticked_purchase]}),
    "completeReconciliation": lambda books: _ticked(books, None),
    "reopenReconciliation": lambda books: Valid(
        {"reconciliation_id": books.completed_statement}, body={"reason": "The bank corrected it"}
    ),
    "deleteReconciliation": lambda books: Valid({"reconciliation_id": books.bank_statement}),
    "listTieOuts": lambda books: Valid(query={"latest": "true"}),
    # Statement files
    "listStatementImports": lambda books: Valid(query={"pageSize": 5}),
    "importStatement": lambda books: Valid(body=_statement_file(books)),
    "previewStatement": lambda books: Valid(body={"file": _STATEMENT_FILE}),
    "getStatementImport": lambda books: Valid({"import_id": books.statement_import}),
    # Reports
    "generateReport": lambda books: Valid(query={"month": 1, "year": 2024, "compare": "previous"}),
    "getGeneralLedger": lambda books: Valid(query={"accountId": books.account("1010"), "compare": "year"}),
    "getTrialBalance": lambda books: Valid(query={"asOf": "2024-01-31", "compare": "previous"}),
    "getOverview": lambda books: Valid(query={"interval": "weekly", "compare": "previous"}),
    "exportBooks": lambda books: Valid(query={"format": "beancount", "startDate": "2024-01-01"}),
    "openReportFile": lambda books: Valid(path={"token": _token_of_file(books)}, kinds=_NOBODY),
    "listReportChanges": lambda books: Valid(query={"since": "2024-01-01T00:00:00Z", "year": 2026}),
}


def _token_of_file(books: Books) -> str:
    scope = new_scope(entity=books.entity, ledger=default_ledger(books.entity))
    order = Order(Statement.BALANCE_SHEET, scope, year_period(2024))
    return file_link(order, FileFormat.CSV).rpartition("/")[2]


def _plaid_webhook() -> Valid:
    """Signed by a Plaid that is not running, with a key that this process has seen before."""
    fake = FakePlaid()
    signatures.keys.keep(fake.key.kid, msgspec.convert(fake.key.as_jwk(), Key))
    body = {
        "webhook_type": "TRANSACTIONS",
        "webhook_code": "SYNC_UPDATES_AVAILABLE",
        "item_id": "eVBnVMp7zdTJLkRNr33Rs6zr7KNJqBFL9DrE6",
    }
    signature = fake.sign(_encoded(body).encode())
    return Valid(body=body, kinds=_NOBODY, headers={"HTTP_PLAID_VERIFICATION": signature})


def valid_request(operation: Operation, books: Books) -> Valid:
    """The valid request of an operation on these books."""
    assert operation.id in VALID, f"add a valid request for {operation.id} to {__name__}"
    return VALID[operation.id](books)


def send(
    operation: Operation, request: Valid, *, token: str | None, entity_id: str | None = None, **headers: Any
) -> Any:
    """Send a request as the holder of `token`, about `entity_id` where the operation takes a company."""
    query = dict(request.query)
    if entity_id is not None and operation.takes_entity:
        query["entityId"] = entity_id
    path = operation.path.format(**request.path) + (f"?{urlencode(query)}" if query else "")
    content_type = "application/json" if request.body is not None else ""
    with override_settings(**request.settings):
        answer: Any = Caller(token).generic(
            operation.method,
            path,
            _encoded(request.body),
            content_type=content_type,
            **request.headers,
            **headers,
        )
    if not answer.streaming:
        return answer
    whole = HttpResponse(b"".join(answer.streaming_content), status=answer.status_code)
    whole.headers = answer.headers
    return whole


def owners_token(request: Valid, books: Books) -> str | None:
    """A token that is let in."""
    if request.kinds == _ADMIN:
        return token_of(make_admin_key())
    return books.token if request.kinds else None


def _encoded(body: Any) -> str:
    return "" if body is None else json.dumps(body)

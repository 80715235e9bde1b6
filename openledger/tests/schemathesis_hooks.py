"""What schemathesis must know of the books beyond the API's description.

It is loaded by schemathesis' own process (`SCHEMATHESIS_HOOKS`), which the test starts; the file named in
`SCHEMATHESIS_CAST` has tokens and ids that exist. Requests that are meant to be right get those ids in the
place of made-up ones, and keep the rules that JSON Schema cannot say: debit and credit differ, bounds are in
order, a cursor is one of the server's. Requests that are meant to be wrong are left alone.
"""

import json
import os
import random
import re
from base64 import b64encode
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import schemathesis
import yaml

CAST: Final[dict[str, Any]] = json.loads(Path(os.environ["SCHEMATHESIS_CAST"]).read_text())
IDS: Final[dict[str, list[str]]] = CAST["ids"]
CHOICE: Final = random.Random(4711)
ID: Final = re.compile(r"([a-z]+)_[0-7][0-9a-hjkmnp-tv-z]{25}")
DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
# The same in both spellings.
DEBIT: Final = frozenset({"debitAccountId", "debit_account_id"})
CREDIT: Final = frozenset({"creditAccountId", "credit_account_id"})
# Text that is not free, though its type is text.
WORDS: Final = {
    "timezone": ["UTC", "America/New_York"],
    "us_state": ["DE"],
    "usState": ["CA"],
    "currency": ["USD"],
}
STATEMENT: Final = b"Date,Description,Amount\n2024-01-22,Flour,-18.90\n"
# Pairs that are two names of one thing.
EITHER: Final = (
    ("id", "transactionId"),
    ("transactionId", "transactionIds"),
    ("date", "timestamp"),
    ("counterparty", "counterpartyName"),
)
REPORTS: Final = frozenset(
    {
        "exportBooks",
        "generateReport",
        "getGeneralLedger",
        "getOverview",
        "getTrialBalance",
        "listReportChanges",
    }
)
# What the ids are of that are named so.
KINDS: Final = {
    "transactionid": "txn",
    "id": "txn",
    "accountid": "acc",
    "categoryid": "acc",
    "entryid": "jrn",
    "importid": "imp",
    "keyid": "key",
    "entityid": "entity",
    "ledgerid": "ldgr",
}
BOUNDS: Final = (
    ("dateFrom", "dateTo"),
    ("amountMin", "amountMax"),
    ("from_date", "to_date"),
    ("since", "until"),
    ("timeStart", "timeEnd"),
)


@schemathesis.auth(refresh_interval=None)
class Bearer:
    """Each operation's own kind of token."""

    def get(self, case: Any, context: Any) -> str:
        """Return the token that is let in."""
        operation_id = str(case.operation.definition.raw.get("operationId"))
        return str(CAST["tokens"].get(operation_id, CAST["tokens"]["any"]))

    def set(self, case: Any, data: str, context: Any) -> None:
        """Put it into the request."""
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.deserializer("application/vnd.oai.openapi")
def read_yaml(context: Any, response: Any) -> Any:
    """Read the description in YAML."""
    return yaml.safe_load(response.content)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Make a request that is meant to be right refer to what is there."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    operation_id = str(case.operation.definition.raw.get("operationId"))
    # The company of the books; another one where it is deleted.
    company = CHOICE.choice(CAST["spare_entities"] if operation_id == "deleteEntity" else IDS["entity"])
    # In an address, a bare id is an account's, or an import's.
    named = {"id": "import_id" if "/import/" in case.operation.path else "account_id"}
    case.path_parameters = {
        # A link to what an answer does not have is None, no text.
        name: _real(str(value), named.get(name, name))
        for name, value in (case.path_parameters or {}).items()
    }
    case.query = _query(operation_id, _real(case.query or {}), company)
    declared = {parameter.name for parameter in case.operation.iter_parameters()}
    if "entityId" in declared and not any(name.lower() == "x-entity-id" for name in case.headers or {}):
        case.query["entityId"] = company
    for name in list(case.headers or {}):
        if name.lower() == "x-entity-id":
            case.headers[name] = company
        if name.lower() == "idempotency-key":
            # The same key with another request is a conflict, and examples share one.
            case.headers[name] = str(uuid4())
    if operation_id == "connectBankAccounts":
        for name in ("public_token", "publicToken"):
            case.query.pop(name, None)
        case.body = {"public_token": f"public-sandbox-retail-{CHOICE.randrange(10**9)}"}
        return
    if operation_id == "getStatementImport":
        case.path_parameters["import_id"] = CAST["statement_import"]
    if operation_id in ("importStatement", "previewStatement") and isinstance(case.body, dict):
        case.body = _statement(operation_id)
    elif isinstance(case.body, dict | list | str):
        case.body = _body(operation_id, _real(case.body))


def _query(operation_id: str, query: dict[str, Any], company: str) -> dict[str, Any]:
    query.pop("cursor", None)  # only the server can write one
    if operation_id == "listTransactionsByMonth" and not {"month", "year"} <= query.keys():
        query = {name: value for name, value in query.items() if name == "entityId"}
    if "entityId" in query:
        query["entityId"] = company
    if operation_id in REPORTS:
        query = _report_query(operation_id, query)
    if operation_id == "getEntities":
        query.pop("externalId", None)  # one names the company by it, or by its id
    return query


def _report_query(operation_id: str, query: dict[str, Any]) -> dict[str, Any]:
    """The query of a report with one way to name its period, which lies after 1999."""
    ways = (("month", "year"), ("startDate", "endDate"), ("fiscalYear",), ("asOf",))
    whole = [way for way in ways if set(way) <= query.keys()]
    chosen = CHOICE.choice(whole) if whole else ()
    others = {name for way in ways for name in way} - set(chosen)
    query = {name: value for name, value in query.items() if name not in others}
    for name in ("year", "fiscalYear"):
        if name in query:
            query[name] = 2000 + int(query[name]) % 100
    if operation_id == "listReportChanges" and chosen in ((), ("asOf",)):
        query.pop("asOf", None)
        query["year"] = 2024
    if operation_id == "getOverview":
        query |= {"startDate": "2024-01-01", "endDate": "2024-12-31"}
    if "startDate" in query:
        query |= {"startDate": "2024-01-01", "endDate": "2024-12-31"}
    query.pop("interval", None)  # short steps of a long range are too many
    if chosen in ((), ("asOf",)):
        query.pop("compare", None)
    if "accountId" not in query:
        query.pop("includeChildren", None)
    if operation_id == "generateReport" and query.get("format", "json") != "json":
        query.setdefault("type", "BALANCE")  # a file shows one statement
    if "status" in query:
        query.pop("statusFilter", None)  # its other name
    return query


def _body(operation_id: str, body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    # A parent is of the child's type, and each financial type is of one type.
    for name in ("parent_account_id", "financial_type"):
        if body.get(name) is not None:
            del body[name]
    if "apiKey" in body:
        body["apiKey"] = CAST["api_key"]
    if operation_id == "createToken" and "userType" in body:
        kind = {"developer": "dev", "entity": "entity", "admin": "key"}.get(body["userType"], "dev")
        body["id"] = IDS[kind][0]
    if operation_id in ("editTransaction", "updateTransaction"):
        # As in addresses, what a chain of calls did not find.
        body |= {name: _word("", name) for name in ("id", "transactionId") if body.get(name, "") is None}
    if operation_id == "editTransaction" and not body.keys() - {"id", "transactionId", "entityId"}:
        body["description"] = "Changed"  # at least one field must
    if operation_id == "createJournalEntry":
        # Debits equal credits.
        sides = (("cash", "DEBIT"), ("sales", "CREDIT"))
        body["lines"] = [
            {"accountId": CAST[account], "direction": side, "amount": 12.5} for account, side in sides
        ]
    if operation_id in ("createBankRule", "updateBankRule"):
        # Texts that say something, an expression that is one, and no bank account of a ledger elsewhere.
        body |= {"name": "Bakery supplies", "contains": "flour"}
        body |= {name: "yeast" for name in ("regex", "counterparty") if body.get(name) is not None}
        body.pop("bankAccountId", None)
        if operation_id == "updateBankRule":
            # The bound that is there may contradict the one that is sent.
            body = {name: value for name, value in body.items() if name not in ("amountMin", "amountMax")}
    if operation_id == "applyBankRules":
        body.pop("cursor", None)
    if operation_id == "startReconciliation":
        body["statementBalance"] = 12.5
        body["statementDate"] = f"20{CHOICE.randrange(10, 26)}{str(body['statementDate'])[4:]}"
    if operation_id == "matchReconciliation":
        body = {"suggested": True}
    if operation_id == "matchBankLine":
        body = {"transactionId": "txn_" + 26 * "0"}  # amounts must agree; one that is not there is a 404
    if operation_id == "categorizeTransactions":
        # Those that no other call has made a transfer between own accounts, of which no side is the category.
        kept = CAST["to_categorize"]
        body |= {"transactionId": CHOICE.choice(kept)} if "transactionId" in body else {}
        body |= {"transactionIds": kept[:2]} if "transactionIds" in body else {}
    if operation_id == "reverseTransaction":
        body.pop("date", None)  # the original may be of a later day by now
    if operation_id == "createBankAccount":
        body.pop("ledgerAccountId", None)  # its type must suit the bank account's
    if "file" in body:
        body |= {"file": "bmFtZSx0eXBlCkNhc2gsQVNTRVQK", "file_format": "csv"}
    return body


def _statement(operation_id: str) -> dict[str, Any]:
    """A file that is one, for one account, whose columns say what they are."""
    file = {"file": b64encode(STATEMENT).decode()}
    return file | ({"ledgerAccountId": CAST["cash"]} if operation_id == "importStatement" else {})


def _real(value: Any, name: str = "") -> Any:
    """The value with ids that exist, and words that mean something."""
    if isinstance(value, dict):
        return _consistent({key: _real(inner, key) for key, inner in value.items()})
    if isinstance(value, list):
        return [_real(inner, name) for inner in value]
    if name.lower().startswith("amount") and isinstance(value, int | float | str):
        # Whole cents above zero.
        cents = round(abs(float(value)) % 10_000_000, 2) or 1
        return f"{cents:.2f}" if isinstance(value, str) else cents
    return _word(value, name) if isinstance(value, str) else value


def _word(value: str, name: str) -> str:
    if name in DEBIT:
        return str(CAST["cash"])
    if name in CREDIT:
        return str(CAST["sales"])
    found = ID.fullmatch(value)
    kind = KINDS.get(name.lower().replace("_", ""))
    if found is None and kind is not None:
        # A chain of calls took an id from an answer that has none there, or one of the caller's own making;
        # it was not meant to be wrong.
        return CHOICE.choice(IDS[kind])
    if found and found[1] in IDS:
        return CHOICE.choice(IDS[found[1]])
    if name in WORDS:
        return CHOICE.choice(WORDS[name])
    if DAY.match(value):
        # Years that books have; what expires does so later, what was known is past, closed books end before.
        year = 2000 + int(value[:4]) % (25 if name in ("since", "until", "knownAt") else 100)
        year += 100 if name in ("expiresAt", "expires_at") else 0
        year = 1999 if name == "books_closed_through" else year
        return f"{year}{value[4:]}" if value[5:10] != "02-29" else f"{year}-02-28{value[10:]}"
    return value


def _consistent(values: dict[str, Any]) -> dict[str, Any]:
    """The values without those that would contradict each other."""
    for first, second in EITHER:
        if first in values and second in values:
            del values[second]
    for lower, upper in BOUNDS:
        if values.get(lower) is not None and values.get(upper) is not None:
            del values[upper]
    if values.keys() & DEBIT:
        values.pop("categoryId", None)  # the accounts say it
    if values.get("status") in ("CLEARED", "POSTED"):
        values.pop("expiresAt", None)  # only what is pending expires
    return values

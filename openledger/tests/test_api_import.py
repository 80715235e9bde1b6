"""The books of a real project, brought in and read back through the API alone."""

import csv
import os
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings

from ledger.tests.helpers import Caller, caller_of, make_developer, make_entity
from transactions.api.requests import BATCH_SIZE_MAX

pytestmark = pytest.mark.django_db

# The hledger project's public books; see PROVENANCE.md beside them.
DATA: Final = Path(settings.BASE_DIR).parent / "shared" / "data"
JOURNAL: Final = "gl_hledger_project_share.csv"
TRIAL_BALANCE: Final = "gl_hledger_project_expected_trial_balance_share.csv"
TYPES: Final = {"assets": "ASSET", "expenses": "EXPENSE", "revenues": "REVENUE"}
ROWS_IN_A_REQUEST: Final = 1_500
PAGE_SIZE: Final = 100


def rows_of(name: str) -> list[dict[str, str]]:
    """The rows of a shared file; without it the test is skipped, but never where the whole suite counts."""
    file = DATA / name
    if not file.exists():
        reason = f"{file} is missing: it is not part of the repository, put it beside the checkout"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


class Books:
    """A company's books, as a client of the API keeps them."""

    def __init__(self, client: Caller) -> None:
        self.client = client
        self.accounts: dict[str, str] = {}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send one request and return the answer's body; any refusal fails the test with its text."""
        options = {} if body is None else {"data": body}
        response = getattr(self.client, method)(f"/v1{path}", headers=headers, **options)
        assert response.status_code in (200, 201), response.content.decode()
        return response.json()

    def account(self, path: str) -> str:
        """The id of the account with that path (`expenses:fees:STRIPE`), made with its parents if new."""
        if path not in self.accounts:
            parent, _, name = path.rpartition(":")
            body = {"name": name, "type": TYPES[path.partition(":")[0]], "top_level": not parent}
            if parent:
                body["parent_account_id"] = self.account(parent)
            self.accounts[path] = self.call("post", "/accounts", body)["id"]
        return self.accounts[path]

    def balance(self, path: str, *, include_children: bool = False) -> Any:
        """The balance of one account, by default without what is below it."""
        wanted = str(include_children).lower()
        return self.call("get", f"/accounts/{self.account(path)}/balance?include_child_accounts={wanted}")


@pytest.fixture
def books() -> Books:
    made = make_developer("Books Platform")
    return Books(caller_of(made, entity=make_entity(made.developer, "Imported Over The Wire LLC")))


def signed(balance: Any) -> Decimal:
    """What stands on an account, debits positive."""
    sums = balance["balance"]
    return Decimal(sums["debits_posted"]) - Decimal(sums["credits_posted"])


def test_a_real_journal_sent_through_the_api_gives_the_trial_balance_of_its_own_tool(books: Books) -> None:
    journal, expected = rows_of(JOURNAL), rows_of(TRIAL_BALANCE)
    transactions = [
        {
            "amount": row["amount"],
            "currency": row["currency"],
            "date": row["date"],
            "description": row["description"],
            "debitAccountId": books.account(row["debit_account"]),
            "creditAccountId": books.account(row["credit_account"]),
            "externalId": f"hledger-{number}",
        }
        for number, row in enumerate(journal)
    ]

    ids: list[str] = []
    for start in range(0, len(transactions), ROWS_IN_A_REQUEST):
        batch = {"transactions": transactions[start : start + ROWS_IN_A_REQUEST]}
        key = f"journal-{start}"
        done = books.call("post", "/transactions/bulk", batch, **{"Idempotency-Key": key})
        assert done["success"] is True
        assert [result["index"] for result in done["results"]] == list(range(len(batch["transactions"])))
        ids += [result["id"] for result in done["results"]]
        # A client that lost the answer sends the batch again, and nothing is recorded twice.
        assert books.call("post", "/transactions/bulk", batch, **{"Idempotency-Key": key}) == done

    # Until they are approved, they are pending and not on the books.
    biggest = books.balance("assets:opencollective:hledger")
    assert Decimal(biggest["balance"]["debits_pending"]) > 0
    assert biggest["net_balance"] == "0.00"

    for start in range(0, len(ids), BATCH_SIZE_MAX):
        part = ids[start : start + BATCH_SIZE_MAX]
        approved = books.call("put", "/transactions/approve", {"transactionIds": part})
        assert approved["success"] is True
        assert approved["totalProcessed"] == len(approved["approvedTransactions"]) == len(part)

    found = {row["account"]: books.balance(row["account"]) for row in expected}
    assert {path: signed(balance) for path, balance in found.items()} == {
        row["account"]: Decimal(row["balance"]) for row in expected
    }
    assert sum(signed(balance) for balance in found.values()) == 0
    for path, balance in found.items():
        # The net balance is on the account's normal side: debits for assets and expenses.
        side = -1 if path.startswith("revenues") else 1
        assert Decimal(balance["net_balance"]) == side * signed(balance)
        assert balance["child_account_balances"] == []
        assert {balance["balance"][name] for name in ("debits_pending", "credits_pending")} == {"0.00"}

    # The top of each tree sums up everything below it, account by account.
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in expected:
        totals[row["account"].partition(":")[0]] += Decimal(row["balance"])
    assert {top: signed(books.balance(top, include_children=True)) for top in totals} == totals

    # Reading all of it back page by page gives every row, once and as it was sent.
    listed: dict[str, tuple[Decimal, str, str, str]] = {}
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        page = books.call("get", f"/transactions?pageSize={PAGE_SIZE}" + (cursor and f"&cursor={cursor}"))
        for item in page["transactions"]:
            assert item["id"] not in listed
            listed[item["id"]] = (
                Decimal(str(item["amount"])),
                item["date"],
                item["debitAccountId"],
                item["creditAccountId"],
            )
        cursor, pages = page["nextCursor"], pages + 1
    assert pages == -(-len(journal) // PAGE_SIZE)
    assert [listed[id_] for id_ in ids] == [
        (Decimal(sent["amount"]), sent["date"], sent["debitAccountId"], sent["creditAccountId"])
        for sent in transactions
    ]

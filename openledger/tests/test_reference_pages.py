"""Every example of the API's reference pages works as it is printed there, ids and dates aside.

The examples are in `reference_pages/`: each request as printed (with an id where the page says `{id}`), and
the response that is printed under it. Chat belongs to another part of the API and is not among them.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from ledger.tests.helpers import Caller, caller_of, make_developer, make_entity

pytestmark = pytest.mark.django_db

PAGES: Final = Path(__file__).parent / "reference_pages"
EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    example["title"]: example
    for page in ("transactions", "accounts")
    for example in json.loads((PAGES / f"{page}.json").read_text(), parse_float=Decimal)
}

# An id as the pages print it; ours have the same prefixes, and categories are accounts.
PRINTED_ID: Final = re.compile(r"(txn|entity|acc|ldgr|imp|cat)_\w+")
REAL_ID: Final = re.compile(r"(txn|entity|acc|ldgr|imp)_[0-9a-z]{26}")
CURSOR: Final = re.compile(r"cursor_\w+")
MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
# When the record was made, which is now.
ALWAYS_VARIES: Final = {"createdAt", "updatedAt", "created_at", "updated_at"}
# Lists of which the pages print only the beginning.
EXCERPTS: Final = {"transactions", "counterparties", "data"}

AWS_PAYMENTS: Final = 12
NOON: Final = "2024-01-15T12:00:00Z"


class Page:
    """One example with the books that it needs; `ids` maps printed ids (and cursors) to real ones."""

    def __init__(self) -> None:
        made = make_developer("Reference Platform")
        self.client: Caller = caller_of(made)
        self.entity = make_entity(made.developer, "Reference LLC").public_id
        self.ids: dict[str, str] = {}

    # --- what stands in the books ----------------------------------------------------------------

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Prepare something through the API."""
        options = {} if body is None else {"data": body}
        headers = {"X-Entity-ID": self.entity}
        response = getattr(self.client, method)(f"/v1{path}", headers=headers, **options)
        assert response.status_code in (200, 201), response.content.decode()
        return response.json()

    def account(self, printed: str, name: str, type_: str, **more: Any) -> str:
        """Make an account that the example calls `printed`."""
        body = {"name": name, "type": type_, "top_level": "parent_account_id" not in more, **more}
        self.ids[printed] = self.call("post", "/accounts", body)["id"]
        return self.ids[printed]

    def transaction(self, printed: str | None = None, **fields: Any) -> str:
        """Record a transaction, by default of the printed accounts, and of 500.00 on January 15th at noon."""
        body = {
            "amount": "500.00",
            "description": "Invoice payment received",
            "debitAccountId": self.ids.get("acc_debit_12345"),
            "creditAccountId": self.ids.get("acc_credit_12345"),
            "timestamp": NOON,
        } | fields
        made: str = self.call("post", "/transactions", body)["transaction"]["id"]
        if printed:
            self.ids[printed] = made
        return made

    def printed_accounts(self) -> None:
        """The two accounts of most examples."""
        self.account("acc_debit_12345", "Accounts Receivable", "ASSET", financial_type="ACCOUNTS_RECEIVABLE")
        self.account("acc_credit_12345", "Sales Revenue", "REVENUE", financial_type="SALES")

    def cash(self, **more: Any) -> str:
        """The cash account of the accounts' page."""
        return self.account("acc_cash", "Cash", "ASSET", financial_type="CASH", sub_type_code=1010, **more)

    # --- asking and comparing --------------------------------------------------------------------

    def replay(self, example: dict[str, Any], *, query: str = "") -> None:
        """Send the printed request with real ids, and hold the answer against the printed one."""
        method, path = self.real(example["request"]).split(" ")
        headers = {name: self.real(value) for name, value in example.get("headers", {}).items()}
        options: dict[str, Any] = {}
        if "body" in example:
            body = json.dumps(example["body"], default=float)
            options = {"data": self.real(body), "content_type": "application/json"}
        response = self.client.generic(method, path + query, headers=headers, **options)
        expected = {example["status"]} if "status" in example else {200, 201}
        assert response.status_code in expected, response.content.decode()
        if "response" not in example:
            assert response.content == b""
            return
        found = json.loads(response.content, parse_float=Decimal)
        self.compare(example["response"], found, set(example.get("varies", ())) | ALWAYS_VARIES)

    def real(self, text: str) -> str:
        """The text with real ids in the place of printed ones."""
        self.ids |= dict.fromkeys(("entity_12345", "entity_123abc", "entity_789xyz"), self.entity)
        known = "|".join(sorted(map(re.escape, self.ids), key=len, reverse=True))
        return re.sub(rf"\b({known})\b", lambda match: self.ids[match[0]], text)

    def compare(self, printed: Any, found: Any, varying: set[str], place: str = "response") -> None:
        """Fail unless everything printed was found: every key, of the same type, with the same value."""
        if isinstance(printed, dict):
            assert isinstance(found, dict), f"{place} is {found!r}"
            for key, value in printed.items():
                assert key in found, f"{place} has no {key!r}: {found}"
                here = f"{place}.{key}"
                if key == "nextCursor":
                    # Null at the end, whatever the page prints there.
                    assert isinstance(found[key], str) is found["hasMore"], here
                elif key in varying:
                    self._compare_form(value, found[key], here)
                else:
                    self.compare(value, found[key], varying, here)
        elif isinstance(printed, list):
            assert isinstance(found, list), f"{place} is {found!r}"
            is_excerpt = place.rpartition(".")[2] in EXCERPTS
            assert len(found) >= len(printed) if is_excerpt else len(found) == len(printed), place
            for index, value in enumerate(printed):
                self.compare(value, found[index], varying, f"{place}[{index}]")
        else:
            self._compare_value(printed, found, place)

    def _compare_value(self, printed: Any, found: Any, place: str) -> None:
        if isinstance(printed, str) and PRINTED_ID.fullmatch(printed):
            if printed not in self.ids:
                assert REAL_ID.fullmatch(found), f"{place} is {found!r}"
                assert found.partition("_")[0] == printed.partition("_")[0], place
                self.ids[printed] = found
            assert found == self.ids[printed], place
            return
        if isinstance(printed, Decimal):  # 500.0 is as good as 500.00 and 500
            assert isinstance(found, Decimal | int), f"{place} is {found!r}"
            assert not isinstance(found, bool), place
        else:
            assert type(found) is type(printed), f"{place} is {found!r}, not {printed!r}"
        assert found == printed, f"{place} is {found!r}, not {printed!r}"

    def _compare_form(self, printed: Any, found: Any, place: str) -> None:
        assert isinstance(found, type(printed)), f"{place} is {found!r}"
        for form in (MOMENT, DAY):
            if form.fullmatch(printed):
                assert form.fullmatch(found), f"{place} is {found!r}"
        assert found, place


# --- what each example needs to be there ---------------------------------------------------------


def a_second_page(page: Page) -> None:
    page.printed_accounts()
    for day in range(1, 11):
        page.transaction(timestamp=f"2024-02-{day:02}")
        page.transaction(timestamp=f"2023-12-{day:02}")
    page.transaction("txn_123456")
    first = page.call("get", "/transactions?pageSize=10")
    page.ids["cursor_abc123"] = first["nextCursor"]


def two_pending(page: Page) -> None:
    page.printed_accounts()
    page.transaction("txn_123456")
    page.transaction("txn_789012")


def new_accounts(page: Page) -> None:
    two_pending(page)
    page.account("acc_new_debit", "Notes Receivable", "ASSET")
    page.account("acc_new_credit", "Service Revenue", "REVENUE")


def a_month(page: Page) -> None:
    page.printed_accounts()
    page.transaction("txn_123456")
    page.transaction(timestamp="2024-01-01")
    page.transaction(timestamp="2024-02-01")
    page.transaction(timestamp="2023-12-31T23:59:59Z")


def a_purchase(page: Page) -> None:
    bank = page.account("acc_debit_12345", "Bank", "ASSET", financial_type="CASH")
    spent = page.account("acc_credit_12345", "Office Expenses", "EXPENSE")
    page.account("cat_98765", "Software Expenses", "EXPENSE", financial_type="SOFTWARE_EXPENSES")
    page.transaction("txn_123456", debitAccountId=spent, creditAccountId=bank)


def fifteen_invoices(page: Page) -> None:
    page.printed_accounts()
    page.transaction("txn_123456")
    for day in range(1, 15):
        page.transaction(timestamp=f"2024-01-{day:02}", amount=100 + day)
    # One that each of the conditions leaves out.
    page.transaction(description="Gift")
    page.transaction(timestamp="2024-02-01")
    page.transaction(timestamp="2023-12-31")
    page.transaction(amount="99.99")
    page.transaction(amount="1000.01")
    page.transaction(status="CLEARED")


def counterparties(page: Page) -> None:
    page.printed_accounts()

    def dealing(name: str, moment: str, amount: str) -> None:
        page.transaction(counterpartyName=name, timestamp=moment, amount=amount)

    dealing("Amazon Web Services", "2023-01-15T12:00:00Z", "500.00")
    for month in range(2, AWS_PAYMENTS):
        dealing("Amazon Web Services", f"2023-{month:02}-15T12:00:00Z", "500.00")
    dealing("Amazon Web Services", NOON, "500.00")
    dealing("Office Depot", "2023-02-01T09:30:00Z", "150.50")
    for day in range(4, 10):
        dealing("Office Depot", f"2024-01-{day:02}", "150.00")
    dealing("Office Depot", "2024-01-10T16:45:00Z", "150.00")
    for number in range(25):
        dealing(f"Supplier {number:02}", NOON, "1.00")


def cash_in_full(page: Page) -> None:
    page.account(
        "acc_123abc",
        "Cash",
        "ASSET",
        financial_type="CASH",
        sub_type="PRIMARY_CASH",
        sub_type_code=1010,
        metadata={"description": "Main operating cash account", "tags": ["operating", "liquid"]},
    )


def expenses(page: Page) -> None:
    page.account("acc_expenses", "Expenses", "EXPENSE", sub_type_code=5000)


def marketing(page: Page) -> None:
    expenses(page)
    page.account(
        "acc_marketing",
        "Marketing Expenses",
        "EXPENSE",
        financial_type="ADVERTISING_EXPENSES",
        sub_type_code=5020,
        parent_account_id=page.ids["acc_expenses"],
        metadata={"description": "General marketing and advertising expenses"},
    )


def eighty_seven_accounts(page: Page) -> None:
    page.cash()
    found = page.call("get", "/accounts")["meta"]["total"]
    rows = [
        {"name": f"Account {code}", "type": "EXPENSE", "sub_type_code": code}
        for code in range(1011, 1011 + 87 - found)
    ]
    page.call("post", "/accounts/import", {"source": "json", "accounts": rows})


def forty_two_purchases(page: Page) -> None:
    cash = page.cash()
    spent = page.account("acc_debit_12345", "Office Supplies", "EXPENSE")
    for number in range(41):
        page.transaction(
            debitAccountId=cash if number % 2 else spent,
            creditAccountId=spent if number % 2 else cash,
            timestamp=f"2023-12-{1 + number % 31:02}",
        )
    page.transaction(
        "txn_123",
        amount="250.00",
        description="Office Supplies Purchase",
        debitAccountId=spent,
        creditAccountId=cash,
        timestamp="2024-01-15T14:22:00Z",
        status="CLEARED",
        metadata={"receipt_url": "https://storage.example.com/receipts/123.pdf"},
    )


def cash_in_two_places(page: Page) -> None:
    cash = page.cash()
    petty = page.account("acc_petty_cash", "Petty Cash", "ASSET", sub_type_code=1011, parent_account_id=cash)
    checking = page.account(
        "acc_main_checking", "Main Checking", "ASSET", sub_type_code=1012, parent_account_id=cash
    )
    sales = page.account("acc_credit_12345", "Sales", "REVENUE")
    for debit, credit, amount, status in (
        (cash, sales, "1000.00", "PENDING"),
        (petty, sales, "500.00", "POSTED"),
        (checking, sales, "10500.00", "POSTED"),
        (sales, checking, "500.00", "POSTED"),
    ):
        page.transaction(debitAccountId=debit, creditAccountId=credit, amount=amount, status=status)


NEEDS: Final[dict[str, Callable[[Page], object]]] = {
    "Creating Transactions": Page.printed_accounts,
    "Getting Transactions": a_second_page,
    "Approving Transactions": two_pending,
    "Editing Transactions": new_accounts,
    "Getting Transactions by Month": a_month,
    "Categorizing Transactions": a_purchase,
    "Searching Transactions": fifteen_invoices,
    "Get Entity Counterparties": counterparties,
    "Error Responses": Page.printed_accounts,
    "Ledger Account Objects": cash_in_full,
    "Create a Ledger Account": expenses,
    "List Ledger Accounts": eighty_seven_accounts,
    "Get a Ledger Account": forty_two_purchases,
    "Update a Ledger Account": marketing,
    "Delete a Ledger Account": marketing,
    "Get Ledger Account Balance": cash_in_two_places,
    "Get Ledger Account Transactions": forty_two_purchases,
    "Import Chart of Accounts": lambda page: None,
}


@pytest.mark.parametrize("title", EXAMPLES)
def test_the_example_works_as_the_page_prints_it(title: str) -> None:
    page = Page()
    NEEDS[title](page)
    page.replay(EXAMPLES[title])


def test_a_balance_as_of_the_printed_day_has_the_printed_dates_too() -> None:
    page = Page()
    cash_in_two_places(page)
    later = page.ids["acc_cash"], page.ids["acc_credit_12345"]
    page.transaction(
        debitAccountId=later[0], creditAccountId=later[1], timestamp="2024-01-16", status="POSTED"
    )
    example = {**EXAMPLES["Get Ledger Account Balance"], "varies": []}
    page.replay(example, query="?as_of=2024-01-15&include_child_accounts=true")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("type=EXPENSE&limit=100", {"Expenses", "Marketing Expenses", "Uncategorized Expense"}),
        ("financial_type=ADVERTISING_EXPENSES", {"Marketing Expenses"}),
        ("parent_account_id=acc_expenses", {"Marketing Expenses"}),
        ("top_level=false", {"Marketing Expenses"}),
        ("type=EXPENSE&page=2&limit=2", {"Uncategorized Expense"}),
    ],
)
def test_each_documented_parameter_of_the_list_of_accounts_filters_it(query: str, names: set[str]) -> None:
    page = Page()
    marketing(page)
    found = page.call("get", f"/accounts?{page.real(query)}")["data"]
    assert {account["name"] for account in found} == names


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("from_date=2024-01-15", 1),
        ("to_date=2023-12-01", 2),
        ("status=CLEARED", 1),
        ("page=2&limit=40", 42),
    ],
)
def test_each_documented_parameter_of_an_accounts_transactions_filters_them(query: str, total: int) -> None:
    page = Page()
    forty_two_purchases(page)
    found = page.call("get", f"/accounts/{page.ids['acc_cash']}/transactions?{query}")
    assert found["meta"]["total"] == total


def test_an_account_with_transactions_or_with_children_is_not_deleted() -> None:
    page = Page()
    marketing(page)
    forty_two_purchases(page)
    for printed in ("acc_expenses", "acc_cash"):
        response = page.client.delete(
            f"/v1/accounts/{page.ids[printed]}", headers={"X-Entity-ID": page.entity}
        )
        assert response.status_code == 409

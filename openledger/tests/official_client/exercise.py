"""Uses the whole official client against a running server, and reports on its standard output as JSON.

Runs in the client's own virtual environment. Reads `{"base_url", "developer_id", "api_key", "is_async"}` on
its standard input. Reports `{"faults": [...], "seen": [...], "filled": {...}, "never_seen": [...]}`; any
request that fails ends it.
"""

import asyncio
import datetime as dt
import inspect
import json
import sys
import typing
from collections.abc import Awaitable, Callable

import httpx  # type: ignore[import-not-found,unused-ignore]
import pydantic  # type: ignore[import-not-found,unused-ignore]
from answers import Reader  # type: ignore[import-not-found,unused-ignore]

from openledger import (  # type: ignore[attr-defined]
    AsyncOpenLedgerClient,
    OpenLedgerClient,
    banks,
    categories,
    developers,
    entities,
    transactions,
)
from openledger.core.api_error import ApiError  # type: ignore[import-not-found]
from openledger.errors import BadRequestError, NotFoundError  # type: ignore[import-not-found]

UTC = dt.timezone.utc  # noqa: UP017 - the client runs on older Pythons, too
JANUARY = dt.datetime(2024, 1, 15, 12, 30, 45, tzinfo=UTC)
PAGE_SIZE = 3
# Chat is not part of this.
LEFT_OUT = (
    "GetV1TransactionsChatResponse",
    "GetV1EntitiesResponseEntityAddress",  # the client cannot send an address
)


class Caller:
    """The client, sync or async, with each of its answers read to the last attribute."""

    def __init__(self, base_url: str, *, is_async: bool) -> None:
        self.base_url = base_url
        self.is_async = is_async
        self.reader = Reader()
        self.response = httpx.Response(0)

    def client(self, token: str) -> typing.Any:
        """A client that carries the token, and keeps the last response for us."""
        if self.is_async:
            http = httpx.AsyncClient(timeout=30, event_hooks={"response": [self._keep_async]})
            return AsyncOpenLedgerClient(base_url=self.base_url, token=token, httpx_client=http)
        return OpenLedgerClient(
            base_url=self.base_url,
            token=token,
            httpx_client=httpx.Client(timeout=30, event_hooks={"response": [self._keep]}),
        )

    async def ask(self, method: Callable[..., typing.Any], **arguments: object) -> typing.Any:
        """Call a method of the client, read all of its answer, and return it."""
        value = await self._called(method, arguments)
        declared = inspect.signature(method).return_annotation
        self.reader.read(value, self.response.json(), declared, method.__name__)
        return value

    async def refused(
        self, error: type[Exception], status: int, method: Callable[..., typing.Any], **arguments: object
    ) -> None:
        """Call a method that the server must refuse, in words that the client hands on."""
        refusal: typing.Any = None
        try:
            await self._called(method, arguments)
        except error as raised:
            refusal = raised
        assert refusal is not None, f"{method.__name__} was not refused: {arguments}"
        assert refusal.status_code == status, refusal
        assert refusal.body["error"].keys() >= {"code", "message", "requestId"}, refusal.body

    async def _called(self, method: Callable[..., typing.Any], arguments: dict[str, object]) -> object:
        value = method(**arguments)
        return await typing.cast("Awaitable[object]", value) if inspect.isawaitable(value) else value

    def _keep(self, response: httpx.Response) -> None:
        response.read()
        self.response = response

    async def _keep_async(self, response: httpx.Response) -> None:
        await response.aread()
        self.response = response


async def exercise(caller: Caller, developer_id: str, api_key: str) -> None:
    """Everything that a platform does with the client, from its first token to removing a company."""
    nobody = caller.client("none-yet")
    token = await caller.ask(
        nobody.developers.generate_developer_authentication_token, developer_id=developer_id, api_key=api_key
    )
    assert (token.token_type, token.expires_in) == ("Bearer", 3600)
    client = caller.client(token.access_token)

    entity_id = await company(caller, client, developer_id)
    its_token = await caller.ask(
        nobody.entities.generate_authentication_token,
        entity_id=entity_id,
        developer_id=developer_id,
        api_key=api_key,
    )
    # The same books through both kinds of token.
    for one in (client, caller.client(its_token.access_token)):
        accounts = await chart(caller, one, entity_id)
        await books(caller, one, entity_id, accounts)
    shown = await caller.ask(caller.client(its_token.access_token).entities.get_entity_details)
    assert shown.entity.id == entity_id, "an entity token's own company needs no id"
    await bank(caller, client, entity_id)
    await refusals(caller, client, entity_id)

    gone = await caller.ask(client.entities.delete_an_entity, entity_id=entity_id)
    assert gone.message
    await caller.refused(NotFoundError, 404, client.entities.get_entity_details, entity_id=entity_id)


async def company(caller: Caller, client: typing.Any, developer_id: str) -> str:
    """Make companies, look at them, and change one."""
    sent = {
        "external_id": f"customer-{'async' if caller.is_async else 'sync'}",
        "legal_name": "Corner Bakery LLC",
        "tin": "12-3456789",
        "us_state": "DE",
        "entity_type": "LLC",
        "phone_number": "+1 555 0100",
        "status": "ACTIVE",
        "clerk_id": "user_2abc",
        "date_created": JANUARY,
        "instance_id": "instance-7",
    }
    made = (await caller.ask(client.entities.create_a_new_entity, developer_id=developer_id, **sent)).entity
    assert {name: getattr(made, name) for name in sent} == sent
    assert made.developer_id == developer_id

    bare = (await caller.ask(client.entities.create_a_new_entity, developer_id=developer_id)).entity
    assert bare.status == "ACTIVE"
    await caller.ask(client.entities.delete_an_entity, entity_id=bare.id)

    shown = (await caller.ask(client.entities.get_entity_details, entity_id=made.id)).entity
    assert (shown.id, shown.name, shown.external_id) == (made.id, sent["legal_name"], sent["external_id"])
    assert shown.plaid_accounts == []
    assert shown.settings["default_currency"] == "USD"

    changes = {
        "external_id": f"{sent['external_id']}-2",
        "legal_name": "Corner Bakery Inc.",
        "tin": "98-7654321",
        "us_state": "NY",
        "entity_type": "CORPORATION",
        "phone_number": "+1 555 0199",
        "status": "INACTIVE",
    }
    changed = await caller.ask(client.entities.update_an_entity, entity_id=made.id, **changes)
    assert {name: getattr(changed, name) for name in changes} == changes
    changed = await caller.ask(client.entities.update_an_entity, entity_id=made.id, status="ACTIVE")
    assert (changed.status, changed.legal_name) == ("ACTIVE", "Corner Bakery Inc.")
    return str(made.id)


async def chart(caller: Caller, client: typing.Any, entity_id: str) -> dict[str, str]:
    """Make categories, and return the ids of accounts by their names."""
    before = (await caller.ask(client.categories.get_categories, entity_id=entity_id)).categories
    code = 20_000 + len(before)
    for name, type_ in (
        ("Bank", "ASSET"),
        ("Card", "LIABILITY"),
        ("Sales", "REVENUE"),
        ("Software", "EXPENSE"),
        ("Hosting", "EXPENSE"),
        ("Capital", "EQUITY"),
    ):
        code += 1
        made = (
            await caller.ask(
                client.categories.create_a_new_category,
                entity_id=entity_id,
                name=name,
                type=type_,
                sub_type_code=code,
            )
        ).category
        assert (made.name, made.type, made.sub_type_code) == (name, type_, code)
    plain = await caller.ask(
        client.categories.create_a_new_category, entity_id=entity_id, name="Without code", type="EXPENSE"
    )
    after = (await caller.ask(client.categories.get_categories, entity_id=entity_id)).categories
    assert len(after) == len(before) + 7
    assert plain.category.id in {one.id for one in after}
    return {one.name: one.id for one in after}


async def books(caller: Caller, client: typing.Any, entity_id: str, accounts: dict[str, str]) -> None:
    """Record, list, approve, edit, categorize, search, sum up and delete transactions."""
    api, of = client.transactions, {"entity_id": entity_id}
    bank, software, hosting, sales = (accounts[name] for name in ("Bank", "Software", "Hosting", "Sales"))

    plain = (
        await caller.ask(
            api.create_a_new_transaction, **of, amount=12.5, debit_account_id=software, credit_account_id=bank
        )
    ).transaction
    assert (plain.amount, plain.currency, plain.status, plain.description) == (12.5, "USD", "PENDING", "")
    full = {
        "amount": 1234.56,
        "debit_account_id": software,
        "credit_account_id": bank,
        "date": JANUARY,
        "currency": "USD",
        "description": "AMAZON WEB SERVICES #4711",
        "status": "CLEARED",
        "metadata": {"receipt": "r-1", "tags": ["cloud"], "nested": {"n": 1, "none": None}},
    }
    made = (await caller.ask(api.create_a_new_transaction, **of, **full)).transaction
    date = full.pop("date")
    assert {name: getattr(made, name) for name in full} == full
    assert made.timestamp == date
    assert made.entity_id == entity_id

    ids = [made.id, plain.id]
    for number in range(1, 7):
        one = await caller.ask(
            api.create_a_new_transaction,
            **of,
            amount=number + 0.25,
            debit_account_id=bank if number % 2 else hosting,
            credit_account_id=sales if number % 2 else bank,
            date=JANUARY + dt.timedelta(days=number, hours=number),
            description=f"{'Invoice' if number % 2 else 'Hosting'} {number}",
        )
        ids.append(one.transaction.id)

    await pages(caller, client, entity_id, ids)
    await approvals(caller, client, entity_id, ids[2:7])

    edited = await caller.ask(
        api.edit_a_transaction,
        id=plain.id,
        description="Changed",
        debit_account_id=hosting,
        credit_account_id=accounts["Card"],
    )
    assert (edited.id, edited.description) == (plain.id, "Changed")
    listed = await caller.ask(api.get_transactions_by_entity, **of, page_size=100)
    [now] = [one for one in listed.transactions if one.id == plain.id]
    assert (now.debit_account_id, now.credit_account_id) == (hosting, accounts["Card"])
    assert (now.debit_account.name, now.credit_account.name) == ("Hosting", "Card")

    chosen = (
        await caller.ask(
            api.categorize_a_transaction, **of, transaction_id=made.id, category_id=accounts["Hosting"]
        )
    ).transaction
    assert (chosen.id, chosen.metadata.category_id, chosen.metadata.category_name) == (
        made.id,
        hosting,
        "Hosting",
    )
    # A posted one is categorized, too, by a second posting.
    posted = await caller.ask(
        api.categorize_a_transaction, **of, transaction_id=ids[3], category_id=accounts["Software"]
    )
    assert posted.transaction.metadata.category_name == "Software"

    await searches(caller, client, entity_id, made.id)
    await sums(caller, client, entity_id)

    gone = await caller.ask(api.delete_a_transaction, **of, transaction_id=plain.id)
    assert gone.message
    listed = await caller.ask(api.get_transactions_by_entity, **of, page_size=100)
    assert plain.id not in {one.id for one in listed.transactions}
    # So that the next one who keeps these books finds the names free.
    await caller.refused(ApiError, 409, api.delete_a_transaction, **of, transaction_id=ids[2])


async def pages(caller: Caller, client: typing.Any, entity_id: str, ids: list[str]) -> None:
    """Walk the list in small pages: every transaction once, newest first, and no page too large."""
    found: list[typing.Any] = []
    cursor = None
    while True:
        page = await caller.ask(
            client.transactions.get_transactions_by_entity,
            entity_id=entity_id,
            cursor=cursor,
            page_size=PAGE_SIZE,
        )
        found += page.transactions
        assert len(page.transactions) <= PAGE_SIZE
        assert page.has_more is (page.next_cursor is not None)
        if not page.has_more:
            break
        assert len(page.transactions) == PAGE_SIZE
        cursor = page.next_cursor
    assert len({one.id for one in found}) == len(found)
    assert {one.id for one in found} >= set(ids)
    assert len(found) > 2 * PAGE_SIZE
    moments = [one.timestamp for one in found]
    assert moments == sorted(moments, reverse=True)
    default = await caller.ask(client.transactions.get_transactions_by_entity, entity_id=entity_id)
    assert [one.id for one in default.transactions] == [one.id for one in found]


async def approvals(caller: Caller, client: typing.Any, entity_id: str, ids: list[str]) -> None:
    """Approve in each of the five forms of the body."""
    one, two, three, four, five = ids
    types = transactions.types
    for request, expected in (
        (one, [one]),
        ([one, two], [one, two]),
        ([types.PutV1TransactionsApproveRequestBodyItem(id=three)], [three]),
        (types.PutV1TransactionsApproveRequestBodyId(id=four), [four]),
        (types.PutV1TransactionsApproveRequestBodyTransactionIds(transaction_ids=[five]), [five]),
    ):
        done = await caller.ask(
            client.transactions.approve_one_or_multiple_transactions, entity_id=entity_id, request=request
        )
        assert done.success is True
        assert done.total_processed == len(expected)
        assert [result.id for result in done.results] == expected
        for result in done.results:
            assert result.success is True
            assert (result.transaction.id, result.transaction.status) == (result.id, "POSTED")

    # Of several, one that is unknown does not keep the others.
    unknown = "txn_00000000000000000000000000"
    done = await caller.ask(
        client.transactions.approve_one_or_multiple_transactions, entity_id=entity_id, request=[one, unknown]
    )
    assert done.success is False
    assert [result.success for result in done.results] == [True, False]
    assert done.results[1].error


async def searches(caller: Caller, client: typing.Any, entity_id: str, cloud: str) -> None:
    """Find transactions by words, by each filter, and page by page."""
    search = client.transactions.search_transactions
    filters = transactions.types.PostV1TransactionsSearchRequestFilters
    by_words = await caller.ask(search, entity_id=entity_id, query="amaz serv")
    assert cloud in {one.id for one in by_words.transactions}
    by_all = await caller.ask(
        search,
        entity_id=entity_id,
        query="amazon",
        filters=filters(
            date_from="2024-01-15",
            date_to="2024-01-15",
            amount_min=1000,
            amount_max=1234.56,
            status="CLEARED",
        ),
        page=1,
        limit=100,
    )
    assert cloud in {one.id for one in by_all.transactions}
    assert {one.amount for one in by_all.transactions} == {1234.56}
    assert by_all.pagination.total == len(by_all.transactions)
    first = await caller.ask(search, entity_id=entity_id, page=1, limit=2)
    second = await caller.ask(search, entity_id=entity_id, page=2, limit=2)
    assert first.pagination.total_pages == -(-first.pagination.total // 2)
    assert (second.pagination.page, second.pagination.limit) == (2, 2)
    assert not {one.id for one in first.transactions} & {one.id for one in second.transactions}
    nothing = await caller.ask(search, entity_id=entity_id, query="nowhere-to-be-found")
    assert (nothing.transactions, nothing.pagination.total) == ([], 0)


async def sums(caller: Caller, client: typing.Any, entity_id: str) -> None:
    """What each month changed, and who the company deals with."""
    months = await caller.ask(client.transactions.get_transactions_by_month, entity_id=entity_id)
    assert [(one.year, one.month) for one in months] == sorted(
        {(one.year, one.month) for one in months}, reverse=True
    )
    assert (2024, 1) in {(one.year, one.month) for one in months}

    names: list[str] = []
    cursor = None
    while True:
        page = await caller.ask(
            client.transactions.get_entity_counterparties, entity_id=entity_id, cursor=cursor, page_size=1
        )
        assert page.success is True
        for one in page.counterparties:
            names.append(one.name)
            assert one.transaction_count >= len(one.transactions) > 0
            assert one.first_seen <= one.last_seen
            assert one.total_amount > 0
        if not page.has_more:
            break
        cursor = page.next_cursor
    assert len(names) == len(set(names)) > 1


async def bank(caller: Caller, client: typing.Any, entity_id: str) -> None:
    """Connect a made-up bank, and see its accounts in the company, in transactions and in months."""
    api, of = client.banks, {"entity_id": entity_id}
    link = await caller.ask(api.create_a_bank_link, **of)
    assert link.link_token
    assert link.expiration > dt.datetime.now(tz=UTC)

    # Nobody stands in the sandbox's window: its link token does for the public one.
    made = (await caller.ask(api.add_bank_accounts, **of, public_token=link.link_token)).created_accounts
    assert {one.account_type for one in made} == {"depository", "credit"}
    again = await caller.ask(api.add_bank_accounts, **of, public_token=link.link_token)
    assert [one.id for one in again.created_accounts] == [one.id for one in made]
    await caller.refused(BadRequestError, 400, api.add_bank_accounts, **of, public_token="made-up")

    shown = (await caller.ask(client.entities.get_entity_details, **of)).entity.plaid_accounts
    assert {one.id for one in shown} == {one.id for one in made}
    assert {one.plaid_access_token for one in shown} == {None}

    checking = next(one for one in made if one.account_type == "depository")
    accounts = {
        one.name: one.id for one in (await caller.ask(client.categories.get_categories, **of)).categories
    }
    bought = await caller.ask(
        client.transactions.create_a_new_transaction,
        **of,
        amount=19.99,
        debit_account_id=accounts["Software"],
        # What the contract has beyond the client's types reaches its callers all the same.
        credit_account_id=checking.ledgerAccountId,
        date=JANUARY,
    )
    listed = await caller.ask(client.transactions.get_transactions_by_entity, **of, page_size=100)
    [its_bank] = [one.plaid_account for one in listed.transactions if one.id == bought.transaction.id]
    assert (its_bank.id, its_bank.mask) == (checking.id, checking.account_mask)
    months = await caller.ask(client.transactions.get_transactions_by_month, **of)
    [january] = [one for one in months if (one.year, one.month) == (2024, 1)]
    assert [one.delta for one in january.plaid_account_breakdown if one.id == checking.id] == [-19.99]


async def refusals(caller: Caller, client: typing.Any, entity_id: str) -> None:
    """Each error of the server arrives as the client's own exception, with the server's words."""
    api = client.transactions
    unknown = "acc_00000000000000000000000000"
    pair = {"debit_account_id": unknown, "credit_account_id": "acc_00000000000000000000000001"}
    await caller.refused(
        BadRequestError, 400, api.create_a_new_transaction, entity_id=entity_id, amount=0, **pair
    )
    await caller.refused(
        NotFoundError, 404, api.create_a_new_transaction, entity_id=entity_id, amount=1, **pair
    )
    await caller.refused(
        BadRequestError, 400, api.get_transactions_by_entity, entity_id=entity_id, cursor="made-up"
    )
    stranger = caller.client("made-up")
    await caller.refused(ApiError, 401, stranger.categories.get_categories, entity_id=entity_id)


def types_to_see() -> set[str]:
    """The names of all types of answers that the exercised part of the client has."""
    return {
        name
        for module in (banks, categories, developers, entities, transactions)
        for name, one in vars(module.types).items()
        if isinstance(one, type) and issubclass(one, pydantic.BaseModel) and "Request" not in name
    } - set(LEFT_OUT)


def main() -> None:
    """Run the exercise that was asked for, and report."""
    asked = json.load(sys.stdin)
    caller = Caller(asked["base_url"], is_async=asked["is_async"])
    asyncio.run(exercise(caller, asked["developer_id"], asked["api_key"]))
    reader = caller.reader
    report = {
        "faults": sorted(set(reader.faults)),
        "seen": sorted(reader.seen),
        "filled": {name: sorted(attributes) for name, attributes in reader.filled.items()},
        "never_seen": sorted(types_to_see() - reader.seen),
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()

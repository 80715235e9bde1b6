"""Who may call what: every operation of the API's description, with every token that is none of its owner's.

The requests are the valid ones of `valid_requests`, so each would succeed for the owner (which
test_api_schema proves). Those who may not get 401, 403 or 404, learn nothing, and leave no trace in the
owner's tables.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from ledger.actors import SYSTEM
from ledger.services.keys import create_key, revoke_key
from ledger.tests.helpers import make_admin_key, make_entity, token_of
from ledger.tokens import Scope
from openledger.tests.valid_requests import (
    Books,
    Operation,
    all_operations,
    owners_token,
    send,
    valid_request,
)

pytestmark = pytest.mark.django_db

ALL = all_operations()
GUARDED = [one for one in ALL if one.takes_token]
OF_BOOKS = [one for one in GUARDED if one.takes_entity]
WRITES = [one for one in GUARDED if one.writes]
# What only shows the caller's own: another's token gets another answer, not a refusal.
OF_THE_CALLER = {
    "createApiKey",
    "createDeveloper",
    "getDeveloper",
    "listAccountTemplates",
    "listApiKeys",
    "listEntities",
    "listIntegrationProviders",
}


def by_id(operation: Operation) -> str:
    return operation.id


# What the machine makes of the books for itself, on occasion of a question: it tells nothing new.
DERIVED = {
    "ai_categorymodel",
    "ai_confirmedtransaction",
    "ai_wording",
    "ai_learning",
    "ledger_backgroundtask",
}
READING_POSTS = {
    "searchTransactions",
    "previewStatement",
    "semanticSearch",
    "suggestCategories",
    "streamCategorySuggestions",
    "backtestCategorySuggestions",
}


def told_by(books: Books) -> dict[str, str]:
    """The state without what is derived from the rest of it."""
    return {table: digest for table, digest in state_of(books).items() if table not in DERIVED}


def state_of(books: Books) -> dict[str, str]:
    """A digest of each table's rows of the owner: developer, keys, companies, and all in them."""
    ids = {"developer_id": str(books.made.developer.id), "entity_id": str(books.entity.id)}
    columns: dict[str, dict[str, str]] = {"ledger_developer": {"id": ids["developer_id"]}}
    digests = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name = ANY(%s)",
            [list(ids)],
        )
        for table, column in cursor.fetchall():
            columns.setdefault(table, {})[column] = ids[column]
        for table, owners in columns.items():
            condition = " OR ".join(f'"{column}"::text = %s' for column in owners)
            cursor.execute(
                f'SELECT t::text FROM "{table}" t WHERE {condition} ORDER BY 1', list(owners.values())
            )
            rows = "\n".join(row[0] for row in cursor.fetchall())
            digests[table] = hashlib.sha256(rows.encode()).hexdigest()
    return digests


def assert_refused(answer: Any, *statuses: int) -> None:
    """The answer refuses in the API's own words, and shows nothing."""
    assert answer.status_code in statuses, f"{answer.status_code} {answer.content}"
    error = answer.json()["error"]
    codes = {400: "VALIDATION_ERROR", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND"}
    assert error["code"] == codes[answer.status_code]
    assert error["message"]
    assert error["requestId"] == answer.headers["X-Request-ID"]
    assert ("WWW-Authenticate" in answer.headers) == (answer.status_code == 401)


def own_ids(books: Books) -> set[str]:
    """What a stranger must never read."""
    return {books.entity_id, books.developer_id, books.account("1010"), "Owner LLC", "Sale of bread"}


def bad_tokens(books: Books) -> Mapping[str, str | None]:
    """Tokens that count for nobody."""
    good = books.token
    header, claims, signature = good.split(".")
    read = jwt.decode(good, options={"verify_signature": False})
    kid = jwt.get_unverified_header(good)["kid"]
    secret = settings.JWT_SIGNING_KEYS[0]

    def signed(key: str = secret, algorithm: str = "HS256", **changes: Any) -> str:
        return jwt.encode(read | changes, key, algorithm=algorithm, headers={"kid": kid})

    assert jwt.decode(signed(), secret, ["HS256"], audience=read["aud"]) == read
    ended = create_key(developer=books.made.developer, name="Ended", actor=SYSTEM)
    revoke_key(key=ended.key, actor=SYSTEM)
    return {
        "none": None,
        "empty": "",
        "no token": "abc",
        "an API key": books.made.first_key.secret,
        "forged": signed("another secret of at least thirty-two bytes"),
        "signed with nothing": signed("", "none"),
        "tampered": ".".join((header, claims[:-2] + ("AA" if claims[-2:] != "AA" else "BB"), signature)),
        "expired": signed(iat=read["iat"] - 7200, exp=read["iat"] - 3600),
        "of another audience": signed(aud="another"),
        "of another issuer": signed(iss="another"),
        "of another type": signed(typ="refresh"),
        "of a revoked key": token_of(ended),
        "of an unknown key": signed(key="0" * 32),
    }


@pytest.fixture(scope="module")
def owner(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Books]:
    """One for all tests of refusals: each of them proves that it left the owner's state as it was."""
    with django_db_blocker.unblock(), transaction.atomic():
        books = Books("Owner")
        books.fill()
        yield books
        transaction.set_rollback(True)


@pytest.fixture
def stranger() -> Books:
    return Books("Stranger")


@pytest.mark.parametrize("operation", GUARDED, ids=by_id)
def test_tokens_that_do_not_count_open_nothing(operation: Operation, owner: Books) -> None:
    tokens = bad_tokens(owner)
    request = valid_request(operation, owner)
    before = state_of(owner)

    for name, token in tokens.items():
        answer = send(operation, request, token=token, entity_id=owner.entity_id)
        assert answer.status_code == 401, f"{name}: {answer.status_code} {answer.content}"
        assert_refused(answer, 401)

    assert state_of(owner) == before


@pytest.mark.parametrize("operation", GUARDED, ids=by_id)
def test_tokens_of_a_wrong_kind_are_refused(operation: Operation, owner: Books) -> None:
    request = valid_request(operation, owner)
    before = state_of(owner)
    tokens = {
        "developer": owner.token,
        "entity": owner.entity_token,
        "admin": token_of(make_admin_key()),
    }
    refused = tokens.keys() - request.kinds
    assert refused

    for kind in refused:
        assert_refused(send(operation, request, token=tokens[kind], entity_id=owner.entity_id), 403)

    assert state_of(owner) == before


@pytest.mark.parametrize("operation", GUARDED, ids=by_id)
def test_another_developers_token_reaches_nothing(
    operation: Operation, owner: Books, stranger: Books
) -> None:
    request = valid_request(operation, owner)
    if "admin" in request.kinds:
        return  # there is no other operator
    before = state_of(owner)
    # createEntity names the owner in its body.
    refusals = (403,) if operation.id == "createEntity" else (404,)

    for token in (stranger.token, stranger.entity_token):
        answer = send(operation, request, token=token, entity_id=owner.entity_id)
        if operation.id in OF_THE_CALLER and answer.status_code < 300:
            assert not [one for one in own_ids(owner) if one in answer.content.decode()]
        else:
            # An entity token says more plainly that it is of another entity than the one that is named.
            assert_refused(answer, *refusals, *([403] if token == stranger.entity_token else []))

    assert state_of(owner) == before


@pytest.mark.parametrize("operation", OF_BOOKS, ids=by_id)
def test_a_stranger_cannot_reach_our_records_through_its_own_company(
    operation: Operation, owner: Books, stranger: Books
) -> None:
    request = valid_request(operation, owner)
    names_ours = bool(request.path or "_01" in json.dumps([request.query, request.body]))
    before = state_of(owner)

    # The developer's comes last: it may well delete its own company, and the entity's token with it.
    for token in (stranger.entity_token, stranger.token):
        answer = send(operation, request, token=token, entity_id=stranger.entity_id)
        if answer.status_code >= 300:
            assert_refused(answer, 400, 403, 404)
        elif names_ours and operation.method != "GET":
            # What takes many records reports on each; what takes one refuses.
            assert operation.id == "approveTransactions"
            assert not answer.json()["success"]
        assert not [one for one in own_ids(owner) - {owner.account("1010")} if one in answer.content.decode()]

    assert state_of(owner) == before


@pytest.mark.parametrize("operation", OF_BOOKS, ids=by_id)
def test_a_token_of_one_company_does_not_reach_another_of_the_same_developer(
    operation: Operation, owner: Books
) -> None:
    request = valid_request(operation, owner)
    teammate = make_entity(owner.made.developer, "Teammate LLC")
    token = token_of(owner.made.first_key, entity=teammate)
    before = state_of(owner)

    assert_refused(send(operation, request, token=token, entity_id=owner.entity_id), 403)
    in_header = send(operation, request, token=token, HTTP_X_ENTITY_ID=owner.entity_id)
    assert_refused(in_header, 403)

    assert state_of(owner) == before


@pytest.mark.parametrize("operation", OF_BOOKS, ids=by_id)
def test_two_companies_in_one_request_are_refused(
    operation: Operation, owner: Books, stranger: Books
) -> None:
    request = valid_request(operation, owner)
    before = state_of(owner)

    answer = send(
        operation,
        request,
        token=stranger.token,
        entity_id=stranger.entity_id,
        HTTP_X_ENTITY_ID=owner.entity_id,
    )

    assert_refused(answer, 400, *([] if "developer" in request.kinds else [403]))
    assert state_of(owner) == before


@pytest.mark.parametrize("operation", GUARDED, ids=by_id)
def test_a_token_that_may_read_reads_and_changes_nothing(operation: Operation, owner: Books) -> None:
    request = valid_request(operation, owner)
    key = make_admin_key() if "admin" in request.kinds else owner.made.first_key
    entities = [None, owner.entity] if "entity" in request.kinds else [None]
    before = told_by(owner)

    for entity in entities:
        token = token_of(key, entity=entity, scope=Scope.READ)
        answer = send(operation, request, token=token, entity_id=owner.entity_id)
        if operation in WRITES:
            assert_refused(answer, 403)
        else:
            assert 200 <= answer.status_code < 300, answer.content

    assert told_by(owner) == before


@pytest.mark.parametrize("operation", GUARDED, ids=by_id)
def test_the_owner_succeeds_and_writes_show_in_its_state(operation: Operation) -> None:
    owner = Books("Owner")
    request = valid_request(operation, owner)
    seen = state_of if operation in WRITES else told_by
    before = seen(owner)

    answer = send(operation, request, token=owners_token(request, owner), entity_id=owner.entity_id)

    assert 200 <= answer.status_code < 300, answer.content
    # The other tests would prove nothing if this state did not show what is changed.
    if operation.id != "createDeveloper":
        assert (seen(owner) != before) == (operation in WRITES)


def test_every_write_is_a_post_put_or_delete_and_the_other_way_round_but_for_searches() -> None:
    assert {one.id for one in GUARDED if one.method != "GET"} - {one.id for one in WRITES} == READING_POSTS
    assert not [one.id for one in WRITES if one.method == "GET"]

"""Who may open and do what in the back office: every address of it, with the ids of another company.

The addresses come from the site's own list, the links and forms from the pages that the company's owner sees:
whatever the owner can click, a stranger tries too, at the owner's company and at their own with the owner's
ids. All text of the owner's tables carries a mark; a mark that shows up elsewhere has leaked.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any, Final
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection, models, transaction
from django.http import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from banking.choices import ConnectionStatus
from banking.models import BankConnection, RuleApplication, TieOut
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.encryption import encrypt
from ledger.ids import Prefix, decode_id
from ledger.models import AuditEvent, Entity
from ledger.services.memberships import grant_membership
from ledger.tenancy import TableKind
from ledger.tests.office import OfficeClient, make_person, office_client
from openledger.tests.office_routes import Page, Route, address, all_routes, row_of
from openledger.tests.test_permissions import DERIVED, state_of
from openledger.tests.valid_requests import Books

pytestmark = pytest.mark.django_db

ROUTES = all_routes()
OF_COMPANY = [route for route in ROUTES if route.of_company]
WINDOWS = sorted(admin.site._registry, key=lambda model: model._meta.label)
# Text that people write or read, and not what programs tell kinds apart by.
_WRITTEN: Final = re.compile("name|description|counterparty|message|error|reason|note|memo|label|title|text")
_MARK: Final = re.compile(r"zq-(\w+)")
# Whose rows an operator looks after: feeds and background work, and in which company.
_OPERATED: Final = {
    "ledger_entity", "ledger_backgroundtask", "ledger_user", "banking_bankconnection", "banking_bankaccount",
    "banking_integration", "banking_statementimport",
}  # fmt: skip
# What superusers look after: the directory, and no books.
_DIRECTORY: Final = {"ledger_entity", "ledger_developer", "ledger_apikey", "ledger_user"}
# Nothing of the company is told by what these do for the person who is logged in.
_OWN_LOG_IN: Final = ("/admin/logout/", "/admin/password_change/", "/admin/second-factor/")


class Stage:
    """The owner's company with something of everything in it, a stranger's, and the people of both."""

    def __init__(self) -> None:
        self.books, self.strange = Books("Owner"), Books("Stranger")
        self.books.fill()
        assert self.books.integration
        more_rows(self.books)
        self.owner = office_client(self.books.entity, Role.OWNER, name="owner")
        self.auditor = office_client(self.books.entity, Role.AUDITOR, name="auditor")
        self.operator = office_client(self.books.entity, Role.OPERATOR, name="operator")
        self.stranger = office_client(self.strange.entity, Role.OWNER, name="stranger")
        self.superuser = OfficeClient(make_person("superuser", superuser=True))
        mark(self.books)
        self.tried: set[str] = set()


def more_rows(books: Books) -> None:
    """What pages show and the books of the API's tests lack: a connection to a bank that is in trouble, a
    statement with a line that waits, a tie-out, a rule at work."""
    body = {"bankAccountId": books.savings_at_the_bank["id"], "statementDate": "2024-01-31"}
    books.call("POST", "/v1/banks/reconciliations", body | {"statementBalance": "77.70"})
    BankConnection.objects.create(
        entity=books.entity,
        provider="sandbox",
        provider_item_id="item-1",
        institution_name="First Bank",
        access_token=encrypt("token"),
        status=ConnectionStatus.LOGIN_REQUIRED,
        error_message="Log in again.",
        created_at=timezone.now(),
    )
    TieOut.objects.create(
        entity=books.entity,
        bank_account=books.purchase_at_the_bank,
        date=date(2024, 1, 31),
        bank_balance=Decimal("-31.40"),
        books_balance=Decimal("-30.40"),
        created_at=timezone.now(),
    )
    RuleApplication.objects.create(
        entity=books.entity,
        rule_id=decode_id(Prefix.RULE, books.bank_rule, field="id"),
        rule_name="Bakery supplies",
        transaction_id=decode_id(Prefix.TRANSACTION, books.posted, field="id"),
        account_after=decode_id(Prefix.ACCOUNT, books.account("6310"), field="id"),
        approved=False,
        applied_at=timezone.now(),
    )


def mark(books: Books) -> None:
    """Put a mark into all that people wrote or read of the company, past the guards."""
    own = {"ledger_developer": ("id", books.made.developer.id), "ledger_entity": ("id", books.entity.id)}
    own["ledger_apikey"] = ("developer_id", books.made.developer.id)
    own["ledger_auditevent"] = ("scope_id", books.entity.id)
    marked = set()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for model in apps.get_models():
            table = model._meta.db_table
            column, value = own.get(table, ("entity_id", books.entity.id))
            if table not in own and getattr(model, "table_kind", None) is not TableKind.TENANT:
                continue
            for field in model._meta.concrete_fields:
                if not isinstance(field, models.CharField | models.TextField) or field.choices:
                    continue
                if not _WRITTEN.search(field.name) or "encrypted" in field.name:
                    continue
                marked_text = f'left(%s || "{field.column}", %s)'
                cursor.execute(
                    f'UPDATE "{table}" SET "{field.column}" = {marked_text} WHERE {column} = %s',
                    [f"zq-{table} ", field.max_length or 10_000, value],
                )
                if cursor.rowcount:
                    marked.add(table)
        cursor.execute("UPDATE ledger_user SET last_name = 'zq-ledger_user' WHERE username <> 'stranger'")
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert {"transactions_transaction", "accounts_account", "banking_bankline", "ledger_entity"} <= marked


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Stage]:
    """One for all tests of refusals: each of them proves that it left the owner's state as it was."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Stage()
        transaction.set_rollback(True)


def by_name(route: Route) -> str:
    return route.name


def sent_in(url: str, data: Mapping[str, list[str]] | None = None) -> set[str]:
    """What was sent, which may be shown again to who sent it."""
    values = [value for _, value in parse_qsl(urlsplit(url).query)]
    values += [value for values_of_one in (data or {}).values() for value in values_of_one]
    return {value for value in values if _MARK.search(value)}


def body_of(answer: HttpResponseBase) -> str:
    content = b"".join(answer) if answer.streaming else answer.content  # type: ignore[attr-defined]
    return content.decode("utf-8", "replace") + str(dict(answer.headers))


def marks(answer: HttpResponseBase, *, sent: Iterable[str] = ()) -> set[str]:
    """The tables of which something is on the page, but for what was sent to it."""
    body = body_of(answer)
    for value in sorted(sent, key=len, reverse=True):
        for spelling in (value, escape(value), quote(value), quote_plus(value)):
            body = body.replace(spelling, "")
    return set(_MARK.findall(body))


def state(stage: Stage) -> dict[str, str]:
    """A digest of each table's rows of the owner, and how long the company's audit trail is."""
    events = AuditEvent.objects.filter(scope_id=stage.books.entity.id).count()
    return state_of(stage.books) | {"ledger_auditevent": str(events)}


def told_by(stage: Stage) -> dict[str, str]:
    """The books alone: that somebody had them verified is on the record, and changes nothing in them."""
    return {table: digest for table, digest in state_of(stage.books).items() if table not in DERIVED}


def assert_nothing(answer: HttpResponseBase, what: str, *, sent: Iterable[str] = ()) -> None:
    assert answer.status_code < 500, f"{what}: {answer.status_code}"
    assert marks(answer, sent=sent) == set(), f"{what} tells of the owner's {marks(answer, sent=sent)}"


def offered(stage: Stage, route: Route) -> Page:
    """What the page offers the owner of the company."""
    at = address(route, stage.books)
    answer = stage.owner.get(at)
    html = "text/html" in answer.headers.get("Content-Type", "")
    return Page(body_of(answer) if html and answer.status_code == 200 else "", at=at)


def at_own_company(stage: Stage, at: str) -> str:
    return at.replace(stage.books.entity_id, stage.strange.entity_id)


@pytest.mark.parametrize("route", ROUTES, ids=by_name)
def test_a_stranger_learns_and_changes_nothing(route: Route, stage: Stage) -> None:
    at = address(route, stage.books)
    if at.startswith(_OWN_LOG_IN):
        return  # about the person alone, of whichever company
    before = state(stage)

    for ours in {at, at_own_company(stage, at)}:
        for send in (stage.stranger.get, stage.stranger.post, stage.stranger.delete):
            answer = send(ours)
            assert_nothing(answer, f"{send.__name__} {ours}")
            if route.of_company and ours == at:
                assert answer.status_code in (403, 404)

    assert state(stage) == before


@pytest.mark.parametrize("route", ROUTES, ids=by_name)
def test_the_owner_gets_every_page(route: Route, stage: Stage) -> None:
    if not route.of_company:
        return
    answer = stage.owner.get(address(route, stage.books))

    # What is only sent to answers that it is.
    assert answer.status_code in (200, 302, 405), f"{route.name}: {answer.status_code}"


@pytest.mark.parametrize("route", OF_COMPANY, ids=by_name)
def test_whatever_the_owner_can_click_is_nothing_to_a_stranger(route: Route, stage: Stage) -> None:
    page = offered(stage, route)
    before = state(stage)

    for link in sorted(page.links):
        if not link.startswith("/admin/") or link in stage.tried or link.startswith(_OWN_LOG_IN):
            continue
        stage.tried.add(link)
        for ours in {link, at_own_company(stage, link)}:
            assert_nothing(stage.stranger.get(ours), f"GET {ours}", sent=sent_in(ours))
    for action, data in page.forms:
        if not action.startswith("/admin/") or action.startswith(_OWN_LOG_IN):
            continue
        for ours in {action, at_own_company(stage, action)}:
            answer = stage.stranger.post(ours, data)
            assert_nothing(answer, f"POST {ours} {data}", sent=sent_in(ours, data))

    assert state(stage) == before


@pytest.mark.parametrize("route", OF_COMPANY, ids=by_name)
def test_an_auditor_changes_nothing(route: Route, stage: Stage) -> None:
    page = offered(stage, route)
    before = told_by(stage)

    for action, data in page.forms:
        if action.startswith("/admin/") and not action.startswith(_OWN_LOG_IN):
            answer = stage.auditor.post(action, data)
            assert answer.status_code < 500

    assert told_by(stage) == before


@pytest.mark.parametrize("route", ROUTES, ids=by_name)
def test_an_operator_sees_no_books(route: Route, stage: Stage) -> None:
    answer = stage.operator.get(address(route, stage.books))

    assert answer.status_code < 500
    assert marks(answer) <= _OPERATED


@pytest.mark.parametrize("route", ROUTES, ids=by_name)
def test_a_superuser_sees_no_books(route: Route, stage: Stage) -> None:
    answer = stage.superuser.get(address(route, stage.books))

    assert answer.status_code < 500
    assert marks(answer) <= _DIRECTORY
    if route.of_company:
        assert answer.status_code == 404


def questions(stage: Stage, model: type[models.Model], at: str) -> list[str]:
    """A window's list with all that it can be asked: searches, filters, pages, and lookups made up."""
    entity = stage.books.entity
    page = Page(body_of(stage.owner.get(f"{at}?company={stage.books.entity_id}")), at=at)
    asked = {link for link in page.links if link.startswith(f"{at}?")}
    made_up = [
        "q=zq", f"q={row_of(model, stage.books).pk}", f"company={stage.books.entity_id}", "all=",
        f"entity={entity.pk}", f"entity__id__exact={entity.pk}", f"entity_id={entity.pk}",
        "entity__legal_name__startswith=zq", f"scope_id={entity.pk}", "e=1", "p=2", "o=1",
    ]  # fmt: skip
    return sorted(asked) + [f"{at}?{query}" for query in made_up]


@pytest.mark.parametrize("model", WINDOWS, ids=lambda model: model._meta.label)
def test_windows_show_and_change_nothing_of_another_company(model: type[models.Model], stage: Stage) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    at = reverse(f"{name}_changelist")
    row = row_of(model, stage.books)
    window: Any = admin.site._registry[model]
    before = state(stage)

    for question in questions(stage, model, at):
        assert_nothing(stage.stranger.get(question), f"GET {question}", sent=sent_in(question))
        told = marks(stage.superuser.get(question), sent=sent_in(question))
        assert told <= _DIRECTORY, question
    for page in ("change", "history", "delete"):
        ours = reverse(f"{name}_{page}", args=[row.pk])
        assert_nothing(stage.stranger.get(ours), f"GET {ours}")
        assert_nothing(stage.stranger.post(ours, {"post": "yes", "name": "Taken"}), f"POST {ours}")
    actions = [one if isinstance(one, str) else one.__name__ for one in window.actions or ()]
    for action in [*actions, "delete_selected"]:
        for across in ("0", "1"):
            data = {
                "action": action,
                "_selected_action": [str(row.pk)],
                "select_across": across,
                "index": "0",
            }
            assert_nothing(stage.stranger.post(at, data), f"{action} of {name}")
            assert_nothing(stage.stranger.post(f"{at}?company={stage.books.entity_id}", data), action)

    assert state(stage) == before


def references() -> list[Any]:
    return [
        field
        for model in WINDOWS
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey | models.ManyToManyField)
    ]


def test_autocompletes_offer_nothing_of_another_company(stage: Stage) -> None:
    asked = 0
    for field in references():
        answer = stage.stranger.get(
            reverse("admin:autocomplete"),
            {
                "app_label": field.model._meta.app_label,
                "model_name": field.model._meta.model_name,
                "field_name": field.name,
                "term": "zq",
            },
        )
        assert_nothing(answer, f"autocomplete of {field}")
        asked += 1
    assert asked > 5
    assert_nothing(stage.stranger.get("/admin/search/?s=zq"), "the search of the frame")


def test_the_owner_finds_in_windows_what_the_stranger_did_not(stage: Stage) -> None:
    # The tests above would prove nothing if nobody saw the marks.
    seen = set()
    for model in WINDOWS:
        at = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        seen |= marks(stage.owner.get(at))
    for route in OF_COMPANY:
        seen |= marks(stage.owner.get(address(route, stage.books)))
    assert {"transactions_transaction", "accounts_account", "banking_bankline", "ledger_entity"} <= seen


def test_membership_in_both_companies_mixes_nothing(stage: Stage) -> None:
    both = make_person("both")
    for entity in (stage.books.entity, stage.strange.entity):
        grant_membership(user=both, entity=entity, role=Role.OWNER, actor=SYSTEM)
    client = OfficeClient(both)

    for route in OF_COMPANY:
        at = at_own_company(stage, address(route, stage.books))
        shown = marks(client.get(at))
        # The switch between companies names both.
        assert shown <= {"ledger_entity", "ledger_user"}, f"{at} mixes in the other company's {shown}"


def test_every_person_of_the_stage_is_who_they_should_be(stage: Stage) -> None:
    assert Entity.objects.get(pk=stage.books.entity.pk).legal_name.startswith("zq-")
    for client in (stage.stranger, stage.owner):
        page = client.get("/admin/", follow=True)
        assert page.status_code == 200
        assert page.wsgi_request.user.is_authenticated

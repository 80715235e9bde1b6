"""Connecting with QuickBooks, Xero and Stripe, through the API, and what a browser sees of it."""

import datetime as dt
import html
import logging

import pytest
from django.test import Client, override_settings

from banking.integrations import connecting
from banking.integrations.applications import Application
from banking.integrations.oauth import Tokens, exchange_code
from banking.models import Integration
from banking.tests.fake_programs import (
    CLIENT_SECRET,
    FakeProgram,
    FakeQuickBooks,
    FakeStripe,
    FakeXero,
    Raw,
)
from banking.tests.integration_cast import Customer, quickbooks, state_in, stripe, xero
from ledger.choices import Role
from ledger.clock import utc_now
from ledger.encryption import decrypt
from ledger.models import AuditEvent, BackgroundTask, IdempotencyKey
from ledger.tests.helpers import Caller, caller_of
from ledger.tests.office import office_client
from ledger.tokens import Scope

__all__ = ["quickbooks", "stripe", "xero"]

pytestmark = pytest.mark.django_db
# What is given back to a provider is given back once that is committed.
committed = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bakery() -> Customer:
    return Customer()


@committed
def test_quickbooks_is_connected_read_and_disconnected(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    begun = bakery.post("integrations/connect", provider="quickbooks", connectionType="accounting").json()

    # The link leads to the provider, and nothing is connected yet.
    assert begun["workspaceId"] is None
    assert bakery.shown() | {"id": 0} == {
        "id": 0,
        "status": "connecting",
        "type": "quickbooks",
        "lastSync": None,
        "workspaceId": None,
        "workspaceName": None,
        "error": None,
        "lastImport": None,
    }

    page = bakery.come_back("quickbooks", quickbooks.allow(begun["link"]))

    # The page says what happened, to a browser that keeps nothing of it.
    assert page.status_code == 200
    assert page["Content-Type"] == "text/html; charset=utf-8"
    assert "QuickBooks is connected" in page.content.decode()
    assert "Corner Bakery at QuickBooks" in page.content.decode()
    assert "close this window" in page.content.decode()
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in page["Content-Security-Policy"]

    task = bakery.run_import()

    assert (task.name, task.state, task.error) == ("banking.import_integration", "succeeded", "")
    assert task.message.startswith("3 entries and 5 accounts were made")
    shown = bakery.shown()
    assert (shown["id"], shown["status"]) == (begun["integrationId"], "connected")
    assert (shown["workspaceId"], shown["workspaceName"]) == ("9130347", "Corner Bakery at QuickBooks")
    assert shown["lastSync"] is not None
    assert bakery.balances() == quickbooks.balances()

    answer = bakery.post("integrations/disconnect", integrationType="quickbooks")

    # The provider knows of it, the tokens are gone, the books stay.
    assert answer.json() == {"success": True, "message": "QuickBooks is disconnected."}
    assert [grant.revoked for grant in quickbooks.grants] == [True]
    assert bakery.get("integrations/status").json() == {"connections": [], "integrations": [], "count": 0}
    assert (bakery.integration.access_token, bakery.integration.refresh_token) == ("", "")
    assert bakery.balances() == quickbooks.balances()
    actions = AuditEvent.objects.filter(scope_id=bakery.entity.id, action__startswith="banking.integration")
    assert [
        action.rpartition(".")[2] for action in actions.values_list("action", flat=True).order_by("id")
    ] == [
        "begun",
        "connected",
        "imported",
        "disconnected",
    ]


@committed
def test_xero_is_connected_read_and_disconnected(bakery: Customer, xero: FakeXero) -> None:
    # The same person has connected another company before: each permission is told by its own event.
    other = Customer("Another client of the accountant")
    xero.workspace, ours = "tenant-of-another", xero.workspace
    other.connect(xero)
    xero.workspace = ours

    bakery.connect(xero)
    task = bakery.run_import()

    assert task.state == "succeeded", task.error
    assert bakery.integration.workspace_id == ours
    assert bakery.balances() == xero.balances()
    assert bakery.account("a-card").financial_type == "CREDIT_CARD"
    assert bakery.account("a-gst").financial_type == "SALES_TAX_PAYABLE"
    assert bakery.account("a-debtors").financial_type == "ACCOUNTS_RECEIVABLE"
    assert bakery.account("a-sales").sub_type_code == 200

    id_ = bakery.shown()["id"]
    assert bakery.post("integrations/disconnect", integrationId=id_).json()["success"] is True

    # This organisation alone is given back.
    assert xero.disconnected == [ours]
    assert other.shown()["status"] == "connected"


@committed
def test_stripe_is_connected_read_and_disconnected(bakery: Customer, stripe: FakeStripe) -> None:
    bakery.connect(stripe)
    task = bakery.run_import()

    assert task.state == "succeeded", task.error
    assert bakery.integration.workspace_id == "acct_1Bakery"
    assert bakery.integration.token_expires_at is None

    assert bakery.post("integrations/disconnect", integrationType="stripe").json()["success"] is True
    assert [grant.revoked for grant in stripe.grants] == [True]


# --- the state ---------------------------------------------------------------------------------------


def assert_nothing_connected(bakery: Customer, program: FakeProgram) -> None:
    assert not any(one.status == "connected" for one in Integration.objects.all())
    assert program.grants == []
    assert not BackgroundTask.objects.exists()


def test_only_a_digest_of_the_state_is_kept_and_the_verifier_is_encrypted(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    state = state_in(bakery.begin())

    row = bakery.integration
    assert len(state) >= 43
    assert state not in str(vars(row))
    assert len(row.state_hash) == 64
    assert len(decrypt(row.code_verifier)) >= 43
    assert row.state_expires_at is not None
    assert dt.timedelta(minutes=9) < row.state_expires_at - utc_now() <= dt.timedelta(minutes=10)


@pytest.mark.parametrize("state", ["", "forged", "x" * 10_000, "\ud83e", "A" * 43])
def test_a_forged_state_is_refused(bakery: Customer, quickbooks: FakeQuickBooks, state: str) -> None:
    brought = quickbooks.allow(bakery.begin())

    page = bakery.come_back("quickbooks", brought | {"state": state.encode("utf-8", "ignore").decode()})

    assert page.status_code == 404
    assert "Nothing was connected" in page.content.decode()
    assert_nothing_connected(bakery, quickbooks)


def test_a_missing_state_is_refused(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    brought = quickbooks.allow(bakery.begin())
    del brought["state"]

    assert bakery.come_back("quickbooks", brought).status_code == 404
    assert_nothing_connected(bakery, quickbooks)


def test_a_state_ends_after_ten_minutes(
    bakery: Customer, quickbooks: FakeQuickBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = quickbooks.allow(bakery.begin())
    later = utc_now() + dt.timedelta(minutes=10, seconds=1)
    monkeypatch.setattr(connecting, "utc_now", lambda: later)

    assert bakery.come_back("quickbooks", brought).status_code == 404
    assert_nothing_connected(bakery, quickbooks)


def test_a_state_works_once(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    brought = quickbooks.allow(bakery.begin())
    assert bakery.come_back("quickbooks", brought).status_code == 200

    again = bakery.come_back("quickbooks", brought)

    assert again.status_code == 404
    assert bakery.shown()["status"] == "connected"
    assert len(quickbooks.grants) == 1


def test_a_state_is_used_up_by_a_failure_too(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    brought = quickbooks.allow(bakery.begin())
    assert bakery.come_back("quickbooks", brought | {"code": "forged"}).status_code == 502

    assert bakery.come_back("quickbooks", brought).status_code == 404
    assert_nothing_connected(bakery, quickbooks)


def test_a_new_link_ends_the_one_before(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    first, second = quickbooks.allow(bakery.begin()), quickbooks.allow(bakery.begin())

    assert bakery.come_back("quickbooks", first).status_code == 404
    assert bakery.come_back("quickbooks", second).status_code == 200


def test_a_state_of_another_provider_is_refused(
    bakery: Customer, quickbooks: FakeQuickBooks, xero: FakeXero
) -> None:
    brought = quickbooks.allow(bakery.begin("quickbooks"))

    assert bakery.come_back("xero", brought).status_code == 404
    assert bakery.come_back("nobody", brought).status_code == 404
    # It was not used up by being shown at the wrong door.
    assert bakery.come_back("quickbooks", brought).status_code == 200


def test_a_code_fetched_for_another_company_does_not_fit_its_verifier(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    stranger = Customer("Stranger")
    of_stranger = quickbooks.allow(stranger.begin())
    ours = quickbooks.allow(bakery.begin())

    page = bakery.come_back("quickbooks", ours | {"code": of_stranger["code"]})

    assert page.status_code == 502
    assert_nothing_connected(bakery, quickbooks)


def test_a_state_connects_the_company_that_it_was_made_for_and_no_other(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    stranger = Customer("Stranger")
    stranger.begin()

    page = bakery.come_back(
        "quickbooks", quickbooks.allow(bakery.begin()) | {"entityId": stranger.entity.public_id}
    )

    assert page.status_code == 200
    assert bakery.shown()["status"] == "connected"
    assert stranger.shown()["status"] == "connecting"


def test_nothing_is_done_for_a_company_that_was_removed(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    brought = quickbooks.allow(bakery.begin())
    assert bakery.caller.delete(f"/v1/entities?entityId={bakery.entity.public_id}").status_code == 200

    assert bakery.come_back("quickbooks", brought).status_code == 404
    assert_nothing_connected(bakery, quickbooks)


@pytest.mark.parametrize("gone", ["company", "integration"])
def test_what_is_removed_while_the_provider_is_asked_gets_no_tokens(
    bakery: Customer, quickbooks: FakeQuickBooks, gone: str
) -> None:
    brought = quickbooks.allow(bakery.begin())

    def remove() -> None:
        if gone == "company":
            Integration.objects.filter(entity_id=bakery.entity.id).delete()
        else:
            Integration.objects.filter(entity_id=bakery.entity.id).update(status="disconnected")

    def exchange_meanwhile(app: Application, **more: str) -> Tokens:
        exchanged = exchange_code(app, **more)
        remove()
        return exchanged

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connecting, "exchange_code", exchange_meanwhile)
        page = bakery.come_back("quickbooks", brought)

    # The permission that nobody wants any more is given back.
    assert page.status_code == 404
    assert [grant.revoked for grant in quickbooks.grants] == [True]
    assert not Integration.objects.exclude(access_token="").exists()
    assert not BackgroundTask.objects.exists()


def test_looking_at_the_address_does_not_use_it_up(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    brought = quickbooks.allow(bakery.begin())
    path = "/v1/integrations/callback/quickbooks"

    assert Caller().head(path, brought).status_code == 405
    assert Caller().options(path, brought).status_code == 204
    assert Caller().post(path, brought).status_code == 405
    assert bakery.come_back("quickbooks", brought).status_code == 200


# --- what goes wrong at the provider -----------------------------------------------------------------


def test_a_person_who_declines_reads_so_and_nothing_changes(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    state = state_in(bakery.begin())

    page = bakery.come_back("quickbooks", {"state": state, "error": "access_denied"})

    assert page.status_code == 200
    assert "QuickBooks was not connected" in page.content.decode()
    assert "access_denied" in page.content.decode()
    assert bakery.shown()["status"] == "connecting"
    assert "access_denied" in bakery.shown()["error"]
    assert_nothing_connected(bakery, quickbooks)


def test_an_error_of_the_provider_is_shown_escaped(quickbooks: FakeQuickBooks) -> None:
    script = "<script>alert(1)</script>\"'&"
    bakery = Customer(f"Bakery {script}")
    state = state_in(bakery.begin())

    brought = {"state": state, "error": "access_denied", "error_description": script}
    page = bakery.come_back("quickbooks", brought).content.decode()

    assert "<script" not in page
    assert page.count(html.escape(script)) == 2
    # To a program the same is JSON, which no browser takes for a page.
    answer = bakery.come_back("quickbooks", {"state": script}, HTTP_ACCEPT="application/json")
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["error"]["code"] == "NOT_FOUND"
    assert "<script" not in bakery.come_back(script.replace("/", ""), {"state": script}).content.decode()


def test_names_from_the_provider_are_shown_escaped(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    name = "<img src=x onerror=alert(1)>"
    quickbooks.before.append(("companyinfo", Raw(200, {"CompanyInfo": {"CompanyName": name}})))

    page = bakery.connect(quickbooks).content.decode()

    assert "<img" not in page
    assert html.escape(name) in page


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Raw(500, b"<html>"), 502),
        (Raw(503, b"", {"Retry-After": "900"}), 502),
        (Raw(429, b""), 502),
        (Raw(200, b"no json"), 502),
        (Raw(200, []), 502),
        (Raw(200, {}), 502),
        (Raw(200, {"access_token": ["x"]}), 502),
        (Raw(200, {"access_token": "line\r\nbreak"}), 502),
        (Raw(400, {"error": "invalid_grant"}), 502),
        (Raw(401, {"error": "invalid_client"}), 502),
        (Raw(400, {"error": {"type": "strange"}}), 502),
        (Raw(302, b"", {"Location": "http://127.0.0.1:1/"}), 502),
        (Raw(200, b" " * (17 * 1024 * 1024)), 502),
    ],
)
def test_an_exchange_that_goes_wrong_connects_nothing(
    bakery: Customer, quickbooks: FakeQuickBooks, answer: Raw, status: int
) -> None:
    brought = quickbooks.allow(bakery.begin())
    quickbooks.before.append(("/token", answer))

    page = bakery.come_back("quickbooks", brought)

    assert page.status_code == status
    assert "<h1>Not connected</h1>" in page.content.decode()
    assert bakery.shown()["status"] == "connecting"
    assert bakery.shown()["error"]
    assert_nothing_connected(bakery, quickbooks)


@pytest.mark.parametrize("realm_id", ["", "12/../13", "9" * 40, "١٢"])
def test_a_company_id_that_is_none_is_refused(
    bakery: Customer, quickbooks: FakeQuickBooks, realm_id: str
) -> None:
    brought = quickbooks.allow(bakery.begin()) | {"realmId": realm_id}

    assert bakery.come_back("quickbooks", brought).status_code == 400
    assert bakery.shown()["status"] == "connecting"


def test_another_companys_id_opens_nothing(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    brought = quickbooks.allow(bakery.begin()) | {"realmId": "4711"}

    # The provider knows whom the token is for.
    assert bakery.come_back("quickbooks", brought).status_code == 409
    assert bakery.shown()["status"] == "connecting"


def test_bad_queries_of_a_browser_are_refused_with_a_page(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    for query in ("state=%00", "state=%ff", "state=a&state=b"):
        page = Caller(HTTP_ACCEPT="text/html").get(f"/v1/integrations/callback/quickbooks?{query}")
        assert page.status_code == 400
        assert page["Content-Type"].startswith("text/html")


# --- asking for it -----------------------------------------------------------------------------------


def test_what_the_operator_has_not_set_up_cannot_be_connected(bakery: Customer) -> None:
    answer = bakery.post("integrations/connect", provider="xero")

    assert answer.status_code == 409
    assert "XERO_CLIENT_ID" in answer.json()["error"]["message"]
    assert bakery.caller.get("/v1/integrations/providers").json() == {"providers": [], "count": 0}
    assert not Integration.objects.exists()


def test_providers_lists_what_is_set_up(bakery: Customer, xero: FakeXero) -> None:
    with override_settings(BASE_URL="https://books.example.com/"):
        answer = bakery.caller.get("/v1/integrations/providers").json()

    assert answer == {
        "providers": [
            {
                "provider": "xero",
                "name": "Xero",
                "redirectUri": "https://books.example.com/v1/integrations/callback/xero",
            }
        ],
        "count": 1,
    }


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("connect", {}, "provider"),
        ("connect", {"provider": "sage"}, "provider"),
        ("connect", {"provider": ["xero"]}, "provider"),
        ("connect", {"provider": "xero", "connectionType": 7}, "connectionType"),
        ("connect", {"provider": "xero", "scope": "all"}, "scope"),
        ("disconnect", {}, "integrationType"),
        ("disconnect", {"integrationType": "sage"}, "integrationType"),
        ("disconnect", {"integrationId": "conn_1"}, "integrationId"),
        ("sync", {}, "integrationType"),
        ("sync", {"integrationId": None}, "integrationId"),
    ],
)
def test_bad_requests_name_the_field(
    bakery: Customer, path: str, body: dict[str, object], field: str
) -> None:
    answer = bakery.post(f"integrations/{path}", **body)

    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == field


def test_both_spellings_are_taken(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    body = {"entity_id": bakery.entity.public_id, "provider": "quickbooks", "connection_type": None}
    assert bakery.caller.post("/v1/integrations/connect", body).status_code == 200

    body = {"entity_id": bakery.entity.public_id, "integration_type": "quickbooks"}
    assert bakery.caller.post("/v1/integrations/disconnect", body).json()["success"] is True


def test_a_stranger_sees_and_ends_nothing(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    bakery.connect(quickbooks)
    id_ = bakery.shown()["id"]
    stranger = Customer("Stranger")

    for path in ("disconnect", "sync"):
        own = stranger.post(f"integrations/{path}", integrationId=id_)
        of_bakery = stranger.caller.post(
            f"/v1/integrations/{path}", {"entityId": bakery.entity.public_id, "integrationId": id_}
        )
        assert (own.status_code, of_bakery.status_code) == (404, 404)
    assert stranger.get("integrations/status").json()["count"] == 0
    assert bakery.shown()["status"] == "connected"


def test_a_token_that_may_only_read_connects_nothing(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    bakery.caller = caller_of(bakery.developer, scope=Scope.READ)

    assert bakery.post("integrations/connect", provider="quickbooks").status_code == 403
    assert bakery.get("integrations/status").status_code == 200


@committed
def test_disconnecting_twice_says_that_it_is_and_a_missing_one_is_not_found(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    bakery.connect(quickbooks)
    id_ = bakery.shown()["id"]
    assert bakery.post("integrations/disconnect", integrationId=id_).status_code == 200

    assert bakery.post("integrations/disconnect", integrationId=id_).json()["success"] is True
    assert bakery.post("integrations/disconnect", integrationType="quickbooks").status_code == 404
    assert (
        bakery.post("integrations/disconnect", integrationId=id_, integrationType="xero").status_code == 404
    )
    assert len([call for call in quickbooks.calls if call.path == "/revoke"]) == 1
    assert bakery.post("integrations/sync", integrationId=id_).status_code == 409


@committed
def test_a_provider_that_is_down_does_not_keep_a_person_connected(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    bakery.connect(quickbooks)
    quickbooks.before.append(("/revoke", Raw(503)))

    assert bakery.post("integrations/disconnect", integrationType="quickbooks").json()["success"] is True
    assert (bakery.integration.status, bakery.integration.access_token) == ("disconnected", "")


def test_a_company_connects_again_after_it_disconnected(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    bakery.connect(quickbooks)
    bakery.run_import()
    bakery.post("integrations/disconnect", integrationType="quickbooks")

    bakery.connect(quickbooks)
    task = bakery.run_import()

    assert task.message.startswith("0 entries and 0 accounts were made")
    assert Integration.objects.filter(entity_id=bakery.entity.id).count() == 2
    assert bakery.balances() == quickbooks.balances()


# --- secrets -----------------------------------------------------------------------------------------


@committed
def test_tokens_are_encrypted_and_stand_nowhere_else(
    bakery: Customer,
    quickbooks: FakeQuickBooks,
    caplog: pytest.LogCaptureFixture,
    client: Client,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    quickbooks.lifetime_seconds = 60  # each use renews
    link = bakery.begin()
    brought = quickbooks.allow(link)
    answers = [bakery.come_back("quickbooks", brought)]
    quickbooks.before.append(("query", Raw(401, {"error": "again"})))
    task = bakery.run_import()
    quickbooks.before.append(("/token", Raw(400, {"error": "invalid_grant"})))
    bakery.import_again("quickbooks")
    answers += [
        bakery.get("integrations/status"),
        bakery.get("tasks"),
        bakery.get("entities"),
        bakery.come_back("quickbooks", brought),
    ]
    row = bakery.integration
    operator = office_client(row.entity, Role.OPERATOR)
    pages = [
        operator.get("/admin/banking/integration/"),
        operator.get(f"/admin/banking/integration/{row.id}/change/"),
    ]

    assert task.state == "succeeded"
    assert [page.status_code for page in pages] == [200, 200]
    told = "".join(answer.content.decode() for answer in [*answers, *pages])
    told += caplog.text + "".join(capfd.readouterr())
    told += "".join(str(vars(one)) for one in BackgroundTask.objects.all())
    told += "".join(str(vars(one)) for one in AuditEvent.objects.all())
    told += str(vars(row))
    hidden = quickbooks.secrets_given() | {brought["code"], state_in(link), CLIENT_SECRET}
    assert len(hidden) > 8
    assert {one for one in hidden if one in told} == set()
    # Nor do their encrypted forms leave the table.
    assert row.state_hash not in "".join(page.content.decode() for page in pages) or not row.state_hash


def test_a_link_kept_for_a_replay_is_encrypted(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    body = {"entityId": bakery.entity.public_id, "provider": "quickbooks"}
    first, second = (
        bakery.caller.post("/v1/integrations/connect", body, HTTP_IDEMPOTENCY_KEY="connect-1")
        for _ in range(2)
    )

    assert first.json() == second.json()
    kept = IdempotencyKey.objects.get()
    assert state_in(first.json()["link"]).encode() not in bytes(kept.response_body or b"")

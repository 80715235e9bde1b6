"""An account's page with its ledger, and the page that merges two: who may what, and what they show."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.models import BackgroundTask
from ledger.services.periods import close_books
from ledger.tests.office import OfficeClient, office_client, page_url
from transactions.office import merging
from transactions.services import reverse_transaction
from transactions.services.merging import Merged, merge_accounts
from transactions.tests.conftest import NOON, Company

pytestmark = pytest.mark.django_db
A_DAY = dt.timedelta(days=1)


def merge_form(client: OfficeClient, source: Account, target: Account, on: str = "") -> dict[str, str]:
    """What the page sends once the person has seen what the merge would do."""
    query = {"into": target.public_id, "on": on}
    page = client.page("account-merge", source.entity, id=source.public_id, query=query)
    return query | {"shown": page.context["shown"]}


@pytest.fixture
def ann(bakery: Company) -> OfficeClient:
    return office_client(bakery.entity, Role.ACCOUNTANT, name="ann")


def test_the_ledger_shows_the_other_side_the_balance_and_what_is_not_posted(
    ann: OfficeClient, bakery: Company
) -> None:
    bakery.posted("100", debit=bakery.cash, credit=bakery.sales, description="Bread sold")
    bakery.posted("1130.5", at=NOON + A_DAY, counterparty="Landlord")
    bakery.post("7", at=NOON + 2 * A_DAY, description="Waits")

    page = ann.page("account", bakery.entity, id=bakery.cash.public_id)

    assert page.context["balance"] == -1030.5
    assert page.context["pending"] == -7
    shown = [(one["text"], one["other"], one["balance"]) for one in page.context["entries"]]
    assert shown == [("Waits", "Rent", None), ("Landlord", "Rent", -1030.5), ("Bread sold", "Sales", 100)]
    text = page.content.decode()
    assert "(1,030.50)" in text
    assert page_url("account", bakery.entity, id=bakery.rent.public_id) in text


def test_revenue_grows_by_credits_and_its_bars_are_what_each_month_brought(
    ann: OfficeClient, bakery: Company
) -> None:
    bakery.posted("100", debit=bakery.cash, credit=bakery.sales)
    page = ann.page("account", bakery.entity, id=bakery.sales.public_id, query={"to": "2024-05-31"})
    assert page.context["closing"] == 100
    values = [bar.value for bar in page.context["bars"].bars]
    assert values == [0] * 9 + [100, 0, 0]
    assert "March 2024: 100.00 USD" in page.content.decode()


def test_days_narrow_the_ledger_and_say_what_stood_before_and_after(
    ann: OfficeClient, bakery: Company
) -> None:
    for number in range(5):
        bakery.posted("10", at=NOON + number * A_DAY)
    query = {"from": "2024-03-16", "to": "2024-03-17"}
    page = ann.page("account", bakery.entity, id=bakery.rent.public_id, query=query)
    context = page.context
    assert [one["balance"] for one in context["entries"]] == [30, 20]
    assert (context["opening"], context["debits"], context["credits"], context["closing"]) == (10, 20, 0, 30)
    wrong = ann.page("account", bakery.entity, id=bakery.rent.public_id, query={"from": "yesterday"})
    assert wrong["Location"] == page_url("account", bakery.entity, id=bakery.rent.public_id)
    backwards = {"from": "2024-03-17", "to": "2024-03-16"}
    assert ann.page("account", bakery.entity, id=bakery.rent.public_id, query=backwards).status_code == 302


def test_an_account_shows_what_is_below_it_too_unless_told_otherwise(
    ann: OfficeClient, bakery: Company
) -> None:
    till = make_account(bakery.ledger, "Till", parent=bakery.cash)
    bakery.posted("100", debit=till, credit=bakery.sales)

    both = ann.page("account", bakery.entity, id=bakery.cash.public_id)
    alone = ann.page("account", bakery.entity, id=bakery.cash.public_id, query={"children": "0"})

    assert (both.context["balance"], len(both.context["entries"])) == (100, 1)
    assert both.context["entries"][0]["own"] == "Till"
    assert (alone.context["balance"], len(alone.context["entries"])) == (0, 0)
    below = ann.page("account", bakery.entity, id=till.public_id)
    assert [name for name, _ in below.context["crumbs"]] == ["Chart of accounts", "1010 Cash"]


def test_pages_follow_one_another_by_cursor(
    ann: OfficeClient, bakery: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transactions.office.accounts.PAGE_SIZE", 2)
    for number in range(5):
        bakery.posted("10", at=NOON + number * A_DAY)
    url = page_url("account", bakery.entity, id=bakery.rent.public_id)
    seen: list[Any] = []
    query: dict[str, str] = {}
    while True:
        page = ann.get(url, query)
        seen += [one["balance"] for one in page.context["entries"]]
        if page.context["next_cursor"] is None:
            break
        query = {"cursor": page.context["next_cursor"]}
    assert seen == [50, 40, 30, 20, 10]
    # A cursor is of one ledger: another account's is refused.
    other = ann.page("account", bakery.entity, id=bakery.cash.public_id, query=query)
    assert other.status_code == 302


def test_an_account_that_was_never_used_says_so(ann: OfficeClient, bakery: Company) -> None:
    page = ann.page("account", bakery.entity, id=bakery.loan.public_id)
    assert "Nothing was ever posted here" in page.content.decode()


def test_a_page_costs_the_same_for_any_number_of_entries(ann: OfficeClient, bakery: Company) -> None:
    till = make_account(bakery.ledger, "Till", parent=bakery.cash)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert ann.page("account", bakery.entity, id=bakery.cash.public_id).status_code == 200
        return len(queries)

    row = bakery.posted("10", debit=till)
    few = count()
    for number in range(30):
        bakery.posted("10", at=NOON + number * A_DAY)
    reverse_transaction(entity=bakery.entity, transaction_id=row.id, actor=SYSTEM)
    assert count() == few
    assert few <= 11


def test_roles_and_strangers(bakery: Company, stranger: Company) -> None:
    bakery.posted("10")
    auditor = office_client(bakery.entity, Role.AUDITOR)
    other = office_client(stranger.entity)
    rent, software = bakery.rent.public_id, bakery.software.public_id

    page = auditor.page("account", bakery.entity, id=rent)
    assert page.status_code == 200
    assert page_url("account-merge", bakery.entity, id=rent) not in page.content.decode()
    assert auditor.page("account-merge", bakery.entity, id=rent).status_code == 403
    assert auditor.send("account-merge", bakery.entity, {"into": software}, id=rent).status_code == 403
    assert (
        office_client(bakery.entity, Role.OPERATOR).page("account", bakery.entity, id=rent).status_code == 403
    )
    for name in ("account", "account-merge"):
        assert other.page(name, bakery.entity, id=rent).status_code == 404
        assert other.page(name, stranger.entity, id=rent).status_code == 404
    other.send("account-merge", bakery.entity, {"into": software}, id=rent)
    other.send("account-merge", stranger.entity, {"into": rent}, id=stranger.rent.public_id)
    bakery.rent.refresh_from_db()
    stranger.rent.refresh_from_db()
    assert (bakery.rent.closed_at, stranger.rent.closed_at) == (None, None)
    assert auditor.page("account", bakery.entity, id="acc_nonsense").status_code == 404


def test_a_merge_is_previewed_then_done_and_the_old_account_says_where_it_went(
    ann: OfficeClient, bakery: Company
) -> None:
    bakery.posted("10")
    bakery.post("5")
    bakery.posted("100", debit=bakery.software)
    rent, software = bakery.rent.public_id, bakery.software.public_id

    preview = ann.page("account-merge", bakery.entity, id=rent, query={"into": software})

    assert [(one["before"], one["after"]) for one in preview.context["figures"]] == [(10, 0), (100, 110)]
    assert "financial types differ" in preview.content.decode()
    bakery.rent.refresh_from_db()
    assert bakery.rent.closed_at is None
    form = {"into": software, "shown": preview.context["shown"]}
    done = ann.send("account-merge", bakery.entity, form, id=rent)
    assert done["Location"] == page_url("account", bakery.entity, id=software)
    page = ann.get(done["Location"])
    assert page.context["balance"] == 110
    assert "1 reclassified, 1 pending edited" in page.content.decode()
    old = ann.page("account", bakery.entity, id=rent)
    assert old.context["merged_into"] == bakery.software
    assert old.context["balance"] == 0


def test_a_merge_offers_accounts_of_the_type_and_says_what_is_refused(
    ann: OfficeClient, bakery: Company
) -> None:
    page = ann.page("account-merge", bakery.entity, id=bakery.rent.public_id)
    assert [one.name for one in page.context["choices"]] == ["Software"]
    url = page_url("account-merge", bakery.entity, id=bakery.rent.public_id)
    refused = ann.post(f"{url}?into={bakery.cash.public_id}", {"into": bakery.cash.public_id}, follow=True)
    assert refused.content.decode().count("choose one of the same type") == 1
    assert "choose the account to merge into" in ann.post(url, {}, follow=True).content.decode()


def test_the_balance_of_closed_periods_is_moved_on_the_day_that_was_chosen(
    ann: OfficeClient, bakery: Company
) -> None:
    bakery.posted("10", debit=bakery.bank, credit=bakery.sales)
    close_books(entity=bakery.entity, through=dt.date(2024, 3, 31), actor=SYSTEM)
    bank, cash = bakery.bank.public_id, bakery.cash.public_id

    preview = ann.page("account-merge", bakery.entity, id=bank, query={"into": cash})

    assert preview.context["closed_balance_on"] == dt.date(2024, 4, 1)
    form = merge_form(ann, bakery.bank, bakery.cash, on="2024-05-02")
    ann.send("account-merge", bakery.entity, form, id=bank)
    [entry] = ann.page("account", bakery.entity, id=cash).context["entries"]
    assert (entry["date"], entry["balance"]) == (dt.date(2024, 5, 2), 10)


def test_a_large_merge_is_handed_to_the_background(
    ann: OfficeClient, bakery: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "AT_ONCE_MAX", 1)
    for number in range(2):
        bakery.posted("10", at=NOON + number * A_DAY)
    form = merge_form(ann, bakery.rent, bakery.software)
    url = page_url("account-merge", bakery.entity, id=bakery.rent.public_id)

    assert "being merged into 6100 Software" in ann.says_after(ann.post(url, form))
    task = BackgroundTask.objects.get(entity_id=bakery.entity.id, name="transactions.merge_accounts")
    assert task.created_by == ann.user.pk
    assert task.arguments["shown"] == form["shown"]

    # While it waits, the same may be asked for once more, and nothing else.
    assert "being merged into 6100 Software" in ann.says_after(ann.post(url, form))
    other = make_account(bakery.ledger, "Other", "EXPENSE")
    refused = ann.says_after(ann.post(url, merge_form(ann, bakery.rent, other)))
    assert "Rent is being merged into 6100 Software already" in refused
    assert "merged into Other" not in refused
    assert BackgroundTask.objects.get(name="transactions.merge_accounts").id == task.id


def test_a_merge_whose_preview_no_longer_holds_is_shown_once_more(ann: OfficeClient, bakery: Company) -> None:
    bakery.posted("10")
    rent = bakery.rent.public_id
    form = merge_form(ann, bakery.rent, bakery.software)
    bakery.posted("7")

    page = ann.get(ann.send("account-merge", bakery.entity, form, id=rent)["Location"])

    assert "books moved since" in page.content.decode()
    assert page.context["target"] == bakery.software
    bakery.rent.refresh_from_db()
    assert bakery.rent.closed_at is None
    ann.send("account-merge", bakery.entity, form | {"shown": page.context["shown"]}, id=rent)
    bakery.rent.refresh_from_db()
    assert bakery.rent.closed_at is not None


@pytest.mark.parametrize("missing", ["nothing shown", "another target"])
def test_a_merge_that_was_not_previewed_is_shown_first(
    ann: OfficeClient, bakery: Company, missing: str
) -> None:
    # Alike in all that a preview says.
    twin = make_account(bakery.ledger, "Twin", "EXPENSE", financial_type=bakery.software.financial_type)
    form = merge_form(ann, bakery.rent, twin) | {"into": bakery.software.public_id}
    if missing == "nothing shown":
        del form["shown"]

    answer = ann.send("account-merge", bakery.entity, form, id=bakery.rent.public_id)

    assert ann.get(answer["Location"]).context["target"] == bakery.software
    bakery.rent.refresh_from_db()
    assert bakery.rent.closed_at is None


def test_what_is_posted_between_the_look_at_the_preview_and_the_merge_is_not_merged_unseen(
    ann: OfficeClient, bakery: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    bakery.posted("10")

    def posted_first(**wanted: Any) -> Merged:
        bakery.posted("7")
        return merge_accounts(**wanted)

    monkeypatch.setattr(merging, "merge_accounts", posted_first)
    form = merge_form(ann, bakery.rent, bakery.software)

    said = ann.says_after(ann.send("account-merge", bakery.entity, form, id=bakery.rent.public_id))

    assert "books moved since" in said
    assert "17.00" in said
    bakery.rent.refresh_from_db()
    assert bakery.rent.closed_at is None


def test_a_second_click_is_told_that_it_is_merged(ann: OfficeClient, bakery: Company) -> None:
    bakery.posted("10")
    form = merge_form(ann, bakery.rent, bakery.software)
    url = page_url("account-merge", bakery.entity, id=bakery.rent.public_id)
    # The form sends to the address with its question.
    url = f"{url}?into={bakery.software.public_id}&on="
    ann.says_after(ann.post(url, form))

    again = ann.post(url, form)

    assert again["Location"] == page_url("account", bakery.entity, id=bakery.software.public_id)
    said = ann.says_after(again)
    assert "Rent is merged into 6100 Software." in said
    assert "reopen" not in said
    other = make_account(bakery.ledger, "Other", "EXPENSE")
    refused = ann.says_after(ann.post(f"{url}", form | {"into": other.public_id}))
    assert refused.count("Rent is closed; reopen it first.") == 1

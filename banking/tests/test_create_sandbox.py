"""Sandbox companies: a chart, banks, a year of books that verify, and something left to do."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from banking.choices import LineStatus, LinkKind
from banking.models import BankAccount, BankConnection, BankLine, LineLink
from banking.providers.sandbox import SandboxProvider
from banking.sandbox.bookkeeping import REVIEW_DAYS
from banking.sandbox.company import Sandbox, create_sandbox
from banking.sandbox.industries import INDUSTRIES
from ledger.actors import SYSTEM
from ledger.encryption import decrypt
from ledger.exceptions import ValidationError
from ledger.models import Developer, Entity
from ledger.tests.helpers import make_developer
from transactions.choices import Source, Status
from transactions.models import Transaction
from transactions.trial_balance import trial_balance
from transactions.verification import verify_books

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)
every_industry = pytest.mark.parametrize("industry", INDUSTRIES)


def make(industry: str = "software", **options: object) -> Sandbox:
    given: dict[str, object] = {"name": "Try Me Inc.", "seed": 1, "today": TODAY, "actor": SYSTEM} | options
    return create_sandbox(industry=industry, **given)  # type: ignore[arg-type]


def ledger_balance(account: BankAccount) -> Decimal:
    """What the books say, approved or not, in the bank's sign."""
    lines = trial_balance(entity=account.entity, ledger=account.ledger, pending=True).lines
    (line,) = (line for line in lines if line.account_id == account.ledger_account_id)
    return line.credit - line.debit if account.type == "credit" else line.debit - line.credit


@every_industry
def test_the_books_of_every_industry_verify_and_balance(industry: str) -> None:
    made = make(industry)
    assert list(verify_books(made.entity)) == []
    assert trial_balance(entity=made.entity, ledger=made.ledger).is_balanced
    rows = Transaction.objects.for_entity(made.entity)
    assert rows.count() == made.transactions > 500
    assert set(rows.values_list("source", "status")) == {
        (Source.SANDBOX, Status.POSTED),
        (Source.SANDBOX, Status.PENDING),
        (Source.BANK, Status.POSTED),
        (Source.BANK, Status.CLEARED),
    }


@every_industry
def test_what_the_bank_showed_lately_waits_for_approval_and_some_for_a_category(industry: str) -> None:
    made = make(industry)
    rows = Transaction.objects.for_entity(made.entity)
    waiting = rows.exclude(status=Status.POSTED)
    assert 8 <= waiting.count() <= 50
    assert all(row.date > TODAY - timedelta(days=REVIEW_DAYS + 2) for row in waiting)
    uncategorized = Account.objects.for_entity(made.entity).filter(role__startswith="uncategorized")
    unknown = rows.filter(debit_account__in=uncategorized) | rows.filter(credit_account__in=uncategorized)
    assert {(row.status, row.categorized_at) for row in unknown} == {(Status.CLEARED, None)}
    # What has a category has it from a person who looked at the bank's line.
    known = rows.filter(source=Source.BANK).exclude(id__in=unknown.values("id"))
    assert not known.filter(categorized_at=None).exists()


@every_industry
@pytest.mark.parametrize("day", [1, 16, 17, 20, 24, 25, 27, 28, 30])
def test_on_any_day_the_books_say_what_the_banks_say(industry: str, day: int) -> None:
    made = make(industry, today=date(2026, 11, day), months=3)
    assert [account.subtype for account in made.bank_accounts] == ["checking", "savings", "credit card"]
    for account in made.bank_accounts:
        assert account.balance_current is not None
        assert account.balance_current == ledger_balance(account) > 0
        assert account.ledger_account.financial_type in ("CASH", "SAVINGS", "CREDIT_CARD")


@every_industry
@pytest.mark.parametrize("day", [20, 24])
def test_each_line_that_a_bank_has_booked_is_in_the_books_once_or_offered(industry: str, day: int) -> None:
    made = make(industry, today=date(2026, 11, day))
    rows = Transaction.objects.for_entity(made.entity)
    lines = BankLine.objects.filter(entity=made.entity)
    by_status = Counter(lines.values_list("status", flat=True))
    assert {LineStatus.RECORDED, LineStatus.OFFERED} <= by_status.keys()
    assert by_status.keys() <= {LineStatus.RECORDED, LineStatus.OFFERED, LineStatus.PENDING}
    links = LineLink.objects.filter(entity=made.entity)
    assert links.count() == by_status[LineStatus.RECORDED] == links.values("line").distinct().count()
    assert set(lines.filter(links__isnull=False).values_list("status", flat=True)) == {LineStatus.RECORDED}
    # Offered is what somebody entered for the same amount, a day or two before.
    for line in lines.filter(status=LineStatus.OFFERED):
        offered = line.offered_transaction
        assert offered is not None
        assert (offered.amount, offered.status, offered.external_id) == (
            abs(line.amount),
            Status.PENDING,
            None,
        )
        assert offered.date <= line.date <= offered.date + timedelta(days=2)
    # What was made of a line says so; a transfer between own accounts was made once, of two.
    linked = Counter(links.values_list("transaction_id", "kind"))
    assert {id_ for id_, _ in linked} == set(rows.filter(source=Source.BANK).values_list("id", flat=True))
    assert {(kind, count) for (_, kind), count in linked.items()} == {
        (LinkKind.MADE, 1),
        (LinkKind.TRANSFER, 2),
    }
    by_id = {line.public_id: line for line in lines}
    for row in rows.filter(source=Source.BANK):
        assert row.external_id is not None
        line = by_id[row.external_id]
        assert row.metadata is not None
        assert (row.date, row.amount, row.metadata["bankLineId"]) == (
            line.date,
            abs(line.amount),
            line.public_id,
        )


def test_a_transfer_on_its_way_waits_for_its_other_side_without_a_category() -> None:
    made = make(today=date(2026, 11, 24))
    row = Transaction.objects.for_entity(made.entity).get(description__contains="AUTOPAY", date="2026-11-24")
    assert (row.status, row.debit_account.role) == (Status.CLEARED, "uncategorized_expense")
    assert LineLink.objects.get(transaction=row).kind == LinkKind.MADE


@every_industry
def test_the_feed_goes_on_from_there(industry: str) -> None:
    made = make(industry)
    connections = BankConnection.objects.filter(entity=made.entity)
    assert {one.institution_name for one in connections} == {"Meadow Commercial Bank", "Summit Card Services"}
    for one in connections:
        access_token = decrypt(one.access_token)
        told: set[str] = set()
        cursor, has_more = "", True
        while has_more:
            page = SandboxProvider().sync(access_token, cursor)
            cursor, has_more = page.next_cursor, page.has_more
            told |= {line.id for line in page.added if line.date <= TODAY}
        stored = BankLine.objects.filter(bank_account__in=BankAccount.objects.filter(connection=one))
        posted = stored.exclude(status=LineStatus.PENDING)
        assert set(posted.values_list("provider_line_id", flat=True)) <= told


def books_of(made: Sandbox) -> list[tuple[object, ...]]:
    rows = Transaction.objects.for_entity(made.entity).select_related("debit_account", "credit_account")
    columns = (
        "date", "amount", "description", "counterparty", "status", "source",
        "debit_account__sub_type_code", "credit_account__sub_type_code",
    )  # fmt: skip
    return sorted(rows.values_list(*columns))


def lines_of(made: Sandbox) -> list[tuple[object, ...]]:
    return sorted(
        BankLine.objects.filter(entity=made.entity).values_list(
            "provider_line_id", "date", "amount", "status"
        )
    )


def test_the_same_seed_makes_the_same_books_and_another_one_others() -> None:
    one, same, other = make(), make(), make(seed=2)
    assert books_of(one) == books_of(same) != books_of(other)
    assert lines_of(one) == lines_of(same) != lines_of(other)


def test_more_months_take_no_more_statements() -> None:
    counts = []
    for months in (1, 24):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            make(months=months)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 120


def test_the_counterparty_is_read_from_the_bank_line() -> None:
    made = make()
    row = Transaction.objects.for_entity(made.entity).filter(description__startswith="AMAZON WEB SERVICES")[0]
    assert row.counterparty == "Amazon Web Services"


def test_without_a_developer_one_is_made_with_a_key_and_its_preferences() -> None:
    made = make(preferences={"currency": "EUR", "timezone": "Europe/Berlin"})
    assert made.first_key is not None
    assert (made.developer.name, made.ledger.currency, made.entity.timezone) == (
        "Try Me Inc.", "EUR", "Europe/Berlin",
    )  # fmt: skip


def test_with_a_developer_the_company_is_its_own() -> None:
    developer = make_developer().developer
    made = make(developer=developer, months=1)
    assert made.first_key is None
    assert made.entity.developer_id == developer.id
    assert Developer.objects.count() == 1
    # Preferences are then the company's alone.
    other = make(developer=developer, months=1, preferences={"currency": "JPY", "timezone": "Asia/Tokyo"})
    assert (other.ledger.currency, other.entity.timezone) == ("JPY", "Asia/Tokyo")
    assert all(account.currency == "JPY" for account in other.bank_accounts)
    developer.refresh_from_db()
    assert developer.preferences == {}


@pytest.mark.parametrize(
    ("options", "field"), [({"industry": "mining"}, "industry"), ({"months": 0}, "months")]
)
def test_what_cannot_be_made_leaves_nothing(options: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        make(**options)  # type: ignore[arg-type]
    assert (Developer.objects.count(), Entity.objects.count()) == (0, 0)


def test_the_command_says_what_it_made() -> None:
    out = StringIO()
    call_command(
        "create_sandbox", "--industry", "retail", "--months", "2", "--name", "Corner Shop", stdout=out
    )
    entity = Entity.objects.get(legal_name="Corner Shop")
    assert entity.public_id in out.getvalue()
    assert entity.developer.public_id in out.getvalue()
    for account in BankAccount.objects.filter(entity=entity):
        assert account.public_id in out.getvalue()
    assert "olk_" in out.getvalue()


def test_the_command_explains_misuse() -> None:
    with pytest.raises(CommandError, match="is no industry of the sandbox"):
        call_command("create_sandbox", "--industry", "mining")
    with pytest.raises(CommandError, match="there is no developer"):
        call_command("create_sandbox", "--developer", "dev_01h455vb4pex5vsknk084sn02q")

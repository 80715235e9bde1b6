"""Sandbox companies: a chart, a year of books that verify, and something left to do."""

from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from banking.sandbox.company import Sandbox, create_sandbox
from banking.sandbox.industries import INDUSTRIES
from ledger.actors import SYSTEM
from ledger.exceptions import ValidationError
from ledger.models import Developer, Entity
from ledger.tests.helpers import make_developer
from transactions.choices import Source, Status
from transactions.models import Transaction
from transactions.trial_balance import trial_balance
from transactions.verification import verify_books

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)


def make(industry: str = "software", **options: object) -> Sandbox:
    given: dict[str, object] = {"name": "Try Me Inc.", "seed": 1, "today": TODAY, "actor": SYSTEM} | options
    return create_sandbox(industry=industry, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("industry", INDUSTRIES)
def test_the_books_of_every_industry_verify_and_balance(industry: str) -> None:
    made = make(industry)
    assert list(verify_books(made.entity)) == []
    assert trial_balance(entity=made.entity, ledger=made.ledger).is_balanced
    rows = Transaction.objects.for_entity(made.entity)
    assert rows.count() == made.transactions > 500
    assert set(rows.values_list("source", flat=True)) == {Source.SANDBOX}
    assert set(rows.values_list("status", flat=True)) == {Status.POSTED, Status.PENDING}
    uncategorized = Account.objects.for_entity(made.entity).filter(role__startswith="uncategorized")
    assert (
        rows.filter(debit_account__in=uncategorized).exists()
        or rows.filter(credit_account__in=uncategorized).exists()
    )


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
    assert "olk_" in out.getvalue()


def test_the_command_explains_misuse() -> None:
    with pytest.raises(CommandError, match="is no industry of the sandbox"):
        call_command("create_sandbox", "--industry", "mining")
    with pytest.raises(CommandError, match="there is no developer"):
        call_command("create_sandbox", "--developer", "dev_01h455vb4pex5vsknk084sn02q")

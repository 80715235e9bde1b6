"""What banks do where an account is merged into another: rules follow, and a bank's own account stays."""

import pytest

from accounts.tests.conftest import make_account
from banking.models import BankAccount
from banking.tests.rules_cast import Client
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.exceptions import ConflictError
from ledger.models import AuditEvent
from transactions.account_merges import preview_merge
from transactions.models import Transaction
from transactions.services import edit_transaction
from transactions.services.editing import Edit
from transactions.services.merging import merge_accounts

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client()


def test_rules_that_named_the_one_account_name_the_other(client: Client) -> None:
    apps = make_account(client.company.ledger, "Apps", "EXPENSE")
    rule = client.rule("Adobe", category_account_id=apps.id)
    other = client.rule("Rent", contains="rent", category_account_id=client.rent.id)

    merge_accounts(entity=client.entity, source=apps, target=client.software, actor=SYSTEM)

    rule.refresh_from_db()
    other.refresh_from_db()
    assert (rule.category_account_id, other.category_account_id) == (client.software.id, client.rent.id)
    assert AuditEvent.objects.filter(action="banking.rule.updated", object_id=rule.public_id).exists()


def test_a_pending_line_keeps_its_bank_and_changes_its_category(client: Client) -> None:
    apps = make_account(client.company.ledger, "Apps", "EXPENSE")
    [line] = client.record(("ADOBE 123", "20"))
    edit = Edit(debit_account_id=apps.id)
    edit_transaction(entity=client.entity, transaction_id=line, edit=edit, actor=SYSTEM)

    merge_accounts(entity=client.entity, source=apps, target=client.software, actor=SYSTEM)

    stored = Transaction.objects.get(id=line)
    sides = (stored.debit_account_id, stored.credit_account_id)
    assert sides == (client.software.id, client.company.bank.id)


def test_an_account_that_a_bank_feeds_is_kept_until_it_is_disconnected(client: Client) -> None:
    bank, cash = client.company.bank, client.cash
    preview = preview_merge(client.entity, source=bank, target=cash, closed_balance_on=None)
    assert "stands for the bank account Bank" in preview.obstacles[0]
    with pytest.raises(ConflictError, match="stands for the bank account"):
        merge_accounts(entity=client.entity, source=bank, target=cash, actor=SYSTEM)
    # The other way round it is fine, and so is one that is no longer fed.
    merge_accounts(entity=client.entity, source=cash, target=bank, actor=SYSTEM)
    till = make_account(client.company.ledger, "Till")
    BankAccount.objects.filter(id=client.checking.id).update(disconnected_at=utc_now())
    merge_accounts(entity=client.entity, source=bank, target=till, actor=SYSTEM)
    bank.refresh_from_db()
    assert bank.closed_at is not None

"""The work of the background worker on bank connections."""

from collections.abc import Iterator

import pytest

from banking.background import disconnect, sync_all, sync_one
from banking.models import BankConnection
from banking.providers.base import LoginRequiredError, ProviderDownError
from banking.services.connecting import exchange, store_connection
from banking.tests.cast import Banked, make_banked, seen
from banking.tests.scripted import Scripted, in_place_of_the_sandbox
from ledger.actors import SYSTEM
from ledger.background import TaskRun
from ledger.exceptions import ProviderError


@pytest.fixture
def bank() -> Iterator[Scripted]:
    scripted = Scripted()
    scripted.is_strict = False
    with in_place_of_the_sandbox(scripted):
        yield scripted


@pytest.fixture
def bakery(db: None, bank: Scripted) -> Banked:
    return make_banked()


def connect(company: Banked, bank: Scripted, number: int) -> BankConnection:
    bank.item = f"item-{number}"
    token = f"public-{number}"
    arrival = exchange(entity=company.entity, public_token=token)
    return store_connection(
        entity=company.entity, public_token=token, arrival=arrival, actor=SYSTEM
    ).connection


def test_one_connection_is_synced_and_the_row_says_what_it_brought(bank: Scripted, bakery: Banked) -> None:
    connection = connect(bakery, bank, 1)
    bank.tell(seen("a", "1", account_id="chk"))
    run = TaskRun(bakery.entity, {"connection_id": str(connection.id)})

    assert sync_one(run) == "1 new lines, 1 recorded, 0 to decide on."
    assert run.reached.done == 1


def test_all_connections_are_synced_one_after_the_other(bank: Scripted, bakery: Banked) -> None:
    connect(bakery, bank, 1)
    connect(bakery, bank, 2)
    bank.tell(seen("a", "1", account_id="chk"))
    run = TaskRun(bakery.entity)

    message = sync_all(run)

    assert message is not None
    assert message.count("1 new lines") == 2
    assert (run.reached.done, run.reached.total) == (2, 2)
    assert sync_all(TaskRun(make_banked("Stranger").entity)) == "No bank is connected."


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (LoginRequiredError("Log in again."), ProviderError),
        (ProviderDownError("The bank is away."), ProviderDownError),
    ],
)
def test_a_connection_that_fails_keeps_no_other_back_and_the_task_says_so(
    bank: Scripted, bakery: Banked, fault: ProviderError, raised: type[ProviderError]
) -> None:
    connect(bakery, bank, 1)
    connect(bakery, bank, 2)
    bank.tell(seen("a", "1", account_id="chk"))
    bank.faults[0] = [fault]

    with pytest.raises(raised, match=fault.message) as caught:
        sync_all(TaskRun(bakery.entity))

    # What does not pass is not tried again.
    assert isinstance(caught.value, ProviderDownError) == isinstance(fault, ProviderDownError)
    assert len(bakery.all_transactions()) == 1


def test_giving_up_twice_is_giving_up_once(bank: Scripted, bakery: Banked) -> None:
    connection = connect(bakery, bank, 1)
    run = TaskRun(bakery.entity, {"connection_id": str(connection.id)})

    assert disconnect(run) == "There was nothing to do."
    BankConnection.objects.update(disconnected_at=connection.created_at)
    assert disconnect(run) == "The bank connection was given up."
    assert disconnect(run) == "There was nothing to do."
    assert bank.given_up == ["access-public-1"]


def test_a_provider_that_refuses_to_forget_is_forgotten_all_the_same(bank: Scripted, bakery: Banked) -> None:
    connection = connect(bakery, bank, 1)
    BankConnection.objects.update(disconnected_at=connection.created_at)
    bank.disconnect_faults = [ProviderError("No such item.")]

    message = disconnect(TaskRun(bakery.entity, {"connection_id": str(connection.id)}))

    assert message == "The provider did not confirm it: No such item."
    assert BankConnection.objects.get().access_token == ""

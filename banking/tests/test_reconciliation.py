"""Reconciliation as an accountant does it: stories, figures, and what is refused."""

from decimal import Decimal

import pytest

from accounts.system_accounts import make_system_accounts
from banking.choices import LineStatus, LinkKind, ReconciliationStatus
from banking.models import BankLine, LineLink, Reconciliation
from banking.reconciliation import proposals
from banking.reconciliation.exceptions import (
    AlreadyOpenError,
    CompletedError,
    DifferenceError,
    LineNotFoundError,
    NotMatchingError,
    NotReopenableError,
    ReconciledError,
    StatementDateError,
    TransactionsNotFoundError,
)
from banking.reconciliation.proposals import read_proposals
from banking.reconciliation.statements import read_books_balance, read_candidates
from banking.services import deciding
from banking.tests.reconciliation_cast import Bakery, day, txn
from ledger.actors import SYSTEM
from ledger.exceptions import ConflictError, ValidationError
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import AuditEvent
from ledger.services.entities import delete_entity
from ledger.services.periods import close_books
from transactions.choices import Status
from transactions.exceptions import PeriodClosedError
from transactions.models import Revision
from transactions.services import (
    approve_transactions,
    categorize_transactions,
    delete_transaction,
    edit_transaction,
    reverse_transaction,
)
from transactions.services.editing import Edit
from transactions.tests.conftest import NOON, assert_totals_hold
from transactions.verification import verify_books

pytestmark = pytest.mark.django_db


@pytest.fixture
def bakery(db: None) -> Bakery:
    return Bakery()


# --- stories -------------------------------------------------------------------------------------


def test_two_months_of_a_checking_account_with_a_deposit_of_three_cheques(bakery: Bakery) -> None:
    # January: 1,000.00 to begin with, rent, and three cheques that the bank shows as one deposit.
    capital = bakery.earn("1000", "2024-01-02", "Capital", status=Status.POSTED)
    rent = bakery.spend("400", "2024-01-05", "Rent January")
    cheques = [
        bakery.earn("200", "2024-01-29", "Cheque of Ames", status=Status.PENDING),
        bakery.earn("100", "2024-01-29", "Cheque of Burr", status=Status.PENDING),
        bakery.earn("25.50", "2024-01-30", "Cheque of Cole", status=Status.PENDING),
    ]
    # Written in January, cashed in February.
    outstanding = bakery.spend("50", "2024-01-30", "Cheque 12 to Miller", status=Status.PENDING)
    bakery.line("-1000", "2024-01-02", "CAPITAL", of=[capital])
    bakery.line("400", "2024-01-05", "RENT", of=[rent])
    deposit = bakery.line("-325.50", "2024-01-30", "DEPOSIT BRANCH 12")

    january = bakery.start("925.50")
    assert bakery.difference(january) == Decimal("925.50")

    # What the bank's own lines stand for is ticked in one go; the deposit is found as the sum of three.
    assert bakery.accept(january) == 2
    (sum_of_three,) = read_proposals(bakery.entity, bakery.statement(january)).matches.one_to_many
    assert {one.id for one in sum_of_three.transactions} == {one.id for one in cheques}
    assert sum_of_three.line.id == deposit.id
    with pytest.raises(DifferenceError, match=r"The difference is 325\.50 USD"):
        bakery.complete(january)

    assert bakery.match(january, deposit, *cheques) == 3
    assert bakery.difference(january) == 0
    bakery.complete(january)

    # What was PENDING or CLEARED is RECONCILED, what was POSTED stays so, the outstanding cheque waits.
    assert {bakery.stored(one).status for one in (rent, *cheques)} == {"RECONCILED"}
    assert bakery.stored(capital).status == "POSTED"
    assert bakery.stored(outstanding).status == "PENDING"
    stored = BankLine.objects.get(entity_id=bakery.entity.id, id=deposit.id)
    assert stored.status == LineStatus.RECORDED

    # February begins with what January ended with, and the cheque is cashed.
    cashed = bakery.line("50", "2024-02-06", "CHECK 12")
    sale = bakery.earn("80", "2024-02-10", "Sale")
    february = bakery.start("955.50", "2024-02-29")
    assert bakery.statement(february).opening_balance == Decimal("925.50")
    assert bakery.accept(february) == 1  # the cheque, by its amount and its day
    assert LineLink.objects.get(entity_id=bakery.entity.id, line=cashed).transaction_id == outstanding.id
    bakery.tick(february, sale)
    bakery.complete(february)

    # Books, totals and statements still hold, and approving goes on from RECONCILED.
    (approved,) = approve_transactions(entity=bakery.entity, ids=[rent.id], actor=SYSTEM)
    assert approved.error is None
    assert list(verify_books(bakery.entity)) == []
    assert_totals_hold(bakery.entity)


def test_a_card_is_reconciled_in_what_is_owed(bakery: Bakery) -> None:
    lunch = bakery.spend("30", bank=bakery.card)
    flour = bakery.spend("70", bank=bakery.card)
    refund = bakery.earn("10", bank=bakery.card)
    # Paying the card off is on its statement, and on that of the checking account.
    payment = bakery.earn("50", bank=bakery.card, credit=bakery.company.bank)
    bakery.line("30", of=[lunch], bank=bakery.card)
    bakery.line("-10", "2024-01-11", "REFUND", bank=bakery.card)

    owed = bakery.start("40", bank=bakery.card)  # 30 + 70 - 10 - 50
    assert read_books_balance(bakery.entity, bakery.statement(owed)) == 40
    amounts = {one.id: one.amount for one in read_candidates(bakery.entity, bakery.statement(owed), limit=10)}
    assert amounts == {lunch.id: 30, flour.id: 70, refund.id: -10, payment.id: -50}
    assert bakery.accept(owed) == 2
    bakery.tick(owed, flour, payment)
    bakery.complete(owed)

    # The same payment leaves the checking account.
    checking = bakery.start("-50")
    assert bakery.tick(checking, payment) == 1
    bakery.complete(checking)
    assert bakery.stored(payment).status == "RECONCILED"
    assert list(verify_books(bakery.entity)) == []


def test_a_month_in_which_nothing_happened_is_completed_with_nothing(bakery: Bakery) -> None:
    bakery.completed(bakery.earn("10"))
    quiet = bakery.start("10", "2024-02-29")
    bakery.complete(quiet)
    assert bakery.statement(quiet).status == "completed"


def test_an_account_that_was_connected_anew_goes_on_from_its_old_statements(bakery: Bakery) -> None:
    sale = bakery.earn("10")
    bakery.completed(sale)
    bakery.checking.disconnected_at = bakery.checking.created_at
    bakery.checking.save()
    anew = bakery.bank_account(bakery.company.bank, name="Bank again")

    with pytest.raises(StatementDateError):
        bakery.start("10", "2024-01-31", bank=anew)
    february = bakery.start("15", "2024-02-29", bank=anew)
    more = bakery.earn("5", "2024-02-03")

    assert bakery.statement(february).opening_balance == 10
    # What stands on the old account's statement is not offered, and not taken, a second time.
    candidates = read_candidates(bakery.entity, bakery.statement(february), limit=10)
    assert [one.id for one in candidates] == [more.id]
    with pytest.raises(NotMatchingError, match="another statement"):
        bakery.tick(february, sale)
    bakery.tick(february, more)
    bakery.complete(february)
    assert list(verify_books(bakery.entity)) == []


# --- beginning -----------------------------------------------------------------------------------


def test_statements_are_reconciled_one_at_a_time_and_in_order(bakery: Bakery) -> None:
    january = bakery.start("0")
    with pytest.raises(AlreadyOpenError, match=encode_id(Prefix.RECONCILIATION, january)):
        bakery.start("0", "2024-02-29")
    # Another account is another matter.
    bakery.start("0", "2024-02-29", bank=bakery.card)

    bakery.complete(january)
    for refused in ("2024-01-31", "2024-01-30"):
        with pytest.raises(StatementDateError, match="2024-01-31"):
            bakery.start("0", refused)
    bakery.start("0", "2024-02-01")


def test_a_statement_of_a_day_to_come_is_refused(bakery: Bakery) -> None:
    with pytest.raises(ValidationError, match="statementDate: 2150-01-01 is to come"):
        bakery.start("0", "2150-01-01")


def test_a_balance_has_the_digits_of_the_accounts_currency(bakery: Bakery) -> None:
    with pytest.raises(ValidationError, match="statementBalance"):
        bakery.start("10.005")
    assert bakery.statement(bakery.start("-10.05")).statement_balance == Decimal("-10.05")


# --- ticking -------------------------------------------------------------------------------------


def test_ticking_twice_and_unticking_what_is_not_ticked_change_nothing(bakery: Bakery) -> None:
    sale, other = bakery.earn("10"), bakery.earn("20")
    one = bakery.start("10")
    assert bakery.tick(one, sale, sale) == 1
    assert bakery.tick(one, sale) == 0
    assert bakery.untick(one, other) == 0
    assert bakery.untick(one, sale, other) == 1
    assert bakery.difference(one) == 10
    # Who said what is in the audit trail, once each.
    events = AuditEvent.objects.filter(scope_id=bakery.entity.id, action__endswith="ticked")
    said = events.order_by("sequence")
    name = encode_id(Prefix.TRANSACTION, sale.id)
    assert [(one.action.rpartition(".")[2], one.after) for one in said] == [
        ("ticked", {"transactions": [name]}),
        ("unticked", {"transactions": [name]}),
    ]


def test_what_cannot_be_on_the_statement_is_refused_and_named_by_its_place(bakery: Bakery) -> None:
    fine = bakery.earn("10")
    late = bakery.earn("10", "2024-02-01")
    elsewhere = bakery.company.post("10")
    one = bakery.start("10")

    with pytest.raises(ValidationError) as refused:
        bakery.tick(one, fine, late, elsewhere)
    assert [detail.field for detail in refused.value.details] == ["transactionIds[1]", "transactionIds[2]"]
    assert "dated 2024-02-01" in refused.value.details[0].message
    assert "is not on the account" in refused.value.details[1].message

    unknown = new_id()
    with pytest.raises(TransactionsNotFoundError, match=txn(unknown)) as missing:
        bakery.tick(one, fine, unknown)
    assert missing.value.details[0].field == "transactionIds[1]"
    # All or none.
    assert bakery.ticked(one) == set()


def test_what_expired_cannot_be_ticked(bakery: Bakery) -> None:
    gone = bakery.earn("10", status=Status.PENDING)
    edit_transaction(
        entity=bakery.entity, transaction_id=gone.id, edit=Edit(status=Status.EXPIRED), actor=SYSTEM
    )
    with pytest.raises(NotMatchingError, match="EXPIRED"):
        bakery.tick(bakery.start("10"), gone)


def test_what_was_ticked_and_moved_away_counts_no_more_and_falls_off(bakery: Bakery) -> None:
    stays = bakery.earn("10")
    expires = bakery.earn("20", status=Status.PENDING)
    later, elsewhere = bakery.earn("30"), bakery.earn("40")
    one = bakery.start("10")
    bakery.tick(one, stays, expires, later, elsewhere)
    assert bakery.difference(one) == -90

    for row, edit in (
        (expires, Edit(status=Status.EXPIRED)),
        (later, Edit(timestamp=later.timestamp.replace(month=3), date=day("2024-03-10"))),
        (elsewhere, Edit(debit_account_id=bakery.company.cash.id)),
    ):
        edit_transaction(entity=bakery.entity, transaction_id=row.id, edit=edit, actor=SYSTEM)

    assert bakery.difference(one) == 0
    bakery.complete(one)
    assert bakery.ticked(one) == {stays.id}
    # March takes what was moved there.
    march = bakery.start("40", "2024-03-31")
    bakery.tick(march, later)
    bakery.complete(march)


def test_deleting_what_is_ticked_on_an_open_statement_takes_it_off(bakery: Bakery) -> None:
    sale, other = bakery.earn("10"), bakery.earn("20")
    one = bakery.start("10")
    bakery.tick(one, sale, other)
    delete_transaction(entity=bakery.entity, transaction_id=other.id, actor=SYSTEM)
    assert bakery.ticked(one) == {sale.id}
    bakery.complete(one)


# --- bank lines ----------------------------------------------------------------------------------


def test_a_line_is_matched_only_with_what_comes_to_it_exactly(bakery: Bakery) -> None:
    rows = [bakery.earn("200"), bakery.earn("100")]
    out = bakery.spend("300")
    line = bakery.line("-300")
    one = bakery.start("300")
    for wrong, told in ((rows[:1], r"transactions -200\.00; both"), ([out], r"transactions 300\.00; both")):
        with pytest.raises(ValidationError, match=told):
            bakery.match(one, line, *wrong)
    assert bakery.match(one, line, *rows) == 2
    links = LineLink.objects.filter(entity_id=bakery.entity.id, line=line)
    assert {link.transaction_id for link in links} == {row.id for row in rows}
    assert {link.kind for link in links} == {LinkKind.MATCHED}


def test_what_was_ticked_before_can_be_matched_too(bakery: Bakery) -> None:
    sale, line = bakery.earn("10"), bakery.line("-10")
    one = bakery.start("10")
    bakery.tick(one, sale)
    assert bakery.match(one, line, sale) == 0
    assert LineLink.objects.get(entity_id=bakery.entity.id, line=line).transaction_id == sale.id


def test_lines_and_transactions_that_have_a_match_get_no_second(bakery: Bakery) -> None:
    sale, other = bakery.earn("10"), bakery.earn("10")
    taken, free = bakery.line("-10", of=[sale]), bakery.line("-10")
    one = bakery.start("10")
    with pytest.raises(ConflictError, match="is recorded and cannot be matched: unmatch it first"):
        bakery.match(one, taken, other)
    with pytest.raises(ConflictError, match=r"stands for bank line line_.* of this account already"):
        bakery.match(one, free, sale)


@pytest.mark.parametrize("status", [LineStatus.PENDING, LineStatus.REMOVED])
def test_lines_that_the_bank_has_not_posted_are_not_matched(bakery: Bakery, status: LineStatus) -> None:
    with pytest.raises(ConflictError, match=f"is {status.value} and cannot be matched"):
        bakery.match(bakery.start("10"), bakery.line("-10", status=status), bakery.earn("10"))


def test_lines_of_a_later_day_and_of_another_account_are_not_matched(bakery: Bakery) -> None:
    sale, one = bakery.earn("10"), bakery.start("10")
    with pytest.raises(ValidationError, match=r"lineId: .* dated 2024-02-01"):
        bakery.match(one, bakery.line("-10", "2024-02-01"), sale)
    with pytest.raises(LineNotFoundError):
        bakery.match(one, bakery.line("-10", bank=bakery.card), sale)


def test_a_match_is_taken_back_and_what_was_made_of_a_line_is_not(bakery: Bakery) -> None:
    sale, made = bakery.earn("10"), bakery.earn("20")
    line, own = bakery.line("-10"), bakery.line("-20", of=[made])
    one = bakery.start("30")
    bakery.match(one, line, sale)
    bakery.tick(one, made)

    assert bakery.unmatch(one, line) == 1
    assert bakery.ticked(one) == {made.id}
    line.refresh_from_db()
    assert line.status == LineStatus.IGNORED
    assert not LineLink.objects.filter(entity_id=bakery.entity.id, line=line).exists()

    with pytest.raises(NotMatchingError, match="matched with no transaction"):
        bakery.unmatch(one, line)
    with pytest.raises(NotMatchingError, match="was made of line"):
        bakery.unmatch(one, own)


def test_a_match_that_a_completed_statement_rests_on_stays(bakery: Bakery) -> None:
    sale, line = bakery.earn("10"), bakery.line("-10")
    january = bakery.start("10")
    bakery.match(january, line, sale)
    bakery.complete(january)
    february = bakery.start("10", "2024-02-29")
    # Neither through another statement nor through the line itself: it could be recorded a second time.
    for unmatch in (
        lambda: bakery.unmatch(february, line),
        lambda: deciding.unmatch_line(entity=bakery.entity, line_id=line.id, actor=SYSTEM),
    ):
        with pytest.raises(NotMatchingError, match="on the completed bank statement of 2024-01-31"):
            unmatch()
    assert LineLink.objects.filter(entity_id=bakery.entity.id, line=line).exists()


def test_what_was_reversed_lets_its_line_go_though_it_stands_on_a_completed_statement(
    bakery: Bakery,
) -> None:
    wrong = bakery.earn("10", status=Status.POSTED)
    line = bakery.line("-10", of=[wrong])
    bakery.completed(wrong)
    reverse_transaction(entity=bakery.entity, transaction_id=wrong.id, actor=SYSTEM)
    deciding.unmatch_line(entity=bakery.entity, line_id=line.id, actor=SYSTEM)
    line.refresh_from_db()
    assert line.status == LineStatus.IGNORED


def test_the_same_match_again_changes_nothing(bakery: Bakery) -> None:
    sale, line = bakery.earn("10"), bakery.line("-10")
    one = bakery.start("10")
    assert [bakery.match(one, line, sale), bakery.match(one, line, sale)] == [1, 0]
    assert LineLink.objects.filter(entity_id=bakery.entity.id).count() == 1


@pytest.mark.parametrize("how", ["match", "accept"])
def test_what_the_bank_confirms_is_pending_no_more_and_expires_no_more(bakery: Bakery, how: str) -> None:
    soon = NOON.replace(year=2100)
    sale, line = bakery.earn("10", status=Status.PENDING, expires_at=soon), bakery.line("-10")
    one = bakery.start("10")
    if how == "match":
        bakery.match(one, line, sale)
    else:
        bakery.accept(one)
    assert bakery.ticked(one) == {sale.id}
    assert bakery.stored(sale).status == "CLEARED"


@pytest.mark.parametrize("how", ["match", "accept"])
def test_another_line_that_was_offered_what_is_matched_is_recorded_by_itself(
    bakery: Bakery, how: str
) -> None:
    make_system_accounts(entity=bakery.entity, ledger=bakery.company.ledger, actor=SYSTEM)
    sale, line = bakery.earn("10"), bakery.line("-10", "2024-01-10", "Sale")
    other = bakery.line(
        "-10", "2024-01-28", "Else", status=LineStatus.OFFERED, offered_transaction_id=sale.id
    )
    one = bakery.start("20")
    if how == "match":
        bakery.match(one, line, sale)
    else:
        # The offer makes that line the likelier one; the bank booked it a day too late for this statement.
        BankLine.objects.filter(id=other.id).update(date=day("2024-02-01"))
        bakery.accept(one)
    other.refresh_from_db()
    assert (other.status, other.offered_transaction_id) == (LineStatus.RECORDED, None)
    made = LineLink.objects.get(entity_id=bakery.entity.id, line=other)
    assert made.kind == LinkKind.MADE
    assert made.transaction_id != sale.id


def test_what_was_reversed_and_what_reverses_it_are_no_line_of_the_bank(bakery: Bakery) -> None:
    wrong = bakery.earn("10", status=Status.POSTED)
    done = reverse_transaction(
        entity=bakery.entity, transaction_id=wrong.id, actor=SYSTEM, on=wrong.timestamp
    )
    deposit, payment = bakery.line("-10"), bakery.line("10")
    one = bakery.start("0")
    matches = read_proposals(bakery.entity, bakery.statement(one)).matches
    assert (matches.one_to_one, matches.one_to_many) == ([], [])
    for line, row in ((deposit, wrong), (payment, done.reversal)):
        with pytest.raises(ConflictError, match="no bank line stands behind it"):
            bakery.match(one, line, row)
    # Ticked together they change nothing, and are out of the way.
    bakery.tick(one, wrong, done.reversal)
    bakery.complete(one)


def test_matches_are_in_the_audit_trail(bakery: Bakery) -> None:
    sale, line = bakery.earn("10"), bakery.line("-10")
    rent, debit = bakery.spend("4"), bakery.line("4")
    one = bakery.start("6")
    bakery.match(one, line, sale)
    bakery.unmatch(one, line)
    bakery.accept(one)
    events = AuditEvent.objects.filter(scope_id=bakery.entity.id).order_by("sequence")
    assert list(events.values_list("action", flat=True)) == [
        "banking.reconciliation.started",
        "banking.line.matched",
        "banking.line.unmatched",
        "banking.reconciliation.matched",
    ]
    last = events.last()
    assert last is not None
    assert last.after == {line.public_id: txn(sale), debit.public_id: txn(rent)}


def test_where_not_all_is_looked_at_what_is_suggested_says_so(
    bakery: Bakery, monkeypatch: pytest.MonkeyPatch
) -> None:
    bakery.line("-10")
    bakery.line("-20")
    found = bakery.statement(bakery.start("0"))
    assert read_proposals(bakery.entity, found).matches.is_complete
    monkeypatch.setattr(proposals, "LINES_MAX", 2)
    assert not read_proposals(bakery.entity, found).matches.is_complete


def test_accepting_takes_the_period_of_the_statement_and_nothing_later(bakery: Bakery) -> None:
    inside, after = bakery.earn("10"), bakery.earn("20", "2024-01-31")
    bakery.line("-10", of=[inside])
    bakery.line("-20", "2024-02-02", of=[after])  # booked by the bank in February
    pending = bakery.earn("30")
    bakery.line("-30", "2024-01-12", of=[pending], status=LineStatus.REMOVED)
    one = bakery.start("10")
    cleared = read_proposals(bakery.entity, bakery.statement(one)).cleared
    assert (cleared.count, cleared.amount) == (1, Decimal(10))
    assert bakery.accept(one) == 1
    assert bakery.accept(one) == 0
    assert bakery.ticked(one) == {inside.id}
    bakery.complete(one)
    february = bakery.start("30", "2024-02-29")
    assert bakery.accept(february) == 1
    bakery.complete(february)


# --- completing ----------------------------------------------------------------------------------


def test_an_unfinished_statement_tells_the_difference_and_what_is_not_ticked(bakery: Bakery) -> None:
    ticked, missed = bakery.earn("10"), bakery.earn("4", text="Bread")
    bakery.spend("1")
    one = bakery.start("14")
    bakery.tick(one, ticked)
    with pytest.raises(DifferenceError) as refused:
        bakery.complete(one)
    error = refused.value
    assert "The difference is 4.00 USD" in error.message
    assert "says 14.00 USD, and what is ticked comes to 10.00 USD" in error.message
    assert "not ticked comes to 3.00 USD" in error.message
    told = {detail.message for detail in error.details}
    assert f'{txn(missed)} of 2024-01-10, 4.00 "Bread", is not ticked; it is just the difference.' in told
    assert len(told) == 2
    assert bakery.statement(one).is_open
    assert bakery.stored(ticked).status == "CLEARED"


def test_what_is_much_older_than_the_last_statement_is_listed_apart_and_still_counts(bakery: Bakery) -> None:
    ancient = bakery.spend("7", "2023-01-05", "Cheque 1")
    bakery.completed(bakery.earn("10"))
    recent = bakery.spend("2", "2024-01-05", "Cheque 2")
    february = bakery.start("10", "2024-02-29")
    found = bakery.statement(february)

    near = read_candidates(bakery.entity, found, limit=9, recent=True)
    assert [one.id for one in near] == [recent.id]
    everything = read_candidates(bakery.entity, found, limit=9)
    assert [one.id for one in everything] == [recent.id, ancient.id]
    assert read_books_balance(bakery.entity, found) == 1

    # A cheque that old can be ticked all the same.
    bakery.tick(february, recent)
    bakery.delete(february)
    once = bakery.start("3", "2024-02-29")
    bakery.tick(once, ancient)
    bakery.complete(once)


def test_where_only_what_is_old_is_not_ticked_the_refusal_has_its_sum(bakery: Bakery) -> None:
    bakery.spend("7", "2023-01-05")
    bakery.completed(bakery.earn("10"))
    with pytest.raises(DifferenceError, match=r"What is not ticked comes to -7\.00 USD\.") as refused:
        bakery.complete(bakery.start("11", "2024-02-29"))
    assert refused.value.details == ()


def test_where_all_is_ticked_the_refusal_says_so(bakery: Bakery) -> None:
    sale = bakery.earn("10")
    one = bakery.start("11")
    bakery.tick(one, sale)
    with pytest.raises(DifferenceError, match="Everything up to that day is ticked"):
        bakery.complete(one)


def test_of_many_that_are_not_ticked_twenty_are_named(bakery: Bakery) -> None:
    for n in range(25):
        bakery.earn(str(n + 1))
    with pytest.raises(DifferenceError) as refused:
        bakery.complete(bakery.start("1"))
    assert len(refused.value.details) == 21
    assert refused.value.details[-1].message == "There are more that are not ticked."


def test_completing_says_who_and_when_and_files_the_moves(bakery: Bakery) -> None:
    sale = bakery.earn("10")
    one = bakery.completed(sale)
    found = Reconciliation.objects.get(entity_id=bakery.entity.id, id=one)
    assert found.status == ReconciliationStatus.COMPLETED
    assert found.completed_at is not None
    revision = Revision.objects.get(entity_id=bakery.entity.id, transaction_id=sale.id)
    assert (revision.change, revision.reason) == ("reconciled", "bank statement of 2024-01-31")
    actions = AuditEvent.objects.filter(scope_id=bakery.entity.id).values_list("action", flat=True)
    assert list(actions.order_by("sequence")) == [
        "banking.reconciliation.started",
        "banking.reconciliation.ticked",
        "banking.reconciliation.completed",
    ]


def test_what_is_completed_is_not_worked_on(bakery: Bakery) -> None:
    sale, line = bakery.earn("10"), bakery.line("-10")
    one = bakery.completed(sale)
    for work in (
        lambda: bakery.tick(one, sale),
        lambda: bakery.untick(one, sale),
        lambda: bakery.match(one, line, sale),
        lambda: bakery.accept(one),
        lambda: bakery.complete(one),
        lambda: bakery.delete(one),
    ):
        with pytest.raises(CompletedError, match="is completed"):
            work()


def test_pending_items_of_a_closed_period_cannot_be_moved_and_the_words_say_so(bakery: Bakery) -> None:
    pending, posted = bakery.earn("10"), bakery.earn("5", status=Status.POSTED)
    close_books(entity=bakery.entity, through=day("2024-01-31"), actor=SYSTEM)
    one = bakery.start("15")
    bakery.tick(one, pending, posted)
    with pytest.raises(PeriodClosedError, match="closed through 2024-01-31"):
        bakery.complete(one)
    assert bakery.statement(one).is_open


def test_accepting_leaves_what_is_pending_in_a_closed_period_and_takes_the_rest(bakery: Bakery) -> None:
    pending, posted = bakery.earn("10", status=Status.PENDING), bakery.earn("5", status=Status.POSTED)
    bakery.line("-10")
    bakery.line("-5")
    close_books(entity=bakery.entity, through=day("2024-01-31"), actor=SYSTEM)
    one = bakery.start("5")
    assert bakery.accept(one) == 1
    assert bakery.ticked(one) == {posted.id}
    assert bakery.stored(pending).status == "PENDING"


def test_what_is_posted_is_reconciled_in_a_closed_period_too(bakery: Bakery) -> None:
    posted = bakery.earn("5", status=Status.POSTED)
    close_books(entity=bakery.entity, through=day("2024-01-31"), actor=SYSTEM)
    bakery.completed(posted)


# --- what is locked ------------------------------------------------------------------------------


def test_what_stands_on_a_completed_statement_keeps_amount_day_and_account(bakery: Bakery) -> None:
    sale = bakery.earn("10")
    one = bakery.completed(sale)
    for edit in (
        Edit(amount=sale.amount + 1),
        Edit(amount=-sale.amount),
        Edit(timestamp=sale.timestamp.replace(day=11), date=day("2024-01-11")),
        Edit(debit_account_id=bakery.company.cash.id),
    ):
        with pytest.raises(ReconciledError, match="completed bank statement of 2024-01-31") as refused:
            edit_transaction(entity=bakery.entity, transaction_id=sale.id, edit=edit, actor=SYSTEM)
        assert encode_id(Prefix.RECONCILIATION, one) in refused.value.message
    with pytest.raises(ReconciledError, match="cannot be deleted"):
        delete_transaction(entity=bakery.entity, transaction_id=sale.id, actor=SYSTEM)
    assert bakery.stored(sale).amount == 10


def test_what_the_money_was_for_may_still_be_said_anew(bakery: Bakery) -> None:
    rent = bakery.spend("10")
    bakery.completed(rent)
    software = bakery.company.software.id
    categorize_transactions(entity=bakery.entity, ids=[rent.id], category_id=software, actor=SYSTEM)
    edit = Edit(description="Software, not rent")
    edit_transaction(entity=bakery.entity, transaction_id=rent.id, edit=edit, actor=SYSTEM)
    assert bakery.stored(rent).debit_account_id == software
    assert list(verify_books(bakery.entity)) == []


def test_a_posted_one_can_be_reversed_and_the_statement_still_holds(bakery: Bakery) -> None:
    sale = bakery.earn("10")
    bakery.completed(sale)
    approve_transactions(entity=bakery.entity, ids=[sale.id], actor=SYSTEM)
    done = reverse_transaction(
        entity=bakery.entity, transaction_id=sale.id, actor=SYSTEM, on=sale.timestamp.replace(month=2)
    )
    february = bakery.start("0", "2024-02-29")
    bakery.tick(february, done.reversal)
    bakery.complete(february)
    assert list(verify_books(bakery.entity)) == []


# --- reopening and throwing away -----------------------------------------------------------------


def test_the_latest_statement_is_reopened_with_its_ticks_and_unlocked(bakery: Bakery) -> None:
    sale, wrong = bakery.earn("10"), bakery.earn("20")
    one = bakery.completed(sale, wrong)
    bakery.reopen(one)

    assert bakery.statement(one).is_open
    assert bakery.ticked(one) == {sale.id, wrong.id}
    # There is no way back from RECONCILED; unlocked, it is changed and deleted like others.
    assert bakery.stored(wrong).status == "RECONCILED"
    edit_transaction(
        entity=bakery.entity, transaction_id=sale.id, edit=Edit(amount=sale.amount * 3), actor=SYSTEM
    )
    delete_transaction(entity=bakery.entity, transaction_id=wrong.id, actor=SYSTEM)
    bakery.complete(one)

    event = AuditEvent.objects.get(scope_id=bakery.entity.id, action="banking.reconciliation.reopened")
    assert event.after == {"reason": "corrected statement"}
    assert list(verify_books(bakery.entity)) == []


def test_a_statement_is_not_reopened_under_a_later_one(bakery: Bakery) -> None:
    january = bakery.completed(bakery.earn("10"))
    february = bakery.start("10", "2024-02-29")
    with pytest.raises(NotReopenableError, match="delete the later one first"):
        bakery.reopen(january)
    bakery.complete(february)
    with pytest.raises(NotReopenableError, match="reopen the later one first"):
        bakery.reopen(january)
    bakery.reopen(february)
    with pytest.raises(NotReopenableError, match="is open"):
        bakery.reopen(february)
    bakery.delete(february)
    bakery.reopen(january)


def test_an_open_one_is_thrown_away_and_the_books_stay(bakery: Bakery) -> None:
    sale = bakery.earn("10")
    one = bakery.start("99")
    bakery.tick(one, sale)
    bakery.delete(one)
    assert not Reconciliation.objects.filter(entity_id=bakery.entity.id).exists()
    assert bakery.stored(sale).status == "CLEARED"
    bakery.completed(sale)


def test_a_company_goes_with_its_completed_statements(bakery: Bakery) -> None:
    bakery.completed(bakery.earn("10"))
    bakery.start("10", "2024-02-29")
    delete_entity(entity=bakery.entity, actor=SYSTEM)
    assert not Reconciliation.objects.exists()

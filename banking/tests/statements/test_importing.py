"""What becomes of statement files in the books."""

import datetime as dt
import gc
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from banking.models import BankAccount, BankConnection, BankLine, LineLink, StatementImport
from banking.reconciliation.tie_out import list_tie_outs, tie_out
from banking.statements.faults import StatementFileError
from banking.statements.garbage import COLLECT_AFTER, collected_seldom
from banking.statements.previewing import preview_statement
from banking.tests.statements.cast import DIALECTS, Holder, csv, sample
from ledger.choices import ImportStatus
from ledger.exceptions import ConflictError
from transactions.models import Transaction
from transactions.tests.conftest import NOON

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_overlapping_file_adds_what_is_new_and_a_second_upload_nothing(dialect: str) -> None:
    currency, type_, first_count, second_count, fresh = DIALECTS[dialect]
    holder = Holder(currency, type_)

    first = holder.upload(sample(dialect, 1))
    second = holder.upload(sample(dialect, 2))
    again = [holder.upload(sample(dialect, number)) for number in (1, 2)]

    assert (first.status, first.created_count, first.skipped_count) == ("completed", first_count, 0)
    assert (second.created_count, second.skipped_count) == (fresh, second_count - fresh)
    assert [(one.created_count, one.skipped_count) for one in again] == [(0, first_count), (0, second_count)]
    # Each line is one transaction, and all of them together are what the account moved.
    assert holder.transaction_count() == first_count + fresh == BankLine.objects.count()
    assert LineLink.objects.filter(entity=holder.entity).count() == first_count + fresh
    moved = sum(amount for _, amount, _ in holder.lines())
    rows = Transaction.objects.filter(entity=holder.entity)
    bank = holder.account.ledger_account_id
    assert moved == sum(one.amount if one.credit_account_id == bank else -one.amount for one in rows)


def test_the_second_file_may_come_first() -> None:
    holder = Holder("EUR")

    counts = [holder.upload(sample("camt_de_batches", number)).created_count for number in (2, 1)]

    # Six and five lines, of which three are the same.
    assert counts == [5, 3]


def test_two_equal_lines_of_a_day_are_both_kept() -> None:
    holder = Holder("EUR")

    holder.upload(sample("csv_de_preamble", 1))

    twice = [one for one in holder.lines() if one[1] == Decimal("59.90")]
    assert twice == [("2024-01-10", Decimal("59.9000"), "Lastschrift Abschlag Januar")] * 2


def test_money_in_debits_the_bank_and_money_out_credits_it() -> None:
    holder = Holder("USD")
    holder.upload(sample("ofx_us_checking", 1))

    paid = Transaction.objects.get(entity=holder.entity, amount="2500")
    check = Transaction.objects.get(entity=holder.entity, amount="820")

    assert paid.debit_account_id == holder.account.ledger_account_id
    assert check.credit_account_id == holder.account.ledger_account_id
    assert (check.description, str(check.status), str(check.date)) == ("CHECK 1007", "CLEARED", "2024-01-05")


def test_the_account_learns_number_balance_and_mapping() -> None:
    holder = Holder("EUR")

    holder.upload(sample("camt_nl_days", 2))
    holder.upload(sample("camt_nl_days", 1))  # older: its balance is not the newest
    holder.account.refresh_from_db()

    account = holder.account
    assert (account.provider_account_id, account.mask) == ("NL91ABNA0417164300", "4300")
    assert account.balance_current == Decimal("60.00")
    # The end of the day of that balance, and still of it.
    assert account.balance_at == dt.datetime(2024, 3, 5, 23, 59, 59, 999_999, dt.UTC)
    record = StatementImport.objects.latest("created_at")
    assert (record.opening_balance, record.closing_balance) == (Decimal("10.00"), Decimal("65.50"))
    assert (str(record.first_date), str(record.last_date)) == ("2024-03-01", "2024-03-04")


def test_what_a_statement_ends_with_is_held_against_the_books_of_its_own_day() -> None:
    holder = Holder("USD")
    record = holder.upload(sample("ofx_us_checking", 1))
    booked = sum(amount for _, amount, _ in holder.lines())
    # The company's own entry of the day after says nothing of that balance.
    holder.client.record(("LATER", "10.00"), at=dt.datetime(2024, 1, 9, 12, tzinfo=dt.UTC))
    tie_out(holder.entity)

    (row,) = list_tie_outs(holder.entity, limit=9)
    assert str(row.date) == "2024-01-08"
    assert row.bank_balance == record.closing_balance == Decimal("5163.50")
    assert row.books_balance == -booked


def test_money_owed_on_a_card_is_a_positive_balance() -> None:
    holder = Holder("USD", "credit")

    record = holder.upload(sample("ofx_card", 1))
    holder.account.refresh_from_db()

    assert holder.account.balance_current == Decimal("0.80")
    assert record.closing_balance == Decimal("-0.80")


def test_a_mapping_is_remembered_and_used_for_the_next_file() -> None:
    holder = Holder("USD")
    first = csv("when;what;how much", "03/01/2024;Bread;5.00", "04/01/2024;Butter;2.50")
    mapping = {
        "date": "when",
        "amount": "how much",
        "description": "what",
        "dateOrder": "DMY",
        "amountSign": "out",
    }

    holder.upload(first, mapping=mapping)
    second = holder.upload(csv("when;what;how much", "04/01/2024;Butter;2.50", "05/01/2024;Jam;3.00"))

    assert (second.created_count, second.skipped_count) == (1, 1)
    assert holder.lines()[-1] == ("2024-01-05", Decimal("3.0000"), "Jam")


def test_a_remembered_mapping_gives_way_to_other_columns() -> None:
    holder = Holder("USD")
    mapping = {"date": "when", "amount": "sum", "description": "what"}
    holder.upload(csv("when,what,sum", "2024-01-03,Bread,-5.00"), mapping=mapping)

    holder.upload(csv("Date,Description,Amount", "2024-01-04,Butter,-2.50"))

    assert [one[2] for one in holder.lines()] == ["Bread", "Butter"]


def test_a_statement_of_another_currency_is_refused() -> None:
    holder = Holder("EUR")

    with pytest.raises(StatementFileError, match='"USD"') as refused:
        holder.upload(sample("ofx_us_checking", 1))

    assert refused.value.details[0].field == "row 1, currency"
    assert not BankLine.objects.exists()
    assert not StatementImport.objects.exists()


def test_a_statement_of_another_account_is_refused() -> None:
    holder = Holder("GBP")
    holder.upload(sample("ofx_uk_xml", 1))
    other = sample("ofx_uk_xml", 2).replace(b"20041538290008", b"20041538290016")

    with pytest.raises(StatementFileError, match="20041538290016") as refused:
        holder.upload(other)

    assert refused.value.details[0].field == "row 1, accountNumber"
    assert BankLine.objects.count() == 3


def test_the_number_of_an_account_is_known_in_its_iban() -> None:
    holder = Holder("EUR")
    holder.upload(sample("camt_de_batches", 1))

    # 37040044/0532013000 is the end of DE89370400440532013000.
    record = holder.upload(sample("mt940_de_structured", 1))

    assert record.status == ImportStatus.COMPLETED


def test_a_connected_account_takes_statements_that_end_with_its_digits() -> None:
    holder = Holder("USD")
    BankAccount.objects.filter(id=holder.account.id).update(mask="6789", provider_account_id="")

    holder.upload(sample("ofx_us_checking", 1))

    assert BankLine.objects.count() == 5


FAULTY = csv(
    "Date,Description,Amount",
    "2024-01-03,Bread,-5.00",
    "2024-02-30,Butter,-2.50",
    "2024-01-05,Jam,NaN",
    "2999-01-01,Honey,-1.00",
    "2024-01-06,Milk,-1.10",
)


def test_with_faulty_rows_nothing_is_imported_and_each_is_named() -> None:
    holder = Holder("USD")

    with pytest.raises(StatementFileError) as refused:
        holder.upload(FAULTY)

    assert [one.field for one in refused.value.details] == ["row 3, Date", "row 4, Amount", "row 5, Date"]
    assert "does not exist" in refused.value.details[0].message
    assert "future" in refused.value.details[2].message
    assert not BankLine.objects.exists()
    assert not StatementImport.objects.exists()


def test_with_partial_the_good_rows_are_imported_and_the_others_listed() -> None:
    holder = Holder("USD")

    record = holder.upload(FAULTY, partial=True)

    assert (record.status, record.created_count) == (ImportStatus.PARTIAL, 2)
    assert [(one["row"], one["field"]) for one in record.errors] == [(3, "Date"), (4, "Amount"), (5, "Date")]
    assert [one[2] for one in holder.lines()] == ["Bread", "Milk"]


def test_of_more_faults_than_are_listed_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("banking.statements.faults.FAULTS_LISTED_MAX", 2)

    record = Holder("USD").upload(FAULTY, partial=True)

    assert [(one["row"], one["field"]) for one in record.errors] == [(3, "Date"), (4, "Amount"), (0, "file")]
    assert "1 more faults that are not listed" in record.errors[-1]["message"]


def test_with_partial_and_no_good_row_the_import_has_failed() -> None:
    holder = Holder("USD")

    record = holder.upload(csv("Date,Description,Amount", "2024-01-03,Bread,much"), partial=True)

    assert (record.status, record.created_count) == (ImportStatus.FAILED, 0)


def test_when_storing_fails_in_the_middle_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    holder = Holder("USD")
    monkeypatch.setattr("banking.statements.importing.BATCH_LINES", 2)

    def break_down(done: int, of: int) -> None:
        raise RuntimeError(f"after {done} of {of}")

    with pytest.raises(RuntimeError, match="after 2 of 5"):
        holder.upload(sample("ofx_us_checking", 1), progress=break_down)

    assert not BankLine.objects.exists()
    assert not StatementImport.objects.exists()
    assert not holder.transaction_count()


def test_a_disconnected_account_takes_no_statements() -> None:
    holder = Holder("USD", disconnected_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC))

    with pytest.raises(ConflictError, match="disconnected"):
        holder.upload(sample("ofx_us_checking", 1))


def test_the_number_of_queries_does_not_grow_with_the_lines() -> None:
    small, large = Holder("USD"), Holder("USD")

    def queries(holder: Holder, rows: int) -> int:
        lines = [f"2024-01-{1 + number % 28:02d},Shop {number},-{number + 1}.00" for number in range(rows)]
        with CaptureQueriesContext(
            connection,
        ) as captured:
            holder.upload(csv("Date,Description,Amount", *lines))
        return len(captured)

    queries(Holder("USD"), 5)  # what is prepared once
    assert queries(large, 400) <= queries(small, 20)


def test_what_a_file_brings_is_neither_read_back_nor_looked_up_by_its_name() -> None:
    holder = Holder("USD")
    with CaptureQueriesContext(connection) as captured:
        holder.upload(csv("Date,Description,Amount", "2024-01-03,Bread,-5.00", "2024-01-04,Jam,-3.00"))

    assert holder.transaction_count() == 2
    sent = [one["sql"] for one in captured.captured_queries]
    assert any("COPY banking_bankline" in sql for sql in sent)
    assert not [sql for sql in sent if "WITH ORDINALITY" in sql or "external_id = ANY" in sql]


def test_the_collector_of_garbage_comes_seldom_while_a_file_is_imported_and_as_before_afterwards() -> None:
    before = gc.get_threshold()
    during: list[int] = []
    try:
        gc.set_threshold(700, 10, 10)
        Holder("USD").upload(
            sample("ofx_us_checking", 1), progress=lambda done, of: during.append(gc.get_threshold()[0])
        )
        assert during == [COLLECT_AFTER]
        assert gc.get_threshold() == (700, 10, 10)

        # Also where it is refused, and with another import going on.
        with collected_seldom():
            with pytest.raises(StatementFileError):
                Holder("USD").upload(FAULTY)
            assert gc.get_threshold()[0] == COLLECT_AFTER
        assert gc.get_threshold() == (700, 10, 10)

        # Who collects more seldom, or never, goes on so.
        for seldom in (50_000, 0):
            gc.set_threshold(seldom, 5, 5)
            with collected_seldom():
                assert gc.get_threshold() == (seldom, 5, 5)
            assert gc.get_threshold() == (seldom, 5, 5)
    finally:
        gc.set_threshold(*before)


# --- accounts that are connected to their bank, too ----------------------------------------------


def connected(**more: dt.datetime) -> Holder:
    """A holder whose account is connected to its bank, since 15 March."""
    holder = Holder("USD")
    made = BankConnection.objects.create(
        entity=holder.entity, provider="sandbox", provider_item_id="item-1", created_at=NOON, **more
    )
    BankAccount.objects.filter(id=holder.account.id).update(connection=made)
    holder.account.refresh_from_db()
    return holder


STATEMENT = csv(
    "Date,Description,Amount", "2024-01-09,Bread,-5.00", "2024-01-10,Butter,-2.50", "2024-01-11,Jam,-3.00"
)


def test_a_connected_account_takes_from_files_what_is_older_than_its_connections_lines() -> None:
    holder = connected(synced_at=NOON)
    holder.client.record(("BUTTER SHOP 12", "2.50"), at=NOON.replace(month=1, day=10))

    done = holder.upload(STATEMENT)

    assert (done.created_count, done.skipped_count, done.status) == (1, 2, "completed")
    assert [line[2] for line in holder.lines()] == ["Bread", "BUTTER SHOP 12"]
    assert holder.transaction_count() == 2
    preview = preview_statement(data=STATEMENT, bank_account=holder.account)
    assert preview.line_count == 1
    assert "2 lines are left out: from 2024-01-10 on" in preview.notes[0]


def test_a_connected_account_without_lines_takes_what_is_older_than_the_connection() -> None:
    holder = connected(synced_at=NOON)
    BankConnection.objects.update(created_at=NOON.replace(month=1, day=11))
    assert holder.upload(STATEMENT).created_count == 2


def test_before_the_first_sync_of_a_connected_account_no_file_is_taken() -> None:
    holder = connected()
    with pytest.raises(ConflictError, match="the first sync is not done"):
        holder.upload(STATEMENT)
    assert not StatementImport.objects.exists()
    preview = preview_statement(data=STATEMENT, bank_account=holder.account)
    assert "the first sync is not done" in preview.notes[0]

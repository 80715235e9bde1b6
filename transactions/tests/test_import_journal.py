"""`manage.py import_journal`, on the books of a real project and on files with faults."""

import csv
import os
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts.models import Account, AccountBalance
from accounts.services import close_account
from ledger.actors import SYSTEM
from ledger.models import AuditEvent, Entity, Ledger
from ledger.services.periods import close_books
from ledger.tests.helpers import make_developer, make_entity
from ledger.times import parse_day
from transactions.choices import Source, Status
from transactions.journal_import import import_journal
from transactions.models import JournalEntry, Transaction
from transactions.services import batches

pytestmark = pytest.mark.django_db
SHARED = Path(settings.BASE_DIR).parent / "shared" / "data"
HEADER = "entry_id,date,description,debit_account,credit_account,amount,currency\n"
TWO_ENTRIES = HEADER + (
    "1,2024-01-02,POS DEBIT 0412 ACME HOSTING,expenses:hosting,assets:bank,30.00,USD\n"
    "1,2024-01-02,POS DEBIT 0412 ACME HOSTING,expenses:tax,assets:bank,2.50,USD\n"
    "2,2024-01-03,Sale,assets:bank,revenues:sales,100,USD\n"
)


@pytest.fixture
def entity() -> Entity:
    return make_entity(make_developer().developer, "Imported Books LLC")


@pytest.fixture
def ledger(entity: Entity) -> Ledger:
    return Ledger.objects.get(entity_id=entity.id)


def run(file: Path, entity: Entity, *options: str) -> str:
    out = StringIO()
    call_command("import_journal", str(file), "--entity", entity.public_id, *options, stdout=out)
    return out.getvalue()


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "journal.csv"
    file.write_bytes(text.encode())
    return file


def balances(entity: Entity) -> dict[str, Decimal]:
    """What stands on each account, by its path, debits positive."""
    accounts = {account.id: account for account in Account.objects.for_entity(entity)}

    def path(account: Account) -> str:
        return f"{path(accounts[account.parent_id])}:{account.name}" if account.parent_id else account.name

    found: dict[str, Decimal] = {}
    for row in AccountBalance.objects.filter(entity_id=entity.id):
        name = path(accounts[row.account_id])
        found[name] = found.get(name, Decimal(0)) + row.debits_posted - row.credits_posted
    return found


def shared_file(name: str) -> Path:
    file = SHARED / name
    if not file.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{file} is missing; the tests of the project need it")
        pytest.skip(f"{file} is not on this machine")
    return file


def test_nine_years_of_a_real_project_come_out_to_the_cent_and_a_second_run_makes_nothing(
    entity: Entity,
) -> None:
    file = shared_file("gl_hledger_project_share.csv")
    with shared_file("gl_hledger_project_expected_trial_balance_share.csv").open() as expected_file:
        expected = {row["account"]: Decimal(row["balance"]) for row in csv.DictReader(expected_file)}

    said = run(file, entity)

    assert "Imported 1,929 entries as 3,239 transactions" in said
    assert "0 transactions skipped" in said
    assert balances(entity) == expected
    assert len(expected) == 122
    # Every one of them is posted, and linked by an entry where there are several.
    assert set(Transaction.objects.values_list("status", "source")) == {(Status.POSTED, Source.IMPORT)}
    assert JournalEntry.objects.count() == 1091
    assert Transaction.objects.filter(journal_entry__isnull=True).count() == 838

    # The trial balance and the verification agree.
    out = StringIO()
    call_command("trial_balance", "--entity", entity.public_id, "--format", "csv", stdout=out)
    printed = {
        row["account"]: Decimal(row["debit"]) - Decimal(row["credit"])
        for row in csv.DictReader(StringIO(out.getvalue()))
    }
    assert printed.pop("Total") == 0
    assert printed == expected
    call_command("verify", "--entity", entity.public_id, stdout=StringIO())

    accounts = Account.objects.count()
    said = run(file, entity)
    assert "Imported 0 entries as 0 transactions; 0 accounts made, 3,239 transactions skipped" in said
    assert (Transaction.objects.count(), Account.objects.count()) == (3239, accounts)
    assert balances(entity) == expected


def test_rows_of_one_entry_are_linked_and_say_who_stood_behind_them(
    entity: Entity, ledger: Ledger, tmp_path: Path
) -> None:
    run(written(tmp_path, TWO_ENTRIES), entity)

    first, second, third = Transaction.objects.order_by("date", "-amount")
    assert first.journal_entry_id == second.journal_entry_id is not None
    assert third.journal_entry_id is None
    assert (first.counterparty, first.description) == ("Acme Hosting", "POS DEBIT 0412 ACME HOSTING")
    journal_entry = JournalEntry.objects.get()
    assert (journal_entry.date, journal_entry.ledger_id) == (parse_day("2024-01-02", field=""), ledger.id)
    # The chart follows the paths.
    hosting = Account.objects.get(name="hosting")
    assert hosting.parent is not None
    assert (hosting.parent.name, hosting.type) == ("expenses", "EXPENSE")
    event = AuditEvent.objects.get(action="transactions.journal.imported")
    assert event.after == {
        "file": "journal.csv", "entries": 2, "transactions": 3, "accounts": 7, "skipped": 0,
    }  # fmt: skip


def test_a_day_is_one_of_the_companys_time_zone(tmp_path: Path) -> None:
    entity = make_entity(make_developer().developer, "Tokyo KK", timezone="Asia/Tokyo")
    run(written(tmp_path, TWO_ENTRIES), entity)
    first = Transaction.objects.order_by("date")[0]
    assert (str(first.date), first.timestamp.isoformat()) == ("2024-01-02", "2024-01-01T15:00:00+00:00")


def test_another_file_with_the_same_entry_ids_is_not_taken_for_the_first(
    entity: Entity, tmp_path: Path
) -> None:
    run(written(tmp_path, TWO_ENTRIES), entity)
    said = run(written(tmp_path, TWO_ENTRIES.replace("2024-", "2025-")), entity)
    assert "Imported 2 entries as 3 transactions; 0 accounts made, 0 transactions skipped" in said


def test_equal_rows_of_one_entry_are_both_recorded_and_once(entity: Entity, tmp_path: Path) -> None:
    row = "7,2024-01-02,Ticket,expenses:travel,assets:cash,12.00,USD\n"
    file = written(tmp_path, HEADER + row + row)
    run(file, entity)
    run(file, entity)
    assert balances(entity) == {"expenses:travel": Decimal(24), "assets:cash": Decimal(-24)}


def test_a_grown_file_adds_what_is_new_to_its_entry(entity: Entity, tmp_path: Path) -> None:
    run(written(tmp_path, TWO_ENTRIES), entity)
    grown = TWO_ENTRIES + "1,2024-01-02,Late fee,expenses:fees,assets:bank,1.00,USD\n"
    said = run(written(tmp_path, grown), entity)
    assert "Imported 1 entries as 1 transactions; 1 accounts made, 3 transactions skipped" in said
    late = Transaction.objects.get(description="Late fee")
    assert late.journal_entry_id == JournalEntry.objects.get().id


def test_rows_of_an_entry_may_stand_apart_and_in_several_batches(entity: Entity, tmp_path: Path) -> None:
    rows = TWO_ENTRIES.splitlines(keepends=True)
    apart = "".join([rows[0], rows[1], rows[3], rows[2]])
    run(written(tmp_path, apart), entity, "--batch", "1")
    entry = JournalEntry.objects.get()
    assert Transaction.objects.filter(journal_entry=entry).count() == 2


def test_a_negative_amount_swaps_the_accounts(entity: Entity, tmp_path: Path) -> None:
    run(written(tmp_path, HEADER + "1,2024-01-02,Refund,expenses:hosting,assets:bank,-30.00,USD\n"), entity)
    assert balances(entity) == {"assets:bank": Decimal(30), "expenses:hosting": Decimal(-30)}


def test_columns_may_stand_in_any_order_among_others(entity: Entity, tmp_path: Path) -> None:
    text = (
        "\ufeffcurrency,Amount,note,debit_account,credit_account,date,entry_id,description\r\n"
        'USD,5.00,x,assets:bank,equity:opening,2024-01-02,1,"two\r\nlines"\r\n'
    )
    run(written(tmp_path, text), entity)
    assert Transaction.objects.get().description == "two\r\nlines"


def test_another_separator_splits_the_paths(entity: Entity, tmp_path: Path) -> None:
    text = HEADER + "1,2024-01-02,Sale,Assets/Bank: main,Income/Sales,5.00,USD\n"
    run(written(tmp_path, text), entity, "--separator", "/")
    assert Account.objects.filter(name="Bank: main", type="ASSET").exists()


def test_a_dry_run_keeps_nothing(entity: Entity, tmp_path: Path) -> None:
    before = Account.objects.count()
    said = run(written(tmp_path, TWO_ENTRIES), entity, "--dry-run")
    assert "2 entries of 3 transactions are fit to be imported, with 7 new accounts; nothing was kept" in said
    assert (Transaction.objects.count(), Account.objects.count()) == (0, before)


@pytest.mark.parametrize(
    ("row", "place", "words"),
    [
        ("3,2024-02-30,x,expenses:a,assets:b,1.00,USD", "line 5, date", '"2024-02-30" is not a day'),
        ("3,01/02/2024,x,expenses:a,assets:b,1.00,USD", "line 5, date", '"01/02/2024" is not a day'),
        ("3,2024-01-02,x,expenses:a,assets:b,,USD", "line 5, amount", '"" is not an amount'),
        ("3,2024-01-02,x,expenses:a,assets:b,0.00,USD", "line 5, amount", '"0.00" is zero'),
        ("3,2024-01-02,x,expenses:a,assets:b,1.005,USD", "line 5, amount", "1.005 has more digits"),
        ("3,2024-01-02,x,expenses:a,assets:b,NaN,USD", "line 5, amount", '"NaN" is not an amount'),
        ("3,2024-01-02,x,expenses:a,assets:b,1000000000000000,USD", "line 5, amount", "too large"),
        (
            "3,2024-01-02,x,expenses:a,assets:b,1.00,EUR",
            "line 5, currency",
            '"EUR" is not the ledger\'s; write USD',
        ),
        ("3,2024-01-02,x,stuff:a,assets:b,1.00,USD", "line 5, debit_account", '"stuff:a" is no account path'),
        (
            "3,2024-01-02,x,expenses:a,assets::b,1.00,USD",
            "line 5, credit_account",
            '"assets::b" is no account path',
        ),
        (
            "3,2024-01-02,x,assets:b,assets:b,1.00,USD",
            "line 5, credit_account",
            '"assets:b" is the debit account too',
        ),
        (
            "3,2024-01-02,x,ASSETS:B,assets:b,1.00,USD",
            "line 5, credit_account",
            '"assets:b" is the debit account too',
        ),
        ("3,2024-01-02,x,,assets:b,1.00,USD", "line 5, debit_account", "is empty"),
        (",2024-01-02,x,expenses:a,assets:b,1.00,USD", "line 5, entry_id", "is empty"),
        ("2,2024-01-04,x,expenses:a,assets:b,1.00,USD", "line 5, date", "an entry has one date"),
        ("3,2024-01-02,x,expenses:a,assets:b,1.00", "line 5", "the row has 6 values and the header 7"),
        (
            f"3,2024-01-02,{'x' * 1001},expenses:a,assets:b,1.00,USD",
            "line 5, description",
            "longer than 1000",
        ),
        ("3,2024-01-02,x\0,expenses:a,assets:b,1.00,USD", "line 5, description", "NUL"),
        ('3,2024-01-02,"x"y,expenses:a,assets:b,1.00,USD', "line 5", "cannot be read as CSV"),
    ],
)
def test_a_file_with_a_fault_is_refused_by_line_column_and_value_before_anything_is_written(
    entity: Entity, tmp_path: Path, row: str, place: str, words: str
) -> None:
    before = Account.objects.count()
    with pytest.raises(CommandError) as refused:
        run(written(tmp_path, TWO_ENTRIES + row + "\n"), entity)
    assert f"{place}: " in str(refused.value)
    assert words in str(refused.value)
    assert "nothing was imported" in str(refused.value)
    assert (Transaction.objects.count(), JournalEntry.objects.count()) == (0, 0)
    assert Account.objects.count() == before


def test_what_is_no_utf_8_is_refused(entity: Entity, tmp_path: Path) -> None:
    file = tmp_path / "latin.csv"
    file.write_bytes(HEADER.encode() + "1,2024-01-02,Caf\xe9,expenses:a,assets:b,1,USD\n".encode("latin-1"))
    with pytest.raises(CommandError, match="cannot be read as UTF-8"):
        run(file, entity)


def test_a_missing_column_is_named(entity: Entity, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="line 1, amount: is missing from the header"):
        run(written(tmp_path, TWO_ENTRIES.replace("amount", "sum")), entity)


def test_of_many_faults_the_first_twenty_are_listed_and_the_others_counted(
    entity: Entity, tmp_path: Path
) -> None:
    rows = "".join(f"{number},soon,x,expenses:a,assets:b,1.00,USD\n" for number in range(300))
    with pytest.raises(CommandError) as refused:
        run(written(tmp_path, HEADER + rows), entity)
    lines = str(refused.value).splitlines()
    assert lines[0] == "journal.csv has 300 faults; nothing was imported."
    assert lines[1].startswith('  line 2, date: "soon" is not a day')
    assert lines[20].startswith("  line 21, date: ")
    assert lines[21:] == ["  and 280 more"]


def test_closed_accounts_and_closed_periods_are_refused_before_anything_is_written(
    entity: Entity, tmp_path: Path
) -> None:
    run(written(tmp_path, TWO_ENTRIES), entity)
    close_account(entity=entity, account=Account.objects.get(name="hosting"), actor=SYSTEM)
    later = written(tmp_path, TWO_ENTRIES.replace("2024-", "2025-"))
    with pytest.raises(CommandError, match='line 2, debit_account: "expenses:hosting" is closed'):
        run(later, entity)

    close_books(entity=entity, through=parse_day("2025-01-02", field=""), actor=SYSTEM)
    with pytest.raises(
        CommandError, match='line 2, date: "2025-01-02": The books are closed through 2025-01-02'
    ):
        run(later, entity)
    assert Transaction.objects.count() == 3


def test_an_import_that_broke_off_is_completed_by_the_next_one(
    entity: Entity, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(
        f"{number},2024-01-02,Row {number},expenses:a,assets:b,1.00,USD\n"
        f"{number},2024-01-02,Tax {number},expenses:t,assets:b,0.10,USD\n"
        for number in range(10)
    )
    file = written(tmp_path, HEADER + rows)
    calls = 0

    def break_off(done: int, of: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_journal(
            path=file, entity=entity, ledger=ledger, actor=SYSTEM, batch_rows=4, progress=break_off
        )
    assert (Transaction.objects.count(), JournalEntry.objects.count()) == (12, 6)

    said = run(file, entity)
    assert "Imported 4 entries as 8 transactions; 0 accounts made, 12 transactions skipped" in said
    assert (Transaction.objects.count(), JournalEntry.objects.count()) == (20, 10)
    assert balances(entity)["assets:b"] == Decimal("-11.00")


def test_a_batch_that_fails_leaves_neither_transactions_nor_entries(
    entity: Entity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_ADD_TO_TOTALS", "SELECT 1/0")
    with pytest.raises(Exception, match="division by zero"):
        run(written(tmp_path, TWO_ENTRIES), entity)
    assert (Transaction.objects.count(), JournalEntry.objects.count()) == (0, 0)


def test_a_file_goes_into_a_ledger_that_is_named(entity: Entity, ledger: Ledger, tmp_path: Path) -> None:
    second = Ledger.objects.create(
        entity=entity, name="Euro", currency="EUR", is_default=False, created_at=entity.created_at
    )
    with pytest.raises(CommandError, match='"USD" is not the ledger\'s; write EUR'):
        run(written(tmp_path, TWO_ENTRIES), entity, "--ledger", second.public_id)
    run(written(tmp_path, TWO_ENTRIES.replace("USD", "EUR")), entity, "--ledger", second.public_id)
    assert set(Transaction.objects.values_list("ledger_id", flat=True)) == {second.id}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--entity", "entity_nonsense"], "is not an id of this kind"),
        (["--entity", "entity_01h455vb4pex5vsknk084sn02q"], "there is no company"),
        (["--batch", "0"], "--batch: 0 is too small"),
        (["--separator", ""], "--separator"),
        (["--ledger", "ldgr_01h455vb4pex5vsknk084sn02q"], "has no ledger"),
    ],
)
def test_misuse_is_explained(entity: Entity, tmp_path: Path, options: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run(written(tmp_path, TWO_ENTRIES), entity, *options)


def test_a_file_that_is_not_there_is_named(entity: Entity) -> None:
    with pytest.raises(CommandError, match=r"/nowhere\.csv is not a file"):
        run(Path("/nowhere.csv"), entity)


def test_a_file_that_may_not_be_read_is_named(
    entity: Entity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may read everything, so the system is made to say that the file is closed.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    file = written(tmp_path, TWO_ENTRIES)
    with pytest.raises(CommandError, match=r"journal\.csv cannot be read"):
        run(file, entity)

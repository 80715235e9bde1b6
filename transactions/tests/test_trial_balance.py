"""`manage.py trial_balance`: what stands on every account, as of any day."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from transactions.tests.test_verify import Books, corrupt

pytestmark = pytest.mark.django_db


def printed(books: Books, *options: str) -> list[str]:
    out = StringIO()
    call_command("trial_balance", "--entity", books.entity.public_id, *options, stdout=out)
    return out.getvalue().splitlines()


def test_the_columns_hold_what_is_posted_on_each_account() -> None:
    # Rent 100, moved to software; rent 70, reversed; a sale of 40; an entry: cash 90 and rent 10, sales 100.
    assert printed(Books(), "--format", "csv") == [
        "code,account,type,debit,credit,currency",
        ",assets:cash,ASSET,30.00,0.00,USD",
        ",expenses:rent,EXPENSE,10.00,0.00,USD",
        ",expenses:software,EXPENSE,100.00,0.00,USD",
        ",revenues:sales,REVENUE,0.00,140.00,USD",
        ",Total,,140.00,140.00,USD",
    ]


def test_pending_transactions_count_where_they_are_asked_for() -> None:
    lines = printed(Books(), "--format", "csv", "--pending")
    assert lines[1] == ",assets:cash,ASSET,280.00,0.00,USD"
    assert lines[-1] == ",Total,,390.00,390.00,USD"


def test_days_after_the_day_asked_for_do_not_count() -> None:
    books = Books()
    # The reversal is of today, everything else of 15 March.
    assert ",expenses:rent,EXPENSE,80.00,0.00,USD" in printed(
        books, "--format", "csv", "--as-of", "2026-03-15"
    )
    assert printed(books, "--format", "csv", "--as-of", "2026-03-14") == [
        "code,account,type,debit,credit,currency",
        ",Total,,0.00,0.00,USD",
    ]


def test_the_table_is_aligned_and_names_what_it_shows() -> None:
    lines = printed(Books(), "--as-of", "2026-03-31")
    assert lines[0] == "Trial balance of Verified LLC (General ledger, USD) as of 2026-03-31"
    assert lines[1].split() == ["Code", "Account", "Debit", "Credit"]
    assert lines[-2].split() == ["Total", "180.00", "180.00"]
    assert len(lines[-3]) == len(lines[-2])
    assert lines[-1] == "4 accounts; debits equal credits."


def test_columns_that_differ_exit_with_one_and_name_both_sums() -> None:
    books = Books()
    corrupt(
        "UPDATE accounts_accountmonth SET debits_posted = debits_posted + 1 WHERE account_id = %s",
        books.software.id,
    )
    with pytest.raises(CommandError, match=r"debits add up to 141\.00 and the credits to 140\.00") as exit_:
        printed(books)
    assert exit_.value.returncode == 1


def test_a_day_that_is_none_is_explained() -> None:
    with pytest.raises(CommandError, match='--as-of: "yesterday" is not a day'):
        printed(Books(), "--as-of", "yesterday")

"""Labelled lines, and what of them gets into the prior."""

from pathlib import Path

import numpy as np
import pytest

from accounts.choices import AccountType
from ai.categories.amounts import STEPS
from ai.categories.labelled import Company, read_file
from ai.categories.prior.make import amounts_as_text, as_text, learned_from
from ai.categories.prior.words import Prior, amounts_in

_HEADER = "date,entity,description,amount,counterparty,merchant_category,category\n"


def companies(tmp_path: Path, *rows: str) -> list[Company]:
    path = tmp_path / "lines.csv"
    path.write_text(_HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return read_file(path)


def test_lines_are_read_by_company_in_the_order_of_days(tmp_path: Path) -> None:
    one, two = companies(
        tmp_path,
        "2024-02-01,North,SHELL,10.50,Shell Ltd,,Fuel",
        "2024-01-01,North,GREGGS,-3.00,,,Meals",
        "2024-01-01,South,TESCO,3.00,,FOOD,Meals",
        "2024-01-02,South,NOTHING,0.00,,,Meals",
        "2024-01-03,South,NOBODY SAID,1.00,,,",
    )

    assert (one.name, two.name) == ("North", "South")
    assert [row.line.description for row in one.rows] == ["GREGGS", "SHELL"]
    assert str(one.rows[0].line.amount) == "-3.00"
    assert one.rows[1].line.counterparty == "Shell Ltd"
    assert two.rows[0].line.provider_category == "FOOD"
    # Neither what has no category nor what has no amount is among them, and all share the file's chart.
    assert len(two.rows) == 1
    assert [account.name for account in two.accounts] == ["Fuel", "Meals"]


def test_a_journal_of_pairs_is_one_company(tmp_path: Path) -> None:
    path = tmp_path / "books.csv"
    path.write_text(
        "entry_id,date,description,debit_account,credit_account,amount,currency\n"
        "1,2024-01-01,Hosting,expenses:hosting,assets:bank,10.00,USD\n"
        "2,2024-01-02,Gift,assets:bank,revenues:gifts,5.00,USD\n"
        "3,2024-01-02,Fee,expenses:fees,revenues:gifts,1.00,USD\n",
        encoding="utf-8",
    )

    [books] = read_file(path)

    # What moves between two results says nothing of a bank line.
    assert [(str(row.line.amount), row.line.description) for row in books.rows] == [
        ("10.00", "Hosting"),
        ("-5.00", "Gift"),
    ]
    assert {account.type for account in books.accounts} == {AccountType.EXPENSE, AccountType.REVENUE}


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")

    with pytest.raises(ValueError, match="columns are"):
        read_file(path)


def test_a_word_of_two_companies_is_kept(tmp_path: Path) -> None:
    found = companies(
        tmp_path,
        "2024-01-01,North,ZORBLAX 1,10,,,Vehicle Fuel",
        "2024-01-01,South,ZORBLAX 2,10,,,Petrol",
        "2024-01-01,South,PRIVATE PERSON,10,,,Petrol",
    )

    learned = learned_from(found).phrases

    assert max(learned["zorblax"], key=lambda name: learned["zorblax"][name]) == "fuel"
    # Only one company has these.
    assert "private" not in learned
    assert "private person" not in learned


def test_a_word_of_one_company_needs_several_counterparties(tmp_path: Path) -> None:
    rows = [f"2024-01-01,North,{name} ROOFING,10,{name} Roofing,,Building Repairs" for name in "ABCD"]
    rows += [
        f"2024-01-0{day},North,JANE DOE INVOICE {day},10,Jane Doe,,Building Repairs" for day in range(1, 9)
    ]

    learned = learned_from(companies(tmp_path, *rows)).phrases

    assert "roofing" in learned
    assert not {"jane", "doe", "jane doe"} & learned.keys()


def test_a_company_s_own_account_names_are_not_kept(tmp_path: Path) -> None:
    rows = [f"2024-01-01,{name},{name} Bldg RM Fund,10,,,Bldg RM Fund" for name in ("North", "South", "West")]

    learned = learned_from(companies(tmp_path, *rows)).phrases

    assert not {"bldg rm", "rm fund", "bldg rm fund"} & learned.keys()


def test_a_company_that_is_left_out_teaches_nothing(tmp_path: Path) -> None:
    found = companies(
        tmp_path,
        "2024-01-01,North,ZORBLAX,10,,,Vehicle Fuel",
        "2024-01-01,South,ZORBLAX,10,,,Petrol",
    )

    learned = learned_from(found, without=["South"]).phrases

    assert "zorblax" not in learned


def test_what_is_written_is_the_same_each_time_and_can_be_read(tmp_path: Path) -> None:
    found = companies(
        tmp_path,
        "2024-01-01,North,ZORBLAX,10,,,Vehicle Fuel",
        "2024-01-01,South,ZORBLAX,10,,,Petrol",
    )
    said = learned_from(found)

    text, amounts = as_text(said), amounts_as_text(said)

    assert (text, amounts) == (as_text(learned_from(found)), amounts_as_text(learned_from(found)))
    assert text.startswith("#")
    assert amounts.startswith("#")
    assert amounts_in(amounts) == said.amounts
    assert Prior(*said).read("zorblax").telling > 0


def test_amounts_are_counted_for_the_purposes_of_their_lines(tmp_path: Path) -> None:
    rows = [f"2024-01-{day:02},North,CAR PARK,3,,,Car Parking" for day in range(1, 21)]
    rows += [f"2024-01-{day:02},North,HOTEL,150,,,Hotel Accommodation" for day in range(1, 21)]

    said = learned_from(companies(tmp_path, *rows))

    parking, lodging = (np.array(said.amounts[name]) @ STEPS for name in ("parking-and-tolls", "lodging"))
    of_parking, of_lodging = (sum(said.amounts[name]) for name in ("parking-and-tolls", "lodging"))
    assert parking / of_parking == pytest.approx(np.log10(3), abs=0.2)
    assert lodging / of_lodging == pytest.approx(np.log10(150), abs=0.2)

"""The overview as a picture."""

import datetime as dt
import xml.etree.ElementTree as ElementTree
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.files.charts import axis, chart, chart_data, short
from reports.files.formats import FileFormat
from reports.files.orders import Order, Statement
from reports.periods import Period, year_period
from reports.read import new_scope
from reports.statements.overview import Interval
from transactions.tests.conftest import Company, make_company


@pytest.fixture
def bakery(db: None) -> Company:
    made = make_company('Bread & "Butter" <Ltd>')
    made.posted("1000", debit=made.cash, credit=made.sales, at=dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC))
    made.posted("1500", at=dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC))
    return made


def order(company: Company, period: Period | None = None, interval: Interval = Interval.MONTHLY) -> Order:
    scope = new_scope(entity=company.entity, ledger=company.ledger)
    return Order(Statement.OVERVIEW, scope, period or year_period(2024), interval=interval)


@pytest.mark.parametrize("interval", Interval)
def test_the_overview_is_drawn_in_every_interval(bakery: Company, interval: Interval) -> None:
    overview = order(bakery, interval=interval).overview()

    png = chart(overview, FileFormat.PNG)
    assert png.startswith(b"\x89PNG\r\n")
    # Twice the points of its page, for sharp screens.
    assert int.from_bytes(png[16:20]) == 1520
    svg = ElementTree.fromstring(chart(overview, FileFormat.SVG))
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    title = svg.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text == 'Overview of Bread & "Butter" <Ltd>, January 1, 2024 to December 31, 2024'


def test_heights_are_shares_of_the_axis(bakery: Company) -> None:
    data = chart_data(order(bakery).overview())

    # From -1,500 (the loss of May) to 1,500 (its expenses).
    assert [tick["label"] for tick in data["flows"]["ticks"]] == ["(2K)", "(1K)", "0", "1K", "2K"]
    assert data["flows"]["zero"] == 0.5
    assert data["flows"]["points"][2] == [0.75, 0.5, 0.75]
    assert data["flows"]["points"][4] == [0.5, 0.875, 0.125]
    # Cash rose to 1,000 and fell to -500.
    assert [tick["label"] for tick in data["cash"]["ticks"]] == ["(500)", "0", "500", "1K"]
    assert data["cash"]["points"][-1] == [0.0]
    assert data["labels"][0] == "Jan 2024"
    assert not data["is_empty"]


@pytest.mark.parametrize("name", ["y" * 255, "Bread and Butter and " * 12, "株式会社"])
def test_a_picture_is_one_whatever_the_company_is_called(bakery: Company, name: str) -> None:
    bakery.entity.legal_name = name

    assert chart(order(bakery).overview(), FileFormat.PNG).startswith(b"\x89PNG")


def test_a_time_without_books_is_drawn_as_such(bakery: Company) -> None:
    overview = order(bakery, year_period(1999)).overview()

    data = chart_data(overview)
    assert data["is_empty"]
    assert [tick["label"] for tick in data["flows"]["ticks"]] == ["0"]
    assert chart(overview, FileFormat.PNG)


@given(st.lists(st.decimals("-1e15", "1e15", places=2), min_size=1), st.integers(2, 8))
def test_an_axis_holds_every_value_and_zero_in_a_few_round_steps(values: list[Decimal], ticks: int) -> None:
    bottom, top, step = axis(values, ticks=ticks)

    assert bottom <= min([*values, Decimal(0)])
    assert top >= max([*values, Decimal(0)])
    assert bottom % step == top % step == 0
    assert str(step.normalize().as_tuple().digits[0]) in "125"
    assert 1 <= (top - bottom) / step <= ticks + 2


def test_figures_at_an_axis_are_short() -> None:
    assert [short(Decimal(value)) for value in ("0", "500", "1500", "-20000", "3000000", "0.5", "2e12")] == [
        "0",
        "500",
        "1.5K",
        "(20K)",
        "3M",
        "0.5",
        "2T",
    ]

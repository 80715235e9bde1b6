"""Amounts in and out, and the currencies' minor digits."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.exceptions import ValidationError
from ledger.money import (
    MINOR_DIGITS,
    as_number,
    as_text,
    minor_digits,
    parse_amount,
    parse_currency,
    round_to_minor,
)


def amount_of(value: object, currency: str | None = "USD") -> Decimal:
    return parse_amount(value, currency=currency, field="amount")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (500, "500.00"),
        (Decimal("500"), "500.00"),
        (Decimal("5E+2"), "500.00"),
        (Decimal("12.3400000"), "12.34"),  # zeros beyond the minor digits say nothing
        ("12.34", "12.34"),
        ("-0.01", "-0.01"),
        ("1e3", "1000.00"),
        ("999999999999999.99", "999999999999999.99"),
    ],
)
def test_amounts_are_read_exactly(value: object, expected: str) -> None:
    assert str(amount_of(value)) == expected


@pytest.mark.parametrize(
    "value",
    [
        12.5,  # a float has lost digits already
        True,
        None,
        "",
        " 1",
        "1\n",
        "+1",
        "1.",
        ".5",
        "1,000.00",
        "1_000",
        "\u0661\u0662",  # twelve, in Arabic digits
        "0x10",
        "NaN",
        "Infinity",
        "1e99999",
        "9" * 5000,
        [1],
        {},
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("-Infinity"),
        0,
        "0.00",
        Decimal("0E-9"),
        Decimal("-0"),
        Decimal("12.345"),
        Decimal("1E-999999999"),
        Decimal("1E+999999999"),
        Decimal("1e400"),
        10**15,
        -(10**15),
        10**4000,
        Decimal("999999999999999.999"),
        Decimal("0." + 100_000 * "1"),
    ],
)
def test_what_is_no_amount_of_the_currency_is_refused_by_name(value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        amount_of(value)

    assert caught.value.details[0].field == "amount"
    assert len(caught.value.message) < 250


@pytest.mark.parametrize(
    ("currency", "right", "wrong"),
    [
        ("JPY", "100", "100.5"),
        ("USD", "0.01", "0.001"),
        ("KWD", "0.001", "0.0001"),
        ("CLF", "0.0001", "0.00001"),
    ],
)
def test_a_currency_takes_its_minor_digits_and_no_more(currency: str, right: str, wrong: str) -> None:
    assert amount_of(right, currency) == Decimal(right)
    with pytest.raises(ValidationError, match=f"more digits than {currency} knows"):
        amount_of(wrong, currency)


def test_an_amount_of_a_currency_not_known_yet_has_up_to_four_digits() -> None:
    assert str(amount_of("1.2345", None)) == "1.2345"
    with pytest.raises(ValidationError, match="at most 4"):
        amount_of("1.23456", None)


def test_negative_amounts_and_zero_pass_only_where_they_mean_something() -> None:
    assert amount_of("-5") == -5
    with pytest.raises(ValidationError, match="negative"):
        parse_amount("-5", currency="USD", field="amount", allow_negative=False)
    assert parse_amount(0, currency="USD", field="amountMin", allow_zero=True) == 0


def test_minor_digits_follow_iso_4217() -> None:
    assert [minor_digits(code) for code in ("USD", "EUR", "JPY", "KRW", "KWD", "BHD", "CLF", "UYW")] == [
        2, 2, 0, 0, 3, 3, 4, 4,
    ]  # fmt: skip
    # 149 national currencies and 3 shared ones of two digits are in use, and a few fund codes.
    assert len(MINOR_DIGITS) > 160
    assert all(len(code) == 3 and code.isupper() for code in MINOR_DIGITS)


@pytest.mark.parametrize("value", ["", "US", "XXX", "XAU", "usdollar", None, 840, "\uff35\uff33\uff24"])
def test_what_is_no_currency_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="ISO 4217"):
        parse_currency(value, field="currency")


def test_a_currency_may_be_written_small() -> None:
    assert parse_currency("eur", field="currency") == "EUR"


@pytest.mark.parametrize(
    ("amount", "currency", "number"),
    [
        ("500", "USD", "500.00"),
        ("500.0000", "USD", "500.00"),
        ("500.0000", "JPY", "500"),
        ("0.0000", "USD", "0.00"),
        ("-0.0000", "USD", "0.00"),
        ("12.3450", "USD", "12.345"),  # never rounded away
        ("10500.0000", "KWD", "10500.000"),
        ("1E+3", "USD", "1000.00"),
        ("123456789012345678901234567890.12", "USD", "123456789012345678901234567890.12"),
    ],
)
def test_amounts_go_out_with_the_minor_digits(amount: str, currency: str, number: str) -> None:
    assert str(as_number(Decimal(amount), currency)) == number
    assert as_text(Decimal(amount), currency) == number


@given(
    st.decimals(min_value="-1e15", max_value="1e15", places=4, allow_nan=False, allow_infinity=False),
    st.sampled_from(sorted(MINOR_DIGITS)),
)
def test_writing_an_amount_never_changes_it(amount: Decimal, currency: str) -> None:
    assert as_number(amount, currency) == amount
    assert Decimal(as_text(amount, currency)) == amount


def test_rounding_goes_half_to_even() -> None:
    assert [str(round_to_minor(Decimal(text), "USD")) for text in ("0.125", "0.135", "-0.125", "0")] == [
        "0.12", "0.14", "-0.12", "0.00",
    ]  # fmt: skip

"""The JSON reader and writer of the API."""

import json as standard
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils.functional import lazystr
from hypothesis import given
from hypothesis import strategies as st

from ledger.api import json
from ledger.exceptions import ValidationError
from ledger.times import format_timestamp

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc\u00e9\U0001f600"), inner, max_size=4)
    ),
    max_leaves=20,
)


def test_numbers_keep_every_digit_both_ways() -> None:
    text = b'{"a":0.1000,"b":12345678901234567890.123456789,"c":500.00,"d":-0.00,"e":0E-9,"f":1E+400}'

    value = json.decode(text)

    assert {type(number) for number in value.values()} == {Decimal}
    assert str(value["b"]) == "12345678901234567890.123456789"
    assert json.encode(value) == text


def test_numbers_beyond_a_double_stay_decimals_for_the_fields_to_refuse() -> None:
    assert json.decode(b"1e400") == Decimal("1e400")
    assert json.decode(b"1e999999999") == Decimal("1e999999999")
    assert json.decode(b"0E-9") == Decimal("0E-9")
    assert json.decode(b"1" + 100 * b"0") == 10**100


@pytest.mark.parametrize(
    "text",
    [
        b"", b"NaN", b'{"a":NaN}', b"Infinity", b"-Infinity", b"nan", b"01", b"1.", b".5", b"+1", b"0x1",
        b"1e99999999999999999999", b"1" * 5000, b"[1,]", b'{"a":1,}', b"{'a':1}", b"{a:1}", b"// hi\n1",
        b"1 2", b'"\t"',
        b"\xef\xbb\xbf{}", b'"\xff"', b'"\xed\xa0\x80"', b'"\x00"', b'"\\u0000"', b'{"a":["x\\u0000"]}',
        b'{"\\u0000":1}', b'"\\ud800"', b'"\\ud800abc"', b'"\\udc00 and more text"',
        b'{"\\udc00":1}', b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000,
        b"[" * 51 + b"]" * 51, b'{"a":' * 51 + b"1" + b"}" * 51,
        b"name=value", b"<xml/>",
    ],
)  # fmt: skip
def test_what_is_no_json_that_can_be_stored_is_refused(text: bytes) -> None:
    with pytest.raises(ValidationError) as caught:
        json.decode(text)

    assert len(caught.value.message) < 300


def test_fifty_levels_pass() -> None:
    assert json.decode(b"[" * 50 + b"]" * 50) is not None
    # Many brackets side by side are no depth, nor are those in strings.
    assert len(json.decode(b"[" + b",".join([b"[]"] * 500) + b"]")) == 500
    assert json.decode(b'"' + b"[" * 500 + b'"') == "[" * 500


def test_an_escaped_backslash_before_u0000_is_plain_text() -> None:
    assert json.decode(b'"\\\\u0000"') == "\\u0000"


def test_of_two_equal_keys_the_last_counts() -> None:
    assert json.decode(b'{"amount":1,"amount":2}') == {"amount": 2}


def test_text_outside_the_basic_plane_passes() -> None:
    assert json.decode(b'"\\ud83d\\ude00"') == "\U0001f600"


@given(JSON_VALUES)
def test_everything_written_reads_back_the_same(value: Any) -> None:
    assert json.decode(json.encode(value)) == value


def test_ids_times_and_translations_are_written_in_the_forms_of_the_api() -> None:
    moment = datetime(2024, 1, 15, 12, tzinfo=UTC)
    value = {
        "id": UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
        "at": moment,
        "precisely": moment.replace(microsecond=5),
        "on": date(2024, 1, 15),
        "lazy": lazystr("text"),
    }

    assert standard.loads(json.encode(value)) == {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "at": format_timestamp(moment),
        "precisely": format_timestamp(moment.replace(microsecond=5)),
        "on": "2024-01-15",
        "lazy": "text",
    }


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), {"a": [1, (Decimal("-Infinity"),)]}])
def test_a_number_that_is_none_is_never_written(value: object) -> None:
    with pytest.raises(ValueError, match="no JSON form"):
        json.encode(value)


def test_the_words_nan_and_infinity_are_fine_as_text() -> None:
    assert json.encode({"a": "NaN", "Infinity": Decimal("1.0")}) == b'{"a":"NaN","Infinity":1.0}'


def test_a_float_that_is_no_number_is_written_as_null() -> None:
    assert json.encode([float("nan"), float("inf")]) == b"[null,null]"


def test_what_has_no_json_form_is_a_programmers_mistake() -> None:
    with pytest.raises(TypeError):
        json.encode(object())

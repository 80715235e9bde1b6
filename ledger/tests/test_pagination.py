"""Signed cursors and numbered pages."""

import base64
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from ledger.api.pagination import (
    CursorQuery,
    NumberedPage,
    NumberedQuery,
    cursor_scope,
    cut_page,
    decode_cursor,
    encode_cursor,
)
from ledger.api.serializers import parse
from ledger.exceptions import ValidationError

OTHER_ENTITY = UUID("01890a5d-ac96-774b-bcce-b302099a8058")
ENTITY = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
SCOPE = cursor_scope("transactions", ENTITY, {"status": "POSTED"})


@given(
    st.lists(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63)
        | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
        | st.uuids()
        | st.dates()
        | st.decimals(allow_nan=False)
        | st.datetimes(timezones=st.just(UTC)),
        max_size=4,
    )
)
def test_a_cursor_gives_back_the_values_and_their_types(values: list[Any]) -> None:
    result = decode_cursor(SCOPE, encode_cursor(SCOPE, *values))

    assert list(result) == values
    assert [type(value) for value in result] == [type(value) for value in values]


def test_a_cursor_fits_into_an_address_as_it_is() -> None:
    cursor = encode_cursor(
        SCOPE, datetime(2024, 1, 15, tzinfo=UTC), uuid4(), date(2024, 1, 1), Decimal("1.50")
    )

    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert len(cursor) < 120


@pytest.mark.parametrize(
    "scope",
    [
        cursor_scope("transactions", OTHER_ENTITY, {"status": "POSTED"}),
        cursor_scope("counterparties", ENTITY, {"status": "POSTED"}),
        cursor_scope("transactions", ENTITY, {"status": "PENDING"}),
        cursor_scope("transactions", ENTITY, {"status": "POSTED", "account_id": "acc_1"}),
        cursor_scope("transactions", ENTITY),
    ],
)
def test_a_cursor_of_another_entity_endpoint_or_filter_is_refused(scope: str) -> None:
    with pytest.raises(ValidationError) as caught:
        decode_cursor(scope, encode_cursor(SCOPE, 1))

    assert caught.value.details[0].field == "cursor"


def test_absent_filters_and_paging_parameters_are_no_part_of_the_scope() -> None:
    filters = {"status": "POSTED", "account_id": None, "cursor": "x", "page_size": 10}

    assert cursor_scope("transactions", ENTITY, filters) == SCOPE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "cursor_abc123",
        "A" * 44,
        "A" * 45,
        "A" * 5000,
        "\u00e9" * 44,
        "====",
        "AAAA AAAA",
        "+/+/" * 11,
        "\0",
    ],
)
def test_a_broken_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="no cursor of this list"):
        decode_cursor(SCOPE, text)


def test_a_changed_cursor_is_refused_wherever_it_was_changed() -> None:
    cursor = encode_cursor(SCOPE, 12345, "text")
    data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))

    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(ValidationError):
            decode_cursor(SCOPE, base64.urlsafe_b64encode(changed).rstrip(b"=").decode())
    with pytest.raises(ValidationError):
        decode_cursor(SCOPE, cursor[:-4])


def test_a_cursor_survives_the_rotation_of_the_secret_key_and_no_longer() -> None:
    with override_settings(SECRET_KEY="old"):
        cursor = encode_cursor(SCOPE, 1)

    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"]):
        assert decode_cursor(SCOPE, cursor) == (1,)
    with override_settings(SECRET_KEY="new"), pytest.raises(ValidationError):
        decode_cursor(SCOPE, cursor)


def test_pages_follow_one_another_to_the_end() -> None:
    rows = list(range(7))
    seen: list[int] = []
    cursor = None
    for _ in range(10):
        after = decode_cursor(SCOPE, cursor)[0] if cursor else -1
        fetched = [row for row in rows if row > after][: 3 + 1]
        page = cut_page(fetched, size=3, scope=SCOPE, key=lambda row: (row,))
        seen += page.rows
        assert page.has_more is (page.next_cursor is not None)
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == rows


def test_an_empty_page_and_an_exactly_full_one_are_the_last() -> None:
    assert cut_page([], size=3, scope=SCOPE, key=lambda row: (row,)) == ([], None, False)
    assert cut_page([1, 2, 3], size=3, scope=SCOPE, key=lambda row: (row,)) == ([1, 2, 3], None, False)


@pytest.mark.parametrize(
    ("total", "limit", "pages"), [(0, 25, 0), (1, 25, 1), (25, 25, 1), (26, 25, 2), (87, 25, 4)]
)
def test_numbered_pages_count_as_the_reference_shows(total: int, limit: int, pages: int) -> None:
    page = NumberedPage(total, 1, limit)

    assert page.meta() == {"total": total, "page": 1, "limit": limit, "pages": pages}
    assert page.pagination() == {"total": total, "page": 1, "limit": limit, "totalPages": pages}
    assert NumberedPage(total, 3, limit).offset == 2 * limit


@pytest.mark.parametrize("value", ["0", "101", "-1", "x", "1e2", ""])
def test_page_sizes_out_of_bounds_are_refused(value: str) -> None:
    for shape, name in ((CursorQuery, "pageSize"), (NumberedQuery, "limit")):
        with pytest.raises(ValidationError) as caught:
            parse({name: value}, shape, in_query=True)
        assert caught.value.details[0].field == name


def test_page_sizes_have_defaults() -> None:
    assert parse({}, CursorQuery) == {"page_size": 50}
    assert parse({"page": "2"}, NumberedQuery) == {"page": 2, "limit": 25}
    with pytest.raises(ValidationError):
        parse({"page": "1000001"}, NumberedQuery)

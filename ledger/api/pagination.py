"""Pages: signed cursors over keysets, and numbered pages."""

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

import msgspec
from django.conf import settings

from ledger.api.serializers import BoundedIntegerField, RequestSerializer, TextField
from ledger.exceptions import ValidationError, shown

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 100
PAGE_LIMIT: Final = 25
PAGE_NUMBER_MAX: Final = 1_000_000
CURSOR_LENGTH_MAX: Final = 2048
_SIGNATURE_BYTES: Final = 16
_UUID_CODE: Final = 1
_DECIMAL_CODE: Final = 2
_DAY_CODE: Final = 3
_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")

Row = TypeVar("Row")


@lru_cache(maxsize=8)
def _key(secret: str | bytes) -> bytes:
    raw = secret.encode() if isinstance(secret, str) else secret
    return hashlib.sha256(b"openledger.cursor:" + raw).digest()


def cursor_scope(endpoint: str, entity: UUID | None, filters: Mapping[str, object] | None = None) -> str:
    """Return the scope of a listing: the same text exactly where endpoint, entity and filters are the same.

    Paging parameters (`cursor`, `page_size`) and absent filters don't count.
    """
    chosen = sorted(
        (name, str(value))
        for name, value in (filters or {}).items()
        if value is not None and name not in {"cursor", "page_size"}
    )
    return f"{endpoint}|{entity}|{chosen}"


def encode_cursor(scope: str, *values: object) -> str:
    """Return an opaque signed cursor that holds the sort values of a page's last row.

    `values` are str, int, bool, None, aware datetime, date, UUID or Decimal; `decode_cursor` gives the same
    back.
    """
    payload = msgspec.msgpack.encode([_packed(value) for value in values])
    return urlsafe_b64encode(_signature(settings.SECRET_KEY, scope, payload) + payload).rstrip(b"=").decode()


def decode_cursor(scope: str, text: str, *, field: str = "cursor") -> tuple[Any, ...]:
    """Return the values of a cursor made by `encode_cursor` under the same scope.

    Raises ValidationError for a broken or forged cursor, and for one of another listing, entity or filter.
    """
    try:
        if len(text) > CURSOR_LENGTH_MAX:
            raise ValueError
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        if b"+" in padded or b"/" in padded:
            raise ValueError
        data = binascii.a2b_base64(padded.translate(_TO_STANDARD), strict_mode=True)
    except ValueError:  # binascii's and the codec's errors are among them
        data = b""
    signature, payload = data[:_SIGNATURE_BYTES], data[_SIGNATURE_BYTES:]
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if payload and hmac.compare_digest(signature, _signature(secret, scope, payload)):
            return tuple(_DECODER.decode(payload))
    raise ValidationError.of(
        field,
        f"{shown(text)} is no cursor of this list; send the nextCursor of its previous page with the same "
        "entity and filters, or none to begin anew.",
    )


def _signature(secret: str | bytes, scope: str, payload: bytes) -> bytes:
    message = len(payload).to_bytes(4, "big") + payload + scope.encode("utf-8", "backslashreplace")
    return hmac.digest(_key(secret), message, "sha256")[:_SIGNATURE_BYTES]


def _packed(value: object) -> object:
    if isinstance(value, UUID):
        return msgspec.msgpack.Ext(_UUID_CODE, value.bytes)
    if isinstance(value, Decimal):
        return msgspec.msgpack.Ext(_DECIMAL_CODE, str(value).encode())
    if type(value) is date:
        return msgspec.msgpack.Ext(_DAY_CODE, value.isoformat().encode())
    return value


def _unpacked(code: int, data: memoryview) -> object:
    if code == _UUID_CODE:
        return UUID(bytes=bytes(data))
    if code == _DECIMAL_CODE:
        return Decimal(bytes(data).decode())
    return date.fromisoformat(bytes(data).decode())


_DECODER: Final = msgspec.msgpack.Decoder(ext_hook=_unpacked)


class CursorPage(NamedTuple, Generic[Row]):
    """One page of a keyset listing."""

    rows: list[Row]
    next_cursor: str | None  # None at the end
    has_more: bool


def cut_page(
    rows: Sequence[Row], *, size: int, scope: str, key: Callable[[Row], tuple[object, ...]]
) -> CursorPage[Row]:
    """Return the page of the first `size` rows; ask the database for `size + 1` to know whether more follow.

    `key` gives the sort values of a row, which the cursor of the next page holds.
    """
    page = list(rows[:size])
    has_more = len(rows) > size
    return CursorPage(page, encode_cursor(scope, *key(page[-1])) if has_more else None, has_more)


def page_size_field(*, default: int = PAGE_SIZE, maximum: int = PAGE_SIZE_MAX) -> BoundedIntegerField:
    """Return the `pageSize` parameter of a listing."""
    return BoundedIntegerField(min_value=1, max_value=maximum, required=False, default=default)


class CursorQuery(RequestSerializer):
    """Parameters of every cursor listing; a listing's own shape derives from it."""

    cursor = TextField(max_length=CURSOR_LENGTH_MAX, required=False)
    page_size = page_size_field()


class NumberedQuery(RequestSerializer):
    """Parameters of every numbered listing; a listing's own shape derives from it."""

    page = BoundedIntegerField(min_value=1, max_value=PAGE_NUMBER_MAX, required=False, default=1)
    limit = BoundedIntegerField(min_value=1, max_value=PAGE_SIZE_MAX, required=False, default=PAGE_LIMIT)


class NumberedPage(NamedTuple):
    """Where one numbered page stands in `total` rows."""

    total: int
    page: int
    limit: int

    @property
    def offset(self) -> int:
        """How many rows stand before the page."""
        return (self.page - 1) * self.limit

    @property
    def pages(self) -> int:
        """How many pages there are; 0 where there are no rows."""
        return -(-self.total // self.limit)

    def meta(self) -> dict[str, int]:
        """Return `{total, page, limit, pages}`, as accounts show it."""
        return {"total": self.total, "page": self.page, "limit": self.limit, "pages": self.pages}

    def pagination(self) -> dict[str, int]:
        """Return `{total, page, limit, totalPages}`, as transaction search shows it."""
        return {"total": self.total, "page": self.page, "limit": self.limit, "totalPages": self.pages}

"""Record ids: UUIDv7 inside, TypeIDs (`acc_01h455vb4pex5vsknk084sn02q`) outside.

TypeID 0.3: https://github.com/jetify-com/typeid/tree/main/spec. The codec is typeid-python's compiled one;
its `TypeID` class is not used, because it costs five times as much per id and a page shows hundreds.
"""

from enum import StrEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

from typeid.codecs import base32
from uuid_utils.compat import uuid7

from ledger.exceptions import ValidationError, shown

SUFFIX_LENGTH: Final = 26
# 26 characters hold 130 bits, an id has 128: the first character is one of 0-7.
FIRST_CHARACTER_MAX: Final = "7"
# The accounts of a batch are named again and again; as many as a large chart has are kept.
_DECODED_KEPT_MAX: Final = 4096


class Prefix(StrEnum):
    """What an id is of."""

    DEVELOPER = "dev"
    API_KEY = "key"
    ENTITY = "entity"
    LEDGER = "ldgr"
    ACCOUNT = "acc"
    TRANSACTION = "txn"
    JOURNAL_ENTRY = "jrn"
    IMPORT = "imp"
    BANK_CONNECTION = "item"
    BANK_ACCOUNT = "bacc"
    BANK_LINE = "line"
    RULE = "rule"
    RECONCILIATION = "rec"
    INTEGRATION = "conn"
    REPORT = "rep"
    DOCUMENT = "doc"
    TASK = "task"
    SUGGESTION = "sug"


def new_id() -> UUID:
    """Return a new UUIDv7. Later calls in one process give greater ids; forked processes never share ids."""
    return uuid7()


def encode_id(prefix: str, value: UUID) -> str:
    """Return the public form of an id: prefix, underscore, 26 characters of lower-case base32."""
    return prefix + "_" + base32.encode(value.bytes)  # an f-string of an enum member takes twice as long


def encode_optional_id(prefix: str, value: UUID | None) -> str | None:
    """Return `encode_id(prefix, value)`, or None where there is no record."""
    return None if value is None else encode_id(prefix, value)


def decode_id(prefix: str, text: object, *, field: str) -> UUID:
    """Return the UUID of a public id that a caller sent in `field`.

    Raises ValidationError, naming field, value and the right form, for anything but exactly
    `prefix` + `_` + 26 characters of the TypeID alphabet (lower case) that fit in 128 bits.
    """
    head = prefix + "_"
    if isinstance(text, str):
        try:
            return _decoded(head, text)
        except (ValueError, RuntimeError):  # RuntimeError is the codec's, for a foreign character
            pass
    raise ValidationError.of(
        field,
        f"{shown(text)} is not an id of this kind; send '{head}' followed by 26 characters of "
        f"0-9 a-z without i, l, o, u (the first one 0-7), as the API gave it.",
    )


@lru_cache(maxsize=_DECODED_KEPT_MAX)
def _decoded(head: str, text: str) -> UUID:
    suffix = text.removeprefix(head)
    if len(text) != len(head) + SUFFIX_LENGTH or len(suffix) != SUFFIX_LENGTH:
        raise ValueError(text)
    if suffix[0] > FIRST_CHARACTER_MAX:
        raise ValueError(text)
    return UUID(bytes=base32.decode(suffix))

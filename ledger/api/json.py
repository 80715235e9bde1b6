"""The one JSON reader and writer of the API: exact decimals, no NaN, bounded depth, text that can be stored.

Reading: numbers with a point or an exponent become Decimal, of two equal keys the last one counts. Writing: a
Decimal becomes a JSON number with exactly its digits.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec
from django.utils.functional import Promise

from ledger.exceptions import ValidationError

DEPTH_MAX: Final = 50
# What the reader makes of objects and arrays, exactly.
_CONTAINERS: Final = frozenset({dict, list})

_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


def decode(data: bytes) -> Any:
    """Return the value of a JSON text in UTF-8.

    Raises ValidationError for what is no JSON (NaN and Infinity among it), for invalid UTF-8, lone
    surrogates and NUL characters in any string or key, for integers of more than 4,300 digits, exponents
    beyond Decimal's, and for nesting deeper than 50. A number such as `1e400` passes, as a Decimal; each
    field has its own bounds.
    """
    try:
        value = _DECODER.decode(data)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError as error:
        raise ValidationError(
            f"The body is not valid UTF-8 (byte {error.start}); send JSON in UTF-8."
        ) from None
    except InvalidOperation:
        raise ValidationError(
            "The body has a number whose exponent is out of range; send a smaller one."
        ) from None
    except msgspec.MsgspecError as error:
        raise ValidationError(f"The body is not valid JSON: {error}. Send one JSON value.") from None
    # Only a text with that many brackets can be too deep, and only one with that escape can hold a NUL:
    # nearly every request skips the walk.
    if data.count(b"[") + data.count(b"{") > DEPTH_MAX:
        check_depth(value)
    if b"\\u0000" in data and _has_nul(value):
        raise ValidationError("The body has a NUL character (\\u0000) in a string; leave it out.")
    return value


def encode(value: object) -> bytes:
    """Return `value` as JSON in UTF-8.

    Decimals become numbers with exactly their digits, UUIDs strings, aware UTC datetimes
    `2024-01-15T12:00:00Z`, dates `2024-01-15`. Raises ValueError for a Decimal that is NaN or infinite, which
    would be no JSON, and TypeError for types that have no JSON form.
    """
    data = _ENCODER.encode(value)
    # A text with these words is rare; only then is the value looked through for a Decimal that wrote them.
    if (b"NaN" in data or b"Infinity" in data) and _has_non_finite(value):
        raise ValueError("A Decimal that is NaN or infinite has no JSON form.")
    return data


def check_depth(value: object, depth_max: int = DEPTH_MAX) -> None:
    """Raise ValidationError where `value`, which `decode` gave, nests lists and objects deeper than
    `depth_max`."""
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(depth_max):
        level = [inner for outer in level for inner in _inside(outer) if type(inner) in _CONTAINERS]
        if not level:
            return
    raise _too_deep(depth_max)


def _too_deep(depth_max: int = DEPTH_MAX) -> ValidationError:
    return ValidationError(f"The JSON nests too deeply; send at most {depth_max} levels.")


def _inside(container: Any) -> Any:
    return container.values() if type(container) is dict else container


def _items(value: object) -> Any:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _has_nul(value: object) -> bool:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if "\0" in item:
                return True
        elif isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return False


def _has_non_finite(value: object) -> bool:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, Decimal):
            if not item.is_finite():
                return True
        else:
            pending.extend(_items(item))
    return False


def _encode_other(value: object) -> object:
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=_encode_other)

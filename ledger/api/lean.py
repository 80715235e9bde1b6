"""A quick way through a flat request shape, for the paths that thousands of requests a second take.

A DRF serializer spends most of its time on what such shapes don't use. Here each value goes straight to
its field's own `parse`. At the first thing that is not plainly right, the serializer itself runs over the
whole object, so that its word is the only one: it lists every fault, or accepts.
"""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ledger.api.serializers import ENTITY_SPELLINGS, RequestField, RequestSerializer, camel, parse

Reader = Callable[[object], Any]


class _Readers(NamedTuple):
    """How one thread reads a shape."""

    # Of the serializer that the fields ask for the time zone.
    context: dict[str, Any]
    # Every spelling of every field, with the field's name and its `parse`.
    by_spelling: dict[str, tuple[str, Reader]]
    required: frozenset[str]


class LeanShape:
    """Reads objects of `shape`, whose fields have no validators and no defaults beyond their own parsing."""

    def __init__(self, shape: type[RequestSerializer]) -> None:
        self.shape = shape
        self._own = threading.local()

    def read(self, data: object, *, zone: ZoneInfo) -> dict[str, Any]:
        """Return the values of `data`, keyed in snake_case; absent optional fields are absent.

        Raises ValidationError listing every fault, as `parse` does.
        """
        if isinstance(data, dict):
            readers: _Readers = self._own.__dict__.get("readers") or self._made()
            readers.context["zone"] = zone
            try:
                values = _quickly(data, readers)
            except Exception:
                values = None
            if values is not None:
                return values
        return parse(data, self.shape, zone=zone)

    def _made(self) -> _Readers:
        """Make the readers of this thread: two threads with one context would take each other's zone."""
        context: dict[str, Any] = {}
        by_spelling: dict[str, tuple[str, Reader]] = {}
        required: set[str] = set()
        for outer, field in self.shape(context=context).fields.items():
            assert isinstance(field, RequestField), f"{self.shape.__name__}.{outer} is no RequestField"
            assert not field.validators, f"{self.shape.__name__}.{outer} has validators: not a lean shape"
            name = field.source or outer
            by_spelling |= dict.fromkeys((outer, name, camel(name)), (name, field.parse))
            if field.required:
                required.add(name)
        self._own.readers = readers = _Readers(context, by_spelling, frozenset(required))
        return readers


def _quickly(data: dict[str, Any], readers: _Readers) -> dict[str, Any] | None:
    """The values of `data`, or None at the first thing that is not plainly right."""
    values: dict[str, Any] = {}
    for key, value in data.items():
        reader = readers.by_spelling.get(key)
        if reader is None:
            # The company is named there too; whoever resolves it has read it.
            if key in ENTITY_SPELLINGS:
                continue
            return None
        name, read = reader
        if value is None or name in values:
            return None
        values[name] = read(value)
    return values if readers.required <= values.keys() else None

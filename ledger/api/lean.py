"""A quick way through a flat request shape, for the paths that thousands of requests a second take.

A DRF serializer spends most of its time on what such shapes don't use. Here each value goes straight to
its field's own `parse`. At the first thing that is not plainly right, the serializer itself runs over the
whole object, so that its word is the only one: it lists every fault, or accepts.
"""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from ledger.api.serializers import RequestSerializer, camel, parse


class LeanShape:
    """Reads objects of `shape`, whose fields have no validators and no defaults beyond their own parsing."""

    def __init__(self, shape: type[RequestSerializer]) -> None:
        self.shape = shape
        self._serializer = shape(context={})
        self._readers: dict[str, tuple[str, Callable[[object], Any]]] = {}
        fields = self._serializer.fields
        for outer, field in fields.items():
            assert not field.validators, f"{shape.__name__}.{outer} has validators: not a lean shape"
            name = field.source or outer
            for spelling in (outer, name, camel(name)):
                self._readers[spelling] = (name, field.parse)
        self._required = frozenset(field.source or outer for outer, field in fields.items() if field.required)
        # The company is named there too; whoever resolves it has read it.
        self._ignored = frozenset({"entityId", "entity_id"})

    def read(self, data: object, *, zone: ZoneInfo) -> dict[str, Any]:
        """Return the values of `data`, keyed in snake_case; absent optional fields are absent.

        Raises ValidationError listing every fault, as `parse` does.
        """
        if isinstance(data, dict):
            self._serializer.context["zone"] = zone
            try:
                values = self._quickly(data)
            except Exception:  # noqa: BLE001 - whatever it was, the serializer says it properly
                values = None
            if values is not None:
                return values
        return parse(data, self.shape, zone=zone)

    def _quickly(self, data: dict[str, Any]) -> dict[str, Any] | None:
        values: dict[str, Any] = {}
        readers = self._readers
        for key, value in data.items():
            if key not in readers:
                if key in self._ignored:
                    continue
                return None
            name, read = readers[key]
            if value is None or name in values:
                return None
            values[name] = read(value)
        return values if self._required <= values.keys() else None

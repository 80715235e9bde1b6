"""A small cache inside of the process, for what every request asks and what may be a few seconds old."""

from collections.abc import Hashable
from time import monotonic
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class TimedCache(Generic[Key, Value]):
    """Keeps at most `size_max` values, each for `seconds`; the one that was put in first makes room.

    Safe for threads without a lock: it relies on single dict operations, and a lost race costs one more look-
    up.
    """

    def __init__(self, *, size_max: int, seconds: float) -> None:
        self._size_max = size_max
        self._seconds = seconds
        self._values: dict[Key, tuple[float, Value]] = {}

    def get(self, key: Key) -> Value | None:
        """Return the value, or None where there is none that is young enough."""
        found = self._values.get(key)
        if found is None or found[0] < monotonic():
            return None
        return found[1]

    def put(self, key: Key, value: Value, *, seconds: float | None = None) -> None:
        """Keep the value, for `seconds` where they are fewer than the cache's own."""
        kept = self._seconds if seconds is None else min(seconds, self._seconds)
        self._values.pop(key, None)
        while len(self._values) >= self._size_max:
            try:
                del self._values[next(iter(self._values))]
            except (KeyError, StopIteration, RuntimeError):  # another thread made room meanwhile
                break
        self._values[key] = (monotonic() + kept, value)

    def drop(self, key: Key) -> None:
        """Forget the value."""
        self._values.pop(key, None)

    def drop_where_first(self, first: Hashable) -> None:
        """Forget every value whose key is a tuple that begins with `first`."""
        for key in list(self._values):
            if isinstance(key, tuple) and key[0] == first:
                self._values.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()

"""Keeping Python's collector of cycles out of the way of a large file."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

# As many new objects as the web server waits for; by default it is 700.
COLLECT_AFTER: Final = 10_000

_lock = Lock()
_users = 0
_former = gc.get_threshold()


@contextmanager
def collected_seldom() -> Iterator[None]:
    """Let the collector come seldom, in all threads of the process, for as long as any is inside.

    The lines of a file make hundreds of thousands of objects that live until its end and hold no cycles. By
    default the collector walks them again and again, the whole application with them, which takes a third of
    the importing process's time. A process that collects more seldom than this already is left as it is.
    """
    global _users, _former
    with _lock:
        if not _users:
            _former = gc.get_threshold()
            if 0 < _former[0] < COLLECT_AFTER:
                gc.set_threshold(COLLECT_AFTER, *_former[1:])
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                gc.set_threshold(*_former)

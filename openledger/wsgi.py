"""The web server's entry: `granian --interface wsgi openledger.wsgi:application`."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from openledger import embedded
from openledger.connections import drained

# How many more objects must have been made than freed before the collector looks at the young ones.
COLLECT_AFTER = 10_000

# What DRF and structlog import where they find it installed, for a test client, for pages and for tracebacks
# in colours: 9 MB of each worker for what none of them shows. `requests` comes when a bank is called.
UNUSED = ("requests", "rich", "pygments")


@contextmanager
def without(names: tuple[str, ...]) -> Iterator[None]:
    """Let these packages be as if they were not installed, for who tries to import them meanwhile."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openledger.settings")
embedded.start()

with without(UNUSED):
    application = drained(get_wsgi_application())
    # Imports every view now: the first caller does not wait for it, and all of it is there to be frozen.
    get_resolver().url_patterns  # noqa: B018

# A batch of 5,000 transactions makes a million objects that live until its end. By default the collector
# wakes for every 700 of them and walks what it finds again and again, the whole application with it; what is
# loaded stays for good, so it is set aside, and the collector comes seldom. Nearly everything a request
# makes is freed by its reference count and never needs it.
gc.collect()
gc.freeze()
gc.set_threshold(COLLECT_AFTER, 5, 5)

"""The web server's entry: `granian --interface wsgi openledger.wsgi:application`."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from openledger import embedded
from openledger.connections import drained

# How many more objects must have been made than freed before the collector looks at the young ones.
COLLECT_AFTER = 10_000

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openledger.settings")
embedded.start()

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

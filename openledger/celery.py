"""The background worker: `celery -A openledger worker` and `celery -A openledger beat`."""

import os

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init

from openledger import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openledger.settings")

app = Celery("openledger")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _keep_logging(**_: object) -> None:
    """Let a worker write JSON lines like everything else: with a receiver here, Celery sets up nothing."""


@worker_init.connect
@beat_init.connect
def _start_engines(**_: object) -> None:
    """Let a worker that was started on its own find PostgreSQL and Redis running."""
    embedded.start()

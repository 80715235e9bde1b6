"""The background worker: `celery -A openledger worker` and `celery -A openledger beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openledger.settings")

app = Celery("openledger")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

"""The project: settings, addresses and processes. It wires the apps and holds no business rule."""

from openledger.celery import app as celery_app

__all__ = ["celery_app"]

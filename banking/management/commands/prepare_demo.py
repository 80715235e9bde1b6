"""`manage.py prepare_demo`: what `make run` shows."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from banking.demo import Demo, prepare_demo
from ledger.actors import command_actor


class Command(BaseCommand):
    help = (
        "Make a developer, a demo company with a year of transactions and a login for the admin, once; say "
        "how to use them. They are kept in demo.json among the project's data."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--base-url", default=settings.BASE_URL, help="where the web server is (%(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            self.stdout.write("The sandbox is off (SANDBOX), so there is no demo company.")
            return
        demo = prepare_demo(
            file=settings.VAR_DIR / "demo.json",
            base_url=options["base_url"],
            actor=command_actor("prepare_demo"),
        )
        self.stdout.write(said(demo))


def said(demo: Demo) -> str:
    """Return how to reach and use the demo, with two curl lines that work as they stand."""
    credentials = f'{{"userType":"developer","id":"{demo.developerId}","apiKey":"{demo.apiKey}"}}'
    return f"""\
API docs:      {demo.baseUrl}/docs
Admin:         {demo.baseUrl}/admin/
Admin login:   {demo.adminUser} / {demo.adminPassword}
Developer id:  {demo.developerId}
API key:       {demo.apiKey}
Entity id:     {demo.entityId}

Get a token, then list the newest transactions:

TOKEN=$(curl -s {demo.baseUrl}/v1/auth/tokens -H 'Content-Type: application/json' -d '{credentials}' \
| sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')
curl -s '{demo.baseUrl}/v1/transactions?entityId={demo.entityId}&pageSize=5' -H "Authorization: Bearer $TOKEN"
"""

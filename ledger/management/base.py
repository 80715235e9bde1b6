"""What every command of an operator shares."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError as FieldError
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Model

from ledger.actors import Actor, command_actor
from ledger.exceptions import LedgerError
from ledger.ids import Prefix, decode_id
from ledger.models import ApiKey, Developer, Entity


class OperatorCommand(BaseCommand):
    """A command whose work is in `run`, and whose misuse ends as a plain message with exit code 1."""

    @property
    def actor(self) -> Actor:
        """The operator, for the record."""
        return command_actor(type(self).__module__.rpartition(".")[2])

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command and print its one-line summary."""
        try:
            summary = self.run(**options)
        except LedgerError as error:
            raise CommandError(error.message) from error
        self.stdout.write(self.style.SUCCESS(summary))

    def run(self, **options: Any) -> str:
        """Do the work and return the summary."""
        raise NotImplementedError

    def secret(self, text: str) -> None:
        """Print what is shown this once."""
        self.stdout.write(text)


def value_of(model: type[Model], field: str) -> Callable[[str], str]:
    """Return what reads an argument into `field` of `model`; it refuses what the field cannot hold."""

    def read(text: str) -> str:
        try:
            value: str = model._meta.get_field(field).clean(text, None)  # type: ignore[union-attr]
        except FieldError as error:
            raise ArgumentTypeError(f'"{text[:60]}" is not possible: {" ".join(error.messages)}') from error
        return value

    return read


def find_developer(public_id: str) -> Developer:
    """Return the developer. Raises ValidationError for a malformed id, CommandError for an unknown one."""
    developer = Developer.objects.filter(id=decode_id(Prefix.DEVELOPER, public_id, field="developer")).first()
    if developer is None:
        raise CommandError(f"There is no developer {public_id}.")
    return developer


def find_key(public_id: str) -> ApiKey:
    """Return the key. Raises ValidationError for a malformed id, CommandError for an unknown one."""
    key = ApiKey.objects.filter(id=decode_id(Prefix.API_KEY, public_id, field="key")).first()
    if key is None:
        raise CommandError(f"There is no API key {public_id}.")
    return key


def find_entity(public_id: str) -> Entity:
    """Return the company. Raises ValidationError for a malformed id, CommandError for an unknown one."""
    entity = Entity.objects.filter(id=decode_id(Prefix.ENTITY, public_id, field="entity")).first()
    if entity is None:
        raise CommandError(f"There is no entity {public_id}.")
    return entity

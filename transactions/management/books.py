"""What the commands have in common: finding the books that an operator names."""

import os
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import CommandError

from ledger.choices import EntityStatus
from ledger.exceptions import LedgerError
from ledger.ids import Prefix, decode_id
from ledger.models import Entity, Ledger


def add_books_arguments(parser: ArgumentParser) -> None:
    """Let the operator name the company, and one of its ledgers where it has several."""
    parser.add_argument("--entity", required=True, metavar="entity_…", help="the company's id")
    parser.add_argument("--ledger", metavar="ldgr_…", help="one of its ledgers; the default one unless given")


def entity_of(public_id: str) -> Entity:
    """Return the company of that id; CommandError where there is none."""
    try:
        entity_id = decode_id(Prefix.ENTITY, public_id, field="--entity")
    except LedgerError as error:
        raise CommandError(str(error)) from error
    entity = Entity.objects.filter(id=entity_id).exclude(status=EntityStatus.DELETING).first()
    if entity is None:
        raise CommandError(f"--entity: there is no company {public_id}.")
    return entity


def ledger_of(entity: Entity, public_id: str | None) -> Ledger:
    """Return that ledger of the company, or its default one; CommandError where there is none."""
    ledgers = Ledger.objects.filter(entity_id=entity.id)
    if public_id is None:
        ledger = ledgers.filter(is_default=True).first()
    else:
        try:
            ledger = ledgers.filter(id=decode_id(Prefix.LEDGER, public_id, field="--ledger")).first()
        except LedgerError as error:
            raise CommandError(str(error)) from error
    if ledger is None:
        raise CommandError(f"--ledger: {entity.public_id} has no ledger {public_id or 'by default'}.")
    return ledger


def existing_file(text: str) -> Path:
    """Return the path of a file that can be read; CommandError for any other."""
    path = Path(text)
    if not path.is_file():
        raise CommandError(f"{text} is not a file.")
    if not os.access(path, os.R_OK):
        raise CommandError(f"{text} cannot be read; make it readable for the user that runs this.")
    return path

"""The first reading of a file: the size of each entry, and the accounts, which are made."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from django.db.transaction import atomic

from accounts.models import Account
from accounts.services import ensure_account_paths
from ledger.actors import Actor
from ledger.exceptions import ValidationError, shown
from ledger.models import Entity, Ledger
from transactions.journal_import.faults import Faults
from transactions.journal_import.reading import JournalReader, same_account


class _Place(NamedTuple):
    """Where in the file something stands first."""

    line: int
    column: str


@dataclass(slots=True)
class Survey:
    """What the first reading found out."""

    rows: int
    # How many rows each entry has.
    sizes: dict[str, int]
    # The pairs of account paths, each with the line it stands in first.
    pairs: dict[tuple[str, str], int]


def survey_file(reader: JournalReader, faults: Faults) -> Survey:
    """Read the file for the first time."""
    sizes: dict[str, int] = {}
    days: dict[str, date] = {}
    pairs: dict[tuple[str, str], int] = {}
    rows = 0
    for row in reader.rows(faults=faults):
        rows += 1
        size = sizes[row.entry_id] = sizes.get(row.entry_id, 0) + 1
        if size == 1:
            days[row.entry_id] = row.day
        elif days[row.entry_id] != row.day:
            faults.add(
                row.line,
                "date",
                f'"{row.day}" is not the day of entry {shown(row.entry_id)}, whose first row is of '
                f"{days[row.entry_id]}; an entry has one date.",
            )
        pairs.setdefault((row.debit, row.credit), row.line)
    return Survey(rows, sizes, pairs)


def make_accounts(
    survey: Survey, separator: str, entity: Entity, ledger: Ledger, actor: Actor, faults: Faults
) -> dict[str, Account]:
    """The accounts that the file names, by path; those that are missing are made. Where one cannot be, or
    cannot be used, `faults` are told of it, and the caller must roll back."""
    first_places: dict[str, _Place] = {}
    for (debit, credit), line in survey.pairs.items():
        first_places.setdefault(debit, _Place(line, "debit_account"))
        first_places.setdefault(credit, _Place(line, "credit_account"))
    try:
        with atomic():
            accounts = ensure_account_paths(
                entity=entity, ledger=ledger, paths=first_places, separator=separator, actor=actor
            )
    except ValidationError as error:
        places = {shown(path): place for path, place in reversed(first_places.items())}
        for detail in error.details:
            named = next((name for name in places if detail.message.startswith(name)), None)
            faults.add(*(places[named] if named else _Place(1, detail.field)), detail.message)
        return {}
    for path, account in accounts.items():
        if account.closed_at is not None:
            faults.add(*first_places[path], f"{shown(path)} is closed; reopen it or use another account.")
    for (debit, credit), line in survey.pairs.items():
        if accounts[debit].id == accounts[credit].id:
            faults.add(line, "credit_account", same_account(credit))
    return accounts

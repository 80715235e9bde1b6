"""Imports of statements, as they are shown."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from banking.choices import LineStatus
from banking.models import BankLine, StatementImport
from ledger.exceptions import NotFoundError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity


class LineCounts(NamedTuple):
    """How many lines of an import have which status by now."""

    offered: int = 0
    ignored: int = 0


def statement_imports(entity: Entity) -> QuerySet[StatementImport]:
    """The company's imports with their bank accounts, newest first."""
    return (
        StatementImport.objects.filter(entity_id=entity.id)
        .select_related("bank_account")
        .order_by("-created_at", "-id")
    )


def find_import(entity: Entity, import_id: UUID) -> StatementImport:
    """Return the company's import. Raises NotFoundError where there is none."""
    found = statement_imports(entity).filter(id=import_id).first()
    if found is None:
        raise NotFoundError(
            f"There is no statement import {encode_id(Prefix.IMPORT, import_id)} in this entity."
        )
    return found


def line_counts(entity: Entity, imports: Sequence[StatementImport]) -> dict[UUID, LineCounts]:
    """The counts of these imports, by their ids; one query."""
    counts: dict[UUID, LineCounts] = defaultdict(LineCounts)
    rows = (
        BankLine.objects.filter(entity_id=entity.id, statement_import_id__in=[one.id for one in imports])
        .order_by()
        .values_list("statement_import_id")
        .annotate(
            offered=Count("id", filter=Q(status=LineStatus.OFFERED)),
            ignored=Count("id", filter=Q(status=LineStatus.IGNORED)),
        )
    )
    for import_id, offered, ignored in rows:
        if import_id is not None:
            counts[import_id] = LineCounts(offered, ignored)
    return counts

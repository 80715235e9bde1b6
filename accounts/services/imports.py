"""Importing a chart of accounts into a ledger."""

from collections.abc import Callable, Sequence

from django.db.transaction import atomic

from accounts.chart_templates import TEMPLATE_IDS, chart_template
from accounts.imports.plan import plan_accounts
from accounts.imports.rows import Row
from accounts.models import AccountImport
from accounts.services.insertion import insert_accounts
from accounts.services.locks import hold_tree
from ledger import audit
from ledger.actors import Actor
from ledger.choices import ImportStatus
from ledger.clock import utc_now
from ledger.exceptions import ValidationError, shown
from ledger.models import Entity, Ledger


def rows_of_template(template_id: str) -> list[Row]:
    """Return the accounts of a ready-made chart as rows. Raises ValidationError for an unknown template."""
    if template_id not in TEMPLATE_IDS:
        raise ValidationError.of(
            "template_id", f"{shown(template_id)} is no template; send one of {', '.join(TEMPLATE_IDS)}."
        )
    return [
        Row(
            number,
            one.name,
            type=one.type,
            financial_type=one.financial_type,
            code=one.code,
            parent=None if one.parent is None else str(one.parent),
            description=one.description,
        )
        for number, one in enumerate(chart_template(template_id).accounts, start=2)
    ]


@atomic
def import_accounts(
    *,
    entity: Entity,
    ledger: Ledger,
    rows: Sequence[Row],
    source: str,
    actor: Actor,
    template_id: str | None = None,
    file_format: str | None = None,
    on_stored: Callable[[int], object] | None = None,
) -> AccountImport:
    """Make the accounts of these rows in `ledger` and return the record of what became of them.

    Good rows are made, rows that are there are skipped, bad rows are listed as errors; a second import of the
    same rows makes nothing (`accounts.imports.plan` has the rules). `source` is "template", "file" or "json".
    The number of statements grows with every 2,000 new accounts only; `on_stored` is told of each such batch.
    """
    assert ledger.entity_id == entity.id, "the ledger is one of this company's"
    hold_tree(entity)
    plan = plan_accounts(ledger, rows)
    insert_accounts(plan.fresh, on_stored=on_stored)
    record = AccountImport.objects.create(
        entity=entity,
        source=source,
        template_id=template_id,
        file_format=file_format,
        status=_status(made=len(plan.fresh) + plan.skipped, failed=len(plan.errors)),
        accounts_created=len(plan.fresh),
        accounts_skipped=plan.skipped,
        errors=[error._asdict() for error in plan.errors],
        created_at=utc_now(),
    )
    audit.record(
        actor=actor,
        action="accounts.import.completed",
        object_type="import",
        object_id=record.public_id,
        entity=entity,
        after={
            "source": source,
            "template_id": template_id,
            "ledger_id": ledger.public_id,
            "accounts_created": record.accounts_created,
            "accounts_skipped": record.accounts_skipped,
            "errors": len(plan.errors),
        },
    )
    return record


def _status(*, made: int, failed: int) -> ImportStatus:
    if not failed:
        return ImportStatus.COMPLETED
    return ImportStatus.PARTIAL if made else ImportStatus.FAILED

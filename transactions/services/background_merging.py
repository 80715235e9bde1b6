"""Merging large accounts in the background, with progress."""

from datetime import date
from typing import Final
from uuid import UUID

from django.db.transaction import atomic

from accounts.models import Account
from accounts.querysets import find_account
from ledger.actors import Actor
from ledger.background import TaskRun, background_task, start_task
from ledger.choices import TaskState
from ledger.exceptions import ConflictError
from ledger.models import BackgroundTask, Entity
from ledger.times import parse_day
from transactions.services.merging import is_merged, merge_accounts

TASK: Final = "transactions.merge_accounts"


def start_merging(
    *,
    entity: Entity,
    source: Account,
    target: Account,
    closed_balance_on: date | None,
    actor: Actor,
    shown: str | None = None,
) -> BackgroundTask:
    """Let a worker merge two accounts (`transactions.services.merging`); its row says how far it is.

    Raises ConflictError while another merge of `source` waits or runs: into another account, of another
    preview, or with another day for the balance of closed periods.
    """
    arguments = {
        "source": str(source.id),
        "target": str(target.id),
        "closed_balance_on": closed_balance_on.isoformat() if closed_balance_on else None,
        "shown": shown,
    }
    key = str(source.id)
    with atomic():
        task = start_task(entity=entity, name=TASK, arguments=arguments, key=key, actor=actor)
        under_way = BackgroundTask.objects.filter(
            entity_id=entity.id, name=TASK, key=key, state__in=(TaskState.QUEUED, TaskState.RUNNING)
        )
        for other in under_way:
            if other.arguments != arguments:
                into = find_account(entity, UUID(other.arguments["target"]))
                raise ConflictError(
                    f"{source} is being merged into {into} already; the background work says how far it is. "
                    "Wait until that has ended, and look at the preview once more."
                )
    return task


@background_task(TASK, decides=True)
def merge_in_background(run: TaskRun) -> str:
    """Merge two accounts; what was merged by an earlier run stays as it is."""
    source = find_account(run.entity, UUID(run.arguments["source"]))
    target = find_account(run.entity, UUID(run.arguments["target"]))
    if is_merged(source, target):
        return f"{source} is merged into {target}"
    day = run.arguments["closed_balance_on"]
    done = 0

    def moved(count: int) -> None:
        nonlocal done
        done += count
        run.progress(done=done, message=f"merging {source} into {target}")

    merged = merge_accounts(
        entity=run.entity,
        source=source,
        target=target,
        closed_balance_on=parse_day(day, field="closed_balance_on") if day else None,
        actor=run.actor,
        shown=run.arguments.get("shown"),
        on_moved=moved,
    )
    return f"{source} is merged into {target}: {merged.reclassified} reclassified, {merged.edited} edited"

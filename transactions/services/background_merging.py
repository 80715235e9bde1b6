"""Merging large accounts in the background, with progress."""

from datetime import date
from typing import Final
from uuid import UUID

from accounts.models import Account
from accounts.querysets import find_account
from ledger.actors import Actor
from ledger.background import TaskRun, background_task, start_task
from ledger.models import BackgroundTask, Entity
from ledger.times import parse_day
from transactions.services.merging import MERGED_INTO, merge_accounts

TASK: Final = "transactions.merge_accounts"


def start_merging(
    *, entity: Entity, source: Account, target: Account, closed_balance_on: date | None, actor: Actor
) -> BackgroundTask:
    """Let a worker merge two accounts (`transactions.services.merging`); its row says how far it is."""
    return start_task(
        entity=entity,
        name=TASK,
        arguments={
            "source": str(source.id),
            "target": str(target.id),
            "closed_balance_on": closed_balance_on.isoformat() if closed_balance_on else None,
        },
        key=str(source.id),
        actor=actor,
    )


@background_task(TASK, decides=True)
def merge_in_background(run: TaskRun) -> str:
    """Merge two accounts; what was merged by an earlier run stays as it is."""
    source = find_account(run.entity, UUID(run.arguments["source"]))
    target = find_account(run.entity, UUID(run.arguments["target"]))
    if source.closed_at is not None and (source.metadata or {}).get(MERGED_INTO) == target.public_id:
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
        on_moved=moved,
    )
    return f"{source} is merged into {target}: {merged.reclassified} reclassified, {merged.edited} edited"

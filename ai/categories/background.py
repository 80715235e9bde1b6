"""Learning in the background, as answers come in, and suggesting: after a sync for what it brought, and anew
for all that waits when more was learned."""

from typing import Final
from uuid import UUID

from ai.categories.confirmed import take_in
from ai.categories.stored import suggest_and_keep, uncategorized
from ai.categories.training import TASK as LEARNING
from ai.categories.training import train
from ledger.actors import SYSTEM
from ledger.background import TaskRun, background_task, start_task
from ledger.models import BackgroundTask, Entity

TASK: Final = "ai.suggest_categories"
# So many transactions are read and answered at a time.
_STEP: Final = 500
# What waits behind so many newer ones keeps the suggestion that it has.
_MOST: Final = 5_000


def start_suggesting(entity: Entity) -> BackgroundTask:
    """Let a worker suggest categories for all transactions of the company that wait for one; where that is
    asked for already and has not begun, or runs, its row is returned."""
    return start_task(entity=entity, name=TASK, key="suggest", actor=SYSTEM)


@background_task(TASK)
def suggest_in_background(run: TaskRun) -> str:
    """Suggest categories for what waits, and keep the suggestions."""
    entity = run.entity
    if not entity.smart_suggestions:
        return "suggestions are switched off"
    done = applied = 0
    before: UUID | None = None
    while done < _MOST:
        waiting = uncategorized(entity, before=before, limit=_STEP)
        if not waiting:
            break
        applied += suggest_and_keep(entity, waiting)
        done += len(waiting)
        before = waiting[-1].id
        run.progress(done=done, message="suggesting categories")
    return f"{done} transactions, {applied} of them categorized without asking"


@background_task(LEARNING)
def learn_in_background(run: TaskRun) -> str:
    """Take in all answers, train the model, and let it suggest anew for what waits."""
    taken = 0
    while True:
        new, is_more = take_in(run.entity)
        taken += new
        run.progress(done=taken, message="reading what was confirmed")
        if not is_more or not new:
            break
    trained = train(run.entity)
    if trained and run.entity.smart_suggestions:
        # What waits was suggested by who knew less.
        start_suggesting(run.entity)
    return f"{taken} answers taken in, " + (f"trained on {trained}" if trained else "no need to train")

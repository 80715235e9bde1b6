"""Rules applied to more transactions than a request waits for."""

import hashlib
import json
from datetime import date
from typing import Any, Final
from uuid import UUID

from banking.rules.applying import Plan, Selection, apply_rules, apply_to_all
from banking.rules.candidates import Wanted, count_candidates
from ledger.actors import Actor
from ledger.background import TaskRun, background_task, start_task
from ledger.models import BackgroundTask, Entity

TASK: Final = "banking.apply_rules"
# So many transactions are looked at while somebody waits; a run over more goes on in the background.
AT_ONCE_MAX: Final = 5_000
# What is counted before the work begins; more than that is only said to be more.
_COUNTED_MAX: Final = 1_000_000


def apply_or_start(*, entity: Entity, selection: Selection, actor: Actor) -> Plan | BackgroundTask:
    """Apply rules to all that is selected, here and now where that is not too much, else in the background.

    Raises what the posting engine raises; then nothing is changed.
    """
    if count_candidates(entity, selection.wanted, at_most=AT_ONCE_MAX + 1) > AT_ONCE_MAX:
        return start_applying(entity=entity, selection=selection, actor=actor)
    return apply_rules(entity=entity, selection=selection, size=AT_ONCE_MAX, actor=actor)


def start_applying(*, entity: Entity, selection: Selection, actor: Actor) -> BackgroundTask:
    """Let the worker apply rules; where just that waits already, its row is returned."""
    arguments = _arguments(selection)
    digest = hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()
    return start_task(entity=entity, name=TASK, arguments=arguments, key=digest, actor=actor)


@background_task(TASK, decides=True)
def apply_rules_in_background(run: TaskRun) -> str:
    """Apply rules to all that the arguments select. A rule that was deleted or disabled meanwhile is left
    out, and what was done before the worker was killed is not done again."""
    selection = _selection(run.arguments)
    total = count_candidates(run.entity, selection.wanted, at_most=_COUNTED_MAX)
    examined = changed = approved = 0
    run.progress(done=0, total=total, message="applying rules")
    for done in apply_to_all(entity=run.entity, selection=selection, actor=run.actor):
        examined += done.examined
        changed += len(done.changes)
        approved += sum(change.approves for change in done.changes)
        run.progress(done=examined, total=max(total, examined))
    return f"{changed} of {examined} transactions changed, {approved} of them approved"


def _arguments(selection: Selection) -> dict[str, Any]:
    wanted = selection.wanted
    return {
        "rule_ids": None if selection.rule_ids is None else sorted(str(one) for one in selection.rule_ids),
        "first": wanted.first and wanted.first.isoformat(),
        "last": wanted.last and wanted.last.isoformat(),
        "include_categorized": wanted.include_categorized,
    }


def _selection(arguments: Any) -> Selection:
    first, last, rule_ids = arguments["first"], arguments["last"], arguments["rule_ids"]
    wanted = Wanted(
        first and date.fromisoformat(first),
        last and date.fromisoformat(last),
        arguments["include_categorized"],
    )
    return Selection(wanted, None if rule_ids is None else tuple(UUID(one) for one in rule_ids))

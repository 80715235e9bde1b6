"""From a decision in the review queue to the service that does it, and the words for what was done."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from accounts.facts import facts_of_accounts
from ai.categories.reviewing import decide_category, take_back
from ai.office import forms
from ai.office.forms import Decision
from ai.office.queue import find_item
from banking.querysets import find_line
from banking.services.deciding import ignore_line, match_line, record_line
from banking.services.redeciding import rematch_line, reoffer_line
from banking.services.rows import links_of_transactions
from ledger.actors import Actor
from ledger.exceptions import ConflictError, ValidationError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in words, and what taking it back would send; empty where that cannot be."""

    message: str
    undo: dict[str, Any] = field(default_factory=dict)


def decide(entity: Entity, decision: Decision, actor: Actor) -> Done:
    """Do what was decided. Raises what the services raise, ValidationError for what says too little, and
    ConflictError where the row waits no more."""
    if decision.action == forms.UNDO:
        return _undone(entity, decision, actor)
    return _of_line(entity, decision, actor) if decision.is_line else _of_transaction(entity, decision, actor)


def _of_transaction(entity: Entity, decision: Decision, actor: Actor) -> Done:
    row = encode_id(Prefix.TRANSACTION, decision.key)
    if decision.action == forms.MATCH:
        links = links_of_transactions(entity, [decision.key])
        if not links:
            raise ConflictError(
                "No bank line stands behind this transaction: there is nothing to match. Choose an account."
            )
        rematch_line(
            entity=entity,
            line_id=links[0].line_id,
            transaction_ids=_transactions(decision),
            actor=actor,
        )
        return Done("Matched; what had been made of the bank line is gone.")
    if decision.action not in (forms.ACCEPT, forms.CHOOSE) or decision.account_id is None:
        raise ValidationError.of("account", "is missing; choose an account.")
    decide_category(entity=entity, transaction_id=decision.key, account_id=decision.account_id, actor=actor)
    return Done(f"Put in {_name(entity, decision.account_id)}.", {"row": row})


def _of_line(entity: Entity, decision: Decision, actor: Actor) -> Done:
    line = find_line(entity, decision.key)
    undo: dict[str, Any] = {}
    if line.offered_transaction_id is not None:
        undo = {
            "row": line.public_id,
            "offered": encode_id(Prefix.TRANSACTION, line.offered_transaction_id),
        }
    if decision.action in (forms.ACCEPT, forms.MATCH):
        match_line(entity=entity, line_id=decision.key, transaction_ids=_transactions(decision), actor=actor)
        return Done("Matched with what the books have.", undo)
    if decision.action == forms.IGNORE:
        ignore_line(entity=entity, line_id=decision.key, actor=actor)
        return Done("Left out of the books.", undo)
    record_line(entity=entity, line_id=decision.key, category_id=decision.account_id, actor=actor)
    if decision.account_id is None:
        return Done("Recorded as a transaction of its own; it waits for a category.", undo)
    return Done(f"Recorded in {_name(entity, decision.account_id)}.", undo)


def _undone(entity: Entity, decision: Decision, actor: Actor) -> Done:
    if not decision.is_line:
        take_back(entity=entity, transaction_id=decision.key, actor=actor)
    elif decision.offered_id is None:
        raise ValidationError.of("offered", "is missing; this decision cannot be taken back here.")
    else:
        reoffer_line(entity=entity, line_id=decision.key, transaction_id=decision.offered_id, actor=actor)
    if find_item(entity, decision.key, is_line=decision.is_line) is None:
        raise ConflictError("It was taken back, and does not wait here all the same: its period is closed.")
    return Done("Taken back; it waits again.")


def _transactions(decision: Decision) -> list[UUID]:
    if not decision.transaction_ids:
        raise ValidationError.of("transaction", "is missing; choose the transaction that it is.")
    return decision.transaction_ids


def _name(entity: Entity, account_id: UUID) -> str:
    return facts_of_accounts(entity, [account_id])[account_id].name

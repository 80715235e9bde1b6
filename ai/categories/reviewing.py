"""What a person decides in the review queue: the category of a transaction, and taking that back."""

from typing import Final
from uuid import UUID

from django.db.transaction import atomic

from ai.categories.confirmed import unlearn
from ai.categories.stored import (
    AlreadyDecidedError,
    accept_suggestion,
    correct_suggestion,
    learn_from,
    uncategorized,
)
from ai.models import Suggestion, SuggestionStatus
from ledger.actors import Actor
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from transactions.rows import Row
from transactions.services import categorize_transactions
from transactions.services.uncategorizing import uncategorize_transactions

_BY_A_PERSON: Final = (SuggestionStatus.ACCEPTED, SuggestionStatus.CORRECTED)


def decide_category(*, entity: Entity, transaction_id: UUID, account_id: UUID, actor: Actor) -> Row:
    """Put a transaction that waits for a category in an account, and learn from it.

    Where a suggestion waits for it, that is accepted or corrected. Raises AlreadyDecidedError where it does
    not wait any more, and what categorizing raises.
    """
    waiting = Suggestion.objects.filter(
        entity_id=entity.id, transaction_id=transaction_id, status=SuggestionStatus.WAITING
    ).first()
    if waiting is not None and entity.smart_suggestions:
        if waiting.account_id == account_id:
            return accept_suggestion(entity=entity, suggestion_id=waiting.id, actor=actor)
        return correct_suggestion(
            entity=entity, suggestion_id=waiting.id, category_id=account_id, actor=actor
        )
    if not uncategorized(entity, ids=[transaction_id], limit=1):
        raise AlreadyDecidedError(
            f"Transaction {encode_id(Prefix.TRANSACTION, transaction_id)} does not wait for a category any "
            "more: somebody decided, or it was posted, deleted, or its period closed."
        )
    with atomic():
        [row] = categorize_transactions(
            entity=entity, ids=[transaction_id], category_id=account_id, actor=actor
        )
        if entity.smart_suggestions:
            learn_from(entity, [transaction_id])
    return row


def take_back(*, entity: Entity, transaction_id: UUID, actor: Actor) -> Row:
    """Let a transaction wait for a category again, with its suggestion, and forget what was learned of it.

    Raises what `uncategorize_transactions` raises: among others for a posted one.
    """
    with atomic():
        [row] = uncategorize_transactions(entity=entity, ids=[transaction_id], actor=actor)
        unlearn(entity, [transaction_id])
        Suggestion.objects.filter(
            entity_id=entity.id, transaction_id=transaction_id, status__in=_BY_A_PERSON
        ).update(status=SuggestionStatus.WAITING, decided_account_id=None, decided_at=None, decided_by=None)
    return row

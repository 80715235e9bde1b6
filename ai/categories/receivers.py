"""What suggestions do when the books change. Receivers run in the sender's database transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from accounts.models import Account
from ai.categories.background import start_suggesting
from ai.categories.confirmed import Standing, follow_merge, forget, move, unlearn
from banking.signals import lines_recorded
from ledger.models import Entity
from transactions.category_side import category_side
from transactions.rows import Row
from transactions.signals import accounts_merged, transactions_deleting, transactions_editing


@receiver(lines_recorded, dispatch_uid="ai.suggest_categories")
def on_lines_recorded(
    sender: object, *, entity: Entity, transaction_ids: Sequence[UUID], **more: Any
) -> None:
    """Let a worker suggest categories for what nobody has categorized."""
    if not transaction_ids or not entity.smart_suggestions:
        return
    start_suggesting(entity)


@receiver(transactions_deleting, dispatch_uid="ai.forget_transactions")
def on_transactions_deleting(
    sender: object, *, entity: Entity, transaction_ids: Sequence[UUID], **more: Any
) -> None:
    """Let go of what is being deleted."""
    forget(entity, transaction_ids)


@receiver(transactions_editing, dispatch_uid="ai.move_confirmed")
def on_transactions_editing(
    sender: object, *, entity: Entity, changes: Sequence[tuple[Row, Row]], **more: Any
) -> None:
    """What was confirmed says what it says now: where it stands, when, and of how much."""
    stands: dict[UUID, Standing] = {}
    unclear = []
    for before, after in changes:
        if before.categorized_at is None:
            continue
        side = category_side(
            after.debit_type, after.debit_financial_type, after.credit_type, after.credit_financial_type
        )
        if side is None:
            unclear.append(after.id)
        elif side == "debit":
            stands[after.id] = Standing(after.debit_account_id, after.date, after.amount)
        else:
            stands[after.id] = Standing(after.credit_account_id, after.date, -after.amount)
    if stands:
        move(entity, stands)
    if unclear:
        unlearn(entity, unclear)


@receiver(accounts_merged, dispatch_uid="ai.follow_merge")
def on_accounts_merged(
    sender: object, *, entity: Entity, source: Account, target: Account, **more: Any
) -> None:
    """What was learned and suggested of the one account is said of the other."""
    follow_merge(entity, source.id, target.id)

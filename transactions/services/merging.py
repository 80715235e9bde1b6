"""Merging an account into another one (docs/decisions/0018)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Final, TypeVar

from django.db.transaction import atomic

from accounts.choices import AccountType
from accounts.facts import AccountFacts, facts_of_accounts
from accounts.models import Account
from accounts.querysets import find_account
from accounts.services import close_account, update_account
from ledger import audit
from ledger.actors import Actor
from ledger.api import json
from ledger.clock import utc_now
from ledger.exceptions import ConflictError, ValidationError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.services.books import lock_books
from ledger.times import day_start
from transactions.account_ledger import sums_until
from transactions.account_merges import (
    Move,
    check_pair,
    first_open_day,
    moves_by_month,
    pending_ids,
    preview_merge,
)
from transactions.choices import Change, Source, Status
from transactions.drafts import Draft
from transactions.exceptions import PeriodClosedError
from transactions.rows import Row
from transactions.services.batches import post_batch
from transactions.services.changing import closed_through, lock_transactions
from transactions.services.editing import announce_edits
from transactions.services.posting import metadata_text
from transactions.services.rewriting import rewrite_transactions
from transactions.signals import accounts_merged, accounts_merging

MERGED_INTO: Final = "mergedInto"
MERGED_FROM: Final = "mergedFrom"
_BATCH: Final = 2_000

Item = TypeVar("Item")


class PreviewOutdatedError(ConflictError):
    """The books moved since the preview of a merge was shown."""

    def __init__(self, source: Account, target: Account) -> None:
        super().__init__(
            f"The books moved since it was shown what merging {source} into {target} would do. Nothing was "
            "done; look at the preview once more."
        )


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did."""

    source: Account
    target: Account
    edited: int
    reclassified: int
    # Debits less credits that the closed periods left on the source and that were moved by one posting.
    closed_balance_moved: Decimal
    children_moved: int


def merge_accounts(
    *,
    entity: Entity,
    source: Account,
    target: Account,
    actor: Actor,
    closed_balance_on: date | None = None,
    shown: str | None = None,
    on_moved: Callable[[int], object] | None = None,
) -> Merged:
    """Move everything of `source` to `target`, an open account of the same type and ledger, and close
    `source`; all or nothing.

    Transactions that are not final are edited. For each posted one on an open day a transaction linked to it
    by `reclassifies` posts, dated as it, what it put on `source`; originals stay as they are. The balance
    that closed periods left on `source` is moved by one posting dated `closed_balance_on`, an open day; None
    leaves it there, which only accounts of revenue and expenses allow. Accounts below `source` move below
    `target`. `on_moved` is told after each batch how many transactions that were.

    Postings wait while it runs. Raises PreviewOutdatedError where `shown`, the digest of the preview that a
    person agreed to, is given and no longer what would be done. Raises ValidationError, naming `target` or
    `closed_balance_on`, where the two do not go together or a balance would be left behind,
    PeriodClosedError, ConflictError for a system account, a closed one and pending transactions between the
    two, and what an app above refuses it with (`transactions.signals.accounts_merging`).
    """
    told = on_moved or (lambda count: None)
    with atomic():
        lock_books(entity)
        source, target = find_account(entity, source.id), find_account(entity, target.id)
        check_pair(source, target)
        if shown is not None:
            preview = preview_merge(entity, source=source, target=target, closed_balance_on=closed_balance_on)
            if preview.digest != shown:
                raise PreviewOutdatedError(source, target)
        closed = closed_through(entity)
        left = _left_by_closed_periods(entity, source, closed)
        _check_closed_balance(source, left, closed_balance_on, closed)
        accounts_merging.send(sender=Entity, entity=entity, source=source, target=target)
        facts = facts_of_accounts(entity, [target.id])[target.id]
        edited = _edit_pending(entity, source, facts, actor, told)
        reclassified = _reclassify(entity, source, target, first_open_day(closed), actor, told)
        moved = Decimal(0)
        if left and closed_balance_on is not None:
            _carry(entity, source, target, left, closed_balance_on, actor)
            moved = left
        _check_empty(entity, source, left - moved)
        children = list(Account.objects.for_entity(entity).filter(parent_id=source.id))
        for child in children:
            update_account(entity=entity, account=child, parent=target, actor=actor)
        accounts_merged.send(sender=Entity, entity=entity, source=source, target=target, actor=actor)
        update_account(
            entity=entity,
            account=source,
            metadata=(source.metadata or {}) | {MERGED_INTO: target.public_id},
            actor=actor,
        )
        source = close_account(entity=entity, account=source, actor=actor)
        merged = Merged(source, target, edited, reclassified, moved, len(children))
        _record(entity, merged, closed_balance_on, actor)
    return merged


def is_merged(source: Account, target: Account) -> bool:
    """Return whether `source` was merged into `target`, and was not reopened since."""
    return source.closed_at is not None and (source.metadata or {}).get(MERGED_INTO) == target.public_id


def _left_by_closed_periods(entity: Entity, source: Account, closed: date | None) -> Decimal:
    if closed is None:
        return Decimal(0)
    return sums_until(entity, [source.id], [closed])[0].net


def _check_closed_balance(source: Account, left: Decimal, on: date | None, closed: date | None) -> None:
    if on is not None and closed is not None and on <= closed:
        raise PeriodClosedError(closed)
    if left and on is None and AccountType(source.type).is_balance_sheet:
        raise ValidationError.of(
            "closed_balance_on",
            f"the periods closed through {closed} left a balance on {source}, which goes on from year to "
            "year; say on which open day it is moved.",
        )


def _edit_pending(
    entity: Entity, source: Account, target: AccountFacts, actor: Actor, told: Callable[[int], object]
) -> int:
    """Put the target in the source's place in what is not final."""
    ids = pending_ids(entity, source.id)
    for batch in _batched(ids):
        rows = lock_transactions(entity, batch)
        edited = [_between(row, source, target) for row in rows.values()]
        announce_edits(entity, [(rows[row.id], row) for row in edited], actor)
        rewrite_transactions(
            entity=entity,
            rows=edited,
            change=Change.EDITED,
            actor=actor,
            now=utc_now(),
            reason=f"Merged {source} into {target.name}"[:500],
        )
        told(len(edited))
    return len(ids)


def _between(row: Row, source: Account, target: AccountFacts) -> Row:
    side, other = (
        ("debit", row.credit_account_id)
        if row.debit_account_id == source.id
        else ("credit", row.debit_account_id)
    )
    if other == target.id:
        raise ConflictError(
            f"A pending transaction of {row.date} moves {row.amount} {row.currency} between the two "
            "accounts, which would be one. Approve or delete it first."
        )
    moved = {
        f"{side}_account_id": target.id,
        f"{side}_name": target.name,
        f"{side}_type": target.type,
        f"{side}_financial_type": target.financial_type,
        f"{side}_code": target.code,
        "metadata": _recategorized(row.metadata, source, target),
    }
    return row._replace(**moved)  # type: ignore[arg-type]


def _recategorized(metadata: str | None, source: Account, target: AccountFacts) -> str | None:
    """Metadata in which the category that was chosen is the target where it was the source."""
    if metadata is None or source.public_id not in metadata:
        return metadata
    known = json.decode(metadata.encode())
    if known.get("categoryId") != source.public_id:
        return metadata
    return metadata_text(
        known | {"categoryId": encode_id(Prefix.ACCOUNT, target.id), "categoryName": target.name}
    )


def _reclassify(
    entity: Entity, source: Account, target: Account, first: date, actor: Actor, told: Callable[[int], object]
) -> int:
    """Post, for each transaction and day from `first` on, what it put on the source, to the target."""
    count = 0
    for moves in moves_by_month(entity, source.id, first=first):
        for batch in _batched(_drafts(moves, source, target)):
            _post(entity, batch, actor)
            count += len(batch)
            told(len(batch))
    return count


def _drafts(moves: Sequence[Move], source: Account, target: Account) -> Iterator[Draft]:
    for move in moves:
        debit, credit = (target.id, source.id) if move.net > 0 else (source.id, target.id)
        yield Draft(
            debit_account_id=debit,
            credit_account_id=credit,
            amount=abs(move.net),
            currency=source.currency,
            timestamp=move.timestamp,
            date=move.date,
            status=Status.POSTED,
            source=Source.SYSTEM,
            description=f"Reclassified: {move.description}"[:1000],
            counterparty=move.counterparty,
            metadata={MERGED_FROM: source.public_id},
            reclassifies_id=move.transaction_id,
        )


def _carry(entity: Entity, source: Account, target: Account, left: Decimal, day: date, actor: Actor) -> None:
    """Move what closed periods left on the source by one posting."""
    debit, credit = (target.id, source.id) if left > 0 else (source.id, target.id)
    draft = Draft(
        debit_account_id=debit,
        credit_account_id=credit,
        amount=abs(left),
        currency=source.currency,
        timestamp=day_start(day, entity.zone),
        date=day,
        status=Status.POSTED,
        source=Source.SYSTEM,
        description=f"Balance of closed periods: {source} merged into {target}"[:1000],
        metadata={MERGED_FROM: source.public_id},
    )
    _post(entity, [draft], actor)


def _post(entity: Entity, drafts: Sequence[Draft], actor: Actor) -> None:
    for fault in post_batch(entity=entity, drafts=drafts, actor=actor, are_new=True).values():
        raise fault


def _check_empty(entity: Entity, source: Account, left: Decimal) -> None:
    """Nothing may have stayed behind but what closed periods left and were to keep."""
    [sums] = sums_until(entity, [source.id], [None])
    if (sums.net, sums.pending) != (left, Decimal(0)):
        raise ConflictError(
            f"{source} would keep {sums.net} posted and {sums.pending} pending. Nothing was merged; verify "
            "the books (manage.py verify)."
        )


def _batched(items: Iterable[Item]) -> Iterator[list[Item]]:
    waiting = iter(items)
    while batch := list(islice(waiting, _BATCH)):
        yield batch


def _record(entity: Entity, merged: Merged, closed_balance_on: date | None, actor: Actor) -> None:
    audit.record(
        actor=actor,
        action="transactions.account.merged",
        object_type="account",
        object_id=merged.source.public_id,
        entity=entity,
        after={
            "into": merged.target.public_id,
            "edited": merged.edited,
            "reclassified": merged.reclassified,
            "closed_balance_moved": merged.closed_balance_moved,
            "closed_balance_on": closed_balance_on,
            "children_moved": merged.children_moved,
        },
    )

"""When the bank says something else of a line, or takes it back: what becomes of its transaction.

The books follow where they may. What is final, reconciled, in a closed period, or not made of the line
alone stays as it is; the line then says in `attention` what a person should look at.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Final
from uuid import UUID

from accounts.chart_templates import SystemRole
from accounts.facts import facts_of_accounts
from accounts.system_accounts import system_account_ids
from banking.choices import LineStatus, LinkKind
from banking.services.links import attend, mark, relabel, unlink
from banking.services.locks import hold_lines
from banking.services.rows import (
    BankFacts,
    Line,
    Link,
    bank_facts,
    lines_by_provider_id,
    links_of_lines,
    links_of_transactions,
)
from ledger.actors import SYSTEM
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.times import day_start
from transactions.choices import Status
from transactions.counterparty_names import counterparty_name
from transactions.rows import Row
from transactions.services import delete_transactions, edit_transactions
from transactions.services.changing import closed_through, lock_transactions
from transactions.services.editing import UNCHANGED, Edit

# What a feed may still change; a person has put a hand to the others.
FOLLOWS: Final = frozenset({Status.PENDING, Status.CLEARED})
UNCATEGORIZED: Final = (SystemRole.UNCATEGORIZED_INCOME, SystemRole.UNCATEGORIZED_EXPENSE)
_REASON: Final = "The bank changed its line"
_REMOVED: Final = "The bank took its line back"


def follow_changes(
    entity: Entity, changes: Sequence[tuple[Line, Line]], *, write: Callable[[], None]
) -> None:
    """Let transactions follow lines that the bank now says otherwise: pairs of a line before and after.

    `write` stores the lines; it is called once the transactions are locked, and before they change.
    """
    recorded = {
        after.id: (before, after)
        for before, after in changes
        if before.status == LineStatus.RECORDED and _as_told(before) != _as_told(after)
    }
    links = _by_line(links_of_lines(entity, recorded))
    rows = lock_transactions(entity, _transactions(links)) if links else {}
    write()
    if not links:
        return
    closed = closed_through(entity)
    turned = {id_ for id_, (before, after) in recorded.items() if (before.amount > 0) != (after.amount > 0)}
    turning = (rows[one.transaction_id] for line_id in turned for one in links.get(line_id, ()))
    shut = closed_accounts(entity, accounts_of(*turning))
    edits: dict[UUID, Edit] = {}
    attention: list[tuple[UUID, str]] = []
    for line_id, (before, after) in recorded.items():
        its_links = links.get(line_id, [])
        if not its_links:
            continue
        weighs = before.amount != after.amount or (
            before.date != after.date and its_links[0].kind == LinkKind.MADE
        )
        row = rows.get(its_links[0].transaction_id) if len(its_links) == 1 else None
        follows = row is not None and its_links[0].kind == LinkKind.MADE and _may_follow(row, after, closed)
        # What changes its sides is entered into both accounts anew, which a closed one refuses.
        if row is not None and follows and not (line_id in turned and accounts_of(row) & shut):
            edits[row.id] = _edit(entity, row, before, after)
            if before.attention:
                attention.append((line_id, ""))
        elif weighs:
            attention.append((line_id, _changed_words(before, after, its_links)))
    attend(entity, attention)
    edit_transactions(entity=entity, edits=edits, actor=SYSTEM, reason=_REASON)


def remove_lines(entity: Entity, bank_account_id: UUID, provider_line_ids: Collection[str]) -> int:
    """Follow the bank in taking lines back; returns how many were here.

    A transaction that was made of the line alone goes with it where that may be; one that stands for a line
    of another bank account too stays for that one, and one that was in the books before stays. Where the
    transaction is final the line stays RECORDED and says so. Runs in the caller's database transaction.
    """
    hold_lines(entity)
    lines = {
        line.id: line
        for line in lines_by_provider_id(entity, bank_account_id, provider_line_ids).values()
        if line.status != LineStatus.REMOVED
    }
    if not lines:
        return 0
    links = _by_line(links_of_lines(entity, lines))
    rows = lock_transactions(entity, _transactions(links)) if links else {}
    shared = shared_transactions(entity, links)
    shut = closed_accounts(entity, accounts_of(*(rows[id_] for id_ in shared)))
    closed = closed_through(entity)
    removed: list[tuple[UUID, UUID | None, str]] = []
    kept: list[tuple[UUID, str]] = []
    delete: list[UUID] = []
    undo: list[Link] = []
    for line in lines.values():
        its_links = links.get(line.id, [])
        ids = ", ".join(encode_id(Prefix.TRANSACTION, one.transaction_id) for one in its_links)
        if not its_links:
            removed.append((line.id, None, ""))
        elif its_links[0].kind == LinkKind.MATCHED:
            removed.append(
                (line.id, None, f"The bank took this line back; {ids}, which it was matched with, stays.")
            )
        elif all(rows[one.transaction_id].status == Status.REVERSED for one in its_links):
            removed.append((line.id, None, ""))
        elif all(
            _may_change(row, closed) and not (row.id in shared and accounts_of(row) & shut)
            for row in (rows[one.transaction_id] for one in its_links)
        ):
            removed.append((line.id, None, ""))
            delete += [one.transaction_id for one in its_links if one.transaction_id not in shared]
            undo += [one for one in its_links if one.transaction_id in shared]
        else:
            kept.append(
                (
                    line.id,
                    f"The bank took this line back, and {ids} cannot be deleted; reverse it, then unmatch.",
                )
            )
    unlink(entity, [row[0] for row in removed])
    mark(entity, LineStatus.REMOVED, removed)
    attend(entity, kept)
    undo_transfers(entity, undo, rows, reason=_REMOVED)
    delete_transactions(entity=entity, ids=delete, actor=SYSTEM, reason=_REMOVED)
    return len(lines)


def shared_transactions(entity: Entity, links: Mapping[UUID, Sequence[Link]]) -> set[UUID]:
    """Those of the transactions that stand for lines of several bank accounts, as transfers do. (Of one that
    was made of a line, the other side may have been matched with a line since.) One query, or none."""
    accounts: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for one in links_of_transactions(entity, _transactions(links)):
        accounts[one.transaction_id].add(one.bank_account_id)
    return {id_ for id_, theirs in accounts.items() if len(theirs) > 1}


def closed_accounts(entity: Entity, account_ids: Collection[UUID]) -> set[UUID]:
    """Those of the accounts that take no more transactions; one query, or none."""
    if not account_ids:
        return set()
    return {one.id for one in facts_of_accounts(entity, account_ids).values() if one.closed_at is not None}


def accounts_of(*rows: Row) -> set[UUID]:
    """The accounts that the transactions move amounts between."""
    return {account_id for row in rows for account_id in (row.debit_account_id, row.credit_account_id)}


def undo_transfers(entity: Entity, gone: Sequence[Link], rows: Mapping[UUID, Row], *, reason: str) -> None:
    """Let transfers stand for their other line alone, once the links `gone` are taken away: money in or out
    that nobody has categorized. A transfer without any line left is deleted. `rows` are locked."""
    if not gone:
        return
    facts = bank_facts(entity)
    uncategorized = system_account_ids(entity, *UNCATEGORIZED)
    left = {one.transaction_id for one in links_of_transactions(entity, [one.transaction_id for one in gone])}
    edits = {}
    for one in gone:
        if one.transaction_id in left:
            row, account = rows[one.transaction_id], facts[one.bank_account_id]
            edits[row.id] = _without(row, account, uncategorized)
    relabel(entity, left, LinkKind.MADE)
    edit_transactions(entity=entity, edits=edits, actor=SYSTEM, reason=reason)
    orphans = {one.transaction_id for one in gone} - left
    delete_transactions(entity=entity, ids=orphans, actor=SYSTEM, reason=reason)


def _without(row: Row, account: BankFacts, uncategorized: Mapping[tuple[UUID, SystemRole], UUID]) -> Edit:
    """The edit that puts the uncategorized account in the place of a bank account."""
    if row.debit_account_id == account.ledger_account_id:
        # Money left the other account, and where it went is not known now.
        expense = uncategorized[account.ledger_id, SystemRole.UNCATEGORIZED_EXPENSE]
        return Edit(debit_account_id=expense)
    return Edit(credit_account_id=uncategorized[account.ledger_id, SystemRole.UNCATEGORIZED_INCOME])


def _as_told(line: Line) -> tuple[object, ...]:
    return line.amount, line.date, line.description, line.counterparty


def _by_line(links: Sequence[Link]) -> dict[UUID, list[Link]]:
    found: defaultdict[UUID, list[Link]] = defaultdict(list)
    for one in links:
        found[one.line_id].append(one)
    return dict(found)


def _transactions(links: Mapping[UUID, Sequence[Link]]) -> list[UUID]:
    return [one.transaction_id for its_links in links.values() for one in its_links]


def _may_change(row: Row, closed: date | None) -> bool:
    return row.status in FOLLOWS and (closed is None or row.date > closed)


def _may_follow(row: Row, after: Line, closed: date | None) -> bool:
    return _may_change(row, closed) and (closed is None or after.date > closed)


def _edit(entity: Entity, row: Row, before: Line, after: Line) -> Edit:
    """What of the transaction still says what the bank said, and now says it otherwise."""
    signed = abs(after.amount) if (after.amount > 0) == (before.amount > 0) else -abs(after.amount)
    moves = before.date != after.date and row.date == before.date
    names = (before.counterparty or counterparty_name(before.description), row.counterparty)
    return Edit(
        amount=signed if before.amount != after.amount else UNCHANGED,
        timestamp=day_start(after.date, entity.zone) if moves else UNCHANGED,
        date=after.date if moves else UNCHANGED,
        description=after.description if row.description == before.description else UNCHANGED,
        counterparty=(
            (after.counterparty or counterparty_name(after.description))
            if names[0] == names[1]
            else UNCHANGED
        ),
    )


def _changed_words(before: Line, after: Line, links: Sequence[Link]) -> str:
    ids = ", ".join(encode_id(Prefix.TRANSACTION, one.transaction_id) for one in links)
    told = []
    if before.amount != after.amount:
        told.append(f"the amount was {before.amount.normalize():f}, now it is {after.amount.normalize():f}")
    if before.date != after.date:
        told.append(f"the day was {before.date}, now it is {after.date}")
    return f"The bank changed this line ({'; '.join(told)}), and {ids} could not follow; correct it by hand."

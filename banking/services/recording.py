"""From bank lines to transactions of the books."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.chart_templates import SystemRole
from accounts.facts import AccountFacts, facts_of_accounts
from accounts.system_accounts import system_account_ids
from banking.choices import LineStatus, LinkKind
from banking.models import Rule
from banking.rules import Applied, Candidate, choose, record_applications
from banking.services.changing import FOLLOWS, UNCATEGORIZED, accounts_of, closed_accounts
from banking.services.links import link, mark, relabel
from banking.services.locks import hold_lines
from banking.services.matching import find_matches, find_transfers, offered_already
from banking.services.returning import take_places
from banking.services.rows import BankFacts, Line, Link, bank_facts, unrecorded_lines
from banking.services.transfers import Half, Pair, halves, pairs_within, transfer_day
from banking.signals import lines_recorded
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.exceptions import LedgerError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.times import day_start
from transactions.choices import Source, Status
from transactions.counterparty_names import counterparty_name
from transactions.drafts import Draft
from transactions.exceptions import PeriodClosedError
from transactions.models import Transaction
from transactions.services import approve_transactions, edit_transactions, post_batch
from transactions.services.changing import closed_through, hold_books, lock_transactions
from transactions.services.editing import Edit

_TRANSFER_REASON: Final = "The other side of the transfer arrived"


class Recorded(NamedTuple):
    """What became of lines on their way into the books, as numbers of lines but for the ids."""

    # Lines that a new transaction was made of, transfers included.
    created: int
    # Lines that look like a transaction in the books; a person decides.
    offered: int
    # Lines that are one side of a transfer between own accounts.
    transfers: int
    # Transactions that a rule let through to POSTED.
    approved: int
    # Lines that cannot enter the books, as they are dated in a closed period; they say so themselves.
    refused: int
    # All transactions that were made or turned into transfers.
    transaction_ids: list[UUID]


@dataclass(slots=True)
class Entry:
    """A transaction that is to be made of one line."""

    line: Line
    draft: Draft
    rule: Rule | None = None
    # Whether the category came from a person or a rule.
    is_categorized: bool = False


@dataclass(slots=True)
class Books:
    """What is read once for all lines of a call."""

    entity: Entity
    actor: Actor
    facts: Mapping[UUID, BankFacts]
    uncategorized: Mapping[tuple[UUID, SystemRole], UUID]
    closed: date | None
    # The categories that persons chose, by their accounts' ids.
    chosen: Mapping[UUID, AccountFacts] = field(default_factory=dict)
    _public_ids: dict[UUID, str] = field(default_factory=dict)

    def is_open(self, day: date) -> bool:
        return self.closed is None or day > self.closed

    def public_id(self, account: BankFacts) -> str:
        """The account's public id, made once for all of its lines."""
        found = self._public_ids.get(account.id)
        if found is None:
            found = self._public_ids[account.id] = account.public_id
        return found


def record_lines(
    *, entity: Entity, line_ids: Sequence[UUID], actor: Actor, fresh: Sequence[Line] = ()
) -> Recorded:
    """Bring posted bank lines that have no transaction yet into the books: in the place of the same line of a
    former connection, as transfers, as offers, by rules, or uncategorized.

    Money out is a credit of the bank's ledger account, on cards too. The transactions are CLEARED: the bank
    has confirmed them. A few statements for any number of lines, which may be of several bank accounts; lines
    that are linked, pending or removed are left alone, so it may run twice. Runs in the caller's database
    transaction, and sends `banking.signals.lines_recorded` in it.
    """
    hold_lines(entity)
    # Before any transaction is locked, as every posting does.
    hold_books(entity)
    lines = unrecorded_lines(entity, line_ids, known=fresh)
    if not lines:
        return Recorded(0, 0, 0, 0, 0, [])
    books = _open_books(entity, lines, actor)

    again = take_places(entity, lines, books.facts)
    pairs, rest = _take_pairs(books, _apart_from(again, lines))
    # A transfer that somebody has entered is not made a second time.
    entered = find_transfers(entity, pairs, books.facts)
    pairs = [pair for pair in pairs if pair not in entered]
    turned, rest, late = _take_halves(books, rest)
    offers = find_matches(entity, rest, books.facts, apart_from=set(entered.values()))
    offers |= {line.id: transaction_id for pair, transaction_id in entered.items() for line in pair}
    # A transfer's other side that is final or categorized is left to a person.
    taken = {*offers.values(), *offered_already(entity, [half.transaction_id for half in late])}
    offers |= {
        half.line.id: half.transaction_id
        for half in late
        if half.line.id not in offers and half.transaction_id not in taken
    }
    rest = _apart_from(offers, rest)
    shut = [line for line in rest if not books.is_open(line.date)]
    entries = _entries(books, [line for line in rest if books.is_open(line.date)])

    pair_drafts = [(pair, _transfer_draft(books, pair)) for pair in pairs]
    faulty_pairs, faulty = _post(books, pair_drafts, entries, are_new=len(fresh) == len(line_ids))
    pair_drafts = [one for index, one in enumerate(pair_drafts) if index not in faulty_pairs]
    if faulty:
        entries = [entry for entry in entries if entry.line.id not in faulty]

    _link_all(books, pair_drafts, entries)
    mark(entity, LineStatus.OFFERED, ((line_id, found, "") for line_id, found in offers.items()))
    refused = faulty | {line.id: PeriodClosedError(books.closed or line.date) for line in shut}
    mark(entity, LineStatus.IGNORED, ((line_id, None, error.message) for line_id, error in refused.items()))
    approved = _apply_rules(books, entries)
    made = [draft.id for _, draft in pair_drafts] + [entry.draft.id for entry in entries]
    transaction_ids = [*made, *(half.transaction_id for half in turned)]
    if transaction_ids:
        lines_recorded.send(sender=Entity, entity=entity, transaction_ids=transaction_ids)
    return Recorded(
        created=2 * len(pair_drafts) + len(entries),
        offered=len(offers),
        transfers=2 * len(pair_drafts) + len(turned),
        approved=approved,
        refused=len(refused),
        transaction_ids=transaction_ids,
    )


def record_alone(*, entity: Entity, line: Line, actor: Actor) -> UUID:
    """Make a transaction of one line, as a person wants it: no offers and no transfers. Returns its id.

    The line has become RECORDED and has no link. Raises PeriodClosedError, AccountNotFoundError,
    AccountClosedError, and ValidationError where the category is of another ledger or the bank's own.
    """
    hold_books(entity)
    books = _open_books(entity, [line], actor)
    [entry] = _entries(books, [line], strict=True)
    if Transaction.objects.for_entity(entity).filter(external_id=entry.draft.external_id).exists():
        # What was made of the line before is reversed by now, and keeps the name.
        entry.draft.external_id = None
    for fault in post_batch(entity=entity, drafts=[entry.draft], actor=actor).values():
        raise fault
    _link_all(books, [], [entry])
    _apply_rules(books, [entry])
    lines_recorded.send(sender=Entity, entity=entity, transaction_ids=[entry.draft.id])
    return entry.draft.id


def _open_books(entity: Entity, lines: Sequence[Line], actor: Actor) -> Books:
    chosen = {line.chosen_account_id for line in lines if line.chosen_account_id}
    return Books(
        entity=entity,
        actor=actor,
        facts=bank_facts(entity),
        uncategorized=system_account_ids(entity, *UNCATEGORIZED),
        closed=closed_through(entity),
        chosen=facts_of_accounts(entity, chosen) if chosen else {},
    )


# --- transfers -------------------------------------------------------------------------------------


def _take_pairs(books: Books, lines: list[Line]) -> tuple[list[Pair], list[Line]]:
    pairs = [
        pair for pair in pairs_within(lines, books.facts) if transfer_day(pair, books.closed) is not None
    ]
    return pairs, _apart_from({line.id for pair in pairs for line in pair}, lines)


def _take_halves(books: Books, lines: list[Line]) -> tuple[list[Half], list[Line], list[Half]]:
    """Turn the transactions of earlier lines into transfers, where they are still uncategorized.

    Returns what was turned, the lines that are left, and of these the halves of transfers that could not be.
    """
    found = halves(books.entity, lines, books.facts)
    if not found:
        return [], lines, []
    rows = lock_transactions(books.entity, [half.transaction_id for half in found])
    uncategorized = set(books.uncategorized.values())
    # A closed ledger account keeps its own lines out, and nothing else.
    theirs = {books.facts[half.line.bank_account_id].ledger_account_id for half in found}
    shut = closed_accounts(books.entity, theirs | accounts_of(*rows.values()))
    edits: dict[UUID, Edit] = {}
    turned, late = [], []
    for half in found:
        row = rows.get(half.transaction_id)
        account = books.facts[half.line.bank_account_id].ledger_account_id
        if row is None:
            continue
        may_turn = not shut & {account, *accounts_of(row)}
        if may_turn and row.status in FOLLOWS and books.is_open(row.date) and row.categorized_at is None:
            if half.line.amount < 0 and row.debit_account_id in uncategorized:
                edits[row.id] = Edit(debit_account_id=account)
            elif half.line.amount > 0 and row.credit_account_id in uncategorized:
                edits[row.id] = Edit(credit_account_id=account)
        if row.id in edits:
            turned.append(half)
        elif row.status in (Status.PENDING, Status.CLEARED, Status.RECONCILED, Status.POSTED):
            late.append(half)
    edit_transactions(entity=books.entity, edits=edits, actor=books.actor, reason=_TRANSFER_REASON)
    relabel(books.entity, list(edits), LinkKind.TRANSFER)
    link(
        books.entity,
        [
            Link(half.line.id, half.transaction_id, half.line.bank_account_id, LinkKind.TRANSFER)
            for half in turned
        ],
        books.actor,
    )
    return turned, _apart_from({half.line.id for half in turned}, lines), late


def _apart_from(ids: Collection[UUID], lines: list[Line]) -> list[Line]:
    """The lines that have none of the ids; mostly all of them, so that nothing need be looked up."""
    return [line for line in lines if line.id not in ids] if ids else lines


def _transfer_draft(books: Books, pair: Pair) -> Draft:
    day = transfer_day(pair, books.closed)
    assert day is not None, "pairs that are wholly in a closed period are not taken"
    draft = _draft(books, pair.out, books.facts[pair.into.bank_account_id].ledger_account_id, day=day)
    assert draft.metadata is not None
    draft.metadata["transferLineId"] = pair.into.public_id
    return draft


# --- entries ---------------------------------------------------------------------------------------


def _entries(books: Books, lines: Sequence[Line], *, strict: bool = False) -> list[Entry]:
    """A draft of each line, with its category: the person's choice, else the rule's, else none.

    A chosen category that cannot be taken any more (closed, gone) gives way, but for a `strict` caller.
    """
    rules = iter(_rules_for(books.entity, [line for line in lines if line.chosen_account_id is None]))
    entries = []
    for line in lines:
        category: AccountFacts | None = None
        rule: Rule | None = None
        if line.chosen_account_id is None:
            rule = next(rules)
        else:
            category = books.chosen.get(line.chosen_account_id)
            if category is not None and not strict and not _takes(books, line, category):
                category = None
        if category is not None:
            name, account_id = category.name, category.id
        elif rule is not None:
            name, account_id = rule.category_account.name, rule.category_account_id
        else:
            entries.append(Entry(line, _draft(books, line, _uncategorized(books, line))))
            continue
        draft = _draft(books, line, account_id)
        draft.categorized_at = utc_now()
        draft.metadata = {
            **(draft.metadata or {}),
            "categoryId": encode_id(Prefix.ACCOUNT, account_id),
            "categoryName": name,
        }
        entries.append(Entry(line, draft, rule if category is None else None, is_categorized=True))
    return entries


def _rules_for(entity: Entity, lines: Sequence[Line]) -> list[Rule | None]:
    return choose(
        entity,
        [
            Candidate(
                description=line.description,
                counterparty=_counterparty(line),
                amount=line.amount,
                bank_account_id=line.bank_account_id,
            )
            for line in lines
        ],
    )


def _counterparty(line: Line) -> str:
    """Who stands behind the line, for rules and for the books alike."""
    return line.counterparty or counterparty_name(line.description)


def _takes(books: Books, line: Line, category: AccountFacts) -> bool:
    account = books.facts[line.bank_account_id]
    return (
        category.closed_at is None
        and category.ledger_id == account.ledger_id
        and category.id != account.ledger_account_id
    )


def _uncategorized(books: Books, line: Line) -> UUID:
    role = SystemRole.UNCATEGORIZED_EXPENSE if line.amount > 0 else SystemRole.UNCATEGORIZED_INCOME
    return books.uncategorized[books.facts[line.bank_account_id].ledger_id, role]


def _draft(books: Books, line: Line, other_id: UUID, *, day: date | None = None) -> Draft:
    account = books.facts[line.bank_account_id]
    is_out = line.amount > 0
    line_id = line.public_id
    metadata: dict[str, Any] = {
        "bankLineId": line_id,
        "bankAccountId": books.public_id(account),
    }
    if line.provider_category:
        metadata["providerCategory"] = line.provider_category
    return Draft(
        debit_account_id=other_id if is_out else account.ledger_account_id,
        credit_account_id=account.ledger_account_id if is_out else other_id,
        amount=abs(line.amount),
        currency=line.currency,
        timestamp=_start_of(day or line.date, books.entity.timezone),
        date=day or line.date,
        status=Status.CLEARED,
        source=Source.BANK,
        description=line.description,
        counterparty=_counterparty(line),
        metadata=metadata,
        # A second line of defence: whatever went wrong here, no line makes two transactions.
        external_id=line_id,
    )


@lru_cache(maxsize=4096)
def _start_of(day: date, timezone: str) -> datetime:
    """The moment at which the day begins. Kept, as those of a batch repeat."""
    return day_start(day, ZoneInfo(timezone))


# --- writing ---------------------------------------------------------------------------------------


def _post(
    books: Books, pair_drafts: Sequence[tuple[Pair, Draft]], entries: Sequence[Entry], *, are_new: bool
) -> tuple[set[int], dict[UUID, LedgerError]]:
    """Post all drafts; `are_new` as of `post_batch`. Where the category is at fault (its account was closed
    this minute), the line goes in without one. Returns the positions of pairs that cannot be posted, and the
    fault of each line."""
    drafts = [draft for _, draft in pair_drafts] + [entry.draft for entry in entries]
    if not drafts:
        return set(), {}
    faults = post_batch(entity=books.entity, drafts=drafts, actor=books.actor, partial=True, are_new=are_new)
    faulty: dict[UUID, LedgerError] = {}
    again: list[Entry] = []
    pairs: set[int] = set()
    for index, fault in faults.items():
        if index < len(pair_drafts):
            pairs.add(index)
            faulty |= {line.id: fault for line in pair_drafts[index][0]}
            continue
        entry = entries[index - len(pair_drafts)]
        if entry.is_categorized:
            entry.draft = _draft(books, entry.line, _uncategorized(books, entry.line))
            entry.rule, entry.is_categorized = None, False
            again.append(entry)
        else:
            faulty[entry.line.id] = fault
    if again:
        still = post_batch(
            entity=books.entity, drafts=[entry.draft for entry in again], actor=books.actor, partial=True
        )
        faulty |= {again[index].line.id: fault for index, fault in still.items()}
    return pairs, faulty


def _link_all(books: Books, pair_drafts: Sequence[tuple[Pair, Draft]], entries: Sequence[Entry]) -> None:
    links = [
        Link(entry.line.id, entry.draft.id, entry.line.bank_account_id, LinkKind.MADE) for entry in entries
    ]
    links += [
        Link(line.id, draft.id, line.bank_account_id, LinkKind.TRANSFER)
        for pair, draft in pair_drafts
        for line in pair
    ]
    link(books.entity, links, books.actor)


def _apply_rules(books: Books, entries: Sequence[Entry]) -> int:
    """Approve what a rule approves, and record what rules did; returns how many were approved."""
    ruled = [(entry, entry.rule) for entry in entries if entry.rule is not None]
    if not ruled:
        return 0
    wanted = [entry.draft.id for entry, rule in ruled if rule.auto_approve]
    approved = set()
    if wanted:
        approvals = approve_transactions(entity=books.entity, ids=wanted, actor=books.actor)
        approved = {one.id for one in approvals if one.error is None}
    record_applications(
        books.entity,
        [
            Applied(
                rule=rule,
                transaction_id=entry.draft.id,
                account_before=None,
                account_after=rule.category_account_id,
                approved=entry.draft.id in approved,
            )
            for entry, rule in ruled
        ],
        books.actor,
    )
    return len(approved)

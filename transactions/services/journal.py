"""An accountant's journal entry of many lines, kept as two-account transactions."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from django.db.transaction import atomic

from accounts.choices import Side
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import Entity
from ledger.money import AMOUNT_LIMIT
from transactions.choices import Source, Status
from transactions.counterparty_names import counterparty_name
from transactions.drafts import Draft
from transactions.models import JournalEntry
from transactions.services.batches import accounts_of, find_faults, post_batch
from transactions.services.changing import hold_books

_DESCRIPTION_LENGTH_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class JournalLine:
    account_id: UUID
    direction: Side
    # > 0, in the entry's currency.
    amount: Decimal
    # What the line was for; what the entry was for where empty.
    memo: str = ""


def line_key(direction: Side, account_id: UUID) -> str:
    """What a line is known by within its entry, where lines of one account and direction are one."""
    return f"{direction.value}:{account_id.hex}"


class Pair(NamedTuple):
    """An amount that leaves the credit account and enters the debit account."""

    debit_account_id: UUID
    credit_account_id: UUID
    amount: Decimal


def post_journal_entry(
    *,
    entity: Entity,
    lines: Sequence[JournalLine],
    currency: str,
    timestamp: datetime,
    day: date,
    actor: Actor,
    description: str = "",
    status: Status = Status.PENDING,
) -> JournalEntry:
    """Record an entry of two or more lines as linked two-account transactions, all or none.

    Of each account, lines of one direction become one; `pair_lines` says which credit goes with which
    debit. The entry's own id links the transactions. Each says what its lines' memos say, or else the
    description; the counterparty's name is taken from that of the entry.

    Raises ValidationError where debits and credits differ (with both sums), AccountNotFoundError,
    AccountClosedError, PeriodClosedError.
    """
    pairs = pair_lines(lines)
    entry = JournalEntry(
        entity=entity,
        description=description,
        date=day,
        created_at=utc_now(),
        created_by=actor.id,
        line_order=list(dict.fromkeys(line_key(line.direction, line.account_id) for line in lines)),
    )
    template = Draft(
        debit_account_id=pairs[0].debit_account_id,
        credit_account_id=pairs[0].credit_account_id,
        amount=pairs[0].amount,
        currency=currency,
        timestamp=timestamp,
        date=day,
        status=status,
        source=Source.JOURNAL,
        description=description,
        counterparty=counterparty_name(description),
        journal_entry_id=entry.id,
    )
    memos = _memos(lines)
    drafts = [
        replace(template, **pair._asdict(), id=new_id(), description=_words(pair, memos) or description)
        for pair in pairs
    ]
    with atomic():
        hold_books(entity)
        accounts = accounts_of(entity, drafts)
        for fault in find_faults(entity, drafts, accounts).values():
            raise fault
        entry.ledger_id = accounts[drafts[0].debit_account_id].ledger_id
        entry.save(force_insert=True)
        for fault in post_batch(entity=entity, drafts=drafts, actor=actor).values():
            raise fault
    return entry


def _memos(lines: Sequence[JournalLine]) -> dict[str, list[str]]:
    """What is said of each account and direction."""
    memos: defaultdict[str, list[str]] = defaultdict(list)
    for line in lines:
        if line.memo:
            memos[line_key(line.direction, line.account_id)].append(line.memo)
    return memos


def _words(pair: Pair, memos: Mapping[str, Sequence[str]]) -> str:
    """What a pair was for: what is said of its debit and of its credit, each once."""
    debit = line_key(Side.DEBIT, pair.debit_account_id)
    credit = line_key(Side.CREDIT, pair.credit_account_id)
    said = dict.fromkeys([*memos.get(debit, ()), *memos.get(credit, ())])
    return "; ".join(said)[:_DESCRIPTION_LENGTH_MAX]


def pair_lines(lines: Sequence[JournalLine]) -> list[Pair]:
    """Split an entry's lines into pairs of one debit and one credit account.

    Every pair uses up the rest of a line, so there are at most one fewer than lines. An account that
    stands on both sides is never paired with itself.

    Raises ValidationError where debits and credits differ, where an account stands on both sides with more
    than the other lines can take, and where what lines of one account add up to is too much for an amount.
    """
    debits: defaultdict[UUID, Decimal] = defaultdict(Decimal)
    credits: defaultdict[UUID, Decimal] = defaultdict(Decimal)
    for line in lines:
        (debits if line.direction == Side.DEBIT else credits)[line.account_id] += line.amount
    left = sum(debits.values(), Decimal())
    if left != sum(credits.values(), Decimal()):
        raise ValidationError.of(
            "lines",
            f"The debits add up to {left} and the credits to {sum(credits.values(), Decimal())}; "
            "both sides of an entry must be equal.",
        )
    for account_id in debits.keys() & credits.keys():
        if debits[account_id] + credits[account_id] > left:
            raise ValidationError.of(
                "lines",
                f"Account {encode_id(Prefix.ACCOUNT, account_id)} stands on both sides with more than the "
                "other lines can take; send its difference as one line.",
            )
    pairs = []
    while left:
        # An account on both sides goes first, while there are others to pair it with.
        debit = max(debits, key=lambda account: (debits[account] + credits.get(account, 0), account.int))
        credit = max(
            (account for account in credits if account != debit),
            key=lambda account: (credits[account] + debits.get(account, 0), account.int),
        )
        others = (
            left - debits[account] - credits[account]
            for account in debits.keys() & credits.keys() - {debit, credit}
        )
        amount = min(debits[debit], credits[credit], *others)
        if amount >= AMOUNT_LIMIT:
            raise ValidationError.of(
                "lines",
                f"{amount} would go from {encode_id(Prefix.ACCOUNT, credit)} to "
                f"{encode_id(Prefix.ACCOUNT, debit)}, which add up to that over several lines; an amount is "
                "below 10^15, send them as entries of less.",
            )
        pairs.append(Pair(debit, credit, amount))
        left -= amount
        for side, account in ((debits, debit), (credits, credit)):
            side[account] -= amount
            if not side[account]:
                del side[account]
    return pairs

"""Proof that the books are right: everything that is kept beside the transactions, computed again from them.

Each check is a function of a company that yields what is wrong, with ids and both figures. The apps above add
checks of their own with `register_check`; `verify_books` runs them all on one unmoving picture of the books.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from django.db import connection
from django.db.transaction import atomic

from ledger import audit
from ledger.db import execute, fetch
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from transactions.choices import FINAL, MOVES, Change


class Difference(NamedTuple):
    """One thing that is wrong: the check that found it, and what it found."""

    check: str
    message: str


Check = Callable[[Entity], Iterable[str]]
_CHECKS: dict[str, Check] = {}


def register_check(name: str) -> Callable[[Check], Check]:
    """Decorate a function that yields a sentence for each thing that is wrong in the books of a company.

    It runs in a database transaction that can only read, and that sees the books as they are at one moment.
    `name` says what must hold, as in "account balances". Raises ValueError for a name that is taken.
    """

    def register(check: Check) -> Check:
        if _CHECKS.setdefault(name, check) is not check:
            raise ValueError(f"There is a check called {name!r} already.")
        return check

    return register


def checks() -> tuple[str, ...]:
    """The names of all checks, in the order in which they run."""
    return tuple(_CHECKS)


def verify_books(entity: Entity, progress: Callable[[str], object] | None = None) -> Iterator[Difference]:
    """Yield whatever is wrong in the books of a company; nothing, where all is right.

    Reads all transactions of the company several times, and writes nothing. Called inside of a database
    transaction it sees what that one sees. `progress` is told the name of each check as it begins.
    """
    is_outermost = not connection.in_atomic_block
    with atomic():
        if is_outermost:
            execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # Large books take longer than what a request may take.
            execute("SET LOCAL statement_timeout = 0")
        for name, check in _CHECKS.items():
            if progress is not None:
                progress(name)
            for message in check(entity):
                yield Difference(name, message)


def _txn(transaction_id: object) -> str:
    return encode_id(Prefix.TRANSACTION, transaction_id)  # type: ignore[arg-type]


# What stands on both sides of each account, by the states of the contract (section 5). Written out once more,
# so that a mistake in the engine's own SQL shows.
_SUMS: Final = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
_COMPUTED: Final = """
WITH sides AS (
    SELECT debit_account_id AS account_id, date,
        CASE WHEN status IN ('PENDING', 'CLEARED', 'RECONCILED') THEN amount ELSE 0 END AS debits_pending,
        CASE WHEN status IN ('POSTED', 'REVERSED') THEN amount ELSE 0 END AS debits_posted,
        0::numeric AS credits_pending, 0::numeric AS credits_posted
    FROM transactions_transaction WHERE entity_id = %(entity)s::uuid
    UNION ALL
    SELECT credit_account_id, date, 0, 0,
        CASE WHEN status IN ('PENDING', 'CLEARED', 'RECONCILED') THEN amount ELSE 0 END,
        CASE WHEN status IN ('POSTED', 'REVERSED') THEN amount ELSE 0 END
    FROM transactions_transaction WHERE entity_id = %(entity)s::uuid
)
"""


def _differing_totals(entity: Entity, *, table: str, day: str, kept_day: str) -> Iterator[str]:
    """Compare the kept totals, slots added up, with the transactions'; a missing row is one of zeros.

    `day` computes the day of a row from a transaction's date, `kept_day` is the table's own column.
    """
    sums = ", ".join(f"sum({name}) AS {name}" for name in _SUMS)
    either = ", ".join(f"coalesce(c.{name}, 0), coalesce(k.{name}, 0)" for name in _SUMS)
    differs = " OR ".join(f"coalesce(c.{name}, 0) <> coalesce(k.{name}, 0)" for name in _SUMS)
    rows = fetch(
        f"""
        {_COMPUTED}, computed AS (
            SELECT account_id, {day} AS day, {sums} FROM sides GROUP BY 1, 2
        ), kept AS (
            SELECT account_id, {kept_day} AS day, {sums} FROM {table}
            WHERE entity_id = %(entity)s::uuid GROUP BY 1, 2
        )
        SELECT coalesce(c.account_id, k.account_id) AS account_id, coalesce(c.day, k.day) AS day,
            c.account_id IS NULL, k.account_id IS NULL, {either}
        FROM computed c FULL JOIN kept k ON k.account_id = c.account_id AND k.day = c.day
        WHERE {differs}
        ORDER BY 1, 2
        """,
        {"entity": entity.id},
    )
    for account_id, key, is_superfluous, is_missing, *figures in rows:
        what = encode_id(Prefix.ACCOUNT, account_id)
        if kept_day != "0":
            what += f" {key}"
        kind = " (the row is missing)" if is_missing else ""
        if is_superfluous:
            kind = " (no transaction belongs to the row)"
        for name, computed, kept in zip(_SUMS, figures[::2], figures[1::2], strict=True):
            if computed != kept:
                yield f"{what}: {name} is {kept}, the transactions add up to {computed}{kind}"


@register_check("account balances")
def check_account_balances(entity: Entity) -> Iterator[str]:
    """Each account's four sums are those of its transactions."""
    return _differing_totals(entity, table="accounts_accountbalance", day="0", kept_day="0")


@register_check("account days")
def check_account_days(entity: Entity) -> Iterator[str]:
    """Each account's four sums of each day are those of its transactions of that day."""
    return _differing_totals(entity, table="accounts_accountday", day="date", kept_day="date")


@register_check("account months")
def check_account_months(entity: Entity) -> Iterator[str]:
    """Each account's four sums of each month are those of its transactions of that month."""
    return _differing_totals(
        entity,
        table="accounts_accountmonth",
        day="date_trunc('month', date::timestamp)::date",
        kept_day="month",
    )


@register_check("debits equal credits")
def check_debits_equal_credits(entity: Entity) -> Iterator[str]:
    """In each ledger, the debits of all accounts add up to what the credits add up to."""
    rows = fetch(
        """
        SELECT a.ledger_id,
            sum(b.debits_posted), sum(b.credits_posted), sum(b.debits_pending), sum(b.credits_pending)
        FROM accounts_accountbalance b
        JOIN accounts_account a ON a.entity_id = b.entity_id AND a.id = b.account_id
        WHERE b.entity_id = %(entity)s::uuid
        GROUP BY a.ledger_id
        HAVING sum(b.debits_posted) <> sum(b.credits_posted)
            OR sum(b.debits_pending) <> sum(b.credits_pending)
        ORDER BY a.ledger_id
        """,
        {"entity": entity.id},
    )
    for ledger_id, debits, credits, pending_debits, pending_credits in rows:
        yield (
            f"{encode_id(Prefix.LEDGER, ledger_id)}: posted debits are {debits} and credits {credits}, "
            f"pending debits {pending_debits} and credits {pending_credits}"
        )


@register_check("currencies and ledgers")
def check_currencies(entity: Entity) -> Iterator[str]:
    """A transaction has the currency and the ledger of both its accounts."""
    rows = fetch(
        """
        SELECT t.id, t.currency, t.ledger_id, a.id, a.currency, a.ledger_id
        FROM transactions_transaction t
        LEFT JOIN accounts_account a
            ON a.entity_id = t.entity_id AND a.id IN (t.debit_account_id, t.credit_account_id)
        WHERE t.entity_id = %(entity)s::uuid
            AND (a.id IS NULL OR a.currency <> t.currency OR a.ledger_id <> t.ledger_id)
        ORDER BY t.id
        """,
        {"entity": entity.id},
    )
    for transaction_id, currency, ledger_id, account_id, its_currency, its_ledger_id in rows:
        if account_id is None:
            yield f"{_txn(transaction_id)}: neither of its accounts exists"
            continue
        yield (
            f"{_txn(transaction_id)} is in {currency} of {encode_id(Prefix.LEDGER, ledger_id)}, its account "
            f"{encode_id(Prefix.ACCOUNT, account_id)} in {its_currency} of "
            f"{encode_id(Prefix.LEDGER, its_ledger_id)}"
        )


@register_check("reversals")
def check_reversals(entity: Entity) -> Iterator[str]:
    """A reversed transaction and its reversal name each other, with swapped accounts and equal amounts."""
    rows = fetch(
        """
        SELECT o.id, r.id, o.status, o.reversed_by_id, r.reverses_id, r.status,
            o.amount, r.amount, o.currency, r.currency,
            r.debit_account_id = o.credit_account_id AND r.credit_account_id = o.debit_account_id
        FROM (
            SELECT id AS original, reversed_by_id AS reversal FROM transactions_transaction
            WHERE entity_id = %(entity)s::uuid AND (status = 'REVERSED' OR reversed_by_id IS NOT NULL)
            UNION
            SELECT reverses_id, id FROM transactions_transaction
            WHERE entity_id = %(entity)s::uuid AND reverses_id IS NOT NULL
        ) pair
        LEFT JOIN transactions_transaction o ON o.entity_id = %(entity)s::uuid AND o.id = pair.original
        LEFT JOIN transactions_transaction r ON r.entity_id = %(entity)s::uuid AND r.id = pair.reversal
        ORDER BY pair.original, pair.reversal
        """,
        {"entity": entity.id},
    )
    for original, reversal, status, reversed_by, reverses, its_status, amount, its_amount, *rest in rows:
        currency, its_currency, is_swapped = rest
        if original is None or reversal is None:
            yield f"{_txn(original or reversal)}: the other half of the reversal does not exist"
            continue
        pair = f"{_txn(original)} and its reversal {_txn(reversal)}"
        if status != "REVERSED" or its_status not in FINAL:
            yield f"{pair} are {status} and {its_status}, not REVERSED and POSTED"
        if reversed_by != reversal or reverses != original:
            yield f"{pair} do not name each other"
        if amount != its_amount or currency != its_currency:
            yield f"{pair} are of {amount} {currency} and {its_amount} {its_currency}"
        if not is_swapped:
            yield f"{pair}: the accounts of the one are not those of the other, swapped"


@register_check("reclassifications")
def check_reclassifications(entity: Entity) -> Iterator[str]:
    """A reclassification moves the amount of a final transaction of its ledger, or a part of it, and is final
    itself."""
    rows = fetch(
        """
        SELECT r.id, r.reclassifies_id, r.status, o.status, r.amount, o.amount, r.ledger_id = o.ledger_id
        FROM transactions_transaction r
        LEFT JOIN transactions_transaction o ON o.entity_id = r.entity_id AND o.id = r.reclassifies_id
        WHERE r.entity_id = %(entity)s::uuid AND r.reclassifies_id IS NOT NULL
        ORDER BY r.id
        """,
        {"entity": entity.id},
    )
    for reclassification, original, status, its_status, amount, its_amount, is_one_ledger in rows:
        pair = f"{_txn(reclassification)} and what it reclassifies, {_txn(original)},"
        if its_status is None:
            yield f"{pair}: the latter does not exist"
            continue
        if status not in FINAL or its_status not in FINAL:
            yield f"{pair} are {status} and {its_status}, not POSTED or REVERSED"
        if amount > its_amount:
            yield f"{pair} are of {amount} and {its_amount}"
        if not is_one_ledger:
            yield f"{pair} are of different ledgers"


@register_check("journal entries")
def check_journal_entries(entity: Entity) -> Iterator[str]:
    """The transactions of a journal entry are of its day and its ledger."""
    rows = fetch(
        """
        SELECT t.id, t.journal_entry_id, t.date, j.date, t.ledger_id, j.ledger_id
        FROM transactions_transaction t
        LEFT JOIN transactions_journalentry j ON j.entity_id = t.entity_id AND j.id = t.journal_entry_id
        WHERE t.entity_id = %(entity)s::uuid AND t.journal_entry_id IS NOT NULL
            AND (j.id IS NULL OR t.date <> j.date OR t.ledger_id <> j.ledger_id)
        ORDER BY t.id
        """,
        {"entity": entity.id},
    )
    for transaction_id, entry_id, day, its_day, ledger_id, its_ledger_id in rows:
        pair = f"{_txn(transaction_id)} of {encode_id(Prefix.JOURNAL_ENTRY, entry_id)}"
        if its_day is None:
            yield f"{pair}: the entry does not exist"
            continue
        if day != its_day:
            yield f"{pair} is of {day}, the entry of {its_day}"
        if ledger_id != its_ledger_id:
            yield (
                f"{pair} is of {encode_id(Prefix.LEDGER, ledger_id)}, the entry of "
                f"{encode_id(Prefix.LEDGER, its_ledger_id)}"
            )


_MONEY: Final = ("amount", "currency", "ledger_id", "debit_account_id", "credit_account_id", "date")


@register_check("revisions")
def check_revisions(entity: Entity) -> Iterator[str]:
    """The states of each transaction follow from one another: each move is one that there is, what was final
    stayed as it was, and nothing is deleted that was final or that is still there."""
    is_same = " AND ".join(f"s.{name} = s.next_{name}" for name in _MONEY)
    following = ", ".join(f"lead({name}) OVER states AS next_{name}" for name in (*_MONEY, "status"))
    columns = ", ".join((*_MONEY, "status"))
    rows = fetch(
        f"""
        WITH states AS (
            SELECT transaction_id, changed_at, id AS revision_id, change, {columns}
            FROM transactions_revision WHERE entity_id = %(entity)s::uuid
            UNION ALL
            SELECT id, 'infinity'::timestamptz, id, NULL, {columns} FROM transactions_transaction
            WHERE entity_id = %(entity)s::uuid AND id IN (
                SELECT transaction_id FROM transactions_revision WHERE entity_id = %(entity)s::uuid
            )
        ), s AS (
            SELECT *, {following} FROM states
            WINDOW states AS (PARTITION BY transaction_id ORDER BY changed_at, revision_id)
        )
        SELECT transaction_id, revision_id, change, status, next_status, coalesce({is_same}, false)
        FROM s WHERE change IS NOT NULL
        ORDER BY transaction_id, changed_at, revision_id
        """,
        {"entity": entity.id},
    )
    for transaction_id, revision_id, change, status, next_status, is_same_money in rows:
        what = f"{_txn(transaction_id)}, revision {revision_id} ({change})"
        if change == Change.DELETED:
            if next_status is not None:
                yield f"{what}: it was deleted as {status} and is there as {next_status}"
            if status in FINAL:
                yield f"{what}: it was deleted as {status}, which is final"
        elif next_status is None:
            yield f"{what}: the transaction is gone, and no revision says who deleted it"
        elif next_status != status and next_status not in MOVES[status]:
            yield f"{what}: it went from {status} to {next_status}, which is no move"
        elif status in FINAL and not is_same_money:
            yield f"{what}: it was {status}, and its amount, currency, accounts or day changed"


@register_check("audit chain")
def check_audit_chain(entity: Entity) -> Iterable[str]:
    """No event of the company's audit trail was changed or taken out."""
    return audit.verify_chain(entity.id)

"""How companies stand: what waits to be worked off, how their banks are, and their figures of a month.

For one company or for all of a person's at once: each read is one statement over the ids that it is given,
and whoever calls it has made sure that the person may see these companies. Counts stop at `COUNTED_MAX`, and
all of them come from small indexes: what a read costs does not grow with the number of transactions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from accounts.chart_templates import SystemRole
from banking.choices import ConnectionStatus, LineStatus, ReconciliationStatus
from banking.reconciliation.statements import bank_sign
from ledger.clock import utc_now
from ledger.db import compact, fetch, uuid_array
from ledger.models import Entity
from ledger.times import day_of
from reports.basis import Basis
from reports.figures import kind_of, weights_of
from reports.sums import Turnover
from reports.tree import weighted
from transactions.choices import COUNTS_AS_PENDING, Status
from transactions.days import week_of

COUNTED_MAX: Final = 1_000
# How many of the newest transactions without a category are looked at.
_LOOKED_AT: Final = 5_000
_EXPIRES_SOON: Final = timedelta(days=7)
_ZERO: Final = Decimal(0)
_OPEN: Final = sorted(state.value for state in COUNTS_AS_PENDING)
_UNCATEGORIZED: Final = [SystemRole.UNCATEGORIZED_INCOME.value, SystemRole.UNCATEGORIZED_EXPENSE.value]
_BROKEN: Final = [ConnectionStatus.LOGIN_REQUIRED.value, ConnectionStatus.FAILED.value]


class Work(NamedTuple):
    """What waits in the books of a company; counts of more than COUNTED_MAX are COUNTED_MAX + 1."""

    # Not posted yet, by status, and the day of the oldest of these.
    pending: int
    cleared: int
    reconciled: int
    oldest: date | None
    # On an account for what nobody has categorized: not posted yet, and posted.
    uncategorized: int
    uncategorized_posted: int
    # Of those that expire by themselves, those that do so within a week.
    expiring: int

    @property
    def to_approve(self) -> int:
        """All that is not posted yet."""
        return self.pending + self.cleared + self.reconciled


class Banks(NamedTuple):
    """How the banks of a company are."""

    connections: int
    broken: int
    # When the connection that waits the longest was synced last; None where one never was, or none is there.
    oldest_sync: datetime | None
    # Bank lines that look like a transaction of the books, and the day of the oldest.
    offered: int
    oldest_offer: date | None
    # Bank lines that a person must look at.
    attention: int
    # Accounts at banks, and those without a completed statement up to the day asked for.
    accounts: int
    unreconciled: int


@dataclass(frozen=True, slots=True)
class BankBesideBooks:
    """What a bank said that an account holds, and what the books say of the end of that day, both in the
    bank's sign."""

    entity_id: UUID
    bank_account_id: UUID
    ledger_account_id: UUID
    name: str
    mask: str
    institution: str
    currency: str
    bank: Decimal
    books: Decimal
    said_at: datetime

    @property
    def difference(self) -> Decimal:
        """Bank less books."""
        return self.bank - self.books


@dataclass(frozen=True, slots=True)
class Figures:
    """The main figures of a company in a month, and of the month before; `cash` at their ends."""

    currency: str
    revenue: Decimal
    expenses: Decimal
    cash: Decimal
    revenue_before: Decimal
    expenses_before: Decimal
    cash_before: Decimal

    @property
    def profit(self) -> Decimal:
        """What was earned, less what it cost."""
        return self.revenue - self.expenses

    @property
    def profit_before(self) -> Decimal:
        """The same of the month before."""
        return self.revenue_before - self.expenses_before


NO_WORK: Final = Work(0, 0, 0, None, 0, 0, 0)
NO_BANKS: Final = Banks(0, 0, None, 0, None, 0, 0, 0)


def _of_status(status: Status) -> str:
    """SQL: how many have that status. "Not POSTED" in so many words: so PostgreSQL sees that the small index
    of these serves."""
    return f"""(
        SELECT count(*) FROM (
            SELECT FROM transactions_transaction t
            WHERE t.entity_id = w.id AND t.status <> 'POSTED' AND t.status = '{status.value}'
                AND t.date <= w.through
            LIMIT :limit:
        ) waiting
    )"""


def _newest(side: str) -> str:
    """SQL: the newest transactions of the account `a` of the company `w` on that side of it."""
    return f"""(
        SELECT t.id, t.status, t.reverses_id, t.reclassifies_id FROM transactions_transaction t
        WHERE t.entity_id = w.id AND t.{side}_account_id = a.id
            AND {week_of("t.date")} <= {week_of("w.through")} AND t.date <= w.through
        ORDER BY {week_of("t.date")} DESC LIMIT {_LOOKED_AT:d}
    )"""


_WORK: Final = compact(f"""
SELECT w.id, {_of_status(Status.PENDING)}, {_of_status(Status.CLEARED)}, {_of_status(Status.RECONCILED)}, (
    SELECT min(oldest.date) FROM unnest(%(open)s::text[]) AS state (name)
    CROSS JOIN LATERAL (
        SELECT t.date FROM transactions_transaction t
        WHERE t.entity_id = w.id AND t.status <> 'POSTED' AND t.status = state.name AND t.date <= w.through
        ORDER BY t.date LIMIT 1
    ) oldest
), least(nobody.pending, :limit:), least(nobody.posted, :limit:), (
    SELECT count(*) FROM (
        SELECT FROM transactions_transaction t
        WHERE t.entity_id = w.id AND t.status = 'PENDING' AND t.expires_at IS NOT NULL
            AND t.expires_at < %(soon)s::timestamptz
        LIMIT :limit:
    ) expiring
)
FROM unnest(%(entities)s::uuid[], %(through)s::date[]) AS w (id, through)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE one.status = ANY(%(open)s::text[])) AS pending,
        count(*) FILTER (WHERE one.status = 'POSTED' AND one.reverses_id IS NULL
            AND one.reclassifies_id IS NULL AND NOT EXISTS (
                SELECT FROM transactions_transaction r
                WHERE r.entity_id = w.id AND r.reclassifies_id = one.id AND r.status = 'POSTED'
            )) AS posted
    FROM accounts_account a
    CROSS JOIN LATERAL (
        {_newest("debit")} UNION ALL {_newest("credit")}
    ) one
    WHERE a.entity_id = w.id AND a.role IS NOT NULL AND a.role = ANY(%(roles)s::text[])
) nobody
""")

_BANKS: Final = compact("""
SELECT w.id, connected.count, connected.broken,
    CASE WHEN connected.never = 0 THEN connected.oldest END,
    (
        SELECT count(*) FROM (
            SELECT FROM banking_bankline l
            WHERE l.entity_id = w.id AND l.status <> 'recorded' AND l.status = %(offered)s::text
                AND l.date <= w.through
            LIMIT :limit:
        ) offers
    ), (
        SELECT min(l.date) FROM banking_bankline l
        WHERE l.entity_id = w.id AND l.status <> 'recorded' AND l.status = %(offered)s::text
            AND l.date <= w.through
    ), (
        SELECT count(*) FROM (
            SELECT FROM banking_bankline l
            WHERE l.entity_id = w.id AND l.status <> 'recorded' AND l.attention <> '' AND l.date <= w.through
            LIMIT :limit:
        ) attended
    ),
    fed.count, fed.unreconciled
FROM unnest(%(entities)s::uuid[], %(through)s::date[], %(stated)s::date[]) AS w (id, through, stated)
CROSS JOIN LATERAL (
    SELECT count(*) AS count, count(*) FILTER (WHERE c.status = ANY(%(broken)s::text[])) AS broken,
        count(*) FILTER (WHERE c.synced_at IS NULL) AS never, min(c.synced_at) AS oldest
    FROM banking_bankconnection c
    WHERE c.entity_id = w.id AND c.disconnected_at IS NULL AND c.status <> %(gone)s::text
) connected
CROSS JOIN LATERAL (
    SELECT count(*) AS count, count(*) FILTER (WHERE NOT EXISTS (
        SELECT FROM banking_bankaccount same
        JOIN banking_reconciliation r ON r.entity_id = same.entity_id AND r.bank_account_id = same.id
        WHERE same.entity_id = w.id AND same.ledger_account_id = b.ledger_account_id
            AND r.status = %(completed)s::text AND r.statement_date >= w.stated
    )) AS unreconciled
    FROM banking_bankaccount b WHERE b.entity_id = w.id AND b.disconnected_at IS NULL
) fed
""")

# The books' side is that of `net_debits_of`, for accounts of several companies.
_BESIDE: Final = compact("""
SELECT b.entity_id, b.id, b.ledger_account_id, b.name, b.mask, coalesce(c.institution_name, ''), b.currency,
    b.balance_current, coalesce(books.net, 0), b.balance_at, a.type
FROM unnest(%(entities)s::uuid[]) AS w (id)
JOIN ledger_entity e ON e.id = w.id
JOIN banking_bankaccount b ON b.entity_id = w.id
JOIN accounts_account a ON a.entity_id = w.id AND a.id = b.ledger_account_id
LEFT JOIN banking_bankconnection c ON c.entity_id = w.id AND c.id = b.connection_id
CROSS JOIN LATERAL (SELECT (b.balance_at AT TIME ZONE e.timezone)::date AS day) said
LEFT JOIN LATERAL (
    SELECT sum(debits_pending + debits_posted - credits_pending - credits_posted) AS net FROM (
        SELECT debits_pending, debits_posted, credits_pending, credits_posted FROM accounts_accountmonth
        WHERE entity_id = w.id AND account_id = b.ledger_account_id
            AND month < date_trunc('month', said.day::timestamp)::date
        UNION ALL
        SELECT debits_pending, debits_posted, credits_pending, credits_posted FROM accounts_accountday
        WHERE entity_id = w.id AND account_id = b.ledger_account_id
            AND date BETWEEN date_trunc('month', said.day::timestamp)::date AND said.day
    ) rows
) books ON true
WHERE b.disconnected_at IS NULL AND b.balance_current IS NOT NULL AND b.balance_at IS NOT NULL
ORDER BY b.entity_id, b.created_at, b.id
""")

# Cash is what all months add up to; revenue and expenses are of two months alone, but of any kind of account,
# because the cash basis takes them from others too.
_FIGURES: Final = compact("""
SELECT w.id, l.currency, a.type, a.financial_type, sums.*
FROM unnest(%(entities)s::uuid[], %(months)s::date[]) AS w (id, month)
JOIN ledger_ledger l ON l.entity_id = w.id AND l.is_default
JOIN accounts_account a ON a.entity_id = w.id AND a.ledger_id = l.id
CROSS JOIN LATERAL (
    SELECT sum(m.debits_posted) FILTER (WHERE m.month = w.month),
        sum(m.credits_posted) FILTER (WHERE m.month = w.month),
        sum(m.debits_posted) FILTER (WHERE m.month = w.month - interval '1 month'),
        sum(m.credits_posted) FILTER (WHERE m.month = w.month - interval '1 month'),
        sum(m.debits_posted) FILTER (WHERE m.month < w.month - interval '1 month'),
        sum(m.credits_posted) FILTER (WHERE m.month < w.month - interval '1 month')
    FROM accounts_accountmonth m
    WHERE m.entity_id = w.id AND m.account_id = a.id AND m.month <= w.month
        AND (a.type = 'ASSET' OR m.month >= w.month - interval '1 month')
) sums
""")


def work_of(entities: Sequence[Entity], *, through: date | None = None) -> dict[UUID, Work]:
    """What waits in the books of each company, dated up to `through` (any day unless given). One statement.

    Uncategorized ones are looked for among the newest few thousand on each account for them.
    """
    rows = fetch(
        _limited(_WORK, COUNTED_MAX + 1),
        {
            "entities": uuid_array(entity.id for entity in entities),
            "through": [through or date.max] * len(entities),
            "open": _OPEN,
            "roles": _UNCATEGORIZED,
            "soon": utc_now() + _EXPIRES_SOON,
        },
    )
    return {row[0]: Work(*row[1:]) for row in rows}


def banks_of(entities: Sequence[Entity], *, through: date | None = None) -> dict[UUID, Banks]:
    """How the banks of each company are. Lines count up to `through` (any day unless given), and completed
    statements must reach it: by default the end of the month before this one. One statement."""
    rows = fetch(
        _limited(_BANKS, COUNTED_MAX + 1),
        {
            "entities": uuid_array(entity.id for entity in entities),
            "through": [through or date.max] * len(entities),
            "stated": [through or end_of_last_month(entity) for entity in entities],
            "offered": LineStatus.OFFERED.value,
            "broken": _BROKEN,
            "gone": ConnectionStatus.DISCONNECTED.value,
            "completed": ReconciliationStatus.COMPLETED.value,
        },
    )
    return {row[0]: Banks(*row[1:]) for row in rows}


def banks_beside_books(entities: Iterable[Entity]) -> list[BankBesideBooks]:
    """Each fed account whose bank said what it holds, beside the books; by company. One statement."""
    rows = fetch(_BESIDE, {"entities": uuid_array(entity.id for entity in entities)})
    return [
        BankBesideBooks(
            entity_id,
            bank_account_id,
            ledger_account_id,
            name,
            mask,
            institution,
            currency,
            bank,
            net_debits * bank_sign(account_type),
            said_at,
        )
        for (
            entity_id,
            bank_account_id,
            ledger_account_id,
            name,
            mask,
            institution,
            currency,
            bank,
            net_debits,
            said_at,
            account_type,
        ) in rows
    ]


def figures_of(entities: Sequence[Entity]) -> dict[UUID, Figures]:
    """The main figures of each company in its current month, posted ones and of the default ledger, each on
    its own basis; one statement."""
    rows = fetch(
        _FIGURES,
        {
            "entities": uuid_array(entity.id for entity in entities),
            "months": [day_of(utc_now(), entity.zone).replace(day=1) for entity in entities],
        },
    )
    basis = {entity.id: Basis(entity.accounting_method) for entity in entities}
    sums: dict[UUID, dict[str, Decimal]] = {}
    currencies: dict[UUID, str] = {}
    for entity_id, currency, type_, financial_type, *amounts in rows:
        currencies[entity_id] = currency
        found = sums.setdefault(entity_id, {})
        weights = weights_of(kind_of(type_, financial_type), basis[entity_id])
        now, before, earlier = (
            Turnover(debits or _ZERO, credits or _ZERO)
            for debits, credits in zip(amounts[::2], amounts[1::2], strict=True)
        )
        for figure in ("revenue", "expenses"):
            if figure in weights:
                _add(found, figure, weighted(now, weights[figure]))
                _add(found, f"{figure}_before", weighted(before, weights[figure]))
        if "cash" in weights:
            stood = weighted(earlier, weights["cash"]) + weighted(before, weights["cash"])
            _add(found, "cash_before", stood)
            _add(found, "cash", stood + weighted(now, weights["cash"]))
    return {
        entity.id: _figures(currencies.get(entity.id, entity.default_currency), sums.get(entity.id, {}))
        for entity in entities
    }


@lru_cache(maxsize=4)
def _limited(statement: str, limit: int) -> str:
    """A statement with the bound of its counts. It stands in the text: with a parameter there PostgreSQL
    plans for a tenth of the table."""
    return statement.replace(":limit:", str(limit))


def end_of_last_month(entity: Entity) -> date:
    """The last day of the month before this one, in the company's time zone."""
    return day_of(utc_now(), entity.zone).replace(day=1) - timedelta(days=1)


def _add(found: dict[str, Decimal], name: str, amount: Decimal) -> None:
    found[name] = found.get(name, _ZERO) + amount


def _figures(currency: str, found: Mapping[str, Decimal]) -> Figures:
    names = ("revenue", "expenses", "cash", "revenue_before", "expenses_before", "cash_before")
    return Figures(currency, *(found.get(name, _ZERO) for name in names))

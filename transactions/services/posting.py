"""Recording one transaction: one prepared statement, one round trip, one commit."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError, IntegrityError

from accounts.facts import AccountFacts, facts_of_accounts
from accounts.totals import ADD_SORTED_EFFECT_TO_TOTALS, SLOTS
from ledger.actors import Actor
from ledger.api import json
from ledger.clock import utc_now
from ledger.db import compact, constraint_name, fetch, restorable, slot
from ledger.exceptions import Detail, LedgerError, ValidationError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from transactions.choices import COUNTS_AS_PENDING, COUNTS_AS_POSTED
from transactions.drafts import Draft
from transactions.exceptions import (
    AccountClosedError,
    AccountNotFoundError,
    ExternalIdTakenError,
    PeriodClosedError,
    refusal,
)
from transactions.models import Transaction
from transactions.rows import ACCOUNTS, STATE, Row

# `pair` is empty, and so nothing is written, unless both accounts are of this company, of one ledger
# and of the transaction's currency; `explain` then says what is wrong. Guards look at closed periods
# and closed accounts once more, at the end of the statement; the lock that closing them takes is taken first
# (`hold_books`), before any row is locked. Most casts are for parameters that may be null.
_POST: Final = compact(f"""
WITH pair AS MATERIALIZED (
    SELECT d.ledger_id, {ACCOUNTS}
    FROM pg_advisory_xact_lock_shared(ledger_books_key(%(entity)s)) CROSS JOIN accounts_account d
    JOIN accounts_account c ON c.entity_id = d.entity_id AND c.ledger_id = d.ledger_id
        AND c.currency = d.currency AND c.id <> d.id
    WHERE d.entity_id = %(entity)s AND d.id = %(debit)s AND c.id = %(credit)s
        AND d.currency = %(currency)s AND d.closed_at IS NULL AND c.closed_at IS NULL
),
fresh AS (
    INSERT INTO transactions_transaction (entity_id, {STATE})
    SELECT %(entity)s, %(id)s, pair.ledger_id, %(debit)s, %(credit)s, %(timestamp)s, %(now)s, %(now)s,
        %(posted_at)s::timestamptz, %(expires_at)s::timestamptz, %(categorized_at)s::timestamptz,
        %(created_by)s::uuid, %(journal_entry_id)s::uuid, %(reverses_id)s::uuid, NULL::uuid,
        %(reclassifies_id)s::uuid, %(date)s, %(amount)s, %(currency)s::text, %(status)s::text,
        %(source)s::text, %(external_id)s::text, %(counterparty)s::text, %(description)s::text,
        %(metadata)s::jsonb
    FROM pair
    RETURNING 1
),
effect AS MATERIALIZED (
    SELECT v.account_id, %(date)s::date AS date,
        v.debits_pending, v.debits_posted, v.credits_pending, v.credits_posted
    FROM fresh, (VALUES
        (%(first)s::uuid, %(first_dn)s::numeric, %(first_dp)s::numeric,
            %(first_cn)s::numeric, %(first_cp)s::numeric),
        (%(second)s::uuid, %(second_dn)s::numeric, %(second_dp)s::numeric,
            %(second_cn)s::numeric, %(second_cp)s::numeric)
    ) AS v (account_id, debits_pending, debits_posted, credits_pending, credits_posted)
),
{ADD_SORTED_EFFECT_TO_TOTALS}
SELECT * FROM pair
""")

_ZERO: Final = Decimal(0)
_EFFECT_NAMES: Final = tuple(
    f"{account}{part}" for account in ("first", "second") for part in ("", "_dn", "_dp", "_cn", "_cp")
)


def post_transaction(*, entity: Entity, draft: Draft, actor: Actor) -> Row:
    """Record `draft` in the books of `entity` and add its amount to both accounts' totals.

    The amount leaves the credit account and enters the debit account. With status POSTED it counts as
    posted at once, otherwise as pending until it is approved.

    Raises AccountNotFoundError, AccountClosedError, PeriodClosedError, ExternalIdTakenError, and
    ValidationError where the accounts are one and the same, of two ledgers, or of another currency.
    """
    now = utc_now()
    try:
        with restorable():
            found = fetch(_POST, {"entity": entity.id, "slot": slot(SLOTS), **_parameters(draft, actor, now)})
    except DatabaseError as error:
        known = explained(error, entity, [draft])
        if known is None:
            raise
        raise known from error
    if not found:
        raise explain(entity, draft)
    ledger_id, *accounts = found[0]
    return Row(*state(draft, actor, now, ledger_id), *accounts)


def _parameters(draft: Draft, actor: Actor, now: datetime) -> dict[str, Any]:
    """What `_POST` asks for. Times come from Python, so that all of one call are the same."""
    return {
        "id": draft.id,
        "debit": draft.debit_account_id,
        "credit": draft.credit_account_id,
        "timestamp": draft.timestamp,
        "now": now,
        "posted_at": now if draft.status in COUNTS_AS_POSTED else None,
        "expires_at": draft.expires_at,
        "categorized_at": draft.categorized_at,
        "created_by": actor.id,
        "journal_entry_id": draft.journal_entry_id,
        "reverses_id": draft.reverses_id,
        "reclassifies_id": draft.reclassifies_id,
        "date": draft.date,
        "amount": draft.amount,
        "currency": draft.currency,
        "status": draft.status.value,
        "source": draft.source.value,
        "external_id": draft.external_id,
        "counterparty": draft.counterparty,
        "description": draft.description,
        "metadata": metadata_text(draft.metadata),
        **_effect(draft),
    }


def _effect(draft: Draft) -> dict[str, Any]:
    """What `draft` adds to its two accounts, in the order of their ids: debits and credits, pending (n)
    and posted (p)."""
    pending = draft.amount if draft.status in COUNTS_AS_PENDING else _ZERO
    posted = draft.amount if draft.status in COUNTS_AS_POSTED else _ZERO
    debit = (draft.debit_account_id, pending, posted, _ZERO, _ZERO)
    credit = (draft.credit_account_id, _ZERO, _ZERO, pending, posted)
    first, second = (debit, credit) if debit[0] < credit[0] else (credit, debit)
    return dict(zip(_EFFECT_NAMES, first + second, strict=True))


def metadata_text(metadata: dict[str, Any] | None) -> str | None:
    """Metadata as the JSON text that the database takes and gives."""
    return None if metadata is None else json.encode(metadata).decode()


def state(draft: Draft, actor: Actor, now: datetime, ledger_id: UUID) -> tuple[Any, ...]:
    """The columns of the transaction that `draft` becomes, in the order of `STATE_COLUMNS`: what the
    database then holds, so that nothing need be read back."""
    return (
        draft.id,
        ledger_id,
        draft.debit_account_id,
        draft.credit_account_id,
        draft.timestamp,
        now,
        now,
        now if draft.status in COUNTS_AS_POSTED else None,
        draft.expires_at,
        draft.categorized_at,
        actor.id,
        draft.journal_entry_id,
        draft.reverses_id,
        None,
        draft.reclassifies_id,
        draft.date,
        draft.amount,
        draft.currency,
        draft.status,
        draft.source,
        draft.external_id,
        draft.counterparty,
        draft.description,
        metadata_text(draft.metadata),
    )


def explained(error: DatabaseError, entity: Entity, drafts: list[Draft]) -> LedgerError | None:
    """What the database refused, as an error that names the record and the remedy; None for any other error,
    which must be raised as it is (see `refusals_in_words`)."""
    if isinstance(error, IntegrityError) and constraint_name(error) == "transaction_external_id_unique":
        ids = [draft.external_id for draft in drafts if draft.external_id is not None]
        taken = (
            Transaction.objects.for_entity(entity)
            .filter(external_id__in=ids)
            .values_list("external_id", "id")
        ).first()
        if taken is not None and taken[0] is not None:
            return ExternalIdTakenError(taken[0], taken[1])
    refused = refusal(error)
    if isinstance(refused, PeriodClosedError) and len(drafts) == 1:
        return PeriodClosedError(refused.closed_through, day=drafts[0].date, field="date")
    return refused


def explain(entity: Entity, draft: Draft) -> LedgerError:
    """Why `draft` does not fit the chart of accounts of `entity`."""
    accounts = facts_of_accounts(entity, (draft.debit_account_id, draft.credit_account_id))
    return account_fault(draft, accounts) or ValidationError(
        "The accounts were changed while this transaction was being recorded; send it again."
    )


def account_fault(draft: Draft | Row, accounts: Mapping[UUID, AccountFacts]) -> LedgerError | None:
    """The first thing that is wrong with the accounts of `draft`, given the company's accounts by id."""
    debit, credit = accounts.get(draft.debit_account_id), accounts.get(draft.credit_account_id)
    if (
        debit is not None
        and credit is not None
        and debit is not credit
        and debit.closed_at is None
        and credit.closed_at is None
        and debit.currency == draft.currency
        and debit.ledger_id == credit.ledger_id
    ):
        return None
    return _account_fault(draft, accounts)


def _account_fault(draft: Draft | Row, accounts: Mapping[UUID, AccountFacts]) -> LedgerError | None:
    sides = (("debitAccountId", draft.debit_account_id), ("creditAccountId", draft.credit_account_id))
    for name, account_id in sides:
        if account_id not in accounts:
            return AccountNotFoundError(account_id, field=name)
    debit, credit = accounts[draft.debit_account_id], accounts[draft.credit_account_id]
    for (name, _), account in zip(sides, (debit, credit), strict=True):
        if account.closed_at is not None:
            return AccountClosedError(account.id, field=name)
    if debit.id == credit.id:
        message = (
            f"{encode_id(Prefix.ACCOUNT, debit.id)} is both the debit and the credit account; "
            "a transaction needs two different accounts."
        )
        return ValidationError(message, details=[Detail("creditAccountId", message)])
    if debit.ledger_id != credit.ledger_id:
        message = (
            f"The debit account is of ledger {encode_id(Prefix.LEDGER, debit.ledger_id)} and the credit "
            f"account of {encode_id(Prefix.LEDGER, credit.ledger_id)}; both must be of one ledger."
        )
        return ValidationError(message, details=[Detail("creditAccountId", message)])
    if debit.currency != draft.currency:
        message = (
            f'The accounts are in {debit.currency}, not {draft.currency}; send currency "{debit.currency}".'
        )
        return ValidationError(message, details=[Detail("currency", message)])
    return None

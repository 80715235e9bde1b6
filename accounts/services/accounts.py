"""Making, changing, closing and deleting one account."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from django.db import Error as DatabaseError
from django.db.transaction import atomic
from msgspec import UNSET, UnsetType

from accounts.choices import AccountType
from accounts.constants import (
    ACCOUNT_DEPTH_MAX,
    ACCOUNT_NAME_LENGTH_MAX,
    CODE_MAX,
    CODE_MIN,
    SUB_TYPE_LENGTH_MAX,
)
from accounts.financial_types import FINANCIAL_TYPES, default_financial_type, financial_types_of
from accounts.models import Account, AccountBalance, AccountDay, AccountMonth
from accounts.querysets import height, path_upwards
from accounts.services.locks import hold_tree
from ledger import audit
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import ACCOUNT_BELOW_ITSELF, constraint_name, execute, sqlstate
from ledger.exceptions import ConflictError, Detail, NotFoundError, ValidationError, shown
from ledger.ids import Prefix, encode_id, encode_optional_id, new_id
from ledger.models import Entity, Ledger
from ledger.services.books import lock_books

# PostgreSQL's refusals to let a row go that others refer to; 23001 since version 18.
_STILL_REFERRED_TO: Final = frozenset({"23503", "23001"})


@atomic
def create_account(
    *,
    entity: Entity,
    ledger: Ledger,
    name: str,
    type_: AccountType,
    actor: Actor,
    financial_type: str | None = None,
    sub_type: str | None = None,
    sub_type_code: int | None = None,
    parent: Account | None = None,
    metadata: dict[str, Any] | None = None,
) -> Account:
    """Add an account to the chart of `ledger`, in its currency, below `parent` or at the top level.

    Without a financial type it gets the default of its type, the place in the statements that claims least.
    Raises ValidationError for a name, code or financial type that cannot be, and for a parent of another
    type; ConflictError where the code is taken, naming the account that has it.
    """
    assert ledger.entity_id == entity.id, "the ledger is one of this company's"
    hold_tree(entity)
    now = utc_now()
    account = Account(
        id=new_id(),
        entity=entity,
        ledger=ledger,
        name=_clean_name(name),
        type=type_,
        financial_type=_financial_type_for(type_, financial_type),
        sub_type=_clean_sub_type(sub_type),
        sub_type_code=_clean_code(sub_type_code),
        currency=ledger.currency,
        metadata=metadata,
        created_at=now,
        updated_at=now,
    )
    if parent is not None:
        _check_parent(account, parent, levels=1)
        account.parent = parent
    with _faults_named(account):
        account.save(force_insert=True)
    _record("accounts.account.created", account, entity, actor, before=None, after=_facts(account))
    return account


@atomic
def update_account(
    *,
    entity: Entity,
    account: Account,
    actor: Actor,
    name: str | UnsetType = UNSET,
    parent: Account | UnsetType | None = UNSET,
    financial_type: str | UnsetType = UNSET,
    sub_type: str | UnsetType | None = UNSET,
    sub_type_code: int | UnsetType | None = UNSET,
    metadata: dict[str, Any] | UnsetType | None = UNSET,
) -> Account:
    """Change what is given of an account and return it as it is now; None clears a field.

    With `parent` the account moves below that one, its own children with it; None moves it to the top level.
    Nothing is written where nothing changes. Raises ValidationError as `create_account` does; ConflictError
    for a code that is taken, for a move below itself, and for another financial type of a system account;
    NotFoundError where the account is gone.
    """
    if parent is not UNSET or sub_type_code is not UNSET:
        hold_tree(entity)
    account = _locked(entity, account)
    before = _facts(account)
    if name is not UNSET:
        account.name = _clean_name(name)
    if financial_type is not UNSET and financial_type != account.financial_type:
        if account.role:
            message = (
                f"{_label(account)} is a system account ({account.role}): its financial type stays "
                f"{account.financial_type}, because the statements rest on it. It may be renamed and moved."
            )
            raise ConflictError(message, details=[Detail("financial_type", message)])
        account.financial_type = _financial_type_for(AccountType(account.type), financial_type)
    if sub_type is not UNSET:
        account.sub_type = _clean_sub_type(sub_type)
    if sub_type_code is not UNSET:
        account.sub_type_code = _clean_code(sub_type_code)
    if metadata is not UNSET:
        account.metadata = metadata
    if parent is not UNSET and account.parent_id != (parent.id if parent else None):
        if parent is not None:
            _check_parent(account, parent, levels=height(entity.id, account.id))
        account.parent = parent
    before, after = audit.changed(before, _facts(account))
    if not after:
        return account
    account.updated_at = utc_now()
    with _faults_named(account):
        account.save(force_update=True)
    _record("accounts.account.updated", account, entity, actor, before=before, after=after)
    return account


@atomic
def close_account(*, entity: Entity, account: Account, actor: Actor) -> Account:
    """Let an account take no new transactions; its history and balance stay. Closing again changes nothing.

    Postings in progress are waited for. Raises ConflictError for a system account, NotFoundError where the
    account is gone.
    """
    lock_books(entity)
    account = _locked(entity, account)
    if account.role:
        raise ConflictError(
            f"{_label(account)} is a system account ({account.role}) and is needed by the books; "
            "rename it, but leave it open."
        )
    if account.closed_at is None:
        account.closed_at = account.updated_at = utc_now()
        account.save(update_fields=["closed_at", "updated_at"])
        _record(
            "accounts.account.closed",
            account,
            entity,
            actor,
            before={"closed_at": None},
            after={"closed_at": account.closed_at},
        )
    return account


@atomic
def reopen_account(*, entity: Entity, account: Account, actor: Actor) -> Account:
    """Let a closed account take transactions again; an open one stays as it is.

    Raises NotFoundError where the account is gone.
    """
    lock_books(entity)
    account = _locked(entity, account)
    if account.closed_at is not None:
        before = {"closed_at": account.closed_at}
        account.closed_at = None
        account.updated_at = utc_now()
        account.save(update_fields=["closed_at", "updated_at"])
        _record("accounts.account.reopened", account, entity, actor, before=before, after={"closed_at": None})
    return account


@atomic
def delete_account(*, entity: Entity, account: Account, actor: Actor) -> None:
    """Remove an account that nothing refers to, with the zero totals that deleted transactions left behind.

    Raises ConflictError, saying what to do, for an account with children or transactions, for one that
    something else needs, and for a system account; NotFoundError where the account is gone.
    """
    # A posting locks totals before its accounts' keys, this the other way round: one after the other.
    lock_books(entity)
    account = _locked(entity, account)
    if account.role:
        raise ConflictError(
            f"{_label(account)} is a system account ({account.role}) and is needed by the books; "
            "rename it instead of deleting it."
        )
    children = list(
        Account.objects.for_entity(entity).filter(parent_id=account.id).values_list("name", flat=True)[:4]
    )
    if children:
        names = ", ".join(shown(child) for child in children[:3]) + (" and more" if len(children) > 3 else "")
        raise ConflictError(
            f"{_label(account)} has child accounts ({names}); move or delete them first, "
            "with PUT or DELETE /v1/accounts/{id}."
        )
    try:
        with atomic():
            # What these sum to need not be looked at: where there is a transaction, its reference stops the
            # last statement, and the totals come back with the savepoint.
            for totals in (AccountBalance, AccountDay, AccountMonth):
                execute(
                    f"DELETE FROM {totals._meta.db_table} WHERE entity_id = %s AND account_id = %s",
                    [entity.id, account.id],
                )
            execute("DELETE FROM accounts_account WHERE entity_id = %s AND id = %s", [entity.id, account.id])
    except DatabaseError as error:
        if sqlstate(error) not in _STILL_REFERRED_TO:
            raise
        raise ConflictError(_why_it_stays(account, constraint_name(error) or "")) from error
    _record("accounts.account.deleted", account, entity, actor, before=_facts(account), after=None)


def _why_it_stays(account: Account, constraint: str) -> str:
    if constraint == "account_parent_fk":
        return f"{_label(account)} has child accounts; move or delete them first."
    if constraint.startswith("transaction_"):
        return (
            f"{_label(account)} has transactions, and their history must stay. Move or delete those that are "
            "not posted; where one is posted, keep the account and give it no new ones."
        )
    return f"{_label(account)} is in use ({constraint.removesuffix('_fk')}); disconnect what uses it first."


def _locked(entity: Entity, account: Account) -> Account:
    """The account as it is now, ours to change until the end of the transaction."""
    found = Account.objects.for_entity(entity).filter(id=account.id).select_for_update().order_by().first()
    if found is None:
        raise NotFoundError(f"There is no account {account.public_id}.")
    return found


def _check_parent(account: Account, parent: Account, *, levels: int) -> None:
    """Refuse a parent that the account (of so many levels, itself included) cannot stand below."""
    if parent.ledger_id != account.ledger_id:
        raise ValidationError.of(
            "parent_account_id",
            f"{_label(parent)} is of another ledger; send an account of the ledger "
            f"{encode_id(Prefix.LEDGER, account.ledger_id)}.",
        )
    if parent.type != account.type:
        raise ValidationError.of(
            "parent_account_id",
            f"{_label(parent)} is of type {parent.type} and the account is of type {account.type}; "
            f"send a parent of type {account.type}.",
        )
    above = path_upwards(account.entity_id, parent.id)
    if not above:
        raise NotFoundError(f"There is no account {parent.public_id}.")
    if account.id in above:
        raise _wrong_parent(
            f"{_label(account)} cannot move below {_label(parent)}, which is the account itself or below it; "
            "send a parent from another branch, or null for the top level."
        )
    if len(above) + levels > ACCOUNT_DEPTH_MAX:
        raise ValidationError.of(
            "parent_account_id",
            f"the chart would have {len(above) + levels} levels below {_label(parent)}; "
            f"at most {ACCOUNT_DEPTH_MAX} are possible.",
        )


def _financial_type_for(type_: AccountType, code: str | None) -> str:
    if code is None:
        return default_financial_type(type_).code
    known = FINANCIAL_TYPES.get(code)
    choice = ", ".join(financial_types_of(type_))
    if known is None:
        raise ValidationError.of(
            "financial_type", f"{shown(code)} is no financial type; for {type_} send one of {choice}."
        )
    if known.type is not type_:
        raise ValidationError.of(
            "financial_type", f"{code} belongs to {known.type}, not to {type_}; send one of {choice}."
        )
    return code


def _clean_name(name: str) -> str:
    clean = name.strip()
    if not clean or len(clean) > ACCOUNT_NAME_LENGTH_MAX:
        raise ValidationError.of(
            "name", f"{shown(name)} is no name; send text of 1 to {ACCOUNT_NAME_LENGTH_MAX} characters."
        )
    return clean


def _clean_sub_type(sub_type: str | None) -> str | None:
    if sub_type is not None and not 1 <= len(sub_type) <= SUB_TYPE_LENGTH_MAX:
        raise ValidationError.of(
            "sub_type", f"{shown(sub_type)} is too long or empty; send 1 to {SUB_TYPE_LENGTH_MAX} characters."
        )
    return sub_type


def _clean_code(code: int | None) -> int | None:
    if code is not None and not CODE_MIN <= code <= CODE_MAX:
        raise ValidationError.of(
            "sub_type_code", f"{shown(code)} is out of bounds; send an integer from {CODE_MIN} to {CODE_MAX}."
        )
    return code


@contextmanager
def _faults_named(account: Account) -> Iterator[None]:
    """Say what the database's refusal of an account means."""
    try:
        with atomic():
            yield
    except DatabaseError as error:
        if constraint_name(error) == "account_code_unique":
            holder = Account.objects.filter(
                entity_id=account.entity_id,
                ledger_id=account.ledger_id,
                sub_type_code=account.sub_type_code,
            ).first()
            message = (
                f"sub_type_code {account.sub_type_code} is taken by "
                f"{shown(holder.name) + ' (' + holder.public_id + ')' if holder else 'another account'}; "
                "send a code that no other account of this ledger has."
            )
            raise ConflictError(message, details=[Detail("sub_type_code", message)]) from error
        if constraint_name(error) == "account_parent_fk":
            parent = encode_optional_id(Prefix.ACCOUNT, account.parent_id)
            raise _wrong_parent(
                f"The parent {parent} was deleted meanwhile; send another one, or null for the top level."
            ) from error
        if sqlstate(error) == ACCOUNT_BELOW_ITSELF:
            raise _wrong_parent(
                f"{_label(account)} cannot move below itself; send another parent."
            ) from error
        raise


def _wrong_parent(message: str) -> ConflictError:
    return ConflictError(message, details=[Detail("parent_account_id", message)])


def _label(account: Account) -> str:
    return f"The account {shown(account.name)} ({account.public_id})"


def _facts(account: Account) -> dict[str, Any]:
    """What the audit remembers of an account."""
    return {
        "name": account.name,
        "type": account.type,
        "financial_type": account.financial_type,
        "sub_type": account.sub_type,
        "sub_type_code": account.sub_type_code,
        "parent_account_id": encode_optional_id(Prefix.ACCOUNT, account.parent_id),
        "metadata": account.metadata,
    }


def _record(
    action: str,
    account: Account,
    entity: Entity,
    actor: Actor,
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_type="account",
        object_id=account.public_id,
        entity=entity,
        before=before,
        after=after,
    )

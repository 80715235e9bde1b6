"""Bank accounts and the ledger accounts that stand for them."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db import IntegrityError
from django.db.transaction import atomic

from accounts.choices import AccountType
from accounts.models import Account
from accounts.querysets import default_ledger
from accounts.services import create_account
from banking.models import BankAccount, BankConnection
from banking.providers.base import AccountSeen
from ledger import audit
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.exceptions import ConflictError, ValidationError
from ledger.ids import Prefix, encode_id, encode_optional_id, new_id
from ledger.models import Entity, Ledger
from ledger.services.books import forget

NAME_LENGTH_MAX: Final = 200
TYPE_LENGTH_MAX: Final = 50
# numeric(20,4) takes less than this.
_BALANCE_LIMIT: Final = Decimal(10) ** 16
_STEP: Final = Decimal("0.0001")

# By Plaid's types and subtypes (https://plaid.com/docs/api/accounts/#account-type-schema).
_SAVINGS: Final = frozenset({"savings", "money market", "cd", "cash management"})
_LIABILITIES: Final = {
    "line of credit": "LINE_OF_CREDIT",
    "home equity": "LINE_OF_CREDIT",
    "overdraft": "LINE_OF_CREDIT",
    "mortgage": "MORTGAGES_PAYABLE",
}


def financial_type_of(type_: str, subtype: str) -> tuple[AccountType, str]:
    """What a bank account of Plaid's type and subtype is in the books."""
    if type_ == "credit":
        return AccountType.LIABILITY, "CREDIT_CARD"
    if type_ == "loan":
        return AccountType.LIABILITY, _LIABILITIES.get(subtype, "LONG_TERM_DEBT")
    if type_ in ("investment", "brokerage"):
        return AccountType.ASSET, "SHORT_TERM_INVESTMENTS"
    if type_ == "depository":
        return AccountType.ASSET, "SAVINGS" if subtype in _SAVINGS else "CASH"
    return AccountType.ASSET, "OTHER_CURRENT_ASSETS"


def ledger_in(entity: Entity, currency: str) -> Ledger | None:
    """The company's ledger in that currency, the default one first; None where it has none."""
    default = default_ledger(entity)
    if default.currency == currency:
        return default
    return Ledger.objects.filter(entity_id=entity.id, currency=currency).order_by("created_at", "id").first()


def make_ledger_account(
    *, entity: Entity, ledger: Ledger, name: str, mask: str, type_: str, subtype: str, actor: Actor
) -> Account:
    """Give a bank account its own ledger account, "Checking ••1234", where the chart has its like: below the
    account that most open accounts of its financial type are below, else at the top level."""
    account_type, financial_type = financial_type_of(type_, subtype)
    parents = Counter(
        Account.objects.for_entity(entity)
        .open()
        .filter(ledger_id=ledger.id, financial_type=financial_type)
        .order_by("sub_type_code", "name", "id")
        .values_list("parent_id", flat=True)
    )
    parent_id = parents.most_common(1)[0][0] if parents else None
    parent = Account.objects.for_entity(entity).filter(id=parent_id).first() if parent_id else None
    ending = f" ••{mask}" if mask else ""
    return create_account(
        entity=entity,
        ledger=ledger,
        name=name[: NAME_LENGTH_MAX - len(ending)].strip() + ending,
        type_=account_type,
        financial_type=financial_type,
        parent=parent,
        actor=actor,
    )


def add_account(
    *,
    entity: Entity,
    connection: BankConnection,
    seen: AccountSeen,
    ledger: Ledger,
    ledger_account: Account | None,
    actor: Actor,
) -> BankAccount:
    """Take in an account of a connection, on `ledger_account` or on a new one of its own."""
    name = seen.name.strip() or seen.official_name.strip() or "Bank account"
    if ledger_account is None:
        ledger_account = make_ledger_account(
            entity=entity,
            ledger=ledger,
            name=name,
            mask=seen.mask,
            type_=seen.type,
            subtype=seen.subtype,
            actor=actor,
        )
    now = utc_now()
    account = BankAccount(
        id=new_id(),
        entity_id=entity.id,
        connection=connection,
        provider_account_id=seen.id,
        name=name[:NAME_LENGTH_MAX],
        official_name=seen.official_name[:NAME_LENGTH_MAX],
        mask=seen.mask[:10],
        type=seen.type[:TYPE_LENGTH_MAX],
        subtype=seen.subtype[:TYPE_LENGTH_MAX],
        ledger=ledger,
        ledger_account=ledger_account,
        currency=seen.currency,
        created_at=now,
    )
    set_balances(account, seen, now)
    account.save(force_insert=True)
    record_account("added", account, entity, actor)
    return account


def open_file_fed(
    *,
    entity: Entity,
    name: str,
    type_: str,
    subtype: str,
    currency: str | None,
    mask: str,
    ledger_account: Account | None,
    actor: Actor,
) -> BankAccount:
    """Add a bank account that statement files feed, on `ledger_account` or on a new one of its own.

    Raises ValidationError where the company keeps no books in the currency, or the ledger account cannot
    stand for an account of that type; ConflictError where it stands for another bank account.
    """
    with atomic():
        if ledger_account is not None:
            _check_ledger_account(ledger_account, type_, subtype, currency)
            ledger: Ledger | None = ledger_account.ledger
        else:
            wanted = currency or default_ledger(entity).currency
            ledger = ledger_in(entity, wanted)
            if ledger is None:
                raise ValidationError.of(
                    "currency",
                    f"This entity keeps no books in {wanted}; send {default_ledger(entity).currency}, or use "
                    "an entity with books in that currency.",
                )
            ledger_account = make_ledger_account(
                entity=entity, ledger=ledger, name=name, mask=mask, type_=type_, subtype=subtype, actor=actor
            )
        account = BankAccount(
            id=new_id(),
            entity_id=entity.id,
            name=name,
            mask=mask,
            type=type_,
            subtype=subtype,
            ledger=ledger_account.ledger,
            ledger_account=ledger_account,
            currency=ledger_account.currency,
            created_at=utc_now(),
        )
        try:
            with atomic():
                account.save(force_insert=True)
        except IntegrityError as error:
            raise ConflictError(
                f"{ledger_account.public_id} stands for another bank account already; send another one, or "
                "none to get one of its own."
            ) from error
        record_account("added", account, entity, actor)
        # Transactions show the bank account from now on.
        forget(entity)
    return account


def _check_ledger_account(account: Account, type_: str, subtype: str, currency: str | None) -> None:
    wanted = financial_type_of(type_, subtype)[0]
    if account.type != wanted:
        raise ValidationError.of(
            "ledgerAccountId",
            f"{account.public_id} is of type {account.type}; a bank account of type {type_} stands on an "
            f"account of type {wanted}.",
        )
    if currency is not None and currency != account.currency:
        raise ValidationError.of(
            "currency",
            f"{account.public_id} is in {account.currency}, not in {currency}; leave currency out.",
        )
    if account.closed_at is not None:
        raise ConflictError(f"{account.public_id} is closed; reopen it or send another account.")


def set_balances(account: BankAccount, seen: AccountSeen, now: datetime) -> None:
    """Take over what the bank says of the balances; what no amount can be counts as nothing said."""
    account.balance_current = _balance(seen.balance_current)
    account.balance_available = _balance(seen.balance_available)
    account.balance_at = now


def _balance(amount: Decimal | None) -> Decimal | None:
    if amount is None or not amount.is_finite() or not -_BALANCE_LIMIT < amount < _BALANCE_LIMIT:
        return None
    return amount.quantize(_STEP)


def record_account(verb: str, account: BankAccount, entity: Entity, actor: Actor) -> None:
    """Put into the audit trail that a bank account was added, disconnected or connected again."""
    audit.record(
        actor=actor,
        action=f"banking.account.{verb}",
        object_type="bank account",
        object_id=account.public_id,
        entity=entity,
        after={
            "name": account.name,
            "mask": account.mask,
            "connection_id": encode_optional_id(Prefix.BANK_CONNECTION, account.connection_id),
            "ledger_account_id": encode_id(Prefix.ACCOUNT, account.ledger_account_id),
        },
    )

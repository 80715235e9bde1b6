"""Bank accounts that are fed by statement files alone."""

from uuid import UUID

from django.db.transaction import atomic

from accounts.choices import AccountType
from accounts.models import Account
from banking.models import BankAccount
from banking.services.accounts import open_file_fed
from banking.services.locks import hold_lines
from ledger.actors import Actor
from ledger.exceptions import NotFoundError, ValidationError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity

_CARD = "credit"
_NAME_LENGTH_MAX = 200


def is_card(bank_account: BankAccount) -> bool:
    """Whether the company owes what the account shows: a card or a loan."""
    return bank_account.type in {_CARD, "loan"}


@atomic
def bank_account_of(*, entity: Entity, ledger_account_id: UUID, actor: Actor) -> BankAccount:
    """Return the bank account that feeds a ledger account; where there is none, open one for its statements.

    An asset account becomes a current account, a liability a card. Raises NotFoundError for an unknown
    ledger account, ValidationError for one of another type, or a closed one.
    """
    # Two at once must not open it twice.
    hold_lines(entity)
    account = Account.objects.for_entity(entity).select_related("ledger").filter(id=ledger_account_id).first()
    if account is None:
        raise NotFoundError(
            f"There is no account {encode_id(Prefix.ACCOUNT, ledger_account_id)} in this entity."
        )
    found = BankAccount.objects.filter(
        entity_id=entity.id, ledger_account_id=account.id, disconnected_at=None
    ).first()
    if found is not None:
        return found
    if account.type not in {AccountType.ASSET, AccountType.LIABILITY}:
        raise ValidationError.of(
            "ledgerAccountId",
            f"{account.name} is of type {account.type}; a bank account is an ASSET, a card a LIABILITY.",
        )
    if account.closed_at is not None:
        raise ValidationError.of("ledgerAccountId", f"{account.name} is closed; name an open account.")
    is_owed = account.type == AccountType.LIABILITY
    return open_file_fed(
        entity=entity,
        name=account.name[:_NAME_LENGTH_MAX],
        type_=_CARD if is_owed else "depository",
        subtype="credit card" if is_owed else "checking",
        currency=None,
        mask="",
        ledger_account=account,
        actor=actor,
    )

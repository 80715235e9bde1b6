"""The accounts that the software itself needs in every company's books."""

from uuid import UUID

from accounts.chart_templates import SYSTEM_ACCOUNTS, SystemRole
from accounts.models import Account
from accounts.services.insertion import insert_accounts, new_account, record_many_made
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.exceptions import NotFoundError
from ledger.models import Entity, Ledger


def make_system_accounts(*, entity: Entity, ledger: Ledger, actor: Actor) -> None:
    """Give a new ledger its system accounts, each with its role; once per ledger, in a transaction."""
    now = utc_now()
    accounts = [
        new_account(
            ledger=ledger,
            name=one.name,
            type_=one.type,
            now=now,
            financial_type=one.financial_type,
            sub_type_code=one.code,
            description=one.description,
            role=one.role,
        )
        for one in SYSTEM_ACCOUNTS
    ]
    insert_accounts(accounts)
    record_many_made(entity=entity, ledger=ledger, accounts=accounts, actor=actor)


def system_account(entity: Entity, role: SystemRole) -> Account:
    """Return the account of the company's default ledger that has this role, whatever it is called by now.

    Raises NotFoundError where the company has none, which only happens to rows written by hand.
    """
    found = (
        Account.objects.for_entity(entity)
        .filter(role=role, ledger__entity_id=entity.id, ledger__is_default=True)
        .first()
    )
    if found is None:
        raise NotFoundError(f"{entity.public_id} has no system account {role.value}; its chart is damaged.")
    return found


def system_account_ids(entity: Entity, *roles: SystemRole) -> dict[tuple[UUID, SystemRole], UUID]:
    """The ids of the accounts with these roles in all ledgers of the company, by ledger and role."""
    found = Account.objects.for_entity(entity).filter(role__in=roles).order_by()
    return {
        (ledger_id, SystemRole(str(role))): account_id
        for ledger_id, role, account_id in found.values_list("ledger_id", "role", "id")
    }

"""Companies to try the project with: made-up books that look and behave like real ones."""

from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from django.db.transaction import atomic

from accounts.models import Account
from accounts.services.imports import import_accounts, rows_of_template
from banking.sandbox.industries import industry_named
from banking.sandbox.industry import Industry
from banking.sandbox.story import Line, tell
from ledger.actors import Actor
from ledger.exceptions import ValidationError
from ledger.models import Developer, Entity, Ledger
from ledger.money import minor_digits
from ledger.services.developers import Preferences, create_developer
from ledger.services.entities import create_entity
from ledger.services.keys import NewKey
from ledger.times import day_start
from transactions.choices import Source, Status
from transactions.counterparty_names import counterparty_name
from transactions.drafts import Draft
from transactions.services import post_batch

MONTHS_MAX: Final = 60


class Sandbox(NamedTuple):
    """A sandbox company and whose it is."""

    developer: Developer
    # The key of a developer that was made with the company, with its secret; None where one was given.
    first_key: NewKey | None
    entity: Entity
    ledger: Ledger
    transactions: int


@atomic
def create_sandbox(
    *,
    name: str,
    industry: str,
    seed: int,
    today: date,
    actor: Actor,
    developer: Developer | None = None,
    preferences: Preferences | None = None,
    months: int = 12,
) -> Sandbox:
    """Make a company of `industry` with a chart of accounts and `months` whole months of transactions, and
    those of the current month up to `today`; a developer of the same name too, unless one is given.

    The same seed and days give the same books. What the bank showed in the last two weeks is PENDING, and
    some of it uncategorized; everything before is POSTED. `preferences` are those of a new developer.

    Raises ValidationError for an unknown industry and for months outside of 1 to MONTHS_MAX.
    """
    kind = industry_named(industry)
    if not 1 <= months <= MONTHS_MAX:
        raise ValidationError.of("months", f"{months} is out of bounds; send 1 to {MONTHS_MAX}.")
    first_key = None
    if developer is None:
        developer, first_key = create_developer(
            name=name, industry=kind.id, preferences=preferences, actor=actor, key_name="Sandbox key"
        )
    entity = create_entity(
        developer=developer, actor=actor, fields={"legal_name": name, "entity_type": kind.entity_type}
    )
    ledger = Ledger.objects.get(entity_id=entity.id, is_default=True)
    import_accounts(
        entity=entity,
        ledger=ledger,
        rows=rows_of_template(kind.template_id),
        source="template",
        template_id=kind.template_id,
        actor=actor,
    )
    lines = _lines(kind, seed, months, today, ledger)
    _post(lines, entity, ledger, actor)
    return Sandbox(developer, first_key, entity, ledger, len(lines))


def _lines(kind: Industry, seed: int, months: int, today: date, ledger: Ledger) -> list[Line]:
    step = Decimal(1).scaleb(-minor_digits(ledger.currency))
    return tell(industry=kind, seed=seed, months=months, today=today, step=step)


def _post(lines: list[Line], entity: Entity, ledger: Ledger, actor: Actor) -> None:
    codes = {code for line in lines for code in (line.debit, line.credit)}
    accounts: dict[int | None, UUID] = dict(
        Account.objects.for_entity(entity)
        .filter(ledger_id=ledger.id, sub_type_code__in=codes)
        .values_list("sub_type_code", "id")
    )
    midnights: dict[date, datetime] = {}
    drafts = []
    for line in lines:
        timestamp = midnights.setdefault(line.day, day_start(line.day, entity.zone))
        drafts.append(
            Draft(
                debit_account_id=accounts[line.debit],
                credit_account_id=accounts[line.credit],
                amount=line.amount,
                currency=ledger.currency,
                timestamp=timestamp,
                date=line.day,
                status=Status.PENDING if line.is_pending else Status.POSTED,
                source=Source.SANDBOX,
                description=line.description,
                counterparty=counterparty_name(line.description),
            )
        )
    for fault in post_batch(entity=entity, drafts=drafts, actor=actor).values():
        raise fault

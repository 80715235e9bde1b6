"""Companies to try the project with: made-up books that look and behave like real ones, and their banks."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db.transaction import atomic

from accounts.models import Account
from accounts.services.imports import import_accounts, rows_of_template
from banking.choices import LineStatus, LinkKind
from banking.models import BankAccount
from banking.sandbox.bookkeeping import Posting, keep_books
from banking.sandbox.connections import Booked, Connected, connect
from banking.sandbox.feed import entries_of, story_of
from banking.sandbox.industries import industry_named
from banking.sandbox.institutions import COMPANY_INSTITUTIONS
from banking.sandbox.story import first_day
from banking.sandbox.tokens import Feed
from banking.services.links import link, mark
from banking.services.rows import Link
from banking.signals import lines_recorded
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, encode_id
from ledger.models import Developer, Entity, Ledger
from ledger.services.developers import Preferences, create_developer
from ledger.services.entities import create_entity
from ledger.services.keys import NewKey
from ledger.services.settings import EntitySettings
from ledger.times import day_of, day_start
from transactions.choices import Source
from transactions.drafts import Draft
from transactions.services import post_batch

MONTHS_MAX: Final = 60
# A person looked at what the bank had booked a day later.
_LOOKED_AT_AFTER: Final = timedelta(days=1)


class Sandbox(NamedTuple):
    """A sandbox company and whose it is."""

    developer: Developer
    # The key of a developer that was made with the company, with its secret; None where one was given.
    first_key: NewKey | None
    entity: Entity
    ledger: Ledger
    bank_accounts: list[BankAccount]
    transactions: int


@atomic
def create_sandbox(
    *,
    name: str,
    industry: str,
    seed: int,
    actor: Actor,
    today: date | None = None,
    developer: Developer | None = None,
    preferences: Preferences | None = None,
    months: int = 12,
) -> Sandbox:
    """Make a company of `industry` with a chart of accounts, two banks, and `months` whole months of
    transactions, and those of the current month up to `today`, by default the company's own; a developer of
    the same name too, unless one is given.

    The same seed and days give the same books. What the banks booked in the last two weeks is CLEARED, some
    of it uncategorized, and some only offered for what was entered by hand; everything before is POSTED. At
    the end of what the banks have booked, their balances are those of the books. The next sync brings what is
    new from then on. `preferences` are those of a new developer; under a given one, the company's.

    Raises ValidationError for an unknown industry and for months outside of 1 to MONTHS_MAX.
    """
    kind = industry_named(industry)
    if not 1 <= months <= MONTHS_MAX:
        raise ValidationError.of("months", f"{months} is out of bounds; send 1 to {MONTHS_MAX}.")
    first_key, own = None, EntitySettings()
    if developer is None:
        developer, first_key = create_developer(
            name=name, industry=kind.id, preferences=preferences, actor=actor, key_name="Sandbox key"
        )
    elif preferences:
        own = _settings(preferences)
    entity = create_entity(
        developer=developer,
        actor=actor,
        fields={"legal_name": name, "entity_type": kind.entity_type},
        settings=own,
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
    today = today or day_of(utc_now(), entity.zone)
    codes = _accounts_by_code(entity, ledger)
    feeds = [
        Feed(kind, seed, bank, first_day(today, months), ledger.currency, entity.zone)
        for bank in COMPANY_INSTITUTIONS
    ]
    connected = connect(entity=entity, ledger=ledger, feeds=feeds, today=today, codes=codes, actor=actor)
    lines = story_of(feeds[0], today)
    entries = [entry for feed in feeds for entry in entries_of(feed, lines)]
    postings = keep_books(industry=kind, seed=seed, lines=lines, entries=entries, today=today)
    _post(postings, entity, ledger, codes, connected, actor)
    return Sandbox(developer, first_key, entity, ledger, connected.accounts, len(postings))


def _settings(preferences: Preferences) -> EntitySettings:
    chosen = EntitySettings()
    if "currency" in preferences:
        chosen["default_currency"] = preferences["currency"]
    if "timezone" in preferences:
        chosen["timezone"] = preferences["timezone"]
    return chosen


def _accounts_by_code(entity: Entity, ledger: Ledger) -> dict[int, UUID]:
    found = Account.objects.for_entity(entity).filter(ledger_id=ledger.id, sub_type_code__isnull=False)
    return {code: id_ for code, id_ in found.values_list("sub_type_code", "id") if code is not None}


def _post(
    postings: Sequence[Posting],
    entity: Entity,
    ledger: Ledger,
    codes: dict[int, UUID],
    connected: Connected,
    actor: Actor,
) -> None:
    midnights: dict[date, datetime] = {}
    drafts = [
        _draft(posting, midnights.setdefault(posting.day, day_start(posting.day, entity.zone)), ledger, codes)
        for posting in postings
    ]
    links: list[Link] = []
    offers: list[tuple[UUID, UUID | None, str]] = []
    for posting, draft in zip(postings, drafts, strict=True):
        if posting.by_hand:
            offers += [(connected.booked[entry.id].id, draft.id, "") for entry in posting.entries]
            continue
        kind = LinkKind.TRANSFER if len(posting.entries) > 1 else LinkKind.MADE
        for entry in posting.entries:
            booked = connected.booked[entry.id]
            links.append(Link(booked.id, draft.id, booked.bank_account_id, kind))
            if draft.external_id is None:
                _mark_as_the_banks(draft, booked)
    for fault in post_batch(entity=entity, drafts=drafts, actor=actor).values():
        raise fault
    link(entity, links, actor)
    mark(entity, LineStatus.OFFERED, offers)
    made = list(dict.fromkeys(one.transaction_id for one in links))
    lines_recorded.send(sender=Entity, entity=entity, transaction_ids=made)


def _draft(posting: Posting, timestamp: datetime, ledger: Ledger, codes: dict[int, UUID]) -> Draft:
    is_decided = bool(posting.entries) and posting.is_categorized and not posting.by_hand
    return Draft(
        debit_account_id=codes[posting.debit],
        credit_account_id=codes[posting.credit],
        amount=posting.amount,
        currency=ledger.currency,
        timestamp=timestamp,
        date=posting.day,
        status=posting.status,
        source=Source.SANDBOX,
        description=posting.description,
        counterparty=posting.counterparty,
        categorized_at=timestamp + _LOOKED_AT_AFTER if is_decided else None,
    )


def _mark_as_the_banks(draft: Draft, booked: Booked) -> None:
    """As a sync marks what it makes of a line."""
    draft.source = Source.BANK
    draft.external_id = encode_id(Prefix.BANK_LINE, booked.id)
    draft.metadata = {
        "bankLineId": draft.external_id,
        "bankAccountId": encode_id(Prefix.BANK_ACCOUNT, booked.bank_account_id),
    }
    if booked.category:
        draft.metadata["providerCategory"] = booked.category

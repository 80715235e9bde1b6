"""An import: the chart of accounts first, then the entries page by page, each in one database transaction.

It may be broken off anywhere and begun again: a page is recorded together with the position of the next one,
and an entry is known by the name that it has at the provider, so that nothing comes twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.transaction import atomic

from accounts.choices import Side
from accounts.querysets import default_ledger
from accounts.services.outside import OutsideAccount, adopt_accounts
from banking.choices import IntegrationProvider, IntegrationStatus
from banking.integrations.calls import calls_of
from banking.integrations.exceptions import NAMES
from banking.integrations.sources import source_of
from banking.integrations.sources.base import OutsideEntry, Source, Unreadable
from banking.models import Integration
from ledger import audit
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.exceptions import BusyError, ConflictError, ValidationError
from ledger.models import Entity, Ledger
from ledger.money import parse_amount
from ledger.times import day_of, day_start, format_timestamp
from transactions.choices import Source as TransactionSource
from transactions.journal_entries import JournalEntryExistsError
from transactions.services.changing import hold_books
from transactions.services.journal import JournalLine
from transactions.services.journal_batches import EntryDraft, post_journal_entries

# Of what was left out, so many are named, the others are counted.
FAULTS_NAMED_MAX: Final = 50
_FAULT_LENGTH_MAX: Final = 300


@dataclass
class ImportState:
    """How far an import is, and what became of what it read so far: what `Integration.import_position`
    holds."""

    # Where the next page begins, in the provider's terms; None once all is read.
    position: str | None = ""
    accounts_made: int = 0
    accounts_known: int = 0
    entries_made: int = 0
    # An earlier import recorded them.
    entries_known: int = 0
    left_out: int = 0
    # [{source, message}]: the first that were left out, and why.
    faults: list[dict[str, str]] = field(default_factory=list)
    finished_at: str | None = None

    def leave_out(self, source: str, message: str) -> None:
        """Note something that could not be taken over."""
        self.left_out += 1
        if len(self.faults) < FAULTS_NAMED_MAX:
            self.faults.append({"source": source, "message": message[:_FAULT_LENGTH_MAX]})

    @property
    def summary(self) -> str:
        """What became of it, for people."""
        said = (
            f"{self.entries_made} entries and {self.accounts_made} accounts were made; "
            f"{self.entries_known} entries and {self.accounts_known} accounts were there."
        )
        if self.left_out:
            first = self.faults[0]
            said += f" {self.left_out} were left out, first {first['source']}: {first['message']}"
        return said


def state_of(integration: Integration) -> ImportState | None:
    """How far the newest import is; None where there was none."""
    stored = integration.import_position
    return ImportState(**stored) if isinstance(stored, Mapping) else None


def import_integration(
    *, entity: Entity, integration: Integration, actor: Actor, progress: Callable[[int], None]
) -> ImportState:
    """Read a provider's books into those of `entity`, from where an import was broken off or from the start.

    What cannot be recorded (a closed period, an account or a currency that our books lack, sides that
    differ) is left out and named in the state, and the rest goes on. `progress` is told of the entries that
    were read. Raises ConflictError where the books there are in another currency or the integration was
    disconnected, BusyError where another import of it runs, ConnectAgainError, ProviderDownError,
    ProviderError.
    """
    return _Import(entity, integration, actor).run(progress)


class _Import:
    def __init__(self, entity: Entity, integration: Integration, actor: Actor) -> None:
        self.entity, self.integration, self.actor = entity, integration, actor
        self.provider = IntegrationProvider(integration.provider)
        self.source: Source = source_of(self.provider)
        self.workspace_id = integration.workspace_id
        # What is known by it belongs to these books there: another company's entry 12 is another entry.
        self.books = f"{self.provider.value}:{self.workspace_id}"
        self.ledger: Ledger = default_ledger(entity)
        self.calls = calls_of(integration)
        # As it is stored, which tells whether another import has gone on meanwhile.
        self.stored: Any = integration.import_position
        self.account_ids: dict[str, UUID] = {}

    def run(self, progress: Callable[[int], None]) -> ImportState:
        state = state_of(self.integration)
        if state is None or state.position is None:
            state = ImportState()
        self._check_currency()
        self._take_accounts(state)
        while state.position is not None:
            page = self.source.entries(self.calls, self.workspace_id, state.position)
            self._record_page(state, page.entries, page.next_position)
            progress(state.entries_made + state.entries_known + state.left_out)
        return state

    def _check_currency(self) -> None:
        theirs = self.source.currency(self.calls, self.workspace_id)
        if theirs not in (None, self.ledger.currency):
            raise ConflictError(
                f"The books at {NAMES[self.provider]} are in {theirs} and these in {self.ledger.currency}; "
                f"connect them with an entity whose default currency is {theirs}."
            )

    def _take_accounts(self, state: ImportState) -> None:
        """Find or make the accounts. This is done each time, because entries need to know them."""
        found: list[OutsideAccount] = []
        faults: list[Unreadable] = []
        for one in self.source.accounts(self.calls, self.workspace_id, self.ledger.currency):
            if isinstance(one, Unreadable):
                faults.append(one)
            else:
                found.append(one)
        with atomic():
            hold_books(self.entity)
            row = self._locked()
            adopted = adopt_accounts(
                entity=self.entity,
                ledger=self.ledger,
                source=self.books,
                accounts=found,
                actor=self.actor,
            )
            state.accounts_made += adopted.made
            if not state.position:
                # Counted again where it breaks off before its first page, and not where later.
                state.accounts_known = max(0, len(adopted.account_ids) - state.accounts_made)
                state.left_out, state.faults = 0, []
                for fault in faults:
                    state.leave_out(fault.id, fault.reason)
            self._save(row, state)
        self.account_ids = adopted.account_ids

    def _record_page(
        self, state: ImportState, entries: Sequence[OutsideEntry | Unreadable], next_position: str | None
    ) -> None:
        drafts: list[EntryDraft] = []
        sources: list[str] = []
        for entry in entries:
            if isinstance(entry, Unreadable):
                state.leave_out(entry.id, entry.reason)
                continue
            try:
                draft = self._draft(entry)
            except ValidationError as error:
                state.leave_out(entry.id, error.message)
            else:
                if draft is not None:
                    drafts.append(draft)
                    sources.append(entry.id)
        with atomic():
            # Before any row, as all postings do.
            hold_books(self.entity)
            row = self._locked()
            faults = post_journal_entries(
                entity=self.entity,
                ledger=self.ledger,
                entries=drafts,
                actor=self.actor,
                status=self.source.status,
                source=TransactionSource.IMPORT,
            )
            for index, source in enumerate(sources):
                fault = faults.get(index)
                if fault is None:
                    state.entries_made += 1
                elif isinstance(fault, JournalEntryExistsError):
                    state.entries_known += 1
                else:
                    state.leave_out(source, fault.message)
            state.position = next_position
            if next_position is None:
                state.finished_at = format_timestamp(utc_now())
                row.synced_at = utc_now()
                row.error_message = ""
                self._record_end(row, state)
            self._save(row, state)

    def _draft(self, entry: OutsideEntry) -> EntryDraft | None:
        """The entry as our books take it; None where it moves nothing. Raises ValidationError."""
        currency = entry.currency or self.ledger.currency
        if currency != self.ledger.currency:
            raise ValidationError.of(
                "currency", f"it is in {currency}, these books in {self.ledger.currency}."
            )
        lines, moved = [], dict[str, Decimal]()
        for account_id, given in entry.amounts:
            if not given:
                continue
            amount = parse_amount(given, currency=currency, field="amount")
            moved[account_id] = moved.get(account_id, Decimal(0)) + amount
            if account_id not in self.account_ids:
                raise ValidationError.of("account", f"the chart that was read has no account {account_id}.")
            side = Side.DEBIT if amount > 0 else Side.CREDIT
            lines.append(JournalLine(self.account_ids[account_id], side, abs(amount)))
        if not any(moved.values()):
            return None
        zone = self.entity.zone
        if isinstance(entry.when, datetime):
            timestamp, day = entry.when, day_of(entry.when, zone)
        else:
            timestamp, day = day_start(entry.when, zone), entry.when
        return EntryDraft(
            external_id=f"{self.books}:{entry.id}",
            lines=lines,
            currency=currency,
            timestamp=timestamp,
            day=day,
            description=entry.description,
            metadata={"integration": self.provider.value, "sourceId": entry.id},
        )

    def _locked(self) -> Integration:
        row = (
            Integration.objects.select_for_update(no_key=True)
            .filter(entity_id=self.entity.id, id=self.integration.id)
            .order_by()
            .first()
        )
        if row is None or row.status == IntegrationStatus.DISCONNECTED:
            raise ConflictError("The integration was disconnected while its import ran; what came stays.")
        if row.workspace_id != self.workspace_id or row.import_position != self.stored:
            raise BusyError("Another import of this integration has gone on meanwhile.")
        return row

    def _save(self, row: Integration, state: ImportState) -> None:
        row.import_position = self.stored = asdict(state)
        row.save(update_fields=["import_position", "synced_at", "error_message"])

    def _record_end(self, row: Integration, state: ImportState) -> None:
        audit.record(
            actor=self.actor,
            action="banking.integration.imported",
            object_type="integration",
            object_id=row.public_id,
            entity=self.entity,
            after={
                "provider": row.provider,
                "entries_made": state.entries_made,
                "entries_known": state.entries_known,
                "accounts_made": state.accounts_made,
                "left_out": state.left_out,
            },
        )

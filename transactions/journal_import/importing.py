"""From a file to the books: the two readings, and what is said of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from django.db.transaction import atomic, set_rollback

from accounts.models import Account
from ledger import audit
from ledger.actors import Actor
from ledger.models import Entity, Ledger
from transactions.journal_import.drafting import Drafting, ahead
from transactions.journal_import.faults import Faults
from transactions.journal_import.reading import JournalReader
from transactions.journal_import.recording import ImportSummary, record_batch
from transactions.journal_import.survey import make_accounts, survey_file

BATCH_ROWS: Final = 10_000


def import_journal(
    *,
    path: Path,
    entity: Entity,
    ledger: Ledger,
    actor: Actor,
    separator: str = ":",
    batch_rows: int = BATCH_ROWS,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ImportSummary:
    """Record the journal in the CSV file `path` as POSTED transactions of `ledger`.

    The columns are entry_id, date (YYYY-MM-DD, a day in the company's time zone), description,
    debit_account, credit_account (paths, see `ensure_account_paths`), amount (a negative one swaps the
    accounts) and currency (the ledger's), in any order; others are not looked at. Rows that share an
    entry_id are linked by one journal entry.

    A row is known by what it says and by its place within its entry (`external_id`): what an earlier import
    of the file recorded is skipped, so an import that was broken off is completed by starting it again.
    Each batch, with its journal entries, is one database transaction. `progress` is called with the rows
    done and the rows there are. With `dry_run` everything is checked and nothing is kept.

    Raises JournalFileError, before anything is written, where a row cannot be recorded; ConflictError where
    the books are changed meanwhile (an account or a period is closed), with the batches before it recorded.
    """
    assert ledger.entity_id == entity.id, "the ledger is one of this company's"
    reader = JournalReader(path, entity, ledger)
    faults = Faults()
    survey = survey_file(reader, faults)
    with atomic():
        before = _count_accounts(entity, ledger)
        accounts = make_accounts(survey, separator, entity, ledger, actor, faults)
        faults.raise_any()
        summary = ImportSummary(
            rows=survey.rows,
            entries=len(survey.sizes),
            accounts_made=_count_accounts(entity, ledger) - before,
        )
        if dry_run:
            set_rollback(True)
            return summary
    drafting = Drafting(entity, ledger, survey, {path: account.id for path, account in accounts.items()})
    done = 0
    # One process, but two cores: the next batch is read while the database records this one.
    for batch in ahead(drafting.batches(reader, batch_rows)):
        record_batch(batch, entity, ledger, actor, summary)
        done += len(batch.drafts)
        if progress:
            progress(done, survey.rows)
    if summary.transactions_made:
        _audit(path, entity, ledger, actor, summary)
    return summary


def _count_accounts(entity: Entity, ledger: Ledger) -> int:
    return Account.objects.for_entity(entity).filter(ledger_id=ledger.id).count()


def _audit(path: Path, entity: Entity, ledger: Ledger, actor: Actor, summary: ImportSummary) -> None:
    with atomic():
        audit.record(
            actor=actor,
            action="transactions.journal.imported",
            object_type="ledger",
            object_id=ledger.public_id,
            entity=entity,
            after={
                "file": path.name,
                "entries": summary.entries_made,
                "transactions": summary.transactions_made,
                "accounts": summary.accounts_made,
                "skipped": summary.skipped,
            },
        )

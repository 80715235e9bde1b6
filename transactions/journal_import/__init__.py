"""Books that come as a file: journals in CSV, read as a stream and recorded in batches.

The file is read twice. The first reading checks every row and writes nothing but the accounts; the second one
records. So a file with a fault leaves no trace, and a file of any length needs little memory: some hundred
bytes for each entry id, and the rows of one batch.
"""

from transactions.journal_import.faults import JournalFileError
from transactions.journal_import.importing import BATCH_ROWS, import_journal
from transactions.journal_import.reading import COLUMNS
from transactions.journal_import.recording import ImportSummary

__all__ = ["BATCH_ROWS", "COLUMNS", "ImportSummary", "JournalFileError", "import_journal"]

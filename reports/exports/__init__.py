"""Whole books as text that other programs read and check."""

from collections.abc import Callable, Generator, Iterator
from typing import Final

from reports.exports.beancount import BeancountWriter
from reports.exports.books import Balances, Books
from reports.exports.chart import beancount_chart, chart_of, hledger_chart, plain_chart
from reports.exports.formats import ExportFormat, Writer
from reports.exports.hledger import HledgerWriter
from reports.exports.table import TableWriter
from reports.snapshot import snapshot

__all__ = ["Books", "ExportFormat", "export_books"]

PIECE_CHARACTERS: Final = 64 * 1024
Progress = Callable[[int, int], None]


def export_books(
    books: Books, format_: ExportFormat, progress: Progress | None = None
) -> Generator[str, None, None]:
    """Yield the books as text, in pieces of some 64 KB; memory does not grow with the number of transactions.

    Transactions come by month and, in it, by moment; after each month stand the balances that the totals kept
    beside the transactions claim, so that whoever adds the transactions up checks those. Everything is read
    from one unmoving picture of the books. An export that begins later than the books opens with the balances
    brought forward. `progress` is called with the transactions done and those there are.
    """
    with snapshot():
        pieces: list[str] = []
        size = 0
        for text in _texts(books, format_, progress):
            pieces.append(text)
            size += len(text)
            if size >= PIECE_CHARACTERS:
                yield "".join(pieces)
                pieces, size = [], 0
        yield "".join(pieces)


def _texts(books: Books, format_: ExportFormat, progress: Progress | None) -> Iterator[str]:
    chart = chart_of(books.entity, books.ledger)
    writer: Writer
    match format_:
        case ExportFormat.BEANCOUNT:
            accounts = beancount_chart(chart)
            writer = BeancountWriter(books, accounts)
        case ExportFormat.HLEDGER:
            accounts = hledger_chart(chart)
            writer = HledgerWriter(books, accounts)
        case ExportFormat.CSV:
            accounts = plain_chart(chart)
            writer = TableWriter(books, accounts)
    months = books.months()
    balances = Balances(accounts)
    total = sum(month.transactions for month in months)
    done = 0
    yield writer.beginning(months)
    if books.start is not None:
        yield writer.opening(balances.add(books.changes(None, books.day_before)))
    for month in months:
        for row in books.transactions(month):
            yield writer.transaction(row)
            done += 1
            if progress and done % 1_000 == 0:
                progress(done, total)
        yield writer.assertions(month, balances.add(books.changes(month.start, month.end)))
    if progress:
        progress(done, total)

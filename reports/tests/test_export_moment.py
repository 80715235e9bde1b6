"""An export stands in a transaction of its own; apart from its other tests, whose books are rolled back."""

import datetime as dt

import pytest
from django.db import connection

from reports.exports import Books, ExportFormat, export_books
from reports.tests.other_programs import text_of
from transactions.tests.conftest import make_company


@pytest.mark.django_db(transaction=True)
def test_an_export_is_of_one_moment_and_leaves_no_transaction_open() -> None:
    company = make_company()
    for day in range(1, 28):
        company.posted("10", at=dt.datetime(2024, 1, day, 12, tzinfo=dt.UTC))

    pieces = export_books(Books(company.entity, company.ledger), ExportFormat.CSV)
    # A client that hangs up closes the generator.
    next(pieces)
    pieces.close()
    assert not connection.in_atomic_block

    whole = text_of(Books(company.entity, company.ledger), ExportFormat.CSV)
    assert whole.count("\r\n") == 28
    assert not connection.in_atomic_block

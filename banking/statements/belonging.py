"""Whether statements are of the bank account that they are imported into, and what a connection brings."""

from collections.abc import Sequence
from datetime import date

from django.db.models import Min

from banking.models import BankAccount, BankConnection, BankLine
from banking.statements.content import Statement
from banking.statements.csv_files import same_account
from banking.statements.faults import Faults
from ledger.exceptions import ConflictError, shown
from ledger.times import day_of


def own_statements(
    statements: Sequence[Statement], bank_account: BankAccount, faults: Faults
) -> list[Statement]:
    """Return the statements of `bank_account`; why another is not of it is noted.

    A currency must be the account's. A number must be the one that the account's first statement had, or of
    a connected account end with the digits that the bank shows. Where a file says neither, it is believed.
    """
    number = known_number(bank_account)
    own = []
    for statement in statements:
        if statement.currency and statement.currency != bank_account.currency:
            faults.add(
                statement.row,
                "currency",
                f"the statement is in {shown(statement.currency)}, and {shown(bank_account.name)} in "
                f"{bank_account.currency}; import it into an account of that currency.",
            )
        elif statement.account_number and number and not same_account(statement.account_number, number):
            faults.add(
                statement.row,
                "accountNumber",
                f"the statement is of account {shown(statement.account_number)}, and "
                f"{shown(bank_account.name)} is {shown(number)}; import it into that account's own bank "
                "account.",
            )
        else:
            # The first statement of an account that had none tells its number.
            number = number or statement.account_number
            own.append(statement)
    return own


def known_number(bank_account: BankAccount) -> str:
    """The account's number as far as it is known; empty where it isn't."""
    # Of a connected account the id is the provider's own.
    return bank_account.mask if bank_account.connection_id else bank_account.provider_account_id


def connected_since(bank_account: BankAccount) -> date | None:
    """The day from which on a connection brings the account's lines; None where files alone do.

    A connection and a file know one line by different ids and texts, so of a day that both have every line
    would be there twice: files add what is older. Raises ConflictError before the connection's first sync,
    when nobody knows yet how far it reaches back.
    """
    if bank_account.connection_id is None:
        return None
    brought = BankLine.objects.filter(
        entity_id=bank_account.entity_id, bank_account_id=bank_account.id, statement_import__isnull=True
    ).aggregate(oldest=Min("date"))
    oldest: date | None = brought["oldest"]
    if oldest is not None:
        return oldest
    connection = BankConnection.objects.select_related("entity").get(
        entity_id=bank_account.entity_id, id=bank_account.connection_id
    )
    if connection.synced_at is None:
        raise ConflictError(
            f"{bank_account.name} is connected to its bank, and the first sync is not done; import what is "
            "older than its lines when it is (GET /v1/banks/sync-status)."
        )
    return day_of(connection.created_at, connection.entity.zone)


def leave_to_connection(statements: Sequence[Statement], since: date | None) -> int:
    """Take the lines of `since` and later out of `statements`, if there is such a day; returns how many."""
    left_out = 0
    for statement in statements:
        older = [line for line in statement.lines if since is None or line.day < since]
        left_out += len(statement.lines) - len(older)
        statement.lines = older
    return left_out

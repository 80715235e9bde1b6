"""Whether statements are of the bank account that they are imported into."""

from collections.abc import Sequence

from banking.models import BankAccount
from banking.statements.content import Statement
from banking.statements.csv_files import same_account
from banking.statements.faults import Faults
from ledger.exceptions import shown


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

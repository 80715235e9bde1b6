"""The two enumerations on which all bookkeeping here rests: kinds of accounts and sides of an entry."""

from django.db.models import TextChoices


class Side(TextChoices):
    """The side of a double entry on which an amount stands."""

    DEBIT = "DEBIT", "Debit"
    CREDIT = "CREDIT", "Credit"

    @property
    def opposite(self) -> "Side":
        """The other side: what a reversal writes."""
        return Side.CREDIT if self is Side.DEBIT else Side.DEBIT


class AccountType(TextChoices):
    """The five kinds of accounts of the accounting equation.

    Assets + Expenses = Liabilities + Equity + Revenue: what stands on the left grows by debits, what stands
    on the right grows by credits.
    """

    ASSET = "ASSET", "Asset"
    LIABILITY = "LIABILITY", "Liability"
    EQUITY = "EQUITY", "Equity"
    REVENUE = "REVENUE", "Revenue"
    EXPENSE = "EXPENSE", "Expense"

    @property
    def normal_side(self) -> Side:
        """The side on which an ordinary (not a contra) account of this type grows."""
        return Side.DEBIT if self in (AccountType.ASSET, AccountType.EXPENSE) else Side.CREDIT

    @property
    def is_balance_sheet(self) -> bool:
        """True where a balance is carried from year to year; False for accounts of the income statement."""
        return self in (AccountType.ASSET, AccountType.LIABILITY, AccountType.EQUITY)

"""What documents are made of: the text, type and key of a transaction, an account or a month's statement.

A text has up to four lines: what it says itself, the account that it is booked on, what kind of account that
is, and what the bank says that it was for. `ai.search.meaning` weighs them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple
from uuid import UUID

from accounts.financial_types import financial_type, is_cash
from ai.models.documents import SourceType
from ai.search.meaning import without_references
from transactions.category_side import category_side

TRANSFER: Final = "transfer"
# Where neither account alone says what a transaction was for.
ENTRY: Final = "entry"
# What a description says beyond that adds nothing to what it is about.
_LENGTH_MAX: Final = 500
_PROVIDER_CATEGORY_LENGTH_MAX: Final = 100
# The first parts of banks' categories are too broad: one of them says rent and utilities (Plaid's taxonomy).
_BROAD_CATEGORY: Final = re.compile(
    r"^(?:RENT_AND_UTILITIES|FOOD_AND_DRINK|GENERAL_MERCHANDISE|GENERAL_SERVICES|GOVERNMENT_AND_NON_PROFIT"
    r"|TRANSFER_IN|TRANSFER_OUT|LOAN_PAYMENTS|BANK_FEES|HOME_IMPROVEMENT|TRANSPORTATION|TRAVEL|INCOME|MEDICAL"
    r"|PERSONAL_CARE|ENTERTAINMENT)_(?!OTHER)(?=.)"
)
_STATEMENTS: Final[Mapping[str, tuple[str, str, str]]] = {
    # By type: the title, what else people call it, and its name in the request for it.
    "income_statement": ("Income statement", "profit and loss revenue expenses net income", "INCOME"),
    "balance_sheet": ("Balance sheet", "financial position assets liabilities equity", "BALANCE"),
    "cash_flow": ("Cash flow statement", "cash flows operating investing financing", "CASHFLOW"),
}
STATEMENT_TYPES: Final = tuple(_STATEMENTS)
# A month told in words.
SUMMARY: Final = "summary"
_DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """What a document says of an account."""

    id: UUID
    name: str
    type: str
    financial_type: str | None


@dataclass(frozen=True, slots=True)
class Text:
    """A document without its vector."""

    source_type: SourceType
    document_type: str
    key: UUID
    account_ids: tuple[UUID, ...]
    text: str


class Category(NamedTuple):
    """What the accounts of a transaction say of it."""

    document_type: str
    accounts: tuple[AccountSeen, ...]

    @property
    def lines(self) -> tuple[str, str]:
        """The name and the kind of the account that says what it was for; of two accounts their names count
        no more than a kind does."""
        if len(self.accounts) == 1:
            return _line(self.accounts[0].name), _label(self.accounts[0])
        return "", _line(" ".join(account.name for account in self.accounts))


def category_of(debit: AccountSeen, credit: AccountSeen) -> Category:
    """What the accounts of a transaction say: one of them, or both where neither alone does."""
    side = category_side(debit.type, debit.financial_type, credit.type, credit.financial_type)
    if side is not None:
        account = debit if side == "debit" else credit
        return Category(account.type.lower(), (account,))
    both_are_cash = is_cash(debit.financial_type or "") and is_cash(credit.financial_type or "")
    return Category(TRANSFER if both_are_cash else ENTRY, (debit, credit))


def words_of_transaction(description: str, counterparty: str) -> str:
    """The words of a transaction without references; those of the counterparty that the description lacks."""
    words = without_references(description[:_LENGTH_MAX])
    if not counterparty:
        return words
    said = set(words.split())
    more = [word for word in without_references(counterparty).split() if word not in said]
    return " ".join([words, *more]).strip()


def transaction_text(words: str, category: Category, provider_category: str | None) -> Text:
    """The document of all transactions with these words and accounts."""
    provided = _provided(provider_category) if provider_category else ""
    account_ids = tuple(account.id for account in category.accounts)
    return Text(
        SourceType.TRANSACTION,
        category.document_type,
        _key(words, provided, *(one.hex for one in account_ids)),
        account_ids,
        "\n".join((words, *category.lines, provided)),
    )


def category_of_accounts(accounts: Sequence[AccountSeen]) -> Category:
    """The same of the accounts that a document names."""
    if len(accounts) == 1:
        return Category(accounts[0].type.lower(), tuple(accounts))
    return category_of(*accounts)


def with_category(text: str, category: Category) -> tuple[str, str]:
    """The type and text of a transaction's document whose accounts are called something else now."""
    words, _, _, provided = text.split("\n")
    return category.document_type, "\n".join((words, *category.lines, provided))


def account_text(account: AccountSeen, parent_name: str | None, code: int | None) -> Text:
    """The document of an account."""
    own = _line(account.name if code is None else f"{code} {account.name}")
    kind = f"{_label(account)} {account.type.lower()}"
    return Text(
        SourceType.LEDGER_ACCOUNT,
        account.type.lower(),
        account.id,
        (account.id,),
        "\n".join((own, _line(parent_name or ""), kind)),
    )


def statement_text(entity_id: UUID, document_type: str, month: date) -> Text:
    """The document of a month's statement."""
    key = _key(entity_id.hex, document_type, month.isoformat())
    return _text_of_month(document_type, key, month, also=_STATEMENTS[document_type][1])


def summary_text(summary_id: UUID, month: date) -> Text:
    """The document of a month in words. Not the words themselves: they name accounts, and who asks for one of
    these means its transactions."""
    return _text_of_month(SUMMARY, summary_id, month, also="overview in words how the month went")


def _text_of_month(document_type: str, key: UUID, month: date, *, also: str) -> Text:
    lines = (
        f"{report_title(document_type)} {month:%B} {month.year}",
        also,
        f"{month:%b} Q{(month.month + 2) // 3} {month:%Y-%m} monthly report",
    )
    return Text(SourceType.REPORT, document_type, key, (), "\n".join(lines))


def report_title(document_type: str) -> str:
    """How people call a statement or summary."""
    return "Summary" if document_type == SUMMARY else _STATEMENTS[document_type][0]


def statement_kind(document_type: str) -> str:
    """The `type` by which a statement is asked for at `GET /v1/reports/generate`."""
    return _STATEMENTS[document_type][2]


def _line(text: str) -> str:
    return " ".join(text.split())


def _label(account: AccountSeen) -> str:
    return financial_type(account.financial_type).label if account.financial_type else ""


@lru_cache(maxsize=1024)
def _provided(category: str) -> str:
    """The words of a bank's category, without those that are too broad."""
    return _BROAD_CATEGORY.sub("", category[:_PROVIDER_CATEGORY_LENGTH_MAX]).replace("_", " ").lower()


def _key(*parts: str) -> UUID:
    return UUID(bytes=blake2b("\x1f".join(parts).encode(), digest_size=_DIGEST_BYTES).digest())

"""Accounts named by paths, as plain-text accounting writes them: `assets:bank:checking`."""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from django.db.transaction import atomic

from accounts.choices import AccountType
from accounts.constants import ACCOUNT_DEPTH_MAX, ACCOUNT_NAME_LENGTH_MAX
from accounts.models import Account
from accounts.services.insertion import folded, insert_accounts, new_account, record_many_made
from accounts.services.locks import hold_tree
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.exceptions import Detail, ValidationError, shown
from ledger.models import Entity, Ledger

# The first part of a path, as hledger, Ledger and Beancount spell it, decides the type.
_ROOTS: Final[dict[str, AccountType]] = {
    "asset": AccountType.ASSET,
    "assets": AccountType.ASSET,
    "liability": AccountType.LIABILITY,
    "liabilities": AccountType.LIABILITY,
    "debt": AccountType.LIABILITY,
    "debts": AccountType.LIABILITY,
    "equity": AccountType.EQUITY,
    "revenue": AccountType.REVENUE,
    "revenues": AccountType.REVENUE,
    "income": AccountType.REVENUE,
    "incomes": AccountType.REVENUE,
    "expense": AccountType.EXPENSE,
    "expenses": AccountType.EXPENSE,
}

# Words of a path's part that say plainly what the account is for. Cash follows hledger's own rule
# (https://hledger.org/hledger.html#account-types); of the rest only words with one meaning are taken, because
# a wrong place in a statement is worse than the type's default.
_WORDS: Final[dict[AccountType, tuple[tuple[re.Pattern[str], str], ...]]] = {
    type_: tuple((re.compile(rf"\b(?:{words})\b"), code) for words, code in rules)
    for type_, rules in {
        AccountType.ASSET: (
            (r"petty cash", "PETTY_CASH"),
            (r"undeposited|clearing|in transit", "UNDEPOSITED_FUNDS"),
            (r"savings?|money market", "SAVINGS"),
            (r"cash|banks?|check(?:ing)?|cheque|chequing|current", "CASH"),
            (r"allowance", "ALLOWANCE_FOR_DOUBTFUL_ACCOUNTS"),
            (r"receivables?", "ACCOUNTS_RECEIVABLE"),
            (r"inventory|inventories", "INVENTORY"),
            (r"prepaid|prepayments?", "PREPAID_EXPENSES"),
            (r"accumulated depreciation", "ACCUMULATED_DEPRECIATION"),
            (r"accumulated amorti[sz]ation", "ACCUMULATED_AMORTIZATION"),
            (r"vehicles?", "VEHICLES"),
            (r"land", "LAND"),
            (r"buildings?", "BUILDINGS"),
            (r"furniture", "FURNITURE_AND_FIXTURES"),
            (r"computers?", "COMPUTER_EQUIPMENT"),
            (r"equipment|machinery", "MACHINERY_AND_EQUIPMENT"),
            (r"fixed", "OTHER_FIXED_ASSETS"),
        ),
        AccountType.LIABILITY: (
            (r"credit cards?", "CREDIT_CARD"),
            (r"sales tax|vat", "SALES_TAX_PAYABLE"),
            (r"interest payable", "INTEREST_PAYABLE"),
            (r"accrued|accruals?", "ACCRUED_LIABILITIES"),
            (r"accounts payable|payables?", "ACCOUNTS_PAYABLE"),
            (r"payroll", "PAYROLL_LIABILITIES"),
            (r"deferred revenue|unearned", "DEFERRED_REVENUE"),
            (r"line of credit", "LINE_OF_CREDIT"),
            (r"mortgages?", "MORTGAGES_PAYABLE"),
            (r"loans?", "LONG_TERM_DEBT"),
        ),
        AccountType.EQUITY: (
            (r"retained earnings", "RETAINED_EARNINGS"),
            (r"opening balances?|opening", "OPENING_BALANCE_EQUITY"),
            (r"draws?|drawings?|distributions?", "OWNER_DRAWS"),
            (r"dividends?", "DIVIDENDS"),
            (r"common stock", "COMMON_STOCK"),
        ),
        AccountType.REVENUE: (
            (r"interest", "INTEREST_INCOME"),
            (r"dividends?", "DIVIDEND_INCOME"),
            (r"refunds?|returns?", "SALES_RETURNS_AND_REFUNDS"),
            (r"discounts?", "SALES_DISCOUNTS"),
            (r"grants?", "GRANTS"),
            (r"donations?", "DONATIONS"),
            (r"subscriptions?", "SUBSCRIPTION_REVENUES"),
            (r"services?|consulting", "SERVICE_REVENUES"),
            (r"sales", "SALES"),
        ),
        AccountType.EXPENSE: (
            (r"cogs|cost of goods sold|cost of sales", "COST_OF_GOODS_SOLD"),
            (r"stripe|paypal|merchant fees|payment processor", "MERCHANT_FEES"),
            (r"bank fees|bank charges", "BANK_FEES"),
            (r"payroll tax(?:es)?", "PAYROLL_TAX_EXPENSES"),
            (r"income tax(?:es)?", "INCOME_TAX_EXPENSES"),
            (r"tax(?:es)?", "TAX_EXPENSES"),
            (r"salary|salaries|wages|payroll", "PAYROLL_EXPENSES"),
            (r"rent", "RENT_EXPENSES"),
            (r"utilities", "UTILITIES_EXPENSES"),
            (r"advertising|marketing", "ADVERTISING_EXPENSES"),
            (r"insurance", "INSURANCE_EXPENSES"),
            (r"travel", "TRAVEL_EXPENSES"),
            (r"meals", "MEALS_EXPENSES"),
            (r"software", "SOFTWARE_EXPENSES"),
            (r"interest", "INTEREST_EXPENSES"),
            (r"depreciation", "DEPRECIATION_EXPENSES"),
            (r"amorti[sz]ation", "AMORTIZATION_EXPENSES"),
        ),
    }.items()
}


@atomic
def ensure_account_paths(
    *, entity: Entity, ledger: Ledger, paths: Iterable[str], separator: str = ":", actor: Actor
) -> dict[str, Account]:
    """Return the account of each path, making those that the ledger does not have yet.

    `paths` are names from the top down (`expenses:fees:Stripe`); the first part decides the type: assets,
    liabilities, equity, revenues or income, expenses, in the singular or plural, in any case. Every part
    becomes an account below the one before it; an account of the same name (in any case) and type below the
    same parent is taken as it is, a closed one too. The financial type of a new account follows plain words
    of its path, else it is the type's default.

    The answer has the paths as they were given. It costs two statements and one more per 2,000 new accounts.
    Raises ValidationError listing every path that cannot be one.
    """
    assert ledger.entity_id == entity.id, "the ledger is one of this company's"
    wanted = _parsed(set(paths), separator)
    hold_tree(entity)
    known: dict[_Key, Account] = {}
    for stored in Account.objects.for_entity(entity).filter(ledger_id=ledger.id).order_by("-id"):
        known[stored.parent_id, stored.type, folded(stored.name)] = stored  # the oldest stays

    now = utc_now()
    fresh: list[Account] = []
    found: dict[str, Account] = {}
    for path, (type_, parts) in sorted(wanted.items()):
        account: Account | None = None
        for depth, name in enumerate(parts):
            key = (account.id if account else None, str(type_), folded(name))
            if key not in known:
                known[key] = new_account(
                    ledger=ledger,
                    name=name,
                    type_=type_,
                    now=now,
                    financial_type=financial_type_of_path(type_, parts[: depth + 1]),
                    parent=account,
                )
                fresh.append(known[key])
            account = known[key]
        assert account is not None, "a path has at least one part"
        found[path] = account

    if fresh:
        insert_accounts(fresh)
        record_many_made(entity=entity, ledger=ledger, accounts=fresh, actor=actor)
    return found


def financial_type_of_path(type_: AccountType, parts: list[str]) -> str | None:
    """Return the financial type that the words of a path name, the last part first; None where none does.

    The first part is the type itself and says nothing more.
    """
    for part in reversed(parts[1:]):
        words = part.casefold().replace("-", " ").replace("_", " ")
        for pattern, code in _WORDS[type_]:
            if pattern.search(words):
                return code
    return None


_Key = tuple[UUID | None, str, str]


def _parsed(paths: Iterable[str], separator: str) -> dict[str, tuple[AccountType, list[str]]]:
    assert separator, "paths are split at something"
    parsed: dict[str, tuple[AccountType, list[str]]] = {}
    faults: list[Detail] = []
    for path in paths:
        parts = [part.strip() for part in path.split(separator)]
        type_ = _ROOTS.get(parts[0].casefold())
        if type_ is None or (fault := next(_faults(parts, separator), None)):
            faults.append(
                Detail(
                    "account",
                    f"{shown(path)} is no account path: "
                    + (
                        f"it begins with {shown(parts[0])}; begin with assets, liabilities, equity, revenues "
                        f"or expenses, as in assets{separator}bank."
                        if type_ is None
                        else str(fault)
                    ),
                )
            )
        else:
            parsed[path] = (type_, parts)
    if faults:
        raise ValidationError.many(sorted(faults))
    return parsed


def _faults(parts: list[str], separator: str) -> Iterator[str]:
    if len(parts) > ACCOUNT_DEPTH_MAX:
        yield f"it has {len(parts)} parts; write at most {ACCOUNT_DEPTH_MAX}."
    for part in parts:
        if not part:
            yield f"a part of it is empty; write one name between two '{separator}'."
        if len(part) > ACCOUNT_NAME_LENGTH_MAX:
            yield f"{shown(part)} has {len(part)} characters; a name has at most {ACCOUNT_NAME_LENGTH_MAX}."
        if "\0" in part:
            yield "it has a NUL character; leave it out."

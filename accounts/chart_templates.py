"""Ready-made charts of accounts, and the accounts that every company has without asking.

The charts are CSV files in `templates_of_accounts/`, so that an accountant can read and review them. They are
read once, on first use, and refused as a whole when one row is wrong.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType

from accounts.choices import AccountType
from accounts.financial_types import FINANCIAL_TYPES

_DIRECTORY = Path(__file__).parent / "templates_of_accounts"
_COLUMNS = ["code", "name", "type", "financial_type", "parent", "description"]
TEMPLATE_CODE_MIN = 1000
TEMPLATE_CODE_MAX = 8999


@dataclass(frozen=True, slots=True)
class TemplateAccount:
    """One account of a chart; `parent` is the code of the account above it, None at the top."""

    code: int
    name: str
    type: AccountType
    financial_type: str
    parent: int | None
    description: str


@dataclass(frozen=True, slots=True)
class ChartTemplate:
    """A chart of accounts for a kind of business; parents stand before their children in `accounts`."""

    id: str
    name: str
    description: str
    accounts: tuple[TemplateAccount, ...]


class SystemRole(StrEnum):
    """What the software itself uses an account for; kept on the account, so that it may be renamed."""

    RETAINED_EARNINGS = "retained_earnings"
    OPENING_BALANCE_EQUITY = "opening_balance_equity"
    UNCATEGORIZED_INCOME = "uncategorized_income"
    UNCATEGORIZED_EXPENSE = "uncategorized_expense"


@dataclass(frozen=True, slots=True)
class SystemAccount:
    """An account that is made together with the company, at the top level of its chart."""

    role: SystemRole
    code: int
    name: str
    type: AccountType
    financial_type: str
    description: str


# Every company has these four from its first second, whatever chart it takes afterwards: a bank feed needs a
# place for what nobody has categorized, and opening balances and earlier earnings need their counterpart.
# Templates therefore do not contain them: importing one into a new company makes all of its accounts and
# skips none, and no chart ever has two accounts for "uncategorized". Their codes start with 9, beyond those
# of the templates and of the usual American charts, so that an imported chart can hardly meet them.
SYSTEM_ACCOUNTS: tuple[SystemAccount, ...] = (
    SystemAccount(
        SystemRole.RETAINED_EARNINGS,
        9010,
        "Retained Earnings",
        AccountType.EQUITY,
        "RETAINED_EARNINGS",
        "Corrections of earnings of earlier years; the earnings themselves are computed, not posted",
    ),
    SystemAccount(
        SystemRole.OPENING_BALANCE_EQUITY,
        9020,
        "Opening Balance Equity",
        AccountType.EQUITY,
        "OPENING_BALANCE_EQUITY",
        "Counterpart of balances brought in from other books; zero once they are assigned",
    ),
    SystemAccount(
        SystemRole.UNCATEGORIZED_INCOME,
        9030,
        "Uncategorized Income",
        AccountType.REVENUE,
        "UNCATEGORIZED_INCOME",
        "Money received that nobody has categorized yet",
    ),
    SystemAccount(
        SystemRole.UNCATEGORIZED_EXPENSE,
        9040,
        "Uncategorized Expense",
        AccountType.EXPENSE,
        "UNCATEGORIZED_EXPENSE",
        "Money spent that nobody has categorized yet",
    ),
)

_TITLES: dict[str, tuple[str, str]] = {
    "tmpl_standard_business": (
        "Standard Business",
        "A complete chart for a small or mid-sized company that sells goods and services",
    ),
    "tmpl_saas": (
        "Software as a Service",
        "Subscriptions, deferred revenue, hosting costs and venture funding",
    ),
    "tmpl_retail": (
        "Retail",
        "Stores and web shops: inventory, registers, sales tax, gift cards and marketplaces",
    ),
    "tmpl_professional_services": (
        "Professional Services",
        "Agencies, consultancies, law and accounting firms: time, retainers, client trust money and partners",
    ),
    "tmpl_nonprofit": (
        "Nonprofit",
        "Donations, grants, net assets by donor restriction and expenses by function (ASC 958)",
    ),
}
TEMPLATE_IDS: tuple[str, ...] = tuple(_TITLES)


class ChartTemplateError(ValueError):
    """A template file of the project is broken: a fault of the release, never of a user."""


@cache
def templates() -> Mapping[str, ChartTemplate]:
    """All templates by id, the standard one first. Raises ChartTemplateError when a file is broken."""
    return MappingProxyType(
        {
            id_: ChartTemplate(id_, name, description, _read(_DIRECTORY / f"{id_}.csv"))
            for id_, (name, description) in _TITLES.items()
        }
    )


def chart_template(id_: str) -> ChartTemplate:
    """The template of that id, such as "tmpl_saas". Raises KeyError for an unknown id."""
    return templates()[id_]


def _read(path: Path) -> tuple[TemplateAccount, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        if reader.fieldnames != _COLUMNS:
            raise ChartTemplateError(f"{path.name}: the columns are {reader.fieldnames}, not {_COLUMNS}")
        return _parse(reader, path.name)


def _parse(reader: "csv.DictReader[str]", source: str) -> tuple[TemplateAccount, ...]:
    """The rows as accounts, each checked against those before it."""
    accounts: dict[int, TemplateAccount] = {}
    names: set[str] = set()
    for row in reader:
        where = f"{source}, line {reader.line_num}"
        try:
            account = TemplateAccount(
                code=int(row["code"]),
                name=row["name"],
                type=AccountType(row["type"]),
                financial_type=row["financial_type"],
                parent=int(row["parent"]) if row["parent"] else None,
                description=row["description"],
            )
        except (TypeError, ValueError) as error:
            raise ChartTemplateError(f"{where}: {error}") from error
        fault = _fault(account, accounts, names)
        if fault:
            raise ChartTemplateError(f"{where}: account {account.code} {account.name!r}: {fault}")
        accounts[account.code] = account
        names.add(account.name.casefold())
    return tuple(accounts.values())


def _fault(account: TemplateAccount, before: Mapping[int, TemplateAccount], names: set[str]) -> str | None:
    """What is wrong with the account, or None; `before` are the accounts above it in the file."""
    known = FINANCIAL_TYPES.get(account.financial_type)
    parent = before.get(account.parent) if account.parent is not None else None
    if not TEMPLATE_CODE_MIN <= account.code <= TEMPLATE_CODE_MAX:
        return f"the code must lie between {TEMPLATE_CODE_MIN} and {TEMPLATE_CODE_MAX}"
    if account.code in before:
        return f"the code is already taken by {before[account.code].name!r}"
    if not account.name.strip() or account.name.casefold() in names:
        return "the name is empty or already taken"
    if known is None:
        return f"there is no financial type {account.financial_type!r}"
    if known.type is not account.type:
        return f"{known.code} belongs to {known.type}, not to {account.type}"
    if account.parent is not None and parent is None:
        return f"the parent {account.parent} must stand in an earlier line"
    if parent is not None and parent.type is not account.type:
        return f"the parent {parent.code} is of type {parent.type}, not {account.type}"
    return None

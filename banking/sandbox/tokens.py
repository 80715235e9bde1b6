"""What the tokens of the sandbox say. They are all the state that it has: no table, no file, no network.

A link token and a public token name a bank and a made-up company (docs/banks.md has the forms); the access
token of a connection adds what was settled when it was linked.
"""

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from banking.sandbox.industries import INDUSTRIES
from banking.sandbox.industry import Industry
from banking.sandbox.institutions import DEFAULT_INSTITUTION, INSTITUTIONS, Institution
from ledger.exceptions import LedgerError
from ledger.money import parse_currency
from ledger.times import zone

SEED_DIGITS_MAX: Final = 9
FORM: Final = (
    "public-sandbox-<industry>-<seed>, where the industry is one of "
    f"{', '.join(INDUSTRIES)} and the seed a number of at most {SEED_DIGITS_MAX} digits; after it may stand "
    f"-<bank> ({', '.join(INSTITUTIONS)}), -<YYYYMM> for the month in which its history begins, and -login "
    "or -login-<YYYYMMDD> for a bank that asks to log in again"
)
_PUBLIC: Final = re.compile(
    rf"(?:link|public)-sandbox-(?P<industry>{'|'.join(INDUSTRIES)})-(?P<seed>\d{{1,{SEED_DIGITS_MAX}}})"
    rf"(?:-(?P<institution>{'|'.join(INSTITUTIONS)}))?(?:-(?P<first>\d{{6}}))?"
    r"(?P<login>-login(?:-(?P<login_from>\d{8}))?)?",
    re.ASCII,
)
_ACCESS: Final = "access-sandbox"
_ONCE: Final = "once"
_NEVER: Final = "never"


@dataclass(frozen=True, slots=True)
class Pass:
    """What a link token or a public token says."""

    industry: Industry
    seed: int
    institution: Institution = DEFAULT_INSTITUTION
    # The first day of the month in which the history begins; None leaves it to the linking.
    first: date | None = None
    # Whether the bank asks to log in again: once it has given everything, or from a day on.
    login_breaks: bool = False
    login_from: date | None = None

    def link_token(self) -> str:
        """The link token that says this."""
        month = "" if self.first is None else f"-{self.first:%Y%m}"
        return f"link-sandbox-{self.industry.id}-{self.seed}-{self.institution.id}{month}"


@dataclass(frozen=True, slots=True)
class Feed:
    """What an access token says: whose lines a connection shows, and how."""

    industry: Industry
    seed: int
    institution: Institution
    first: date
    currency: str
    zone: ZoneInfo
    login_breaks: bool = False
    login_from: date | None = None

    @property
    def item_id(self) -> str:
        """The same for the same company at the same bank with the same history."""
        return f"item-sandbox-{self.industry.id}-{self.seed}-{self.institution.id}-{self.first:%Y%m}"

    def access_token(self) -> str:
        """The access token that says this."""
        login = _NEVER
        if self.login_breaks:
            login = _ONCE if self.login_from is None else f"{self.login_from:%Y%m%d}"
        said = (self.industry.id, self.seed, self.institution.id, f"{self.first:%Y%m}", self.currency)
        return ":".join((_ACCESS, *map(str, said), self.zone.key, login))

    def repaired(self) -> Pass:
        """The pass of a link that repairs the connection: the same one, with a log-in that works."""
        return Pass(self.industry, self.seed, self.institution, self.first)


def read_pass(text: str) -> Pass | None:
    """What a public token says, or a link token in its place; None where it is neither."""
    found = _PUBLIC.fullmatch(text)
    if found is None:
        return None
    try:
        return Pass(
            INDUSTRIES[found["industry"]],
            int(found["seed"]),
            INSTITUTIONS[found["institution"] or DEFAULT_INSTITUTION.id],
            _month(found["first"]) if found["first"] else None,
            found["login"] is not None,
            _day(found["login_from"]) if found["login_from"] else None,
        )
    except ValueError:
        # Digits that are no day.
        return None


def read_access_token(text: str) -> Feed | None:
    """What an access token says; None where it is none."""
    parts = text.split(":")
    if len(parts) != 8 or parts[0] != _ACCESS:
        return None
    industry, seed, institution, first, currency, zone_name, login = parts[1:]
    try:
        feed = Feed(
            INDUSTRIES[industry],
            int(seed),
            INSTITUTIONS[institution],
            _month(first),
            parse_currency(currency, field="currency"),
            zone(zone_name),
        )
        if login == _NEVER:
            return feed
        return replace(feed, login_breaks=True, login_from=None if login == _ONCE else _day(login))
    except (KeyError, ValueError, LedgerError):
        return None


def _month(text: str) -> date:
    return _day(f"{text}01")


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))

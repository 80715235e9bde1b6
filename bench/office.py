"""The back office's pages: as fast in books of a million transactions as in books of a thousand."""

import dataclasses
from collections.abc import Iterator
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.urls import reverse

from bench.measures import Bench, Result
from bench.plans import plans_of_page
from bench.report_books import NAME
from bench.reports import Stage, filled, stage
from bench.web import Requests
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.models import Entity, User
from ledger.services.memberships import grant_membership

SMALL_ROWS = 1_000
TIMES_MAX = 2.0
# What an accountant opens all day: the page's name, and its query. `account` is one of the books' accounts.
PAGES = {
    "dashboard": ("dashboard", ""),
    "chart of accounts": ("chart", ""),
    "transactions": ("transactions", ""),
    "transactions of a month": ("transactions", "from=2026-06-01&to=2026-06-30"),
    "transactions of an account": ("transactions", "account={account}"),
    "transactions of an amount": ("transactions", "min=1000&max=2000"),
    "transactions by source": ("transactions", "source=bank"),
    "transactions that wait": ("transactions", "status=waiting"),
    # The most that a search can find, and the least.
    "transactions by a word that all have": ("transactions", "q=entry"),
    "transactions by a word that none has": ("transactions", "q=nothing"),
    "ledger of an account": ("account", ""),
    "balance sheet": ("balance-sheet", ""),
}


def office(bench: Bench) -> Iterator[Result]:
    """Each page at the larger size, against the same page at a thousand; and how its statements find
    transactions there."""
    large_rows = bench.size.large_rows
    plans, scans = 0, 0
    with stage(filled(SMALL_ROWS)) as small, stage(filled(large_rows)) as large:
        sides = [(one, one.crew.call(logged_in)) for one in (small, large)]
        for title, (page, query) in PAGES.items():
            for one, session in sides:
                one.crew.prepare(page=_page(one, session, page, query))
            duel = bench.duel(large.side("page"), small.side("page"))
            named = f"page {title} at {large_rows:,}, against {SMALL_ROWS:,}"
            yield duel.times(f"office_{title.replace(' ', '_')}", named, TIMES_MAX)
            one, session = sides[1]
            found, scanning = one.crew.call(plans_of_page, session, _path(one, page, query))
            plans, scans = plans + found, scans + len(scanning)
            for sql in scanning:
                bench.say(f"{title} reads all transactions: {sql}")
    yield Result(
        "office_plans",
        f"plans of these pages' statements at {large_rows:,} that read the whole transactions table",
        f"{scans} of {plans}",
        "",
        scans,
        0,
        at_most=True,
        failures=0 if plans else 1,
    )


def logged_in() -> str:
    """Make a person who is an accountant of the books, and return the key of their session."""
    user, _ = User.objects.get_or_create(username="bench", defaults={"is_staff": True})
    grant_membership(
        user=user, entity=Entity.objects.get(legal_name=NAME), role=Role.ACCOUNTANT, actor=SYSTEM
    )
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def _page(stage_: Stage, session: str, page: str, query: str) -> Requests:
    asked = Requests(stage_.server.port, "", "GET", ((_path(stage_, page, query), b""),), 200, b"</html>")
    return dataclasses.replace(asked, cookie=f"{settings.SESSION_COOKIE_NAME}={session}")


def _path(stage_: Stage, page: str, query: str) -> str:
    account = stage_.company.public_accounts[0]
    kwargs = {"company": stage_.company.public_id} | ({"id": account} if page == "account" else {})
    path = reverse(f"office:{page}", kwargs=kwargs)
    return path + (f"?{query.format(account=account)}" if query else "")

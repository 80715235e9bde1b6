"""The back office put together: which pages it has, in which order the sidebar shows them, and its frame.

Each app has its pages in its own `office/`; here they are wired, as the apps' addresses are in `urls.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse

from ledger.models import Entity
from ledger.office.access import DUTIES, Duty, own_memberships
from ledger.office.pages import of_company


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the sidebar: a page of the company, or (with a model) a window of the admin."""

    title: str
    icon: str
    # The page's name, as in `{% page "review" %}`; or "app_model" of a window.
    name: str
    duty: Duty | None = Duty.READ
    window: bool = False


# What the sidebar shows about a company, by group.
OF_COMPANY: Final[tuple[tuple[str, tuple[Item, ...]], ...]] = (
    (
        "",
        (
            Item("Dashboard", "dashboard", "dashboard"),
            Item("Review", "fact_check", "review"),
            Item("Transactions", "receipt_long", "transactions"),
            Item("Journal entry", "edit_note", "journal-entry-new", Duty.KEEP),
            Item("Chart of accounts", "account_tree", "chart"),
            Item("Reconciliation", "balance", "reconciliations"),
        ),
    ),
    (
        "Statements",
        (
            Item("Balance sheet", "account_balance", "balance-sheet"),
            Item("Income statement", "trending_up", "income-statement"),
            Item("Cash flow", "water_drop", "cash-flow"),
            Item("Trial balance", "rule", "trial-balance"),
            Item("General ledger", "menu_book", "general-ledger"),
            Item("Closing", "lock_clock", "closing"),
        ),
    ),
    (
        "Operation",
        (
            Item("Banks", "sync_alt", "feeds", Duty.OPERATE),
            Item("Rules", "filter_alt", "banking_rule", Duty.KEEP, window=True),
            Item("Background work", "pending_actions", "ledger_backgroundtask", Duty.OPERATE, window=True),
            Item("Audit trail", "history", "ledger_auditevent", window=True),
            Item("People and settings", "group", "people", Duty.MANAGE),
        ),
    ),
)
# What superusers look after.
OF_INSTALLATION: Final[tuple[Item, ...]] = (
    Item("Companies", "domain", "ledger_entity", window=True),
    Item("Developers", "code", "ledger_developer", window=True),
    Item("API keys", "key", "ledger_apikey", window=True),
    Item("People", "badge", "ledger_user", window=True),
    Item("Audit trail", "history", "ledger_auditevent", window=True),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar's groups for the person and the company that the page is about."""
    groups: list[dict[str, Any]] = []
    company = _company(request)
    role = next(
        (one.role for one in own_memberships(request) if company and one.entity_id == company.id), None
    )
    if company is not None and role is not None:
        for title, items in OF_COMPANY:
            may = [item for item in items if item.duty in DUTIES[role]]
            lines = list(_lines(may, company))
            if lines:
                groups.append({"title": title, "separator": bool(title), "items": lines})
    else:
        link = reverse("office:companies")
        groups.append({"title": "", "items": [{"title": "Companies", "icon": "domain", "link": link}]})
    if request.user.is_superuser:
        lines = list(_lines(OF_INSTALLATION, None))
        groups.append({"title": "Installation", "separator": True, "collapsible": True, "items": lines})
    return groups


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return what every page's frame shows: the person's companies, and which one this page is about."""
    company = _company(request)
    own = own_memberships(request)
    return {
        "company": company,
        "role": _role(request, company),
        "own_companies": [
            {
                "name": str(one.entity),
                "role": one.role,
                "url": _same_page(request, one.entity),
                "current": company is not None and one.entity_id == company.id,
            }
            for one in own
        ],
    }


def _company(request: HttpRequest) -> Entity | None:
    """The company of the page's address, or the one that a window is narrowed to."""
    if (company := of_company(request)) is not None:
        return company
    wanted = request.GET.get("company")
    return next((one.entity for one in own_memberships(request) if one.entity.public_id == wanted), None)


def _role(request: HttpRequest, company: Entity | None) -> str | None:
    own = own_memberships(request)
    return next((one.role for one in own if company and one.entity_id == company.id), None)


def _same_page(request: HttpRequest, entity: Entity) -> str:
    """The page that the person looks at, of another company; its dashboard where it is about a record."""
    match = request.resolver_match
    if match is not None and match.namespace == "office" and set(match.kwargs) == {"company"}:
        return reverse(f"office:{match.url_name}", kwargs={"company": entity.public_id})
    if match is not None and match.namespace == "admin" and str(match.url_name).endswith("_changelist"):
        return f"{request.path}?company={entity.public_id}"
    return reverse("office:dashboard", kwargs={"company": entity.public_id})


def _lines(items: tuple[Item, ...] | list[Item], company: Entity | None) -> Iterator[dict[str, Any]]:
    for item in items:
        if item.window:
            link = reverse(f"admin:{item.name}_changelist")
            link += f"?company={company.public_id}" if company else ""
        else:
            assert company is not None
            link = reverse(f"office:{item.name}", kwargs={"company": company.public_id})
        line: dict[str, Any] = {"title": item.title, "icon": item.icon, "link": link}
        if item.name == "dashboard":
            # Its address is the beginning of all others of the company.
            line["active"] = partial(_is_at, link)
        yield line


def _is_at(link: str, request: HttpRequest) -> bool:
    return request.path == link

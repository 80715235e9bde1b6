"""From a figure to the page with the entries that make it."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from django.urls import reverse

from ledger.models import Entity
from reports.office.questions import Asked

_NAMES = {
    "startDate": "from",
    "endDate": "to",
    "figure": "figure",
    "accountId": "account",
    "ledgerId": "ledger",
    "status": "status",
    "knownAt": "known",
}


def entries_page(url: str | None, asked: Asked) -> str | None:
    """Return the address of the back office's page with the entries of a figure, by the address that the API
    explains it with (`Line.entries_url`); None where nothing does."""
    if url is None:
        return None
    query = {}
    for name, value in parse_qsl(urlsplit(url).query):
        if name in _NAMES:
            query[_NAMES[name]] = value
        elif name == "includeChildren" and value == "false":
            query["children"] = "no"
    if query.get("status") == "posted":
        del query["status"]
    # Which accounts make a figure depends on the basis, which the API takes from the company.
    basis = asked.scope_query().get("basis")
    if basis:
        query["basis"] = basis
    return f"{_general_ledger(asked.scope.entity)}?{urlencode(query)}"


def _general_ledger(entity: Entity) -> str:
    return reverse("office:general-ledger", kwargs={"company": entity.public_id})

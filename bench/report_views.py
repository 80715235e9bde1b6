"""The floor of the reports: a bare DRF view that runs the roll-up and returns as many rows."""

from datetime import date
from itertools import cycle, islice
from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.querysets import known_default_ledger
from bench.floor_views import BareView
from ledger.db import fetch
from ledger.entity_cache import find_entity
from reports.sums import StatusFilter, books_statement, cut_parameters, kept_rows

# What the statement's columns are called; the account's id stands there a second time, before the sums.
_CHART: Final = ("id", "parentId", "name", "type", "financialType", "code", "accountId")


class FloorRollUpView(BareView):
    """The roll-up of the days that the query names, and as many objects as `rows` says.

    An answer of ours shows an account once in its chart and again in each part of the statement that it
    counts in. The floor runs the very statement that ours does (an account with its sums a row), begins again
    at the first row where there are too few, and gives each the names of its columns and nothing else: no
    trees, no balances or totals, no public ids, no links, no bank accounts, no checks of the query. So it is
    charged for as many objects as we write, and for nothing that makes a statement of them.
    """

    def get(self, request: Request) -> Response:
        entity_id = request.auth.entity_id  # type: ignore[union-attr]
        entity = find_entity(entity_id)
        assert entity is not None
        ledger = known_default_ledger(entity)
        cuts = [date.fromisoformat(day) for day in request.GET["cuts"].split(",")]
        rows = fetch(
            books_statement(kept_rows(StatusFilter.POSTED), len(cuts)),
            {"entity": entity_id, "ledger": ledger.id, **cut_parameters(cuts)},
        )
        names = _CHART + tuple(f"{side}{part}" for part in range(len(cuts)) for side in ("debits", "credits"))
        shown = islice(cycle(rows), int(request.GET["rows"]))
        return Response({"rows": [dict(zip(names, row, strict=True)) for row in shown]})

"""The floor of the reports: a bare DRF view that runs the roll-up and returns as many rows."""

from datetime import date

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.querysets import default_ledger
from bench.floor_views import BareView
from ledger.db import fetch
from ledger.entity_cache import find_entity
from reports.sums import StatusFilter, books_statement, cut_parameters, kept_rows


class FloorRollUpView(BareView):
    """The roll-up of the days that the query names, its rows as they come: an account with its sums each."""

    def get(self, request: Request) -> Response:
        entity_id = request.auth.entity_id  # type: ignore[union-attr]
        entity = find_entity(entity_id)
        assert entity is not None
        ledger = default_ledger(entity)
        cuts = [date.fromisoformat(day) for day in request.GET["cuts"].split(",")]
        rows = fetch(
            books_statement(kept_rows(StatusFilter.POSTED), len(cuts)),
            {"entity": entity_id, "ledger": ledger.id, **cut_parameters(cuts)},
        )
        return Response({"rows": rows})

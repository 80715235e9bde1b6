"""Search by meaning."""

from typing import Final

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ai.api.search_shapes import (
    FOUND_EXAMPLE,
    SEARCH_EXAMPLE,
    FoundShaper,
    SemanticSearchAnswer,
    SemanticSearchBody,
    wanted_of,
)
from ai.search.finding import find
from ledger.api.query import parse_query
from ledger.api.schema import ENTITY_QUERY, errors
from ledger.api.serializers import parse_body
from ledger.api.views import ApiView

_TAGS: Final = ["AI"]


class SemanticSearch(ApiView):
    """`/v1/ai/semantic-search`"""

    reads_only = True

    @extend_schema(
        operation_id="semanticSearch",
        summary="Search by meaning",
        description="Finds transactions, accounts, and the statements and summaries of months by what is "
        "meant: `cloud hosting` finds AWS, `trips` flights and hotels; misspelled words and parts of a "
        "question are understood. A word with digits is taken for a reference and looked for as it is. "
        "What was recorded "
        "in the last minute may be missing. Nothing leaves the server: what words mean is told by a lexicon "
        "that comes with it.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        request=SemanticSearchBody,
        responses={200: SemanticSearchAnswer, **errors(400, 401, 403, 404)},
        examples=[
            OpenApiExample("Cloud hosting", SEARCH_EXAMPLE, request_only=True),
            OpenApiExample("Found", FOUND_EXAMPLE, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """What is meant by the query, most similar first."""
        parse_query(request)
        entity = self.entity
        wanted = wanted_of(parse_body(request, SemanticSearchBody, zone=entity.zone))
        shaper = FoundShaper(entity, find(entity, wanted))
        return Response(
            {
                "success": True,
                "query": wanted.query,
                "entityId": entity.public_id,
                "results": shaper.results(),
            }
        )

"""`/v1/reports/files/{token}`: what a signed link opens."""

from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request

from ledger.api.query import parse_query
from ledger.api.schema import errors
from ledger.api.views import ApiView
from reports.files.formats import FileFormat
from reports.files.links import open_link
from reports.files.responses import file_response


class FileView(ApiView):
    """`/v1/reports/files/{token}`"""

    # The link itself is the permission.
    authentication_classes: ClassVar[list[Any]] = []  # type: ignore[misc]
    permission_classes: ClassVar[list[Any]] = []  # type: ignore[misc]
    needs_entity = False

    @extend_schema(
        operation_id="openReportFile",
        tags=["Reports"],
        summary="Open a report's file",
        description=(
            "The file of a link that a report gave (`pdf_url`, `pdf_urls`, `chart_urls`), as a browser opens "
            "it: without a token. A link is signed and expires."
        ),
        auth=[],
        responses={
            **{
                (200, format_.content_type.partition(";")[0]): OpenApiResponse(
                    OpenApiTypes.BINARY, f"The file as {format_.name}."
                )
                for format_ in FileFormat
            },
            **errors(400, 403, 404, 429),
        },
    )
    def get(self, request: Request, token: str) -> HttpResponseBase:
        """The file."""
        parse_query(request)
        opened = open_link(token)
        return file_response(opened.order, opened.format)


urlpatterns: list[URLPattern] = [path("reports/files/<str:token>", FileView.as_view())]

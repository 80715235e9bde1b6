"""Query parameters, under the same rules as bodies: declared, in either spelling, each at most once."""

from typing import Any
from urllib.parse import unquote_to_bytes
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from rest_framework.request import Request

from ledger.api.serializers import RequestSerializer, parse
from ledger.exceptions import Detail, ValidationError, shown


class NoQuery(RequestSerializer):
    """The query of a view that takes no parameters of its own; `entityId` is always allowed."""


def parse_query(
    request: Request | HttpRequest, shape: type[RequestSerializer] = NoQuery, *, zone: ZoneInfo | None = None
) -> dict[str, Any]:
    """Return the values of the request's query, keyed in snake_case; absent optional parameters are absent.

    `zone` is the entity's time zone, needed where the shape has a TimestampField. Raises ValidationError,
    listing every fault, for repeated and unknown parameters, spellings that differ, NUL and invalid UTF-8.
    """
    return parse(query_values(request), shape, zone=zone, in_query=True)


def query_values(request: Request | HttpRequest) -> dict[str, str]:
    """Return the query as name and value, each name once; see `parse_query` for what is refused."""
    raw = request.META.get("QUERY_STRING", "")
    if not raw:
        return {}
    try:
        # Django replaces broken characters, and the caller would search for something never written.
        unquote_to_bytes(raw.encode("latin-1")).decode()
    except UnicodeError:
        raise ValidationError("The query is not valid UTF-8; percent-encode its text as UTF-8.") from None
    faults = []
    values: dict[str, str] = {}
    for name, sent in request.GET.lists():
        if len(sent) > 1:
            faults.append(Detail(name, f"is given {len(sent)} times; send it once."))
        if "\0" in name or any("\0" in value for value in sent):
            plain = name.replace("\0", "")
            faults.append(Detail(plain, f"{shown(sent[0])} has a NUL character; leave it out."))
        values[name] = sent[-1]
    if faults:
        raise ValidationError.many(faults)
    return values

"""What request bodies are read by, and how large they may be."""

from collections.abc import Mapping
from typing import IO, Any, Final

from django.http import HttpRequest, UnreadablePostError
from rest_framework.parsers import BaseParser, DataAndFiles, MultiPartParser
from rest_framework.request import Request

from ledger.api import json
from ledger.exceptions import PayloadTooLargeError, UnsupportedMediaTypeError, ValidationError, shown

BODY_LIMIT_BYTES: Final = 1_000_000
BULK_BODY_LIMIT_BYTES: Final = 10_000_000


def read_body(request: HttpRequest | Request, limit_bytes: int = BODY_LIMIT_BYTES) -> bytes:
    """Return the raw body, once and for all: later reads (the idempotency fingerprint) get the same bytes.

    The declared length is checked before anything is read, and the server hands out no more bytes than were
    declared. Raises PayloadTooLargeError above `limit_bytes`, ValidationError where the client broke off.
    """
    check_length(request, limit_bytes)
    try:
        body = request.body
    except UnreadablePostError:
        raise ValidationError("The body ended before its Content-Length; send it again whole.") from None
    if len(body) > limit_bytes:
        raise _too_large(len(body), limit_bytes)
    return body


def check_length(request: HttpRequest | Request, limit_bytes: int) -> None:
    """Raise PayloadTooLargeError where the request declares a body above `limit_bytes`."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if not (declared.isascii() and declared.isdigit() and len(declared) <= 18):
        raise ValidationError(f"Content-Length {shown(declared)} is no size; send the number of bytes.")
    if int(declared) > limit_bytes:
        raise _too_large(int(declared), limit_bytes)


def _too_large(length: int, limit_bytes: int) -> PayloadTooLargeError:
    return PayloadTooLargeError(f"The body has {length} bytes; this endpoint takes at most {limit_bytes}.")


def _limit(context: Mapping[str, Any] | None) -> int:
    """The limit that the view declares as `body_limit_bytes`, or the default."""
    return getattr((context or {}).get("view"), "body_limit_bytes", BODY_LIMIT_BYTES)


class JSONParser(BaseParser):
    """Reads `application/json` by the project's own reader. A view may raise its `body_limit_bytes`."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the value of the body; an empty body counts as `{}`."""
        charset = (media_type or "").lower().partition("charset=")[2].strip(' "')
        if charset and charset not in {"utf-8", "utf8"}:
            raise UnsupportedMediaTypeError(f"The charset {shown(charset)} is not read; send JSON in UTF-8.")
        # The stream may be a copy of a body that was read before; the request knows the body either way.
        request: HttpRequest | Request = (parser_context or {})["request"]
        body = read_body(request, _limit(parser_context))
        return json.decode(body) if body.strip() else {}


class UploadParser(MultiPartParser):
    """Reads `multipart/form-data` uploads up to the view's `body_limit_bytes`."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles:
        """Return the form's fields and files."""
        check_length((parser_context or {})["request"], _limit(parser_context))
        return super().parse(stream, media_type, dict(parser_context or {}))

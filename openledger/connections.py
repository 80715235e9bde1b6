"""Connections that clients keep open for their next request."""

from collections.abc import Callable, Iterable
from typing import Any, Final

# What a refused request's body may have and still be read to its end; beyond, its connection ends.
DRAIN_BYTES_MAX: Final = 1_000_000
_CHUNK_BYTES: Final = 65_536

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def drained(application: Application) -> Application:
    """Return the WSGI application, which then reads what it left of a request's body.

    A request that is refused before its body is read (401, 405, 429 …) would else end the connection
    without a word: the web server cannot tell the rest of the body from the next request, and a client
    that keeps its connections would lose that next request.
    """

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        response = application(environ, start_response)
        length = environ.get("CONTENT_LENGTH")
        if length and length != "0" and length.isdecimal() and int(length) <= DRAIN_BYTES_MAX:
            while environ["wsgi.input"].read(_CHUNK_BYTES):
                pass
        return response

    return answer

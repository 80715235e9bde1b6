"""Forms that write something new: sent twice, they write once, whatever the browser does."""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from django.db import DatabaseError
from django.db.transaction import atomic
from django.http import HttpRequest

from ledger.exceptions import BusyError, ConflictError, IdempotencyMismatchError
from ledger.idempotency import Answer, claim, fingerprint, store
from ledger.office.pages import CompanyPage, refusal_of

# The field that a form carries from the moment it is shown.
FIELD: Final = "sending"
_MARK: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NOT_CONTENT: Final = (FIELD, "csrfmiddlewaretoken")


def sending_of(request: HttpRequest) -> str:
    """Return what tells this form from every other one; the same while its faults are mended."""
    return _mark(request) or uuid4().hex


def once(page: CompanyPage, work: Callable[[], str]) -> str:
    """Do the work of a form and return the address where its person goes on; a second sending of the same
    form only goes there.

    The work and the note that it was done are one database transaction, as for the API's Idempotency-Key. A
    form without its mark is done as often as it is sent. Raises what the work raises, BusyError while the
    books are busy or the form's first sending runs, ConflictError for a form that was sent before and has
    another content now.
    """
    try:
        mark = _mark(page.request)
        return _done(page, mark, work) if mark else work()
    except DatabaseError as error:
        raise refusal_of(error) from error


def _done(page: CompanyPage, mark: str, work: Callable[[], str]) -> str:
    person: Any = page.actor.id
    with atomic():
        try:
            before = claim(owner_id=person, key=mark, request=_content(page.request))
        except IdempotencyMismatchError as error:
            raise ConflictError(
                "This form was recorded before, with another content. What you see now was not recorded; "
                "open the page anew to write another one."
            ) from error
        except BusyError as error:
            raise BusyError(
                "This form was sent before, and is being recorded. Send it again in a moment: it is recorded "
                "once."
            ) from error
        if before is not None:
            return before.body.decode()
        where = work()
        store(owner_id=person, key=mark, answer=Answer(302, where.encode()))
    return where


def _mark(request: HttpRequest) -> str | None:
    """The mark that the form came with; None where it has none of ours."""
    sent = request.POST.get(FIELD, "")
    return sent if _MARK.fullmatch(sent) else None


def _content(request: HttpRequest) -> bytes:
    sent = [(name, texts) for name, texts in request.POST.lists() if name not in _NOT_CONTENT]
    return fingerprint(request.path.encode(), urlencode(sorted(sent), doseq=True).encode())

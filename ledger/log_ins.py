"""The record of who logged in, who left, and who was kept out; connected to Django's and axes' signals.

In the installation's audit trail, because a person is of no one company. A name is written down only where
somebody has it: what else is typed into that field is now and then a password.
"""

import time
from typing import Any, Final

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from ledger import audit
from ledger.actors import Actor
from ledger.api.limits import client_address
from ledger.choices import ActorKind, Outcome
from ledger.models import User

# In the session: when it began, and when its person was last seen, in seconds since 1970.
BEGAN: Final = "began"
SEEN: Final = "seen"


@receiver(user_logged_in)
def note_log_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Record a password that was right; a second factor has a record of its own."""
    request.session[BEGAN] = request.session[SEEN] = int(time.time())
    _record("logged_in", request, user)


@receiver(user_logged_out)
def note_log_out(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    """Record the end of a session by its person."""
    if user is not None:
        _record("logged_out", request, user)


@receiver(user_login_failed)
def note_refusal(credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Record a log-in that was refused."""
    _record_refusal("log_in_refused", request, credentials.get("username"))


@receiver(user_locked_out)
def note_lock_out(request: HttpRequest, username: str | None, **kwargs: Any) -> None:
    """Record that somebody must wait after too many refusals."""
    _record_refusal("locked_out", request, username)


def _record_refusal(verb: str, request: HttpRequest | None, name: object) -> None:
    known = isinstance(name, str) and "\0" not in name
    user = User.objects.filter(username=name).first() if known else None
    _record(verb, request, user, outcome=Outcome.REFUSED)


def _record(
    verb: str, request: HttpRequest | None, user: User | None, *, outcome: Outcome = Outcome.DONE
) -> None:
    label = user.get_username() if user is not None else "somebody unknown"
    actor = Actor(
        ActorKind.USER,
        # Who was refused has not shown to be that person.
        id=user.pk if user is not None and outcome == Outcome.DONE else None,
        label=label,
        address=client_address(request) or None if request is not None else None,
        request_id=getattr(request, "request_id", ""),
    )
    with transaction.atomic():
        audit.record(
            actor=actor,
            action=f"ledger.person.{verb}",
            object_type="user",
            object_id=user.pk if user is not None else "",
            outcome=outcome,
        )

"""Who may do what in which company: the one place where the back office decides that."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, cast
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest

from ledger.actors import Actor
from ledger.api.limits import client_address
from ledger.choices import ActorKind, Role
from ledger.exceptions import ForbiddenError, NotFoundError, ValidationError
from ledger.ids import Prefix, decode_id
from ledger.models import Membership, User


class Duty(StrEnum):
    """What a page or an action asks of a person, as the sentence "You may not … of this company" says it."""

    READ = "read the books"
    KEEP = "change the books"
    CLOSE = "close or reopen the books"
    # Feeds, imports and background work: how they are, and starting them again.
    OPERATE = "operate the feeds and the background work"
    # Who is in the company, and its settings.
    MANAGE = "manage the people and the settings"


DUTIES: Final[Mapping[str, frozenset[Duty]]] = {
    Role.OWNER: frozenset(Duty),
    Role.ACCOUNTANT: frozenset({Duty.READ, Duty.KEEP, Duty.CLOSE, Duty.OPERATE}),
    Role.AUDITOR: frozenset({Duty.READ}),
    Role.OPERATOR: frozenset({Duty.OPERATE}),
}


def roles_with(*duties: Duty) -> list[str]:
    """Return the roles that have at least one of the duties."""
    return [role for role, has in DUTIES.items() if has & set(duties)]


def memberships_of(user: User) -> QuerySet[Membership]:
    """Return a person's memberships with their companies, by the company's name. The companies themselves are
    in the same query."""
    return (
        Membership.objects.filter(user_id=user.pk)
        .select_related("entity")
        .order_by("entity__legal_name", "entity_id")
    )


def company_ids(request: HttpRequest, *duties: Duty) -> list[UUID]:
    """Return the ids of the companies in which the person has at least one of `duties`; one query a request.

    Every list, filter, search and autocomplete of the back office begins with them.
    """
    roles = roles_with(*duties)
    return [one.entity_id for one in own_memberships(request) if one.role in roles]


def own_memberships(request: HttpRequest) -> list[Membership]:
    """Return the memberships of the person behind the request; read once per request."""
    kept: list[Membership] | None = getattr(request, "_memberships", None)
    if kept is None:
        user = request.user
        kept = list(memberships_of(user)) if user.is_authenticated and user.is_staff else []
        request._memberships = kept  # type: ignore[attr-defined]
    return kept


def membership_in(request: HttpRequest, public_id: object) -> Membership:
    """Return what the person is in the company with that public id.

    Raises NotFoundError for a company that is not there and for one that the person is not in, alike.
    """
    try:
        entity_id = decode_id(Prefix.ENTITY, public_id, field="company")
    except ValidationError:
        entity_id = None
    for one in own_memberships(request):
        if one.entity_id == entity_id:
            return one
    raise NotFoundError("There is no such company among yours.")


def require(membership: Membership, *duties: Duty) -> None:
    """Raise ForbiddenError where the role has none of `duties`."""
    if not DUTIES[membership.role] & set(duties):
        raise ForbiddenError(
            f"You may not {duties[0]} of this company: your role in it is {membership.role}."
        )


def user_actor(request: HttpRequest) -> Actor:
    """Return the person at the back office, for the record."""
    user = cast("User", request.user)
    return Actor(
        ActorKind.USER,
        id=user.pk,
        label=user.get_username(),
        address=client_address(request) or None,
        request_id=getattr(request, "request_id", ""),
    )

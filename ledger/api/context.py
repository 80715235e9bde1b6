"""Whose books a request means, and who it is that calls."""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from uuid import UUID

from rest_framework.request import Request

from ledger.actors import Actor
from ledger.api.authentication import SAFE_METHODS
from ledger.api.errors import request_id_of
from ledger.api.limits import client_address
from ledger.choices import ActorKind
from ledger.entity_cache import find_entity
from ledger.exceptions import ForbiddenError, NotFoundError, ValidationError, shown
from ledger.ids import Prefix, decode_id, encode_id
from ledger.models import Entity
from ledger.tokens import Token, TokenKind, key_name

HEADER: Final = "X-Entity-ID"
SPELLINGS: Final = ("entityId", "entity_id")


def resolve_entity(request: Request, token: Token, *, in_path: str | None = None) -> Entity:
    """Return the company whose books the request means; treat it as read-only.

    It is named in the path, the query, the header or the body; an entity token's own counts where none is.
    Raises ValidationError where none is named or two differ, ForbiddenError for an admin token and for an
    entity token of another company, NotFoundError for a company that there isn't or that is another
    developer's.
    """
    if token.kind is TokenKind.ADMIN:
        raise ForbiddenError("An admin token reaches no books; use a token of kind developer or entity.")
    named = named_entity(request, in_path=in_path)
    if token.entity_id is not None:
        if named is not None and named != token.entity_id:
            raise ForbiddenError("This token is of another entity; make a token for the one you mean.")
        named = token.entity_id
    elif named is None:
        raise ValidationError.of(
            "entityId", f"is missing; send it in the query, in the header {HEADER} or in the body."
        )
    return visible_entity(named, token)


def visible_entity(entity_id: UUID, token: Token) -> Entity:
    """Return the company if it is one of the token's developer. Raises NotFoundError alike for others and
    none."""
    entity = find_entity(entity_id)
    if entity is None or entity.developer_id != token.developer_id:
        raise NotFoundError(f"There is no entity {encode_id(Prefix.ENTITY, entity_id)}.")
    return entity


def named_entity(request: Request, *, in_path: str | None = None) -> UUID | None:
    """Return the company that the request names, in whatever places, or None where it names none.

    Raises ValidationError for a malformed id, a parameter given twice and two places that disagree.
    """
    found: list[tuple[str, object]] = []
    if in_path is not None:
        found.append(("entityId", in_path))
    if request.META.get("QUERY_STRING"):
        for name in SPELLINGS:
            values = request.GET.getlist(name)
            if len(values) > 1:
                raise ValidationError.of(name, f"is given {len(values)} times; send it once.")
            found += [(name, value) for value in values]
    header = request.META.get("HTTP_X_ENTITY_ID")
    if header is not None:
        found.append((HEADER, header))
    if request.method not in SAFE_METHODS and request.META.get("CONTENT_LENGTH") not in (None, "", "0"):
        body = request.data
        if isinstance(body, Mapping):
            found += [(name, body[name]) for name in SPELLINGS if name in body]
    if not found:
        return None
    (first_field, first), *others = found
    for field, value in others:
        if value != first:
            raise ValidationError.of(
                field,
                f"{shown(value)} contradicts {shown(first)} in '{first_field}'; send one entity per request.",
            )
    return decode_id(Prefix.ENTITY, first, field=first_field)


def resolve_actor(request: Request, token: Token | None) -> Actor:
    """Return who calls: the token's API key, or the system where the endpoint takes no token."""
    address = _address(client_address(request._request))
    request_id = request_id_of(request) or ""
    if token is None:
        return Actor(ActorKind.SYSTEM, label="api", address=address, request_id=request_id)
    return Actor(
        ActorKind.API_KEY, id=token.key_id, label=key_name(token), address=address, request_id=request_id
    )


@lru_cache(maxsize=4096)
def _address(text: str) -> str | None:
    """Return the address as far as it is one; a peer on a unix socket has none."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None

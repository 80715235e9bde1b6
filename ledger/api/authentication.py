"""Who calls: the bearer token of a request, and what that kind of token may do."""

from typing import Any, Final

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from ledger import tokens
from ledger.exceptions import AuthenticationError, ForbiddenError
from ledger.tokens import Scope, Token

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SCHEME: Final = "bearer "


class BearerAuthentication(BaseAuthentication):
    """Reads `Authorization: Bearer <token>`; `request.auth` is then a `Token`."""

    def authenticate(self, request: Request) -> tuple[None, Token] | None:
        """Return the token; None without the header. Raises AuthenticationError for any token that doesn't
        count."""
        header = request.META.get("HTTP_AUTHORIZATION")
        if not header:
            return None
        if header[: len(_SCHEME)].lower() != _SCHEME:
            raise AuthenticationError
        return None, tokens.verify(header[len(_SCHEME) :].strip())

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return "Bearer"


class HasToken(BasePermission):
    """Lets in the kinds of token that the view declares; a token of scope `read` only to what reads."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True, or raise AuthenticationError (no token) or ForbiddenError (not this one)."""
        token = request.auth
        if not isinstance(token, Token):
            raise AuthenticationError
        if token.kind not in view.token_kinds:
            kinds = " or ".join(sorted(view.token_kinds))
            raise ForbiddenError(f"This takes a token of kind {kinds}; yours is of kind {token.kind}.")
        if token.scope == Scope.READ and request.method not in SAFE_METHODS and not view.reads_only:
            raise ForbiddenError("This token may only read; make one of scope 'write' to change the books.")
        return True

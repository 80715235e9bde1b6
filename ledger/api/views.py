"""What every endpoint derives from: whose books, who calls, calls that may be sent twice, and retries.

A view parses, calls one service or queryset, and renders. Everything that all endpoints share is here, so
that no view can forget it.
"""

import hashlib
import random
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar, Final, cast

from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger import encryption, idempotency
from ledger.actors import Actor
from ledger.api.authentication import SAFE_METHODS
from ledger.api.context import resolve_actor, resolve_entity
from ledger.api.parsers import BODY_LIMIT_BYTES, read_body
from ledger.api.renderers import Negotiation
from ledger.db import RETRYABLE, sqlstate
from ledger.idempotency import Answer
from ledger.models import Entity
from ledger.tokens import Token, TokenKind

RETRIES_MAX: Final = 3
RETRY_PAUSE_SECONDS: Final = 0.02

Handler = Callable[[], HttpResponseBase]


class ApiView(APIView):
    """Base of the API's views.

    Class attributes say what a view lets in; `self.token`, `self.actor` and `self.entity` who came. Handlers
    of POST, PUT and DELETE must tolerate being called again from the start after the database rolled their
    work back (a deadlock): no effect outside of the database but through `transaction.on_commit`.
    """

    # Which tokens are let in.
    token_kinds: ClassVar[frozenset[TokenKind]] = frozenset({TokenKind.DEVELOPER, TokenKind.ENTITY})
    # Whether the request must name a company, which is then checked before anything else.
    needs_entity: ClassVar[bool] = True
    # The path's parameter that names the company, where one does.
    entity_in_path: ClassVar[str | None] = None
    # A POST that changes nothing (a search): open to tokens that may only read, and never stored for replay.
    reads_only: ClassVar[bool] = False
    # Responses that show a secret once: what is kept of them for a replay is encrypted.
    shows_secrets: ClassVar[bool] = False
    body_limit_bytes: ClassVar[int] = BODY_LIMIT_BYTES

    content_negotiation_class = Negotiation
    metadata_class = None

    @property
    def token(self) -> Token:
        """The verified token of the request."""
        token = self._token
        assert token is not None, "this view lets in requests without a token"
        return token

    @cached_property
    def entity(self) -> Entity:
        """The company whose books the request means; read-only, it may be two seconds old."""
        in_path = self.kwargs[self.entity_in_path] if self.entity_in_path else None
        return resolve_entity(self.request, self.token, in_path=in_path)

    @cached_property
    def actor(self) -> Actor:
        """Who does what this request does, for the record."""
        return resolve_actor(self.request, self._token)

    def prepare(self) -> None:
        """Do what a POST, PUT or DELETE must do before its database transaction, as calling another service.

        The handler may run in the transaction of an Idempotency-Key, and several times; this runs before,
        once for each request, a repeated one too.
        """

    @property
    def _token(self) -> Token | None:
        # The stubs know but DRF's own model of tokens.
        auth: object = self.request.auth
        return auth if isinstance(auth, Token) else None

    @property
    def is_official_client(self) -> bool:
        """Whether the official client calls, whose types differ from the reference pages in two places: the
        answer of a delete, and the account ids in the answer of an edit."""
        return "HTTP_X_FERN_LANGUAGE" in self.request.META

    def deleted(self, message: str) -> Response:
        """Return the answer of a delete: 204, or 200 with the message for a caller that wants to read one.

        Such a caller says `Prefer: return=representation` (RFC 7240), or is the official client, whose types
        have the message and which says so by X-Fern-Language alone.
        """
        if "return=representation" in self.request.META.get("HTTP_PREFER", "").replace(" ", "").lower():
            return Response({"message": message}, headers={"Preference-Applied": "return=representation"})
        if self.is_official_client:
            return Response({"message": message})
        return Response(status=204)

    # --- the machinery ---------------------------------------------------------------------------

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer the request: DRF's own dispatch, with `_answered` around the handler."""
        self.args, self.kwargs = args, kwargs
        wrapped = self.initialize_request(request, *args, **kwargs)
        self.request = wrapped
        self.headers = self.default_response_headers
        try:
            self.initial(wrapped, *args, **kwargs)
            method = str(wrapped.method)
            known = method.lower() if method.lower() in self.http_method_names else ""
            handler = getattr(self, known, None) or self.http_method_not_allowed
            # One that isn't there answers 405 before anything else is asked of the request.
            response: Any = (
                handler(wrapped)
                if handler == self.http_method_not_allowed
                else self._answered(method, lambda: handler(wrapped, *args, **kwargs))
            )
        except Exception as exc:
            response = self.handle_exception(exc)
        answer: HttpResponseBase = self.finalize_response(wrapped, response, *args, **kwargs)
        # The view holds its request and, under `head`, itself; these hold the view again. Such a circle keeps
        # the whole body in memory until the garbage collector comes, so it is opened where it ends.
        wrapped.parser_context = {}
        self.__dict__.pop("head", None)
        return answer

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """Say in the Allow header what this address takes."""
        return Response(status=204)

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Return the authenticators, made once per class: they hold no state."""
        return _shared(self.authentication_classes)

    def get_permissions(self) -> list[BasePermission]:
        """Return the permissions, made once per class: they hold no state."""
        return _shared(self.permission_classes)

    def _answered(self, method: str, handler: Handler) -> HttpResponseBase:
        """Run the handler, with what its method asks for around it."""
        if self.needs_entity and method != "OPTIONS":
            self.entity  # noqa: B018 - refuses before the handler runs
        if method in SAFE_METHODS or self.reads_only:
            return handler()
        self.prepare()
        key = self.request.META.get("HTTP_IDEMPOTENCY_KEY")
        if key is None or self._token is None:
            return self._retried(handler)
        idempotency.check_key(key)
        request = self._fingerprint()
        return self._retried(lambda: self._once(key, request, handler))

    def _retried(self, work: Handler) -> HttpResponseBase:
        """Run the work again, at most three times, where the database gave it up to let another through."""
        retries = 0
        while True:
            try:
                return work()
            except DatabaseError as error:
                # Inside of a transaction that is not ours there is nothing left to run it in.
                if sqlstate(error) not in RETRYABLE or retries == RETRIES_MAX or connection.in_atomic_block:
                    raise
            retries += 1
            # Not for secrecy: two that collided should not collide again.
            time.sleep(RETRY_PAUSE_SECONDS * retries * random.uniform(0.5, 1.5))  # noqa: S311
            for uploaded in self.request.FILES.values():
                uploaded.seek(0)

    def _once(self, key: str, request: bytes, handler: Handler) -> HttpResponseBase:
        """Run the handler in the database transaction of its idempotency key, or replay the first answer."""
        owner_id = self.token.owner_id
        with transaction.atomic():
            first = idempotency.claim(owner_id=owner_id, key=key, request=request)
            if first is not None:
                return self._replayed(first)
            response = handler()
            if not 200 <= response.status_code < 300 or not isinstance(response, HttpResponse):
                transaction.set_rollback(True)  # frees the key, too
                return response
            self.finalize_response(self.request, cast("Response", response))
            if isinstance(response, Response):
                response.render()
            body = encryption.encrypt_bytes(response.content) if self.shows_secrets else response.content
            idempotency.store(owner_id=owner_id, key=key, answer=Answer(response.status_code, body))
        return response

    def _replayed(self, first: Answer) -> HttpResponse:
        body = encryption.decrypt_bytes(first.body) if self.shows_secrets else first.body
        response = HttpResponse(body, status=first.status, content_type="application/json")
        if not body:
            del response["Content-Type"]
        response["Idempotent-Replayed"] = "true"
        return response

    def _fingerprint(self) -> bytes:
        """Return what makes this request the same request when it is sent again."""
        meta = self.request.META
        return idempotency.fingerprint(
            str(self.request.method).encode(),
            self.request.path_info.encode("utf-8", "surrogateescape"),
            meta.get("QUERY_STRING", "").encode("utf-8", "surrogateescape"),
            # The header names the company as well as the query does.
            meta.get("HTTP_X_ENTITY_ID", "").encode("utf-8", "surrogateescape"),
            self._body_digest(),
        )

    def _body_digest(self) -> bytes:
        if not (self.request.content_type or "").startswith("multipart/"):
            return hashlib.sha256(read_body(self.request, self.body_limit_bytes)).digest()
        # A client draws a new boundary each time it sends a form: what counts is what is in it.
        parts = [f"{name}={values}".encode() for name, values in sorted(self.request.POST.lists())]
        for name, uploaded in sorted(self.request.FILES.items()):
            content = hashlib.file_digest(uploaded, "sha256").digest()
            uploaded.seek(0)
            parts += [name.encode(), str(uploaded.name).encode(), content]
        return idempotency.fingerprint(*parts)


_instances: dict[type, Any] = {}


def _shared(classes: Any) -> list[Any]:
    return [_instances.get(one) or _instances.setdefault(one, one()) for one in classes]

"""The cast of the tests: developers, companies, tokens, and clients that carry them."""

from typing import Any, cast
from uuid import UUID

from rest_framework.test import APIClient

from ledger import background_runs, tokens
from ledger.actors import SYSTEM
from ledger.choices import TaskState
from ledger.models import BackgroundTask, Developer, Entity
from ledger.services.developers import NewDeveloper, create_developer
from ledger.services.entities import create_entity
from ledger.services.keys import NewKey, create_key
from ledger.services.settings import EntitySettings
from ledger.tokens import Scope


class Caller(APIClient):
    """An API client that carries one token, and whose bodies are JSON."""

    def __init__(self, token: str | None = None, **defaults: Any) -> None:
        if token is not None:
            defaults["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        super().__init__(raise_request_exception=False, **defaults)
        self.default_format = "json"


def make_developer(name: str = "Acme Platform", **options: Any) -> NewDeveloper:
    """Return a developer with its first key."""
    return create_developer(name=name, actor=SYSTEM, **options)


def make_entity(developer: Developer, legal_name: str = "Corner Bakery LLC", **settings: Any) -> Entity:
    """Return a company of the developer."""
    chosen = cast("EntitySettings", settings)
    return create_entity(
        developer=developer, actor=SYSTEM, fields={"legal_name": legal_name}, settings=chosen
    )


def make_admin_key(name: str = "Operator") -> NewKey:
    """Return an admin key."""
    return create_key(developer=None, name=name, actor=SYSTEM)


def token_of(key: NewKey, *, entity: Entity | UUID | None = None, scope: Scope = Scope.WRITE) -> str:
    """Return a token of the key: for one company where `entity` is given."""
    entity_id = entity.id if isinstance(entity, Entity) else entity
    return tokens.issue(key=key.key, entity_id=entity_id, scope=scope)


def caller_of(made: NewDeveloper, *, entity: Entity | None = None, scope: Scope = Scope.WRITE) -> Caller:
    """Return a client with a token of the developer, or of one company of it."""
    return Caller(token_of(made.first_key, entity=entity, scope=scope))


def run_background(entity: Entity) -> list[BackgroundTask]:
    """Do the company's background work that waits, as a worker does, and return the rows as they are then."""
    waiting = BackgroundTask.objects.filter(entity_id=entity.id, state=TaskState.QUEUED).order_by("id")
    done = list(waiting)
    for task in done:
        background_runs.run_task(entity.id, task.id)
        task.refresh_from_db()
    return done

"""The cast of the back office's tests: people with a role in a company, and browsers that are logged in."""

from typing import Any

from django.test import Client
from django.urls import reverse

from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.models import Entity, User
from ledger.services.memberships import grant_membership


class OfficeClient(Client):
    """A browser in which a person is logged in to the back office."""

    def __init__(self, user: User, **defaults: Any) -> None:
        super().__init__(**defaults)
        self.user = user
        self.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    def page(self, name: str, entity: Entity, *, query: dict[str, str] | None = None, **parts: Any) -> Any:
        """GET a page of the company."""
        return self.get(page_url(name, entity, **parts), query or {})

    def send(self, name: str, entity: Entity, data: dict[str, Any] | None = None, **parts: Any) -> Any:
        """POST a form to a page of the company."""
        return self.post(page_url(name, entity, **parts), data or {})

    def says_after(self, answer: Any) -> str:
        """Follow a redirect and return the page, with the messages on it."""
        assert answer.status_code == 302, answer.status_code
        return str(self.get(answer["Location"]).content.decode())


def page_url(name: str, entity: Entity, **parts: Any) -> str:
    """Return the address of a page of the company."""
    return reverse(f"office:{name}", kwargs={"company": entity.public_id, **parts})


def make_person(name: str = "ann", *, superuser: bool = False) -> User:
    """Return a person who may log in to the back office, and is in no company yet."""
    made: User = User.objects.create_user(
        username=name, password="a long enough passphrase", is_staff=True, is_superuser=superuser
    )
    return made


def office_client(
    entity: Entity, role: Role = Role.OWNER, *, name: str = "", superuser: bool = False
) -> OfficeClient:
    """Return a logged-in browser of a new person with that role in the company."""
    user = make_person(name or f"{role}-{User.objects.count()}", superuser=superuser)
    grant_membership(user=user, entity=entity, role=role, actor=SYSTEM)
    return OfficeClient(user)

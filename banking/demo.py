"""The demo of `make run`: a developer, a company with a year of books, and a person for the back office.

What logs in to them is kept in a file that only its owner can read, so that later runs show it again.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from django.db.transaction import atomic

from banking.sandbox.company import create_sandbox
from ledger.actors import Actor
from ledger.choices import Role
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, decode_id
from ledger.models import ApiKey, Developer, Entity, User
from ledger.services.keys import create_key, hash_secret
from ledger.services.memberships import grant_membership

COMPANY: Final = "Acme Software, Inc."
INDUSTRY: Final = "software"
SEED: Final = 1
MONTHS: Final = 12
ADMIN: Final = "demo"
_PASSWORD_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Demo:
    """What one needs to use the demo; the names are those of the file."""

    baseUrl: str  # noqa: N815
    developerId: str  # noqa: N815
    apiKey: str  # noqa: N815
    entityId: str  # noqa: N815
    adminUser: str  # noqa: N815
    adminPassword: str  # noqa: N815


@atomic
def prepare_demo(*, file: Path, base_url: str, actor: Actor) -> Demo:
    """Return the demo that `file` tells of, with whatever is gone of it made anew; the file then says so too.

    Where the developer or the company is gone, or there is no such file, everything is made anew.
    """
    base_url = base_url.rstrip("/")
    demo = _kept(file)
    developer = _developer_of(demo) if demo else None
    if demo is None or developer is None:
        demo = _made(base_url, actor)
    else:
        demo = replace(demo, baseUrl=base_url)
        if not ApiKey.objects.filter(
            key_hash=hash_secret(demo.apiKey), developer=developer, revoked_at=None
        ).exists():
            demo = replace(demo, apiKey=create_key(developer=developer, name="Demo key", actor=actor).secret)
        if not User.objects.filter(username=demo.adminUser, is_active=True).exists():
            demo = _with_admin(demo, actor)
    _keep(file, demo)
    return demo


def _kept(file: Path) -> Demo | None:
    try:
        return Demo(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        # There is none, or it is of another version: what it told of stays, and a new one is made.
        return None


def _developer_of(demo: Demo) -> Developer | None:
    """The demo's developer, if it and its company are still there."""
    try:
        developer_id = decode_id(Prefix.DEVELOPER, demo.developerId, field="developerId")
        entity_id = decode_id(Prefix.ENTITY, demo.entityId, field="entityId")
    except ValidationError:
        return None
    if not Entity.objects.filter(id=entity_id, developer_id=developer_id).exists():
        return None
    return Developer.objects.filter(id=developer_id, disabled_at=None).first()


def _made(base_url: str, actor: Actor) -> Demo:
    made = create_sandbox(name=COMPANY, industry=INDUSTRY, seed=SEED, months=MONTHS, actor=actor)
    assert made.first_key is not None, "the developer was made with the company"
    demo = Demo(base_url, made.developer.public_id, made.first_key.secret, made.entity.public_id, "", "")
    return _with_admin(demo, actor)


def _with_admin(demo: Demo, actor: Actor) -> Demo:
    name, number = ADMIN, 1
    while User.objects.filter(username=name).exists():
        number += 1
        name = f"{ADMIN}{number}"
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    user = User.objects.create_superuser(username=name, password=password)
    entity_id = decode_id(Prefix.ENTITY, demo.entityId, field="entityId")
    grant_membership(user=user, entity=Entity.objects.get(id=entity_id), role=Role.OWNER, actor=actor)
    return replace(demo, adminUser=name, adminPassword=password)


def _keep(file: Path, demo: Demo) -> None:
    """Write the file so that it is whole or not there, and never readable by others."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        json.dump(asdict(demo), opened, indent=2)
        opened.write("\n")
    draft.replace(file)

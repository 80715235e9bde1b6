"""API keys: the secrets that mint access tokens."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from ledger import audit, tokens
from ledger.actors import Actor
from ledger.choices import KeyKind, Outcome
from ledger.exceptions import AuthenticationError, ConflictError, ValidationError
from ledger.models import ApiKey, Developer, Entity

SECRET_PREFIX: Final = "olk_"  # noqa: S105 - what every key begins with is no secret
SECRET_BYTES: Final = 32
SHOWN_CHARACTERS: Final = 12
NAME_LENGTH_MAX: Final = 100
GRACE_HOURS_MAX: Final = 30 * 24
_LAST_USED_STEP: Final = timedelta(minutes=1)
_REFUSED: Final = "These credentials are not valid; send the id and an API key of it that was not revoked."


class NewKey(NamedTuple):
    """A key that was just made, with its secret, which nobody can show a second time."""

    key: ApiKey
    secret: str


def create_key(
    *, developer: Developer | None, name: str, actor: Actor, expires_at: datetime | None = None
) -> NewKey:
    """Make a key of a developer, or an admin key where `developer` is None.

    Raises ValidationError where `expires_at` has passed.
    """
    now = timezone.now()
    if expires_at is not None and expires_at <= now:
        raise ValidationError.of("expiresAt", f"{expires_at.isoformat()} has passed; send a time to come.")
    if not 1 <= len(name) <= NAME_LENGTH_MAX:
        raise ValidationError.of("name", f"has {len(name)} characters; send 1 to {NAME_LENGTH_MAX}.")
    secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        key = ApiKey.objects.create(
            kind=KeyKind.ADMIN if developer is None else KeyKind.DEVELOPER,
            developer=developer,
            name=name,
            prefix=secret[:SHOWN_CHARACTERS],
            key_hash=hash_secret(secret),
            created_at=now,
            expires_at=expires_at,
        )
        after = {"name": name, "kind": key.kind, "prefix": key.prefix, "expires_at": expires_at}
        _record(actor, "created", key, developer, after=after)
    return NewKey(key, secret)


def rotate_key(*, key: ApiKey, grace_hours: int, actor: Actor) -> NewKey:
    """Make a new key of the same name and end; the old one works for `grace_hours` more (0 to 720), or
    less if it ends before.

    Raises ConflictError for a key that was revoked or has expired.
    """
    if not 0 <= grace_hours <= GRACE_HOURS_MAX:
        raise ValidationError.of(
            "graceHours", f"{grace_hours} is out of bounds; send 0 to {GRACE_HOURS_MAX}."
        )
    with transaction.atomic():
        old = ApiKey.objects.select_for_update(of=("self",)).select_related("developer").get(pk=key.pk)
        if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= timezone.now()):
            raise ConflictError(f"Key {old.public_id} was revoked or has expired; create a new key instead.")
        new = create_key(developer=old.developer, name=old.name, actor=actor, expires_at=old.expires_at)
        ends_at = timezone.now() + timedelta(hours=grace_hours)
        before = {"expires_at": old.expires_at}
        old.expires_at = min(ends_at, old.expires_at or ends_at)
        old.save(update_fields=["expires_at"])
        after = {"expires_at": old.expires_at, "replaced_by": new.key.public_id}
        _record(actor, "rotated", old, old.developer, before=before, after=after)
    _forget(old.id)
    return new


def revoke_key(*, key: ApiKey, actor: Actor) -> ApiKey:
    """End a key and, within seconds, its tokens. A key that was revoked before stays as it is."""
    with transaction.atomic():
        key = ApiKey.objects.select_for_update(of=("self",)).select_related("developer").get(pk=key.pk)
        if key.revoked_at is None:
            key.revoked_at = timezone.now()
            key.save(update_fields=["revoked_at"])
            _record(actor, "revoked", key, key.developer, after={"revoked_at": key.revoked_at})
    _forget(key.id)
    return key


def check_secret(
    secret: str,
    *,
    kind: KeyKind,
    actor: Actor,
    developer_id: UUID | None = None,
    entity_id: UUID | None = None,
    key_id: UUID | None = None,
) -> ApiKey:
    """Return the key whose secret was sent, where it is of that developer, reaches that company or is that
    key.

    Raises AuthenticationError, alike for unknown ids and wrong secrets, and keeps a record of the refusal.
    """
    key = _find(secret, kind)
    good = (
        key is not None
        and (developer_id is None or key.developer_id == developer_id)
        and (key_id is None or key.id == key_id)
        and (entity_id is None or Entity.objects.filter(id=entity_id, developer=key.developer_id).exists())
    )
    if key is None or not good:
        _record_refusal(actor, kind, developer_id, entity_id or developer_id or key_id)
        raise AuthenticationError(_REFUSED)
    _note_use(key)
    return key


def hash_secret(secret: str) -> bytes:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "backslashreplace")).digest()


def _find(secret: str, kind: KeyKind) -> ApiKey | None:
    sent = hash_secret(secret)
    key = ApiKey.objects.select_related("developer").filter(key_hash=sent, kind=kind).first()
    if key is None or not hmac.compare_digest(bytes(key.key_hash), sent):
        return None
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= timezone.now()):
        return None
    if key.developer is not None and key.developer.disabled_at is not None:
        return None
    return key


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    not_lately = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - _LAST_USED_STEP)
    ApiKey.objects.filter(not_lately, pk=key.pk).update(last_used_at=now)


def _record(
    actor: Actor,
    verb: str,
    key: ApiKey,
    developer: Developer | None,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    audit.record(
        actor=actor,
        action=f"ledger.apikey.{verb}",
        object_type="apikey",
        object_id=key.public_id,
        developer=developer,
        before=before,
        after=after,
    )


def _record_refusal(actor: Actor, kind: KeyKind, developer_id: UUID | None, named: UUID | None) -> None:
    """Write it in the named developer's chain, where there is one. The rate limit bounds how many there can
    be."""
    with transaction.atomic():
        audit.record(
            actor=actor,
            action="ledger.token.refused",
            object_type=str(kind),
            object_id=str(named or ""),
            developer=None if developer_id is None else Developer.objects.filter(id=developer_id).first(),
            outcome=Outcome.REFUSED,
        )


def _forget(key_id: UUID) -> None:
    tokens.forget_key(key_id)
    transaction.on_commit(lambda: tokens.forget_key(key_id))

"""The people of the back office: made, disabled, their passwords. What they may do in which company is in
`ledger.services.memberships`."""

import secrets
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypedDict

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as FieldError
from django.db import IntegrityError, transaction

from ledger import audit, db
from ledger.actors import Actor
from ledger.exceptions import ConflictError, NotFoundError, ValidationError, shown
from ledger.models import User

# 96 random bits, as 16 characters.
_ONE_TIME_BYTES: Final = 12


class NewPerson(NamedTuple):
    """A person who was just made, with the password of the first log-in, which nobody can show again."""

    user: User
    one_time_password: str


class PersonFields(TypedDict, total=False):
    """What can be said of a person."""

    first_name: str
    last_name: str
    email: str


def find_person(name: str) -> User:
    """Return the person with that user name, or with that e-mail address in any spelling.

    Raises NotFoundError where there is none, ConflictError for an address that several have.
    """
    found = User.objects.filter(username=name).first()
    if found is not None:
        return found
    by_email = list(User.objects.filter(email__iexact=name)[:2]) if name else []
    if not by_email:
        raise NotFoundError(f"There is nobody with the user name or e-mail address {shown(name)}.")
    if len(by_email) > 1:
        raise ConflictError(f"Several people have the e-mail address {shown(name)}; give a user name.")
    return by_email[0]


def find_colleague(username: str) -> User:
    """Return the person with exactly that user name, whom an owner lets into a company.

    Not by e-mail address: nobody checks whose it is, and somebody else's owner may have made a person under
    it. Raises NotFoundError where there is none.
    """
    found = User.objects.filter(username=username).first()
    if found is None:
        raise NotFoundError(f"There is nobody with the user name {shown(username)}.")
    return found


def create_person(*, username: str, actor: Actor, email: str = "", superuser: bool = False) -> NewPerson:
    """Make a person, who is in no company yet, with a password for one log-in.

    A superuser looks after the installation, and after nobody's books. Raises ConflictError for a user name
    that is taken, ValidationError for one that cannot be.
    """
    user = User(username=username, email=email, is_staff=True, is_superuser=superuser)
    password = secrets.token_urlsafe(_ONE_TIME_BYTES)
    user.set_password(password)
    user.must_change_password = True
    _check(user, "username", "email")
    with transaction.atomic():
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError as error:
            if db.sqlstate(error) != db.UNIQUE_VIOLATION:
                raise
            raise ConflictError(f"The user name {shown(username)} is taken; choose another.") from error
        after = {"email": email, "superuser": superuser}
        record_person(actor, "created", user, after=after)
    return NewPerson(user, password)


def update_person(*, user: User, changes: PersonFields, actor: Actor) -> User:
    """Change names and the e-mail address. Raises ValidationError for what cannot be."""
    with transaction.atomic():
        current = _locked(user)
        before, after = audit.changed({name: getattr(current, name) for name in changes}, changes)
        if not after:
            return current
        for name, value in after.items():
            setattr(current, name, value)
        _check(current, *after)
        current.save(update_fields=list(after))
        record_person(actor, "updated", current, before=before, after=after)
    return current


def set_password(*, user: User, password: str, actor: Actor, one_time: bool = False) -> User:
    """Give a person a password; their other sessions end. A `one_time` one must be replaced at the log-in.

    Raises ValidationError for a password that is too easy to guess, and for the one-time password once more,
    which whoever handed it out knows.
    """
    try:
        validate_password(password, user)
    except FieldError as error:
        raise ValidationError.of("password", " ".join(error.messages)) from error
    with transaction.atomic():
        current = _locked(user)
        if current.must_change_password and current.check_password(password):
            raise ValidationError.of("password", "This one was for one log-in; choose another.")
        current.set_password(password)
        current.must_change_password = one_time
        current.save(update_fields=["password", "must_change_password"])
        record_person(actor, "password_changed", current, after={"one_time": one_time})
    return current


def give_one_time_password(*, user: User, actor: Actor) -> NewPerson:
    """Give a person a new password for one log-in, in place of the one that they forgot."""
    password = secrets.token_urlsafe(_ONE_TIME_BYTES)
    return NewPerson(set_password(user=user, password=password, actor=actor, one_time=True), password)


def disable_person(*, user: User, actor: Actor) -> User:
    """Let a person no longer in, and end their sessions; what they did stays on the record.

    Raises ConflictError for the person themselves, and for the last superuser.
    """
    with transaction.atomic():
        # Of two superusers who disable each other at once, one stays.
        others = User.objects.select_for_update().filter(is_superuser=True, is_active=True).order_by("pk")
        left = [one for one in others if one.pk != user.pk]
        current = _locked(user)
        if current.pk == actor.id:
            raise ConflictError("You cannot disable yourself; let another superuser do that.")
        if current.is_superuser and not left:
            raise ConflictError(f"{current.get_username()} is the last superuser; make another one first.")
        return _switch(current, active=False, actor=actor)


def enable_person(*, user: User, actor: Actor) -> User:
    """Let a disabled person in again."""
    with transaction.atomic():
        return _switch(_locked(user), active=True, actor=actor)


def record_person(
    actor: Actor, verb: str, user: User, *, after: Mapping[str, Any] | None = None, **more: Any
) -> None:
    """Write into the installation's audit trail what became of a person, with their name."""
    audit.record(
        actor=actor,
        action=f"ledger.person.{verb}",
        object_type="user",
        object_id=user.pk,
        after={"username": user.get_username(), **(after or {})},
        **more,
    )


def _switch(user: User, *, active: bool, actor: Actor) -> User:
    if user.is_active != active:
        user.is_active = active
        user.save(update_fields=["is_active"])
        after = {"active": active}
        record_person(actor, "enabled" if active else "disabled", user, after=after)
    return user


def _locked(user: User) -> User:
    current = User.objects.select_for_update().filter(pk=user.pk).first()
    if current is None:
        raise NotFoundError(f"There is no {user.get_username()} any more.")
    return current


def _check(user: User, *names: str) -> None:
    """Refuse what the fields cannot hold."""
    for name in names:
        try:
            user._meta.get_field(name).clean(getattr(user, name), user)  # type: ignore[union-attr]
        except FieldError as error:
            raise ValidationError.of(name, " ".join(error.messages)) from error

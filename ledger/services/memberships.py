"""Who of the back office may do what in which company."""

from django.db import transaction
from django.utils import timezone

from ledger import audit
from ledger.actors import Actor
from ledger.choices import Role
from ledger.exceptions import ConflictError, NotFoundError, ValidationError, shown
from ledger.models import Entity, Membership, User
from ledger.services.people import NewPerson, create_person


def grant_membership(*, user: User, entity: Entity, role: Role, actor: Actor) -> Membership:
    """Let a person into a company in that role, or change the role that they have there.

    Granting the same role again changes nothing. The person may enter the back office from now on. Raises
    ConflictError where it would leave the company without the only owner that it has.
    """
    with transaction.atomic():
        Entity.objects.select_for_update(no_key=True).get(pk=entity.pk)
        found = Membership.objects.filter(entity=entity, user=user).first()
        before = found.role if found else None
        if not user.is_staff:
            user.is_staff = True
            user.save(update_fields=["is_staff"])
        if found is not None and before == role:
            return found
        if before == Role.OWNER:
            _keep_an_owner(entity, leaving=user)
        if found is None:
            found = Membership(user=user, entity=entity, created_at=timezone.now())
        found.role = role
        found.save()
        _record(actor, "granted", found, before=before, after=str(role))
        return found


def create_member(*, entity: Entity, username: str, email: str, role: Role, actor: Actor) -> NewPerson:
    """Make a person and let them into a company at once, or do neither.

    The user name may not look like an e-mail address: another company's owner would take the person for the
    one whose address it is. Raises ValidationError for that, and what `create_person` and `grant_membership`
    raise.
    """
    if "@" in username:
        raise ValidationError.of("username", f"{shown(username)} is an address; give a name without @.")
    with transaction.atomic():
        made = create_person(username=username, email=email, actor=actor)
        grant_membership(user=made.user, entity=entity, role=role, actor=actor)
    return made


def revoke_membership(*, user: User, entity: Entity, actor: Actor) -> None:
    """Take a person out of a company: from the next request on they see nothing of it.

    Raises NotFoundError where they are not in it, ConflictError for the only owner.
    """
    with transaction.atomic():
        Entity.objects.select_for_update(no_key=True).get(pk=entity.pk)
        found = Membership.objects.filter(entity=entity, user=user).first()
        if found is None:
            raise NotFoundError(f"{user.get_username()} is not in {entity}.")
        if found.role == Role.OWNER:
            _keep_an_owner(entity, leaving=user)
        _record(actor, "revoked", found, before=found.role, after=None)
        found.delete()


def _keep_an_owner(entity: Entity, *, leaving: User) -> None:
    if not Membership.objects.filter(entity=entity, role=Role.OWNER).exclude(user=leaving).exists():
        raise ConflictError(
            f"{leaving.get_username()} is the only owner of {entity}. Make somebody else an owner first."
        )


def _record(actor: Actor, verb: str, row: Membership, *, before: str | None, after: str | None) -> None:
    audit.record(
        actor=actor,
        action=f"ledger.membership.{verb}",
        object_type="user",
        object_id=row.user_id,
        entity=row.entity,
        before={"role": before, "user": row.user.get_username()},
        after={"role": after},
    )

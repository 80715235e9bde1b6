"""The views of the list of transactions that people keep. They are bookmarks: no books, no audit."""

from typing import Final
from uuid import UUID

from django.db import IntegrityError
from django.db.transaction import atomic

from ledger.clock import utc_now
from ledger.db import constraint_name
from ledger.exceptions import ConflictError, NotFoundError, ValidationError
from ledger.models import Entity, User
from transactions.models import SavedView

NAME_LENGTH_MAX: Final = 60
QUERY_LENGTH_MAX: Final = 1000
VIEWS_MAX: Final = 30


def save_view(*, entity: Entity, user: User, name: str, query: str) -> SavedView:
    """Keep `query` under `name` for a person in a company; a view of theirs of that name is replaced.

    Raises ValidationError for a name without a letter or too long, or a query too long, ConflictError where
    they have `VIEWS_MAX` views there.
    """
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH_MAX:
        raise ValidationError.of("name", f"give the view a name of 1 to {NAME_LENGTH_MAX} characters.")
    if len(query) > QUERY_LENGTH_MAX:
        raise ValidationError.of("query", "these are too many filters to keep; take some away.")
    views = SavedView.objects.filter(entity_id=entity.id, user=user)
    found = views.filter(name=name).first()
    if found is None and views.count() >= VIEWS_MAX:
        raise ConflictError(f"You have {VIEWS_MAX} views of this company already; delete one first.")
    view = found or SavedView(entity=entity, user=user, name=name, created_at=utc_now())
    view.query = query
    try:
        with atomic():
            view.save()
    except IntegrityError as error:
        if constraint_name(error) != "savedview_name_unique":
            raise
        # Saved twice at the same moment: the later one counts.
        views.filter(name=name).update(query=query)
        return views.get(name=name)
    return view


def delete_view(*, entity: Entity, user: User, view_id: UUID) -> None:
    """Forget a person's view. Raises NotFoundError where it is not theirs."""
    gone, _ = SavedView.objects.filter(entity_id=entity.id, user=user, id=view_id).delete()
    if not gone:
        raise NotFoundError("There is no such view among yours.")

"""Links that a browser opens without a token: signed, and good for some hours.

Whoever has one sees that one file: what may be shown was decided when the link was made. Its text is the
order itself, signed with `SECRET_KEY`; nothing is stored.
"""

from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.core import signing

from ledger.entity_cache import find_entity
from ledger.exceptions import ForbiddenError, NotFoundError
from ledger.ids import Prefix, encode_id
from reports.files.formats import FileFormat, formats_of
from reports.files.orders import Order

PATH: Final = "/v1/reports/files/"
_SALT: Final = "reports.files"


class OpenedLink(NamedTuple):
    """What a link shows."""

    order: Order
    format: FileFormat


def file_link(order: Order, format_: FileFormat) -> str:
    """Return the address of the file, good for `REPORT_LINK_HOURS` from now.

    It shows the books as they are when it is opened (or as they were known at the order's `known_at`). Check
    before that the caller may see them.
    """
    values = order.written_down() | {"format": format_.value}
    return f"{settings.BASE_URL.rstrip('/')}{PATH}{signing.dumps(values, salt=_SALT, compress=True)}"


def open_link(token: str) -> OpenedLink:
    """Return what the last part of a link's address orders.

    Raises ForbiddenError, saying which, where it has expired or is not as it was made; NotFoundError where
    the company or the ledger is gone.
    """
    try:
        values = signing.loads(token, salt=_SALT, max_age=timedelta(hours=settings.REPORT_LINK_HOURS))
    except signing.SignatureExpired:
        raise ForbiddenError(
            f"This link has expired: it was good for {settings.REPORT_LINK_HOURS} hours. Ask for the report "
            "again to get a new one."
        ) from None
    except signing.BadSignature:
        raise ForbiddenError(
            "This link is not as it was made: its signature does not fit. Open it exactly as the report gave "
            "it, or ask for the report again."
        ) from None
    return _read(values)


def _read(values: dict[str, Any]) -> OpenedLink:
    entity_id = UUID(values["entity"])
    entity = find_entity(entity_id)
    if entity is None:
        raise NotFoundError(f"There is no entity {encode_id(Prefix.ENTITY, entity_id)} any more.")
    try:
        order, format_ = Order.from_written(values, entity), FileFormat(values["format"])
    except (KeyError, ValueError):
        raise ForbiddenError("This link is of another release; ask for the report again.") from None
    assert format_ in formats_of(order.statement), "we signed no such link"
    return OpenedLink(order, format_)

"""The accounts that a person may choose from, as pages offer them."""

from dataclasses import dataclass
from typing import Any, Final

from accounts.chart_templates import SystemRole
from accounts.models import Account
from ledger.models import Entity

_NEVER_CHOSEN: Final = (SystemRole.UNCATEGORIZED_INCOME, SystemRole.UNCATEGORIZED_EXPENSE)


@dataclass(frozen=True, slots=True)
class AccountOption:
    """An open account of the company's chart."""

    id: str
    name: str
    code: str
    type: str

    def as_json(self) -> dict[str, Any]:
        """What a page's script reads."""
        return {"id": self.id, "label": self.label, "note": self.type}

    @property
    def label(self) -> str:
        """Code and name, as a chart lists them."""
        return f"{self.code} {self.name}" if self.code else self.name


def account_options(entity: Entity) -> list[AccountOption]:
    """Return the open accounts of the company in the order of its chart, without those that only say that
    nothing was chosen; one query."""
    found = (
        Account.objects.for_entity(entity)
        .open()
        .exclude(role__in=_NEVER_CHOSEN)
        .order_by("sub_type_code", "name", "id")
    )
    return [
        AccountOption(
            one.public_id,
            one.name,
            "" if one.sub_type_code is None else str(one.sub_type_code),
            str(one.get_type_display()),
        )
        for one in found
    ]

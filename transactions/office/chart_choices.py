"""The accounts that a form offers, and how a person names one."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from accounts.chart_templates import SystemRole
from accounts.choices import AccountType
from ledger.db import fetch
from ledger.ids import Prefix, encode_id
from ledger.models import Entity

_CHART = """
SELECT id, name, type, sub_type_code, currency, closed_at IS NOT NULL, role FROM accounts_account
WHERE entity_id = %(entity)s::uuid
ORDER BY array_position(%(types)s::text[], type::text), sub_type_code NULLS LAST, name, id
"""
_UNCATEGORIZED = (SystemRole.UNCATEGORIZED_INCOME, SystemRole.UNCATEGORIZED_EXPENSE)
# As an accountant's eye goes over a chart.
_TYPES = ("ASSET", "LIABILITY", "EQUITY", "REVENUE", "EXPENSE")


class Choice(NamedTuple):
    """An account as a form offers it."""

    id: UUID
    name: str
    type: str
    code: int | None
    currency: str
    is_closed: bool
    role: str | None

    @property
    def public_id(self) -> str:
        """The id as addresses have it."""
        return encode_id(Prefix.ACCOUNT, self.id)

    @property
    def title(self) -> str:
        """Code and name, as accountants call it."""
        return self.name if self.code is None else f"{self.code} {self.name}"


@dataclass
class Chart:
    """All accounts of a company; read by one query when first asked for."""

    entity: Entity

    @cached_property
    def choices(self) -> list[Choice]:
        """Every account, by type, code and name."""
        rows = fetch(_CHART, {"entity": self.entity.id, "types": list(_TYPES)})
        return [Choice(*row) for row in rows]

    @cached_property
    def by_id(self) -> dict[UUID, Choice]:
        """The accounts by id."""
        return {one.id: one for one in self.choices}

    @cached_property
    def labels(self) -> dict[str, Choice]:
        """The accounts by what a form calls them: code and name, and the id's end where two are alike."""
        labels: dict[str, Choice] = {}
        for one in self.choices:
            label = one.title if one.title not in labels else f"{one.title} ({one.public_id[-6:]})"
            labels[label] = one
        return labels

    def label_of(self, account_id: UUID) -> str:
        """What a form calls the account; empty for one that the company does not have."""
        return next((label for label, one in self.labels.items() if one.id == account_id), "")

    def open_labels(self) -> list[str]:
        """The labels of accounts that take transactions: what a form suggests while one types."""
        return [label for label, one in self.labels.items() if not one.is_closed]

    def groups(self) -> Iterator[tuple[str, list[Choice]]]:
        """The accounts under the names of their types, for a list to choose from."""
        for type_, found in groupby(self.choices, key=lambda one: one.type):
            yield str(AccountType(type_).label), list(found)

    def uncategorized(self) -> tuple[UUID, ...]:
        """The accounts on which stands what nobody has said the purpose of."""
        return tuple(one.id for one in self.choices if one.role in _UNCATEGORIZED)

    def find(self, text: str) -> Choice | None:
        """The account that a person means by a label, a code, a public id, or a name that one account alone
        has; capitals don't count."""
        said = " ".join(text.split())
        if said in self.labels:
            return self.labels[said]
        wanted = said.casefold()
        by_code = [one for one in self.choices if said.isdecimal() and str(one.code) == said]
        found = by_code or [
            one
            for label, one in self.labels.items()
            if wanted in (label.casefold(), one.name.casefold(), one.public_id)
        ]
        if len(found) > 1:
            found = [one for one in found if not one.is_closed]
        return found[0] if len(found) == 1 else None

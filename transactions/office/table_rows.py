"""Forms of a table of rows, as many as a person fills in: some are there, and a script adds more."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from django.http import QueryDict

# Beyond any entry; what a request holds more is not looked at.
ROWS_MAX: Final = 500
_LENGTH_MAX: Final = 1000


@dataclass(slots=True)
class TypedRow:
    """A row as it was typed, and what is wrong with its cells."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def empty(cls, columns: Sequence[str]) -> Self:
        """A row that nobody has filled in."""
        return cls(dict.fromkeys(columns, ""))

    @property
    def is_filled(self) -> bool:
        """Whether anything stands in it."""
        return any(value.strip() for value in self.values.values())


def read_rows(data: QueryDict, columns: Sequence[str]) -> list[TypedRow]:
    """The rows of a form whose fields are called as the columns, once for each row; empty ones at the end are
    left out."""
    lists = {name: data.getlist(name)[:ROWS_MAX] for name in columns}
    count = max((len(values) for values in lists.values()), default=0)
    rows = [
        TypedRow(
            {
                name: values[number][:_LENGTH_MAX] if number < len(values) else ""
                for name, values in lists.items()
            }
        )
        for number in range(count)
    ]
    while rows and not rows[-1].is_filled:
        rows.pop()
    return rows

"""The banks of the sandbox, and what accounts they keep."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from banking.sandbox.industry import Chart


class Kind(StrEnum):
    """What kind of account it is; a company of the sandbox has at most one of each at a bank."""

    CHECKING = "checking"
    SAVINGS = "savings"
    CARD = "card"

    def code(self, chart: Chart) -> int:
        """The account of the books that stands for it."""
        match self:
            case Kind.CHECKING:
                return chart.checking
            case Kind.SAVINGS:
                return chart.savings
            case _:
                return chart.card


@dataclass(frozen=True, slots=True)
class Institution:
    """A made-up bank."""

    id: str
    name: str
    kinds: tuple[Kind, ...]


# A link gets the first one, unless it names another. A sandbox company is with the other two.
INSTITUTIONS: Final[dict[str, Institution]] = {
    one.id: one
    for one in (
        Institution("harbor", "First Harbor Bank", (Kind.CHECKING, Kind.SAVINGS, Kind.CARD)),
        Institution("meadow", "Meadow Commercial Bank", (Kind.CHECKING, Kind.SAVINGS)),
        Institution("summit", "Summit Card Services", (Kind.CARD,)),
    )
}
DEFAULT_INSTITUTION: Final = INSTITUTIONS["harbor"]
COMPANY_INSTITUTIONS: Final = (INSTITUTIONS["meadow"], INSTITUTIONS["summit"])

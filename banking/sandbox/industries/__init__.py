"""The kinds of business that a sandbox company can be in; a file each."""

from typing import Final

from banking.sandbox.industries import consulting, nonprofit, restaurant, retail, software
from banking.sandbox.industry import Industry
from ledger.exceptions import ValidationError, shown

INDUSTRIES: Final[dict[str, Industry]] = {
    one.id: one
    for one in (
        software.INDUSTRY,
        retail.INDUSTRY,
        restaurant.INDUSTRY,
        consulting.INDUSTRY,
        nonprofit.INDUSTRY,
    )
}


def industry_named(name: object) -> Industry:
    """Return the industry of that name, in any case, also by another word that people use for it.

    Raises ValidationError, naming those that there are.
    """
    wanted = str(name).strip().casefold().replace("-", " ").replace("_", " ")
    for industry in INDUSTRIES.values():
        if wanted == industry.id or wanted in industry.also:
            return industry
    raise ValidationError.of(
        "industry", f"{shown(name)} is no industry of the sandbox; send one of {', '.join(INDUSTRIES)}."
    )

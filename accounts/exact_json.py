"""JSON columns that keep numbers exactly: Django's own would turn 0.10 into a float, and refuse a Decimal."""

import json
from typing import Any

from ledger.api.json import decode, encode


class ExactEncoder(json.JSONEncoder):
    """Writes Decimals as numbers with exactly their digits."""

    def encode(self, o: Any) -> str:
        """Return `o` as JSON text."""
        return encode(o).decode()


class ExactDecoder(json.JSONDecoder):
    """Reads numbers with a point or an exponent as Decimals."""

    def decode(self, s: str, *args: Any) -> Any:
        """Return the value of the JSON text `s`."""
        return decode(s.encode())

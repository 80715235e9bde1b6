"""How large an amount is, as the models see it."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from ai.categories.texts import Line

Floats = np.ndarray[Any, np.dtype[np.float32]]

# Amounts are told apart by thirds of a power of ten, from 0.1 to 100,000 and one beyond, with soft borders.
STEPS: Final = np.concatenate([np.arange(-3, 16) / 3 + 1 / 6, [9.0]])
_SOFTNESS: Final = 0.22


def amount_steps(lines: Sequence[Line], size: float = 1.0) -> Floats:
    """Each amount, without its sign and in parts of `size`, as parts of the steps around it."""
    sizes = np.log10(np.maximum(np.abs([float(line.amount) for line in lines]) / size, 0.01))
    # What is smaller or larger than all steps is of the first or the last.
    sizes = np.clip(sizes, STEPS[0], STEPS[-1])
    near = np.exp(-0.5 * ((sizes[:, None] - STEPS[None]) / _SOFTNESS) ** 2)
    parts: Floats = (near / (near.sum(1, keepdims=True) + 1e-9)).astype(np.float32)
    return parts

"""How many positions and observations an association pairs, counted part by part."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.association import Association


@dataclass
class Tally:
    """Of one mission. The parts hold whole positions, each position in one part only, as `association.stream` gives them."""

    n_rows: int  # of the catalogue
    pairs: int = 0
    matched_positions: int = 0
    _seen: NDArray[np.bool_] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._seen = np.zeros(self.n_rows, bool)

    def add(self, part: Association) -> None:
        self.pairs += len(part)
        self.matched_positions += part.matched_positions
        self._seen[part.row] = True

    @property
    def observations(self) -> int:
        """How many observations cover at least one position."""
        return int(np.count_nonzero(self._seen))

    def document(self, places: Sized) -> dict[str, int]:
        """As JSON values."""
        return {
            "sample_size": len(places),
            "matched_positions": self.matched_positions,
            "observations": self.observations,
            "pairs": self.pairs,
        }

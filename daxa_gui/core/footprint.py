"""Shapes of fields of view. Whether a position lies in one is decided in `matching`."""

from __future__ import annotations

from dataclasses import dataclass

SHAPES = ("circle", "square", "tile")


@dataclass(frozen=True)
class Footprint:
    """« circle »: radius `half_size_deg` around the pointing; « square »: half its side; its sides lie along position angles
    `roll_column` (degrees east of north, plus `roll_offset_deg`) and at right angles to it; where the roll is not known, every
    roll is possible, and the circle around the square is used; « tile »: between the bounds that the catalogue's columns
    `ra_min_deg`, `ra_max_deg`, `dec_min_deg`, `dec_max_deg` give (eastward from the first RA to the second).
    """

    shape: str
    half_size_deg: float
    roll_column: str = ""
    roll_offset_deg: float = 0.0

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise ValueError(f"{self.shape!r} is not one of {SHAPES}")

    @property
    def reach_deg(self) -> float:
        """The farthest that a point of it can lie from the pointing."""
        return self.half_size_deg if self.shape == "circle" else 1.4142135623730951 * self.half_size_deg

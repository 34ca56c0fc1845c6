"""Which software the steps need and whether it is here."""

from __future__ import annotations

from daxa_gui import __version__
from daxa_gui.core.software import SoftwareStatus


def find_software() -> list[SoftwareStatus]:
    """One status for each software that STEPS name. The built-in engine is part of the program, so it is always found."""
    return [
        SoftwareStatus(
            "builtin",
            __version__,
            True,
            f"Built-in engine {__version__}: cleans calibrated event lists of every mission of flares and makes images. "
            "It does not calibrate raw telemetry (XMM-Newton ODFs).",
        )
    ]

"""The FITS reader and writer of the stand-ins, for tests and makers of raw data."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))

from programs import files

__all__ = ["files"]

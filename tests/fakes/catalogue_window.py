"""Panels of the Find workspace on a real session whose archive is a small TAP service on this machine, and catalogue files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from daxa_gui.core.settings import Settings
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.session import Session
from tests.fakes.misbehaving_tap import FakeTable

RASS = "rosat_all_sky"
_COLUMNS = {"seq_id": "char", "ra": "double", "dec": "double", "start_date": "double", "end_date": "double", "exposure": "double"}


def rass_row(number: int, exposure: float | None = 400.0) -> tuple[Any, ...]:
    """One field of the ROSAT survey as HEASARC's table has it."""
    return (f"RS93{number:04d}N00", (number * 7.0) % 360.0, (number * 3.0) % 120.0 - 60.0, 48100.0, 48200.0, exposure)


def rass_table(rows: Sequence[tuple[Any, ...]]) -> dict[str, FakeTable]:
    return {"rassmaster": FakeTable(dict(_COLUMNS), list(rows), units={"ra": "deg", "dec": "deg"})}


def write_nustar(
    path: Path, ra_deg: Sequence[float], dec_deg: Sequence[float], *, start_mjd: float = 58000.0, head: str = ""
) -> Path:
    """A catalogue of NuSTAR with this program's columns: a day each, the second row unusable, the third one not public."""
    lines = [f"{head}obs_id,target,ra_deg,dec_deg,start_mjd,end_mjd,exposure_s,instruments,public_mjd,unusable_reason"]
    for row, (ra, dec) in enumerate(zip(ra_deg, dec_deg, strict=True)):
        start = start_mjd + row
        public, reason = ("99000.0" if row == 2 else ""), ("no exposure" if row == 1 else "")
        cells = [f"4{row:010d}", f"Target {row}", repr(float(ra)), repr(float(dec)), repr(start), repr(start + 1.0), "20000.0"]
        lines.append(",".join([*cells, "FPMA FPMB", public, reason]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def clustered(n: int, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Positions in a patch of 4° x 4° that RA 0 runs through."""
    random = np.random.default_rng(seed)
    return random.uniform(-2.0, 2.0, n) % 360.0, random.uniform(10.0, 14.0, n)


class Parts:
    """A session, its context and its bridge, and panels on them; `close` ends all."""

    def __init__(self, qtbot: Any, folder: Path, *, tap: str = "", offline: bool = True) -> None:
        settings = Settings(work_offline=offline, heasarc_tap=tap) if tap else Settings(work_offline=offline)
        self.qtbot = qtbot
        self.settings_file = folder / "settings.json"
        self.session = Session(
            settings=settings, settings_file=self.settings_file, output_folder=folder / "out", cache=folder / "cache"
        )
        self.context = Context(self.session)
        self.bridge = Bridge(self.session.bus, interval_ms=5)
        self.bridge.catalogues_changed.connect(lambda _missions: self.context.apply_filters_soon())  # as the window does
        self.context.apply_filters()

    def add(self, kind: Callable[..., Any], width: int = 900, height: int = 320) -> Any:
        panel = kind(self.session, self.context, self.bridge)
        self.qtbot.addWidget(panel)
        panel.resize(width, height)
        panel.show()
        return panel

    def dialog(self, kind: type[QDialog]) -> Any:
        """The only dialog of a kind that is open."""
        found = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, kind) and widget.isVisible()]
        assert len(found) == 1, found
        return found[0]

    def close(self) -> None:
        self.bridge.stop()
        self.context.background.close()
        self.session.close()


def child(parent: QWidget, name: str) -> Any:
    found = parent.findChild(QWidget, name)
    assert found is not None, name
    return found


def plain(text: str) -> str:
    """Without the special blanks of numbers and quotes."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")

"""For tests of the Inspect workspace: an XMM-like list with a flare in a file, and a Session whose archive is made up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from PySide6.QtWidgets import QWidget

from daxa_gui.core.earlier import EarlierResults
from daxa_gui.core.exposures import Exposure, Verdict
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.product import Product, ProductKey, ProductKind
from daxa_gui.core.step import Call
from daxa_gui.core.timeseries import FlareParameters
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.inspected import Inspected
from daxa_gui.session import Session
from tests.fakes.event_files import mos_list

QUIET_CT_S, FLARE_CT_S, LENGTH_S = 0.8, 6.0, 12_000.0
FLARE_S = (5000.0, 6500.0)


def flared_list(path: Path, seed: int = 1) -> Path:
    """12 ks at 0.8 ct/s with a flare of 6 ct/s from 5.0 to 6.5 ks, 2.5 to 8.5 keV, and a source at the centre of the field."""
    random = np.random.default_rng(seed)
    quiet = random.uniform(0.0, LENGTH_S, random.poisson(QUIET_CT_S * LENGTH_S))
    flare = random.uniform(*FLARE_S, random.poisson(FLARE_CT_S * (FLARE_S[1] - FLARE_S[0])))
    source = random.uniform(0.0, LENGTH_S, 600)
    time_s = np.concatenate([quiet, flare, source])
    pi = np.concatenate([random.integers(2500, 8500, len(quiet) + len(flare)), random.integers(500, 2000, 600)])
    mos_list(path, time_s, np.ones(len(time_s), int), {1: [(0.0, LENGTH_S)]}, pi=pi)
    with fits.open(path, mode="update") as hdus:
        n_diffuse = len(quiet) + len(flare)
        for column in "XY":
            diffuse, point = random.integers(12_000, 40_000, n_diffuse), random.normal(25_921, 120, 600)
            hdus["EVENTS"].data[column] = np.concatenate([diffuse, point.round().astype(int)])
    return path


def exposure_of(path: Path, instrument: str = "M1", obs_id: str = "0123456789", **facts: Any) -> Exposure:
    """An exposure that was cleaned with the mission's own parameters; `facts` are those of the job."""
    key = ProductKey("xmm_pointed", obs_id, ProductKind.EVENTS, instrument, "S001")
    known = {"doubt": 0.0, "reasons": [], "kept_fraction": 0.8, "useful": True, **facts}
    title, done = f"Flares: {obs_id} {key.unit}", JobState.SUCCEEDED
    job = Job(7, "reduce", "local", "xmm_pointed", obs_id, key.unit, "flares", title, Call("a:b"), state=done, facts=known)
    return Exposure("xmm_pointed", obs_id, instrument, "S001", Product(key, str(path), 1), flares=job)


class ArchiveSession(Session):
    """A real Session, but the exposures, verdicts and logs of its archive are those that a test puts there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(output_folder=folder / "output", cache=folder / "cache")
        self.made_up: list[Exposure] = []
        self.overrides: list[tuple[Exposure, FlareParameters, str]] = []
        self.earlier: list[EarlierResults] = []
        self.log_job: Job | None = None
        self._log_file = folder / "job.log"

    def exposures(self) -> list[Exposure]:
        return list(self.made_up)

    def earlier_results(self, mission: str, obs_id: str) -> list[EarlierResults]:
        return list(self.earlier)

    def set_verdict(self, exposure: Exposure, state: str, note: str = "") -> None:
        self.made_up = [replace(e, verdict=Verdict(state, note, 1e9)) if e.unit == exposure.unit else e for e in self.made_up]

    def override(self, exposure: Exposure, parameters: FlareParameters, note: str) -> list[Job]:
        self.overrides.append((exposure, parameters, note))
        self.set_verdict(exposure, "overridden", note)
        return []

    def job(self, job_id: int) -> Job:
        if self.log_job is not None:
            return replace(self.log_job, id=job_id, log_path=str(self._log_file))
        return next(e.flares for e in self.made_up if e.flares is not None and e.flares.id == job_id)

    @property
    def log(self) -> str:
        """The log of the job."""
        return self._log_file.read_text() if self._log_file.exists() else ""

    @log.setter
    def log(self, text: str) -> None:
        """As jobs write: behind what is there, or a file that is begun anew; never a file that is empty for a moment."""
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        before = self.log
        if before and text.startswith(before):
            with self._log_file.open("a") as file:
                file.write(text[len(before) :])
        else:
            anew = self._log_file.with_suffix(".new")
            anew.write_text(text)
            anew.replace(self._log_file)


@dataclass
class Workbench:
    """What a panel is made from."""

    session: ArchiveSession
    context: Context
    bridge: Bridge

    @property
    def inspected(self) -> Inspected:
        return Inspected.of(self.session, self.context, self.bridge)

    def panel(self, kind: type, qtbot: Any, width: int = 560, height: int = 600) -> Any:
        """A shown panel; pytest-qt closes it."""
        panel: QWidget = kind(self.session, self.context, self.bridge)
        qtbot.addWidget(panel)
        panel.resize(width, height)
        panel.show()
        return panel

    def open(self, path: Path | str, qtbot: Any) -> None:
        """Look at a file and wait until it is cleaned (or shown, or refused)."""
        inspected = self.inspected
        self.context.file_opened.emit(str(path))
        qtbot.waitUntil(
            lambda: bool(inspected.cleaning is not None or inspected.image is not None or inspected.problem), timeout=30_000
        )


@contextmanager
def workbench(folder: Path) -> Iterator[Workbench]:
    session = ArchiveSession(folder)
    context = Context(session)
    bridge = Bridge(session.bus, interval_ms=5)
    try:
        yield Workbench(session, context, bridge)
    finally:
        bridge.stop()
        context.background.close()
        session.close()
        context.deleteLater()
        bridge.deleteLater()

"""Archives that the stand-ins reduce here, in the output folder of the real DAXA, which then opens them and goes on."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.core.product import ProductKey
from daxa_gui.core.reduction_plan import ReductionOrder
from daxa_gui.session import Session
from tests.fakes.reduction_world import make_archive, problems, session_for
from tests.interchange.daxa_archives import World
from tests.interchange.test_standins_with_daxa import execute, initialise
from tests.standins.install import Installed
from tests.standins.raw_data import XmmExposure, xmm_odf

XMM = "xmm_pointed"
LIMIT_S = 150.0
ROW = {"start_mjd": 55524.13, "instruments": "M1 M2 PN R1 R2"}
FEW = (XmmExposure("M1", "S001", length_s=2500.0), XmmExposure("PN", "S003", length_s=2500.0))


class Reduced:
    """An archive between this program and the real DAXA; what an earlier test left in its place goes, unless it is to be kept."""

    def __init__(self, world: World, installed: Installed, name: str, *, keep: bool = False) -> None:
        self.world, self.installed, self.name = world, installed, name
        self.folder = world.output / "archives" / name
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def make(self, observations: Mapping[tuple[str, str], Mapping[str, Any]], orders: Sequence[ReductionOrder]) -> list[str]:
        """Reduce what lies in the raw folders and write DAXA's files; what did not end well."""
        make_archive(self.world.output, observations, self.name)
        with_session = self.session()
        try:
            for order in orders:
                with_session.start_reduction(order)
                assert with_session.wait_until_idle(LIMIT_S)
            with_session.write_daxa_files()
            return problems(with_session)
        finally:
            with_session.close()

    def session(self) -> Session:
        session = session_for(self.world.output, self.installed.settings)
        session.open_archive(self.folder)
        return session

    def converted(self, name: str) -> Session:
        """What lies in DAXA's folder made a new archive of ours, open in a session."""
        shutil.rmtree(self.folder.with_name(name), ignore_errors=True)
        session = session_for(self.world.output, self.installed.settings)
        session.convert_daxa_archive(self.folder, name)
        session.open_archive(self.folder.with_name(name))
        return session

    def info(self, name: str = "") -> dict[str, Any]:
        path = self.folder.with_name(name or self.name) / ".save_info" / "process_info.json"
        document: dict[str, Any] = json.loads(path.read_text())
        return document

    def opened(self) -> Any:
        return self.world.daxa_archive(self.name)

    def processed(self, mission: str, obs_id: str) -> Path:
        return self.folder / "processed_data" / mission / obs_id


def raw_xmm(world: World, obs_id: str, exposures: Sequence[XmmExposure]) -> None:
    folder = world.output / f"{XMM}_raw" / obs_id
    shutil.rmtree(folder, ignore_errors=True)
    xmm_odf(folder, obs_id, exposures)


def lines_of(archive: Any, mission: str, module: str, step: str, **arguments: Any) -> tuple[dict[str, str], Any, Any]:
    """The command lines that DAXA's own function builds for a step, by unit; the files it wants, and the extra information."""
    function = inspect.unwrap(getattr(importlib.import_module(module), step))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = function(archive, **arguments)
    parts = [item[mission] for item in made if isinstance(item, dict)]
    extras = next(part for part in parts if part and all(isinstance(one, dict) for one in part.values()))
    paths = next(part for part in parts[1:] if part and all(isinstance(one, (str, list)) for one in part.values()))
    return parts[0], paths, extras


def go_on(archive: Any, mission: str, module: str, step: str, **arguments: Any) -> dict[str, str]:
    """DAXA's function builds the lines, a shell runs them with the stand-ins, DAXA's archive keeps what came of it."""
    lines, paths, extras = lines_of(archive, mission, module, step, **arguments)
    assert lines
    logs = {}
    for unit, line in lines.items():
        wanted = [paths[unit]] if isinstance(paths[unit], str) else list(paths[unit])
        there, out, err = execute(line, extras[unit].get("working_dir"), wanted)
        assert all(there), (step, unit, err, line)
        logs[unit] = out
    archive.process_success = (step, {mission: dict.fromkeys(lines, True)})
    archive.process_logs = (step, {mission: logs})
    archive.process_extra_info = (step, {mission: extras})
    return lines


def shell(installed: Installed, names: tuple[str, ...], home: Path, patch: pytest.MonkeyPatch) -> None:
    initialise(installed, names, home, patch)


def results(session: Session) -> dict[tuple[str, str, str], str]:
    """(step, ObsID, unit) → state of what was tried."""
    jobs = [job for job in session.jobs("reduce") if str(job.state) in ("succeeded", "failed") and job.step != "daxa_final"]
    return {(job.step, job.obs_id, job.unit): str(job.state) for job in jobs}


def made(session: Session) -> dict[tuple[str, ProductKey], str]:
    """(step, key) → checksum of what the steps made."""
    steps = {job.id: job.step for job in session.jobs("reduce")}
    found = [product for product in session.products() if product.job_id in steps]
    return {(steps[product.job_id], product.key): product.sha256 for product in found if product.job_id is not None}


def paths_in(text: str) -> list[str]:
    """Absolute paths in a command line."""
    return re.findall(r"/[^\s;'\"=,)\[\]]+", text)

"""Archives for the real DAXA and for this program, with small synthetic products, and what stands for the network meanwhile."""

from __future__ import annotations

import importlib
import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from daxa_gui.archive.job_logs import JobLogFile
from daxa_gui.archive.layout import ArchiveLayout, OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import ObsIds, Usable
from daxa_gui.core.filters_rows import mjd_now
from daxa_gui.core.job import ErrorInfo, JobState
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import Call, JobRequest, MadeFile, Outcome
from tests.daxa_shim import answering
from tests.interchange.daxa_tables import Both

MISSIONS = ("xmm_pointed", "chandra", "erosita_all_sky_de_dr1", "rosat_pointed", "swift", "nustar_pointed")
# The units of an observation: instrument and sub-exposure of each event list.
UNITS = {
    "xmm_pointed": (("M1", "S001"), ("PN", "S003")), "chandra": (("ACIS", "ALL"),), "erosita_all_sky_de_dr1": (("TM0", "ALL"),),
    "rosat_pointed": (("PSPC", "ALL"),), "swift": (("XRT", "ALL"),), "nustar_pointed": (("FPMA", "ALL"), ("FPMB", "ALL")),
}  # fmt: skip
FACTS = {"rows": 12, "filter": "Thin1", "mode": "PrimeFullWindow", "total_good_time_s": 900.0}


class World:
    """Several missions as DAXA and this program see them; nothing of it reaches a network."""

    def __init__(self, daxa: ModuleType, patch: pytest.MonkeyPatch, missions: tuple[str, ...] = MISSIONS) -> None:
        self.both = {name: Both(daxa, patch, name) for name in missions}
        patch.setattr("requests.get", answering({k: v for both in self.both.values() for k, v in both.tables.items()}))
        if "xmm_pointed" in missions:
            patch.setattr(importlib.import_module("daxa.mission.xmm").AQXMMNewton, "query_xsa_tap", _no_network)
        self.output = Path(daxa.OUTPUT)
        self.module = importlib.import_module("daxa.archive.base")

    def obs_ids(self, mission: str, count: int = 3) -> list[str]:
        """Public observations fit for science that both know; Chandra's without gratings, which DAXA takes by default."""
        catalogue = self.both[mission].catalogue
        good = Usable().mask(catalogue) & ~(catalogue.public_mjd > mjd_now())
        if mission == "chandra":
            good &= np.array(["ETG" not in text and "ACIS" in text for text in catalogue.instruments.tolist()])
        if mission == "rosat_pointed":
            good &= np.array([text.startswith("PSPC") for text in catalogue.instruments.tolist()])
        return sorted(catalogue.obs_id[good].tolist())[:count]

    def catalogue(self, mission: str) -> Any:
        return self.both[mission].catalogue

    def daxa_archive(self, name: str, missions: Any = None, **more: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.module.Archive(name, missions, **more)


def _no_network(*_: Any) -> None:
    raise OSError("there is no network here")


def our_archive(world: World, name: str, missions: tuple[str, ...] = MISSIONS) -> ArchiveStore:
    """An archive of ours in DAXA's output folder: event lists taken over, « prepare » and « clean » done, one unit failed."""
    layout = OutputLayout(world.output).archive(name)
    shutil.rmtree(layout.folder, ignore_errors=True)
    store = ArchiveStore.create(layout)
    for mission in missions:
        obs_ids = world.obs_ids(mission)
        catalogue = world.catalogue(mission)
        rows = [catalogue.row(catalogue.row_of[one]) for one in obs_ids]
        stack = FilterStack().add(Usable(), [mission]).add(ObsIds(tuple(obs_ids)), [mission])
        instruments = () if mission in ("chandra", "rosat_pointed") else world.both[mission].spec.default_instruments
        selection = Selection(mission, catalogue.version, tuple(obs_ids), instruments, tuple(stack.to_json()), ("events",))
        store.add_selections([(selection, rows)])
        for number, obs_id in enumerate(obs_ids):
            for instrument, exposure in UNITS[mission]:
                _unit(store, ProductKey(mission, obs_id, ProductKind.EVENTS, instrument, exposure), fails=number == 1)
    return store


def _unit(store: ArchiveStore, key: ProductKey, *, fails: bool) -> None:
    layout = store.layout
    raw = layout.raw_folder(key.mission, key.obs_id) / f"{key.unit}_events.fits"
    raw.parent.mkdir(parents=True, exist_ok=True)
    raw.write_bytes(f"event list of {key.obs_id} {key.unit}".encode())
    _do(store, JobRequest("download", "host:x", key.mission, key.obs_id, raw.name, "", "fetch", _call("fetch")),
        Outcome(files=(MadeFile("", key, str(raw)),)))  # fmt: skip
    _do(store, _reduction(key, "prepare"), Outcome(facts=FACTS))
    if fails:
        error = ErrorInfo("The events have no times.", "Look at the file.")
        _do(store, _reduction(key, "clean"), Outcome(), error)
        return
    clean = replace(key, kind=ProductKind.CLEAN_EVENTS)
    _do(store, _reduction(key, "clean"), Outcome(files=(MadeFile("clean.fits", clean, facts={"n_events": 12}),)))


def _call(name: str, **arguments: Any) -> Call:
    return Call(f"daxa_gui.reduction.builtin:{name}", arguments)


def _reduction(key: ProductKey, step: str) -> JobRequest:
    return JobRequest("reduce", "local", key.mission, key.obs_id, key.unit, step, step, _call(step, sigma=2.5))


def _do(store: ArchiveStore, request: JobRequest, outcome: Outcome, error: ErrorInfo | None = None) -> None:
    [job] = store.add([request])
    state = JobState.FAILED if error else JobState.SUCCEEDED
    job = replace(job, state=state, error=error, started=1.7e9, finished=1.7e9 + 5, facts=dict(outcome.facts), attempt=1)
    log = JobLogFile(store.layout.log_path(job.id), lambda: 1.7e9)
    log.write(f"{request.step or 'download'} of {request.obs_id} {request.unit}")
    log.close()
    if error:
        store.update(job)
        return
    work = store.layout.work_folder(job.id)
    work.mkdir(parents=True, exist_ok=True)
    for made in outcome.files:
        if made.name:
            (work / made.name).write_bytes(f"{made.name} of {request.obs_id} {request.unit}".encode())
    store.commit_outcome(job, outcome, str(work))


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder with their content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def layout_of(folder: Path) -> ArchiveLayout:
    return ArchiveLayout.of_folder(folder)

"""Small tables of archives that the real DAXA and this program both read, and what stands for the network meanwhile."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from daxa_gui import locations
from daxa_gui.catalogues.build import catalogue_from
from daxa_gui.catalogues.own_csv import read_table
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.registry import resolve
from daxa_gui.core.table import DataTable
from daxa_gui.missions import MISSIONS
from tests.daxa_shim import answering

N = 240
CENTRE = (350.0, 1.0)  # half of the observations lie around it, so that searches find some
CLASSES = {
    "xmm_pointed": "XMMPointed",
    "chandra": "Chandra",
    "swift": "Swift",
    "rosat_pointed": "ROSATPointed",
    "erosita_calpv": "eROSITACalPV",
    "erosita_all_sky_de_dr1": "eRASS1DE",
    "nustar_pointed": "NuSTARPointed",
}
Columns = dict[str, Any]


def _sky(rng: np.random.Generator) -> tuple[Any, Any]:
    near = rng.random(N) < 0.5
    ra = np.where(near, CENTRE[0] + rng.normal(0, 0.4, N), rng.uniform(0, 360, N)) % 360.0
    dec = np.where(near, CENTRE[1] + rng.normal(0, 0.4, N), np.degrees(np.arcsin(rng.uniform(-1, 1, N))))
    return ra, dec


def _texts(rng: np.random.Generator, *choices: str) -> Any:
    return rng.choice(np.array(choices), N)


def _archive(mission: str, rng: np.random.Generator) -> Columns:
    """Columns of one mission's table as HEASARC has them, all fit for science."""
    ra, dec = _sky(rng)
    start = np.round(rng.uniform(54000, 58000, N), 4)
    seconds = np.round(rng.uniform(1000, 90000, N))
    end, numbers = start + seconds / 86400.0, rng.permutation(90000)[:N] + 1000
    ids = {"xmm_pointed": 10, "swift": 11, "nustar_pointed": 11}
    common = {"ra": ra, "dec": dec, "name": np.array([f"target {n}" for n in range(N)])}
    if mission in ids:
        common["obsid"] = np.array([str(n).zfill(ids[mission]) for n in numbers])
    if mission == "xmm_pointed":
        return common | {
            "time": start, "end_time": end, "status": np.full(N, "archived"), "duration": seconds, "xmm_revolution": numbers,
            "public_date": rng.integers(54000, 70000, N), "data_in_heasarc": np.full(N, "Y"),
        }  # fmt: skip
    if mission == "swift":
        return common | {
            "start_time": start, "stop_time": end, "roll_angle": np.zeros(N), "xrt_exposure": seconds, "uvot_exposure": seconds,
            "bat_exposure": np.where(rng.random(N) < 0.5, 0.0, seconds),
        }  # fmt: skip
    if mission == "nustar_pointed":
        number = dict.fromkeys(("exposure_a", "exposure_b", "ontime_a", "ontime_b", "nupsdout"), seconds)
        return common | number | {
            "time": start, "end_time": end, "status": np.full(N, "archived"), "observation_mode": np.full(N, "SCIENCE"),
            "instrument_mode": np.full(N, "SCIENCE"), "spacecraft_mode": np.full(N, "INERTIAL"), "issue_flag": np.zeros(N, int),
            "subject_category": np.full(N, "Galactic Compact Sources"), "obs_type": np.full(N, "GO"),
            "public_date": rng.integers(54000, 60000, N), "roll_angle": np.zeros(N), "solar_activity": np.full(N, "MIXED"),
        }  # fmt: skip
    if mission == "chandra":
        return common | {
            "obsid": numbers, "time": start, "status": np.full(N, "archived"), "exposure": seconds,
            "detector": _texts(rng, "ACIS-I", "ACIS-S", "HRC-I", "HRC-S"), "data_mode": np.full(N, "FAINT"),
            "grating": _texts(rng, "NONE", "NONE", "HETG", "LETG"), "type": _texts(rng, "GO", "GTO", "TOO"),
            "public_date": rng.integers(54000, 70000, N),
            "class": _texts(rng, "AGN UNCLASSIFIED", "X-RAY BINARY", "CV", "SNR", "STARS AND WD"),
        }  # fmt: skip
    return common | {
        "seq_id": np.array([f"{p}{str(n).zfill(6)}N00" for p, n in zip(_texts(rng, "RP", "RH"), numbers, strict=True)]),
        "start_time": start, "end_time": end, "exposure": np.where(rng.random(N) < 0.1, 0.0, seconds),
        "instrument": _texts(rng, "PSPCB", "PSPCC", "HRI"), "filter": np.full(N, ""), "fits_type": np.full(N, "RDF"),
        "proc_rev": np.full(N, 2), "subj_cat": _texts(rng, "1", "4", "7", "8"), "site": np.full(N, "MPE"),
    }  # fmt: skip


class Both:
    """One mission as DAXA and as this program see it, from the same rows. Missions are made as often as asked for."""

    def __init__(self, daxa: ModuleType, patch: pytest.MonkeyPatch, mission: str) -> None:
        self.mission, self.spec = mission, MISSIONS[mission]
        self._class = getattr(importlib.import_module("daxa.mission"), CLASSES[mission])
        self.base = importlib.import_module("daxa.mission.base")
        # what one operation of DAXA that fails would leave switched off for good
        patch.setattr(self.base, "_no_filtering_op_store", False)
        self.tables: dict[str, Columns] = {}
        if self.spec.table is not None:
            self.catalogue = read_table(locations.resource_path(self.spec.table.resource), self.spec)
            return
        columns = _archive(mission, np.random.default_rng(11))
        source = next(source for source in self.spec.sources if source.service == "heasarc")
        build: Callable[[DataTable], Any] = resolve(source.build)
        self.catalogue: Catalogue = catalogue_from(
            self.spec, build(DataTable({name: columns[name] for name in source.columns})), provenance="Made by a test."
        )
        self.tables = {source.table: columns}
        patch.setattr("requests.get", answering(self.tables))

    def daxa(self, save_file: Path | None = None, **arguments: Any) -> Any:
        """A new mission of DAXA's, from a save file if one is given."""
        if self.mission == "xmm_pointed":
            arguments["use_heasarc"] = True
        if save_file is not None:
            arguments["save_file_path"] = str(save_file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._class(**arguments)

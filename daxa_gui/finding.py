"""Missions, their catalogues and the names that can be resolved: what the session knows before anything is downloaded."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from daxa_gui import locations
from daxa_gui.catalogues import own_csv
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import InputError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.sky import SkyPosition, lon_lat_deg, unit_vectors
from daxa_gui.missions import MISSIONS


def normal_name(name: str) -> str:
    """Names are compared without case, blanks, dashes and underscores: « 47 Tuc », « 47tuc », « 47_TUC »."""
    return "".join(character for character in name.casefold() if character.isalnum() or character in "+.")


class Finding:
    """Catalogues are read at first use and kept. `practice_folder` is the practice sky's, once it is made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._catalogues: dict[str, Catalogue] = {}
        self._practice_folder: Path | None = None
        self._practice_names: tuple[SkyPosition, ...] = ()

    def use_practice(self, folder: Path, names: tuple[SkyPosition, ...]) -> list[str]:
        """Add the simulated observations; returns the missions whose catalogues changed."""
        from daxa_gui.practice.make import catalogue_path

        missions = [name for name in MISSIONS if catalogue_path(folder, name).exists()]
        with self._lock:
            self._practice_folder, self._practice_names = folder, names
            for name in missions:
                self._catalogues.pop(name, None)
        return missions

    def missions(self, *, practice: bool) -> tuple[MissionSpec, ...]:
        """Those with observations to choose from; in practice mode also those that the practice sky simulates."""
        from daxa_gui.practice.sky import SIMULATED_MISSIONS

        specs = [MISSIONS[name] for name in MISSIONS]
        return tuple(s for s in specs if s.table is not None or (practice and s.name in SIMULATED_MISSIONS))

    @staticmethod
    def known(mission: str) -> MissionSpec | None:
        return MISSIONS.get(mission)

    @staticmethod
    def labels() -> dict[str, str]:
        return {name: MISSIONS[name].label for name in MISSIONS}

    def catalogue(self, mission: str) -> Catalogue:
        """The observations of one mission: its static table, and the simulated ones of the practice sky."""
        spec = self.spec(mission)
        with self._lock:
            if mission not in self._catalogues:
                self._catalogues[mission] = self._read(spec)
            return self._catalogues[mission]

    def spec(self, mission: str) -> MissionSpec:
        if mission not in MISSIONS:
            raise InputError(f"There is no mission « {mission} ».", f"Known ones: {', '.join(MISSIONS)}.")
        spec: MissionSpec = MISSIONS[mission]
        return spec

    def _read(self, spec: MissionSpec) -> Catalogue:
        catalogue = own_csv.empty_catalogue(spec)
        if spec.table is not None:
            catalogue = own_csv.read_table(locations.resource_path(spec.table.resource), spec)
        if self._practice_folder is not None:
            from daxa_gui.practice.make import catalogue_path

            path = catalogue_path(self._practice_folder, spec.name)
            if path.exists():
                catalogue = own_csv.merge(catalogue, own_csv.read_table(path, spec, simulated=True))
        return catalogue

    def known_names(self) -> tuple[SkyPosition, ...]:
        """Objects of the practice sky, and fields that the static tables name (at the mean of their pointings)."""
        names = {normal_name(position.name): position for position in self._practice_names}
        table = self.catalogue("erosita_calpv")
        for field in np.unique(table.target[~table.simulated]):
            rows = table.target == field
            ra, dec = lon_lat_deg(unit_vectors(table.ra_deg[rows], table.dec_deg[rows]).mean(axis=0))
            names.setdefault(normal_name(str(field)), SkyPosition(float(ra), float(dec), str(field)))
        return tuple(sorted(names.values(), key=lambda position: position.name.casefold()))

    def resolve_name(self, name: str) -> SkyPosition:
        """The position of an object; raises InputError for a name that is not known."""
        wanted = normal_name(name)
        known = self.known_names()
        for position in known:
            if normal_name(position.name) == wanted:
                return position
        beginning = [position for position in known if wanted and normal_name(position.name).startswith(wanted)]
        if len(beginning) == 1:  # « 47 Tuc » for « 47 Tuc (NGC 104) »
            return beginning[0]
        near = [p.name for p in known if wanted and (wanted in normal_name(p.name) or normal_name(p.name) in wanted)]
        raise InputError(
            f"The name « {name.strip()} » is not known.",
            f"Did you mean {' or '.join(f'« {n} »' for n in near[:3])}?" if near
            else "Names of the practice sky and of the eROSITA fields are known; otherwise give a position.",
        )  # fmt: skip

    def associate(self, mission: str, sample_file: Path, radius_deg: float | None, stack: FilterStack) -> dict[str, Any]:
        """Which observations of a mission that pass the filters cover which positions of a sample, as plain JSON values."""
        from daxa_gui.remote.samples import associate, read_sample

        sample = read_sample(sample_file)
        catalogue = self.catalogue(mission)
        found = associate(catalogue, sample, radius_deg, stack.mask(catalogue))
        columns = {"ra": sample.ra_column, "dec": sample.dec_column, "name": sample.name_column}
        return {**found.document(sample), "columns": columns}

"""Missions, their catalogues and the names that can be resolved: what the session knows before anything is downloaded."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from daxa_gui import locations
from daxa_gui.catalogues import own_csv
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.certificate import CatalogueStatus, Certificate
from daxa_gui.core.errors import DaxaError, InputError
from daxa_gui.core.filter_words import format_angle
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.notations import Parsed, parse
from daxa_gui.core.sky import SkyPosition, lon_lat_deg, unit_vectors
from daxa_gui.core.times import MJD_OF_1970, SECONDS_PER_DAY
from daxa_gui.missions import MISSIONS, searchable

if TYPE_CHECKING:
    from daxa_gui.catalogues.cache import CatalogueCache

BUILT_IN, NONE = "built in", "none"
COARSE_DEG = (1 + 1e-9) / 60  # 1′: a position less well known than that may lie outside small fields of view


def normal_name(name: str) -> str:
    """Names are compared without case, blanks, dashes and underscores: « 47 Tuc », « 47tuc », « 47_TUC »."""
    return "".join(character for character in name.casefold() if character.isalnum() or character in "+.")


def now_mjd() -> float:
    return MJD_OF_1970 + time.time() / SECONDS_PER_DAY


_COARSE_WORDS = re.compile(r" \(to about [^()]*\)\s*$")  # what `_named` adds


def _own_position(name: str) -> Parsed | None:
    """Coordinates, or those that a name holds; None if there are none."""
    try:
        return parse(name)
    except InputError:
        return None


def _named(own: Parsed) -> SkyPosition:
    """The position of a name; if that is coarse, its name says so wherever the position is spoken of."""
    if own.precision_deg is None or own.precision_deg <= COARSE_DEG:
        return own.position
    return replace(own.position, name=f"{own.position.name} (to about {format_angle(own.precision_deg)})")


class Finding:
    """Catalogues are read at first use and kept. What was fetched or imported counts more than what comes with the program;
    simulated observations of the practice sky are added to either.

    Parameters
    ----------
    folder : where fetched and imported catalogues are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._catalogues: dict[str, Catalogue] = {}
        self._real: dict[str, tuple[Catalogue, Certificate | None, str]] = {}
        self._problems: dict[str, str] = {}
        self._practice_folder: Path | None = None
        self._practice_names: tuple[SkyPosition, ...] = ()
        self._fields: tuple[str, tuple[SkyPosition, ...]] | None = None

    @property
    def folder(self) -> Path:
        return self._folder

    @cached_property
    def cache(self) -> CatalogueCache:
        from daxa_gui.catalogues.cache import CatalogueCache

        return CatalogueCache(self._folder)

    def use_practice(self, folder: Path, names: tuple[SkyPosition, ...]) -> list[str]:
        """Add the simulated observations; returns the missions whose catalogues changed."""
        from daxa_gui.practice.make import catalogue_path

        missions = [name for name in MISSIONS if catalogue_path(folder, name).exists()]
        with self._lock:
            self._practice_folder, self._practice_names = folder, names
            for name in missions:
                self._catalogues.pop(name, None)
        return missions

    @staticmethod
    def missions() -> tuple[MissionSpec, ...]:
        """All of them, plug-ins too, whether anything is known of their observations or not."""
        return searchable()

    @staticmethod
    def known(mission: str) -> MissionSpec | None:
        return MISSIONS.get(mission)

    @staticmethod
    def labels() -> dict[str, str]:
        return {name: MISSIONS[name].label for name in MISSIONS}

    @staticmethod
    def spec(mission: str) -> MissionSpec:
        if mission not in MISSIONS:
            raise InputError(f"There is no mission « {mission} ».", f"Known ones: {', '.join(MISSIONS)}.")
        spec: MissionSpec = MISSIONS[mission]
        return spec

    def catalogue(self, mission: str) -> Catalogue:
        """The observations of one mission that are known here; none if nothing was fetched or imported yet."""
        spec = self.spec(mission)
        with self._lock:
            if mission not in self._catalogues:
                catalogue = self._read_real(spec)[0]
                practice = self._read_practice(spec)
                self._catalogues[mission] = own_csv.merge(catalogue, practice) if practice is not None else catalogue
            return self._catalogues[mission]

    def real(self, mission: str) -> tuple[Catalogue, Certificate | None, str]:
        """The catalogue without simulated observations, its certificate, and where it is from (« built in », « fetched » …)."""
        spec = self.spec(mission)
        with self._lock:
            return self._read_real(spec)

    def _read_real(self, spec: MissionSpec) -> tuple[Catalogue, Certificate | None, str]:
        if spec.name not in self._real:
            self._real[spec.name] = self._stored(spec) or self._built_in(spec)
        return self._real[spec.name]

    def _stored(self, spec: MissionSpec) -> tuple[Catalogue, Certificate | None, str] | None:
        found = self.cache.load(spec)
        if problem := self.cache.problem(spec.name):
            self._problems[spec.name] = problem
        return None if found is None else (found[0], found[1], self.cache.status(spec).origin)

    @staticmethod
    def _built_in(spec: MissionSpec) -> tuple[Catalogue, Certificate | None, str]:
        if spec.table is None:
            return own_csv.empty_catalogue(spec), None, NONE
        return own_csv.read_table(locations.resource_path(spec.table.resource), spec), None, BUILT_IN

    def _read_practice(self, spec: MissionSpec) -> Catalogue | None:
        if self._practice_folder is None:
            return None
        from daxa_gui.practice.make import catalogue_path

        path = catalogue_path(self._practice_folder, spec.name)
        return own_csv.read_table(path, spec, simulated=True) if path.exists() else None

    def forget(self, mission: str) -> None:
        """Read it anew at the next use: it was refreshed or imported."""
        with self._lock:
            self._catalogues.pop(mission, None)
            self._real.pop(mission, None)
            self._problems.pop(mission, None)

    def set_problem(self, mission: str, problem: str) -> None:
        """Remember why the last refresh was refused or failed; empty: it was not."""
        with self._lock:
            self._problems[mission] = problem

    def status(self, mission: str) -> CatalogueStatus:
        spec = self.spec(mission)
        catalogue, certificate, origin = self.real(mission)
        return CatalogueStatus(
            mission=mission,
            label=spec.label,
            origin=origin,
            rows=len(catalogue),
            unusable=int(np.count_nonzero(catalogue.unusable_reason != "")),
            proprietary=int(np.count_nonzero(~catalogue.public(now_mjd()))),
            provenance=catalogue.provenance,
            certificate=certificate,
            problem=self._problems.get(mission, ""),
            refreshable=bool(spec.sources),
            size_bytes=self.cache.status(spec).size_bytes if origin not in (BUILT_IN, NONE) else 0,
        )

    # ---- names

    def _named_fields(self) -> tuple[SkyPosition, ...]:
        """Fields that a table names, at the mean of their pointings."""
        table = self.catalogue("erosita_calpv")
        if self._fields is None or self._fields[0] != table.version:
            found = []
            targets = np.asarray(table.target)
            for field in np.unique(targets[~table.simulated & np.isfinite(table.ra_deg)]):
                rows = targets == field
                ra, dec = lon_lat_deg(unit_vectors(table.ra_deg[rows], table.dec_deg[rows]).mean(axis=0))
                found.append(SkyPosition(float(ra), float(dec), str(field)))
            self._fields = (table.version, tuple(found))
        return self._fields[1]

    def known_names(self) -> tuple[SkyPosition, ...]:
        """Objects of the practice sky, and fields that the static tables name."""
        names = {normal_name(position.name): position for position in self._practice_names}
        for position in self._named_fields():
            names.setdefault(normal_name(position.name), position)
        return tuple(sorted(names.values(), key=lambda position: position.name.casefold()))

    def resolve_name(self, name: str, ask: Callable[[str], SkyPosition] | None) -> SkyPosition:
        """The position of an object: from the names that are known here, from the name itself (« 1RXS J185635.4-375433 »), and
        then by `ask` (None: nobody may be asked).

        A name that says its place to no better than 1′ (« PSR J0534+22 ») is asked for; if that gives nothing, its own position
        is taken, and called « PSR J0534+22 (to about 1°) ».

        Raises
        ------
        InputError : the name is not known.
        TransferError : nobody could be asked, and the name holds no position.
        """
        name = _COARSE_WORDS.sub("", name)  # of an answer that is asked for again
        wanted = normal_name(name)
        known = self.known_names()
        for position in known:
            if normal_name(position.name) == wanted:
                return position
        beginning = [position for position in known if wanted and normal_name(position.name).startswith(wanted)]
        if len(beginning) == 1:  # « 47 Tuc » for « 47 Tuc (NGC 104) »
            return beginning[0]
        own = _own_position(name)
        if own is not None and (ask is None or own.precision_deg is None or own.precision_deg <= COARSE_DEG):
            return _named(own)
        if ask is not None:
            try:
                return ask(name)
            except DaxaError:
                if own is None:
                    raise
                return _named(own)  # nobody knows better, or nobody could be asked
        near = [p.name for p in known if wanted and (wanted in normal_name(p.name) or normal_name(p.name) in wanted)]
        raise InputError(
            f"The name « {name.strip()} » is not known.",
            f"Did you mean {' or '.join(f'« {n} »' for n in near[:3])}?" if near
            else "On the practice sky only its own names, those of the eROSITA fields and names that hold coordinates are known;"
            " otherwise give a position.",
        )  # fmt: skip

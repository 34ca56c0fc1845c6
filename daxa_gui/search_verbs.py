"""The verbs of searching: missions, catalogues, names, samples, filters. `Session` adds those of archives and jobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from daxa_gui import locations
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.certificate import CatalogueDiff, CatalogueStatus
from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.events import CatalogueChanged
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.places import Places
from daxa_gui.core.sample import Sample, SampleColumns, SamplePreview
from daxa_gui.core.selection import Selection
from daxa_gui.core.settings import Settings
from daxa_gui.core.sky import SkyPosition
from daxa_gui.core.table import DataTable
from daxa_gui.finding import BUILT_IN, NONE, Finding
from daxa_gui.refreshing import Refreshing
from daxa_gui.setting_verbs import SettingVerbs

if TYPE_CHECKING:
    from daxa_gui.core.association import Association
    from daxa_gui.core.filters import Moc, SkyShapes
    from daxa_gui.core.tally import Tally
    from daxa_gui.core.why import Verdict
    from daxa_gui.exchange.daxa_state import DaxaState

Start = Callable[[Callable[[], None]], None]
_SETTING_OF_SERVICE = {"heasarc": "heasarc_tap", "xsa": "xsa_tap"}


class SearchVerbs(SettingVerbs):
    """Every method may be called from any thread; those that say that they take time should not be called from the window's."""

    def __init__(
        self, settings: Settings, settings_file: Path | None, cache: Path | None, call_process: Callable[..., Any], start: Start
    ) -> None:
        super().__init__(settings, settings_file)
        self._cache = cache or locations.cache_folder(settings.caches_folder)
        self._finding = Finding(cache / "catalogues" if cache else locations.catalogues_folder())
        self._refreshing = Refreshing(
            self._finding, self.bus, call_process, start, self._tap_addresses, self.check_network_allowed
        )

    # ---- settings that searching follows

    @property
    def practice(self) -> bool:
        return False

    def _tap_addresses(self) -> dict[str, str]:
        from daxa_gui.remote.services import TAP_SERVICES

        given = {service: getattr(self.settings, name) for service, name in _SETTING_OF_SERVICE.items()}
        return {service: given.get(service) or address for service, address in TAP_SERVICES.items()}

    # ---- missions and catalogues

    def missions(self) -> tuple[MissionSpec, ...]:
        return self._finding.missions()

    def mission(self, name: str) -> MissionSpec | None:
        """The declaration of a mission; None for one that this version does not know."""
        return self._finding.known(name)

    def mission_labels(self) -> dict[str, str]:
        """What each mission is called for people, by name."""
        return self._finding.labels()

    def catalogue(self, mission: str) -> Catalogue:
        return self._finding.catalogue(mission)

    def catalogue_status(self, mission: str) -> CatalogueStatus:
        status = self._finding.status(mission)
        return dataclasses.replace(status, refreshing=self._refreshing.is_refreshing(mission))

    def update_catalogues(self, missions: Sequence[str]) -> None:
        """Refresh them in the background; events `CatalogueProgress` and `CatalogueChanged` tell how it goes."""
        self._refreshing.start(missions)

    def update_catalogue(self, mission: str, progress: Callable[[int, int, str], None] | None = None) -> CatalogueDiff:
        """Refresh one and wait for it, which takes time; what changed. Raises TransferError, and the one in use stays."""
        return self._refreshing.now(mission, progress)

    def cancel_catalogue_update(self, mission: str) -> None:
        self._refreshing.cancel(mission)

    def catalogue_changes(self, mission: str) -> CatalogueDiff | None:
        """What the last refresh brought; None if there was none."""
        return self._refreshing.changes(mission)

    def import_catalogue(self, path: Path, mission: str = "") -> CatalogueStatus:
        """Take a catalogue from a file (CSV, ECSV, VOTable, FITS, Parquet), of the mission that it names if none is given.

        Raises
        ------
        FileError : the file cannot be read or a row is damaged (the message names it). InputError : no mission is known.
        """
        from daxa_gui.catalogues.as_table import certificate_of, from_table, mission_of
        from daxa_gui.exchange.tables import read_table

        table = read_table(path)
        name = mission or mission_of(table)
        if not name:
            raise InputError(f"{path} does not say which mission its observations are of.", "Say which mission it is.")
        spec = self._finding.spec(name)
        catalogue = dataclasses.replace(from_table(table, spec, str(path)), provenance=f"Imported from {path.name}.")
        if not len(catalogue):
            raise FileError(f"{path} has no observations.", "What is known here stays; « remove » is the way to forget it.")
        self._finding.cache.save(spec, catalogue, certificate_of(table), origin="imported")
        self._finding.forget(name)
        self._finding.catalogue(name)
        self.bus.publish(CatalogueChanged(name))
        return self.catalogue_status(name)

    def export_catalogue(self, mission: str, path: Path) -> None:
        """Write a catalogue, without simulated observations; the suffix of the file says in which format.

        Raises
        ------
        InputError : there is no catalogue of the mission here. FileError : the file cannot be written.
        """
        from daxa_gui.catalogues.as_table import to_table

        catalogue, certificate, origin = self._finding.real(mission)
        if origin == NONE:
            raise InputError(f"There is no catalogue of {self._finding.spec(mission).label} here.", "Update or import it first.")
        self.export_table(to_table(catalogue, self._finding.spec(mission), certificate), path)

    def verify_catalogue(self, mission: str) -> None:
        """Read every byte of a fetched or imported catalogue and compare it with its checksums; takes time.

        Raises
        ------
        FileError : a file is not what was written; the message names it. InputError : there is none to compare.
        """
        spec = self._finding.spec(mission)
        status = self._finding.status(mission)
        if status.origin in (BUILT_IN, NONE) and status.problem:
            raise FileError(status.problem)
        if status.origin in (BUILT_IN, NONE):
            raise InputError(
                f"Nothing was fetched or imported of {spec.label}.", "Only what was written here has checksums to compare with."
            )
        self._finding.cache.verify(spec)

    def remove_catalogue(self, mission: str) -> None:
        """Forget what was fetched or imported of a mission."""
        self._finding.cache.remove(self._finding.spec(mission))
        self._finding.forget(mission)
        self.bus.publish(CatalogueChanged(mission))

    @staticmethod
    def export_table(table: DataTable, path: Path) -> None:
        from daxa_gui.exchange.tables import write_table

        write_table(table, path)

    @staticmethod
    def table_formats() -> dict[str, str]:
        """File suffix → name of the format, of those that tables can be written in."""
        from daxa_gui.exchange.tables import FORMATS

        return dict(FORMATS)

    # ---- names, samples, regions

    def known_names(self) -> tuple[SkyPosition, ...]:
        return self._finding.known_names()

    def resolve_name(self, name: str) -> SkyPosition:
        """The position of an object; takes time where a server is asked. Raises InputError for a name that is not known."""
        return self._finding.resolve_name(name, None if self.practice else self._ask_sesame)

    def _ask_sesame(self, name: str) -> SkyPosition:
        from daxa_gui.remote.sesame import SESAME, NameResolver

        addresses = (self.settings.sesame,) if self.settings.sesame else SESAME
        resolver = NameResolver(self._finding.folder / "names.json", addresses=addresses, offline=lambda: self.offline)
        return resolver.resolve(name)

    @staticmethod
    def preview_sample(path: Path) -> SamplePreview:
        """The columns of a sample with guesses of what they mean, and its first rows."""
        from daxa_gui.exchange.samples import preview_sample

        return preview_sample(path)

    @staticmethod
    def read_sample(path: Path, columns: SampleColumns | None = None) -> Sample:
        """The positions of a file; columns are guessed where they are not given. Takes time for large files."""
        from daxa_gui.exchange.samples import read_sample

        return read_sample(path, columns)

    @staticmethod
    def read_regions(path: Path) -> SkyShapes:
        """The shapes of a DS9 region file, as a filter."""
        from daxa_gui.exchange.regions import read_regions

        return read_regions(path)

    @staticmethod
    def read_moc(path: Path) -> Moc:
        """A coverage map (MOC), as a filter."""
        from daxa_gui.exchange.mocs import read_moc

        return read_moc(path)

    # ---- what the filters say

    def selections(self, stack: FilterStack) -> tuple[Selection, ...]:
        """What the filters leave, one Selection per mission that has anything. In practice mode simulated observations only:
        real ones would need the network that practice does without."""
        selections = []
        for spec in self.missions():
            catalogue = self.catalogue(spec.name)
            mask, _ = stack.masks(catalogue)
            if self.practice:
                mask = mask & catalogue.simulated
            if np.any(mask):
                obs_ids = tuple(dict.fromkeys(catalogue.obs_id[mask].tolist()))
                filters = tuple(stack.to_json())
                selections.append(Selection(spec.name, catalogue.version, obs_ids, spec.default_instruments, filters))
        return tuple(selections)

    def associate(
        self, missions: Sequence[str], places: Places, distance: Distance, stack: FilterStack, entirely_inside: bool = False
    ) -> dict[str, Association]:
        """Which observations that pass the filters cover which positions, by mission; may take time.

        Raises
        ------
        InputError : there are more pairs, of all missions together, than should be in memory at a time; `association_parts`
            has no such limit.
        """
        from daxa_gui.core.association import MOST_ENTRIES, associate

        found: dict[str, Association] = {}
        for name in missions:
            catalogue = self.catalogue(name)
            mask = stack.mask(catalogue) if len(stack) else None
            left = MOST_ENTRIES - sum(map(len, found.values()))
            found[name] = associate(catalogue, places, distance, mask=mask, entirely_inside=entirely_inside, most=left)
        return found

    def association_parts(
        self, missions: Sequence[str], places: Places, distance: Distance, stack: FilterStack, entirely_inside: bool = False
    ) -> Iterator[tuple[str, Association]]:
        """What `associate` gives, mission by mission in parts of whole positions: however many pairs there are, few of them are
        in memory at a time."""
        from daxa_gui.core.association import stream

        for name in missions:
            catalogue = self.catalogue(name)
            mask = stack.mask(catalogue) if len(stack) else None
            for part in stream(catalogue, places, distance, mask=mask, entirely_inside=entirely_inside):
                yield name, part

    def export_association(
        self,
        path: Path,
        missions: Sequence[str],
        places: Places,
        distance: Distance,
        stack: FilterStack,
        entirely_inside: bool = False,
    ) -> dict[str, Tally]:
        """Write all pairs of positions and observations; how many there are, by mission. CSV and Parquet are written as the pairs
        are found, so that there may be more of them than fit into memory; the other formats are refused beyond some millions."""
        from daxa_gui.core.association import associate
        from daxa_gui.core.tally import Tally
        from daxa_gui.exchange.tables import write_parts

        if not missions:
            raise InputError("No mission was chosen.")
        tallies = {name: Tally(len(self.catalogue(name))) for name in missions}

        def parts() -> Iterator[DataTable]:
            catalogue = self.catalogue(missions[0])
            nothing = associate(catalogue, places, distance, mask=np.zeros(len(catalogue), bool))
            yield nothing.table(places, missions[0])  # the columns, should there be no pair
            for name, part in self.association_parts(missions, places, distance, stack, entirely_inside):
                tallies[name].add(part)
                yield part.table(places, name)

        write_parts(parts(), path)
        return tallies

    def association_table(self, associations: Mapping[str, Association], places: Places) -> DataTable:
        """All pairs of all missions as one table of typed columns."""
        return _joined([found.table(places, name) for name, found in associations.items()])

    def observation_table(self, missions: Sequence[str], stack: FilterStack) -> DataTable:
        """The observations that pass the filters, as a table with a column `mission`; of several missions the columns that all
        of them have, of a single one also its own."""
        from daxa_gui.catalogues.as_table import DESCRIPTIONS, to_table

        tables = []
        for name in missions:
            catalogue = self.catalogue(name)
            table = to_table(catalogue, self._finding.spec(name)).rows(stack.mask(catalogue))
            columns = {"mission": np.full(len(table), name), **table.columns}
            columns.setdefault("simulated", np.zeros(len(table), bool))
            shown = {key: column for key, column in columns.items() if len(missions) == 1 or key in (*DESCRIPTIONS, "mission")}
            texts = {**table.descriptions, "mission": "The mission that made the observation."}
            meta = {key: text for key, text in table.meta.items() if len(missions) == 1 and key != "content"}
            tables.append(DataTable(shown, table.units, texts, meta))
        return _joined(tables)

    def why(self, mission: str, obs_id: str, stack: FilterStack) -> tuple[Verdict, ...]:
        """Of each filter that applies, whether it wants an observation, and if not, why and what would change that."""
        from daxa_gui.core.why import explain

        catalogue = self.catalogue(mission)
        rows = catalogue.rows_of([obs_id])
        if not len(rows):
            raise InputError(
                f"{self._finding.spec(mission).label} has no observation {obs_id} in its catalogue here.",
                "Update the catalogue, or look at the digits again.",
            )
        return explain(stack, catalogue, int(rows[0]))

    # ---- DAXA's mission save files

    def read_daxa_state(self, path: Path) -> DaxaState:
        """What a mission save file of DAXA holds, with filters that select the same."""
        from daxa_gui.exchange.daxa_state import fitted, read_state

        state = read_state(path, self.resolve_name)
        return fitted(state, self.catalogue(state.mission))

    def write_daxa_state(self, mission: str, stack: FilterStack, path: Path) -> tuple[str, ...]:
        """Write what the filters leave of a mission so that DAXA can load it; remarks on what was expressed in another way."""
        from daxa_gui.exchange.daxa_writing import write_state

        return write_state(path, self._finding.spec(mission), self._finding.real(mission)[0], stack)


def _joined(tables: Sequence[DataTable]) -> DataTable:
    """One table of several with the same columns, with the units and texts of the first."""
    if not tables:
        raise InputError("No mission was chosen.")
    first = tables[0]
    columns = {name: np.concatenate([np.asarray(table[name]) for table in tables]) for name in first.names}
    return DataTable(columns, first.units, first.descriptions, first.meta)

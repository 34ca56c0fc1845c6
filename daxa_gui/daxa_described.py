"""An archive of ours as DAXA says it: missions with their selections, observations with summaries, units of its processes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from daxa_gui.archive.queries import DAXA_FINAL, Queries
from daxa_gui.archive.regions import ArchiveRegions
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.core.archive_queries import ProcessResult
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters_rows import mjd_now
from daxa_gui.core.job import Job
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.step import Call
from daxa_gui.daxa_reduced import ReducedHere
from daxa_gui.daxa_taking import CONVERTED, RECORD, CatalogueOf
from daxa_gui.exchange.daxa_archive import (
    WITH_SUMMARIES,
    DaxaArchive,
    DaxaMission,
    DaxaObservation,
    DaxaUnit,
    ident_of,
    summary_of,
    use_of,
)  # fmt: skip
from daxa_gui.exchange.daxa_rules import GRATINGS, INSTRUMENT_COLUMN, MISSIONS_OF_DAXA, chosen_instruments
from daxa_gui.exchange.daxa_writing import operations_of
from daxa_gui.missions import MISSIONS

# What DAXA's own processes, and XGA after them, look for under the names of their steps.
_PATH_NAMES = {
    ProductKind.CLEAN_EVENTS: "evt_clean_path", ProductKind.GTI: "gti_path", ProductKind.LIGHTCURVE: "lightcurve_path",
    ProductKind.FINAL_EVENTS: "final_evt", ProductKind.IMAGE: "image_path", ProductKind.EXPOSURE_MAP: "expmap_path",
    ProductKind.BACKGROUND_MAP: "backmap_path",
}  # fmt: skip
_TAKEN_OVER = {
    "preprocessed_events": ProductKind.FINAL_EVENTS, "preprocessed_images": ProductKind.IMAGE,
    "preprocessed_expmaps": ProductKind.EXPOSURE_MAP, "preprocessed_backmaps": ProductKind.BACKGROUND_MAP,
}  # fmt: skip


def values_of(store: ArchiveStore, catalogue_of: CatalogueOf | None = None) -> DaxaArchive:
    """The open archive as a DAXA archive says it; `problems` are sentences about what DAXA cannot have."""
    notes: list[str] = []
    groups: dict[str, list[ArchiveObservation]] = defaultdict(list)
    for one in store.observations():
        groups[one.mission].append(one)
    missions = []
    for name, observations in groups.items():
        real = [one for one in observations if not one.row.get("simulated")]
        if len(real) < len(observations):
            notes.append(f"{len(observations) - len(real)} simulated observations of {name} are unknown to DAXA: left out.")
        if name not in MISSIONS_OF_DAXA:
            notes.append(f"DAXA does not know the mission {name}: left out.")
        elif real:
            missions.append(_Writing(store, MISSIONS[name], real, catalogue_of, notes).mission())
    info = store.info().get(CONVERTED)
    unknown = info.get("unknown", {}) if isinstance(info, dict) else {}
    return DaxaArchive(store.layout.name, str(store.layout.folder), _version(store), tuple(missions), unknown, tuple(notes))


def _version(store: ArchiveStore) -> str:
    """DAXA counts the minor number up with each update; ours does the same with each version."""
    with store.database.reading() as connection:
        row = connection.execute("SELECT number FROM versions ORDER BY id DESC LIMIT 1").fetchone()
    minor = str(row[0]).partition(".")[2] if row else "0"
    return f"0.{minor if minor.isdecimal() else 0}.0"


class _Writing:
    """One mission of the open archive, as DAXA says it."""

    def __init__(
        self, store: ArchiveStore, spec: MissionSpec, observations: list[ArchiveObservation], catalogue_of: CatalogueOf | None,
        notes: list[str],
    ) -> None:  # fmt: skip
        self._store, self._spec, self._observations = store, spec, observations
        self._catalogue_of, self._notes = catalogue_of, notes
        self._obs_ids = [one.obs_id for one in observations]
        self._jobs = {job.id: job for job in store.jobs("reduce") if job.mission == spec.name}
        self._records = _records(store, spec.name)
        self._reduced = ReducedHere(store, spec.name, self._jobs.values())
        self._queries = Queries(store.layout, store.database, self._reduced.final_steps)
        self._final = self._queries.final_success(spec.name)
        self._silent: set[tuple[str, str]] = set()

    def mission(self) -> DaxaMission:
        instruments = self._chosen = self._instruments()
        fields, operations = self._operations(instruments)
        known = self._store.info().get(CONVERTED)
        before = known.get("missions", {}).get(self._spec.name, {}) if isinstance(known, dict) else {}
        self._warn_of_lost()
        self._warn_of_raw_data()
        units = tuple(self._units())
        return DaxaMission(
            name=self._spec.name,
            instruments=instruments,
            observations=tuple(self._observation(one) for one in self._observations),
            units=units,
            silent=frozenset(self._silent),
            fields=fields,
            downloaded_type=self._downloaded_type(before),
            operations=operations,
            run_config=self._reduced.run_config(before.get("run_config", ())),
            loose_extra=_unpacked(before.get("loose_extra", {}), self._store) | self._reduced.loose_extra(),
        )

    # ---- the selection

    def _instruments(self) -> tuple[str, ...]:
        named = dict.fromkeys(name for one in self._observations for name in one.instruments)
        if not named and self._spec.name in INSTRUMENT_COLUMN:
            named = dict.fromkeys(name for one in self._observations for name in str(one.row.get("instruments", "")).split())
        if not named and self._spec.name == "xmm_pointed" and (reduced := self._reduced.instruments()):
            named = dict.fromkeys((*self._spec.default_instruments, *reduced))
        found, _ = chosen_instruments(self._spec, named)
        return found or self._spec.default_instruments

    def _operations(self, instruments: tuple[str, ...]) -> tuple[tuple[str, ...] | None, tuple[dict[str, Any], ...]]:
        """DAXA's operations of the stored filters if they select what the archive has, otherwise its ObsIDs."""
        catalogue: Catalogue | None = None
        try:
            catalogue = self._catalogue_of(self._spec.name) if self._catalogue_of is not None else None
            stacks = [s.filters for s in self._store.selections() if s.mission == self._spec.name]
            stack = FilterStack.from_json(list(stacks[-1])) if stacks and stacks[-1] else None
        except DaxaError as error:
            self._notes.append(f"The filters of {self._spec.label} are written as ObsIDs: {error.message}")
            stack = None
        fields, operations, notes = operations_of(self._spec, catalogue, stack, instruments, self._obs_ids)
        self._notes += notes
        return fields, operations

    def _downloaded_type(self, before: Mapping[str, Any]) -> str:
        with self._store.database.reading() as connection:
            kinds = {
                kind for (kind,) in connection.execute("SELECT DISTINCT kind FROM files WHERE mission = ?", (self._spec.name,))
            }
        if not kinds:
            return str(before.get("downloaded_type") or "") or "raw+preprocessed"
        return (
            "raw" if kinds == {str(ProductKind.RAW)} else "raw+preprocessed" if str(ProductKind.RAW) in kinds else "preprocessed"
        )

    def _warn_of_lost(self) -> None:
        """Observations that DAXA does not take when it opens the archive, whatever the save file says."""
        said = {
            "are not fit for science": [o for o in self._observations if o.row.get("unusable_reason")],
            "are not public yet": [o for o in self._observations if self._is_held_back(o)],
            "were made with a grating": [
                o for o in self._observations
                if self._spec.name == "chandra" and set(str(o.row.get("instruments", "")).split()) & set(GRATINGS)
            ],
        }  # fmt: skip
        for why, lost in said.items():
            if lost:
                self._notes.append(f"DAXA will leave out {len(lost)} observations of {self._spec.label}: they {why}.")

    def _is_held_back(self, one: ArchiveObservation) -> bool:
        public = one.row.get("public_mjd")
        return self._spec.has_proprietary and isinstance(public, (int, float)) and public > mjd_now()

    def _warn_of_raw_data(self) -> None:
        absent = [o for o in self._obs_ids if not self._store.layout.raw_folder(self._spec.name, o).is_dir()]
        if absent:
            self._notes.append(
                f"{len(absent)} observations of {self._spec.label} have no raw data here: DAXA will download raw data "
                "when it opens the archive."
            )

    # ---- observations

    def _observation(self, one: ArchiveObservation) -> DaxaObservation:
        record = self._records.get(one.obs_id, {})
        summary = self._reduced.summary(one.obs_id, self._chosen)
        use = use_of(one.mission, summary)
        if not summary:
            summary, use = dict(record.get("summary", {})), dict(record.get("use", {}))
        if not summary and self._spec.name in WITH_SUMMARIES:
            facts = self._queries.observation_facts(one.mission, one.obs_id)
            summary = (
                summary_of(one.mission, facts.instruments, one.row)
                if any(entry.get("active") for entry in facts.instruments.values())
                else {}
            )
            use = use_of(one.mission, summary)
        place = ArchiveRegions(self._store).path(one.mission, one.obs_id)
        return DaxaObservation(
            one.obs_id,
            bool(record.get("science_usable", not one.row.get("unusable_reason"))),
            bool(record.get("proprietary_usable", not self._is_held_back(one))),
            summary, use, self._final.get((one.mission, one.obs_id)), str(place) if place.is_file() else "",
            names=self._reduced.second_names(one.obs_id),
        )  # fmt: skip

    # ---- processes

    def _units(self) -> Iterable[DaxaUnit]:
        products: dict[int | None, list[Product]] = defaultdict(list)
        taken: dict[tuple[str, ProductKind], list[Product]] = defaultdict(list)
        for product in self._store.products(self._spec.name):
            products[product.job_id].append(product)
            taken[product.key.obs_id, product.key.kind].append(product)
        here, seen = set(self._obs_ids), set()
        for result in self._queries.process_results(self._spec.name):
            if result.obs_id not in here or result.success is None or result.step == DAXA_FINAL:
                self._is_silent(result)
                continue
            if result.step in _TAKEN_OVER and result.obs_id in self._records:
                continue  # told below as DAXA told it
            job = self._jobs.get(result.job_id) if result.job_id is not None else None
            if job is not None and result.skipped and self._reduced.process_of(job):
                self._is_silent(result)  # what DAXA never began has no entry there
                continue
            files = products[job.id] if job else [
                p for p in taken[result.obs_id, _TAKEN_OVER.get(result.step, ProductKind.OTHER)]
                if result.success and result.unit in p.key.instrument.split("_") and not self._is_reduced(p)
            ]  # fmt: skip
            unit = self._unit(result, job, files)
            if (unit.step, unit.ident) not in seen:  # two lists of one detector that DAXA cannot tell apart
                seen.add((unit.step, unit.ident))
                yield unit
        for obs_id, record in self._records.items():
            for step, flags in dict(record.get("preprocessed", {})).items():
                yield from (DaxaUnit(step, ident, obs_id, flag) for ident, flag in flags.items())

    def _is_silent(self, result: ProcessResult) -> None:
        """Nothing is to be told of this unit, also not what an earlier save file says of it."""
        self._silent.add(self._reduced.name_of(result))

    def _is_reduced(self, product: Product) -> bool:
        """Whether a step made it (« prepare » only picks the chosen modules out of a list that was taken over)."""
        job = self._jobs.get(product.job_id) if product.job_id is not None else None
        return job is not None and job.step != "prepare"

    def _unit(self, result: ProcessResult, job: Job | None, files: list[Product]) -> DaxaUnit:
        ident = ident_of(result.mission, result.obs_id, result.unit)
        known = job.facts if job is not None else {}
        if "daxa" in known:
            return _converted_unit(result, known["daxa"], self._store)
        if job is not None and self._reduced.process_of(job):
            return self._reduced.unit(result, job, files)
        extra: dict[str, Any] = {}
        for product in files:
            name = _PATH_NAMES.get(product.key.kind, "path")
            if extra.setdefault(name, product.path) != product.path:
                extra.setdefault("more_paths", []).append(product.path)  # images in other bands, and what DAXA has no name for
        if job is not None and isinstance(job.task, Call):
            given = {name: value for name, value in job.task.arguments.items() if name not in ("path", "key")}
            extra["made_by"] = f"DAXA GUI: {job.task.target.replace(':', '.')}"
            extra["arguments"] = given
        log = result.log_path if result.log_path and Path(result.log_path).is_file() else ""
        said = "" if log else f"{result.reason or 'No log was kept.'}\n"
        complaint = "\n".join([*result.errors, *([result.reason] if result.reason else [])]) if result.success is False else ""
        is_taken_over = result.step in _TAKEN_OVER
        return DaxaUnit(
            result.step, ident, result.obs_id, result.success, extra=extra, log=log, said="" if is_taken_over else said,
            complaint="" if is_taken_over else complaint,
        )  # fmt: skip


def _records(store: ArchiveStore, mission: str) -> dict[str, dict[str, Any]]:
    """ObsID → what DAXA said of the observation, where the archive was taken over from it."""
    if CONVERTED not in store.info():
        return {}
    jobs = (job for job in store.jobs("plan") if job.mission == mission and isinstance(job.task, Call))
    return {job.obs_id: job.facts for job in jobs if isinstance(job.task, Call) and job.task.target == RECORD}


def _converted_unit(result: ProcessResult, known: Mapping[str, Any], store: ArchiveStore) -> DaxaUnit:
    """A unit that DAXA itself made, as it was; its logs lie where DAXA put them."""
    step = str(known.get("step") or result.step)
    ident = str(known.get("ident") or ident_of(result.mission, result.obs_id, result.unit))
    layout = store.layout
    folders = [layout.processed_folder(result.mission, result.obs_id), layout.failed_folder(result.mission, result.obs_id)]
    out, err = (
        next((path for folder in folders if (path := folder / "logs" / f"{step}_{ident}_{name}.log").is_file()), Path())
        for name in ("stdout", "stderr")
    )
    return DaxaUnit(
        step, ident, result.obs_id, result.success,
        errors=tuple(str(text) for text in known.get("errors", ())),
        warnings=tuple(dict(one) for one in known.get("warnings", ()) if isinstance(one, Mapping)),
        extra=_unpacked(known.get("extra", {}), store),
        log=str(out) if out.is_file() else "", stderr=str(err) if err.is_file() else "",
    )  # fmt: skip


def _unpacked(value: Any, store: ArchiveStore) -> Any:
    """Paths that were stored relative to the archive and its output folder, absolute again."""
    if isinstance(value, str) and value.startswith(("archive:", "output:")):
        return str(store.layout.absolute(value))
    if isinstance(value, Mapping):
        return {key: _unpacked(part, store) for key, part in value.items()}
    return [_unpacked(part, store) for part in value] if isinstance(value, list) else value

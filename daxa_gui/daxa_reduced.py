"""What the missions' software made in an archive of ours, as DAXA says it: its processes, summaries, arguments and file names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from daxa_gui import __version__
from daxa_gui.archive.queries import Queries
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.archive_queries import ProcessResult
from daxa_gui.core.errors import FileError
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.plain_file import read_plain
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.product_names import safe_part
from daxa_gui.core.step import Call, Step
from daxa_gui.exchange.daxa_archive import EROSITA, US, DaxaUnit, ident_of
from daxa_gui.exchange.daxa_processes import (
    EXPOSURES,
    daxa_process,
    error_of,
    extra_of,
    run_config,
    unit_in_daxa,
    warning_of,
)
from daxa_gui.exchange.daxa_second_names import FOLDER, SecondName
from daxa_gui.exchange.daxa_summaries import summary_of_units

_OURS = "daxa_gui."  # beginning of the functions of jobs that were done here
_MERGED_STEP = "merge_subexposures"
_MERGED = (
    ProductKind.CLEAN_EVENTS, ProductKind.CLEAN_OOT_EVENTS, ProductKind.ALL_GOOD_EVENTS, ProductKind.ALL_GOOD_OOT_EVENTS,
)  # fmt: skip
_ATTITUDE_FROM = ("PN", "M1", "M2")  # all exposures have the attitude of the whole observation


class ReducedHere:
    """The steps of one mission that were done here, with their products."""

    def __init__(self, store: ArchiveStore, mission: str, jobs: Iterable[Job]) -> None:
        from daxa_gui.reduction import STEPS

        self._store, self._mission = store, mission
        self._steps: dict[str, Step] = dict(STEPS)
        self._jobs = [job for job in jobs if isinstance(job.task, Call) and job.task.target.startswith(_OURS)]
        self._of_observation: dict[str, list[Job]] = defaultdict(list)
        for job in self._jobs:
            self._of_observation[job.obs_id].append(job)
        self._units = {
            job.obs_id: found
            for job in self._jobs
            if job.step == EXPOSURES and job.state is JobState.SUCCEEDED and (found := _units_in(job.facts.get("units")))
        }
        self._queries = Queries(store.layout, store.database)
        self._names: dict[str, tuple[SecondName, ...]] = {}

    @property
    def final_steps(self) -> tuple[str, ...]:
        return tuple(name for name, step in self._steps.items() if step.is_final)

    def process_of(self, job: Job) -> str:
        """What DAXA calls the step of a job that was done here; "" for steps that it does not have."""
        is_ours = isinstance(job.task, Call) and job.task.target.startswith(_OURS)
        return daxa_process(self._mission, job.step, self._steps) if is_ours else ""

    def name_of(self, result: ProcessResult) -> tuple[str, str]:
        """Process and unit in DAXA of a step that was done here, or is to be done."""
        process = daxa_process(self._mission, result.step, self._steps)
        unit = unit_in_daxa(self._mission, process, result.unit)
        return process or result.step, ident_of(self._mission, result.obs_id, unit)

    # ---- the mission as a whole

    def instruments(self) -> tuple[str, ...]:
        """Of the exposures that can be reduced."""
        return tuple(
            dict.fromkeys(str(one["instrument"]) for units in self._units.values() for one in units if one.get("usable"))
        )

    def run_config(self, before: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
        """Processes with the arguments of their newest run."""
        newest: dict[str, Job] = {}
        for job in self._jobs:
            if job.started and job.started >= (newest[job.step].started or 0.0 if job.step in newest else 0.0):
                newest[job.step] = job
        used = {step: _parameters(job) for step, job in newest.items()}
        return run_config(self._mission, used, before, self._steps)

    def loose_extra(self) -> dict[str, Any]:
        """eROSITA: DAXA's cleaning looks for each observation's list, in which the good time of `flaregti` must be."""
        if self._mission not in EROSITA:
            return {}
        found: dict[str, Any] = {}
        for obs_id, products in self._products.items():
            for kind in (ProductKind.CALIBRATED_EVENTS, ProductKind.EVENTS):
                paths = [product.path for product in products if product.key.kind is kind]
                if paths and obs_id in self._units:
                    found.setdefault(obs_id, {"path": paths[0]})
        return found

    # ---- observations

    def summary(self, obs_id: str, chosen: Sequence[str]) -> dict[str, Any]:
        """DAXA's summary of an observation; {} if nobody has looked which exposures it has."""
        units = self._units.get(obs_id) or self._units_in_summary(obs_id)
        if not units:
            return {}
        header = self._chandra_header(obs_id) if self._mission == "chandra" else {}
        return summary_of_units(self._mission, units, chosen, header)

    def _units_in_summary(self, obs_id: str) -> list[dict[str, Any]]:
        """XMM-Newton: DAXA reads the summary of the raw data as soon as it is there, not in a step of its own."""
        from daxa_gui.reduction.xmm_common import LARGEST_SUMMARY_BYTES
        from daxa_gui.reduction.xmm_summary import read_units

        paths = [product.path for product in self._products[obs_id] if product.key.kind is ProductKind.ODF_SUMMARY]
        if self._mission != "xmm_pointed" or not paths:
            return []
        try:
            text = read_plain(paths[0], LARGEST_SUMMARY_BYTES).decode("utf-8", "replace")
            return list(read_units(text, Path(paths[0]).name))
        except FileError:  # the step « exposures » says what is wrong with it; DAXA has no summary then
            return []

    def _chandra_header(self, obs_id: str) -> Mapping[str, Any]:
        from daxa_gui.fits.files import open_fits

        folder = self._store.layout.raw_folder(self._mission, obs_id)
        path = next((path for name in ("oif.fits", "oif.fits.gz") if (path := folder / name).is_file()), None)
        try:
            return open_fits(path).hdus[1].header if path is not None else {}
        except (FileError, IndexError):  # the index changed since it was read; the units hold what counts
            return {}

    @cached_property
    def _products(self) -> dict[str, list[Product]]:
        found = defaultdict(list)
        for product in self._store.products(self._mission):
            found[product.key.obs_id].append(product)
        return found

    def second_names(self, obs_id: str) -> tuple[SecondName, ...]:
        """The names under which DAXA and XGA look for files of XMM-Newton without asking the save file, and names for lists that
        DAXA's merging moves away when there is one exposure only."""
        if self._mission != "xmm_pointed":
            return ()
        if obs_id not in self._names:
            self._names[obs_id] = tuple(self._work_out_names(obs_id))
        return self._names[obs_id]

    def _work_out_names(self, obs_id: str) -> Iterable[SecondName]:
        folder = Path(self._queries.data_path(self._mission, obs_id))
        products = [product for product in self._products[obs_id] if Path(product.path).is_relative_to(folder)]
        of_kind = {product.key.kind: product for product in products}
        if (cif := of_kind.get(ProductKind.CIF)) is not None:
            yield SecondName(cif.path, str(folder / "ccf.cif"))
        if (summary := of_kind.get(ProductKind.ODF_SUMMARY)) is not None and (name := self._summary_name(obs_id)):
            yield SecondName(summary.path, str(folder / name), copy=True)
            raw = self._store.layout.raw_folder(self._mission, obs_id)
            if raw.is_dir() and not any(raw.glob("*SUM.SAS")):  # where all of DAXA's tasks look for it
                yield SecondName(summary.path, str(raw / name), copy=True, optional=True)
        attitudes = {product.key.instrument: product for product in products if product.key.kind is ProductKind.ATTITUDE}
        for instrument in _ATTITUDE_FROM:
            if instrument in attitudes:
                yield SecondName(attitudes[instrument].path, str(folder / f"P{obs_id}OBX000ATTTSR0000.FIT"))
                break
        merged = {job.unit for job in self._of_observation[obs_id] if job.step == _MERGED_STEP and _was_tried(job)}
        for product in products:
            if product.key.kind in _MERGED and product.key.instrument not in merged:
                name = safe_part(f"{product.key.unit}-{product.key.kind}.FIT", "an exposure")
                yield SecondName(product.path, str(folder / FOLDER / name))

    def _summary_name(self, obs_id: str) -> str:
        job = next((job for job in self._of_observation[obs_id] if job.step == "odf_ingest"), None)
        name = str(job.facts.get("summary_name", "")) if job is not None else ""
        return name if re.fullmatch(rf"\d{{4}}_{re.escape(obs_id)}_SCX00000SUM\.SAS", name, re.ASCII) else ""

    # ---- processes

    def unit(self, result: ProcessResult, job: Job, files: Sequence[Product]) -> DaxaUnit:
        """One unit of a step that DAXA has. What ended well without any file (« nothing can follow ») is none of DAXA's
        successes: its next steps would look for the files."""
        step = self._steps[job.step]
        process, ident = self.name_of(result)
        success = bool(result.success) and (bool(files) or not result.reason or job.step == EXPOSURES)
        moved = {one.source: one.target for one in self.second_names(result.obs_id) if not one.optional}
        parameters = _parameters(job)
        extra = extra_of(result.mission, job.step, files, job.facts, parameters, _where_told(moved, files))
        arguments = job.task.arguments if isinstance(job.task, Call) else {}
        extra |= {
            "made_by": f"{US} {__version__}", "step": job.step, "unit": result.unit, "parameters": parameters,
            "versions": dict(arguments.get("versions") or {}),
        }  # fmt: skip
        said = [*result.errors, *([result.reason] if result.reason and not success else [])]
        log = result.log_path if result.log_path and Path(result.log_path).is_file() else ""
        is_sas = step.software == "sas"
        return DaxaUnit(
            process, ident, result.obs_id, success,
            errors=(error_of(said[0]),) if is_sas and not success and said else (),
            warnings=tuple(warning_of(text) for text in job.warnings) if is_sas else (),
            extra=extra, log=log, said="" if log else f"{result.reason or 'No log was kept.'}\n",
            complaint="" if success else "\n".join(said),
        )  # fmt: skip


def _where_told(moved: Mapping[str, str], files: Sequence[Product]) -> dict[str, str]:
    """Second names that stand in DAXA's save file; the list of calibration files and the attitude are found by their names."""
    kinds = (ProductKind.ODF_SUMMARY, *_MERGED)
    return {one.path: moved[one.path] for one in files if one.path in moved and one.key.kind in kinds}


def _units_in(value: Any) -> list[dict[str, Any]]:
    """Those of a job's « units » that say what they are about; the database may come from somebody else."""
    listed = value if isinstance(value, list) else []
    named = [dict(one) for one in listed if isinstance(one, Mapping)]
    return [one for one in named if all(isinstance(one.get(name), str) for name in ("instrument", "exposure"))]


def _was_tried(job: Job) -> bool:
    return job.state in (JobState.SUCCEEDED, JobState.FAILED)


def _parameters(job: Job) -> dict[str, Any]:
    arguments = job.task.arguments if isinstance(job.task, Call) else {}
    own = arguments.get("parameters")
    return dict(own) if isinstance(own, Mapping) else {}

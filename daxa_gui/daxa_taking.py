"""Archives of the DAXA package taken over into a database of ours: their files linked or copied, or left where they are."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

from daxa_gui.archive.failures import translated
from daxa_gui.archive.job_logs import JobLogFile
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.archive.queries import DAXA_FINAL
from daxa_gui.archive.regions import ArchiveRegions
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.taking_over import TakenFile, TakenJob, take_over
from daxa_gui.core.archive_queries import RegionSet
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import ArchiveError, Cancelled, DaxaError, FileError
from daxa_gui.core.job import ErrorInfo, Job, JobState
from daxa_gui.core.product import ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import Call, JobRequest
from daxa_gui.daxa_taken_files import FilesOfDaxa
from daxa_gui.exchange.daxa_archive import SAVE_INFO, DaxaArchive, DaxaMission, DaxaObservation, DaxaUnit
from daxa_gui.exchange.daxa_archive_reading import read_archive
from daxa_gui.exchange.daxa_operations import Resolve
from daxa_gui.exchange.daxa_processes import names_here, our_steps, sentence_of, start_mjd
from daxa_gui.exchange.region_files import read_region_file
from daxa_gui.reduction import STEPS

CONVERTED = "daxa"  # the note of an archive that keeps what DAXA said of its missions
RECORD = "daxa.archive:Archive"  # what made the jobs that keep what DAXA said of an observation as a whole
PREPROCESSED = {
    "preprocessed_events": ProductKind.EVENTS, "preprocessed_images": ProductKind.IMAGE,
    "preprocessed_expmaps": ProductKind.EXPOSURE_MAP, "preprocessed_backmaps": ProductKind.BACKGROUND_MAP,
}  # fmt: skip
Progress = Callable[[int, int, str], None]
CatalogueOf = Callable[[str], Catalogue]


def _silent(done: int, total: int, text: str) -> None:
    """No one asked for progress."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class TakenOver:
    """What became of a DAXA archive: numbers, and sentences about what could not be taken over."""

    n_observations: int
    n_jobs: int
    n_files: int
    sentences: tuple[str, ...]


def convert(
    folder: str | Path, store: ArchiveStore, catalogue_of: CatalogueOf | None = None, resolve_name: Resolve | None = None,
    progress: Progress | None = None, cancelled: Callable[[], bool] | None = None,
) -> TakenOver:  # fmt: skip
    """Take a DAXA archive over into an empty archive of ours; DAXA's own folder stays as it is.

    Files get second names (hard links) in the new archive, or are copied where the disks do not allow that; raw data are linked
    only, never copied. Processes become jobs with their state, messages, logs and files; filters become the selection.

    Parameters
    ----------
    catalogue_of : gives the catalogue of a mission, whose rows the observations get; None: they know little but their ObsIDs.
    resolve_name : gives the position of a name, for DAXA's filters by name.
    progress : called as (done, total, text) now and then. cancelled : asked often; when it says yes, `Cancelled` is raised.

    Raises
    ------
    FileError : it is no DAXA archive. ArchiveError : `store` is not empty or cannot be written.
    """
    if store.observations():
        raise ArchiveError(f"The archive {store.layout.name} is not empty.", "Take the DAXA archive over into a new one.")
    archive = read_archive(folder, resolve_name)
    return Taking(archive, store, catalogue_of, progress or _silent, cancelled or _never).run()


def convert_into(
    folder: str | Path, layout: ArchiveLayout, catalogue_of: CatalogueOf | None = None, resolve_name: Resolve | None = None,
    progress: Progress | None = None, cancelled: Callable[[], bool] | None = None,
) -> TakenOver:  # fmt: skip
    """Make a new archive at `layout` of a DAXA archive (see `convert`) and close it. If that fails or is cancelled, nothing of
    it stays: neither the archive nor links to raw data.

    Raises also ArchiveError if there is something at its place already.
    """
    archive = read_archive(folder, resolve_name)
    store = ArchiveStore.create(layout)
    work = Taking(archive, store, catalogue_of, progress or _silent, cancelled or _never)
    try:
        report = work.run()
    except BaseException:
        store.close()
        work.undo()
        raise
    store.close()
    return report


class Taking:
    """One DAXA archive on its way into a store."""

    def __init__(
        self, archive: DaxaArchive, store: ArchiveStore, catalogue_of: CatalogueOf | None = None, progress: Progress = _silent,
        cancelled: Callable[[], bool] = _never, *, view: bool = False,
    ) -> None:  # fmt: skip
        self._archive, self._store, self._view = archive, store, view
        self._catalogue_of, self._progress, self._cancelled = catalogue_of, progress, cancelled
        root = Path(archive.folder)
        self._files = FilesOfDaxa(root, store, self._say, view=view)
        self._sentences = [*archive.problems]
        self._saved_s = _time_of(root / SAVE_INFO / "process_info.json") or time()

    def run(self) -> TakenOver:
        for mission in self._archive.missions:
            self._sentences += mission.notes
        self._store.add_selections([self._selection(mission) for mission in self._archive.missions if mission.observations])
        self._store.set_info(CONVERTED, self._record())
        n_jobs = 0
        for mission in self._archive.missions:
            if not self._view:
                self._files.bring_all(mission)
            jobs = take_over(self._store, list(self._jobs(mission)), self._check)
            names = names_here(mission, STEPS)
            logs = {(unit.obs_id, *names[unit.step, unit.ident]): unit for unit in mission.units}
            for number, job in enumerate(jobs):
                self._say(number, len(jobs), f"{mission.name}: logs")
                unit = logs.get((job.obs_id, job.step, job.unit))
                if unit is not None:
                    self._log(job, unit)
            self._regions(mission)
            n_jobs += len(jobs)
        n_observations = sum(len(mission.observations) for mission in self._archive.missions)
        sentences = (*self._sentences, *self._files.sentences)
        return TakenOver(n_observations, n_jobs, self._files.n_files, sentences)

    def _check(self, _: int) -> None:
        if self._cancelled():
            raise Cancelled

    def _say(self, done: int, total: int, text: str) -> None:
        self._progress(done, total, text)
        self._check(done)

    def undo(self) -> None:
        """Take away what was made, after the store was closed."""
        with translated(self._store.layout.folder):
            for path in reversed(self._files.outside):
                path.unlink(missing_ok=True)
                for parent in (path.parent, path.parent.parent):
                    if not any(parent.iterdir()):
                        parent.rmdir()
            shutil.rmtree(self._store.layout.folder)

    # ---- observations

    def _selection(self, mission: DaxaMission) -> tuple[Selection, list[Mapping[str, Any]]]:
        obs_ids = tuple(one.obs_id for one in mission.observations)
        catalogue: Catalogue | None = None
        if self._catalogue_of is not None:
            try:
                catalogue = self._catalogue_of(mission.name)
            except DaxaError as error:
                self._sentences.append(f"Nothing more than the ObsIDs of {mission.name} is known: {error.message}")
        days = {unit.obs_id: day for unit in mission.units if (day := str(unit.extra.get("obs_date", "")))}
        rows = [self._row(catalogue, one, days.get(one.obs_id, "")) for one in mission.observations]
        version = catalogue.version if catalogue is not None else f"DAXA {self._archive.version}"
        filters = tuple(mission.stack.to_json())
        return Selection(mission.name, version, obs_ids, mission.instruments, filters, _kinds(mission)), rows

    @staticmethod
    def _row(catalogue: Catalogue | None, one: DaxaObservation, day: str) -> Mapping[str, Any]:
        """`day` of the observation as `cif_build` had it: without it SAS cannot choose its calibration."""
        if catalogue is not None and len(found := catalogue.rows_of([one.obs_id, one.obs_id.upper()])):
            return {**catalogue.row(int(found[0])), "obs_id": one.obs_id}
        return {"obs_id": one.obs_id} | ({"start_mjd": start} if (start := start_mjd(day)) is not None else {})

    def _record(self) -> dict[str, Any]:
        """What DAXA keeps about missions as a whole, so that it can be written for DAXA again."""
        missions = {
            mission.name: {
                "run_config": list(mission.run_config), "downloaded_type": mission.downloaded_type,
                "loose_extra": self._files.stored(mission.loose_extra),
            }
            for mission in self._archive.missions
        }  # fmt: skip
        return {
            "source": self._archive.folder, "version": self._archive.version, "missions": missions,
            "unknown": self._archive.unknown,
        }  # fmt: skip

    # ---- processes

    def _jobs(self, mission: DaxaMission) -> Iterator[TakenJob]:
        ours = our_steps(mission.name, STEPS)
        made: dict[tuple[str, str], list[TakenFile]] = {}
        rest: dict[str, list[TakenFile]] = {}
        for product in mission.products:
            if (file := self._files.taken(product, ours)) is not None:
                if product.step and product.step not in PREPROCESSED:
                    made.setdefault((product.step, product.ident), []).append(file)
                else:
                    rest.setdefault(product.key.obs_id, []).append(file)
        flags: dict[str, dict[str, dict[str, bool | None]]] = {}
        for unit in mission.units:
            if unit.step in PREPROCESSED:
                flags.setdefault(unit.obs_id, {}).setdefault(unit.step, {})[unit.ident] = unit.success
        for one in mission.observations:
            files = rest.get(one.obs_id, [])
            files += self._files.raw_lists(mission.name, one.obs_id, files)
            raw = tuple(self._files.raw_files(mission.name, one.obs_id)) if ours and not self._view else ()
            yield from self._about(mission.name, one, tuple(files), raw, flags.get(one.obs_id, {}))
        config = {step: arguments for one in mission.run_config for step, arguments in one.items()}
        names, seen = names_here(mission, STEPS), set()
        for unit in mission.units:
            here = names[unit.step, unit.ident]
            if (unit.obs_id, here) not in seen and unit.step not in PREPROCESSED:  # names may not tell two units apart
                seen.add((unit.obs_id, here))
                yield self._job(mission.name, unit, here, tuple(made.get((unit.step, unit.ident), ())), config.get(unit.step))

    def _about(
        self, mission: str, one: DaxaObservation, files: tuple[TakenFile, ...], raw: tuple[TakenFile, ...],
        flags: Mapping[str, Any],
    ) -> Iterator[TakenJob]:  # fmt: skip
        """What is known of the observation as a whole, with the files of which nothing tells how they were made."""
        facts = {
            "summary": one.summary, "use": one.use, "science_usable": one.science_usable,
            "proprietary_usable": one.proprietary_usable, "selected": one.selected, "preprocessed": flags,
        }  # fmt: skip
        task = Call(RECORD, {"archive_name": self._archive.name})
        title = f"Taken over from DAXA: {one.obs_id}"
        request = JobRequest("plan", "local", mission, one.obs_id, "taken over from DAXA", "", title, task)
        yield TakenJob(request, JobState.SUCCEEDED, self._saved_s, facts=facts, files=files, raw=raw)
        if one.final_success is not None:
            state = JobState.SUCCEEDED if one.final_success else JobState.FAILED
            error = None if one.final_success else ErrorInfo("DAXA found nothing useful in this observation.")
            request = _request(mission, one.obs_id, "", DAXA_FINAL, f"DAXA's verdict: {one.obs_id}", {})
            yield TakenJob(request, state, self._saved_s, error=error)

    def _job(self, mission: str, unit: DaxaUnit, here: tuple[str, str], files: tuple[TakenFile, ...], config: Any) -> TakenJob:
        """`here` are the step and unit that it is in this archive. The arguments of DAXA's function are shown; they are no
        parameters of a step, with which a later order could compare its own."""
        step, name = here
        arguments = {"unit": unit.ident, **({"arguments": config} if isinstance(config, Mapping) and config else {})}
        if step in STEPS:
            arguments["parameters"] = {}
        title = f"{unit.step} (DAXA): {unit.ident}"
        request = _request(mission, unit.obs_id, name, step, title, arguments, process=unit.step)
        state = {True: JobState.SUCCEEDED, False: JobState.FAILED, None: JobState.SKIPPED}[unit.success]
        error = None
        if unit.success is False:
            message = f"{len(unit.errors)} errors, the first: {unit.errors[0]}" if unit.errors else "DAXA marked it as failed."
            error = ErrorInfo(message, "Its log tells more.", details="\n".join(unit.errors))
        reason = "" if unit.success is not None else "DAXA's save file does not tell whether this succeeded."
        warnings = tuple(sentence_of(one) for one in unit.warnings)
        known = {
            "step": unit.step, "ident": unit.ident,
            "errors": list(unit.errors), "warnings": list(unit.warnings), "extra": self._files.stored(unit.extra),
        }  # fmt: skip
        finished = _time_of(Path(unit.log)) if unit.log else None
        return TakenJob(request, state, finished or self._saved_s, error, reason, warnings, {"daxa": known}, files)

    def _log(self, job: Job, unit: DaxaUnit) -> None:
        """The job's log: DAXA's two as one. Where there is only one, it is the same file under a second name."""
        path = self._store.layout.log_path(job.id)
        with translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            if unit.log and not unit.stderr and self._view:
                path.symlink_to(unit.log)
                return
            for source, severity in ((unit.log, "INFO"), (unit.stderr, "ERROR")):
                if not source:
                    continue
                when = _time_of(Path(source)) or self._saved_s
                log = JobLogFile(path, lambda when=when: when)  # type: ignore[misc]
                try:
                    with Path(source).open("r", encoding="utf-8", errors="replace") as stream:
                        while text := stream.read(1 << 20):
                            log.write(text + stream.readline(), severity)
                finally:
                    log.close()

    def _regions(self, mission: DaxaMission) -> None:
        found = []
        for one in mission.observations:
            if not one.regions:
                continue
            when = _time_of(Path(one.regions)) or self._saved_s
            try:
                file = read_region_file(one.regions)
                kept = tuple(line.whole for line in file.verbatim)
                found.append(RegionSet(mission.name, one.obs_id, one.regions, len(file.regions), kept, "DAXA", when))
            except FileError as error:
                self._sentences.append(f"The regions of {one.obs_id} are kept but not understood: {error.message}")
                found.append(RegionSet(mission.name, one.obs_id, one.regions, 0, (), "DAXA", when))
        ArchiveRegions(self._store).note(found)


def _request(
    mission: str, obs_id: str, unit: str, step: str, title: str, arguments: dict[str, Any], *, process: str = ""
) -> JobRequest:
    """What was done, in words of DAXA's own functions: this program refuses to call them (see `archive.trust`)."""
    task = Call(f"daxa.process:{process or step}", arguments)
    return JobRequest("reduce", "local", mission, obs_id, unit, step, title, task)


def _kinds(mission: DaxaMission) -> tuple[str, ...]:
    """Kinds of files that DAXA had fetched for the mission."""
    steps = {unit.step for unit in mission.units}
    kinds = [str(kind) for step, kind in PREPROCESSED.items() if step in steps]
    if mission.downloaded_type.startswith("raw") and (mission.downloaded_type == "raw" or not kinds):
        kinds.append(str(ProductKind.RAW))
    return tuple(kinds)


def _time_of(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None

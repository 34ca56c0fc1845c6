"""Writing what the DAXA package needs to open an archive: `.save_info`, a log for each unit, in its place.

Nothing of it is needed by this program. Files are replaced at once or not at all, `process_info.json` last.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.exchange.daxa_archive import (
    FAILED,
    INFO_FILE,
    INFO_KEYS,
    PREVIOUS,
    PROCESSED,
    SAFE,
    SAVE_INFO,
    DaxaArchive,
    DaxaMission,
    DaxaUnit,
    obs_id_of,
)  # fmt: skip
from daxa_gui.exchange.daxa_rules import MISSIONS_OF_DAXA
from daxa_gui.exchange.daxa_second_names import FOLDER, place_all

_NO_LOG = "preprocessed"  # processes with this in their name have no logs in DAXA


def write_archive(archive: DaxaArchive, folder: str | Path, told: list[str] | None = None) -> list[Path]:
    """Write the save files and logs of an archive into its folder, and give products the second names that DAXA looks for;
    returns the files that were written or replaced.

    Parameters
    ----------
    told : gets sentences about what could not be written and is good to have only.

    Raises
    ------
    InputError : DAXA could not open it: there is no mission, one that it does not know or without observations, or the name of
        a unit does not tell its ObsID.
    FileError : something cannot be written; the save files are then as they were.
    """
    root = Path(folder)
    _check(archive)
    documents = {mission.name: _encoded(_state(mission)) for mission in archive.missions}
    info = _encoded(_info(archive))  # everything is encoded before the first file is touched
    written: list[Path] = []
    save = root / SAVE_INFO
    _refuse_links(root, save / PREVIOUS)
    try:
        for mission in archive.missions:
            written += _write_logs(root, mission)
            written += _place_names(root, mission, [] if told is None else told)
        save.mkdir(parents=True, exist_ok=True)
        _keep_previous(save, archive)
        for name, text in documents.items():
            written.append(_replaced(save / f"{name}_state.json", text))
        written.append(_replaced(save / INFO_FILE, info))
    except OSError as error:
        raise FileError(f"{error.filename or root} cannot be written ({error.strerror or error}).") from error
    return written


def _check(archive: DaxaArchive) -> None:
    if not archive.missions:
        raise InputError(
            "There is nothing in the archive that DAXA could open: no real observation of a mission that it knows.",
            "Simulated observations are in no catalogue that DAXA reads.",
        )
    for mission in archive.missions:
        if mission.name not in MISSIONS_OF_DAXA:
            raise InputError(f"DAXA does not know the mission « {mission.name} ».")
        if not any(one.selected for one in mission.observations):
            raise InputError(f"No observation of {mission.name} is selected: DAXA cannot have a mission without any.")
        for one in mission.observations:
            _check_part(one.obs_id, "an ObsID")
        for unit in mission.units:
            _check_part(unit.step, "a process")
            _check_part(unit.ident, "a unit")
            if obs_id_of(mission.name, unit.ident) != unit.obs_id:
                raise InputError(f"DAXA would not see the ObsID {unit.obs_id} in the unit « {unit.ident} » of {mission.name}.")


def _check_part(text: str, what: str) -> None:
    if not SAFE.fullmatch(text) or ".." in text:
        raise InputError(f"« {text[:60]} » cannot be the name of {what}.")


# ------------------------------------------------------------------------------------------------------------------- documents


def _state(mission: DaxaMission) -> dict[str, Any]:
    selected = [one for one in mission.observations if one.selected]
    return {
        "name": mission.name,
        "chos_inst": list(mission.instruments),
        "chos_field": None if mission.fields is None else list(mission.fields),
        "downloaded_type": mission.downloaded_type or None,
        "cur_date": f"{datetime.now():%Y-%m-%d %H:%M:%S.%f}",
        "processed": mission.processed,
        "selected_obs": [one.obs_id for one in selected],
        "science_usable": [one.science_usable for one in selected],
        "proprietary_usable": [one.proprietary_usable for one in selected],
        "filtering_operations": list(mission.operations),
    }


def _info(archive: DaxaArchive) -> dict[str, Any]:
    missions = archive.missions
    document = {
        "version": archive.version,
        "mission_names": [mission.name for mission in missions],
        "process_success": {m.name: _by_step(m, lambda unit: bool(unit.success)) for m in missions},
        "obs_summaries": {m.name: {one.obs_id: one.summary for one in m.observations if one.summary} for m in missions},
        "final_process_success": {
            m.name: {one.obs_id: one.final_success for one in m.observations if one.final_success is not None} for m in missions
        },
        "process_errors": {m.name: _by_step(m, lambda unit: list(unit.errors)) for m in missions},
        "process_warnings": {m.name: _by_step(m, lambda unit: list(unit.warnings)) for m in missions},
        "process_extra_info": {m.name: _with_loose(_by_step(m, lambda unit: unit.extra), m.loose_extra) for m in missions},
        "use_this_obs": {m.name: {one.obs_id: one.use for one in m.observations if one.use} for m in missions},
        "process_run_config": {m.name: list(m.run_config) for m in missions},
    }
    return document | {key: value for key, value in archive.unknown.items() if key not in INFO_KEYS}


def _with_loose(found: dict[str, dict[str, Any]], loose: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return found | {key: {**value, **found.get(key, {})} for key, value in loose.items() if isinstance(value, Mapping)}


def _by_step(mission: DaxaMission, value: Any) -> dict[str, dict[str, Any]]:
    """{step: {unit: value}}; but for flags, only units that have something to say. Units without a verdict are left out."""
    found: dict[str, dict[str, Any]] = {}
    for unit in mission.units:
        if unit.success is None:
            continue
        said = value(unit)
        if said is True or said is False or said:
            found.setdefault(unit.step, {})[unit.ident] = said
    return found


def _encoded(document: Mapping[str, Any]) -> str:
    try:
        return json.dumps(_plain(document), indent=4, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"The archive holds something that cannot be written for DAXA ({error}).") from error


def _plain(value: Any) -> Any:
    """JSON values; numbers that JSON does not have become null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# ------------------------------------------------------------------------------------------------------------------------ files


def _write_logs(root: Path, mission: DaxaMission) -> list[Path]:
    places = {one.obs_id: FAILED if one.final_success is False else PROCESSED for one in mission.observations}
    written = []
    for unit in mission.units:
        if unit.success is None or (_NO_LOG in unit.step and not (unit.log or unit.said)):
            continue
        folder = root / places.get(unit.obs_id, PROCESSED) / mission.name / unit.obs_id / "logs"
        _refuse_links(root, folder)
        target = folder / f"{unit.step}_{unit.ident}_stdout.log"
        written += _placed(Path(unit.log) if unit.log else None, target, unit.said)
        complaint = target.with_name(f"{unit.step}_{unit.ident}_stderr.log")
        if unit.stderr or unit.complaint:
            written += _placed(Path(unit.stderr) if unit.stderr else None, complaint, unit.complaint)
        elif complaint.is_file() and not _is_kept(unit):
            complaint.unlink()  # of an earlier run that failed
    return written


def _place_names(root: Path, mission: DaxaMission, told: list[str]) -> list[Path]:
    """Names of files that DAXA and XGA find without being told their paths."""
    names = [name for one in mission.observations for name in one.names]
    for name in names:
        if Path(name.target).is_relative_to(root):
            _refuse_links(root, Path(name.target).parent)
    places = [root / kind / mission.name / one.obs_id / FOLDER for kind in (PROCESSED, FAILED) for one in mission.observations]
    for place in places:
        _refuse_links(root, place)
    written, sentences = place_all(names, places)
    told += sentences
    return written


def _refuse_links(root: Path, folder: Path) -> None:
    """Raise FileError if a link stands between the archive's folder and one in it: files would be written to elsewhere."""
    for part in (folder, *folder.parents):
        if part == root:
            return
        if part.is_symlink():
            raise FileError(f"A link stands in the place of the folder {part}; nothing is written to where it leads.")


def _is_kept(unit: DaxaUnit) -> bool:
    """Whether the log is where it belongs already: DAXA wrote it, and what is beside it is DAXA's, too."""
    return Path(unit.log).name == f"{unit.step}_{unit.ident}_stdout.log"


def _placed(source: Path | None, target: Path, text: str) -> list[Path]:
    """A second name for a log, or a copy; a text where there is no log."""
    if source is None or not source.is_file():
        if target.is_file() and not target.is_symlink() and target.read_text(encoding="utf-8", errors="replace") == text:
            return []
        target.parent.mkdir(parents=True, exist_ok=True)
        return [_replaced(target, text)]
    if target.exists() and target.samefile(source):
        return []
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        os.link(source, part)
    except OSError:  # no links on or between these disks; what is wrong with the disk itself shows when it is copied
        shutil.copyfile(source, part)
    part.replace(target)
    return [target]


def _replaced(path: Path, text: str) -> Path:
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with part.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:  # on a full disk half a file would only take room
        part.unlink(missing_ok=True)
        raise
    return path


def _keep_previous(save: Path, archive: DaxaArchive) -> None:
    """As DAXA does when an archive gets a new version: the selections of the old one stay in a folder beside."""
    old = _old_version(save / INFO_FILE)
    if not old or old == archive.version:
        return
    for path in _states(save, archive.missions):
        target = save / PREVIOUS / f"{path.stem}_{old}.json"
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, target)


def _states(save: Path, missions: Iterable[DaxaMission]) -> Iterable[Path]:
    return (path for mission in missions if (path := save / f"{mission.name}_state.json").is_file())


def _old_version(path: Path) -> str:
    try:
        with path.open("r", encoding="utf-8", errors="replace") as stream:
            beginning = stream.read(400)
    except OSError:
        return ""
    name, _, rest = beginning.partition('"version": "')
    found = rest.partition('"')[0]
    return found if name and rest and SAFE.fullmatch(found) else ""

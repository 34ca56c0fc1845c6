"""Reading an archive that the DAXA package made, whatever its state: cut or absent save files, unknown processes, moved folders.

Everything in it comes from elsewhere: sizes, types and names are looked at, paths are followed inside the archive and its output
folder only, and what makes no sense is left out with a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import FileError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import ObsIds
from daxa_gui.core.plain_file import read_plain
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.exchange.daxa_archive import (
    INFO_FILE,
    INFO_KEYS,
    REGION_FILE,
    SAFE,
    SAVE_INFO,
    DaxaArchive,
    DaxaMission,
    DaxaObservation,
    DaxaProduct,
    DaxaUnit,
    is_ours,
    obs_id_of,
)  # fmt: skip
from daxa_gui.exchange.daxa_archive_files import Place
from daxa_gui.exchange.daxa_operations import Resolve
from daxa_gui.exchange.daxa_rules import MISSIONS_OF_DAXA
from daxa_gui.exchange.daxa_state import DaxaState, read_state
from daxa_gui.missions import MISSIONS

LARGEST_BYTES = 512 << 20
_LONGEST_TEXT = 100_000


def is_daxa_archive(folder: str | Path) -> bool:
    """Whether a folder looks like an archive of DAXA's (it may be one of ours at the same time)."""
    save = Path(folder) / SAVE_INFO
    return (save / INFO_FILE).is_file() or any(save.glob("*_state.json"))


def read_archive(folder: str | Path, resolve: Resolve | None = None) -> DaxaArchive:
    """Everything that a DAXA archive says, as values; nothing is written.

    Parameters
    ----------
    resolve : gives the position of a name, for filters by name; None: such filters become the recorded ObsIDs.

    Raises
    ------
    FileError : the folder is not there, or nothing in it is of DAXA.
    """
    root = Path(folder).expanduser().resolve()
    if not root.is_dir():
        raise FileError(f"There is no folder {root}.", "Choose the folder of an archive that DAXA made.")
    place = Place(root, root.parent.parent if root.parent.name == "archives" else None)
    problems: list[str] = []
    info = _info(root / SAVE_INFO / INFO_FILE, problems)
    names = _mission_names(root, place, info, problems)
    if not names:
        raise FileError(
            f"{root} is no archive of DAXA: it has neither save files nor data of a mission.",
            "It is the folder with « .save_info » and « processed_data » in it, below « archives ».",
        )
    missions = tuple(_Mission(name, place, info, problems, resolve).read() for name in names)
    if place.refused:
        problems.append(f"{len(place.refused)} files lead out of the archive and are left out ({place.refused[0]} …).")
    version = info.get("version")
    unknown = {key: value for key, value in info.items() if key not in INFO_KEYS}
    safe_version = version if isinstance(version, str) and SAFE.fullmatch(version) else "0.0.0"
    return DaxaArchive(root.name, str(root), safe_version, missions, unknown, tuple(problems))


def with_daxas_own(archive: DaxaArchive, folder: str | Path) -> DaxaArchive:
    """The values of an archive of ours with what DAXA did in it since its files were written last: processes for which nothing
    was done here, their arguments, and its verdicts where there is none of ours."""
    root = Path(folder)
    if not (root / SAVE_INFO / INFO_FILE).is_file():
        return archive
    problems: list[str] = []  # a damaged save file of DAXA's is replaced by a whole one
    info = _info(root / SAVE_INFO / INFO_FILE, problems)
    place = Place(root, root.parent.parent if root.parent.name == "archives" else None)
    there = {one.name: _Mission(one.name, place, info, problems, None) for one in archive.missions}
    return replace(archive, missions=tuple(there[one.name].added_to(one) for one in archive.missions))


def _info(path: Path, problems: list[str]) -> dict[str, Any]:
    """The save file as it stands; {} with a sentence if it cannot be used."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ValueError(f"it is larger than {LARGEST_BYTES >> 20} MB")
        content = read_plain(path, LARGEST_BYTES).decode("utf-8")
        if not content.strip():
            raise ValueError("it is empty (DAXA died while it wrote it)")
        document = json.loads(content)
    except FileNotFoundError:
        problems.append(f"{SAVE_INFO}/{INFO_FILE} is missing: which processes succeeded is not known.")
        return {}
    except FileError as error:
        problems.append(error.message)
        return {}
    except OSError as error:
        problems.append(f"{SAVE_INFO}/{INFO_FILE} cannot be read ({error.strerror or error}).")
        return {}
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:120]
        problems.append(f"{SAVE_INFO}/{INFO_FILE} cannot be used ({why}): which processes succeeded is not known.")
        return {}
    if not isinstance(document, dict):
        problems.append(f"{SAVE_INFO}/{INFO_FILE} is no save file of DAXA: which processes succeeded is not known.")
        return {}
    if missing := [key for key in INFO_KEYS if key not in document]:
        problems.append(f"{SAVE_INFO}/{INFO_FILE} has no « {missing[0]} »; DAXA itself could not open the archive.")
    return document


def _mission_names(root: Path, place: Place, info: Mapping[str, Any], problems: list[str]) -> list[str]:
    said = info.get("mission_names")
    listed = [name for name in said if isinstance(name, str)] if isinstance(said, list) else []
    found = [*listed, *sorted(path.name.removesuffix("_state.json") for path in (root / SAVE_INFO).glob("*_state.json"))]
    names = list(dict.fromkeys([*found, *(name for name in place.missions() if name in MISSIONS)]))
    known = [name for name in names if name in MISSIONS_OF_DAXA and name in MISSIONS]
    problems += [f"The mission « {name[:40]} » is not known and is left out." for name in names if name not in known]
    return known


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value[:_LONGEST_TEXT] if isinstance(value, str) else ""


class _Mission:
    """Reads what an archive says of one mission."""

    def __init__(self, name: str, place: Place, info: Mapping[str, Any], problems: list[str], resolve: Resolve | None) -> None:
        self._name, self._place, self._problems, self._resolve = name, place, problems, resolve
        self._info = {key: _mapping(info.get(key)).get(name) for key in INFO_KEYS if key not in ("version", "mission_names")}
        self._ignored: list[str] = []
        self._logs: dict[str, dict[tuple[str, str, str], str]] = {}

    def read(self) -> DaxaMission:
        state, document = self._state()
        units = tuple(self._units())
        obs_ids = self._obs_ids(state, units)
        units = (*units, *self._logs_without_flags(obs_ids, units))
        makers, by_name = _makers(units), {(unit.step, unit.ident): unit for unit in units}
        products = tuple(
            DaxaProduct(key, str(path), *_maker(key, path, makers, by_name))
            for obs_id in obs_ids for key, path in self._place.products(self._name, obs_id)
        )  # fmt: skip
        flags: dict[str, tuple[bool, bool]] = {}
        if state is not None:
            pairs = zip(state.science_usable, state.proprietary_usable, strict=True)
            flags = dict(zip(state.obs_ids, pairs, strict=True))
        if self._ignored:
            self._problems.append(
                f"{self._name}: {len(self._ignored)} entries of the save file make no sense and are left out"
                f" (« {self._ignored[0][:60]} » …)."
            )
        spec = MISSIONS[self._name]
        return DaxaMission(
            name=self._name,
            instruments=state.instruments if state else spec.default_instruments,
            observations=tuple(self._observation(obs_id, failed, flags, state) for obs_id, failed in obs_ids.items()),
            units=units,
            products=products,
            fields=(state.fields or None) if state else None,
            downloaded_type=state.downloaded_type if state else "",
            processed=bool(state and state.processed),
            operations=tuple(document.get("filtering_operations", ())),
            stack=state.stack if state else _only(self._name, tuple(obs_ids)),
            run_config=tuple(self._run_config()),
            loose_extra=self._loose_extra(units),
            notes=state.notes if state else (),
        )

    def added_to(self, ours: DaxaMission) -> DaxaMission:
        known = {(unit.step, unit.ident) for unit in ours.units} | ours.silent
        here = {one.obs_id for one in ours.observations}
        own = tuple(unit for unit in self._units(known) if unit.obs_id in here and not is_ours(unit))
        if not own:
            return ours
        steps, configured = {unit.step for unit in own}, {step for one in ours.run_config for step in one}
        config = tuple(one for one in self._run_config() if not steps.isdisjoint(one) and configured.isdisjoint(one))
        verdicts = _mapping(self._info["final_process_success"])
        observations = tuple(
            replace(one, final_success=verdict)
            if one.final_success is None and isinstance(verdict := verdicts.get(one.obs_id), bool)
            else one
            for one in ours.observations
        )
        return replace(ours, units=(*ours.units, *own), run_config=(*ours.run_config, *config), observations=observations)

    def _state(self) -> tuple[DaxaState | None, dict[str, Any]]:
        path = self._place.folder / SAVE_INFO / f"{self._name}_state.json"
        try:
            state = read_state(path, self._resolve)
            return state, _mapping(json.loads(read_plain(path, LARGEST_BYTES).decode("utf-8")))
        except FileError as error:
            self._problems.append(f"The selection of {self._name} is not known: {error.message}")
            return None, {}

    # ---- units

    def _units(self, known: Container[tuple[str, str]] = ()) -> Iterator[DaxaUnit]:
        """Processes and units of the save file, without those that are `known` already."""
        extra, errors, warned = (_mapping(self._info[f"process_{key}"]) for key in ("extra_info", "errors", "warnings"))
        for step, flags in _mapping(self._info["process_success"]).items():
            if not isinstance(flags, dict) or not _is_name(step):
                self._ignored.append(step)
                continue
            for ident, flag in flags.items():
                if (step, ident) in known:
                    continue
                obs_id = obs_id_of(self._name, ident)
                if not isinstance(flag, bool) or not _is_name(ident) or not _is_name(obs_id):
                    self._ignored.append(f"{step} {ident}")
                    continue
                logs = self._log_paths(obs_id)
                yield DaxaUnit(
                    step, ident, obs_id, flag,
                    errors=tuple(text for one in _listed(_mapping(errors.get(step)).get(ident)) if (text := _text(one))),
                    warnings=tuple(_warning(one) for one in _listed(_mapping(warned.get(step)).get(ident))),
                    extra=self._place.mapped(_mapping(_mapping(extra.get(step)).get(ident))),
                    log=logs.get((step, ident, "stdout"), ""), stderr=logs.get((step, ident, "stderr"), ""),
                )  # fmt: skip

    def _log_paths(self, obs_id: str) -> dict[tuple[str, str, str], str]:
        if obs_id not in self._logs:
            self._logs[obs_id] = self._place.logs(self._name, obs_id)
        return self._logs[obs_id]

    def _logs_without_flags(self, obs_ids: Mapping[str, bool], units: tuple[DaxaUnit, ...]) -> Iterator[DaxaUnit]:
        """Processes of which there are logs and no flags: the save file is gone, or DAXA died before it wrote it."""
        told = {(unit.step, unit.ident) for unit in units}
        for obs_id in obs_ids:
            logs = self._log_paths(obs_id)
            for step, ident in dict.fromkeys((step, ident) for step, ident, _ in logs):
                if (step, ident) not in told:
                    yield DaxaUnit(
                        step, ident, obs_id, None,
                        log=logs.get((step, ident, "stdout"), ""), stderr=logs.get((step, ident, "stderr"), ""),
                    )  # fmt: skip

    def _loose_extra(self, units: tuple[DaxaUnit, ...]) -> dict[str, Any]:
        told = {(unit.step, unit.ident) for unit in units}
        loose = {}
        for step, entries in _mapping(self._info["process_extra_info"]).items():
            rest = {key: value for key, value in _mapping(entries).items() if (step, key) not in told}
            if rest:
                loose[step] = self._place.mapped(rest)
        return loose

    def _run_config(self) -> Iterator[dict[str, Any]]:
        for one in _listed(self._info["process_run_config"]):
            if isinstance(one, dict) and len(one) == 1 and all(_is_name(step) for step in one):
                yield one
            else:
                self._ignored.append("process_run_config")

    # ---- observations

    def _obs_ids(self, state: DaxaState | None, units: tuple[DaxaUnit, ...]) -> dict[str, bool]:
        """ObsIDs of the selection, of processes and of folders → whether their data lie among the failed ones."""
        folders = self._place.obs_ids(self._name)
        listed = [obs_id for obs_id in (state.obs_ids if state else ()) if _is_name(obs_id)]
        named = dict.fromkeys([*listed, *folders, *(unit.obs_id for unit in units)])
        return {obs_id: folders.get(obs_id, False) for obs_id in named}

    def _observation(
        self, obs_id: str, failed: bool, flags: Mapping[str, tuple[bool, bool]], state: DaxaState | None
    ) -> DaxaObservation:
        science, proprietary = flags.get(obs_id, (True, True))
        verdict = _mapping(self._info["final_process_success"]).get(obs_id)
        regions = self._place.folder / "regions" / self._name / obs_id / REGION_FILE
        return DaxaObservation(
            obs_id, science, proprietary,
            summary=_mapping(_mapping(self._info["obs_summaries"]).get(obs_id)),
            use=_mapping(_mapping(self._info["use_this_obs"]).get(obs_id)),
            final_success=verdict if isinstance(verdict, bool) else False if failed else None,
            regions=str(regions) if regions.is_file() and self._place.is_inside(regions) else "",
            selected=state is None or obs_id in flags,
        )  # fmt: skip


def _only(mission: str, obs_ids: tuple[str, ...]) -> FilterStack:
    return FilterStack().add(ObsIds(obs_ids), [mission]) if obs_ids else FilterStack()


def _is_name(text: object) -> bool:
    return isinstance(text, str) and SAFE.fullmatch(text) is not None and ".." not in text


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _warning(value: Any) -> dict[str, str]:
    return {name: _text(_mapping(value).get(name)) for name in ("originator", "name", "message")}


def _makers(units: tuple[DaxaUnit, ...]) -> dict[str, tuple[str, str]]:
    """Path → (process, unit) that said it made the file; the first that did counts (later ones name what they read, too)."""
    found: dict[str, tuple[str, str]] = {}
    for unit in units:
        for value in unit.extra.values():
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str) and text.startswith("/"):
                    found.setdefault(text, (unit.step, unit.ident))
    return found


def _maker(
    key: ProductKey, path: Path, makers: Mapping[str, tuple[str, str]], units: Mapping[tuple[str, str], DaxaUnit]
) -> tuple[str, str]:
    """The process and unit that made a file, ("", "") if nothing tells; DAXA does not note the path of the list of calibration
    files, and that of the summary where the disk knows another name of it."""
    if str(path) in makers:
        return makers[str(path)]
    step = {ProductKind.CIF: "cif_build", ProductKind.ODF_SUMMARY: "odf_ingest"}.get(key.kind, "")
    return (step, key.obs_id) if (step, key.obs_id) in units else ("", "")

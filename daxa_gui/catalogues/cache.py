"""Catalogues kept on this machine: columns that are mapped into memory, so that millions of rows are there in milliseconds.

    <cache>/<mission>/current.json                 which version is in use
    <cache>/<mission>/<number>-<version>/          one version: catalogue.json and one .npy file per column

A version is written to a folder of another name, forced to the disk, renamed when it is whole, and only then pointed to; a
program killed at any moment leaves the version before it in use. A version whose files are not what its catalogue.json says is
never used: the one before it is, and `problem` tells why."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from daxa_gui.catalogues.column_files import ColumnFile, arrays_of, read_arrays, rebuilt, sha256_of, write_arrays
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.certificate import CatalogueStatus, Certificate
from daxa_gui.core.errors import FileError
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.times import MJD_OF_1970, SECONDS_PER_DAY

FORMAT = 1  # another number: folders of another form are not read
ORIGINS = ("fetched", "imported")
_VERSION_FOLDER = re.compile(r"[0-9]{6,12}-[0-9a-z]{1,40}", re.ASCII)
_MISSION = re.compile(r"[a-z0-9_]{1,60}", re.ASCII)
_LARGEST_JSON = 2**24
_PART_AGE_S = 3600.0  # a folder that was begun longer ago belongs to a program that was killed
_DAMAGED = "Update the catalogue, or import it again."


@dataclass(frozen=True)
class _Version:
    """What a catalogue.json says, checked."""

    folder: Path
    version: str
    provenance: str
    origin: str
    saved_mjd: float
    rows: int
    unusable: int
    certificate: Certificate | None
    files: tuple[ColumnFile, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


class CatalogueCache:
    """The catalogues of all missions in one folder, which need not exist yet. Several programs may use it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._problems: dict[str, str] = {}

    def load(self, spec: MissionSpec) -> tuple[Catalogue, Certificate | None] | None:
        """The newest version that is whole; None if there is none. `problem` tells what was wrong with newer ones."""
        found = self._newest(spec, lambda version: _load(spec, version))
        return None if found is None else (found[1], found[0].certificate)

    def save(self, spec: MissionSpec, catalogue: Catalogue, certificate: Certificate | None, origin: str) -> None:
        """Keep a catalogue and use it from now on; the version before it stays as a reserve, older ones are removed.

        Parameters
        ----------
        origin : « fetched » or « imported ».

        Raises
        ------
        FileError : the folder cannot be written; the versions that were there stay.
        """
        if catalogue.mission != spec.name or origin not in ORIGINS:
            raise ValueError(f"a catalogue of {catalogue.mission} ({origin}) is not kept for {spec.name}")
        folder = self._mission_folder(spec.name)
        part = folder / f"part-{uuid.uuid4().hex}"
        try:
            part.mkdir(parents=True)
            self._write(part, catalogue, certificate, origin)
            final = _renamed(part, folder, catalogue.version)
            _write_json(folder / "current.json", {"format": FORMAT, "version": final.name})
        except OSError as error:
            why = error.strerror or "only a part of it was written"
            raise FileError(
                f"The catalogue of {spec.label} cannot be kept in {folder} ({why}).",
                "Is the disk full, or the folder not writable?",
            ) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self._problems.pop(spec.name, None)
        self._tidy(spec)

    def status(self, spec: MissionSpec, now_mjd: float | None = None) -> CatalogueStatus:
        """What is kept, without reading more of it than its release dates. `now_mjd` (UTC) decides what is public."""
        now = MJD_OF_1970 + time.time() / SECONDS_PER_DAY if now_mjd is None else now_mjd
        found = self._newest(spec, lambda version: _count_restricted(version, now))
        problem = self.problem(spec.name)
        if found is None:
            text = f"No catalogue of {spec.label} is on this machine."
            return CatalogueStatus(spec.name, spec.label, "none", 0, 0, 0, text, None, problem, bool(spec.sources))
        version, restricted = found
        return CatalogueStatus(
            spec.name, spec.label, version.origin, version.rows, version.unusable, restricted, version.provenance,
            version.certificate, problem, bool(spec.sources), False, version.size_bytes,
        )  # fmt: skip

    def saved_mjd(self, spec: MissionSpec) -> float:
        """When (MJD, UTC) the version in use was saved; NaN if there is none."""
        found = self._newest(spec, lambda version: None)
        return float("nan") if found is None else found[0].saved_mjd

    def problem(self, mission: str) -> str:
        """Why the newest version was not used when it was last asked for; empty if it was."""
        return self._problems.get(mission, "")

    def remove(self, spec: MissionSpec) -> None:
        """Forget all versions of a mission's catalogue; nothing happens if there is none."""
        folder = self._mission_folder(spec.name)
        try:
            if folder.is_dir():
                shutil.rmtree(folder)
        except OSError as error:
            why = f"{folder} could not be removed ({error.strerror})."
            raise FileError(why, "Check the permissions of the folder.") from error
        self._problems.pop(spec.name, None)

    def verify(self, spec: MissionSpec) -> None:
        """Read every byte of the version in use and compare it with its checksums.

        Raises
        ------
        FileError : there is none, or a file is not what was written; the message names it.
        """
        found = self._newest(spec, lambda version: None)
        if found is None:
            raise FileError(f"No catalogue of {spec.label} is kept in {self.folder}.", _DAMAGED)
        for file in found[0].files:
            path = found[0].folder / file.file_name
            if sha256_of(path) != file.sha256:
                raise FileError(f"{path} is damaged: its checksum is not the one that was noted.", _DAMAGED)

    def _mission_folder(self, mission: str) -> Path:
        if not _MISSION.fullmatch(mission):
            raise ValueError(f"{mission!r} is not the name of a mission")
        return self.folder / mission

    def _newest(self, spec: MissionSpec, use: Any) -> tuple[_Version, Any] | None:
        """The first version that can be used, with what `use` makes of it; the reason why others cannot is remembered."""
        reasons = []
        for folder in self._candidates(spec.name):
            try:
                version = _read_version(folder, spec)
                result = use(version)
            except FileError as error:
                reasons.append(error.message)
                continue
            self._remember(spec.name, reasons, "The version before it is used.")
            return version, result
        self._remember(spec.name, reasons, "No other version is there.")
        return None

    def _remember(self, mission: str, reasons: list[str], consequence: str) -> None:
        self._problems.pop(mission, None)
        if reasons:
            self._problems[mission] = f"{reasons[0]} {consequence}"

    def _candidates(self, mission: str) -> Iterator[Path]:
        """The version in use, those before it, newest first, and what is whole but was never in use. Without a readable pointer:
        all, newest first."""
        folder = self._mission_folder(mission)
        versions = _version_folders(folder)
        current = _pointed_to(folder)
        if current is not None:
            yield folder / current
            older = [path for path in versions if path.name < current]
            versions = older + [path for path in versions if path.name > current]
        yield from versions

    def _write(self, part: Path, catalogue: Catalogue, certificate: Certificate | None, origin: str) -> None:
        files = write_arrays(part, arrays_of(catalogue))
        document = {
            "format": FORMAT,
            "mission": catalogue.mission,
            "version": catalogue.version,
            "provenance": catalogue.provenance,
            "origin": origin,
            "saved_mjd": MJD_OF_1970 + time.time() / SECONDS_PER_DAY,
            "rows": len(catalogue),
            "unusable": int(np.count_nonzero(catalogue.unusable_reason != "")),
            "certificate": None if certificate is None else certificate.to_json(),
            "files": [file.to_json() for file in files],
        }
        _write_json(part / "catalogue.json", document)
        _sync(part)

    def _tidy(self, spec: MissionSpec) -> None:
        """Keep the version in use and the newest usable one before it; remove the others and what killed programs left."""
        folder = self._mission_folder(spec.name)
        kept = [_pointed_to(folder)]
        for version in self._candidates(spec.name):
            if len(kept) == 1 and version.name != kept[0] and _is_usable(version, spec):
                kept.append(version.name)
        for path in _version_folders(folder):
            if path.name not in kept and path.name < str(kept[0]):
                shutil.rmtree(path, ignore_errors=True)
        for path in folder.glob("part-*"):
            if not path.is_symlink() and time.time() - path.stat().st_mtime > _PART_AGE_S:
                shutil.rmtree(path, ignore_errors=True)


def _load(spec: MissionSpec, version: _Version) -> Catalogue:
    catalogue = rebuilt(spec, version.version, version.provenance, read_arrays(version.folder, version.files))
    if len(catalogue) != version.rows:
        raise FileError(f"{version.folder} is damaged: it has {len(catalogue)} rows where {version.rows} were noted.", _DAMAGED)
    return catalogue


def _renamed(part: Path, folder: Path, version: str) -> Path:
    """Give a whole version its name. The number grows; another program may take one in the meantime."""
    short = re.sub("[^0-9a-z]", "", version.lower(), flags=re.ASCII)[:16] or "0"
    while True:
        numbers = [int(path.name.split("-")[0]) for path in _version_folders(folder)]
        final = folder / f"{max(numbers, default=0) + 1:06d}-{short}"
        try:
            part.rename(final)
        except OSError:
            if not final.exists():
                raise
            continue
        _sync(folder)
        return final


def _version_folders(folder: Path) -> list[Path]:
    """Newest first. Links are not followed: what is in the cache was written by this program."""
    try:
        entries = [entry for entry in os.scandir(folder) if _VERSION_FOLDER.fullmatch(entry.name)]
    except OSError:
        return []
    return sorted((Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)), reverse=True)


def _pointed_to(folder: Path) -> str | None:
    try:
        document = _read_json(folder / "current.json")
    except FileError:
        return None
    name = document.get("version")
    if document.get("format") != FORMAT or not isinstance(name, str) or not _VERSION_FOLDER.fullmatch(name):
        return None
    return name


def _read_version(folder: Path, spec: MissionSpec) -> _Version:
    """Raises FileError if it is damaged, of another form or another mission's."""
    if folder.is_symlink() or not folder.is_dir():
        raise FileError(f"The version {folder.name} of the catalogue of {spec.label} is not there.", _DAMAGED)
    path = folder / "catalogue.json"
    document = _read_json(path)
    if document.get("format") != FORMAT:
        raise FileError(f"{path} was written by another version of this program.", _DAMAGED)
    if document.get("mission") != spec.name:
        raise FileError(f"{path} belongs to another mission than {spec.label}.", _DAMAGED)
    try:
        certificate = document["certificate"]
        version = _Version(
            folder,
            version=_text(document["version"]),
            provenance=_text(document["provenance"]),
            origin=_text(document["origin"]),
            saved_mjd=float(document["saved_mjd"]),
            rows=int(document["rows"]),
            unusable=int(document["unusable"]),
            certificate=None if certificate is None else Certificate.from_json(certificate),
            files=tuple(ColumnFile.from_json(entry) for entry in document["files"]),
        )
        if version.origin not in ORIGINS:
            raise ValueError(version.origin)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FileError(f"{path} is damaged ({type(error).__name__}: {error}).", _DAMAGED) from error
    return version


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _is_usable(folder: Path, spec: MissionSpec) -> bool:
    try:
        _load(spec, _read_version(folder, spec))
    except FileError:
        return False
    return True


def _count_restricted(version: _Version, now_mjd: float) -> int:
    dates = read_arrays(version.folder, [file for file in version.files if file.key == ("column", "public_mjd", "array")])
    return int(np.count_nonzero(np.concatenate(list(dates.values())) > now_mjd)) if dates else 0


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.is_symlink() or path.stat().st_size > _LARGEST_JSON:
            raise FileError(f"{path} is not a file that this program wrote.", _DAMAGED)
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise FileError(f"{path} cannot be read ({error.strerror}).", _DAMAGED) from error
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} is damaged: it is no JSON document.", _DAMAGED) from error
    if not isinstance(document, dict):
        raise FileError(f"{path} is damaged: it is no JSON object.", _DAMAGED)
    return document


def _write_json(path: Path, document: dict[str, Any]) -> None:
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    with part.open("w", encoding="ascii") as file:
        json.dump(document, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Force the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The versions of calibration: XMM-Newton's current calibration files (CCF) and HEASARC's calibration database (CALDB)."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

_MOST_FOLDERS = 20
_CALDB_INDEX = "data/nustar/fpm/caldb.indx"


@dataclass(frozen=True)
class CcfFiles:
    """Calibration files of one or several folders.

    `digest` is of their sorted names: a name carries the issue (`EPN_CTI_0058.CCF`), an issue never changes once it is published,
    so the same names are the same calibration wherever and whenever they were copied. `newest_s` is the time (UNIX, seconds) of
    the newest file, 0.0 without any; mirrors of ESA's folder keep the times of publication.
    """

    count: int
    empty: tuple[str, ...]
    newest_s: float
    newest: str
    digest: str

    @property
    def version(self) -> str:
        """« 3412 files, 4f2a9c01d2 », "" without any."""
        files = "1 file" if self.count == 1 else f"{self.count} files"
        return f"{files}, {self.digest[:10]}" if self.count else ""


_known_ccf: dict[tuple[tuple[str, int], ...], CcfFiles] = {}


def ccf_folders(text: str) -> tuple[str, ...]:
    """The folders of a SAS_CCFPATH."""
    return tuple(dict.fromkeys(one for one in text.split(os.pathsep) if one))[:_MOST_FOLDERS]


def ccf_files(text: str) -> CcfFiles:
    """What the folders of a SAS_CCFPATH hold. They are read again only when a folder has changed (a file came or went)."""
    key = tuple((folder, _changed_ns(folder)) for folder in ccf_folders(text))
    if key not in _known_ccf:
        if len(_known_ccf) > _MOST_FOLDERS:
            _known_ccf.clear()
        _known_ccf[key] = _read_ccf(ccf_folders(text))
    return _known_ccf[key]


def _read_ccf(folders: tuple[str, ...]) -> CcfFiles:
    names: dict[str, tuple[float, int]] = {}
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.upper().endswith(".CCF") and entry.name not in names:
                        names[entry.name] = _time_and_size(entry)
        except (OSError, ValueError):
            continue  # the Doctor says which folder cannot be read; what the others hold still counts
    digest = hashlib.sha256("\n".join(sorted(names)).encode("utf-8", "surrogateescape")).hexdigest()
    newest = max(names, key=lambda name: names[name][0], default="")
    empty = tuple(sorted(name for name, (_, size) in names.items() if size == 0))
    return CcfFiles(len(names), empty, names[newest][0] if newest else 0.0, newest, digest)


def _time_and_size(entry: os.DirEntry[str]) -> tuple[float, int]:
    try:
        facts = entry.stat()
    except OSError:  # a link that leads nowhere
        return 0.0, 0
    return facts.st_mtime, facts.st_size


def _changed_ns(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except (OSError, ValueError):
        return -1


def caldb_version(folder: str) -> str:
    """The version of NuSTAR's part of a CALDB: its index `caldb.indx` is a link to the one in force (« caldb.indx20240812 » is
    v20240812). Where it is a file, the newest dated index with the same contents decides, else a digest of it; for a CALDB on
    the web « remote »; "" where there is no index."""
    if folder.startswith(("http://", "https://", "ftp://")):
        return "remote"
    index = Path(folder) / _CALDB_INDEX
    try:
        if index.is_symlink():
            target = index.readlink().name
            return f"v{target.rpartition('indx')[2]}" if index.exists() else ""
        data = index.read_bytes()
        dated = sorted((index.parent / "index").glob("caldb.indx*"), reverse=True)
        same = next((one for one in dated if one.stat().st_size == len(data) and one.read_bytes() == data), None)
    except (OSError, ValueError):
        return ""
    return f"v{same.name.rpartition('indx')[2]}" if same else f"index {hashlib.sha256(data).hexdigest()[:10]}" if data else ""

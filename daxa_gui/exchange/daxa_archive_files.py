"""The files of a DAXA archive: where an observation's data lie, what their names say, and paths of another machine found here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.product_names import product_place
from daxa_gui.exchange.daxa_archive import FAILED, PROCESSED, SAFE

FOLDERS = ("events", "images", "background", "cleaning", "misc")
MOST_FILES = 2_000_000
# Types in DAXA's names that are other ones in ours.
_DAXA_TYPES = {
    ("events", "events"): ProductKind.CALIBRATED_EVENTS, ("background", "allgoodOoTevents"): ProductKind.ALL_GOOD_OOT_EVENTS,
    ("cleaning", "flaringGTI"): ProductKind.GTI,
}  # fmt: skip
# Files with names of their own: directly in an observation's folder (XMM-Newton), or of both modules (NuSTAR, in « misc »).
_MOS = {"mos1": "M1", "mos2": "M2"}
_ANOMALIES = re.compile(r"(?P<camera>mos[12])(?P<exposure>[SU]\d{3})-anom\.log", re.ASCII)
_SHARED = {
    "attitude": ProductKind.ATTITUDE, "mast": ProductKind.MAST, "obeb": ProductKind.OBEB, "psd": ProductKind.PSD,
    "psdcorr": ProductKind.CORRECTED_PSD,
}  # fmt: skip
_NUMBER = r"\d+(?:\.\d+)?"
_NAME = re.compile(
    r"obsid(?P<obs>[^-]+)-inst(?P<inst>.+?)-subexp(?P<exp>[^-]+)(?:-en(?P<en>[^-]*))?-(?P<type>\w+)\.(?P<ext>[\w.]+)", re.ASCII
)
_BAND = re.compile(rf"_?(?P<low>{_NUMBER})_(?P<high>{_NUMBER})(?P<unit>keV|PI)", re.ASCII)
_LOG = re.compile(r"(?P<step>[A-Za-z][A-Za-z0-9_]*?)_(?P<ident>{obs}[A-Za-z0-9+.-]*)_(?P<stream>stdout|stderr)\.log")


@dataclass
class Place:
    """An archive's folder and the output folder around it. `refused` counts files that lead out of both."""

    folder: Path
    output: Path | None
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._roots = tuple(os.path.realpath(root) + os.sep for root in (self.folder, self.output) if root is not None)

    def is_inside(self, path: Path) -> bool:
        """Whether a path, with all links in it followed, ends in the archive or its output folder."""
        return (os.path.realpath(path) + os.sep).startswith(self._roots)

    def data_folders(self, mission: str, obs_id: str) -> list[Path]:
        """Where an observation's data lie: one folder among the processed or the failed ones, seldom one in each."""
        folders = (self.folder / kind / mission / obs_id for kind in (PROCESSED, FAILED))
        return [folder for folder in folders if folder.is_dir() and not folder.is_symlink()]

    def obs_ids(self, mission: str) -> dict[str, bool]:
        """ObsIDs that have a folder → whether it is among the failed data."""
        found: dict[str, bool] = {}
        for kind in (FAILED, PROCESSED):
            for entry in _entries(self.folder / kind / mission):
                if entry.is_dir(follow_symlinks=False) and SAFE.fullmatch(entry.name) and ".." not in entry.name:
                    found[entry.name] = kind == FAILED
        return found

    def missions(self) -> list[str]:
        names = {entry.name for kind in (PROCESSED, FAILED) for entry in _entries(self.folder / kind) if entry.is_dir()}
        return sorted(names)

    def products(self, mission: str, obs_id: str) -> Iterator[tuple[ProductKey, Path]]:
        """Files whose name is one of DAXA's products of this observation; of second names (ours have some) the first counts."""
        seen: set[tuple[int, int]] = set()
        kinds: set[ProductKind] = set()
        for folder, name in ((folder, name) for folder in self.data_folders(mission, obs_id) for name in (*FOLDERS, "")):
            for entry in _entries(folder / name):
                key = product_key(mission, obs_id, entry.name, name) if name else _loose_key(mission, obs_id, entry.name)
                if key is None:
                    continue
                path = Path(entry.path)
                if not entry.is_file() or not self.is_inside(path):
                    self.refused.append(str(path))
                    continue
                status = path.stat()
                is_second = (status.st_dev, status.st_ino) in seen or (not name and key.kind in kinds and not key.instrument)
                seen.add((status.st_dev, status.st_ino))
                kinds.add(key.kind)
                if not is_second:
                    yield key, path

    def logs(self, mission: str, obs_id: str) -> dict[tuple[str, str, str], str]:
        """(process, unit, « stdout » or « stderr ») → absolute path."""
        pattern = re.compile(_LOG.pattern.replace("{obs}", re.escape(obs_id)), re.ASCII)
        found = {}
        for entry in (entry for folder in self.data_folders(mission, obs_id) for entry in _entries(folder / "logs")):
            match = pattern.fullmatch(entry.name)
            if match is not None and entry.is_file() and self.is_inside(Path(entry.path)):
                found[match["step"], match["ident"], match["stream"]] = entry.path
        return found

    # ---- paths of another machine

    def here(self, text: str) -> str:
        """A path as it is today, of one that DAXA wrote on any machine before folders were moved; "" if there is no such file."""
        parts = [part for part in text.split("/") if part not in ("", ".")]
        if ".." in parts or "\0" in text or len(text) > 4096:
            return ""
        for index in range(len(parts) - 1, -1, -1):
            for candidate in self._candidates(parts[index:]):
                if self.is_inside(candidate) and candidate.exists():
                    return str(candidate)
        return ""

    def _candidates(self, parts: list[str]) -> Iterator[Path]:
        if parts[0] in (PROCESSED, FAILED):
            for kind in (parts[0], FAILED if parts[0] == PROCESSED else PROCESSED):
                yield self.folder.joinpath(kind, *parts[1:])
        elif parts[0].endswith("_raw") and self.output is not None:
            yield self.output.joinpath(*parts)

    def mapped(self, value: Any, depth: int = 0) -> Any:
        """The same plain value with every path that is found here as it is today; others stay as they stand."""
        if isinstance(value, str):
            return (self.here(value) or value) if value.startswith("/") else value
        if depth > 20:
            return None
        if isinstance(value, Mapping):
            return {str(key): self.mapped(part, depth + 1) for key, part in value.items()}
        return [self.mapped(part, depth + 1) for part in value] if isinstance(value, list) else value


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:  # absent, no folder, or closed to us: there is nothing to be had from it
        return []


@cache
def _types() -> dict[tuple[str, str], tuple[ProductKind, str]]:
    """(folder, type in the name) → kind and suffix."""
    found = {}
    for kind in ProductKind:
        folder, _, name = product_place(ProductKey("m", "o", kind, "i", "e")).partition("/")
        stem, dot, suffix = name.rpartition("-")[2].partition(".")
        found[folder, stem] = (kind, dot + suffix)
    return found | {place: (kind, ".fits") for place, kind in _DAXA_TYPES.items()}


def product_key(mission: str, obs_id: str, name: str, folder: str = "") -> ProductKey | None:
    """What a file name of DAXA's (or ours) says; None for a name of another form or of another observation."""
    for shared, kind in _SHARED.items():
        if folder == "misc" and name == f"obsid{obs_id}-{shared}.fits":
            return ProductKey(mission, obs_id, kind)
    match = _NAME.fullmatch(name)
    if match is None or match["obs"] != obs_id:
        return None
    kind, suffix = _types().get((folder, match["type"]), (ProductKind.OTHER, ".fits"))
    if not (f".{match['ext']}" == suffix or match["ext"].startswith("fits")):
        return None
    instrument, exposure = (("" if match[key] == "None" else match[key]) for key in ("inst", "exp"))
    return ProductKey(mission, obs_id, kind, instrument, exposure, _band_kev(match["en"] or "", folder))


def _loose_key(mission: str, obs_id: str, name: str) -> ProductKey | None:
    """What a file directly in the folder of an observation of XMM-Newton is."""
    if mission != "xmm_pointed":
        return None
    if name == "ccf.cif":
        return ProductKey(mission, obs_id, ProductKind.CIF)
    if name == f"P{obs_id}OBX000ATTTSR0000.FIT":
        return ProductKey(mission, obs_id, ProductKind.ATTITUDE)
    if re.fullmatch(rf"\d{{4}}_{re.escape(obs_id)}_SCX00000SUM\.SAS", name, re.ASCII):
        return ProductKey(mission, obs_id, ProductKind.ODF_SUMMARY)
    match = _ANOMALIES.fullmatch(name)
    return ProductKey(mission, obs_id, ProductKind.ANOMALY_LOG, _MOS[match["camera"]], match["exposure"]) if match else None


def _band_kev(text: str, folder: str) -> tuple[float, float] | None:
    """Energies in keV. DAXA writes eV and says keV in the folder « cleaning »; PI channels of eROSITA are eV."""
    match = _BAND.fullmatch(text)
    if match is None:
        return None
    scale = 0.001 if match["unit"] == "PI" or (folder == "cleaning" and float(match["high"]) >= 100.0) else 1.0
    low, high = (round(float(match[name]) * scale, 9) for name in ("low", "high"))
    return (low, high) if 0.0 <= low < high else None

"""What lies on the disk of an archive and in its raw folders, read without the database: manifests, names of products."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from daxa_gui.archive.layout import FAILED, PROCESSED, ArchiveLayout
from daxa_gui.core.errors import InputError
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.missions import MISSIONS

MANIFEST = ".manifest.jsonl"  # of a raw folder: docs/downloads.md says what is in it
_NAME = re.compile(
    r"inst(?P<instrument>.+?)-subexp(?P<exposure>.+?)(?:-en(?P<low>[0-9.e+]+(?:e-[0-9]+)?)_(?P<high>[0-9.e+]+)keV)?"
    r"-(?P<type>[A-Za-z0-9_.+]+)(?P<suffix>\.[A-Za-z0-9]+)"
)  # fmt: skip


@dataclass(frozen=True)
class Fetched:
    """A line of a manifest. `date` is seconds since 1970 (UTC), 0 if it does not say."""

    name: str
    service: str
    path: str
    sha256: str
    size_bytes: int
    date: float


def manifest_of(folder: Path) -> dict[str, Fetched]:
    """What was fetched into a raw folder, the newest line of each file, by its name; damaged lines are left out."""
    try:
        lines = (folder / MANIFEST).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    found: dict[str, Fetched] = {}
    for line in lines:
        try:
            values = json.loads(line)
            name = str(values["name"])
            if not name or name.startswith("/") or ".." in PurePosixPath(name).parts or "\0" in name:
                continue
            found[name] = Fetched(
                name, str(values["service"]), str(values["path"]), str(values["sha256"]), int(values["size_bytes"]),
                _seconds(values.get("date")),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _seconds(date: Any) -> float:
    try:
        return datetime.fromisoformat(str(date)).timestamp()
    except ValueError:
        return 0.0


def raw_key(mission: str, obs_id: str, name: str) -> ProductKey:
    """What a downloaded file is, as its mission reads its name; RAW for names that say nothing."""
    spec = MISSIONS.get(mission)
    about = resolve(spec.raw_file)(PurePosixPath(name).name) if spec is not None and spec.raw_file else None
    if about is None:
        return ProductKey(mission, obs_id, ProductKind.RAW)
    return ProductKey(mission, obs_id, about.kind, about.instrument, about.exposure, about.band_kev)


@cache
def _kinds() -> dict[tuple[str, str], ProductKind]:
    """Kinds by folder and type in the name, as the layout writes them."""
    layout = ArchiveLayout(Path("/"), Path("/archive"))
    found = {}
    for kind in ProductKind:
        path = layout.product_path(ProductKey("m", "o", kind, "i", "e"))
        found[path.parent.name, path.stem.rpartition("-")[2]] = kind
    return found


def product_key(layout: ArchiveLayout, path: Path) -> ProductKey | None:
    """What a product is, read from its place and name (the opposite of `ArchiveLayout.product_path`); None if they do not say.

    Products of kind OTHER and those that keep their own names (spectra) are not recognised.
    """
    try:
        parts = path.relative_to(layout.folder).parts
    except ValueError:
        return None
    if len(parts) != 5 or parts[0] not in (PROCESSED, FAILED):
        return None
    _, mission, obs_id, folder, name = parts
    match = _NAME.fullmatch(name.removeprefix(f"obsid{obs_id}-")) if name.startswith(f"obsid{obs_id}-") else None
    kind = _kinds().get((folder, match["type"])) if match is not None else None
    if match is None or kind is None or kind is ProductKind.OTHER:
        return None
    band = (float(match["low"]), float(match["high"])) if match["low"] else None
    instrument, exposure = ("" if match[part] == "None" else match[part] for part in ("instrument", "exposure"))
    key = ProductKey(mission, obs_id, kind, instrument, exposure, band)
    try:
        return key if layout.product_path(key).name == name else None
    except InputError:
        return None


def observations_on_disk(layout: ArchiveLayout) -> Iterator[tuple[str, str]]:
    """(mission, ObsID) of folders of processed and failed data, each once."""
    seen = set()
    for root in (PROCESSED, FAILED):
        for folder in sorted((layout.folder / root).glob("*/*")):
            key = (folder.parent.name, folder.name)
            if folder.is_dir() and not folder.is_symlink() and key not in seen:
                seen.add(key)
                yield key

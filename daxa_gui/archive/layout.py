"""All paths of the output folder and its archives, in the layout of the DAXA Python package. Nothing is read or written here.

<out>/<mission>_raw/<ObsID>/…                     downloaded, shared by all archives
<out>/archives/<name>/processed_data/<mission>/<ObsID>/{events,images,background,cleaning,misc,logs,spectra,lightcurves}/
<out>/archives/<name>/{failed_data,regions,.save_info}/…
<out>/archives/<name>/{daxa_gui.sqlite,.daxa_gui.lock,work/job-<id>/,logs/}   ours, unknown to DAXA
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.product import ProductKey, ProductKind

ARCHIVES = "archives"
DATABASE = "daxa_gui.sqlite"
PROCESSED, FAILED = "processed_data", "failed_data"
MAX_NAME_BYTES = 120  # leaves room for the longest path below it within 255 bytes of a file name

_FORBIDDEN = set('/\\:*?"<>|')  # separators, and what disks shared with other systems cannot hold
_RESERVED = {"con", "prn", "aux", "nul", *(f"com{i}" for i in range(1, 10)), *(f"lpt{i}" for i in range(1, 10))}
_SAFE_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")

# Folder and type of each kind of product (DAXA's names).
_PLACES = {
    ProductKind.EVENTS: ("events", "events"),
    ProductKind.CLEAN_EVENTS: ("events", "cleanevents"),
    ProductKind.FINAL_EVENTS: ("events", "finalevents"),
    ProductKind.RAW: ("misc", "raw"),
    ProductKind.SPECTRUM: ("spectra", "spectrum"),  # this folder and the next are ours: DAXA takes no spectra over
    ProductKind.SOURCE_LIGHTCURVE: ("lightcurves", "sourcelightcurve"),
    ProductKind.GTI: ("cleaning", "gti"),
    ProductKind.LIGHTCURVE: ("cleaning", "lightcurve"),
    ProductKind.IMAGE: ("images", "image"),
    ProductKind.EXPOSURE_MAP: ("images", "expmap"),
    ProductKind.BACKGROUND_MAP: ("background", "backmap"),
    ProductKind.OTHER: ("misc", "other"),
}


def checked_archive_name(name: str) -> str:
    """The name as it becomes a folder (Unicode NFC); raises InputError for one that cannot be a folder everywhere."""
    text = unicodedata.normalize("NFC", name)
    problem = ""
    if not text.strip():
        problem = "is empty"
    elif text != text.strip() or text.endswith("."):
        problem = "begins or ends with a blank or ends with a full stop"
    elif text.startswith("."):
        problem = "begins with a full stop"
    elif any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in text):
        problem = "has invisible control characters"
    elif bad := sorted(_FORBIDDEN.intersection(text)):
        problem = f"has {' '.join(bad)} in it"
    elif text.split(".")[0].casefold() in _RESERVED:
        problem = "is reserved by some operating systems"
    elif len(text.encode("utf-8")) > MAX_NAME_BYTES:
        problem = f"is longer than {MAX_NAME_BYTES} bytes"
    if problem:
        shown = name.encode("unicode_escape", "replace").decode("ascii") if "control" in problem else name
        raise InputError(f"The archive name « {shown} » {problem}.", "Choose letters, digits, blanks, dashes and underscores.")
    return text


def _safe_part(text: str, what: str) -> str:
    """A mission, ObsID or instrument as one part of a path; refuses everything that could lead elsewhere."""
    if not _SAFE_PART.fullmatch(text) or ".." in text:
        raise InputError(f"« {text} » cannot be used as {what} in a file name.")
    return text


def product_name(key: ProductKey, name: str = "") -> str:
    """DAXA's file name `obsid{o}-inst{i}-subexp{se}[-en{lo}_{hi}keV]-{type}.fits`.

    `name` is what the task called the file: products of kind OTHER keep its stem as their type, and its suffix.
    """
    instrument = _safe_part(key.instrument, "an instrument") if key.instrument else "None"
    exposure = _safe_part(key.exposure, "a sub-exposure") if key.exposure else "None"
    band = ""
    if key.band_kev is not None:
        low, high = (float(energy) for energy in key.band_kev)
        band = f"-en{low!r}_{high!r}keV"
    kind, suffix = _PLACES[key.kind][1], ".fits"
    if key.kind is ProductKind.OTHER and name:
        kind = _safe_part(Path(name).stem, "a file name")
        suffix = Path(name).suffix or suffix
    return f"obsid{_safe_part(key.obs_id, 'an ObsID')}-inst{instrument}-subexp{exposure}{band}-{kind}{suffix}"


def _can_be_path(relative: str) -> bool:
    """Whether a text can be a path below a folder, on the disk that it is for."""
    parts = relative.split("/")
    if ".." in parts or "\0" in relative:
        return False
    return len(relative) < 64 or (len(relative) < 3000 and all(len(part.encode("utf-8", "replace")) < 256 for part in parts))


def log_path_text(logs: str, job_id: int) -> str:
    """A job's log below the folder of logs, as text: fast enough for a hundred thousand."""
    return f"{logs}/{job_id // 1000:04d}/job-{job_id}.log"


@dataclass(frozen=True)
class OutputLayout:
    """The output folder: raw data of every mission and all archives."""

    folder: Path

    @property
    def archives(self) -> Path:
        return self.folder / ARCHIVES

    def raw_folder(self, mission: str, obs_id: str) -> Path:
        """Downloaded files of one observation, shared by all archives."""
        return self.folder / f"{_safe_part(mission, 'a mission')}_raw" / _safe_part(obs_id, "an ObsID")

    def archive(self, name: str) -> ArchiveLayout:
        return ArchiveLayout(self.folder, self.archives / checked_archive_name(name))

    def archive_folders(self) -> list[Path]:
        """Folders of all archives of this program, by name."""
        if not self.archives.is_dir():
            return []
        folders = [folder for folder in self.archives.iterdir() if (folder / DATABASE).is_file()]
        return sorted(folders, key=lambda folder: folder.name.casefold())


@dataclass(frozen=True)
class ArchiveLayout:
    """One archive, `folder`, in the output folder `output` that holds its raw data. Both are absolute."""

    output: Path
    folder: Path

    @classmethod
    def of_folder(cls, folder: str | Path) -> ArchiveLayout:
        """The archive at `folder`; its raw data are looked for in the output folder around it."""
        path = Path(folder).expanduser().resolve()
        return cls(path.parent.parent if path.parent.name == ARCHIVES else path.parent, path)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def database(self) -> Path:
        return self.folder / DATABASE

    @property
    def lock(self) -> Path:
        return self.folder / ".daxa_gui.lock"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def work_folder(self, job_id: int) -> Path:
        return self.work / f"job-{int(job_id)}"

    def kept_work_folder(self, job_id: int) -> Path:
        """Where a job's intermediate files stay, if they are kept (`work` is emptied whenever the archive is opened)."""
        return self.folder / "intermediate" / f"job-{int(job_id)}"

    def log_path(self, job_id: int) -> Path:
        """At most a thousand logs in one folder."""
        return Path(log_path_text(str(self.logs), int(job_id)))

    def raw_folder(self, mission: str, obs_id: str) -> Path:
        return OutputLayout(self.output).raw_folder(mission, obs_id)

    def processed_folder(self, mission: str, obs_id: str) -> Path:
        return self.folder / PROCESSED / _safe_part(mission, "a mission") / _safe_part(obs_id, "an ObsID")

    def failed_folder(self, mission: str, obs_id: str) -> Path:
        """Where an observation's processed data go when nothing of it succeeded in the final step."""
        return self.folder / FAILED / _safe_part(mission, "a mission") / _safe_part(obs_id, "an ObsID")

    def product_path(self, key: ProductKey, name: str = "") -> Path:
        """Where a product belongs, by DAXA's rules (`name`: see `product_name`)."""
        return self.processed_folder(key.mission, key.obs_id) / _PLACES[key.kind][0] / product_name(key, name)

    def stored(self, path: str | Path) -> str:
        """A path as the archive remembers it, so that archive and output folder can be moved. Refuses paths elsewhere."""
        absolute = Path(path).resolve()
        for prefix, root in (("archive", self.folder), ("output", self.output)):
            if absolute.is_relative_to(root.resolve()) and absolute != root.resolve():
                return f"{prefix}:{absolute.relative_to(root.resolve()).as_posix()}"
        raise ArchiveError(f"The file {path} lies outside the archive {self.folder} and its output folder.")

    def absolute(self, stored: str) -> Path:
        """The opposite of `stored`; refuses what would lead out of the two folders."""
        prefix, _, relative = stored.partition(":")
        root = {"archive": self.folder, "output": self.output}.get(prefix)
        if root is None or not relative or relative.startswith("/") or not _can_be_path(relative):
            raise ArchiveError(f"The archive {self.folder} holds the unusable path « {stored} ».", "The database may be damaged.")
        return root / relative

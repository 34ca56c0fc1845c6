"""All paths of the output folder and its archives, in the layout of the DAXA Python package. Nothing is read or written here.

<out>/<mission>_raw/<ObsID>/…                     downloaded, shared by all archives
<out>/archives/<name>/processed_data/<mission>/<ObsID>/{events,images,background,cleaning,misc,logs,spectra,lightcurves}/
<out>/archives/<name>/{failed_data,regions,.save_info}/…
<out>/archives/<name>/{daxa_gui.sqlite,.daxa_gui.lock,work/job-<id>/,logs/}   ours, unknown to DAXA
"""

from __future__ import annotations

import os
import stat
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.product import ProductKey
from daxa_gui.core.product_names import product_place, safe_part

ARCHIVES = "archives"
DATABASE = "daxa_gui.sqlite"
PROCESSED, FAILED = "processed_data", "failed_data"
MAX_NAME_BYTES = 120  # leaves room for the longest path below it within 255 bytes of a file name

_FORBIDDEN = set('/\\:*?"<>|')  # separators, and what disks shared with other systems cannot hold
_RESERVED = {"con", "prn", "aux", "nul", *(f"com{i}" for i in range(1, 10)), *(f"lpt{i}" for i in range(1, 10))}


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


def _can_be_path(relative: str) -> bool:
    """Whether a text can be a path below a folder, on the disk that it is for."""
    parts = relative.split("/")
    if ".." in parts or "\0" in relative:
        return False
    return len(relative) < 64 or (len(relative) < 3000 and all(len(part.encode("utf-8", "replace")) < 256 for part in parts))


def _real_below(root: str, relative: str) -> str:
    """`os.path.realpath` of something below a folder that is real itself."""
    parts, place = relative.split("/"), root
    if not {"", ".", ".."}.intersection(parts):
        for part in parts:
            place = f"{place}/{part}"
            try:
                mode = os.lstat(place).st_mode
            except FileNotFoundError:  # so there is nothing behind it either
                return f"{root}/{relative}"
            except OSError:
                break
            if stat.S_ISLNK(mode):
                break
        else:
            return place
    return os.path.realpath(f"{root}/{relative}")


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
        return self.folder / f"{safe_part(mission, 'a mission')}_raw" / safe_part(obs_id, "an ObsID")

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

    @cached_property
    def real_roots(self) -> tuple[str, str]:
        """The archive's folder and the output folder without links; looked up once, because every path is held against them."""
        return str(self.folder.resolve()), str(self.output.resolve())

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

    def cluster_work_folder(self, job_id: int) -> Path:
        """Where a job works that is done on a cluster: it stays when the program closes."""
        return self.folder / "cluster" / f"job-{int(job_id)}"

    def configuration_folder(self, number: int) -> Path:
        """Where the products of an earlier configuration are kept."""
        return self.folder / "configurations" / str(int(number))

    def log_path(self, job_id: int) -> Path:
        """At most a thousand logs in one folder."""
        return Path(log_path_text(str(self.logs), int(job_id)))

    def raw_folder(self, mission: str, obs_id: str) -> Path:
        return OutputLayout(self.output).raw_folder(mission, obs_id)

    def processed_folder(self, mission: str, obs_id: str) -> Path:
        return self.folder / PROCESSED / safe_part(mission, "a mission") / safe_part(obs_id, "an ObsID")

    def failed_folder(self, mission: str, obs_id: str) -> Path:
        """Where an observation's processed data go when nothing of it succeeded in the final step."""
        return self.folder / FAILED / safe_part(mission, "a mission") / safe_part(obs_id, "an ObsID")

    def product_path(self, key: ProductKey, name: str = "") -> Path:
        """Where a product belongs, by DAXA's rules (`name`: see `product_name`)."""
        return self.processed_folder(key.mission, key.obs_id) / product_place(key, name)

    def stored(self, path: str | Path) -> str:
        """A path as the archive remembers it, so that archive and output folder can be moved. Refuses paths elsewhere."""
        absolute = self.real(os.fspath(path))
        for prefix, root in zip(("archive", "output"), self.real_roots, strict=True):
            if absolute.startswith(f"{root}/"):
                return f"{prefix}:{absolute.removeprefix(f'{root}/')}"
        raise ArchiveError(
            f"The file {path} lies outside the archive {self.folder} and its output folder.",
            self.advice_on_link(path) or f"Only what lies in {self.output} can be used: move or copy it there.",
        )

    def real(self, path: str) -> str:
        """`os.path.realpath` of an absolute path; of one below the two folders only what lies below them is looked at."""
        for folder, root in zip((str(self.folder), str(self.output)), self.real_roots, strict=True):
            if path.startswith(f"{folder}/"):
                return _real_below(root, path[len(folder) + 1 :])
        return os.path.realpath(path)

    def advice_on_link(self, path: str | Path) -> str:
        """What to do where a link on the way to a file leads out of the two folders; "" if there is no link on the way."""
        place = Path(path)
        for one in (place, *place.parents):
            if one in (self.folder, self.output) or not (one.is_relative_to(self.folder) or one.is_relative_to(self.output)):
                return ""
            if one.is_symlink():
                return (
                    f"{one} is a link to {os.path.realpath(one)}, and nothing behind it is used. Put the folder itself in its"
                    " place, or move the whole output folder to that disk (the output folder itself may be a link)."
                )
        return ""

    def absolute(self, stored: str) -> Path:
        """The opposite of `stored`; refuses what would lead out of the two folders."""
        prefix, _, relative = stored.partition(":")
        root = {"archive": self.folder, "output": self.output}.get(prefix)
        if root is None or not relative or relative.startswith("/") or not _can_be_path(relative):
            raise ArchiveError(f"The archive {self.folder} holds the unusable path « {stored} ».", "The database may be damaged.")
        return root / relative

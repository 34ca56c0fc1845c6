"""Making the practice sky once: a folder with an archive service's tree, the observation tables, and a note that it is whole."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.step import Outcome, TaskContext
from daxa_gui.practice.catalogues import write_catalogues
from daxa_gui.practice.sky import OBSERVATIONS, SIMULATED_NOTE, Observation

VERSION = 2  # raise it whenever the content changes: cached practice skies of older versions are then made anew
NOTE_NAME = "practice-sky.json"

# Where each mission's files are written, `write(www, observation, instrument, seed)`; "" stands for all instruments at once.
_WRITERS = {
    "xmm_pointed": "daxa_gui.practice.xmm",
    "chandra": "daxa_gui.practice.chandra",
    "erosita_calpv": "daxa_gui.practice.erosita",
    "rosat_pointed": "daxa_gui.practice.rosat",
    "swift": "daxa_gui.practice.swift",
    "nustar_pointed": "daxa_gui.practice.nustar",
}
_WEIGHTS = {"PN": 2.5, "M1": 1.0, "M2": 1.0, "chandra": 0.9, "erosita_calpv": 2.0}  # about quarters of a second
_ONE_FILE_PER_INSTRUMENT = ("xmm_pointed", "nustar_pointed")


@dataclass(frozen=True)
class _Piece:
    title: str
    weight: float  # how long it takes
    write: Callable[[Path], object]


def default_folder(cache_folder: Path, seed: int = 1) -> Path:
    """Where the practice sky of this version and seed is kept."""
    return cache_folder / f"practice-sky-{VERSION}-{seed}"


def is_made(folder: Path, seed: int = 1) -> bool:
    """Whether `folder` holds a whole practice sky of this version and seed."""
    try:
        note = json.loads((folder / NOTE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(note, dict) and note.get("version") == VERSION and note.get("seed") == seed


def catalogue_path(folder: Path, mission: str) -> Path:
    """The observation table of one mission (CSV, `daxa_gui.practice.catalogues`)."""
    return folder / "catalogues" / f"{mission}.csv"


def service_addresses(base_url: str) -> dict[str, str]:
    """Addresses of the archive services that the practice archive stands for."""
    base = base_url.rstrip("/")
    return {
        "heasarc": f"{base}/FTP",
        "erosita_edr": f"{base}/edr/eROSITAObservations/CalPvObs",
        "erosita_dr1": f"{base}/dr1",
    }


def _pieces(seed: int) -> list[_Piece]:
    def piece(observation: Observation, instrument: str) -> _Piece:
        write = import_module(_WRITERS[observation.mission]).write
        title = " ".join(filter(None, (observation.mission, observation.obs_id, instrument)))
        weight = _WEIGHTS.get(instrument or observation.mission, 0.4)
        return _Piece(title, weight, partial(write, observation=observation, instrument=instrument, seed=seed))

    pieces = []
    for observation in OBSERVATIONS:
        instruments = observation.instruments if observation.mission in _ONE_FILE_PER_INSTRUMENT else ("",)
        pieces += [piece(observation, instrument) for instrument in instruments]
    return pieces


def _is_ours(folder: Path) -> bool:
    return (folder / NOTE_NAME).is_file()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove_abandoned(folder: Path) -> None:
    """Delete what makers that died in the middle left behind."""
    pattern = re.compile(re.escape(folder.name) + r"\.part-(\d+)")
    for other in folder.parent.iterdir():
        match = pattern.fullmatch(other.name)
        if match and int(match[1]) != os.getpid() and not _alive(int(match[1])):
            shutil.rmtree(other, ignore_errors=True)


def _put_in_place(part: Path, folder: Path, seed: int) -> None:
    """Give the finished folder its name. Another program may have been faster; then its folder stays."""
    if folder.exists() and not is_made(folder, seed):
        if not _is_ours(folder) and any(folder.iterdir()):
            raise ArchiveError(
                f"The folder {folder} holds something else than a practice sky.", "Choose another folder or empty it."
            )
        shutil.rmtree(folder)
    try:
        part.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not is_made(folder, seed):
            raise


def _make(ctx: TaskContext, part: Path, seed: int) -> None:
    www = part / "www"
    write_catalogues(part / "catalogues")
    (www / "dr1").mkdir(parents=True)  # the service answers, with nothing in it
    pieces = _pieces(seed)
    total, done = sum(piece.weight for piece in pieces), 0.0
    for piece in pieces:
        ctx.check_cancelled()
        ctx.progress(done, total, piece.title)
        piece.write(www)
        done += piece.weight
    ctx.progress(total, total, "ready")
    note = {"version": VERSION, "seed": seed, "note": SIMULATED_NOTE}
    (part / NOTE_NAME).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")


def make_sky(ctx: TaskContext, folder: str, seed: int = 1) -> Outcome:
    """Make the practice sky in `folder` unless a whole one of this version and seed is there.

    The work is done in a folder beside it that gets its name at the end, so a run that is killed leaves nothing that looks
    whole; the next run deletes the remains.

    Raises
    ------
    ArchiveError : the disk is full or read-only, or `folder` holds something else.
    Cancelled : as the context asked.
    """
    target = Path(folder)
    if is_made(target, seed):
        return Outcome(facts={"folder": str(target), "made": False})
    part = target.with_name(f"{target.name}.part-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        _make(ctx, part, seed)
        _put_in_place(part, target, seed)
    except OSError as error:
        raise ArchiveError(
            f"The practice sky cannot be written into {target}: {error.strerror or error}.",
            "It needs about 100 MB in a folder that can be written to.",
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Outcome(facts={"folder": str(target), "made": True})

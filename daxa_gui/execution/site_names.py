"""Where work is done, as people write it: « local », « dask=ADDRESS », « slurm »; and the site that such a text names."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from daxa_gui.core.errors import ArchiveError, InputError, ReductionError
from daxa_gui.core.job import FINISHED, JobStore
from daxa_gui.core.settings import Settings
from daxa_gui.execution.dask_client import TlsFiles, check_files, need_distributed
from daxa_gui.execution.dask_connection import Cluster, FixedCluster
from daxa_gui.execution.dask_site import DaskSite
from daxa_gui.execution.runner import OWN_CODE
from daxa_gui.execution.slurm_options import slurm_options
from daxa_gui.execution.slurm_site import SlurmCluster

if TYPE_CHECKING:
    from daxa_gui.execution.sites import Site

LOCAL, DASK, SLURM = "local", "dask", "slurm"
CLUSTER_FOLDER = "cluster"  # in an archive
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.%]+\]")


@dataclass(frozen=True)
class ExecutorName:
    """`kind` is "local", "dask" or "slurm"; `address` of a Dask scheduler is « tcp://host:port » or « tls://host:port »."""

    kind: str
    address: str = ""

    def __str__(self) -> str:
        return f"{self.kind}={self.address}" if self.address else self.kind


def parse_executor(text: str) -> ExecutorName:
    """Understand « local » (or nothing), « slurm », « dask=head:8786 », « dask=tls://head:8786 ».

    Raises
    ------
    InputError : it is none of these.
    """
    kind, equals, address = text.strip().partition("=")
    kind = kind.strip().lower() or LOCAL
    if kind in (LOCAL, SLURM) and not equals:
        return ExecutorName(kind)
    if kind == DASK and equals:
        return ExecutorName(DASK, _address(address.strip()))
    raise InputError(
        f"« {text} » says not where the work is to be done.",
        "Write « local », « slurm », or « dask= » and the scheduler's address.",
    )


def _address(text: str) -> str:
    hint = "An address is written tcp://host:8786, or tls://host:8786 for a cluster with TLS."
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "tcp", text
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port
    except ValueError:
        raise InputError(f"« {text} » is no address of a Dask scheduler.", hint) from None
    host = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc
    if scheme not in ("tcp", "tls") or not _HOST.fullmatch(host) or parts.path or parts.query or parts.fragment:
        raise InputError(f"« {text} » is no address of a Dask scheduler.", hint)
    return f"{scheme}://{host}:{port or 8786}"


def tls_files(settings: Settings) -> TlsFiles:
    return TlsFiles(settings.dask_ca_file, settings.dask_cert_file, settings.dask_key_file)


def cluster_of(
    name: ExecutorName, archive_folder: Path, archive: str, settings: Callable[[], Settings], state_folder: Path
) -> Cluster:
    """The cluster that a text names. Raises InputError, ReductionError: see `make_site`."""
    if name.kind == DASK:
        check_files(name.address, tls_files(settings()))
        return FixedCluster(name.address, tls_files(settings()))
    slurm_options(settings())
    return SlurmCluster(
        own_folder(archive_folder), state_folder / f"{_digest(archive, archive_folder)}.slurm", lambda: slurm_options(settings())
    )


def make_site(
    text: str,
    *,
    archive_folder: Path,
    archive: str,
    settings: Callable[[], Settings],
    state_folder: Path,
    allowed: tuple[str, ...] = OWN_CODE,
    is_wanted: Callable[[int, float], bool] = lambda job_id, began: True,
    on_capacity: Callable[[], None] = lambda: None,
    patience_s: float = 30.0,
) -> Site | None:
    """The site that `parse_executor` understands; None for this machine. Nothing is connected or started yet.

    Parameters
    ----------
    archive_folder : seen by all machines under the same path.
    archive : what tells this archive from all others.
    settings : the present ones, asked again when a cluster is started.
    state_folder : this user's own, outside all archives: what must not come with an archive of somebody else is kept there.
    is_wanted, on_capacity, patience_s : see `DaskSite`; `wanted_by` makes the first.

    Raises
    ------
    InputError : the text or a setting cannot be used. ReductionError : packages are missing, or the archive's folder is not ours.
    """
    name = parse_executor(text)
    if name.kind == LOCAL:
        return None
    need_distributed()
    cluster = cluster_of(name, archive_folder, archive, settings, state_folder)
    return DaskSite(
        str(name),
        cluster,
        folder=own_folder(archive_folder),
        archive=f"{archive} {archive_folder}",
        seal=_secret(state_folder, _digest(archive, archive_folder)),
        allowed=allowed,
        is_wanted=is_wanted,
        on_capacity=on_capacity,
        patience_s=patience_s,
    )


def end_slurm(archive_folder: Path, archive: str, state_folder: Path) -> bool:
    """End the program that keeps Slurm jobs for an archive, with its jobs; whether there was one."""
    record = state_folder / f"{_digest(archive, archive_folder)}.slurm"
    return SlurmCluster(archive_folder / CLUSTER_FOLDER, record, lambda: slurm_options(Settings())).end()


def wanted_by(store: JobStore) -> Callable[[int, float], bool]:
    """Whether the result of a job whose run began at a time can still be taken: it has not ended meanwhile, and what it needs
    was not made again since."""

    def is_wanted(job_id: int, began: float) -> bool:
        try:
            job = store.get(job_id)
        except ArchiveError:
            return not _is_readable(store)
        if job.state in FINISHED:
            return False
        return all((need.finished or 0.0) <= began + 1.0 for need in store.get_all(job.needs))

    return is_wanted


def _is_readable(store: JobStore) -> bool:
    """One that cannot be read just now says nothing of a job; then nothing of it is thrown away."""
    try:
        store.unfinished()
    except ArchiveError:
        return False
    return True


def own_folder(archive_folder: Path) -> Path:
    """The archive's folder for what clusters need, made if it is not there.

    Raises
    ------
    ReductionError : something else stands in its place (archives may come from other people).
    """
    folder = archive_folder / CLUSTER_FOLDER
    try:
        folder.mkdir(exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise ReductionError(f"The folder {folder} cannot be made: {error.strerror or error}.", "May you write there?") from error
    if not stat.S_ISDIR(found.st_mode):
        raise ReductionError(f"Something else stands in the place of the folder {folder}.", "Remove it.")
    return folder


def _digest(archive: str, archive_folder: Path) -> str:
    return hashlib.sha256(f"{archive} {archive_folder}".encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _secret(state_folder: Path, name: str) -> str:
    """What only this user's programs know of an archive: marks what their workers leave in it."""
    path = state_folder / f"{name}.seal"
    try:
        if text := path.read_text(encoding="ascii").strip():
            return text
    except OSError:
        state_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = secrets.token_hex(32)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(text)
    return text

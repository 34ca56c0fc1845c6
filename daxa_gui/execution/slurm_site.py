"""The cluster that `slurm_host` keeps for an archive: found if it runs, started if not."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from daxa_gui.core.documents import to_json
from daxa_gui.core.errors import DaxaError, InputError
from daxa_gui.execution.commands import is_frozen, own_environment
from daxa_gui.execution.dask_client import INSTALL, TlsFiles, lost, need_distributed
from daxa_gui.execution.slurm_host import END, HOST, STATE

_START_S = 90.0
_FRESH_S = 60.0  # the state is written every few seconds


class SlurmCluster:
    """See `dask_connection.Cluster`.

    Parameters
    ----------
    folder : of the archive, on a disk that all machines share; each host gets a folder of its own in it, closed to others.
    record : a file outside the archive that remembers the name of the host's folder. An archive may come from somebody else and
        hold whatever looks like a running host: only the name that stands here is believed.
    options : `slurm_options.slurm_options`, asked for when a host is started.
    """

    def __init__(self, folder: Path, record: Path, options: Callable[[], Mapping[str, Any]]) -> None:
        self._folder = folder / "slurm"
        self._record = record
        self._options = options
        self._own: Path | None = None

    def locate(self, check: Callable[[], None]) -> tuple[str, TlsFiles]:
        found = self.found()
        if found is None:
            found = self._start(check)
        own = self._own
        assert own is not None
        key = own / "tls" / "cluster.key"
        certificate = str(own / "tls" / "cluster.pem")
        return found, TlsFiles(certificate, certificate, str(key))

    def least_capacity(self) -> int:
        """Slurm jobs are asked for when there are tasks for them."""
        options = self._options()
        return int(options["jobs"]) * int(options["cores"])

    def trouble(self) -> tuple[str, DaxaError | None]:
        state = _read(self._own / STATE) if self._own is not None else {}
        waiting = [str(reason) for _number, reason in state.get("waiting", ())]
        problem = str(state.get("problem", ""))
        text = f"waits for Slurm: {len(waiting)} pending ({'; '.join(dict.fromkeys(waiting))})" if waiting else "waits for Slurm"
        if not state.get("fatal"):
            return f"{text}; {problem}" if problem else text, None
        self.end()  # the next one is started with what the settings say then
        return f"{text}; {problem}", lost(
            f"Slurm does not run our jobs: {problem}.", "Change the settings of the cluster, then resume the queue."
        )

    # ---- finding

    def found(self) -> str | None:
        """The address of the scheduler that runs already; None if there is none."""
        try:
            name = self._record.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        own = self._folder / name
        if not name.isalnum() or own.is_symlink() or (own / END).exists():
            return None
        about = _read(own / HOST)
        address = about.get("address")
        if not isinstance(address, str) or not address.startswith("tls://") or not self._is_alive(own, about):
            return None
        self._own = own
        return address

    @staticmethod
    def _is_alive(own: Path, about: Mapping[str, Any]) -> bool:
        if about.get("machine") == platform.node():
            try:
                os.kill(int(about["pid"]), 0)
            except (ProcessLookupError, ValueError, KeyError):
                return False
            except PermissionError:
                return False
        try:
            return abs(time.time() - (own / STATE).stat().st_mtime) < _FRESH_S
        except OSError:
            return False

    # ---- starting

    def _start(self, check: Callable[[], None]) -> str:
        if is_frozen():
            raise InputError(
                "The bundled program cannot bring itself to the machines of a cluster.",
                f"{INSTALL} on the cluster, and use that.",
            )
        _need_packages()
        options = to_json(self._options())
        self._sweep()
        name = secrets.token_hex(16)
        own = self._folder / name
        own.mkdir(parents=True, mode=0o700)
        own.chmod(0o700)
        self._record.parent.mkdir(parents=True, exist_ok=True)
        self._record.write_text(name, encoding="ascii")
        with (own / "host.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "daxa_gui.execution.slurm_host", str(own)],
                stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, cwd=own, env=own_environment(),
                start_new_session=True,
            )  # fmt: skip
        assert process.stdin is not None
        with process.stdin as pipe:
            pipe.write(options.encode("ascii"))
        threading.Thread(target=process.wait, name="waits for slurm_host", daemon=True).start()
        end = time.monotonic() + _START_S
        while process.poll() is None and time.monotonic() < end:
            check()
            if (address := self.found()) is not None:
                return address
            time.sleep(0.1)
        (own / END).touch()
        problem = lost("The program that keeps Slurm jobs did not start.", f"{own / 'host.log'} tells more.")
        problem.details = (own / "host.log").read_text("utf-8", "replace")[-4000:]
        raise problem

    def _sweep(self) -> None:
        """Delete what earlier hosts left; their Slurm jobs have ended with them."""
        for old in self._folder.glob("*"):
            if not old.is_symlink() and old.is_dir():
                shutil.rmtree(old, ignore_errors=True)

    def end(self) -> bool:
        """End the host, its scheduler and its Slurm jobs; whether there was one."""
        was_there = self.found() is not None
        if self._own is not None:
            try:
                (self._own / END).touch()
            except FileNotFoundError:
                return False
        return was_there


def _need_packages() -> None:
    need_distributed()
    if importlib.util.find_spec("dask_jobqueue") is None:  # not imported: it wants a main thread
        raise lost("The package « dask-jobqueue », which work with Slurm needs, is not installed.", INSTALL)
    if shutil.which("sbatch") is None:
        raise lost("There is no Slurm here: the program « sbatch » was not found.", "Start DAXA GUI on a machine of the cluster.")


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}

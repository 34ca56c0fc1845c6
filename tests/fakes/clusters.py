"""Real clusters on this machine: a Dask scheduler with workers on 127.0.0.1, with and without TLS; Slurm; a line to cut."""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from daxa_gui.execution.certificates import write_certificates
from daxa_gui.execution.dask_client import NO_TLS
from tests.fakes.waiting import wait_for


def environment() -> dict[str, str]:
    project = str(Path(__file__).resolve().parents[2])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [project, os.environ.get("PYTHONPATH")])),
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
        "DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "3s",
        "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "false",
    }


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class DaskCluster:
    """A scheduler and workers, each worker in a process group of its own under a nanny, ended by their process numbers."""

    def __init__(self, folder: Path, *, tls: bool = False, workers: int = 2, nanny: bool = True) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._nanny = nanny
        self.workers: list[subprocess.Popen[bytes]] = []
        self.tls = write_certificates(folder / "tls") if tls else NO_TLS
        self._scheme = "tls" if tls else "tcp"
        self.port = _free_port()
        self.scheduler = self.start_scheduler()
        for _ in range(workers):
            self.start_worker()

    @property
    def address(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def _options(self) -> list[str]:
        options = ["--host", f"{self._scheme}://127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
        if self.tls.are_given:
            options += ["--tls-ca-file", self.tls.ca, "--tls-cert", self.tls.cert, "--tls-key", self.tls.key]
        return options

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"log-{time.monotonic_ns()}").open("wb")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(),
                cwd=self.folder,
                start_new_session=True,
            )

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        self.scheduler = self._start("distributed.cli.dask_scheduler", "--port", str(self.port), *self._options())
        return self.scheduler

    def start_worker(self) -> subprocess.Popen[bytes]:
        options = ["--nthreads", "2", "--nworkers", "1", "--memory-limit", "0", "--local-directory", str(self.folder)]
        options += ["--death-timeout", "100", "--nanny" if self._nanny else "--no-nanny", *self._options()]
        worker = self._start("distributed.cli.dask_worker", self.address, *options)
        self.workers.append(worker)
        return worker

    def wait_for_workers(self, count: int = 2) -> None:
        from daxa_gui.core.errors import DaxaError
        from daxa_gui.execution.dask_client import connect, known_threads

        def connected() -> bool:
            try:
                client = connect(self.address, self.tls, 5)
            except DaxaError:
                return False
            with client:
                wait_for(lambda: len(known_threads(client) or {}) >= count, "the workers' start")
            return True

        try:
            wait_for(connected, "the cluster's start")
        except AssertionError as error:
            raise AssertionError(f"{error}; its parts wrote:\n{self.logs()}") from error

    def logs(self) -> str:
        """The end of what the scheduler and the workers wrote."""
        return "\n".join(path.read_text(errors="replace")[-2000:] for path in sorted(self.folder.glob("log-*")))

    def worker_processes(self) -> list[int]:
        """The processes below the nannies, in which tasks run."""
        nannies = [nanny.pid for nanny in self.workers if nanny.poll() is None]
        return [child for nanny in nannies for child in _children(nanny) if _is_worker(child)]

    def close(self) -> None:
        for process in [*self.workers, self.scheduler]:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _free_port() -> int:
    """A port that stays free until somebody listens on it: below those that systems give to outgoing connections.

    One that was asked for with 0 is such a one, and goes to the next connection of another test before a scheduler has started.
    """
    while True:
        port = random.randrange(10_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _children(process: int) -> list[int]:
    found = []
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found += [int(text) for text in children.read_text().split()]
    return found


def processes_below(process: int) -> set[int]:
    found: set[int] = set()
    todo = [process]
    while todo:
        below = set(_children(todo.pop())) - found
        found |= below
        todo += below
    return found


def _is_worker(process: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False


class Line:
    """A TCP line between this program and a cluster, which a test can cut and mend."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.is_cut = False
        self._closed = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while not self._closed:
            if not select.select([self._server], [], [], 0.1)[0]:
                continue
            near, _ = self._server.accept()
            if self.is_cut:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._to), 5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                self._open |= {near, far}
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open.discard(source)

    def cut(self) -> None:
        self.is_cut = True
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.is_cut = False

    def close(self) -> None:
        self._closed = True
        self.cut()
        self._thread.join()
        self._server.close()


# ------------------------------------------------------------------------------------------------------------- Slurm

SLURM_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "sinfo")

_CONF = """\
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MinJobAge=300
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=4000 State=UNKNOWN
PartitionName=debug Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_no_slurm() -> str:
    """A sentence if Slurm cannot be run here, else empty."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    missing = [name for name in SLURM_PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        return f"Slurm is not installed here ({', '.join(missing)}); packaging/test_tools.sh installs it"
    if os.getuid() != 0:
        return "Slurm's daemons are run as root"
    if not Path("/sys/devices").is_dir():
        return "the system's devices (/sys) are not shown here, and slurmd does not start without them"
    try:
        if not socket.gethostbyname(socket.gethostname().split(".")[0]).startswith("127."):
            return "this machine's name does not lead to 127.0.0.1"
    except OSError as error:
        return f"this machine's name is not known to itself: {error}"
    return ""


@contextmanager
def slurm() -> Iterator[Path]:
    """A Slurm of one node; its configuration, for SLURM_CONF. Its folder has a short name: it holds sockets."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o711)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    host = socket.gethostname().split(".")[0]
    conf = folder / "slurm.conf"
    ports = {"controller": _free_port(), "daemon": _free_port()}
    conf.write_text(_CONF.format(host=host, folder=folder, cpus=os.cpu_count() or 1, **ports))
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o400)
    variables = {**os.environ, "SLURM_CONF": str(conf), "PATH": os.environ["PATH"] + os.pathsep + "/usr/sbin"}

    def call(*argv: str) -> str:
        return subprocess.run(argv, env=variables, check=True, capture_output=True, text=True, timeout=60).stdout

    files = {
        name: f"--{name}-file={folder}/munge{end}"
        for name, end in (("key", ".key"), ("pid", ".pid"), ("log", ".log"), ("seed", ".seed"))
    }
    try:
        call("munged", "--force", f"--socket={folder}/munge.socket", *files.values())
        call("slurmctld", "-c")
        call("slurmd")
        wait_for(lambda: _says(call, "idle"), "the start of Slurm")
        yield conf
    finally:
        for name in ("slurmd", "slurmctld", "munge"):
            _end(folder / f"{name}.pid")
        shutil.rmtree(folder, ignore_errors=True)


def _says(call: Callable[..., str], word: str) -> bool:
    try:
        return word in call("sinfo", "-h", "-o", "%t")
    except subprocess.CalledProcessError:
        return False


def _end(pid_file: Path) -> None:
    with suppress(FileNotFoundError, ValueError):
        process = int(pid_file.read_text())
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
        with suppress(AssertionError):
            wait_for(lambda: not alive(process))
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)

"""Whether a cluster can do this archive's work: asked of its machines before the first job, and on demand.

Each machine takes a look at the archive's folder: it reads what this program wrote there, writes something itself, and tells
what it is. Everything is compared here; each fault comes with what to do about it.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_gui.core.documents import to_json
from daxa_gui.core.errors import Cancelled, DaxaError
from daxa_gui.core.finding import Finding, Grade
from daxa_gui.core.settings import Settings, groups
from daxa_gui.execution.dask_client import INSTALL, connect, need_distributed
from daxa_gui.execution.dask_connection import Cluster
from daxa_gui.execution.dask_folder import LAG_S
from daxa_gui.execution.dask_task import own_versions
from daxa_gui.execution.site_names import LOCAL, cluster_of, own_folder, parse_executor

if TYPE_CHECKING:
    from distributed import Client

_VARIABLES = ("SAS_DIR", "SAS_CCFPATH", "HEADAS", "CALDB", "ASCDS_INSTALL", "SASS_ROOT")
_MOST_MACHINES = 64
_SMALL_BYTES = 2_000_000_000
_CLOCK_S = 5.0
_WORKERS_S = 180.0  # how long a first worker is waited for
_ANSWER_S = 60.0


def look(text: str) -> str:
    """Done on a machine of the cluster: what it sees of the shared folder, and what it is. JSON text to JSON text, never raises
    OSError."""
    asked = json.loads(text)
    folder = Path(asked["folder"])
    seen: dict[str, Any] = {
        "machine": platform.node(), "versions": own_versions(), "user": os.getuid(), "time": time.time(),
        "variables": [name for name in asked["variables"] if os.environ.get(name)],
        "missing": [name for name, place in asked["places"].items() if not Path(place).expanduser().is_dir()],
    }  # fmt: skip
    try:
        seen["read"] = hashlib.sha256((folder / asked["ours"]).read_bytes()).hexdigest()
    except OSError as error:
        return to_json({**seen, "problem": "read", "reason": error.strerror or str(error)})
    try:
        path = folder / f"{asked['ours']}-{platform.node()}-{os.getpid()}"
        data = secrets.token_bytes(4096)
        path.write_bytes(data)
        seen |= {"wrote": path.name, "sha256": hashlib.sha256(data).hexdigest(), "free_bytes": shutil.disk_usage(folder).free}
    except OSError as error:
        return to_json({**seen, "problem": "write", "reason": error.strerror or str(error)})
    return to_json(seen)


def check_site(
    text: str,
    archive_folder: Path,
    archive: str,
    settings: Callable[[], Settings],
    state_folder: Path,
    progress: Callable[[float, float | None, str], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Finding]:
    """Whether work can be done where `text` says (see `site_names`); for this machine there is nothing to find.

    Parameters
    ----------
    archive_folder, archive, settings, state_folder : see `site_names.make_site`.
    progress : (done, total, text) while it goes on; starting Slurm jobs takes a while.
    cancelled : whether nobody wants to know it any more.

    Raises
    ------
    InputError : the text says no place. Cancelled.
    """
    name = parse_executor(text)
    if name.kind == LOCAL:
        return []
    say = progress or (lambda done, total, words: None)
    try:
        need_distributed()
        cluster = cluster_of(name, archive_folder, archive, settings, state_folder)
        say(0, None, f"connects to {name}")
        address, tls = cluster.locate(lambda: _check(cancelled))
        client = connect(address, tls)
    except DaxaError as error:
        return [Finding(Grade.FAULT, "cluster-not-reached", str(name), error.message, error.hint)]
    try:
        return [
            *_encryption(str(name), address),
            *_check_machines(client, cluster, str(name), archive_folder, settings(), say, cancelled),
        ]
    finally:
        client.close(timeout=2)


def _check(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled


def _encryption(subject: str, address: str) -> list[Finding]:
    """Whoever can reach a scheduler without TLS can run programs as its user."""
    if address.startswith("tls://") or address.startswith(("tcp://127.", "tcp://localhost", "tcp://[::1]")):
        return []
    return [
        Finding(
            Grade.ADVICE, "cluster-without-tls", subject,
            f"{address} works without TLS: everybody who can reach it can run programs as the user of its workers.",
            "Start it with certificates (docs/clusters.md) unless nobody else is on this network.",
        )
    ]  # fmt: skip


def _check_machines(
    client: Client,
    cluster: Cluster,
    subject: str,
    archive_folder: Path,
    settings: Settings,
    say: Callable[[float, float | None, str], None],
    cancelled: Callable[[], bool],
) -> list[Finding]:
    end = time.monotonic() + _WORKERS_S
    starter = client.submit(look, to_json(_asked(Path("/"), "", Settings())), pure=False)  # Slurm starts jobs for work
    try:
        while not (workers := _one_of_each_machine(client)):
            words, error = cluster.trouble()
            say(0, None, words or "waits for a worker")
            _check(cancelled)
            if error is not None or time.monotonic() > end:
                sentence = error.message if error else f"The cluster has no worker{f': {words}' if words else ''}."
                return [Finding(Grade.FAULT, "no-workers", subject, sentence, error.hint if error else "Start workers.")]
            time.sleep(0.5)
        folder = own_folder(archive_folder)
        return _looked(client, workers, folder, subject, settings, say)
    finally:
        starter.cancel()


def _one_of_each_machine(client: Client) -> list[str]:
    """A worker's address for each machine."""
    try:
        found = client.scheduler_info(n_workers=-1)["workers"]
    except TypeError:  # versions before 2025.2 give all of them
        found = client.scheduler_info()["workers"]
    machines: dict[str, str] = {}
    for address, about in found.items():
        machines.setdefault(str(about.get("host", address)), address)
    return sorted(machines.values())[:_MOST_MACHINES]


def _asked(folder: Path, ours: str, settings: Settings) -> dict[str, Any]:
    places = {item.metadata["label"]: getattr(settings, item.name) for item in groups()["Software"]}
    return {
        "folder": str(folder), "ours": ours, "variables": _VARIABLES,
        "places": {label: place for label, place in places.items() if place},
    }  # fmt: skip


def _looked(
    client: Client,
    workers: list[str],
    folder: Path,
    subject: str,
    settings: Settings,
    say: Callable[[float, float | None, str], None],
) -> list[Finding]:
    ours, data = f"probe-{secrets.token_hex(8)}", secrets.token_bytes(4096)
    sha256 = hashlib.sha256(data).hexdigest()
    text = to_json(_asked(folder, ours, settings))
    findings: list[Finding] = []
    asking = ThreadPoolExecutor(8, thread_name_prefix="asks a worker")
    try:
        (folder / ours).write_bytes(data)
        answers = {worker: asking.submit(_ask, client, worker, text) for worker in workers}
        for number, (worker, answer) in enumerate(answers.items()):
            say(number, len(workers), f"looks at {worker}")
            findings += _look_at(worker, answer, folder, sha256, subject)
    except OSError as error:
        sentence = f"Nothing can be written into {folder}: {error.strerror or error}."
        return [Finding(Grade.FAULT, "folder-not-writable", subject, sentence, "Free space, or move the archive elsewhere.")]
    finally:
        asking.shutdown(wait=False, cancel_futures=True)  # a worker that hangs answers when the connection is closed
        for left in folder.glob(f"{ours}*"):
            left.unlink(missing_ok=True)
    return findings


def _ask(client: Client, worker: str, text: str) -> tuple[object, float, float]:
    """What a worker answers, or the exception, and the times just before and after."""
    before = time.time()
    try:
        answer: object = client.run(look, text, workers=[worker], on_error="return").get(worker)
    except (OSError, RuntimeError, ValueError) as error:
        answer = error
    return answer, before, time.time()


def _look_at(worker: str, asked: Future[tuple[object, float, float]], folder: Path, sha256: str, subject: str) -> list[Finding]:
    """The faults of one machine, or that it is well."""
    try:
        answer, before, after = asked.result(timeout=_ANSWER_S)
    except TimeoutError:
        return [_no_answer(worker, f"nothing came within {_ANSWER_S:g} s", subject)]
    if not isinstance(answer, str):
        return [_no_answer(worker, answer, subject)]
    seen = json.loads(answer)
    found = _judged(seen, worker, folder, sha256, (before, after))
    if any(one.grade is Grade.FAULT for one in found):
        return found
    software = ", ".join(seen["variables"]) or "none"
    sentence = (
        f"{seen['machine']} ({worker}) shares the archive's folder and has the same versions of DAXA GUI and Python. "
        f"Of the missions' software its environment names: {software}."
    )
    return [Finding(Grade.GOOD, "machine-good", str(seen["machine"]), sentence), *found]


def _no_answer(worker: str, answer: object, subject: str) -> Finding:
    reason = str(answer).strip().splitlines()[0] if str(answer).strip() else type(answer).__name__
    if isinstance(answer, ImportError) or "No module named" in str(answer):
        return Finding(
            Grade.FAULT, "daxa-gui-missing", worker, f"The worker {worker} does not have DAXA GUI: {reason}.",
            f"Its Python needs the same packages as this program. {INSTALL}",
        )  # fmt: skip
    return Finding(
        Grade.FAULT, "worker-does-not-answer", worker, f"The worker {worker} of {subject} did not answer: {reason}.",
        "Start the cluster's workers anew.",
    )  # fmt: skip


def _judged(
    seen: Mapping[str, Any], worker: str, folder: Path, sha256: str, asked_and_answered: tuple[float, float]
) -> list[Finding]:
    machine = f"{seen['machine']} ({worker})"

    def fault(code: str, text: str, fix: str, grade: Grade = Grade.FAULT) -> Finding:
        return Finding(grade, code, str(seen["machine"]), text, fix)

    found = []
    here, there = own_versions(), seen["versions"]
    if different := [name for name in here if here[name] != there.get(name)]:
        shown = ", ".join(f"{name} {there.get(name)} instead of {here[name]}" for name in different)
        found.append(
            fault("other-versions", f"{machine} has {shown}.", "Install the same version there and start its workers anew.")
        )
    same_path = "All machines have to see the archive under the same path: put it on a disk that they share."
    if seen.get("problem") == "read":
        found.append(fault("folder-not-seen", f"{machine} does not see {folder}: {seen['reason']}.", same_path))
    elif seen["read"] != sha256:
        found.append(fault("another-folder", f"{machine} sees another folder at {folder}.", same_path))
    elif seen.get("problem") == "write":
        fix = "The workers have to run as a user who may write into the archive, and its disk needs space."
        found.append(fault("folder-not-writable", f"{machine} cannot write into {folder}: {seen['reason']}.", fix))
    else:
        found += _what_came_back(seen, machine, folder, fault)
    before, after = asked_and_answered
    apart_s = max(before - seen["time"], seen["time"] - after, 0.0)
    if apart_s > _CLOCK_S:
        text = f"The clock of {machine} differs from ours by {apart_s:.0f} s: times in logs will not fit together."
        found.append(fault("clocks-differ", text, "Set the clocks of both machines (NTP).", Grade.ADVICE))
    if seen["missing"]:
        text = f"{machine} does not have the folder that the settings name for {', '.join(seen['missing'])}."
        found.append(fault("software-not-there", text, "Put the software where all machines see it, or clear these settings."))
    return found


def _what_came_back(seen: Mapping[str, Any], machine: str, folder: Path, fault: Callable[..., Finding]) -> list[Finding]:
    """The file that the machine wrote, as it is to be seen from here."""
    name, found = str(seen["wrote"]), []
    if os.sep in name:
        return [fault("another-folder", f"{machine} gave a strange answer.", "Is this the right cluster?")]
    came, end = _sha256(folder / name), time.monotonic() + LAG_S
    began = time.monotonic()
    while came != seen["sha256"] and time.monotonic() < end:
        time.sleep(0.1)
        came = _sha256(folder / name)
    if came != seen["sha256"]:
        fix = "All machines have to see the archive under the same path: put it on a disk that they share."
        return [fault("another-folder", f"What {machine} wrote into {folder} is not to be seen from here.", fix)]
    if (lag_s := time.monotonic() - began) > 2.0:
        text = f"What {machine} writes is seen here only after {lag_s:.0f} s: logs and progress will be late by as much."
        found.append(fault("slow-disk", text, "A file system without long caches of attributes is better.", Grade.ADVICE))
    status = (folder / name).stat()
    if status.st_uid != os.getuid() and not os.access(folder / name, os.W_OK):
        text = f"{machine} works as another user ({seen['user']}); what it makes cannot be moved or deleted by this program."
        found.append(fault("another-user", text, "Start its workers as the user who owns the archive."))
    if seen["free_bytes"] < _SMALL_BYTES:
        text = f"{machine} has only {seen['free_bytes'] / 1e9:.1f} GB left in {folder}."
        found.append(fault("disk-nearly-full", text, "Free some space.", Grade.ADVICE))
    return found


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""

"""Tasks that behave and misbehave in the ways that jobs may. Each is called as `function(ctx, **arguments)`."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from daxa_gui.core.errors import FileError, TransferError
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.step import JobRequest, MadeFile, Outcome, TaskContext
from tests.fakes.execution import request


def nothing(ctx: TaskContext) -> None:
    """Makes nothing."""


def key(kind: ProductKind = ProductKind.CLEAN_EVENTS, **values: Any) -> ProductKey:
    return ProductKey("xmm_pointed", "0404910601", kind, **{"instrument": "M1", "exposure": "S001", **values})


def make_file(ctx: TaskContext, text: str = "events", name: str = "clean.fits") -> Outcome:
    Path(ctx.work_folder, name).write_text(text)
    return Outcome(files=(MadeFile(name, key(), facts={"n_events": np.int64(3)}),), facts={"kept_fraction": np.float32(0.5)})


def promise_file(ctx: TaskContext) -> Outcome:
    return Outcome(files=(MadeFile("never_made.fits", key()),))


def plan(ctx: TaskContext, names: list[str]) -> Outcome:
    requests: tuple[JobRequest, ...] = tuple(request(name, "", kind="download", lane="host:here") for name in names)
    return Outcome(follow_ups=requests)


def pid(ctx: TaskContext) -> int:
    return os.getpid()


def niceness(ctx: TaskContext) -> int:
    return os.nice(0)


def echo(ctx: TaskContext, value: Any) -> Any:
    return value


def address(ctx: TaskContext, service: str) -> str:
    return ctx.service_url(service)


def unsendable(ctx: TaskContext) -> object:
    return object()


def noisy(ctx: TaskContext) -> str:
    """Writes where the protocol would be, in every way there is."""
    print('{"value": "not the answer"}')
    sys.stdout.write("half a line")
    sys.stdout.flush()
    os.write(1, b'{"outcome": null}\n')
    os.system("echo from a shell")
    return f"read {len(sys.stdin.read())} characters"


def counts(ctx: TaskContext, n: int) -> int:
    for i in range(n + 1):
        ctx.progress(i, n, f"chunk {i}")
    return n


def logs(ctx: TaskContext, text: str) -> None:
    ctx.log(text)


def missing_file(ctx: TaskContext) -> None:
    raise FileError("The file a.fits is not FITS.", "Choose another one.")


def broken_line(ctx: TaskContext) -> None:
    error = TransferError("The connection broke.")
    error.retry_after_s = 7.0
    raise error


def divide(ctx: TaskContext) -> float:
    return 1 / 0


def disk_full(ctx: TaskContext) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "/a/b.fits")


def too_much(ctx: TaskContext) -> None:
    np.zeros(2**55)


def leave(ctx: TaskContext) -> None:
    sys.exit(3)


def die(ctx: TaskContext) -> None:
    print("the last words", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for_cancel(ctx: TaskContext, mark: str = "") -> None:
    """Goes on until it is cancelled, as well-behaved work does; `mark` is a file that says that it has begun."""
    if mark:
        Path(mark).write_text(str(os.getpid()))
    while True:
        ctx.check_cancelled()
        time.sleep(0.01)


def never_looks_up(ctx: TaskContext, mark: str) -> None:
    """Work that cannot be cancelled politely."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(mark).write_text(str(os.getpid()))
    while True:
        time.sleep(0.1)

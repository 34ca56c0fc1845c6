"""Runs one external program and ends all of it when the program that asked for it is gone.

The standard input is a pipe that nobody writes to: it reaches its end when the other side dies, however it dies. Used as a
script, so it imports nothing of ours. Its arguments: a variable that Python may have added to the environment and that the
program shall not have (or nothing), the program's file, and the program's argument list.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

GRACE_S = 5.0


def _end_when_alone() -> None:
    while os.read(0, 4096):
        pass
    group = os.getpgrp()
    os.killpg(group, signal.SIGTERM)
    time.sleep(GRACE_S)
    os.killpg(group, signal.SIGKILL)


def main(argv: list[str] | None = None) -> int:
    """Run the program; its exit code, or 128 + the signal that ended it, as shells do."""
    added, program, *arguments = sys.argv[1:] if argv is None else argv
    # A handler, not SIG_IGN: the program itself starts with the usual answer to SIGTERM, only we outlive it.
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    environment = {name: value for name, value in os.environb.items() if name != added.encode()}
    try:
        process = subprocess.Popen(arguments, executable=program, stdin=subprocess.DEVNULL, env=environment)
    except OSError as error:
        print(f"{program} cannot be started: {error.strerror}", file=sys.stderr, flush=True)
        return 127 if isinstance(error, FileNotFoundError) else 126
    threading.Thread(target=_end_when_alone, daemon=True).start()
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    os._exit(main())

"""The switches of an installation: what shall go wrong, for which task and which call. And the record of what was called."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from programs import files

_RECORDED = (
    "SAS_",
    "SASS_",
    "HEADAS",
    "CALDB",
    "ASCDS_",
    "PFILES",
    "LHEA",
    "PATH",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "PERL",
    "HOME",
)


def record(home: str, task: str, arguments: list[str]) -> None:
    """One line in `calls.jsonl` for each start."""
    environment = {name: value for name, value in os.environ.items() if name.startswith(_RECORDED)}
    entry = {
        "task": task,
        "argv": arguments,
        "folder": os.getcwd(),
        "pid": os.getpid(),
        "group": os.getpgrp(),
        "environment": environment,
        "time": time.time(),
    }
    _append(os.path.join(home, "calls.jsonl"), json.dumps(entry) + "\n")


def _append(path: str, text: str) -> int:
    """Add text in one piece and return how long the file is then."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError:
        return 0  # an installation that cannot be written to keeps no record
    try:
        os.write(handle, text.encode("utf-8", "surrogateescape"))
        return os.lseek(handle, 0, os.SEEK_CUR)
    finally:
        os.close(handle)


class Control:
    """The rules that hold for this call."""

    def __init__(self, home: str, task: str, arguments: list[str]) -> None:
        self.home, self.rules = home, []
        try:
            with open(os.path.join(home, "switches.json"), encoding="utf-8") as file:
                rules = json.load(file)
        except FileNotFoundError:
            return
        places = ("SAS_CCF", "SAS_ODF")
        text = "\n".join([*arguments, os.getcwd(), *(os.environ.get(name, "") for name in places)])
        for rule in rules:
            if rule["task"] not in (task, "*") or rule.get("where", "") not in text:
                continue
            call = _append(os.path.join(home, f"count-{rule['number']}"), ".")
            if not rule.get("calls") or call in rule["calls"]:
                self.rules.append(rule)

    def _all(self, kind: str) -> list[dict[str, Any]]:
        return [rule for rule in self.rules if rule["does"] == kind]

    def before(self, say: Callable[[str], None], message: Callable[[str, str, str], str]) -> None:
        """Everything that happens before the work: waiting, children, noise, hanging, crashing, refusing.

        `message` (severity, name, text) puts a message into the form of the task's software.
        """
        for rule in self._all("children"):
            self._leave_children(rule)
        for rule in self._all("log"):
            _flood(rule)
        for rule in self._all("slow"):
            _work_slowly(rule, say)
        for rule in self._all("warn"):
            for _ in range(rule.get("times", 1)):
                print(message("warning", rule.get("name", "SomeWarning"), rule["text"]), file=sys.stderr, flush=True)
        for rule in self._all("hang"):
            say("waiting for something that never comes")
            _hang(bool(rule.get("ignore_term")))
        for _ in self._all("crash"):
            say("about to do something that it must not do")
            _crash()
        for rule in self._all("fail"):
            print(
                message("error", rule.get("name", "SomeError"), rule.get("text", "It does not work.")),
                file=sys.stderr,
                flush=True,
            )
            sys.exit(rule.get("code", 1))

    def after(self, message: Callable[[str, str, str], str]) -> int:
        """What happens to the results. Returns the exit code."""
        for rule in self._all("partial"):
            for path in self._results(rule):
                os.truncate(path, int(os.path.getsize(path) * rule.get("share", 0.5)))
        for rule in self._all("missing"):
            for path in self._results(rule):
                os.remove(path)
        for rule in self._all("empty"):
            for path in self._results(rule):
                _without_rows(path)
        for rule in self._all("say_error"):
            print(
                message("error", rule.get("name", "SomeError"), rule.get("text", "It does not work.")),
                file=sys.stderr,
                flush=True,
            )
        codes = [int(rule.get("code", 1)) for rule in self._all("exit")]
        return codes[0] if codes else 0

    @staticmethod
    def _results(rule: dict[str, Any]) -> list[str]:
        part = rule.get("file", "")
        return [path for path in dict.fromkeys(files.written) if part in os.path.basename(path) and os.path.isfile(path)]

    def _leave_children(self, rule: dict[str, Any]) -> None:
        """Processes that outlive this one: in its group, or in a session of their own."""
        for _ in range(rule.get("number_of", 1)):
            child = os.fork()
            if child == 0:
                if rule.get("own_session"):
                    os.setsid()
                if rule.get("ignore_term"):
                    signal.signal(signal.SIGTERM, signal.SIG_IGN)
                _append(os.path.join(self.home, "children.txt"), f"{os.getpid()}\n")
                os.execv("/bin/sleep", ["sleep", str(rule.get("seconds", 60))])
        time.sleep(0.02)  # so that their numbers are known when this program ends


def _flood(rule: dict[str, Any]) -> None:
    line = f"{rule.get('line', 'some line of a very long log that nobody will ever read')}\n"
    chunk = line * max(1, 65536 // len(line))
    left = int(rule["bytes"])
    while left > 0:
        sys.stdout.write(chunk[:left])
        left -= len(chunk)
    sys.stdout.write("\n")
    sys.stdout.flush()


def _work_slowly(rule: dict[str, Any], say: Callable[[str], None]) -> None:
    end = time.monotonic() + float(rule["seconds"])
    steps = 0
    while time.monotonic() < end:
        time.sleep(min(0.1, max(0.0, end - time.monotonic())))
        steps += 1
        if steps % 5 == 0:
            say(f"still working ({steps})")


def _hang(ignore_term: bool) -> None:
    if ignore_term:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(3600)


def _crash() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(10)


def _without_rows(path: str) -> None:
    """Take all events out of a list."""
    try:
        hdus = files.read(path)
    except files.NotFits:
        return
    for i, hdu in enumerate(hdus):
        if hdu.name == "EVENTS":
            hdus[i] = hdu.with_rows(hdu.rows()[:0])
    files.write(path, hdus)

"""What shall go wrong in an installation: a file that the stand-ins read at their start. The application knows nothing of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Switches:
    """Every method adds a rule for a task (« * »: any).

    It is for the calls whose arguments, folder, SAS_CCF or SAS_ODF contain `where`, and of those for the ones counted in `calls`
    (1 is the first after the rule was made; none: all).
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "switches.json"

    def _add(self, task: str, does: str, where: str, calls: tuple[int, ...], **more: Any) -> Switches:
        rules = json.loads(self._path.read_text(encoding="utf-8")) if self._path.exists() else []
        number = 1 + max((rule["number"] for rule in rules), default=0)
        (self._path.parent / f"count-{number}").unlink(missing_ok=True)
        rules.append({"task": task, "does": does, "where": where, "calls": list(calls), "number": number, **more})
        part = self._path.with_suffix(f".part-{os.getpid()}")
        part.write_text(json.dumps(rules, indent=1), encoding="utf-8")
        part.replace(self._path)
        return self

    def clear(self) -> None:
        """Everything works again."""
        self._path.unlink(missing_ok=True)
        for path in self._path.parent.glob("count-*"):
            path.unlink(missing_ok=True)
        (self._path.parent / "children.txt").unlink(missing_ok=True)

    def crash(self, task: str, where: str = "", calls: tuple[int, ...] = ()) -> Switches:
        """It dies of a segmentation fault before it wrote anything."""
        return self._add(task, "crash", where, calls)

    def fail(
        self,
        task: str,
        where: str = "",
        calls: tuple[int, ...] = (),
        *,
        name: str = "SomeError",
        text: str = "It does not work.",
        code: int = 1,
    ) -> Switches:
        """It says an error in its software's form and ends with an exit code, without output files."""
        return self._add(task, "fail", where, calls, name=name, text=text, code=code)

    def say_error(
        self, task: str, where: str = "", calls: tuple[int, ...] = (), *, name: str = "SomeError", text: str = "It does not work."
    ) -> Switches:
        """It does its work, says an error and ends with exit code 0."""
        return self._add(task, "say_error", where, calls, name=name, text=text)

    def exit(self, task: str, where: str = "", calls: tuple[int, ...] = (), *, code: int = 1) -> Switches:
        """It does its work without a word of trouble, and ends with an exit code."""
        return self._add(task, "exit", where, calls, code=code)

    def hang(self, task: str, where: str = "", calls: tuple[int, ...] = (), *, ignore_term: bool = False) -> Switches:
        return self._add(task, "hang", where, calls, ignore_term=ignore_term)

    def warn(
        self,
        task: str,
        where: str = "",
        calls: tuple[int, ...] = (),
        *,
        name: str = "SomeWarning",
        text: str = "Careful.",
        times: int = 1,
    ) -> Switches:
        return self._add(task, "warn", where, calls, name=name, text=text, times=times)

    def missing(self, task: str, where: str = "", calls: tuple[int, ...] = (), *, file: str = "") -> Switches:
        """Files that it wrote are gone at its end: those whose names contain `file` (all, if empty)."""
        return self._add(task, "missing", where, calls, file=file)

    def partial(self, task: str, where: str = "", calls: tuple[int, ...] = (), *, file: str = "", share: float = 0.5) -> Switches:
        """Only the first part of its files is there."""
        return self._add(task, "partial", where, calls, file=file, share=share)

    def empty(self, task: str, where: str = "", calls: tuple[int, ...] = (), *, file: str = "") -> Switches:
        """Its event lists have no events."""
        return self._add(task, "empty", where, calls, file=file)

    def leave_children(
        self,
        task: str,
        where: str = "",
        calls: tuple[int, ...] = (),
        *,
        own_session: bool = False,
        ignore_term: bool = False,
        number_of: int = 1,
        seconds: float = 60.0,
    ) -> Switches:
        """Processes that it started outlive it, in its own process group or in a session of their own."""
        return self._add(
            task, "children", where, calls, own_session=own_session, ignore_term=ignore_term, number_of=number_of, seconds=seconds
        )

    def slow(self, task: str, where: str = "", calls: tuple[int, ...] = (), *, seconds: float) -> Switches:
        return self._add(task, "slow", where, calls, seconds=seconds)

    def log(
        self, task: str, where: str = "", calls: tuple[int, ...] = (), *, n_bytes: int, line: str = "a line of a very long log"
    ) -> Switches:
        """It writes a log of this size before its work."""
        return self._add(task, "log", where, calls, bytes=n_bytes, line=line)

    @property
    def children(self) -> list[int]:
        """Process numbers of the children that were left behind."""
        path = self._path.parent / "children.txt"
        return [int(line) for line in path.read_text(encoding="utf-8").split()] if path.exists() else []

"""How a program of the missions' software ended: by its exit code and by the messages in its output.

A program succeeded if its exit code is 0 and it gave no error message, because tasks of SAS are known to end with code 0 after an
error, and scripts to hide the codes of what they call. (The third condition, its files, is looked at in `external_made`.)
"""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import replace

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.log_messages import Explanation, Explanations, LogMessage, Severity, read_explanations, read_messages
from daxa_gui.core.log_shapes import MARKS
from daxa_gui.locations import resource_path

_BATCH = 2_000  # lines that are read together
_MOST_KINDS = 200  # distinct messages that are counted one by one
_MOST_WARNINGS = 30  # that a job shows
_LONGEST = 300  # characters of a message in a sentence
_NUMBER = re.compile(r"[-+]?\d[\d.]*(?:[eE][-+]?\d+)?")
_MAY_PASS = (
    "resource temporarily unavailable", "stale file handle", "stale nfs", "connection timed out", "connection reset",
    "cannot allocate memory", "temporary failure", "device or resource busy", "text file busy",
)  # fmt: skip
# What the signals mean to a person; others have the name that the operating system gives them.
_SIGNALS = {
    signal.SIGSEGV: (
        "segmentation fault",
        "This is a fault of the program itself, or its installation does not fit this system.",
    ),
    signal.SIGBUS: ("bus error", "The disk may be full, or a file was cut while the program read it."),
    signal.SIGFPE: ("arithmetic error", "This is a fault of the program itself, often with data that it does not expect."),
    signal.SIGILL: ("illegal instruction", "The software was made for another kind of processor."),
    signal.SIGABRT: ("it gave up by itself", "Its last lines say why."),
    signal.SIGKILL: ("killed", "Most often memory ran out: use fewer cores."),
    signal.SIGXFSZ: ("a file grew too large", "The limit for file sizes of this account is too small."),
    signal.SIGXCPU: ("too much processor time", "The limit for processor time of this account is too small."),
    signal.SIGTERM: ("ended from outside", "Somebody or the system ended it."),
}


def known_messages() -> Explanations:
    return read_explanations(resource_path("messages"))


class Judgement:
    """Of all programs of one job. `failure` is the error of the program that failed."""

    def __init__(self) -> None:
        self.failure: ReductionError | None = None
        self._programs: list[ProgramJudge] = []
        self._sentences: list[str] = []

    def of_program(self, program: str, title: str) -> ProgramJudge:
        judge = ProgramJudge(self, program, title)
        self._programs.append(judge)
        return judge

    def begin_again(self, sentence: str) -> None:
        """Forget the failure: something else is done instead, and `sentence` says so among the warnings."""
        self.failure = None
        self._programs.clear()
        self._sentences.append(sentence)

    def warnings(self) -> list[str]:
        """Distinct warnings in the order in which they came, with how often; those that good runs give too are left out."""
        counted: dict[str, tuple[LogMessage, int]] = {}
        more = 0
        for judge in self._programs:
            for message in judge.messages:
                if message.severity is Severity.WARNING and not known_messages().is_harmless(message):
                    key = _kind(message)
                    first, times = counted.get(key, (message, 0))
                    counted[key] = first, times + message.times
            more += judge.uncounted
        shown = [_sentence(message) + (f" ({times} times)" if times > 1 else "") for message, times in counted.values()]
        if len(shown) > _MOST_WARNINGS:
            more += len(shown) - _MOST_WARNINGS
            shown = shown[:_MOST_WARNINGS]
        if more:
            shown.append(f"There are {more} further messages of this kind; the log has them.")
        return [*self._sentences, *shown]


class ProgramJudge:
    """Of one program. Its lines are read as they come; of messages that are repeated only the number is kept."""

    def __init__(self, whole: Judgement, program: str, title: str) -> None:
        self._whole = whole
        self._program = program
        self._title = title
        self._waiting: list[str] = []
        self._kinds: dict[str, int] = {}
        self.messages: list[LogMessage] = []
        self.uncounted = 0  # messages of kinds beyond those that are counted

    def take(self, line: str) -> None:
        """A line of its output."""
        self._waiting.append(line)
        if len(self._waiting) >= _BATCH:
            self._read()

    def _read(self) -> None:
        lines, self._waiting = self._waiting, []
        text = "\n".join(lines).lower()
        if not any(mark in text for mark in MARKS):
            return
        for message in read_messages(lines):
            key = _kind(message)
            if key in self._kinds:
                at = self._kinds[key]
                self.messages[at] = replace(self.messages[at], times=self.messages[at].times + message.times)
            elif len(self._kinds) < _MOST_KINDS or (message.severity is Severity.ERROR and not self.errors()):
                self._kinds[key] = len(self.messages)
                self.messages.append(message)
            else:
                self.uncounted += message.times

    def errors(self) -> list[LogMessage]:
        """Those that end a job: no error that is known to be harmless."""
        return [one for one in self.messages if one.severity is Severity.ERROR and not _is_harmless_error(one)]

    def end(self, code: int, last_lines: Sequence[str]) -> None:
        """The program ended with this exit code (128 + n: by signal n). Raises ReductionError if it failed."""
        self._read()
        errors = self.errors()
        if code == 0 and not errors:
            return
        self._whole.failure = failure = self._failure(code, errors)
        failure.details = "\n".join(last_lines)
        raise failure

    def _failure(self, code: int, errors: Sequence[LogMessage]) -> ReductionError:
        how, hint, may_pass = _ending(code)
        sentence = f"« {self._program} » {how}"
        if not errors:
            return ReductionError(f"{sentence}.", hint or "Its log tells more.", retryable=may_pass)
        cause = errors[0]
        explained = known_messages().explain(cause)
        text = _sentence(cause)
        may_pass = may_pass or any(words in text.lower() for words in _MAY_PASS)
        return ReductionError(f"{sentence}: {text}", _advice(explained, hint), retryable=may_pass)


def _ending(code: int) -> tuple[str, str, bool]:
    """How a program ended in words, what to do, and whether trying again may help."""
    if code == 0:
        return "reported an error", "", False
    try:
        number = signal.Signals(code - 128) if code > 128 else None
    except ValueError:
        number = None
    if number is None:
        return f"ended with exit code {code}", "", False
    name, hint = _SIGNALS.get(number, (signal.strsignal(number) or number.name, "Its log tells more."))
    return f"was ended by signal {number.value} ({name})", hint, number in (signal.SIGKILL, signal.SIGTERM)


def _advice(explained: Explanation | None, hint: str) -> str:
    if explained is None:
        return hint or "Its log tells more."
    return " ".join(part for part in (explained.text, explained.advice or hint) if part)


def _is_harmless_error(message: LogMessage) -> bool:
    explained = known_messages().explain(message)
    return explained is not None and explained.weight == "harmless"


def _kind(message: LogMessage) -> str:
    """What two messages have in common that are the same one: the numbers in their texts do not count."""
    text = message.name or _NUMBER.sub("#", message.text)
    return f"{message.severity.name} {message.software} {message.task} {text}"


def _sentence(message: LogMessage) -> str:
    """« noCounts of espfilt: All histo counts are zero! »"""
    task = message.task.replace("::", " → ") if message.task else ""
    whose = " of ".join(part for part in (message.name, task) if part)
    text = " ".join(message.text.split())
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
    return f"{whose}: {text}" if whose and text else whose or text

"""What each line of a log is: a command, what a program did, a message … Every line of the real logs is one of these."""

from __future__ import annotations

import re
from enum import StrEnum

from daxa_gui.core.log_shapes import CIAO_COUNT, SILENTLY, LogMessage, read_message, without_stamp


class LineKind(StrEnum):
    EMPTY = "empty"
    HEADER = "header"  # a rule, a title, a line that announces what follows
    COMMAND = "command"  # a program with its arguments
    PROGRESS = "progress"  # begun, ended, so many per cent
    INFO = "info"  # what a task tells of its work
    FACT = "fact"  # a version, a variable of the environment, an entry of a list
    MESSAGE = "message"  # a warning or an error
    SUMMARY = "summary"  # how often a message was left out
    CONTINUATION = "continuation"  # belongs to the line before
    END = "end"  # a program says that it is done
    UNKNOWN = "unknown"


_TASK = r"[\w.+-]+(?:::[\w.+-]+)*"
_K = LineKind
# The first that fits counts.
_KINDS: tuple[tuple[LineKind, re.Pattern[str]], ...] = (
    # SAS: « task::subtask:- text »
    (_K.COMMAND, re.compile(rf"^{_TASK}:- Executing \((?:routine|invoked)\): ")),
    (_K.PROGRESS, re.compile(rf"^{_TASK}:- .*\] (?:started|ended): ")),
    (_K.PROGRESS, re.compile(rf"^{_TASK}:-.*\d+ % completed")),
    (_K.PROGRESS, re.compile(rf"^{_TASK}:- (?:Processing data set|Selected CCD): ")),
    (_K.INFO, re.compile(rf"^{_TASK}:-")),
    (_K.END, re.compile(r"^\w+ executed successfully!$")),
    (_K.HEADER, re.compile(r"^(?:Executing:|Starting SAS session|SAS-related environment variables .*:)$")),
    (_K.HEADER, re.compile(r"^Running [\w-]+(?: with inputs: .*)?\s*(?:\.{3,})?$")),
    (_K.COMMAND, re.compile(r"^SAS command to be executed: ")),
    (_K.COMMAND, re.compile(r"^\$ \S")),
    (_K.COMMAND, re.compile(r"^[\w./-]+(?: \w+=(?:'[^']*'|\"[^\"]*\"|\S*))+\s*$")),
    (_K.COMMAND, re.compile(r"^[a-z]\w+(?: -[a-z]\w* [^\s-]\S*)+(?: -\S+)*(?: \S+)*$")),
    (_K.FACT, re.compile(r"^CifEntry\{.*\}$")),
    (_K.FACT, re.compile(r"^(?:Setting )?[A-Z][A-Z0-9_]+ = ")),
    (_K.FACT, re.compile(r"^(?:SAS release|Compiled (?:on|by)|Platform|Data directory|[Vv]ersion|COUNT)\s*[:=] ")),
    (_K.FACT, re.compile(r"^Summary file \S.* keyword matches ")),
    (_K.INFO, re.compile(r"^INFO\b")),
    # eSASS, HEASoft: « task: DONE », « nupipeline_0.4.9: Exit with success »
    (_K.END, re.compile(r"^[\w/.-]+: +DONE\b")),
    (_K.END, re.compile(r"^\w+_v?[\d.]+: Exit with success")),
    (_K.HEADER, re.compile(r"^(?:\w+_v?[\d.]+: *)?[-=*#]{4,}\s*$")),
    (_K.INFO, re.compile(r"^\w+_v?[\d.]+: ")),
    # CIAO and its scripts
    (_K.HEADER, re.compile(r"^[=*#-]{3,}.*[=*#-]{3,}$")),
    (_K.HEADER, re.compile(r"^# \w+ \([^)]*\): The following (?:error|warning) occurred ")),
    (_K.INFO, re.compile(r"^# \w+ \([^)]*\): ")),
    (_K.HEADER, re.compile(r"^Running \w+$")),
    (_K.HEADER, re.compile(r"^Output from \w+:$")),
    (_K.END, re.compile(r"^[A-Z].*\b(?:complete|been reprocessed)\.$")),
    (
        _K.PROGRESS,
        re.compile(r"^(?:Running|running code|Resetting|Processing|Copy existing|Assign|Filtering|Applying|Extracting)\b"),
    ),
    (_K.PROGRESS, re.compile(r"^(?:Creating|Updating|Setting|Cleaning up|Combining|Thresholding|Exposure-correcting)\b")),
    (_K.FACT, re.compile(r"^The (?:new|clipped|observation|exposure-corrected|output|following)\b.*(?: is|:|created:|arcsec,)")),
    (_K.FACT, re.compile(r"^(?:Aspect solution|Bad-pixel file|Mask file) \S+ found\.$")),
    (_K.INFO, re.compile(r"^(?:Using CSC |No boresight correction |Any issues pertaining to data quality )")),
    (_K.HEADER, re.compile(r"^Start your analysis with the new products in$")),
    (_K.INFO, re.compile(r"^[a-z]\w*: ")),
    # our own job logs
    (_K.HEADER, re.compile(r"^.+: attempt \d+$")),
    (_K.END, re.compile(r"^done(?:;.*)?$")),
    (_K.FACT, re.compile(r"^made .* bytes, SHA-256 [0-9a-f]{64}\)$")),
)
_PREFIXED = frozenset({LineKind.INFO, LineKind.MESSAGE, LineKind.CONTINUATION, LineKind.FACT, LineKind.HEADER})


class LineReader:
    """Reads the lines of one log in order: what continues another is only known from the lines before."""

    def __init__(self) -> None:
        self._before = LineKind.EMPTY
        self._in_traceback = False

    def feed(self, line: str) -> tuple[LineKind, LogMessage | None]:
        """What a line (without its line end) is, and its message if it has one."""
        text = without_stamp(line)[1]
        kind, message = self._kind(text)
        self._before = kind
        return kind, message

    def _kind(self, text: str) -> tuple[LineKind, LogMessage | None]:
        if not text.strip():
            self._in_traceback = False
            return LineKind.EMPTY, None
        if self._in_traceback and text[:1].isspace():
            return LineKind.CONTINUATION, None
        if SILENTLY.match(text):
            return LineKind.SUMMARY, None
        if message := read_message(text):
            self._in_traceback = message.text.startswith("Traceback (")
            return LineKind.MESSAGE, message
        self._in_traceback = False
        if CIAO_COUNT.match(text):
            return LineKind.HEADER, None
        bare = text.strip()
        if text[0].isspace() and self._before in _PREFIXED:
            fits = next((kind for kind, pattern in _KINDS[:11] if pattern.match(bare)), None)
            return fits or LineKind.CONTINUATION, None
        for kind, pattern in _KINDS:
            if pattern.match(bare):
                return kind, None
        if self._before in _PREFIXED:
            return (LineKind.COMMAND if self._is_command(bare) else LineKind.CONTINUATION), None
        return LineKind.UNKNOWN, None

    def _is_command(self, text: str) -> bool:
        """A bare name below « Executing: »."""
        return self._before is LineKind.HEADER and text.isidentifier()

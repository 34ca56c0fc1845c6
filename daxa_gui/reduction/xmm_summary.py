"""Reading the ODF summary that odfingest writes (`*SUM.SAS`): every line counts, and one that is cut or strange is named.

Grammar: one record per line, padded with blanks; « // text » is a comment, a value is followed by « / explanation ». Headings
(OBSERVATION, FILES, CONFIGURATION …, INSTRUMENT, EXPOSURE, PROPOSAL, DATA QUALITY) begin records; counts say how much follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from daxa_gui.core.errors import FileError
from daxa_gui.reduction.xmm_records import DataQuality, Exposure, Instrument, OdfSummary, Setting
from daxa_gui.reduction.xmm_usable import units_of

_LARGEST_CHARACTERS = 50_000_000
_LONGEST_LINE = 20_000
_AGAIN = "Run the step « ODF summary » again; if that does not help, the raw data are damaged or incomplete."
_HEADS = ("OBSERVATION", "FILES", "INSTRUMENT", "EXPOSURE", "PROPOSAL", "DATA QUALITY")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")
_SETTING = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_.-]*)\s*=(?P<rest>.*)")
_EXPOSURE_ID = re.compile(r"(?P<number>\d{3}) \[also (?P<name>[SUX]\d{3})\]")
_DATA_MODE = re.compile(r"DATA_MODE_(\d{1,2})")
_SCIENCE_FILE = re.compile(r"\d{4}_\d{10}_(M1|M2|PN|R1|R2|OM)[SUX]\d{3}", re.IGNORECASE)
_NO_TIME = ("", "UNDEFINED", "UNKNOWN", "N/A")


def read_units(text: str, name: str, chosen_instruments: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The exposures of the chosen instruments (none: all), each with whether and why not it can be reduced.

    Each is {"instrument", "exposure", "usable", "reason", "scheduled", "type", "mode", "filter", "ccds" (numbers of the CCDs in
    imaging mode), "ccd_modes" (number as text → data mode), "start", "end"}. Raises FileError as `parse_summary`.
    """
    return units_of(parse_summary(text, name), chosen_instruments)


def parse_summary(text: str, name: str) -> OdfSummary:
    """Read a summary to its last line.

    Raises
    ------
    FileError : empty, binary, cut, counts that do not agree, missing or doubled records; names `name` and the number of the line.
    """
    return _Parser(text, name).summary()


class _Parser:
    """Walks over the lines; `at` is the index of the present one, `kinds` collects what each line was."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        if len(text) > _LARGEST_CHARACTERS:
            raise FileError(f"{name} is no summary of raw data: it has {len(text)} characters.", _AGAIN)
        self.lines = text.split("\n")
        if self.lines and not self.lines[-1].strip():
            self.lines.pop()
        self.kinds: list[str] = []
        for number, line in enumerate(self.lines, 1):
            if len(line) > _LONGEST_LINE or _CONTROL.search(line.rstrip("\r")):
                self._fail("it is not text, or very long", number)
        if not any(line.strip() for line in self.lines):
            self._fail("the file is empty", 1)

    # ---- lines ----

    def _fail(self, what: str, number: int | None = None) -> NoReturn:
        line = number if number is not None else min(len(self.kinds) + 1, max(1, len(self.lines)))
        shown = self.lines[line - 1].strip()[:60] if line <= len(self.lines) else ""
        raise FileError(f"{self.name}, line {line}: {what}{f' (« {_printable(shown)} »)' if shown else ''}.", _AGAIN)

    @property
    def _line(self) -> str | None:
        """The present line without blanks at its ends; None behind the last."""
        return self.lines[len(self.kinds)].strip() if len(self.kinds) < len(self.lines) else None

    def _take(self, kind: str) -> str:
        line = self._line
        if line is None:
            self._fail(f"the file ends where a line « {kind} » should follow", len(self.lines))
        self.kinds.append(kind)
        return line

    def _comments(self) -> list[str]:
        taken = []
        while (line := self._line) is not None and line.startswith("//"):
            taken.append(self._take("comment"))
        return taken

    def _value(self, explanation: str, kind: str, allowed: Callable[[str], bool] = bool) -> str:
        """The value of a line « value / explanation »."""
        line = self._line
        if line is None:
            self._fail(f"the file ends before « {explanation} »", len(self.lines))
        value, slash, text = line.partition(" / ")
        if not slash and line.startswith("/ "):
            value, text = "", line[2:]
        if not text.strip().startswith(explanation) or not allowed(value.strip()):
            self._fail(f"« {explanation} » was expected")
        self.kinds.append(kind)
        return value.strip()

    def _count(self, explanation: str, kind: str) -> int:
        return int(self._value(explanation, kind, lambda value: value.isascii() and value.isdigit() and len(value) < 7))

    def _head(self, head: str) -> None:
        if self._line != head:
            self._fail(f"{head} was expected" if self._line is not None else f"the file ends before {head}")
        self._take(f"head {head}")

    # ---- records ----

    def summary(self) -> OdfSummary:
        made_by = next((text[2:].strip()[4:] for text in self._comments() if text[2:].strip().startswith("By: ")), "")
        line = self._line
        if line is None or not (line == "PATH" or line.startswith("PATH ")):
            self._fail("the record PATH was expected")
        path = self._take("path")[4:].strip()
        self._comments()
        self._head("OBSERVATION")
        obs_id = self._value("Observation Identifier", "observation", lambda v: bool(re.fullmatch(r"\d{10}", v)))
        revolution = self._value("Revolution Identifier", "observation", lambda v: bool(re.fullmatch(r"\d{4}", v)))
        start, end = self._time("Observation Start Time", "observation"), self._time("Observation End Time", "observation")
        self._comments()
        files = self._files()
        self._comments()
        settings = self._observation_settings()
        instruments = self._instruments()
        self._about_missing(files, instruments)
        proposal, quality = self._tail()
        return OdfSummary(
            made_by, path, obs_id, revolution, start, end, files, settings, instruments, proposal, quality, tuple(self.kinds)
        )

    def _time(self, explanation: str, kind: str) -> str:
        value = self._value(explanation, kind, lambda v: bool(_TIME.fullmatch(v)) or v.upper() in _NO_TIME)
        return "" if value.upper() in _NO_TIME else value

    def _files(self) -> tuple[str, ...]:
        self._head("FILES")
        count = self._count("Number of Files", "count")
        return tuple(self._value("ODF Constituent", "file") for _ in range(count))

    def _observation_settings(self) -> tuple[Setting, ...]:
        if self._line != "CONFIGURATION":
            return ()
        self._take("head CONFIGURATION")
        line = self._line or ""
        if not line.partition("/")[0].strip().isdecimal():
            self._fail("the number of settings was expected")
        return self._settings(int(self._take("count").partition("/")[0]))

    def _settings(self, count: int) -> tuple[Setting, ...]:
        if count > len(self.lines):
            self._fail(f"{count} settings do not fit into the file", len(self.kinds))
        return tuple(self._setting() for _ in range(count))

    def _setting(self) -> Setting:
        self._comments()
        line = self._line
        if line is None:
            self._fail("the file ends where a setting « NAME = VALUE » should follow", len(self.lines))
        match = _SETTING.fullmatch(line)
        if match is None:
            self._fail("a setting « NAME = VALUE » was expected; the record has fewer than it says")
        # a value ends at « / » or « // » behind a blank
        value, _, explanation = f"{match['rest']} ".partition(" /")
        self._take("setting")
        return Setting(match["name"], value.strip(), explanation.removeprefix("/").strip())

    def _instruments(self) -> tuple[Instrument, ...]:
        found: dict[str, Instrument] = {}
        while True:
            self._comments()
            if self._line != "INSTRUMENT":
                break
            number = len(self.kinds) + 1
            self._take("head INSTRUMENT")
            name = self._line or ""
            if not re.fullmatch(r"[A-Z][A-Z0-9]", name):
                self._fail("the name of an instrument was expected")
            if name in found:
                self._fail(f"the instrument {name} is there twice")
            self._take("instrument")
            active = self._value("Is this instrument active", "instrument", lambda v: v in ("Y", "N")) == "Y"
            count = self._count("Number of exposures for this instrument", "count")
            found[name] = Instrument(name, active, self._exposures(name, count), number)
        if not found:
            self._fail("no INSTRUMENT is there")
        return tuple(found.values())

    def _exposures(self, instrument: str, count: int) -> tuple[Exposure, ...]:
        found: dict[str, Exposure] = {}
        for number in range(count):
            self._comments()
            if self._line != "EXPOSURE":
                self._fail(f"{instrument} should have {count} exposures, but only {number} are there")
            exposure = self._exposure()
            if exposure.name in found:
                self._fail(f"the exposure {instrument}{exposure.name} is there twice", exposure.line)
            found[exposure.name] = exposure
        self._comments()
        if self._line == "EXPOSURE":
            self._fail(f"{instrument} has more than the {count} exposures that it should have")
        return tuple(found.values())

    def _exposure(self) -> Exposure:
        line = len(self.kinds) + 1
        self._take("head EXPOSURE")
        match = _EXPOSURE_ID.fullmatch(self._identifier())
        if match is None or match["number"] != match["name"][1:]:
            self._fail("« nnn / Exposure Identifier [also Snnn] » was expected", line + 1)
        self._value("Is this a scheduled exposure", "exposure", lambda v: v in ("Y", "N"))
        kind = self._value("Exposure Type", "exposure")
        commanded = self._value("Commanded Exposure Identifier", "exposure")
        proposal = self._value("Proposal Exposure Identifier", "exposure")
        times = [
            self._time(f"{what} {end} Time", "exposure") for what in ("Scheduled", "Actual") for end in ("Start", "End")
        ]  # fmt: skip
        self._comments()
        head = self._line or ""
        if not head.startswith("CONFIGURATION "):
            self._fail("the record CONFIGURATION of the exposure was expected")
        self._take("head CONFIGURATION")
        settings = self._settings(self._count("Number of configuration parameters available", "count"))
        self._comments()
        if (line_after := self._line) is not None and _SETTING.fullmatch(line_after):
            self._fail("the record has more settings than it says")
        first = {one.name: one.value for one in reversed(settings)}  # of one that stands twice the first counts
        if "MODE" not in first:
            self._fail("the exposure has no setting MODE", line)
        return Exposure(
            name=match["name"], scheduled=match["name"].startswith("S"), type=kind, commanded_id=commanded, proposal_id=proposal,
            scheduled_start=times[0], scheduled_end=times[1], start=times[2], end=times[3],
            configuration=head.removeprefix("CONFIGURATION").strip(), mode=first["MODE"], filter=first.get("FILTER", ""),
            data_modes={int(m[1]): one.value for one in settings if (m := _DATA_MODE.fullmatch(one.name))},
            settings=settings, line=line,
        )  # fmt: skip

    def _identifier(self) -> str:
        """« 003 [also S003] » of the line « 003 / Exposure Identifier [also S003] »."""
        line = self._line or ""
        number, _, text = line.partition(" / ")
        if not text.startswith("Exposure Identifier"):
            self._fail("« Exposure Identifier » was expected")
        self._take("exposure")
        return f"{number.strip()} {text.removeprefix('Exposure Identifier').strip()}"

    def _about_missing(self, files: Sequence[str], instruments: Sequence[Instrument]) -> None:
        """An instrument whose exposures have files must have a record, else the file was cut between two records."""
        there = {one.name for one in instruments}
        for file in files:
            if (match := _SCIENCE_FILE.match(file)) and match[1].upper() not in there:
                self._fail(f"there are files of {match[1].upper()} ({file[:60]}), but no record of this instrument")

    # ---- what follows the instruments ----

    def _tail(self) -> tuple[tuple[tuple[str, str], ...], tuple[DataQuality, ...]]:
        proposal: list[tuple[str, str]] = []
        quality: list[DataQuality] = []
        while (line := self._line) is not None:
            if line.startswith("//"):
                self._take("comment")
            elif line == "PROPOSAL" and not proposal:
                self._take("head PROPOSAL")
                proposal = self._proposal()
            elif line == "DATA QUALITY":
                self._take("head DATA QUALITY")
                quality.append(self._quality())
            elif not line:
                self._take("blank")
            else:
                self._fail("the line belongs to no record")
        return tuple(proposal), tuple(quality)

    def _proposal(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        while (line := self._line) is not None and line not in _HEADS and not line.startswith("//"):
            value, _, explanation = line.partition("/ ") if line.startswith("/ ") else line.partition(" / ")
            self._take("proposal")
            if line:
                found.append((value.strip(), explanation.strip()))
        return found

    def _quality(self) -> DataQuality:
        instrument = self._value("Instrument Id", "data quality")
        exposure = self._value("Exposure Id", "data quality")
        counters: dict[str, int] = {}
        while (line := self._line) is not None and " / " in line:
            value, _, explanation = line.partition(" / ")
            if explanation.startswith("Scheduled flag"):
                self._take("data quality")
                return DataQuality(instrument, exposure, counters, value.strip())
            if not re.fullmatch(r"-?\d{1,15}", value.strip(), re.ASCII):
                self._fail("a counter was expected")
            self._take("data quality")
            counters[explanation.strip()] = int(value)
        return self._fail("a record DATA QUALITY is cut")


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text)

"""The log of emanom: in which state each CCD of a MOS camera was."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from daxa_gui.core.errors import FileError

MEANINGS = {
    "G": "good", "I": "intermediate below 1 keV", "B": "bad below 1 keV", "O": "off", "U": "undetermined",
}  # fmt: skip
_LARGEST_BYTES = 1_000_000
_LINE = re.compile(r"CCD:\s*(?P<ccd>\d{1,2})\b.*Status:\s*(?P<state>\S*)\s*$")


def read_states(path: str | Path) -> dict[int, str]:
    """States by number of CCD, in order: « G », « I », « B », « O » or « U ».

    Raises
    ------
    FileError : not readable, no line with a state, a line that is cut, an unknown state, or a CCD that is named twice; with the
        number of the line.
    """
    path = Path(path)
    try:
        data = path.read_bytes()[: _LARGEST_BYTES + 1]
    except OSError as error:
        raise FileError(f"The log of emanom {path} cannot be read: {error.strerror or error}.") from error
    if len(data) > _LARGEST_BYTES:
        raise FileError(f"{path.name} is no log of emanom: it is too long.")
    states: dict[int, str] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        if "CCD:" not in line:
            continue
        match = _LINE.search(line.rstrip())
        if match is None:
            raise FileError(f"{path.name}, line {number}: no state of a CCD can be read from « {line.strip()[:80]} ».")
        ccd, state = int(match["ccd"]), match["state"]
        if state not in MEANINGS:
            raise FileError(
                f"{path.name}, line {number}: « {state[:20]} » is no state of a CCD.", f"Known: {', '.join(MEANINGS)}."
            )
        if not 1 <= ccd <= 7 or ccd in states:
            raise FileError(f"{path.name}, line {number}: CCD {ccd} is named twice, or MOS has none of that number.")
        states[ccd] = state
    if not states:
        raise FileError(f"{path.name}, line 1: the log of emanom names no CCD.", "Run « MOS CCD states » again.")
    return dict(sorted(states.items()))


def accepted_ccds(states: Mapping[int, str], accepted: Collection[str]) -> list[int]:
    """The CCDs whose state is one of `accepted`, in order."""
    return [ccd for ccd, state in sorted(states.items()) if state in accepted]

"""What is remembered of packages that were set up once: on disk, so that the next start need not run their set-up scripts.

Only what a set-up script changed is stored (a difference to the few variables that it started from), in a file that only the
person may read.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from daxa_gui import __version__

_FORMAT = 1
_MOST_BYTES = 4_000_000


@dataclass(frozen=True)
class Installation:
    """A package that is ready for use.

    Parameters
    ----------
    version : "" if its programs do not say it. `parts` has versions of what is inside it (« nustardas », « lcurve »).
    environment : the whole environment of its programs. SAS's and eSASS's has HEASoft's programs too, after their own.
    calibration : name → version: « ccf » for SAS, « caldb » for HEASoft and CIAO; what is not there is missing.
    programs : its programs that this version knows and that are on its PATH.
    source : what said where it is (« the setting « SAS » »). `scripts`: the set-up scripts that made the environment.
    asked : what was asked for the versions (paths of programs and files); why it does not work at all, "" if it does.
    """

    name: str
    label: str
    version: str
    folder: str
    environment: dict[str, str]
    calibration: dict[str, str] = field(default_factory=dict)
    programs: tuple[str, ...] = ()
    parts: dict[str, str] = field(default_factory=dict)
    source: str = ""
    scripts: tuple[str, ...] = ()
    asked: dict[str, str] = field(default_factory=dict)

    @property
    def problems(self) -> dict[str, str]:
        """Programs that were asked for their version and do not work at all, and why."""
        return {path: problem for path, problem in self.asked.items() if problem}


def setup_key(name: str, folder: str, scripts: Sequence[Path], base: Mapping[str, str], more: Sequence[str] = ()) -> str:
    """What an environment depends on: the scripts (path, time, size), the variables before, this machine, this program."""
    parts = [str(_FORMAT), __version__, name, folder, platform.node(), platform.machine(), *more]
    parts += [f"{script}\0{_stamp(str(script))}" for script in scripts]
    parts += [f"{variable}={base[variable]}" for variable in sorted(base)]
    return f"{name}-{hashlib.sha256(chr(1).join(parts).encode('utf-8', 'surrogateescape')).hexdigest()[:40]}"


def _stamp(path: str) -> list[int]:
    try:
        facts = Path(path).stat()
    except (OSError, ValueError):
        return [0, -1]
    return [facts.st_mtime_ns, facts.st_size]


def stamps(one: Installation) -> dict[str, list[int]]:
    """Time and size of what told the versions: when they change, everything is asked again."""
    return {path: _stamp(path) for path in (*one.asked, *one.scripts)}


def remember(key: str, base: Mapping[str, str], one: Installation, folder: Path) -> None:
    """Write it down. A cache that cannot be written is no failure: the next start asks again."""
    facts = asdict(one)
    environment = facts.pop("environment")
    record = {
        "set": {name: text for name, text in environment.items() if base.get(name) != text},
        "unset": [name for name in base if name not in environment],
        "facts": facts,
        "stamps": stamps(one),
    }
    path = folder / f"{key}.json"
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.touch(0o600)
        part.write_text(json.dumps(record), encoding="utf-8")  # ASCII: undecodable bytes of paths are kept as escapes
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()


def recall(key: str, base: Mapping[str, str], folder: Path) -> Installation | None:
    """What was remembered; None if nothing, if it cannot be read, or if a program changed since."""
    path = folder / f"{key}.json"
    try:
        with path.open(encoding="utf-8") as file:
            record = json.loads(file.read(_MOST_BYTES))
        found = _installation_of(record, base)
        return found if stamps(found) == record["stamps"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _installation_of(record: dict[str, Any], base: Mapping[str, str]) -> Installation:
    facts = record["facts"]
    unset = set(record["unset"])
    environment = {name: text for name, text in base.items() if name not in unset} | _texts(record["set"])
    words = {name: str(facts[name]) for name in ("name", "label", "version", "folder", "source")}
    tables = {name: _texts(facts[name]) for name in ("calibration", "parts", "asked")}
    lists = {name: tuple(str(one) for one in facts[name]) for name in ("programs", "scripts")}
    return Installation(environment=environment, **words, **tables, **lists)  # type: ignore[arg-type]


def _texts(found: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(text) for name, text in found.items()}

"""Positions of named sources, asked from Sesame (CDS) by astropy and remembered in a file.

Names that are positions themselves (J-names, « 05 34 31.9 +22 00 52 ») are read without network by `core.notations`.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import os
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from daxa_gui.core.errors import InputError, TransferError
from daxa_gui.core.sky import SkyPosition
from daxa_gui.remote.connection import host_of

# CDS and its mirror at CfA; astropy asks one after the other until one answers.
SESAME = ("https://cds.unistra.fr/cgi-bin/nph-sesame/", "https://vizier.cfa.harvard.edu/viz-bin/nph-sesame/")
LONGEST_NAME = 200
LARGEST_MEMORY_BYTES = 50_000_000
_FORM = 1  # of the file
_TYPE_IT = "A position can be typed in place of a name: « 83.633 +22.014 »."
# astropy keeps address and time-out in states of the whole process
_ASTROPY = threading.Lock()


class NameResolver:
    """Looks names up, first in `memory_file` (JSON; made when the first name was found), then at Sesame.

    Only positions that were found are remembered. `offline` is asked each time. Safe to use from several threads; several
    processes may share the file: each writes it whole and keeps what the others wrote.
    """

    def __init__(
        self,
        memory_file: Path,
        *,
        addresses: Iterable[str] = SESAME,
        offline: Callable[[], bool] = lambda: False,
        timeout_s: float = 15.0,
    ) -> None:
        self._memory_file = Path(memory_file)
        self._addresses = tuple(addresses)
        self._offline, self._timeout_s = offline, timeout_s
        self._lock = threading.Lock()

    def resolve(self, name: str) -> SkyPosition:
        """The ICRS position of a source. May take several times `timeout_s`.

        Raises
        ------
        InputError : the name is empty or too long, or Sesame does not know it.
        TransferError : nobody could be asked.
        """
        shown = " ".join(name.split())
        if not shown or not shown.isprintable():
            raise InputError("A name is needed to look up a position.", "For example « M 51 ».")
        if len(shown) > LONGEST_NAME:
            raise InputError(f"« {shown[:40]}… » is too long for the name of a source.")
        remembered = self.remembered(shown)
        if remembered is not None:
            return remembered
        if self._offline():
            raise TransferError(
                f"« {shown} » was not looked up before, and the program works offline.",
                f"{_TYPE_IT} Or switch « Work offline » off.",
                retryable=False,
            )
        position = self._ask(shown)
        self._remember(shown, position)
        return position

    # ------------------------------------------------------------------------------------------------------------ Sesame

    def _ask(self, name: str) -> SkyPosition:
        from astropy.coordinates import name_resolve
        from astropy.utils import data

        with (
            _ASTROPY,
            name_resolve.sesame_url.set(list(self._addresses)),
            data.conf.set_temp("remote_timeout", self._timeout_s),
        ):
            try:
                coordinates = name_resolve.get_icrs_coordinates(name)
            except name_resolve.NameResolveError as error:
                if str(error).startswith("All Sesame queries failed"):
                    raise self._out_of_reach() from None
                raise self._not_found(name) from None
            except (OSError, http.client.HTTPException, ValueError):
                raise self._out_of_reach() from None
        return SkyPosition(float(coordinates.ra.deg), float(coordinates.dec.deg), name)

    def _not_found(self, name: str) -> InputError | TransferError:
        """astropy says « not found » of every answer without a position, of a web page too: the answer itself tells."""
        from astropy.utils import data

        for address in self._addresses:
            try:
                place = data.download_file(f"{address.rstrip('/')}/SNV?{quote(name)}", show_progress=False)
                with Path(place).open("rb") as answer:
                    start = answer.read(4096)
                Path(place).unlink()
            except (OSError, http.client.HTTPException):
                continue
            if start.lstrip().startswith(b"#"):  # Sesame's lines begin so: the name asked for, what each database said
                return InputError(f"The name « {name} » is not known to Sesame.", f"Check its spelling. {_TYPE_IT}")
            return TransferError(f"{host_of(address)} did not answer as Sesame does.", f"Try again later. {_TYPE_IT}")
        return self._out_of_reach()

    def _out_of_reach(self) -> TransferError:
        hosts = " and ".join(dict.fromkeys(host_of(address) for address in self._addresses))
        return TransferError(f"The name could not be looked up: {hosts} cannot be reached.", f"Check the network. {_TYPE_IT}")

    # ------------------------------------------------------------------------------------------------------------ memory

    def remembered(self, name: str) -> SkyPosition | None:
        """The position found before for this name, however it is spaced and capitalised. Never asks anybody."""
        with self._lock:
            entry = self._entries().get(_normalised(name))
        return SkyPosition(entry["ra_deg"], entry["dec_deg"], " ".join(name.split())) if entry else None

    def _entries(self) -> dict[str, dict[str, Any]]:
        """What the file says; nothing if it is absent or not ours. It holds only what can be asked again."""
        try:
            if self._memory_file.stat().st_size > LARGEST_MEMORY_BYTES:
                return {}
            document = json.loads(self._memory_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(document, dict) or document.get("form") != _FORM or not isinstance(document.get("names"), dict):
            return {}
        return {name: entry for name, entry in document["names"].items() if _is_entry(entry)}

    def _remember(self, name: str, position: SkyPosition) -> None:
        entry = {
            "name": name,
            "ra_deg": position.ra_deg,
            "dec_deg": position.dec_deg,
            "resolver": f"Sesame ({host_of(self._addresses[0])})",
            "asked": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        with self._lock:
            entries = self._entries() | {_normalised(name): entry}
            part = self._memory_file.with_name(f"{self._memory_file.name}.{os.getpid()}.part")
            try:
                self._memory_file.parent.mkdir(parents=True, exist_ok=True)
                part.write_text(json.dumps({"form": _FORM, "names": entries}, indent=1, ensure_ascii=False), encoding="utf-8")
                part.replace(self._memory_file)
            except OSError:
                # a full or read-only disk must not cost the answer: the name is looked up again next time
                with contextlib.suppress(OSError):
                    part.unlink(missing_ok=True)


def _normalised(name: str) -> str:
    return " ".join(name.split()).casefold()


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    ra, dec = entry.get("ra_deg"), entry.get("dec_deg")
    if not all(isinstance(value, (int, float)) and math.isfinite(value) for value in (ra, dec)):
        return False
    return 0 <= ra < 360 and -90 <= dec <= 90  # type: ignore[operator]

"""What the archive layouts of several missions have in common. The layouts themselves are in the missions' files."""

from __future__ import annotations

import re
from collections.abc import Sequence

from daxa_gui.core.errors import InputError
from daxa_gui.core.mission import MissionSpec, RemoteFolder
from daxa_gui.core.product import ProductKind

DARTS = "darts"
HEASARC = "heasarc"  # the service's folder names are those below /FTP/

ANY_FILE = r"[A-Za-z0-9][A-Za-z0-9_.+-]*"  # wanted: every file of a folder
# Pictures and pages that a mission's archive makes of its own files. Nobody reduces them; they are left where they are.
NO_PICTURE = r"(?!.*\.(?:gif|jpe?g|png|ps|eps|pdf|html?)(?:\.gz|\.Z)?\Z)" + ANY_FILE

RESPONSES = ("arf", "rmf", "rsp", "rsp2")
SPECTRA = ("pha", "pi", *RESPONSES)
LIGHTCURVES = ("lc", "flc")


def checked_obs_id(spec: MissionSpec, obs_id: str) -> str:
    """The ObsID itself; it becomes part of paths and regular expressions, so nothing but a well-formed one passes."""
    if not spec.is_obs_id(obs_id):
        raise InputError(f"« {obs_id} » is not an ObsID of {spec.label}.", f"One looks like {spec.obs_id_example}.")
    return obs_id


def plain_name(name: str) -> str:
    """A file name without what says that it is compressed (.gz, .Z): names are read before and after unpacking.

    Empty for a name with other characters than ASCII's: no mission has such files.
    """
    return "" if not name.isascii() else name.removesuffix(".gz").removesuffix(".Z")


def exposure_text(*parts: str) -> str:
    """What tells a file from others of the same kind, instrument and band, as it may stand in a file name: capital letters and
    digits; a small x stands for whatever else there was (« _ » in most cases)."""
    return "x".join(re.sub(r"[^A-Z0-9]+", "x", part.upper()) for part in parts if part)


def product_kind(extension: str) -> ProductKind | None:
    """The kind of a pipeline's file with one of the common extensions of spectra, their responses, and light curves."""
    if extension in SPECTRA:
        return ProductKind.SPECTRUM
    return ProductKind.SOURCE_LIGHTCURVE if extension in LIGHTCURVES else None


def heasarc_folder(
    root: str,
    local: str,
    wanted: str,
    kinds: Sequence[ProductKind],
    *,
    optional: bool = False,
    otherwise: tuple[RemoteFolder, ...] = (),
    darts: str = "",
) -> RemoteFolder:
    """The folder `local` of an observation whose folder at HEASARC is `root`; it keeps its name here.

    The last of `kinds` is what a file is whose name says nothing. `darts` is the observation's folder in Japan's archive (DARTS),
    which is asked where HEASARC has none.
    """

    def at(service: str, root: str, otherwise: tuple[RemoteFolder, ...] = ()) -> RemoteFolder:
        path, kind = f"{root}{local}{'/' if local else ''}", kinds[-1]
        return RemoteFolder(service, path, wanted, local, kind, optional=optional, kinds=tuple(kinds), otherwise=otherwise)

    return at(HEASARC, root, (at(DARTS, darts), *otherwise) if darts else otherwise)

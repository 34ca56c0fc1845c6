"""What the program knows about a mission: a plain declaration, one file each under `daxa_gui/missions/`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from daxa_gui.core.errors import InputError
from daxa_gui.core.footprint import Footprint
from daxa_gui.core.product import ProductKind

NAME_READERS = "daxa_gui.missions."  # where the functions live that `MissionSpec.raw_file` names


@dataclass(frozen=True)
class Instrument:
    """`fov_radius_deg` is the radius, or half the longest side, of the field of view: DAXA's single number. `footprint` is its
    shape (None: a circle of that radius). `exposure_column` names the catalogue's own column with its seconds of data."""

    name: str
    label: str
    fov_radius_deg: float
    aliases: tuple[str, ...] = ()
    footprint: Footprint | None = None
    exposure_column: str = ""

    @property
    def shape(self) -> Footprint:
        return self.footprint or Footprint("circle", self.fov_radius_deg)


@dataclass(frozen=True)
class EnergyBand:
    """A band in which the archive offers images; `instrument` empty: all of them; `code` is its part in file names."""

    low_kev: float
    high_kev: float
    instrument: str = ""
    code: str = ""


@dataclass(frozen=True)
class TapSource:
    """Where a mission's observation table is asked for by TAP.

    `service` names an entry of `daxa_gui.remote.services.TAP_SERVICES`, `table` is spelt as that service does, `key` is the
    column by which rows are unique and pages are cut, `columns` those to ask for, `where` an ADQL condition (empty: all rows).
    `optional` names those of them that are nice to have but not confirmed (« text » or « number » for each): where the service
    lacks one it is unknown in all rows, and the certificate says so.
    `build` is `"module:function"`; the function takes a `DataTable` of exactly these columns (lower case, unknown numbers NaN,
    unknown texts empty) and returns the columns of a catalogue by name (see `daxa_gui.missions.columns`).
    """

    service: str
    table: str
    key: str
    columns: tuple[str, ...]
    build: str
    where: str = ""
    optional: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class RemoteFolder:
    """A folder of an archive service whose listing is read, and which of its files are wanted.

    `service` names an entry of the session's service addresses (`heasarc`, `erosita_edr`, `erosita_dr1`), `path` is relative
    to it. `wanted` is a regular expression matched against whole file names. `local` is the folder below the observation's
    raw folder. `archive_members` (a regular expression) says which members to take when the file is a tar archive; those of a
    tar file inside it count like its own.

    `kinds` are the kinds of files that it holds (empty: only `kind`): it is read when one of them is wanted, and of its files
    only those are taken whose kind is. `recursive` folders are read with all folders below them, which are kept below `local`.
    `shared` is a text for files that several observations need (INTEGRAL: the revolution): they are fetched once and lie below
    the mission's raw folder, not below the observation's. `query` makes of the path a request of a service that packs the
    observation into one tar file on demand (XSA); `wanted` is then the plain name that the file gets here.
    `otherwise` are folders that replace this one, in order, where it is missing or its service does not answer.
    """

    service: str
    path: str
    wanted: str
    local: str = ""
    kind: ProductKind = ProductKind.EVENTS
    archive_members: str = ""
    optional: bool = False
    kinds: tuple[ProductKind, ...] = ()
    recursive: bool = False
    shared: str = ""
    query: tuple[tuple[str, str], ...] = ()
    otherwise: tuple[RemoteFolder, ...] = ()

    @property
    def all_kinds(self) -> tuple[ProductKind, ...]:
        return self.kinds or (self.kind,)


@dataclass(frozen=True)
class RawFile:
    """What a file name of a mission says: which instrument and sub-exposure, and what kind of file.

    An empty `instrument` means that the file belongs to all. A name that is not among the mission's instruments stands for
    several together (eROSITA's TM0: all seven modules) or for one of several (ROSAT's PSPC: the catalogue tells which).
    Names of instruments joined by « _ » (« SIS0_SIS1 ») belong to each of them. `band_kev` is that of an image or map.
    """

    kind: ProductKind
    instrument: str
    exposure: str = "ALL"
    band_kev: tuple[float, float] | None = None


@dataclass(frozen=True)
class EventFormat:
    """How the event lists of one kind of instrument are read. Keywords of the file always win over these values.

    Energy in keV = `energy_offset_kev` + `energy_per_channel_kev` x value of `energy_column`.
    `pattern_column` and `max_pattern` (or `good_patterns`) and `flag_column` say which events a default selection keeps;
    `flag_mask` bits must be zero (None: the column must equal zero; 0: flags are not looked at).
    `telescopes` and `instruments` are compared with TELESCOP and INSTRUME, upper case, to recognise a file.
    """

    name: str
    mission: str
    telescopes: tuple[str, ...]
    instruments: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ("EVENTS",)
    time_column: str = "TIME"
    mjdref: float = 0.0
    timesys: str = "TT"
    energy_column: str = "PI"
    energy_per_channel_kev: float = 0.001
    energy_offset_kev: float = 0.0
    x_column: str = "X"
    y_column: str = "Y"
    pixel_arcsec: float = 1.0
    pattern_column: str = ""
    max_pattern: int | None = None
    good_patterns: tuple[int, ...] = ()
    flag_column: str = ""
    flag_mask: int | None = 0
    ccd_column: str = ""
    gti_extensions: tuple[str, ...] = ("GTI", "STDGTI")  # regular expressions of extension names
    image_bin: int = 1  # pixels of the event coordinates in one pixel of a default image
    image_pixels: int = 0  # pixels along each side of a default image; 0: as many as the legal range of X and Y needs
    default_band_kev: tuple[float, float] = (0.5, 2.0)
    flare_band_kev: tuple[float, float] = (2.5, 8.5)
    flare_bin_s: float = 60.0
    quiet_rate_ct_s: float | None = None  # the flare-band rate of the whole field seldom exceeds this while it is quiet
    data_subspace: bool = False  # good time per CCD stands in data-subspace keywords (DSTYPn …), as XMM-Newton's SAS writes it
    notes: str = ""


@dataclass(frozen=True)
class StaticTable:
    """A catalogue that is part of the program: `resource` is relative to the folder `resources/`."""

    resource: str
    provenance: str


@dataclass(frozen=True)
class MissionSpec:
    """One mission. `files` is `"module:function"`; the function takes (obs_id, row: Mapping) and returns RemoteFolders of every
    kind in `kinds`; what is wanted of them is decided by the one who plans.

    `raw_file` is `"module:function"`; it takes a file name and returns a RawFile, or None for one that says nothing (its kind is
    then that of its folder, and it belongs to all instruments).
    `colour` is an sRGB hexadecimal colour from a colour-blind-safe set and `symbol` a pyqtgraph symbol.
    """

    name: str
    label: str
    obs_id_pattern: str
    obs_id_example: str
    frame: str
    instruments: tuple[Instrument, ...]
    default_instruments: tuple[str, ...]
    colour: str
    symbol: str
    event_formats: tuple[EventFormat, ...] = ()
    table: StaticTable | None = None
    sources: tuple[TapSource, ...] = ()  # in the order in which they are tried
    bands: tuple[EnergyBand, ...] = ()
    has_proprietary: bool = False  # some observations are not public yet
    login: str = "heasarc"  # whose credentials open those (a name of CREDENTIAL_SERVICES)
    files: str = ""
    raw_file: str = ""
    kinds: tuple[ProductKind, ...] = (ProductKind.EVENTS,)  # kinds of files that its archive offers
    instrument_per_observation: bool = False
    column_labels: Mapping[str, str] = field(default_factory=dict)  # extra catalogue columns → headings
    acknowledgement: str = ""

    def is_obs_id(self, text: str) -> bool:
        return re.fullmatch(self.obs_id_pattern, text) is not None

    def instrument(self, name: str) -> Instrument:
        """The instrument of that name or alias, whatever its case (« pn », « MOS1 », « picsit », « PSPC-B »).

        Raises
        ------
        InputError : the mission has no such instrument; the hint names all.
        """
        wanted = " ".join(name.split()).casefold()
        for instrument in self.instruments:
            if wanted in {other.casefold() for other in (instrument.name, *instrument.aliases)}:
                return instrument
        known = ", ".join(f"{one.name} (or {', '.join(one.aliases)})" if one.aliases else one.name for one in self.instruments)
        raise InputError(f"{self.label} has no instrument « {' '.join(name.split())[:40]} ».", f"It has {known}.")

    def search_radius_deg(self, instrument: str = "") -> float:
        """DAXA's default search distance: 1.2 x the field of view, the largest of the default instruments if none is named."""
        radii = {i.name: i.fov_radius_deg for i in self.instruments}
        if instrument in radii:
            return 1.2 * radii[instrument]
        return 1.2 * max(radii[name] for name in self.default_instruments)

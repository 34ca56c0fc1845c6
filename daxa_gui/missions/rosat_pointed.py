"""ROSAT, pointed observations: event lists of PSPC and HRI in the rationalised data format (RDF).

Source: HEASARC's rosat/data tree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from daxa_gui.core.mission import EventFormat, Instrument, MissionSpec, RawFile, RemoteFolder
from daxa_gui.core.product import ProductKind
from daxa_gui.missions.layout import HEASARC, checked_obs_id

MJDREF = 48043.879745370370  # the clock started on 1990-06-01 at 21:06:50 UT


def pspc_format(name: str, mission: str) -> EventFormat:
    """The pointed observations and the all-sky survey have the same kind of list."""
    return EventFormat(
        name=name,
        mission=mission,
        telescopes=("ROSAT",),
        instruments=("PSPC", "PSPCB", "PSPCC", "PSPC-B", "PSPC-C", "PSPC B", "PSPC C"),
        extensions=("STDEVT", "EVENTS"),  # REJEVT has the rejected events
        mjdref=MJDREF,
        timesys="UTC",
        energy_per_channel_kev=0.01,
        pixel_arcsec=0.5,
        gti_extensions=("STDGTI", "GTI"),
        image_bin=30,
        image_pixels=512,
        default_band_kev=(0.4, 2.4),
        flare_band_kev=(0.1, 2.4),
        flare_bin_s=100.0,
    )


PSPC = pspc_format("rosat_pspc", "rosat_pointed")
HRI = EventFormat(
    name="rosat_hri",
    mission="rosat_pointed",
    telescopes=("ROSAT",),
    instruments=("HRI",),
    extensions=("STDEVT", "EVENTS"),
    mjdref=MJDREF,
    timesys="UTC",
    energy_column="",
    pixel_arcsec=0.5,
    gti_extensions=("STDGTI", "GTI"),
    image_bin=16,
    image_pixels=512,
    default_band_kev=(0.07, 2.4),
    flare_band_kev=(0.07, 2.4),
    flare_bin_s=100.0,
    notes="No usable energies: bands are ignored.",
)

SPEC = MissionSpec(
    name="rosat_pointed",
    label="ROSAT Pointed",
    obs_id_pattern=r"[RW][HPF][0-9]{6}(?:[A-Z][0-9]{2})?",
    obs_id_example="RP700068",
    frame="FK5",
    instruments=(
        Instrument("PSPCB", "PSPC-B", 1.0, ("PSPC-B", "PSPC B")),
        Instrument("PSPCC", "PSPC-C", 1.0, ("PSPC-C", "PSPC C")),
        Instrument("HRI", "HRI", 19 / 60),
    ),
    default_instruments=("PSPCB", "PSPCC", "HRI"),
    colour="#AA4499",
    symbol="star",
    event_formats=(PSPC, HRI),
    files="daxa_gui.missions.rosat_pointed:files",
    raw_file="daxa_gui.missions.rosat_pointed:raw_file",
    instrument_per_observation=True,
    column_labels={"with_filter": "Boron filter", "proc_rev": "Processing revision", "fits_type": "Format"},
    acknowledgement=(
        "This research has made use of the ROSAT data archive of the Max-Planck-Institut für extraterrestrische Physik (MPE)."
    ),
)

_BASIC = re.compile(r"[rw]([hpf])[0-9]{6}(?:[a-z][0-9]{2})?_(bas|anc)\.fits(?:\.Z)?")


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """Events with their good times (`_bas`) and orbit, attitude and housekeeping (`_anc`)."""
    checked_obs_id(SPEC, obs_id)
    detector, name = ("hri" if obs_id[1] == "H" else "pspc"), obs_id.lower()
    folder = f"rosat/data/{detector}/processed_data/{obs_id[2]}00000/{name}/"
    return (
        RemoteFolder(HEASARC, folder, rf"{name}_bas\.fits(?:\.Z)?"),
        RemoteFolder(HEASARC, folder, rf"{name}_anc\.fits(?:\.Z)?", kind=ProductKind.OTHER, optional=True),
    )


def raw_file(name: str) -> RawFile | None:
    """« rp700068n00_bas.fits.Z » is the event list. Which of the two PSPCs it was stands in the catalogue, not in the name."""
    match = _BASIC.fullmatch(name)
    if match is None:
        return None
    kind = ProductKind.EVENTS if match[2] == "bas" else ProductKind.OTHER
    return RawFile(kind, "HRI" if match[1] == "h" else "PSPC")

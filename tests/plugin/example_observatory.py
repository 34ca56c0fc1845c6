"""A mission that another package adds: what a plug-in has to have, and nothing more (see docs/missions.md)."""

from __future__ import annotations

from daxa_gui.core.footprint import Footprint
from daxa_gui.core.mission import Instrument, MissionSpec, TapSource
from daxa_gui.core.table import DataTable
from daxa_gui.missions import columns as col

LOG = TapSource(
    service="heasarc",
    table="exampleobs",
    key="obsid",
    columns=("obsid", "name", "ra", "dec", "time", "end_time", "exposure", "category"),
    build="example_observatory:catalogue_columns",
)

SPEC = MissionSpec(
    name="example_observatory",
    label="Example Observatory",
    obs_id_pattern=r"EX[0-9]{4}",
    obs_id_example="EX0001",
    frame="ICRS",
    instruments=(Instrument("CAM", "Camera", 0.25, ("CAMERA",), Footprint("square", 0.25)),),
    default_instruments=("CAM",),
    colour="#000000",
    symbol="arrow_up",
    sources=(LOG,),
)


def catalogue_columns(raw: DataTable) -> dict[str, col.Column]:
    """The columns of a catalogue from the observatory's table."""
    marks, n_rows = col.Marks(len(raw)), len(raw)
    ra_deg, dec_deg = col.positions(raw["ra"], raw["dec"], "icrs", marks)
    start_mjd = col.starts(raw["time"], marks)
    (exposure_s,) = col.exposures(raw["exposure"])
    marks.add(exposure_s == 0, col.NO_EXPOSURE)
    category = col.texts(raw["category"])
    return {
        "obs_id": col.obs_ids(raw["obsid"]),
        "ra_deg": ra_deg,
        "dec_deg": dec_deg,
        "start_mjd": start_mjd,
        "end_mjd": col.ends(start_mjd, col.mjd(raw["end_time"])),
        "exposure_s": exposure_s,
        "target": col.texts(raw["name"]),
        "target_type": col.types(category, {"Quasar": "AGN"}),
        "category": category,
        "instruments": col.active({"CAM": exposure_s}),
        "public_mjd": col.unrestricted(n_rows),
        "unusable_reason": marks.reasons(),
    }

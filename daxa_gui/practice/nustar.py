"""NuSTAR: cleaned event lists of mode 01 and sky images, one module at a time. Much of the time the detectors are busy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from daxa_gui.practice import cameras, telescopes
from daxa_gui.practice.fitsblocks import Card, Column, image_block, primary_block, table_block, write_file
from daxa_gui.practice.flares import generator, orbit_intervals
from daxa_gui.practice.headers import image_wcs, linear_wcs, ogip, tangent_wcs
from daxa_gui.practice.heasoft import Run, counts_image
from daxa_gui.practice.simulate import Events, Look, dither, simulate
from daxa_gui.practice.sky import SOURCES, Observation

PIXEL_ARCSEC = 2.45810736
PIXEL_DEG = PIXEL_ARCSEC / 3600
CRPIX, SIZE = 500.0, 1000
_DEAD_S = 2.5e-3  # the detector is busy for this long after each event, wanted or vetoed
_VETOED_CT_S = 120.0  # events that the shield throws away, but that keep the detector busy all the same
_ORBITS = 14
_CAMERAS = {"FPMA": cameras.NUSTAR_A, "FPMB": cameras.NUSTAR_B}
_NULL_XY = -1


def _run(observation: Observation, instrument: str, seed: int) -> Run:
    good = orbit_intervals(80_000.0, observation.exposure_s, _ORBITS)
    live = 1.0 / (1.0 + _VETOED_CT_S * _DEAD_S)
    return Run(observation, seed, "NuSTAR", instrument, 55197, 7.660185200000000e-04, good, live)


def _sky_pixels(run: Run, events: Events, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sky pixels; null for those outside the image, and where the mast's laser was not seen so that no place is known."""
    aspect = dither(telescopes.NUSTAR, events.time_s)
    sky = _CAMERAS[run.instrument].to_sky(events.u, events.v, run.observation.roll_deg) + aspect
    x, y = (np.rint(CRPIX + axis / PIXEL_ARCSEC).astype(np.int16) for axis in sky)
    outside = (x < 1) | (x > SIZE) | (y < 1) | (y > SIZE) | (rng.random(len(events)) < 0.0004)
    return np.where(outside, _NULL_XY, x), np.where(outside, _NULL_XY, y)


def _columns(run: Run, events: Events, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> list[Column]:
    observation, n = run.observation, len(events)
    pi = np.clip(np.rint((events.energy_kev - 1.6) / 0.04), 0, 4095).astype(np.int32)
    weights = np.array([72, 5, 5, 5, 5, *[0.35] * 22])
    grade = rng.choice(27, n, p=weights / weights.sum())
    wcs = tangent_wcs("X", CRPIX, observation.ra_deg, -PIXEL_DEG), tangent_wcs("Y", CRPIX, observation.dec_deg, PIXEL_DEG)
    det1 = np.rint(180.5 + events.u / PIXEL_ARCSEC), np.rint(180.5 + events.v / PIXEL_ARCSEC)
    det2 = np.rint(300.5 + events.u / PIXEL_ARCSEC), np.rint(300.5 + events.v / PIXEL_ARCSEC)

    def bench(name: str, values: np.ndarray, last: int) -> Column:
        scale = linear_wcs(name, 0.0, 0.0, 0.12096, "mm")
        return Column(name, "I", values, "pixel", "Event position, bench frame", -4095, (1, last), wcs=scale)

    return [
        Column("TIME", "D", run.start_s + events.time_s, "s", "Event Time (seconds since Jan 2010 00:00:00 UTC)"),
        Column("DET_ID", "B", events.chip, "", "Detector ID (0,1,2,3)"),
        Column("RAWX", "B", events.raw_x // 2, "", "X-position of central pixel in raw coordinates"),
        Column("RAWY", "B", events.raw_y // 2, "", "Y-position of central pixel in raw coordinates"),
        Column("STATUS", "16X", np.zeros(n, np.uint16), "", "Event Quality Flag"),
        Column("GRADE", "I", grade, "", "Event Grade", None, (0, 32)),
        Column("SURRPI", "J", rng.integers(-30, 30, n), "", "Sum of pulse invariants for pixels below threshold"),
        Column("PI", "J", pi, "chan", "Event Pulse Invariant", -4095, (0, 4095)),
        bench("DET1X", det1[0], 360), bench("DET1Y", det1[1], 360), bench("DET2X", det2[0], 600), bench("DET2Y", det2[1], 600),
        Column("X", "I", x, "pixel", "X position sky coordinates", _NULL_XY, (1, SIZE), wcs=wcs[0]),
        Column("Y", "I", y, "pixel", "Y position sky coordinates", _NULL_XY, (1, SIZE), wcs=wcs[1]),
    ]  # fmt: skip


def _event_cards(run: Run) -> list[Card]:
    return [
        *ogip("EVENTS", "ALL"),
        *run.common_cards(),
        ("DETNAM", "NONE", "Detector"),
        ("NUFLAG", True, "Are events flagged (T/F)?"),
        ("OBSMODE", "SCIENCE", "Observing mode selection"),
        ("DEPTHCUT", "NOMINAL", "Events depth cut screening"),
        ("DSTYP1", "GRADE", "Data subspace descriptor: name"),
        ("DSVAL1", "0:26", "Data subspace descriptor: value"),
    ]


def write(www: Path, observation: Observation, instrument: str, seed: int) -> list[Path]:
    """Write the files of one module into the archive's tree and return their paths."""
    run, camera = _run(observation, instrument, seed), _CAMERAS[instrument]
    rng = generator(seed, observation.obs_id, instrument)
    look = Look(telescopes.NUSTAR, camera, observation.ra_deg, observation.dec_deg, observation.roll_deg, run.good, run.live)
    events = simulate(look, SOURCES, rng)
    events = events.take(np.argsort(events.time_s, kind="stable"))
    x, y = _sky_pixels(run, events, rng)
    obs_id = observation.obs_id
    folder = www / "FTP/nustar/data/obs" / obs_id[1:3] / obs_id[0] / obs_id / "event_cl"
    root = f"nu{obs_id}{instrument[-1]}01"
    table = table_block("EVENTS", _columns(run, events, x, y, rng), _event_cards(run))
    write_file(folder / f"{root}_cl.evt.gz", [primary_block(run.common_cards()), table, run.gti_block()])
    wcs = image_wcs(CRPIX, observation.ra_deg, observation.dec_deg, PIXEL_DEG, 0.5, 1)
    write_file(
        folder / f"{root}_sk.img.gz",
        [image_block(counts_image(x, y, SIZE), [*run.common_cards(), ("CONTENT", "IMAGE", "image file"), *wcs])],
    )
    return [folder / f"{root}_cl.evt.gz", folder / f"{root}_sk.img.gz"]

"""Swift XRT in photon-counting mode: a cleaned event list, its sky image and its exposure map."""

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

PIXEL_ARCSEC = 2.3573
PIXEL_DEG = 6.5480890e-04
CRPIX, SIZE = 500.5, 1000
_LIVE = 0.99600995
_FRAME_S = 2.5073
_ORBITS = 6
_SPAN_S = 60_000.0


def _run(observation: Observation, seed: int) -> Run:
    good = orbit_intervals(_SPAN_S, observation.exposure_s, _ORBITS)
    return Run(observation, seed, "SWIFT", "XRT", 51910, 7.4287037e-4, good, _LIVE, "PHOTON")


def _sky_pixels(run: Run, events: Events) -> tuple[np.ndarray, np.ndarray]:
    aspect = dither(telescopes.XRT, events.time_s)
    sky = cameras.XRT.to_sky(events.u, events.v, run.observation.roll_deg) + aspect
    return np.rint(CRPIX + sky[0] / PIXEL_ARCSEC).astype(np.int16), np.rint(CRPIX + sky[1] / PIXEL_ARCSEC).astype(np.int16)


def _columns(run: Run, events: Events, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> list[Column]:
    observation, n = run.observation, len(events)
    pi = np.clip(np.rint(events.energy_kev * 100), 0, 1023).astype(np.int32)
    weights = np.array([62, 9, 7, 9, 7, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5])
    grade = rng.choice(13, n, p=weights / weights.sum())
    raw, legal = (events.raw_x, events.raw_y), (0, 599)
    wcs = tangent_wcs("X", CRPIX, observation.ra_deg, -PIXEL_DEG), tangent_wcs("Y", CRPIX, observation.dec_deg, PIXEL_DEG)
    millimetres = linear_wcs("DETX", 300.5, 0.0, 0.04, "mm"), linear_wcs("DETY", 300.5, 0.0, 0.04, "mm")
    return [
        Column("TIME", "1D", run.start_s + events.time_s, "s", "Time of events"),
        Column("X", "1I", x, "pixel", "Event X position Sky coordinates", -1, (1, SIZE), wcs=wcs[0]),
        Column("Y", "1I", y, "pixel", "Event Y position Sky coordinates", -1, (1, SIZE), wcs=wcs[1]),
        Column("RAWX", "1I", raw[0], "pixel", "Event X position RAW coordinates", None, legal),
        Column("RAWY", "1I", raw[1], "pixel", "Event Y position RAW coordinates", None, legal),
        Column("DETX", "1I", raw[0] + 1, "pixel", "Event X position DET coordinates", None, (1, 600), wcs=millimetres[0]),
        Column("DETY", "1I", raw[1] + 1, "pixel", "Event Y position DET coordinates", None, (1, 600), wcs=millimetres[1]),
        Column("PHA", "1J", np.rint(pi * 3.9), "chan", "Pulse Height Analyzer after event recognition", None, (0, 4095)),
        Column("PI", "1J", pi, "chan", "Pulse invariant", -4095, (0, 1023)),
        Column("GRADE", "1I", grade, "", "Event Grade", None, (0, 32)),
        Column("STATUS", "16X", np.zeros(n, np.uint16), "", "Event Quality Flag"),
    ]  # fmt: skip


def _bad_pixels(run: Run) -> bytes:
    rows = np.array([(bad.x, 0, 1, 3, 600) for bad in cameras.XRT.bad_columns], np.int16)
    names = ("RAWX", "RAWY", "Amp", "TYPE", "YEXTENT")
    return table_block("BADPIX", [Column(name, "1I", rows[:, i]) for i, name in enumerate(names)], run.common_cards())


def _exposure_map(run: Run) -> np.ndarray:
    """Seconds of on-time at each sky pixel: without vignetting, as the archive's maps, and without the dead columns.

    The telescope is taken to stand still during each look, at the place where it is in the middle.
    """
    pixels = np.arange(1, SIZE + 1) - CRPIX
    sky = np.stack([array.ravel() for array in np.meshgrid(pixels, pixels)]) * PIXEL_ARCSEC
    u, v = cameras.XRT.from_sky(sky, run.observation.roll_deg)
    chip, _, _ = cameras.XRT.place(u, v)
    seen = ((chip >= 0) & (np.hypot(u, v) <= cameras.XRT.fov_radius_arcsec)).reshape(SIZE, SIZE)
    total = np.zeros((SIZE, SIZE), np.float32)
    for begin, end in run.good:
        columns, rows = np.rint(dither(telescopes.XRT, np.array([(begin + end) / 2]))[:, 0] / PIXEL_ARCSEC).astype(int)
        total += np.float32(end - begin) * np.roll(seen, (rows, columns), (0, 1))
    return total


def _observe(run: Run, rng: np.random.Generator) -> tuple[Events, np.ndarray, np.ndarray]:
    """Events in order of time with their sky pixels; those that fall beside the sky image are left out."""
    observation = run.observation
    look = Look(telescopes.XRT, cameras.XRT, observation.ra_deg, observation.dec_deg, observation.roll_deg, run.good, _LIVE)
    events = simulate(look, SOURCES, rng)
    events = events.take(np.argsort(events.time_s, kind="stable"))
    x, y = _sky_pixels(run, events)
    on = (x >= 1) & (x <= SIZE) & (y >= 1) & (y <= SIZE)
    return events.take(on), x[on], y[on]


def _event_cards(run: Run) -> list[Card]:
    return [
        *ogip("EVENTS"),
        ("MTYPE1", "SKY", "DM Keyword: Descriptor name"),
        ("MFORM1", "X, Y", "[pixel]"),
        ("MTYPE2", "DET", "DM Keyword: Descriptor name"),
        ("MFORM2", "DETX, DETY", "[mm]"),
        ("TIMEPIXR", 0.0, "Bin time beginning=0 middle=0.5 end=1"),
        ("TIMEDEL", _FRAME_S, "Data time resolution"),
        ("SEG_NUM", int(run.observation.obs_id[8:]), "Segment number"),
        ("CCDEXPOS", _FRAME_S, "CCD Exposure used for rates"),
        ("XRTMODE", 7, "Standard mode value"),
        ("XRTPI", True, "Is PI computed (T/F)?"),
        *run.common_cards(),
        ("DSTYP1", "GRADE", "Data subspace descriptor: name"),
        ("DSFORM1", "I", "Data subspace descriptor: datatype"),
        ("DSVAL1", "0:12", "Data subspace descriptor: value"),
    ]


def write(www: Path, observation: Observation, instrument: str, seed: int) -> list[Path]:
    """Write the observation into the archive's tree and return the paths of its files."""
    run = _run(observation, seed)
    rng = generator(seed, observation.obs_id, "XRT")
    events, x, y = _observe(run, rng)
    year, month = observation.start_utc[:4], observation.start_utc[5:7]
    folder = www / "FTP/swift/data/obs" / f"{year}_{month}" / observation.obs_id / "xrt"
    events_path = folder / "event" / f"sw{observation.obs_id}xpcw3po_cl.evt.gz"
    table = table_block("EVENTS", _columns(run, events, x, y, rng), _event_cards(run))
    write_file(events_path, [primary_block(run.common_cards()), table, run.gti_block(), _bad_pixels(run)])
    wcs = image_wcs(CRPIX, observation.ra_deg, observation.dec_deg, PIXEL_DEG, 0.5, 1)
    image_path, map_path = (folder / "products" / f"sw{observation.obs_id}xpc_{kind}.img.gz" for kind in ("sk", "ex"))
    image_cards = [*run.common_cards(), ("CONTENT", "IMAGE", "image file"), *wcs]
    write_file(image_path, [image_block(counts_image(x, y, SIZE), image_cards)])
    map_cards: list[Card] = [("CONTENT", "EXPOSURE MAP", "exposure map"), ("BUNIT", "s", "on-time"), *wcs]
    write_file(map_path, [image_block(_exposure_map(run), [*run.common_cards(), *map_cards], bitpix=-32)])
    return [events_path, image_path, map_path]

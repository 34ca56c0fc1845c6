"""ROSAT PSPC-B in the revised data format: basic events, ancillary data, images and exposure map, LZW-compressed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from daxa_gui.practice import cameras, telescopes
from daxa_gui.practice.clock import iso_utc, mission_seconds, utc_mjd
from daxa_gui.practice.fitsblocks import Card, Column, image_block, primary_block, table_block, write_file
from daxa_gui.practice.flares import generator, orbit_intervals, total_s
from daxa_gui.practice.headers import CREATOR, ORIGIN, image_wcs, ogip, simulated, tangent_wcs
from daxa_gui.practice.simulate import Events, Look, simulate, vignetting
from daxa_gui.practice.sky import SOURCES, Observation

MJDREFI, MJDREFF = 48043, 0.879745370370  # start of the spacecraft's clock, UTC
PIXEL_ARCSEC = 0.5
PIXEL_DEG = PIXEL_ARCSEC / 3600
CRPIX, SIZE = 7680.5, 15360
_LIVE = 0.97
_ORBITS = 8
_IMAGE_BIN, _IMAGE_SIZE = 30, 512
_BANDS = {1: (7, 240), 2: (40, 240), 3: (7, 41)}  # PI channels: broad, hard, soft
_RING_ARCMIN = (20.0, 22.0)  # of the window's support
_SPOKE_ARCMIN = 1.6


class _Run:
    """Numbers of one observation that several headers need."""

    def __init__(self, observation: Observation, seed: int) -> None:
        self.observation, self.seed = observation, seed
        self.start_s = mission_seconds(utc_mjd(observation.start_utc), MJDREFI + MJDREFF, "UTC")
        self.good = orbit_intervals(140_000.0, observation.exposure_s, _ORBITS)

    def cards(self) -> list[Card]:
        observation = self.observation
        first, last = self.good[0][0], self.good[-1][1]
        start_mjd = utc_mjd(observation.start_utc)
        on_s = total_s(self.good)
        return [
            ("ORIGIN", ORIGIN, "origin of fits file"),
            ("CREATOR", CREATOR, "program that made the file"),
            ("TELESCOP", "ROSAT", "mission name"),
            ("INSTRUME", "PSPCB", "instrument name"),
            ("OBS_MODE", "POINTING", "obs mode: pointing, slew, or scan"),
            ("FILTER", "NONE", "filter id: none or boron"),
            ("OBJECT", observation.target, "name of object"),
            ("OBS_ID", observation.obs_id, "observation id"),
            ("ROR_NUM", int(observation.obs_id[2:8]), "ROR number"),
            ("RA_NOM", observation.ra_deg, "[deg] nominal RA"),
            ("DEC_NOM", observation.dec_deg, "[deg] nominal DEC"),
            ("RA_PNT", observation.ra_deg, "[deg] pointing RA"),
            ("DEC_PNT", observation.dec_deg, "[deg] pointing DEC"),
            ("ROLL_PNT", observation.roll_deg, "[deg] nominal roll angle"),
            ("RADECSYS", "FK5", "world coordinate system"),
            ("EQUINOX", 2000.0, "equinox"),
            ("MJDREFI", MJDREFI, "MJD integer SC clock start"),
            ("MJDREFF", MJDREFF, "MJD fraction SC clock start"),
            ("MJD-OBS", start_mjd + first / 86400, "MJD of the start"),
            ("TIMESYS", "UTC", "time system"),
            ("TIMEUNIT", "s", "unit of the times"),
            ("TIMEZERO", 0.0, "time offset"),
            ("TSTART", self.start_s + first, "[s] start"),
            ("TSTOP", self.start_s + last, "[s] stop"),
            ("DATE-OBS", _old_date(start_mjd + first / 86400), "UT date of obs start (dd/mm/yy)"),
            ("TIME-OBS", _time_of_day(start_mjd + first / 86400), "UT time of obs start"),
            ("DATE_END", _old_date(start_mjd + last / 86400), "UT date of obs end (dd/mm/yy)"),
            ("TIME_END", _time_of_day(start_mjd + last / 86400), "UT time of obs end"),
            ("ONTIME", on_s, "[s] on time"),
            ("LIVETIME", on_s * _LIVE, "[s] live time"),
            ("EXPOSURE", on_s * _LIVE, "[s] live time"),
            ("DTCOR", _LIVE, "dead time correction factor"),
            *simulated(self.seed),
        ]


def _old_date(mjd: float) -> str:
    """dd/mm/yy, as files were dated before 2000."""
    year, month, day = iso_utc(mjd)[:10].split("-")
    return f"{day}/{month}/{year[2:]}"


def _time_of_day(mjd: float) -> str:
    return iso_utc(mjd, "")[11:]


def _behind_support(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Places in the shadow of the window's ring and eight spokes."""
    radius = np.hypot(u, v) / 60
    angle = np.arctan2(v, u)
    along = (angle + np.pi / 8) % (np.pi / 4) - np.pi / 8  # from the nearest spoke
    spoke = (radius > _RING_ARCMIN[1]) & (np.abs(radius * np.sin(along)) < _SPOKE_ARCMIN)
    return spoke | ((radius > _RING_ARCMIN[0]) & (radius < _RING_ARCMIN[1]))


def _sky_pixels(run: _Run, events: Events) -> tuple[np.ndarray, np.ndarray]:
    sky = cameras.PSPC.to_sky(events.u, events.v, run.observation.roll_deg) / PIXEL_ARCSEC
    return np.rint(CRPIX + sky[0]).astype(np.int32), np.rint(CRPIX + sky[1]).astype(np.int32)


def _columns(run: _Run, events: Events) -> list[Column]:
    observation = run.observation
    x, y = _sky_pixels(run, events)
    pi = _channels(events)
    legal = (1, SIZE)
    return [
        Column("X", "1I", x, "pixel", "sky x", None, legal, wcs=tangent_wcs("X", CRPIX, observation.ra_deg, -PIXEL_DEG)),
        Column("Y", "1I", y, "pixel", "sky y", None, legal, wcs=tangent_wcs("Y", CRPIX, observation.dec_deg, PIXEL_DEG)),
        Column("PHA", "1I", np.clip(np.rint(pi * 1.02), 1, 256), "chan", "pulse height", None, (1, 256)),
        Column("PI", "1I", pi, "chan", "pulse invariant", None, (1, 256)),
        Column("TIME", "1D", run.start_s + events.time_s, "s", "time of the event"),
        Column("DX", "1I", events.raw_x, "pixel", "detector x", None, (1, 8192)),
        Column("DY", "1I", events.raw_y, "pixel", "detector y", None, (1, 8192)),
    ]  # fmt: skip


def _channels(events: Events) -> np.ndarray:
    return np.clip(np.rint(events.energy_kev * 100), 1, 256).astype(np.int16)


def _gti_block(run: _Run) -> bytes:
    intervals = run.start_s + np.array(run.good)
    columns = [Column("START", "1D", intervals[:, 0], "s", "start"), Column("STOP", "1D", intervals[:, 1], "s", "end")]
    return table_block("STDGTI", columns, [*ogip("GTI", "STANDARD"), *run.cards()])


def _image_cards(run: _Run, content: str, unit: str) -> list[Card]:
    observation = run.observation
    wcs = image_wcs(CRPIX, observation.ra_deg, observation.dec_deg, PIXEL_DEG, 0.5, _IMAGE_BIN)
    return [*run.cards(), ("CONTENT", content, ""), ("BUNIT", unit, ""), *wcs]


def _image(run: _Run, events: Events, band: int) -> bytes:
    low, high = _BANDS[band]
    pi = _channels(events)
    kept = events.take((pi >= low) & (pi <= high))
    x, y = _sky_pixels(run, kept)
    edges = 0.5 + _IMAGE_BIN * np.arange(_IMAGE_SIZE + 1)
    counts = np.histogram2d(y, x, bins=(edges, edges))[0]
    cards: list[Card] = [("PI_MIN", low, "lowest channel"), ("PI_MAX", high, "highest channel")]
    return image_block(counts, [*_image_cards(run, "IMAGE", "count"), *cards], bitpix=16)


def _exposure_map(run: _Run) -> bytes:
    """Live seconds, vignetted as at 1 keV, with the shadow of the window's support."""
    pixels = 0.5 + _IMAGE_BIN * (np.arange(_IMAGE_SIZE) + 0.5) - CRPIX
    sky = np.stack([array.ravel() for array in np.meshgrid(pixels, pixels)]) * PIXEL_ARCSEC
    u, v = cameras.PSPC.from_sky(sky, run.observation.roll_deg)
    off_axis = cameras.PSPC.off_axis_arcmin(u, v)
    seen = (off_axis * 60 <= cameras.PSPC.fov_radius_arcsec) & ~_behind_support(u, v)
    seconds = total_s(run.good) * _LIVE * seen * vignetting(telescopes.ROSAT, off_axis, np.ones_like(off_axis))
    return image_block(seconds.reshape(_IMAGE_SIZE, _IMAGE_SIZE), _image_cards(run, "EXPOSURE MAP", "s"), bitpix=-32)


def _ancillary(run: _Run) -> bytes:
    """The orbit, as far as a practice sky has one: a circle of 96 minutes, 580 km up."""
    times = np.arange(0.0, run.good[-1][1], 60.0)
    angle = 2 * np.pi * times / 5760.0
    radius_km = 6371.0 + 580.0
    columns = [
        Column("TIME", "1D", run.start_s + times, "s", "time"),
        Column("SAT_X", "1E", radius_km * np.cos(angle), "km", "geocentric equatorial position"),
        Column("SAT_Y", "1E", radius_km * np.sin(angle) * np.cos(np.radians(53)), "km", "geocentric equatorial position"),
        Column("SAT_Z", "1E", radius_km * np.sin(angle) * np.sin(np.radians(53)), "km", "geocentric equatorial position"),
    ]
    return table_block("ORBIT", columns, run.cards())


def write(www: Path, observation: Observation, instrument: str, seed: int) -> list[Path]:
    """Write the observation into the archive's tree and return the paths of its files."""
    run, camera = _Run(observation, seed), cameras.PSPC
    rng = generator(seed, observation.obs_id, "PSPCB")
    look = Look(telescopes.ROSAT, camera, observation.ra_deg, observation.dec_deg, observation.roll_deg, run.good, _LIVE)
    events = simulate(look, SOURCES, rng)
    events = events.take(events.in_fov & ~(_behind_support(events.u, events.v) & (rng.random(len(events)) < 0.96)))
    events = events.take(np.argsort(events.time_s, kind="stable"))
    rejected = events.take(rng.random(len(events)) < 0.01)
    rejected = rejected.take(np.argsort(rejected.time_s, kind="stable"))
    obs_id = observation.obs_id.lower()
    folder = www / "FTP/rosat/data/pspc/processed_data" / f"{obs_id[2]}00000" / obs_id
    primary = primary_block(run.cards())
    blocks = {
        "bas": [
            primary,
            _gti_block(run),
            table_block("STDEVT", _columns(run, events), [*ogip("EVENTS", "ACCEPTED"), *run.cards()]),
            table_block("REJEVT", _columns(run, rejected), [*ogip("EVENTS", "REJECTED"), *run.cards()]),
        ],
        "anc": [primary, _ancillary(run)],
        "mex": [_exposure_map(run)],
        **{f"im{band}": [_image(run, events, band)] for band in _BANDS},
    }
    paths = [folder / f"{obs_id}_{kind}.fits.Z" for kind in blocks]
    for path, content in zip(paths, blocks.values(), strict=True):
        write_file(path, content)
    return paths

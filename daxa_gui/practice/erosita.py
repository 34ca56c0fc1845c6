"""eROSITA in the early data release: the list of one pointing with the events of all seven modules, in a tar archive."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np

from daxa_gui.core.sky import LinearWcs
from daxa_gui.practice import cameras, telescopes
from daxa_gui.practice.clock import iso_utc, mission_seconds, utc_mjd
from daxa_gui.practice.fitsblocks import Card, Column, primary_block, table_block, write_file
from daxa_gui.practice.flares import Floats, Intervals, generator, inside, total_s
from daxa_gui.practice.headers import CREATOR, ORIGIN, ogip, simulated, tangent_wcs
from daxa_gui.practice.simulate import PARTICLE, Events, Look, simulate
from daxa_gui.practice.sky import SIMULATED_NOTE, SOURCES, Observation

MJDREF = 51543.875  # 2000-01-01 00:00 Moscow time
PIXEL_ARCSEC = 0.05
PIXEL_DEG = PIXEL_ARCSEC / 3600
_FRAME_S = 0.05
_LIVE = 0.985
_LIGHT_LEAK = {5: 2.2e-4, 7: 1.8e-4}  # ct/s/arcmin2 below 0.8 keV: the modules whose filter does not keep sunlight out


class _Run:
    """Numbers of one observation that several headers need."""

    def __init__(self, observation: Observation, seed: int) -> None:
        self.observation, self.seed = observation, seed
        self.start_s = mission_seconds(utc_mjd(observation.start_utc), MJDREF)
        rng = generator(seed, observation.obs_id, "good")
        self.good: dict[int, Intervals] = {}
        for module in range(1, 8):
            first = 20.0 + 5.0 * module + float(rng.uniform(0, 1))
            last, pause = first + observation.exposure_s - 60.0, float(rng.uniform(0.3, 0.7)) * observation.exposure_s
            reset = module in (2, 6)  # the camera's electronics were hit by a particle and started again
            self.good[module] = ((first, pause), (pause + 420.0, last)) if reset else ((first, last),)
        self.whole = (min(i[0][0] for i in self.good.values()), max(i[-1][1] for i in self.good.values()))


def _module_events(run: _Run, module: int) -> Events:
    observation = run.observation
    rng = generator(run.seed, observation.obs_id, f"TM{module}")
    camera = cameras.EROSITA_TMS[module - 1]
    look = Look(
        telescopes.EROSITA, camera, observation.ra_deg, observation.dec_deg, observation.roll_deg, run.good[module], _LIVE
    )
    events = simulate(look, SOURCES, rng)
    if module not in _LIGHT_LEAK:
        return events
    n = rng.poisson(_LIGHT_LEAK[module] * camera.area_arcmin2 * total_s(run.good[module]))
    first, last = run.whole
    time = first + rng.random(n) * (last - first)
    u, v = camera.scatter(n, rng)
    chip, raw_x, raw_y = camera.place(u, v)
    leak = Events(
        time,
        0.2 + rng.exponential(0.12, n),
        u,
        v,
        chip,
        raw_x,
        raw_y,
        np.full(n, PARTICLE, np.uint8),
        camera.off_axis_arcmin(u, v) * 60 <= camera.fov_radius_arcsec,
    )
    leak = leak.take(inside(time, run.good[module]) & (chip >= 0))
    return joined([events, leak])


def joined(parts: list[Events]) -> Events:
    """One list from several."""
    return Events(*(np.concatenate([getattr(part, name) for part in parts]) for name in Events.__dataclass_fields__))


def _common_cards(run: _Run) -> list[Card]:
    observation = run.observation
    start_mjd = utc_mjd(observation.start_utc)
    first, last = run.whole
    return [
        ("ORIGIN", ORIGIN, "origin of fits file"),
        ("CREATOR", CREATOR, "program that made the file"),
        ("TELESCOP", "eROSITA", "Telescope (mission) name"),
        ("INSTRUME", "MERGED", "Instrument name"),
        ("OBS_ID", observation.obs_id, "Observation ID"),
        ("OBS_MODE", "POINTING", "Observation mode"),
        ("DATAMODE", "PHOTON", "Datamode"),
        ("OBJECT", observation.target, "Name of observed object"),
        ("OBSERVER", "DAXA GUI", "Name of observer"),
        ("FILTER", observation.filter, "Filter wheel"),
        ("RA_PNT", observation.ra_deg, "[deg] mean pointing RA"),
        ("DEC_PNT", observation.dec_deg, "[deg] mean pointing Dec"),
        ("PA_PNT", observation.roll_deg, "[deg] mean position angle"),
        ("RA_CEN", observation.ra_deg, "[deg] centre of the sky coordinates"),
        ("DEC_CEN", observation.dec_deg, "[deg] centre of the sky coordinates"),
        ("RADECSYS", "FK5", "celestial coord system"),
        ("EQUINOX", 2000.0, "Equinox of celestial coord system"),
        ("TIMESYS", "TT", "time system"),
        ("TIMEUNIT", "s", "unit for time keywords"),
        ("TIMEREF", "LOCAL", "reference location of times"),
        ("MJDREF", MJDREF, "[d] reference of the times"),
        ("TIMEZERO", 0.0, "[s] clock correction"),
        ("TSTART", run.start_s + first, "[s] start"),
        ("TSTOP", run.start_s + last, "[s] stop"),
        ("DATE-OBS", iso_utc(start_mjd + first / 86400, ""), "start (UTC)"),
        ("DATE-END", iso_utc(start_mjd + last / 86400, ""), "end (UTC)"),
        ("DATE", iso_utc(start_mjd + last / 86400, ""), "file creation date"),
        *simulated(run.seed),
    ]


def _exposure_cards(run: _Run) -> list[Card]:
    on = {module: total_s(intervals) for module, intervals in run.good.items()}
    mean_s = sum(on.values()) / len(on)
    cards: list[Card] = [(f"ONTIME{module}", seconds, f"[s] good time of TM{module}") for module, seconds in on.items()]
    cards += [(f"LIVETI{module}", seconds * _LIVE, f"[s] live time of TM{module}") for module, seconds in on.items()]
    return [
        *cards,
        ("ONTIME", mean_s, "[s] mean good time of the modules"),
        ("LIVETIME", mean_s * _LIVE, "[s] mean live time of the modules"),
        ("EXPOSURE", mean_s * _LIVE, "[s] mean live time of the modules"),
    ]


def _sky(run: _Run, events: Events, module: np.ndarray) -> tuple[Floats, Floats, Floats, Floats]:
    """X, Y (orthographic, 0.05 arcsec from the centre) and RA, Dec in degrees."""
    observation = run.observation
    offsets = np.empty((2, len(events)))
    for number in range(1, 8):
        here = module == number
        camera = cameras.EROSITA_TMS[number - 1]
        offsets[:, here] = camera.to_sky(events.u[here], events.v[here], observation.roll_deg)
    tangent = LinearWcs(0, 0, observation.ra_deg, observation.dec_deg, -1 / 3600, 1 / 3600)
    ra, dec = tangent.sky(offsets[0], offsets[1])
    sine = LinearWcs(0, 0, observation.ra_deg, observation.dec_deg, -PIXEL_DEG, PIXEL_DEG, "SIN")
    x, y = sine.pixel(ra, dec)
    return x, y, ra, dec


def _columns(run: _Run, events: Events, module: np.ndarray, rng: np.random.Generator) -> list[Column]:
    observation, n = run.observation, len(events)
    x, y, ra, dec = _sky(run, events, module)
    single = np.clip(0.78 - 0.04 * events.energy_kev, 0.35, 0.8)
    choice = rng.random(n)
    pattern = 1 + (choice > single).astype(np.int64) + (choice > single + 0.75 * (1 - single)) + (choice > 1 - 0.1 * (1 - single))
    flag = np.where(events.in_fov, 0, 0x8000)
    edge = (events.raw_x <= 1) | (events.raw_x >= 384) | (events.raw_y <= 1) | (events.raw_y >= 384)
    flag = (flag | np.where(edge, 0x20, 0) | np.where(rng.random(n) < 0.002, 0x40000000, 0)).astype(np.int64)
    time = run.start_s + events.time_s
    span = (-648000, 648000)
    wcs_x = tangent_wcs("X", 0.0, observation.ra_deg, -PIXEL_DEG, "SIN")
    wcs_y = tangent_wcs("Y", 0.0, observation.dec_deg, PIXEL_DEG, "SIN")
    energy_ev = events.energy_kev * 1000
    return [
        Column("TIME", "D", time, "s", "time of the event"),
        Column("RA", "D", ra, "deg", "right ascension"),
        Column("DEC", "D", dec, "deg", "declination"),
        Column("X", "E", x, "pixel", "sky coordinate", None, span, wcs=wcs_x),
        Column("Y", "E", y, "pixel", "sky coordinate", None, span, wcs=wcs_y),
        Column("PHA", "I", np.rint(energy_ev / 4.7), "adu", "pulse height"),
        Column("PI", "E", energy_ev, "eV", "calibrated energy"),
        Column("EV_WEIGHT", "E", np.ones(n), "", "weight of the event"),
        Column("RAWX", "I", events.raw_x, "pixel", "raw pixel", None, (1, 384)),
        Column("RAWY", "I", events.raw_y, "pixel", "raw pixel", None, (1, 384)),
        Column("SUBX", "E", rng.uniform(-0.5, 0.5, n), "pixel", "place in the pixel"),
        Column("SUBY", "E", rng.uniform(-0.5, 0.5, n), "pixel", "place in the pixel"),
        Column("PAT_TYP", "I", pattern, "", "1 single, 2 double, 3 triple, 4 quadruple"),
        Column("PAT_INF", "B", np.where(pattern == 1, 5, rng.integers(1, 10, n)), "", "place in the pattern"),
        Column("TM_NR", "B", module, "", "number of the module", None, (1, 7)),
        Column("FLAG", "J", flag, "", "quality flag"),
        Column("FRAME_TIME", "D", np.floor(time / _FRAME_S) * _FRAME_S, "s", "time of the frame"),
    ]  # fmt: skip


def _module_tables(run: _Run, module: int) -> list[bytes]:
    """GTIn and DEADCORn of one module."""
    common = [*_common_cards(run), ("CCDID", module, "number of the module")]
    intervals = run.start_s + np.array(run.good[module])
    gti = [Column("START", "D", intervals[:, 0], "s", "start"), Column("STOP", "D", intervals[:, 1], "s", "end")]
    times = np.arange(run.good[module][0][0], run.good[module][-1][1], 60.0)
    times = times[inside(times, run.good[module])]
    dead = [
        Column("TIME", "D", run.start_s + times, "s", "time"),
        Column("DEADC", "E", np.full(len(times), _LIVE), "", "live / on"),
    ]
    return [
        table_block(f"GTI{module}", gti, [*ogip("GTI", "STANDARD"), *common]),
        table_block(f"DEADCOR{module}", dead, [*ogip("TEMPORALDATA", "DEADCOR"), *common]),
    ]


def event_list(run: _Run) -> bytes:
    """The FITS file of the observation, rows in order of time."""
    parts = [_module_events(run, module) for module in range(1, 8)]
    events = joined(parts)
    module = np.repeat(np.arange(1, 8, dtype=np.int16), [len(part) for part in parts])
    order = np.argsort(events.time_s, kind="stable")
    events, module = events.take(order), module[order]
    rng = generator(run.seed, run.observation.obs_id, "columns")
    columns = _columns(run, events, module, rng)
    blocks = [
        primary_block(_common_cards(run)),
        table_block("EVENTS", columns, [*ogip("EVENTS", "ACCEPTED"), *_common_cards(run), *_exposure_cards(run)]),
    ]
    for number in range(1, 8):
        blocks += _module_tables(run, number)
    return b"".join(blocks)


def _tar(members: dict[str, bytes]) -> bytes:
    """A tar archive whose bytes depend on its content only."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            info.size, info.mode = len(content), 0o755 if name.endswith("/") else 0o644
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def write(www: Path, observation: Observation, instrument: str, seed: int) -> list[Path]:
    """Write the field's tar archive into the tree and return its path."""
    run = _Run(observation, seed)
    archive_name = str(observation.extra["archive_url"]).rpartition("/")[2]
    folder = archive_name.removesuffix(".tar.gz")
    name = f"{folder}/pm00_{observation.obs_id}_020_EventList_c001.fits"
    note = f"{SIMULATED_NOTE}\n".encode()
    data = _tar({f"{folder}/": b"", f"{folder}/README.txt": note, name: event_list(run)})
    path = www / "edr/eROSITAObservations/CalPvObs" / archive_name
    write_file(path, [data])
    return [path]

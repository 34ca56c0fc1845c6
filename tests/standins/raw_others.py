"""Small raw data of eROSITA, Chandra and NuSTAR, made from the simulated sky of the practice mode."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from daxa_gui.practice import chandra, erosita, nustar, telescopes
from daxa_gui.practice.fitsblocks import primary_block, table_block
from daxa_gui.practice.flares import generator, orbit_intervals
from daxa_gui.practice.heasoft import Run
from daxa_gui.practice.simulate import Look, simulate
from daxa_gui.practice.sky import SOURCES, Flares, Observation, observations_of
from tests.standins.fits_files import files

_FLARE = (0.40, 0.46)  # when eROSITA's practice sky flares, of the whole time


def _like(mission: str, obs_id: str, exposure_s: float, **more: Any) -> Observation:
    return replace(observations_of(mission)[0], obs_id=obs_id, exposure_s=exposure_s, **more)


def _text(values: Sequence[str], width: int) -> list[bytes]:
    return [value.encode()[:width].ljust(width) for value in values]


# ---- eROSITA


@lru_cache(maxsize=4)
def _erosita_list(obs_id: str, exposure_s: float, seed: int, wheel: str) -> bytes:
    return erosita.event_list(erosita._Run(_like("erosita_calpv", obs_id, exposure_s, filter=wheel), seed))


def erosita_events(
    folder: Path, obs_id: str = "999902", *, exposure_s: float = 1500.0, seed: int = 1, wheel: str = "FILTER", name: str = ""
) -> Path:
    """Write an event list of all seven modules with GTI1…7, DEADCOR1…7, CORRATT1…7 and a flare, and return its path.

    `name` of the file; as in the early data release if empty.
    """
    hdus = files.parse(_erosita_list(obs_id, exposure_s, seed, wheel))
    events = next(hdu for hdu in hdus if hdu.name == "EVENTS")
    rows = events.rows()
    rng = np.random.default_rng(seed)
    start, stop = float(rows["TIME"].min()), float(rows["TIME"].max())
    extra = rows[rng.integers(0, len(rows), round(1.2 * len(rows)))].copy()
    extra["TIME"] = start + (stop - start) * rng.uniform(*_FLARE, len(extra))
    angle, radius = rng.random(len(extra)) * 2 * np.pi, 36000 * np.sqrt(rng.random(len(extra)))
    extra["X"], extra["Y"] = radius * np.cos(angle), radius * np.sin(angle)
    both = np.concatenate([rows, extra])
    hdus[hdus.index(events)] = events.with_rows(both[np.argsort(both["TIME"], kind="stable")])
    columns = [("TIME", "D", "s"), ("RA", "D", "deg"), ("DEC", "D", "deg"), ("ROLL", "D", "deg")]
    n = int((stop - start) // 10) + 1
    attitude = b"".join(struct.pack(">dddd", start + 10.0 * k, 160.2546, -12.3506, 61.0) for k in range(n))
    hdus += [files.table_hdu(f"CORRATT{module}", columns, attitude, n) for module in range(1, 8)]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name or f"pm00_{obs_id}_020_EventList_c001.fits")
    files.write(str(path), hdus)
    return path


# ---- Chandra


@lru_cache(maxsize=4)
def _chandra_list(obs_id: str, exposure_s: float, seed: int) -> bytes:
    run = chandra._Run(_like("chandra", obs_id, exposure_s, flares=Flares()), seed)
    rng = generator(seed, obs_id, "ACIS")
    columns, _, _ = chandra._columns(run, chandra._observe(run, rng), rng)
    head: list[Any] = [("ORIGIN", "DAXA GUI", "")]
    primary = primary_block([*head, *chandra._time_cards(run), *chandra._identity(run)])
    gtis = [chandra._gti_block(run, ccd) for ccd in sorted(run.good)]
    return b"".join([primary, table_block("EVENTS", columns, chandra._event_cards(run, head)), *gtis])


def _with_flare(events: Any, seed: int) -> Any:
    """Some hundred events more within two minutes."""
    rng = np.random.default_rng(seed)
    rows = events.rows()
    start, stop = float(rows["time"].min()), float(rows["time"].max())
    extra = rows[rng.integers(0, len(rows), 1500)].copy()
    extra["time"] = start + 0.6 * (stop - start) + 120.0 * rng.random(len(extra))
    for name in ("x", "y"):
        extra[name] = rng.permutation(extra[name])
    both = np.concatenate([rows, extra])
    return events.with_rows(both[np.argsort(both["time"], kind="stable")])


def _as_hrc(hdus: list[Any]) -> list[Any]:
    """The same list without energies and grades, as HRC has it."""
    place = next(k for k, hdu in enumerate(hdus) if hdu.name == "EVENTS")
    old = hdus[place]
    rows = old.rows()
    names = [name for name in old.columns if name in ("time", "chipx", "chipy", "x", "y", "pha", "pi", "status")]
    new = files.table_hdu(
        "EVENTS", [(name, str(old.get(f"TFORM{old.number(name)}")), "") for name in names], b"", 0, files.identity(old)
    )
    for k, name in enumerate(names, 1):
        for keyword in ("TCTYP", "TCRPX", "TCRVL", "TCDLT", "TCUNI"):
            value = old.get(f"{keyword}{old.number(name)}")
            if value is not None:
                new.set(f"{keyword}{k}", value)
    from numpy.lib import recfunctions

    hdus[place] = new.with_rows(recfunctions.repack_fields(rows[names]))
    for hdu in (hdus[0], hdus[place]):
        hdu.set("INSTRUME", "HRC")
        hdu.set("DETNAM", "HRC-I")
    return hdus


def _level1(events: Any, seed: int, hrc: bool) -> Any:
    """A tenth more events: of bad grades, and of bad status."""
    rng = np.random.default_rng(seed)
    rows = events.rows()
    bad = rows[rng.integers(0, len(rows), len(rows) // 10)].copy()
    half = len(bad) // 2
    bad["status"][:half, 0] = 0x40
    if hrc:
        bad["status"][:, 0] = 0x40
    else:
        bad["grade"][half:] = 7
    both = np.concatenate([rows, bad])
    new = events.with_rows(both[np.argsort(both["time"], kind="stable")])
    new.set("CONTENT", "EVT1")
    return new


def chandra_raw(
    folder: Path,
    obs_id: str = "99902",
    *,
    instrument: str = "ACIS",
    exposure_s: float = 6000.0,
    seed: int = 1,
    n_aspect: int = 1,
    contents: Sequence[str] = (),
) -> Path:
    """Write an observation's folder (oif.fits, primary/, secondary/) and return it.

    `n_aspect` aspect solutions, one after another; `contents`: more entries of the index of files (« EVT1 » a second time
    makes a second exposure).
    """
    hrc = instrument == "HRC"
    hdus = files.parse(_chandra_list(obs_id, exposure_s, seed))
    place = next(k for k, hdu in enumerate(hdus) if hdu.name == "EVENTS")
    hdus[place] = _with_flare(hdus[place], seed)
    if hrc:
        hdus = _as_hrc(hdus)
    place = next(k for k, hdu in enumerate(hdus) if hdu.name == "EVENTS")
    events, gtis = hdus[place], [hdu for hdu in hdus if hdu.name == "GTI"]
    stem = f"{'hrc' if hrc else 'acis'}f{int(obs_id):05d}"
    cards = files.identity(events)
    start, stop = float(events.get("TSTART")), float(events.get("TSTOP"))
    for name in ("primary", "secondary"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    made: list[tuple[str, str]] = []

    def save(place_: str, content: str, tables: list[Any]) -> None:
        files.write(str(folder / place_), tables)
        made.append((content, place_))

    save(f"primary/{stem}N001_evt2.fits", "EVT2", hdus)
    save(f"secondary/{stem}_000N001_evt1.fits", "EVT1", [hdus[0], _level1(events, seed, hrc), *gtis])
    save(f"secondary/{stem}_000N001_flt1.fits", "FLT", [files.primary(cards), gtis[0]])
    save(
        f"secondary/{stem}_000N001_msk1.fits",
        "MASK",
        [files.primary(cards), files.table_hdu("MASK", [("CCD_ID", "I", "")], b"\0\3", 1, cards)],
    )
    save(
        f"primary/{stem}_000N001_bpix1.fits",
        "BADPIX",
        [files.primary(cards), files.table_hdu("BADPIX", [("CHIPX", "I", ""), ("CHIPY", "I", "")], b"\0\5\0\7", 1, cards)],
    )
    if hrc:
        dead = struct.pack(">dd", start, 0.99)
        save(
            f"primary/{stem}_000N001_dtf1.fits",
            "DTF",
            [files.primary(cards), files.table_hdu("DTF", [("TIME", "D", "s"), ("DTF", "D", "")], dead, 1, cards)],
        )
    _aspects(folder, obs_id, n_aspect, start, stop, cards, save)
    _index(folder, events, made, contents)
    return folder


def _aspects(folder: Path, obs_id: str, count: int, start: float, stop: float, cards: list[str], save: Any) -> None:
    columns = [
        ("time", "D", "s"),
        ("ra", "D", "deg"),
        ("dec", "D", "deg"),
        ("roll", "D", "deg"),
        ("dy", "D", "mm"),
        ("dz", "D", "mm"),
        ("dtheta", "D", "deg"),
    ]
    edges = np.linspace(start, stop, count + 1)
    for k in range(count):
        times = np.arange(edges[k], edges[k + 1], 50.0)
        rows = b"".join(struct.pack(">7d", float(t), 160.2540, -12.3460, 43.7, 0.0, 0.0, 0.0) for t in times)
        table = files.table_hdu("ASPSOL", columns, rows, len(times), list(cards))
        table.set("TSTART", float(edges[k]))
        table.set("TSTOP", float(edges[k + 1]))
        save(f"primary/pcadf{int(obs_id):05d}_{k:03d}N001_asol1.fits", "ASPSOL", [files.primary(cards), table])


def _index(folder: Path, events: Any, made: list[tuple[str, str]], contents: Sequence[str]) -> None:
    entries = [*made, *((content, f"secondary/more_e{k}_{content.lower()}.fits") for k, content in enumerate(contents, 2))]
    rows = b"".join(b"".join([*_text([content], 16), *_text([content], 32), *_text([place], 64)]) for content, place in entries)
    columns = [("MEMBER_NAME", "16A", ""), ("MEMBER_CONTENT", "32A", ""), ("MEMBER_LOCATION", "64A", "")]
    cards = [*files.identity(events), files.card("CREATOR", "stand-in raw data")]
    files.write(str(folder / "oif.fits"), [files.primary(), files.table_hdu("GROUPING", columns, rows, len(entries), cards)])


# ---- NuSTAR


@lru_cache(maxsize=4)
def _nustar_list(obs_id: str, module: str, exposure_s: float, seed: int) -> bytes:
    observation = _like("nustar_pointed", obs_id, exposure_s)
    good = orbit_intervals(exposure_s * 1.9, exposure_s, 3)
    run = Run(observation, seed, "NuSTAR", module, 55197, 7.660185200000000e-04, good, 0.77)
    rng = generator(seed, obs_id, module)
    look = Look(
        telescopes.NUSTAR, nustar._CAMERAS[module], observation.ra_deg, observation.dec_deg, observation.roll_deg, good, run.live
    )
    events = simulate(look, SOURCES, rng)
    events = events.take(np.argsort(events.time_s, kind="stable"))
    x, y = nustar._sky_pixels(run, events, rng)
    table = table_block("EVENTS", nustar._columns(run, events, x, y, rng), nustar._event_cards(run))
    return b"".join([primary_block(run.common_cards()), table, run.gti_block()])


def nustar_raw(
    folder: Path, obs_id: str = "79999002002", *, exposure_s: float = 4000.0, seed: int = 1, modules: str = "AB"
) -> Path:
    """Write an observation's folder (the list of files, event_uf/, auxil/, hk/) and return it."""
    stem = f"nu{obs_id}"
    for name in ("event_uf", "auxil", "hk"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    cards: list[str] = []
    start = stop = 0.0
    entries = []
    for letter in modules:
        hdus = files.parse(_nustar_list(obs_id, f"FPM{letter}", exposure_s, seed))
        events = files.find(hdus, "EVENTS")
        assert events is not None
        rows = events.rows()
        rows["GRADE"][::15] = 31  # what the screening must remove
        hdus[hdus.index(events)] = events.with_rows(rows)
        files.write(str(folder / "event_uf" / f"{stem}{letter}_uf.evt"), hdus)
        entries.append((f"{stem}{letter}_uf.evt", f"FPM{letter} raw unfiltered events"))
        cards = files.identity(hdus[0])
        start, stop = float(events.get("TSTART")), float(events.get("TSTOP"))
        passage = struct.pack(">ddh", start + 0.1 * (stop - start), 120.0, 1)
        columns = [("TIME", "D", "s"), ("LENGTH", "D", "s"), ("SAA", "I", "")]
        files.write(
            str(folder / "hk" / f"{stem}{letter}_fpm.hk"),
            [files.primary(cards), files.table_hdu("HK", columns, passage, 1, cards)],
        )
    four = struct.pack(">dddd", start, 160.2583, -12.3489, 332.5)
    tables = {
        "auxil/@_att.fits": (
            "ATTITUDE",
            [("TIME", "D", "s"), ("RA", "D", "deg"), ("DEC", "D", "deg"), ("ROLL", "D", "deg")],
            four,
        ),
        "auxil/@_mast.fits": ("MAST_ASPECT_SOLUTION", [("TIME", "D", "s"), ("X", "D", ""), ("Y", "D", ""), ("Z", "D", "")], four),
        "hk/@_obeb.hk": ("HK", [("TIME", "D", "s"), ("A", "D", ""), ("B", "D", ""), ("C", "D", "")], four),
        "hk/@_met.fits": ("PSDPOS", [("TIME", "D", "s"), ("X_PSD0", "D", ""), ("Y_PSD0", "D", ""), ("X_PSD1", "D", "")], four),
    }
    for place, (name, columns, row) in tables.items():
        files.write(str(folder / place.replace("@", stem)), [files.primary(cards), files.table_hdu(name, columns, row, 1, cards)])
        entries.append((place.rpartition("/")[2].replace("@", stem), name.lower().replace("_", " ")))
    rows_ = b"".join(b"".join([*_text([name], 40), *_text([what], 60)]) for name, what in entries)
    catalogue = files.table_hdu("CATALOG", [("FILENAME", "40A", ""), ("DESCRIP", "60A", "")], rows_, len(entries), cards)
    files.write(str(folder / f"{obs_id}_cat.fits"), [files.primary(cards), catalogue])
    return folder

"""An archive of 10 000 observations and 120 000 jobs as years of work leave it, written straight into its database."""

from __future__ import annotations

import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.documents import task_document, to_json
from daxa_gui.core.job import ErrorInfo
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import Call, Place

N_OBSERVATIONS = 10_000
MISSION = "xmm_pointed"
STEPS = ("prepare", "flares", "clean", "image", "image")
_ERROR = ErrorInfo(
    "The server broke the connection after 1.2 MB of 4.5 MB.", "Try again later.", True, "Traceback (most recent call)\n" * 40
)  # fmt: skip


def row_of(number: int) -> dict[str, Any]:
    draw = random.Random(number)
    return {
        "obs_id": f"{number:010d}", "target": f"Source {number}", "ra_deg": draw.uniform(0, 360),
        "dec_deg": draw.uniform(-90, 90),
        "start_mjd": 51500 + draw.random() * 8000, "duration_s": draw.random() * 1e5, "proprietary_end_mjd": 55000.0,
        "proposal": f"{draw.randrange(10**6):06d}", "pi": "A. N. Other", "revolution": draw.randrange(4000),
        "science_usable": True, "proprietary_usable": True, "mos1_mode": "Full Frame", "pn_mode": "Full Frame", "mos1_s": 5e4,
        "pn_s": 4e4, "category": "GALAXY CLUSTERS", "status": "archived",
    }  # fmt: skip


def _download(number: int, name: str, output: Path) -> Call:
    obs_id = f"{number:010d}"
    return Call(
        "daxa_gui.remote.transfer:fetch",
        {
            "service": "heasarc", "path": f"xmm/data/rev0/{obs_id}/PPS/{name}", "expected_bytes": 4_500_000 + number,
            "destination": f"{output}/{MISSION}_raw/{obs_id}/pps/{name}", "raw_folder": f"{output}/{MISSION}_raw/{obs_id}",
            "unpack": "gzip",
            "key": {"mission": MISSION, "obs_id": obs_id, "kind": "events", "instrument": "M1", "exposure": "S001"},
            "sources": [["heasarc", f"xmm/data/rev0/{obs_id}/PPS/{name}"], ["heasarc_s3", f"xmm/data/rev0/{obs_id}/PPS/{name}"]],
        },
        Place.THREAD,
    )  # fmt: skip


def _jobs(output: Path) -> Any:
    """Rows: one plan, six downloads and five steps for each observation."""
    job_id = 0
    for number in range(N_OBSERVATIONS):
        obs_id = f"{number:010d}"
        units = [("plan", "", "", None, "plan")]
        units += [("download", f"pps/P{obs_id}M1S00{n}MIEVLI0000.FTZ", "", 4.5e6 + number, "download") for n in range(6)]
        units += [("reduce", "M1S002" if n == 4 else "M1S001", step, 100.0, step) for n, step in enumerate(STEPS)]
        for kind, unit, step, total, title in units:
            job_id += 1
            draw = random.Random(job_id)
            failed = draw.random() < 0.02
            call = _download(number, unit, output)
            yield (
                job_id, kind, "local" if kind == "reduce" else "host:heasarc.gsfc.nasa.gov", MISSION, obs_id, unit, step,
                f"{title} of {MISSION} {obs_id} {unit}", to_json(task_document(call)), "failed" if failed else "succeeded",
                total or 0.0, total, "", "Filter closed." if draw.random() < 0.01 and kind == "reduce" else "",
                to_json(["GTI is short."] if draw.random() < 0.1 else []),
                to_json({"n_events": draw.randrange(10**6), "kept_fraction": draw.random(), "ontime_s": draw.random() * 1e5}),
                to_json(asdict(_ERROR) if failed else None), 1, 1.0e9 + job_id, 1.1e9 + job_id, 1.2e9 + job_id,
            )  # fmt: skip


def make(folder: Path) -> ArchiveStore:
    """The archive, open. Takes some ten seconds."""
    layout = OutputLayout(folder).archive("large")
    store = ArchiveStore.create(layout)
    obs_ids = tuple(f"{number:010d}" for number in range(N_OBSERVATIONS))
    store.add_selections([(Selection(MISSION, "v1", obs_ids, ()), [row_of(number) for number in range(N_OBSERVATIONS)])])
    names = (
        "id, kind, lane, mission, obs_id, unit, step, title, task, state, done, total, text, reason, warnings, facts, error,"
        " attempt, created, started, finished"
    )
    with store.database.writing() as connection:
        connection.executemany(f"INSERT INTO jobs ({names}) VALUES ({', '.join('?' * 21)})", _jobs(folder))
        connection.execute(
            "INSERT INTO needs SELECT id, id - 1 FROM jobs WHERE kind = 'reduce' AND step <> 'prepare' AND state = 'succeeded'"
        )
        connection.execute(
            "INSERT INTO files SELECT 'output:' || mission || '_raw/' || obs_id || '/' || unit, mission, obs_id, unit,"
            " CASE WHEN id % 2 THEN 'events' ELSE 'raw' END, 'M1', 'heasarc', 'xmm/' || unit, 4500000, printf('%064d', id), id,"
            " finished FROM jobs WHERE kind = 'download' AND state = 'succeeded'"
        )
        columns = (
            "mission, obs_id, kind, instrument, exposure, band_low_kev, band_high_kev, path, size_bytes, sha256, job_id,"
            " created, facts"
        )
        connection.execute(
            f"INSERT INTO products ({columns}) SELECT mission, obs_id, kind, instrument, substr(unit, -15, 4), NULL, NULL, path,"
            " size_bytes, sha256, job_id, date, '{\"bytes\":4500000}' FROM files WHERE kind = 'events'"
        )
        kinds = (
            "CASE step WHEN 'prepare' THEN 'lightcurve' WHEN 'flares' THEN 'gti' WHEN 'clean' THEN 'clean_events'"
            " ELSE 'image' END"
        )
        connection.execute(
            f"INSERT INTO products ({columns}) SELECT mission, obs_id, {kinds}, 'M1', substr(unit, 3), NULL, NULL,"
            " 'archive:processed_data/' || mission || '/' || obs_id || '/events/obsid' || obs_id || '-instM1-' || id || '.fits',"
            " 2000000, printf('%064d', id), id, finished, facts FROM jobs WHERE kind = 'reduce' AND state = 'succeeded'"
        )
        connection.execute(
            "INSERT INTO history (path, job_id, attempt, step, title, task, started, finished, size_bytes, sha256, version,"
            " facts) SELECT p.path, j.id, 1, j.step, j.title, j.task, j.started, j.finished, p.size_bytes, p.sha256, '1', p.facts"
            " FROM products p JOIN jobs j ON j.id = p.job_id"
        )
    return store

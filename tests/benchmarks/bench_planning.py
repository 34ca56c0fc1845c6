"""Planning a reduction of 10 000 observations with 12 steps: the jobs, how they stand to what is stored, and storing them.
Seconds of processor time, so that other work on the machine does not count.

The reference is what SQLite itself needs for as many rows of the same size, in the same run.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from pathlib import Path

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.standing import Standings
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.collecting import short_passes
from daxa_gui.core.documents import task_document, to_json
from daxa_gui.core.reduction_plan import ReductionOrder
from daxa_gui.core.selection import Selection
from daxa_gui.open_archive import OpenArchive
from daxa_gui.reduction.chain import Subject, chain_of, plan_observation
from daxa_gui.reduction.pipelines import PIPELINES

N_OBSERVATIONS = 10_000
UNITS = [
    {"instrument": "PN", "exposure": "S003", "usable": True, "reason": "", "ccds": list(range(1, 13)), "scheduled": True,
     "filter": "Thin1", "mode": "PrimeFullWindow", "start": "2004-05-09T13:00:16"},
    {"instrument": "R1", "exposure": "S004", "usable": True, "reason": "", "scheduled": True},
]  # fmt: skip


def main() -> None:
    steps = PIPELINES["full_xmm"].steps
    names = [step for step in steps if step not in ("emchain", "emanom")]
    chain = chain_of("xmm_pointed", names, {}, {"sas": "22.1.0", "ccf": "1"})
    with tempfile.TemporaryDirectory() as folder:
        store = ArchiveStore.create(OutputLayout(Path(folder)).archive("planning"))
        subjects = [
            Subject(
                "xmm_pointed", f"{number:010d}", f"output:xmm_pointed_raw/{number:010d}",
                f"archive:processed_data/xmm_pointed/{number:010d}", (), {"obs_start": "2004-05-09"}, UNITS,
            )
            for number in range(N_OBSERVATIONS)
        ]  # fmt: skip
        begin = time.process_time()
        with short_passes():
            requests = [request for subject in subjects for request in plan_observation(subject, chain)[0]]
        planned = time.process_time()
        Standings(store.layout, store.database).compare(requests)
        compared = time.process_time()
        store.add(requests)
        added = time.process_time()
        standings = Standings(store.layout, store.database).compare(requests)
        again = time.process_time()
        rows = [(index, to_json(task_document(request.task))) for index, request in enumerate(requests)]
        json_s = time.process_time() - again
        plain = sqlite3.connect(Path(folder) / "plain.sqlite")
        plain.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, task TEXT)")
        start = time.process_time()
        plain.executemany("INSERT INTO t VALUES (?, ?)", rows)
        plain.commit()
        sqlite_s = time.process_time() - start
        assert all(one.job_id for one in standings)
        print(json.dumps({"jobs": len(requests), "per observation": len(requests) / N_OBSERVATIONS}))
        print(f"planning                         {planned - begin:6.2f} s   (aim 2)")
        print(f"compared with an empty archive   {compared - planned:6.2f} s")
        print(f"stored as jobs                   {added - compared:6.2f} s")
        print(f"compared with what is stored     {again - added:6.2f} s")
        print(f"reference: their JSON            {json_s:6.2f} s, plain SQLite rows {sqlite_s:6.2f} s")
        del requests, rows, standings
        _preview(store, [subject.obs_id for subject in subjects])
        store.close()


def _preview(store: ArchiveStore, obs_ids: list[str]) -> None:
    """What a person waits for: the whole preview of an order, with everything stored and done."""
    selection = Selection("xmm_pointed", "v", tuple(obs_ids), ())
    store.add_selections([(selection, [{"obs_id": obs_id, "start_mjd": 53134.5} for obs_id in obs_ids])])
    with store.database.writing() as connection:
        connection.executemany(
            "INSERT INTO files VALUES (?, 'xmm_pointed', ?, 'x', 'raw', '', '', '', 1, '', NULL, 0)",
            [(f"output:xmm_pointed_raw/{obs_id}/x", obs_id) for obs_id in obs_ids],
        )
        connection.execute("UPDATE jobs SET state = 'succeeded', started = 1, finished = 2")
        facts = json.dumps({"units": UNITS})
        connection.execute("UPDATE jobs SET facts = ? WHERE step = 'exposures'", (facts,))
    opened = OpenArchive(
        store, bus=Bus(), start=lambda work: None, workers=None, service_url=lambda name: "", connections_per_host=1, cores=1,
        start_queue=False, versions=lambda steps: {"sas": "22.1.0", "ccf": "1"},
    )  # fmt: skip
    order = ReductionOrder(steps=("generate_images_expmaps", "cleaned_rgs_event_lists"))
    begin, wall = time.process_time(), time.perf_counter()
    plan = opened.plan_reduction(order)
    print(f"whole preview, from the archive  {time.process_time() - begin:6.2f} s (wall {time.perf_counter() - wall:.2f} s)")
    print("   ", {step.step: (step.new, step.again, step.fresh, step.unknown) for step in plan.steps})
    begin = time.perf_counter()
    first = [task for _, task in zip(range(50), opened.tasks(order), strict=False)]
    print(f"the first {len(first)} tasks               {time.perf_counter() - begin:6.2f} s")


if __name__ == "__main__":
    main()

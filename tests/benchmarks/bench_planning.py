"""How long the plan of 5 000 observations takes without the time that servers and lines take.

    .venv/bin/python tests/benchmarks/bench_planning.py

The listings of all twelve missions' archives are in memory, with names as they really are (an XMM-Newton observation has some
400 files); everything else is what the program does: which folders, reading the pages, which files, sizes, jobs, one plan.
Counted is the processor time of all threads. Splitting the same pages' text at « href=" » stands beside it as a lower bound for
anything that looks at every link. Aim: 2 s for the event lists of 5 000 observations.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from daxa_gui.core.download_plan import DownloadPlan
from daxa_gui.core.selection import Selection
from daxa_gui.downloading import Planning, plan_values
from daxa_gui.missions import MISSIONS
from tests.fakes.canned_web import ADDRESSES, CannedWeb, canned_web, rows_of

OBSERVATIONS = 5_000
MISSION_NAMES = [name for name in MISSIONS if MISSIONS[name].files]


def planned(
    rows: dict[str, list[dict[str, object]]], web: CannedWeb, kinds: dict[str, tuple[str, ...]]
) -> tuple[DownloadPlan, list[tuple[str, float]]]:
    """The plan, and the processor time of each stage in seconds."""
    times: list[tuple[str, float]] = []
    chosen = [
        (Selection(name, "", tuple(str(row["obs_id"]) for row in found), (), (), kinds[name]), found)
        for name, found in rows.items()
    ]
    with tempfile.TemporaryDirectory() as folder:
        planning = Planning(Path(folder), lambda service: ADDRESSES.get(service, ""), 61000.0, web=web)
        start = time.process_time()
        planning.prepare(chosen)
        times.append(("which folders", time.process_time() - start))
        start = time.process_time()
        planning.look(4)
        times.append(("reading listings, choosing files, jobs", time.process_time() - start))
        start = time.process_time()
        plan = planning.result()
        times.append(("one plan", time.process_time() - start))
        start = time.process_time()
        plan.totals()
        times.append(("its sums by mission and kind", time.process_time() - start))
    return plan, times


def main() -> int:
    each = OBSERVATIONS // len(MISSION_NAMES)
    rows = {name: rows_of(name, each + (OBSERVATIONS % len(MISSION_NAMES) if name == "swift" else 0)) for name in MISSION_NAMES}
    web = canned_web(rows)
    only_events = {name: ("raw",) if name == "integral_pointed" else () for name in MISSION_NAMES}
    cases = {
        "event lists": only_events,
        "event lists and images": {name: kinds or ("events", "image") for name, kinds in only_events.items()},
        "every kind": {name: tuple(str(kind) for kind in MISSIONS[name].kinds) for name in MISSION_NAMES},
    }
    n_observations = sum(map(len, rows.values()))
    planned(rows, web, only_events)  # imports, compiled expressions
    for title, kinds in cases.items():
        web.asked.clear()
        plan, times = planned(rows, web, kinds)
        read = [web.pages[url] for url in web.asked if url in web.pages]
        start = time.process_time()
        n_links = sum(len(page.split('href="')) for page in read)
        bound = time.process_time() - start
        print(
            f"{title}: {n_observations} observations of {len(rows)} missions, {len(web.asked)} requests, {n_links} links,"
            f" {len(plan.files)} files, {len(plan.left_out)} left out, {len(plan.problems)} problems"
        )
        for what, seconds in times:
            print(f"  {what:42s} {seconds:7.3f} s")
        total = sum(seconds for _, seconds in times)
        print(f"  {'together':42s} {total:7.3f} s   ({1e6 * total / n_observations:.0f} µs for each observation)")
        print(f"  {'for comparison: splitting the same pages':42s} {bound:7.3f} s")
    start = time.process_time()
    plan_values(plan, lambda service: ADDRESSES.get(service, ""))
    print(f"The last one as JSON of the command line: {time.process_time() - start:.3f} s")
    if "--profile" in sys.argv:
        profile = cProfile.Profile()
        profile.runcall(planned, rows, web, only_events)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    return 0


if __name__ == "__main__":
    sys.exit(main())

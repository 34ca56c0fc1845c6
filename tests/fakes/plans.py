"""Plans of downloads for tests: from services in memory, or from a server on 127.0.0.1."""

from pathlib import Path

from daxa_gui.core.download_plan import DownloadPlan
from daxa_gui.core.selection import Selection
from daxa_gui.downloading import Planning, plan_downloads
from tests.fakes.canned_web import ADDRESSES, CannedWeb, rows_of
from tests.fakes.http_server import FakeArchive

NOW_MJD = 61000.0


def select(mission: str, rows, kinds=(), instruments=()) -> tuple[Selection, list[dict]]:
    return Selection(mission, "", tuple(str(row["obs_id"]) for row in rows), tuple(instruments), (), tuple(kinds)), list(rows)


def planned(chosen, web: CannedWeb, output: Path = Path("/nowhere/out"), **more) -> DownloadPlan:
    planning = Planning(output, lambda service: ADDRESSES.get(service, ""), NOW_MJD, web=web, **more)
    planning.prepare(chosen)
    planning.look(4)
    return planning.result()


def served(archive: FakeArchive, chosen, output: Path = Path("/nowhere/out"), **more) -> DownloadPlan:
    addresses = {"heasarc": f"{archive.url}/FTP"}
    return plan_downloads(
        chosen, output=output, service_url=lambda service: addresses.get(service, ""), now_mjd=NOW_MJD, **more
    )  # fmt: skip


def xmm(n: int = 1, **about) -> list[dict]:
    return [{**row, **about} for row in rows_of("xmm_pointed", n)]

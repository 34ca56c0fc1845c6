"""What the tests of all twelve missions share: sessions that find the archives on 127.0.0.1, selections, and an archive with
everything."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ncompress
import pytest

from daxa_gui.core.download_plan import DownloadPlan, PlannedFile
from daxa_gui.core.selection import Selection
from daxa_gui.core.settings import Settings
from daxa_gui.missions import MISSIONS
from daxa_gui.remote.services import SERVICES
from daxa_gui.session import Session
from tests.fakes.mission_server import ALL_TREES, PROPRIETARY, MissionServer, contents, wanted_paths, write_catalogues
from tests.fakes.mission_trees import MissionTree

TWELVE = tuple(MISSIONS)
Remote = set[tuple[str, str]]


def trees_of(mission: str) -> list[MissionTree]:
    return [tree for tree in ALL_TREES if tree.mission == mission]


def remote_files(mission: str) -> Remote:
    return set().union(*(wanted_paths(tree) for tree in trees_of(mission)))


def named(files: Any) -> Remote:
    return {(file.service, file.path) for file in files}


@pytest.fixture(scope="module")
def server() -> Iterator[MissionServer]:
    with MissionServer() as running, pytest.MonkeyPatch.context() as patch:
        for service in SERVICES:
            patch.setitem(SERVICES, service, running.addresses().get(service, ""))
        yield running


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_catalogues(tmp_path_factory.mktemp("tables"))


class Sessions:
    """Sessions with the catalogues of the test; all caches in one folder."""

    def __init__(self, cache: Path, tables: dict[str, Path]) -> None:
        self._cache, self._open = cache, []
        first = self(cache / "unused")
        for mission, path in tables.items():
            first.import_catalogue(path, mission)

    def __call__(self, output: Path, **settings: Any) -> Session:
        session = Session(settings=Settings(**settings), output_folder=output, cache=self._cache)
        self._open.append(session)
        return session

    def close(self) -> None:
        for session in self._open:
            session.close()


@pytest.fixture(scope="module")
def sessions(
    server: MissionServer, tables: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sessions]:  # fmt: skip
    made = Sessions(tmp_path_factory.mktemp("cache"), tables)
    yield made
    made.close()


def select(session: Session, mission: str, instruments: tuple[str, ...] = (), kinds: Any = None) -> Selection:
    """All observations of a mission, also those that are not public; all kinds of files if none are named."""
    obs_ids = [tree.obs_id for tree in trees_of(mission)] + ([PROPRIETARY[mission]] if mission in PROPRIETARY else [])
    wanted = MISSIONS[mission].kinds if kinds is None else kinds
    version = session.catalogue(mission).version
    return Selection(mission, version, tuple(obs_ids), instruments, (), tuple(str(kind) for kind in wanted))


def rest(session: Session) -> None:
    assert session.wait_until_idle(120)


CHOICES = {
    "xmm_pointed": (("PN", "R1"), ("events", "image", "spectrum")),
    "chandra": (("ACIS",), ("events", "image")),
    "erosita_calpv": (("TM1",), ("events",)),
    "erosita_all_sky_de_dr1": (("TM1", "TM2"), ("events", "background_map")),
    "nustar_pointed": (("FPMB",), ("events", "source_lightcurve")),
    "swift": (("XRT",), ("image", "exposure_map")),
    "rosat_pointed": (("PSPCB",), ("events", "background_map")),
    "rosat_all_sky": (("PSPC",), ("exposure_map",)),
    "suzaku": (("XIS1", "XIS3"), ("events", "spectrum")),
    "asca": (("SIS0",), ("image", "exposure_map", "events")),
    "integral_pointed": (("JEMX1",), ("raw",)),
    "xrism_pointed": (("XTEND",), ("events", "image")),
}


class Everything:
    """An archive with all files of all missions. `asked` is what was requested from the server until it was there."""

    def __init__(self, session: Session, server: MissionServer) -> None:
        self.session, self.server = session, server
        self.selections = [select(session, mission) for mission in TWELVE]
        self.plan: DownloadPlan = session.plan_downloads(self.selections)
        self.asked_by_plan = server.fetched()
        session.create_archive("everything", self.selections, self.plan)
        rest(session)
        self.asked = Counter(server.fetched())
        self.folder = Path(session.archive.path) if session.archive else Path()
        session.reduce(["clean"])
        rest(session)

    def of(self, mission: str) -> list[PlannedFile]:
        return [file for file in self.plan.files if file.mission == mission]


def unpacked(service: str, path: str) -> bytes:
    body, name = contents()[f"{service}/{path}"], path.lower()
    if name.endswith((".gz", ".ftz")):
        return gzip.decompress(body)
    return bytes(ncompress.decompress(body)) if name.endswith(".z") else body

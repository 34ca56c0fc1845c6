"""Choices of instruments and kinds that become wider, and archives that are down: with real requests to an archive server on
127.0.0.1."""

from __future__ import annotations

import io
import socket
import tarfile
from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from astropy.io import fits

from daxa_gui.core.job import JobState
from daxa_gui.missions.xmm_pointed import XSA_PACKER
from daxa_gui.remote.services import SERVICES
from daxa_gui.session import Session
from tests.fakes.http_server import FakeArchive
from tests.fakes.mission_server import N_EVENTS, PROPRIETARY, MissionServer, contents, write_mirror
from tests.fakes.mission_trees import XMM, XMM_ROOT, XSA_PPS_MEMBERS
from tests.fakes.twelve_missions import (
    CHOICES,
    Sessions,
    remote_files,
    rest,
    select,
    server,
    sessions,
    tables,
    trees_of,
    unpacked,
)

__all__ = ["server", "sessions", "tables"]  # fixtures

NARROW = {
    "xmm_pointed": (("PN",), ("events",)),
    "asca": (("SIS0",), ("events",)),
    "suzaku": (("XIS1",), ("image",)),
    "integral_pointed": (("JEMX1",), ("raw",)),
    "erosita_all_sky_de_dr1": (("TM1", "TM3", "TM6"), ("events",)),
}
WIDE = {
    "xmm_pointed": (("PN", "M1"), ("events", "exposure_map")),
    "asca": (("SIS0", "GIS2"), ("events", "image")),
    "suzaku": ((), ("image", "source_lightcurve")),
    "integral_pointed": (("JEMX1", "ISGRI"), ("raw",)),
    "erosita_all_sky_de_dr1": (tuple(f"TM{number}" for number in range(1, 8)), ("events", "background_map")),
}


@pytest.fixture(scope="module")
def narrow(sessions: Sessions, server: MissionServer, tmp_path_factory: pytest.TempPathFactory) -> Session:
    session, before = sessions(tmp_path_factory.mktemp("narrow") / "output"), len(server.fetched())
    session.create_archive("narrow", [select(session, mission, *choice) for mission, choice in NARROW.items()])
    rest(session)
    asked = Counter(server.fetched()[before:])  # by jobs that plan one observation each: what windows share is fetched once too
    assert set(asked.values()) == {1} and len(asked) == len(session.files()) and any("aux/adp/2185" in path for path in asked)
    session.reduce(["clean"])
    rest(session)
    return session


def modules_in(path: str) -> dict[int, int]:
    with fits.open(path) as opened:
        return dict(Counter(opened["EVENTS"].data["TM_NR"].tolist()))


def clean_list_of(session: Session, mission: str) -> str:
    return next(one.clean.path for one in session.exposures() if one.mission == mission and one.clean is not None)


def test_that_a_wider_choice_fetches_only_what_is_new(narrow: Session, server: MissionServer) -> None:
    assert {job.state for job in narrow.jobs()} == {JobState.SUCCEEDED}
    assert {(one.mission, one.obs_id) for one in narrow.left_out()} == {("xmm_pointed", PROPRIETARY["xmm_pointed"])}
    counts = modules_in(clean_list_of(narrow, "erosita_all_sky_de_dr1"))
    raw = next(file for file in narrow.files("erosita_all_sky_de_dr1"))
    of_all = modules_in(raw.path)
    assert sum(of_all.values()) == N_EVENTS and counts == {number: of_all[number] for number in (1, 3, 6)}
    body = Path(raw.path).read_bytes()
    before, files = len(server.fetched()), {file.path for file in narrow.files()}
    jobs = {job.id: job.finished for job in narrow.jobs() if job.kind != "plan"}
    expected: Counter[str] = Counter()
    for mission, choice in WIDE.items():
        wide = narrow.plan_downloads([select(narrow, mission, *choice)])
        expected.update(f"{file.service}/{file.path}" for file in wide.files if not file.here)
        narrow.widen(mission, *choice)
    rest(narrow)
    assert Counter(server.fetched()[before:]) == expected and len(expected) > 20
    assert files < {file.path for file in narrow.files()}
    assert {job_id: narrow.job(job_id).finished for job_id in jobs} == jobs  # nothing was done twice
    lists = [one for one in narrow.exposures() if one.mission == "erosita_all_sky_de_dr1" and one.clean is not None]
    assert of_all in [modules_in(one.clean.path) for one in lists if one.clean] and Path(raw.path).read_bytes() == body
    assert {one.instrument for one in narrow.exposures() if one.mission == "xmm_pointed" and one.clean} == {"PN", "M1"}
    assert narrow.verify_archive(Path(narrow.archive.path)).findings == ()  # type: ignore[union-attr]


def test_that_what_was_left_out_for_want_of_a_kind_comes_when_it_is_asked_for(
    sessions: Sessions, tmp_path: Path
) -> None:  # fmt: skip
    session = sessions(tmp_path / "output")
    chosen = [select(session, mission, (), ("events",)) for mission in ("integral_pointed", "rosat_all_sky")]
    plan = session.plan_downloads(chosen)
    assert {one.obs_id for one in plan.left_out} == {tree.obs_id for tree in trees_of("integral_pointed")}
    session.create_archive("kinds", chosen, plan)
    rest(session)
    session.widen("integral_pointed", (), ("raw",))
    rest(session)
    assert {(file.service, file.url_path) for file in session.files("integral_pointed")} == remote_files("integral_pointed")
    assert session.left_out() == []


def test_that_a_tar_file_of_several_observations_is_planned_and_fetched_once(
    sessions: Sessions, server: MissionServer, tmp_path: Path
) -> None:
    session, before = sessions(tmp_path / "output"), len(server.fetched())
    chosen = [replace(select(session, "erosita_calpv"), obs_ids=("700199", "700200"))]
    plan = session.plan_downloads(chosen)
    size = len(contents()["erosita_edr/Puppis_A.tar.gz"])
    assert [file.obs_id for file in plan.files] == ["700199", "700200"]
    assert plan.to_fetch_bytes == size == sum(total.bytes for total in plan.totals())
    session.create_archive("field", chosen, plan)
    rest(session)
    assert server.fetched()[before:] == ["erosita_edr/Puppis_A.tar.gz"]
    lists = {file.obs_id: modules_in(file.path) for file in session.files()}
    assert set(lists) == {"700199", "700200"} and all(sum(one.values()) == N_EVENTS for one in lists.values())


# -- sources ----------------------------------------------------------------------------------------------------------------


def closed_port() -> str:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("kind", ["folder", "http"])
def test_that_a_mirror_serves_when_the_archives_are_down(
    sessions: Sessions, server: MissionServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    down = closed_port()
    for service in SERVICES:
        monkeypatch.setitem(SERVICES, service, f"{down}/{service}")
    mirror = write_mirror(tmp_path / "mirror").as_uri() if kind == "folder" else server.url
    session = sessions(tmp_path / "output", mirror=mirror)
    before = len(server.fetched())
    chosen = [
        select(session, mission, (), CHOICES[mission][1]) for mission in ("rosat_pointed", "erosita_calpv", "xrism_pointed")
    ]
    plan = session.plan_downloads(chosen)
    assert plan.problems == () and plan.left_out == ()
    assert plan.is_exact is (kind == "folder")  # a folder's sizes are those of its files
    session.create_archive("mirrored", chosen, plan)
    rest(session)
    assert {job.state for job in session.jobs()} == {JobState.SUCCEEDED}
    assert len(server.fetched()) - before == (0 if kind == "folder" else len(plan.files))
    for file in session.files():
        if not file.url_path.endswith(".tar.gz"):
            assert Path(file.path).read_bytes() == unpacked(file.service.removeprefix("mirror:"), file.url_path)


def test_that_without_a_mirror_the_outage_is_said_and_nothing_is_lost(
    sessions: Sessions, server: MissionServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = sessions(tmp_path / "output")
    chosen = [select(session, "rosat_all_sky", (), ("events",))]
    with monkeypatch.context() as patch:
        patch.setitem(SERVICES, "heasarc", f"{closed_port()}/heasarc")
        plan = session.plan_downloads(chosen)
    assert plan.files == () and len(plan.problems) == 1 and [request.kind for request in plan.requests] == ["plan"]
    session.create_archive("later", chosen, plan)  # the service answers again
    rest(session)
    assert [file.kind for file in session.files()] == ["events"]


def packed_by_xsa() -> bytes:
    """A tar file of the pipeline products of the observation, as XSA makes one on demand."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for member in XSA_PPS_MEMBERS:
            body = contents()[f"heasarc/{XMM_ROOT}PPS/{PurePosixPath(member).name}"]
            entry = tarfile.TarInfo(member)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return stream.getvalue()


def test_that_xsa_packs_what_heasarc_cannot_send_and_the_products_are_the_same(
    sessions: Sessions, server: MissionServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct = sessions(tmp_path / "direct")
    chosen = [replace(select(direct, "xmm_pointed", ("M1", "PN"), ("events", "image")), obs_ids=(XMM.obs_id,))]
    direct.create_archive("direct", chosen)
    rest(direct)
    monkeypatch.setitem(SERVICES, "heasarc", f"{closed_port()}/heasarc")
    with FakeArchive() as xsa:
        xsa.put(f"/servlet/{XSA_PACKER}", packed_by_xsa(), content_type="application/x-tar")
        monkeypatch.setitem(SERVICES, "xsa", f"{xsa.url}/servlet")
        session = sessions(tmp_path / "packed")
        plan = session.plan_downloads(chosen)
        assert plan.problems == () and plan.n_unknown_sizes == 1 and not plan.is_exact  # nobody tells how large it will be
        session.create_archive("packed", chosen, plan)
        rest(session)
    assert [f"{job.title}: {job.error}" for job in session.jobs() if job.state is not JobState.SUCCEEDED] == []

    def products(one: Session) -> dict[str, str]:
        return {Path(product.path).name: product.sha256 for product in one.products() if product.key.kind != "events"}

    # the tar file has all kinds of pipeline products, and all of its members that are of use are taken
    assert products(direct).items() <= products(session).items() and len(products(direct)) > 15
    taken = {product.key.instrument for product in session.products() if product.key.kind == "image"}
    assert taken == {product.key.instrument for product in direct.products() if product.key.kind == "image"}
    assert {file.service for file in session.files()} == {"xsa"}

"""The missions' folders given to the real planner, which reads the listings of an archive server that has their trees."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from daxa_gui.core.mission import RemoteFolder
from daxa_gui.core.product import ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Call, Outcome
from daxa_gui.missions import MISSIONS
from daxa_gui.remote.plan import plan_observation, plan_request
from daxa_gui.remote.unpack import unpack_tar
from tests.fakes import mission_trees as trees
from tests.fakes.http_server import FakeArchive
from tests.fakes.mission_trees import FURTHER_TREES, TREES, MissionTree
from tests.fakes.small_fits import small_fits
from tests.fakes.task_context import FakeContext

SERVICES = ("heasarc", "erosita_dr1", "erosita_edr", "cxc", "darts")


@pytest.fixture
def archive() -> Iterator[FakeArchive]:
    with FakeArchive() as server:
        yield server


def plan(archive: FakeArchive, tree: MissionTree, *kinds: ProductKind, instruments: tuple[str, ...] = ()) -> Outcome:
    for service, files in tree.files.items():
        for path, size in files.items():
            archive.put(f"/{service}/{path}", bytes(size))
    request = plan_request(
        MISSIONS[tree.mission], {"obs_id": tree.obs_id, **tree.row}, "/raw/" + tree.obs_id, instruments, kinds=kinds
    )
    assert isinstance(request.task, Call)
    context = FakeContext({service: f"{archive.url}/{service}" for service in SERVICES})
    return plan_observation(context, **request.task.arguments)


def planned_paths(outcome: Outcome) -> set[str]:
    assert outcome.stop == ""
    return {request.task.arguments["path"] for request in outcome.follow_ups if isinstance(request.task, Call)}


@pytest.mark.parametrize("tree", [*TREES.values(), *FURTHER_TREES], ids=lambda tree: f"{tree.mission}-{tree.obs_id}")
def test_that_everything_of_an_observation_can_be_planned(archive: FakeArchive, tree: MissionTree) -> None:
    outcome = plan(archive, tree, *MISSIONS[tree.mission].kinds)
    everything = {path for paths in tree.files.values() for path in paths}
    assert planned_paths(outcome) == everything - tree.decoys
    assert outcome.warnings == ()


@pytest.mark.parametrize(("mission", "kind"), [(name, kind) for name in MISSIONS for kind in MISSIONS[name].kinds])
def test_that_each_kind_can_be_planned_alone(archive: FakeArchive, mission: str, kind: ProductKind) -> None:
    tree = TREES[mission]
    reader, folders = resolve(MISSIONS[mission].raw_file), resolve(MISSIONS[mission].files)(tree.obs_id, tree.row)
    paths = planned_paths(plan(archive, tree, kind))
    assert paths

    def kind_of(path: str) -> ProductKind:
        raw = reader(PurePosixPath(path).name)
        return raw.kind if raw else next(folder.kind for folder in sorted(folders, key=_depth) if path.startswith(folder.path))

    assert {kind_of(path) for path in paths} == {kind}


def _depth(folder: RemoteFolder) -> int:
    return -len(folder.path)


@pytest.mark.parametrize(
    ("tree", "kinds", "instruments", "expected"),
    [
        (trees.XMM, ("image",), ("PN",), {"PNS001IMAGE_", "EPX000OIMAGE"}),
        (trees.XMM, ("spectrum",), ("R2",), {"RGX000FLUXED"}),
        (trees.NUSTAR, ("events", "image"), ("FPMB",), {"B01_cl.evt.gz", "B01_sk.img.gz"}),
        (trees.ASCA, ("image", "exposure_map"), ("GIS3",), {"gis25670_", "gis25670.totexpo"}),
        (trees.SUZAKU, ("events",), ("XIS1",), {"xi1_0_"}),
        (trees.SWIFT, ("image",), ("UVOT",), {"u_sk.img", "uuu_sk", "ubb_sk", "uw1_sk", "um2_sk", "uwh_sk"}),
        (trees.XRISM, ("events",), ("XTEND",), {"xtd_p03"}),
    ],
    ids=lambda value: value.mission if isinstance(value, MissionTree) else "",
)  # fmt: skip
def test_that_a_choice_of_instruments_takes_its_own_files_and_sums_with_them(
    archive: FakeArchive, tree: MissionTree, kinds: tuple[str, ...], instruments: tuple[str, ...], expected: set[str]
) -> None:
    paths = planned_paths(plan(archive, tree, *map(ProductKind, kinds), instruments=instruments))
    assert paths
    assert all(any(part in path for part in expected) for path in paths)
    assert all(any(part in path for path in paths) for part in expected)


def test_that_only_the_chosen_instruments_raw_data_of_integral_come_with_what_all_need(archive: FakeArchive) -> None:
    paths = planned_paths(plan(archive, trees.INTEGRAL, ProductKind.RAW, instruments=("ISGRI",)))
    window = {PurePosixPath(path).name for path in paths if f"/{trees.INTEGRAL.obs_id}.001/" in path}
    assert window == {
        "isgri_events.fits.gz", "compton_events.fits.gz", "ibis_hk.fits.gz", "sc_hk.fits.gz", "swg.fits.gz",
        f"{trees.INTEGRAL.obs_id}_scw.txt",
    }  # fmt: skip


def test_that_an_observation_of_swift_is_found_in_the_neighbouring_month(archive: FakeArchive) -> None:
    moved = MissionTree(
        "swift", trees.SWIFT.obs_id,
        {"heasarc": {path.replace("2014_11", "2014_10"): size for path, size in trees.SWIFT.files["heasarc"].items()}},
        trees.SWIFT.row,
    )  # fmt: skip
    paths = planned_paths(plan(archive, moved, ProductKind.EVENTS, ProductKind.IMAGE))
    assert paths and all("/2014_10/" in path for path in paths)


def test_that_chandra_s_own_archive_is_asked_where_heasarc_has_no_observation(archive: FakeArchive) -> None:
    moved = MissionTree(
        "chandra", trees.CHANDRA.obs_id,
        {"cxc": {path.removeprefix("chandra/data/"): size for path, size in trees.CHANDRA.files["heasarc"].items()}},
    )  # fmt: skip
    paths = planned_paths(plan(archive, moved, ProductKind.EVENTS))
    assert paths == {"byobsid/9/2749/primary/acisf02749N004_evt2.fits.gz"}


def test_that_a_kind_that_an_observation_does_not_have_fails_nothing_else(archive: FakeArchive) -> None:
    without = {
        path: size for path, size in trees.ASCA.files["heasarc"].items() if "/spectra/" not in path and "/aux/" not in path
    }
    tree = MissionTree("asca", trees.ASCA.obs_id, {"heasarc": without}, {}, trees.ASCA.decoys)
    paths = planned_paths(plan(archive, tree, *MISSIONS["asca"].kinds))
    assert paths == set(without) - trees.ASCA.decoys


def test_that_encrypted_files_of_xrism_are_recognised(archive: FakeArchive) -> None:
    sealed = {f"{path}.gpg": size for path, size in trees.XRISM.files["heasarc"].items()}
    outcome = plan(archive, MissionTree("xrism_pointed", "000126000", {"heasarc": sealed}), ProductKind.EVENTS)
    assert outcome.follow_ups == ()
    assert "not public yet" in outcome.stop


def test_that_the_raw_data_in_a_tar_file_of_xsas_tar_file_are_found(tmp_path: Path) -> None:
    folder = resolve(MISSIONS["xmm_pointed"].files)(trees.XMM.obs_id, {})[1].otherwise[0]
    fits = small_fits(1)
    inner = _tar({name: fits if ".FIT" in name else b"text" for name in (*trees.XSA_ODF_MEMBERS, "unknown.bin")})
    packed = tmp_path / folder.wanted
    packed.write_bytes(_tar({trees.XSA_ODF_OUTER: inner, "0405320501/readme.txt": b"text"}, "w:gz"))
    taken = unpack_tar(FakeContext(), packed, tmp_path / "out", folder.archive_members)
    assert {one.path.name for one in taken} == set(trees.XSA_ODF_MEMBERS)


def _tar(members: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, body in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(body)
            archive.addfile(about, io.BytesIO(body))
    return buffer.getvalue()

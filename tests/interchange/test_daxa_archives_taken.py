"""Archives made by the real DAXA, read, looked at and converted here: nothing lost, whatever happened to them meanwhile."""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from daxa_gui import daxa_archives
from daxa_gui.archive import trust
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.queries import Queries
from daxa_gui.archive.regions import ArchiveRegions
from daxa_gui.archive.store import ArchiveStore, read_summary
from daxa_gui.archive.verify import verify
from daxa_gui.core.errors import ArchiveError, Cancelled, FileError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.job import JobState
from daxa_gui.core.product import ProductKind
from daxa_gui.exchange.daxa_archive_reading import is_daxa_archive, read_archive
from tests.daxa_shim import real_daxa
from tests.interchange.daxa_archives import World, tree
from tests.interchange.daxa_made import ERROR, SUMMARY, made_by_daxa

__all__ = ["real_daxa"]  # the fixture


@pytest.fixture
def world(real_daxa: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield World(real_daxa, monkeypatch, ("xmm_pointed", "swift"))


@pytest.fixture
def made(world: World) -> Path:
    for mission in world.both:  # DAXA's output folder is one for all tests: what others left there is none of this archive's
        shutil.rmtree(world.output / f"{mission}_raw", ignore_errors=True)
    made_by_daxa(world, "theirs")
    return world.output / "archives" / "theirs"


def new_store(folder: Path, name: str = "converted") -> ArchiveStore:
    return ArchiveStore.create(OutputLayout(folder).archive(name))


def info_file(archive: Path) -> Path:
    return archive / ".save_info" / "process_info.json"


def results_of(store: ArchiveStore) -> dict[tuple[str, str, str, str], bool | None]:
    found = Queries(store.layout, store.database).process_results()
    return {(r.mission, r.step, r.obs_id, r.unit): r.success for r in found}


def test_that_what_daxa_made_is_read(world: World, made: Path) -> None:
    assert is_daxa_archive(made) and not is_daxa_archive(made.parent)
    archive = read_archive(made)
    assert not archive.problems and archive.version == "0.0.0" and archive.name == "theirs"
    xmm, swift = archive.missions
    first, second, third = world.obs_ids("xmm_pointed")
    known = {one.obs_id: one for one in xmm.observations}
    assert {name: one.final_success for name, one in known.items()} == {first: True, second: False, third: True}
    assert known[first].summary == {name: SUMMARY[name] for name in ("PN", "M1", "M2")}  # DAXA keeps chosen ones only
    assert known[first].use["PN"] == {"S003": True}
    units = {(unit.step, unit.ident): unit for unit in xmm.units}
    assert units["espfilt", f"{second}PNS003"].errors == (ERROR,) and not units["espfilt", f"{second}PNS003"].success
    assert "noCounts" in Path(units["espfilt", f"{second}PNS003"].stderr).read_text()
    assert units["epchain", f"{first}PNS003"].warnings[0]["name"] == "NoWCS"
    assert xmm.run_config == ({"espfilt": {"method": "histogram", "filter_lo_en": "Quantity 2500.0 eV"}},)
    # of the observation that DAXA moved, the paths in the save file are wrong: they are found where the files are now
    moved = units["epchain", f"{second}PNS003"].extra["evt_list"]
    assert "/failed_data/" in moved and Path(moved).is_file()
    products = {Path(one.path).name: one for one in xmm.products}
    gti = products[f"obsid{first}-instPN-subexpS003-en2500_8500keV-gti.fits"]
    assert gti.key.band_kev == (2.5, 8.5) and (gti.step, gti.ident) == ("espfilt", f"{first}PNS003")
    assert swift.downloaded_type == ""  # DAXA saves its missions before it downloads their data
    flags = {unit.ident: unit.success for unit in swift.units if unit.step == "preprocessed_events"}
    assert [flags[f"{one}XRT"] for one in world.obs_ids("swift")] == [True, True, False]


def test_that_a_conversion_has_all_of_it_and_leaves_daxas_folder_alone(world: World, made: Path, tmp_path: Path) -> None:
    before = tree(made)
    seen: list[tuple[int, int, str]] = []
    store = new_store(tmp_path / "out")
    try:
        report = daxa_archives.convert(made, store, world.catalogue, progress=lambda *said: seen.append(said))
        assert tree(made) == before and seen and not report.sentences
        first, second, third = world.obs_ids("xmm_pointed")
        flags = results_of(store)
        assert flags["xmm_pointed", "epchain", second, "PNS003"] is True
        assert flags["xmm_pointed", "espfilt", second, "PNS003"] is False
        assert flags["xmm_pointed", "merge_subexposures", first, "PN"] is True
        assert flags["swift", "preprocessed_events", world.obs_ids("swift")[0], "XRT"] is True
        assert flags["swift", "preprocessed_events", world.obs_ids("swift")[2], "XRT"] is False
        # products with their history and checksums, in the same places; the failed observation among the failed data
        products = store.products("xmm_pointed", first)
        final = next(one for one in products if one.key.kind is ProductKind.FINAL_EVENTS)
        assert Path(final.path).read_bytes() == f"final events of {first}PN".encode() and len(final.sha256) == 64
        assert Path(final.path).is_relative_to(store.layout.folder) and final.key.exposure == "ALL"
        assert store.history(final)[0].step == "merge_subexposures"
        assert {Path(one.path).is_relative_to(store.layout.failed_folder("xmm_pointed", second))
                for one in store.products("xmm_pointed", second)} == {True}  # fmt: skip
        assert (
            Queries(store.layout, store.database).data_path("xmm_pointed", second).endswith(f"failed_data/xmm_pointed/{second}")
        )
        # logs, messages, arguments
        job = next(job for job in store.jobs_of("xmm_pointed", second) if job.step == "espfilt")
        log = store.layout.log_path(job.id).read_text()
        assert "espfilt infile=" in log and "ERROR   ** espfilt: error (noCounts)" in log
        assert job.state is JobState.FAILED and job.error is not None and job.error.message.endswith(ERROR)
        assert job.task.arguments["arguments"]["method"] == "histogram"  # type: ignore[union-attr]
        warned = next(job for job in store.jobs_of("xmm_pointed", first) if job.step == "epchain")
        assert warned.warnings == ("NoWCS of epchain: no coordinates",)
        # what was asked for
        [xmm] = [one for one in store.selections() if one.mission == "xmm_pointed"]
        catalogue = world.catalogue("xmm_pointed")
        stack = FilterStack.from_json(list(xmm.filters))
        assert sorted(catalogue.obs_id[stack.mask(catalogue)].tolist()) == [first, second, third] == sorted(xmm.obs_ids)
        assert store.observation("xmm_pointed", first).row["ra_deg"] == catalogue.ra_deg[catalogue.row_of[first]]  # type: ignore[union-attr]
        # the regions
        [regions] = ArchiveRegions(store).regions()
        assert (regions.obs_id, regions.n_regions, regions.source) == (first, 2, "DAXA")
        assert Path(regions.path).is_relative_to(store.layout.folder)
    finally:
        store.close()


def test_that_daxas_verdicts_are_ours(world: World, made: Path, tmp_path: Path) -> None:
    store = new_store(tmp_path / "out")
    try:
        daxa_archives.convert(made, store)
        final = Queries(store.layout, store.database).final_success("xmm_pointed")
        assert [final["xmm_pointed", one] for one in world.obs_ids("xmm_pointed")] == [True, False, True]
    finally:
        store.close()


def test_that_a_converted_archive_goes_back_to_daxa_unchanged(world: World, made: Path) -> None:
    before = json.loads(info_file(made).read_text())
    shutil.rmtree(world.output / "archives" / "back", ignore_errors=True)
    store = new_store(world.output, "back")
    try:
        daxa_archives.convert(made, store, world.catalogue)
        daxa_archives.write(store, world.catalogue)
    finally:
        store.close()
    theirs, ours = world.daxa_archive("theirs"), world.daxa_archive("back")
    assert ours.process_success == theirs.process_success and ours.final_process_success == theirs.final_process_success
    assert ours.observation_summaries == theirs.observation_summaries and ours.process_logs == theirs.process_logs
    assert ours.raw_process_errors == theirs.raw_process_errors
    assert ours.process_observation == theirs.process_observation and ours.process_configurations == theirs.process_configurations
    after = json.loads(info_file(world.output / "archives" / "back").read_text())
    assert after["process_errors"]["xmm_pointed"]["espfilt"] == before["process_errors"]["xmm_pointed"]["espfilt"]
    assert after["process_warnings"]["xmm_pointed"]["epchain"] == before["process_warnings"]["xmm_pointed"]["epchain"]
    for step, units in after["process_extra_info"]["xmm_pointed"].items():
        assert set(units) == set(before["process_extra_info"]["xmm_pointed"][step])
        assert all(Path(path).is_file() and "/archives/back/" in path for unit in units.values() for path in unit.values())
    [mine], [yours] = (list(one.source_regions["xmm_pointed"].values()) for one in (ours, theirs))
    assert [region.meta["include"] for region in mine] == [region.meta["include"] for region in yours] == [1, 0]


def test_that_a_view_writes_nothing_beside_daxas_files(world: World, made: Path, tmp_path: Path) -> None:
    before = tree(world.output)
    store = daxa_archives.open_view(made, tmp_path / "cache")
    try:
        summary = daxa_archives.view_summary(store)
        assert summary.name == "theirs" and summary.path == str(made) and "made by DAXA" in summary.read_only
        assert summary.n_observations == 6 and summary.missions == ("swift", "xmm_pointed")
        flags = results_of(store)
        assert flags["xmm_pointed", "espfilt", world.obs_ids("xmm_pointed")[1], "PNS003"] is False
        for product in store.products():
            assert Path(product.path).is_file() and Path(product.path).is_relative_to(world.output)
        raw = [p for p in store.products("swift") if p.key.kind is ProductKind.EVENTS]
        assert len(raw) == 2 and all("/swift_raw/" in one.path for one in raw)
        job = next(job for job in store.jobs("reduce") if job.step == "epchain")
        assert "all done" in Path(job.log_path).read_text()
        assert len(ArchiveRegions(store).regions()) == 1
        with pytest.raises(ArchiveError):
            store.set_info("x", 1)
    finally:
        store.close()
    assert tree(world.output) == before


def test_that_a_view_is_used_again_until_the_archive_changes(world: World, made: Path, tmp_path: Path) -> None:
    def database() -> tuple[float, int]:
        store = daxa_archives.open_view(made, tmp_path)
        try:
            return store.info()["created"], len(store.jobs("reduce"))
        finally:
            store.close()

    first, n_jobs = database()
    assert database() == (first, n_jobs)
    document = json.loads(info_file(made).read_text())
    document["process_success"]["xmm_pointed"]["my_own_step"] = {f"{world.obs_ids('xmm_pointed')[0]}PN": True}
    info_file(made).write_text(json.dumps(document))
    again, more = database()
    assert again != first and more == n_jobs + 1  # a step that nobody knows is kept


@pytest.mark.parametrize("damage", ["absent", "empty", "cut", "not JSON", "a list", "too deep"])
def test_that_a_damaged_save_file_costs_the_flags_only(world: World, made: Path, tmp_path: Path, damage: str) -> None:
    path = info_file(made)
    text = path.read_text()
    if damage == "absent":
        path.unlink()
    else:
        path.write_text(
            {"empty": "", "cut": text[: len(text) // 2], "not JSON": "<html>", "a list": "[1]",
             "too deep": "[" * (sys.getrecursionlimit() * 100)}[damage]
        )  # fmt: skip
    archive = read_archive(made)
    assert any("which processes succeeded is not known" in one for one in archive.problems)
    xmm = next(one for one in archive.missions if one.name == "xmm_pointed")
    assert sorted(one.obs_id for one in xmm.observations) == world.obs_ids("xmm_pointed")
    assert {unit.success for unit in xmm.units} == {None} and {unit.step for unit in xmm.units} == {
        "epchain", "espfilt", "merge_subexposures",
    }  # fmt: skip
    store = new_store(tmp_path / "out")
    try:
        report = daxa_archives.convert(made, store)
        assert report.sentences
        states = {job.state for job in store.jobs("reduce") if job.step == "epchain"}
        assert states == {JobState.SKIPPED}
        assert len([p for p in store.products() if p.key.kind is ProductKind.FINAL_EVENTS]) == 4
    finally:
        store.close()


def test_that_without_any_save_file_the_folders_tell(world: World, made: Path) -> None:
    shutil.rmtree(made / ".save_info")
    archive = read_archive(made)
    assert {one.name for one in archive.missions} == {"xmm_pointed", "swift"}
    xmm = next(one for one in archive.missions if one.name == "xmm_pointed")
    assert sorted(one.obs_id for one in xmm.observations) == world.obs_ids("xmm_pointed")
    shutil.rmtree(made / "processed_data")
    shutil.rmtree(made / "failed_data")
    with pytest.raises(FileError, match="no archive of DAXA"):
        read_archive(made)


def test_that_a_moved_archive_without_raw_data_is_whole(world: World, made: Path, tmp_path: Path) -> None:
    """As on another machine: elsewhere, raw data deleted, the paths in the save file lead nowhere."""
    place = tmp_path / "elsewhere" / "archives" / "renamed"
    shutil.copytree(made, place, symlinks=True)
    shutil.rmtree(made)
    archive = read_archive(place)
    xmm = next(one for one in archive.missions if one.name == "xmm_pointed")
    paths = [path for unit in xmm.units for path in unit.extra.values()]
    assert len(paths) == 7 and all(Path(path).is_file() and Path(path).is_relative_to(place) for path in paths)
    assert len([one for one in xmm.products if one.step]) == 7
    store = daxa_archives.open_view(place, tmp_path / "cache")
    try:
        assert not [p for p in store.products() if p.key.kind is ProductKind.EVENTS and p.key.mission == "swift"]
        assert len(store.products("xmm_pointed")) == 7
    finally:
        store.close()
    made_by_daxa(world, "theirs")  # for the tests that follow in the same output folder


def test_that_hostile_values_are_left_out_with_a_sentence(world: World, made: Path, tmp_path: Path) -> None:
    first = world.obs_ids("xmm_pointed")[0]
    secret = tmp_path / "secret.txt"
    secret.write_text("not yours")
    document: dict[str, Any] = json.loads(info_file(made).read_text())
    success = document["process_success"]["xmm_pointed"]
    success["../../step"] = {f"{first}PN": True}
    success["epchain"]["../../../etc/passwd"] = True
    success["epchain"][f"{first}PNS009"] = "yes"
    success["odd"] = [1, 2]
    document["process_extra_info"]["xmm_pointed"]["epchain"][f"{first}PNS003"] = {
        "evt_list": str(secret), "up": f"/x/processed_data/xmm_pointed/../../../../{secret}", "deep": [[[[["/etc/passwd"]]]]],
    }  # fmt: skip
    document["obs_summaries"]["xmm_pointed"] = 7
    document["mission_names"] += ["../evil", 12, "planet_x"]
    document["version"] = "../9"
    document["mine"] = {"kept": True}
    info_file(made).write_text(json.dumps(document))
    logs = made / "processed_data" / "xmm_pointed" / first / "logs"
    (logs / f"epchain_{first}PNS003_stdout.log").unlink()
    (logs / f"epchain_{first}PNS003_stdout.log").symlink_to(secret)
    events = made / "processed_data" / "xmm_pointed" / first / "events"
    (events / f"obsid{first}-instPN-subexpS008-events.fits").symlink_to(secret)
    archive = read_archive(made)
    said = " ".join(archive.problems)
    assert "« ../evil »" in said and "4 entries of the save file make no sense" in said and "1 files lead out" in said
    assert archive.version == "0.0.0" and archive.unknown == {"mine": {"kept": True}}
    store = new_store(tmp_path / "out")
    try:
        daxa_archives.convert(made, store)
        assert b"not yours" not in b"".join(tree(store.layout.folder).values())
        daxa_archives.write(store)
        assert json.loads(info_file(store.layout.folder).read_text())["mine"] == {"kept": True}
    finally:
        store.close()


def test_that_a_conversion_needs_an_empty_archive_and_can_be_stopped(world: World, made: Path, tmp_path: Path) -> None:
    store = new_store(tmp_path / "out")
    try:
        with pytest.raises(Cancelled):
            daxa_archives.convert(made, store, cancelled=lambda: True)
        with pytest.raises(ArchiveError, match="is not empty"):
            daxa_archives.convert(made, store)
        with pytest.raises(FileError, match="There is no folder"):
            daxa_archives.convert(tmp_path / "nothing", new_store(tmp_path / "out", "third"))
    finally:
        store.close()


def test_that_a_conversion_that_is_stopped_leaves_nothing(world: World, made: Path, tmp_path: Path) -> None:
    layout = OutputLayout(tmp_path / "out").archive("new")
    for last in (2, 5, 9, 20):  # while files are linked, processes stored, logs written
        asked = 0

        def stop(last: int = last) -> bool:
            nonlocal asked
            asked += 1
            return asked > last

        with pytest.raises(Cancelled):
            daxa_archives.convert_into(made, layout, cancelled=stop)
        assert tree(tmp_path / "out") == {} and not layout.folder.exists()
    assert daxa_archives.convert_into(made, layout).n_observations == 6
    with pytest.raises(ArchiveError, match="already something"):
        daxa_archives.convert_into(made, layout)
    assert read_summary(layout).n_observations == 6


def test_that_a_converted_archive_is_whole_and_can_be_made_anew(world: World, made: Path, tmp_path: Path) -> None:
    layout = OutputLayout(tmp_path / "out").archive("new")
    daxa_archives.convert_into(made, layout)
    report = verify(layout)
    assert report.is_whole and report.n_files == 11, report.findings
    store = ArchiveStore.open(layout)
    before = {product.path: (product.key, product.sha256) for product in store.products()}
    daxa_archives.write(store)
    store.close()
    assert not verify(layout).findings  # DAXA's files belong there
    layout.database.unlink()
    assert verify(layout, repair=True).rebuilt
    store = ArchiveStore.open(layout)
    try:
        assert {product.path: (product.key, product.sha256) for product in store.products()} == before
        assert results_of(store)["xmm_pointed", "merge_subexposures", world.obs_ids("xmm_pointed")[0], "PN"] is True
    finally:
        store.close()


def test_that_daxas_processes_are_never_called_here(world: World, made: Path, tmp_path: Path) -> None:
    store = new_store(tmp_path / "out")
    try:
        daxa_archives.convert(made, store)
        for job in store.jobs():
            with pytest.raises(ArchiveError, match="is no job of this program"):
                trust.check_task(job.task, store.layout)
    finally:
        store.close()


def test_that_a_filter_of_daxa_becomes_one_of_ours(world: World, tmp_path: Path) -> None:
    """A search around a position, recorded by DAXA, selects the same observations here."""
    swift = world.both["swift"].daxa()
    swift.filter_on_positions(positions=[[350.0, 1.0]], search_distance=None)
    name = "around"
    shutil.rmtree(world.output / "archives" / name, ignore_errors=True)
    for obs_id in swift.filtered_obs_ids:
        (world.output / "swift_raw" / obs_id).mkdir(parents=True, exist_ok=True)
    world.daxa_archive(name, [swift])
    store = new_store(tmp_path / "out")
    try:
        daxa_archives.convert(world.output / "archives" / name, store, world.catalogue)
        [selection] = store.selections()
        stack = FilterStack.from_json(list(selection.filters))
        catalogue = world.catalogue("swift")
        assert sorted(catalogue.obs_id[stack.mask(catalogue)].tolist()) == sorted(swift.filtered_obs_ids.tolist())
        assert len(selection.obs_ids) == len(swift.filtered_obs_ids) > 3
        daxa_archives.write(store, world.catalogue)
        state = json.loads((store.layout.folder / ".save_info" / "swift_state.json").read_text())
        assert [one["name"] for one in state["filtering_operations"]] == ["filter_on_positions"]
    finally:
        store.close()

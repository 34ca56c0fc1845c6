"""Archives made here, opened by the real DAXA: the same observations, success, logs, summaries and regions."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from daxa_gui import daxa_archives
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.queries import Queries
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.selection import Selection
from daxa_gui.exchange.daxa_archive import INFO_KEYS, ident_of, obs_id_of
from daxa_gui.exchange.daxa_archive_reading import read_archive
from daxa_gui.region_sets import set_regions
from tests.daxa_shim import real_daxa
from tests.interchange.daxa_archives import MISSIONS, World, our_archive

__all__ = ["real_daxa"]  # the fixture


@pytest.fixture
def world(real_daxa: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield World(real_daxa, monkeypatch)


@pytest.fixture
def ours(world: World) -> Iterator[ArchiveStore]:
    store = our_archive(world, "made_here")
    yield store
    store.close()


def info_of(store: ArchiveStore) -> dict:
    return json.loads((store.layout.folder / ".save_info" / "process_info.json").read_text())


def test_that_daxa_opens_an_archive_made_here_with_everything_in_it(world: World, ours: ArchiveStore) -> None:
    obs = world.obs_ids("xmm_pointed")[0]
    set_regions(ours, "xmm_pointed", obs, 'icrs;circle(10,20,30")\nicrs;-ellipse(10,20,30",10",40) # color=red\n')
    written = daxa_archives.write_with_notes(ours, world.catalogue)
    assert all(path.is_file() for path in written.paths)
    archive = world.daxa_archive("made_here")

    assert archive.mission_names == sorted(MISSIONS)
    for mission in MISSIONS:
        assert sorted(archive[mission].filtered_obs_ids) == world.obs_ids(mission)
    # the same success flags as here
    queries = Queries(ours.layout, ours.database)
    here = {
        (r.mission, r.step, ident_of(r.mission, r.obs_id, r.unit)): r.success
        for r in queries.process_results() if r.success is not None
    }  # fmt: skip
    there = {
        (mission, step, unit): flag
        for mission, steps in archive.process_success.items() for step, units in steps.items() for unit, flag in units.items()
    }  # fmt: skip
    assert there == here and {True, False} == set(there.values()) and len(there) > 60
    assert {step for _, step, _ in there} == {"prepare", "clean", "preprocessed_events"}
    # the logs, and which of them failed
    xmm = ours.layout.processed_folder("xmm_pointed", obs)
    assert archive.process_logs["xmm_pointed"]["prepare"][f"{obs}PNS003"].endswith(f"prepare of {obs} PNS003\n")
    logs = archive.get_process_logs("clean", "xmm_pointed", obs, "PN")
    assert list(logs["xmm_pointed"]) == [f"{obs}PNS003"] and "clean of" in logs["xmm_pointed"][f"{obs}PNS003"]
    failed = world.obs_ids("swift")[1]
    assert archive.get_failed_processes("clean")["swift"] == [f"{failed}XRT"]
    raw_errors = archive.get_failed_logs("clean")[1]
    assert "The events have no times." in raw_errors["swift"][f"{failed}XRT"]
    # the verdict, the summaries, what may be used
    for mission in MISSIONS:
        first, second, third = world.obs_ids(mission)
        assert archive.final_process_success[mission] == {first: True, second: False, third: True}
        assert archive.get_current_data_path(mission, first) == f"{ours.layout.processed_folder(mission, first)}/"
    summary = archive.observation_summaries["xmm_pointed"][obs]
    assert summary["PN"]["exposures"]["S003"] == {
        "scheduled": True, "type": "SCIENCE", "mode": "PrimeFullWindow", "filter": "Thin1", "ccd_modes": {},
    }  # fmt: skip
    assert summary["M2"] == {"active": False}
    assert archive.process_observation["xmm_pointed"][obs]["M1"] == {"S001": True}
    assert [obs, "PN", "S003"] in archive.get_obs_to_process("xmm_pointed", "PN")
    assert archive.process_extra_info["xmm_pointed"]["clean"][f"{obs}PNS003"]["evt_clean_path"] == str(
        next((xmm / "events").glob("*instPN-subexpS003-cleanevents.fits"))
    )
    assert archive.process_errors["xmm_pointed"] == {} and archive.process_configurations["xmm_pointed"] == []
    # the regions
    circle, ellipse = archive.source_regions["xmm_pointed"][obs]
    assert circle.center.ra.deg == pytest.approx(10) and ellipse.meta["include"] == 0
    assert str(archive.version) == "0.0.0"


def test_that_the_judgement_of_what_may_be_used_is_daxas_own(world: World, ours: ArchiveStore) -> None:
    daxa_archives.write(ours)
    archive = world.daxa_archive("made_here")
    for mission in ("xmm_pointed", "chandra", "erosita_all_sky_de_dr1", "nustar_pointed"):
        assert archive.observation_summaries[mission]
        for obs_id, summary in archive.observation_summaries[mission].items():
            assert archive.process_observation[mission][obs_id] == archive[mission].assess_process_obs(summary)
    assert archive.observation_summaries["swift"] == {} == archive.process_observation["rosat_pointed"]


def test_that_daxa_saves_it_again_and_it_opens_here(world: World, ours: ArchiveStore) -> None:
    daxa_archives.write(ours, world.catalogue)
    before = info_of(ours)
    archive = world.daxa_archive("made_here")
    archive.save()
    assert info_of(ours) == before and set(before) == set(INFO_KEYS)
    again = read_archive(ours.layout.folder)
    assert not again.problems and [mission.name for mission in again.missions] == before["mission_names"]
    for mission in again.missions:
        assert [one.obs_id for one in mission.observations] == world.obs_ids(mission.name)
        flags = before["process_success"][mission.name]
        assert {(unit.step, unit.ident): unit.success for unit in mission.units} == {
            (step, ident): flag for step, units in flags.items() for ident, flag in units.items()
        }
        assert all(unit.log for unit in mission.units if "preprocessed" not in unit.step)
    # and the store, which knows nothing of those files, is as before
    assert ours.summary().n_observations == 3 * len(MISSIONS)


def test_that_the_filters_are_daxas_operations_where_the_catalogue_says_the_same(world: World, ours: ArchiveStore) -> None:
    daxa_archives.write(ours, world.catalogue)
    archive = world.daxa_archive("made_here")
    for mission in MISSIONS:
        operations = archive[mission].filtering_operations
        assert [one["name"] for one in operations] == ["filter_on_obs_ids"]
        assert sorted(operations[0]["arguments"]["allowed_obs_ids"]) == world.obs_ids(mission)


def test_that_a_later_version_keeps_the_selections_of_the_earlier_one(world: World, ours: ArchiveStore) -> None:
    daxa_archives.write(ours)
    with ours.database.writing() as connection:
        connection.execute("INSERT INTO versions VALUES (1, '1.2', 0, '[]', '', 1, 1)")
    daxa_archives.write(ours)
    assert info_of(ours)["version"] == "0.2.0"
    kept = ours.layout.folder / ".save_info" / "previous_versions" / "swift_state_0.0.0.json"
    assert json.loads(kept.read_text())["selected_obs"] == world.obs_ids("swift")
    assert str(world.daxa_archive("made_here").version) == "0.2.0"


def test_that_writing_again_changes_nothing_but_the_date(world: World, ours: ArchiveStore) -> None:
    daxa_archives.write(ours)
    first = {path: path.stat().st_mtime_ns for path in ours.layout.folder.rglob("*_stdout.log")}
    again = daxa_archives.write(ours)
    assert {path.name for path in again} == {"process_info.json", *(f"{mission}_state.json" for mission in MISSIONS)}
    assert {path: path.stat().st_mtime_ns for path in first} == first and len(first) > 40
    assert not list(ours.layout.folder.rglob("*.part"))


def test_that_what_daxa_cannot_have_is_said(world: World, tmp_path: Path) -> None:
    store = ArchiveStore.create(OutputLayout(tmp_path).archive("odd"))
    rows = [
        {"obs_id": "11", "instruments": "ACIS HETG", "public_mjd": 50000.0}, {"obs_id": "12", "unusable_reason": "no data"},
        {"obs_id": "13", "instruments": "ACIS", "public_mjd": float("inf")}, {"obs_id": "14", "simulated": True},
    ]  # fmt: skip
    try:
        store.add_selections([(Selection("chandra", "1", ("14",), ("ACIS",)), rows[3:])])
        with pytest.raises(InputError, match="nothing in the archive that DAXA could open"):
            daxa_archives.write(store)
        assert not (store.layout.folder / ".save_info").exists()
        store.add_selections([(Selection("chandra", "1", ("11", "12", "13"), ("ACIS",)), rows[:3])])
        written = daxa_archives.write_with_notes(store)
        assert written.notes == (
            "1 simulated observations of chandra are unknown to DAXA: left out.",
            "DAXA will leave out 1 observations of Chandra: they are not fit for science.",
            "DAXA will leave out 1 observations of Chandra: they are not public yet.",
            "DAXA will leave out 1 observations of Chandra: they were made with a grating.",
            "3 observations of Chandra have no raw data here: DAXA will download raw data when it opens the archive.",
        )
        state = json.loads((store.layout.folder / ".save_info" / "chandra_state.json").read_text())
        assert state["selected_obs"] == ["11", "12", "13"] and state["science_usable"] == [True, False, True]
        assert state["proprietary_usable"] == [True, True, False]
    finally:
        store.close()


@pytest.mark.parametrize("mission", MISSIONS)
def test_that_units_are_named_so_that_daxa_sees_their_obs_id(world: World, mission: str) -> None:
    daxa = world.both[mission].daxa()
    for obs_id in world.obs_ids(mission):
        for name in (*(one.name for one in world.both[mission].spec.instruments), "PSPC", "X9", "E001", "A_B"):
            for exposure in ("", "S001", "E002"):
                ident = ident_of(mission, obs_id, f"{name}{exposure}")
                assert daxa.ident_to_obsid(ident) == obs_id == obs_id_of(mission, ident)


def test_that_a_full_disk_leaves_the_save_files_as_they_were(
    world: World, ours: ArchiveStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    daxa_archives.write(ours)
    before = {path.name: path.read_bytes() for path in (ours.layout.folder / ".save_info").iterdir()}

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(FileError, match="No space left"):
        daxa_archives.write(ours)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in (ours.layout.folder / ".save_info").glob("*.json")} == before

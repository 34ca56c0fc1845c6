"""Updating an archive: what its stored filters give on today's catalogues, said before anything is changed."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.certificate import CatalogueStatus
from daxa_gui.core.download_plan import DownloadPlan, LeftOut
from daxa_gui.core.errors import ArchiveError, Cancelled, InputError, TransferError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Cone, ObsIds, Picked, Positions
from daxa_gui.core.selection import Selection
from daxa_gui.core.sky import SkyPosition
from daxa_gui.open_archive import OpenArchive
from daxa_gui.updating import apply_update, plan_update
from tests.fakes.catalogues import catalogue
from tests.fakes.execution import ManualExecutor

XMM, NOW = "xmm_pointed", 60000.0
HERE = FilterStack().add(Cone(SkyPosition(10.0, 0.0), 0.5))


def xmm(*obs_ids, places=None, mission=XMM, **columns):
    made = catalogue(places or [(10.0, 0.0)] * len(obs_ids), obs_id=list(obs_ids), **columns)
    return replace(made, mission=mission, version=f"v{len(obs_ids)}")


class Case:
    def __init__(self, folder: Path) -> None:
        self.store = ArchiveStore.create(OutputLayout(folder).archive("a"))
        self.catalogues = {}
        self.refreshed = []
        self.refusing: dict[str, Exception] = {}

    def put(self, stack, *obs_ids, mission=XMM, instruments=("PN",), kinds=("events",), simulated=False):
        selection = Selection(mission, "v0", obs_ids, instruments, tuple(stack.to_json()), kinds)
        rows = [{"obs_id": obs_id, "target": "", "simulated": simulated} for obs_id in obs_ids]
        self.store.add_selections([(selection, rows)])

    def refresh(self, mission):
        self.refreshed.append(mission)
        if mission in self.refusing:
            raise self.refusing[mission]

    def plan(self, **options):
        return plan_update(self.store, self.catalogues.__getitem__, self.refresh, now_mjd=NOW, **options)

    def tables(self):
        with self.store.database.reading() as connection:
            names = ("observations", "selections", "jobs", "versions", "left_out", "info", "events")
            return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}


@pytest.fixture
def case(tmp_path):
    made = Case(tmp_path)
    yield made
    made.store.close()


def test_that_new_and_gone_observations_are_told_and_nothing_is_changed(case):
    case.put(HERE, "0000000001", "0000000002")
    case.catalogues[XMM] = xmm("0000000002", "0000000003", "0000000004", places=[(10, 0), (10.1, 0), (50, 0)])
    before = case.tables()
    update = case.plan()
    assert update.added == ((XMM, "0000000003"),) and update.gone == ((XMM, "0000000001"),)
    assert update.sentences == (
        "XMM-Newton Pointed: 1 new observation, 1 no longer passes the filters and stays in the archive.",
    )
    (selection,) = update.selections
    assert selection.obs_ids == ("0000000003",) and selection.instruments == ("PN",) and selection.kinds == ("events",)
    assert selection.catalogue_version == "v3" and selection.filters == tuple(HERE.to_json())
    assert case.refreshed == [XMM] and case.tables() == before and not update.problems


def test_that_nothing_new_is_said(case):
    case.put(HERE, "0000000001")
    case.catalogues[XMM] = xmm("0000000001")
    update = case.plan()
    assert update.sentences == ("Nothing is new.",) and not update.selections and not update.added and not update.gone


def test_that_what_is_not_public_yet_is_said_and_what_became_public_is_found(case):
    case.put(HERE, "0000000001", "0000000002", "0000000003")
    case.store.set_left_out(
        [LeftOut(XMM, obs_id, "It is not public before 2030.", proprietary=True) for obs_id in ("0000000002", "0000000003")]
    )
    case.catalogues[XMM] = xmm(
        "0000000001", "0000000002", "0000000003", "0000000004", public_mjd=[np.nan, NOW - 1, NOW + 1, math.inf]
    )
    update = case.plan()
    assert update.now_public == ((XMM, "0000000002"),) and update.added == ((XMM, "0000000004"),)
    assert update.sentences == ("XMM-Newton Pointed: 1 new observation (1 of them not public yet), 1 is public now.",)
    assert update.selections[0].obs_ids == ("0000000004", "0000000002")


def test_that_observations_that_were_left_out_before_they_came_in_can_become_public(case):
    case.put(HERE, "0000000001")
    case.store.set_left_out([LeftOut(XMM, "0000000009", "not public", proprietary=True)])
    case.catalogues[XMM] = xmm("0000000001", "0000000009", public_mjd=[np.nan, NOW - 5])
    assert case.plan().now_public == ((XMM, "0000000009"),)


@pytest.mark.parametrize(
    ("stack", "found"),
    [
        (FilterStack().add(ObsIds(("0000000001", "0000000007"))), ("0000000007",)),
        (FilterStack().add(ObsIds(("0000000001",))).add(Picked(((XMM, ("0000000008",)),), True)), ("0000000008",)),
        (HERE.add(Picked(((XMM, ("0000000007",)),), False)), ("0000000008",)),
        (FilterStack().add(Positions((SkyPosition(10.0, 0.0), SkyPosition(80.0, 0.0)), 0.2)), ("0000000007", "0000000008")),
    ],
)
def test_that_every_kind_of_stored_filter_is_run_again(case, stack, found):
    case.put(stack, "0000000001")
    case.catalogues[XMM] = xmm("0000000001", "0000000007", "0000000008")
    assert tuple(obs_id for _, obs_id in case.plan().added) == found


def test_that_a_catalogue_that_cannot_be_refreshed_is_used_as_it_is_with_its_date(case):
    case.put(HERE, "0000000001")
    case.catalogues[XMM] = xmm("0000000001", "0000000002")
    case.refusing[XMM] = TransferError("The service does not answer.")

    class Fetched:
        fetched_mjd = 59999.0

    def status(mission):
        return CatalogueStatus(mission, mission, "fetched", 2, 0, 0, "", Fetched(), "", True, 0)

    update = case.plan(status=status)
    assert update.added == ((XMM, "0000000002"),)
    assert update.problems == (
        "The catalogue of XMM-Newton Pointed was not refreshed (The service does not answer); the one of 2023-02-24 is used.",
    )
    assert "the one that is here" in case.plan().problems[0]


def test_that_missions_and_filters_of_other_versions_are_problems_and_the_rest_goes_on(case):
    case.put(HERE, "1", mission="moon_watch")
    case.put(FilterStack(), "5", mission="chandra")
    case.put(HERE, "0000000001")
    with case.store.database.writing() as connection:
        connection.execute(
            "INSERT INTO selections (mission, catalogue_version, obs_ids, instruments, filters, added)"
            " VALUES ('swift', '', '[\"1\"]', '[]', '[{\"kind\": \"phase_of_moon\"}]', 0)"
        )
    case.catalogues = {XMM: xmm("0000000001", "0000000002"), "chandra": xmm("6", mission="chandra"), "swift": xmm("2")}
    update = case.plan()
    assert update.added == ((XMM, "0000000002"),) and update.gone == ()
    assert len(update.problems) == 3 and "moon_watch" in update.problems[0]
    assert "No filters are stored" in update.problems[1] and "cannot be used" in update.problems[2]


def test_that_a_catalogue_of_nothing_does_not_empty_an_archive(case):
    case.put(HERE, "0000000001")
    case.catalogues[XMM] = xmm()
    update = case.plan()
    assert update.gone == () and "Nothing is known" in update.problems[0]


def test_that_simulated_and_real_observations_do_not_mix(case):
    case.put(HERE, "0999900101", simulated=True)
    case.catalogues[XMM] = xmm("0999900101", "0999900201", "0000000002", simulated=[True, True, False])
    update = case.plan()
    assert update.added == ((XMM, "0999900201"),) and case.refreshed == []  # the practice sky is not asked for


def test_that_an_earlier_update_does_not_make_its_observations_count_twice(case):
    case.put(HERE, "0000000001")
    case.put(HERE, "0000000002")
    case.catalogues[XMM] = xmm("0000000001", "0000000003")
    update = case.plan()
    assert update.added == ((XMM, "0000000003"),) and update.gone == ((XMM, "0000000002"),)
    assert len(update.selections) == 1


def test_that_looking_can_be_cancelled_and_tells_how_far_it_is(case):
    case.put(HERE, "0000000001")
    case.catalogues[XMM] = xmm("0000000001")
    told = []
    case.plan(progress=lambda *news: told.append(news))
    assert told == [(0, 1, "asking for the observations of XMM-Newton Pointed")]
    with pytest.raises(Cancelled):
        case.plan(cancelled=lambda: True)


# ---- doing it


@pytest.fixture
def opened(case):
    archive = OpenArchive(
        case.store, bus=Bus(), start=ManualExecutor().submit, workers=None, service_url=str, connections_per_host=1, cores=1,
        start_queue=False,
    )  # fmt: skip
    yield archive
    archive.close()


def test_that_an_update_puts_in_and_plans_only_what_is_new(case, opened):
    case.put(HERE, "0000000001")
    case.store.set_left_out([LeftOut(XMM, "0000000003", "not public", proprietary=True)])
    columns = {"public_mjd": [np.nan, np.nan, NOW - 1]}
    case.catalogues[XMM] = xmm("0000000001", "0000000002", "0000000003", **columns)
    update = case.plan()
    jobs = apply_update(opened, update, case.catalogues.__getitem__)
    assert sorted((job.kind, job.obs_id) for job in jobs) == [("plan", "0000000002"), ("plan", "0000000003")]
    assert [one.obs_id for one in case.store.observations()] == ["0000000001", "0000000002", "0000000003"]
    assert case.store.left_out() == []
    assert [version.number for version in opened.versions.versions()] == ["1.0"]  # the state before
    assert opened.versions.contents("1.0").observations == ((XMM, "0000000001"),)
    opened.cut_version()
    assert opened.versions.versions()[0].changes == ("2 new XMM-Newton Pointed observations.",)
    assert case.plan().selections == ()


def test_that_a_plan_of_downloads_may_be_given(case, opened):
    case.put(HERE, "0000000001")
    case.catalogues[XMM] = xmm("0000000001", "0000000002")
    seen = []

    def plan(chosen):
        seen.append([(selection.obs_ids, [row["obs_id"] for row in rows]) for selection, rows in chosen])
        return DownloadPlan(left_out=(LeftOut(XMM, "0000000002", "nothing there"),))

    assert apply_update(opened, case.plan(), case.catalogues.__getitem__, plan) == []
    assert seen == [[(("0000000002",), ["0000000002"])]]
    assert [one.reason for one in case.store.left_out()] == ["nothing there"]


def test_that_nothing_new_does_nothing(case, opened):
    case.put(HERE, "0000000001")
    case.catalogues[XMM] = xmm("0000000001")
    before = case.tables()
    assert apply_update(opened, case.plan(), case.catalogues.__getitem__) == [] and case.tables() == before


def test_that_an_observation_that_vanished_since_is_said_before_anything_changes(case, opened):
    case.put(HERE, "0000000001")
    case.catalogues[XMM] = xmm("0000000001", "0000000002")
    update = case.plan()
    case.catalogues[XMM] = xmm("0000000001")
    before = case.tables()
    with pytest.raises(InputError, match="0000000002"):
        apply_update(opened, update, case.catalogues.__getitem__)
    assert case.tables() == before


def test_that_an_archive_to_be_looked_at_only_is_not_updated(case):
    case.put(HERE, "0000000001")
    case.catalogues[XMM] = xmm("0000000001", "0000000002")
    update = case.plan()
    case.store.close()
    store = ArchiveStore.open(case.store.layout, read_only=True)
    archive = OpenArchive(
        store, bus=Bus(), start=ManualExecutor().submit, workers=None, service_url=str, connections_per_host=1, cores=1
    )
    with pytest.raises(ArchiveError):
        apply_update(archive, update, case.catalogues.__getitem__)
    with pytest.raises(ArchiveError):
        archive.adopt_existing()
    archive.close()

"""The plan of a whole selection, before anything starts."""

import gc
import json
import threading
from pathlib import Path

import pytest

from daxa_gui import downloading
from daxa_gui.core.download_plan import DownloadPlan
from daxa_gui.core.errors import ArchiveError, Cancelled, InputError
from daxa_gui.core.selection import Selection
from daxa_gui.core.times import calendar_day
from daxa_gui.downloading import folders_of, plan_downloads, plan_request, plan_values
from daxa_gui.missions import MISSIONS
from daxa_gui.remote.plan import plan_observation
from tests.fakes.canned_web import ADDRESSES, canned_web, rows_of
from tests.fakes.http_server import FakeArchive, Fault
from tests.fakes.plans import NOW_MJD, planned, select, served, xmm
from tests.fakes.task_context import FakeContext

# -- what is left out -------------------------------------------------------------------------------------------------------


def test_that_observations_that_are_not_public_are_left_out_and_listed():
    rows = xmm(3)
    rows[0]["public_mjd"] = NOW_MJD + 100.5
    rows[1]["public_mjd"] = float("inf")
    web = canned_web({"xmm_pointed": rows})
    plan = planned([select("xmm_pointed", rows)], web)
    assert {file.obs_id for file in plan.files} == {rows[2]["obs_id"]}
    assert [(one.obs_id, one.proprietary) for one in plan.proprietary] == [(rows[0]["obs_id"], True), (rows[1]["obs_id"], True)]
    assert f"not public before {calendar_day(NOW_MJD + 100)}" in plan.left_out[0].reason
    assert not any(str(rows[0]["obs_id"]) in url for url in web.asked)


def test_that_a_login_makes_them_part_of_the_plan():
    rows = xmm(1, public_mjd=float("inf"))
    asked: list[str] = []
    web = canned_web({"xmm_pointed": rows})
    plan = planned([select("xmm_pointed", rows)], web, has_login=lambda mission: bool(asked.append(mission)) or True)
    assert len(plan.files) == 3 and plan.left_out == ()
    assert asked == ["xmm_pointed"]


@pytest.mark.parametrize("public_mjd", [None, float("nan"), 50000.0, NOW_MJD])
def test_that_dates_that_are_past_or_unknown_restrict_nothing(public_mjd):
    rows = xmm(1, public_mjd=public_mjd)
    assert planned([select("xmm_pointed", rows)], canned_web({"xmm_pointed": rows})).left_out == ()


def test_that_a_mission_without_proprietary_data_ignores_such_dates():
    rows = [{**row, "public_mjd": float("inf")} for row in rows_of("swift", 1)]
    assert planned([select("swift", rows)], canned_web({"swift": rows})).files


class Logins:
    def __init__(self, *services: str) -> None:
        self.services = services

    def has(self, service: str) -> bool:
        return service in self.services


def test_that_encrypted_files_are_left_out_with_a_hint(archive_with, monkeypatch):
    monkeypatch.setattr("daxa_gui.remote.planned.store", Logins)
    archive, rows = archive_with("a")
    obs_id = rows[0]["obs_id"]
    archive.put(f"/FTP/xmm/data/rev0/{obs_id}/PPS/P{obs_id}PNS003PIEVLI0000.FTZ.gpg", b"1")
    plan = served(archive, [select("xmm_pointed", rows)])
    assert [one.unit for one in plan.left_out] == [f"P{obs_id}PNS003PIEVLI0000.FTZ.gpg"]
    assert "Credentials" in plan.left_out[0].reason
    assert len(plan.files) == 1


@pytest.fixture
def locked(archive_with, monkeypatch):
    """An observation whose only event list is encrypted; what is planned of it with some logins."""
    archive, rows = archive_with("a")
    obs_id = rows[0]["obs_id"]
    folder = f"/FTP/xmm/data/rev0/{obs_id}/PPS"
    archive.files = {f"{folder}/P{obs_id}M1S001MIEVLI0000.FTZ.gpg": archive.files.popitem()[1]}
    addresses = {"heasarc": f"{archive.url}/FTP", "xsa": "https://xsa.example"}

    def plan(*services: str) -> DownloadPlan:
        monkeypatch.setattr("daxa_gui.remote.planned.store", lambda: Logins(*services))
        return plan_downloads(
            [select("xmm_pointed", rows)], output=Path("/out"), service_url=lambda name: addresses.get(name, ""), now_mjd=NOW_MJD
        )  # fmt: skip

    return plan


def test_that_encrypted_files_are_planned_when_a_key_is_known(locked):
    (request,) = locked("heasarc").requests
    assert request.unit.endswith(".FTZ.gpg")
    assert request.task.arguments["unpack"] == "gpg+gzip"
    assert request.task.arguments["destination"].endswith("MIEVLI0000.fits")
    assert request.task.arguments["key"]["instrument"] == "M1"


def test_that_a_login_elsewhere_makes_a_key_superfluous(locked):
    (request,) = locked("xsa").requests
    assert (request.task.arguments["service"], request.task.arguments["unpack"]) == ("xsa", "tar")
    plan = locked()
    assert plan.requests == () and [one.unit[-4:] for one in plan.left_out] == [".gpg"]


def test_that_what_cannot_be_planned_is_left_out_and_stops_nothing():
    rows, others = xmm(1), [{"obs_id": "00085374001", "start_mjd": None}, {"obs_id": "../../etc"}]
    chosen = [
        select("unknown_mission", rows),
        select("nicer", [{"obs_id": "1"}]),
        select("swift", others),
        select("xmm_pointed", rows),
    ]
    plan = planned(chosen, canned_web({"xmm_pointed": rows}))
    assert len(plan.files) == 3
    assert [(one.mission, one.obs_id) for one in plan.left_out] == [
        ("unknown_mission", rows[0]["obs_id"]), ("nicer", "1"), ("swift", "00085374001"), ("swift", "../../etc"),
    ]  # fmt: skip
    assert all(one.reason.endswith(".") and not one.proprietary for one in plan.left_out)


def test_that_an_observation_that_the_archive_does_not_have_is_left_out():
    rows = rows_of("rosat_pointed", 2)
    web = canned_web({"rosat_pointed": rows[:1]})
    plan = planned([select("rosat_pointed", rows)], web)
    assert len(plan.files) == 1
    assert [one.obs_id for one in plan.left_out] == [rows[1]["obs_id"]]
    assert "There is no" in plan.left_out[0].reason
    assert plan.problems == ()


def test_that_an_observation_without_a_wanted_file_is_left_out_with_the_reason():
    rows = rows_of("asca", 1)
    plan = planned([select("asca", rows, ("events",), ("GIS2",))], canned_web({"asca": rows}))
    assert [file.instrument for file in plan.files] == ["GIS2"]
    plan = planned([select("asca", rows, ("spectrum",))], canned_web({"asca": rows}))
    assert plan.files == ()
    assert rows[0]["obs_id"] in plan.left_out[0].reason


def test_that_one_missing_folder_does_not_keep_the_others_away(archive_with):
    archive, rows = archive_with("a")
    plan = served(archive, [select("xmm_pointed", rows, ("events", "raw"))])
    assert [file.kind for file in plan.files] == ["events"]
    (left,) = plan.left_out
    assert left.unit.endswith("/ODF/") and "no such folder" in left.reason
    request = plan_request("xmm_pointed", rows[0], Path("/r"), (), ("events", "raw"))
    outcome = plan_observation(FakeContext({"heasarc": f"{archive.url}/FTP"}), **request.task.arguments)
    assert [job.unit for job in outcome.follow_ups] == [file.unit for file in plan.files]
    assert outcome.facts["left_out"] == [[left.unit, left.reason]]


# -- sums -------------------------------------------------------------------------------------------------------------------


def test_that_sums_are_by_mission_and_kind_and_estimates_are_called_so():
    rows = rows_of("chandra", 2)
    plan = planned([select("chandra", rows, ("events", "image", "raw"))], canned_web({"chandra": rows}))
    totals = {total.kind: total for total in plan.totals()}
    assert (totals["events"].n_files, totals["events"].n_observations) == (2, 2)
    assert totals["image"].n_files == 4
    assert sum(total.bytes for total in plan.totals()) == plan.to_fetch_bytes > 0
    assert not plan.is_exact
    index = next(file for file in plan.files if file.unit == "oif.fits")
    assert (index.size_bytes, index.exact, index.optional) == (20160, True, True)
    assert {request.size_bytes for request in plan.requests if not request.task.arguments["expected_bytes"]} != {None}


def test_that_free_space_is_that_of_the_disk_that_will_hold_the_data(tmp_path):
    plan = planned([], canned_web({}), tmp_path / "not" / "there" / "yet")
    assert plan.free_bytes > 0
    assert list(tmp_path.iterdir()) == []


# -- servers that fail ------------------------------------------------------------------------------------------------------


@pytest.fixture
def archive_with():
    """A server, with one event list for each observation that is asked for."""
    with FakeArchive() as server:

        def make(*names: str):
            rows = xmm(len(names))
            for row in rows:
                obs_id = row["obs_id"]
                server.put(f"/FTP/xmm/data/rev0/{obs_id}/PPS/P{obs_id}M1S001MIEVLI0000.FTZ", bytes(1000))
            return server, rows

        yield make


def test_that_an_observation_whose_listing_fails_is_planned_again_by_a_job(archive_with):
    archive, rows = archive_with(*"abc")
    archive.faults[f"/FTP/xmm/data/rev0/{rows[1]['obs_id']}/PPS/"] += [Fault(drop_after=50)]
    plan = served(archive, [select("xmm_pointed", rows, ("events", "image"), ("M1",))])
    assert {file.obs_id for file in plan.files} == {rows[0]["obs_id"], rows[2]["obs_id"]}
    assert len(plan.problems) == 1 and str(rows[1]["obs_id"]) in plan.problems[0]
    assert [(one.kind, one.obs_id) for one in plan.requests] == [
        ("download", rows[0]["obs_id"]), ("plan", rows[1]["obs_id"]), ("download", rows[2]["obs_id"]),
    ]  # fmt: skip
    arguments = plan.requests[1].task.arguments
    assert (arguments["kinds"], "M1" in arguments["without_instruments"]) == (["events", "image"], False)
    assert plan_observation(FakeContext({"heasarc": f"{archive.url}/FTP"}), **arguments).follow_ups


def test_that_a_dead_service_is_told_once_and_does_not_stop_the_rest(archive_with):
    archive, rows = archive_with("a")
    tiles = rows_of("erosita_all_sky_de_dr1", 400)
    addresses = {"heasarc": f"{archive.url}/FTP", "erosita_dr1": "http://127.0.0.1:9/data"}
    chosen = [select("erosita_all_sky_de_dr1", tiles), select("xmm_pointed", rows)]
    plan = plan_downloads(
        chosen, output=Path("/nowhere"), service_url=lambda service: addresses.get(service, ""), now_mjd=NOW_MJD
    )  # fmt: skip
    assert [file.obs_id for file in plan.files] == [rows[0]["obs_id"]]
    assert len(plan.problems) < 10  # at most one for each thread that found out at the same time, and one for the rest
    assert "does not answer" in plan.problems[-1] and "observations" in plan.problems[-1]
    assert sum(request.kind == "plan" for request in plan.requests) == 400


def test_that_the_number_of_requests_at_the_same_time_is_limited(archive_with):
    archive, rows = archive_with(*"abcdefgh")
    served(archive, [select("xmm_pointed", rows)], connections_per_host=2)
    assert archive.connections <= 2
    assert len(archive.requests) == 8


def test_that_progress_is_told_from_the_thread_that_asked(archive_with):
    archive, rows = archive_with(*"abc")
    told: list[tuple[int, int, str]] = []
    threads: set[int] = set()

    def progress(done: int, total: int, text: str) -> None:
        told.append((done, total, text))
        threads.add(threading.get_ident())

    served(archive, [select("xmm_pointed", rows)], progress=progress)
    assert told[-1] == (3, 3, "")
    assert threads == {threading.get_ident()}
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)


def test_that_planning_can_be_cancelled_while_a_server_keeps_it_waiting(archive_with):
    archive, rows = archive_with(*"abcd")
    for row in rows:
        archive.faults[f"/FTP/xmm/data/rev0/{row['obs_id']}/PPS/"].append(Fault(stall_after=10))
    n_threads = threading.active_count()
    with pytest.raises(Cancelled):
        served(archive, [select("xmm_pointed", rows)], cancelled=lambda: len(archive.requests) >= 2)
    planners = [thread for thread in threading.enumerate() if thread.name.startswith("planning")]
    assert planners == [] and threading.active_count() <= n_threads + 8  # what is left belongs to the server


def test_that_an_error_of_the_program_is_not_swallowed(monkeypatch):
    rows = xmm(1)

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("daxa_gui.remote.many.plan_folder", broken)
    with pytest.raises(ZeroDivisionError):
        planned([select("xmm_pointed", rows)], canned_web({"xmm_pointed": rows}))


def test_that_garbage_is_collected_as_before_afterwards(archive_with):
    thresholds = gc.get_threshold()
    archive, rows = archive_with("a")
    with pytest.raises(Cancelled):
        served(archive, [select("xmm_pointed", rows)], cancelled=lambda: True)
    served(archive, [select("xmm_pointed", rows)])
    assert gc.get_threshold() == thresholds


# -- names from elsewhere ---------------------------------------------------------------------------------------------------


def test_that_no_listing_leads_out_of_the_raw_folder(archive_with):
    archive, rows = archive_with("a")
    obs_id = rows[0]["obs_id"]
    good = f"P{obs_id}M1S001MIEVLI0000.FTZ"
    links = [
        *("../../../evil.FTZ", f"%2e%2e/{good}", f"..%2f{good}", f"/etc/{good}", f"https://elsewhere.example/{good}"),
        *(f"a%5c{good}", good.lower(), good, f"{good}?x=1", f"{good}#x", f"sub/{good}", "%00", "x" * 300, f"\u202e{good}", "CON"),
        good.replace("P", "%50", 1),
    ]
    page = "<title>Index of</title>" + "".join(f'<a href="{link}">x</a>' for link in links) + "<a href='y'>" * 5000
    archive.pages[f"/FTP/xmm/data/rev0/{obs_id}/PPS/"] = page.encode()
    plan = served(archive, [select("xmm_pointed", rows, ("events", "image"))])
    destinations = {request.task.arguments["destination"] for request in plan.requests if request.kind == "download"}
    assert destinations == {f"/nowhere/out/xmm_pointed_raw/{obs_id}/P{obs_id}M1S001MIEVLI0000.fits"}


def test_that_simulated_observations_come_from_the_practice_sky():
    row = {**xmm(1)[0], "simulated": True}
    folders = folders_of(MISSIONS["xmm_pointed"], row)
    assert {folder.service for folder in folders} == {"practice:heasarc"}
    assert all(folder.otherwise == () for folder in folders)
    request = plan_request("xmm_pointed", row, Path("/raw"), service_url=lambda service: pytest.fail("nobody should be asked"))
    assert request.lane == "host:practice"


def test_that_a_row_that_does_not_tell_is_an_archive_error():
    with pytest.raises(ArchiveError, match="does not tell where its files are"):
        plan_request("swift", {"obs_id": "00085374001", "start_mjd": "soon"}, Path("/raw"))
    with pytest.raises(ArchiveError, match="does not know the mission"):
        plan_request("hitomi", {"obs_id": "1"}, Path("/raw"))


# -- for the command line ---------------------------------------------------------------------------------------------------


def test_that_the_command_line_gets_plain_json_with_the_keys_of_before(archive_with):
    archive, rows = archive_with("a", "b")
    rows[1]["public_mjd"] = float("inf")
    found = plan_values(served(archive, [select("xmm_pointed", rows)], Path("/nowhere")), lambda service: f"{archive.url}/FTP")
    assert json.loads(json.dumps(found)) == found
    (file,) = found["files"]
    name = f"P{rows[0]['obs_id']}M1S001MIEVLI0000"
    assert file["url"] == f"{archive.url}/FTP/xmm/data/rev0/{rows[0]['obs_id']}/PPS/{name}.FTZ"
    assert (file["bytes"], file["exact"], file["kind"]) == (1024, False, "events")
    assert file["destination"] == f"/nowhere/xmm_pointed_raw/{rows[0]['obs_id']}/{name}.fits"
    assert (found["bytes"], found["exact"], found["errors"]) == (1024, False, [])
    assert found["kinds"][0]["observations"] == 1
    assert [one["obs_id"] for one in found["left_out"]] == [rows[1]["obs_id"]]


def test_that_observations_without_files_are_errors_of_the_command_line():
    rows = rows_of("rosat_pointed", 1)
    plan = planned([select("rosat_pointed", rows)], canned_web({}))
    (error,) = plan_values(plan, lambda service: ADDRESSES.get(service, ""))["errors"]
    assert error.startswith(f"rosat_pointed {rows[0]['obs_id']}: There is no")


def test_that_a_plan_with_jobs_that_plan_again_is_shown_as_well(archive_with):
    archive, rows = archive_with("a", "b")
    archive.faults[f"/FTP/xmm/data/rev0/{rows[0]['obs_id']}/PPS/"] += [Fault(status=404)]
    archive.faults[f"/FTP/xmm/data/rev0/{rows[1]['obs_id']}/PPS/"] += [Fault(drop_after=50)] * 3
    plan = served(archive, [select("xmm_pointed", rows)])
    values = downloading.plan_values(plan, lambda service: f"{archive.url}/FTP")
    assert values["files"] == []
    assert len(values["errors"]) == 2


def test_that_a_kind_that_there_is_not_is_said_in_a_sentence(tmp_path):
    row = {"obs_id": "0404910601", "simulated": False}
    with pytest.raises(InputError, match="no kind of files « pictures »"):
        plan_request("xmm_pointed", row, tmp_path, (), ("pictures",))
    selection = Selection("xmm_pointed", "v", ("0404910601",), (), (), ("pictures",))
    with pytest.raises(InputError, match="no kind of files « pictures »"):
        plan_downloads([(selection, [row])], output=tmp_path, service_url=lambda name: "", now_mjd=60000.0)

"""What several observations share is planned once; what was fetched before is not fetched again."""

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.trust import check_task
from daxa_gui.core.download_plan import DownloadPlan
from daxa_gui.core.job import JobState
from daxa_gui.core.registry import resolve
from daxa_gui.downloading import plan_downloads
from daxa_gui.remote.manifest import Manifest, Record
from daxa_gui.remote.sources import sources_for
from tests.fakes.canned_web import archive_of, canned_web, rows_of
from tests.fakes.plans import NOW_MJD, planned, select, xmm
from tests.fakes.small_fits import small_fits
from tests.fakes.task_context import FakeContext

# -- once -------------------------------------------------------------------------------------------------------------------


def test_that_the_files_of_a_revolution_are_planned_once():
    rows = rows_of("integral_pointed", 130)  # sixty windows in a revolution
    web = canned_web({"integral_pointed": rows})
    plan = planned([select("integral_pointed", rows, ("raw",))], web)
    shared = [file for file in plan.files if file.shared]
    assert {file.shared for file in shared} == {"2000", "2001", "2002"}
    assert {file.obs_id for file in shared if file.shared == "2001"} == {rows[60]["obs_id"]}  # the first that needs it
    assert len({(file.shared, file.unit) for file in shared}) == len(shared) == 3 * (2 + 1 + 1 + 2)
    assert len([url for url in web.asked if "/rev.001/" in url]) == 3 * 3
    jobs = [request for request in plan.requests if request.obs_id == "2001"]
    assert len(jobs) == 6
    assert all(job.task.arguments["destination"].startswith("/nowhere/out/integral_pointed_raw/") for job in jobs)
    assert all(file.optional for file in shared)


def test_that_the_files_of_a_revolution_are_fetched_and_kept_once(tmp_path):
    """From a mirror in a folder, through the jobs, into an archive; then everything once more."""
    rows = rows_of("integral_pointed", 2)
    for row in rows:
        for address, names in archive_of("integral_pointed", str(row["obs_id"])):
            folder = tmp_path / "mirror" / "heasarc" / address.partition("/FTP/")[2]
            folder.mkdir(parents=True, exist_ok=True)
            for name in names:
                if not name.endswith("/"):
                    body = small_fits(3000) if "fits" in name else b"text"
                    (folder / name).write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    addresses = {"mirror:heasarc": (tmp_path / "mirror" / "heasarc").as_uri()}
    ctx = FakeContext(dict.fromkeys(sources_for("heasarc"), "") | addresses)
    chosen = [select("integral_pointed", rows, ("raw",))]

    def plan() -> DownloadPlan:
        return plan_downloads(chosen, output=tmp_path / "out", service_url=ctx.service_url, now_mjd=NOW_MJD)

    first = plan()
    assert first.is_exact and not any(file.here for file in first.files)
    layout = OutputLayout(tmp_path / "out").archive("a")
    store = ArchiveStore.create(layout)
    try:
        store.add_selections(chosen)
        for job in store.add(first.requests):
            check_task(job.task, layout)
            outcome = resolve(job.task.target)(ctx, **job.task.arguments)
            store.commit_outcome(replace(job, state=JobState.SUCCEEDED), outcome, str(layout.work_folder(job.id)))
        second = plan()
        assert [file.unit for file in second.files if not file.here] == []
        assert second.to_fetch_bytes == 0
        jobs = store.add(second.requests)
        assert {job.state for job in jobs} == {JobState.SUCCEEDED}
        assert len(store.jobs("download")) == len(first.requests)
    finally:
        store.close()
    raw = tmp_path / "out" / "integral_pointed_raw"
    assert (raw / "2000" / "rev.001" / "idx" / "isgri_gain.fits").is_file()
    assert (raw / "aux" / "adp" / "2000.001" / "orbit_historic.fits").is_file()
    assert (raw / str(rows[0]["obs_id"]) / "swg.fits").is_file()


def test_that_nothing_is_planned_for_what_only_a_missing_window_would_need():
    rows = rows_of("integral_pointed", 1)
    web = canned_web({"integral_pointed": rows})
    web.pages = {url: page for url, page in web.pages.items() if rows[0]["obs_id"] not in url}
    plan = planned([select("integral_pointed", rows, ("raw",))], web)
    assert plan.files == () and plan.requests == ()
    assert len(plan.left_out) == 1


def test_that_an_observation_that_stands_in_two_selections_is_planned_once():
    rows = xmm(2)
    web = canned_web({"xmm_pointed": rows})
    plan = planned([select("xmm_pointed", rows), select("xmm_pointed", rows[1:])], web)
    assert len(plan.files) == 6
    assert len(web.asked) == 2


# -- what is here -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def fetched(tmp_path):
    """A folder with one verified file of the first of two observations; the rows; the plan's request for that file."""
    rows = xmm(2)
    web = canned_web({"xmm_pointed": rows})
    request = planned([select("xmm_pointed", rows)], web, tmp_path).requests[0]
    destination = Path(request.task.arguments["destination"])
    destination.parent.mkdir(parents=True)
    destination.write_bytes(b"SIMPLE")
    record = Record(destination.name, "heasarc", request.task.arguments["path"], "0" * 64, 6, "1" * 64, 1024)
    Manifest(destination.parent).add(record)
    return tmp_path, rows, web, destination, record


def here(fetched) -> list[bool]:
    output, rows, web, *_ = fetched
    return [file.here for file in planned([select("xmm_pointed", rows)], web, output).files]


def test_that_a_file_that_was_fetched_and_did_not_change_is_here(fetched):
    assert here(fetched) == [True] + [False] * 5
    output, rows, web, *_ = fetched
    plan = planned([select("xmm_pointed", rows)], web, output)
    assert plan.to_fetch_bytes == sum(file.size_bytes for file in plan.files[1:])
    assert plan.totals()[0].n_here == 1
    assert len(plan.requests) == 6  # its job only looks and puts it into the archive


def test_that_a_file_from_a_copy_of_the_service_is_the_same_file(fetched):
    _, _, _, destination, record = fetched
    Manifest(destination.parent).add(replace(record, service="mirror:heasarc"))
    assert here(fetched)[0]
    Manifest(destination.parent).add(replace(record, service="cxc"))
    assert not here(fetched)[0]


@pytest.mark.parametrize("change", ["gone", "size", "time", "link", "date", "other"])
def test_that_a_file_that_changed_is_not_here(fetched, change):
    _, _, _, destination, record = fetched
    if change == "gone":
        destination.unlink()
    elif change == "size":
        destination.write_bytes(b"SIMPLE =")
    elif change == "time":
        old = datetime(2001, 1, 1, tzinfo=UTC).isoformat()
        Manifest(destination.parent).add(replace(record, date=old))  # fetched long ago, but the file was written today
    elif change == "link":
        destination.unlink()
        destination.symlink_to("/etc/hostname")
    elif change == "date":
        Manifest(destination.parent).add(replace(record, date="yesterday"))
    else:
        Manifest(destination.parent).add(replace(record, path="another/file"))
    assert here(fetched)[0] is False


def test_that_a_tar_file_is_here_when_all_its_members_are(tmp_path):
    rows = rows_of("erosita_calpv", 1)
    web = canned_web({"erosita_calpv": rows})
    chosen = [select("erosita_calpv", rows)]
    (request,) = planned(chosen, web, tmp_path).requests
    folder, arguments = Path(request.task.arguments["raw_folder"]), request.task.arguments
    folder.mkdir(parents=True)
    (folder / "one.fits").write_bytes(b"1")
    records = [Record(name, "erosita_edr", arguments["path"], "0" * 64, 1, "1" * 64, 5) for name in ("one.fits", "two.fits")]
    everything = Record("", "erosita_edr", arguments["path"], members=arguments["members"], names=("one.fits", "two.fits"))
    Manifest(folder).add(*records, everything)
    assert [file.here for file in planned(chosen, web, tmp_path).files] == [False]
    (folder / "two.fits").write_bytes(b"2")
    assert [file.here for file in planned(chosen, web, tmp_path).files] == [True]

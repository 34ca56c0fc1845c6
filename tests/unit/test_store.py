import errno
import os
import shutil
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from daxa_gui.archive.failures import os_failure
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore, is_unfinished, list_archives
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.exposures import Verdict
from daxa_gui.core.job import ErrorInfo, JobState
from daxa_gui.core.product import ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import Command, MadeFile
from tests.fakes.archives import succeeded
from tests.fakes.execution import FakeClock, request
from tests.fakes.tasks import key


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def output(tmp_path):
    return OutputLayout(tmp_path / "out put")


@pytest.fixture
def store(output, clock):
    store = ArchiveStore.create(output.archive("Coma"), clock.now)
    yield store
    store.close()


def reopened(store, clock):
    store.close()
    return ArchiveStore.open(store.layout, clock.now)


# ---- jobs


def test_that_a_job_survives_closing_with_everything_it_knows(store, clock):
    (job,) = store.add([request("PN S003", "flares", band=[2.5, 8.5], n_sigma=3.0, size_bytes=7)])
    job = replace(
        job, state=JobState.FAILED, done=3.0, text="here", reason="why", warnings=("a", "b"),
        facts={"doubt": 0.5, "ünï": [1, None]},
        error=ErrorInfo("It broke.", "Mend it.", True, "traceback"), attempt=2, started=5.0, finished=6.0,
    )  # fmt: skip
    store.update(job)
    store = reopened(store, clock)
    assert store.jobs() == [job]
    store.close()


def test_that_a_command_survives_closing(store, clock):
    task = Command(("evselect", "table=a b.fits", "$(rm)"), {"SAS_CCF": "x"}, ("out.fits",))
    (job,) = store.add([replace(request(), task=task)])
    store = reopened(store, clock)
    assert store.get(job.id).task == task
    store.close()


def test_that_jobs_that_need_others_wait_and_labels_become_ids(store):
    flares, prepare, clean = store.add(
        [
            request(step="flares", label="f", needs=("p",)),
            request(step="prepare", label="p"),
            request(step="clean", needs=("f", "p")),
        ]
    )
    assert (prepare.state, flares.state, clean.state) == (JobState.QUEUED, JobState.WAITING, JobState.WAITING)
    assert flares.needs == (prepare.id,) and clean.needs == tuple(sorted((flares.id, prepare.id)))
    assert {job.id for job in store.dependents(prepare.id)} == {flares.id, clean.id}


def test_that_nothing_is_added_when_one_request_of_a_batch_is_wrong(store):
    for wrong in (request("B", needs=("nobody",)), request("B", needs=(99,)), request("B", label="b", needs=("b",))):
        with pytest.raises(InputError):
            store.add([request("A"), wrong])
        assert store.jobs() == []


def test_that_the_same_request_is_the_same_job(store):
    first = store.add([request("A"), request("B")])
    assert store.add([request("B"), request("A")]) == first[::-1]
    assert len(store.jobs()) == 2


def test_that_a_job_that_succeeded_is_not_done_again(store, clock):
    (job,) = store.add([request()])
    succeeded(store, job, clock, [MadeFile("clean.fits", key())])
    (same,) = store.add([request()])
    assert same.state is JobState.SUCCEEDED and same.attempt == 1


def test_that_it_is_done_again_when_that_is_asked_for(store, clock):
    (job,) = store.add([request()])
    succeeded(store, job, clock)
    assert store.add([request()], again=True)[0].state is JobState.QUEUED


def test_that_it_is_done_again_when_its_parameters_changed(store, clock):
    (job,) = store.add([request(n_sigma=3.0)])
    succeeded(store, job, clock)
    (changed,) = store.add([request(n_sigma=5.0)])
    assert changed.id == job.id and changed.state is JobState.QUEUED and changed.attempt == 1
    assert changed.task.arguments == {"n_sigma": 5.0}


def test_that_it_is_done_again_when_what_it_made_is_gone(store, clock):
    (job,) = store.add([request()])
    (product,), _ = succeeded(store, job, clock, [MadeFile("clean.fits", key())])
    Path(product.path).unlink()
    assert store.add([request()])[0].state is JobState.QUEUED


def test_that_it_is_done_again_when_what_it_was_made_from_is_made_again(store, clock):
    chain = [request(step="flares", n_sigma=3.0, label="f"), request(step="clean", needs=("f",)), request("other", "flares")]
    jobs = store.add(chain)
    for job in jobs:
        succeeded(store, job, clock)
    chain[0] = request(step="flares", n_sigma=4.0, label="f")
    assert [job.state for job in store.add(chain)] == [JobState.QUEUED, JobState.WAITING, JobState.SUCCEEDED]


def test_that_it_is_done_again_when_what_it_was_made_from_was_made_later(store, clock):
    flares, clean = store.add([request(step="flares", label="f"), request(step="clean", needs=("f",))])
    succeeded(store, flares, clock)
    succeeded(store, clean, clock)
    succeeded(store, flares, clock)
    again = store.add([request(step="flares", label="f"), request(step="clean", needs=("f",))])
    assert [job.state for job in again] == [JobState.SUCCEEDED, JobState.WAITING]


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED, JobState.SKIPPED])
def test_that_a_job_that_did_not_succeed_begins_anew_when_asked_for(store, state):
    (job,) = store.add([request(size_bytes=10)])
    store.update(replace(job, state=state, reason="x", error=ErrorInfo("x"), finished=1.0, done=5.0, attempt=3))
    (job,) = store.add([request(size_bytes=10)])
    assert (job.state, job.reason, job.error, job.finished, job.done, job.total) == (JobState.QUEUED, "", None, None, 0.0, 10.0)
    assert job.attempt == 3


def test_that_a_changed_task_of_a_running_job_is_kept_for_later(store):
    (job,) = store.add([request(n_sigma=3.0)])
    store.update(replace(job, state=JobState.RUNNING))
    (busy,) = store.add([request(n_sigma=4.0)])
    assert busy.state is JobState.RUNNING and busy.task.arguments == {"n_sigma": 3.0}
    assert store.take_changed_task(job.id).arguments == {"n_sigma": 4.0}
    assert store.take_changed_task(job.id) is None


def test_that_interrupted_jobs_go_on_at_the_next_opening(store, clock):
    jobs = store.add([request(str(i)) for i in range(5)])
    states = [JobState.RUNNING, JobState.CANCELLING, JobState.QUEUED, JobState.FAILED, JobState.SUCCEEDED]
    store.update_all([replace(job, state=state, attempt=2) for job, state in zip(jobs, states, strict=True)])
    work = store.layout.work_folder(jobs[0].id)
    work.mkdir(parents=True)
    store = reopened(store, clock)
    expected = [JobState.QUEUED, JobState.CANCELLED, JobState.QUEUED, JobState.FAILED, JobState.SUCCEEDED]
    assert [job.state for job in store.jobs()] == expected
    assert [(job.id, job.attempt) for job in store.interrupted] == [(jobs[0].id, 2), (jobs[1].id, 2)]
    assert not work.exists()
    store.close()


def test_that_an_interrupted_job_waits_for_what_was_being_done_again(store, clock):
    requests = [request("need"), request("done"), request("first", needs=("need",)), request("second", needs=("done",))]
    jobs = store.add([replace(one, label=one.unit) for one in requests])
    states = [JobState.QUEUED, JobState.SUCCEEDED, JobState.RUNNING, JobState.RUNNING]
    store.update_all([replace(job, state=state) for job, state in zip(jobs, states, strict=True)])
    store = reopened(store, clock)
    expected = [JobState.QUEUED, JobState.SUCCEEDED, JobState.WAITING, JobState.QUEUED]
    assert [job.state for job in store.jobs()] == expected
    store.close()


def test_that_an_interrupted_job_goes_on_with_its_changed_task(store, clock):
    (job,) = store.add([request(n_sigma=3.0)])
    store.update(replace(job, state=JobState.RUNNING))
    store.add([request(n_sigma=4.0)])
    store = reopened(store, clock)
    assert store.get(job.id).state is JobState.QUEUED and store.get(job.id).task.arguments == {"n_sigma": 4.0}
    assert store.take_changed_task(job.id) is None
    store.close()


def test_that_jobs_are_listed_by_kind_and_a_missing_one_is_an_error(store):
    store.add([request("a.fits", "", kind="download"), request()])
    assert [job.unit for job in store.jobs("download")] == ["a.fits"]
    with pytest.raises(ArchiveError, match="no job 77"):
        store.get(77)


def test_that_many_threads_add_and_update_without_losing_anything(store, clock):
    def work(number):
        for index in range(25):
            (job,) = store.add([request(f"{number}-{index}")])
            store.update(replace(job, state=JobState.RUNNING))
            succeeded(store, job, FakeClock())
            assert store.products() == []

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = reopened(store, clock)
    assert {job.unit for job in store.jobs()} == {f"{n}-{i}" for n in range(6) for i in range(25)}
    assert {job.state for job in store.jobs()} == {JobState.SUCCEEDED}
    store.close()


# ---- products, observations, what a person said


def test_that_forgotten_products_are_deleted_but_raw_data_stay(store, clock):
    (job,) = store.add([request()])
    raw = store.layout.raw_folder("xmm_pointed", "0404910601") / "a.fits"
    products, _ = succeeded(store, job, clock, [MadeFile("c.fits", key()), MadeFile("a.fits", key(ProductKind.EVENTS), str(raw))])
    assert {p.path for p in store.forget_products(job.id)} == {p.path for p in products}
    assert store.products() == [] and raw.exists() and not Path(products[0].path).exists()
    assert len(store.history(products[0])) == 1


def test_that_products_are_listed_for_a_mission_or_an_observation(store, clock):
    for mission, obs_id in (("xmm_pointed", "1"), ("xmm_pointed", "2"), ("chandra", "1")):
        (job,) = store.add([request(f"{mission}{obs_id}")])
        succeeded(store, job, clock, [MadeFile("c.fits", replace(key(), mission=mission, obs_id=obs_id))])
    assert [(p.key.mission, p.key.obs_id) for p in store.products()] == [
        ("chandra", "1"), ("xmm_pointed", "1"), ("xmm_pointed", "2"),
    ]  # fmt: skip
    assert [p.key.obs_id for p in store.products("xmm_pointed")] == ["1", "2"]
    assert [p.key.mission for p in store.products("xmm_pointed", "2")] == ["xmm_pointed"]


def test_that_a_moved_archive_finds_its_files(store, clock, output, tmp_path):
    (job,) = store.add([request()])
    succeeded(store, job, clock, [MadeFile("clean.fits", key())])
    store.close()
    shutil.move(output.folder, tmp_path / "moved")
    moved = ArchiveStore.open(OutputLayout(tmp_path / "moved").archive("Coma"), clock.now)
    (product,) = moved.products()
    assert Path(product.path).is_relative_to(tmp_path / "moved") and Path(product.path).is_file()
    assert moved.get(job.id).log_path.startswith(str(tmp_path / "moved"))
    moved.close()


def test_that_observations_come_back_with_their_rows(store):
    selection = Selection("xmm_pointed", "v1", ("0404910601", "0201901401"), ("M1", "PN"), ({"cone": [1, 2, 3]},))
    store.add_selections([(selection, [{"target": "A907", "ra_deg": 149.6}, {"target": "B", "exposure_s": float("nan")}])])
    assert store.selections() == [selection]
    second, first = store.observations()
    assert (first.obs_id, first.target, first.instruments, first.row["ra_deg"]) == ("0404910601", "A907", ("M1", "PN"), 149.6)
    assert second.row["exposure_s"] != second.row["exposure_s"]


def test_that_an_observation_chosen_twice_is_there_once_with_the_newest_row(store):
    for target in ("old", "new"):
        store.add_selections([(Selection("chandra", "v", ("15043",), ()), [{"target": target}])])
    assert [o.target for o in store.observations()] == ["new"] and len(store.selections()) == 2


def test_that_an_obs_id_that_is_a_path_is_refused(store):
    with pytest.raises(InputError):
        store.add_selections([(Selection("chandra", "v", ("../x",), ()), [{}])])
    assert store.observations() == [] and store.selections() == []


def test_that_verdicts_and_information_are_kept(store, clock):
    store.set_verdict("chandra", "15043", "ACIS-IE001", Verdict("flagged", "odd", 5.0))
    store.set_verdict("chandra", "1", "", Verdict("accepted"))
    store.set_verdict("chandra", "1", "", Verdict())
    store.set_info("overrides", {"a": [1.5, None]})
    store = reopened(store, clock)
    assert store.verdicts() == {("chandra", "15043", "ACIS-IE001"): Verdict("flagged", "odd", 5.0)}
    assert store.info()["overrides"] == {"a": [1.5, None]} and store.info()["name"] == "Coma"
    store.close()


# ---- opening


def test_that_an_archive_is_open_only_once(store, clock):
    with pytest.raises(ArchiveError, match="open in another program"):
        ArchiveStore.open(store.layout, clock.now)
    reopened(store, clock).close()


def test_that_a_new_archive_takes_nobody_elses_folder(store, output):
    store.add_selections([(Selection("chandra", "v", ("15043",), ()), [{}])])
    output.archive("mine").folder.mkdir()
    (output.archive("mine").folder / "thesis.txt").touch()
    for name in ("Coma", "mine"):
        with pytest.raises(ArchiveError, match="already something"):
            ArchiveStore.create(output.archive(name))


def test_that_a_new_archive_takes_over_what_died_before_it_had_an_observation(store, output):
    store.close()
    assert is_unfinished(store.layout)
    again = ArchiveStore.create(store.layout)
    again.add_selections([(Selection("chandra", "v", ("15043",), ()), [{}])])
    assert not is_unfinished(store.layout)
    again.close()
    for name, left in (("folder", ()), ("lock", (".daxa_gui.lock",)), ("file", (".daxa_gui.lock", "daxa_gui.sqlite"))):
        output.archive(name).folder.mkdir()
        for file in left:
            (output.archive(name).folder / file).touch()
        assert is_unfinished(output.archive(name))
        ArchiveStore.create(output.archive(name)).close()


def test_that_selections_are_put_in_together_or_not_at_all(store):
    good, bad = Selection("chandra", "v", ("15043",), ()), Selection("swift", "v", ("1",), ())
    with pytest.raises(InputError):
        store.add_selections([(good, [{}]), (bad, [])])
    with pytest.raises(TypeError):
        store.add_selections([(good, [{}]), (bad, [{"target": object()}])])
    assert store.observations() == []
    store.add_selections([(good, [{}]), (bad, [{}])])
    assert [o.mission for o in store.observations()] == ["chandra", "swift"]


def test_that_a_folder_without_an_archive_is_not_opened(output):
    with pytest.raises(ArchiveError, match="no archive"):
        ArchiveStore.open(output.archive("nothing"))
    assert not output.archive("nothing").folder.exists()


def test_that_damaged_foreign_and_newer_databases_are_named(store, output):
    store.close()
    good = store.layout.database.read_bytes()

    def complaint():
        with pytest.raises(ArchiveError) as caught:
            ArchiveStore.open(store.layout)
        return caught.value.message

    store.layout.database.write_bytes(b"not a database at all" * 100)
    assert "damaged" in complaint()
    store.layout.database.write_bytes(good[:100] + b"\xff" * (len(good) - 100))
    assert "damaged" in complaint()
    store.layout.database.unlink()
    connection = sqlite3.connect(store.layout.database)
    connection.execute("CREATE TABLE x (y)")
    connection.close()
    assert "not an archive's database" in complaint()
    store.layout.database.write_bytes(good)
    connection = sqlite3.connect(store.layout.database)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    assert "later version" in complaint()
    assert "later version" in complaint()  # and the lock was given back each time


def test_that_a_job_that_makes_no_sense_is_named_as_damage(store):
    store.add([request()])
    store.close()
    connection = sqlite3.connect(store.layout.database)
    connection.execute("UPDATE jobs SET task = '1], [2'")
    connection.commit()
    connection.close()
    opened = ArchiveStore.open(store.layout)
    with pytest.raises(ArchiveError, match="makes no sense"):
        opened.jobs()
    opened.close()


def test_that_a_closed_archive_says_so(store):
    store.close()
    for use in (lambda: store.add([request()]), store.products, lambda: store.set_info("a", 1)):
        with pytest.raises(ArchiveError, match="closed"):
            use()


def test_that_an_archive_cannot_be_made_below_a_file(output):
    output.folder.write_text("no folder")
    with pytest.raises(ArchiveError, match="cannot be read or written"):
        ArchiveStore.create(output.archive("a"))


@pytest.mark.parametrize(
    ("code", "words", "pauses"),
    [
        (errno.ENOSPC, "no space left", True),
        (errno.EDQUOT, "no space left", True),
        (errno.EROFS, "cannot be written", False),
        (errno.EACCES, "cannot be written", False),
        (errno.ENOENT, "is not there", False),
        (errno.EIO, "cannot be read or written", False),
    ],
)
def test_that_what_the_disk_complains_about_becomes_a_sentence_with_its_path(code, words, pauses):
    error = os_failure(OSError(code, os.strerror(code)), "/a/b.fits")
    assert words in error.message and "/a/b.fits" in error.message and error.pauses_lane is pauses


def test_that_a_database_that_can_grow_no_more_is_a_full_disk(store):
    store.add([request()])
    with store.database.writing() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    store.database._writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ArchiveError, match="no space left") as caught:
        store.set_info("large", "x" * 100_000)
    assert caught.value.pauses_lane and "large" not in store.info()
    (job,) = store.jobs()
    store.update(replace(job, state=JobState.RUNNING))  # what fits still works


def test_that_archives_are_listed_also_open_and_damaged_ones(store, output):
    store.add_selections([(Selection("chandra", "v", ("1", "2"), ()), [{}, {}])])
    broken = output.archive("broken")
    broken.folder.mkdir()
    broken.database.write_bytes(b"rubbish" * 1000)
    (output.archives / "somebody else's").mkdir()
    bad, good = list_archives(output)  # by name, without regard to case
    assert (good.name, good.n_observations, good.missions, good.problem) == ("Coma", 2, ("chandra",), "")
    assert bad.name == "broken" and "damaged" in bad.problem


@pytest.mark.parametrize(
    ("change", "look"),
    [
        ("UPDATE jobs SET done = 'much'", ArchiveStore.jobs),
        ("UPDATE jobs SET title = x'ff'", ArchiveStore.jobs),
        ("UPDATE jobs SET task = '[]'", ArchiveStore.jobs),
        ("UPDATE jobs SET state = 'flying'", None),
        ("UPDATE info SET value = '' WHERE name = 'created'", ArchiveStore.summary),
        ("UPDATE info SET value = '{'", ArchiveStore.info),
        ("UPDATE observations SET row = '[1]'", ArchiveStore.observations),
        ("UPDATE selections SET filters = '5'", ArchiveStore.selections),
        ("UPDATE products SET facts = 'x'", ArchiveStore.products),
        ("UPDATE products SET kind = 'x'", ArchiveStore.products),
    ],
)
def test_that_what_makes_no_sense_in_a_database_is_said_to(store, clock, change, look):
    store.add_selections([(Selection("chandra", "v", ("15043",), ()), [{}])])
    (job,) = store.add([request()])
    succeeded(store, job, clock, [MadeFile("a.fits", key())])
    store.close()
    with sqlite3.connect(store.layout.database) as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(ArchiveError, match="makes no sense"):
        opened = ArchiveStore.open(store.layout, clock.now)
        try:
            assert look is not None
            look(opened)
        finally:
            opened.close()

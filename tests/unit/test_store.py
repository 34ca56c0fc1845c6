import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.exposures import Verdict
from daxa_gui.core.job import ErrorInfo, JobState
from daxa_gui.core.product import ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import Command, MadeFile
from tests.fakes.archives import reopened, succeeded
from tests.fakes.execution import FakeClock, request
from tests.fakes.tasks import key

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

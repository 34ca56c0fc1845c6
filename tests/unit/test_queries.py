"""Questions to an archive: what succeeded, failed, was said; where data are; wholly failed observations move and come back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from daxa_gui.archive import failed_data
from daxa_gui.archive.failed_data import FailedData
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.queries import Queries
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.verify import verify
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.job import ErrorInfo, JobState
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import Call, JobRequest, MadeFile, Outcome, Place

XMM, OBS, OTHER = "xmm_pointed", "0404910601", "0201901401"
S = JobState


def job_request(step, unit="PN", obs_id=OBS, kind="reduce", needs=()):
    return JobRequest(
        kind, "local", XMM, obs_id, unit, step, f"{step} {unit}", Call("daxa_gui.reduction.builtin:prepare", {}, Place.THREAD),
        label=f"{obs_id}/{unit}/{step}", needs=needs,
    )  # fmt: skip


class Archive:
    def __init__(self, folder: Path) -> None:
        self.layout = OutputLayout(folder).archive("a")
        self.open()

    def open(self) -> None:
        self.store = ArchiveStore.open(self.layout) if self.layout.database.is_file() else ArchiveStore.create(self.layout)
        self.queries = Queries(self.layout, self.store.database)
        self.failed = FailedData(self.layout, self.store.database)

    def choose(self, *obs_ids, chosen=("PN", "M1"), kinds=(), mission=XMM, **row):
        rows = [{"obs_id": obs_id, "target": "Coma", "instruments": "M1 M2 PN", **row} for obs_id in obs_ids]
        selection = Selection(mission, "1", obs_ids, chosen, (), kinds)
        self.store.add_selections([(selection, rows)])

    def end(self, step, unit="PN", obs_id=OBS, state=S.SUCCEEDED, kind="reduce", files=(), **values):
        """A job that ran and ended in this state."""
        (job,) = self.store.add([job_request(step, unit, obs_id, kind)])
        ran = state in (S.SUCCEEDED, S.FAILED)
        started = {"attempt": 1, "started": 1.0, "finished": 2.0} if ran else {}
        job = replace(job, state=state, **started, **values)
        if state is not S.SUCCEEDED:
            self.store.update(job)
            return job
        work = self.layout.work_folder(job.id)
        work.mkdir(parents=True, exist_ok=True)
        for file in files:
            if file.name:
                (work / file.name).write_text(file.name)
        self.store.commit_outcome(job, Outcome(files=tuple(files), facts=job.facts), str(work))
        return job


@pytest.fixture
def archive(tmp_path):
    made = Archive(tmp_path)
    yield made
    made.store.close()


def gti(obs_id=OBS):
    return MadeFile("gti.fits", ProductKey(XMM, obs_id, ProductKind.GTI, "PN", "S003"))


def shown(results):
    return {(one.obs_id, one.unit, one.step): one.success for one in results if not one.step.startswith("preprocessed")}


def test_the_results_of_processes(archive):
    archive.choose(OBS, OTHER)
    archive.end("prepare", warnings=("strange header",))
    archive.end("flares", state=S.FAILED, error=ErrorInfo("It broke.", "Mend it."))
    archive.end("clean", state=S.SKIPPED, reason="« Flares » failed.")
    archive.end("prepare", "M1", OTHER, state=S.CANCELLED)
    archive.store.add([job_request("prepare", "M2", OTHER)])
    results = archive.queries.process_results()
    assert shown(results) == {
        (OBS, "PN", "prepare"): True, (OBS, "PN", "flares"): False, (OBS, "PN", "clean"): False,
        (OTHER, "M1", "prepare"): None, (OTHER, "M2", "prepare"): None,
    }  # fmt: skip
    by_step = {one.step: one for one in archive.queries.process_results(XMM, OBS)}
    assert by_step["prepare"].warnings == ("strange header",) and by_step["prepare"].errors == ()
    assert by_step["flares"].errors == ("It broke.", "Mend it.")
    assert by_step["flares"].log_path == str(archive.layout.log_path(by_step["flares"].job_id))
    assert by_step["clean"].log_path == "" and by_step["clean"].reason == "« Flares » failed."
    assert set(shown(archive.queries.process_results(step="prepare"))) == {
        (OBS, "PN", "prepare"), (OTHER, "M1", "prepare"), (OTHER, "M2", "prepare"),
    }  # fmt: skip
    assert [one.step for one in archive.queries.failed_processes()] == ["flares", "clean"]
    assert archive.queries.failed_processes("chandra") == []
    assert [one.step for one in archive.queries.errors()] == ["flares"]
    assert [one.step for one in archive.queries.warnings(XMM)] == ["prepare"]
    assert [one.step for one in archive.queries.logs(XMM, OBS)] == ["prepare", "flares"]


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ([], None),
        ([("PN", S.SUCCEEDED, "")], True),
        ([("PN", S.SUCCEEDED, ""), ("M1", S.FAILED, "")], True),
        ([("PN", S.FAILED, ""), ("M1", S.SKIPPED, "closed")], False),
        ([("PN", S.SUCCEEDED, "No event is left after cleaning.")], False),
        ([("PN", S.FAILED, ""), ("M1", S.QUEUED, "")], None),
        ([("PN", S.FAILED, ""), ("M1", S.CANCELLED, "")], None),
    ],
)
def test_when_an_observation_is_a_success(archive, units, expected):
    archive.choose(OBS, OTHER)
    for unit, state, reason in units:
        archive.end("clean", unit, state=state, reason=reason)
    assert archive.queries.final_success() == {(XMM, OBS): expected, (XMM, OTHER): None}
    assert archive.queries.final_success(XMM)[XMM, OBS] is expected
    assert archive.queries.observation_facts(XMM, OBS).final_success is expected
    assert archive.queries.final_success("chandra") == {}


def test_that_what_follows_from_a_cancelled_job_is_no_failure(archive):
    archive.choose(OBS)
    archive.end("flares", state=S.CANCELLED)
    archive.end("clean", state=S.SKIPPED)
    assert archive.queries.final_success()[XMM, OBS] is None


def test_the_facts_of_an_observation(archive):
    archive.choose(OBS, chosen=("PN", "M1", "M2"))
    raw = archive.layout.raw_folder(XMM, OBS) / "pn.fits"
    raw.parent.mkdir(parents=True)
    raw.write_bytes(b"12345")
    key = ProductKey(XMM, OBS, ProductKind.EVENTS, "PN", "S003")
    archive.end("", "pn.fits", kind="download", files=[MadeFile("", key, str(raw))])
    m1 = raw.with_name("m1.fits")
    m1.write_bytes(b"123")
    archive.end("", "m1.fits", kind="download", files=[MadeFile("", replace(key, instrument="M1", exposure="S001"), str(m1))])
    archive.end("prepare", "PNS003", facts={"filter": "Thin1", "mode": "PrimeFullWindow", "rows": 10, "total_good_time_s": 5.5})
    archive.end("prepare", "M1S001", facts={"filter": "CalClosed"}, reason="The filter is closed.")
    facts = archive.queries.observation_facts(XMM, OBS)
    assert facts.target == "Coma" and facts.raw_path == str(archive.layout.raw_folder(XMM, OBS))
    assert facts.n_files == 4 and facts.size_bytes == 16  # two downloads and their second names
    pn, m1_facts, m2 = facts.instruments["PN"], facts.instruments["M1"], facts.instruments["M2"]
    assert pn["active"] and pn["filters"] == ["Thin1"] and pn["modes"] == ["PrimeFullWindow"]
    assert pn["exposures"]["S003"] == {
        "filter": "Thin1", "mode": "PrimeFullWindow", "usable": True, "why_not": "", "n_events": 10, "good_time_s": 5.5,
    }  # fmt: skip
    assert m1_facts["exposures"]["S001"]["usable"] is False
    assert m2 == {"active": False, "n_exposures": 0, "exposures": {}, "filters": [], "modes": []}
    with pytest.raises(InputError, match="no observation"):
        archive.queries.observation_facts(XMM, "1")


def test_that_all_modules_of_one_list_are_instruments(archive):
    modules = tuple(f"TM{n}" for n in range(1, 8))
    archive.choose("700199", mission="erosita_calpv", chosen=modules, instruments="")
    raw = archive.layout.raw_folder("erosita_calpv", "700199") / "x.fits"
    raw.parent.mkdir(parents=True)
    raw.write_bytes(b"1")
    key = ProductKey("erosita_calpv", "700199", ProductKind.EVENTS, "TM0")
    (job,) = archive.store.add([replace(job_request("", "x", "700199", "download"), mission="erosita_calpv")])
    archive.store.commit_outcome(replace(job, state=S.SUCCEEDED), Outcome(files=(MadeFile("", key, str(raw)),)), "")
    request = replace(job_request("prepare", "TM0", "700199"), mission="erosita_calpv")
    (job,) = archive.store.add([request])
    good = [{"ccd": n, "seconds": 5.0 * (n in (1, 5)), "intervals": 1} for n in range(1, 8)]
    archive.store.update(replace(job, state=S.SUCCEEDED, facts={"filter": "FILTER", "good_time": good}))
    facts = archive.queries.observation_facts("erosita_calpv", "700199")
    assert [name for name, entry in facts.instruments.items() if entry["active"]] == ["TM1", "TM5"]
    taken = archive.queries.process_results("erosita_calpv", "700199", "preprocessed_events")
    assert {one.unit: one.success for one in taken} == dict.fromkeys(modules, True)


def test_that_taken_over_products_are_processes_with_daxas_names(archive):
    kinds = ("events", "image")
    archive.choose("9703", "9704", mission="chandra", chosen=(), kinds=kinds, instruments="")
    (planned,) = archive.store.add([replace(job_request("", "", "9703", "plan"), mission="chandra")])
    assert {one.success for one in archive.queries.process_results("chandra")} == {None}
    archive.store.update(replace(planned, state=S.SUCCEEDED))
    raw = archive.layout.raw_folder("chandra", "9703") / "evt2.fits"
    raw.parent.mkdir(parents=True)
    raw.write_bytes(b"1")
    (job,) = archive.store.add([replace(job_request("", "evt2", "9703", "download"), mission="chandra")])
    key = ProductKey("chandra", "9703", ProductKind.EVENTS, "ACIS")
    archive.store.commit_outcome(replace(job, state=S.SUCCEEDED), Outcome(files=(MadeFile("", key, str(raw)),)), "")
    results = {one.step: one for one in archive.queries.process_results("chandra", "9703")}
    assert set(results) == {"preprocessed_events", "preprocessed_images"}
    events, images = results["preprocessed_events"], results["preprocessed_images"]
    assert (events.unit, events.success, events.reason) == ("ACIS", True, "")
    assert images.success is False and "no such file" in images.reason
    (failed,) = archive.store.add([replace(job_request("", "img2", "9703", "download"), mission="chandra")])
    archive.store.update(replace(failed, state=S.FAILED))
    assert archive.queries.process_results("chandra", "9703", "preprocessed_images")[0].success is None


# ---- failed data


def failed_once(archive, obs_id=OBS):
    archive.choose(obs_id)
    archive.end("flares", obs_id=obs_id, files=[gti(obs_id)])
    archive.end("clean", obs_id=obs_id, state=S.FAILED)
    return archive.layout.processed_folder(XMM, obs_id), archive.layout.failed_folder(XMM, obs_id)


def test_that_a_wholly_failed_observation_moves_and_comes_back(archive):
    processed, failed = failed_once(archive)
    (before,) = archive.store.products()
    assert archive.queries.data_path(XMM, OBS) == str(processed)
    assert archive.failed.settle(archive.queries.final_success()) == [(XMM, OBS)]
    assert failed.is_dir() and not processed.exists() and archive.queries.data_path(XMM, OBS) == str(failed)
    (product,) = archive.store.products()
    assert product.path == before.path.replace("processed_data", "failed_data") and Path(product.path).is_file()
    assert len(archive.store.history(product)) == 1
    assert archive.failed.settle(archive.queries.final_success()) == []  # nothing to do any more
    archive.failed.bring_back(XMM, OBS)
    assert archive.store.products() == [before] and not failed.exists()
    archive.failed.bring_back(XMM, OBS)
    archive.failed.settle(archive.queries.final_success())
    (job,) = [job for job in archive.store.jobs() if job.step == "clean"]
    archive.store.update(replace(job, state=S.SUCCEEDED))
    assert archive.failed.settle(archive.queries.final_success()) == [(XMM, OBS)]
    assert archive.store.products() == [before] and Path(before.path).is_file()


def test_that_an_observation_with_unfinished_jobs_stays(archive):
    processed, failed = failed_once(archive)
    archive.store.add([job_request("image", "M1")])
    assert archive.failed.settle(archive.queries.final_success()) == [] and processed.is_dir() and not failed.exists()


@pytest.mark.parametrize("moment", ["before the folder moved", "after the folder moved"])
def test_that_a_move_that_was_cut_off_is_finished(archive, monkeypatch, moment):
    processed, failed = failed_once(archive)
    (before,) = archive.store.products()

    def die(*arguments):
        raise KeyboardInterrupt

    name = "_merge" if moment.startswith("before") else "_follow"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(failed_data, name, die)
        archive.failed.settle(archive.queries.final_success())
    archive.store.close()
    archive.open()
    archive.failed.finish_interrupted()
    assert failed.is_dir() and not processed.exists()
    (product,) = archive.store.products()
    assert product.path == before.path.replace("processed_data", "failed_data") and Path(product.path).is_file()
    archive.failed.finish_interrupted()
    assert "moving" not in archive.store.info()


def test_that_a_folder_that_is_there_already_is_joined(archive):
    processed, failed = failed_once(archive)
    (failed / "logs").mkdir(parents=True)
    (failed / "logs" / "old.log").write_text("old")
    (failed / "cleaning").mkdir()
    archive.failed.settle(archive.queries.final_success())
    assert (failed / "logs" / "old.log").read_text() == "old" and len(list((failed / "cleaning").iterdir())) == 1
    assert not processed.exists()


def test_that_links_are_not_followed(archive, tmp_path):
    processed, failed = failed_once(archive)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    failed.parent.mkdir(parents=True)
    failed.symlink_to(elsewhere)
    with pytest.raises(ArchiveError, match="link"):
        archive.failed.settle(archive.queries.final_success())
    assert processed.is_dir() and list(elsewhere.iterdir()) == []


def test_that_two_names_of_one_file_are_joined(archive):
    """Downloaded products are hard links, and were taken in again while their observation lay in failed_data."""
    processed, failed = failed_once(archive)
    (before,) = archive.store.products()
    place = failed / Path(before.path).relative_to(processed)
    place.parent.mkdir(parents=True)
    place.hardlink_to(before.path)
    assert archive.failed.settle(archive.queries.final_success()) == [(XMM, OBS)]
    assert place.is_file() and not processed.exists()
    (product,) = archive.store.products()
    assert product.path == str(place)


def test_that_a_move_that_the_disk_stopped_is_finished_when_work_rests_again(archive, monkeypatch):
    processed, failed = failed_once(archive)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(failed_data, "_follow", full)
        with pytest.raises(ArchiveError, match="no space"):
            archive.failed.settle(archive.queries.final_success())
    assert archive.failed.is_interrupted() and failed.is_dir()
    assert any("moved an observation" in finding.message for finding in verify(archive.layout).findings)
    archive.failed.settle(archive.queries.final_success())
    assert not archive.failed.is_interrupted() and not processed.exists()
    (product,) = archive.store.products()
    assert Path(product.path).is_file() and verify(archive.layout).is_whole

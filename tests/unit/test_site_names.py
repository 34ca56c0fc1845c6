"""What people write for where work is done, the settings of clusters, and what an archive of somebody else cannot do."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.errors import InputError, ReductionError
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.settings import Settings, changed
from daxa_gui.core.step import Call, MadeFile, Outcome, Place
from daxa_gui.execution import dask_client, slurm_host, slurm_site
from daxa_gui.execution.certificates import check_private, write_certificates
from daxa_gui.execution.dask_folder import RunFolder, WorkerFolder
from daxa_gui.execution.dask_running import Running, job_and_time, new_key, outcome_of, seal_of, stem_of
from daxa_gui.execution.dask_task import do_task
from daxa_gui.execution.runner import CancelToken, ThreadContext
from daxa_gui.execution.site_names import CLUSTER_FOLDER, make_site, parse_executor, wanted_by
from daxa_gui.execution.slurm_options import directives_of, reason_in_words, slurm_options
from tests.fakes.execution import request


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("local", "local"),
        ("", "local"),
        (" Local ", "local"),
        ("slurm", "slurm"),
        ("dask=head", "dask=tcp://head:8786"),
        ("dask=head:18786", "dask=tcp://head:18786"),
        ("dask=tls://head.example.org:1", "dask=tls://head.example.org:1"),
        ("dask=tcp://[::1]:8786", "dask=tcp://[::1]:8786"),
    ],
)
def test_that_executors_are_understood(text: str, shown: str) -> None:
    assert str(parse_executor(text)) == shown and str(parse_executor(shown)) == shown


@pytest.mark.parametrize(
    "text",
    ["dask", "dask=", "slurm=x", "local=1", "pbs", "dask=http://head:1", "dask=tcp://head:99999", "dask=tcp://head:1/x",
     "dask=a b",
     "dask=tcp://u:p@head:1", "dask=$(id)", "dask=tcp://", "dask=tcp://head:1?x=1", "dask=inproc://1", "dask=-x"],
)  # fmt: skip
def test_that_what_is_no_executor_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_executor(text)
    assert caught.value.hint


def options(**values: Any) -> dict[str, Any]:
    return slurm_options(changed(Settings(), **values))


def test_that_settings_of_slurm_cannot_smuggle_lines_into_a_job_script() -> None:
    assert directives_of(" --account=x-rays ; --qos=long;") == ["--account=x-rays", "--qos=long"]
    for text in ("rm -rf ~", "--a=b\nrm -rf ~"):
        with pytest.raises(InputError):
            directives_of(text)
    for name in ("slurm_directives", "slurm_setup", "slurm_partition"):
        with pytest.raises(InputError):
            changed(Settings(), **{name: "a\nb"})
    for values in ({"slurm_partition": "debug -w x"}, {"slurm_interface": "eth0 --x"}):
        with pytest.raises(InputError):
            options(**values)
    assert options(slurm_memory_gb=2)["memory_bytes"] == 2_000_000_000 and options()["python"] == sys.executable


def test_that_reasons_of_slurm_are_said_in_words() -> None:
    assert reason_in_words("(DependencyNeverSatisfied)") == ("DependencyNeverSatisfied: it needs a job that failed", True)
    assert reason_in_words("Resources") == ("Resources: the machines are busy", False)
    assert reason_in_words("ReqNodeNotAvail,_UnavailableNodes:n1")[1] is False
    assert reason_in_words("")[1] is False
    text = (
        "Command exited with non-zero exit code.\nstderr:\nsbatch: error: invalid partition specified: x\nsbatch: error: failed"
    )
    assert slurm_host._refusal(text) == "invalid partition specified: x; failed"


def site(tmp_path: Path, text: str, **values: Any) -> Any:
    folder = tmp_path / "archive"
    folder.mkdir(exist_ok=True)
    settings = changed(Settings(), **values)
    return make_site(text, archive_folder=folder, archive="a", settings=lambda: settings, state_folder=tmp_path / "state")


def test_that_a_site_is_made_without_asking_anybody(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    assert site(tmp_path, "local") is None
    made = site(tmp_path, "dask=tcp://127.0.0.1:1")
    assert made.name == "dask=tcp://127.0.0.1:1" and made.capacity() == 1
    made.close()
    with pytest.raises(InputError, match="is not set"):
        site(tmp_path, "dask=tls://127.0.0.1:1")


def test_that_missing_packages_are_a_sentence_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ReductionError, match="not installed") as caught:
        site(tmp_path, "dask=tcp://127.0.0.1:1")
    assert 'pip install "daxa-gui[cluster]"' in caught.value.hint


def test_that_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / CLUSTER_FOLDER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ReductionError, match="stands in the place"):
        site(tmp_path, "dask=tcp://127.0.0.1:1")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_that_a_host_that_came_with_an_archive_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive of somebody else may hold what looks like a running scheduler of ours."""
    own = tmp_path / "cluster" / "slurm" / "0123456789abcdef"
    (own / "tls").mkdir(parents=True)
    slurm_host.write_document(own / slurm_host.HOST, {"address": "tls://evil:8786", "pid": 1, "machine": "evil"})
    slurm_host.write_document(own / slurm_host.STATE, {})
    cluster = slurm_site.SlurmCluster(tmp_path / "cluster", tmp_path / "state" / "a.slurm", lambda: options())
    assert cluster.found() is None
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "a.slurm").write_text(own.name)
    assert cluster.found() == "tls://evil:8786"  # only what this user's own record names
    (tmp_path / "state" / "a.slurm").write_text("../../x")
    assert cluster.found() is None


def test_that_a_machine_without_slurm_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dask_jobqueue")
    monkeypatch.setenv("PATH", str(tmp_path))
    cluster = slurm_site.SlurmCluster(tmp_path, tmp_path / "state" / "a.slurm", lambda: options())
    with pytest.raises(ReductionError, match="sbatch"):
        cluster.locate(lambda: None)


def test_that_keys_are_only_for_their_owner(tmp_path: Path) -> None:
    files = write_certificates(tmp_path / "tls")
    assert Path(files.key).stat().st_mode & 0o077 == 0 and (tmp_path / "tls").stat().st_mode & 0o077 == 0
    (tmp_path / "tls").chmod(0o755)
    with pytest.raises(ReductionError, match="other users"):
        check_private(tmp_path / "tls")


# ---- what a worker answers


def running(tmp_path: Path, task: Call) -> Running:
    class Log:
        def write(self, text: str, severity: str = "INFO") -> None: ...

        def close(self) -> None: ...

    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    context = ThreadContext(str(work), CancelToken(), Log(), lambda *news: None, lambda name: "")
    job = Job(7, "reduce", "local", "xmm_pointed", "0404910601", "u", "s", "a title", task)
    return Running(job, task, context, context._token, stem_of("a", 7, task))


def test_that_the_name_of_a_run_tells_its_job_and_time() -> None:
    task = Call("daxa_gui.x:y", {"a": 1}, Place.THREAD)
    stem = stem_of("an archive", 7, task)
    job, began = job_and_time(new_key(stem))
    assert job == 7 and abs(began - time.time()) < 5
    assert stem != stem_of("another", 7, task) and stem != stem_of("an archive", 7, Call("daxa_gui.x:y", {"a": 2}, Place.THREAD))


def test_that_answers_that_name_other_places_or_bear_no_seal_are_not_taken(tmp_path: Path) -> None:
    from daxa_gui.core.documents import outcome_document, to_json

    one = running(tmp_path, Call("daxa_gui.x:y", {}, Place.THREAD))
    one.folder = RunFolder(tmp_path / "run")
    one.folder.make()
    worker = WorkerFolder(tmp_path / "run")
    (worker.work / "made").write_text("x")
    good = {"try": worker.name, "sizes": {"made": 1}, "outcome": outcome_document(Outcome(files=(MadeFile("made"),)))}
    seal = seal_of("secret", "run")
    assert outcome_of(to_json({**good, "seal": "forged"}), one, seal) is None
    assert outcome_of(to_json(good), one, seal) is None
    for made in (MadeFile("made", destination="/etc/x"), MadeFile("../x"), MadeFile("/etc/passwd"), MadeFile("")):
        with pytest.raises(ReductionError, match="elsewhere"):
            outcome_of(to_json({**good, "outcome": outcome_document(Outcome(files=(made,)))}), one)
    for text in ("", "[]", "{}", '{"try": "x"}', None, '{"try": 1, "outcome": []}', '{"try": "x", "failure": 3}'):
        with pytest.raises(ReductionError, match="cannot be read"):
            outcome_of(text, one)
    outcome = outcome_of(to_json({**good, "seal": seal}), one, seal)
    assert outcome is not None and (tmp_path / "work" / "made").read_text() == "x"


def test_that_a_worker_of_another_version_does_nothing(tmp_path: Path) -> None:
    document = {"versions": {"protocol": 1, "daxa_gui": "0", "python": "2.7"}, "title": "t", "folder": str(tmp_path)}
    answer = json.loads(do_task(json.dumps(document)))
    assert "another version" in answer["failure"]["info"]["message"] and answer["failure"]["pauses_lane"] is True
    assert list(tmp_path.iterdir()) == []


def test_that_a_worker_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    from daxa_gui.execution.dask_task import own_versions

    answer = json.loads(do_task(json.dumps({"versions": own_versions(), "title": "t", "folder": str(tmp_path / "none")})))
    assert "cannot use the folder" in answer["failure"]["info"]["message"] and answer["failure"]["pauses_lane"] is True


def test_that_a_run_is_not_taken_twice_and_lines_are_not_read_twice(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.make()
    worker = WorkerFolder(tmp_path / "run")
    worker.say(began={"worker": "w", "host": "h"})
    worker.say(log="one", severity="INFO")
    worker.flush()
    assert [message.get("log") for _, message in folder.news()] == [None, "one"]
    folder.remember()
    worker.say(log="two", severity="INFO")
    worker.flush()
    (tmp_path / "run" / worker.name / "said").open("a").write('{"half a')
    later = RunFolder(tmp_path / "run")
    later.recall()
    assert [message.get("log") for _, message in later.news()] == ["two"]
    assert worker.is_stopped() is False
    later.stop()
    assert worker.is_stopped() is True
    assert later.take(worker.name, {}, tmp_path / "place") is True
    assert later.take(worker.name, {}, tmp_path / "place", lag_s=0.1) is False
    assert later.take("../x", {}, tmp_path / "place") is False
    later.remove()
    assert worker.is_stopped() is True


def test_that_results_are_wanted_until_their_job_ended_or_its_needs_were_made_again(tmp_path: Path) -> None:
    store = ArchiveStore.create(OutputLayout(tmp_path).archive("a"))
    try:
        first, second = store.add([request("a", label="a"), request("b", needs=("a",))])
        is_wanted = wanted_by(store)
        from dataclasses import replace

        store.update(replace(first, state=JobState.SUCCEEDED, finished=1000.0))
        assert is_wanted(second.id, 2000.0) and not is_wanted(second.id, 500.0)
        assert not is_wanted(first.id, 2000.0) and not is_wanted(99, 2000.0)
    finally:
        store.close()


def test_that_tls_without_its_files_is_refused_before_anybody_is_asked() -> None:
    with pytest.raises(InputError, match="is not set"):
        dask_client.check_files("tls://head:1", dask_client.TlsFiles())
    dask_client.check_files("tcp://head:1", dask_client.TlsFiles())

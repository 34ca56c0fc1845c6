"""What an archive of a stranger may hold about reduction: tasks, exposures, orders, options. Every refusal is a sentence, and
nothing is read that has no end."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.standing import Standings
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive_options import RUN_OPTIONS
from daxa_gui.archive_order_book import ORDERS
from daxa_gui.archive_orders import Ordering
from daxa_gui.core.errors import ArchiveError, DaxaError, FileError, InputError
from daxa_gui.core.job import JobState
from daxa_gui.core.reduction_plan import RunOptions
from daxa_gui.core.settings import Settings
from daxa_gui.core.step import Call, JobRequest, Place
from daxa_gui.execution.failures import Failure
from daxa_gui.execution.runner import CancelToken, Runner
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.checking import checked
from daxa_gui.reduction.exposures_step import xmm_units
from daxa_gui.reduction.external import recipe_for
from daxa_gui.reduction.external_files import Workplace, unpack
from daxa_gui.reduction.recipe import RUN_STEP, Given, WorkUnit, stored_arguments
from daxa_gui.reduction.xmm_common import LARGEST_SUMMARY_BYTES, write_path
from tests.fakes.execution import request as asked_for

MISSION, OBS = "xmm_pointed", "0999900901"


@pytest.fixture
def store(tmp_path):
    one = ArchiveStore.create(OutputLayout(tmp_path / "out").archive("a"))
    yield one
    one.close()


def merging(**facts):
    unit = WorkUnit(MISSION, OBS, "M1", "ALL", f"/out/{MISSION}_raw/{OBS}", f"/out/a/{OBS}", facts, {"sas": "22.1.0"})
    return stored_arguments("merge_subexposures", unit, checked(STEPS["merge_subexposures"], {}))


@pytest.mark.parametrize("exposures", ["abc", ["abc"], [1], 5, [{}], {"a": 1}, [{"exposure": "../../etc/passwd"}], None])
def test_that_facts_that_make_no_sense_are_refused_in_a_sentence(exposures):
    with pytest.raises(DaxaError) as error:
        recipe_for("merge_subexposures", merging(exposures=exposures))
    assert OBS in error.value.message or "exposure" in error.value.message


def test_that_a_number_of_hundreds_of_digits_is_no_value():
    with pytest.raises(InputError, match="needs a number"):
        checked(STEPS["espfilt"], {"ratio": 10**400})
    with pytest.raises(InputError, match="is no interval"):
        checked(STEPS["flares"], {"added_s": [[0, 10**400]]})


class Context:
    def check_cancelled(self):
        pass


@pytest.mark.parametrize("what", ["pipe", "device"])
def test_that_a_given_file_without_an_end_is_not_laid_out(tmp_path, what):
    folder, work = tmp_path / OBS, tmp_path / "work"
    folder.mkdir()
    work.mkdir()
    path = folder / "events.fits"
    os.mkfifo(path) if what == "pipe" else path.symlink_to("/dev/zero")
    unit = WorkUnit(MISSION, OBS, "", "ALL", str(tmp_path / "raw"), str(folder))
    with Workplace(work, unit) as place, pytest.raises(FileError, match="no plain file"):
        place.lay_out([Given("events.fits", str(path), copy=True)], Context())
    assert not list(work.iterdir())


def test_that_a_packed_archive_is_not_unpacked(tmp_path):
    """Ours are not: a few kB of a stranger could become terabytes."""
    inside = io.BytesIO()
    with tarfile.open(fileobj=inside, mode="w") as tar:
        member = tarfile.TarInfo("zeros")
        member.size = 1_000_000
        tar.addfile(member, io.BytesIO(bytes(1_000_000)))
    packed = tmp_path / "a.tar"
    packed.write_bytes(gzip.compress(inside.getvalue()))
    with pytest.raises(FileError):
        unpack(packed, tmp_path / "work")
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("what", ["pipe", "device", "huge", "none"])
def test_that_a_summary_without_an_end_is_not_read(tmp_path, what):
    path = tmp_path / "SUM.SAS"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "device":
        path.symlink_to("/dev/zero")
    elif what == "huge":
        with path.open("wb") as file:
            file.truncate(LARGEST_SUMMARY_BYTES + 1)
        with pytest.raises(FileError):
            write_path(path, "/raw")
    with pytest.raises(FileError, match="summary of the raw data"):
        xmm_units(raw_folder=str(tmp_path), events=(), chosen=(), summary=str(path))


@pytest.mark.parametrize("arguments", [{"ctx": 1}, {"hello": 1}, [1], "abc", {"step": "espfilt", "ctx": None}])
def test_that_arguments_that_do_not_fit_are_no_fault_of_the_program(store, tmp_path, arguments):
    class Log:
        def write(self, text, severity="INFO"):
            pass

        def close(self):
            pass

    runner = Runner(store, None, service_url=str, work_folder=lambda job: str(tmp_path / "work"), open_log=lambda job: Log())
    [job] = store.add([replace(asked_for(), task=Call(RUN_STEP, arguments, Place.THREAD))])
    failure = runner.run(job, CancelToken(), lambda *news: None, lambda outcome: job)
    assert isinstance(failure, Failure) and failure.error_class, failure
    assert "Unexpected" not in failure.info.message and failure.info.message.endswith(".")


class Opened(Ordering):
    """The part of an open archive that knows what was ordered."""

    def __init__(self, store):
        self.store, self._settings = store, Settings


@pytest.mark.parametrize(
    "order",
    [
        5, "x", [1], {"steps": "espfilt", "parameters": {}}, {"steps": ["espfilt"]}, {"steps": [["a"], {}], "parameters": {}},
        {"steps": ["espfilt"], "parameters": [1]}, {"steps": ["espfilt"], "parameters": {"espfilt": 5}},
    ],
)  # fmt: skip
def test_that_a_stored_order_that_makes_no_sense_is_as_if_there_were_none(store, order):
    store.set_info(ORDERS, {MISSION: order, f"{MISSION}/{OBS}": {"steps": ["espfilt"], "parameters": {"espfilt": {"ratio": 2}}}})
    opened = Opened(store)
    assert opened.last_order(MISSION) == {"steps": [], "parameters": {}}
    assert opened.last_order(MISSION, OBS)["parameters"] == {"espfilt": {"ratio": 2}}
    store.set_info(ORDERS, [order])
    with pytest.raises(ArchiveError):
        opened.last_order(MISSION)


@pytest.mark.parametrize(
    "options",
    [
        {"cores": "many"}, {"cores": -3}, {"cores": 10**9}, {"cores": 2.5}, {"cores": True}, {"limit_min": "x"},
        {"limit_min": -1}, {"limit_min": [1]}, {"keep_intermediate": "x"}, {"something": 1},
    ],
)  # fmt: skip
def test_that_stored_options_that_make_no_sense_do_not_count(store, options):
    store.set_info(RUN_OPTIONS, {**options, "keep_intermediate": options.get("keep_intermediate", True)})
    opened = Opened(store)
    is_kept = None if "keep_intermediate" in options else True
    assert opened.run_options() == RunOptions(keep_intermediate=is_kept)
    assert opened.options_now().cores >= 1 and opened.options_now().limit_min >= 0.0
    if "something" not in options:
        with pytest.raises(InputError):
            opened.set_run_options(RunOptions(**options))


def stored_as(store, step, facts, arguments):
    task = Call(RUN_STEP, arguments, Place.THREAD)
    [job] = store.add([JobRequest("reduce", "local", MISSION, OBS, "", step, step, task)])
    store.update(replace(job, state=JobState.RUNNING, attempt=1, started=1.0))
    store.update(replace(job, state=JobState.SUCCEEDED, attempt=1, started=1.0, finished=2.0, facts=facts))


@pytest.mark.parametrize(
    "unit",
    [1, {}, {"usable": True}, {"instrument": "M1"}, {"instrument": 5, "exposure": "S001"}, {"instrument": ["M1"], "exposure": ""},
     {"instrument": "../M1", "exposure": "S001"}, {"instrument": "M1", "exposure": "S0\n1"}],
)  # fmt: skip
def test_that_exposures_that_make_no_sense_are_refused_in_a_sentence(store, unit):
    stored_as(store, "exposures", {"units": [unit]}, {})
    with pytest.raises(ArchiveError, match="makes no sense"):
        Opened(store)._units(MISSION, [OBS])


@pytest.mark.parametrize("versions", [["a"], "abc", 5, {"sas": ["a"]}])
def test_that_strange_versions_of_software_make_a_result_out_of_date(store, versions):
    arguments = {**merging(exposures=[]), "versions": versions}
    stored_as(store, "merge_subexposures", {}, arguments)
    task = Call(RUN_STEP, merging(exposures=[]), Place.THREAD)
    asked = JobRequest("reduce", "local", MISSION, OBS, "", "merge_subexposures", "", task)
    [standing] = Standings(store.layout, store.database).compare([asked])
    assert not standing.is_fresh and standing.replaces and standing.reason.startswith("software: sas")


def test_that_links_of_a_program_that_was_killed_are_gone_when_its_job_is_done_again(tmp_path, monkeypatch, request):
    """And that somebody else's folder of that name is neither used nor removed."""
    temporary = Path(tempfile.mkdtemp(prefix="short-", dir="/tmp"))
    request.addfinalizer(lambda: shutil.rmtree(temporary))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    work = tmp_path / "wo rk"
    work.mkdir()
    unit = WorkUnit(MISSION, OBS, "", "ALL", str(tmp_path / "raw"), str(tmp_path / OBS))
    Workplace(work, unit).__enter__()  # and never left
    [left] = temporary.iterdir()
    with Workplace(work, unit) as place:
        assert [path.name for path in temporary.iterdir()] == [left.name] and place.work.startswith(str(left))
        assert left.stat().st_mode & 0o777 == 0o700
    assert not list(temporary.iterdir())
    left.symlink_to(tmp_path)
    with Workplace(work, unit) as place:
        assert not place.work.startswith(f"{left}/")
    assert list(temporary.iterdir()) == [left] and left.is_symlink() and work.is_dir()

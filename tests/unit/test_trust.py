"""Tasks of an archive that somebody else made: what may run, what may not, and what waits for a person's word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from daxa_gui.archive.layout import ArchiveLayout, OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.trust import check_task, hold_command
from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Call, Command
from daxa_gui.open_archive import OpenArchive
from tests.fakes.execution import ImmediateExecutor, request

FETCH = "daxa_gui.remote.transfer:fetch"


@pytest.fixture
def layout(tmp_path: Path) -> ArchiveLayout:
    return OutputLayout(tmp_path / "out put").archive("theirs")


def test_that_the_programs_own_tasks_may_run(layout: ArchiveLayout) -> None:
    destination = str(layout.raw_folder("swift", "1") / "xrt" / "a.evt")
    readers = {"raw_file": "daxa_gui.missions.swift:raw_file", "members": r"\d+_..\.fits", "key": {"mission": "swift"}}
    check_task(Call(FETCH, {"service": "practice:heasarc", "path": "swift/a", "destination": destination, **readers}), layout)
    check_task(Call("daxa_gui.reduction.builtin:clean", {"path": str(layout.folder / "x.fits"), "added_s": [[1, 2]]}), layout)


@pytest.mark.parametrize(
    "target",
    ["os:system", "daxa_gui.execution.process:run_command", "daxa_gui.practice.make:make_sky", "daxa_gui.archive.store:shutil",
     "daxa_gui.remote.transfer:_flush", "daxa_gui.remote.transfer:Path", "daxa_gui.remote.transfer:os.remove"],
)  # fmt: skip
def test_that_functions_that_are_no_jobs_are_not_called(layout: ArchiveLayout, target: str) -> None:
    with pytest.raises(ArchiveError, match="not called"):
        check_task(Call(target, {}), layout)


@pytest.mark.parametrize("path", ["/etc/passwd", "~/thesis.tex", "swift/../../../x", "{out}/../x", "{out}/link/x", "/a\0b"])
def test_that_files_elsewhere_are_not_touched(layout: ArchiveLayout, path: str, tmp_path: Path) -> None:
    layout.output.mkdir()
    (layout.output / "link").symlink_to(tmp_path)
    with pytest.raises(ArchiveError, match="outside"):
        check_task(Call(FETCH, {"key": [{"destination": path.format(out=layout.output)}]}), layout)


def test_that_a_link_in_the_place_of_a_folder_is_named_and_not_the_author_blamed(layout: ArchiveLayout, tmp_path: Path) -> None:
    raw = layout.raw_folder("chandra", "4933")
    raw.parent.mkdir(parents=True)
    raw.symlink_to(tmp_path)
    with pytest.raises(ArchiveError, match="outside") as refused:
        check_task(Call("daxa_gui.reduction.external:run_step", {"raw_folder": str(raw)}), layout)
    assert f"{raw} is a link to {tmp_path}" in refused.value.hint and "trusted" not in refused.value.hint


def test_that_only_missions_read_file_names(layout: ArchiveLayout) -> None:
    with pytest.raises(ArchiveError, match="os:system"):
        check_task(Call(FETCH, {"raw_file": "os:system"}), layout)


def stored(layout: ArchiveLayout, task: Call | Command) -> None:
    """An archive whose author queued a task."""
    store = ArchiveStore.create(layout)
    store.add([replace(request("M1S001", "flares"), task=task)])
    store.close()


def opened(layout: ArchiveLayout) -> OpenArchive:
    executor = ImmediateExecutor()
    return OpenArchive(
        ArchiveStore.open(layout),
        bus=Bus(),
        start=executor.submit,
        workers=None,
        service_url=str,
        connections_per_host=1,
        cores=1,
    )


def test_that_a_program_of_somebody_elses_archive_does_not_start_at_opening(layout: ArchiveLayout, tmp_path: Path) -> None:
    stored(layout, Command(("touch", str(tmp_path / "evil")), outputs=()))
    archive = opened(layout)
    (job,) = archive.queue.jobs()
    assert job.state is JobState.FAILED and job.error is not None and f"touch {tmp_path / 'evil'}" in job.error.message
    assert not (tmp_path / "evil").exists()
    archive.queue.retry([job.id])  # a person's word
    assert archive.queue.wait_until_idle(120)
    assert (tmp_path / "evil").exists()
    archive.close()


def test_that_a_call_of_somebody_elses_archive_fails_with_a_sentence_also_when_tried_again(
    layout: ArchiveLayout, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    arguments = {"service": "heasarc", "path": "a.fits", "destination": str(tmp_path / "mine.txt")}
    stored(layout, Call(FETCH, arguments, "thread"))  # type: ignore[arg-type]
    archive = opened(layout)
    for _ in range(2):
        assert archive.queue.wait_until_idle(120)
        (job,) = archive.queue.jobs()
        assert job.state is JobState.FAILED and job.error is not None and "outside" in job.error.message
        archive.queue.retry([job.id])
    assert (tmp_path / "mine.txt").read_text() == "mine"
    archive.close()


def test_that_a_long_command_is_shown_in_part() -> None:
    error = hold_command(Command(("sh", "-c", "x" * 5000)))
    assert error is not None and len(error.message) < 500 and "sh -c xxx" in error.message

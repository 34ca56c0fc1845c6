import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from daxa_gui.archive.job_logs import JobLogFile, read_from
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import Cancelled, ReductionError
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Call, Command, Place
from daxa_gui.execution import commands
from daxa_gui.execution.executors import PoolExecutor, start_thread
from daxa_gui.execution.process import run_command
from daxa_gui.execution.queue import Queue
from daxa_gui.execution.runner import Runner, severity_of
from daxa_gui.execution.worker_pool import WorkerPool
from tests.fakes.execution import request
from tests.fakes.waiting import wait_for

TASKS = "tests.fakes.tasks:"
PLACES = [Place.THREAD, Place.PROCESS]


class Program:
    """Everything below the session, put together as the session does it."""

    def __init__(self, folder):
        layout = OutputLayout(folder / "out put").archive("a")
        self.layout = layout
        self.store = ArchiveStore.create(layout)
        self.workers = WorkerPool(2, allowed=("tests.",), grace_s=0.3)
        runner = Runner(
            self.store,
            self.workers,
            service_url=lambda name: f"http://127.0.0.1:1/{name}",
            work_folder=lambda job: str(layout.work_folder(job.id)),
            open_log=lambda job: JobLogFile(job.log_path),
            allowed=("tests.",),
            grace_s=0.3,
        )
        self.queue = Queue(self.store, Bus(), runner, PoolExecutor(start_thread), limits=lambda lane: 2)
        self.queue.start()

    def run(self, task):
        (job,) = self.queue.add([replace(request(), task=task)])
        assert self.queue.wait_until_idle(120)
        return self.store.get(job.id)

    def log(self, job):
        return read_from(job.log_path)[0]


@pytest.fixture
def program(tmp_path):
    program = Program(tmp_path)
    yield program
    program.queue.close()
    program.workers.close()
    program.store.close()


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("place", PLACES)
def test_that_a_job_makes_its_product_and_leaves_no_work_folder(program, place):
    job = program.run(Call(TASKS + "make_file", {"text": "x"}, place))
    (product,) = program.store.products()
    assert job.state is JobState.SUCCEEDED and job.facts == {"kept_fraction": 0.5}
    assert Path(product.path).read_text() == "x" and not program.layout.work_folder(job.id).exists()
    assert f"made {product.path}" in program.log(job) and program.log(job).endswith("done\n")


@pytest.mark.parametrize("place", PLACES)
def test_that_a_promised_file_that_is_missing_is_a_failure(program, place):
    job = program.run(Call(TASKS + "promise_file", {}, place))
    assert job.state is JobState.FAILED and "never_made.fits" in job.error.message


@pytest.mark.parametrize("place", PLACES)
def test_that_expected_errors_keep_their_sentence_and_unexpected_ones_their_traceback(program, place):
    job = program.run(Call(TASKS + "missing_file", {}, place))
    assert (job.state, job.error.message, job.error.hint) == (
        JobState.FAILED,
        "The file a.fits is not FITS.",
        "Choose another one.",
    )
    job = program.run(Call(TASKS + "divide", {}, place))
    assert "Unexpected error" in job.error.message and "ZeroDivisionError" in job.error.details
    assert "ERROR" in program.log(job) and "return 1 / 0" in program.log(job)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("target", ["os:getcwd", "tests.fakes.tasks:not_there", "tests.no_such_module:f", "nonsense"])
def test_that_a_task_that_cannot_be_found_or_is_not_ours_fails(program, place, target):
    assert program.run(Call(target, {}, place)).state is JobState.FAILED


@pytest.mark.parametrize("place", PLACES)
def test_that_wrong_arguments_and_wrong_answers_are_failures(program, place):
    assert "unexpected keyword" in program.run(Call(TASKS + "nothing", {"x": 1}, place)).error.message
    assert "not an Outcome" in program.run(Call(TASKS + "echo", {"value": 1}, place)).error.message


@pytest.mark.parametrize("place", PLACES)
def test_that_a_running_job_can_be_cancelled(program, tmp_path, place):
    mark = tmp_path / "began"
    (job,) = program.queue.add([replace(request(), task=Call(TASKS + "wait_for_cancel", {"mark": str(mark)}, place))])
    wait_for(mark.exists)
    program.queue.cancel([job.id])
    assert program.queue.wait_until_idle(120) and program.store.get(job.id).state is JobState.CANCELLED
    assert not program.layout.work_folder(job.id).exists() and "stopped before its end" in program.log(job)


@pytest.mark.parametrize("place", PLACES)
def test_that_closing_puts_running_work_back_into_the_queue(program, tmp_path, place):
    mark = tmp_path / "began"
    (job,) = program.queue.add([replace(request(), task=Call(TASKS + "wait_for_cancel", {"mark": str(mark)}, place))])
    wait_for(mark.exists)
    program.queue.close()
    assert program.store.get(job.id).state is JobState.QUEUED


def test_that_many_jobs_at_once_all_end_and_make_what_they_should(program):
    requests = []
    for index in range(60):
        place = PLACES[index % 2]
        obs_id = f"{index:010d}"
        requests.append(request(str(index), obs_id=obs_id, target=TASKS + "make_file", place=place, name=f"{index}.fits"))
    jobs = program.queue.add(requests)
    assert program.queue.wait_until_idle(120)
    assert {program.store.get(job.id).state for job in jobs} == {JobState.SUCCEEDED}


# ---- external programs


def sh(script, outputs=()):
    return Command(("sh", "-c", script), outputs=outputs)


def test_that_a_program_runs_in_its_work_folder_and_its_outputs_are_kept(program):
    job = program.run(Command(("sh", "-c", 'printf %s "$WORD" > made.txt; pwd'), {"WORD": "a b;c"}, ("made.txt",)))
    (product,) = program.store.products()
    assert job.state is JobState.SUCCEEDED and Path(product.path).read_text() == "a b;c"
    assert str(program.layout.work_folder(job.id)) in program.log(job)


def test_that_arguments_are_never_read_by_a_shell(program, tmp_path):
    job = program.run(Command(("printf", "%s\n", f"$(touch {tmp_path}/evil); `id` & 'x")))
    assert job.state is JobState.SUCCEEDED and not (tmp_path / "evil").exists()
    assert "$(touch" in program.log(job).splitlines()[-2]


def test_that_an_exit_code_is_a_failure_with_the_last_lines(program):
    job = program.run(sh("echo fine; echo '** evselect: error (noCounts), empty' >&2; exit 3"))
    assert job.state is JobState.FAILED and "exit code 3" in job.error.message and "noCounts" in job.error.details
    assert [line.split()[1] for line in program.log(job).splitlines() if "fine" in line or "noCounts" in line][-2:] == [
        "ERROR",
        "ERROR",
    ]


def test_that_exit_code_zero_without_the_output_is_a_failure(program):
    job = program.run(sh("exit 0", ("made.txt",)))
    assert job.state is JobState.FAILED and "made.txt" in job.error.message


def test_that_a_program_that_is_not_installed_is_named(program):
    job = program.run(Command(("no-such-program-here",)))
    assert job.state is JobState.FAILED and "« no-such-program-here » was not found" in job.error.message


def test_that_a_cancelled_program_and_its_children_end(program, tmp_path):
    mark = tmp_path / "child"
    stubborn = "trap '' TERM; while :; do sleep 0.05; done"
    script = f'sh -c "echo \\$\\$ > {mark}; {stubborn}" & {stubborn}'
    (job,) = program.queue.add([replace(request(), task=sh(script))])
    wait_for(lambda: mark.exists() and mark.read_text().strip())
    child = int(mark.read_text())
    program.queue.cancel([job.id])
    assert program.queue.wait_until_idle(120)
    assert program.store.get(job.id).state is JobState.CANCELLED
    wait_for(lambda: not alive(child))


def test_that_what_a_program_leaves_running_ends_with_it(tmp_path):
    lines = []
    run_command(["sh", "-c", "sleep 600 & echo $!"], cwd=tmp_path, on_line=lines.append)
    wait_for(lambda: not alive(int(lines[0])))


def test_that_output_of_every_kind_arrives_as_lines(tmp_path):
    lines = []
    code = run_command(["printf", "one\\r\\ntwo\\rthree\\n\\377\\n\\303\\274\\nlast"], cwd=tmp_path, on_line=lines.append)
    assert code == 0 and lines == ["one", "two", "three", "\ufffd", "ü", "last"]


def test_that_a_flood_without_line_ends_comes_in_pieces(tmp_path):
    sizes = []
    run_command(["head", "-c", "1000000", "/dev/zero"], cwd=tmp_path, on_line=lambda line: sizes.append(len(line)))
    assert sum(sizes) == 1_000_000 and max(sizes) <= 2 * 65_536


def test_that_a_program_gets_no_input_and_a_signal_is_told_apart(tmp_path):
    assert run_command(["cat"], cwd=tmp_path) == 0
    assert run_command(["sh", "-c", "kill -SEGV $$"], cwd=tmp_path) == 128 + signal.SIGSEGV


def test_that_a_log_that_cannot_be_written_ends_the_program(tmp_path):
    def broken(line):
        raise ReductionError("disk full")

    with pytest.raises(ReductionError):
        run_command(["sh", "-c", "echo $$ > pid; echo x; sleep 600"], cwd=tmp_path, on_line=broken)
    wait_for(lambda: not alive(int((tmp_path / "pid").read_text())))


def test_that_cancelling_before_the_end_raises(tmp_path):
    with pytest.raises(Cancelled):
        run_command(["sleep", "600"], cwd=tmp_path, cancelled=lambda: True)


def test_that_a_program_ends_when_we_are_killed(tmp_path):
    code = "import sys; from daxa_gui.execution.process import run_command; run_command(sys.argv[2:], cwd=sys.argv[1])"
    argv = ["sh", "-c", "echo $$ > pid; exec sleep 600"]
    program = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), *argv], env=commands.own_environment())
    mark = tmp_path / "pid"
    wait_for(lambda: mark.exists() and mark.read_text().strip())
    program.kill()
    program.wait()
    wait_for(lambda: not alive(int(mark.read_text())))


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("** evselect: warning (SummaryOfWarnings), x", "WARNING"),
        ("** espfilt: error (noCounts), x", "ERROR"),
        ("WARNING: odd", "WARNING"),
        ("0 errors, no warnings", "INFO"),
        ("ERROR 3", "ERROR"),
        ("Traceback (most recent call last):", "ERROR"),
    ],
)
def test_that_lines_are_judged_by_the_words_of_mission_software(line, severity):
    assert severity_of(line) == severity


def test_that_a_program_that_takes_longer_than_the_limit_fails_with_a_sentence(program):
    program.queue._runner._command_limit_s = lambda: 0.3
    job = program.run(Command(("sleep", "60")))
    assert job.state is JobState.FAILED and "took longer than" in job.error.message
    assert "Time limit of a command" in job.error.hint
    program.queue._runner._command_limit_s = lambda: 0.0
    assert program.run(Command(("true",))).state is JobState.SUCCEEDED


@pytest.mark.parametrize("blocked", [False, True])
def test_that_what_a_job_left_in_its_folder_is_kept_where_that_is_wanted(program, blocked):
    place = program.layout.kept_work_folder(1).parent
    if blocked:
        place.write_text("in the way")
    program.queue._runner._keep_work = lambda job: program.layout.kept_work_folder(job.id)
    job = program.run(Command(("sh", "-c", "echo a > left; echo b > made"), outputs=("made",)))
    kept = program.layout.kept_work_folder(job.id)
    assert job.state is JobState.SUCCEEDED and not program.layout.work_folder(job.id).exists()
    assert [path.name for path in kept.iterdir()] == ["left"] if not blocked else "could not be kept" in program.log(job)
    program.run(Command(("true",)))  # leaves nothing
    assert len(list(place.iterdir())) == 1 if not blocked else place.read_text() == "in the way"

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from daxa_gui.core.errors import Cancelled, DaxaError, FileError, TransferError
from daxa_gui.core.product import ProductKind
from daxa_gui.core.step import Outcome
from daxa_gui.execution import commands, worker_pool
from daxa_gui.execution.worker_pool import WorkerPool
from tests.fakes.waiting import wait_for

TASKS = "tests.fakes.tasks:"
ALLOWED = ("daxa_gui.", "tests.")


@pytest.fixture
def pool():
    pool = WorkerPool(1, allowed=ALLOWED, grace_s=0.3)
    yield pool
    pool.close()


def exists(process: int) -> bool:
    """Whether a process is there and not only waiting to be reaped by somebody else."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_that_plain_values_come_back_as_they_are(pool):
    value = {"a": [1, 2.5, None, True], "ünï\n": "\u2028 \udcff"}
    assert pool.call(TASKS + "echo", {"value": value}) == value


def test_that_an_outcome_comes_back_as_an_outcome(pool, tmp_path):
    outcome = pool.call(TASKS + "make_file", {"text": "hello"}, work_folder=str(tmp_path))
    assert isinstance(outcome, Outcome) and (tmp_path / "clean.fits").read_text() == "hello"
    (made,) = outcome.files
    assert made.key.kind is ProductKind.CLEAN_EVENTS and made.facts == {"n_events": 3} and outcome.facts == {"kept_fraction": 0.5}


def test_that_follow_ups_come_back_whole(pool):
    outcome = pool.call(TASKS + "plan", {"names": ["a", "b"]})
    assert [request.unit for request in outcome.follow_ups] == ["a", "b"] and outcome.follow_ups[0].lane == "host:here"


def test_that_a_worker_is_used_again_and_is_nicer_than_the_window(pool):
    first = pool.call(TASKS + "pid", {})
    assert first not in (os.getpid(), os.getppid()) and pool.call(TASKS + "pid", {}) == first
    assert pool.call(TASKS + "niceness", {}) == min(19, os.nice(0) + 5)


def test_that_no_more_workers_run_than_allowed():
    pool, pids = WorkerPool(2, allowed=ALLOWED), []
    threads = [threading.Thread(target=lambda: pids.append(pool.call(TASKS + "pid", {}))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.close()
    assert len(pids) == 8 and len(set(pids)) <= 2


def test_that_errors_come_back_as_the_same_class_with_their_hint(pool):
    with pytest.raises(FileError) as caught:
        pool.call(TASKS + "missing_file", {})
    assert (caught.value.message, caught.value.hint) == ("The file a.fits is not FITS.", "Choose another one.")
    assert "tasks.py" in caught.value.details and not caught.value.retryable
    with pytest.raises(TransferError) as caught:
        pool.call(TASKS + "broken_line", {})
    assert caught.value.retryable and caught.value.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("task", "words"), [("divide", "ZeroDivisionError"), ("unsendable", "TypeError"), ("leave", "SystemExit")]
)
def test_that_something_unexpected_is_an_error_with_its_traceback(pool, task, words):
    with pytest.raises(DaxaError, match="Unexpected error") as caught:
        pool.call(TASKS + task, {})
    assert words in caught.value.message and "Traceback" in caught.value.details
    assert pool.call(TASKS + "echo", {"value": 1}) == 1


def test_that_a_full_disk_is_known_wherever_it_is_met(pool):
    with pytest.raises(DaxaError, match=r"no space left to write /a/b\.fits") as caught:
        pool.call(TASKS + "disk_full", {})
    assert caught.value.pauses_lane and caught.value.retryable


def test_that_too_little_memory_is_a_sentence_and_the_worker_goes_on(pool):
    with pytest.raises(DaxaError, match="not enough memory"):
        pool.call(TASKS + "too_much", {})
    assert pool.call(TASKS + "echo", {"value": 1}) == 1


@pytest.mark.parametrize("target", ["os:getcwd", "daxa_gui_evil:x", "subprocess:run"])
def test_that_functions_that_are_not_ours_are_not_called(pool, target):
    with pytest.raises(DaxaError, match="not part of this program"):
        pool.call(target, {})


def test_that_what_a_task_prints_does_not_disturb_the_answer(pool):
    lines = []
    assert pool.call(TASKS + "noisy", {}, on_log=lines.append) == "read 0 characters"
    assert "from a shell" in "".join(lines)
    assert '{"value": "not the answer"}' in lines


def test_that_progress_and_log_lines_arrive_and_progress_is_not_a_flood(pool):
    progress, lines = [], []
    n = pool.call(TASKS + "counts", {"n": 100_000}, on_progress=lambda *news: progress.append(news))
    assert progress[0] == (0.0, 100_000.0, "chunk 0") and progress[-1] == (n, n, f"chunk {n}")
    assert len(progress) < 1000
    pool.call(TASKS + "logs", {"text": "WARNING: odd"}, on_log=lines.append)
    assert lines == ["WARNING: odd"]


def test_that_a_worker_can_ask_where_a_service_is(pool):
    assert pool.call(TASKS + "address", {"service": "x"}, service_url=lambda name: f"http://{name}") == "http://x"
    with pytest.raises(DaxaError, match="not known here"):
        pool.call(TASKS + "address", {"service": "x"})


def test_that_cancelled_work_stops_and_its_worker_goes_on(pool, tmp_path):
    before = pool.call(TASKS + "pid", {})
    mark = tmp_path / "began"
    with pytest.raises(Cancelled):
        pool.call(TASKS + "wait_for_cancel", {"mark": str(mark)}, cancelled=mark.exists)
    assert pool.call(TASKS + "pid", {}) == before


def test_that_work_that_does_not_notice_is_ended_with_its_process(pool, tmp_path):
    mark = tmp_path / "began"
    with pytest.raises(Cancelled):
        pool.call(TASKS + "never_looks_up", {"mark": str(mark)}, cancelled=lambda: mark.exists() and bool(mark.read_text()))
    wait_for(lambda: not exists(int(mark.read_text())))
    assert pool.call(TASKS + "pid", {}) != int(mark.read_text())


def test_that_waiting_for_a_worker_can_be_cancelled(pool, tmp_path):
    mark, stop = tmp_path / "began", threading.Event()

    def hold():
        with pytest.raises(Cancelled):
            pool.call(TASKS + "wait_for_cancel", {"mark": str(mark)}, cancelled=stop.is_set)

    holder = threading.Thread(target=hold)
    holder.start()
    wait_for(mark.exists)
    with pytest.raises(Cancelled):
        pool.call(TASKS + "pid", {}, cancelled=lambda: True)
    stop.set()
    holder.join()


def test_that_a_dying_worker_is_an_error_with_its_last_words_and_the_next_call_has_a_new_one(pool):
    before = pool.call(TASKS + "pid", {})
    with pytest.raises(DaxaError, match="signal 9") as caught:
        pool.call(TASKS + "die", {})
    assert "the last words" in caught.value.message and "the last words" in caught.value.details
    assert pool.call(TASKS + "pid", {}) not in (before, 0)


def test_that_a_worker_that_died_while_idle_is_replaced_unnoticed(pool):
    before = pool.call(TASKS + "pid", {})
    os.kill(before, signal.SIGKILL)
    assert pool.call(TASKS + "pid", {}) != before


def test_that_an_idle_worker_ends_by_itself():
    pool = WorkerPool(1, allowed=ALLOWED, idle_s=0.05)
    try:
        first = pool.call(TASKS + "pid", {})
        wait_for(lambda: not exists(first))
        assert pool.call(TASKS + "pid", {}) != first
    finally:
        pool.close()


def test_that_a_worker_that_cannot_start_is_an_error_that_says_why(monkeypatch):
    monkeypatch.setattr(
        "daxa_gui.execution.worker_pool.own_command", lambda *parts: [sys.executable, "-c", "raise SystemExit('no room')"]
    )
    pool = WorkerPool(1)
    try:
        with pytest.raises(DaxaError, match=r"exit code 1.*no room"):
            pool.call(TASKS + "pid", {})
    finally:
        pool.close()


def test_that_closing_ends_workers_and_running_calls(tmp_path):
    pool, ended, mark = WorkerPool(2, allowed=ALLOWED), [], tmp_path / "began"

    def work():
        with pytest.raises(Cancelled):
            pool.call(TASKS + "never_looks_up", {"mark": str(mark)})
        ended.append(True)

    thread = threading.Thread(target=work)
    idle = pool.call(TASKS + "pid", {})
    thread.start()
    wait_for(lambda: mark.exists() and mark.read_text())
    pool.close()
    thread.join()
    assert ended == [True] and not exists(idle) and not exists(int(mark.read_text()))
    with pytest.raises(Cancelled):
        pool.call(TASKS + "pid", {})
    pool.close()


PARENT = """
import threading, sys, time
from daxa_gui.execution.worker_pool import WorkerPool
pool = WorkerPool(2, allowed=("tests.",))
threading.Thread(target=lambda: pool.call("tests.fakes.tasks:never_looks_up", {"mark": sys.argv[1]}), daemon=True).start()
print(pool.call("tests.fakes.tasks:pid", {}), flush=True)
time.sleep(600)
"""


def test_that_workers_end_when_the_program_is_killed(tmp_path):
    mark = tmp_path / "began"
    program = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(mark)], stdout=subprocess.PIPE, text=True, env=commands.own_environment()
    )
    with program:
        idle = int(program.stdout.readline())
        wait_for(lambda: mark.exists() and mark.read_text())
        busy = int(mark.read_text())
        assert exists(idle) and exists(busy)
        program.send_signal(signal.SIGKILL)
        program.wait()
    wait_for(lambda: not exists(idle) and not exists(busy))


def test_that_workers_outlive_the_thread_that_first_needed_them(pool):
    pids = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: pids.append(pool.call(TASKS + "pid", {})))
        thread.start()
        thread.join()
        time.sleep(0.1)
    assert pids[0] == pids[1]


def test_that_a_bundled_program_starts_itself_as_worker(monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert commands.own_command("worker", "--x") == [sys.executable, "--daxa-worker", "--x"]


def test_that_lines_which_overtake_the_first_message_of_their_call_are_kept():
    """What is printed comes through another pipe than messages, and either may be read first."""
    worker = worker_pool._WorkerProcess.__new__(worker_pool._WorkerProcess)
    worker.used, worker._messages = True, queue.SimpleQueue()
    worker._send = lambda message: True
    for message in (
        {"log": "left over from before"}, {"printing": 7}, {"log": "printed early"}, {"printed": 7}, {"started": 7}, {"value": 1},
    ):  # fmt: skip
        worker._messages.put(message)
    lines = []
    call = worker_pool._Call(7, "m:f", {}, "", lambda *news: None, lines.append, lambda: False, lambda service: "")
    assert worker.call(call, 1.0) == {"value": 1}
    assert lines == ["printed early"]

"""What goes wrong while jobs wait for their turn: no job is lost, no turn is kept, and nobody waits for ever."""

import random
import threading
from dataclasses import replace

import pytest

from daxa_gui.archive.job_logs import JobLogFile
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.portable import resolved
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import Cancelled, DaxaError, TransferError
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Call, Outcome, Place
from daxa_gui.execution import machine
from daxa_gui.execution import turns as turns_module
from daxa_gui.execution.executors import PoolExecutor, start_thread
from daxa_gui.execution.queue import Queue
from daxa_gui.execution.runner import Runner
from daxa_gui.execution.turns import CancelToken, Turns
from daxa_gui.execution.worker_pool import WorkerPool
from daxa_gui.reduction.external import task_for
from tests.fakes import external_steps
from tests.fakes.execution import FakeClock, ScriptedRunner, request
from tests.fakes.queue_bench import Waiter, full
from tests.fakes.waiting import wait_for

S = JobState


@pytest.fixture(autouse=True)
def much_time(monkeypatch):
    monkeypatch.setattr(turns_module, "_PATIENCE_S", 600.0)
    monkeypatch.setattr(machine, "_QUICK_S", 600.0)


def waiting(queue):
    return len(queue._lane("local").turns._waiting)


# ---- turns


def test_that_turns_come_in_the_order_in_which_they_were_asked_for():
    turns, first, order = Turns(lambda: 1), CancelToken(), []
    first.use(turns)
    first.take_turn()

    def work(number):
        token = CancelToken()
        token.use(turns)
        token.take_turn()
        order.append(number)
        token.give_turn_back()

    threads = []
    for number in range(12):
        threads.append(threading.Thread(target=work, args=(number,)))
        threads[-1].start()
        wait_for(lambda: len(turns._waiting) == len(threads))
    first.give_turn_back()
    for thread in threads:
        thread.join(120)
    assert order == list(range(12)) and turns._taken == 0 and not turns._waiting


def test_that_one_that_waits_no_longer_does_not_keep_the_next_from_its_turn():
    turns, first, gone, next_one, had = Turns(lambda: 1), CancelToken(), CancelToken(), CancelToken(), []
    for token in (first, gone, next_one):
        token.use(turns)
    first.take_turn()

    def work(token):
        try:
            token.take_turn()
            had.append(token)
            token.give_turn_back()
        except Cancelled:
            assert token is gone

    threads = [threading.Thread(target=work, args=(token,)) for token in (gone, next_one)]
    threads[0].start()
    wait_for(lambda: len(turns._waiting) == 1)
    threads[1].start()
    wait_for(lambda: len(turns._waiting) == 2)
    gone.cancel()
    first.give_turn_back()
    for thread in threads:
        thread.join(120)
    assert had[-1] is next_one and not turns._waiting and turns._taken == 0


def test_that_one_that_began_ahead_has_no_turn_in_a_paused_lane_and_any_other_has():
    turns = Turns(lambda: 2, lambda: True)
    ahead, other = CancelToken(), CancelToken()
    ahead.use(turns, ahead=True)
    other.use(turns)
    with pytest.raises(Cancelled):
        ahead.take_turn()
    other.take_turn()
    assert ahead.turned_back and turns._taken == 1


def test_that_a_limit_that_cannot_be_asked_leaves_nobody_waiting():
    def broken():
        raise DaxaError("no settings")

    turns, token = Turns(broken), CancelToken()
    token.use(turns)
    with pytest.raises(DaxaError):
        token.take_turn()
    token.give_turn_back()
    assert turns._taken == 0 and not turns._waiting


# ---- a queue with threads


class Program:
    """A queue over a real store; each job works until `may_end` is set for its unit. `most` worked at once."""

    def __init__(self, folder, limit=1, script=None):
        self.limit = limit
        self.clock = FakeClock()
        self.store = ArchiveStore.create(OutputLayout(folder).archive("a"), self.clock.now)
        self.guard, self.worked, self.now, self.most, self.may_end = threading.Lock(), [], 0, 0, {}
        self.script = script
        self.queue = Queue(
            self.store, Bus(), ScriptedRunner(self.store, self._work), PoolExecutor(start_thread),
            limits=lambda lane: self.limit, clock=self.clock, jitter=lambda: 0.0,
        )  # fmt: skip
        self.queue.start()

    def _work(self, job, token):
        with self.guard:
            self.worked.append(job.unit)
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            while job.unit in self.may_end and not self.may_end[job.unit].wait(0.01):
                token.check()
            return self.script(job, token) if self.script else Outcome()
        finally:
            with self.guard:
                self.now -= 1

    def warm_up(self):
        """From now on jobs of the lane begin ahead."""
        self.queue.add([request("quick")])
        assert self.queue.wait_until_idle(120) and self.queue._lane("local").is_quick

    def add(self, unit, **more):
        self.may_end[unit] = threading.Event()
        (job,) = self.queue.add([request(unit, **more)])
        return job

    def close(self):
        for event in self.may_end.values():
            event.set()
        self.queue.close()
        self.store.close()


@pytest.fixture
def make(tmp_path):
    made = []

    def build(**more):
        made.append(Program(tmp_path / str(len(made)), **more))
        return made[-1]

    yield build
    for program in made:
        program.close()


def test_that_the_seconds_of_a_job_begin_when_its_turn_comes(make):
    program = make()
    program.warm_up()
    program.add("long")
    wait_for(lambda: "long" in program.worked)
    job = program.add("next")
    wait_for(lambda: waiting(program.queue) == 1)
    program.clock.time += 100.0
    program.may_end["long"].set()
    wait_for(lambda: "next" in program.worked)
    program.clock.time += 3.0
    program.may_end["next"].set()
    assert program.queue.wait_until_idle(120)
    ended = program.store.get(job.id)
    assert ended.finished - ended.started == 3.0


def test_that_a_lower_limit_holds_for_those_that_have_begun(make):
    program = make(limit=4)
    program.warm_up()
    for number in range(4):
        program.add(f"long {number}")
    wait_for(lambda: len(program.worked) == 5)
    for number in range(4):
        program.add(f"next {number}")
    wait_for(lambda: waiting(program.queue) == 4)
    program.limit = 1
    for number in range(3):
        program.may_end[f"long {number}"].set()
    wait_for(lambda: program.now == 1)
    assert len(program.worked) == 5
    program.most = 0
    for event in program.may_end.values():
        event.set()
    assert program.queue.wait_until_idle(120)
    assert program.most == 1 and {job.state for job in program.queue.jobs()} == {S.SUCCEEDED}
    assert program.queue._lane("local").turns._taken == 0


def test_that_one_that_was_paused_before_its_turn_has_not_been_tried(make):
    program = make()
    program.warm_up()
    program.add("long")
    wait_for(lambda: "long" in program.worked)
    job = program.add("next")
    wait_for(lambda: waiting(program.queue) == 1)
    program.queue.pause_jobs([job.id])
    wait_for(lambda: program.store.get(job.id).state is S.PAUSED)
    assert program.store.get(job.id).attempt == 0


def test_that_one_that_goes_back_waits_for_what_it_needs_when_that_is_done_again(make):
    program = make()
    program.warm_up()
    need = program.add("need")
    program.may_end["need"].set()
    assert program.queue.wait_until_idle(120)
    program.add("long")
    wait_for(lambda: "long" in program.worked)
    job = program.add("follows", needs=(need.id,))
    wait_for(lambda: waiting(program.queue) == 1)
    program.queue.retry([need.id])  # begins after « long » and « follows »
    program.queue.pause("local")
    wait_for(lambda: not waiting(program.queue))
    wait_for(lambda: program.store.get(job.id).state is S.WAITING)
    program.may_end["long"].set()
    program.may_end["follows"].set()
    assert program.queue.wait_until_idle(120)
    program.worked.clear()
    program.queue.resume("local")
    assert program.queue.wait_until_idle(120)
    assert program.worked == ["need", "follows"] and program.store.get(job.id).state is S.SUCCEEDED


@pytest.mark.parametrize("error", [DaxaError("no"), TransferError("perhaps"), ValueError("a fault"), SystemExit(1)])
def test_that_a_turn_is_given_back_however_work_ends(tmp_path, error):
    layout = OutputLayout(tmp_path).archive("a")
    store, workers = ArchiveStore.create(layout), WorkerPool(1, allowed=("tests.",))
    runner = Runner(
        store, workers, service_url=str, work_folder=lambda job: str(layout.work_folder(job.id)),
        open_log=lambda job: JobLogFile(job.log_path), allowed=("tests.",),
    )  # fmt: skip
    turns, token = Turns(lambda: 1), CancelToken()
    token.use(turns)
    (job,) = store.add([replace(request(), task=Call(f"{__name__}:raises", {}, Place.THREAD))])
    Errors.next = error
    runner.run(job, token, lambda *news: None, lambda outcome: job)
    assert turns._taken == 0 and token._had_turn
    workers.close()
    store.close()


class Errors:
    next: BaseException


def raises(ctx):
    raise Errors.next


@pytest.mark.parametrize("seed", range(3))
def test_that_no_more_work_at_once_than_the_limit_whatever_is_asked_of_the_queue(make, seed, monkeypatch):
    monkeypatch.setattr(turns_module, "_PATIENCE_S", 0.02)  # many go back
    monkeypatch.setattr(machine, "_QUICK_S", 600.0)
    chance = random.Random(seed)

    def script(job, token):
        token.check()
        if chance.random() < 0.1:
            raise DaxaError("No counts.")
        return Outcome()

    program = make(limit=3, script=script)
    program.warm_up()
    queue = program.queue

    def disturb(number):
        for index in range(12):
            queue.add([request(f"{number}-{index % 5}", step, n=chance.randrange(2)) for step in ("prepare", "clean")])
            ids = [job.id for job in queue.jobs()]
            some = chance.sample(ids, min(3, len(ids)))
            chance.choice([queue.cancel, queue.retry, queue.pause_jobs, queue.resume_jobs])(some)
            if chance.random() < 0.3:
                queue.pause("local", interrupt=chance.random() < 0.5)
                queue.resume("local")

    threads = [threading.Thread(target=disturb, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    queue.resume_jobs([job.id for job in queue.jobs()])
    assert queue.wait_until_idle(120)
    assert program.most <= 3 and all(job.is_finished for job in queue.jobs())
    assert queue._lane("local").turns._taken == 0 and not waiting(queue) and not queue._runs


COUNTING = """#!/bin/sh
cd "$(dirname "$0")"
: > "now/$$"
ls now | wc -l >> counted
sleep 0.01
rm "now/$$"
"""


def test_that_no_more_programs_run_at_once_than_the_limit(tmp_path):
    """With real programs, among jobs that run none; each program counts how many run. After twenty the limit falls."""
    (tmp_path / "now").mkdir()
    script = tmp_path / "count"
    script.write_text(COUNTING)
    script.chmod(0o755)
    layout = OutputLayout(tmp_path).archive("a")
    store, workers = ArchiveStore.create(layout), WorkerPool(1)
    runner = Runner(
        store, workers, service_url=str, work_folder=lambda job: str(layout.work_folder(job.id)),
        open_log=lambda job: JobLogFile(job.log_path), allowed=("tests.", "daxa_gui."),
        resolve_task=lambda job: resolved(layout, job.task),
    )  # fmt: skip
    counted = tmp_path / "counted"
    counted.touch()
    limit = lambda lane: 3 if len(counted.read_text().split()) < 20 else 1  # noqa: E731
    queue = Queue(store, Bus(), runner, PoolExecutor(start_thread), limits=limit)
    requests = []
    with external_steps.trial_step():
        external_steps.use(external_steps.simple((str(script),)))
        for number in range(60):
            obs_id = f"{number:010d}"
            task = task_for(external_steps.STEP, external_steps.unit(tmp_path, obs_id), {})
            requests.append(replace(request(obs_id=obs_id, mission="practice"), task=task))
            if number % 5 == 0:
                requests.append(request(str(number)))
        queue.add(requests)
        queue.start()
        assert queue.wait_until_idle(120)
    counts = [int(count) for count in counted.read_text().split()]
    assert {job.state for job in store.jobs()} == {S.SUCCEEDED} and queue._lane("local").turns._taken == 0
    assert len(counts) == 60 and max(counts) <= 3
    assert max(counts[-20:]) == 1  # six have begun at most when it falls, and three of them run
    queue.close()
    workers.close()
    store.close()


def test_that_no_job_is_lost_when_the_next_cannot_begin(make, monkeypatch):
    """The thread that ended a job takes the next one, and then the archive cannot be written when others shall begin."""

    def script(job, token):
        raise DaxaError("No counts.")  # so that nothing begins while it is stored

    program = make(limit=1, script=script)
    jobs = [program.add(unit) for unit in ("a", "b", "c", "d")]
    wait_for(lambda: program.worked == ["a"])
    program.limit = 2
    update_states, calls = program.store.update_states, []

    def once_more(jobs):
        calls.append(jobs)
        return full() if len(calls) == 2 else update_states(jobs)

    monkeypatch.setattr(program.store, "update_states", once_more)
    for event in program.may_end.values():
        event.set()
    assert Waiter(program.queue).has_been_woken()
    monkeypatch.setattr(program.store, "update_states", update_states)
    program.queue.resume("local")
    assert program.queue.wait_until_idle(120)
    assert [program.store.get(job.id).state for job in jobs] == [S.FAILED] * 4
    assert sorted(program.worked) == ["a", "b", "c", "d"]

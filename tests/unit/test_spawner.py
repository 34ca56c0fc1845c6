"""External programs: what they are given, and that nothing of them outlives its time."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from daxa_gui.core.errors import Cancelled, ReductionError
from daxa_gui.execution import commands, process
from daxa_gui.execution.process import run_program
from daxa_gui.execution.spawner import children_of
from daxa_gui.execution.spawning import Spawner, can_spawn, request_bytes, spawner
from tests.fakes.waiting import wait_for

pytestmark = pytest.mark.skipif(not can_spawn(), reason="programs are started through a spawner on Linux only")
HERE = {"PATH": os.environ["PATH"]}
SETSID = [sys.executable, "-I", "-S", "-c"]
# a child that leaves the group and the session of its parent, closes its output and writes its number into a file
ESCAPE = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        with open(sys.argv[1] + ".part", "w") as file:
            file.write(str(os.getpid()))
        os.rename(sys.argv[1] + ".part", sys.argv[1])
        time.sleep(600)
    os._exit(0)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
time.sleep(float(sys.argv[2]))
"""


def alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def run(*argv, folder="/", **more):
    """Exit code and lines."""
    lines = []
    code = run_program(argv, environment=more.pop("environment", HERE), folder=folder, on_lines=lines.extend, **more)
    return code, lines


HOSTILE = [
    "; rm -rf ~", "$(touch evil)", "`id`", "a\nb", "-rf", "--", "'\"", "ü λ 🚀", " ", "", "*", "\\", "%s%n", "a\tb",
    "\udcff\udc80",
    "x" * 100_000, "|", "&&", ">evil", "${HOME}", "!",
]  # fmt: skip


def test_that_hostile_arguments_arrive_byte_for_byte(tmp_path):
    code = "import os, sys; open(sys.argv[1], 'wb').write(b'\\0'.join(map(os.fsencode, sys.argv[2:])))"
    assert run(*SETSID, code, str(tmp_path / "got"), *HOSTILE, folder=tmp_path) == (0, [])
    assert (tmp_path / "got").read_bytes().split(b"\0") == [os.fsencode(text) for text in HOSTILE]
    assert [path.name for path in tmp_path.iterdir()] == ["got"]


def test_that_the_environment_is_exactly_what_was_asked_for(tmp_path):
    wanted = {"PATH": "/usr/bin:/bin", "A": "1 2;$(x)\n3", "ÜB": "é", "EMPTY": "", "EQUALS": "a=b=c"}
    code, lines = run("env", "-0", environment=wanted)
    found = dict(one.split("=", 1) for one in "\n".join(lines).split("\0") if one)
    assert code == 0 and found == wanted


def test_that_the_standard_input_is_empty_and_no_other_file_is_open():
    with Path("/dev/zero").open():
        code, lines = run("sh", "-c", "readlink /proc/self/fd/0; ls /proc/$$/fd; cat")
    assert code == 0 and lines[0] == "/dev/null" and set(lines[1:]) <= {"0", "1", "2"}


def test_that_a_program_starts_in_its_folder_with_usual_signals_and_its_own_session(tmp_path):
    folder = tmp_path / "blank and ü 'quote\""
    folder.mkdir()
    code, lines = run(
        "sh", "-c", "pwd; grep -E 'Sig(Blk|Ign)' /proc/self/status; cut -d' ' -f5,6 /proc/$$/stat; echo $$", folder=folder
    )
    assert code == 0 and lines[0] == str(folder)
    assert int(lines[1].split()[1], 16) == 0  # nothing is blocked
    assert not int(lines[2].split()[1], 16) & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGTERM - 1))
    assert lines[3].split() == [lines[4], lines[4]]  # leader of its group and of its session


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ((), "not found"), (("",), "not found"), (("no-such-program",), "not found"), (("/no/such",), "not found"),
        (("./not_there",), "not found"), (("a\0b",), "not found"), (("/",), "not found"),
        (("./forbidden",), "cannot be started: Permission denied"), (("./nonsense",), "cannot be started: Exec format"),
    ],
)  # fmt: skip
def test_that_what_cannot_be_started_is_said_in_a_sentence(tmp_path, argv, words):
    (tmp_path / "forbidden").write_text("#!/bin/sh\n")
    (tmp_path / "nonsense").write_bytes(b"\x01\x02\x03")
    (tmp_path / "nonsense").chmod(0o755)
    with pytest.raises(ReductionError, match=words):
        run(*argv, folder=tmp_path)
    assert run("true", folder=tmp_path) == (0, [])


def test_that_a_missing_folder_and_a_zero_byte_are_said_in_a_sentence(tmp_path):
    with pytest.raises(ReductionError, match=r"cannot start in .*nowhere"):
        run("true", folder=tmp_path / "nowhere")
    with pytest.raises(ReductionError, match="cannot be handed over"):
        run("echo", "a\0b", folder=tmp_path)
    with pytest.raises(ReductionError, match="cannot be handed over"):
        run("true", folder=tmp_path, environment={**HERE, "A=B": "x"})
    with pytest.raises(ReductionError, match="Argument list too long"):
        run("true", "x" * 3_000_000, folder=tmp_path)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM])
def test_that_exit_codes_and_signals_are_told(number):
    assert run("sh", "-c", f"kill -{int(number)} $$")[0] == 128 + number
    assert [run("sh", "-c", f"exit {code}")[0] for code in (0, 1, 77, 255)] == [0, 1, 77, 255]


def test_that_all_of_a_stubborn_program_is_killed_after_its_time_of_grace(tmp_path):
    mark, began = tmp_path / "pid", time.monotonic()
    stubborn = f"trap 'echo asked' TERM; echo $$ > {mark}; while :; do sleep 0.05; done"
    lines = []
    with pytest.raises(Cancelled):
        run_program(
            ["sh", "-c", stubborn], environment=HERE, folder=tmp_path, on_lines=lines.extend, grace_s=0.4,
            cancelled=lambda: mark.exists() and bool(mark.read_text()),
        )  # fmt: skip
    assert "asked" in lines and time.monotonic() - began >= 0.4
    assert not alive(int(mark.read_text()))


def test_that_a_program_may_clean_up_when_it_is_asked_to_end(tmp_path):
    mark = tmp_path / "pid"
    polite = f"trap 'echo bye; exit 0' TERM; echo $$ > {mark}; while :; do sleep 0.05; done"
    lines = []
    with pytest.raises(Cancelled):
        run_program(
            ["sh", "-c", polite], environment=HERE, folder=tmp_path, on_lines=lines.extend, grace_s=20,
            cancelled=lambda: mark.exists() and bool(mark.read_text()),
        )  # fmt: skip
    assert lines[-1] == "bye"


@pytest.mark.parametrize("stays_s", [0, 600])
def test_that_children_that_left_the_session_end_with_their_program(tmp_path, stays_s):
    mark = tmp_path / "pid"
    argv = (*SETSID, ESCAPE, str(mark), str(stays_s))
    if stays_s:
        with pytest.raises(Cancelled):
            run(*argv, cancelled=mark.exists, grace_s=0.2)
    else:
        assert run(*argv)[0] == 0
    assert not alive(int(mark.read_text()))


def test_that_a_time_limit_ends_a_program_and_says_so(tmp_path):
    with pytest.raises(ReductionError, match="took longer than") as caught:
        run("sh", "-c", f"echo $$ > {tmp_path}/pid; sleep 600", limit_s=0.3, grace_s=0.2)
    assert not caught.value.retryable and not alive(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_that_everything_ends_when_our_program_is_killed(tmp_path, how):
    code = (
        "import sys; from daxa_gui.execution.process import run_program\n"
        "run_program(sys.argv[2:], environment={'PATH': '/usr/bin:/bin'}, folder=sys.argv[1])"
    )
    mark = tmp_path / "pid"
    argv = [sys.executable, "-c", code, str(tmp_path), *SETSID, ESCAPE, str(mark), "600"]
    program = subprocess.Popen(argv, env=commands.own_environment())
    wait_for(mark.exists)
    below = children_of(program.pid)
    program.send_signal(how)
    program.wait()
    wait_for(lambda: not alive(int(mark.read_text())) and not any(map(alive, below)))


def test_that_a_million_lines_come_quickly_and_in_small_pieces():
    pieces, total = [], 0

    def take(lines):
        nonlocal total
        total += len(lines)
        pieces.append(sum(map(len, lines)))

    code = run_program(["seq", "1000000"], environment=HERE, folder="/", on_lines=take)
    assert code == 0 and total == 1_000_000 and max(pieces) <= 2 * process.MAX_LINE_CHARACTERS


def test_that_output_comes_while_the_program_runs(tmp_path):
    """The program waits for a file that is made when its first line has come."""
    go = tmp_path / "go"
    script = f"echo first; while [ ! -e {go} ]; do sleep 0.02; done; printf 'second\\r\\nthird\\rfourth'"
    lines = []

    def take(new):
        lines.extend(new)
        go.touch()

    assert run_program(["sh", "-c", script], environment=HERE, folder="/", on_lines=take) == 0
    assert lines == ["first", "second", "third", "fourth"]


def test_that_binary_output_is_read_to_its_end():
    code, lines = run("head", "-c", "300000", "/dev/urandom")
    assert code == 0 and 60_000 < sum(map(len, lines)) <= 300_000


def test_that_a_line_feed_that_comes_late_does_not_make_an_empty_line():
    assert run("sh", "-c", "printf 'a\\r'; sleep 0.2; printf '\\nb\\r'; sleep 0.2; printf 'c\\r'")[1] == ["a", "b", "c"]


def test_that_a_program_that_closes_its_output_early_is_waited_for():
    began = time.process_time()
    assert run("sh", "-c", "echo a; exec >&- 2>&-; sleep 0.5; exit 3") == (3, ["a"])
    assert time.process_time() - began < 0.4  # not by asking again and again


def test_that_a_reader_that_fails_ends_the_program(tmp_path):
    def broken(lines):
        raise ReductionError("disk full")

    with pytest.raises(ReductionError, match="disk full"):
        run_program(["sh", "-c", f"echo $$ > {tmp_path}/pid; echo x; sleep 600"], environment=HERE, folder="/", on_lines=broken)
    wait_for(lambda: not alive(int((tmp_path / "pid").read_text())))


def test_that_two_hundred_programs_run_at_once(tmp_path):
    """Each waits until all have begun."""
    script = f"echo $1 > {tmp_path}/$1; while [ ! -e {tmp_path}/go ]; do sleep 0.2; done; echo $1; exit $(($1 % 7))"

    def one(number):
        return run("sh", "-c", script, "sh", str(number))

    with ThreadPoolExecutor(200) as threads:
        results = [threads.submit(one, number) for number in range(200)]
        wait_for(lambda: len(list(tmp_path.iterdir())) == 200)
        (tmp_path / "go").touch()
        assert [result.result() for result in results] == [(number % 7, [str(number)]) for number in range(200)]


def test_that_a_program_whose_keeper_was_killed_is_lost_and_may_be_tried_again(tmp_path):
    mark = tmp_path / "pid"
    with ThreadPoolExecutor(1) as thread:
        result = thread.submit(run, "sh", "-c", f"echo $$ > {mark}.part; mv {mark}.part {mark}; sleep 600")
        wait_for(mark.exists)
        child = int(mark.read_text())
        keeper = int(Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(keeper, signal.SIGKILL)
        with pytest.raises(ReductionError, match="was lost") as caught:
            result.result(20)
    assert caught.value.retryable
    wait_for(lambda: not alive(child))  # the spawner sees to it
    assert run("echo", "b") == (0, ["b"])


def test_that_a_spawner_that_died_is_replaced():
    run("true")
    first = spawner().process_id()
    os.kill(first, signal.SIGKILL)
    with ThreadPoolExecutor(40) as threads:  # more than there are idle keepers
        assert set(threads.map(lambda number: run("sleep", "0.2")[0], range(40))) == {0}
    assert spawner().process_id() not in (None, first)


def test_that_a_spawner_that_is_closed_leaves_no_process():
    ours = Spawner()
    program = ours.start(request_bytes("/bin/sleep", ["sleep", "600"], HERE, "/"))
    program.take_news()
    process_id = ours.process_id()
    keepers = children_of(process_id)
    assert program.started and len(keepers) == 1
    program.close()
    ours.close()
    wait_for(lambda: not alive(process_id) and not any(map(alive, keepers)))


def test_that_programs_have_a_guard_where_no_spawner_can_be_used(monkeypatch, tmp_path):
    monkeypatch.setattr(process, "can_spawn", lambda: False)
    assert run("sh", "-c", "echo $A; exit 3", environment={**HERE, "A": "b c"}) == (3, ["b c"])
    assert run("env", environment=HERE)[1] == [f"PATH={HERE['PATH']}"]
    with pytest.raises(ReductionError, match="took longer"):
        run("sh", "-c", f"echo $$ > {tmp_path}/pid; sleep 600", limit_s=0.3)
    assert not alive(int((tmp_path / "pid").read_text()))


def test_that_a_bundled_program_starts_its_parts_by_itself(monkeypatch):
    assert commands.run_own_part([]) is None and commands.run_own_part(["--daxa-os"]) is None
    assert commands.run_own_part(["find", "--daxa-guard"]) is None
    entry = "import sys; from daxa_gui.execution.commands import run_own_part; sys.exit(run_own_part(sys.argv[1:]))"
    guard = subprocess.Popen(
        [sys.executable, "-c", entry, "--daxa-guard", "", "/bin/echo", "echo", "hello"], env=commands.own_environment(),
        stdout=subprocess.PIPE, stdin=subprocess.PIPE, start_new_session=True, text=True,
    )  # fmt: skip
    with guard:
        assert guard.stdout.read() == "hello\n" and guard.wait() == 0

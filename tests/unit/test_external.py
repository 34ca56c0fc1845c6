"""Steps of the missions' software with small scripts as programs: what is handed to them, how they are judged, what is left."""

import io
import tarfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from daxa_gui.core.errors import Cancelled, FileError, InputError, ReductionError
from daxa_gui.core.product import ProductKind
from daxa_gui.core.step import Call, Outcome, Place
from daxa_gui.execution.lanes import Turns
from daxa_gui.execution.runner import CancelToken, ThreadContext
from daxa_gui.reduction import external
from daxa_gui.reduction.external import recipe_for, run_step, task_for, unit_and_parameters
from daxa_gui.reduction.external_files import is_simple, unpack
from daxa_gui.reduction.external_runs import filled, fraction_in
from daxa_gui.reduction.recipe import Given, Made, ProgramRun, Recipe
from tests.fakes import external_steps
from tests.fakes.external_steps import ENVIRONMENT, STEP, simple, use

K = ProductKind


class Log:
    def __init__(self):
        self.lines = []

    def write(self, text, severity="INFO"):
        self.lines += [(severity, line) for line in text.split("\n")]

    def close(self):
        pass


class Bench:
    """One observation, and what is said while a step is done for it."""

    def __init__(self, root):
        self.unit = external_steps.unit(root)
        self.raw, self.folder = Path(self.unit.raw_folder), Path(self.unit.folder)
        self.work = root / "archives" / "a" / "work" / "job-1"
        self.work.mkdir(parents=True)
        self.log, self.progress, self.token = Log(), [], CancelToken()

    def context(self, **more):
        tell = lambda *news: self.progress.append(news)  # noqa: E731
        return ThreadContext(str(self.work), self.token, self.log, tell, str, setting=lambda name: "", grace_s=0.3, **more)

    def run(self, recipe=None, parameters=None, **more):
        if recipe is not None:
            use(recipe)
        task = task_for(STEP, self.unit, parameters or {})
        return run_step(self.context(**more), **task.arguments)

    @property
    def text(self):
        return "\n".join(line for _, line in self.log.lines)


@pytest.fixture
def bench(tmp_path):
    with external_steps.trial_step():
        yield Bench(tmp_path)


def script(text, *patterns, check="", **more):
    return simple(("sh", "-c", text), *patterns, check=check, **more)


# ---- tasks


def test_that_a_task_holds_the_data_and_parameters_and_never_a_program(bench):
    use(script("exit 0"))
    task = task_for(STEP, replace(bench.unit, facts={"ccds": [1, 2]}), {"text": "; rm -rf ~"})
    assert task == Call(
        "daxa_gui.reduction.external:run_step",
        {
            "step": "trial", "mission": "practice", "obs_id": "0000000001", "instrument": "", "exposure": "ALL",
            "raw_folder": str(bench.raw), "folder": str(bench.folder), "facts": {"ccds": [1, 2]}, "versions": {},
            "parameters": {"text": "; rm -rf ~", "number": 1.0},
        },
        Place.THREAD,
    )  # fmt: skip
    assert recipe_for("trial", task.arguments).runs[0].argv == ("sh", "-c", "exit 0")
    with pytest.raises(InputError, match="at most 10"):
        task_for(STEP, bench.unit, {"number": 11})


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"step": "image"}, "no step of the missions' software"), ({"step": "no"}, "no step"), ({"step": ["a"]}, "no step"),
        ({"mission": "../x"}, "cannot be used"), ({"obs_id": "a/b"}, "cannot be used"), ({"obs_id": ""}, "cannot be used"),
        ({"exposure": "S001; rm"}, "cannot be used"), ({"instrument": "-rf"}, "cannot be used"), ({"mission": 3}, "no texts"),
        ({"raw_folder": "relative"}, "is not run"), ({"raw_folder": "/a/../etc"}, "is not run"),
        ({"folder": "/etc"}, "not that of"),
        ({"raw_folder": "/a\nb"}, "line breaks"), ({"facts": [1]}, "a form"), ({"parameters": "x"}, "a form"),
        ({"parameters": {"number": 1e9}}, "at most"), ({"parameters": {"number": "1"}}, "needs a number"),
        ({"parameters": {"argv": "rm"}}, "no parameter"), ({"parameters": {"text": "a\nb"}}, "line breaks"),
    ],
)  # fmt: skip
def test_that_what_a_stranger_stored_is_refused(bench, changed, error):
    use(script("touch ran"))
    arguments = {**task_for(STEP, bench.unit, {}).arguments, **changed}
    with pytest.raises((InputError, ReductionError), match=error):
        run_step(bench.context(), **arguments)
    assert not list(bench.work.iterdir())


def test_that_steps_of_another_mission_or_instrument_are_refused(bench, monkeypatch):
    arguments = task_for(STEP, bench.unit, {}).arguments
    monkeypatch.setitem(external.STEPS._objects, "trial", replace(STEP, missions=("chandra",)))
    with pytest.raises(ReductionError, match="not for practice"):
        unit_and_parameters("trial", arguments)
    monkeypatch.setitem(external.STEPS._objects, "trial", replace(STEP, instruments=("PN",)))
    with pytest.raises(ReductionError, match="not for M1"):
        unit_and_parameters("trial", {**arguments, "instrument": "M1"})


# ---- what programs are given


def test_that_parameters_reach_the_program_byte_for_byte(bench):
    for text in ("; rm -rf ~", "$(touch evil)", "-rf", "'\"\\", "ü λ", "a  b", "*"):
        use(lambda unit, parameters: Recipe("heasoft", (ProgramRun(("printf", "%s|", parameters["text"], "x")),), ()))
        bench.run(parameters={"text": text})
        assert ("INFO", f"{text}|x|") in bench.log.lines
    assert not list(bench.work.iterdir())


def test_that_the_environment_is_that_of_the_software_with_places_of_this_job(bench):
    recipe = script("env", private_pfiles=True)
    with_variables = lambda *a: replace(  # noqa: E731
        recipe(*a), runs=(ProgramRun(("env",), {"SAS_CCF": "{work}/ccf.cif", "SAS_ODF": str(bench.raw)}),)
    )
    bench.run(with_variables)
    shown = [line for _, line in bench.log.lines]
    found = dict(line.split("=", 1) for line in shown[shown.index("$ env") + 1 :] if "=" in line and line[0].isupper())
    work = str(bench.work)
    assert found == {
        "PATH": ENVIRONMENT["PATH"], "LC_ALL": ENVIRONMENT["LC_ALL"], "PWD": work, "TMPDIR": f"{work}/tmp",
        "PFILES": f"{work}/pfiles;/opt/headas/syspfiles", "HEADASNOQUERY": "", "HEADASPROMPT": "/dev/null",
        "SAS_CCF": f"{work}/ccf.cif", "SAS_ODF": str(bench.raw),
    }  # fmt: skip
    assert not list(bench.work.iterdir())  # neither parameter files nor temporary ones stay


@pytest.mark.parametrize("name", ["with blank", "quote'\"", "ünï", "semi;colon", "comma,bracket(x)", "$(touch evil)", "x" * 150])
def test_that_folders_with_odd_names_work_and_programs_see_simple_ones(tmp_path, name):
    with external_steps.trial_step():
        bench = Bench(tmp_path / name)
        (bench.raw / "in.txt").write_text("raw")
        text = 'case "$1$PWD$TMPDIR$PFILES$0" in *[!A-Za-z0-9/.\\;_-]*) exit 9;; esac; '
        text += 'cat given.txt "$1/in.txt" > "$0/made.txt"; pwd'

        def recipe(unit, parameters):
            run = ProgramRun(("sh", "-c", text, "{work}", unit.raw_folder))
            given = Given("given.txt", f"{unit.facts['list']}")
            return Recipe("heasoft", (run,), (Made("made.txt", unit.key(K.OTHER), "text"),), (given,))

        bench.unit = replace(bench.unit, facts={"list": str(bench.raw / "in.txt")})
        outcome = bench.run(recipe)
        assert [file.name for file in outcome.files] == ["made.txt"] and (bench.work / "made.txt").read_text() == "rawraw"
        told = next(line for _, line in bench.log.lines if line.startswith("/"))
        assert not Path(told).exists() and not Path(told).is_symlink()  # the links are gone


def test_that_the_work_folder_is_named_where_a_recipe_may_name_it():
    assert filled("{work}/a", "/w") == "/w/a" and filled("odf={work}/b", "/w") == "odf=/w/b" and filled("{work}", "/w") == "/w"
    assert filled("x{work}", "/w") == "x{work}" and filled("a=b={work}", "/w") == "a=b={work}"
    assert is_simple("/a/b-c_d.e") and not is_simple("/a b") and not is_simple("/a;b") and not is_simple("/" + "x" * 200)


def test_that_given_files_are_linked_copied_or_unpacked(bench):
    (bench.raw / "a.fits").write_text("a")
    (bench.raw / "a.fits").chmod(0o444)
    (bench.raw / "folder").mkdir()
    (bench.raw / "folder" / "b").write_text("b")
    with tarfile.open(bench.folder / "c.tar", "w") as tar:
        tar.add(bench.raw / "folder", "sub")
    given = (
        Given("link.fits", str(bench.raw / "a.fits")), Given("deep/copy.fits", str(bench.raw / "a.fits"), copy=True),
        Given("tree", str(bench.raw / "folder"), copy=True), Given("c", str(bench.folder / "c.tar"), unpack=True),
        Given("not.fits", str(bench.raw / "not.fits"), optional=True),
    )  # fmt: skip
    text = "echo x >> deep/copy.fits; echo y > tree/b; ls -d link.fits sub/b tree/b not.fits; test -L link.fits"
    with pytest.raises(ReductionError, match="exit code"):
        bench.run(script(text + "; exit 3", given=given))
    assert {"link.fits", "sub/b", "tree/b"} <= {line for _, line in bench.log.lines}
    assert (bench.raw / "a.fits").read_text() == "a" and (bench.raw / "folder" / "b").read_text() == "b"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (Given("a", "{raw}/missing"), "is not there"), (Given("a", "/etc/passwd"), "does not belong"),
        (Given("a", "{raw}/../../x"), "does not belong"), (Given("a", "{raw}x"), "does not belong"),
        (Given("../a", "{raw}/in"), "cannot be a file"), (Given("/a", "{raw}/in"), "cannot be a file"),
        (Given("-a", "{raw}/in"), "cannot be a file"), (Given("a", "{raw}/in", unpack=True), "no whole tar"),
    ],
)  # fmt: skip
def test_that_given_files_that_are_missing_or_lie_elsewhere_end_the_step(bench, given, error):
    (bench.raw / "in").write_text("x" * 2000)
    given = replace(given, path=given.path.replace("{raw}", str(bench.raw)))
    with pytest.raises((FileError, ReductionError), match=error):
        bench.run(script("echo ran", given=(given,)))
    assert ("INFO", "ran") not in bench.log.lines


@pytest.mark.parametrize("name", ["../up", "/abs", "link", "device"])
def test_that_archives_with_members_that_lead_elsewhere_are_refused(tmp_path, name):
    folder = tmp_path / "in"
    folder.mkdir()
    member = tarfile.TarInfo(name)
    member.type = {"link": tarfile.SYMTYPE, "device": tarfile.CHRTYPE}.get(name, tarfile.REGTYPE)
    member.linkname = "/etc/passwd"
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(member, io.BytesIO(b""))
    with pytest.raises(FileError, match="no plain file below its folder"):
        unpack(tmp_path / "a.tar", folder)
    assert not list(folder.iterdir()) and not (tmp_path / "up").exists()


def test_that_an_argument_that_no_program_can_take_is_refused_before_anything_starts(bench):
    use(lambda unit, parameters: Recipe("heasoft", (ProgramRun(("echo", "a\nb")),), ()))
    with pytest.raises(ReductionError, match="line breaks"):
        bench.run()


def test_that_software_that_is_missing_is_said_before_anything_starts(bench):
    def missing(name, setting, **more):
        raise ReductionError("HEASoft is not here.", "Install it.")

    # undone before the fixture puts the real one back, whatever the order of fixtures
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ReductionError, match="not here"):
        patch.setattr(external, "installation", missing)
        bench.run(script("exit 0"))


# ---- how it goes


def test_that_runs_are_done_in_order_and_the_first_that_fails_ends_it(bench):
    runs = tuple(
        ProgramRun(("sh", "-c", text), title=title) for title, text in (("One", "echo 1"), ("Two", "exit 4"), ("Three", "echo 3"))
    )
    with pytest.raises(ReductionError, match="« sh » ended with exit code 4") as caught:
        bench.run(lambda unit, parameters: Recipe("heasoft", runs, ()))
    assert "One (1 of 3)" in bench.text and "Two (2 of 3)" in bench.text and "Three" not in bench.text
    assert not caught.value.retryable


def test_that_progress_counts_runs_and_what_programs_tell(bench):
    runs = tuple(ProgramRun(("sh", "-c", "echo processing CCD 7 of 12; sleep 0.15; echo 50 %"), title="T") for _ in range(2))
    bench.run(lambda unit, parameters: Recipe("heasoft", runs, ()))
    done = [news[0] for news in bench.progress]
    assert done == sorted(done) and 1 <= done[-1] < 2 and {news[1] for news in bench.progress} == {2}
    assert any(0 < value < 1 for value in done)


@pytest.mark.parametrize(
    ("line", "fraction"),
    [
        ("processing CCD 3 of 12", 2 / 12), ("Frame 5/10", 0.4), ("done: 25%", 0.25), ("12.5 % of rows", 0.125), ("110 %", None),
        ("rate 3/12", None), ("CCD 13 of 12", None), ("2026-11-21", None), ("", None),
    ],
)  # fmt: skip
def test_that_progress_is_read_from_lines(line, fraction):
    assert fraction_in(line) == (fraction if fraction is None else pytest.approx(fraction))


def test_that_facts_name_the_software_and_tell_how_long_each_program_took(bench):
    facts = bench.run(script("sleep 0.05")).facts
    assert (facts["software"], facts["version"], facts["calibration"]) == ("heasoft", "6.34", {"caldb": "20250101"})
    (program,) = facts["programs"]
    assert program["program"] == "sh" and program["exit_code"] == 0 and 0.05 <= program["seconds"] == facts["program_s"] < 20


def test_that_a_step_takes_its_turn_for_its_programs_and_gives_it_back_after_the_last(bench):
    turns, events = Turns(lambda: 1), []
    take, give_back = turns.take, turns.give_back
    turns.take = lambda *args, **more: events.append("turn") or take(*args, **more)
    turns.give_back = lambda: (events.append("given back"), give_back())
    bench.token.use(turns)
    bench.log.write = lambda text, severity="INFO": events.append(text)
    use(lambda unit, parameters: Recipe("heasoft", (ProgramRun(("echo", "one")), ProgramRun(("echo", "two"))), ()))
    bench.run()
    bench.token.take_turn()  # what comes afterwards has to wait for it
    assert [event for event in events if event in ("turn", "one", "two", "given back")] == [
        "turn", "one", "two", "given back", "turn",
    ]  # fmt: skip


def test_that_a_cancelled_step_ends_its_program(bench):
    thread = threading.Timer(0.3, bench.token.cancel)
    thread.start()
    with pytest.raises(Cancelled):
        bench.run(script("trap '' TERM; while :; do sleep 0.05; done"))
    thread.join()


def test_that_a_time_limit_is_for_each_program_and_is_not_tried_another_way(bench):
    bench.run(lambda unit, parameters: Recipe("heasoft", (ProgramRun(("sleep", "0.3")),) * 2, ()), command_limit_s=0.5)
    with pytest.raises(ReductionError, match="took longer"):
        bench.run(script("sleep 60", retry=f"{__name__}:never"), command_limit_s=0.2)


def never(unit, parameters, recipe, lines):
    raise AssertionError("nothing was judged")


def prepared(ctx, unit, parameters, recipe):
    found = Path(ctx.work_folder, "given").read_text()
    return replace(recipe, runs=(ProgramRun(("sh", "-c", f"echo {found} > made.txt")),), software="ignored")


def finished(ctx, unit, parameters, made):
    (path,) = made["made.txt"]
    return Outcome(facts={"said": path.read_text().strip()}, warnings=("odd",), stop="nothing is left")


def test_that_prepare_and_finish_see_the_files_and_have_their_say(bench):
    (bench.raw / "g").write_text("seven")
    recipe = script(
        "exit 1", "made.txt", check="text", given=(Given("given", str(bench.raw / "g")),), prepare=f"{__name__}:prepared",
        finish=f"{__name__}:finished",
    )  # fmt: skip
    outcome = bench.run(recipe)
    assert outcome.facts["said"] == "seven" and outcome.warnings == ("odd",) and outcome.stop == "nothing is left"
    assert [file.name for file in outcome.files] == ["made.txt"]


def another(unit, parameters, recipe, lines):
    assert any("noCounts" in line for line in lines) or "no messages" in lines
    return replace(
        recipe, runs=(ProgramRun(("sh", "-c", "test ! -e junk && echo ok > made.txt")),), retry=""
    ), "Done another way."


@pytest.mark.parametrize(
    "text", ["touch junk; echo '** espfilt: error (noCounts), empty'; exit 1", "touch junk; echo no messages"]
)
def test_that_a_step_may_try_another_way_once_after_a_failure_that_was_judged(bench, text):
    outcome = bench.run(script(text, "made.txt", retry=f"{__name__}:another"))
    assert outcome.warnings == ("Done another way.",) and len(outcome.facts["programs"]) == 2
    assert ("WARNING", "WARNING: Done another way.") in bench.log.lines


def test_that_an_archive_writes_through_no_link(bench):
    (bench.raw / "a.fits").write_text("raw")
    bad = bench.folder / "bad"
    bad.mkdir()
    (bad / "link.fits").write_text("changed")
    with tarfile.open(bench.folder / "c.tar", "w") as tar:
        tar.add(bad / "link.fits", "link.fits")
    given = (Given("link.fits", str(bench.raw / "a.fits")), Given("c", str(bench.folder / "c.tar"), unpack=True))
    with pytest.raises(FileError, match="through a link"):
        bench.run(script("exit 0", given=given))
    assert (bench.raw / "a.fits").read_text() == "raw"


def standing(unit, parameters, recipe, lines):
    return None


def test_that_a_failure_stands_where_there_is_no_other_way(bench):
    with pytest.raises(ReductionError, match="exit code 1"):
        bench.run(script("exit 1", retry=f"{__name__}:standing"))


def test_that_a_recipe_without_programs_needs_no_software(bench):
    (bench.raw / "a").write_text("x")
    made = Made("b", bench.unit.key(K.OTHER), "text")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external, "installation", None)
        outcome = bench.run(lambda unit, parameters: Recipe("sas", (), (made,), (Given("b", str(bench.raw / "a"), copy=True),)))
    assert [file.name for file in outcome.files] == ["b"] and outcome.facts == {}


def test_that_a_million_lines_are_logged_and_judged_in_bounded_memory(bench):
    text = 'i=0; while [ $i -lt 500 ]; do echo "** emchain: warning (rejectRows$i),  rejected $i rows"; i=$((i+1)); done; '
    text += "seq 1000000"
    began = time.perf_counter()
    warnings = bench_with_small_log(bench).run(script(text)).warnings
    assert len(warnings) <= 1 and time.perf_counter() - began < 60


def bench_with_small_log(bench):
    """A log that keeps nothing."""
    bench.log.write = lambda text, severity="INFO": None
    return bench


def test_that_links_that_lead_out_of_the_work_folder_are_no_products(bench):
    (bench.raw / "secret").write_text("x")
    with pytest.raises(ReductionError, match=r"did not leave « made\.txt »"):
        bench.run(script(f"ln -s {bench.raw}/secret made.txt", "made.txt"))
    (bench.work / "made.txt").unlink()
    assert [file.name for file in bench.run(script("echo a > real.txt; ln -sf real.txt made.txt", "made.txt")).files] == [
        "real.txt"
    ]

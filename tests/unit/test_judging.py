"""How a step of the missions' software is judged: exit codes, signals, messages and files."""

import signal
import tarfile

import numpy as np
import pytest

from daxa_gui.core.errors import FileError, ReductionError
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.reduction.external_files import Workplace
from daxa_gui.reduction.external_made import collect
from daxa_gui.reduction.judging import Judgement
from daxa_gui.reduction.recipe import Made, WorkUnit

KEY = ProductKey("xmm_pointed", "0000000001", ProductKind.OTHER)


def judged(lines, code=0, program="espfilt"):
    """The warnings of a program that said these lines, or the error that it raises."""
    judgement = Judgement()
    judge = judgement.of_program(program, "Title")
    for line in lines:
        judge.take(line)
    judge.end(code, lines[-5:])
    return judgement.warnings()


def failure(lines, code=0, program="espfilt"):
    with pytest.raises(ReductionError) as caught:
        judged(lines, code, program)
    return caught.value


# ---- codes and signals


def test_that_code_zero_without_messages_is_a_success():
    assert judged(["espfilt:- Executing (routine): espfilt", "espfilt:- selected 12 rows", "0 errors, no warnings"]) == []


def test_that_a_code_is_a_failure_even_without_any_message():
    error = failure(["fine", "still fine"], 3)
    assert error.message == "« espfilt » ended with exit code 3." and error.details == "fine\nstill fine" and not error.retryable
    assert error.hint and "255" in failure([], 255).message


@pytest.mark.parametrize(
    ("number", "words", "retryable"),
    [
        (signal.SIGSEGV, "signal 11 (segmentation fault)", False), (signal.SIGKILL, "signal 9 (killed)", True),
        (signal.SIGABRT, "signal 6", False), (signal.SIGUSR1, "signal 10", False),
    ],
)  # fmt: skip
def test_that_signals_are_named_with_what_to_do(number, words, retryable):
    error = failure([], 128 + number, "epchain")
    assert words in error.message and error.hint and error.retryable is retryable


def test_that_running_out_of_memory_says_what_to_do():
    assert "fewer cores" in failure([], 137).hint


# ---- messages


def test_that_an_error_message_is_a_failure_although_the_code_is_zero():
    error = failure(["** espfilt: error (noCounts),  All histo counts are zero! Check your FOV Lightcurve!"])
    assert error.message.startswith("« espfilt » reported an error: noCounts of espfilt: All histo counts are zero!")
    assert len(error.hint) > 30 and not error.retryable


def test_that_the_first_error_names_the_cause():
    lines = ["** evselect: warning (x), w", "** a::b: error (First), one", "** a: error (Second), two"]
    assert "First of a → b: one" in failure(lines, 1).message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("# dmcopy (CIAO 4.16.0): ERROR: Could not open infile x.fits", "Could not open infile"),
        ("evtool: **ERROR: file does not exist", "file does not exist"),
        ("nupipeline_0.4.9: Error: running nucalcpos", "running nucalcpos"),
        ("Traceback (most recent call last):", "Traceback"),
    ],
)
def test_that_errors_of_the_other_packages_are_found(line, words):
    assert words in failure(["one", line, "two"], 0, "tool").message


def test_that_harmless_warnings_are_left_out_and_others_counted():
    lines = ["** emchain: warning (rejectRows12),  3 rows", "** evselect: warning (somethingOdd),  value 5 at 7.5"]
    lines += ["** evselect: warning (somethingOdd),  value 6 at 8.5"] * 4_000
    assert judged(lines) == ["somethingOdd of evselect: value 5 at 7.5 (4001 times)"]


def test_that_many_kinds_of_warnings_are_bounded():
    warnings = judged([f"** task{number}: warning (odd),  x" for number in range(3_000)])
    assert len(warnings) == 31 and "2970 further messages" in warnings[-1]


def test_that_an_error_behind_thousands_of_kinds_of_warnings_is_seen():
    lines = [f"** task{number}: warning (odd),  x" for number in range(5_000)] + ["** last: error (Bad), y"]
    assert "Bad of last" in failure(lines).message


def test_that_what_may_pass_can_be_tried_again():
    assert failure(["** x: error (FITSIO), read: Stale file handle"]).retryable
    assert not failure(["** x: error (FITSIO), no such column"]).retryable


def test_that_a_long_message_is_cut():
    assert len(failure(["** x: error (Long), " + "y" * 100_000]).message) < 500


# ---- files


@pytest.fixture
def place(tmp_path):
    raw, folder, work = (tmp_path / name for name in ("raw", "0000000001", "work"))
    for path in (raw, folder, work):
        path.mkdir()
    unit = WorkUnit("xmm_pointed", "0000000001", "", "ALL", str(raw), str(folder))
    with Workplace(work, unit) as workplace:
        yield workplace


def events_file(path, rows, name="EVENTS"):
    from astropy.io import fits

    table = fits.BinTableHDU.from_columns([fits.Column("TIME", "D", array=np.arange(rows, dtype=float))], name=name)
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)


def gti_file(path, intervals):
    from astropy.io import fits

    start, stop = np.array(intervals, dtype=float).reshape(-1, 2).T
    columns = [fits.Column("START", "D", array=start), fits.Column("STOP", "D", array=stop)]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="STDGTI")]).writeto(path)


def test_that_events_are_counted_and_none_is_a_warning(place):
    events_file(place.folder / "a.fits", 7)
    events_file(place.folder / "b.fits", 0)
    one, none = collect(place, (Made("a.fits", KEY, "events"), Made("b*", KEY, "events")), "epchain")
    assert one.facts == {"n_events": 7} and one.warnings == []
    assert none.facts == {"n_events": 0} and none.warnings == ["b.fits: The event list has no events."] and none.name == "b.fits"


def test_that_good_time_is_summed_and_none_is_a_warning(place):
    gti_file(place.folder / "a.fits", [(0, 100), (150, 200)])
    gti_file(place.folder / "b.fits", [])
    one, none = collect(place, (Made("a.fits", KEY, "gti"), Made("b.fits", KEY, "gti")), "espfilt")
    assert one.facts == {"good_time_s": 150.0, "intervals": 2} and not one.warnings
    assert none.facts["good_time_s"] == 0 and "no good time" in none.warnings[0]


def test_that_images_have_a_shape(place):
    from astropy.io import fits

    fits.PrimaryHDU(np.zeros((3, 5), dtype="i2")).writeto(place.folder / "a.img")
    (found,) = collect(place, (Made("a.img", KEY, "image"),), "evselect")
    assert found.facts == {"shape": [3, 5]}


@pytest.mark.parametrize("check", ["fits", "events", "gti", "image", "text", ""])
def test_that_empty_missing_and_truncated_files_are_failures(place, check):
    with pytest.raises(ReductionError, match=r"« epchain » ended well but did not leave « a\.fits »"):
        collect(place, (Made("a.fits", KEY, check),), "epchain")
    (place.folder / "a.fits").write_bytes(b"")
    with pytest.raises(FileError, match="empty"):
        collect(place, (Made("a.fits", KEY, check),), "epchain")
    if check == "text":
        (place.folder / "a.fits").write_bytes(b" \n\n ")
        with pytest.raises(FileError, match="without any text"):
            collect(place, (Made("a.fits", KEY, check),), "epchain")
    elif check:
        events_file(place.folder / "whole.fits", 5_000)
        data = (place.folder / "whole.fits").read_bytes()
        for length in (100, 2880 * 2 + 7, len(data) - 2880):
            (place.folder / "a.fits").write_bytes(data[:length])
            with pytest.raises(FileError):
                collect(place, (Made("a.fits", KEY, check),), "epchain")


def test_that_files_of_another_kind_are_failures(place):
    events_file(place.folder / "a.fits", 3, name="OTHER")
    with pytest.raises(FileError, match=r"no table EVENTS.*OTHER"):
        collect(place, (Made("a.fits", KEY, "events"),), "x")
    with pytest.raises(FileError, match="no image"):
        collect(place, (Made("a.fits", KEY, "image"),), "x")
    with pytest.raises(FileError):
        collect(place, (Made("a.fits", KEY, "gti"),), "x")
    with pytest.raises(FileError, match="should be text"):
        (place.folder / "b").write_bytes(b"a\0b")
        collect(place, (Made("b", KEY, "text"),), "x")


def test_that_a_missing_file_is_told_with_what_is_there_instead(place):
    events_file(place.folder / "P01.FIT", 3)
    with pytest.raises(ReductionError, match=r"it left P01\.FIT"):
        collect(place, (Made("P02.FIT", KEY),), "epchain")


def test_that_several_files_where_one_is_meant_are_a_failure_and_optional_ones_may_miss(place):
    for name in ("a1", "a2"):
        (place.folder / name).write_text("x")
    with pytest.raises(ReductionError, match="left 2 files where one was meant"):
        collect(place, (Made("a*", KEY, ""),), "x")
    (found,) = collect(place, (Made("b*", KEY, "", optional=True),), "x")
    assert found.name == "" and found.paths == ()


def test_that_many_files_become_one_archive_with_their_names(place):
    (place.folder / "sub").mkdir()
    for name in ("r1.dat", "sub/r2.dat"):
        (place.folder / name).write_text(name)
    (found,) = collect(place, (Made("**/*.dat", KEY, "", packed=True),), "rgsproc")
    with tarfile.open(place.folder / found.name) as tar:
        assert sorted(tar.getnames()) == ["r1.dat", "sub/r2.dat"]
    assert found.facts == {"n_files": 2}


@pytest.mark.parametrize("pattern", ["/etc/passwd", "../x", "a/../../x"])
def test_that_patterns_that_lead_elsewhere_are_refused(place, pattern):
    with pytest.raises(ReductionError, match="no name of a file in a work folder"):
        collect(place, (Made(pattern, KEY, ""),), "x")

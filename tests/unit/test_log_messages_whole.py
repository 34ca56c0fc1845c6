"""Whole logs: every line accounted for, messages with what continues and counts them, and the message that ended a program."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.core.errors import FileError
from daxa_gui.core.log_messages import (
    LineKind,
    LineReader,
    LogMessage,
    Severity,
    cause_of,
    is_stamped,
    read_explanations,
    read_message,
    read_messages,
    severity_of,
    without_stamp,
)

MESSAGES = Path(__file__).resolve().parents[2] / "resources" / "messages"


def kinds_of(text: str) -> Counter[str]:
    reader = LineReader()
    return Counter(str(reader.feed(line)[0]) for line in text.splitlines())


def test_that_every_line_of_a_real_sas_log_is_accounted_for(shared_data):
    text = (shared_data / "logs_sas" / "pysas_basic_setup_0802710101.log").read_text()
    assert kinds_of(text) == {
        "info": 5534, "progress": 1526, "command": 736, "fact": 141, "message": 115, "continuation": 40, "empty": 39,
        "summary": 35, "header": 11, "end": 5,
    }  # fmt: skip


def test_that_every_line_of_the_short_real_sas_logs_is_accounted_for(shared_data):
    folder = shared_data / "logs_sas"
    kinds = kinds_of((folder / "evselect_0802710101.log").read_text()) + kinds_of(
        (folder / "sasversion_0903540101.log").read_text()
    )
    assert kinds["unknown"] == 0
    assert kinds["command"] == 4 and kinds["end"] == 2 and kinds["message"] == 1 and kinds["fact"] == 9


def test_that_every_line_of_a_real_ciao_log_is_accounted_for(shared_data):
    text = (shared_data / "chandra" / "CHANDRA_PIPELINE_LOG3.txt").read_text()
    assert kinds_of(text) == {
        "info": 208, "empty": 198, "progress": 117, "fact": 82, "continuation": 54, "end": 54, "header": 33,
        "message": 13, "command": 6,
    }  # fmt: skip


def test_that_a_line_of_no_known_form_is_called_unknown():
    assert kinds_of("\nxyzzy plugh 7;!")["unknown"] == 1


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("flaregti: DONE", LineKind.END),
        ("nupipeline_0.4.9: Exit with success - Tue Jul 11 2023", LineKind.END),
        ("nufilter_0.1.5: 'nu901_A.fits' file successfully copied", LineKind.INFO),
        ("$ evtool eventfiles=@list outfile=x.fits", LineKind.COMMAND),
        ("2026-11-21T11:24:49.768Z INFO    epproc:- Executing (routine): epproc x=1", LineKind.COMMAND),
        ("2026-11-21T11:24:49.768Z INFO    done", LineKind.END),
    ],
)
def test_that_lines_of_other_software_and_of_our_own_logs_are_known(line, kind):
    assert LineReader().feed(line)[0] is kind


@pytest.mark.parametrize(
    ("line", "software", "severity", "task"),
    [
        ("evtool/FGET: **ERROR1** could not open events", "eSASS", Severity.ERROR, "evtool/FGET"),
        ("flaregti: **WARNING** no events in TM5", "eSASS", Severity.WARNING, "flaregti"),
        ("**STOP** flaregti", "eSASS", Severity.ERROR, ""),
        ("# chandra_repro (07 May 2024): ERROR No event file found", "CIAO", Severity.ERROR, "chandra_repro"),
        ("# dmcopy (CIAO 4.16.0): DM Parse error: unknown column name: foo", "CIAO", Severity.ERROR, "dmcopy"),
        ("nucalcpi_1.0.1: Error: unable to open gain file", "NuSTARDAS", Severity.ERROR, "nucalcpi"),
        ("nupipeline_0.4.9: Exit with error", "NuSTARDAS", Severity.ERROR, "nupipeline"),
        ("ahtime_1.2: WARNING: leap seconds are old", "HEASoft", Severity.WARNING, "ahtime"),
        ("Task ftcopy 1.01 terminating with status 104", "HEASoft", Severity.ERROR, "ftcopy"),
        ("Task nuflagevt error", "HEASoft", Severity.ERROR, "nuflagevt"),
        ("FITSIO status = 104: could not open the named file", "HEASoft", Severity.ERROR, ""),
        ("evtool: error while loading shared libraries: libx.so.3: cannot open shared object file", "any", Severity.ERROR, ""),
        ("terminate called after throwing an instance of 'std::bad_alloc'", "any", Severity.ERROR, ""),
        ("/bin/sh: 1: evtool: command not found", "any", Severity.ERROR, ""),
        ("/usr/lib/x.py:12: RuntimeWarning: divide by zero", "any", Severity.WARNING, ""),
    ],
)
def test_that_messages_of_all_packages_and_crashes_are_recognised(line, software, severity, task):
    message = read_message(line)
    assert message is not None
    assert (message.software, message.severity, message.task) == (software, severity, task)


@pytest.mark.parametrize(
    "line",
    [
        "Task ftcopy 1.01 terminating with status 0",
        "nupipeline_0.4.9: Exit with success - Tue Jul 11 2023",
        "# acis_process_events (CIAO 4.16.0): The following error occurred 3 times:",
        "evselect:- Executing (routine): evselect withzerrorcolumn=no zerrorcolumn=EWEIGHT",
        "emproc:-  0 errors found; error (none)",
        "all files were found, not found were none",
    ],
)
def test_that_words_alone_make_no_message(line):
    assert read_message(line) is None


def test_that_counts_of_silent_warnings_go_to_the_message_they_count():
    lines = [
        "** epproc::epevents: warning (gainCorrectionFailed), Gain correction for event #3716 failed",
        "** epproc::epevents: warning (SummaryOfWarnings),",
        "warning gainCorrectionFailed silently occurred 612 times",
        "warning binning  silently occurred 3 times",
    ]
    found = read_messages(lines)
    assert [(m.name, m.times, m.line) for m in found] == [
        ("gainCorrectionFailed", 613, 1),
        ("SummaryOfWarnings", 1, 2),
        ("binning", 3, 4),
    ]
    assert found[2].task == "epproc::epevents"


def test_that_lines_that_continue_a_message_belong_to_it():
    found = read_messages(["** espfilt: error (FITSIO), cannot read", "the file « a b.fits »", "evselect:- next", "unrelated"])
    assert [m.text for m in found] == ["cannot read the file « a b.fits »"]


def test_that_ciao_counts_and_indented_lines_belong_to_the_message(shared_data):
    text = (shared_data / "chandra" / "CHANDRA_PIPELINE_LOG3.txt").read_text()
    found = read_messages(text.splitlines())
    assert sorted(m.times for m in found if m.name == "dsAPEPULSEHEIGHTERR") == [3, 17]
    reminders = [m for m in found if m.text.startswith("Observation-specific bad pixel")]
    assert len(reminders) == 6 and all(m.text.endswith("analysis of this dataset completed.") for m in reminders)


def test_that_a_traceback_is_one_message_named_as_its_last_line():
    lines = ["Traceback (most recent call last):", '  File "x.py", line 3, in f', "    g()", "OSError: disk on fire", "more"]
    (found,) = read_messages(lines)
    assert (found.name, found.text, found.line) == ("OSError", "disk on fire", 1)


def test_that_the_first_error_is_the_cause_and_warnings_never_are():
    lines = ["** a: warning (w), x", "** a::b: error (noEvents), none", "** a: error (failed), b failed", "Segmentation fault"]
    cause = cause_of(read_messages(lines))
    assert cause is not None and (cause.task, cause.name, cause.line) == ("a::b", "noEvents", 2)
    assert cause_of(read_messages(lines[:1])) is None


def test_that_stamps_of_our_logs_change_nothing():
    lines = [
        "** a: error (FITSIO), cannot read",
        "the file",
        "** a: warning (SummaryOfWarnings),",
        "warning x silently occurred 2 times",
    ]
    stamped = [f"2026-11-21T11:24:49.768Z {'ERROR' if i == 0 else 'INFO':<7} {line}" for i, line in enumerate(lines)]
    assert read_messages(stamped) == read_messages(lines)
    assert all(is_stamped(line) for line in stamped) and not any(is_stamped(line) for line in lines)


def test_that_sas_names_are_recognised_as_whole_names_only():
    """DAXA looks for them as parts of names: 51 error names of the list can then never be recognised."""
    known = read_explanations(MESSAGES)
    with (MESSAGES / "sas_names.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert all(row["task"] in known.tasks_of(row["name"], Severity[row["severity"].upper()]) for row in rows)
    assert known.tasks_of("ttitud", Severity.ERROR) == ()
    assert "epchain" in known.tasks_of("attitude", Severity.ERROR)


def test_that_known_failures_of_all_packages_are_explained_with_advice():
    known = read_explanations(MESSAGES)
    lines = [
        "** espfilt: error (noCounts), All histo counts are zero! Check your FOV Lightcurve!",
        "** odfingest: error (NoOdfFound), no ODF",
        "** cifbuild: error (NoCcfPath), x",
        "** evselect: error (ParamNotFound), parameter foo",
        "flaregti: **ERROR** no valid GTI",
        "# chandra_repro (07 May 2024): ERROR unable to open x.fits",
        "nupipeline_0.4.9: Error running task 'nucalcpi'",
        "nucalcpi_1.0.1: Error: CALDB environment is not set",
        "cp: error: No space left on device",
        "ftcopy: ERROR: cannot find the parameter file in PFILES",
        "evtool: error while loading shared libraries: libx.so.3",
    ]
    explained = [known.explain(read_message(line)) for line in lines]
    assert [
        line for line, found in zip(lines, explained, strict=True) if found is None or not found.advice or not found.weight
    ] == []


def test_that_the_harmless_warnings_are_known_as_such(shared_data):
    known = read_explanations(MESSAGES)
    names = [
        "NoWCS",
        "notHKconstant",
        "InvalidObtValue",
        "NoCCDcolumn",
        "NoProductExp",
        "HousekeepingParameterMissing",
        "TranslationNotAvailable",
        "notUsefulModeRDCTI",
        "gainCorrectionFailed",
        "ctiCorrectionFailed",
        "spatialExposure",
        "rejectRows12",
        "getCalBadpix10",
        "BadPixDiscrepancy",
        "BadPixDuplicates",
        "badPrimeRate",
        "NoFilteredEvents",
        "ExpNoDss",
        "SummaryOfWarnings",
    ]
    assert [n for n in names if not known.is_harmless(LogMessage("SAS", Severity.WARNING, "t", n, ""))] == []
    assert not known.is_harmless(LogMessage("SAS", Severity.WARNING, "t", "checkRejected10", ""))
    assert not known.is_harmless(LogMessage("SAS", Severity.ERROR, "t", "NoWCS", ""))


def test_that_a_missing_table_of_messages_is_told(tmp_path):
    with pytest.raises(FileError, match="known messages"):
        read_explanations(tmp_path)


@given(st.lists(st.text(alphabet=st.characters(blacklist_characters="\n\r"), max_size=60), max_size=30))
def test_that_no_text_breaks_the_reader(lines):
    reader = LineReader()
    for line in lines:
        kind, message = reader.feed(line)
        assert (message is not None) == (kind is LineKind.MESSAGE)
        assert severity_of(line) >= without_stamp(line)[0]
    assert len(read_messages(lines)) <= len(lines)

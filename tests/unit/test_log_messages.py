"""Which lines of real and made-up logs are messages, how grave they are, and what known ones mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from daxa_gui.core.log_messages import Explanations, Severity, read_message, severity_of

MESSAGES = Path(__file__).resolve().parents[2] / "resources" / "messages"


@pytest.fixture(scope="module")
def known() -> Explanations:
    with (MESSAGES / "explanations.csv").open(encoding="utf-8") as sentences, (MESSAGES / "sas_names.csv").open() as names:
        return Explanations(sentences, names)


@pytest.mark.parametrize(
    ("line", "severity", "task", "name"),
    [
        (
            "** emproc::emevents: warning (rejectRows12),  Fraction of frames",
            Severity.WARNING,
            "emproc::emevents",
            "rejectRows12",
        ),
        ("** rgsproc::rgsangles: warning (binning ), _CORR cannot be binned", Severity.WARNING, "rgsproc::rgsangles", "binning"),
        ("** espfilt: error (noCounts), All histo counts are zero!", Severity.ERROR, "espfilt", "noCounts"),
        ("** odfingest: warning (SummaryOfWarnings),", Severity.WARNING, "odfingest", "SummaryOfWarnings"),
        ("# wcs_match (CIAO 4.16.0): ERROR: Cannot find at least 3 source matches", Severity.ERROR, "wcs_match", ""),
        ("\tdsAPEPULSEHEIGHTERR -- WARNING: pulse height is less", Severity.WARNING, "", "dsAPEPULSEHEIGHTERR"),
        ("evtool: **ERROR** no valid GTI", Severity.ERROR, "evtool", ""),
        ("nupipeline_0.4.9: Error running task 'nucalcpi'", Severity.ERROR, "nupipeline", ""),
        ("2026-11-21T11:24:49.768Z WARNING the file is cut short", Severity.WARNING, "", ""),
        ("2026-11-21T11:24:49.768Z INFO    ** epproc: error (noEvents), nothing", Severity.ERROR, "epproc", "noEvents"),
        ("ValueError: cannot do this", Severity.ERROR, "", "ValueError"),
        ("bash: line 1: 77 Segmentation fault (core dumped)", Severity.ERROR, "", ""),
    ],
)
def test_that_messages_are_recognised(line, severity, task, name):
    assert severity_of(line) is severity
    message = read_message(line)
    if message is not None:  # a line that only our own stamp calls a warning carries no message of a program
        assert (message.severity, message.task, message.name) == (severity, task, name)
    else:
        assert line.startswith("2026")


@pytest.mark.parametrize(
    "line",
    [
        "epproc::badpixfind:-   *** Badpixfind Mode1 *** - no errors",
        "axBary: Principal HDU  -  TIERRELA = 0.000000, TIERABSO = 0.000050",
        "evselect:- Executing (routine): evselect table=x withwarnings=no",
        "warning NoCCDcolumn silently occurred 4 times.",
        "",
    ],
)
def test_that_ordinary_lines_are_no_messages(line):
    assert severity_of(line) is Severity.INFO
    assert read_message(line) is None


def test_that_digits_at_the_end_of_a_name_do_not_hide_its_explanation(known):
    message = read_message("** emproc::emevents: warning (checkRejected10),  the fraction of good events 8.9E-02")
    explained = known.explain(message)
    assert explained.weight == "look" and "tenth" in explained.text


def test_that_a_message_known_by_name_only_names_its_task(known):
    explained = known.explain(read_message("** xyz::arfgen: error (BadDetectorMap), no map"))
    assert explained.weight == "" and "arfgen" in explained.text


def test_that_an_unknown_message_is_not_explained(known):
    assert known.explain(read_message("** foo: error (somethingNew), text")) is None
    assert known.explain(read_message("ERROR: disk on fire")) is None


def test_that_every_warning_of_a_real_run_is_explained(known, shared_data):
    text = (shared_data / "logs_sas" / "pysas_basic_setup_0802710101.log").read_text(errors="replace")
    messages = [message for line in text.splitlines() if (message := read_message(line))]
    assert len(messages) == 115
    assert len({message.name for message in messages}) == 22
    assert [m.name for m in messages if known.explain(m) is None] == []


def test_that_the_errors_of_a_real_ciao_run_are_found(known, shared_data):
    text = (shared_data / "chandra" / "CHANDRA_PIPELINE_LOG3.txt").read_text(errors="replace")
    messages = [message for line in text.splitlines() if (message := read_message(line))]
    assert [m.severity for m in messages].count(Severity.ERROR) == 5
    assert all(known.explain(m) is not None for m in messages)

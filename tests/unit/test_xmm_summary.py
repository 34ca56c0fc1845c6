"""The ODF summary: read to its last line, refused with the number of the line, and which exposures can be reduced."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_gui.core.errors import FileError
from daxa_gui.reduction.xmm_summary import parse_summary, read_units
from tests.xmm_summaries import OBS_ID, ORDINARY, REAL, Made, summary_text

TEXT = summary_text(ORDINARY)
NAME = "0100_0123456789_SCX00000SUM.SAS"


@pytest.fixture(scope="module")
def real() -> str:
    if not REAL.exists():
        pytest.skip("the real summary (../shared/data) is not here")
    return REAL.read_text("utf-8", "replace")


def refused(text: str) -> FileError:
    with pytest.raises(FileError, match=rf"{NAME}, line \d+: ") as caught:
        parse_summary(text, NAME)
    return caught.value


def units(**instruments: list[Made]) -> dict[str, dict]:
    return {f"{one['instrument']}{one['exposure']}": one for one in read_units(summary_text(instruments), NAME)}


# ---- the real file ----


def test_that_every_line_of_a_real_summary_is_accounted_for(real: str) -> None:
    summary = parse_summary(real, NAME)
    lines = real.removesuffix("\n").split("\n")
    assert len(summary.lines) == len(lines) == 2000
    kinds = Counter(summary.lines)
    assert kinds["comment"] == sum(line.startswith("//") for line in lines)
    assert kinds["file"] == len(summary.files) == 160
    exposures = [one for instrument in summary.instruments for one in instrument.exposures]
    assert kinds["head EXPOSURE"] == len(exposures) == lines.count("EXPOSURE") == 29
    assert kinds["setting"] == len(summary.settings) + sum(len(one.settings) for one in exposures)
    # what « NAME = VALUE » there is outside comments is a setting
    assert kinds["setting"] == sum(re.match(r"\w+ ?= ", line) is not None for line in lines)
    assert kinds["head DATA QUALITY"] == len(summary.data_quality) == 6
    assert kinds["data quality"] == 6 * 9
    assert not set(kinds) - {
        "comment", "path", "observation", "count", "file", "setting", "instrument", "exposure", "proposal", "data quality",
        "blank", "head OBSERVATION", "head FILES", "head CONFIGURATION", "head INSTRUMENT", "head EXPOSURE", "head PROPOSAL",
        "head DATA QUALITY",
    }  # fmt: skip


def test_that_a_real_summary_tells_what_stands_in_it(real: str) -> None:
    summary = parse_summary(real, NAME)
    assert (summary.obs_id, summary.revolution, summary.start) == ("0201901401", "0809", "2004-05-09T13:00:16.000")
    assert summary.path.endswith("/0201901401/odf") and "xmmsas_20141104_1833-14.0.0" in summary.made_by
    assert [one.name for one in summary.instruments] == ["M1", "M2", "R1", "R2", "PN", "OM"]
    pn = summary.instrument("PN")
    assert pn is not None and pn.active and len(pn.exposures) == 13
    first = pn.exposures[0]
    assert (first.name, first.scheduled, first.type, first.mode) == ("U002", False, "SCIENCE", "PrimeFullWindowExtended")
    # the filter is « FILTER », not the raw positions that stand before it or behind it
    assert first.filter == "Thin1" and first.data_modes == dict.fromkeys(range(1, 13), "Imaging")
    assert (first.start, first.end) == ("2004-05-09T16:50:54.000", "2004-05-09T20:11:25.000")
    assert summary.data_quality[1].counters["Total duration of Telemetry drops"] == 133
    assert ("RXCJ0958.3-1103", "Target Name") in summary.proposal


def test_that_the_usable_exposures_of_a_real_summary_are_found(real: str) -> None:
    found = read_units(real, NAME)
    usable = [f"{one['instrument']}{one['exposure']}" for one in found if one["usable"]]
    assert usable == ["M1U002", "M2U002", "R1S004", "R2S005", "PNU002"]
    assert all(bool(one["reason"]) != one["usable"] for one in found)
    assert [one["instrument"] for one in read_units(real, NAME, ["M2", "PN"]) if one["usable"]] == ["M2", "PN"]


def test_that_a_real_summary_cut_anywhere_names_a_line_or_has_lost_no_exposure(real: str) -> None:
    lines = real.split("\n")
    whole = read_units(real, NAME)
    last_exposure = max(number for number, line in enumerate(lines) if line == "EXPOSURE")
    for number in range(0, len(lines) - 1, 3):
        text = "\n".join(lines[:number])
        try:
            found = read_units(text, NAME)
        except FileError as error:
            assert f"{NAME}, line " in error.message
            continue
        assert number > last_exposure and found == whole


# ---- made ones ----


def test_that_a_summary_cut_at_any_character_gives_nothing_else_than_a_sentence_with_a_line() -> None:
    whole = read_units(TEXT, NAME)
    lost = 0
    for end in range(0, len(TEXT), 7):
        try:
            assert read_units(TEXT[:end], NAME) == whole
        except FileError as error:
            assert f"{NAME}, line " in error.message
            lost += 1
    assert lost > 0.9 * len(range(0, TEXT.index("PROPOSAL"), 7))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("2 / Number of exposures", "3 / Number of exposures", "M1 should have 3 exposures, but only 2"),
        ("2 / Number of exposures", "1 / Number of exposures", "more than the 1 exposures"),
        ("2 / Number of exposures", "x / Number of exposures", "Number of exposures"),
        ("7 / Number of Files", "8 / Number of Files", "ODF Constituent"),
        ("7 / Number of Files", "6 / Number of Files", "INSTRUMENT"),
        ("19 / Number of configuration", "20 / Number of configuration", "fewer than it says"),
        ("19 / Number of configuration", "18 / Number of configuration", "more settings than it says"),
        ("[also U002]", "[also S001]", "Exposure Identifier"),
        ("002 / Exposure Identifier [also U002]", "001 / Exposure Identifier [also S001]", "M1S001 is there twice"),
        ("INSTRUMENT\nPN", "INSTRUMENT\nM1", "M1 is there twice"),
        ("INSTRUMENT\nPN", "INSTRUMENT\n$(rm -rf ~)", "name of an instrument"),
        ("OBSERVATION\n", "", "OBSERVATION"),
        ("FILES\n", "", "FILES"),
        ("PATH /data/odf\n", "", "PATH"),
        ("0123456789 / Observation Identifier", "12345 / Observation Identifier", "Observation Identifier"),
        ("Y / Is this instrument active?", "maybe / Is this instrument active?", "instrument active"),
        ("2010-01-01T01:00:00.000 / Actual Start", "yesterday / Actual Start", "Actual Start Time"),
        ("   7 / Number of event reports", "many / Number of event reports", "counter"),
        ("// Instrument Record", "what is this", "INSTRUMENT|belongs to no record"),
    ],
)
def test_that_what_is_strange_is_refused_with_its_line(old: str, new: str, words: str) -> None:
    assert old in TEXT
    error = refused(TEXT.replace(old, new, 1))
    assert re.search(words, error.message), error.message
    line = int(re.search(r"line (\d+)", error.message)[1])  # type: ignore[index]
    assert 1 <= line <= TEXT.count("\n") + 1


def test_that_the_line_that_is_named_is_the_one_that_is_wrong() -> None:
    lines = TEXT.split("\n")
    number = next(n for n, line in enumerate(lines, 1) if line.endswith("[also S004]"))
    lines[number - 1] = "garbage"
    assert f"line {number}: " in refused("\n".join(lines)).message and "« garbage »" in refused("\n".join(lines)).message


@pytest.mark.parametrize(
    "text", ["", "\n\n \n", "\0" * 100, "\x7fELF\x02\x01", "SIMPLE  =                    T", "a" * 30_000, "/" * 9]
)
def test_that_what_is_no_summary_is_refused(text: str) -> None:
    refused(text)


def test_that_an_instrument_whose_record_was_cut_away_is_missed() -> None:
    cut = TEXT[: TEXT.index("//\n// Instrument Record\n//\nINSTRUMENT\nR1")]
    assert "files of R1" in refused(cut).message


def test_that_line_ends_of_windows_and_names_with_accents_do_no_harm() -> None:
    text = TEXT.replace("MUELLER", "M\N{LATIN SMALL LETTER U WITH DIAERESIS}LLER \N{REPLACEMENT CHARACTER}")
    assert read_units(text.replace("\n", "\r\n"), NAME) == read_units(TEXT, NAME)


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(["drop", "double", "swap", "flip", "insert"]))
def test_that_a_damaged_summary_never_raises_anything_else(chance: random.Random, damage: str) -> None:
    lines = TEXT.split("\n")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        if damage == "drop":
            del lines[at]
        elif damage == "double":
            lines.insert(at, lines[at])
        elif damage == "swap":
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif damage == "insert":
            lines.insert(
                at, chance.choice(["٣ / Number of Files", "= /", "A=", "/ ", " / ", "//", "EXPOSURE", "9" * 9, "²", "MODE ="])
            )
        elif lines[at]:
            line = lines[at]
            place = chance.randrange(len(line))
            lines[at] = (
                line[:place] + chr(chance.choice([0x41, 0x20, 0x2F, 0x3D, 0x00, 0x0B, 0x85, 0x2028, 0x0663])) + line[place + 1 :]
            )
    try:
        found = read_units("\n".join(lines), NAME)
    except FileError as error:
        assert f"{NAME}, line " in error.message
    else:
        assert all(isinstance(one["usable"], bool) and bool(one["reason"]) != one["usable"] for one in found)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_that_any_text_is_refused_or_read(text: str) -> None:
    with pytest.raises(FileError, match=r"line \d+"):
        parse_summary(text, NAME)


# ---- which can be reduced ----


def test_that_a_unit_says_what_its_recipe_needs() -> None:
    one = units(PN=[Made("S003", ccds=12)])["PNS003"]
    assert one == {
        "instrument": "PN", "exposure": "S003", "usable": True, "reason": "", "scheduled": True, "type": "SCIENCE",
        "mode": "PrimeFullWindow", "filter": "Thin1", "ccds": list(range(1, 13)),
        "ccd_modes": {str(n): "Imaging" for n in range(1, 13)}, "start": "2010-01-01T01:00:00.000",
        "end": "2010-01-01T09:00:00.000",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (Made("S003", mode="FastTiming", data_mode="Timing", ccds=1), "timing or burst"),
        (Made("S003", mode="FastBurst", data_mode="Burst", ccds=1), "timing or burst"),
        (Made("S003", mode="FastUncompressed"), "timing or burst"),
        (Made("S003", mode="UNDEFINED", ccds=0), "mode is not known"),
        (Made("S003", data_mode="Spectroscopy"), r"No CCD took images \(data modes: Spectroscopy\)"),
        (Made("S003", ccds=0), "No CCD took images"),
        (Made("S003", filter=""), "No filter is known"),
        (Made("S003", filter="Unknown"), "filter is not known"),
        (Made("S003", filter="Closed"), "closed"),
        (Made("S003", filter="CalClosed"), "calibration source"),
        (Made("S003", filter="CalThin1"), "calibration source"),
        (Made("S003", filter="CalMedium"), "calibration source"),
        (Made("S003", type="CALIBRATION"), "not for science"),
        (Made("S003", mode="Offset", filter=""), "no data for science"),
    ],
)
@pytest.mark.parametrize("camera", ["PN", "M1"])
def test_that_an_exposure_that_cannot_be_reduced_says_why(camera: str, made: Made, words: str) -> None:
    one = units(**{camera: [made]})[f"{camera}S003"]
    assert not one["usable"] and re.search(words, one["reason"]) and one["reason"].endswith(".")


@pytest.mark.parametrize("filter_name", ["Thin1", "Thin2", "Medium", "Thick", "Open"])
@pytest.mark.parametrize("mode", ["PrimeFullWindow", "PrimeLargeWindow", "PrimeSmallWindow", "PrimePartialW2", "PrimePartialRFS"])
def test_that_imaging_exposures_are_used(filter_name: str, mode: str) -> None:
    assert units(M2=[Made("U014", filter=filter_name, mode=mode)])["M2U014"]["usable"]


def test_that_rgs_needs_no_filter_and_no_known_mode_if_there_are_spectra() -> None:
    spectra = Made("S004", mode="UNDEFINED", filter="", ccds=0)
    assert units(R1=[spectra])["R1S004"]["usable"]
    assert units(R1=[Made("S004", mode="HighEventRateWithSES", filter="Closed", data_mode="Spectroscopy", ccds=9)])["R1S004"][
        "usable"
    ]
    without = summary_text({"R1": [spectra]}).replace("R1S00401SPE", "R1S00401DII")
    assert "no files of spectroscopy" in read_units(without, NAME)[0]["reason"]
    assert not units(R1=[Made("S900", mode="Diagnostic3x3", filter="")])["R1S900"]["usable"]


def test_that_an_inactive_instrument_and_one_that_was_not_chosen_give_no_units() -> None:
    text = summary_text({"M1": [], "PN": [Made("S003", ccds=12)], "OM": [Made("S006")]}, inactive=["M1"])
    assert [one["instrument"] for one in read_units(text, NAME)] == ["PN", "OM"]
    assert [one["instrument"] for one in read_units(text, NAME, ("PN",))] == ["PN"]
    monitor = read_units(text, NAME, ("OM",))[0]
    assert not monitor["usable"] and "Optical Monitor" in monitor["reason"] and monitor["ccd_modes"] == {}
    assert parse_summary(text, NAME).obs_id == OBS_ID

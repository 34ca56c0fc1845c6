"""Which exposures of eROSITA, Chandra and NuSTAR there are, and which of them can be reduced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daxa_gui.core.errors import FileError
from daxa_gui.reduction import other_units
from tests.fakes.reduction_files import chandra_index, erosita_list, events, nustar_catalogue, write

ONE = [
    ("EVT1", "secondary/acisf04321_000N003_evt1.fits"), ("EVT2", "primary/acisf04321N003_evt2.fits"),
    ("ASPSOL", "primary/pcadf04321_000N001_asol1.fits"), ("STAT", "secondary/acisf04321_000N003_stat1.fits"),
]  # fmt: skip
SEVEN = "_".join(f"TM{n}" for n in range(1, 8))


def chandra(path: Path, rows: list[tuple[str, str]], chosen: tuple[str, ...] = (), **header: Any) -> list[dict[str, Any]]:
    return other_units.chandra_units(chandra_index(path / "oif.fits", rows, **header), chosen)


# ---- eROSITA


@pytest.mark.parametrize("name", ["pm00_700199_020_EventList_c001.fits", "pm00_700199_020_EventList_c001.fits.gz"])
def test_that_a_list_of_erosita_is_one_unit_of_all_its_modules(tmp_path: Path, name: str) -> None:
    erosita_list(tmp_path / "EXP_010" / name)
    [unit] = other_units.erosita_exposures(raw_folder=str(tmp_path), events=(), chosen=())
    assert (unit["instrument"], unit["exposure"], unit["usable"], unit["reason"]) == (SEVEN, "ALL", True, "")
    assert unit["whole"] is True
    assert unit["event_list"] == f"EXP_010/{name}"


def test_that_only_chosen_modules_that_have_events_are_reduced(tmp_path: Path) -> None:
    path = erosita_list(tmp_path / "list.fits", modules=(1, 2, 5, 6))
    [unit] = other_units.erosita_units(path, ("TM2", "TM3", "TM6"))
    assert (unit["instrument"], unit["modules"], unit["whole"]) == ("TM2_TM6", ["TM2", "TM6"], False)
    assert other_units.erosita_units(path, ("TM1", "TM2", "TM5", "TM6", "TM7"))[0]["whole"] is True


@pytest.mark.parametrize(
    ("modules", "wheel", "chosen", "reason"),
    [((1, 2), "CLOSED", (), "CLOSED"), ((1, 2), "", (), "unknown"), ((1, 2), "OPEN", ("TM7",), "TM1, TM2")],
)
def test_that_lists_without_sky_or_chosen_modules_cannot_be_reduced(
    tmp_path: Path, modules: tuple[int, ...], wheel: str, chosen: tuple[str, ...], reason: str
) -> None:
    [unit] = other_units.erosita_units(erosita_list(tmp_path / "list.fits", modules, wheel), chosen)
    assert not unit["usable"]
    assert reason in unit["reason"]


def test_that_an_observation_with_two_positions_of_the_wheel_has_two_units(tmp_path: Path) -> None:
    paths = [
        erosita_list(tmp_path / "pm00_700199_020_EventList_c001.fits"),
        erosita_list(tmp_path / "pm00_700199_000_EventList_c001.fits", wheel="CLOSED"),
        erosita_list(tmp_path / "pm00_700199_120_EventList_c001.fits", modules=(1,)),
    ]
    units = other_units.erosita_exposures(raw_folder=str(tmp_path), events=[str(path) for path in paths], chosen=())
    assert [(unit["exposure"], unit["usable"]) for unit in units] == [("ALL", True), ("FW0", False)]


def test_that_a_list_elsewhere_and_none_at_all_are_refused(tmp_path: Path) -> None:
    path = erosita_list(tmp_path / "other" / "pm00_700199_020_EventList_c001.fits")
    (tmp_path / "raw").mkdir()
    with pytest.raises(FileError, match="does not lie in"):
        other_units.erosita_exposures(raw_folder=str(tmp_path / "raw"), events=[str(path)], chosen=())
    for folder in ("raw", "nowhere"):
        with pytest.raises(FileError, match="no event list"):
            other_units.erosita_exposures(raw_folder=str(tmp_path / folder), events=(), chosen=())


def test_that_a_list_without_modules_and_a_cut_one_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"strange\.fits is not an event list of eROSITA"):
        other_units.erosita_units(write(tmp_path / "strange.fits", events(5)), ())
    cut = erosita_list(tmp_path / "cut.fits")
    cut.write_bytes(cut.read_bytes()[:7000])
    with pytest.raises(FileError, match=r"cut\.fits"):
        other_units.erosita_units(cut, ())


# ---- Chandra


def test_that_one_exposure_of_chandra_can_be_reduced(tmp_path: Path) -> None:
    [unit] = chandra(tmp_path, ONE, GRATING="HETG")
    assert (unit["instrument"], unit["exposure"], unit["usable"]) == ("ACIS", "E001", True)
    assert (unit["detector"], unit["grating"], unit["mode"]) == ("01236", "HETG", "FAINT")
    assert unit["n_files"] == {"ASPSOL": 1, "EVT1": 1, "EVT2": 1, "STAT": 1}


@pytest.mark.parametrize(
    ("content", "words"), [("EVT1", "level 1 events"), ("EVT2", "level 2 events"), ("ASPSOL", "an aspect solution")]
)
def test_that_what_is_missing_is_told(tmp_path: Path, content: str, words: str) -> None:
    [unit] = chandra(tmp_path, [row for row in ONE if row[0] != content])
    assert not unit["usable"]
    assert unit["reason"].endswith(f"no {words}.")


def test_that_aspect_solutions_of_parts_count(tmp_path: Path) -> None:
    assert chandra(tmp_path, [*ONE[:2], ("ASPSOLOBI", "x.fits")])[0]["usable"]


def test_that_interleaved_exposures_are_two_units_that_cannot_be_reduced(tmp_path: Path) -> None:
    more = [("EVT1", f"secondary/acisf01612_000N003_e{n}_evt1.fits") for n in (1, 2)]
    units = chandra(tmp_path, [*ONE[1:], *more])
    assert [unit["exposure"] for unit in units] == ["E001", "E002"]
    assert all(not unit["usable"] and "interleaved" in unit["reason"] for unit in units)


def test_that_parts_of_an_observation_have_their_own_numbers(tmp_path: Path) -> None:
    more = [("EVT1", f"secondary/acisf00108_{n:03d}N003_evt1.fits") for n in (2, 1)]
    units = chandra(tmp_path, [*ONE[1:], *more])
    assert [unit["exposure"] for unit in units] == ["E001", "E002"]
    assert all(not unit["usable"] and "splitobs" in unit["reason"] for unit in units)


def test_that_detectors_that_were_not_chosen_are_left_out(tmp_path: Path) -> None:
    assert chandra(tmp_path, ONE, ("HRC",)) == []
    assert len(chandra(tmp_path, ONE, ("ACIS",))) == 1


def test_that_a_missing_or_strange_index_names_itself(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"oif\.fits is missing"):
        other_units.chandra_exposures(raw_folder=str(tmp_path), chosen=())
    with pytest.raises(FileError, match=r"oif\.fits.*INSTRUME is « EPIC »"):
        chandra(tmp_path, ONE, INSTRUME="EPIC")
    write(tmp_path / "oif.fits", events(3))
    with pytest.raises(FileError, match=r"oif\.fits is not an index"):
        other_units.chandra_exposures(raw_folder=str(tmp_path), chosen=())


def test_that_a_compressed_index_is_read(tmp_path: Path) -> None:
    chandra_index(tmp_path / "oif.fits.gz", ONE)
    assert other_units.chandra_exposures(raw_folder=str(tmp_path), chosen=())[0]["usable"]


# ---- NuSTAR


@pytest.mark.parametrize("name", ["nu60001002002.cat", "nu60001002002.cat.gz", "60001002002_cat.fits"])
def test_that_modules_of_nustar_with_raw_events_can_be_reduced(tmp_path: Path, name: str) -> None:
    nustar_catalogue(tmp_path / name, "Attitude", "FPMB raw unfiltered events")
    units = other_units.nustar_exposures(raw_folder=str(tmp_path), chosen=())
    assert [(unit["instrument"], unit["exposure"], unit["usable"]) for unit in units] == [
        ("FPMA", "ALL", False), ("FPMB", "ALL", True)
    ]  # fmt: skip
    assert "raw events of FPMA" in units[0]["reason"]
    assert len(other_units.nustar_exposures(raw_folder=str(tmp_path), chosen=("FPMB",))) == 1


def test_that_a_list_of_files_without_descriptions_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "nu60001002002.cat", events(3, {"DESCRIP": ("D", [1.0, 2.0, 3.0])}))
    with pytest.raises(FileError, match="holds no texts"):
        other_units.nustar_exposures(raw_folder=str(tmp_path), chosen=())
    with pytest.raises(FileError, match=r"nu\*\.cat is missing"):
        other_units.nustar_exposures(raw_folder=str(tmp_path / "nowhere"), chosen=())

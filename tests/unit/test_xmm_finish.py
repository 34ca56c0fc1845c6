"""What is added to the outcomes of SAS's steps: facts, warnings, reasons to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.core.errors import FileError, ReductionError
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Outcome
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.checking import checked
from tests.unit.test_xmm_recipes import OBS, TWO, Ctx, anomaly_log, recipe, unit
from tests.xmm_summaries import ORDINARY, summary_text


def events(path: Path, rows: int = 3, **keywords: Any) -> Path:
    table = fits.BinTableHDU.from_columns([fits.Column("TIME", "D", array=np.arange(rows, dtype=float))], name="EVENTS")
    table.header.update(keywords)
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path, overwrite=True)
    return path


def good_time(path: Path, *intervals: tuple[float, float]) -> Path:
    start, stop = ([one[n] for one in intervals] for n in (0, 1))
    columns = [fits.Column("START", "D", array=np.array(start, float)), fits.Column("STOP", "D", array=np.array(stop, float))]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="STDGTI")]).writeto(path, overwrite=True)
    return path


def finish(step: str, name: str, folder: Path, facts: dict[str, Any] | None = None, **parameters: Any) -> Outcome:
    """As the engine calls it, with the files of the recipe's patterns that are in the folder."""
    of, built = unit(name, **(facts or {})), recipe(step, name, facts=facts, **parameters)
    made = {one.pattern: sorted(folder.glob(one.pattern)) for one in built.made}
    outcome = resolve(built.finish)(Ctx(folder), of, checked(STEPS[step], parameters), made)
    assert isinstance(outcome, Outcome)
    return outcome


def test_that_an_empty_list_of_calibration_files_is_a_failure(tmp_path: Path) -> None:
    for rows in (4, 0):
        table = fits.BinTableHDU.from_columns([fits.Column("TYPEID", "8A", array=["X"] * rows)], name="CALINDEX")
        fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "ccf.cif", overwrite=True)
        if rows:
            facts = finish("cif_build", "", tmp_path, analysis_date="2020-01-02").facts
            assert facts == {"n_calibration_files": 4, "obs_date": "2010-01-01", "analysis_date": "2020-01-02"}
        else:
            with pytest.raises(ReductionError, match="empty"):
                finish("cif_build", "", tmp_path)


def test_that_the_summary_is_read_and_must_be_of_this_observation(tmp_path: Path) -> None:
    path = tmp_path / f"0100_{OBS}_SCX00000SUM.SAS"
    path.write_text(summary_text(ORDINARY))
    facts = finish("odf_ingest", "", tmp_path).facts
    assert facts["exposures"] == {"M1": 2, "PN": 2, "R1": 1, "OM": 1} and facts["revolution"] == "0100" and facts["n_files"] == 7
    path.write_text(summary_text(ORDINARY, obs_id="9999999999"))
    with pytest.raises(FileError, match="9999999999"):
        finish("odf_ingest", "", tmp_path)
    path.write_text(summary_text(ORDINARY)[:2000])
    with pytest.raises(FileError, match=r"line \d+"):
        finish("odf_ingest", "", tmp_path)


def test_that_a_temporary_link_to_raw_data_does_not_stay_in_the_summary(tmp_path: Path) -> None:
    from dataclasses import replace

    (tmp_path / "raw data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "raw data")
    path = tmp_path / f"0100_{OBS}_SCX00000SUM.SAS"
    path.write_text(summary_text(ORDINARY, path=str(tmp_path / "link")))
    of = replace(unit(), raw_folder=str(tmp_path / "link"))
    resolve(recipe("odf_ingest").finish)(Ctx(tmp_path), of, {}, {f"*_{OBS}_SCX00000SUM.SAS": [path]})
    assert path.read_text() == summary_text(ORDINARY, path=str(tmp_path / "raw data"))


def test_that_a_chain_without_events_stops_and_out_of_time_events_are_counted(tmp_path: Path) -> None:
    events(tmp_path / f"P{OBS}PNS003PIEVLI0000.FIT", 7, FILTER="Thin1", SUBMODE="PrimeFullWindow", ONTIME=1000.0)
    events(tmp_path / f"P{OBS}PNS003OOEVLI0000.FIT", 2)
    outcome = finish("epchain", "PNS003", tmp_path)
    assert outcome.facts == {"filter": "Thin1", "mode": "PrimeFullWindow", "ontime_s": 1000.0, "n_events": 7, "n_oot_events": 2}
    assert not outcome.stop and not outcome.warnings
    events(tmp_path / f"P{OBS}PNS003OOEVLI0000.FIT", 0)
    assert "out-of-time" in finish("epchain", "PNS003", tmp_path).warnings[0]
    events(tmp_path / f"P{OBS}M1S001MIEVLI0000.FIT", 0)
    assert finish("emchain", "M1S001", tmp_path).stop == "M1S001 has no events."


def test_that_states_of_ccds_are_facts_and_anomalous_ones_warnings(tmp_path: Path) -> None:
    (tmp_path / "mos1S001-anom.log").write_text(anomaly_log("GIBOUG"))
    outcome = finish("emanom", "M1S001", tmp_path)
    assert outcome.facts["ccd_states"] == {"2": "G", "3": "I", "4": "B", "5": "O", "6": "U", "7": "G"}
    assert [text.split(" of ")[0] for text in outcome.warnings] == ["CCD 3", "CCD 4", "CCD 6"]


def test_that_the_kept_part_of_the_time_and_the_fit_are_told(tmp_path: Path) -> None:
    events(tmp_path / "events.fits", 9, ONTIME=1000.0)
    events(tmp_path / "mos1S001-allevc.fits", 5, NORM=1261.3, CENTER=0.755, WIDTH=0.164)
    good_time(tmp_path / "mos1S001-gti.fits", (0.0, 120.0), (300.0, 700.0))
    outcome = finish("espfilt", "M1S001", tmp_path)
    facts = outcome.facts
    assert (facts["good_time_s"], facts["n_intervals"], facts["exposure_s"], facts["kept_fraction"]) == (520.0, 2, 1000.0, 0.52)
    assert facts["limits_ct_s"] == [pytest.approx(0.263), pytest.approx(1.247)] and facts["band_ev"] == [2500, 8500]
    assert facts["n_all_good_events"] == 5 and not outcome.warnings and not outcome.stop
    good_time(tmp_path / "mos1S001-gti.fits", (0.0, 120.0))
    assert "Only 12 % of the time" in finish("espfilt", "M1S001", tmp_path).warnings[0]
    good_time(tmp_path / "mos1S001-gti.fits")
    assert "No time of M1S001" in finish("espfilt", "M1S001", tmp_path).stop
    good_time(tmp_path / "mos1S001-gti.fits", (0.0, 900.0))
    events(tmp_path / "mos1S001-allevc.fits", 5, NORM=3.0, CENTER=0.2, WIDTH=0.9)
    assert "wider" in finish("espfilt", "M1S001", tmp_path).warnings[0]


def test_that_what_cleaning_leaves_is_told_and_nothing_left_stops(tmp_path: Path) -> None:
    (tmp_path / "anomalies.log").write_text(anomaly_log("GIB"))
    events(tmp_path / "clean_events.fits", 4)
    outcome = finish("cleaned_evt_lists", "M1S001", tmp_path, filt_mos_anom_state=True, energies_kev=[0.5, 2])
    assert outcome.facts == {"energies_kev": [0.5, 2.0], "n_events": 4, "ccds": [2, 3]}
    assert outcome.warnings == ("CCD 4 of M1S001 was left out: it is bad below 1 keV.",)
    events(tmp_path / "clean_events.fits", 0)
    assert "No events of M1S001 are left" in finish("cleaned_evt_lists", "M1S001", tmp_path).stop


def test_that_different_filters_and_missing_exposures_are_warned_of(tmp_path: Path) -> None:
    events(tmp_path / "final_events.fits", 9)
    events(tmp_path / "final_all_good_events.fits", 12)
    for name in ("S001", "U002"):
        events(tmp_path / f"{name}_events.fits", 4)
    three = [*TWO, {**TWO[0], "exposure": "U003", "start": "2010-01-01T03:00:00"}]
    outcome = finish("merge_subexposures", "M1", tmp_path, {"exposures": three})
    assert outcome.facts == {"exposures": ["S001", "U002"], "n_events": 9, "n_all_good_events": 12}
    assert outcome.warnings == (
        "Exposures with different filters were merged: Thin1, Medium.", "Without cleaned events, so not merged: U003."
    )  # fmt: skip
    alone = finish("merge_subexposures", "M1", tmp_path, {"exposures": TWO[:1]})
    assert alone.facts["exposures"] == ["S001"] and not alone.warnings


def test_that_images_are_summed_and_empty_ones_warned_of(tmp_path: Path) -> None:
    for number, (counts, exposure) in enumerate(((3.0, 100.0), (0.0, 0.0)), 1):
        fits.PrimaryHDU(np.full((4, 5), counts)).writeto(tmp_path / f"image_{number}.fits")
        fits.PrimaryHDU(np.full((4, 5), exposure, np.float32)).writeto(tmp_path / f"expmap_{number}.fits")
    outcome = finish("generate_images_expmaps", "M1", tmp_path, {"exposures": TWO[:1]})
    assert outcome.facts["bands"] == [
        {"band_kev": [0.5, 2.0], "counts": 60.0, "longest_exposure_s": 100.0},
        {"band_kev": [2.0, 10.0], "counts": 0.0, "longest_exposure_s": 0.0},
    ]
    assert len(outcome.warnings) == 2 and all("2–10 keV" in text for text in outcome.warnings)


@pytest.mark.parametrize(("step", "name"), [("rgs_events", "merged0000"), ("cleaned_rgs_event_lists", "EVENLI0000")])
def test_that_an_rgs_stage_without_events_stops(tmp_path: Path, step: str, name: str) -> None:
    events(tmp_path / f"P{OBS}R1S004{name}.FIT", 5)
    assert finish(step, "R1S004", tmp_path) == Outcome(facts={"n_events": 5})
    events(tmp_path / f"P{OBS}R1S004{name}.FIT", 0)
    assert finish(step, "R1S004", tmp_path).stop == "R1S004 has no events."

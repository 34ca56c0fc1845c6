"""The steps of SAS one after the other with stand-ins for its tasks, which check parameters and files as the tasks do."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.product_names import product_place
from daxa_gui.core.step import Level, Outcome
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.external import run_step, task_for
from daxa_gui.reduction.recipe import WorkUnit
from daxa_gui.reduction.xmm_summary import read_units
from tests.standins.fixtures import standins, standins_once
from tests.standins.install import Installed
from tests.standins.raw_data import XmmExposure, xmm_odf

__all__ = ["standins", "standins_once"]  # the fixtures

OBS = "0999900901"
EXPOSURES = (
    XmmExposure("M1", "S001", length_s=3000.0),
    XmmExposure("M1", "U002", filter="Medium", start_s=4000.0, length_s=2500.0, flared=False),
    XmmExposure("PN", "S003", length_s=3000.0),
    XmmExposure("R1", "S004", "SpectroscopyHER+SES", None, "Spectroscopy", length_s=3000.0),
)


@dataclass
class Ctx:
    """Runs programs as they are; what they say is kept."""

    work_folder: str
    settings: Mapping[str, str]
    lines: list[str] = field(default_factory=list)

    def setting(self, name: str) -> str:
        return self.settings.get(name, "")

    def progress(self, done: float, total: float | None, text: str = "") -> None:
        """Nobody looks."""

    def check_cancelled(self) -> None:
        """Nobody cancels."""

    def log(self, text: str) -> None:
        self.lines.append(text)

    def programs_begin(self) -> None:
        """It is always its turn."""

    def programs_done(self) -> None:
        """Nobody else waits."""

    def service_url(self, service: str) -> str:
        raise AssertionError(service)

    def run_program(
        self, argv: Sequence[str], *, environment: Mapping[str, str], folder: str = "",
        on_line: Callable[[str], None] | None = None,
    ) -> int:  # fmt: skip
        done = subprocess.run(
            list(argv), env=dict(environment), cwd=folder or self.work_folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=120, check=False,
        )  # fmt: skip
        for line in done.stdout.decode("utf-8", "replace").splitlines():
            self.lines.append(line)
            if on_line is not None:
                on_line(line)
        return done.returncode


class Observation:
    """An observation with raw data and products in folders with a blank and an apostrophe in their names."""

    def __init__(self, folder: Path, installed: Installed, exposures: Sequence[XmmExposure] = EXPOSURES) -> None:
        self.raw = xmm_odf(folder / "raw of 'me'" / OBS, OBS, exposures)
        self.folder = folder / "my archive" / OBS
        self.installed, self.work = installed, folder / "work"
        self.units: dict[str, dict[str, Any]] = {}
        self.outcomes: dict[tuple[str, str], Outcome] = {}

    def unit(self, step: str, name: str) -> WorkUnit:
        facts: dict[str, Any] = {"obs_start": "2010-11-24"}
        if STEPS[step].level is Level.EXPOSURE:
            facts |= self.units[name]
        elif name:
            facts["exposures"] = [one for one in self.units.values() if one["instrument"] == name]
        versions = {"sas": "22.1.0"}
        return WorkUnit("xmm_pointed", OBS, name[:2], name[2:] or "ALL", str(self.raw), str(self.folder), facts, versions)

    def run(self, step: str, name: str = "", **parameters: Any) -> Outcome:
        """As a job does it: the products are put into their places afterwards."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        task = task_for(STEPS[step], self.unit(step, name), parameters)
        ctx = Ctx(str(self.work), self.installed.settings)
        try:
            outcome = run_step(ctx, **task.arguments)
        except ReductionError as error:
            raise ReductionError(f"{error}\n" + "\n".join(ctx.lines[-30:])) from error
        for made in outcome.files:
            assert made.key is not None
            target = self.folder / product_place(made.key, made.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(self.work / made.name, target)
        self.outcomes[step, name] = outcome
        return outcome

    def product(self, kind: ProductKind, name: str = "", band: tuple[float, float] | None = None) -> Path:
        return self.folder / product_place(ProductKey("xmm_pointed", OBS, kind, name[:2], name[2:] or "ALL", band))

    def prepare(self) -> None:
        self.run("cif_build")
        self.run("odf_ingest")
        text = self.product(ProductKind.ODF_SUMMARY).read_text()
        self.units = {f"{one['instrument']}{one['exposure']}": one for one in read_units(text, "summary") if one["usable"]}


def test_that_the_whole_chain_runs_from_raw_data_to_images(tmp_path: Path, standins: Installed) -> None:
    obs = Observation(tmp_path, standins)
    before = {path.name: path.read_bytes() for path in obs.raw.iterdir()}
    obs.prepare()
    assert set(obs.units) == {"M1S001", "M1U002", "PNS003", "R1S004"}
    assert f"PATH {obs.raw}\n" in obs.product(ProductKind.ODF_SUMMARY).read_text()

    for name in ("M1S001", "M1U002"):
        obs.run("emchain", name)
    calibrated = obs.product(ProductKind.CALIBRATED_EVENTS, "M1S001").read_bytes()
    assert set(obs.run("emanom", "M1S001").facts["ccd_states"].values()) <= set("GIBOU")
    assert obs.product(ProductKind.CALIBRATED_EVENTS, "M1S001").read_bytes() == calibrated
    obs.run("epchain", "PNS003")
    for name in ("M1S001", "M1U002", "PNS003"):
        flares = obs.run("espfilt", name).facts
        assert 0.0 < flares["kept_fraction"] <= 1.0 and flares["n_all_good_events"] > 0
        cleaned = obs.run("cleaned_evt_lists", name, energies_kev=[0.3, 10.0]).facts
        assert 0 < cleaned["n_events"] < obs.outcomes["epchain" if name == "PNS003" else "emchain", name].facts["n_events"]
    kept = {name: obs.outcomes["espfilt", name].facts["kept_fraction"] for name in ("M1S001", "M1U002")}
    assert kept["M1S001"] < kept["M1U002"]  # flares were put into the first only
    assert obs.product(ProductKind.ALL_GOOD_OOT_EVENTS, "PNS003").is_file()

    merged = obs.run("merge_subexposures", "M1")
    assert merged.facts["n_events"] == sum(obs.outcomes["cleaned_evt_lists", n].facts["n_events"] for n in ("M1S001", "M1U002"))
    assert any("different filters" in text for text in merged.warnings)
    obs.run("merge_subexposures", "PN")
    assert obs.product(ProductKind.FINAL_OOT_EVENTS, "PN").is_file() and obs.product(ProductKind.CLEAN_EVENTS, "PNS003").is_file()
    for name, bands in (("M1", [[0.5, 2.0], [2.0, 10.0]]), ("PN", [[0.5, 2.0]])):
        images = obs.run("generate_images_expmaps", name, bands_kev=bands)
        assert all(one["counts"] > 0 and one["longest_exposure_s"] > 0 for one in images.facts["bands"])
        assert obs.product(ProductKind.EXPOSURE_MAP, name, (0.5, 2.0)).is_file()

    for step in ("rgs_events", "rgs_angles", "cleaned_rgs_event_lists"):
        assert obs.run(step, "R1S004").facts["n_events"] > 0
    assert obs.product(ProductKind.FINAL_EVENTS, "R1S004").is_file()
    assert {path.name: path.read_bytes() for path in obs.raw.iterdir()} == before


def test_that_an_archive_that_was_moved_is_reduced_on(tmp_path: Path, standins: Installed) -> None:
    obs = Observation(tmp_path, standins, EXPOSURES[:1])
    obs.prepare()
    obs.raw = obs.raw.rename(tmp_path / "elsewhere")
    obs.folder.parent.rename(tmp_path / "other archive")
    obs.folder = tmp_path / "other archive" / OBS
    assert obs.run("emchain", "M1S001").facts["n_events"] > 0


def test_that_anomalous_ccds_are_really_left_out(tmp_path: Path, standins: Installed) -> None:
    from astropy.io import fits

    obs = Observation(tmp_path, standins, EXPOSURES[:1])
    obs.prepare()
    for step in ("emchain", "emanom", "espfilt"):
        obs.run(step, "M1S001")
    log = obs.product(ProductKind.ANOMALY_LOG, "M1S001")
    log.write_text("".join(f"CCD: {ccd} Hard: 9 Soft: 3 Status: {'GB'[ccd in (3, 5)]}\n" for ccd in range(2, 8)))
    outcome = obs.run("cleaned_evt_lists", "M1S001", filt_mos_anom_state=True)
    ccds = set(fits.getdata(obs.product(ProductKind.CLEAN_EVENTS, "M1S001"), "EVENTS")["CCDNR"].tolist())
    assert ccds and ccds <= {2, 4, 6, 7} and outcome.facts["ccds"] == [2, 4, 6, 7]
    log.write_text("".join(f"CCD: {ccd} Hard: 9 Soft: 3 Status: B\n" for ccd in range(2, 8)))
    assert "No CCD" in obs.run("cleaned_evt_lists", "M1S001", filt_mos_anom_state=True).stop


def test_that_a_histogram_without_counts_is_tried_once_more(tmp_path: Path, standins: Installed) -> None:
    obs = Observation(tmp_path, standins, EXPOSURES[:1])
    obs.prepare()
    obs.run("emchain", "M1S001")
    standins.switches.fail("espfilt", calls=(1,), name="noCounts", text="All histo counts are zero! Check your FOV Lightcurve!")
    outcome = obs.run("espfilt", "M1S001")
    assert any("run again" in text for text in outcome.warnings) and outcome.facts["good_time_s"] > 0
    limits = [next(one for one in call["argv"] if one.startswith("limits=")) for call in standins.calls("espfilt")]
    assert limits == ["limits=0.1 6.5", "limits=0.1 10.0"]
    standins.switches.fail("espfilt", name="noCounts", text="All histo counts are zero! Check your FOV Lightcurve!")
    with pytest.raises(ReductionError, match=r"noCounts|histo counts"):
        obs.run("espfilt", "M1S001")
    assert len(standins.calls("espfilt")) == 4
    with pytest.raises(ReductionError):
        obs.run("espfilt", "M1S001", widen_limits=False)
    assert len(standins.calls("espfilt")) == 5

"""Some of eROSITA's telescope modules: what the built-in steps make of the practice list, counted again with astropy."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Call, Outcome
from daxa_gui.missions import MISSIONS
from daxa_gui.missions.instrument_choice import chosen_modules, is_wanted, own_instrument
from daxa_gui.practice import erosita, sky
from daxa_gui.reduction import planner
from daxa_gui.reduction.engine.events import good_mask
from daxa_gui.reduction.reading import read
from daxa_gui.reduction.unit import unit_key
from tests.fakes.task_context import FakeContext

RAW = ProductKey("erosita_calpv", "999901", ProductKind.EVENTS, "TM0")
CHOSEN = ("TM2", "TM5")


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("raw") / "pm00_999901_020_EventList_c001.fits"
    path.write_bytes(erosita.event_list(erosita._Run(sky.observations_of("erosita_calpv")[0], 1)))
    return path


def reduce(folder: Path, raw: Path, chosen: tuple[str, ...]) -> tuple[dict[str, Outcome], dict[str, Path]]:
    """All steps, one after the other; outcomes by step, products by kind."""
    made: dict[str, Path] = {}
    outcomes = {}

    def place(key: ProductKey) -> str:
        return str(folder / f"{key.unit}-{key.kind}.fits")

    for request in planner.plan(RAW, str(raw), None, {}, place, chosen):
        assert isinstance(request.task, Call)
        outcomes[request.step] = resolve(request.task.target)(FakeContext(work_folder=str(folder)), **request.task.arguments)
        assert not outcomes[request.step].stop
        for file in outcomes[request.step].files:
            made[str(file.key.kind)] = Path(place(file.key))
            (folder / file.name).rename(made[str(file.key.kind)])
    return outcomes, made


@pytest.fixture(scope="module")
def part(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Outcome], dict[str, Path]]:
    before = raw.read_bytes()
    result = reduce(tmp_path_factory.mktemp("part"), raw, CHOSEN)
    assert raw.read_bytes() == before  # a downloaded file is never edited
    return result


def counts(path: Path) -> Counter[int]:
    with fits.open(path) as opened:
        return Counter(opened["EVENTS"].data["TM_NR"].tolist())


def test_that_exactly_the_events_of_the_chosen_modules_are_taken(raw: Path, part: Any) -> None:
    outcomes, made = part
    of_module = counts(raw)
    assert counts(made["final_events"]) == Counter({2: of_module[2], 5: of_module[5]})
    assert outcomes["prepare"].facts["n_events"] == of_module[2] + of_module[5]
    with fits.open(raw) as old, fits.open(made["final_events"]) as new:
        keep = np.isin(old["EVENTS"].data["TM_NR"], (2, 5))
        for name in ("TIME", "PI", "FLAG", "X"):
            assert np.array_equal(old["EVENTS"].data[name][keep], new["EVENTS"].data[name])


def test_that_good_time_and_exposure_are_those_of_the_chosen_modules(raw: Path, part: Any) -> None:
    _, made = part
    with fits.open(raw) as old, fits.open(made["final_events"]) as new:
        on = {n: float(np.sum(old[f"GTI{n}"].data["STOP"] - old[f"GTI{n}"].data["START"])) for n in range(1, 8)}
        names = {hdu.name for hdu in new if hdu.name.startswith("GTI")}
        assert names == {"GTI2", "GTI5"}
        header = new["EVENTS"].header
        assert header["ONTIME"] == pytest.approx((on[2] + on[5]) / 2, abs=0.02)
        assert header["ONTIME2"] == pytest.approx(on[2], abs=0.02) and header["ONTIME1"] == 0
        live = old["EVENTS"].header["EXPOSURE"] / old["EVENTS"].header["ONTIME"]
        assert header["EXPOSURE"] == pytest.approx(live * (on[2] + on[5]) / 2, rel=1e-4)
        for hdu in new:
            assert hdu.verify_checksum() == 1 and hdu.verify_datasum() == 1


def test_that_cleaned_list_and_image_have_only_the_chosen_modules(part: Any) -> None:
    outcomes, made = part
    cleaned = counts(made["clean_events"])
    assert set(cleaned) == {2, 5}
    events = read(str(made["final_events"]))
    times = read(str(made["clean_events"]))
    assert sum(cleaned.values()) <= int(np.count_nonzero(good_mask(events)))
    assert times.ontime_s == pytest.approx(sum(gti.total_s for gti in times.gti.values()) / 2, abs=0.02)
    with fits.open(made["image"]) as image:
        assert 0 < image[0].data.sum() == outcomes["image"].facts["counts"]


def test_that_all_chosen_modules_together_are_the_list_as_it_is(raw: Path, tmp_path: Path) -> None:
    every = tuple(f"TM{n}" for n in range(1, 8))

    def place(key: ProductKey) -> str:
        return f"/archive/{key.unit}-{key.kind}"

    whole = planner.plan(RAW, str(raw), None, {}, place)
    assert planner.plan(RAW, str(raw), None, {}, place, every) == whole
    assert all(request.unit == "TM0" for request in whole)
    some = planner.plan(RAW, str(raw), None, {}, place, ("TM5", "TM2"))
    assert all(request.unit == "TM2_TM5" for request in some)
    assert isinstance(some[0].task, Call) and some[0].task.arguments["modules"] == ["TM2", "TM5"]


def test_that_parts_add_up_to_the_whole(raw: Path, part: Any, tmp_path: Path) -> None:
    rest = reduce(tmp_path, raw, ("TM1", "TM3", "TM4", "TM6", "TM7"))[1]
    assert counts(part[1]["final_events"]) + counts(rest["final_events"]) == counts(raw)


@pytest.mark.parametrize(
    ("mission", "instrument", "chosen", "wanted"),
    [
        ("xmm_pointed", "PN", (), True),
        ("xmm_pointed", "PN", ("PN",), True),
        ("xmm_pointed", "M1", ("PN",), False),
        ("xmm_pointed", "", ("PN",), True),
        ("asca", "SIS0_SIS1", ("SIS1",), True),
        ("asca", "SIS0_SIS1", ("GIS2",), False),
        ("erosita_calpv", "TM0", ("TM3",), True),
        ("rosat_pointed", "PSPC", ("PSPCB",), True),
    ],
)
def test_which_files_a_choice_of_instruments_means(mission: str, instrument: str, chosen: tuple[str, ...], wanted: bool) -> None:
    assert is_wanted(MISSIONS[mission], instrument, chosen) is wanted


def test_that_only_lists_of_all_modules_are_divided() -> None:
    spec = MISSIONS["erosita_calpv"]
    assert chosen_modules(spec, "TM0", ("TM3", "TM1")) == ("TM1", "TM3")
    assert chosen_modules(spec, "TM1", ("TM3", "TM1")) == ()
    assert chosen_modules(None, "TM0", ("TM1",)) == () and chosen_modules(spec, "TM0", ()) == ()
    assert unit_key(RAW, ("TM1",)) == (ProductKey("erosita_calpv", "999901", ProductKind.EVENTS, "TM1"), ("TM1",))


def test_that_the_catalogue_row_tells_what_a_file_name_does_not() -> None:
    spec = MISSIONS["rosat_pointed"]
    assert own_instrument(spec, "PSPC", {"instruments": "PSPCC"}) == "PSPCC"
    assert own_instrument(spec, "PSPC", {}) == "PSPC"
    assert own_instrument(spec, "", {"instruments": "HRI"}) == "HRI"
    assert own_instrument(MISSIONS["xmm_pointed"], "", {"instruments": "M1 PN"}) == ""

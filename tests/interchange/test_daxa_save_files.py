"""Save files of the real DAXA read here, and ours read by it: the same selection and operations, for each of its filters."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from daxa_gui.core.distance import Distance
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import (
    Box,
    Cone,
    Exposure,
    Field,
    Filter,
    HasInstrument,
    ObsIds,
    Picked,
    Polygon,
    Positions,
    TargetType,
    TimeRange,
    Usable,
)  # fmt: skip
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition
from daxa_gui.core.times import mjd_to_datetime
from daxa_gui.exchange.daxa_state import KEYS, fitted, read_state, write_state
from tests.daxa_shim import real_daxa
from tests.interchange.daxa_tables import CLASSES, Both

__all__ = ["real_daxa"]  # the fixture

MISSIONS = ("xmm_pointed", "chandra", "swift", "rosat_pointed", "erosita_calpv", "erosita_all_sky_de_dr1")
ROWS = {"erosita_calpv": 5, "erosita_all_sky_de_dr1": 700}  # those of the static tables that are searched around


@pytest.fixture
def both(real_daxa: ModuleType, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield Both(real_daxa, monkeypatch, request.param)


def centre(both: Both) -> tuple[float, float]:
    """A position near which both have observations."""
    row = ROWS.get(both.mission)
    return (350.0, 1.0) if row is None else (float(both.catalogue.ra_deg[row]), float(both.catalogue.dec_deg[row]))


def times(both: Both) -> tuple[datetime, datetime]:
    if both.mission not in ROWS:
        return datetime(2010, 3, 4, 5, 6, 7, 891), datetime(2012, 1, 1)
    mjds = both.catalogue.start_mjd[ROWS[both.mission]] - 20.0, both.catalogue.end_mjd[ROWS[both.mission]] + 20.123
    first, last = (mjd_to_datetime(float(mjd)).replace(tzinfo=None) for mjd in mjds)
    return first, last


def selected(both: Both, stack: FilterStack) -> list[str]:
    return sorted(both.catalogue.obs_id[stack.mask(both.catalogue)].tolist())


# ------------------------------------------------------------------------------------------------------- theirs, read here


def by_obs_ids(m: Any, both: Both) -> None:
    m.filter_on_obs_ids(allowed_obs_ids=m.filtered_obs_ids[3:40].tolist())


def without_obs_ids(m: Any, both: Both) -> None:
    if both.mission != "erosita_calpv":  # DAXA's own method there does not take the argument
        m.filter_on_obs_ids(allowed_obs_ids=m.filtered_obs_ids[3:40].tolist(), invert=True)
    else:
        m.filter_on_obs_ids(allowed_obs_ids="700199")


def in_a_rectangle(m: Any, both: Both) -> None:
    ra, dec = centre(both)
    m.filter_on_rect_region(lower_left=[ra - 2, dec - 2], upper_right=np.array([ra + 2, dec + 2]))


def in_a_rectangle_of_skycoords(m: Any, both: Both) -> None:
    from astropy.coordinates import SkyCoord

    ra, dec = centre(both)
    corners = [SkyCoord(ra + side, dec + side / 2, unit="deg", frame="icrs") for side in (3, -3)]
    m.filter_on_rect_region(
        lower_left=SkyCoord(corners[0].ra, corners[1].dec), upper_right=SkyCoord(corners[1].ra, corners[0].dec)
    )


def near_a_position(m: Any, both: Both) -> None:
    m.filter_on_positions(positions=list(centre(both)))


def near_positions_of_an_array(m: Any, both: Both) -> None:
    from astropy.units import Quantity

    ra, dec = centre(both)
    m.filter_on_positions(positions=np.array([[ra, dec], [ra + 1, dec - 1]]), search_distance=Quantity(31.5, "arcmin"))


def near_skycoords(m: Any, both: Both) -> None:
    from astropy.coordinates import SkyCoord

    ra, dec = centre(both)
    m.filter_on_positions(positions=SkyCoord([ra, ra + 0.5], [dec, dec], unit="deg", frame="icrs"), search_distance=1.25)


def near_positions_each_with_its_distance(m: Any, both: Both) -> None:
    from astropy.units import Quantity

    ra, dec = centre(both)
    m.filter_on_positions(positions=[[ra, dec], [ra + 1, dec]], search_distance=Quantity([90.0, 12.5], "arcmin"))


def near_positions_with_a_list_of_distances(m: Any, both: Both) -> None:
    ra, dec = centre(both)
    m.filter_on_positions(positions=[[ra, dec], [ra + 1, dec]], search_distance=[1.5, 0.25])


def near_positions_by_instrument(m: Any, both: Both) -> None:
    distances = {"chandra": {"ACIS": 0.2, "HRC": 0.7}, "rosat_pointed": {"PSPCB": 0.3, "PSPCC": 0.6, "HRI": 0.1}}
    m.filter_on_positions(positions=list(centre(both)), search_distance=distances.get(both.mission, 2))


def by_time(m: Any, both: Both) -> None:
    start, end = times(both)
    m.filter_on_time(start_datetime=start, end_datetime=end)


def entirely_inside_a_time(m: Any, both: Both) -> None:
    start, end = times(both)
    m.filter_on_time(start_datetime=start, end_datetime=end, over_run=False)


def by_target_type(m: Any, both: Both) -> None:
    codes = {"chandra": ["agn", "GS"], "rosat_pointed": ["STR", "GCL"], "swift": "MISC"}
    if both.mission in codes:
        m.filter_on_target_type(target_type=codes[both.mission])


def near_positions_at_their_times(m: Any, both: Both) -> None:
    from astropy.coordinates import SkyCoord

    ra, dec = centre(both)
    start, end = times(both)
    m.filter_on_positions_at_time(
        positions=SkyCoord([ra, ra + 0.3], [dec, dec + 0.2], unit="deg", frame="fk5"), start_datetimes=np.array([start, start]),
        end_datetimes=np.array([end, start.replace(year=start.year + 1)]), search_distance=5,
    )  # fmt: skip


def near_a_position_at_a_time(m: Any, both: Both) -> None:
    start, end = times(both)
    m.filter_on_positions_at_time(
        positions=[list(centre(both))], start_datetimes=start, end_datetimes=end, search_distance=5, over_run=False
    )


def several(m: Any, both: Both) -> None:
    by_time(m, both)
    m.filter_on_positions(positions=list(centre(both)), search_distance=40.0)
    in_a_rectangle(m, both)


OPERATIONS = (
    by_obs_ids,
    without_obs_ids,
    in_a_rectangle,
    in_a_rectangle_of_skycoords,
    near_a_position,
    near_positions_of_an_array,
    near_skycoords,
    near_positions_each_with_its_distance,
    near_positions_with_a_list_of_distances,
    near_positions_by_instrument,
    by_time,
    entirely_inside_a_time,
    by_target_type,
    near_positions_at_their_times,
    near_a_position_at_a_time,
    several,
)


@pytest.mark.parametrize("both", MISSIONS, indirect=True)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_that_what_daxa_saved_selects_the_same_here(both: Both, operation: Callable[..., None], tmp_path: Path) -> None:
    mission = both.daxa()
    operation(mission, both)
    mission.save(str(tmp_path), "state.json")
    state = read_state(tmp_path / "state.json")
    assert (state.mission, state.complete) == (both.mission, True)
    assert [note for note in state.notes if "exchanges" not in note] == []
    assert list(state.obs_ids) == mission.filtered_obs_ids.tolist()
    assert selected(both, state.stack) == sorted(mission.filtered_obs_ids.tolist())
    # one filter for a fresh mission of DAXA's, and one for each of its operations
    assert len(state.stack) == 1 + len(mission.filtering_operations)
    assert fitted(state, both.catalogue) == state


@pytest.mark.parametrize("both", ["chandra", "rosat_pointed", "swift"], indirect=True)
def test_that_a_choice_of_instruments_is_taken_over(both: Both, tmp_path: Path) -> None:
    for chosen in {
        "chandra": (["ACIS-I"], ["HRC", "LETG"], ["ACIS", "HRC", "HETG", "LETG"]),
        "rosat_pointed": (["HRI"], ["PSPC-B", "PSPCC"]),
        "swift": (["XRT"], ["UVOT", "XRT"]),
    }[both.mission]:
        mission = both.daxa(insts=chosen)
        mission.filter_on_positions(positions=list(centre(both)))
        mission.save(str(tmp_path), "state.json")
        state = read_state(tmp_path / "state.json")
        assert list(state.instruments) == mission.chosen_instruments
        assert selected(both, state.stack) == sorted(mission.filtered_obs_ids.tolist())


@pytest.mark.parametrize("both", ["chandra"], indirect=True)
def test_that_a_wrongly_recorded_distance_does_not_change_the_selection(both: Both, tmp_path: Path) -> None:
    mission = both.daxa()
    mission.filter_on_positions(list(centre(both)), 0.1)  # DAXA records the default distance instead
    mission.save(str(tmp_path), "state.json")
    state = read_state(tmp_path / "state.json")
    assert selected(both, state.stack) != sorted(mission.filtered_obs_ids.tolist())
    exact = fitted(state, both.catalogue)
    assert selected(both, exact.stack) == sorted(mission.filtered_obs_ids.tolist())
    assert any("select" in note and "more observations than the file" in note for note in exact.notes)


@pytest.mark.parametrize("both", ["xmm_pointed"], indirect=True)
def test_that_names_are_resolved_or_noted(both: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from astropy.coordinates import SkyCoord

    mission = both.daxa()
    with monkeypatch.context() as patch:
        patch.setattr(
            SkyCoord, "from_name", lambda name, frame, parse=False: SkyCoord(*centre(both), unit="deg").transform_to(frame)
        )
        mission.filter_on_name(object_name=["Made Up 1"], search_distance=0.5)
    mission.save(str(tmp_path), "state.json")
    theirs = sorted(mission.filtered_obs_ids.tolist())
    state = read_state(tmp_path / "state.json", lambda name: SkyPosition(*centre(both), name))
    assert state.complete
    assert selected(both, state.stack) == theirs
    alone = read_state(tmp_path / "state.json")
    assert not alone.complete
    assert any("« Made Up 1 »" in note for note in alone.notes)
    assert selected(both, alone.stack) == theirs


@pytest.mark.parametrize("both", ["swift"], indirect=True)
def test_that_a_name_with_coordinates_needs_nobody(both: Both, tmp_path: Path) -> None:
    mission = both.daxa()
    mission.filter_on_name(object_name="SDSS J232000.00+010000.0", parse_name=True)
    mission.save(str(tmp_path), "state.json")
    state = read_state(tmp_path / "state.json")
    assert state.complete
    assert selected(both, state.stack) == sorted(mission.filtered_obs_ids.tolist())


@pytest.mark.parametrize("both", ["erosita_calpv"], indirect=True)
def test_that_chosen_fields_are_taken_over(both: Both, tmp_path: Path) -> None:
    mission = both.daxa(fields=["Crab", "EFEDS"])
    mission.save(str(tmp_path), "state.json")
    state = read_state(tmp_path / "state.json")
    assert "EFEDS" in state.fields
    assert selected(both, state.stack) == sorted(mission.filtered_obs_ids.tolist())


# --------------------------------------------------------------------------------------------------------- ours, read there


def filters(both: Both) -> dict[str, Filter]:
    """Each filter that DAXA has, and some that it does not have."""
    ra, dec = centre(both)
    here, there = SkyPosition(ra, dec), SkyPosition(ra + 0.5, dec)
    ids = tuple(both.catalogue.obs_id[10:150].tolist())
    t1, t2 = (58700.0, 58800.123456) if both.mission.startswith("erosita") else (55000.0, 56000.123456)
    start, end = np.array([t1, np.nan]), np.array([t2, t2])
    timed = Places(np.array([ra, ra + 0.3]), np.array([dec, dec]), ("", ""), None, start, end)
    distances = Distance.of_instruments(
        {"ACIS": 0.5, "HRC": 0.3, "PSPCB": 1.0, "HRI": 0.5, "PSPCC": 0.4, "XRT": 0.5, "PN": 0.5, "TM1": 3.0}
    )
    one_timed = Places.of([here], start_mjd=[t1], end_mjd=[t2])
    return {
        "ObsIDs": ObsIds(ids),
        "not ObsIDs": ~ObsIds(ids),
        "cone": Cone(here, 2.5),
        "cone by default": Cone(here),
        "positions": Positions((here, there), 2.25),
        "own distances": Positions(Places.of([here, there], radius_deg=[3.0, 0.5]), distance=Distance.of_positions()),
        "by instrument": Positions((here, there), distance=distances),
        "footprint": Positions((here,), distance=Distance.footprint()),
        "box": Box(max(ra - 60, 0), min(ra + 5, 360), max(dec - 30, -90), min(dec + 30, 90), "icrs"),
        "box to 360": Box(200.0, 360.0, -89.0, 89.0),
        "box across 0": Box(300.0, 200.0, -89.0, 89.0),
        "galactic box": Box(0.0, 300.0, -80.0, 80.0, "galactic"),
        "polygon": Polygon(((ra - 5, dec - 5), (ra + 5, dec - 5), (ra, dec + 5))),
        "time": TimeRange(t1, t2),
        "inside time": TimeRange(t1 - 100, t2, True),
        "since": TimeRange(t1, np.inf),
        "timed": Positions(timed, 30.0),
        "one timed": Positions(one_timed, 30.0),
        "type": TargetType(("AGN", "GS", "MISC", "ASK")),
        "same type": TargetType(("AGN", "SNR", "MISC", "GCL")),
        "field": Field(("Crab", "EFEDS")),
        "exposure": Exposure(5000.0),
        "either": Cone(here, 3.0) | ObsIds(ids),
        "both": Cone(here, 30.0) & TimeRange(t1, np.inf) & ~ObsIds(ids[:3]),
        "usable": Usable(),
        "ticked out": Picked(((both.mission, ids[:20]),), False),
    }  # fmt: skip


IN_DAXA = {
    "ObsIDs",
    "not ObsIDs",
    "cone",
    "positions",
    "own distances",
    "time",
    "inside time",
    "since",
    "timed",
    "one timed",
    "box to 360",
}


@pytest.mark.parametrize("both", MISSIONS, indirect=True)
def test_that_what_is_saved_here_selects_the_same_in_daxa(both: Both, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    tried = 0
    for what, one in filters(both).items():
        stack = FilterStack().add(Usable())
        if both.mission == "chandra":  # no choice of instruments of DAXA's has observations with and without gratings
            stack = stack.add(~HasInstrument(("HETG", "LETG")))
        stack = stack.add(one)
        ours = selected(both, stack)
        if not ours:
            continue
        tried += 1
        notes = write_state(path, both.spec, both.catalogue, stack)
        document = json.loads(path.read_text())
        assert tuple(document) == KEYS
        mission = both.daxa(path)
        assert sorted(mission.filtered_obs_ids.tolist()) == ours, what
        assert [operation["name"] for operation in mission.filtering_operations] == [
            operation["name"] for operation in document["filtering_operations"]
        ]
        if not document["filtering_operations"]:
            continue
        mission.update(download_new=False)  # runs all operations again, from the beginning
        assert sorted(mission.filtered_obs_ids.tolist()) == ours, what
        assert mission.updated_meta_info["sel_obs_change"] is False
        assert not mission.updated_meta_info["science_usable_change"]
        again = read_state(path)
        assert again.complete
        assert selected(both, again.stack) == ours, what
        if what in IN_DAXA and not (both.mission == "erosita_calpv" and what == "not ObsIDs"):
            assert not any("cannot filter" in note for note in notes), (what, notes)
    assert tried >= 18


@pytest.mark.parametrize("both", ["chandra", "erosita_all_sky_de_dr1"], indirect=True)
def test_that_daxa_saves_again_what_was_written_here(both: Both, tmp_path: Path) -> None:
    ra, dec = centre(both)
    stack = FilterStack().add(Usable())
    for one in (
        Positions((SkyPosition(ra, dec), SkyPosition(ra + 1, dec)), 20.0),
        TimeRange(50000.0, 60000.0),
        ObsIds(("1", "2")) | Usable(),
    ):
        stack = stack.add(one)
    if both.mission == "chandra":
        stack = stack.add(~HasInstrument(("HETG", "LETG")))
    write_state(tmp_path / "ours.json", both.spec, both.catalogue, stack)
    mission = both.daxa(tmp_path / "ours.json")
    mission.save(str(tmp_path), "theirs.json")
    ours, theirs = (json.loads((tmp_path / name).read_text()) for name in ("ours.json", "theirs.json"))
    flags = ("selected_obs", "science_usable", "proprietary_usable")
    for key in set(KEYS) - {"cur_date", *flags}:
        assert theirs[key] == ours[key], key
    rows_ours, rows_theirs = (sorted(zip(*(document[key] for key in flags), strict=True)) for document in (ours, theirs))
    assert rows_ours == rows_theirs
    datetime.strptime(ours["cur_date"], "%Y-%m-%d %H:%M:%S.%f")


@pytest.mark.parametrize("both", ["chandra"], indirect=True)
def test_that_gratings_that_daxa_cannot_have_together_are_noted(both: Both, tmp_path: Path) -> None:
    notes = write_state(tmp_path / "state.json", both.spec, both.catalogue, FilterStack().add(Usable()))
    assert any("DAXA will leave out" in note for note in notes)
    mission = both.daxa(tmp_path / "state.json")
    everything = selected(both, FilterStack().add(Usable()))
    assert set(mission.filtered_obs_ids) < set(everything)
    with_gratings = FilterStack().add(Usable()).add(HasInstrument(("HETG", "LETG")))
    (note,) = write_state(tmp_path / "state.json", both.spec, both.catalogue, with_gratings)
    assert "insts=['ACIS', 'HRC', 'HETG', 'LETG']" in note
    mission = both.daxa(tmp_path / "state.json", insts=["ACIS", "HRC", "HETG", "LETG"])
    assert sorted(mission.filtered_obs_ids.tolist()) == selected(both, with_gratings)


def test_that_all_missions_tried_exist_here() -> None:
    assert set(MISSIONS) <= set(CLASSES)

"""DAXA's save files without DAXA: encodings of values, hostile files, what is written (tests/interchange has the real DAXA)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.units import Quantity
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.catalogues.build import catalogue_from
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Box, Cone, Filter, HasInstrument, ObsIds, Picked, Polygon, Positions, TimeRange, Usable
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition, separation_deg, unit_vectors
from daxa_gui.exchange.daxa_state import KEYS, fitted, read_state, write_state
from daxa_gui.missions import MISSIONS


def document(mission: str = "nustar_pointed", *operations: tuple[str, dict[str, Any]], **changes: Any) -> dict[str, Any]:
    return {
        "name": mission, "chos_inst": [i.name for i in MISSIONS[mission].instruments], "chos_field": None,
        "downloaded_type": None,
        "cur_date": "2026-01-02 03:04:05.678901", "processed": False, "selected_obs": ["40001014013"], "science_usable": [True],
        "proprietary_usable": [False], "filtering_operations": [{"name": n, "arguments": a} for n, a in operations], **changes,
    }  # fmt: skip


def written(folder: Path, content: object) -> Path:
    path = folder / "state.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def filter_of(folder: Path, name: str, arguments: dict[str, Any], mission: str = "nustar_pointed") -> Filter:
    state = read_state(written(folder, document(mission, (name, arguments))))
    assert state.complete, state.notes
    return state.stack.rows[1].filter


def test_that_everything_in_the_file_is_read(tmp_path: Path) -> None:
    state = read_state(written(tmp_path, document(chos_inst=["FA", "FPMB", "fa"], downloaded_type="raw", processed=True)))
    assert (state.mission, state.instruments, state.fields) == ("nustar_pointed", ("FPMA", "FPMB"), ())
    assert (state.downloaded_type, state.processed, state.saved_at) == ("raw", True, "2026-01-02 03:04:05.678901")
    assert (state.obs_ids, state.science_usable, state.proprietary_usable) == (("40001014013",), (True,), (False,))
    assert [row.missions for row in state.stack.rows] == [("nustar_pointed",)]
    assert state.notes == ()


@pytest.mark.parametrize(
    ("written_as", "degrees"),
    [
        (0.5, 0.5),
        (2, 2.0),
        ({"quantity": "30.0 arcmin"}, 0.5),
        ({"quantity": str(Quantity(1e-3, "rad"))}, np.degrees(1e-3)),
        ({"quantity": "90.0 arcsec"}, 0.025),
    ],
)
def test_that_single_distances_are_read(tmp_path: Path, written_as: Any, degrees: float) -> None:
    found = filter_of(tmp_path, "filter_on_positions", {"positions": [10.0, 20.0], "search_distance": written_as})
    assert isinstance(found, Positions)
    assert found.reach.deg == pytest.approx(degrees, rel=1e-12)


@pytest.mark.parametrize(
    "written_as", [[0.5, 0.25], {"ndarray": [0.5, 0.25]}, {"quantity": str(Quantity([30.0, 15.0], "arcmin"))}]
)
def test_that_distances_of_each_position_are_read(tmp_path: Path, written_as: Any) -> None:
    arguments = {"positions": [[10.0, 20.0], [30.0, -40.0]], "search_distance": written_as, "return_pos_obs_info": True}
    found = filter_of(tmp_path, "filter_on_positions", arguments)
    assert isinstance(found, Positions)
    assert found.reach.kind == "positions"
    assert found.places.radius_deg == pytest.approx([0.5, 0.25])


def test_that_distances_by_instrument_are_read(tmp_path: Path) -> None:
    arguments = {"positions": [10.0, 20.0], "search_distance": {"ACIS-I": 0.5, "HRC": {"quantity": "12.0 arcmin"}}}
    found = filter_of(tmp_path, "filter_on_positions", arguments, "chandra")
    assert isinstance(found, Positions)
    assert dict(found.reach.by_instrument) == {"ACIS": 0.5, "HRC": pytest.approx(0.2)}


@pytest.mark.parametrize(
    ("mission", "chosen", "deg"),
    [
        ("xmm_pointed", ["OM"], 0.3), ("nustar_pointed", ["FPMA"], 0.13), ("swift", ["XRT", "BAT"], 60.0),
        ("swift", ["XRT"], 14.16 / 60),
        ("swift", ["XRT", "UVOT"], 14.16 / 60), ("asca", ["SIS0"], 13.2 / 60), ("asca", ["SIS0", "GIS2"], 0.5),
        ("integral_pointed", ["JEMX1"], 2.88), ("integral_pointed", ["JEMX1", "SPI"], 8.4), ("xrism_pointed", ["RESOLVE"], 0.03),
        ("erosita_calpv", ["TM1"], 5.4), ("erosita_all_sky_de_dr1", ["TM1"], 2.16), ("suzaku", ["XIS0"], 0.19),
        ("rosat_all_sky", ["PSPC"], 3.6),
    ],
)  # fmt: skip
def test_that_no_distance_means_daxas_own(tmp_path: Path, mission: str, chosen: list[str], deg: float) -> None:
    operation = ("filter_on_positions", {"positions": [10.0, 20.0], "search_distance": None})
    state = read_state(written(tmp_path, document(mission, operation, chos_inst=chosen)))
    found = state.stack.rows[1].filter
    assert isinstance(found, Positions)
    assert found.reach.deg == pytest.approx(deg, rel=1e-12)


@pytest.mark.parametrize("frame", ["icrs", "fk5", "fk4"])
def test_that_positions_are_turned_to_icrs(tmp_path: Path, frame: str) -> None:
    coordinate = {"skycoord": {"ra": [10.0, 350.0], "dec": [20.0, -5.0], "frame": frame}}
    found = filter_of(tmp_path, "filter_on_positions", {"positions": coordinate})
    theirs = SkyCoord([10.0, 350.0], [20.0, -5.0], unit="deg", frame=frame).icrs
    assert isinstance(found, Positions)
    apart = separation_deg(found.places.vectors, unit_vectors(theirs.ra.deg, theirs.dec.deg))
    assert apart.max() * 3600 < 1e-3
    plain = filter_of(tmp_path, "filter_on_positions", {"positions": {"ndarray": [[10.0, 20.0], [350.0, -5.0]]}})
    if frame == "fk5":
        assert plain == found


def test_that_times_of_positions_are_read(tmp_path: Path) -> None:
    texts = ["2020-01-01 00:00:00.000000", "2020-01-02 12:00:00.500000"]
    found = filter_of(
        tmp_path,
        "filter_on_positions_at_time",
        {
            "positions": [[10.0, 20.0], [30.0, 40.0]], "start_datetimes": {"datetime_list": texts},
            "end_datetimes": {"datetime_list": [texts[1], texts[1]]}, "over_run": False,
        },
    )  # fmt: skip
    assert isinstance(found, Positions)
    assert found.places.start_mjd is not None
    assert found.places.start_mjd == pytest.approx([58849.0, 58850.5 + 0.5 / 86400], abs=1e-9)
    assert found.entirely_inside


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        (("filter_on_nothing", {}), "no such operation"),
        (("filter_on_obs_ids", {}), "« allowed_obs_ids » is missing"),
        (("filter_on_obs_ids", {"allowed_obs_ids": [1]}), "no list of texts"),
        (("filter_on_obs_ids", {"allowed_obs_ids": []}), "no list of texts"),
        (("filter_on_obs_ids", {"allowed_obs_ids": ["1"], "invert": 1}), "neither true nor false"),
        (("filter_on_obs_ids", {"allowed_obs_ids": ["1"], "__class__": 1}), "__class__"),
        (("filter_on_rect_region", {"lower_left": [1, 2], "upper_right": [3, 1]}), "lower declination"),
        (("filter_on_rect_region", {"lower_left": [1, 2, 3], "upper_right": [3, 4]}), "no pairs"),
        (("filter_on_rect_region", {"lower_left": [[1, 2], [1, 2]], "upper_right": [3, 4]}), "not one position"),
        (("filter_on_positions", {"positions": [[1, 2], [3]]}), "table of numbers"),
        (("filter_on_positions", {"positions": [[1, "2"]]}), "not made of numbers"),
        (("filter_on_positions", {"positions": []}), "no pairs"),
        (("filter_on_positions", {"positions": [10, 95]}), "95° is outside"),
        (("filter_on_positions", {"positions": [10, 10**400]}), "table of numbers"),
        (("filter_on_positions", {"positions": {"skycoord": {"ra": 1, "dec": 2, "frame": "galactic"}}}), "« galactic »"),
        (("filter_on_positions", {"positions": {"skycoord": {"ra": [1], "dec": [2, 3], "frame": "icrs"}}}), "different numbers"),
        (("filter_on_positions", {"positions": {"skycoord": 5}}), "no ra, dec and frame"),
        (("filter_on_positions", {"positions": [1, 2], "search_distance": -1}), "not between"),
        (("filter_on_positions", {"positions": [1, 2], "search_distance": {"quantity": "3 keV"}}), "3 keV"),
        (("filter_on_positions", {"positions": [1, 2], "search_distance": {"quantity": "[3. 2.] deg"}}), "2 search distances"),
        (("filter_on_positions", {"positions": [[1, 2], [3, 4]], "search_distance": {"quantity": "[3. ... 2.] deg"}}), "be read"),
        (("filter_on_positions", {"positions": [1, 2], "search_distance": {"FPMC": 1}}), "FPMC"),
        (("filter_on_name", {"object_name": "Crab"}), "« Crab »"),
        (("filter_on_time", {"start_datetime": {"datetime": "2020-02-02"}, "end_datetime": {"datetime": "2020-01-01"}}), "end"),
        (("filter_on_time", {"start_datetime": 5, "end_datetime": {"datetime": "2020-01-01"}}), "no time"),
        (("filter_on_time", {"start_datetime": {"datetime": "today"}, "end_datetime": {"datetime": "2020-01-01"}}), "today"),
        (("filter_on_target_type", {"target_type": ["XYZ"]}), "XYZ"),
    ],
)  # fmt: skip
def test_that_an_operation_that_cannot_be_taken_over_leaves_the_obs_ids(
    tmp_path: Path, operation: tuple[str, dict[str, Any]], what: str
) -> None:
    state = read_state(written(tmp_path, document("nustar_pointed", operation)))
    assert not state.complete
    assert f"Operation 1, {operation[0]}, cannot be taken over" in state.notes[0]
    assert what in state.notes[0]
    assert state.stack.rows[-1].filter == ObsIds(("40001014013",))


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "5", "[" * 100_000, '{"name": NaN}', "{}", *({key: 7} for key in KEYS),
     {"name": "hubble"}, {"name": ["chandra"]}, {"chos_inst": ["x" * 300]}, {"chos_inst": "ACIS"}, {"selected_obs": []},
     {"selected_obs": ["a\nb"]}, {"selected_obs": ["1" * 50]}, {"selected_obs": [5]}, {"selected_obs": ["1", "2"]},
     {"science_usable": [1]}, {"proprietary_usable": ["true"]}, {"processed": "yes"}, {"filtering_operations": {}},
     {"filtering_operations": ["filter_on_time"]}, {"filtering_operations": [{"name": "x"}]},
     {"filtering_operations": [{"name": 5, "arguments": {}}]}, {"filtering_operations": [{"name": "x", "arguments": []}]},
     {"filtering_operations": [{"name": "filter_on_obs_ids", "arguments": {}}] * 1001}],
)  # fmt: skip
def test_that_a_file_that_is_none_is_refused_by_name(tmp_path: Path, content: Any) -> None:
    path = written(tmp_path, content if isinstance(content, str) else document(**content) if "name" not in content else
                   {**document(), **content})  # fmt: skip
    with pytest.raises(FileError, match=r"state\.json"):
        read_state(path)
    with pytest.raises(FileError, match="cannot be read"):
        read_state(tmp_path / "absent.json")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("quantity", "skycoord", "ndarray", "datetime", "ra", "dec", "frame", "a")), inner, max_size=3
        )
    ),
    max_leaves=8,
)
METHODS = ("filter_on_obs_ids", "filter_on_rect_region", "filter_on_positions", "filter_on_time", "filter_on_positions_at_time")
ARGUMENTS = (
    "allowed_obs_ids",
    "positions",
    "search_distance",
    "lower_left",
    "upper_right",
    "start_datetime",
    "end_datetime",
    "invert",
)


@given(st.sampled_from(METHODS), st.dictionaries(st.sampled_from(ARGUMENTS), VALUES, max_size=4))
def test_that_any_arguments_are_taken_over_or_noted(tmp_path_factory: Any, method: str, arguments: dict[str, Any]) -> None:
    state = read_state(written(tmp_path_factory.mktemp("any"), document("nustar_pointed", (method, arguments))))
    assert state.complete or state.notes


# --------------------------------------------------------------------------------------------------------------------- writing


def catalogue(mission: str = "nustar_pointed", **columns: Any) -> Catalogue:
    spec = MISSIONS[mission]
    n = 12
    ids = {"nustar_pointed": "400010140{:02d}", "chandra": "{}", "swift": "000010140{:02d}"}[mission]
    made = {
        "obs_id": np.array([ids.format(k + 10) for k in range(n)]), "ra_deg": np.linspace(5.0, 355.0, n),
        "dec_deg": np.linspace(-80.0, 80.0, n),
        "start_mjd": 55000.0 + 10 * np.arange(n), "end_mjd": 55001.0 + 10 * np.arange(n), "exposure_s": np.full(n, 1e4),
        "instruments": np.array([" ".join(spec.default_instruments)] * n),
        "public_mjd": np.where(np.arange(n) < 6, 55500.0, np.inf),
        **columns,
    }  # fmt: skip
    return catalogue_from(spec, made, provenance="Made by a test.")


def test_that_what_was_written_is_read_again(tmp_path: Path) -> None:
    of = catalogue()
    places = Places(np.array([5.0, 100.0]), np.array([-80.0, 0.0]), ("", ""), np.array([30.0, 60.0]))
    stack = FilterStack().add(Usable()).add(TimeRange(54000.0, 55080.0)).add(Positions(places, distance=Distance.of_positions()))
    assert write_state(tmp_path / "state.json", MISSIONS["nustar_pointed"], of, stack, downloaded_type="raw") == ()
    state = read_state(tmp_path / "state.json")
    assert [row.filter for row in state.stack.rows][:2] == [Usable(), TimeRange(54000.0, 55080.0)]
    assert state.obs_ids == tuple(of.obs_id[stack.mask(of)].tolist())
    assert state.proprietary_usable == tuple((of.public_mjd < 56000)[stack.mask(of)].tolist())
    assert state.downloaded_type == "raw"
    assert fitted(state, of) == state
    assert list(tmp_path.iterdir()) == [tmp_path / "state.json"]


@pytest.mark.parametrize(
    ("one", "method"),
    [
        (Box(340.0, 20.0, -90.0, 90.0), "filter_on_obs_ids"),
        (Box(20.0, 340.0, -89.0, 89.0), "filter_on_rect_region"),
        (Box(20.0, 300.0, -40.0, 60.0, "galactic"), "filter_on_obs_ids"),
        (Polygon(((0.0, -85.0), (60.0, -85.0), (60.0, 0.0), (0.0, 0.0))), "filter_on_obs_ids"),
        (Cone(SkyPosition(5.0, -80.0), 20.0), "filter_on_positions"),
        (~ObsIds(("40001014010",)), "filter_on_obs_ids"),
        (ObsIds(("40001014010", "no ObsID")), "filter_on_obs_ids"),
        (Cone(SkyPosition(5.0, -80.0), 20.0) | Cone(SkyPosition(355.0, 80.0), 20.0), "filter_on_obs_ids"),
        (Picked((("nustar_pointed", ("40001014010",)),), False), "filter_on_obs_ids"),
    ],
)
def test_that_each_filter_becomes_a_call_that_selects_the_same(tmp_path: Path, one: Filter, method: str) -> None:
    of, stack = catalogue(), FilterStack().add(one)
    notes = write_state(tmp_path / "state.json", MISSIONS["nustar_pointed"], of, stack)
    (operation,) = json.loads((tmp_path / "state.json").read_text())["filtering_operations"]
    assert operation["name"] == method
    mask = one.mask(of)
    assert 0 < np.count_nonzero(mask) < len(of)
    assert np.array_equal(read_state(tmp_path / "state.json").stack.mask(of), mask)
    listed = method == "filter_on_obs_ids" and not operation["arguments"]["invert"]
    assert bool(notes) == listed
    if listed:
        assert operation["arguments"]["allowed_obs_ids"] == of.obs_id[mask].tolist()


def test_that_picked_rows_come_back(tmp_path: Path) -> None:
    of = catalogue()
    stack = FilterStack().add(TimeRange(55000.0, 55025.0)).add(Picked((("nustar_pointed", ("40001014020",)),), True))
    write_state(tmp_path / "state.json", MISSIONS["nustar_pointed"], of, stack)
    state = read_state(tmp_path / "state.json")
    assert "40001014020" in state.obs_ids
    assert np.array_equal(state.stack.mask(of), stack.mask(of))


def test_that_an_observation_without_an_end_is_not_lost(tmp_path: Path) -> None:
    end = 55001.0 + 10 * np.arange(12)
    end[0] = np.nan  # DAXA does not find it by its time, this program does
    of, stack = catalogue(end_mjd=end), FilterStack().add(TimeRange(55000.5, 55035.0))
    assert stack.mask(of)[0]
    notes = write_state(tmp_path / "state.json", MISSIONS["nustar_pointed"], of, stack)
    assert any("ObsIDs that pass" in note for note in notes)
    assert read_state(tmp_path / "state.json").obs_ids[0] == "40001014010"


def test_that_rows_that_daxa_will_not_have_are_noted(tmp_path: Path) -> None:
    of = catalogue(unusable_reason=np.array(["no exposure", *[""] * 11]))
    notes = write_state(tmp_path / "state.json", MISSIONS["nustar_pointed"], of, FilterStack())
    assert any("leave out 1 of the selected" in note for note in notes)
    assert read_state(tmp_path / "state.json").science_usable[0] is False


def test_that_instruments_of_chandra_follow_the_selection(tmp_path: Path) -> None:
    of = catalogue("chandra", instruments=np.array(["ACIS"] * 8 + ["HRC"] * 2 + ["ACIS HETG"] * 2))
    spec = MISSIONS["chandra"]
    for stack, chosen in (
        (FilterStack().add(HasInstrument(("HRC",))), ("HRC",)),
        (FilterStack().add(HasInstrument(("HETG",))), ("ACIS", "HETG")),
        (FilterStack(), ("ACIS", "HRC")),
    ):
        write_state(tmp_path / "state.json", spec, of, stack)
        assert read_state(tmp_path / "state.json").instruments == chosen


def test_that_nothing_is_written_where_nothing_is_selected(tmp_path: Path) -> None:
    of, spec = catalogue(), MISSIONS["nustar_pointed"]
    with pytest.raises(InputError, match="Nothing is selected"):
        write_state(tmp_path / "state.json", spec, of, FilterStack().add(TimeRange(1.0, 2.0)))
    with pytest.raises(InputError, match="« PN »"):
        write_state(tmp_path / "state.json", spec, of, FilterStack(), instruments=("PN",))
    with pytest.raises(FileError, match="cannot be written"):
        write_state(tmp_path / "absent" / "state.json", spec, of, FilterStack())
    assert list(tmp_path.iterdir()) == []


def test_that_a_mission_that_daxa_does_not_have_is_refused(tmp_path: Path) -> None:
    elsewhere = replace(MISSIONS["nustar_pointed"], name="hubble", label="Hubble")
    with pytest.raises(InputError, match="DAXA does not know Hubble"):
        write_state(tmp_path / "state.json", elsewhere, catalogue(), FilterStack())
    assert list(tmp_path.iterdir()) == []


def test_that_vanished_and_new_obs_ids_are_noted(tmp_path: Path) -> None:
    of = catalogue()
    path = written(
        tmp_path, document(selected_obs=["40001014010", "99999999999"], science_usable=[True] * 2, proprietary_usable=[True] * 2)
    )
    state = fitted(read_state(path), of)
    assert any("1 of 2 ObsIDs (99999999999)" in note for note in state.notes)
    assert any("11 more observations" in note for note in state.notes)
    assert of.obs_id[state.stack.mask(of)].tolist() == ["40001014010"]
    cut = ("filter_on_time", {"start_datetime": {"datetime": "1999-01-01"}, "end_datetime": {"datetime": "1999-01-02"}})
    state = fitted(read_state(written(tmp_path, document("nustar_pointed", cut, selected_obs=["40001014010"]))), of)
    assert any("switched off" in note for note in state.notes)
    assert of.obs_id[state.stack.mask(of)].tolist() == ["40001014010"]

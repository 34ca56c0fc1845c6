"""The item model of observation tables, and what is copied and exported from it."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtTest import QAbstractItemModelTester

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.mission import Instrument, MissionSpec
from daxa_gui.core.texts import TextColumn
from daxa_gui.gui.models.columns import COMMON_COLUMNS, columns_of, is_empty, public_text, row_order, utc_texts
from daxa_gui.gui.models.export import tab_separated, table_of
from daxa_gui.gui.models.observations import LARGE, ObservationsModel
from tests.benchmarks import synthetic
from tests.fakes.catalogue_window import Parts

SPEC = MissionSpec(
    "testsat", "Testsat Pointed", r"\d+", "1", "ICRS", (Instrument("CAM", "Camera", 0.25),), ("CAM",), "#0072B2", "o",
    column_labels={"revolution": "Revolution"},
)  # fmt: skip


def make_catalogue(n: int = 5) -> Catalogue:
    numbers = np.arange(n)
    exposure = 1000.0 * ((numbers * 7) % n)
    if n > 2:
        exposure[2] = np.nan
    return Catalogue(
        mission="testsat", version="v1", provenance="Made for a test.",
        obs_id=np.array([f"{i:04d}" for i in numbers]),
        ra_deg=(numbers * 33.3) % 360.0, dec_deg=np.linspace(-80, 80, n),
        start_mjd=55000.0 + numbers, end_mjd=55000.5 + numbers, exposure_s=exposure,
        target=np.array([f"Field {chr(65 + i % 26)}, east" for i in numbers]),
        target_type=np.array(["GCL"] * n), instruments=np.array(["CAM"] * n),
        public_mjd=np.full(n, np.nan), unusable_reason=np.array([""] * n),
        search_radius_deg=np.full(n, 0.3), fov_radius_deg=np.full(n, 0.25), simulated=np.zeros(n, bool),
        extra={"revolution": numbers + 100},
    )  # fmt: skip


def column(model: ObservationsModel, name: str) -> int:
    return [c.name for c in model.columns].index(name)


def texts_of(model: ObservationsModel, name: str, n: int) -> list[str]:
    return [model.data(model.index(row, column(model, name))) for row in range(n)]


def texts(model: ObservationsModel, name: str) -> list[str]:
    section = column(model, name)
    return [model.data(model.index(row, section)) for row in range(model.rowCount())]


@pytest.fixture
def model(qapp) -> ObservationsModel:
    return ObservationsModel(SPEC, make_catalogue())


def test_that_the_model_keeps_the_rules_of_item_models(model):
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show(np.array([True, False, True, False, True]), everything=False)
    model.sort(column(model, "exposure_s"), Qt.SortOrder.DescendingOrder)
    model.show(np.zeros(5, bool), everything=False)
    model.set_catalogue(make_catalogue(9))
    model.set_style("degrees")
    assert isinstance(tester.model(), QAbstractItemModel)


def test_that_only_selected_rows_are_shown_until_all_are_wanted(model):
    selected = np.array([True, False, False, True, False])
    model.show(selected, everything=False)
    assert texts(model, "obs_id") == ["0000", "0003"]
    model.show(selected, everything=True)
    assert model.rowCount() == 5
    muted = [model.data(model.index(r, 0), Qt.ItemDataRole.ForegroundRole) is not None for r in range(5)]
    assert muted == [False, True, True, False, True]
    assert model.data(model.index(1, 0), Qt.ItemDataRole.AccessibleDescriptionRole) == "does not pass the filters"


def test_that_unknown_values_stand_last_in_both_orders(model):
    section = column(model, "exposure_s")
    model.sort(section, Qt.SortOrder.AscendingOrder)
    assert texts(model, "exposure_s") == ["0.0", "1.0", "2.0", "3.0", "–"]
    model.sort(section, Qt.SortOrder.DescendingOrder)
    assert texts(model, "exposure_s") == ["3.0", "2.0", "1.0", "0.0", "–"]


def test_that_the_order_stays_when_other_rows_are_shown(model):
    model.sort(column(model, "obs_id"), Qt.SortOrder.DescendingOrder)
    model.show(np.array([True, True, False, True, False]), everything=False)
    assert texts(model, "obs_id") == ["0003", "0001", "0000"]
    model.sort(-1)
    assert texts(model, "obs_id") == ["0000", "0001", "0003"]


def test_that_sorting_takes_persistent_indexes_along(model):
    from PySide6.QtCore import QPersistentModelIndex

    index = QPersistentModelIndex(model.index(1, 0))
    model.sort(column(model, "obs_id"), Qt.SortOrder.DescendingOrder)
    assert model.data(index) == "0001"


def test_that_positions_follow_the_chosen_notation(model):
    model.show(np.array([False, True, False, False, False]), everything=False)
    assert texts(model, "ra_deg") == ["02 13 12.0"]
    assert texts(model, "dec_deg") == ["-40 00 00"]
    model.set_style("degrees")
    assert texts(model, "ra_deg") == ["33.30000"]
    assert texts(model, "dec_deg") == ["-40.00000"]


def test_that_find_goes_round_and_ignores_case(model):
    assert model.find("field c", 0) == 2
    assert model.find("FIELD", 3) == 3
    assert model.find("0001", 4) == 1
    assert model.find("field", 1, backwards=True) == 1
    assert model.find("0004", 1, backwards=True) == 4
    assert model.find("nothing", 0) == -1
    assert model.find("  ", 0) == -1


def test_that_a_mission_brings_its_own_columns():
    catalogue = make_catalogue()
    columns = columns_of(SPEC, catalogue)
    assert len(columns) == len(COMMON_COLUMNS) + 1
    assert columns[-1].heading == "Revolution"
    assert columns[-1].text(catalogue, 2, "degrees") == "102"


def test_that_copied_text_has_headings_and_tabs():
    catalogue = make_catalogue()
    text = tab_separated(catalogue, COMMON_COLUMNS[:3], [4, 1], "degrees")
    assert text.splitlines() == ["ObsID\tTarget\tRA (ICRS)", "0004\tField E, east\t133.20000", "0001\tField B, east\t33.30000"]


def test_that_an_exported_table_is_typed_and_exact():
    catalogue = make_catalogue()
    table = table_of(catalogue, COMMON_COLUMNS, np.array([3, 0, 2]), [("filters", "none")])
    assert table["obs_id"].tolist() == ["0003", "0000", "0002"]
    assert table["ra_deg"].tolist() == catalogue.ra_deg[[3, 0, 2]].tolist() and table.units["ra_deg"] == "deg"
    assert table["target"][0] == "Field D, east"
    assert table["start_utc"][0] == "2009-06-21T00:00:00Z" and table["start_mjd"][0] == 55003.0
    assert np.isnan(table["exposure_s"][2]) and table["public_utc"][0] == ""
    assert table.meta == {"provenance": "Made for a test.", "filters": "none"}
    assert table["simulated"].dtype == bool


def test_that_times_are_written_as_the_calendar_has_them():
    from astropy.time import Time

    mjd = np.array([51544.0, 57754.123456, 60389.999999, 40587.0, np.nan])
    expected = [f"{Time(round(m * 86400) / 86400, format='mjd', scale='utc').isot[:19]}Z" for m in mjd[:4]]
    assert utc_texts(mjd).tolist() == [*expected, ""]


def test_that_release_dates_that_are_not_known_are_not_taken_for_dates():
    assert public_text(float("nan")) == "no restriction known"
    assert public_text(float("inf")) == "not public, date unknown"
    assert public_text(55000.0) == "2009-06-18"


def test_that_a_column_of_restrictions_without_dates_is_not_empty():
    catalogue = dataclasses.replace(make_catalogue(), public_mjd=np.array([np.inf, np.nan, np.nan, np.nan, np.nan]))
    public = next(column for column in COMMON_COLUMNS if column.name == "public")
    assert not is_empty(public, catalogue) and is_empty(public, make_catalogue())


@pytest.mark.parametrize("descending", [False, True])
def test_that_orders_agree_with_sorting_one_by_one(descending):
    random = np.random.default_rng(3)
    numbers = random.choice([1.5, -2.0, 7.0, np.nan], 300)
    texts = random.choice(["", "b", "a", "ä"], 300)
    for values, missing in ((numbers, np.isnan), (texts, lambda v: v == ""), (TextColumn.of(texts), lambda v: v == "")):
        array = np.asarray(values)
        known = [row for row in range(300) if not missing(array[row])]
        expected = sorted(known, key=lambda row: array[row], reverse=False)
        if descending:
            ranks = {value: -rank for rank, value in enumerate(sorted({array[row] for row in known}))}
            expected = sorted(known, key=lambda row: ranks[array[row]])
        rest = [row for row in range(300) if row not in set(known)]
        assert row_order(values, descending).tolist() == expected + rest


def test_that_a_large_table_is_sorted_elsewhere_and_then_shown(qapp):
    waiting = []
    catalogue = make_catalogue(LARGE + 1)
    model = ObservationsModel(SPEC, catalogue, later=lambda work, done: waiting.append((work, done)))
    section = column(model, "exposure_s")
    model.sort(section, Qt.SortOrder.DescendingOrder)
    assert texts_of(model, "obs_id", 2) == ["0000", "0001"]  # not sorted yet
    [(work, done)] = waiting
    done(work())
    top = catalogue.exposure_s[model.rows]
    assert np.all(np.diff(top[np.isfinite(top)]) <= 0) and np.isnan(top[-1])
    selected = np.zeros(len(catalogue), bool)
    selected[::7] = True
    model.show(selected, everything=False)  # the order is known now: nothing waits
    assert len(waiting) == 1 and np.all(np.diff(catalogue.exposure_s[model.rows[:-1]]) <= 0)


def test_that_an_order_that_comes_too_late_is_not_used(qapp):
    waiting = []
    model = ObservationsModel(SPEC, make_catalogue(LARGE + 1), later=lambda work, done: waiting.append((work, done)))
    model.sort(column(model, "exposure_s"))
    model.set_catalogue(make_catalogue(5))
    for work, done in waiting:
        done(work())
    assert model.rowCount() == 5 and texts(model, "exposure_s")[-1] == "–"


# ---- as many rows as Swift has


@pytest.fixture(scope="module")
def swift() -> Catalogue:
    return synthetic.catalogue("swift")


def test_that_three_hundred_thousand_rows_are_shown_and_sorted_without_a_pause(qtbot, tmp_path, swift):
    """A first showing, other filters, and sorting by what was sorted by before: each takes less than sorting the ObsIDs does."""
    from daxa_gui.gui.widgets.mission_page import MissionPage
    from daxa_gui.missions import MISSIONS

    parts = Parts(qtbot, tmp_path)
    page = MissionPage(MISSIONS["swift"], parts.context)
    qtbot.addWidget(page)
    page.resize(900, 300)
    page.show()
    half = np.random.default_rng(1).random(len(swift)) < 0.5
    steps = {
        "catalogue": lambda: page.set_catalogue(swift),
        "half": lambda: page.show_rows(half, everything=False),
        "all": lambda: page.show_rows(~np.zeros(len(swift), bool), everything=False),
        "click on a heading": lambda: page.table.sortByColumn(0, Qt.SortOrder.DescendingOrder),
    }
    times = {}

    def measure(name: str, step) -> None:
        begun = time.perf_counter()
        step()
        page.table.viewport().repaint()
        times[name] = time.perf_counter() - begun

    for name, step in steps.items():
        measure(name, step)
    qtbot.waitUntil(lambda: str(swift.obs_id[page.model.rows[0]]) == max(swift.obs_id.tolist()), timeout=60_000)
    measure("half, sorted", lambda: page.show_rows(half, everything=False))
    page.table.selectAll()
    measure("all chosen", lambda: page.table.horizontalHeader().repaint())
    assert len(page.chosen_rows()) == np.count_nonzero(half)
    parts.close()
    begun = time.perf_counter()
    np.argsort(np.random.default_rng(2).permutation(swift.obs_id))
    assert max(times.values()) < time.perf_counter() - begun, times


def test_that_too_many_rows_are_not_copied_but_said_to_be_too_many(qtbot, tmp_path, swift):
    from daxa_gui.gui.widgets.mission_page import MOST_COPIED, MissionPage
    from daxa_gui.missions import MISSIONS

    parts = Parts(qtbot, tmp_path)
    page = MissionPage(MISSIONS["swift"], parts.context)
    qtbot.addWidget(page)
    page.set_catalogue(swift)
    page.table.selectAll()
    with qtbot.waitSignal(parts.bridge.notice) as signal:
        page.copy()
    assert "353\u202f000 rows are too many" in signal.args[0].message and f"{MOST_COPIED:,}"[:1] in signal.args[0].hint
    parts.close()


def test_that_a_large_table_is_searched_in_the_background(qtbot, tmp_path, swift):
    from daxa_gui.gui.widgets.mission_page import MissionPage
    from daxa_gui.missions import MISSIONS

    parts = Parts(qtbot, tmp_path)
    page = MissionPage(MISSIONS["swift"], parts.context)
    qtbot.addWidget(page)
    page.set_catalogue(swift)
    target = str(swift.target[200_000])
    answers = []
    page.go_to_match(target.upper(), 0, answers.append)
    assert answers == []  # not yet
    qtbot.waitUntil(lambda: answers == [True], timeout=60_000)
    first = page.table.currentIndex().row()
    assert target in str(swift.target[page.model.rows[first]])
    expected = [row for row, text in enumerate(swift.target.tolist()) if target in text]
    assert first == expected[0]
    page.go_to_match(target.upper(), 1, answers.append)
    assert answers == [True, True] and page.table.currentIndex().row() == expected[1 % len(expected)]
    parts.close()

"""Which observation covers which position: the table on a real session, against astropy pair for pair."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QFileDialog

from daxa_gui.core.association import associate
from daxa_gui.core.distance import Distance
from daxa_gui.core.filters import Cone, ObsIds, Positions, Usable
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition
from daxa_gui.gui.models.association import COLUMNS, AssociationModel, CoverCounts, Pairs, column_number
from daxa_gui.gui.panels.association import AssociationPanel
from daxa_gui.gui.theme import DARK, LIGHT
from daxa_gui.gui.widgets.sample_dialog import SampleDialog
from tests.benchmarks import synthetic
from tests.fakes.catalogue_window import Parts, clustered, plain, write_nustar
from tests.gui.test_accessibility import faults

NUSTAR, CALPV = "nustar_pointed", "erosita_calpv"
N_OBSERVATIONS, N_PLACES = 300, 60


@pytest.fixture
def parts(qtbot, tmp_path) -> Iterator[Parts]:
    """With a catalogue of NuSTAR around RA 0, beside the tables of the program."""
    parts = Parts(qtbot, tmp_path)
    parts.session.import_catalogue(write_nustar(tmp_path / "nustar.csv", *clustered(N_OBSERVATIONS)), NUSTAR)
    parts.context.apply_filters()
    yield parts
    parts.close()


@pytest.fixture
def panel(parts) -> AssociationPanel:
    return parts.add(AssociationPanel)


def sample(n: int = N_PLACES, **others) -> Places:
    ra, dec = clustered(n, seed=9)
    return Places(ra, dec, tuple(f"Galaxy {number}" if number % 3 else "" for number in range(n)), **others)


def show(parts: Parts, panel: AssociationPanel, places: Places, distance: Distance, inside: bool = False) -> None:
    panel.show_sample("galaxies.csv", places, distance, inside)
    settle(parts, panel)


def settle(parts: Parts, panel: AssociationPanel) -> None:
    parts.qtbot.waitUntil(lambda: not parts.context._debounce.isActive())
    parts.qtbot.waitUntil(lambda: not panel.is_busy, timeout=60_000)


def column(panel: AssociationPanel, name: str) -> list[str]:
    number = column_number(name)
    return [plain(panel.model.data(panel.model.index(row, number))) for row in range(panel.model.rowCount())]


def expected_pairs(parts: Parts, places: Places, radius_deg: float) -> set[tuple[int, str]]:
    """By astropy: number of the position (from 1) and ObsID."""
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    catalogue = parts.session.catalogue(NUSTAR)
    pointings = SkyCoord(catalogue.ra_deg, catalogue.dec_deg, unit="deg")
    pairs = set()
    for number, (ra, dec) in enumerate(zip(places.ra_deg, places.dec_deg, strict=True), start=1):
        near = pointings.separation(SkyCoord(ra, dec, unit="deg")) <= radius_deg * u.deg
        pairs |= {(number, str(obs_id)) for obs_id in catalogue.obs_id[near]}
    return pairs


def test_that_the_pairs_are_those_that_astropy_finds(parts, panel):
    places = sample()
    show(parts, panel, places, Distance.fixed(0.3))
    wanted = expected_pairs(parts, places, 0.3)
    assert {(int(n), o) for n, o in zip(column(panel, "number"), column(panel, "obs_id"), strict=True)} == wanted
    assert len(wanted) > 50 and panel.model.rowCount() == len(wanted)
    covered, observations = len({n for n, _ in wanted}), len({o for _, o in wanted})
    assert plain(panel.summary.text()) == (
        f"{covered} of {N_PLACES} positions are covered by {observations} observations of NuSTAR."
    )


def test_that_separations_stand_in_a_handy_unit_of_the_heading(parts, panel):
    place = SkyPosition(
        float(parts.session.catalogue(NUSTAR).ra_deg[0]), float(parts.session.catalogue(NUSTAR).dec_deg[0]), "here"
    )
    for radius_deg, heading in ((0.0, "Separation (″)"), (0.3, "Separation (′)")):
        show(parts, panel, Places.of([place]), Distance.fixed(radius_deg))
        assert panel.model.heading(column_number("separation")) == heading
    first = float(column(panel, "separation")[0])
    assert first == 0.0 and all(0.0 <= float(text) <= 18.0 for text in column(panel, "separation"))


@pytest.mark.parametrize("name", ["number", "place", "obs_id", "separation", "obs_start"])
@pytest.mark.parametrize("order", [Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder])
def test_that_each_column_sorts(parts, panel, name, order):
    show(parts, panel, sample(), Distance.fixed(0.3))
    before = sorted(zip(column(panel, "number"), column(panel, "obs_id"), strict=True))
    panel.table.sortByColumn(column_number(name), order)
    settle(parts, panel)
    texts = column(panel, name)
    values = [float(text) for text in texts] if name in ("number", "separation") else texts
    if name == "place":  # positions without a name stand last in both orders
        named = [value for value in values if value.startswith("Galaxy")]
        assert values[: len(named)] == named
        values = named
    steps = [(a >= b) if order == Qt.SortOrder.DescendingOrder else (a <= b) for a, b in pairwise(values)]
    assert all(steps) and len(set(values)) > 5
    assert sorted(zip(column(panel, "number"), column(panel, "obs_id"), strict=True)) == before


def test_that_one_mission_can_be_looked_at_alone(parts, panel):
    calpv = parts.session.catalogue(CALPV)
    place = SkyPosition(float(calpv.ra_deg[0]), float(calpv.dec_deg[0]), "field")
    nustar = parts.session.catalogue(NUSTAR)
    other = SkyPosition(float(nustar.ra_deg[0]), float(nustar.dec_deg[0]), "other")
    show(parts, panel, Places.of([place, other]), Distance.fixed(0.4))
    both = panel.model.rowCount()
    assert "missions" in panel.summary.text() and set(column(panel, "mission")) >= {"NuSTAR", "eROSITA Cal-PV"}
    index = panel.mission_box.findData(CALPV)
    panel.mission_box.setCurrentIndex(index)
    panel.mission_box.activated.emit(index)
    parts.qtbot.waitUntil(lambda: panel.model.rowCount() < both)
    assert set(column(panel, "mission")) == {"eROSITA Cal-PV"}
    assert "1 of 2 positions is covered by" in plain(panel.summary.text()) and "eROSITA Cal-PV" in panel.summary.text()


def test_that_windows_bring_their_columns(parts, panel):
    places = Places(
        np.array([0.5]), np.array([12.0]), ("burst",), start_mjd=np.array([58050.5]), end_mjd=np.array([58060.0])
    )  # fmt: skip
    show(parts, panel, sample(), Distance.fixed(0.3))
    assert panel.table.isColumnHidden(column_number("time_match"))
    show(parts, panel, places, Distance.fixed(3.0))
    assert not panel.table.isColumnHidden(column_number("window_start"))
    found = dict(zip(column(panel, "obs_id"), column(panel, "time_match"), strict=True))
    # each observation lasts a day from 58000 + its number: the one of day 50 overlaps, 51 to 59 lie inside
    days = {obs_id: int(obs_id[1:]) for obs_id in found}
    assert set(days.values()) <= set(range(50, 61)) and len(days) > 4
    assert all(match == ("overlap" if days[o] in (50, 60) else "inside") for o, match in found.items())
    show(parts, panel, places, Distance.fixed(3.0), True)
    assert set(column(panel, "time_match")) == {"inside"}


def test_that_it_follows_a_filter_with_positions(parts, panel):
    assert "Add a filter with a position" in panel.empty.text() and panel.empty_button.isVisible()
    places = sample()
    parts.context.set_stack(parts.context.stack.add(Positions(places, 0.3, "my.csv")))
    parts.qtbot.waitUntil(lambda: panel.model.rowCount() > 0, timeout=60_000)
    assert {(int(n), o) for n, o in zip(column(panel, "number"), column(panel, "obs_id"), strict=True)} == expected_pairs(
        parts, places, 0.3
    )
    rows = panel.model.rowCount()
    assert "no exposure" in parts.session.catalogue(NUSTAR).unusable_reason.tolist()
    parts.context.set_stack(parts.context.stack.add(ObsIds((column(panel, "obs_id")[0],))))
    parts.qtbot.waitUntil(lambda: 0 < panel.model.rowCount() < rows, timeout=60_000)
    assert len(set(column(panel, "obs_id"))) == 1
    parts.context.undo()
    parts.context.undo()
    parts.qtbot.waitUntil(lambda: panel.model.rowCount() == 0 and panel.source is None, timeout=60_000)


def test_that_a_cone_is_a_position_too_and_one_can_choose_among_several(parts, panel):
    nustar = parts.session.catalogue(NUSTAR)
    places = [SkyPosition(float(nustar.ra_deg[row]), float(nustar.dec_deg[row]), f"place {row}") for row in (0, 5)]
    stack = parts.context.stack.add(Cone(places[0], 5.0)).add(Usable())
    parts.context.set_stack(stack)
    parts.qtbot.waitUntil(lambda: panel.source_box.count() == 1 and panel.model.rowCount() > 0, timeout=60_000)
    assert set(column(panel, "place")) == {"place 0"}
    show(parts, panel, Places.of(places[1:]), Distance.fixed(1.0))
    assert panel.source_box.count() == 2 and set(column(panel, "place")) == {"place 5"}
    panel.source_box.setCurrentIndex(0)
    panel.source_box.activated.emit(0)
    parts.qtbot.waitUntil(lambda: column(panel, "place")[:1] == ["place 0"], timeout=60_000)


def test_that_nothing_found_is_said_and_no_error(parts, panel):
    show(parts, panel, Places(np.array([180.0]), np.array([85.0]), ("far",)), Distance.fixed(0.01))
    assert "None of 1 position is covered by any observation" in plain(panel.empty.text())
    assert not panel.export_button.isEnabled() and panel.model.rowCount() == 0


def test_that_too_many_pairs_are_said_to_be_too_many(parts, panel, monkeypatch):
    from daxa_gui.core import association

    monkeypatch.setattr(association, "MOST_ENTRIES", 10)
    show(parts, panel, sample(), Distance.fixed(0.3))
    assert panel.empty.text().startswith("✕ More than") and "smaller distance" in panel.empty.text()
    assert panel.model.rowCount() == 0 and not panel.export_button.isEnabled()


def test_that_the_chosen_row_is_the_observation_of_the_window(parts, panel):
    show(parts, panel, sample(), Distance.fixed(0.3))
    panel.table.selectRow(4)
    assert parts.context.observation == (NUSTAR, column(panel, "obs_id")[4])
    other = next(obs_id for obs_id in column(panel, "obs_id") if obs_id != column(panel, "obs_id")[4])
    parts.context.set_observation(NUSTAR, other)
    assert column(panel, "obs_id")[panel.table.currentIndex().row()] == other
    panel.table.sortByColumn(column_number("separation"), Qt.SortOrder.DescendingOrder)
    settle(parts, panel)
    assert column(panel, "obs_id")[panel.table.currentIndex().row()] == other
    assert parts.context.observation == (NUSTAR, other)


@pytest.mark.parametrize("suffix", [".csv", ".ecsv", ".vot", ".fits", ".parquet"])
def test_that_the_pairs_are_exported_with_types_and_units(parts, panel, tmp_path, monkeypatch, suffix):
    from daxa_gui.exchange.tables import read_table

    places = sample()
    show(parts, panel, places, Distance.fixed(0.3))
    target = tmp_path / f"pairs{suffix}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    panel.export_button.click()
    parts.qtbot.waitUntil(target.exists)
    table = read_table(target)
    assert {(int(n) + 1, str(o)) for n, o in zip(table["position"], table["obs_id"], strict=True)} == expected_pairs(
        parts, places, 0.3
    )
    assert table["separation_deg"].dtype == np.float64 and table["position"].dtype.kind == "i"
    assert suffix == ".csv" or table.units["separation_deg"] == "deg"


def test_that_a_sample_is_read_from_the_panel(parts, panel, tmp_path, monkeypatch):
    places = sample()
    path = tmp_path / "galaxies.csv"
    lines = ["ra,dec", *(f"{ra!r},{dec!r}" for ra, dec in zip(places.ra_deg.tolist(), places.dec_deg.tolist(), strict=True))]
    path.write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    with parts.qtbot.waitSignal(parts.context.panel_requested) as signal:
        panel.empty_button.click()
        dialog = parts.dialog(SampleDialog)
        parts.qtbot.waitUntil(dialog.show_button.isEnabled, timeout=60_000)
        dialog.show_button.click()
    assert signal.args == ["association"]
    parts.qtbot.waitUntil(lambda: panel.model.rowCount() > 0, timeout=60_000)
    assert panel.source is not None and panel.source.label == f"galaxies.csv ({N_PLACES})"


def test_that_every_control_has_a_name_a_tip_and_a_key_in_both_themes(parts, panel):
    assert faults(panel) == []
    show(parts, panel, sample(), Distance.fixed(0.3))
    assert faults(panel) == []
    for theme in (DARK, LIGHT):
        parts.context.set_theme(theme)
        assert not panel.grab().isNull()


# ---- the model


def pairs_of(missions: dict[str, int], n_places: int, radius_deg: float) -> Pairs:
    from daxa_gui.missions import MISSIONS

    catalogues = {name: synthetic.catalogue(name, rows=rows) for name, rows in missions.items()}
    places = synthetic.places(n_places, near=catalogues["swift"])
    found = {name: associate(catalogue, places, Distance.fixed(radius_deg)) for name, catalogue in catalogues.items()}
    return Pairs(found, places, [MISSIONS[name] for name in missions])


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return pairs_of({"swift": 3000, "chandra": 800}, 200, 1.0)


def test_that_the_model_keeps_the_rules_of_item_models(qapp, pairs):
    model = AssociationModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show(pairs, pairs.order("", False))
    model.set_order(pairs.order("separation", True))
    model.show(pairs, pairs.order("obs_id", False, "chandra"))
    model.set_style("degrees")
    model.show(None, np.empty(0, np.int64))
    assert tester.model() is model


@pytest.mark.parametrize("name", [item.name for item in COLUMNS])
def test_that_orders_are_those_of_the_values_one_by_one(pairs, name):
    order = pairs.order(name, False)
    assert sorted(order.tolist()) == list(range(len(pairs)))
    if name in ("obs_id", "instruments", "mission"):
        texts = [pairs.text(pair, name, "degrees") for pair in order.tolist()]
        keys = [pairs.missions[pairs.locate(pair)[0]] for pair in order.tolist()] if name == "mission" else texts
        assert keys == (sorted(keys) if name != "mission" else [n for n in pairs.missions for k in keys if k == n])
    elif name == "separation":
        values = [float(pairs.text(pair, name, "degrees")) for pair in order.tolist()]
        assert values == sorted(values)


def test_that_the_counts_are_those_of_the_pairs(pairs):
    counts = CoverCounts.of(pairs)
    located = [(pairs.locate(pair)[0], pairs.obs_id(pair), pairs.text(pair, "number", "")) for pair in range(len(pairs))]
    assert counts.covered == len({number for _, _, number in located})
    for part, mission in enumerate(pairs.missions):
        assert counts.observations[mission] == len({obs_id for p, obs_id, _ in located if p == part})
        assert counts.covered_by[mission] == len({number for p, _, number in located if p == part})


def scroll_s(qtbot, pairs: Pairs) -> float:
    """The time of one step through a table sorted by the separation, s; the median of 25."""
    from PySide6.QtWidgets import QTableView

    model, view = AssociationModel(), QTableView()
    qtbot.addWidget(view)
    view.setModel(model)
    view.resize(900, 400)
    view.show()
    model.show(pairs, pairs.order("separation", False))
    times = []
    for value in np.linspace(0, view.verticalScrollBar().maximum(), 25).astype(int).tolist():
        begun = time.perf_counter()
        view.verticalScrollBar().setValue(value)
        view.viewport().repaint()
        times.append(time.perf_counter() - begun)
    return sorted(times)[len(times) // 2]


def test_that_a_million_rows_scroll_as_a_thousand_do(qapp, qtbot):
    few, many = pairs_of({"swift": 6_000}, 50, 6.0), pairs_of({"swift": 60_000}, 5000, 6.0)
    assert len(many) > 1_000_000 > 200 * len(few)
    assert scroll_s(qtbot, many) < 10 * scroll_s(qtbot, few)

"""The Archive workspace: tree, search, details, history, log and picture of what an archive holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QLineEdit, QPushButton

from daxa_gui.core.archive_info import ArchiveObservation, HistoryEntry
from daxa_gui.core.download_plan import LeftOut
from daxa_gui.core.events import ProductAdded
from daxa_gui.core.product import Product, ProductKey, ProductKind
from daxa_gui.core.step import Call, Command
from daxa_gui.gui.archive_contents import Entry, product_label
from daxa_gui.gui.described import as_html, fact, history_groups, observation_groups, product_groups
from daxa_gui.gui.models.archive_tree import PRODUCT_ROLE, ArchiveTree
from tests.fakes.archive_windows import opened_elsewhere
from tests.fakes.windows import CLOSED, LONG_MS, Shell, near_the_cluster


def product(number: int, kind: ProductKind = ProductKind.EVENTS, obs_id: str = "1", unit: str = "M1", **more) -> Product:
    return Product(ProductKey("xmm_pointed", obs_id, kind, unit, "S001"), f"/{obs_id}/{number}.fits", 1000 * number, **more)


def entry(obs_id: str, *products: Product, target: str = "Cygnus X-1") -> Entry:
    return Entry.of(ArchiveObservation("xmm_pointed", obs_id, target), products, "XMM-Newton")


def texts(model: ArchiveTree, parent: QModelIndex = QModelIndex()) -> list:  # noqa: B008
    """The names of a tree, nested."""
    result: list = []
    for row in range(model.rowCount(parent)):
        index = model.index(row, 0, parent)
        result.append(index.data())
        if below := texts(model, index):
            result.append(below)
    return result


@pytest.fixture
def tree(qapp):
    model = ArchiveTree({"xmm_pointed": "XMM-Newton"})
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    yield model
    del tester


# ---- the model


def test_that_products_stand_by_unit_and_kind_below_their_observation(tree):
    tree.set_entries([entry("1", product(1, ProductKind.IMAGE), product(2), product(3, unit="PN")), entry("2")])
    events, image = "M1S001  Event list", "M1S001  Image"
    assert texts(tree) == ["XMM-Newton", ["1", [events, image, "PNS001  Event list"], "2"]]
    mission = tree.index(0, 0)
    assert mission.siblingAtColumn(1).data() == "2 observations"
    assert mission.siblingAtColumn(2).data() == "6.0 kB"


def test_that_a_search_shows_whole_observations_or_single_products(tree):
    tree.set_entries([entry("1", product(1), product(2, ProductKind.IMAGE)), entry("77", product(3), target="Vela")])
    tree.set_search(" VELA ")
    assert texts(tree) == ["XMM-Newton", ["77", ["M1S001  Event list"]]]
    tree.set_search("image")
    assert texts(tree) == ["XMM-Newton", ["1", ["M1S001  Image"]]]
    tree.set_search("nowhere")
    assert texts(tree) == []
    tree.set_search("")
    assert tree.count() == 2


def test_that_a_renewed_observation_moves_only_what_changed(tree):
    a, b, c = product(1), product(2, ProductKind.GTI), product(3, ProductKind.IMAGE)
    tree.set_entries([entry("1", a, c), entry("2", product(9, obs_id="2"))])
    moves: list[str] = []
    tree.rowsInserted.connect(lambda _parent, first, last: moves.append(f"+{first}-{last}"))
    tree.rowsRemoved.connect(lambda _parent, first, last: moves.append(f"-{first}-{last}"))
    tree.modelReset.connect(lambda: moves.append("reset"))
    tree.renew([entry("1", a, b, c)])
    assert moves == ["+1-1"]
    tree.renew([entry("1", replace(a, size_bytes=5), c)])
    assert moves == ["+1-1", "-1-1"]
    observation = tree.index_of(("xmm_pointed", "1"))
    assert tree.index(0, 2, observation).data() == "5 B"
    assert tree.index_of(("xmm_pointed", "1"), c.path).data(PRODUCT_ROLE) == c


def test_that_ten_thousand_observations_are_searched_and_come_back(window, qtbot):
    panel = window.panel("archive", "archive")
    panel.model.set_entries([entry(f"{n:010d}", *(product(k, obs_id=f"{n:010d}") for k in range(8))) for n in range(10_000)])
    assert panel.model.count() == 10_000
    for text in ("0000001234", "00001", "nothing has this", ""):
        panel.model.set_search(text)
        assert panel.model.count() == sum(text in f"{n:010d}" for n in range(10_000))
    panel.model.set_entries([])


# ---- the workspace


def tree_index(window: Shell, obs_id: str, label: str = "") -> QModelIndex:
    """The row of an observation, or of its first product whose name has this label in it."""
    model = window.panel("archive", "archive").model
    for entry in window.panel("archive", "archive")._contents.entries.values():
        if entry.observation.obs_id == obs_id:
            path = next(p.path for p, text in zip(entry.products, entry.labels, strict=True) if label in text) if label else ""
            return model.index_of(entry.key, path)
    raise LookupError(obs_id)


def click(window: Shell, qtbot, index: QModelIndex, *, twice: bool = False) -> None:
    view = window.panel("archive", "archive").view
    view.expand(index.parent())
    view.scrollTo(index)
    for press in (qtbot.mouseClick, qtbot.mouseDClick)[: 1 + twice]:
        press(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center())


@pytest.fixture
def archive(reduced, qtbot) -> Shell:
    panel = reduced.panel("archive", "archive")
    qtbot.waitUntil(lambda: panel.model.count() == 3, timeout=LONG_MS)
    return reduced


SWIFT, NUSTAR = "09999901001", "79999001002"


def test_that_without_an_archive_it_says_what_to_do(window):
    panel, details = window.panel("archive", "archive"), window.panel("archive", "product")
    assert "Create one in Find" in panel.summary.text()
    assert not any(widget.isVisible() for widget in (panel.view, panel.search, details.tabs, details.title))


def test_that_the_summary_counts_what_is_there(archive):
    panel = archive.panel("archive", "archive")
    n_products = len(archive.session.products())
    assert f"3 observations · 3 missions · {n_products} products" in panel.summary.text()
    assert "<b>made before</b>" in panel.summary.text()


def test_that_an_observation_shows_its_catalogue_entry_in_words(archive, qtbot):
    click(archive, qtbot, tree_index(archive, CLOSED))
    details = archive.panel("archive", "product")
    text = details.facts.toPlainText()
    assert details.title.text() == f"XMM-Newton Pointed {CLOSED}"
    for words in ("EPIC-MOS1, EPIC-MOS2, EPIC-pn", "RA (ICRS)", "Time (UTC)", "no: ", "CalClosed"):
        assert words in text
    assert "xmm_pointed" not in text and "_mjd" not in text
    assert [details.tabs.isTabVisible(n) for n in range(4)] == [True, False, False, False]
    assert "h " in text
    archive.action("degrees")
    assert "160.2" in details.facts.toPlainText()


def test_that_a_product_shows_facts_history_and_log(archive, qtbot):
    click(archive, qtbot, tree_index(archive, SWIFT, "Good-time"))
    details = archive.panel("archive", "product")
    assert details.title.text() == f"Swift {SWIFT}\nXRTPCW3PO  Good-time intervals"
    qtbot.waitUntil(lambda: "Kept part of the time" in details.facts.toPlainText(), timeout=LONG_MS)
    names = details.facts.toPlainText().split("\n")
    assert "Good time" in names and not any(name.endswith(("_s", " s")) and " " not in name for name in names)
    qtbot.waitUntil(lambda: "the mission's own" in details.history.toPlainText(), timeout=LONG_MS)
    history = details.history.toPlainText()
    for words in (f"Flares: {SWIFT}", "Energy band", "automatic", "DAXA GUI", "SHA-256", "Input file"):
        assert words in history
    assert "None" not in history and "n_sigma" not in history
    qtbot.waitUntil(lambda: details.log_lines.n_lines > 3, timeout=LONG_MS)
    assert "Gaussian" in details.log_lines.text(range(details.log_lines.n_rows))
    assert not details.tabs.isTabVisible(3)


def test_that_an_image_has_a_picture(archive, qtbot):
    click(archive, qtbot, tree_index(archive, NUSTAR, "Image"))
    details = archive.panel("archive", "product")
    assert details.tabs.isTabVisible(3)
    qtbot.waitUntil(details.picture.has_picture, timeout=LONG_MS)
    assert "asinh" in details.picture.caption.text()
    click(archive, qtbot, tree_index(archive, NUSTAR, "Event list"))
    assert not details.picture.has_picture()


def test_that_a_picture_that_cannot_be_read_is_explained(archive, qtbot):
    index = tree_index(archive, NUSTAR, "Image")
    Path(index.data(PRODUCT_ROLE).path).write_bytes(b"SIMPLE")
    click(archive, qtbot, index)
    details = archive.panel("archive", "product")
    qtbot.waitUntil(lambda: Path(index.data(PRODUCT_ROLE).path).name in details.picture.sentence.text(), timeout=LONG_MS)
    assert not details.picture.has_picture()


@pytest.mark.parametrize("how", ["double click", "enter", "button"])
def test_that_a_product_opens_in_inspect(archive, qtbot, how):
    index = tree_index(archive, NUSTAR, "Cleaned")
    click(archive, qtbot, index, twice=how == "double click")
    if how == "enter":
        view = archive.panel("archive", "archive").view
        view.setFocus()
        qtbot.keyClick(view, Qt.Key.Key_Return)
    elif how == "button":
        qtbot.mouseClick(archive.child(QPushButton, "inspectProduct"), Qt.MouseButton.LeftButton)
    assert archive.window.pages.currentWidget().objectName() == "workspace_inspect"
    assert archive.context.product == index.data(PRODUCT_ROLE)


def test_that_a_search_finds_observations_and_products(archive, qtbot):
    panel = archive.panel("archive", "archive")
    search = archive.child(QLineEdit, "archiveSearch")
    qtbot.keyClicks(search, "FPMB")
    qtbot.waitUntil(lambda: panel.model.count() == 1)
    observation = tree_index(archive, NUSTAR)
    assert panel.view.isExpanded(observation)
    assert all("FPMB" in panel.model.index(row, 0, observation).data() for row in range(panel.model.rowCount(observation)))
    search.setText("no such thing")
    qtbot.waitUntil(panel.nothing.isVisible)
    assert not panel.view.isVisible()
    search.clear()
    qtbot.waitUntil(lambda: panel.model.count() == 3 and panel.view.isVisible())


def test_that_ctrl_f_leads_to_the_search(archive, qtbot):
    panel = archive.panel("archive", "archive")
    archive.window.activateWindow()
    panel.view.setFocus()
    qtbot.keyClick(panel.view, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(panel.search.hasFocus)


def test_that_new_products_appear_and_what_is_open_and_chosen_stays(practice, qtbot):
    practice.session.create_archive("growing", near_the_cluster(practice.session, ("nustar_pointed",)))
    panel = practice.panel("archive", "archive")
    qtbot.waitUntil(lambda: "4 products" in panel.summary.text(), timeout=LONG_MS)
    click(practice, qtbot, tree_index(practice, NUSTAR, "FPMA  Event list"))
    chosen = practice.context.product
    practice.session.reduce()
    qtbot.waitUntil(lambda: "12 products" in panel.summary.text(), timeout=LONG_MS)
    assert panel.view.isExpanded(tree_index(practice, NUSTAR))
    assert practice.context.product.path == chosen.path
    assert panel.view.currentIndex().data(PRODUCT_ROLE).path == chosen.path
    assert panel.view.selectionModel().isSelected(panel.view.currentIndex())


def test_that_a_product_that_is_taken_away_is_not_shown_any_more(archive, qtbot):
    index = tree_index(archive, NUSTAR, "FPMA  Image")
    click(archive, qtbot, index)
    gone = index.data(PRODUCT_ROLE)
    archive.session._open.store.forget_products(gone.job_id)
    archive.session.bus.publish(ProductAdded(gone))  # something happened to this observation
    qtbot.waitUntil(lambda: archive.context.product != gone, timeout=LONG_MS)
    assert product_label(gone) not in archive.panel("archive", "product").title.text()
    assert not archive.panel("archive", "archive").model.index_of((gone.key.mission, gone.key.obs_id), gone.path).isValid()


def test_that_closing_the_archive_empties_the_workspace(archive, qtbot):
    click(archive, qtbot, tree_index(archive, NUSTAR, "Image"))
    archive.session.close_archive()
    panel, details = archive.panel("archive", "archive"), archive.panel("archive", "product")
    qtbot.waitUntil(lambda: panel.model.count() == 0)
    assert archive.context.product is None
    assert not details.tabs.isVisible() and "No archive is open" in panel.summary.text()


# ---- words


@pytest.mark.parametrize(
    ("name", "value", "pair"),
    [
        ("n_events", 380737, ("Events", "380\u202f737")),
        ("ontime_s", 16675.99563741684, ("On-time", "16676\u00a0s")),
        ("band_kev", [0.5, 2.0], ("Energy band", "0.5–2\u00a0keV")),
        ("shape", [512, 256], ("Size", "256 × 512\u00a0pixels")),
        ("kept_fraction", 0.8963, ("Kept part of the time", "89.6\u00a0%")),
        ("bytes", 4662720, ("Size unpacked", "4.7 MB")),
        ("ontime_per_ccd_s", {"10": 2.0, "2": 1.5}, ("On-time per CCD", "2: 1.5, 10: 2\u00a0s")),
        ("some_new_thing_deg", 0.25, ("Some new thing", "0.25\u00a0°")),
        ("useful", False, ("Useful", "no")),
        ("start_mjd", 58808.5, ("Start", "2019-11-21 12:00:00\u00a0UTC")),
        ("nothing", None, ("Nothing", "–")),
    ],
)
def test_that_facts_have_labels_units_and_sensible_digits(name, value, pair):
    assert fact(name, value) == pair


def test_that_what_servers_and_files_say_is_escaped():
    hostile = product(1, facts={"<img src=x>": "<script>"})
    page = as_html(product_groups(hostile), "#000000")
    assert "<script>" not in page and "<img" not in page and "&lt;script&gt;" in page


def test_that_an_observation_of_an_unknown_mission_is_still_described():
    groups = observation_groups(ArchiveObservation("newton", "1", "", row={"odd_column": 3}), None, "newton", "degrees")
    pairs = dict(pair for _, pairs in groups for pair in pairs)
    assert pairs["Target"] == "–" and pairs["RA (ICRS)"] == "–" and pairs["Odd column"] == "3"


def test_that_the_history_of_a_command_has_its_arguments():
    task = Command(("evselect", "table=a b.fits"))
    entry = HistoryEntry(1, 1, "flares", "Flares", task, 0.0, 60.0, 1, "", "0.1")
    assert ("Command", [("Arguments", "evselect table=a b.fits")]) in history_groups(entry, [])


def test_that_intervals_by_hand_are_told_in_the_history():
    task = Call("m:f", {"added_s": [], "removed_s": [[10.0, 20.0], [30.0, 40.0]]})
    entry = HistoryEntry(1, 1, "flares", "Flares", task, 1.0, 61.0, 1, "", "0.1")
    groups = dict(history_groups(entry, []))
    assert groups["Parameters"] == [("Good time removed by hand", "(10, 20), (30, 40)")]
    assert ("Took", "60\u00a0s") in groups["Making"]


def test_that_other_files_go_by_their_name():
    key = ProductKey("swift", "1", ProductKind.OTHER)
    assert product_label(Product(key, "/a/b/oif.fits", 1)) == "oif.fits"


# ---- what the archive knows of an observation


def test_that_an_observation_shows_its_exposures_its_places_and_what_came_of_it(archive, qtbot):
    click(archive, qtbot, tree_index(archive, CLOSED))
    details = archive.panel("archive", "product")
    qtbot.waitUntil(lambda: "In this archive" in details.facts.toPlainText(), timeout=LONG_MS)
    text = details.facts.toPlainText()
    facts = archive.session.observation_facts("xmm_pointed", CLOSED)
    for words in ("nothing usable came out", facts.data_path, facts.raw_path, "6 files", "S001", "CalClosed", "not usable: "):
        assert words in text, words
    click(archive, qtbot, tree_index(archive, SWIFT))
    qtbot.waitUntil(lambda: "something usable came out" in details.facts.toPlainText(), timeout=LONG_MS)
    assert "of good time" in details.facts.toPlainText() and "CalClosed" not in details.facts.toPlainText()


def test_that_downloaded_files_are_listed_with_origin_date_and_checksum(archive, qtbot):
    click(archive, qtbot, tree_index(archive, CLOSED))
    details = archive.panel("archive", "product")
    assert details.tabs.isTabVisible(4)
    files = archive.session.files("xmm_pointed", CLOSED)
    qtbot.waitUntil(lambda: details.files.model().rowCount() == len(files) == 3, timeout=LONG_MS)
    model = details.files.model()
    row = [model.index(0, column).data() for column in range(model.columnCount())]
    assert row[0] == files[0].unit and row[5] == files[0].sha256 and "practice sky" in row[4] and row[3].startswith("20")
    assert model.index(0, 4).data(Qt.ItemDataRole.ToolTipRole) == files[0].url_path
    click(archive, qtbot, tree_index(archive, SWIFT, "Good-time"))
    assert not details.tabs.isTabVisible(4)


def test_that_what_is_left_out_of_an_observation_stands_with_its_facts(archive, qtbot):
    left_out = LeftOut("swift", SWIFT, "Not public before 2027.", proprietary=True)
    archive.session._open.store.add_left_out([left_out, LeftOut("nustar_pointed", NUSTAR, "Another one.")])
    click(archive, qtbot, tree_index(archive, SWIFT))
    details = archive.panel("archive", "product")
    qtbot.waitUntil(lambda: "Not public before 2027. With a login" in details.facts.toPlainText(), timeout=LONG_MS)
    assert "Another one" not in details.facts.toPlainText()


def test_that_the_summary_tells_version_disk_use_and_why_nothing_can_be_changed(archive, qtbot):
    panel = archive.panel("archive", "archive")
    newest = archive.session.versions()[0].number
    qtbot.waitUntil(lambda: f"version {newest}" in panel.summary.text(), timeout=LONG_MS)
    assert "on the disk" in panel.summary.text() and "free" in panel.summary.text() and "⚠" not in panel.summary.text()
    with opened_elsewhere(archive, qtbot):
        qtbot.waitUntil(lambda: "⚠" in panel.summary.text() and panel.model.count() == 3, timeout=LONG_MS)
        menu = panel.menu()
        offered = {action.text(): action.isEnabled() for action in menu.actions() if not action.isSeparator()}
        assert not any(is_on for text, is_on in offered.items() if "raw data…" in text or "fetched" in text or "Delete" in text)


def test_that_the_menu_of_the_tree_is_about_what_is_chosen(archive, qtbot, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: shown.append(url.toLocalFile()) or True)
    panel = archive.panel("archive", "archive")
    click(archive, qtbot, tree_index(archive, SWIFT))
    entries = {action.text().replace("&", ""): action for action in panel.menu().actions()}
    assert not entries["Inspect"].isEnabled() and entries["Delete raw data of 1 observation…"].isEnabled()
    entries["Show folder of products"].trigger()
    facts = archive.session.observation_facts("swift", SWIFT)
    qtbot.waitUntil(lambda: shown == [facts.data_path], timeout=LONG_MS)
    entries["Show folder of raw data"].trigger()
    qtbot.waitUntil(lambda: shown == [facts.data_path, facts.raw_path], timeout=LONG_MS)
    panel.view.selectAll()
    several = {action.text().replace("&", ""): action for action in panel.menu().actions()}
    assert several["Delete raw data of 3 observations…"].isEnabled()
    assert not several["Show folder of products"].isEnabled() and not several["Change what is fetched…"].isEnabled()
    archive.action("show_archive_folder")
    assert shown[-1] == archive.session.archive.path


def test_that_a_folder_that_is_not_there_is_told(archive, qtbot, monkeypatch):
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: False)
    desk = archive.panel("archive", "archive")._desk
    desk.show_folder("/nowhere/at/all")
    qtbot.waitUntil(lambda: "There is no folder /nowhere/at/all" in archive.notice())
    desk.show_archive_folder()
    qtbot.waitUntil(lambda: "No file manager" in archive.notice())

"""What a person with a keyboard or a screen reader finds in every workspace and dialog, as Qt tells it to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QDockWidget,
    QFrame,
    QLabel,
    QLineEdit,
    QMenu,
    QScrollBar,
    QTabBar,
    QToolButton,
    QWidget,
)

from daxa_gui.core.events import Notice
from daxa_gui.core.filters import Cone
from daxa_gui.gui.actions import ARCHIVE_MENU, CATALOGUES_MENU
from daxa_gui.gui.inspected import Inspected
from daxa_gui.gui.panels import PANELS, WORKSPACES
from daxa_gui.gui.widgets.create_archive import CreateArchiveDialog
from daxa_gui.gui.widgets.filter_editor import FILTER_KINDS, FilterDialog
from daxa_gui.gui.widgets.run_reduction import RunReductionDialog
from daxa_gui.gui.widgets.verdict_bar import OverrideDialog
from tests.fakes.windows import LONG_MS, Shell, copy_output, shell

WITHOUT_LETTER = (ARCHIVE_MENU, CATALOGUES_MENU)
ENTRIES = (QLineEdit, QComboBox, QAbstractSpinBox, QAbstractSlider)


def is_own(widget: QWidget) -> bool:
    """Not a part that Qt makes inside one of its own widgets."""
    parent = widget.parentWidget()
    if widget.objectName().startswith("qt_") or isinstance(widget, QScrollBar):
        return False
    inside = (QAbstractSpinBox, QComboBox, QLineEdit, QTabBar, QAbstractItemView)
    return not isinstance(parent, inside) and not isinstance(
        parent.parentWidget() if parent else None, (QComboBox, QAbstractItemView)
    )


def visible(root: QWidget) -> list[QWidget]:
    return [w for w in (root, *root.findChildren(QWidget)) if w.isVisibleTo(root) and w.window() is root.window() and is_own(w)]


def takes_focus(widget: QWidget) -> bool:
    return bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus) and widget.isEnabled() and widget.focusProxy() is None


def told(widget: QWidget, what: QAccessible.Text = QAccessible.Text.Name) -> str:
    """What a screen reader says of a widget."""
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(what).strip() if interface is not None else ""


def describe(widget: QWidget) -> str:
    panel = next((p.objectName() for p in ancestors(widget) if p.objectName().startswith("panel_")), "")
    return f"{panel} {type(widget).__name__} « {widget.objectName()} » {getattr(widget, 'text', str)()!r}"


def ancestors(widget: QWidget) -> Iterator[QWidget]:
    while widget is not None:
        yield widget
        widget = widget.parentWidget()


def faults(root: QWidget) -> list[str]:
    """Everything in a workspace or dialog that somebody could not use or understand."""
    found = []
    for widget in visible(root):
        is_control = isinstance(widget, (QAbstractButton, *ENTRIES))
        if is_control and not widget.objectName():
            found.append(f"no object name: {describe(widget)}")
        if is_control and not widget.toolTip():
            found.append(f"no tool tip: {describe(widget)}")
        if (is_control or takes_focus(widget)) and not told(widget):
            found.append(f"no name: {describe(widget)}")
        if isinstance(widget, QAbstractButton) and not reachable(widget):
            found.append(f"not reachable by keyboard: {describe(widget)}")
        if isinstance(widget, QLabel) and widget.accessibleName() and widget.text() not in widget.accessibleName():
            found.append(f"its name hides its text: {describe(widget)}")
    return found


def reachable(button: QAbstractButton) -> bool:
    """By Tab, by the arrow keys from another one of its group, or (title bars of docks) by the menu that does the same."""
    in_group = button.group() is not None and button.group().exclusive()
    return button.focusPolicy() != Qt.FocusPolicy.NoFocus or in_group or isinstance(button.parentWidget(), QDockWidget)


def focus_chain(root: QWidget) -> list[QWidget]:
    """The widgets that the Tab key visits within `root`, in order, from the first one on."""
    chain, widget = [], root.nextInFocusChain()
    while widget is not root:
        if root.isAncestorOf(widget) and takes_focus(widget) and widget.isVisibleTo(root) and is_own(widget):
            chain.append(widget)
        widget = widget.nextInFocusChain()
    return chain


def mnemonics(root: QWidget) -> Counter[str]:
    """The letters that work with Alt, and how many controls want each; also those that cannot be used right now."""
    texts = [w.text() for w in visible(root) if isinstance(w, QAbstractButton)]
    texts += [w.text() for w in visible(root) if isinstance(w, QLabel) and w.buddy() is not None]
    for bar in (w for w in visible(root) if isinstance(w, QTabBar)):
        texts += [bar.tabText(number) for number in range(bar.count()) if bar.isTabVisible(number)]
    keys = (QKeySequence.mnemonic(text).toString() for text in texts)
    return Counter(key.removeprefix("Alt+") for key in keys if key)


def menu_letters(window: Shell) -> Counter[str]:
    """Those of the menu bar; two menus have none, and F10 with the arrow keys leads to them."""
    menus = [action for action in window.window.menuBar().actions() if action.text() not in WITHOUT_LETTER]
    return Counter(QKeySequence.mnemonic(action.text()).toString().removeprefix("Alt+") for action in menus)


def twice(letters: Counter[str]) -> dict[str, int]:
    return {letter: count for letter, count in letters.items() if count > 1}


@pytest.fixture
def full(qtbot, tmp_path, made_output) -> Iterator[Shell]:
    """A window with an archive, a search and an exposure, in practice mode, so that every part has something to show."""
    output = copy_output(made_output, tmp_path / "output")
    with shell(qtbot, output) as window:
        window.action("practice")
        qtbot.waitUntil(window.session.practice_ready, timeout=LONG_MS)
        window.window.open_archive(str(output / "archives" / "made before"), show="")
        qtbot.waitUntil(lambda: "made before" in window.window.windowTitle(), timeout=LONG_MS)
        window.context.set_stack(window.context.stack.add(Cone(window.session.resolve_name("practice cluster"), None)))
        window.context.apply_filters()
        [swift] = [exposure for exposure in window.session.exposures() if exposure.mission == "swift"]
        window.context.set_observation("swift", swift.obs_id)
        window.context.set_product(swift.raw)
        yield window


def ready(window: Shell, qtbot, name: str) -> QWidget:
    """A workspace with everything in its place."""
    window.window.show_workspace(name)
    workspace = window.window.workspaces[name]
    qtbot.waitUntil(lambda: workspace.is_arranged)
    if name == "inspect":
        inspected = window.context.findChild(Inspected)
        qtbot.waitUntil(lambda: inspected.cleaning is not None, timeout=LONG_MS)
    window.context.background.wait_until_idle()
    qtbot.wait(50)
    return workspace


@pytest.mark.parametrize("name", WORKSPACES)
def test_that_every_control_of_a_workspace_has_a_name_a_tool_tip_and_a_key(full, qtbot, name):
    found = faults(ready(full, qtbot, name))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", WORKSPACES)
def test_that_no_two_controls_of_a_workspace_want_the_same_letter(full, qtbot, name):
    letters = mnemonics(ready(full, qtbot, name))
    menus = menu_letters(full)
    assert twice(letters + menus) == {}


@pytest.mark.parametrize("name", WORKSPACES)
def test_that_the_tab_key_visits_everything_panel_by_panel(full, qtbot, name):
    workspace = ready(full, qtbot, name)
    chain = focus_chain(workspace)
    assert set(chain) == {widget for widget in visible(workspace) if takes_focus(widget)}
    panels = [next((a.objectName() for a in ancestors(w) if a in workspace.panels.values()), "") for w in chain]
    visits = [panel for before, panel in pairwise(["", *panels]) if panel and panel != before]
    assert len(visits) == len(set(visits)), visits
    with_controls = {f"panel_{spec.name}" for spec in PANELS if spec.workspace == name}
    assert set(visits) <= with_controls


def test_that_the_tab_key_visits_the_sky_from_top_to_bottom(full, qtbot):
    workspace = ready(full, qtbot, "find")
    names = [w.objectName() for w in focus_chain(workspace) if workspace.panels["sky"] in ancestors(w)]
    assert names[:2] == ["goTo", "wholeSky"]
    assert names.index("legendButton") < names.index("skyView")
    boxes = [name for name in names if name.startswith("legend_")]
    assert len(boxes) > 2 and names[names.index("skyView") + 1 :] == boxes


@pytest.mark.parametrize("panel", ["catalogues", "association"])
def test_that_panels_behind_a_tab_are_as_usable_when_they_are_in_front(full, qtbot, panel):
    ready(full, qtbot, "find")
    full.window.show_panel(panel)
    workspace = full.window.workspaces["find"]
    qtbot.waitUntil(lambda: workspace.panels[panel].isVisible() and not workspace.panels["missions"].isVisible())
    workspace = ready(full, qtbot, "find")
    assert faults(workspace) == []
    menus = menu_letters(full)
    assert twice(mnemonics(workspace) + menus) == {}
    chain = focus_chain(workspace)
    assert set(chain) == {widget for widget in visible(workspace) if takes_focus(widget)}
    assert any(workspace.panels[panel] in ancestors(widget) for widget in chain)


@pytest.mark.parametrize("panel", ["results", "versions", "regions", "upkeep"])
@pytest.mark.parametrize("chosen", ["product", "observation"])
def test_that_panels_of_the_archive_are_usable_when_they_are_in_front(full, qtbot, panel, chosen):
    workspace = ready(full, qtbot, "archive")
    if chosen == "observation":
        full.context.set_product(None)
    full.window.show_panel(panel)
    qtbot.waitUntil(workspace.panels[panel].isVisible)
    pages = workspace.panels["upkeep"].tabs if panel == "upkeep" else None
    for page in range(pages.count() if pages is not None else 1):
        if pages is not None:
            pages.setCurrentIndex(page)
        ready(full, qtbot, "archive")
        assert faults(workspace) == []
        assert twice(mnemonics(workspace) + menu_letters(full)) == {}
        chain = focus_chain(workspace)
        assert set(chain) == {widget for widget in visible(workspace) if takes_focus(widget)}


@pytest.mark.parametrize("name", WORKSPACES)
def test_that_tables_and_plots_say_what_they_are(full, qtbot, name):
    workspace = ready(full, qtbot, name)
    views = [w for w in visible(workspace) if isinstance(w, QAbstractItemView)]
    assert all(told(view) for view in views)
    nameless = [
        describe(w) for w in visible(workspace) if type(w).__module__.startswith("pyqtgraph") and takes_focus(w) and not told(w)
    ]
    assert nameless == []


def test_that_the_frame_of_the_window_is_named_and_reachable(full, qtbot):
    full.window.notice_bar.show_notice(Notice("warning", "Careful.", "", "details"))
    parts = [full.child(QFrame, "rail"), full.window.notice_bar, full.window.status_line]
    assert [fault for part in parts for fault in faults(part)] == []
    assert any(takes_focus(button) for button in full.window.findChildren(QToolButton, "workspaceButton"))
    for menu in full.window.menuBar().findChildren(QMenu):
        named = [a for a in menu.actions() if not a.isSeparator() and a.text() not in WITHOUT_LETTER]
        letters = Counter(QKeySequence.mnemonic(a.text()).toString() for a in named)
        assert max(letters.values(), default=0) <= 1, (menu.title(), letters)


def test_that_the_first_page_is_named_and_reachable(window, qtbot):
    assert faults(window.window.welcome) == []
    names = [told(widget) for widget in focus_chain(window.window.welcome)]
    assert names[:3] == ["Practice", "Open an archive…", "New search"]


# ---- dialogs


def dialog_of(window: Shell, kind: type[QDialog]) -> QDialog:
    found = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, kind) and widget.isVisible()]
    assert len(found) == 1
    return found[0]


def check(dialog: QDialog) -> None:
    """Names, tips, letters, and a Tab key that goes from top to bottom and from left to right."""
    found = faults(dialog)
    assert not found, "\n".join(found)
    assert twice(mnemonics(dialog)) == {}
    assert dialog.windowTitle()
    chain = focus_chain(dialog)
    assert set(chain) == {widget for widget in visible(dialog) if takes_focus(widget)}
    start = next((number for number, w in enumerate(chain) if place(w, dialog) == min(place(x, dialog) for x in chain)), 0)
    tops = [place(widget, dialog) for widget in chain[start:] + chain[:start]]
    steps_up = [(after, before) for before, after in pairwise(tops) if after[0] < before[0] - 40]
    assert len(steps_up) <= 1, steps_up


def place(widget: QWidget, dialog: QDialog) -> tuple[int, int]:
    position = widget.mapTo(dialog, QPoint(0, 0))
    return position.y(), position.x()


@pytest.mark.parametrize("kind", [kind.name for kind in FILTER_KINDS if kind.name != "usable"])
def test_that_filter_dialogs_can_be_used_with_keyboard_and_screen_reader(full, qtbot, kind):
    filters = full.panel("find", "filters")
    filters.add(next(k for k in FILTER_KINDS if k.name == kind))
    dialog = dialog_of(full, FilterDialog)
    check(dialog)
    dialog.reject()


def open_run_step(window: Shell, qtbot) -> None:
    processing = window.panel("queue", "processing")
    qtbot.waitUntil(processing.step_button.isEnabled, timeout=LONG_MS)
    processing.step_button.click()


def open_create_archive(window: Shell, qtbot) -> None:
    window.panel("find", "summary").create_button.click()


def open_override(window: Shell, qtbot) -> None:
    workspace = ready(window, qtbot, "inspect")
    workspace.panels["lightcurve"].ask_override()  # the button wants changed limits first


@pytest.mark.parametrize(
    ("kind", "show"),
    [(RunReductionDialog, open_run_step), (CreateArchiveDialog, open_create_archive), (OverrideDialog, open_override)],
)
def test_that_other_dialogs_can_be_used_with_keyboard_and_screen_reader(
    full, qtbot, kind: type[QDialog], show: Callable[[Shell, object], None]
):  # fmt: skip
    show(full, qtbot)
    dialog = dialog_of(full, kind)
    if isinstance(dialog, RunReductionDialog):
        qtbot.waitUntil(lambda: dialog.choice is not None, timeout=LONG_MS)
        dialog.choice.tick(["flares", "image"])
        qtbot.waitUntil(lambda: "stay" in dialog.preview.sentence.text(), timeout=LONG_MS)
    check(dialog)
    dialog.reject()


def test_that_the_details_of_a_notice_can_be_used_with_keyboard_and_screen_reader(full, qtbot):
    from daxa_gui.gui.notify import DetailsDialog

    full.window.notice_bar.show_notice(Notice("error", "No.", "", "Traceback"))
    full.window.notice_bar._on_details_clicked()
    dialog = dialog_of(full, DetailsDialog)
    check(dialog)
    dialog.reject()

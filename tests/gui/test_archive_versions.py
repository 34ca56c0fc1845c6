"""The panel « Versions »: it follows the archive, shows what a version held, and how two differ."""

from __future__ import annotations

from daxa_gui.core.archive_queries import ArchiveVersion, VersionContents, VersionDifference, VersionProduct
from daxa_gui.gui.widgets.version_views import contents_html, difference_html, version_html
from tests.fakes.archive_windows import choose, dialog, observation, opened_elsewhere, press, rows, show, wait_for
from tests.fakes.windows import near_the_cluster


def filled(window, qtbot):
    panel = show(window, qtbot, "versions")
    wait_for(qtbot, lambda: bool(rows(panel.table)))
    return panel


def test_that_versions_are_listed_with_what_they_changed(reduced, qtbot):
    panel = filled(reduced, qtbot)
    numbers = [version.number for version in reduced.session.versions()]
    assert [row[0] for row in rows(panel.table)] == numbers and len(numbers) >= 2
    assert "observation" in rows(panel.table)[-1][4] and rows(panel.table)[0][2] == "3"
    assert panel.state.text() == f"The newest version is {numbers[0]}."


def test_that_a_version_shows_what_it_held(reduced, qtbot):
    panel = filled(reduced, qtbot)
    assert panel.text.placeholderText() and not panel.text.toPlainText()
    choose(panel.table, 0)
    number = rows(panel.table)[0][0]
    wait_for(qtbot, lambda: "Parameters" in panel.text.toPlainText())
    text = panel.text.toPlainText()
    swift = observation(reduced, "swift").obs_id
    for words in (f"Version {number}", "NuSTAR Pointed", swift, "Good time", "flares"):
        assert words in text
    panel.table.selectionModel().clear()
    wait_for(qtbot, lambda: not panel.text.toPlainText())


def test_that_a_version_appears_when_work_has_come_to_rest(practice, qtbot):
    practice.session.create_archive("growing", near_the_cluster(practice.session, ("swift",)))
    panel = show(practice, qtbot, "versions")
    wait_for(qtbot, lambda: [row[0] for row in rows(panel.table)] == ["1.0"])
    practice.session.reduce()
    wait_for(qtbot, lambda: len(rows(panel.table)) == 2)
    assert panel.state.text() == "The newest version is 1.1."
    assert "version 1.1" in _summary(practice, qtbot, "1.1")


def _summary(window, qtbot, number: str) -> str:
    panel = window.panel("archive", "archive")
    wait_for(qtbot, lambda: f"version {number}" in panel.summary.text())
    return panel.summary.text()


def test_that_a_step_run_with_another_parameter_makes_a_version_that_can_be_compared(reduced, qtbot):
    panel = filled(reduced, qtbot)
    before = rows(panel.table)[0][0]
    reduced.session.reduce(["flares", "clean"], {"flares": {"n_sigma": 1.0}})
    wait_for(qtbot, lambda: rows(panel.table)[0][0] != before)
    choose(panel.table, 0, 1)
    wait_for(qtbot, lambda: f"From {before} to" in panel.text.toPlainText())
    text = panel.text.toPlainText()
    assert "Files that changed" in text and "→" in text
    assert "Nothing differs" not in text and "New observations" not in text


def test_that_a_note_is_kept_with_the_version(reduced, qtbot):
    panel = filled(reduced, qtbot)
    press(qtbot, panel.note_button)
    box = dialog(qtbot, "noteVersionDialog")
    box.setTextValue("Before the <b>referee</b> report")
    box.accept()
    wait_for(qtbot, lambda: "referee" in rows(panel.table)[0][4])
    choose(panel.table, 0)
    wait_for(qtbot, lambda: "Before the <b>referee</b> report" in panel.text.toPlainText())


def test_that_a_second_note_without_a_change_is_refused_in_words(reduced, qtbot):
    panel = filled(reduced, qtbot)
    panel.note("one")
    wait_for(qtbot, lambda: "one" in rows(panel.table)[0][4])
    n_versions = len(rows(panel.table))
    panel.note("two")
    wait_for(qtbot, lambda: "Nothing has changed since the last version" in reduced.notice())
    assert len(rows(panel.table)) == n_versions


def test_that_an_archive_that_is_open_elsewhere_shows_versions_and_says_why_no_more(reduced, qtbot):
    with opened_elsewhere(reduced, qtbot):
        panel = filled(reduced, qtbot)
        assert panel.read_only.isVisible() and reduced.session.archive.read_only in panel.read_only.text()
        assert not panel.note_button.isEnabled() and not panel.update_button.isEnabled()


def test_that_without_an_archive_it_says_so(window, qtbot):
    panel = show(window, qtbot, "versions")
    assert panel.state.text() == "No archive is open."
    assert not panel.note_button.isEnabled() and not panel.update_button.isEnabled()


# ---- words


def product(path: str, n_events: int = 10) -> VersionProduct:
    return VersionProduct("swift", "1", "XRT", "clean_events", path, "00", 1, "clean", facts={"n_events": n_events})


def test_that_what_an_archive_says_is_escaped_and_long_lists_are_cut():
    version = ArchiveVersion("1.0", 0.0, ("<img src=x>",), 1, 1, "<script>")
    assert "<img" not in version_html(version) and "<script>" not in version_html(version)
    many = tuple(("swift", f"{n:011d}") for n in range(1000))
    page = contents_html(VersionContents(version, many, ()), {"swift": "Swift"})
    assert "and 800 more" in page and "(1\u202f000)" in page


def test_that_a_difference_tells_how_a_file_changed():
    changed = ((product("a<b>.fits", 12345), product("a<b>.fits", 54321)),)
    page = difference_html(VersionDifference("1.0", "1.1", (), (), (), (), changed, ("Cleaned anew.",)), {})
    assert "12\u202f345 → 54\u202f321 events" in page and "a&lt;b&gt;.fits" in page
    nothing = difference_html(VersionDifference("1.0", "1.1", (), (), (), (), (), ()), {})
    assert "Nothing differs" in nothing

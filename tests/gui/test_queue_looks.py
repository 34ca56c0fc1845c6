"""What the Queue workspace and the Create archive dialog say and show where there is little to show, or something is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from daxa_gui.archive.lock import ArchiveLock
from daxa_gui.core.download_plan import DownloadPlan, LeftOut
from daxa_gui.core.job import JobState
from daxa_gui.core.software import SoftwareStatus
from daxa_gui.gui.models.download_columns import WORDS, DownloadColumns, general
from daxa_gui.gui.models.downloads import Column
from daxa_gui.gui.models.plan_digest import PlanDigest
from daxa_gui.gui.models.software_words import software_sentence
from daxa_gui.gui.widgets.download_texts import Pace, summary_sentence
from daxa_gui.gui.widgets.grouped_list import left_out_groups, left_out_sentence
from daxa_gui.reduction.software import find_software
from tests.fakes.download_session import SERVER_DOWN, Downloads, DownloadSession, download
from tests.fakes.windows import LONG_MS, copy_output

_S = JobState
XMM = "xmm_pointed"


@pytest.fixture
def opened(qtbot):
    made = []

    def open_(*jobs) -> Downloads:
        one = Downloads(DownloadSession(jobs))
        qtbot.addWidget(one.panel)
        made.append(one)
        qtbot.waitUntil(lambda: one.panel.model.columns.n_rows == len(jobs))
        return one

    yield open_
    for one in made:
        one.close()


def picture(widget: QWidget) -> QImage:
    return widget.grab().toImage()


# ---- the tree


def test_that_the_words_of_all_states_fit_into_their_column(opened):
    view = opened(download(1)).panel.view
    widest = max(view.fontMetrics().horizontalAdvance(word) for word in WORDS)
    assert view.columnWidth(Column.STATE) >= 26 + widest + 4  # mark, word, margin


def test_that_rates_have_a_column_only_while_something_is_to_come(opened):
    busy, done = opened(download(1)), opened(download(1, state=_S.SUCCEEDED))
    for one in (busy, done):
        one.panel.resize(1000, 600)
        one.panel.refresh()
    assert not busy.panel.view.isColumnHidden(Column.RATE)
    assert done.panel.view.isColumnHidden(Column.RATE) and done.panel.view.isColumnHidden(Column.LEFT)
    assert not done.panel.view.isColumnHidden(Column.MESSAGE)


def test_that_a_filter_that_leaves_nothing_says_so(opened, qtbot):
    panel = opened(download(1)).panel
    panel.resize(600, 600)
    panel.text.setText("no such file")
    qtbot.waitUntil(lambda: panel.model.rowCount() == 0)
    said = picture(panel.view.viewport())
    ground = said.pixelColor(1, 1)
    inked = {said.pixelColor(x, y).rgb() for x in range(said.width()) for y in range(said.height() // 3, said.height() * 2 // 3)}
    assert inked - {ground.rgb()}  # an empty tree is one colour


def test_that_the_tab_key_goes_from_top_to_bottom(opened):
    panel = opened(download(1), download(2, state=_S.PAUSED)).panel
    panel.show()
    panel.refresh()
    names, widget = [], panel.verbs.buttons["pause"]
    while widget is not None and len(names) < 200:
        if widget.focusPolicy().value & 1 and widget.objectName() and "spinbox" not in widget.objectName():
            names.append(widget.objectName())
        widget = widget.nextInFocusChain()
        if widget is panel.verbs.buttons["pause"]:
            break
    lane = next(name for name in names if name.startswith("pauseLane_"))
    order = ["pauseDownloads", "resumeDownloads", "retryDownloads", "cancelDownloads", "downloadsFilter", "downloadsText"]
    order += ["downloadsTree", "showLeftOut", lane, "bandwidthLimit", "connectionLimit"]
    assert [name for name in names if name in order] == order


def test_that_nothing_can_be_run_in_an_archive_that_is_only_looked_at(window, qtbot, made_output, tmp_path):
    folder = copy_output(made_output, tmp_path / "copy") / "archives" / "made before"
    lock = ArchiveLock(folder / ".daxa_gui.lock")
    try:
        processing = window.panel("queue", "processing")
        window.window.open_archive(str(folder), show="queue")
        qtbot.waitUntil(lambda: processing.model.rowCount() > 0, timeout=LONG_MS)
        qtbot.waitUntil(lambda: "another program" in processing.run_button.toolTip(), timeout=LONG_MS)
        for button in (processing.run_button, processing.step_button, processing.retry_button, processing.cancel_button):
            assert not button.isEnabled() and window.session.archive.read_only in button.toolTip()
    finally:
        lock.release()


# ---- sentences


def test_that_a_failure_has_no_address_in_it_so_that_equal_ones_stand_together():
    broken = "The connection to x.org broke (reset) at http://x.org/a%20b/{0}/. The network may be down."
    assert general(broken.format("1"), "", "123") == "The connection to x.org broke (reset). The network may be down."
    assert general("x.org refuses connections (https://x.org/1/).", "", "123") == "x.org refuses connections."
    assert general("The server answered 503 Busy for https://x.org/a.gz.", "", "1") == "The server answered 503 Busy."


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (_S.FAILED, "It could not be found out which files 2 observations have · 2 failed"),
        (_S.SUCCEEDED, "There is nothing to fetch of 2 observations"),
    ],
)
def test_that_nobody_is_said_to_ask_when_the_asking_is_over(state, words):
    jobs = [replace(download(n, f"{n}"), kind="plan", state=state) for n in (1, 2)]
    jobs = [replace(job, error=SERVER_DOWN) if state is _S.FAILED else job for job in jobs]
    assert summary_sentence(DownloadColumns.of_jobs(jobs, {}).sums, Pace()) == words


def test_that_folders_are_not_called_files_and_one_reason_stands_once():
    reason = "The archive has no such folder."
    left_out = [LeftOut(XMM, str(n), reason, unit=f"xmm/data/rev0/{n}/ODF/") for n in range(3)]
    assert left_out_sentence(left_out) == "3 folders are left out."
    [group] = left_out_groups(left_out, {XMM: "XMM-Newton"})
    assert group.sentence == f"XMM-Newton: {reason}" and len(group.names) == 3


def test_that_a_plan_without_answers_does_not_say_that_there_is_nothing():
    silent = DownloadPlan((), problems=("x.org does not answer.",))
    assert PlanDigest.of(silent, {}).headline() == "It could not be found out what there is to fetch."
    assert PlanDigest.of(DownloadPlan(()), {}).headline() == "There is nothing to fetch."


def test_that_software_that_nobody_named_is_one_line_and_what_is_wrong_a_line_each(tmp_path):
    found = find_software({"ciao_folder": str(tmp_path)}, environment={})
    lines = software_sentence(found).split("\n")
    assert len(lines) == 3
    assert lines[0].startswith("Built-in engine") and "has no bin/ciao.sh" in lines[1]
    assert lines[2].startswith("Not found: SAS, HEASoft, eSASS, CCF, CALDB.")


def test_that_software_that_is_all_there_needs_no_line_about_what_is_not():
    assert software_sentence([SoftwareStatus("builtin", "1", True, "Built-in engine.")]) == "Built-in engine."

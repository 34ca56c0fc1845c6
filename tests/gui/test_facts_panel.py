"""The facts of an opened event list, on a real file."""

import re

import pytest
from PySide6.QtCore import QThreadPool

from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.panels.facts import FactsPanel
from daxa_gui.session import Session


@pytest.fixture
def panel(qtbot, tmp_path):
    session = Session(output_folder=tmp_path / "output", cache=tmp_path / "cache", start=QThreadPool.globalInstance().start)
    context = Context(session)
    bridge = Bridge(session.bus)
    panel = FactsPanel(session, context, bridge)
    qtbot.addWidget(panel)
    panel.context = context
    yield panel
    context.background.wait_until_idle()
    bridge.stop()
    context.background.close()
    session.close()


def test_that_rows_energies_good_time_per_ccd_and_exposure_of_a_real_list_are_shown(panel, qtbot, shared_data):
    assert "Choose an exposure" in panel.text.toPlainText()
    panel.context.file_opened.emit(str(shared_data / "xmm/0404910601/eclean/mos1_exp1_clean_evts.fits"))
    qtbot.waitUntil(lambda: "EXPOSURE" in panel.text.toPlainText(), timeout=60_000)
    text = panel.text.toPlainText()
    text = re.sub(r"(?<=\d)\s(?=\d{3}\b)", "", text.replace("\n", " | "))
    assert re.search(r"Rows\W+72308\b", text)
    assert re.search(r"ONTIME\W+12914\.866 s", text)
    assert re.search(r"LIVETIME\W+12667\.139 s", text)
    assert re.search(r"Lowest energy\W+0\.080 keV", text)
    for ccd in (1, 2, 3, 4, 5, 7):
        assert re.search(rf"\b{ccd}\W+12914\.866\W+32\b", text)
    assert not re.search(r"\b6\W+12914\.866", text)


def test_that_a_file_that_is_no_event_list_has_no_facts(panel, qtbot, tmp_path):
    bad = tmp_path / "bad.fits"
    bad.write_text("nothing of the kind")
    panel.context.file_opened.emit(str(bad))
    panel.context.background.wait_until_idle()
    assert "ONTIME" not in panel.text.toPlainText()

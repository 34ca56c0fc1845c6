"""The Find workspace with the practice sky: the tables fill when it is ready, and an archive of it is made."""

from __future__ import annotations

from pathlib import Path

from daxa_gui.core.filters import Cone
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.panels.details import DetailsPanel
from daxa_gui.gui.panels.missions import MissionsPanel
from daxa_gui.gui.panels.sky import SkyPanel
from daxa_gui.gui.panels.summary import SummaryPanel
from daxa_gui.session import Session


def test_that_the_practice_sky_appears_and_becomes_an_archive(qtbot, tmp_path: Path, practice_sky: Path):
    import os

    session = Session(output_folder=tmp_path / "out", cache=Path(os.environ["DAXA_GUI_CACHE"]))
    context, bridge = Context(session), Bridge(session.bus, interval_ms=5)
    bridge.catalogues_changed.connect(lambda _mission: context.apply_filters())  # as the window does
    try:
        session.start_practice()
        context.apply_filters()
        missions, sky, details, summary = (
            kind(session, context, bridge) for kind in (MissionsPanel, SkyPanel, DetailsPanel, SummaryPanel)
        )
        for panel in (missions, sky, details, summary):
            qtbot.addWidget(panel)
            panel.show()
        missions.show_mission("xmm_pointed")  # tables are filled when they are looked at
        qtbot.waitUntil(lambda: missions.pages["xmm_pointed"].model.rowCount() == 4, timeout=60_000)
        qtbot.waitUntil(session.practice_ready, timeout=60_000)
        context.set_stack(context.stack.add(Cone(session.resolve_name("practice cluster"))))
        context.apply_filters()
        assert missions.tabs.tabText(0) == "XMM-Newton 4 / 4"
        qtbot.waitUntil(lambda: "simulated" in summary._hint.text())
        context.set_observation("xmm_pointed", "0999900101")
        assert details._badge.isVisible()
        assert "SIMULATED" in sky.describe("xmm_pointed", 0)

        summary.create_button.click()
        dialog = summary._dialog
        assert dialog.name.text() == "practice_cluster"
        with qtbot.waitSignal(context.workspace_requested, timeout=60_000):
            dialog.ok.click()
        assert session.archive is not None and session.archive.name == "practice_cluster"
        chosen = {(item.mission, item.obs_id) for item in session.observations()}
        assert ("xmm_pointed", "0999900101") in chosen
        assert all(item.row["simulated"] for item in session.observations())
        assert len(session.jobs("plan")) == len(chosen)
    finally:
        bridge.stop()
        context.background.close()
        session.close()

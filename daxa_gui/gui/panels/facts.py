"""The facts of the inspected event list: what it is, its energies, its good time per CCD, its exposure, what is odd about it."""

from __future__ import annotations

import html
from typing import Any

from PySide6.QtWidgets import QTextBrowser, QVBoxLayout, QWidget

from daxa_gui.core.errors import DaxaError
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.inspected import Inspected
from daxa_gui.session import Session

# Label, key of the summary, unit, digits after the point.
_FACTS: tuple[tuple[str, str, str, int], ...] = (
    ("Rows", "rows", "", 0),
    ("Lowest energy", "energy_min_kev", "keV", 3),
    ("Highest energy", "energy_max_kev", "keV", 3),
    ("ONTIME", "ontime_s", "s", 3),
    ("LIVETIME", "livetime_s", "s", 3),
    ("EXPOSURE", "exposure_s", "s", 3),
    ("Good time of any CCD", "total_good_time_s", "s", 3),
    ("Events outside the good time", "events_outside_good_time", "", 0),
    ("Events without energy", "events_without_energy", "", 0),
    ("Events with negative energy", "events_with_negative_energy", "", 0),
    ("Start (UTC)", "start_utc", "", 0),
    ("Stop (UTC)", "stop_utc", "", 0),
    ("Mission", "mission", "", 0),
    ("Instrument", "instrument", "", 0),
    ("ObsID", "obs_id", "", 0),
    ("Exposure identifier", "exposure", "", 0),
    ("Target", "target", "", 0),
    ("Filter", "filter", "", 0),
    ("Mode", "mode", "", 0),
    ("File", "path", "", 0),
)


def facts_html(summary: dict[str, Any], labels: dict[str, str]) -> str:
    """A table of facts, one of good time per CCD, and the warnings."""
    rows = []
    for label, key, unit, digits in _FACTS:
        value = summary.get(key)
        if value is None or value == "":
            continue
        if key == "mission":
            value = labels.get(value, value)
        text = f"{value:,.{digits}f}".replace(",", "\u202f") if isinstance(value, (int, float)) else str(value)
        rows.append(f"<tr><td>{label}&nbsp;&nbsp;</td><td>{html.escape(text)} {unit}</td></tr>")
    times = [
        f"<tr><td>{'all' if entry['ccd'] is None else entry['ccd']}&nbsp;&nbsp;</td>"
        f"<td align='right'>{entry['seconds']:.3f}&nbsp;&nbsp;</td><td align='right'>{entry['intervals']}</td></tr>"
        for entry in summary["good_time"]
    ]
    good_time = f"<tr><th>CCD</th><th>Good time (s)&nbsp;&nbsp;</th><th>Intervals</th></tr>{''.join(times)}"
    warnings = "".join(f"<p>▲ {html.escape(warning)}</p>" for warning in summary.get("warnings", ()))
    simulated = "<p><b>SIMULATED data of the practice sky.</b></p>" if summary.get("simulated") else ""
    left, right = f"<table>{''.join(rows)}</table>", f"<table>{good_time}</table>"
    return f"{simulated}{warnings}<table><tr><td>{left}</td><td width='40'></td><td>{right}</td></tr></table>"


class FactsPanel(QWidget):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._inspected = Inspected.of(session, context, bridge)
        self.text = QTextBrowser(self)
        self.text.setObjectName("factsText")
        self.text.setAccessibleName("Facts of the event list")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.addWidget(self.text)
        self._inspected.events_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        events = self._inspected.events
        if events is None:
            self.text.setPlainText("Choose an exposure, or open an event list, to see its facts.")
            return
        summarise = self._session.inspection.summary
        self._context.background.read(self, "facts", lambda: summarise(events), self._on_read, self._on_error)

    def _on_read(self, summary: dict[str, Any]) -> None:
        self.text.setHtml(facts_html(summary, self._session.mission_labels()))

    def _on_error(self, error: DaxaError) -> None:
        self.text.setPlainText(str(error))

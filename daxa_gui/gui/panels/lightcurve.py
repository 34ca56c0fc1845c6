"""The flare light-curve inspector: what the cleaning keeps of an exposure, with limits and intervals that can be changed."""

from __future__ import annotations

import html
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.events import Notice
from daxa_gui.core.times import mjd_to_text
from daxa_gui.core.timeseries import FlareCleaning
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.earlier_choice import EarlierBox
from daxa_gui.gui.inspected import Inspected
from daxa_gui.gui.lightcurve_texts import numbers_text, with_error, with_interval
from daxa_gui.gui.plot_export import LightcurveExport, choose_and_save
from daxa_gui.gui.theme import Theme, as_heading, as_muted
from daxa_gui.gui.widgets.elided import ElidedLabel
from daxa_gui.gui.widgets.flare_controls import FlareControls
from daxa_gui.gui.widgets.lightcurve_overlay import PRESENT, THEN, words_of
from daxa_gui.gui.widgets.lightcurve_plot import LightcurvePlot
from daxa_gui.gui.widgets.list_box import ListBox
from daxa_gui.gui.widgets.verdict_bar import OverrideDialog, VerdictBar
from daxa_gui.session import Session

__all__ = ["LightcurvePanel", "numbers_text", "with_error", "with_interval"]
STALE_MS = 200  # a next exposure that comes sooner replaces what is shown without a blink


class LightcurvePanel(QWidget):
    """Shows what `Inspected` looks at; every change goes there and comes back as a new cleaning."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self.inspected = Inspected.of(session, context, bridge)
        self._stale = QTimer(self)
        self._stale.setSingleShot(True)
        self._stale.setInterval(STALE_MS)
        self._stale.timeout.connect(self._clear)
        self._findings: tuple[str, list[tuple[str, str]]] = ("", [])
        self._build()
        self._connect()
        self._on_context_theme_changed(context.theme)
        self._on_subject_changed()
        self._on_events_changed()
        self._on_siblings_changed()
        if self.inspected.cleaning is not None:
            self._on_cleaning_changed()

    # building

    def _build(self) -> None:
        self.title = ElidedLabel(self)
        self.title.setObjectName("lightcurveTitle")
        as_heading(self.title)
        self.about = _label(self, "lightcurveAbout", muted=True)
        self.controls = FlareControls(self)
        self._add_view_controls()
        self.lists = ListBox(self.inspected, self)
        self.earlier = EarlierBox(self.inspected.earlier, "lightcurveEarlier", self)
        self.plot = LightcurvePlot(self)
        self.plot.setObjectName("lightcurvePlot")
        self.plot.setAccessibleName("Light curve with histogram of rates")
        self.plot.setMinimumSize(QSize(240, 130))
        self.plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        # of fixed height: what stands above and below must not move the plot while a limit is dragged
        self.findings = _label(self, "lightcurveFindings", lines=4)
        self.others = _label(self, "lightcurveOthers")
        self.verdict = VerdictBar(self)
        self.empty = _label(self, "lightcurveEmpty", muted=True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(4)
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.lists)
        top.addWidget(self.earlier)
        top.addWidget(self.save)
        layout.addLayout(top)
        layout.addWidget(self.about)
        layout.addWidget(self.controls)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.empty, 1)
        layout.addWidget(self.others)
        layout.addWidget(self.findings)
        layout.addWidget(self.verdict)

    def _add_view_controls(self) -> None:
        self.time_style = QComboBox(self.controls)
        self.time_style.setObjectName("lightcurveTimeStyle")
        self.time_style.setAccessibleName("Time axis")
        self.time_style.setToolTip("How the time axis counts")
        self.time_style.addItems(["ks since start", "UTC clock"])
        self.rates = QComboBox(self.controls)
        self.rates.setObjectName("lightcurveRates")
        self.rates.setAccessibleName("Range of rates")
        self.rates.setToolTip("All rates, or only those around the limits when a flare dwarfs them")
        self.rates.addItems(["all rates", "near the limits"])
        self.show_all = QPushButton("Show a&ll", self.controls)
        self.show_all.setObjectName("lightcurveShowAll")
        self.show_all.setToolTip("The whole exposure (wheel zooms, dragging moves, the right button stretches)")
        self.controls.add_view_controls((self.time_style, self.rates, self.show_all))
        self.save = QPushButton("Save", self)
        self.save.setObjectName("lightcurveSave")
        self.save.setToolTip("Save the plot for a paper, or its numbers")
        menu = QMenu(self.save)
        menu.addAction("&Plot as PNG, PDF or SVG…", lambda: self._save("plot"))
        menu.addAction("&Light curve as CSV, ECSV or FITS…", lambda: self._save("data"))
        menu.addAction("&Good time intervals as FITS or text…", lambda: self._save("gti"))
        self.save.setMenu(menu)

    def _connect(self) -> None:
        inspected = self.inspected
        inspected.subject_changed.connect(self._on_subject_changed)
        inspected.events_changed.connect(self._on_events_changed)
        inspected.parameters_changed.connect(self._on_parameters_changed)
        inspected.cleaning_changed.connect(self._on_cleaning_changed)
        inspected.siblings_changed.connect(self._on_siblings_changed)
        inspected.earlier.screenings_changed.connect(self._show_others)
        self._context.theme_changed.connect(self._on_context_theme_changed)
        self.controls.edited.connect(inspected.set_parameters)
        self.controls.reset_wanted.connect(inspected.reset_parameters)
        self.controls.interval_wanted.connect(self.plot.show_region)
        self.controls.interval_chosen.connect(self._on_interval_chosen)
        self.plot.limits_changed.connect(self._on_plot_limits_changed)
        self.time_style.currentIndexChanged.connect(lambda index: self.plot.set_clock(index == 1))
        self.rates.currentIndexChanged.connect(lambda index: self.plot.set_near_limits(index == 1))
        self.show_all.clicked.connect(self.plot.show_all)
        self.verdict.decided.connect(lambda state, note: inspected.set_verdict(state, note, self._show_error))
        self.verdict.override_wanted.connect(self.ask_override)

    # what is looked at

    def _on_subject_changed(self) -> None:
        subject = self.inspected.subject
        if subject is None:
            self.title.setText("")
            self.about.setText("")
        elif subject.exposure is not None:
            exposure = subject.exposure
            self.title.setText(f"{exposure.obs_id} · {exposure.unit}")
        else:
            self.title.setText(Path(subject.path).name)
            self.title.setToolTip(subject.path)
        self._show_about()
        self._show_verdict()

    def _show_about(self) -> None:
        events, start = self.inspected.events, self.inspected.start_utc_mjd()
        if events is None or start is None:
            self.about.setText("")
            return
        mission = self._session.mission_labels().get(events.mission, events.mission)
        parts = [events.target, mission, f"{events.instrument} {events.exposure}".strip()]
        parts += [f"filter {events.filter}" if events.filter else "", events.mode, f"starts {mjd_to_text(start)} UTC"]
        parts += [f"{len(events):,} events".replace(",", "\u202f"), "SIMULATED" if events.simulated else ""]
        self.about.setText(" · ".join(part for part in parts if part))
        self.about.setToolTip("\n".join(events.warnings))

    def _on_events_changed(self) -> None:
        inspected = self.inspected
        self._show_about()
        has_events = inspected.events is not None
        there = has_events or inspected.reading
        for widget in (self.plot, self.controls, self.findings):
            widget.setVisible(there)
        self.empty.setVisible(not there)
        self.save.setEnabled(inspected.cleaning is not None)
        if inspected.reading:
            self._stale.start()
        elif not has_events:
            self._clear()
        self._show_verdict()

    def _clear(self) -> None:
        """Take away what belongs to the exposure before; at once, or when reading the next one takes its time."""
        self._stale.stop()
        inspected = self.inspected
        self.plot.clear_cleaning()
        if inspected.events is None:
            self.controls.show_parameters(None, 0.0, True)
            self.empty.setText(self._why_empty())
            self._show_findings("Reading the events…" if inspected.reading else "", [])
        else:
            self._show_findings("Looking for flares…", [])

    def _why_empty(self) -> str:
        inspected = self.inspected
        if inspected.problem is not None:
            return str(inspected.problem)
        if inspected.image is not None:
            return "This file is an image: it has no events, so there is no light curve."
        if inspected.subject is not None and inspected.subject.exposure is not None and inspected.subject.exposure.excluded:
            return inspected.subject.exposure.excluded
        return "Choose an exposure on the left, or open an event list (Ctrl+Shift+O)."

    def _on_parameters_changed(self) -> None:
        inspected = self.inspected
        self.controls.show_parameters(inspected.parameters, inspected.zero_s, inspected.is_automatic)
        self._show_verdict()

    def _on_cleaning_changed(self) -> None:
        inspected = self.inspected
        cleaning, parameters = inspected.cleaning, inspected.parameters
        self._stale.stop()
        self.save.setEnabled(cleaning is not None)
        if cleaning is None or parameters is None:
            self.plot.clear_cleaning()
            self._show_findings("", [("bad", str(inspected.problem or ""))])
            return
        self.plot.show_cleaning(cleaning, parameters, inspected.zero_s, inspected.start_utc_mjd())
        self.controls.show_limits(cleaning)
        self._show_others()
        tried = "Tried here with the built-in engine: " if inspected.subject and inspected.subject.why_no_override else ""
        self._show_findings(f"{tried}{numbers_text(cleaning)}", self._judgement(cleaning))
        self._show_verdict()

    def _show_others(self) -> None:
        """Good time, limits and curve of the missions' software and of earlier results, and what they are in words."""
        earlier, theme = self.inspected.earlier, self._context.theme
        if self.inspected.cleaning is None:
            return
        self.plot.show_others(earlier.screening, earlier.present)
        pairs = [(PRESENT, earlier.present), (THEN, earlier.screening)]
        lines = words_of([(colour, one) for colour, one in pairs if one is not None], theme)
        lines += [html.escape(earlier.problem)] if earlier.problem else []
        self.others.setText("<br>".join(lines))
        self.others.setVisible(bool(lines))

    def _judgement(self, cleaning: FlareCleaning) -> list[tuple[str, str]]:
        """Sentences with their weight: first what matters most, then how doubtful the cleaning is and why."""
        reasons = list(cleaning.reasons)
        exposure = self.inspected.subject.exposure if self.inspected.subject else None
        sentences: list[tuple[str, str]] = []
        if not cleaning.useful:
            sentences.append(("bad", reasons.pop(0) if reasons else "No useful time is left."))
        elif exposure is not None and exposure.excluded:
            sentences.append(("warn", f"Nothing is made of this exposure. {exposure.excluded}"))
        elif not cleaning.fit.fitted and cleaning.fit.reason:
            sentences.append(("warn", cleaning.fit.reason))
            reasons = [reason for reason in reasons if reason != cleaning.fit.reason]
        why = f": {' '.join(reasons)}" if reasons else "."
        return [*sentences, ("", f"Doubt {cleaning.doubt:.2f} of 1{why}")]

    def _show_findings(self, numbers: str, sentences: list[tuple[str, str]]) -> None:
        self._findings = (numbers, sentences)
        theme = self._context.theme
        marks = {"bad": "✕ ", "warn": "▲ "}
        colours = {"bad": theme.bad, "warn": theme.warn}
        lines = [numbers] if numbers else []
        lines += [
            f'<span style="color:{colours.get(kind, theme.muted)}">{marks.get(kind, "")}{html.escape(text)}</span>'
            for kind, text in sentences
            if text
        ]
        self.findings.setText("<br>".join(lines))
        self.findings.setToolTip("\n".join(text for _, text in sentences))

    def _show_verdict(self) -> None:
        inspected = self.inspected
        exposure = inspected.subject.exposure if inspected.subject else None
        why_not = "Verdicts and overrides are for exposures of an archive." if inspected.events is not None else ""
        self.verdict.setVisible(inspected.events is not None or exposure is not None)
        self.verdict.show_verdict(
            exposure.verdict if exposure else None,
            changed=not inspected.is_stored,
            cleaned=inspected.cleaning is not None,
            why_not=why_not,
            no_override=inspected.subject.why_no_override if inspected.subject else "",
        )

    def _on_siblings_changed(self) -> None:
        self.plot.show_siblings([(sibling.label, sibling.cleaning) for sibling in self.inspected.siblings])

    # what is wanted

    def _on_plot_limits_changed(self, low: float, high: float) -> None:
        if self.inspected.parameters is not None:
            self.inspected.set_parameters(replace(self.inspected.parameters, limits_ct_s=(low, high)))

    def _on_interval_chosen(self, keep: bool) -> None:
        parameters = self.inspected.parameters
        if parameters is None:
            return
        self.inspected.set_parameters(with_interval(parameters, self.plot.region_s(), keep=keep))
        self.controls.choose.setChecked(False)

    def ask_override(self) -> None:
        """Ask for the reason, then use what is shown."""
        cleaning, subject = self.inspected.cleaning, self.inspected.subject
        if cleaning is None or subject is None or subject.exposure is None:
            return
        what = (
            f"{subject.exposure.obs_id} {subject.exposure.unit}: use the limits and intervals shown here, which keep "
            f"{cleaning.gti.total_s / 1000.0:.2f} ks ({100.0 * cleaning.kept_fraction:.0f} %). The good time is written to a "
            "file, and cleaned events and images are made again."
        )
        dialog = OverrideDialog(what, self.verdict.note.text(), self)
        dialog.accepted.connect(lambda: self.inspected.override(dialog.note.text().strip(), self._show_error))
        dialog.open()

    def _save(self, what: str) -> None:
        cleaning, parameters, events = self.inspected.cleaning, self.inspected.parameters, self.inspected.events
        if cleaning is None or parameters is None or events is None:
            return
        start = self.inspected.start_utc_mjd() or 0.0
        export = LightcurveExport(events, cleaning, parameters, self.inspected.zero_s, start, self.title.text())
        choose_and_save(self, self._context, self._session, export, what)

    def _show_error(self, error: DaxaError) -> None:
        self._session.bus.publish(Notice("error", error.message, error.hint, error.details))

    def _on_context_theme_changed(self, theme: Theme) -> None:
        self.plot.set_theme(theme)
        self._show_others()
        self._show_findings(*self._findings)


def _label(parent: QWidget, name: str, *, muted: bool = False, lines: int = 0) -> QLabel:
    """A label that wraps; with `lines` it is always as high as that many lines."""
    label = QLabel(parent)
    label.setObjectName(name)
    label.setWordWrap(True)
    if muted:
        as_muted(label)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if lines:
        label.setFixedHeight(lines * label.fontMetrics().lineSpacing())
        label.setAlignment(Qt.AlignmentFlag.AlignTop)
    return label

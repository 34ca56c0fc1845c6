"""The practice journey by itself: search, create an archive, download, reduce, inspect; with screenshots and a report."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Cone
from daxa_gui.core.job import JobState
from daxa_gui.gui.heartbeat import Heartbeat
from daxa_gui.gui.main_window import MainWindow
from daxa_gui.gui.widgets.create_archive import CreateArchiveDialog

ARCHIVE_NAME = "Practice tour"
STALL_LIMIT_S = 0.05


@dataclass(frozen=True)
class Wait:
    """A pause of the journey: until `until()` is true, at most `at_most_s`."""

    what: str
    until: Callable[[], bool]
    at_most_s: float = 120.0


class Tour(QObject):
    """`exit_code` is 0 when the whole journey succeeded."""

    def __init__(self, window: MainWindow, application: QApplication, folder: Path) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self._context = window.context
        self._application = application
        self._folder = folder
        self._lines: list[str] = []
        self._heartbeat = Heartbeat(self)
        self._journey = self._steps()
        self._wait: Wait | None = None
        self._deadline = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(20)
        self._timer.timeout.connect(self._go_on)
        self.exit_code = 1
        self._complete = False

    def start(self) -> None:
        shutil.rmtree(self._folder / "screenshots", ignore_errors=True)
        (self._folder / "screenshots").mkdir(parents=True)
        print(f"The practice journey, without a display; pictures and report in {self._folder}/", flush=True)
        self._timer.start()

    def _go_on(self) -> None:
        if self._wait is not None:
            if not self._wait.until():
                if time.monotonic() > self._deadline:
                    self._end(f"FAILED: waited more than {self._wait.at_most_s:.0f} s for {self._wait.what}")
                return
            self._wait = None
        try:
            self._wait = next(self._journey)
            self._deadline = time.monotonic() + self._wait.at_most_s
            self._heartbeat.start(self._wait.what)
        except StopIteration:
            # A step that raised has ended the journey before its end; what it raised is in the log.
            self.exit_code = 0 if self._complete else 1
            self._end("The whole journey succeeded." if self._complete else "FAILED: the journey broke off, see the log.")
        except AssertionError as error:
            self._end(f"FAILED: {error}")

    def _say(self, text: str) -> None:
        self._lines.append(text)
        print(text, flush=True)

    def _picture(self, name: str, widget: QWidget | None = None) -> None:
        """Of the window, or of a dialog."""
        self._heartbeat.pause()
        path = self._folder / "screenshots" / f"{name}.png"
        if not (widget or self._window).grab().save(str(path)):
            raise AssertionError(f"the picture {path} could not be written")
        self._heartbeat.start(self._heartbeat.during)

    def _settle(self, what: str, seconds: float = 0.6) -> Wait:
        """Give the window a moment to paint."""
        until = time.monotonic() + seconds
        return Wait(what, lambda: time.monotonic() >= until)

    def _steps(self) -> Iterator[Wait]:
        session, context = self._session, self._context
        yield self._settle("first paint")
        self._picture("01-find-whole-sky")
        yield Wait("the practice sky", session.practice_ready, 180.0)
        yield from self._search()
        yield from self._download()
        yield from self._reduce()
        yield from self._inspect()
        yield from self._dark()
        context.show_workspace("find")
        yield self._settle("the end")
        self._complete = True

    def _search(self) -> Iterator[Wait]:
        cluster = self._session.resolve_name("Practice Cluster")
        self._context.set_stack(FilterStack().add(Cone(cluster, None)))
        yield Wait("the filters", lambda: bool(self._context.results) and self._selected() > 0)
        self._context.show_place(cluster, 1.0)
        yield self._settle("the sky plot")
        self._picture("02-find-practice-cluster")
        for spec in self._session.missions():
            result = self._context.results[spec.name]
            self._say(
                f"- {spec.label}: {result.selected} of {result.total} observations within the default distance of {cluster.name}"
            )

    def _selected(self) -> int:
        return sum(result.selected for result in self._context.results.values())

    def _download(self) -> Iterator[Wait]:
        session = self._session
        number = sum(len(s.obs_ids) for s in session.selections(self._context.stack))
        cast(QPushButton, self._window.findChild(QPushButton, "createArchive")).click()
        yield Wait("the dialog", lambda: self._create_dialog() is not None)
        dialog = cast(CreateArchiveDialog, self._create_dialog())
        dialog.name.setText(self._free_name())
        dialog.look_button.click()
        yield Wait("the plan of the downloads", lambda: dialog.has_fresh_plan and dialog.ok.isEnabled())
        self._say(f"- plan: {dialog.plan_view.headline.text()}")
        yield self._settle("the plan")
        self._picture("03-create-archive", dialog)
        dialog.ok.click()
        yield Wait("the archive", lambda: session.archive is not None and self._create_dialog() is None)
        self._say(f"- archive « {session.archive.name if session.archive else ''} » with {number} simulated observations")
        yield self._settle("the queue")
        self._picture("04-queue-downloading")
        yield Wait("the downloads", lambda: self._idle("plan", "download"), 300.0)
        counts = Counter(str(job.state) for job in session.jobs("download"))
        self._say(f"- downloads: {dict(counts)}")
        if set(counts) != {"succeeded"}:
            raise AssertionError(f"not every file arrived: {dict(counts)}")

    def _create_dialog(self) -> CreateArchiveDialog | None:
        return next((one for one in self._window.findChildren(CreateArchiveDialog) if one.isVisible()), None)

    def _free_name(self) -> str:
        taken = {archive.name for archive in self._session.archives()}
        return next(name for name in (ARCHIVE_NAME, *(f"{ARCHIVE_NAME} {n}" for n in range(2, 10_000))) if name not in taken)

    def _idle(self, *kinds: str) -> bool:
        jobs = [job for job in self._session.jobs() if job.kind in kinds]
        return bool(jobs) and all(job.is_finished for job in jobs)

    def _reduce(self) -> Iterator[Wait]:
        button = cast(QPushButton, self._window.workspaces["queue"].findChild(QPushButton, "runEverything"))
        yield Wait("the button « Run everything »", button.isEnabled)
        button.click()
        yield Wait("the first steps", lambda: len(self._session.jobs("reduce")) > 0)
        yield self._settle("the processing", 1.0)
        self._picture("05-queue-processing")
        yield Wait("the reduction", lambda: self._idle("reduce"), 300.0)
        yield self._settle("the grid")
        self._picture("06-queue-done")
        jobs = self._session.jobs("reduce")
        failed = [job for job in jobs if job.state is JobState.FAILED]
        self._say(f"- reduction: {dict(Counter(str(job.state) for job in jobs))}")
        for job in jobs:
            if job.state is JobState.SUCCEEDED and job.reason:
                self._say(f"- {job.obs_id} {job.unit}: {job.reason}")
        if failed:
            raise AssertionError(f"{failed[0].title}: {failed[0].error.message if failed[0].error else ''}")

    def _inspect(self) -> Iterator[Wait]:
        exposures = self._session.exposures()
        for exposure in exposures:
            if exposure.flares is not None and "kept_fraction" in exposure.flares.facts:
                facts = exposure.flares.facts
                useful = facts.get("useful", True)
                kept = f"{100 * facts['kept_fraction']:.0f} % of the time kept" if useful else "no useful time, nothing kept"
                self._say(f"- {exposure.obs_id} {exposure.unit}: {kept}, doubt {facts['doubt']:.2f}")
        cleaned = [e for e in exposures if e.clean is not None and e.flares is not None]
        spoiled = [e for e in exposures if e.clean is None and e.flares is not None and not e.flares.facts.get("useful", True)]
        flared = [e for e in cleaned if e.mission == "xmm_pointed" and e.flares and e.flares.facts["kept_fraction"] < 0.9]
        if not flared or not spoiled:
            raise AssertionError("the flared exposures were not recognised")
        for number, (name, exposure) in enumerate((("flared", flared[0]), ("wholly-flared", spoiled[0])), start=7):
            self._context.set_product(exposure.raw)
            self._context.show_workspace("inspect")
            yield self._settle(f"inspecting the {name} exposure", 2.0)
            self._picture(f"{number:02d}-inspect-{name}")
        image = next(e.images[0] for e in cleaned if e.images)
        self._context.set_product(image)
        self._context.show_workspace("archive")
        yield self._settle("the archive", 1.2)
        self._picture("09-archive")
        yield from self._keep()

    def _keep(self) -> Iterator[Wait]:
        """What the archive knows about itself: its versions, what became of every step."""
        for number, (panel, what) in enumerate((("versions", "the versions"), ("results", "the results")), start=10):
            self._context.show_panel(panel)
            yield self._settle(what, 1.2)
            self._picture(f"{number:02d}-archive-{panel}")
        for version in self._session.versions():
            self._say(f"- version {version.number}: {' '.join(version.changes[:3])}")

    def _dark(self) -> Iterator[Wait]:
        self._window.use_theme("dark")
        for number, name in enumerate(("find", "archive", "queue", "inspect"), start=12):
            self._context.show_workspace(name)
            yield self._settle(f"{name} in the dark theme", 1.2)
            self._picture(f"{number:02d}-{name}-dark")
        self._window.use_theme("light")

    def _end(self, verdict: str) -> None:
        self._timer.stop()
        self._heartbeat.pause()
        worst = self._heartbeat.worst
        above = sum(stall.seconds > STALL_LIMIT_S for stall in self._heartbeat.stalls)
        self._say(
            f"- event loop: {self._heartbeat.beats} beats, longest stall {1000 * worst.seconds:.0f} ms (during: {worst.during}), "
            f"{above} above {1000 * STALL_LIMIT_S:.0f} ms"
        )
        self._say(verdict)
        (self._folder / "report.md").write_text(
            "# Practice journey\n\nAll data are simulated.\n\n" + "\n".join(self._lines) + "\n"
        )
        self._application.quit()

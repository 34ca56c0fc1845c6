"""The composition root: decides between window and command line, builds the session, and imports only what is needed."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

AFTER_FIRST_PAINT_MS = 150
AFTER_ARCHIVE_MS = 5_000  # when an archive that was opened has long been shown
MAX_JOBS = 64  # more than the lanes' limits together, so that a job that is called running does run
VERBS = (
    "missions", "catalogue", "find", "fetch", "reduce", "doctor", "configurations", "inspect", "info", "results", "logs",
    "versions", "update", "verify", "raw-data", "trash", "regions", "daxa", "settings", "credentials",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """The `daxa-gui` command. Returns the exit code: 0 all done, 1 part failed, 2 wrong usage."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if arguments and arguments[0] in VERBS:
            from daxa_gui.cli import main as command_line

            return command_line(arguments)
        return window(arguments)
    except KeyboardInterrupt:  # before there is anything to stop: while the program is being loaded
        print("\ndaxa-gui: stopped.", file=sys.stderr)
        return 1


def window_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="daxa-gui",
        description="Build, reduce and inspect archives of X-ray astronomy data.",
        epilog=f"Without a window: daxa-gui {' | '.join(VERBS)} (each has --help).",
    )
    parser.add_argument("path", nargs="?", help="an archive to open, or an event list or image to inspect")
    parser.add_argument("--practice", action="store_true", help="open the practice sky (simulated data, no network needed)")
    parser.add_argument("--tour", metavar="FOLDER", help="make the practice journey by itself and leave screenshots and a report")
    parser.add_argument("--output", metavar="FOLDER", help="where archives and downloaded data live")
    parser.add_argument("--version", action="version", version=_version())
    return parser


def _version() -> str:
    from daxa_gui import __version__

    return f"daxa-gui {__version__}"


def window(arguments: Sequence[str]) -> int:
    """Show the main window until it is closed."""
    parser = window_parser()
    options = parser.parse_args(arguments)
    if options.path and not os.path.lexists(options.path):
        parser.error(f"there is no file, folder or command « {options.path} » (commands: {', '.join(VERBS)})")
    if not _has_display():
        print(
            "daxa-gui: there is no display. Set QT_QPA_PLATFORM=offscreen, or use the commands without a window.", file=sys.stderr
        )
        return 1
    # Threads that compute in Python hand over to the window's thread after 1 ms instead of the usual 5.
    sys.setswitchinterval(0.001)
    from daxa_gui.core import collecting

    collecting.keep_passes_short()
    # The session first: PySide6 looks into the source of every module that is imported after it.
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    import daxa_gui.session  # noqa: F401

    application = QApplication(["daxa-gui"])
    application.setApplicationName("DAXA GUI")
    application.setOrganizationName("daxa-gui")
    session = window_session(options)
    from daxa_gui import locations
    from daxa_gui.gui.main_window import MainWindow
    from daxa_gui.gui.notify import install_hooks

    install_hooks(session.bus)
    state_file = None if options.tour else locations.settings_path().with_name("window.ini")
    main_window = MainWindow(session, application, state_file)
    _first_page(main_window, options)
    main_window.show()
    if os.environ.get("DAXA_GUI_BENCH") == "first-paint":
        return _report_first_paint(application, main_window)
    main_window.built.connect(collecting.leave_alone)
    # What belonged to the archive before is gone; what of it is left in cycles goes when the new one stands.
    main_window.bridge.archive_changed.connect(
        lambda _path: QTimer.singleShot(AFTER_ARCHIVE_MS, main_window, collecting.pass_over_everything)
    )
    QTimer.singleShot(AFTER_FIRST_PAINT_MS, main_window, main_window.build_ahead)
    if options.tour:
        from daxa_gui.gui.tour import Tour

        tour = Tour(main_window, application, Path(options.tour))
        tour.start()
    code = application.exec()
    main_window.close()
    main_window.deleteLater()
    application.processEvents()
    return tour.exit_code if options.tour else code


def window_session(options: argparse.Namespace) -> Any:
    """The session of the window: its jobs start on the QThreadPool."""
    from PySide6.QtCore import QThreadPool, QTimer

    from daxa_gui import locations
    from daxa_gui.core.events import Notice
    from daxa_gui.session import Session, first_settings

    # A pool of its own: jobs that wait for the network must never stand in the way of anything that Qt does on its pools.
    pool = QThreadPool()
    pool.setMaxThreadCount(MAX_JOBS)
    settings, complaints = first_settings(locations.settings_path())
    locations.keep_libraries_out_of_home(locations.cache_folder(settings.caches_folder))
    words = [] if options.tour else locations.first_words(locations.settings_path(), settings)
    session = Session(
        settings=settings,
        settings_file=None if options.tour else locations.settings_path(),
        output_folder=_output_folder(options),
        start=pool.start,
    )
    for complaint in complaints:
        logging.getLogger(__name__).warning("%s", complaint)
        session.bus.publish(Notice("information" if "is used" in complaint else "warning", complaint))
    if words:
        session.bus.publish(Notice("warning", words[0], " ".join(words[1:])))
    if options.practice or options.tour:
        session.start_practice(lambda prepare: QTimer.singleShot(AFTER_FIRST_PAINT_MS, lambda: pool.start(prepare)))
    return session


def _output_folder(options: argparse.Namespace) -> Path | None:
    """The journey keeps what it makes beside its pictures, out of the person's own archives, and begins anew each time."""
    if options.output or not options.tour:
        return Path(options.output) if options.output else None
    folder = Path(options.tour) / "archives"
    mark = folder / ".made-by-the-practice-journey"
    if mark.exists():
        import shutil

        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return folder


def _first_page(main_window: Any, options: argparse.Namespace) -> None:
    """What was asked for; otherwise the archive of the last time, whose unfinished work goes on; otherwise three choices."""
    path = Path(options.path) if options.path else None
    if path is not None:
        main_window.open_archive(str(path)) if path.is_dir() else main_window.open_file(str(path))
        return
    if options.practice or options.tour:
        main_window.show_workspace("find")
    last = main_window.session.settings.last_archive
    if last and Path(last).is_dir() and not options.tour:
        main_window.open_archive(last, show="" if options.practice else "archive")


def _has_display() -> bool:
    if os.environ.get("QT_QPA_PLATFORM") or sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _report_first_paint(application: Any, main_window: Any) -> int:
    """For the start-up benchmark: print the monotonic time at which the window stood painted, and end."""
    application.processEvents()
    main_window.grab()
    print(f"first-paint {time.monotonic():.6f}", flush=True)
    main_window.close()
    main_window.deleteLater()
    application.processEvents()
    return 0

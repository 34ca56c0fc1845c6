"""What all tests share: no display, no network, no files of the person who runs them, and nothing left running behind."""

from __future__ import annotations

import gc
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

TESTS = Path(__file__).resolve().parent
PROJECT = TESTS.parent
RUN_FOLDER = Path(tempfile.mkdtemp(prefix="daxa-gui-tests-"))


def _isolate() -> None:
    """Set before anything of Qt or of the program is imported; processes that tests start inherit it."""
    for name in [name for name in os.environ if name.startswith("DAXA_GUI_")]:
        del os.environ[name]
    # a theme of the desktop would need its display
    for name in ("QT_QPA_PLATFORMTHEME", "QT_STYLE_OVERRIDE", "QT_SCALE_FACTOR"):
        os.environ.pop(name, None)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["MPLBACKEND"] = "Agg"
    # the key ring of the person who runs the tests is none of their business
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    os.environ["DAXA_GUI_CACHE"] = str(RUN_FOLDER / "cache")
    _set_home(RUN_FOLDER / "home", os.environ.__setitem__)
    # started in the background of a script, this process ignores Ctrl+C, and so would the programs that tests interrupt
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(TESTS / "no_network"), os.environ.get("PYTHONPATH")]))
    _load_network_guard()


def _load_network_guard() -> None:
    if hasattr(sys.modules.get("sitecustomize"), "NetworkForbidden"):
        # this process was started by another one of the tests (pytest-xdist does) and has the guard already
        sys.modules["no_network"] = sys.modules["sitecustomize"]
        return
    place = TESTS / "no_network" / "sitecustomize.py"
    spec = importlib.util.spec_from_file_location("no_network", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["no_network"] = module
    spec.loader.exec_module(module)


def _set_home(home: Path, set_variable: Callable[[str, str], Any]) -> None:
    home.mkdir(parents=True, exist_ok=True)
    set_variable("HOME", str(home))
    for name, folder in (("CONFIG", ".config"), ("DATA", ".local/share"), ("STATE", ".local/state"), ("CACHE", ".cache")):
        (home / folder).mkdir(parents=True, exist_ok=True)  # astropy warns of a folder that is named and not there
        set_variable(f"XDG_{name}_HOME", str(home / folder))
    set_variable("XDG_DOCUMENTS_DIR", str(home / "Documents"))
    runtime = home / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    set_variable("XDG_RUNTIME_DIR", str(runtime))


_isolate()
# On the machine that decides about a change the same examples each time; everywhere else new ones, which find more.
# No deadlines: what a test of properties finds is right or wrong, however long a busy machine takes for one example.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_unconfigure() -> None:
    shutil.rmtree(RUN_FOLDER, ignore_errors=True)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has its own home, so that no test meets the settings that another one saved."""
    home = tmp_path_factory.mktemp("home")
    _set_home(home, monkeypatch.setenv)
    return home


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real mission data beside the project; tests that need it are skipped where it is absent."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the folder of real data is not here: {folder}")
    return folder


class OpenContext:
    """A TaskContext for work that a test does itself: never cancelled, the practice sky has no services."""

    def __init__(self, work_folder: Path) -> None:
        self.work_folder = str(work_folder)

    def service_url(self, service: str) -> str:
        raise LookupError(f"this work asked for the address of {service}")

    def progress(self, done: float, total: float | None, text: str = "") -> None:
        pass

    def check_cancelled(self) -> None:
        pass

    def log(self, text: str) -> None:
        pass


@pytest.fixture(scope="session")
def practice_sky() -> Path:
    """The practice sky, made once per run where sessions of the tests find it too (seed 1). Do not write into it."""
    from daxa_gui.practice.make import default_folder, make_sky

    cache = Path(os.environ["DAXA_GUI_CACHE"])
    cache.mkdir(parents=True, exist_ok=True)
    folder = Path(default_folder(cache, 1))
    make_sky(OpenContext(cache), str(folder), seed=1)
    return folder


# ---------------------------------------------------------------------------------- nothing is left running by a window


class Timers:
    """The QTimers that a test started, with the place that started them."""

    def __init__(self) -> None:
        self._started: list[tuple[weakref.ref[Any], str]] = []

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from PySide6.QtCore import QTimer

        original = QTimer.start

        def start(timer: Any, *arguments: Any) -> None:
            code = _calling_frame()
            self._started.append((weakref.ref(timer), code))
            original(timer, *arguments)

        monkeypatch.setattr(QTimer, "start", start)

    def still_active(self) -> list[str]:
        import shiboken6

        timers = ((reference(), place) for reference, place in self._started)
        return [place for timer, place in timers if timer is not None and shiboken6.isValid(timer) and timer.isActive()]


def _calling_frame() -> str:
    frame = sys._getframe(2)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


@pytest.fixture(autouse=True)
def nothing_left_running(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test with a window fails when a thread, a pool function, a timer or a window is still there after it."""
    if "qtbot" not in request.fixturenames and "qapp" not in request.fixturenames:
        yield
        return
    # asked for before the patch, given back after pytest-qt has closed its widgets
    request.getfixturevalue("qapp")
    before = set(threading.enumerate())
    timers = Timers()
    with pytest.MonkeyPatch.context() as patch:
        timers.watch(patch)
        yield
    left = _wait_for_nothing(before, timers)
    if left:
        pytest.fail("still there after the test: " + "; ".join(left), pytrace=False)


def _wait_for_nothing(before: set[threading.Thread], timers: Timers, patience_s: float = 60.0) -> list[str]:
    from PySide6.QtCore import QCoreApplication, QEvent

    end = time.monotonic() + patience_s
    while True:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        QCoreApplication.processEvents()
        left = _leftovers(before, timers)
        if not left or time.monotonic() > end:
            return left
        gc.collect()  # Qt objects in reference cycles are destroyed by the collector only
        time.sleep(0.02)


def _leftovers(before: set[threading.Thread], timers: Timers) -> list[str]:
    from PySide6.QtCore import QThreadPool
    from PySide6.QtWidgets import QApplication

    # Dummy threads are what Python calls a QThreadPool's threads, which wait for 30 s for more to do
    threads = [
        thread
        for thread in set(threading.enumerate()) - before
        if thread.is_alive() and not isinstance(thread, threading._DummyThread)
    ]
    left = [f"thread {thread.name}" for thread in threads]
    if busy := QThreadPool.globalInstance().activeThreadCount():
        left.append(f"{busy} functions on the thread pool")
    left += [f"timer started at {place}" for place in timers.still_active()]
    windows = [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
    return left + [f"window {type(widget).__name__} {widget.objectName()}" for widget in windows]

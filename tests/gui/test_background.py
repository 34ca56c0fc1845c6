"""Work off the window's thread: which answers arrive, in which order, and what happens to failures."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import shiboken6
from PySide6.QtCore import QObject, QThread

from daxa_gui.core.errors import Cancelled, DaxaError, FileError
from daxa_gui.gui.background import Background


@pytest.fixture
def background(qapp) -> Iterator[Background]:
    background = Background()
    yield background
    background.close()


@pytest.fixture
def owner(qapp) -> QObject:
    return QObject()


def settle(background: Background, qtbot) -> None:
    """All functions have run and all answers were delivered."""
    assert background.wait_until_idle()
    qtbot.wait(1)


def test_that_functions_run_elsewhere_and_answers_arrive_on_the_windows_thread(background, owner, qtbot):
    here = QThread.currentThread()
    places: list[bool] = []

    def is_here(*_result: object) -> None:
        places.append(QThread.currentThread() is here)

    background.read(owner, "x", is_here, is_here)
    qtbot.waitUntil(lambda: len(places) == 2)
    assert places == [False, True]


def test_that_only_the_newest_answer_to_a_question_arrives(background, owner, qtbot):
    go_on = threading.Event()
    answers: list[str] = []

    def slow() -> str:
        go_on.wait(10)
        return "old"

    background.read(owner, "x", slow, answers.append)
    background.read(owner, "x", lambda: "new", answers.append)
    qtbot.waitUntil(lambda: answers == ["new"])
    go_on.set()
    settle(background, qtbot)
    assert answers == ["new"]


def test_that_different_questions_do_not_displace_each_other(background, owner, qtbot):
    answers: list[str] = []
    other = QObject()
    for who, name in ((owner, "a"), (owner, "b"), (other, "a")):
        background.read(who, name, lambda name=name: name, answers.append)
    qtbot.waitUntil(lambda: sorted(answers) == ["a", "a", "b"])


def test_that_an_answer_to_somebody_who_is_gone_is_dropped(background, qtbot):
    owner = QObject()
    go_on = threading.Event()
    answers: list[object] = []
    background.read(owner, "x", lambda: go_on.wait(10), answers.append)
    shiboken6.delete(owner)
    go_on.set()
    settle(background, qtbot)
    assert answers == []


def test_that_a_forgotten_question_is_not_answered(background, owner, qtbot):
    go_on = threading.Event()
    answers: list[object] = []
    background.read(owner, "x", lambda: go_on.wait(10), answers.append)
    background.forget(owner, "x")
    go_on.set()
    settle(background, qtbot)
    assert answers == []


def test_that_every_action_is_done_and_in_order_even_when_more_follow(background, owner, qtbot):
    go_on = threading.Event()
    done: list[int] = []
    answers: list[int] = []

    def work(number: int) -> int:
        if number == 0:
            go_on.wait(10)
        done.append(number)
        return number

    for number in range(5):
        background.act(owner, "same", lambda number=number: work(number), answers.append)
    go_on.set()
    qtbot.waitUntil(lambda: len(answers) == 5)
    assert done == answers == [0, 1, 2, 3, 4]


def test_that_actions_that_wait_are_done_before_the_end(background, owner):
    go_on = threading.Event()
    done: list[str] = []
    background.act(owner, "first", lambda: go_on.wait(10))
    background.act(owner, "second", lambda: done.append("second"))
    threading.Timer(0.05, go_on.set).start()
    background.close()
    assert done == ["second"]


def test_that_a_failure_reaches_the_one_who_asked(background, owner, qtbot):
    errors: list[DaxaError] = []

    def fail() -> None:
        raise FileError("x.fits is not FITS.", "Choose another file.")

    background.read(owner, "x", fail, lambda _: None, errors.append)
    qtbot.waitUntil(lambda: bool(errors))
    assert str(errors[0]) == "x.fits is not FITS. Choose another file."


def test_that_a_failure_nobody_asked_for_is_announced(background, owner, qtbot):
    def fail() -> None:
        raise FileError("x.fits is not FITS.")

    with qtbot.waitSignal(background.failed) as announced:
        background.act(owner, "x", fail)
    assert announced.args[0].message == "x.fits is not FITS."


def test_that_a_fault_of_the_program_becomes_a_sentence(background, owner, qtbot, caplog):
    errors: list[DaxaError] = []
    background.read(owner, "picture", lambda: 1 / 0, lambda _: None, errors.append)
    qtbot.waitUntil(lambda: bool(errors))
    assert "« picture » failed unexpectedly: division by zero." in errors[0].message
    assert "ZeroDivisionError" in caplog.text


def test_that_cancelled_work_says_nothing(background, owner, qtbot):
    said: list[object] = []

    def cancelled() -> None:
        raise Cancelled

    background.failed.connect(said.append)
    background.read(owner, "x", cancelled, said.append, said.append)
    settle(background, qtbot)
    assert said == []

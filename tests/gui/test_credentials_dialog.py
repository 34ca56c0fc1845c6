"""The dialog of credentials: where they are, saving and forgetting them, and that the window never waits nor shows them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit

from daxa_gui.core.credential import CREDENTIAL_SERVICES
from daxa_gui.core.errors import FileError
from daxa_gui.gui.widgets.credentials_dialog import CredentialsDialog
from daxa_gui.remote import credentials as module
from daxa_gui.remote.credentials import CredentialStore
from tests.fakes.key_rings import HangingRing, MemoryRing
from tests.fakes.windows import shell
from tests.gui.test_accessibility import check

SECRET = "Zx9-quiet-swan"


class SmallSession:
    """What the dialog asks of a session, on a real store."""

    def __init__(self, store: CredentialStore) -> None:
        self.store = store
        self.threads: set[str] = set()
        self.problem: Exception | None = None

    def _called(self) -> None:
        self.threads.add(threading.current_thread().name)
        if self.problem is not None:
            raise self.problem

    def credential_names(self) -> dict[str, str]:
        self._called()
        return {name: str(where) for name, where in self.store.names().items()}

    def has_credentials(self, service: str) -> bool:
        self._called()
        return self.store.has(service)

    def set_credentials(self, service: str, user: str, password: str) -> str:
        self._called()
        return self.store.set(service, user, password)

    def forget_credentials(self, service: str) -> str:
        self._called()
        return self.store.forget(service)


@pytest.fixture
def opened(qtbot) -> Callable[..., CredentialsDialog]:
    def open_dialog(session: SmallSession, service: str = "", *, wait: bool = True) -> CredentialsDialog:
        dialog = CredentialsDialog(session, service)  # type: ignore[arg-type]
        qtbot.addWidget(dialog)
        dialog.show()
        if wait:
            qtbot.waitUntil(lambda: not any("asked" in box.state.text() for box in dialog.boxes.values()))
        return dialog

    return open_dialog


def fill(dialog: CredentialsDialog, qtbot, service: str, user: str, secret: str) -> None:
    box = dialog.boxes[service]
    for entry, text in ((box.user, user), (box.secret, secret)):
        if entry is not None:
            qtbot.keyClicks(entry, text)


def test_that_credentials_are_saved_into_the_key_ring_and_forgotten(opened, qtbot):
    ring = MemoryRing()
    session = SmallSession(CredentialStore(ring))
    dialog = opened(session)
    box = dialog.boxes["xsa"]
    assert box.state.text() == "None." and not box.forget.isEnabled() and not box.save.isEnabled()
    fill(dialog, qtbot, "xsa", "somebody", SECRET)
    with qtbot.waitSignal(dialog.changed) as told:
        box.save.click()
    assert told.args == ["xsa"] and "key ring" in box.state.text() and box.forget.isEnabled()
    assert CredentialStore(ring).get("xsa").secret == SECRET
    assert box.user.text() == box.secret.text() == ""
    with qtbot.waitSignal(dialog.changed):
        box.forget.click()
    assert ring.entries == {} and "forgotten" in box.state.text() and not box.forget.isEnabled()


def test_that_what_was_kept_before_is_said_but_not_shown(opened):
    ring = MemoryRing()
    CredentialStore(ring).set("xsa", "somebody", SECRET)
    dialog = opened(SmallSession(CredentialStore(ring)))
    assert "Kept in the system's key ring" in dialog.boxes["xsa"].state.text()
    texts = [w.text() for w in dialog.findChildren(QLineEdit)] + [w.text() for w in dialog.findChildren(QLabel)]
    assert not [text for text in texts if SECRET in text or "somebody" in text]


def test_that_without_a_key_ring_the_dialog_says_that_they_hold_for_this_run(opened, qtbot):
    from keyring.backends import fail

    session = SmallSession(CredentialStore(fail.Keyring()))
    dialog = opened(session)
    fill(dialog, qtbot, "heasarc", "", "key1 key2")
    with qtbot.waitSignal(dialog.changed):
        qtbot.keyClick(dialog.boxes["heasarc"].secret, Qt.Key.Key_Return)
    assert "until this program ends" in dialog.boxes["heasarc"].state.text()
    assert session.store.get("heasarc").keys == ("key1", "key2")
    again = opened(session)
    assert "until this program ends" in again.boxes["heasarc"].state.text()


def test_that_the_key_ring_is_never_asked_on_the_windows_thread_and_holds_nothing_up(qtbot):
    ring = HangingRing()
    session = SmallSession(CredentialStore(ring, patience_s=20))
    began = time.monotonic()
    dialog = CredentialsDialog(session)  # type: ignore[arg-type]
    dialog.show()
    assert time.monotonic() - began < 5 and "being asked" in dialog.boxes["xsa"].state.text()
    dialog.close()  # nobody waits for the answer
    ring.answer.set()
    qtbot.waitUntil(lambda: not [t for t in threading.enumerate() if t.name in ("credentials", "key ring")])
    assert session.threads == {"credentials"}


def test_that_what_cannot_be_saved_is_said_and_stays_in_the_entries(opened, qtbot):
    session = SmallSession(CredentialStore(MemoryRing()))
    dialog = opened(session)
    box = dialog.boxes["mirror"]
    fill(dialog, qtbot, "mirror", "a:b", SECRET)
    box.save.click()
    qtbot.waitUntil(lambda: not box.problem.isHidden())
    assert "colon" in box.problem.text() and box.user.text() == "a:b" and box.secret.text() == SECRET
    assert box.save.isEnabled() and box.state.text() == "None."
    session.problem = FileError("Something else went wrong.")
    box.save.click()
    qtbot.waitUntil(lambda: "Something else" in box.problem.text())
    box.user.clear()
    qtbot.keyClicks(box.user, "a")
    assert box.problem.isHidden()


def test_that_a_session_that_cannot_tell_is_said(opened, qtbot):
    session = SmallSession(CredentialStore(MemoryRing()))
    session.problem = FileError("The key ring is under water.")
    dialog = opened(session, wait=False)
    qtbot.waitUntil(lambda: not dialog.problem.isHidden())
    assert "under water" in dialog.problem.text() and dialog.boxes["xsa"].state.text() == "None."


def test_that_secrets_are_hidden_and_cannot_be_copied(opened, qtbot):
    dialog = opened(SmallSession(CredentialStore(MemoryRing())))
    QGuiApplication.clipboard().setText("before")
    for box in dialog.boxes.values():
        assert box.secret.echoMode() == QLineEdit.EchoMode.Password
        qtbot.keyClicks(box.secret, SECRET)
        box.secret.selectAll()
        box.secret.copy()
        box.secret.cut()
        assert SECRET not in box.secret.displayText()
    assert QGuiApplication.clipboard().text() == "before"


def test_that_one_service_can_be_asked_for_alone(opened):
    dialog = opened(SmallSession(CredentialStore(MemoryRing())), "xsa")
    assert list(dialog.boxes) == ["xsa"]
    assert dialog.boxes["xsa"].user is not None
    everything = opened(SmallSession(CredentialStore(MemoryRing())))
    assert list(everything.boxes) == list(CREDENTIAL_SERVICES) and everything.boxes["heasarc"].user is None


def test_that_the_dialog_can_be_used_with_a_keyboard_and_a_screen_reader(opened, qtbot):
    dialog = opened(SmallSession(CredentialStore(MemoryRing())))
    for name in dialog.boxes:
        fill(dialog, qtbot, name, "somebody", SECRET)
    check(dialog)


def test_that_no_words_are_cut(opened, qtbot):
    """Sentences of several lines: every label has the height that its words need."""
    from keyring.backends import fail

    dialog = opened(SmallSession(CredentialStore(fail.Keyring())))
    fill(dialog, qtbot, "xsa", "somebody", SECRET)
    with qtbot.waitSignal(dialog.changed):
        dialog.boxes["xsa"].save.click()
    qtbot.wait(50)
    cut = [
        label.text()
        for label in dialog.findChildren(QLabel)
        if label.isVisible() and label.wordWrap() and label.height() < label.heightForWidth(label.width())
    ]
    assert cut == []


def test_that_the_menu_opens_it_on_the_real_session(qtbot, tmp_path, monkeypatch):
    ring = MemoryRing()
    monkeypatch.setattr(module, "STORE", CredentialStore(ring))
    with shell(qtbot, tmp_path / "output") as window:
        window.action("credentials")
        [dialog] = [w for w in QApplication.topLevelWidgets() if isinstance(w, CredentialsDialog) and w.isVisible()]
        qtbot.waitUntil(lambda: dialog.boxes["xsa"].state.text() == "None.")
        fill(dialog, qtbot, "xsa", "somebody", SECRET)
        with qtbot.waitSignal(dialog.changed):
            dialog.boxes["xsa"].save.click()
        assert window.session.has_credentials("xsa") and len(ring.entries) == 1
        dialog.close()

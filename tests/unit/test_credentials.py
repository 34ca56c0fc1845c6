"""Credentials: kept in the system's key ring or, without one, for this run; never shown, written down or sent elsewhere."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import pytest
from keyring.backends import chainer, fail, null

from daxa_gui.core.credential import CREDENTIAL_SERVICES, Credentials, KeptIn, checked_credentials
from daxa_gui.core.errors import InputError
from daxa_gui.remote import credentials as module
from daxa_gui.remote.credentials import CredentialStore
from tests.fakes.key_rings import (
    ForgetfulRing,
    HangingRing,
    LockedRing,
    MemoryRing,
    PlaintextKeyring,
    TalkativeRing,
    WeakRing,
)

SECRET = "Zx9 quiet-swan ä€"
PROJECT = Path(__file__).resolve().parents[2]


# ---- a key ring that works


def test_that_credentials_are_kept_in_the_key_ring_one_entry_per_service() -> None:
    ring = MemoryRing()
    store = CredentialStore(ring)
    assert "key ring" in store.set("xsa", " somebody ", SECRET)
    store.set("heasarc", "", "key1\n key2")
    assert set(ring.entries) == {("daxa-gui", "xsa"), ("daxa-gui", "heasarc")}
    later = CredentialStore(ring)  # the next run of the program
    assert later.get("xsa") == Credentials("somebody", SECRET)
    assert later.get("heasarc").keys == ("key1", "key2")
    assert later.names() == {"xsa": KeptIn.KEY_RING, "heasarc": KeptIn.KEY_RING, "mirror": KeptIn.NOWHERE}
    assert later.get("mirror") is None and not later.has("mirror") and later.problem() == ""


def test_that_forgetting_removes_the_entry() -> None:
    ring = MemoryRing()
    store = CredentialStore(ring)
    store.set("xsa", "somebody", SECRET)
    assert "forgotten" in store.forget("xsa")
    assert ring.entries == {} and store.where("xsa") is KeptIn.NOWHERE and CredentialStore(ring).get("xsa") is None
    assert "forgotten" in store.forget("xsa")  # once more does no harm


def test_that_the_key_ring_is_asked_late_once_and_never_on_the_threads_that_ask() -> None:
    ring = MemoryRing()
    store = CredentialStore(ring)
    assert ring.calls == []
    for _ in range(5):
        store.get("xsa")
    threads = [threading.Thread(target=store.get, args=("heasarc",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ring.calls == ["get", "get"] and set(ring.threads) == {"key ring"}


@pytest.mark.parametrize(
    "entry", ["", "x", "[]", '{"user": 3, "secret": "s"}', '{"user": "u"}', "[" * 100_000, '{"user":"","secret":"s"}']
)
def test_that_an_entry_that_this_program_did_not_write_counts_as_none(entry: str) -> None:
    ring = MemoryRing()
    ring.entries["daxa-gui", "xsa"] = entry
    assert CredentialStore(ring).get("xsa") is None


# ---- none, or one that is not fit


def chain_of(*rings: object) -> object:
    class Chain(chainer.ChainerBackend):
        backends = list(rings)

    Chain.__module__ = chainer.__name__
    return Chain()


UNFIT = {
    "keyring's own « fail »": fail.Keyring, "keyring's own « null »": null.Keyring, "plain text": PlaintextKeyring,
    "weak": WeakRing, "forgetful": ForgetfulRing, "talkative": TalkativeRing, "locked": LockedRing,
    "an empty chain": chain_of, "a chain of unfit ones": lambda: chain_of(PlaintextKeyring(), WeakRing()),
}  # fmt: skip


@pytest.mark.parametrize("make", UNFIT.values(), ids=UNFIT)
def test_that_without_a_fit_key_ring_they_are_kept_for_this_run_which_is_said(make: type) -> None:
    ring = make()
    store = CredentialStore(ring)
    sentence = store.set("xsa", "somebody", SECRET)
    assert "until this program ends" in sentence and SECRET not in sentence
    assert store.where("xsa") is KeptIn.THIS_RUN and store.get("xsa") == Credentials("somebody", SECRET)
    assert SECRET not in json.dumps(str(vars(ring)))
    assert CredentialStore(ring).get("xsa") is None
    store.forget("xsa")
    assert store.get("xsa") is None


def test_that_of_a_chain_the_first_fit_ring_is_used() -> None:
    good, plain = MemoryRing(), PlaintextKeyring()
    CredentialStore(chain_of(plain, good)).set("xsa", "somebody", SECRET)
    assert len(good.entries) == 1 and plain.entries == {}


def test_that_a_missing_package_is_no_key_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    store = CredentialStore()
    assert "not installed" in store.set("xsa", "somebody", SECRET)
    assert store.where("xsa") is KeptIn.THIS_RUN


def test_that_the_key_ring_of_this_machine_is_the_one_that_keyring_finds() -> None:
    """In a process of its own: keyring looks for its backend once. The fail backend is what machines without one have."""
    program = (
        "from daxa_gui.remote.credentials import CredentialStore\n"
        "store = CredentialStore(); print(store.set('xsa', 'u', 'p')); print(store.where('xsa'))"
    )
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd=PROJECT, check=True
    )
    assert "this system has none" in result.stdout and result.stdout.splitlines()[-1] == "this run" and result.stderr == ""


def test_that_a_locked_key_ring_is_not_asked_again_by_jobs_but_when_the_person_asks() -> None:
    ring = LockedRing()
    store = CredentialStore(ring)
    for service in ("xsa", "heasarc", "xsa", "mirror"):
        assert store.get(service) is None
    assert ring.calls == ["get"] and "locked" in store.problem()
    ring.entries["daxa-gui", "xsa"] = json.dumps({"user": "somebody", "secret": SECRET})
    assert store.names()["xsa"] is KeptIn.NOWHERE and ring.calls == ["get", "get"]
    ring.unlocked = True
    assert store.names()["xsa"] is KeptIn.KEY_RING and store.problem() == ""
    assert store.get("xsa") == Credentials("somebody", SECRET)


def test_that_a_key_ring_that_does_not_answer_holds_nobody_up_for_long_and_may_answer_later() -> None:
    ring = HangingRing()
    ring.entries["daxa-gui", "heasarc"] = json.dumps({"user": "", "secret": "key"})
    store = CredentialStore(ring, patience_s=0.05)
    assert store.get("heasarc") is None and "did not answer" in store.problem()
    assert "not answered yet" in store.set("xsa", "somebody", SECRET)
    assert store.where("xsa") is KeptIn.THIS_RUN
    ring.answer.set()
    patient = threading.Event()
    for _ in range(200):
        if store.names()["heasarc"] is KeptIn.KEY_RING:
            break
        patient.wait(0.02)
    assert store.get("heasarc").secret == "key" and store.where("xsa") is KeptIn.THIS_RUN


# ---- what a person enters


@pytest.mark.parametrize(
    ("service", "user", "secret"),
    [("xsa", "", SECRET), ("xsa", "somebody", ""), ("xsa", "a\nb", SECRET), ("xsa", "somebody", f"{SECRET}\tx"),
     ("xsa", "somebody", SECRET * 100), ("heasarc", "", "  "), ("mirror", "a:b", SECRET), ("mirror", "", SECRET),
     ("xsa", "somebody", f"{SECRET}\ud800"), ("unknown", "somebody", SECRET)],
)  # fmt: skip
def test_that_what_cannot_be_credentials_is_refused_without_repeating_it(service: str, user: str, secret: str) -> None:
    ring = MemoryRing()
    with pytest.raises(InputError) as caught:
        CredentialStore(ring).set(service, user, secret)
    assert ring.entries == {} and SECRET not in "".join(traceback.format_exception(caught.value))


def test_that_every_service_says_what_it_wants() -> None:
    for name, service in CREDENTIAL_SERVICES.items():
        assert service.name == name and service.label and service.help.endswith(".") and service.secret_label


# ---- nothing shows them


def test_that_credentials_do_not_show_themselves() -> None:
    credentials = Credentials("somebody", SECRET)
    shown = [
        repr(credentials),
        str(credentials),
        f"{credentials}",
        f"{credentials!r}",
        repr([credentials]),
        repr({"c": credentials}),
    ]
    assert not [text for text in shown if SECRET in text or "somebody" in text]
    assert not hasattr(credentials, "__dict__")
    for write_down in (pickle.dumps, copy.copy, copy.deepcopy, hash):
        with pytest.raises(TypeError):
            write_down(credentials)
    with pytest.raises(TypeError):
        json.dumps({"c": credentials})


def test_that_no_log_error_or_sentence_holds_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    texts = []
    for make in (*UNFIT.values(), MemoryRing):
        ring = make()
        store = CredentialStore(ring, patience_s=5)
        texts += [store.set("xsa", "somebody", SECRET), store.forget("xsa"), store.problem(), repr(store), str(store.names())]
        for call in (lambda s=store: s.set("xsa", "", SECRET), lambda s=store: s.get(SECRET[:3])):
            try:
                call()
            except InputError as error:
                texts += [*traceback.format_exception(error), error.message, error.hint, error.details]
    texts += [record.getMessage() + repr(record.args) + str(record.exc_info) for record in caplog.records]
    assert len(caplog.records) >= len(UNFIT)
    assert not [text for text in texts if SECRET in text or json.dumps(SECRET) in text]


def test_that_the_chain_of_causes_of_a_talkative_key_ring_is_cut() -> None:
    ring = module.KeyRing(TalkativeRing())
    with pytest.raises(module.NoKeyRing) as caught:
        ring.write("xsa", SECRET)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None and caught.value.__context__ is None


def test_that_pasted_line_ends_are_no_part_of_a_password() -> None:
    assert checked_credentials("xsa", "somebody\n", "word \r\n").secret == "word "


def test_that_the_store_of_the_process_can_be_replaced_by_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = CredentialStore(MemoryRing())
    monkeypatch.setattr(module, "STORE", mine)
    assert module.store() is mine

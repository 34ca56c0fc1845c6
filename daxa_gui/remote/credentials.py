"""Credentials for data that are not public: kept in the system's key ring or, without one, in memory until the program ends;
and how they are sent: over TLS only, to the service that they are for only, never in an address.

Sources: XSA's documentation of its AIO interface (AIOUSER, AIOPWD); RFC 7617 (HTTP Basic).
"""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from daxa_gui.core.credential import CREDENTIAL_SERVICES, Credentials, KeptIn, checked_credentials, credential_service
from daxa_gui.core.errors import InputError, TransferError
from daxa_gui.remote.addresses import host_of, same_origin
from daxa_gui.remote.key_ring import PATIENCE_S, KeyRing, NoKeyRing

log = logging.getLogger(__name__)
_NOTHING: tuple[Credentials | None, KeptIn] = (None, KeptIn.NOWHERE)


class CredentialStore:
    """Every method may be called from any thread but the window's: the key ring may take its time.

    Parameters
    ----------
    backend : a `keyring` backend; what this system has if None.
    patience_s : how long the key ring may take (it may ask the person to unlock it).
    """

    def __init__(self, backend: Any = None, patience_s: float = PATIENCE_S) -> None:
        self._ring = KeyRing(backend, patience_s)
        self._asking = threading.Lock()
        self._known: dict[str, tuple[Credentials | None, KeptIn]] = {}
        self._problem = ""

    def set(self, service: str, user: str, secret: str) -> str:
        """Keep credentials; a sentence that says where.

        Raises
        ------
        InputError : they cannot be credentials of this service (`core.credential.checked_credentials`).
        """
        credentials = checked_credentials(service, user, secret)
        label = CREDENTIAL_SERVICES[service].label
        with self._asking:
            try:
                self._ring.write(service, _packed(credentials))
            except NoKeyRing as problem:
                self._problem = str(problem)
                self._known[service] = credentials, KeptIn.THIS_RUN
                log.info("credentials of %s are kept in memory: %s", service, problem)
                return (
                    f"The system's key ring cannot be used ({problem}): the credentials of {label} are kept until this program "
                    "ends, and nowhere else."
                )
            self._problem = ""
            self._known[service] = credentials, KeptIn.KEY_RING
        return f"The credentials of {label} are kept in the system's key ring."

    def get(self, service: str) -> Credentials | None:
        """The credentials of a service; None if there are none.

        The key ring is asked once per run for each service, and not again after it could not be used: `names`, `set` and
        `forget`, which a person asks for, try it anew.
        """
        credential_service(service)
        known = self._known.get(service)
        if known is not None:
            return known[0]
        with self._asking:
            if service not in self._known and not self._problem:
                self._look(service)
            return self._known.get(service, _NOTHING)[0]

    def has(self, service: str) -> bool:
        return self.get(service) is not None

    def where(self, service: str) -> KeptIn:
        """Where the credentials of a service are."""
        self.get(service)
        return self._known.get(service, _NOTHING)[1]

    def names(self) -> dict[str, KeptIn]:
        """All services and where their credentials are; a key ring that could not be used before is asked again."""
        with self._asking:
            self._problem = ""
            for service in CREDENTIAL_SERVICES:
                if service not in self._known and not self._problem:
                    self._look(service)
            return {service: self._known.get(service, _NOTHING)[1] for service in CREDENTIAL_SERVICES}

    def problem(self) -> str:
        """Why the key ring could not be used when it was last asked; empty if it could, or was not asked."""
        return self._problem

    def forget(self, service: str) -> str:
        """Forget credentials; a sentence that says so, and if an entry may be left in the key ring."""
        label = credential_service(service).label
        with self._asking:
            was = self._known.get(service, _NOTHING)[1]
            try:
                self._ring.delete(service)
            except NoKeyRing as problem:
                self._problem = str(problem)
                self._known[service] = _NOTHING
                log.info("the key ring could not be asked to forget %s: %s", service, problem)
                left = "" if was is KeptIn.THIS_RUN else " An entry « daxa-gui » of an earlier time may still be in it."
                return f"The credentials of {label} are forgotten. The key ring cannot be used ({problem}).{left}"
            self._problem = ""
            self._known[service] = _NOTHING
        return f"The credentials of {label} are forgotten."

    def _look(self, service: str) -> None:
        """Ask the key ring, and remember what it has, or that it could not be asked."""
        try:
            text = self._ring.read(service)
        except NoKeyRing as problem:
            self._problem = str(problem)
            log.info("the key ring cannot be used: %s", problem)
            return
        self._problem = ""
        found = _unpacked(service, text) if text is not None else None
        self._known[service] = (found, KeptIn.KEY_RING if found is not None else KeptIn.NOWHERE)


def _packed(credentials: Credentials) -> str:
    return json.dumps({"user": credentials.user, "secret": credentials.secret})


def _unpacked(service: str, text: str) -> Credentials | None:
    """What an entry holds; None for one that this program did not write."""
    try:
        entry = json.loads(text)
        if not (isinstance(entry, dict) and isinstance(entry.get("user"), str) and isinstance(entry.get("secret"), str)):
            raise ValueError
        return checked_credentials(service, entry["user"], entry["secret"])
    except (ValueError, RecursionError, InputError):
        log.warning("the entry of %s in the key ring cannot be read", service)
        return None


@dataclass(frozen=True, repr=False)
class Authorisation:
    """What a request needs besides its address, for `Visit.request(url, method=…, headers=…, body=…)`."""

    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    method: str = "GET"

    def __repr__(self) -> str:
        return f"Authorisation({self.method}, hidden)"


def authorisation(url: str, service: str, credentials: Credentials | None, base: str = "") -> Authorisation:
    """How `credentials` of `service` go along with a request for `url`.

    "xsa": XSA's parameters AIOUSER and AIOPWD in the body of a POST, never in the query. "mirror": HTTP Basic. "heasarc": its
    keys are for decrypting what was fetched and are not sent. Without credentials: a plain GET.

    Parameters
    ----------
    base : the address of the service, if known: credentials are not sent to another host or port.

    Raises
    ------
    TransferError : the address is not protected (https), or is not one of the service; nothing may be sent there.
    """
    credential_service(service)
    if credentials is None or service == "heasarc":
        return Authorisation()
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        raise TransferError(
            f"The password is not sent to {host_of(url) or 'this address'}: the connection would not be protected (no https).",
            "Use an https address, or forget the credentials if the data are public.",
            retryable=False,
        )
    if base and not same_origin(url, base):
        raise TransferError(
            f"The password for {host_of(base)} is not sent to {host_of(url)}.",
            "Look at the addresses in the settings.",
            retryable=False,
        )
    if service == "xsa":
        body = urlencode({"AIOUSER": credentials.user, "AIOPWD": credentials.secret}).encode("ascii")
        return Authorisation({"Content-Type": "application/x-www-form-urlencoded"}, body, "POST")
    pair = base64.b64encode(f"{credentials.user}:{credentials.secret}".encode()).decode("ascii")
    return Authorisation({"Authorization": f"Basic {pair}"})


STORE = CredentialStore()
"""What jobs of this process use (credentials are never in a job's arguments); the session may put another one here."""


def store() -> CredentialStore:
    """The store of this process at this moment."""
    return STORE

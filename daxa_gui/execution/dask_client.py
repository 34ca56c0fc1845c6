"""Connecting to the scheduler of a Dask cluster, and a sentence for each way in which that can fail."""

from __future__ import annotations

import logging
import socket
import ssl
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from daxa_gui.core.errors import DaxaError, InputError, ReductionError

if TYPE_CHECKING:
    from distributed import Client

_FILES_HINT = "Settings, « Cluster », names the files."
INSTALL = 'Install it with: pip install "daxa-gui[cluster]"'


@dataclass(frozen=True)
class TlsFiles:
    """PEM files: the certificates of who may be trusted, our own certificate and its key. All empty: no TLS."""

    ca: str = ""
    cert: str = ""
    key: str = ""

    @property
    def are_given(self) -> bool:
        return bool(self.ca or self.cert or self.key)


NO_TLS = TlsFiles()


def need_distributed() -> None:
    """Raise ReductionError if the packages for clusters are not installed."""
    if sys.modules.get("distributed") is None:
        try:
            import distributed  # noqa: F401
        except ImportError as error:
            raise _not_installed("distributed") from error
        # It would write onto the terminal of the command line, into its tables and documents.
        for name in ("distributed", "distributed.client", "distributed.core", "distributed.comm.tcp"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _not_installed(name: str) -> ReductionError:
    return ReductionError(f"The package « {name} », which work on clusters needs, is not installed.", INSTALL)


def lost(message: str, hint: str) -> ReductionError:
    """What stops all jobs of a cluster at once: they stay queued until somebody resumes them."""
    error = ReductionError(message, hint, retryable=True)
    error.pauses_lane = True
    return error


def check_files(address: str, tls: TlsFiles) -> None:
    """Raise InputError for an address with TLS without the files that it needs, or for files that are not there."""
    if not address.startswith("tls://"):
        return
    names = {"ca": "certificates of the cluster", "cert": "own certificate", "key": "own key"}
    for name, what in names.items():
        text = getattr(tls, name)
        if not text:
            raise InputError(
                f"The cluster {address} asks for TLS, but the {what} ({name}) is not set.",
                _FILES_HINT,
            )
        if not Path(text).expanduser().is_file():
            raise InputError(f"There is no file {text}, which the settings name for TLS.", _FILES_HINT)


def connect(address: str, tls: TlsFiles, timeout_s: float = 10.0) -> Client:
    """A connection to a scheduler.

    Raises
    ------
    InputError : the files for TLS. ReductionError : nobody is there, or whoever is there is not the right one; it stops the lane.
    """
    need_distributed()
    check_files(address, tls)
    import warnings

    from distributed import Client
    from distributed.security import Security

    security = None
    if address.startswith("tls://"):
        ca, cert, key = (str(Path(text).expanduser()) for text in (tls.ca, tls.cert, tls.key))
        security = Security(tls_ca_file=ca, tls_client_cert=cert, tls_client_key=key, require_encryption=True)
    _knock(address, tls, min(timeout_s, 5.0))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # versions are compared by us, where each task begins
            return Client(address, timeout=timeout_s, security=security, set_as_default=False, name="daxa-gui")
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        raise _no_answer(address, error) from error


def close_quickly(client: Client) -> None:
    """Close a connection that may be broken; whoever asks does not wait for it."""

    def close() -> None:
        with suppress(OSError, RuntimeError):
            client.close(timeout=1)

    threading.Thread(target=close, name="closes a cluster's connection", daemon=True).start()


def _knock(address: str, tls: TlsFiles, timeout_s: float) -> None:
    """Whether somebody listens there and speaks TLS as we do: a plain socket says it more clearly than Dask."""
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or 8786
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as plain:
            if parts.scheme == "tls":
                _shake_hands(address, plain, tls)
            elif _speaks_first(plain, timeout_s) is False and _answers_tls(host, port, timeout_s):
                raise lost(
                    f"The cluster {address} asks for TLS.", f"Write tls://{parts.netloc} and name the files in the settings."
                )
    except TimeoutError as error:
        raise lost(f"Nobody answers at {address} within {timeout_s:g} s.", _HINT) from error
    except OSError as error:
        raise lost(f"Nobody is to be reached at {address}: {error.strerror or error}.", _HINT) from error


_HINT = "Is the scheduler running, and may this machine reach it? Resume the queue when it is back."


def _speaks_first(plain: socket.socket, timeout_s: float) -> bool | None:
    """A scheduler without TLS says what it can as soon as somebody comes; one with TLS waits. None: it hung up."""
    plain.settimeout(min(timeout_s, 2.0))
    try:
        return True if plain.recv(1) else None
    except TimeoutError:
        return False


def _answers_tls(host: str, port: int, timeout_s: float) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent: only to know whether to advise TLS
    try:
        with (
            socket.create_connection((host, port), timeout=timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return True
    except ssl.SSLError as error:
        return "WRONG_VERSION_NUMBER" not in str(error)
    except OSError:
        return False


def _shake_hands(address: str, plain: socket.socket, tls: TlsFiles) -> None:
    """Do the handshake that Dask will do (it compares no host names: who has a certificate of this authority is trusted)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    try:
        context.load_verify_locations(str(Path(tls.ca).expanduser()))
        context.load_cert_chain(str(Path(tls.cert).expanduser()), str(Path(tls.key).expanduser()))
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"The files for TLS that the settings name cannot be used: {getattr(error, 'reason', '') or error}.",
            "They are PEM files: certificates of the cluster, own certificate, own key without a password.",
        ) from error
    try:
        with context.wrap_socket(plain, server_hostname=urlsplit(address).hostname):
            pass
    except ssl.SSLCertVerificationError as error:
        raise lost(
            f"The cluster {address} shows a certificate that is not trusted here: {error.verify_message}.",
            "Settings, « Cluster », names the certificates to trust.",
        ) from error
    except (ssl.SSLError, ConnectionError, TimeoutError) as error:
        raise lost(f"{address} does not speak TLS.", "Write tcp:// in place of tls:// if the cluster does without.") from error


def _no_answer(address: str, error: Exception) -> DaxaError:
    problem = lost(
        f"Something listens at {address}, but it does not answer as the scheduler of a Dask cluster does.",
        "Is the address right, is our certificate one of the cluster's, and are Dask's versions the same on both sides?",
    )
    problem.details = f"{type(error).__name__}: {error}"
    return problem


def known_threads(client: Client, timeout_s: float = 3.0) -> dict[str, int] | None:
    """The threads of each worker by its address; None if the scheduler does not answer."""
    if client.status != "running" or client.scheduler is None:
        return None
    try:
        found: Any = client.sync(client.scheduler.ncores, callback_timeout=timeout_s)
    except (OSError, RuntimeError, ValueError):
        return None
    return {str(worker): int(threads) for worker, threads in found.items()}

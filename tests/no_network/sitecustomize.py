"""Keeps the tests and every Python process that they start on this machine: only 127.0.0.1, ::1 and Unix sockets.

Python imports a module of this name at its start when the folder is on PYTHONPATH; `tests/conftest.py` sees to both.
"""

import socket
import sys

LOOPBACK_NAMES = ("localhost", "ip6-localhost", "localhost.localdomain")


class NetworkForbidden(RuntimeError):
    """A test tried to talk to another machine. Not an OSError, so that no error handling for networks hides it."""


def is_loopback(host):
    """Whether a host as given to connect, bind or getaddrinfo is this machine and cannot be reached from others."""
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii", "replace")
    return host is not None and (host in LOOPBACK_NAMES or host.startswith("127.") or host.split("%")[0] == "::1")


def check(event, arguments):
    """The audit hook: see « Audit events table » of the Python documentation."""
    if event in ("socket.connect", "socket.sendto", "socket.bind", "socket.sendmsg"):
        address = arguments[1]
        if isinstance(address, tuple) and not is_loopback(address[0]):
            raise NetworkForbidden(f"{event} to {address!r}: tests stay on 127.0.0.1")
    elif event == "socket.getaddrinfo":
        host = arguments[0]
        if isinstance(host, str) and host.rpartition(".")[2] == "invalid":
            # reserved for names that do not exist (RFC 2606): the answer is known without asking anybody
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if host is not None and not is_loopback(host):
            raise NetworkForbidden(f"looking up {host!r}: tests stay on 127.0.0.1")


if not getattr(sys, "_daxa_gui_network_guard", False):
    sys._daxa_gui_network_guard = True
    sys.addaudithook(check)

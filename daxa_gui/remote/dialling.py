"""Opening connections to hosts: directly or through the proxy that the system names, with TLS where the address says so."""

from __future__ import annotations

import base64
import http.client
import ssl
import urllib.request
from urllib.parse import SplitResult, unquote, urlsplit

from daxa_gui.remote.watch import Timeouts

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class _ProxiedConnection(http.client.HTTPConnection):
    """A connection to a proxy that is asked with whole addresses (plain http only; https tunnels through)."""

    asks_with_whole_address = True

    def __init__(self, host: str, port: int | None, timeout: float, proxy_headers: dict[str, str]) -> None:
        super().__init__(host, port, timeout=timeout)
        self.proxy_headers = proxy_headers


def new_connection(parts: SplitResult, timeouts: Timeouts) -> http.client.HTTPConnection:
    host, port = parts.hostname or "", parts.port
    proxy = _proxy_for(parts)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        if proxy is None:
            return http.client.HTTPSConnection(host, port, timeout=timeouts.connect_s, context=context)
        tunnel = http.client.HTTPSConnection(proxy.hostname or "", proxy.port or 80, timeout=timeouts.connect_s, context=context)
        tunnel.set_tunnel(host, port or 443, _proxy_headers(proxy))
        return tunnel
    if proxy is None:
        return http.client.HTTPConnection(host, port, timeout=timeouts.connect_s)
    return _ProxiedConnection(proxy.hostname or "", proxy.port or 80, timeouts.connect_s, _proxy_headers(proxy))


def _proxy_for(parts: SplitResult) -> SplitResult | None:
    """The proxy that the system or the environment names for this address; never one for this machine itself."""
    host = (parts.hostname or "").lower()
    if host in _LOOPBACK or urllib.request.proxy_bypass(host):
        return None
    address = urllib.request.getproxies().get(parts.scheme, "")
    if not address:
        return None
    proxy = urlsplit(address if "//" in address else f"http://{address}")
    return proxy if proxy.hostname else None


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair.encode()).decode("ascii")}

"""Fetching over http(s), with a deadline and a cancel flag that hold during all of it.

Requests bounds how long it waits for a connection and for the next byte, not how long names are
looked up, headers trickle or a body takes. So a transfer runs on a thread of its own, which the
caller leaves when the time is up. Its socket is shut down then: the thread's wait ends, and the
thread with it. Every host that a transfer is led to is checked, and so is the address that it
connects to.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ReadTimeoutError,
)

from keye_vl_rs._media.allow_lists import check_address, check_host
from keye_vl_rs._media.deadline import Watch
from keye_vl_rs._media.file_objects import spool
from keye_vl_rs.errors import MediaError, SourceNotAllowedError
from keye_vl_rs.limits import Limits, current_limits

__all__ = ["fetch"]

# How soon a cancel flag is noticed.
_GLANCE_S = 0.1
# How long to wait for a thread whose socket was shut down. It ends at once, except while a name is
# looked up or a connection made, which then end by themselves and are dropped.
_GRACE_S = 0.25
_CHUNK_BYTES = 1 << 20
# Where requests gives up by itself.
_MOST_REDIRECTS = 30


def fetch(url: str, name: str, file: IO[bytes], watch: Watch) -> None:
    """Write the body of the answer to a GET into ``file`` and go back to its start.

    Args:
        url: an http or https address.
        name: what errors call it: no message of a library that knows the address is passed on.
        file: an empty file.
        watch: bounds all of it, and is noticed within 0.1 s.

    Raises:
        EmptyMediaError: the body is empty.
        MediaTimeoutError, CancelledError: as ``watch`` says.
        LimitError: it is redirected too often, or too large, or takes too long.
        SourceNotAllowedError: it leads to a host that is not allowed, or to an address that is not
            public.
        MediaError: the server is not reached, answers with an error or is silent too long, or the
            body is cut off or cannot be kept.

    """
    watch.check()
    limits = current_limits()
    ends = time.monotonic() + limits.response_seconds
    line = _Line()
    failures: list[BaseException] = []
    # The thread's own waits end with the deadline too: a connection is not tried on after it.
    left = watch.left()
    most = min(limits.silence_seconds, limits.response_seconds)
    patience = max(0.001, most if left is None else min(most, left))

    def run() -> None:
        try:
            with requests.Session() as session:
                adapter = _Adapter(line, name)
                session.mount("http://", adapter)
                session.mount("https://", adapter)
                if limits.redirects < _MOST_REDIRECTS:
                    session.max_redirects = int(limits.redirects)
                _receive(session, url, name, file, patience, limits)
        except BaseException as error:
            failures.append(line.refused or error)

    thread = threading.Thread(target=run, name="keye-vl-rs-fetch", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            left = watch.left()
            glance = min(_GLANCE_S, max(0.0, ends - time.monotonic()))
            thread.join(glance if left is None else min(glance, left))
            watch.check()
            if thread.is_alive() and time.monotonic() >= ends:
                limits.check("response_seconds", math.inf, name, "is not received by then")
    finally:
        line.cut()
        thread.join(_GRACE_S)
    if failures:
        # It may be that the deadline cut the thread's last wait short.
        watch.check()
        raise failures.pop()


def _receive(
    session: requests.Session,
    url: str,
    name: str,
    file: IO[bytes],
    patience: float,
    limits: Limits,
) -> None:
    # The libraries' own messages repeat the whole address with its credentials: none is kept.
    try:
        with session.get(url, stream=True, timeout=patience) as response:
            if not response.ok:
                raise MediaError(f"{name}: the server answered {response.status_code}")
            stated = response.headers.get("Content-Length", "")
            if stated.isdecimal():
                limits.check("response_bytes", int(stated), name, f"is of {stated} bytes")
            spool(_body(response, name, patience, limits), file, name)
    except requests.TooManyRedirects:
        limits.check("redirects", math.inf, name, "is redirected more often")
    except requests.Timeout:
        raise MediaError(f"{name}: no answer within {patience:g} s") from None
    except (requests.RequestException, HTTPError, ValueError) as error:
        raise MediaError(f"{name}: cannot be fetched ({type(error).__name__})") from None


def _body(
    response: requests.Response, name: str, patience: float, limits: Limits
) -> Iterator[bytes]:
    received = 0
    try:
        for chunk in response.iter_content(_CHUNK_BYTES):
            received += len(chunk)
            limits.check("response_bytes", received, name, f"sent {received} bytes and more")
            yield chunk
    except requests.exceptions.ChunkedEncodingError as error:
        raise MediaError(f"{name}: {_broken(response.raw, received, error)}") from None
    except requests.ConnectionError as error:
        if isinstance(error.args[0], ReadTimeoutError):
            raise MediaError(f"{name}: no byte within {patience:g} s") from None
        raise


def _broken(raw: Any, received: int, error: requests.RequestException) -> str:
    """How far a body came that is cut off, or whose chunks are not told apart."""
    if not raw.chunked:
        total = raw.headers.get("Content-Length")
        of_total = f" of {total}" if total else ""
        return f"the connection ended after {raw.tell()}{of_total} bytes"
    # The bytes of the chunk that was not completed.
    partial = getattr(error.args[0].args[-1], "partial", b"")
    received += len(partial) if isinstance(partial, bytes) else 0
    return f"the connection ended after {received} bytes, before the last chunk of its body"


class _Line:
    """The connections of one fetch, which another thread can cut."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_cut = False
        # Why no connection was made: urllib3 takes it for any failed connection.
        self.refused: SourceNotAllowedError | None = None

    def hold(self, connected: socket.socket) -> socket.socket:
        """Keep hold of a connection, for as long as it is not cut."""
        with self._lock:
            if self._is_cut:
                connected.close()
                raise ConnectionAbortedError("the fetch was given up")
            # A second descriptor: the first one moves when TLS wraps it, and its number may be
            # another file's by the time that this one is cut.
            self._sockets.append(connected.dup())
        return connected

    def cut(self) -> None:
        """End every connection, and every wait for one of them; later ones are refused."""
        with self._lock:
            self._is_cut = True
            sockets, self._sockets = self._sockets, []
        for one in sockets:
            # It may have been closed by the server.
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class _Adapter(HTTPAdapter):
    """Requests' way to a server or a proxy, whose connections a line holds."""

    def __init__(self, line: _Line, name: str) -> None:
        self._line = line
        self._name = name
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        """Send one request of those that redirects lead to, each to a host that is allowed."""
        parts = urlsplit(request.url or "")
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if not check_host(host, self._name):
            try:
                check_address(host, port, self._name)
            except socket.gaierror as error:
                # A proxy may know names that are not known here.
                if not select_proxy(request.url or "", options.get("proxies")):
                    raise requests.ConnectionError(error) from None
        return super().send(request, *args, **options)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self._tap(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        is_new = proxy not in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **options)
        if is_new:
            self._tap(manager)
        return manager

    def _tap(self, manager: Any) -> None:
        kinds = manager.pool_classes_by_scheme.items()
        manager.pool_classes_by_scheme = {
            scheme: _tapped(kind, self._line, self._name) for scheme, kind in kinds
        }


def _tapped(kind: Any, line: _Line, name: str) -> Any:
    """A kind of urllib3's pools whose connections ``line`` holds from before TLS and headers."""

    class Connection(kind.ConnectionCls):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            # What was looked up and found allowed before may lead elsewhere by now. (A proxy is the
            # environment's own choice; it looks names up by itself.)
            try:
                if self.proxy is not None or check_host(self.host, name):
                    return line.hold(super()._new_conn())
                addresses = check_address(self.host, self.port, name)
            except SourceNotAllowedError as error:
                line.refused = error
                raise
            for address in addresses[:-1]:
                self._dns_host = address
                # As for a name, whose addresses are tried in turn.
                with suppress(NewConnectionError, ConnectTimeoutError):
                    return line.hold(super()._new_conn())
            self._dns_host = addresses[-1]
            return line.hold(super()._new_conn())

    class Pool(kind):  # type: ignore[misc]
        ConnectionCls = Connection

    return Pool

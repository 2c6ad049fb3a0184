"""Connect to checked addresses or proxies, so that another thread can shut the connections down."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import httpcore
import httpx

from keye_vl_rs._media.allow_lists import check_address, check_host
from keye_vl_rs._media.http_environment import proxy_of, tls_context
from keye_vl_rs.errors import MediaError

__all__ = ["THREAD_NAME", "Connections", "Transport"]

THREAD_NAME = "keye-vl-rs-fetch"
_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65535
_NO_SOCKS = "the proxy of the environment needs socksio: pip install 'httpx[socks]'"

# httpx logs addresses at INFO with their queries and credentials, which must not be logged.
logging.getLogger("httpx").addFilter(lambda record: record.threadName != THREAD_NAME)


class Connections:
    """Track the connections of one download, which another thread can shut down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_cut = False

    def add(self, stream: httpcore.NetworkStream) -> httpcore.NetworkStream:
        """Register a new connection.

        Raises:
            httpcore.ConnectError: the connections were cut, or there are too many open files.
        """
        with self._lock:
            if self._is_cut:
                stream.close()
                raise httpcore.ConnectError("the download was given up")
            # Duplicate the descriptor: TLS takes over the first one, whose number may belong to
            # another file by the time that this one is shut down.
            try:
                self._sockets.append(stream.get_extra_info("socket").dup())
            except OSError as error:
                stream.close()
                raise httpcore.ConnectError(str(error)) from None
        return stream

    def cut(self) -> None:
        """Shut down all connections, which ends waits for them, and refuse new ones."""
        with self._lock:
            self._is_cut = True
            sockets, self._sockets = self._sockets, []
        for one in sockets:
            # It may have been closed by the server.
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class Transport(httpx.BaseTransport):
    """Send each request of a download over its own connection.

    httpx's transport does not accept a network backend.

    Args:
        connections: registers the connections.
        name: the name of the source in messages.
    """

    def __init__(self, connections: Connections, name: str) -> None:
        """Store where to register connections; none is opened yet."""
        self._connections = connections
        self._name = name

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request of a download or a redirect, if its host and addresses are allowed.

        Raises:
            SourceNotAllowedError: they are not.
            MediaError: the proxy or the certificates of the environment cannot be used.
            Exception: errors of httpx and httpcore.
        """
        url = request.url
        port = _PORTS.get(url.scheme, 0) if url.port is None else url.port
        # A name lookup would take the last 16 bits of a port.
        if url.scheme not in _PORTS or not url.host or not 0 < port <= _MAX_PORT:
            raise httpx.InvalidURL("expected http(s), a host and a port")
        host = url.raw_host.decode("ascii")
        proxy = proxy_of(url.scheme, host, port, self._name)
        is_listed = check_host(host, self._name)
        if not is_listed:
            try:
                check_address(host, port, self._name)
            except socket.gaierror as error:
                # A proxy may know names that are not known here.
                if proxy is None:
                    raise httpcore.ConnectError(str(error)) from None
        pool = httpcore.ConnectionPool(
            tls_context(self._name) if url.scheme == "https" else None,
            proxy=proxy,
            # Close each connection after its response.
            max_keepalive_connections=0,
            network_backend=_Backend(
                self._connections, None if is_listed or proxy is not None else self._name
            ),
        )
        try:
            answer = pool.handle_request(_to_httpcore(request))
        except ImportError:
            raise MediaError(f"{self._name}: {_NO_SOCKS}") from None
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Stream(answer),
            extensions=answer.extensions,
        )


def _to_httpcore(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


class _Stream(httpx.SyncByteStream):
    """Read the body of a response of httpcore, with the interface of httpx."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Backend(httpcore.SyncBackend):
    """Check the addresses of a host when connecting to them, as a network backend.

    A name that was looked up and allowed earlier may resolve to other addresses by then.

    Args:
        connections: registers the connections.
        name: the name of the source in messages; None to allow any address, for a host on the
            allow-list, or for a proxy, which the environment sets and which resolves names itself.
    """

    def __init__(self, connections: Connections, name: str | None) -> None:
        self._connections = connections
        self._name = name

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = [host]
        if self._name is not None:
            try:
                addresses = check_address(host, port, self._name)
            except socket.gaierror as error:
                raise httpcore.ConnectError(str(error)) from None

        options = (port, timeout, local_address, socket_options)
        *others, last = addresses
        for address in others:
            # Try the next address, as for any name with several.
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._connect(address, *options)
        return self._connect(last, *options)

    def _connect(self, *arguments: Any) -> httpcore.NetworkStream:
        return self._connections.add(super().connect_tcp(*arguments))

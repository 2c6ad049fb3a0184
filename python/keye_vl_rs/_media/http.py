"""Download over http(s), within a deadline, limits and allow-lists.

httpx bounds each wait for a connection and for the next bytes. It does not bound name lookups,
headers or bodies that trickle. So each download runs in its own thread. When the deadline passes,
the caller stops waiting and the connections are shut down, which ends the thread. (An event loop of
anyio would not help: it does not end before its name lookups do.)
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import httpcore
import httpx

from keye_vl_rs._core import __version__
from keye_vl_rs._media.content_encoding import decompress
from keye_vl_rs._media.deadline import Deadline
from keye_vl_rs._media.file_objects import spool
from keye_vl_rs._media.http_environment import certificates_hint, netrc_credentials
from keye_vl_rs._media.http_transport import THREAD_NAME, Connections, Transport
from keye_vl_rs._util.shorten import shorten
from keye_vl_rs.errors import MediaError
from keye_vl_rs.limits import Limits, current_limits

if TYPE_CHECKING:
    from keye_vl_rs._util.progress import ProgressReporter

__all__ = ["Session", "fetch", "run_session"]

# Interval between checks of the cancel flag.
_INTERVAL_S = 0.1
# How long to wait for a thread whose connections were shut down. It ends at once, except during a
# name lookup or while connecting; those finish on their own, and their results are discarded.
_GRACE_S = 0.25
_HEADERS = {
    "User-Agent": f"keye-vl-rs/{__version__}",
    # The codings that are decompressed in bounded memory.
    "Accept-Encoding": "gzip, deflate",
}
# Whatever the limits are, so that a loop ends.
_MAX_REDIRECTS = 30
_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_MORE_SILENCE = "; for a longer wait, set KEYE_VL_RS_MAX_SILENCE_SECONDS"
# httpx's transport would map the errors of httpcore to its own.
_HTTP_ERRORS = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpx.HTTPError,
    httpx.InvalidURL,
    ValueError,
)


@dataclass
class _Received:
    """Count the bytes that a download has received; the total is known if the server states it."""

    done: int = 0
    total: int | None = None

    def report(self, progress: ProgressReporter | None) -> None:
        if progress is not None and self.done:
            progress.fetched(self.done, self.total)


def fetch(url: str, name: str, file: IO[bytes], deadline: Deadline) -> None:
    """Download an address into ``file``, and move back to its start.

    Args:
        url: an http or https address.
        name: the name of the address in messages, which never contain the address itself.
        file: an empty file.
        deadline: the deadline and the cancel flag of the whole download, noticed within 0.1 s. Its
            progress is reported at the same interval, and at the end.

    Raises:
        EmptyMediaError: the body is empty.
        MediaTimeoutError, CancelledError: the deadline passed, or the call was cancelled.
        LimitError: there are too many redirects or bytes, or the download took too long.
        SourceNotAllowedError: the address, or a redirect, leads to a host that is not allowed or
            to an address that is not public.
        MediaError: the server cannot be reached, answers with an error or is silent for too long,
            or the body is cut off or cannot be stored.

    """

    def download(session: Session) -> None:
        response = session.send(url)
        try:
            session.receive(response, file)
        finally:
            response.close()

    run_session(download, name, deadline)


def run_session(work: Callable[[Session], None], name: str, deadline: Deadline) -> None:
    """Run ``work``, which sends requests, in a thread of its own, and wait for it.

    Args:
        work: takes the session to send requests with.
        name: the name of the address in messages.
        deadline: as for :func:`fetch`.

    Raises:
        As :func:`fetch`, and what ``work`` raises.
    """
    deadline.check()
    limits = current_limits()
    ends = time.monotonic() + limits.response_seconds
    connections = Connections()
    received = _Received()
    failures: list[BaseException] = []
    # Also bound the thread's own waits, so that it does not go on connecting after the deadline.
    left = deadline.left()
    most = min(limits.silence_seconds, limits.response_seconds)
    patience = max(0.001, most if left is None else min(most, left))

    def run() -> None:
        try:
            with _session(name, patience, limits, connections, received) as session:
                work(session)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, name=THREAD_NAME, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            left = deadline.left()
            interval = min(_INTERVAL_S, max(0.0, ends - time.monotonic()))
            thread.join(interval if left is None else min(interval, left))
            deadline.check()
            received.report(deadline.progress)
            if thread.is_alive() and time.monotonic() >= ends:
                limits.check("response_seconds", math.inf, name, "the download")
    finally:
        connections.cut()
        thread.join(_GRACE_S)
    if failures:
        # The thread's last wait may have been cut short by the deadline.
        deadline.check()
        raise failures.pop()
    received.report(deadline.progress)


@contextmanager
def _session(
    name: str, patience: float, limits: Limits, connections: Connections, received: _Received
) -> Iterator[Session]:
    """Yield a session; turn errors of the libraries into this package's.

    Messages of the libraries may contain the address with its credentials, so only those of the
    system and of a proxy are passed on.
    """
    transport = Transport(connections, name)
    try:
        with httpx.Client(
            transport=transport, headers=_HEADERS, timeout=patience, trust_env=False
        ) as client:
            yield Session(client, name, patience, limits, received)
    except httpcore.TimeoutException:
        raise MediaError(f"{name}: no answer within {patience:g} s{_MORE_SILENCE}") from None
    except (httpcore.ConnectError, httpcore.ProxyError) as error:
        reason = shorten(f"{type(error).__name__}: {error}")
        hint = certificates_hint() if "CERTIFICATE_VERIFY_FAILED" in reason else ""
        raise MediaError(f"{name}: cannot be fetched ({reason}){hint}") from None
    except _HTTP_ERRORS as error:
        raise MediaError(f"{name}: cannot be fetched ({type(error).__name__})") from None


@dataclass(frozen=True)
class Session:
    """Send the requests of one download.

    Attributes:
        client: sends single requests.
        name: the name of the address in messages.
        patience: how long to wait for more bytes, in seconds.
        limits: the limits of the download.
        received: what has been received.
    """

    client: httpx.Client
    name: str
    patience: float
    limits: Limits
    received: _Received = field(default_factory=_Received)

    def send(self, url: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Send a GET, follow redirects, and return the final response, to be closed.

        httpx itself would read the body of each redirect into memory, whatever its size.
        """
        name = self.name
        # As in "100%.mp4": httpx would send it as it is, and servers refuse it.
        request = self.client.build_request("GET", _STRAY_PERCENT.sub("%25", url), headers=headers)
        redirects = 0
        while True:
            auth = netrc_credentials(request.url.host) or httpx.USE_CLIENT_DEFAULT
            response = self.client.send(request, stream=True, auth=auth)
            if response.next_request is None:
                return response
            response.close()
            redirects += 1
            if redirects > _MAX_REDIRECTS:
                raise MediaError(f"{name}: is redirected more than {_MAX_REDIRECTS} times")
            self.limits.check("redirects", redirects, name, "the number of redirects")
            request = response.next_request
            if request.url.scheme not in ("http", "https"):
                raise MediaError(
                    f"{name}: is redirected to an address with {shorten(request.url.scheme)}://: "
                    "expected http or https"
                )

    def receive(self, response: httpx.Response, file: IO[bytes]) -> None:
        """Write the body of a response to an empty file, and move back to its start."""
        name, limits = self.name, self.limits
        if response.is_error:
            raise MediaError(f"{name}: the server answered {response.status_code}")
        stated = response.headers.get("Content-Length", "")
        # Ranges of the file may have been received before.
        self.received.done, self.received.total = 0, None
        if stated.isdecimal():
            self.received.total = int(stated)
            what = f"a response of {int(stated):,} bytes"
            limits.check("response_bytes", int(stated), name, what)
        # Bound both the bytes received and the bytes that they decompress to.
        sent = _bounded(self.chunks(response), name, limits)
        body = decompress(sent, response.headers.get("Content-Encoding", ""), name)
        spool(_bounded(body, name, limits), file, name)

    def chunks(self, response: httpx.Response) -> Iterator[bytes]:
        """Yield the body of a response as it was sent."""
        try:
            for chunk in response.iter_raw():
                self.received.done += len(chunk)
                yield chunk
        except httpcore.ReadTimeout:
            text = f"no byte within {self.patience:g} s{_MORE_SILENCE}"
            raise MediaError(f"{self.name}: {text}") from None
        except (httpcore.RemoteProtocolError, httpcore.ReadError):
            raise MediaError(f"{self.name}: {_cut_off(response)}") from None


def _bounded(chunks: Iterable[bytes], name: str, limits: Limits) -> Iterator[bytes]:
    received = 0
    for chunk in chunks:
        received += len(chunk)
        limits.check("response_bytes", received, name, f"a response of at least {received:,} bytes")
        yield chunk


def _cut_off(response: httpx.Response) -> str:
    """Return how much of a truncated body was received, for a message."""
    received = response.num_bytes_downloaded
    if "chunked" in response.headers.get("Transfer-Encoding", "").lower():
        return f"the connection ended after {received} bytes, before the last chunk of its body"
    total = response.headers.get("Content-Length")
    of_total = f" of {total}" if total else ""
    return f"the connection ended after {received}{of_total} bytes"

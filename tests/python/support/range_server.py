"""Serve one file, as a whole or by ranges, and record what is asked for."""

from __future__ import annotations

import http.server
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from support.http_server import running

# The size of the first range that is asked for.
BLOCK = 1 << 16


@dataclass
class Served:
    """Describe a file and how it is served, and record the requests.

    Attributes:
        body: the bytes of the file.
        ranges: whether ranges are supported.
        headers: headers of each answer.
        status: the status of the answers to requests of ranges.
        wrong: the place that ranges claim to be from, if it is wrong.
        lost: the number of bytes that each answer lacks.
        change: takes the number of the request, and may change this object before the answer.
        requests: the range of each request, or None.
        sent: the number of bytes of all bodies.
    """

    body: bytes
    ranges: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 206
    wrong: str | None = None
    lost: int = 0
    change: Callable[[int], object] | None = None
    requests: list[str | None] = field(default_factory=list)
    sent: int = 0
    url: str = ""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        served = self.server.served
        if self.path.startswith("/moved"):
            self.answer(302, b"", Location="/clip.mp4")
            return
        wanted = self.headers.get("Range")
        served.requests.append(wanted)
        if served.change is not None:
            served.change(len(served.requests))
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted or "")
        condition = self.headers.get("If-Range")
        is_old = condition not in (
            None,
            served.headers.get("ETag"),
            served.headers.get("Last-Modified"),
        )
        if not served.ranges or found is None or is_old:
            self.answer(200, served.body, **served.headers)
            return
        first, last = int(found[1]), min(int(found[2]), len(served.body) - 1)
        if first > last:
            self.answer(416, b"", **{"Content-Range": f"bytes */{len(served.body)}"})
            return
        place = served.wrong or f"bytes {first}-{last}/{len(served.body)}"
        body = served.body[first : last + 1]
        self.answer(served.status, body, **served.headers, **{"Content-Range": place})

    def answer(self, status, body, **headers):
        self.close_connection = True
        self.server.served.sent += len(body)
        self.send_response(status)
        self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body[: len(body) - self.server.served.lost])

    def log_message(self, *args):
        pass


@contextmanager
def serve_ranges(body: bytes, **options: object) -> Iterator[Served]:
    """Serve a file on a free port of this machine; ``url`` of the result is its address."""
    served = Served(body, **options)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.served = served
    served.url = f"http://127.0.0.1:{server.server_port}/clip.mp4"
    with running(server):
        yield served

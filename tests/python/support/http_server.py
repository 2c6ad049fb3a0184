"""Serve complete, damaged, slow and silent responses."""

from __future__ import annotations

import gzip
import http.server
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

BODY = bytes(range(256)) * 40


class Handler(http.server.BaseHTTPRequestHandler):
    """Choose the response by the requested name; report when a kept-open connection ends."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.close_connection = True
        self.server.begun.set()
        name = self.path.partition("?")[0].strip("/").partition(".")[0]
        getattr(self, f"send_{name}")()

    def headers_and(self, body, *headers):
        self.send_response(200)
        for key, value in (("Connection", "close"), *headers):
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def send_clip(self):
        body = self.server.clip
        self.headers_and(body, ("Content-Length", len(body)))

    def send_whole(self):
        self.headers_and(BODY, ("Content-Length", len(BODY)))

    def send_endless(self):
        self.headers_and(BODY)

    def send_gzip(self):
        body = gzip.compress(BODY)
        self.headers_and(body, ("Content-Encoding", "gzip"), ("Content-Length", len(body)))

    def send_chunked(self):
        body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:99], BODY[99:]))
        self.headers_and(body + b"0\r\n\r\n", ("Transfer-Encoding", "chunked"))

    def send_moved(self):
        self.send_response(302)
        self.send_header("Location", "/whole.mp4?token=hidden")
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def send_missing(self):
        self.send_error(404)

    def send_empty(self):
        self.headers_and(b"", ("Content-Length", 0))

    def send_cut(self):
        self.headers_and(BODY[:1000], ("Content-Length", len(BODY)))

    def send_cut_gzip(self):
        body = gzip.compress(BODY)
        self.headers_and(body[:50], ("Content-Encoding", "gzip"), ("Content-Length", len(body)))

    def send_cut_chunk(self):
        self.headers_and(b"3e8\r\n" + BODY[:400], ("Transfer-Encoding", "chunked"))

    def send_lost_chunk(self):
        self.headers_and(b"64\r\n" + BODY[:100] + b"\r\n", ("Transfer-Encoding", "chunked"))

    def send_odd_chunk(self):
        self.headers_and(b"64\r\n" + BODY[:100] + b"\r\nodd\r\n", ("Transfer-Encoding", "chunked"))

    def send_odd_gzip(self):
        self.headers_and(BODY, ("Content-Encoding", "gzip"), ("Content-Length", len(BODY)))

    def send_silent(self):
        self.wait_for_the_end()

    def send_stalled(self):
        self.headers_and(BODY[:1000], ("Content-Length", len(BODY)))
        self.wait_for_the_end()

    def send_trickle(self):
        self.headers_and(b"", ("Content-Length", len(BODY)))
        self.trickle()

    def send_trickling_chunks(self):
        self.headers_and(b"", ("Transfer-Encoding", "chunked"))
        self.trickle(b"1\r\nx\r\n")

    def send_trickling_headers(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Filler: ")
        self.trickle()

    def trickle(self, part=b"x"):
        with suppress(OSError):
            while True:
                self.wfile.write(part)
                time.sleep(0.02)
        self.server.ended.put(True)

    def wait_for_the_end(self):
        with suppress(OSError):
            assert not self.connection.recv(1)
        self.server.ended.put(True)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Listen on a free port of this machine.

    ``begun`` is set when a request has been read, and ``ended`` gets an item when a connection that
    was kept open ends.
    """

    daemon_threads = True

    def __init__(self, clip=b""):
        super().__init__(("127.0.0.1", 0), Handler)
        self.clip = clip
        self.begun = threading.Event()
        self.ended = queue.Queue()


@contextmanager
def running(httpd: http.server.HTTPServer) -> Iterator[None]:
    """Run a server in a thread of its own."""
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


@contextmanager
def serve(clip: bytes) -> Iterator[Server]:
    """Serve a clip, and the other responses of :class:`Handler`."""
    httpd = Server(clip)
    with running(httpd):
        yield httpd

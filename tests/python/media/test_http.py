"""Test videos behind http URLs: complete, damaged, slow and silent ones, and cancelled fetches."""

from __future__ import annotations

import gc
import gzip
import socket
import threading
import time
from contextlib import suppress

import numpy as np
import pytest

from keye_vl_rs._media import http
from keye_vl_rs._media.deadline import Deadline
from keye_vl_rs._media.sources import open_bytes, open_media
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import (
    CancelledError,
    EmptyMediaError,
    LimitError,
    MediaError,
    MediaTimeoutError,
)
from support.clips import decode_all, every, pixels
from support.http_server import BODY, Handler, serve

pytestmark = pytest.mark.one_level


@pytest.fixture(scope="module")
def httpd(h264):
    with serve(h264.read_bytes()) as httpd:
        yield httpd


@pytest.fixture
def server(httpd, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    httpd.begun.clear()
    httpd.ended.queue.clear()
    return f"http://user:secret@127.0.0.1:{httpd.server_port}"


def fetch(url, deadline=None):
    with open_bytes(url, deadline) as file:
        return file.read()


def watches():
    return {
        "none": None,
        "deadline": Deadline("x", 30),
        "flag": Deadline("x", None, threading.Event()),
    }


def flag_set_after(event, seconds, clock):
    """Return a cancel flag that is set so many seconds after an event, and a list of when."""
    flag, at = threading.Event(), []

    def run():
        event.wait(60)
        time.sleep(seconds)
        at.append(clock())
        flag.set()

    threading.Thread(target=run).start()
    return flag, at


def assert_nothing_stays(port):
    """Assert that no fetching thread and no socket to the server remains for long."""
    deadline = time.monotonic() + 5
    while left := [*fetching(), *connected(port)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


def fetching():
    return [one for one in threading.enumerate() if one.name == "keye-vl-rs-fetch"]


def connected(port):
    for one in gc.get_objects():
        if issubclass(type(one), socket.socket) and one.fileno() != -1:
            with suppress(OSError):
                if one.getpeername()[1] == port:
                    yield one


def test_remote_video(server, h264):
    sampled = sample_video(f"{server}/clip.mp4?token=hidden", every)
    np.testing.assert_array_equal(pixels(sampled), decode_all(h264))


@pytest.mark.parametrize("kind", ["none", "deadline", "flag"])
@pytest.mark.parametrize("name", ["whole", "endless", "gzip", "chunked", "moved"])
def test_bodies(name, kind, server, httpd):
    with open_media(f"{server}/{name}.mp4", watches()[kind]) as file:
        assert file.tell() == 0
        assert file.read() == BODY
    assert_nothing_stays(httpd.server_port)


@pytest.mark.parametrize("kind", ["none", "deadline", "flag"])
@pytest.mark.parametrize(
    ("name", "error", "reason"),
    [
        ("missing", MediaError, "the server answered 404"),
        ("empty", EmptyMediaError, r"is empty \(0 bytes\)"),
        ("cut", MediaError, "the connection ended after 1000 of 10240 bytes"),
        ("cut_gzip", MediaError, r"the connection ended after 50 of \d+ bytes"),
        ("cut_chunk", MediaError, "the connection ended after 400 bytes, before the last chunk"),
        ("lost_chunk", MediaError, "the connection ended after 100 bytes, before the last chunk"),
        ("odd_chunk", MediaError, "the connection ended after 100 bytes, before the last chunk"),
        ("odd_gzip", MediaError, "the body is not gzip, although its Content-Encoding says so"),
        ("silent", MediaError, r"no answer within 0\.5 s"),
        ("stalled", MediaError, r"no byte within 0\.5 s"),
    ],
)
def test_errors(name, error, reason, kind, server, httpd, monkeypatch):
    # The others must not fail on a slow machine.
    if "within" in reason:
        monkeypatch.setenv("KEYE_VL_RS_MAX_SILENCE_SECONDS", "0.5")
    with pytest.raises(error, match=reason) as caught:
        fetch(f"{server}/{name}.mp4?token=hidden#part", watches()[kind])
    assert not isinstance(caught.value, MediaTimeoutError)
    assert str(caught.value).startswith(f"http://127.0.0.1:{httpd.server_port}/{name}.mp4: ")
    assert caught.value.__suppress_context__ or not caught.value.__context__
    for secret in ("secret", "hidden", "part"):
        assert secret not in str(caught.value)
    assert_nothing_stays(httpd.server_port)


SLOW = ["silent", "stalled", "trickle", "trickling_chunks", "trickling_headers"]


@pytest.mark.parametrize("name", SLOW)
def test_deadline(name, server, httpd, clock):
    # On a loaded machine no connection is made so soon.
    for seconds in (0.2, 2, 10):
        start, began = time.monotonic(), clock()
        with pytest.raises(MediaTimeoutError, match=rf"^video: timed out after {seconds} s"):
            fetch(f"{server}/{name}.mp4", Deadline("video", seconds))
        assert time.monotonic() - start >= seconds
        assert clock() - began < seconds + 2
        if httpd.begun.is_set():
            break
    assert httpd.ended.get(timeout=20)
    assert_nothing_stays(httpd.server_port)


@pytest.mark.parametrize("name", SLOW)
def test_cancel(name, server, httpd, clock):
    flag, at = flag_set_after(httpd.begun, 0.1, clock)
    with pytest.raises(CancelledError, match=r"^video: cancelled$"):
        fetch(f"{server}/{name}.mp4", Deadline("video", cancel=flag))
    assert clock() - at[0] < 2
    assert httpd.ended.get(timeout=20)
    assert_nothing_stays(httpd.server_port)


def test_nothing_is_asked_for_too_late(server, httpd):
    flag = threading.Event()
    flag.set()
    with pytest.raises(CancelledError):
        fetch(f"{server}/silent.mp4", Deadline("video", cancel=flag))
    assert httpd.ended.empty()


def test_deadline_during_a_tls_handshake(server, httpd):
    url = server.replace("http:", "https:")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(MediaTimeoutError):
            fetch(f"{url.rpartition(':')[0]}:{port}/x.mp4", Deadline("video", 2))
        assert_nothing_stays(port)
        connection, _ = silent.accept()
        with connection:
            connection.settimeout(5)
            while connection.recv(4096):
                pass


def test_deadline_behind_a_proxy(server, httpd, monkeypatch):
    monkeypatch.delenv("no_proxy")
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{httpd.server_port}")
    monkeypatch.setattr(Handler, "do_GET", Handler.wait_for_the_end)
    with pytest.raises(MediaTimeoutError):
        fetch("http://example.invalid/x.mp4", Deadline("video", 2))
    assert httpd.ended.get(timeout=5)
    assert_nothing_stays(httpd.server_port)


def test_deadline_while_a_name_is_looked_up(server, httpd, monkeypatch, clock):
    """A name lookup cannot be interrupted: it is abandoned, and its connection dropped."""
    found = threading.Event()
    look_up = socket.getaddrinfo

    def slow(*args, **kwargs):
        found.wait(5)
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    began = clock()
    with pytest.raises(MediaTimeoutError):
        fetch(f"{server}/silent.mp4", Deadline("video", 0.1))
    assert clock() - began < 2
    (thread,) = fetching()
    found.set()
    thread.join(5)
    assert_nothing_stays(httpd.server_port)
    assert httpd.ended.empty()


def test_the_disk_is_full(server, httpd):
    class Full:
        def write(self, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(
        MediaError, match=r"^video: cannot be stored in .*: No space left on device"
    ):
        http.fetch(f"{server}/whole.mp4", "video", Full(), Deadline("video"))
    assert_nothing_stays(httpd.server_port)


def test_redirects_are_not_read(server, httpd, monkeypatch):
    """Whatever a server sends along with the address of a redirect."""

    def send_away(self):
        self.send_response(302)
        self.send_header("Location", "/whole.mp4")
        self.send_header("Content-Length", "1000000000")
        self.end_headers()
        self.trickle()

    monkeypatch.setattr(Handler, "send_away", send_away, raising=False)
    assert fetch(f"{server}/away.mp4", Deadline("video", 30)) == BODY
    assert httpd.ended.get(timeout=5)
    assert_nothing_stays(httpd.server_port)


@pytest.mark.parametrize("kind", ["plain", "gzip"])
def test_a_body_without_end(kind, server, httpd, monkeypatch):
    """Bytes that are sent count, even if they decompress to nothing."""

    def send_forever(self):
        coding = [("Content-Encoding", "gzip")] if kind == "gzip" else []
        # A gzip header, and empty blocks.
        self.headers_and(gzip.compress(b"")[:10] if coding else b"", *coding)
        with suppress(OSError):
            while True:
                self.wfile.write(b"\0\0\0\xff\xff" * 1000)

    monkeypatch.setattr(Handler, "send_forever", send_forever, raising=False)
    monkeypatch.setenv("KEYE_VL_RS_MAX_RESPONSE_BYTES", "1000000")
    with pytest.raises(LimitError, match=r"of at least [\d,]+ bytes exceeds response_bytes"):
        fetch(f"{server}/forever.mp4")
    assert_nothing_stays(httpd.server_port)


def test_no_log_holds_an_address(server, caplog):
    with caplog.at_level("INFO"):
        fetch(f"{server}/moved.mp4?token=hidden")
    assert caplog.text == ""


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "url",
    ["http://user:secret@127.0.0.1:9/x.mp4", "http://user:secret@[::1/x.mp4", "http://secret:no/x"],
)
def test_nobody_answers(url):
    with pytest.raises(MediaError, match="cannot be fetched") as caught:
        fetch(f"{url}?token=hidden")
    assert "secret:" not in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_too_many_open_files(server, monkeypatch):
    def refuse(self):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket.socket, "dup", refuse)
    with pytest.raises(MediaError, match=r"cannot be fetched .*Too many open files"):
        fetch(f"{server}/whole.mp4")

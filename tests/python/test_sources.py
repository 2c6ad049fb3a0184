"""Where videos come from: paths, addresses and bytes, and what is wrong with bad ones."""

from __future__ import annotations

import http.server
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from clips import decode_all, every, pixels
from keye_vl_rs import _sources
from keye_vl_rs.errors import (
    EmptyMediaError,
    InvalidArgumentError,
    MediaError,
    MediaNotFoundError,
)
from keye_vl_rs.video import describe_source, sample_video


@pytest.mark.parametrize("kind", ["str", "path", "bytes", "memoryview", "url", "raw_url", "host"])
def test_sources(kind, h264, folder):
    odd = folder / "a:b c %41é.mp4"
    shutil.copy(h264, odd)
    source = {
        "str": str(odd),
        "path": odd,
        "bytes": h264.read_bytes(),
        "memoryview": memoryview(h264.read_bytes()),
        "url": odd.as_uri(),
        "raw_url": f"file://{odd}",
        "host": odd.as_uri().replace("file://", "file://localhost"),
    }[kind]
    np.testing.assert_array_equal(pixels(sample_video(source, every)), decode_all(h264))


@pytest.fixture(scope="session")
def server(h264):
    data = h264.read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.partition("?")[0]
            if name == "/slow.mp4":
                stop.wait(5)
                return
            if name == "/missing.mp4":
                self.send_error(404)
                return
            body = {"/clip.mp4": data, "/empty.mp4": b"", "/cut.mp4": data[:1000]}[name]
            self.send_response(200)
            length = len(data) if name == "/cut.mp4" else len(body)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    stop = threading.Event()
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://user:secret@127.0.0.1:{httpd.server_port}"
    stop.set()
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.usefixtures("no_proxy")
def test_remote(server, h264):
    sampled = sample_video(f"{server}/clip.mp4?token=hidden", every)
    np.testing.assert_array_equal(pixels(sampled), decode_all(h264))


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize(
    ("name", "error", "reason"),
    [
        ("missing.mp4", MediaError, "404"),
        ("empty.mp4", EmptyMediaError, "no bytes"),
        ("cut.mp4", MediaError, "cannot be fetched"),
        ("slow.mp4", MediaError, "no answer within"),
    ],
)
def test_remote_errors(name, error, reason, server, monkeypatch):
    monkeypatch.setattr(_sources, "TIMEOUT_S", 0.3)
    with pytest.raises(error, match=reason) as caught:
        sample_video(f"{server}/{name}?token=hidden", every)
    assert f"/{name}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.usefixtures("no_proxy")
def test_nobody_answers():
    with pytest.raises(MediaError, match=r"http://127\.0\.0\.1:9/x\.mp4: cannot be fetched"):
        sample_video("http://user:secret@127.0.0.1:9/x.mp4?token=hidden", every)


def test_describe_source():
    assert describe_source("/a/b.mp4") == "/a/b.mp4"
    assert describe_source(Path("a.mp4")) == "a.mp4"
    assert describe_source("file:///a/b%20c.mp4") == "/a/b c.mp4"
    assert describe_source(b"1234") == "<4 bytes>"
    assert describe_source("https://u:p@[::1]:8/a/b.mp4?k=v#f") == "https://[::1]:8/a/b.mp4"
    assert describe_source("http://[::1/x") == "<malformed address>"


def test_missing_file(tmp_path, h264):
    for path in (tmp_path / "none.mp4", h264 / "below.mp4", f"file://{tmp_path}/none.mp4"):
        with pytest.raises(MediaNotFoundError, match="no such file") as caught:
            sample_video(path, every)
        assert isinstance(caught.value, FileNotFoundError)


def test_directory(tmp_path):
    with pytest.raises(MediaError, match="is a directory"):
        sample_video(tmp_path, every)


def test_device():
    with pytest.raises(MediaError, match="not a regular file"):
        sample_video(os.devnull, every)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_impossible_names(name):
    with pytest.raises(MediaError, match="cannot be read"):
        sample_video(name, every)


def test_empty(tmp_path):
    path = tmp_path / "empty.mp4"
    path.touch()
    for source in (path, b""):
        with pytest.raises(EmptyMediaError, match="empty"):
            sample_video(source, every)


@pytest.mark.parametrize("source", [None, 3, ["a.mp4"]])
def test_other_types(source):
    with pytest.raises(InvalidArgumentError, match=type(source).__name__):
        sample_video(source, every)

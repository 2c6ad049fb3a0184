"""Test the addresses that are requested, and where redirects lead."""

from __future__ import annotations

import pytest

from keye_vl_rs._media.sources import open_bytes
from keye_vl_rs.errors import MediaError
from keye_vl_rs.limits import Limits, applied
from support.http_server import BODY, Handler, serve

pytestmark = pytest.mark.without_pixels


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    with serve(b"") as httpd:
        yield f"http://127.0.0.1:{httpd.server_port}"


def fetch(address):
    with open_bytes(address) as file:
        return file.read()


@pytest.mark.parametrize(
    ("path", "requested"),
    [
        ("whole.mp4?100%", "whole.mp4?100%25"),
        ("whole.mp4?100% of it", "whole.mp4?100%25%20of%20it"),
        ("whole.mp4?a%20b%zz", "whole.mp4?a%20b%25zz"),
    ],
)
def test_signs_that_addresses_cannot_have_are_escaped(path, requested, server, monkeypatch):
    asked = []
    send = Handler.send_whole
    monkeypatch.setattr(Handler, "send_whole", lambda self: asked.append(self.path) or send(self))
    assert fetch(f"{server}/{path}") == BODY
    assert asked == [f"/{requested}"]


def test_a_loop_of_redirects_ends_whatever_the_limits_are(server, monkeypatch):
    asked = []

    def send_loop(self):
        asked.append(self.path)
        self.send_response(302)
        self.send_header("Location", "/loop.mp4")
        self.send_header("Content-Length", "0")
        self.end_headers()

    monkeypatch.setattr(Handler, "send_loop", send_loop, raising=False)
    with (
        applied(Limits(redirects=float("inf"))),
        pytest.raises(MediaError, match=r"loop\.mp4: is redirected more than 30 times"),
    ):
        fetch(f"{server}/loop.mp4")
    assert len(asked) == 31


def test_a_redirect_to_another_scheme(server, monkeypatch):
    def send_away(self):
        self.send_response(302)
        self.send_header("Location", "ftp://user:secret@127.0.0.1/whole.mp4")
        self.send_header("Content-Length", "0")
        self.end_headers()

    monkeypatch.setattr(Handler, "send_away", send_away, raising=False)
    with pytest.raises(
        MediaError, match=r"away\.mp4: is redirected to an address with ftp://: exp"
    ):
        fetch(f"{server}/away.mp4")

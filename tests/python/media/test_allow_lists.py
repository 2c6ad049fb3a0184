"""Test which files, hosts and IP addresses may be read."""

from __future__ import annotations

import os
import socket

import pytest

from keye_vl_rs._media import allow_lists
from keye_vl_rs._media.allow_lists import check_address, check_host, check_path
from keye_vl_rs._media.sources import open_bytes
from keye_vl_rs.errors import MediaError, SourceNotAllowedError
from support.http_server import BODY, Handler, serve

pytestmark = pytest.mark.without_pixels

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"]
NOT_PUBLIC = [
    *(
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.5.4",
        "192.168.1.1",
        "169.254.169.254",
    ),
    *(
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
    ),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "not an address"),
    # Site-local; a network's own NAT64; IPv4-compatible, of a private and of a public address.
    *("fec0::1", "feff::1", "64:ff9b:1::7f00:1", "64:ff9b:1::5db8:d822", "::127.0.0.1"),
    *("::93.184.216.34", "2001:db8::1", "2001:0:7f00:1::", "100::1", "5f00::1", "4000::1"),
]


@pytest.fixture(scope="module")
def server():
    with serve(b"") as httpd:
        yield httpd


@pytest.fixture
def address(server, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    return f"http://user:secret@127.0.0.1:{server.server_port}"


def fetch(url):
    with open_bytes(url) as file:
        return file.read()


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address):
    assert allow_lists._is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_other_addresses(address, monkeypatch):
    assert not allow_lists._is_public(address)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", (address, 80))])
    with pytest.raises(SourceNotAllowedError, match=r"name leads to .*, which is not a public"):
        check_address("host", 80, "name")
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    assert check_address("host", 80, "name") == [address]


def test_one_private_address_among_others(monkeypatch):
    entries = [(0, 0, 0, "", (address, 80)) for address in (PUBLIC[0], "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: entries)
    with pytest.raises(SourceNotAllowedError, match=r"leads to 10\.0\.0\.1"):
        check_address("host", 80, "name")


def test_a_host_whose_first_address_is_dead(server, monkeypatch):
    """With two addresses, the other one is tried, as in any program."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    look_up = socket.getaddrinfo

    def two(host, port, *args, **options):
        if host != "two.example":
            return look_up(host, port, *args, **options)
        # The server listens only on the second one.
        addresses = ("127.0.0.77", "127.0.0.1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    assert fetch(f"http://two.example:{server.server_port}/whole.mp4") == BODY


def test_loopback_is_not_fetched(server, address, monkeypatch):
    message = rf"^http://127\.0\.0\.1:{server.server_port}/whole\.mp4 leads to 127\.0\.0\.1, which"
    with pytest.raises(SourceNotAllowedError, match=message) as caught:
        fetch(f"{address}/whole.mp4?token=hidden")
    assert "secret" not in str(caught.value)
    assert "hidden" not in str(caught.value)
    for name in ("localhost", "0x7f.1", "2130706433"):
        with pytest.raises(MediaError):
            fetch(f"http://{name}:{server.server_port}/whole.mp4")
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    assert fetch(f"{address}/whole.mp4") == BODY


def test_a_redirect_to_where_nobody_may_go(server, address, monkeypatch):
    """The first host is on the allow-list, and redirects to one that is not."""

    def send_away(self):
        self.send_response(302)
        self.send_header("Location", f"http://localhost:{server.server_port}/whole.mp4")
        self.send_header("Content-Length", "0")
        self.end_headers()

    monkeypatch.setattr(Handler, "send_away", send_away, raising=False)
    monkeypatch.setenv("KEYE_VL_RS_ALLOWED_MEDIA_DOMAINS", "127.0.0.1")
    assert fetch(f"{address}/whole.mp4") == BODY
    with pytest.raises(
        SourceNotAllowedError, match=r"away\.mp4: localhost is not on the allow-list KEYE_VL_RS_ALL"
    ):
        fetch(f"{address}/away.mp4")


def test_a_name_that_leads_elsewhere_when_it_is_connected_to(server, address, monkeypatch):
    """The lookup for the check and the one for the connection return different addresses."""
    answers = iter(["93.184.216.34", "127.0.0.1"])

    def lookup(host, port, *args, **kwargs):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(allow_lists.socket, "getaddrinfo", lookup)
    with pytest.raises(SourceNotAllowedError, match=r"leads to 127\.0\.0\.1"):
        fetch(f"http://rebinding.example:{server.server_port}/whole.mp4")


@pytest.mark.parametrize(
    ("listed", "host", "allowed"),
    [
        ("example.com", "example.com", True),
        ("example.com", "cdn.example.com", True),
        (" .Example.com. , other.org", "EXAMPLE.com.", True),
        ("a.org,example.com", "example.com", True),
        ("example.com", "badexample.com", False),
        ("example.com", "example.com.evil.org", False),
        ("cdn.example.com", "example.com", False),
        ("10.0.0.5", "10.0.0.5", True),
    ],
)
def test_domains(listed, host, allowed, monkeypatch):
    monkeypatch.setenv("KEYE_VL_RS_ALLOWED_MEDIA_DOMAINS", listed)
    if allowed:
        assert check_host(host, "name") is True
    else:
        with pytest.raises(
            SourceNotAllowedError, match="is not on the allow-list KEYE_VL_RS_ALLOWED_MEDIA_DOMAINS"
        ):
            check_host(host, "name")
    monkeypatch.delenv("KEYE_VL_RS_ALLOWED_MEDIA_DOMAINS")
    assert check_host(host, "name") is False


def test_paths(tmp_path, monkeypatch):
    inside, outside = tmp_path / "media", tmp_path / "media-not"
    inside.mkdir()
    outside.mkdir()
    (inside / "a.mp4").write_bytes(b"inside")
    (outside / "b.mp4").write_bytes(b"outside")
    (inside / "link.mp4").symlink_to(outside / "b.mp4")
    (outside / "back.mp4").symlink_to(inside / "a.mp4")
    monkeypatch.setenv("KEYE_VL_RS_ALLOWED_MEDIA_PATH", str(inside))
    for path in (inside / "a.mp4", outside / "back.mp4", f"file://{inside}/a.mp4"):
        assert fetch(path) == b"inside"
    refused = (
        outside / "b.mp4",
        inside / "link.mp4",
        inside / ".." / "media-not" / "b.mp4",
        f"file://{outside}/b.mp4",
        outside / "missing.mp4",
        inside,
    )
    for path in refused:
        with pytest.raises(MediaError) as caught:
            fetch(path)
        assert isinstance(caught.value, SourceNotAllowedError) is (path is not inside)
    monkeypatch.setenv(
        "KEYE_VL_RS_ALLOWED_MEDIA_PATH", os.pathsep.join([str(inside), str(outside)])
    )
    assert fetch(inside / "link.mp4") == b"outside"
    monkeypatch.delenv("KEYE_VL_RS_ALLOWED_MEDIA_PATH")
    assert check_path(str(outside / "b.mp4")) == str(outside / "b.mp4")


@pytest.mark.parametrize("listed", ["", " ", os.pathsep, f" {os.pathsep} "])
def test_a_list_without_folders_allows_none(listed, tmp_path, monkeypatch):
    (tmp_path / "a.mp4").write_bytes(b"a")
    monkeypatch.setenv("KEYE_VL_RS_ALLOWED_MEDIA_PATH", listed)
    message = r"a\.mp4: KEYE_VL_RS_ALLOWED_MEDIA_PATH is '.*', which names no folder.*unset it"
    with pytest.raises(SourceNotAllowedError, match=message):
        fetch(tmp_path / "a.mp4")
    assert fetch(b"bytes") == b"bytes"


@pytest.mark.parametrize("listed", ["", " ", ",", " , ", ".", "., ."])
def test_a_list_without_domains_allows_none(listed, monkeypatch):
    monkeypatch.setenv("KEYE_VL_RS_ALLOWED_MEDIA_DOMAINS", listed)
    message = "^name: KEYE_VL_RS_ALLOWED_MEDIA_DOMAINS is '.*', which names no domain.*unset it"
    with pytest.raises(SourceNotAllowedError, match=message):
        check_host("example.com", "name")


def test_the_home_folder_is_not_expanded(tmp_path, monkeypatch):
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.mp4").write_bytes(b"a")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KEYE_VL_RS_ALLOWED_MEDIA_PATH", "~/media")
    with pytest.raises(SourceNotAllowedError, match="which is '~/media'; ~ is not expanded there"):
        fetch(tmp_path / "media" / "a.mp4")


def test_bytes_and_addresses_do_not_lie_in_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("KEYE_VL_RS_ALLOWED_MEDIA_PATH", str(tmp_path))
    assert fetch(b"bytes") == b"bytes"

"""Test proxies, certificates and credentials set by the environment."""

from __future__ import annotations

import base64
import importlib.util
import os
import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager, suppress

import pytest

from keye_vl_rs._media.http_environment import netrc_credentials, proxy_of, tls_context
from keye_vl_rs._media.sources import open_bytes
from keye_vl_rs.errors import MediaError
from support.http_server import BODY, Handler, Server, serve

pytestmark = pytest.mark.without_pixels

VARIABLES = [
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE"),
    *("CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
]


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")


@pytest.fixture(scope="module")
def server():
    with serve(b"") as httpd:
        yield httpd


@pytest.fixture
def asked(monkeypatch):
    """Record the path and headers of each request that the server receives."""
    found = []

    def answer(self):
        found.append((self.path, self.headers))
        if "moved" in self.path:
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/whole.mp4")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_whole()

    monkeypatch.setattr(Handler, "do_GET", answer)
    return found


def fetch(url):
    with open_bytes(url) as file:
        return file.read()


def basic(text):
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"http_proxy": "http://proxy:3128"}, "http://proxy:3128/"),
        ({"http_proxy": "proxy:3128"}, "http://proxy:3128/"),
        ({"https_proxy": "http://proxy"}, None),
        ({"all_proxy": "https://proxy"}, "https://proxy/"),
        ({"http_proxy": "http://a", "all_proxy": "http://b"}, "http://a/"),
        ({"all_proxy": "socks5://proxy:1080"}, "socks5://proxy:1080/"),
    ],
)
def test_proxies(variables, expected, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = proxy_of("http", "example.com", 80, "name")
    assert (bytes(found.url).decode() if found else None) == expected


@pytest.mark.parametrize(
    ("listed", "host", "direct"),
    [
        ("*", "example.com", True),
        ("example.com", "example.com", True),
        ("a.org, .example.com", "cdn.example.com", True),
        ("example.com", "badexample.com", False),
        ("example.com:80", "example.com", True),
        ("example.com:81", "example.com", False),
        ("10.0.0.5", "10.0.0.5", True),
        ("10.0.0.0/8", "10.20.30.40", True),
        ("10.0.0.0/8", "11.20.30.40", False),
        ("a.org,fd00::/8", "fd00::1", True),
        ("::1", "::1", True),
        ("", "example.com", False),
    ],
)
def test_hosts_without_proxy(listed, host, direct, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", listed)
    assert (proxy_of("http", host, 80, "name") is None) is direct


@pytest.mark.parametrize("address", ["ftp://user:secret@proxy", "http://user:secret@proxy:port"])
def test_a_proxy_that_cannot_be_used(address, monkeypatch):
    monkeypatch.setenv("http_proxy", address)
    message = r"^http://example\.com/x: the proxy of the environment for http cannot be used: exp"
    with pytest.raises(MediaError, match=message) as caught:
        fetch("http://example.com/x?token=hidden")
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(importlib.util.find_spec("socksio") is not None, reason="it can be used")
def test_a_socks_proxy_without_its_package(monkeypatch):
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
    with pytest.raises(MediaError, match=r"needs socksio: pip install 'httpx\[socks\]'$"):
        fetch("http://127.0.0.1/x")


def test_behind_a_proxy(server, asked, monkeypatch):
    """The proxy gets the whole URL and its own credentials, and looks up the name itself."""
    monkeypatch.setenv("http_proxy", f"http://me:word@127.0.0.1:{server.server_port}")
    monkeypatch.delenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES")
    assert fetch("http://user:secret@nowhere.invalid/x.mp4?a=b") == BODY
    ((path, headers),) = asked
    assert path == "http://nowhere.invalid/x.mp4?a=b"
    assert headers["Proxy-Authorization"] == basic("me:word")
    assert headers["Authorization"] == basic("user:secret")


def test_credentials(server, asked, tmp_path):
    """Credentials of a redirect's first host are not sent to the second one."""
    port = server.server_port
    (tmp_path / "netrc").write_text("machine localhost login joe password j")
    assert netrc_credentials("127.0.0.1") is None
    assert fetch(f"http://user:sec%40ret@127.0.0.1:{port}/moved.mp4") == BODY
    assert [headers["Authorization"] for _, headers in asked] == [
        basic("user:sec@ret"),
        basic("joe:j"),
    ]
    (tmp_path / "netrc").write_text("no such file")
    assert fetch(f"http://user:secret@127.0.0.1:{port}/moved.mp4") == BODY
    assert asked[-1][1]["Authorization"] is None
    assert asked[-1][1]["User-Agent"].startswith("keye-vl-rs/")


@pytest.mark.parametrize(
    "name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"]
)
def test_certificates_that_are_not_there(name, tmp_path, monkeypatch):
    missing = str(tmp_path / "missing.pem")
    monkeypatch.setenv(name, missing)
    message = (
        rf"^https://127\.0\.0\.1:1/x\.mp4: {name} is '{missing}', which cannot be read \(No such"
    )
    with pytest.raises(MediaError, match=message):
        fetch("https://127.0.0.1:1/x.mp4?token=hidden")


def test_a_file_without_certificates(tmp_path, monkeypatch):
    (tmp_path / "text.pem").write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "text.pem"))
    with pytest.raises(MediaError, match=r"SSL_CERT_FILE is .*\(no certificates in it\): expected"):
        tls_context("name")


def test_a_folder_without_certificates(certificate, tmp_path, monkeypatch):
    """OpenSSL looks into folders only when it verifies a server."""
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    message = rf"CERTIFICATE_VERIFY.*\); .* are those of SSL_CERT_DIR, which is '{tmp_path}"
    with serve_over_tls(certificate) as port, pytest.raises(MediaError, match=message):
        fetch(f"https://127.0.0.1:{port}/whole.mp4")


@contextmanager
def serve_over_tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with Server() as httpd:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield httpd.server_port
        finally:
            httpd.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Create the files of a certificate for 127.0.0.1 and of its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-out", files[0], "-keyout", files[1]),
        ],
        check=True,
        capture_output=True,
    )
    return files


def test_certificates(certificate, monkeypatch):
    """Certificates for other names are refused, and so is the outdated field for the name."""
    with serve_over_tls(certificate) as port:
        url = f"https://127.0.0.1:{port}/whole.mp4"
        with pytest.raises(
            MediaError, match=r"cannot be fetched \(ConnectError: .*CERTIFICATE_VER"
        ):
            fetch(url)
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            with monkeypatch.context() as patch:
                patch.setenv(name, str(certificate[0]))
                assert fetch(url) == BODY
                with pytest.raises(MediaError, match=r"cannot be fetched .*CERTIFICATE_VERIFY"):
                    fetch(url.replace("127.0.0.1", "localhost"))


def connect(handler):
    """Act as the proxy of a connection that it cannot read."""
    host, _, port = handler.path.rpartition(":")
    handler.close_connection = True
    with socket.create_connection((host, int(port))) as there:
        handler.send_response(200)
        handler.end_headers()
        back = threading.Thread(target=relay, args=(there, handler.connection))
        back.start()
        relay(handler.connection, there)
        back.join()


def relay(source, target):
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_tls_behind_a_proxy(scheme, server, certificate, monkeypatch):
    monkeypatch.setattr(Handler, "do_CONNECT", connect, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    with serve_over_tls(certificate) as port, serve_over_tls(certificate) as tls_proxy:
        proxy = server.server_port if scheme == "http" else tls_proxy
        monkeypatch.setenv("https_proxy", f"{scheme}://127.0.0.1:{proxy}")
        assert fetch(f"https://127.0.0.1:{port}/whole.mp4") == BODY


def test_several_folders_of_certificates(certificate, tmp_path, monkeypatch):
    """SSL_CERT_DIR is a list of folders, as OpenSSL reads it."""
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    shutil.copy(certificate[0], trusted)
    subprocess.run(["openssl", "rehash", trusted], check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path}{os.pathsep}{trusted}")
    with serve_over_tls(certificate) as port:
        assert fetch(f"https://127.0.0.1:{port}/whole.mp4") == BODY

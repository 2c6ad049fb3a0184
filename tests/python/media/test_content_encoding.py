"""Test compressed bodies: what they decompress to, in parts of bounded size."""

from __future__ import annotations

import gzip
import zlib

import pytest

from keye_vl_rs._media.content_encoding import decompress
from keye_vl_rs.errors import MediaError

pytestmark = pytest.mark.without_pixels

BODY = bytes(range(256)) * 400
GZIP = gzip.compress(BODY)


def bare(data):
    """Compress with deflate but without the zlib header, as some servers do."""
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(data) + deflate.flush()


def parts(data, content_encoding, size=None):
    size = size or max(1, len(data))
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    return list(decompress(iter(chunks), content_encoding, "name"))


@pytest.mark.parametrize("size", [1, 2, 999, None])
@pytest.mark.parametrize(
    ("data", "content_encoding"),
    [
        (BODY, ""),
        (BODY, "identity"),
        # Not a compression, but sent by some servers.
        (BODY, "utf-8"),
        (BODY, "aws-chunked"),
        (GZIP, "gzip"),
        (GZIP, " X-GZIP "),
        (GZIP, "gzip, identity"),
        (zlib.compress(BODY), "deflate"),
        (bare(BODY), "deflate"),
        (gzip.compress(zlib.compress(BODY)), "deflate, gzip"),
        (gzip.compress(gzip.compress(GZIP)), "gzip, gzip, gzip"),
        # Two members, followed by other bytes.
        (gzip.compress(BODY[:1000]) + gzip.compress(BODY[1000:]), "gzip"),
        (GZIP + b"\0" * 2000, "gzip"),
        (GZIP + b"something else", "gzip"),
    ],
)
def test_codings(data, content_encoding, size):
    assert b"".join(parts(data, content_encoding, size)) == BODY


@pytest.mark.parametrize("content_encoding", ["gzip", "deflate", ""])
def test_nothing_stays_nothing(content_encoding):
    assert parts(b"", content_encoding) == []


def test_what_grows_comes_in_parts():
    size = 50 << 20
    bomb = gzip.compress(bytes(size))
    found = parts(bomb, "gzip", 1 << 16)
    assert sum(map(len, found)) == size
    assert max(map(len, found)) <= 1 << 20


@pytest.mark.parametrize("data", [BODY, GZIP[:10] + BODY, b"x"])
@pytest.mark.parametrize("content_encoding", ["gzip", "deflate"])
def test_damage(data, content_encoding):
    if data == b"x":
        # Truncated, which the connection reports.
        assert parts(data, content_encoding) == []
        return
    message = f"^name: the body is not {content_encoding}, although its Content-Encoding says so$"
    with pytest.raises(MediaError, match=message):
        parts(data, content_encoding)


@pytest.mark.parametrize(
    "content_encoding", ["br", "zstd", "compress", "gzip, br", "gzip" + ", gzip" * 5]
)
def test_what_was_not_asked_for(content_encoding):
    message = f"^name: is sent with the Content-Encoding {content_encoding}: expected gzip or def"
    with pytest.raises(MediaError, match=message):
        parts(BODY, content_encoding)

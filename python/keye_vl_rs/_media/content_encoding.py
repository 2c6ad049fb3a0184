"""Decompress http bodies in bounded memory.

httpx decompresses each chunk of 64 KiB in one step, to 64 MiB if it is gzip and to more if it is
Brotli or Zstandard. Here each step yields 1 MiB at most, and the limits are checked after each.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import chain

from keye_vl_rs._util.shorten import shorten
from keye_vl_rs.errors import MediaError

__all__ = ["decompress"]

_PART_BYTES = 1 << 20
# Nested codings multiply the size that a body can grow to.
_MAX_CODINGS = 5
_INFLATED = {"gzip", "x-gzip", "deflate"}
# Not in Accept-Encoding.
_REFUSED = {"br", "zstd", "compress", "x-compress"}
# Values of wbits: detect a gzip or zlib header, or expect none.
_ANY_HEADER = 32 + zlib.MAX_WBITS
_NO_HEADER = -zlib.MAX_WBITS


def decompress(chunks: Iterator[bytes], content_encoding: str, name: str) -> Iterator[bytes]:
    """Undo the ``Content-Encoding`` of a body: gzip, deflate, or several of them.

    Unknown codings are ignored, because some servers send their own names.

    Args:
        chunks: the body as received.
        content_encoding: the header; empty for none.
        name: the name of the source in messages.

    Raises:
        MediaError: the coding is not supported, there are too many, or the body does not match the
            header.
    """
    codings = [one.strip().lower() for one in content_encoding.split(",")]
    if len(codings) > _MAX_CODINGS or not _REFUSED.isdisjoint(codings):
        raise MediaError(
            f"{name}: is sent with the Content-Encoding {shorten(content_encoding)}: expected "
            "gzip or deflate, which were asked for, or none"
        )
    for coding in reversed(codings):
        if coding in _INFLATED:
            chunks = _inflate(chunks, coding, name)
    return chunks


def _inflate(chunks: Iterator[bytes], coding: str, name: str) -> Iterator[bytes]:
    head = b""
    while len(head) < 2 and (chunk := next(chunks, b"")):
        head += chunk
    # Some servers send deflate without its zlib header.
    is_bare = coding == "deflate" and not _has_zlib_header(head)
    inflater = zlib.decompressobj(_NO_HEADER if is_bare else _ANY_HEADER)
    is_first = True
    for chunk in chain([head], chunks):
        left = chunk
        while left:
            if inflater.eof:
                inflater, is_first = zlib.decompressobj(_ANY_HEADER), False
            try:
                part = inflater.decompress(left, _PART_BYTES)
            except zlib.error:
                if is_first:
                    raise MediaError(
                        f"{name}: the body is not {coding}, although its Content-Encoding says so"
                    ) from None
                # Trailing data that is not another member. Ignore it as other clients do, but read
                # to the end, where a truncated body is detected.
                for _ in chunks:
                    pass
                return
            left = inflater.unconsumed_tail or inflater.unused_data
            if part:
                yield part
    if rest := inflater.flush():
        yield rest


def _has_zlib_header(head: bytes) -> bool:
    """Tell if the data starts with a zlib header (RFC 1950): method 8, and a multiple of 31."""
    return len(head) >= 2 and head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0

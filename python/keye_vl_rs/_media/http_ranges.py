"""Download only those parts of a remote video that say which frames it has.

An mp4 keeps the sizes, times and kinds of all frames in its index, apart from the frames. If its
server supports range requests, the index is downloaded, and the frames are left out: reading them
from the temporary file returns zeros. Files of other formats have to be read completely.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import IO

import httpx

from keye_vl_rs._media.deadline import Deadline
from keye_vl_rs._media.file_objects import storage_errors
from keye_vl_rs._media.http import Session, run_session
from keye_vl_rs._media.kinds import is_mp4
from keye_vl_rs.errors import EmptyMediaError, MediaError

__all__ = ["fetch_sparse"]

# The size of the first range, and of each one whose size is not known from the one before.
_BLOCK_BYTES = 1 << 16
# How much of the frames to download: FFmpeg takes what the index does not say, such as the format
# of pixels, from the start of the first one.
_LEAD_BYTES = 1 << 14
# The most top-level boxes of an mp4 to look at. A file in more fragments takes fewer requests, and
# so less time, if it is downloaded completely.
_MAX_BOXES = 64
_HEADER_BYTES = 16
_PADDING = frozenset({b"free", b"skip", b"wide"})
# The codecs, by the name of the index, whose packets FFmpeg takes from the index as they are; those
# of others are split by their contents.
_CODECS = re.compile(
    b"avc1|avc3|hvc1|hev1|av01|vp08|vp09|mp4v|jpeg|mjpa|mjpb|ap4h|ap4x|apch|apcn|apcs|apco"
)
# No file has a size of more than 18 digits, and no offset can hold one.
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
# Answers to a request of a range by servers that answer to the same request without one.
_REFUSALS = frozenset({405, 416, 501})


def fetch_sparse(url: str, name: str, file: IO[bytes], deadline: Deadline) -> bool:
    """Download an address into ``file``, if possible without the contents of the frames.

    Args:
        url: as for :func:`keye_vl_rs._media.http.fetch`.
        name: as there.
        file: an empty file. It gets the size of the remote file.
        deadline: as there.

    Returns:
        Whether the contents of frames are missing.

    Raises:
        As :func:`keye_vl_rs._media.http.fetch`.
    """
    result = []

    def download(session: Session) -> None:
        try:
            result.append(_fetch_ranges(session, url, file))
        except _UnusableRangesError:
            with storage_errors(name):
                file.seek(0)
                file.truncate()
            response = session.send(url)
            try:
                session.receive(response, file)
            finally:
                response.close()
            result.append(False)

    run_session(download, name, deadline)
    return result[0]


class _UnusableRangesError(Exception):
    """Report that the server does not support ranges, or the file has changed between them."""


def _fetch_ranges(session: Session, url: str, file: IO[bytes]) -> bool:
    """Download the parts that are needed, and return whether others are missing."""
    wanted = f"bytes=0-{_BLOCK_BYTES - 1}"
    response = session.send(url, {"Range": wanted, "Accept-Encoding": "identity"})
    try:
        if response.status_code in _REFUSALS:
            raise _UnusableRangesError
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            session.receive(response, file)
            return False
        remote = _RemoteFile(session, str(response.request.url), file, _Version.of(response))
        if not remote.version.size:
            raise EmptyMediaError(f"{session.name}: the file is empty (0 bytes)")
        remote.store(response, 0, min(_BLOCK_BYTES, remote.version.size))
    finally:
        response.close()
    is_sparse = is_mp4(remote.read(0, _HEADER_BYTES)) and _fetch_boxes(remote)
    if not is_sparse:
        remote.fetch(0, remote.version.size)
    file.seek(0)
    return bool(remote.missing(0, remote.version.size))


def _fetch_boxes(remote: _RemoteFile) -> bool:
    """Download the top-level boxes of an mp4 without frames; return False to download the rest."""
    at, number, is_known, size = 0, 0, False, remote.version.size
    while at + 8 <= size:
        number += 1
        if number > _MAX_BOXES:
            return False
        header = remote.read(at, _HEADER_BYTES)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:], "big")
        if length < 8:
            # 0 means up to the end of the file; anything else is no box.
            length = size - at
        end = min(size, at + length)
        if kind == b"mdat":
            remote.fetch(at, min(end, at + _LEAD_BYTES))
        elif kind not in _PADDING:
            remote.fetch(at, end)
        if kind == b"moov":
            is_known = remote.contains(_CODECS, at, end)
        at = end
    return is_known


@dataclass(frozen=True)
class _Version:
    """Hold what tells the versions of a remote file apart."""

    size: int
    tag: str
    modified: str

    @classmethod
    def of(cls, response: httpx.Response) -> _Version:
        """Return the version of the file that a range is from.

        Raises:
            _UnusableRangesError: the answer is not a range of the file's own bytes.
        """
        headers = response.headers
        found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
        encoded = headers.get("Content-Encoding", "identity").strip().lower() != "identity"
        if response.status_code != httpx.codes.PARTIAL_CONTENT or found is None or encoded:
            raise _UnusableRangesError
        return cls(int(found[3]), headers.get("ETag", ""), headers.get("Last-Modified", ""))


@dataclass
class _RemoteFile:
    """Give access to a remote file, of which parts are downloaded to the same place of a local one.

    Attributes:
        session: sends the requests.
        url: the address, after redirects.
        file: the local file.
        version: what all parts must have in common.
        parts: the (start, end) of the parts that were downloaded, sorted and apart.
    """

    session: Session
    url: str
    file: IO[bytes]
    version: _Version
    parts: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Give the local file the size of the remote one, if limits allow it."""
        name, limits, size = self.session.name, self.session.limits, self.version.size
        limits.check("response_bytes", size, name, f"a response of {size:,} bytes")
        limits.check("file_bytes", size, name, f"a file of {size:,} bytes")
        with storage_errors(name):
            self.file.truncate(size)

    def read(self, start: int, count: int) -> bytes:
        """Return bytes of the file, downloading a block from there on if they are missing."""
        end = min(start + count, self.version.size)
        if self.missing(start, end):
            self.fetch(start, min(start + _BLOCK_BYTES, self.version.size))
        self.file.seek(start)
        return self.file.read(end - start)

    def contains(self, pattern: re.Pattern[bytes], start: int, end: int) -> bool:
        """Tell if a pattern of up to four bytes matches between two places that were downloaded.

        The file is read in blocks: a stranger's index may be as large as its file.
        """
        return any(
            pattern.search(self.read(at, min(_BLOCK_BYTES + 3, end - at)))
            for at in range(start, end, _BLOCK_BYTES)
        )

    def fetch(self, start: int, end: int) -> None:
        """Download what is missing between two places.

        Raises:
            _UnusableRangesError: the file has changed, or the server stopped to support ranges.
        """
        # A validator makes the server send the whole file if it has changed. Those that are weak
        # are not allowed here.
        validator = self.version.tag or self.version.modified
        headers = {"Accept-Encoding": "identity"}
        if validator and not validator.startswith("W/"):
            headers["If-Range"] = validator
        for first, stop in self.missing(start, end):
            headers["Range"] = f"bytes={first}-{stop - 1}"
            response = self.session.send(self.url, headers)
            try:
                if _Version.of(response) != self.version:
                    raise _UnusableRangesError
                self.store(response, first, stop)
            finally:
                response.close()

    def store(self, response: httpx.Response, start: int, end: int) -> None:
        """Write the body of a response, which is the range from ``start`` to ``end``.

        Raises:
            _UnusableRangesError: it is another range.
            MediaError: it is cut off, or cannot be stored.
        """
        name = self.session.name
        if not response.headers["Content-Range"].strip().startswith(f"bytes {start}-{end - 1}/"):
            raise _UnusableRangesError
        at = start
        with storage_errors(name):
            self.file.seek(start)
        for chunk in self.session.chunks(response):
            if at + len(chunk) > end:
                raise _UnusableRangesError
            with storage_errors(name):
                self.file.write(chunk)
            at += len(chunk)
        if at < end:
            received, total = at - start, end - start
            raise MediaError(f"{name}: the connection ended after {received} of {total} bytes")
        self._add(start, end)

    def _add(self, start: int, end: int) -> None:
        parts: list[tuple[int, int]] = []
        for first, stop in sorted([*self.parts, (start, end)]):
            if parts and first <= parts[-1][1]:
                parts[-1] = (parts[-1][0], max(stop, parts[-1][1]))
            else:
                parts.append((first, stop))
        self.parts = parts

    def missing(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the (start, end) of what was not downloaded between two places."""
        missing = []
        for first, stop in [*self.parts, (end, end)]:
            if start < min(first, end):
                missing.append((start, min(first, end)))
            start = max(start, stop)
        return missing

"""Detect files that end before their container says they do.

FFmpeg reads such a file up to its end without an error. Each format states lengths somewhere, and a
file that is shorter was truncated, by an interrupted download or a full disk. If the missing part
contains no frames (an index, tags), the video is complete.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import IO, Any

__all__ = ["find_truncation"]

_MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
_MATROSKA = "matroska,webm"
# Boxes that contain frames, or locate them.
_MP4_VITAL = frozenset({b"mdat", b"moof", b"moov"})
_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
# Elements of a segment, or of a cluster of unknown size, that contain frames.
_MATROSKA_VITAL = frozenset({_CLUSTER, 0xA3, 0xA0})
# Sizes of MPEG-TS packets, and the offset of the sync byte in them.
_TS_PACKETS = ((188, 0), (192, 4), (204, 0))
_TS_SYNC = 0x47
# Length of a page header up to the segment table (RFC 3533).
_OGG_HEADER_BYTES = 27
# The start of all MXF keys.
_MXF_KEY = bytes.fromhex("060e2b34")
# Sizes stated by RIFF files that were written as a stream.
_RIFF_UNKNOWN = (0, 0xFFFFFFFF)


def find_truncation(
    media: str | IO[bytes],
    format_name: str,
    *,
    complete: bool,
    damaged_tail: bool,
    frame_bytes: int,
    last_byte: int | None,
) -> str | None:
    """Return what is missing at the end of a file, or None if no frame seems to be missing.

    Args:
        media: a path, or a seekable open file.
        format_name: FFmpeg's name of the container format.
        complete: whether there are as many packets as the header lists, if it lists any.
        damaged_tail: whether FFmpeg marks the last packet as damaged.
        frame_bytes: size of the first packet.
        last_byte: where the last packet ends; None where FFmpeg does not say.
    """
    with open(media, "rb") if isinstance(media, str) else nullcontext(media) as file:
        end = file.seek(0, os.SEEK_END)
        cut: str | None
        if format_name == _MP4:
            cut, fragmented = _cut_mp4(file, end)
            return cut if fragmented or damaged_tail or not complete else None
        if format_name == _MATROSKA:
            return _cut_matroska(file, end)
        if format_name == "avi":
            return _cut_riff(file, end) if damaged_tail or not complete else None
        if format_name == "ogg":
            return _cut_ogg(file, end)
        if format_name == "mpegts":
            return _cut_ts(file, end)
        if format_name == "mxf":
            return _cut_mxf(file, end)
        if format_name == "dv" and frame_bytes and end % frame_bytes:
            # DV consists of frames of one size and nothing else.
            return _short("its last frame", end - end % frame_bytes + frame_bytes, end)
        if format_name == "yuv4mpegpipe" and last_byte is not None and last_byte < end:
            return f"the {end - last_byte:,} bytes after its last frame are not a whole frame"
    return "its last packet is damaged" if damaged_tail else None


def _short(what: str, stop: int, end: int) -> str:
    return f"{what} ends at byte {stop}, but the file ends at byte {end}"


def _cut_mp4(file: IO[bytes], end: int) -> tuple[str | None, bool]:
    """Return what is truncated, and whether the file is fragmented.

    No header counts the frames of a fragmented file.
    """
    at, fragmented = 0, False
    while True:
        header = _read(file, at, 16)
        if len(header) < 8:
            return None, fragmented
        size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if size == 1:
            size = int.from_bytes(header[8:], "big")
        fragmented |= kind == b"moof"
        # Size 0 means up to the end of the file; a smaller size than the header is no box.
        if size < 8:
            return None, fragmented
        if at + size > end:
            if kind not in _MP4_VITAL:
                return None, fragmented
            return _short(f"its {kind.decode()} box", at + size, end), fragmented
        at += size


def _cut_matroska(file: IO[bytes], end: int) -> str | None:
    at = 0
    while True:
        kind, size, at = _element(file, at)
        if kind == _SEGMENT:
            break
        if kind != _EBML or size is None:
            return None
        at += size
    # A segment written to a pipe has no size; then the last element decides.
    stop = None if size is None else at + size
    if stop is not None and stop <= end:
        return None
    last = None
    while at < end:
        last, size, at = _element(file, at)
        if last is None:
            break
        # Descend into an element of unknown size.
        at += size or 0
    if stop is None:
        is_cut = last in _MATROSKA_VITAL and at > end
        return _short("its last element", at, end) if is_cut else None
    # After the last cluster come an index and tags.
    return _short("its segment", stop, end) if last is None or last in _MATROSKA_VITAL else None


def _element(file: IO[bytes], at: int) -> tuple[int | None, int | None, int]:
    """Return an EBML element's identifier, its size if stated, and the offset of its content."""
    header = _read(file, at, 12)
    id_length = 9 - header[0].bit_length() if header else 0
    if not 1 <= id_length <= 4 or len(header) <= id_length:
        return None, None, at
    first = header[id_length]
    length = 9 - first.bit_length()
    if length > 8 or len(header) < id_length + length:
        return None, None, at
    mask = (1 << 7 * length) - 1
    size = int.from_bytes(header[id_length : id_length + length], "big") & mask
    kind = int.from_bytes(header[:id_length], "big")
    return kind, None if size == mask else size, at + id_length + length


def _cut_riff(file: IO[bytes], end: int) -> str | None:
    at = 0
    while True:
        header = _read(file, at, 8)
        if header[:4] != b"RIFF" or len(header) < 8:
            return None
        size = int.from_bytes(header[4:], "little")
        if size in _RIFF_UNKNOWN:
            return None
        if at + 8 + size > end:
            return _short("its RIFF chunk", at + 8 + size, end)
        at += 8 + size + size % 2


def _cut_ts(file: IO[bytes], end: int) -> str | None:
    for size, sync in _TS_PACKETS:
        firsts = _read(file, 0, 3 * size)[sync::size]
        if len(firsts) == 3 and set(firsts) == {_TS_SYNC}:
            rest = end % size
            return f"its last packet has {rest} of {size} bytes" if rest else None
    return None


def _cut_mxf(file: IO[bytes], end: int) -> str | None:
    at = 0
    while at < end:
        # A key and a length (SMPTE ST 377-1): one byte, or the number of length bytes that follow.
        header = _read(file, at, 16 + 9)
        if header[:4] != _MXF_KEY[: len(header)]:
            return None
        long = header[16] & 0x7F if len(header) > 16 and header[16] & 0x80 else 0
        size = int.from_bytes(header[17 : 17 + long], "big") if long else sum(header[16:17])
        at += 17 + long + size
    return _short("its last item", at, end) if at > end else None


def _cut_ogg(file: IO[bytes], end: int) -> str | None:
    at = 0
    while at < end:
        header = _read(file, at, _OGG_HEADER_BYTES + 255)
        if header[:4] != b"OggS"[: len(header)]:
            return None
        # The number of segments, then the length of each.
        count = header[_OGG_HEADER_BYTES - 1] if len(header) >= _OGG_HEADER_BYTES else 0
        at += _OGG_HEADER_BYTES + count + sum(header[_OGG_HEADER_BYTES:][:count])
    return _short("its last page", at, end) if at > end else None


def _read(file: IO[bytes], at: int, count: int) -> Any:
    file.seek(at)
    return file.read(count)

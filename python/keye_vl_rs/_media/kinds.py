"""Recognise files by their first bytes, for error messages that say what they are and what to do.

FFmpeg and Pillow report most of these as damaged. Some even open as videos: FFmpeg finds a picture
inside an archive or a document.
"""

from __future__ import annotations

import re
from typing import IO

__all__ = [
    "HEAD_BYTES",
    "head_of",
    "image_hint",
    "is_found_inside",
    "is_mp4",
    "mp4_fault",
    "not_video",
    "text_hint",
]

# How many of a file's first bytes to read to recognise it.
HEAD_BYTES = 4096
# The most to read of an mp4's index; that of a ten-hour video is smaller.
_MAX_MOOV_BYTES = 64 << 20
# The most top-level boxes of an mp4 to look at; a fragmented one has about two per second.
_MAX_BOXES = 100_000
_BOX_HEADER_BYTES = 8
_BOX_TYPE = re.compile(rb"[ -~\xa9]{4}")

_FIRST_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"})

_LFS = b"version https://git-lfs.github.com/spec/"
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF document: render its pages as images"),
    (b"PK\x03\x04", "a ZIP archive (or a document in that format): extract it first"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"PK\x07\x08", "part of a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive: decompress it first"),
    (b"BZh", "a bzip2 archive: decompress it first"),
    (b"\xfd7zXZ\0", "an xz archive: decompress it first"),
    (b"(\xb5/\xfd", "a Zstandard archive: decompress it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: extract it first"),
    (b"Rar!\x1a\x07", "a RAR archive: extract it first"),
    (b"!<arch>\n", "an ar archive (a library or a package)"),
    (b"MSCF\0\0\0\0", "a cabinet archive: extract it first"),
    (b"\x7fELF", "a program or a library (ELF)"),
    (b"\xcf\xfa\xed\xfe", "a program or a library (Mach-O)"),
    (b"\xca\xfe\xba\xbe", "a program, a library or a class (Mach-O or Java)"),
    (b"\0asm", "a program (WebAssembly)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document (OLE)"),
    (b"{\\rtf", "a document (RTF)"),
    (b"%!PS", "a PostScript program: render it as images"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"PAR1", "a Parquet table: pass the bytes of one of its cells"),
    (b"\x93NUMPY", "a NumPy array: pass numpy.load(path)"),
    (b"wOF2", "a font"),
    (b"wOFF", "a font"),
)
# How files of formats without a header start; FFmpeg finds these formats in the middle of other
# files. (Recordings of MPEG streams may start anywhere.)
_JPEG_START = b"\xff\xd8"
_START_CODE = b"\0\0\1"
_WITH_START_CODES = frozenset({"cavsvideo", "h264", "hevc", "m4v", "mpegvideo", "vc1", "vvc"})
_TAR = b"ustar"
_TAR_PLACE = 257
_HTML = re.compile(
    rb"(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|meta|link|style|script|noscript"
    rb"|base|center|div|main|section|article|header|nav|form|iframe|table|p|h[1-6]|pre|ul|ol|a|b|i"
    rb"|span|font|strong|em|img|br|hr)\b",
    re.I | re.S,
)
_XML = re.compile(rb"<\?xml\b|<(?:svg|error|mpd)\b", re.I)
# Characters that do not occur in text.
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MIN_TEXT_BYTES = 8
# Headers of images and videos that are text themselves.
_TEXT_HEADERS = (b"YUV4MPEG2", b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"/* XPM", b"#define")
_SVG = re.compile(rb"<(?:\w+:)?svg\b", re.I)
_MPD = re.compile(rb"<mpd\b", re.I)
_SDP = re.compile(rb"v=0\r?\n[a-z]=")
_JSON = re.compile(rb'(?:\{\s*(?:"[^"]*"\s*:|\})|\[\s*(?:[\{\["\]]))')
_REFERS_TO_OTHERS = (
    "which refers to other files and is not opened: pass the video itself (ffmpeg -i FILE -c copy "
    "video.mp4)"
)
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})


def head_of(media: str | IO[bytes]) -> bytes:
    """Return the first bytes of a file, and move an open one back to its start.

    For an unreadable file the result is empty; whatever opens it next raises the error.
    """
    if not isinstance(media, str):
        head = _start_of(media)
        media.seek(0)
        return head
    try:
        with open(media, "rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""


def _not_media(head: bytes) -> str | None:
    """Return what a file is, if it is neither an image nor a video."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[_TAR_PLACE:].startswith(_TAR):
        return "a tar archive: extract it first"
    if head[:2] == b"MZ" and b"This program" in head[:1024]:
        return "a program or a library (Windows)"
    if head.startswith(_LFS):
        return "a Git LFS pointer, not the file itself: run git lfs pull"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _HTML.match(text):
        return "an HTML page, such as a server's error or login page: check the address"
    if text.startswith((b"#EXTM3U", b"[playlist]")):
        return f"a playlist, {_REFERS_TO_OTHERS}"
    if text.startswith(b"ffconcat version"):
        return f"a list of files (ffconcat), {_REFERS_TO_OTHERS}"
    if _SDP.match(text):
        return f"a session description (SDP), {_REFERS_TO_OTHERS}"
    if _XML.match(text) and _SVG.search(text):
        return "an SVG drawing: render it as an image"
    if _XML.match(text) and _MPD.search(text):
        return f"a DASH manifest, {_REFERS_TO_OTHERS}"
    if _XML.match(text):
        return "an XML file, such as a server's error message: check the address"
    if _JSON.match(text) and b"\0" not in head:
        return "a JSON file, such as a server's error message: check the address"
    return None


def text_hint(head: bytes) -> str | None:
    """Return that a file which nothing could open is text, if it starts like text.

    This does not prove that the file is no image or video; try to open it first.
    """
    if len(head) < _MIN_TEXT_BYTES or head.startswith(_TEXT_HEADERS):
        return None
    # The last character may be incomplete.
    text = head.decode("utf-8", "ignore")
    if len(head) - len(text.encode()) > 3 or _NO_TEXT.search(text):
        return None
    return "a text file, such as a server's error message: check the address or the path"


def not_video(head: bytes) -> str | None:
    """Return what a file is, if it is known not to be a video."""
    known = _not_media(head)
    if known is not None:
        return known
    if _is_webp(head) and b"ANIM" in head[:64]:
        return (
            "an animated WebP, which FFmpeg does not decode: open it with Pillow and pass its "
            "frames as a list"
        )
    return None


def is_found_inside(format_name: str, head: bytes) -> bool:
    """Tell if FFmpeg found a headerless stream inside a file that starts with something else."""
    if format_name == "mjpeg":
        return not head.startswith(_JPEG_START)
    return format_name in _WITH_START_CODES and _START_CODE not in head


def is_mp4(head: bytes) -> bool:
    """Tell if a file is an mp4, or of a format like it, by its first box."""
    return head[4:8] in _FIRST_BOXES


def image_hint(head: bytes) -> str | None:
    """Return what a file is that Pillow cannot open, and what to do about it."""
    known = _not_media(head)
    if known is not None:
        return known
    if head[4:8] == b"ftyp":
        brands = _brands(head)
        if brands & _AVIF_BRANDS:
            return "an AVIF image: install Pillow 11.3 or later, or pillow-avif-plugin"
        if brands & _HEIF_BRANDS:
            return (
                "a HEIC image: install pillow-heif and call pillow_heif.register_heif_opener() "
                "first"
            )
        return "a video (MP4), not an image: pass it as a video"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "a video (Matroska or WebM), not an image: pass it as a video"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "a video (AVI), not an image: pass it as a video"
    return text_hint(head)


def mp4_fault(media: str | IO[bytes]) -> str | None:
    """Return why an mp4 cannot be decoded: its index is missing, or it is encrypted; else None."""
    if not isinstance(media, str):
        try:
            return _mp4_fault(media)
        finally:
            media.seek(0)
    try:
        with open(media, "rb") as file:
            return _mp4_fault(file)
    except OSError:
        return None


def _mp4_fault(file: IO[bytes]) -> str | None:
    end = file.seek(0, 2)
    offset = 0
    types: list[bytes] = []
    index = b""
    for _ in range(_MAX_BOXES):
        # A size may be too large for an offset.
        if offset >= end:
            break
        file.seek(offset)
        header = file.read(16)
        if len(header) < _BOX_HEADER_BYTES or not _BOX_TYPE.fullmatch(header[4:8]):
            break
        size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if size == 1:
            size = int.from_bytes(header[8:16], "big")
        elif size == 0:
            size = end - offset
        if not types and kind in (b"styp", b"moof"):
            return "a segment of a fragmented MP4 without its index: prepend its init segment"
        if not types and kind not in _FIRST_BOXES:
            return None
        types.append(kind)
        if kind == b"moov":
            if offset + size > end:
                return "an MP4 that is truncated inside its index (moov): get the whole file"
            file.seek(offset)
            index = file.read(min(size, _MAX_MOOV_BYTES))
        if size < _BOX_HEADER_BYTES or kind == b"moov":
            break
        offset += size
    if not types:
        return None
    if b"meta" in types and b"moov" not in types:
        brands = _brands(_start_of(file))
        if brands & _HEIF_BRANDS and not brands & _AVIF_BRANDS:
            return "a HEIC image, not a video: pass it as an image"
    # HEIC and AVIF have their index in "meta". What follows an unknown box is left to FFmpeg.
    is_at_end = end - offset < _BOX_HEADER_BYTES
    if is_at_end and b"moov" not in types and b"meta" not in types:
        missing = f", with at least {offset - end:,} bytes missing" if offset > end else ""
        return (
            f"an MP4 that is truncated before its index (moov){missing}: get the whole file, or "
            "write it with the index first (ffmpeg -movflags +faststart)"
        )
    if (b"encv" in index and b"sinf" in index) or b"drmi" in index:
        return "an MP4 whose video is encrypted (DRM): decrypt it first"
    return None


def _start_of(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(HEAD_BYTES)


def _is_webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _brands(head: bytes) -> set[bytes]:
    """Return the brands that an ``ftyp`` box lists."""
    box = head[8 : int.from_bytes(head[:4], "big")]
    return {box[i : i + 4] for i in (0, *range(8, len(box), 4))}

"""Open media sources: paths, ``file://`` and http(s) addresses, bytes and file objects.

Videos and images share the checks that turn a bad source into a clear error, and the names of
sources in messages and logs.
"""

from __future__ import annotations

import errno
import io
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, TypeAlias
from urllib.parse import urlsplit

from keye_vl_rs._media.allow_lists import check_path
from keye_vl_rs._media.deadline import Deadline
from keye_vl_rs._media.encoded_sources import decode_text, describe_text, is_encoded
from keye_vl_rs._media.file_objects import ReadableFile, is_file_object, open_file_object
from keye_vl_rs._util.shorten import shorten
from keye_vl_rs.errors import EmptyMediaError, InvalidArgumentError, MediaError, MediaNotFoundError
from keye_vl_rs.limits import current_limits

__all__ = [
    "MediaSource",
    "describe_source",
    "is_local",
    "is_remote",
    "local_path",
    "open_bytes",
    "open_media",
    "open_sparse",
    "tilde_hint",
]

MediaSource: TypeAlias = str | os.PathLike[str] | bytes | ReadableFile | Mapping[str, Any]
"""A path, a ``file://``, http(s) or ``data:`` address, base64, ``{"base64": ...}``, the bytes of a
file, or a binary file object."""

# The dimensions of an array of decoded frames: (T, 3, H, W) or (T, H, W, 3).
_FRAME_DIMENSIONS = 4

# At least two letters: a single one is a Windows drive.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def is_remote(source: MediaSource) -> bool:
    """Tell if the source is an http or https address."""
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


def is_local(source: MediaSource) -> bool:
    """Tell if the source names a local file."""
    named = isinstance(source, (str, os.PathLike))
    return named and not (is_remote(source) or is_encoded(source))


def describe_source(source: MediaSource) -> str:
    """Return the name of a source for messages and logs, of at most 160 characters.

    That is the path, the address without its query, fragment and credentials, ``<1234 bytes>``, the
    media type and length of a ``data:`` address, or the name of a file object (``<BytesIO object>``
    if it has none).
    """
    if is_encoded(source):
        return describe_text(source)
    if is_file_object(source):
        called = getattr(source, "name", None)
        # Unnamed files have a number as their name.
        if isinstance(called, str) and called:
            return describe_source(called)
        return f"<{type(source).__name__} object>"
    if isinstance(source, (bytes, bytearray, memoryview)):
        return f"<{memoryview(source).nbytes} bytes>"
    if not is_remote(source):
        return shorten(local_path(source))
    try:
        parts = urlsplit(str(source))
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "<malformed address>"
    return shorten(f"{parts.scheme}://{host}{port}{parts.path}")


@contextmanager
def open_media(source: MediaSource, deadline: Deadline | None = None) -> Iterator[str | IO[bytes]]:
    """Yield the path of a local file, or an open file with the bytes of any other source.

    A remote file is downloaded completely, once, into a temporary file that is deleted afterwards,
    because its container is read more than once.

    Args:
        source: a path, a ``file://`` or http(s) address, the bytes of a file, or a binary file
            object. A seekable file object is read from its first byte, is not closed, and gets its
            position back; any other is read from its current position.
        deadline: limits the whole download, and is checked before each read of a file object.

    Raises:
        MediaNotFoundError: the file does not exist.
        EmptyMediaError: there are no bytes.
        LimitError: there are more bytes than allowed, or a download exceeds another limit.
        SourceNotAllowedError: the file or the address is not on the allow-list.
        MediaTimeoutError, CancelledError: the deadline passed, or the call was cancelled.
        MediaError: the source is a directory, or cannot be read or fetched; messages name addresses
            without their query, fragment and credentials.
        InvalidArgumentError: the source has an unsupported type, or is a file object in text mode.
    """
    if is_local(source):
        yield _checked_path(source)
    else:
        with open_bytes(source, deadline) as file:
            yield file


@contextmanager
def open_sparse(
    source: MediaSource, deadline: Deadline, *, allowed: bool = True
) -> Iterator[tuple[str | IO[bytes], bool]]:
    """Do as :func:`open_media`, but leave out what is not needed to list the frames of a video.

    Args:
        source: as for :func:`open_media`.
        deadline: as for :func:`open_media`.
        allowed: whether anything may be left out.

    Yields:
        The path or the file, and whether the contents of frames are missing, in whose place the
        file has zeros. That happens with mp4 files from servers that support range requests.
    """
    if not (allowed and is_remote(source)):
        with open_media(source, deadline) as media:
            yield media, False
        return
    from keye_vl_rs._media.http_ranges import fetch_sparse

    with tempfile.TemporaryFile() as file:
        yield file, fetch_sparse(str(source), describe_source(source), file, deadline)


@contextmanager
def open_bytes(source: MediaSource, deadline: Deadline | None = None) -> Iterator[IO[bytes]]:
    """Yield an open file, at its start, with the bytes of a source.

    Arguments and errors are those of :func:`open_media`.
    """
    if is_encoded(source):
        yield io.BytesIO(decode_text(source))
    elif isinstance(source, (bytes, bytearray, memoryview)):
        size = memoryview(source).nbytes
        if not size:
            raise EmptyMediaError("the media source is empty bytes (b'')")
        _check_size(size, describe_source(source))
        yield io.BytesIO(source)
    elif is_file_object(source):
        name = describe_source(source)
        with open_file_object(source, name, deadline or Deadline(name)) as file:
            yield file
    elif is_remote(source):
        # Imported only when needed, because the HTTP client takes long to import.
        from keye_vl_rs._media.http import fetch

        name = describe_source(source)
        with tempfile.TemporaryFile() as file:
            fetch(str(source), name, file, deadline or Deadline(name))
            yield file
    else:
        with _open_file(_checked_path(source)) as file:
            yield file


def _open_file(path: str) -> IO[bytes]:
    try:
        return open(path, "rb")
    except OSError as error:
        raise MediaError(f"{shorten(path)}: cannot be read: {error.strerror}") from None


def local_path(source: MediaSource) -> str:
    """Return the full path of a source for which :func:`is_local` is true.

    Raises:
        InvalidArgumentError: the source has an unsupported type.
    """
    if not isinstance(source, (str, os.PathLike)):
        hint = _type_hint(source)
        if getattr(source, "ndim", 0) == _FRAME_DIMENSIONS:
            shape = tuple(getattr(source, "shape", ()))
            hint = f" of shape {shape}; pass decoded frames as a list: list(frames)"
        raise InvalidArgumentError(
            "a media source must be a path, a file://, http(s) or data: address, base64, bytes or "
            f"a binary file object, not {type(source).__name__}{hint}"
        )
    path = os.fsdecode(source)
    if path[: len("file://")].lower() != "file://":
        return path
    plain = path[len("file://") :]
    # keye_vl_utils passes the rest to FFmpeg unchanged, so try it without decoding first.
    if os.path.exists(plain):
        return plain
    # Takes 30 ms to import, which every program that imports this package would wait for.
    from urllib.request import url2pathname

    return url2pathname(plain.removeprefix("localhost"))


def _type_hint(source: object) -> str:
    """Return advice about an object of a type that cannot be opened; else an empty string."""
    if isinstance(source, Mapping):
        keys = [key for key in ("video", "image") if source.get(key) is not None]
        return f"; pass the value of its key {keys[0]!r}" if keys else ""
    if type(source).__module__.partition(".")[0] == "PIL":
        return (
            "; for an image, use fetch_image or KeyeVL1_5ImageProcessor; for a video, pass a list "
            "of its frames"
        )
    return ""


def tilde_hint(path: str) -> str:
    """Return advice about a path that starts with ``~`` and was not found; else an empty string."""
    if not path.startswith("~"):
        return ""
    home = shorten(os.path.expanduser(path))
    return f"; ~ is not expanded: pass {home}"


def _checked_path(source: MediaSource) -> str:
    """Return the path of a local file, if it may be read and its status allows it."""
    path = local_path(source)
    if not path:
        raise MediaNotFoundError("the path is empty (''): expected the path of a file")
    name = shorten(path)
    scheme = _SCHEME.match(path)
    if scheme is not None and not os.path.exists(path):
        raise MediaError(
            f"{name}: {scheme[1]}:// addresses are not supported; open it yourself, for example "
            "with fsspec.open(address, 'rb').open(), and pass the file object"
        )
    path = check_path(path)
    # The operating system's errors repeat the whole path, so they are not chained.
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        if path != path.strip():
            raise MediaNotFoundError(
                f"{name!r}: no such file; the path starts or ends with white space: check if that "
                "belongs to it"
            ) from None
        raise MediaNotFoundError(f"{name}: no such file{tilde_hint(path)}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        hint = ""
        if getattr(error, "errno", None) == errno.ENAMETOOLONG:
            hint = '; to pass base64 of an unknown format, use {"base64": ...}'
        raise MediaError(f"{name!r}: cannot be read: {reason}{hint}") from None
    if stat.S_ISDIR(status.st_mode):
        raise MediaError(f"{name} is a folder, not a file: pass one of the files in it")
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(f"{name} is not a regular file")
    if status.st_size == 0:
        raise EmptyMediaError(f"{name}: the file is empty (0 bytes)")
    _check_size(status.st_size, name)
    return path


def _check_size(size: int, name: str) -> None:
    current_limits().check("file_bytes", size, name, f"a file of {size:,} bytes")

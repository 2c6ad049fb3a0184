"""Where media come from: a path, a ``file://`` or http(s) address, bytes or a file object.

Shared by videos and images: the checks that make a bad source a clear error, and the name by which
messages and logs call it.
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
from keye_vl_rs._media.deadline import Watch
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
    "tilde_hint",
]

MediaSource: TypeAlias = str | os.PathLike[str] | bytes | ReadableFile | Mapping[str, Any]
"""A path, a ``file://``, http(s) or ``data:`` address, base64, ``{"base64": ...}``, the bytes of a
file, or a binary file object."""

# Of an array of decoded frames: (T, 3, H, W) or (T, H, W, 3).
_FRAME_DIMENSIONS = 4

# Two letters at least: one is a drive of Windows.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def is_remote(source: MediaSource) -> bool:
    """Whether the source is an http or https address."""
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


def is_local(source: MediaSource) -> bool:
    """Whether the source names a file of this machine."""
    named = isinstance(source, (str, os.PathLike))
    return named and not (is_remote(source) or is_encoded(source))


def describe_source(source: MediaSource) -> str:
    """Name a source for messages and logs.

    Returns the path, the address without its query, fragment and credentials, ``<1234 bytes>``, the
    media type and the length of a ``data:`` address, or a file object's name; ``<BytesIO object>``
    if it has none. It has 160 characters at most.
    """
    if is_encoded(source):
        return describe_text(source)
    if is_file_object(source):
        called = getattr(source, "name", None)
        # Those of files without a name are numbers.
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
def open_media(source: MediaSource, watch: Watch | None = None) -> Iterator[str | IO[bytes]]:
    """Give the path of a local file, or an open file with the bytes of any other source.

    A remote file is fetched whole, once, into a temporary file that is gone afterwards: its
    container is read more than once.

    Args:
        source: a path, a ``file://`` or http(s) address, the bytes of a file, or a binary file
            object. One that can seek is read from its first byte, is not closed, and stands
            afterwards where it stood; another is read from where it stands.
        watch: bounds a fetch as a whole, and is checked before each read of a file object.

    Raises:
        MediaNotFoundError: there is no such file.
        EmptyMediaError: there are no bytes.
        LimitError: there are more bytes than allowed, or a fetch goes beyond another limit.
        SourceNotAllowedError: the file or the address is not among those that are allowed.
        MediaTimeoutError, CancelledError: as ``watch`` says.
        MediaError: it is a directory, or cannot be read or fetched; addresses are named without
            their query, fragment and credentials.
        InvalidArgumentError: the source is of another type, or a file object that reads text.

    """
    if is_local(source):
        yield _checked_path(source)
    else:
        with open_bytes(source, watch) as file:
            yield file


@contextmanager
def open_bytes(source: MediaSource, watch: Watch | None = None) -> Iterator[IO[bytes]]:
    """Give an open file, at its start, with the bytes of a source.

    Arguments and errors are those of :func:`open_media`.
    """
    if is_encoded(source):
        yield io.BytesIO(decode_text(source))
    elif isinstance(source, (bytes, bytearray, memoryview)):
        size = memoryview(source).nbytes
        if not size:
            raise EmptyMediaError("the media's bytes are empty (b'')")
        _check_size(size, describe_source(source))
        yield io.BytesIO(source)
    elif is_file_object(source):
        name = describe_source(source)
        with open_file_object(source, name, watch or Watch(name)) as file:
            yield file
    elif is_remote(source):
        # Not before it is needed: its HTTP client takes long to import.
        from keye_vl_rs._media.http import fetch

        name = describe_source(source)
        with tempfile.TemporaryFile() as file:
            fetch(str(source), name, file, watch or Watch(name))
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
    """Give the path of what :func:`is_local` holds for, at full length.

    Raises:
        InvalidArgumentError: the source is of no type that sources have.
    """
    if not isinstance(source, (str, os.PathLike)):
        hint = ""
        if getattr(source, "ndim", 0) == _FRAME_DIMENSIONS:
            shape = tuple(getattr(source, "shape", ()))
            hint = f" of shape {shape}; frames that are decoded go as a list: give list(frames)"
        raise InvalidArgumentError(
            "a media source is a path, a file://, http(s) or data: address, base64, bytes or a "
            f"binary file object, not {type(source).__name__}{hint}"
        )
    path = os.fsdecode(source)
    if path[: len("file://")].lower() != "file://":
        return path
    plain = path[len("file://") :]
    # The published code hands the rest to FFmpeg as it stands, so an undecoded name comes first.
    if os.path.exists(plain):
        return plain
    # Takes 30 ms to import, which every program that imports this package would wait for.
    from urllib.request import url2pathname

    return url2pathname(plain.removeprefix("localhost"))


def tilde_hint(path: str) -> str:
    """Return what to do about a path with a ``~`` that was not found; empty for any other."""
    if not path.startswith("~"):
        return ""
    home = shorten(os.path.expanduser(path))
    return f"; ~ is not expanded: give {home}, which os.path.expanduser returns"


def _checked_path(source: MediaSource) -> str:
    """The path of a local file that may be read, and can be as far as its status tells."""
    path = local_path(source)
    if not path:
        raise MediaNotFoundError("the path is empty (''): expected that of a file")
    name = shorten(path)
    scheme = _SCHEME.match(path)
    if scheme is not None and not os.path.exists(path):
        raise MediaError(
            f"{name}: addresses with {scheme[1]}:// are not opened here: open it yourself, for "
            "instance with fsspec.open(address, 'rb').open(), and give the file object"
        )
    path = check_path(path)
    # The errors of the system repeat the whole path: none of them is chained.
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise MediaNotFoundError(f"{name}: no such file{tilde_hint(path)}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        hint = ""
        if getattr(error, "errno", None) == errno.ENAMETOOLONG:
            hint = '; base64 that begins like no known format is given as {"base64": ...}'
        raise MediaError(f"{name!r}: cannot be read: {reason}{hint}") from None
    if stat.S_ISDIR(status.st_mode):
        raise MediaError(f"{name}: is a directory, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(f"{name}: is not a regular file")
    if status.st_size == 0:
        raise EmptyMediaError(f"{name}: the file is empty (0 bytes)")
    _check_size(status.st_size, name)
    return path


def _check_size(size: int, name: str) -> None:
    current_limits().check("file_bytes", size, name, f"is of {size:,} bytes")

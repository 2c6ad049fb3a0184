"""File objects as sources: used in place, or copied where they cannot go back to their start."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, Protocol, TypeGuard

from keye_vl_rs._media.deadline import Watch
from keye_vl_rs.errors import EmptyMediaError, InvalidArgumentError, KeyeVLError, MediaError
from keye_vl_rs.limits import current_limits

__all__ = ["ReadableFile", "is_file_object", "open_file_object", "spool"]

# FFmpeg asks for 32 KiB at a time, and a file object may have to go far for each of them.
_BUFFER_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 20


class ReadableFile(Protocol):
    """An object that reads bytes, such as an open binary file, a BytesIO or a pipe."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        ...


def is_file_object(source: object) -> TypeGuard[ReadableFile]:
    """Whether the source is an object that reads, and none of the other kinds of sources."""
    if isinstance(source, (str, bytes, bytearray, memoryview, os.PathLike, type)):
        return False
    return callable(getattr(source, "read", None))


@contextmanager
def open_file_object(source: ReadableFile, name: str, watch: Watch) -> Iterator[IO[bytes]]:
    """Give an open file, at its start, with the bytes of a file object.

    One that can seek is read in place, from its first byte wherever it stands, is not closed, and
    stands where it stood afterwards. Any other is copied into a temporary file, from where it
    stands to its end.

    Args:
        source: the file object.
        name: what errors call it.
        watch: checked before each read. A read that does not return is not interrupted.

    Raises:
        EmptyMediaError: it holds no bytes.
        MediaError: reading or seeking fails.
        MediaTimeoutError, CancelledError: as ``watch`` says.
        InvalidArgumentError: it reads text, is not open for reading, or its ``read`` returns what
            is not bytes or more than it was asked for.

    """
    _check_mode(source, name)
    if _is_seekable(source, name):
        with _in_place(source, name, watch) as file:
            yield file
    else:
        with tempfile.TemporaryFile() as file:
            spool(_chunks(source, name, watch), file, name)
            yield file


def spool(chunks: Iterable[bytes], file: IO[bytes], name: str) -> None:
    """Write all chunks into a temporary file and go back to its start.

    Raises:
        EmptyMediaError: there are no bytes.
        MediaError: the temporary file cannot take them.

    """
    limits = current_limits()
    for chunk in chunks:
        with _kept(name):
            file.write(chunk)
        size = file.tell()
        limits.check("file_bytes", size, name, f"holds {size:,} bytes and more")
    if not file.tell():
        raise EmptyMediaError(f"{name}: is empty (0 bytes)")
    # What is still in the file's buffer is written now.
    with _kept(name):
        file.seek(0)


@contextmanager
def _kept(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MediaError(
            f"{name}: cannot be kept in {tempfile.gettempdir()}: {_reason(error)}"
        ) from None


@contextmanager
def _in_place(source: ReadableFile, name: str, watch: Watch) -> Iterator[IO[bytes]]:
    checked = _CheckedFile(source, name, watch)
    place = checked.tell()
    try:
        size = checked.seek(0, os.SEEK_END)
        current_limits().check("file_bytes", size, name, f"is of {size:,} bytes")
        checked.seek(0)
        # A read may return less than was asked for; the buffer asks again, as decoders do not.
        with io.BufferedReader(checked, _BUFFER_BYTES) as file:
            if not file.peek(1):
                raise EmptyMediaError(f"{name}: is empty (0 bytes)")
            yield file
    except BaseException:
        with suppress(MediaError):
            checked.seek(place)
        raise
    checked.seek(place)


class _CheckedFile(io.RawIOBase):
    """A file object whose mistakes and errors are this package's; closing it leaves that open."""

    def __init__(self, file: Any, name: str, watch: Watch) -> None:
        self._file = file
        self._name = name
        self._watch = watch

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        self._watch.check()
        data = _read(self._file.read, len(buffer), self._name)
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        with _reading(self._name):
            self._file.seek(offset, whence)
        # Some return nothing from it.
        return self.tell()

    def tell(self) -> int:
        with _reading(self._name):
            return int(self._file.tell())


def _chunks(source: Any, name: str, watch: Watch) -> Iterator[bytes]:
    # Buffered readers fill the whole size from a pipe unless asked for what is there.
    read = source.read1 if isinstance(source, io.BufferedIOBase) else source.read
    while True:
        watch.check()
        chunk = _read(read, _CHUNK_BYTES, name)
        if not chunk:
            return
        yield chunk


def _read(read: Callable[[int], Any], size: int, name: str) -> bytes:
    with _reading(name):
        data = read(size)
    if isinstance(data, str):
        raise _text_error(name)
    if not isinstance(data, (bytes, bytearray)):
        raise InvalidArgumentError(f"{name}: read() returned {type(data).__name__}: expected bytes")
    # PyAV would write past the end of its buffer.
    if len(data) > size:
        raise InvalidArgumentError(
            f"{name}: read({size}) returned {len(data)} bytes: expected {size} at most"
        )
    return bytes(data)


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Turn a file object's errors into this package's."""
    try:
        yield
    except KeyeVLError:
        raise
    # Files that are closed raise ValueError.
    except (OSError, ValueError) as error:
        raise MediaError(f"{name}: cannot be read: {_reason(error)}") from error


def _check_mode(source: Any, name: str) -> None:
    if isinstance(source, io.TextIOBase):
        raise _text_error(name)
    with _reading(name):
        readable = source.readable() if hasattr(source, "readable") else True
    if not readable:
        raise InvalidArgumentError(
            f"{name}: is not open for reading: expected a file opened with mode 'rb'"
        )


def _is_seekable(source: Any, name: str) -> bool:
    if not (hasattr(source, "seek") and hasattr(source, "tell")):
        return False
    with _reading(name):
        return bool(source.seekable()) if hasattr(source, "seekable") else True


def _text_error(name: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{name}: is open as text: expected a file opened in binary mode ('rb')"
    )


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

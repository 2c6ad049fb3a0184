"""Read file objects: in place, or from a copy if they are not seekable."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, Protocol, TypeGuard

from keye_vl_rs._media.deadline import Deadline
from keye_vl_rs.errors import EmptyMediaError, InvalidArgumentError, KeyeVLError, MediaError
from keye_vl_rs.limits import current_limits

__all__ = ["ReadableFile", "is_file_object", "open_file_object", "spool", "storage_errors"]

# FFmpeg reads 32 KiB at a time, which may be slow on a remote file object.
_BUFFER_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 20


class ReadableFile(Protocol):
    """Read bytes, as does an open binary file, a BytesIO or a pipe."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        ...


def is_file_object(source: object) -> TypeGuard[ReadableFile]:
    """Tell if the source is an object that reads, and not another kind of source."""
    if isinstance(source, (str, bytes, bytearray, memoryview, os.PathLike, type)):
        return False
    return callable(getattr(source, "read", None))


@contextmanager
def open_file_object(source: ReadableFile, name: str, deadline: Deadline) -> Iterator[IO[bytes]]:
    """Yield an open file, at its start, with the bytes of a file object.

    A seekable file object is read in place, from its first byte, is not closed, and gets its
    position back. Any other is copied into a temporary file, from its current position to its end.

    Args:
        source: the file object.
        name: the name of the source in messages.
        deadline: checked before each read. A read that does not return is not interrupted.

    Raises:
        EmptyMediaError: it has no bytes.
        MediaError: reading or seeking fails.
        MediaTimeoutError, CancelledError: the deadline passed, or the call was cancelled.
        InvalidArgumentError: it reads text, is not open for reading, or its ``read`` returns
            something other than bytes, or more of them than requested.
    """
    _check_mode(source, name)
    if _is_seekable(source, name):
        with _in_place(source, name, deadline) as file:
            yield file
    else:
        with tempfile.TemporaryFile() as file:
            spool(_chunks(source, name, deadline), file, name)
            yield file


def spool(chunks: Iterable[bytes], file: IO[bytes], name: str) -> None:
    """Write all chunks to a temporary file and move back to its start.

    Raises:
        EmptyMediaError: there are no bytes.
        LimitError: there are more than ``file_bytes``.
        MediaError: the temporary file cannot be written.
    """
    limits = current_limits()
    for chunk in chunks:
        with storage_errors(name):
            file.write(chunk)
        size = file.tell()
        limits.check("file_bytes", size, name, f"a stream of at least {size:,} bytes")
    if not file.tell():
        raise EmptyMediaError(f"{name}: the file is empty (0 bytes)")
    # This flushes the file's buffer.
    with storage_errors(name):
        file.seek(0)


@contextmanager
def storage_errors(name: str) -> Iterator[None]:
    """Turn errors of the temporary file into this package's."""
    try:
        yield
    except OSError as error:
        raise MediaError(
            f"{name}: cannot be stored in {tempfile.gettempdir()}: {_reason(error)}"
        ) from None


@contextmanager
def _in_place(source: ReadableFile, name: str, deadline: Deadline) -> Iterator[IO[bytes]]:
    checked = _CheckedFile(source, name, deadline)
    place = checked.tell()
    try:
        size = checked.seek(0, os.SEEK_END)
        current_limits().check("file_bytes", size, name, f"a file of {size:,} bytes")
        checked.seek(0)
        # A read may return less than requested. BufferedReader reads again; decoders do not.
        with io.BufferedReader(checked, _BUFFER_BYTES) as file:
            if not file.peek(1):
                raise EmptyMediaError(f"{name}: the file is empty (0 bytes)")
            yield file
    except BaseException:
        with suppress(MediaError):
            checked.seek(place)
        raise
    checked.seek(place)


class _CheckedFile(io.RawIOBase):
    """View a file object so that it raises this package's errors and is never closed."""

    def __init__(self, file: Any, name: str, deadline: Deadline) -> None:
        self._file = file
        self._name = name
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        self._deadline.check()
        data = _read(self._file.read, len(buffer), self._name)
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        with _reading(self._name):
            self._file.seek(offset, whence)
        # Some file objects return None from seek().
        return self.tell()

    def tell(self) -> int:
        with _reading(self._name):
            return int(self._file.tell())


def _chunks(source: Any, name: str, deadline: Deadline) -> Iterator[bytes]:
    # BufferedReader.read waits until a pipe has delivered the whole size; read1 does not.
    read = source.read1 if isinstance(source, io.BufferedIOBase) else source.read
    while True:
        deadline.check()
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
    # More bytes than requested would overflow PyAV's buffer.
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
    # Closed files raise ValueError.
    except (OSError, ValueError) as error:
        raise MediaError(f"{name}: cannot be read: {_reason(error)}") from error


def _check_mode(source: Any, name: str) -> None:
    if isinstance(source, io.TextIOBase):
        raise _text_error(name)
    with _reading(name):
        readable = source.readable() if hasattr(source, "readable") else True
    if not readable:
        raise InvalidArgumentError(
            f"{name} is not open for reading: expected a file opened with mode 'rb'"
        )


def _is_seekable(source: Any, name: str) -> bool:
    if not (hasattr(source, "seek") and hasattr(source, "tell")):
        return False
    with _reading(name):
        return bool(source.seekable()) if hasattr(source, "seekable") else True


def _text_error(name: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{name}: opened in text mode; open it in binary mode ('rb')")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

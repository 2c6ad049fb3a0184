"""Bound calls by deadlines and cancel flags, and report their progress."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, Any, Protocol

from keye_vl_rs._util.progress import ProgressCallback, ProgressReporter
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import positive_number
from keye_vl_rs.errors import CancelledError, InvalidArgumentError, KeyeVLError, MediaTimeoutError

__all__ = ["CancelFlag", "Deadline", "InterruptionError", "cancelled_by"]


class CancelFlag(Protocol):
    """Tell whether an operation is cancelled, as does a :class:`threading.Event`."""

    def is_set(self) -> bool:
        """Return whether to cancel. Called often, from more than one thread."""
        ...


# The flags that cancel everything in the current context.
_flags: ContextVar[tuple[CancelFlag, ...]] = ContextVar("keye_vl_rs_cancel_flags", default=())


@contextmanager
def cancelled_by(flag: CancelFlag) -> Iterator[None]:
    """Let ``flag`` cancel every operation that starts inside the block.

    Also those whose functions take no ``cancel``. It applies in addition to outer blocks.
    """
    token = _flags.set((*_flags.get(), flag))
    try:
        yield
    finally:
        _flags.reset(token)


class Deadline:
    """Track the deadline and the cancel flags of one operation, and who is told of its progress.

    Args:
        name: what the operation works on, for messages.
        timeout: seconds from now to the deadline; None for no deadline.
        cancel: the caller's cancel flag, or None. Those of :func:`cancelled_by` apply too.
        progress: the caller's function that is told of progress, or None.

    Attributes:
        name: as above.
        timeout: as above.
        progress: passes progress on to the caller; None if it is not asked for.

    Raises:
        InvalidArgumentError: ``timeout`` is not a finite number over 0, ``cancel`` has no
            ``is_set``, or ``progress`` cannot be called.
    """

    def __init__(
        self,
        name: str,
        timeout: float | None = None,
        cancel: CancelFlag | None = None,
        progress: ProgressCallback | None = None,
    ) -> None:
        """Start the clock."""
        self.name = name
        self.timeout = None if timeout is None else float(positive_number("timeout", timeout))
        # A class has the method too; it is passed if somebody forgets the parentheses.
        if cancel is not None and (
            isinstance(cancel, type) or not callable(getattr(cancel, "is_set", None))
        ):
            raise InvalidArgumentError(
                f"cancel is {short_repr(cancel)}: expected an object with is_set(), such as a "
                "threading.Event"
            )
        self.progress = None if progress is None else ProgressReporter(progress)
        self._flags = _flags.get() if cancel is None else (*_flags.get(), cancel)
        self._expires = None if self.timeout is None else time.monotonic() + self.timeout

    def left(self) -> float | None:
        """Return the seconds left until the deadline, at least 0; None without a deadline."""
        return None if self._expires is None else max(0.0, self._expires - time.monotonic())

    def check(self) -> None:
        """Raise if the operation was cancelled or the deadline has passed.

        Raises:
            CancelledError: the flag is set.
            MediaTimeoutError: the deadline has passed.
        """
        if any(flag.is_set() for flag in self._flags):
            raise CancelledError(f"{self.name}: cancelled")
        if self._expires is not None and time.monotonic() >= self._expires:
            raise MediaTimeoutError(
                f"{self.name}: timed out after {self.timeout:g} s; raise timeout to allow more"
            )

    def reading(self, file: IO[bytes]) -> InterruptibleFile:
        """Return a view of an open file, for FFmpeg, that checks before each read."""
        return InterruptibleFile(file, self)


class InterruptionError(KeyeVLError):
    """Carry through PyAV a :class:`BaseException` such as KeyboardInterrupt.

    PyAV passes on exceptions that a file raises, but prints other BaseExceptions and continues.

    Args:
        raised: the exception to carry.
    """

    def __init__(self, raised: BaseException) -> None:
        """Wrap an exception."""
        super().__init__(str(raised))
        self.raised = raised


class InterruptibleFile:
    """Offer the part of a file that PyAV needs; it hides the file's name and cannot close it.

    The first read that fails, because of the deadline or of the file, raises out of PyAV's call; a
    BaseException is carried by an :class:`InterruptionError`. FFmpeg may read again before that
    call ends. Those reads return the end of the file, because PyAV keeps one exception and prints
    any others.
    """

    def __init__(self, file: IO[bytes], deadline: Deadline) -> None:
        self._file = file
        self._deadline = deadline
        self._failed = False

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes; none at the end of the file and after a failed read."""
        if self._failed:
            return b""
        try:
            with _carried():
                self._deadline.check()
                return self._file.read(size)
        except BaseException:
            self._failed = True
            raise

    def seek(self, offset: int, whence: int = 0) -> Any:
        """Move to a position in the file, like :meth:`io.IOBase.seek`."""
        with _carried():
            return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position in the file, in bytes from its start."""
        with _carried():
            return self._file.tell()


@contextmanager
def _carried() -> Iterator[None]:
    """Carry BaseExceptions that are not Exceptions through PyAV."""
    try:
        yield
    except Exception:
        raise
    except BaseException as raised:
        raise InterruptionError(raised) from raised

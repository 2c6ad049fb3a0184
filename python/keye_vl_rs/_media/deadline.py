"""How long an operation may take, and how its caller stops it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Protocol

from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import positive_number
from keye_vl_rs.errors import CancelledError, InvalidArgumentError, KeyeVLError, MediaTimeoutError

__all__ = ["CancelFlag", "InterruptionError", "Watch"]


class CancelFlag(Protocol):
    """What says that an operation is to stop; a :class:`threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether to stop. It is asked often, from more than one thread."""
        ...


class Watch:
    """The deadline and the cancel flag of one operation, to be checked at each of its steps.

    Args:
        name: what the operation works on, as errors call it.
        timeout: seconds from now to the deadline; None for no deadline.
        cancel: the caller's flag; None for none.

    Raises:
        InvalidArgumentError: ``timeout`` is not a finite number over 0, or ``cancel`` has no
            ``is_set``.

    """

    def __init__(
        self, name: str, timeout: float | None = None, cancel: CancelFlag | None = None
    ) -> None:
        """Start the clock."""
        self.name = name
        self.timeout = None if timeout is None else float(positive_number("timeout", timeout))
        # A class has the method too, and is what is passed where its parentheses were forgotten.
        if cancel is not None and (
            isinstance(cancel, type) or not callable(getattr(cancel, "is_set", None))
        ):
            raise InvalidArgumentError(
                f"cancel is {short_repr(cancel)}: expected an object with is_set(), such as a "
                "threading.Event"
            )
        self.cancel = cancel
        self._deadline = None if self.timeout is None else time.monotonic() + self.timeout

    def left(self) -> float | None:
        """Seconds to the deadline, 0 from then on; None without a deadline."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def check(self) -> None:
        """Let the operation go on.

        Raises:
            CancelledError: the flag is set.
            MediaTimeoutError: the deadline has passed.

        """
        if self.cancel is not None and self.cancel.is_set():
            raise CancelledError(f"{self.name}: cancelled")
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise MediaTimeoutError(
                f"{self.name}: not finished within {self.timeout:g} s, the given timeout"
            )

    def reading(self, file: IO[bytes]) -> WatchedFile:
        """Give a view of an open file, for FFmpeg, that checks this watch before each read."""
        return WatchedFile(file, self)


class InterruptionError(KeyeVLError):
    """Carries what is no :class:`Exception`, such as KeyboardInterrupt, through PyAV.

    PyAV passes on the exceptions that a file raises, but prints all others and goes on.

    Args:
        raised: what is carried.
    """

    def __init__(self, raised: BaseException) -> None:
        """Carry it."""
        super().__init__(str(raised))
        self.raised = raised


class WatchedFile:
    """What PyAV asks of a file, and no more: it neither learns the file's name nor closes it.

    The first read that fails, by the watch or by the file, raises out of PyAV's call; what is no
    Exception does so inside of an :class:`InterruptionError`. FFmpeg reads on before that call is
    over; those reads find the end of the file, since PyAV keeps one exception and prints those that
    come on top of it.
    """

    def __init__(self, file: IO[bytes], watch: Watch) -> None:
        self._file = file
        self._watch = watch
        self._failed = False

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes; none at the end of the file and after a read that raised."""
        if self._failed:
            return b""
        try:
            with _carried():
                self._watch.check()
                return self._file.read(size)
        except BaseException:
            self._failed = True
            raise

    def seek(self, offset: int, whence: int = 0) -> Any:
        """Go to a place in the file, as :meth:`io.IOBase.seek`."""
        with _carried():
            return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The place in the file, in bytes from its start."""
        with _carried():
            return self._file.tell()


@contextmanager
def _carried() -> Iterator[None]:
    try:
        yield
    except Exception:
        raise
    except BaseException as raised:
        raise InterruptionError(raised) from raised

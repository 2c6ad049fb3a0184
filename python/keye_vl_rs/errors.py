"""The exceptions of this package.

Every error that this package raises on purpose derives from :class:`KeyeVLError` and, beside it,
from the built-in that a caller would expect: :class:`ValueError` for an argument, :class:`OSError`
for a file or an address. Messages name the argument or the file, the value, and what would be
right. Warnings derive from :class:`UserWarning`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = [
    "AspectRatioError",
    "CancelledError",
    "ConcealedDamageWarning",
    "DecodeError",
    "EmptyMediaError",
    "FrameTypesError",
    "FramesDtypeError",
    "FramesShapeError",
    "InvalidArgumentError",
    "KeyeVLError",
    "LimitError",
    "MediaError",
    "MediaNotFoundError",
    "MediaTimeoutError",
    "NoFramesError",
    "NoVideoStreamError",
    "OutOfMemoryError",
    "PartialVideoWarning",
    "PromptError",
    "SizeError",
    "SourceNotAllowedError",
    "UnreadableMediaError",
    "UnsupportedHostError",
    "calling",
    "memory_errors",
    "naming",
]


class KeyeVLError(Exception):
    """Base of every exception that keye-vl-rs raises on purpose."""


class InvalidArgumentError(KeyeVLError, ValueError):
    """An argument has a value outside what it may take."""


class FramesShapeError(InvalidArgumentError):
    """Frames are not (N, H, W, 3) or (N, 3, H, W)."""


class FramesDtypeError(InvalidArgumentError):
    """Frames are not uint8."""


class FrameTypesError(InvalidArgumentError):
    """``frame_types`` has the wrong length, or values other than 0 (slow) and 1 (fast)."""


class SizeError(InvalidArgumentError):
    """A height or width is zero or not a multiple of the token size (28 pixels)."""


class AspectRatioError(InvalidArgumentError):
    """The longer side is more than 200 times the shorter one."""


class PromptError(InvalidArgumentError):
    """A prompt holds more or fewer vision tokens than there are images or videos."""


class OutOfMemoryError(KeyeVLError, MemoryError):
    """Memory for a result of the requested size cannot be had."""


class CancelledError(KeyeVLError):
    """The caller's cancel flag was set before the operation was finished."""


class UnsupportedHostError(KeyeVLError, ImportError):
    """A library that this package works with is of a release that it cannot work with."""


class MediaError(KeyeVLError, OSError):
    """A video or an image cannot be read; the message names it."""


class MediaNotFoundError(MediaError, FileNotFoundError):
    """There is no such file."""


class MediaTimeoutError(MediaError, TimeoutError):
    """The deadline that the caller gave has passed before the operation was finished."""


class EmptyMediaError(MediaError):
    """The file has no bytes."""


class UnreadableMediaError(MediaError):
    """The file is not a video (or not an image), or its container is damaged beyond opening."""


class LimitError(MediaError):
    """A source asks for more than :class:`keye_vl_rs.Limits` allow; the message names the limit."""


class SourceNotAllowedError(MediaError):
    """A file or an address is not among those that the environment allows."""


class NoVideoStreamError(MediaError):
    """The file holds no video stream."""


class NoFramesError(MediaError):
    """The video stream has no frame that can be decoded."""


class DecodeError(MediaError):
    """Decoding failed part of the way."""


class PartialVideoWarning(UserWarning):
    """A result holds what comes before the damage in a video, and nothing of what follows.

    It is issued by :func:`warnings.warn`, not raised; its message names the video and what is
    missing. ``warnings.simplefilter("error", PartialVideoWarning)`` makes it an exception.
    """


class ConcealedDamageWarning(UserWarning):
    """A result holds frames that are damaged, as the decoder made them; its message says how many.

    It is issued by :func:`warnings.warn` with ``on_error="conceal"``.
    """


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Have this package's errors say what they are about: which image, which part of a message."""
    try:
        yield
    except KeyeVLError as error:
        raise type(error)(f"{what}: {error}") from error


@contextmanager
def calling(argument: str, given: str) -> Iterator[None]:
    """Have errors about an argument call it by the name under which it was given."""
    try:
        yield
    except InvalidArgumentError as error:
        text = str(error)
        if not text.startswith(f"{argument} is "):
            raise
        raise type(error)(given + text.removeprefix(argument)) from error


# Characters of another library's message that are repeated.
_MOST_REASON = 200
# What torch says, in a RuntimeError, of memory that its allocator did not get.
_NO_MEMORY = ("not enough memory", "can't allocate memory", "cannot allocate memory")


@contextmanager
def memory_errors(what: str) -> Iterator[None]:
    """Raise :class:`OutOfMemoryError` for memory that NumPy, Pillow, torch or FFmpeg did not get.

    As a decorator it does so for a function. ``what`` is what the memory was for.
    """
    try:
        yield
    except KeyeVLError:
        raise
    except (MemoryError, RuntimeError) as error:
        reason = str(error).partition("\n")[0][:_MOST_REASON]
        is_memory = isinstance(error, MemoryError)
        if not is_memory and not any(words in reason.lower() for words in _NO_MEMORY):
            raise
        raise OutOfMemoryError(
            f"{what}: memory cannot be had: {reason or type(error).__name__}"
        ) from error

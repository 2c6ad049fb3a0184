"""Define the exceptions and warnings of this package.

Every error that this package raises on purpose derives from :class:`KeyeVLError` and also from the
built-in exception that a caller would expect: :class:`ValueError` for an argument,
:class:`OSError` for a file or an address. Messages name the argument or the file, its value, and
what to do. Warnings derive from :class:`UserWarning`.
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
    """Base class of every exception that keye-vl-rs raises on purpose."""


class InvalidArgumentError(KeyeVLError, ValueError):
    """An argument with an invalid value."""


class FramesShapeError(InvalidArgumentError):
    """Frames that are neither (N, H, W, 3) nor (N, 3, H, W)."""


class FramesDtypeError(InvalidArgumentError):
    """Frames that are not uint8."""


class FrameTypesError(InvalidArgumentError):
    """Frame types of the wrong length, or with values other than 0 (slow) and 1 (fast)."""


class SizeError(InvalidArgumentError):
    """A height or width that is zero or not a multiple of the token size (28 pixels)."""


class AspectRatioError(InvalidArgumentError):
    """A size whose longer side is more than 200 times the shorter one."""


class PromptError(InvalidArgumentError):
    """A prompt with more or fewer vision tokens than there are images or videos."""


class OutOfMemoryError(KeyeVLError, MemoryError):
    """A failure to allocate memory for a result of the requested size."""


class CancelledError(KeyeVLError):
    """The cancellation of an operation by the caller's cancel flag."""


class UnsupportedHostError(KeyeVLError, ImportError):
    """A host library of a release that this package does not support."""


class MediaError(KeyeVLError, OSError):
    """A video or an image that cannot be read; the message names it."""


class MediaNotFoundError(MediaError, FileNotFoundError):
    """A file that does not exist."""


class MediaTimeoutError(MediaError, TimeoutError):
    """An operation that did not finish before the caller's deadline."""


class EmptyMediaError(MediaError):
    """A source without any bytes."""


class UnreadableMediaError(MediaError):
    """A file that is not a video (or not an image), or that is damaged beyond opening."""


class LimitError(MediaError):
    """A source that exceeds a limit of :class:`keye_vl_rs.Limits`; the message names the limit."""


class SourceNotAllowedError(MediaError):
    """A file or an address that is not on the allow-list of the environment."""


class NoVideoStreamError(MediaError):
    """A file without a video stream."""


class NoFramesError(MediaError):
    """A video stream in which no frame can be decoded."""


class DecodeError(MediaError):
    """A failure while reading or decoding a video."""


class PartialVideoWarning(UserWarning):
    """A result that contains only the frames before the damage in a video.

    It is issued with :func:`warnings.warn`; the message names the video and what is missing. To
    turn it into an exception, use ``warnings.simplefilter("error", PartialVideoWarning)``.
    """


class ConcealedDamageWarning(UserWarning):
    """A result that contains damaged frames as the decoder concealed them.

    It is issued with :func:`warnings.warn` under ``on_error="conceal"``; the message says how many
    frames are damaged.
    """


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Prefix this package's errors with their subject: which image, which part of a message."""
    try:
        yield
    except KeyeVLError as error:
        raise type(error)(f"{what}: {error}") from error


@contextmanager
def calling(argument: str, given: str) -> Iterator[None]:
    """Replace the name of an argument in errors by the one under which the caller passed it."""
    try:
        yield
    except InvalidArgumentError as error:
        text = str(error)
        if not text.startswith(f"{argument} is "):
            raise
        raise type(error)(given + text.removeprefix(argument)) from error


# How much of another library's message to repeat.
_MAX_REASON = 200
# What torch says in a RuntimeError if its allocator fails.
_NO_MEMORY = ("not enough memory", "can't allocate memory", "cannot allocate memory")


@contextmanager
def memory_errors(what: str) -> Iterator[None]:
    """Raise :class:`OutOfMemoryError` if NumPy, Pillow, torch or FFmpeg fails to allocate memory.

    It also works as a decorator. ``what`` says what the memory was for.
    """
    try:
        yield
    except KeyeVLError:
        raise
    except (MemoryError, RuntimeError) as error:
        reason = str(error).partition("\n")[0][:_MAX_REASON]
        is_memory = isinstance(error, MemoryError)
        if not is_memory and not any(words in reason.lower() for words in _NO_MEMORY):
            raise
        raise OutOfMemoryError(
            f"{what}: out of memory: {reason or type(error).__name__}"
        ) from error

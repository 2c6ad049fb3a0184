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
    """Base class of every exception that keye-vl-rs raises on purpose.

    Catch it to handle whatever may be wrong with a call or a source, such as an upload. Any other
    exception is a bug in this package or in one that it uses.
    """


class InvalidArgumentError(KeyeVLError, ValueError):
    """Raised if an argument, an option in a message, or an environment variable is invalid.

    The message names it, its value, and what would be right: change the call. Its subclasses say
    more precisely what is wrong.
    """


class FramesShapeError(InvalidArgumentError):
    """Raised if frames or an image array have a wrong shape.

    Right are (N, H, W, 3) and (N, 3, H, W) for frames, (H, W, 3) and (3, H, W) for an image.
    Transpose the array, drop an alpha channel, or repeat a grey one three times.
    """


class FramesDtypeError(InvalidArgumentError):
    """Raised if frames or an image array are not uint8.

    Convert them, such as with ``(array * 255).round().astype("uint8")`` for floats from 0 to 1.
    """


class FrameTypesError(InvalidArgumentError):
    """Raised if frame types do not fit the frames: a wrong number, or values other than 0 and 1.

    Pass those that :func:`keye_vl_rs.process_vision_info` returned for the same frames: int32 (T,),
    0 for slow and 1 for fast frames.
    """


class SizeError(InvalidArgumentError):
    """Raised if a height or width is zero, too large, or no multiple of what it must be.

    Sizes that a processor is given must be multiples of a token's side, 28 pixels:
    :func:`keye_vl_rs.smart_resize` returns such a size.
    """


class AspectRatioError(InvalidArgumentError):
    """Raised if the longer side of an image or a video is over 200 times the shorter one.

    The model cannot read such a strip, and neither can keye_vl_utils: crop or pad it first.
    """


class PromptError(InvalidArgumentError):
    """Raised if a prompt does not have one vision token for each image and video.

    Let ``apply_chat_template`` write the prompt from the messages that the media come from, or add
    the missing tokens: ``<|image_pad|>`` for an image and ``<|video_pad|>`` for a video.
    """


class OutOfMemoryError(KeyeVLError, MemoryError):
    """Raised if memory for a result of the requested size cannot be allocated.

    Lower ``max_pixels``, ``total_pixels`` or the number of frames, or process fewer videos at once.
    For videos of strangers, lower the :class:`keye_vl_rs.Limits`.
    """


class CancelledError(KeyeVLError):
    """Raised if the object that was passed as ``cancel`` is set during the call.

    The caller asked for it, so there is nothing to repair: repeat the call if need be.
    """


class UnsupportedHostError(KeyeVLError, ImportError):
    """Raised if transformers or another host is of a release that is not supported.

    The message says which releases are: install one of them.
    """


class MediaError(KeyeVLError, OSError):
    """Raised if a video or an image cannot be read; the message names it.

    The source is to blame, and not the call: report it, and go on with the next one. Subclasses say
    why; this class itself stands for the rest, such as a folder in place of a file, a file without
    read permission, or a server that cannot be reached or answers with an error.
    """


class MediaNotFoundError(MediaError, FileNotFoundError):
    """Raised if a file does not exist.

    Check the path. ``~`` and environment variables are not expanded, and relative paths start at
    the current folder of the process.
    """


class MediaTimeoutError(MediaError, TimeoutError):
    """Raised if a call takes longer than its ``timeout``, in seconds.

    Raise ``timeout``, sample fewer frames, or skip the source. A download that exceeds a limit of
    :class:`keye_vl_rs.Limits` raises :class:`LimitError` instead.
    """


class EmptyMediaError(MediaError):
    """Raised if a source has no bytes.

    Its download or copy probably failed: get it again.
    """


class UnreadableMediaError(MediaError):
    """Raised if a file is not a video (or not an image), or is damaged beyond opening.

    The message says what the file is, if that is known, and what to do: extract an archive, get the
    whole file, pass an image as an image.
    """


class LimitError(MediaError):
    """Raised if a source exceeds a limit of :class:`keye_vl_rs.Limits`.

    The message names the limit. If you trust the source, raise the limit for one call
    (``limits=Limits(frames=...)``) or for the process (``KEYE_VL_RS_MAX_FRAMES``).
    """


class SourceNotAllowedError(MediaError):
    """Raised if the environment does not allow a file or an address.

    The file is outside ``KEYE_VL_RS_ALLOWED_MEDIA_PATH``, the host is not in
    ``KEYE_VL_RS_ALLOWED_MEDIA_DOMAINS``, or its address is not public. Whoever runs the program can
    change that; messages and calls cannot.
    """


class NoVideoStreamError(MediaError):
    """Raised if a file has no video stream, such as a recording of sound.

    Pass another file.
    """


class NoFramesError(MediaError):
    """Raised if no frame of a video stream can be decoded.

    The stream is empty, damaged from its start, or of a codec that FFmpeg does not decode: encode
    it again from its source, or skip it.
    """


class DecodeError(MediaError):
    """Raised if a video is truncated or damaged, or reading or decoding it fails.

    Get an intact file; or pass ``on_error="partial"`` for the frames before the damage, or
    ``on_error="conceal"`` for damaged frames as the decoder conceals them.
    """


class PartialVideoWarning(UserWarning):
    """Issued if a result contains only the frames before the damage in a video.

    It is issued with :func:`warnings.warn` under ``on_error="partial"``, and for truncated files
    also under ``on_error="conceal"``; the message names the video and what is missing. To turn it
    into an exception, use ``warnings.simplefilter("error", PartialVideoWarning)``.
    """


class ConcealedDamageWarning(UserWarning):
    """Issued if a result contains damaged frames as the decoder concealed them.

    It is issued with :func:`warnings.warn` under ``on_error="conceal"``; the message names the
    video and says how many frames are damaged. ``VideoInputs.damage`` says which. To turn it into
    an exception, use ``warnings.simplefilter("error", ConcealedDamageWarning)``.
    """


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Prefix this package's errors with ``what``: which image, or which part of a message."""
    try:
        yield
    except KeyeVLError as error:
        raise type(error)(f"{what}: {error}") from error


@contextmanager
def calling(argument: str, given: str) -> Iterator[None]:
    """Replace the name of an argument in errors by the one under which the caller passed it.

    Args:
        argument: the name in the errors.
        given: the caller's name for it.
    """
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

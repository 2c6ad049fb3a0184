"""Define limits on what a source may ask for.

Sources can be uploads of strangers. Each limit has a name, a default that no legitimate source
reaches, an environment variable, and a value for one call: ``limits=Limits(image_pixels=10**9)``
leaves all other limits as the environment sets them. Where sources may come from is the matter of
:mod:`keye_vl_rs._media.allow_lists`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields

from keye_vl_rs._util.shorten import short_number
from keye_vl_rs._util.validation import number_from_zero
from keye_vl_rs.errors import InvalidArgumentError, LimitError

__all__ = ["Limits", "applied", "check_resized", "check_resized_frames", "current_limits"]

_PREFIX = "KEYE_VL_RS_MAX_"


class _Default(float):
    """Hold the default of a limit, which the environment may override."""


@dataclass(frozen=True)
class Limits:
    """Limit what one source may ask for; ``math.inf`` means no limit.

    A limit that is not passed is the one that the environment sets at that time, or else the
    default. The variable of ``image_pixels`` is ``KEYE_VL_RS_MAX_IMAGE_PIXELS``, and so on. A value
    that equals a limit is allowed; a larger one is a :class:`keye_vl_rs.errors.LimitError`.

    Attributes:
        image_pixels: pixels of an image as it is stored (default 178,956,970). Pillow additionally
            has a limit of its own, twice ``PIL.Image.MAX_IMAGE_PIXELS``, which is the same number.
        frame_pixels: pixels of a frame of a video as it is stored (default 2**27, 134,217,728).
        sampled_pixels: pixels of all sampled frames of a video together, as they are stored
            (default 2**34, 17,179,869,184: 8,285 frames of 1080p).
        resized_pixels: pixels of an image or frame after resizing to the size that a message or a
            call asks for (default 2**26, 67,108,864: 85,598 tokens).
        resized_video_pixels: pixels of all frames of a video together, after such resizing
            (default 2**30, 1,073,741,824: 1.4 million tokens, 12 GiB as float32).
        frames: frames of a video, sampled or not (default 10,000,000).
        duration: duration of a video, in seconds (default 1,209,600: 14 days).
        file_bytes: bytes of a local file, of a bytes object, or of the content of a file object
            (default 2**40: 1 TiB).
        response_bytes: bytes of an http response, both as sent and decompressed (default 2**32:
            4 GiB).
        response_seconds: seconds from the start of a download to its last byte (default 900).
        silence_seconds: seconds that a server may take to accept a connection, or to send more
            bytes (default 30).
        redirects: number of redirects that a download follows (default 10; never more than 30).

    Raises:
        InvalidArgumentError: a value is negative or not a number, or the environment variable of a
            limit that is not passed is; the message names it.
    """

    image_pixels: float = _Default(178_956_970)
    frame_pixels: float = _Default(1 << 27)
    sampled_pixels: float = _Default(1 << 34)
    # 85,598 tokens: more than four times the maximum of keye_vl_utils for an image.
    resized_pixels: float = _Default(1 << 26)
    # 1.4 million tokens, more than any context length: 12 GiB as float32.
    resized_video_pixels: float = _Default(1 << 30)
    frames: float = _Default(10_000_000)
    duration: float = _Default(14 * 86400.0)
    file_bytes: float = _Default(1 << 40)
    # More than an hour of 1080p at 8 Mbit/s.
    response_bytes: float = _Default(1 << 32)
    response_seconds: float = _Default(900.0)
    silence_seconds: float = _Default(30.0)
    redirects: float = _Default(10)

    def __post_init__(self) -> None:
        """Fill in the limits that were not passed, and check the others."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, _Default):
                set_by = _from_environment(field.name)
                object.__setattr__(self, field.name, float(value) if set_by is None else set_by)
            elif value != math.inf:
                number_from_zero(field.name, value)

    @classmethod
    def from_environment(cls) -> Limits:
        """Return the defaults, overridden by the environment.

        Raises:
            InvalidArgumentError: a variable is not a number; the message names it.
        """
        return cls()

    def check(self, limit: str, value: float, source: str, what: str) -> None:
        """Raise LimitError if ``value`` exceeds a limit.

        Args:
            limit: name of the limit, one of the attributes.
            value: what the source asks for.
            source: the name of the source in messages.
            what: what exceeds the limit, as a noun phrase: "a file of 1,000 bytes".

        Raises:
            LimitError: ``value`` exceeds the limit; the message says how to raise it.
        """
        maximum = getattr(self, limit)
        if value > maximum:
            raise LimitError(
                f"{source}: {what} exceeds {limit} ({short_number(maximum)}); to raise the limit, "
                f"set {_PREFIX}{limit.upper()}, or pass limits=Limits({limit}=...) to a call that "
                "takes limits"
            )


def _from_environment(limit: str) -> float | None:
    """Return the limit that an environment variable sets; None if it is unset or empty."""
    variable = _PREFIX + limit.upper()
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value) or value < 0:
        raise InvalidArgumentError(f"{variable} is {text!r}: expected a non-negative number or inf")
    return value


_given: ContextVar[Limits | None] = ContextVar("keye_vl_rs_limits", default=None)


def current_limits() -> Limits:
    """Return the limits of the current call, or else those of the environment."""
    return _given.get() or Limits.from_environment()


@contextmanager
def applied(limits: Limits | None) -> Iterator[None]:
    """Apply ``limits`` to everything that runs inside the block; None changes nothing.

    Raises:
        InvalidArgumentError: ``limits`` is neither a :class:`Limits` nor None.
    """
    if limits is None:
        yield
        return
    if not isinstance(limits, Limits):
        raise InvalidArgumentError(
            f"limits is of type {type(limits).__name__}: expected keye_vl_rs.Limits"
        )
    token = _given.set(limits)
    try:
        yield
    finally:
        _given.reset(token)


def check_resized(size: tuple[int, int], source: str, *, frames: int = 1) -> None:
    """Raise LimitError if an image, or the frames of a video, would become too large by resizing.

    Call it before allocating the result.

    Args:
        size: (height, width) after resizing.
        source: the name of the image or the video in messages.
        frames: number of frames.

    Raises:
        LimitError: that exceeds ``resized_pixels`` or ``resized_video_pixels``.
    """
    check_resized_frames([size] * min(frames, 1), frames * size[0] * size[1], source)


def check_resized_frames(sizes: Sequence[tuple[int, int]], pixels: int, source: str) -> None:
    """Do :func:`check_resized` for frames of ``sizes``, ``pixels`` in total, of ``source``."""
    limits = current_limits()
    for height, width in sizes:
        what = f"an image or frame resized to {width}x{height} pixels"
        limits.check("resized_pixels", height * width, source, what)
    what = f"a video resized to {short_number(pixels)} pixels in total"
    limits.check("resized_video_pixels", pixels, source, what)

"""How much a source may ask for; where it may come from is said in :mod:`allowed_sources`.

Sources are what strangers upload. Each limit has a name, a default that no honest source meets, a
variable in the environment, and a value for one call: ``limits=Limits(image_pixels=10**9)``, which
leaves the others as the environment sets them.
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
    """A limit that nobody gave, so that the environment may."""


@dataclass(frozen=True)
class Limits:
    """What one source may ask for at most; ``math.inf`` is no limit.

    A limit that is not given is what the environment says at that time, or else the default. The
    variable of ``image_pixels`` is ``KEYE_VL_RS_MAX_IMAGE_PIXELS``, and so on.

    Attributes:
        image_pixels: of one image. Pillow has the same limit of its own,
            ``PIL.Image.MAX_IMAGE_PIXELS``, twice that number.
        frame_pixels: of one frame of a video.
        sampled_pixels: of all sampled frames of a video together, at its own size.
        resized_pixels: of one image or frame at the size that a message or a call asks for.
        resized_video_pixels: of all frames of a video together, at such sizes.
        frames: that a video presents.
        duration: of a video, in seconds.
        file_bytes: of a local file, of bytes, or of what a file object gives.
        response_bytes: of what an http server sends.
        response_seconds: that a fetch over http takes, from its start to its last byte.
        silence_seconds: that a server takes to accept a connection, or to send its next bytes.
        redirects: that a fetch follows.

    Raises:
        InvalidArgumentError: a value is no number from 0 on, or the variable of a limit that is not
            given holds none; the message names it.
    """

    image_pixels: float = _Default(178_956_970)
    frame_pixels: float = _Default(1 << 27)
    sampled_pixels: float = _Default(1 << 34)
    # 85,598 tokens: more than four times what the published code makes of an image at most.
    resized_pixels: float = _Default(1 << 26)
    # 1.4 million tokens, more than any context holds: 12 GiB as float32.
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
        """Take what is not given from the environment, and check what is."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, _Default):
                set_by = _from_environment(field.name)
                object.__setattr__(self, field.name, float(value) if set_by is None else set_by)
            elif value != math.inf:
                number_from_zero(field.name, value)

    @classmethod
    def from_environment(cls) -> Limits:
        """Give the defaults, but for those that the environment sets.

        Raises:
            InvalidArgumentError: a variable holds no number; the message names it.
        """
        return cls()

    def check(self, limit: str, value: float, source: str, what: str) -> None:
        """Let a source have ``value`` of what a limit is about.

        Args:
            limit: the name of one of the attributes.
            value: what the source asks for.
            source: what messages call the source.
            what: what it asks for, in words.

        Raises:
            LimitError: it is more than the limit.
        """
        most = getattr(self, limit)
        if value > most:
            raise LimitError(
                f"{source}: {what}: more than {limit} allows, {short_number(most)}; for more, set "
                f"{_PREFIX}{limit.upper()}, or pass limits=Limits({limit}=...) to a call that "
                "takes limits"
            )


def _from_environment(limit: str) -> float | None:
    """Return the limit that a variable sets, None if it is not set or empty."""
    variable = _PREFIX + limit.upper()
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value) or value < 0:
        raise InvalidArgumentError(f"{variable} is {text!r}: expected a number from 0 on, or inf")
    return value


_given: ContextVar[Limits | None] = ContextVar("keye_vl_rs_limits", default=None)


def current_limits() -> Limits:
    """Those of the call that runs, else those of the environment."""
    return _given.get() or Limits.from_environment()


@contextmanager
def applied(limits: Limits | None) -> Iterator[None]:
    """Have what runs inside keep to ``limits``; None changes nothing.

    Raises:
        InvalidArgumentError: they are something else.
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
    """Let an image, or each of the frames of a video, be resized.

    It is called before there is memory for the result.

    Args:
        size: (height, width) that each is resized to.
        source: what messages call the image or the video.
        frames: how many there are.

    Raises:
        LimitError: that is more than ``resized_pixels`` or ``resized_video_pixels`` allow.
    """
    check_resized_frames([size] * min(frames, 1), frames * size[0] * size[1], source)


def check_resized_frames(sizes: Sequence[tuple[int, int]], pixels: int, source: str) -> None:
    """:func:`check_resized` for frames of several ``sizes``, with ``pixels`` together."""
    limits = current_limits()
    for height, width in sizes:
        what = f"is to be resized to {width}x{height} pixels"
        limits.check("resized_pixels", height * width, source, what)
    what = f"its frames are to be resized to {short_number(pixels)} pixels together"
    limits.check("resized_video_pixels", pixels, source, what)

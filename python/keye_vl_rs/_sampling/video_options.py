"""Define the options of one video: which frames to sample, how to read them, and their sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from keye_vl_rs._media.sources import describe_source
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import check_whole, number, positive_number
from keye_vl_rs._util.warn_once import warn_once_about
from keye_vl_rs.errors import InvalidArgumentError

if TYPE_CHECKING:
    from keye_vl_rs._decoding.reader import OnError
    from keye_vl_rs._sampling.timestamps import TimestampKind

__all__ = [
    "MESSAGE_OPTIONS",
    "READING_OPTIONS",
    "VIDEO_OPTIONS",
    "VideoOptions",
    "holds_frames",
    "video_name",
]

# The names of fields in a message, where they differ: those of keye_vl_utils 1.5.2.
_PUBLISHED_NAMES = {"source": "video", "total_pixels": "video_total_pixels"}
# Other names of fields in a message, which keye_vl_utils 1.5.2 does not read.
_SYNONYMS = {"total_pixels": "total_pixels"}


@dataclass(frozen=True, kw_only=True)
class VideoOptions:
    """Hold a video and the options that a message or a call has for it.

    Values are checked where they are used, so that an option that does not apply is not checked.
    None means that the option is not set, and that the rules of the model apply
    (:class:`keye_vl_rs._sampling.rules.VideoRules`); of ``on_error`` and ``timestamps``, None is
    not a valid value.

    The options of the frames of a list (``resized_height``, ``exif``, ...) are not among them: they
    are those of images, and each frame may have its own.

    Attributes:
        source: a source of :data:`keye_vl_rs._media.sources.MediaSource`, or a list of frames; None
            where only the numbers are of interest.
        fps: frames per second to sample; for a list, its frame rate.
        num_frames: exact number of frames to sample, instead of ``fps``.
        max_frames: maximum number of frames to sample.
        min_pixels: minimum number of pixels of a frame.
        max_pixels: maximum number of pixels of a slow frame.
        total_pixels: maximum number of pixels of all frames together.
        min_frame_similarity: a frame with a smaller share of unchanged patches is slow.
        video_start: seconds; ignore frames of a file that are presented before.
        video_end: seconds; ignore frames of a file that are presented after.
        timeout: limit in seconds on the duration of the operation.
        on_error: how to handle a truncated or damaged file.
        timestamps: how the times of a file's frames are computed.
        argument_names: the names under which the caller passed fields, where they differ from the
            fields' own names. Errors use them.
    """

    source: Any = field(repr=False)
    fps: float | None = None
    num_frames: int | None = None
    max_frames: int | None = None
    min_pixels: float | None = None
    max_pixels: float | None = None
    total_pixels: float | None = None
    min_frame_similarity: float | None = None
    video_start: float | None = None
    video_end: float | None = None
    timeout: float | None = None
    on_error: OnError = "raise"
    timestamps: TimestampKind = "published"
    argument_names: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_message(cls, part: Mapping[str, Any]) -> VideoOptions:
        """Return the options of a message's video.

        Args:
            part: a video in the plain form of :mod:`keye_vl_rs._chat.content_parts`, with the names
                of keye_vl_utils 1.5.2 (``video``, ``video_total_pixels``). ``total_pixels`` is read
                too, with a warning, once per process. Keys whose value is None count as missing,
                and other keys are ignored.

        Raises:
            InvalidArgumentError: a field has two names in the message, with different values.
        """
        given = {
            name: part[key] for name, key in _MESSAGE_KEYS.items() if part.get(key) is not None
        }
        names = dict(_PUBLISHED_NAMES)
        for name, key in _SYNONYMS.items():
            value, published = part.get(key), _MESSAGE_KEYS[name]
            if value is None:
                continue
            if name in given and positive_number(published, given[name]) != positive_number(
                key, value
            ):
                raise InvalidArgumentError(
                    f"{published} is {short_repr(given[name])} and {key} is {short_repr(value)}: "
                    "expected one of them, or equal values"
                )
            if name not in given:
                given[name], names[name] = value, key
                warn_once_about(
                    key,
                    f"{key} in the message of a video is read as {published}; keye_vl_utils 1.5.2 "
                    f"does not read it: use {published} if results must equal its",
                )
        return cls(**{"source": None, **given}, argument_names=names)

    def check_whole_counts(self) -> None:
        """Raise :class:`InvalidArgumentError` if a number of frames is not a whole number."""
        for name in ("max_frames", "num_frames"):
            check_whole(self.argument_name(name), getattr(self, name))

    def check_types(self) -> None:
        """Check those options of a call that neither sampling nor reading checks.

        Raises:
            InvalidArgumentError: a number of frames is not a whole number, or
                ``min_frame_similarity`` is not a number.
        """
        self.check_whole_counts()
        number("min_frame_similarity", self.min_frame_similarity)

    @property
    def is_cut(self) -> bool:
        """Return whether only a part of the video is sampled."""
        return self.video_start is not None or self.video_end is not None

    def argument_name(self, name: str) -> str:
        """Return the name under which the caller passed the field ``name``, for errors."""
        return self.argument_names.get(name, name)

    def positive(self, name: str, default: float) -> float:
        """Return the field ``name``, or ``default`` if it is None.

        Raises:
            InvalidArgumentError: the value is not a number over 0.
        """
        value = getattr(self, name)
        return default if value is None else positive_number(self.argument_name(name), value)


_MESSAGE_KEYS = {
    one.name: _PUBLISHED_NAMES.get(one.name, one.name)
    for one in fields(VideoOptions)
    if one.name != "argument_names"
}
MESSAGE_OPTIONS = tuple(
    key
    for name, published in _MESSAGE_KEYS.items()
    if name != "source"
    for key in (published, _SYNONYMS.get(name))
    if key is not None
)
"""The names of the options of a video file in a message, for Keye-VL-1.5."""
READING_OPTIONS = ("video_start", "video_end", "timeout", "on_error", "timestamps")
"""Those of :data:`MESSAGE_OPTIONS` that say how a video file is read."""
VIDEO_OPTIONS = tuple(key for key in MESSAGE_OPTIONS if key not in READING_OPTIONS)
"""Those of :data:`MESSAGE_OPTIONS` that say how a video is sampled and resized."""


def holds_frames(source: Any) -> bool:
    """Return whether the source of a video is a list of its frames."""
    return isinstance(source, (list, tuple))


def video_name(source: Any) -> str:
    """Return a name for a video in messages, also for sources that only a host can read."""
    if holds_frames(source):
        return f"{len(source)} frames"
    try:
        return describe_source(source)
    except InvalidArgumentError:
        return "the video"

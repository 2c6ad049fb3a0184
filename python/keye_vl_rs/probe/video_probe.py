"""Hold what is known about a video, and about its tensors, before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from keye_vl_rs._decoding.damage import Damage
    from keye_vl_rs._sampling.timestamps import TimestampKind
    from keye_vl_rs._util.model import Size

__all__ = ["FpsKind", "VideoProbe"]

FpsKind = Literal["stated", "measured", "guessed"]


@dataclass(frozen=True)
class VideoProbe:
    """Hold what is known about a video, and about its tensors, before it is decoded.

    All fields are those that :func:`keye_vl_rs.preprocess_video` would return with the same
    options, except for those that ``estimated`` lists. Which frames are slow is known only after
    decoding, so tokens and bytes have bounds, which hold whichever frames are slow.

    Attributes:
        name: the name of the video in messages: its path, or its address without credentials.
        container: FFmpeg's name of the format of the file.
        codec: FFmpeg's name of the codec.
        pixel_format: FFmpeg's name of the format of decoded pixels; None if it is not stated.
        bit_depth: bits per component of a pixel; None if it is not stated.
        has_audio: whether the file has an audio stream.
        size: (height, width) of frames as they are presented: rotated as the file says, without
            regard to the sample aspect ratio.
        rotation: degrees clockwise by which decoded frames are turned for that, 0 to 359; angles
            other than quarter turns are stated, but not applied. A picture that is mirrored left to
            right, too, shows as 180.
        duration: seconds from the start of the first frame to the end of the last one.
        total_frames: number of frames.
        key_frames: number of key frames that the container or FFmpeg's parser marks.
        fps: average frames per second, with which frames are sampled.
        fps_kind: "stated" by the container; "measured" from the times of the frames, if the
            container states no rate or an implausible one; "guessed" if there are no times either.
        stated_fps: frames per second as the container states it; None if it does not.
        measured_fps: frames per second by the times of the frames; None for a single frame, and if
            the packets have no times.
        constant_fps: whether all frames are equally far apart; None where ``measured_fps`` is.
        sampled_frames: number of frames to sample.
        indices: their indices among all frames, sorted; a frame may be sampled repeatedly.
        timestamps: their times, in seconds from the first frame of the file.
        timestamp_kind: how the times are computed, as in :class:`keye_vl_rs.VideoInputs`.
        min_tokens: the fewest vision tokens (patches / 4) that the video can have.
        max_tokens: the most vision tokens that it can have; ``min_tokens`` if they are known.
        fast_sizes: (height, width) of slow and of fast frames if only the first frame is slow.
        fast_tokens: the vision tokens in that case.
        slow_size: (height, width) of frames if all of them are slow.
        slow_tokens: the vision tokens in that case.
        min_bytes: the fewest bytes that ``pixel_values_videos`` can have.
        max_bytes: the most bytes that it can have.
        packets: number of packets of the video stream.
        packets_needed: number of packets to decode for the sampled frames. Each is counted once,
            but decoded again if several decoders need it, or a frame does not fit into the buffer.
        damage: what is damaged or missing, with ``on_error="partial"`` or "conceal"; None if
            nothing is known to be. Other damage shows only in decoding.
        estimated: the names of the fields that decoding may correct.
    """

    name: str
    container: str
    codec: str
    pixel_format: str | None
    bit_depth: int | None
    has_audio: bool
    size: Size
    rotation: int
    duration: float
    total_frames: int
    key_frames: int
    fps: float
    fps_kind: FpsKind
    stated_fps: float | None
    measured_fps: float | None
    constant_fps: bool | None
    sampled_frames: int
    indices: tuple[int, ...]
    timestamps: tuple[float, ...]
    timestamp_kind: TimestampKind
    min_tokens: int
    max_tokens: int
    fast_sizes: tuple[Size, Size]
    fast_tokens: int
    slow_size: Size
    slow_tokens: int
    min_bytes: int
    max_bytes: int
    packets: int
    packets_needed: int
    damage: Damage | None = None
    estimated: tuple[str, ...] = ()

    @property
    def tokens(self) -> int | None:
        """Return the number of vision tokens, or None if it depends on which frames are slow.

        It is also None if it is only an estimate.
        """
        is_known = self.min_tokens == self.max_tokens and "max_tokens" not in self.estimated
        return self.max_tokens if is_known else None

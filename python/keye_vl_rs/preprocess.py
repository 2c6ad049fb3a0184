"""One call from a video to the tensors that the model reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from keye_vl_rs._chat.content_parts import is_frame_list
from keye_vl_rs._decoding.reader import OnError
from keye_vl_rs._media.encoded_sources import frames_of_text
from keye_vl_rs._patches.dtypes import float_dtype
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._patches.tensors import per_channel
from keye_vl_rs._preprocess import BUFFER_BYTES, preprocess_file, preprocess_list
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.timestamps import TimestampKind
from keye_vl_rs._util.validation import check_whole
from keye_vl_rs.errors import calling, memory_errors
from keye_vl_rs.limits import Limits, applied
from keye_vl_rs.video_inputs import VideoInputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from keye_vl_rs._media.deadline import CancelFlag
    from keye_vl_rs._sampling.video import VideoSource

    Source: TypeAlias = VideoSource | list[Any] | tuple[Any, ...]

__all__ = ["BUFFER_BYTES", "VideoInputs", "preprocess_video"]

# Those of keye_vl_utils 1.5.2, whatever a program sets there.
_RULES = VideoRules()


@memory_errors("the video")
def preprocess_video(
    source: Source,
    *,
    fps: float = 2.0,
    max_frames: int | None = None,
    nframes: int | None = None,
    min_pixels: float | None = None,
    max_pixels: float | None = None,
    video_total_pixels: float | None = None,
    min_frame_similarity: float = 0.9,
    video_start: float | None = None,
    video_end: float | None = None,
    image_mean: Sequence[float] = (0.5, 0.5, 0.5),
    image_std: Sequence[float] = (0.5, 0.5, 0.5),
    dtype: torch.dtype | str | None = None,
    threads: int | None = None,
    buffer_bytes: int = BUFFER_BYTES,
    timeout: float | None = None,
    cancel: CancelFlag | None = None,
    on_error: OnError = "raise",
    timestamps: TimestampKind = "published",
    limits: Limits | None = None,
) -> VideoInputs:
    """Turn a video into the tensors that Keye-VL-1.5 reads.

    The result is that of ``keye_vl_utils`` 1.5.2 followed by the published processor, to the last
    bit. Frames are compared, resized and written while later ones are being decoded; packets that
    no sampled frame needs are not decoded; and a file's frames are never held all at once.

    Args:
        source: a path, a ``file://``, ``http(s)://`` or ``data:`` address, base64 (a text, or
            ``{"base64": ...}``), the bytes of a file, a binary file object, or a list of frames,
            which are then taken to be ``fps`` frames per second: image sources, or dictionaries as
            for :func:`keye_vl_rs.fetch_image` (``{"image": ..., "exif": True}``).
        fps: frames to sample per second; a video with fewer gives all it has.
        max_frames: sample no more than this, an int.
        nframes: sample exactly so many, an int, instead of by ``fps``; ``max_frames`` if that is
            fewer.
        min_pixels: the fewest pixels of a frame; below 37,632 (48 tokens) it counts as that, but
            allows for more frames.
        max_pixels: the most pixels of a slow frame (602,112: 768 tokens).
        video_total_pixels: the most pixels of all frames together (51,380,224: 65,536 tokens).
        min_frame_similarity: a frame with a smaller share of unchanged patches is slow.
        video_start: seconds; of a file, sample only frames that are presented from then on. Their
            timestamps still count from the start of the file.
        video_end: seconds; the same for frames that are presented up to then.
        image_mean: per channel.
        image_std: per channel.
        dtype: of the pixels: torch.float32 (the default), bfloat16 or float16, or their names: the
            rounded float32.
        threads: decoder threads; None is one more than the cores (or than
            ``KEYE_VL_UTILS_PARALLEL_NUM``, or ``OMP_NUM_THREADS``), and 16 at most.
        buffer_bytes: memory for frames whose sizes depend on frames that are still to come, for
            the sizes depend on how many frames turn out slow. What does not fit is decoded twice.
        timeout: seconds from the call on; None is no limit. For a list of frames it is looked at
            between one stage and the next.
        cancel: a ``threading.Event``, or anything with ``is_set()``, that another thread sets to
            end the call.
        on_error: what becomes of a file that is truncated or damaged: "raise" for an error;
            "partial" for what comes before the damage, with a
            :class:`keye_vl_rs.errors.PartialVideoWarning`; "conceal" for what the decoder makes of
            it, with a :class:`keye_vl_rs.errors.ConcealedDamageWarning`, which of a truncated file
            is the partial result, with that warning. ``VideoInputs.damage`` says what is wrong.
        timestamps: of a file, "published" for those of ``keye_vl_utils``, index over average frame
            rate, or "presentation" for when frames are presented. Frames have the latter in any
            case where the former cannot be right: with ``video_start`` or ``video_end``, where the
            stated frame rate is not believed, and where a recording jumps. The log warns where
            published times are off by more than the sampling interval.
        limits: what the video may ask for; what it does not name, or None, is what the
            environment says.

    Raises:
        MediaError: a subclass, when the video cannot be read or decoded: DecodeError when it is
            truncated or damaged, MediaTimeoutError when the time is over, LimitError when it asks
            for more than ``limits`` allow.
        CancelledError: ``cancel`` was set.
        InvalidArgumentError: a subclass, when an argument has an impossible value; also when
            ``nframes`` is more than the video has, or no frame is presented between
            ``video_start`` and ``video_end``.
    """
    frames = frames_of_text(source)
    ele = {
        "video": source if frames is None else frames,
        "min_frame_similarity": min_frame_similarity,
        "on_error": on_error,
        "timestamps": timestamps,
    }
    optional = {
        "fps": fps,
        "max_frames": max_frames,
        "num_frames": nframes,
        "min_pixels": min_pixels,
        "max_pixels": max_pixels,
        "video_total_pixels": video_total_pixels,
        "video_start": video_start,
        "video_end": video_end,
        "timeout": timeout,
    }
    ele.update({name: value for name, value in optional.items() if value is not None})
    config = PixelConfig(
        dtype=float_dtype(dtype),
        image_mean=per_channel(image_mean, "image_mean"),
        image_std=per_channel(image_std, "image_std"),
        min_pixels=_RULES.min_pixels if min_pixels is None else min_pixels,
        max_pixels=_RULES.max_pixels if max_pixels is None else max_pixels,
    )
    check_whole("max_frames", max_frames)
    check_whole("nframes", nframes)
    with applied(limits), calling("num_frames", "nframes"):
        if is_frame_list(ele):
            return preprocess_list(ele, config, _RULES, threads=threads, cancel=cancel)
        return preprocess_file(
            ele, config, _RULES, threads=threads, cancel=cancel, buffer_bytes=buffer_bytes
        )

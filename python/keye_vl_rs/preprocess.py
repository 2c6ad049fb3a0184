"""Provide ``preprocess_video``, which turns a video into the tensors that the model reads.

This module holds the public signature. ``_preprocess`` checks the arguments and does the work, for
batches and processors too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from keye_vl_rs._decoding.reader import OnError
from keye_vl_rs._preprocess import BUFFER_BYTES, VideoCall
from keye_vl_rs._sampling.timestamps import TimestampKind
from keye_vl_rs._sampling.video_options import VideoOptions
from keye_vl_rs._util.model import NORMALIZATION
from keye_vl_rs._util.renamed_argument import renamed_argument
from keye_vl_rs.limits import Limits
from keye_vl_rs.video_inputs import VideoInputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from keye_vl_rs._media.deadline import CancelFlag
    from keye_vl_rs._sampling.video import VideoSource
    from keye_vl_rs._util.progress import ProgressCallback

    Source: TypeAlias = VideoSource | list[Any] | tuple[Any, ...]

__all__ = ["BUFFER_BYTES", "VideoInputs", "preprocess_video"]


@renamed_argument("nframes", "num_frames")
@renamed_argument("video_total_pixels", "total_pixels")
def preprocess_video(
    source: Source,
    *,
    fps: float = 2.0,
    max_frames: int | None = None,
    num_frames: int | None = None,
    min_pixels: float | None = None,
    max_pixels: float | None = None,
    total_pixels: float | None = None,
    min_frame_similarity: float = 0.9,
    video_start: float | None = None,
    video_end: float | None = None,
    image_mean: Sequence[float] = NORMALIZATION,
    image_std: Sequence[float] = NORMALIZATION,
    dtype: torch.dtype | str | None = None,
    threads: int | None = None,
    buffer_bytes: int = BUFFER_BYTES,
    timeout: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
    on_error: OnError = "raise",
    timestamps: TimestampKind = "published",
    limits: Limits | None = None,
) -> VideoInputs:
    """Turn a video into the tensors that Keye-VL-1.5 reads.

    The result equals that of ``keye_vl_utils`` 1.5.2 followed by the processor of transformers pull
    request 41040, to the last bit. Frames are compared, resized and written while later ones are
    being decoded; packets that no sampled frame depends on are not decoded; and the frames of a
    file are never all in memory at once.

    Args:
        source: a path, a ``file://``, ``http(s)://`` or ``data:`` address, base64 (a string, or
            ``{"base64": ...}``), the bytes of a file, a binary file object, or a list of frames.
            Each frame is an image source, or a dictionary as for :func:`keye_vl_rs.fetch_image`
            (``{"image": ..., "exif": True}``).
        fps: frames to sample per second (default 2.0), or all frames if the video has fewer. For a
            list, its frame rate.
        max_frames: maximum number of frames to sample, an int; None for no such limit.
        num_frames: exact number of frames to sample, an int, instead of ``fps``. If ``max_frames``
            is smaller, that is used.
        min_pixels: minimum number of pixels of a frame. Values below 37,632 (48 tokens) allow for
            more frames, but do not make them smaller than that.
        max_pixels: maximum number of pixels of a slow frame (602,112: 768 tokens).
        total_pixels: maximum number of pixels of all frames together (51,380,224: 65,536 tokens).
        min_frame_similarity: a frame with a smaller share of unchanged patches is slow
            (default 0.9).
        video_start: seconds; sample only frames of a file that are presented at this time or later.
            Their timestamps still count from the start of the file.
        video_end: seconds; sample only frames of a file that are presented at this time or earlier.
        image_mean: mean per channel, of pixels from 0 to 1 (default 0.5).
        image_std: standard deviation per channel, likewise (default 0.5).
        dtype: dtype of the pixels: torch.float32 (the default), bfloat16 or float16, or a name of
            these. The latter two round the float32 result.
        threads: number of decoder threads; None for one more than the number of cores (or than
            ``KEYE_VL_UTILS_PARALLEL_NUM``, or ``OMP_NUM_THREADS``), up to 16.
        buffer_bytes: bytes of memory (default 192 MiB) for frames whose sizes are not known yet,
            because they depend on how many of the later frames are slow. Frames that do not fit are
            decoded twice.
        timeout: limit in seconds on the duration of the call; None for no limit. For a list of
            frames, it is checked between stages.
        cancel: a ``threading.Event``, or any object with ``is_set()``, that another thread sets to
            cancel the call.
        progress: a function that is called with a :class:`keye_vl_rs.Progress` in the calling
            thread: after each sampled frame, every 0.1 s while an address is downloaded, and once
            for a list of frames. An exception that it raises ends the call, and reaches the caller.
        on_error: how to handle a file that is truncated or damaged. "raise" raises an error.
            "partial" returns the frames before the damage, with a
            :class:`keye_vl_rs.errors.PartialVideoWarning`. "conceal" returns damaged frames as the
            decoder conceals them, with a :class:`keye_vl_rs.errors.ConcealedDamageWarning`; for a
            truncated file it acts like "partial". ``VideoInputs.damage`` describes the damage.
        timestamps: how the times of a file's frames are computed: "published" for index divided by
            average frame rate, as in ``keye_vl_utils``, or "presentation" for presentation times.
            The latter are always used where the former cannot be right: with ``video_start`` or
            ``video_end``, if the stated frame rate is implausible, or if the recording has a gap. A
            warning is logged if published times are off by more than the sampling interval.
        limits: bounds on what the video may require; None, and fields that are not set, for those
            of the environment.

    Returns:
        The tensors and what is known about the video: ``pixel_values_videos`` (patches, 3, 14, 14)
        of ``dtype``, ``video_grid_thw`` (runs, 3) int64, ``num_frames`` (1,) int64, ``frame_types``
        (T,) int32, ``timestamps`` (T,) float32 in seconds, and others.

    Raises:
        MediaError: a subclass, if the video cannot be read or decoded: DecodeError if it is
            truncated or damaged, MediaTimeoutError if the call took longer than ``timeout``,
            LimitError if it exceeds ``limits``.
        CancelledError: ``cancel`` was set.
        OutOfMemoryError: there is not enough memory for the video.
        InvalidArgumentError: a subclass, if an argument is invalid, ``num_frames`` exceeds the
            number of frames, or no frame is presented between ``video_start`` and ``video_end``.
    """
    options = VideoOptions(
        source=None,
        fps=fps,
        num_frames=num_frames,
        max_frames=max_frames,
        min_pixels=min_pixels,
        max_pixels=max_pixels,
        total_pixels=total_pixels,
        min_frame_similarity=min_frame_similarity,
        video_start=video_start,
        video_end=video_end,
        timeout=timeout,
        on_error=on_error,
        timestamps=timestamps,
    )
    call = VideoCall.of(
        options,
        image_mean=image_mean,
        image_std=image_std,
        dtype=dtype,
        threads=threads,
        buffer_bytes=buffer_bytes,
        limits=limits,
    )
    return call.run(source, cancel=cancel, progress=progress)

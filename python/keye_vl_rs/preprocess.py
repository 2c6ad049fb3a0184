"""One call from a video to the tensors that the model reads."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from keye_vl_rs._chat.message_options import frame_parts
from keye_vl_rs._decoding.reader import OnError
from keye_vl_rs._media.deadline import Watch
from keye_vl_rs._media.encoded_sources import frames_of_text
from keye_vl_rs._patches.dtypes import float_dtype
from keye_vl_rs._patches.pixel_config import PixelConfig, VideoSettings
from keye_vl_rs._patches.tensors import per_channel, video_layout, video_patches
from keye_vl_rs._sampling.indices import frame_indices
from keye_vl_rs._sampling.reading import (
    check_on_error,
    chooser,
    decoder_threads,
    describe_source,
    open_reader,
)
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.timestamps import TimestampKind, TimestampRule, check_timestamps
from keye_vl_rs._slow_fast.frame_lists import read_frame_list
from keye_vl_rs._slow_fast.plan import plan_checked_sizes
from keye_vl_rs._slow_fast.sizes import SLOW
from keye_vl_rs._slow_fast.split import split_frames
from keye_vl_rs._streaming.file import stream_file
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import check_whole, exact_count, number_from_zero, positive_integer
from keye_vl_rs.errors import InvalidArgumentError, memory_errors
from keye_vl_rs.limits import Limits, applied
from keye_vl_rs.video_inputs import VideoInputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from keye_vl_rs._media.deadline import CancelFlag
    from keye_vl_rs._sampling.rules import FrameCounter
    from keye_vl_rs._sampling.video import VideoSource
    from keye_vl_rs._util.model import Size

    Source: TypeAlias = VideoSource | list[Any] | tuple[Any, ...]

__all__ = ["BUFFER_BYTES", "VideoInputs", "preprocess_video"]

BUFFER_BYTES = 192 << 20
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
    # Before the clock starts: the first import takes longer than a short video.
    import av  # noqa: F401
    import torch

    asked = {
        "fps": fps,
        "max_frames": max_frames,
        "min_pixels": min_pixels,
        "max_pixels": max_pixels,
        "video_total_pixels": video_total_pixels,
    }
    frames = frames_of_text(source)
    source = source if frames is None else frames
    ele = {"video": source, **{k: v for k, v in asked.items() if v is not None}}
    config = PixelConfig(
        dtype=float_dtype(dtype),
        image_mean=per_channel(image_mean, "image_mean"),
        image_std=per_channel(image_std, "image_std"),
        min_pixels=_RULES.min_pixels if min_pixels is None else min_pixels,
        max_pixels=_RULES.max_pixels if max_pixels is None else max_pixels,
    )
    made_with = VideoSettings.of(config)
    check_whole("max_frames", max_frames)
    check_whole("nframes", nframes)
    room = int(number_from_zero("buffer_bytes", buffer_bytes))
    check_timestamps(timestamps)
    with applied(limits):
        if isinstance(source, (list, tuple)):
            for key, value in (("video_start", video_start), ("video_end", video_end)):
                if value is not None:
                    raise InvalidArgumentError(
                        f"{key} is {short_repr(value)}: a list of frames is not cut"
                    )
            if fps is None:
                raise InvalidArgumentError(
                    "fps is None: expected the frames per second of the list, which nothing else "
                    "says"
                )
            check_on_error(on_error)
            decoder_threads(threads)
            watch = Watch(f"{len(source)} frames", timeout, cancel)
            count = _frame_counter(watch.name, nframes, max_frames)
            inputs = _from_list(ele, count, min_frame_similarity, config, watch)
            return replace(inputs, made_with=made_with)
        watch = Watch(describe_source(source), timeout, cancel)
        count = _frame_counter(watch.name, nframes, max_frames)
        # Once before the file is opened, so that an impossible number is not found out late.
        _RULES.count_frames(ele, 1, _RULES.fps)
        choose = chooser(
            lambda total, video_fps: frame_indices(total, count(ele, total, video_fps)),
            *(watch.name, video_start, video_end),
        )
        with open_reader(source, watch=watch, threads=threads, on_error=on_error) as reader:
            is_cut = video_start is not None or video_end is not None
            rule = TimestampRule(timestamps, is_cut)
            video = stream_file(
                *(reader, choose, ele, _RULES, min_frame_similarity, config, room, rule)
            )
            inputs = _video_inputs(
                video.pixels,
                *(torch.tensor(video.frame_types, dtype=torch.int32, device="cpu"), video.sizes),
                timestamps=video.times.seconds,
                timestamp_kind=video.times.kind,
                size=video.size,
                fps=video.timeline.fps,
                total_frames=video.timeline.count,
                duration=video.timeline.duration,
                stage_seconds=video.stage_seconds,
                counts=video.counts,
                damage=video.damage,
            )
            return replace(inputs, made_with=made_with)


def _video_inputs(
    pixels: torch.Tensor, frame_types: torch.Tensor, sizes: tuple[Size, Size], **others: Any
) -> VideoInputs:
    """Return a video's tensors, with the grids and the number of its frames."""
    return VideoInputs(
        pixel_values_videos=pixels,
        **video_layout([(frame_types, *sizes)]),
        frame_types=frame_types,
        slow_size=sizes[0],
        fast_size=sizes[1],
        **others,
    )


def _from_list(
    ele: dict[str, Any],
    count: FrameCounter,
    min_frame_similarity: float,
    config: PixelConfig,
    watch: Watch,
) -> VideoInputs:
    """A list of frames, which are all there."""
    import torch

    started = time.perf_counter()
    watch.check()
    frames, times = read_frame_list(ele, frame_parts(ele), _RULES, count, _RULES.factor)
    watch.check()
    decoded = time.perf_counter()
    frame_types = split_frames(frames, min_frame_similarity, _RULES)
    slow_frames = frame_types.tolist().count(SLOW)
    size = (frames.shape[2], frames.shape[3])
    slow_size, fast_size = plan_checked_sizes(
        ele, size, slow_frames, len(frame_types) - slow_frames, _RULES, watch.name
    )
    watch.check()
    compared = time.perf_counter()
    arguments = config.fused()
    assert arguments is not None, "the core does what a call of preprocess_video can ask for"
    pixels = video_patches(frames, frame_types, slow_size, fast_size, **arguments)
    written = time.perf_counter()
    total = len(ele["video"])
    return _video_inputs(
        *(pixels, frame_types, (slow_size, fast_size)),
        timestamps=torch.zeros(0, dtype=torch.float32, device="cpu") if times is None else times,
        size=size,
        fps=float(ele["fps"]),
        total_frames=total,
        duration=total / ele["fps"],
        stage_seconds={
            "decode": decoded - started,
            "slow_fast": compared - decoded,
            "patches": written - compared,
        },
    )


def _frame_counter(name: str, nframes: int | None, max_frames: int | None) -> FrameCounter:
    """How many frames to sample: ``nframes``, or by the frame rate where that is None."""
    if nframes is None:
        return _RULES.count_frames
    wanted = {"nframes": positive_integer("nframes", nframes), "max_frames": max_frames}
    return lambda ele, total_frames, video_fps: exact_count("nframes", wanted, total_frames, name)

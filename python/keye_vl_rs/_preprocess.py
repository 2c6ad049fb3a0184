"""Turn one video with its options into the tensors that the model reads."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keye_vl_rs._chat.message_options import frame_parts
from keye_vl_rs._media.encoded_sources import frames_or_source
from keye_vl_rs._patches.dtypes import float_dtype
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._patches.tensors import per_channel, video_layout, video_patches
from keye_vl_rs._patches.video_settings import VideoSettings
from keye_vl_rs._sampling.indices import frame_indices
from keye_vl_rs._sampling.open_video import open_video, spaced_frames
from keye_vl_rs._sampling.reading import decoder_threads, make_frame_selector
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.video_options import VideoOptions, holds_frames
from keye_vl_rs._slow_fast.frame_lists import list_deadline
from keye_vl_rs._slow_fast.split_list import split_list
from keye_vl_rs._streaming.file import stream_file
from keye_vl_rs._util.validation import number_from_zero
from keye_vl_rs.errors import memory_errors
from keye_vl_rs.limits import Limits, applied, current_limits
from keye_vl_rs.video_inputs import VideoInputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from keye_vl_rs._media.deadline import CancelFlag
    from keye_vl_rs._util.model import Size
    from keye_vl_rs._util.progress import ProgressCallback

__all__ = ["BUFFER_BYTES", "VideoCall", "preprocess_file", "preprocess_list"]

BUFFER_BYTES = 192 << 20
# Those of keye_vl_utils 1.5.2. Programs cannot change them, unlike those of vision_process.
_RULES = VideoRules()


@dataclass(frozen=True)
class VideoCall:
    """Hold the arguments of :func:`keye_vl_rs.preprocess_video`, for any number of sources.

    It can be pickled.

    Attributes:
        options: without a source.
        config: how pixels become values.
        threads: decoder threads; None for the default.
        buffer_bytes: limit on the memory for frames whose sizes are not known yet.
        limits: bounds on what a video may require; None for those of the environment.
    """

    options: VideoOptions
    config: PixelConfig
    threads: int | None
    buffer_bytes: int
    limits: Limits | None

    @classmethod
    def of(
        cls,
        options: VideoOptions,
        *,
        image_mean: Sequence[float],
        image_std: Sequence[float],
        dtype: torch.dtype | str | None,
        threads: int | None,
        buffer_bytes: int,
        limits: Limits | None,
    ) -> VideoCall:
        """Check those arguments that no function checks later.

        Raises:
            InvalidArgumentError: one is invalid.
        """
        config = PixelConfig(
            dtype=float_dtype(dtype),
            image_mean=per_channel(image_mean, "image_mean"),
            image_std=per_channel(image_std, "image_std"),
            min_pixels=_RULES.min_pixels if options.min_pixels is None else options.min_pixels,
            max_pixels=_RULES.max_pixels if options.max_pixels is None else options.max_pixels,
        )
        options.check_types()
        checked_bytes = int(number_from_zero("buffer_bytes", buffer_bytes))
        return cls(options, config, threads, checked_bytes, limits)

    def check(self) -> None:
        """Check the arguments that :meth:`run` would check for each source.

        Raises:
            InvalidArgumentError: one is invalid, whatever the video.
        """
        _RULES.check_counts(self.options)
        list_deadline(self.options)
        make_frame_selector(_select_none, "", self.options.video_start, self.options.video_end)
        decoder_threads(self.threads)
        with applied(self.limits):
            current_limits()

    @memory_errors("the video")
    def run(
        self,
        source: Any,
        *,
        cancel: CancelFlag | None = None,
        progress: ProgressCallback | None = None,
    ) -> VideoInputs:
        """Turn a source into tensors.

        Raises:
            KeyeVLError: a subclass, as for :func:`keye_vl_rs.preprocess_video`.
        """
        options = replace(self.options, source=frames_or_source(source))
        with applied(self.limits):
            if holds_frames(options.source):
                return preprocess_list(
                    options,
                    self.config,
                    _RULES,
                    threads=self.threads,
                    cancel=cancel,
                    progress=progress,
                )
            return preprocess_file(
                options,
                self.config,
                _RULES,
                threads=self.threads,
                cancel=cancel,
                progress=progress,
                buffer_bytes=self.buffer_bytes,
            )


def _select_none(total_frames: int, fps: float) -> Sequence[int]:
    return ()


def preprocess_file(
    options: VideoOptions,
    config: PixelConfig,
    rules: VideoRules,
    *,
    threads: int | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
    buffer_bytes: int = BUFFER_BYTES,
) -> VideoInputs:
    """Turn a video file into tensors, without holding all of its frames.

    Args:
        options: the file, with its options.
        config: how pixels become values; the Rust core must support it.
        rules: defaults for what ``options`` does not say.
        threads: decoder threads, as for :func:`keye_vl_rs.preprocess_video`.
        cancel: as for :func:`keye_vl_rs.preprocess_video`.
        progress: as for :func:`keye_vl_rs.preprocess_video`.
        buffer_bytes: as for :func:`keye_vl_rs.preprocess_video`.

    Raises:
        KeyeVLError: a subclass, as for :func:`keye_vl_rs.preprocess_video`.
    """
    import torch

    choose = spaced_frames(options, rules)
    with open_video(options, choose, threads=threads, cancel=cancel, progress=progress) as opened:
        video = stream_file(opened, rules, config, buffer_bytes)
    return _video_inputs(
        video.pixels,
        torch.tensor(video.frame_types, dtype=torch.int32, device="cpu"),
        video.sizes,
        config,
        timestamps=video.times.seconds,
        timestamp_kind=video.times.kind,
        pts_seconds=video.times.pts_seconds,
        frame_indices=torch.tensor(video.indices, dtype=torch.int64, device="cpu"),
        size=video.size,
        fps=video.timeline.fps,
        total_frames=video.timeline.count,
        duration=video.timeline.duration,
        stage_seconds=video.stage_seconds,
        counts=video.counts,
        damage=video.damage,
    )


def preprocess_list(
    options: VideoOptions,
    config: PixelConfig,
    rules: VideoRules,
    *,
    threads: int | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> VideoInputs:
    """Turn a list of frames into tensors.

    Args:
        options: the list, with its options; ``fps`` is the frame rate of the list, and required.
        config: as for :func:`preprocess_file`.
        rules: as for :func:`preprocess_file`.
        threads: checked, but not used.
        cancel: checked between stages, as is ``timeout`` of ``options``.
        progress: called once, when all frames have been read.

    Raises:
        KeyeVLError: a subclass, as for :func:`keye_vl_rs.preprocess_video`.
    """
    import torch

    split = split_list(
        options, rules, frame_parts, threads=threads, cancel=cancel, progress=progress
    )
    arguments = config.fused()
    assert arguments is not None, "the Rust core supports the configuration"
    started = time.perf_counter()
    pixels = video_patches(split.frames, split.frame_types, *split.sizes, **arguments)
    written = time.perf_counter()
    total, fps, times = len(options.source), options.fps, split.times
    assert fps is not None, "lists without a frame rate are refused"
    return _video_inputs(
        pixels,
        split.frame_types,
        split.sizes,
        config,
        timestamps=torch.zeros(0, dtype=torch.float32, device="cpu") if times is None else times,
        frame_indices=frame_indices(total, len(split.frame_types)),
        size=split.size,
        fps=float(fps),
        total_frames=total,
        duration=float(total / fps),
        stage_seconds={**split.stage_seconds, "patches": written - started},
    )


def _video_inputs(
    pixels: torch.Tensor,
    frame_types: torch.Tensor,
    sizes: tuple[Size, Size],
    config: PixelConfig,
    **others: Any,
) -> VideoInputs:
    """Build the result, with ``video_grid_thw``, ``num_frames`` and ``made_with``."""
    return VideoInputs(
        pixel_values_videos=pixels,
        **video_layout([(frame_types, *sizes)]),
        frame_types=frame_types,
        slow_size=sizes[0],
        fast_size=sizes[1],
        made_with=VideoSettings.of(config),
        **others,
    )

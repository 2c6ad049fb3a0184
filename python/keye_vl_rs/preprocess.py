"""One call from a video to the tensors that the model reads."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from keye_vl_rs import vision_process
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.geometry import MERGE_SIZE, SLOW, Size, count_patches
from keye_vl_rs.prompt import video_prompt
from keye_vl_rs.sampling import frame_times, positive_integer
from keye_vl_rs.tensors import frame_types_list, grid_thw, video_patches
from keye_vl_rs.video import describe_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from keye_vl_rs.video import VideoSource
    from keye_vl_rs.vision_process import FrameCounter

    Source: TypeAlias = VideoSource | list[Any] | tuple[Any, ...]

__all__ = ["VideoInputs", "preprocess_video"]


@dataclass(frozen=True)
class VideoInputs:
    """One video as the model reads it.

    Attributes:
        pixel_values_videos: (patches, 3, 14, 14), the patches of all frames in time order.
        video_grid_thw: (runs, 3) int64, [frames, rows, columns] of patches for each run of
            consecutive frames of one size.
        num_frames: (1,) int64.
        frame_types: (T,) int32, 0 slow and 1 fast.
        timestamps: (T,) float32, seconds from the start of the video.
        slow_size: (height, width) of slow frames in pixels.
        fast_size: the same of fast frames.
        size: (height, width) of the video itself.
        fps: frames per second of the video itself.
        total_frames: how many frames it has.
        duration: in seconds.
        stage_seconds: how long each stage took: "decode", "slow_fast", "patches".
    """

    pixel_values_videos: torch.Tensor
    video_grid_thw: torch.Tensor
    num_frames: torch.Tensor
    frame_types: torch.Tensor
    timestamps: torch.Tensor
    slow_size: Size
    fast_size: Size
    size: Size
    fps: float
    total_frames: int
    duration: float
    stage_seconds: dict[str, float] = field(default_factory=dict, compare=False)

    def model_inputs(self) -> dict[str, torch.Tensor]:
        """The tensors under the names by which the model takes them."""
        return {
            "pixel_values_videos": self.pixel_values_videos,
            "video_grid_thw": self.video_grid_thw,
            "num_frames": self.num_frames,
        }

    @property
    def slow_frames(self) -> int:
        """How many frames are slow."""
        return int((self.frame_types == SLOW).sum())

    @property
    def tokens(self) -> int:
        """How many ``<|video_pad|>`` tokens the video takes."""
        types = frame_types_list(self.frame_types, len(self.frame_types))
        return count_patches(types, self.slow_size, self.fast_size) // MERGE_SIZE**2

    def prompt(self) -> str:
        """The text that stands for one video token in the prompt.

        For each frame its marker, its time in seconds with one decimal, and one ``<|video_pad|>``
        per token, between ``<|fast_start|>`` and ``<|fast_end|>`` where the frame is fast.
        """
        return video_prompt(
            self.frame_types.tolist(), self.slow_size, self.fast_size, self.timestamps.tolist()
        )


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
    image_mean: Sequence[float] = (0.5, 0.5, 0.5),
    image_std: Sequence[float] = (0.5, 0.5, 0.5),
    dtype: torch.dtype | None = None,
) -> VideoInputs:
    """Turn a video into the tensors that Keye-VL-1.5 reads.

    The result is that of ``keye_vl_utils`` 1.5.2 followed by the published processor, to the last
    bit.

    Args:
        source: a path, a ``file://`` or ``http(s)://`` address, the bytes of a file, or a list of
            frames (image sources), which are then taken to be ``fps`` frames per second.
        fps: frames to sample per second; a video with fewer gives all it has.
        max_frames: sample no more than this.
        nframes: sample exactly so many, instead of by ``fps``.
        min_pixels: the fewest pixels of a frame; below 37,632 (48 tokens) it counts as that, but
            allows for more frames.
        max_pixels: the most pixels of a slow frame (602,112: 768 tokens).
        video_total_pixels: the most pixels of all frames together (51,380,224: 65,536 tokens).
        min_frame_similarity: a frame with a smaller share of unchanged patches is slow.
        image_mean: per channel.
        image_std: per channel.
        dtype: of the pixels: torch.float32 (the default), bfloat16 or float16: the rounded float32.

    Raises:
        MediaError: a subclass, when the video cannot be read or decoded.
        InvalidArgumentError: a subclass, when an argument has an impossible value; also when
            ``nframes`` is more than the video has.
    """
    # Before the clock starts: the first import takes longer than a short video.
    import av  # noqa: F401
    import torch

    options = {
        "fps": fps,
        "max_frames": max_frames,
        "min_pixels": min_pixels,
        "max_pixels": max_pixels,
        "video_total_pixels": video_total_pixels,
    }
    ele = {"video": source, **{k: v for k, v in options.items() if v is not None}}
    count = _frame_counter(source, nframes, max_frames)
    started = time.perf_counter()
    if isinstance(source, (list, tuple)):
        frames, times = vision_process.read_frame_list(ele, count=count)
        timestamps = torch.zeros(0) if times is None else times
        video_fps, total, duration = float(fps), len(source), len(source) / fps
    else:
        sampled = vision_process.read_video_file(ele, count)
        frames, video_fps, total = sampled.frames, sampled.fps, sampled.total_frames
        timestamps = frame_times(sampled.indices, video_fps)
        duration = sampled.duration
    decoded = time.perf_counter()
    frame_types = vision_process.extract_slow_fast_frames(frames, min_frame_similarity)
    slow_size, fast_size = vision_process.plan_frame_sizes(ele, frames, frame_types)
    compared = time.perf_counter()
    pixels = video_patches(
        frames,
        frame_types,
        slow_size,
        fast_size,
        dtype=dtype,
        image_mean=image_mean,
        image_std=image_std,
    )
    written = time.perf_counter()
    return VideoInputs(
        pixel_values_videos=pixels,
        video_grid_thw=grid_thw(frame_types, slow_size, fast_size),
        num_frames=torch.tensor([len(frame_types)], dtype=torch.int64),
        frame_types=frame_types,
        timestamps=timestamps,
        slow_size=slow_size,
        fast_size=fast_size,
        size=(frames.shape[2], frames.shape[3]),
        fps=video_fps,
        total_frames=total,
        duration=duration,
        stage_seconds={
            "decode": decoded - started,
            "slow_fast": compared - decoded,
            "patches": written - compared,
        },
    )


def _frame_counter(source: Source, nframes: int | None, max_frames: int | None) -> FrameCounter:
    """How many frames to sample: ``nframes``, or by the frame rate where that is None."""
    if nframes is None:
        return vision_process.smart_nframes
    wanted = positive_integer("nframes", nframes)
    name = f"{len(source)} frames" if isinstance(source, (list, tuple)) else describe_source(source)

    def count(ele: dict[str, Any], total_frames: int, video_fps: float) -> int:
        if wanted > total_frames:
            raise InvalidArgumentError(
                f"nframes is {wanted}: expected at most {total_frames}, the frames of {name}"
            )
        return wanted if max_frames is None else min(wanted, max_frames)

    return count

"""Check the videos of one processor call and their arguments, and write their patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from keye_vl_rs._patches.accepted_inputs import video_array
from keye_vl_rs._patches.dtypes import pixel_dtype
from keye_vl_rs._patches.frames import frame_patches
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._patches.tensors import empty_patches, video_layout, video_patches
from keye_vl_rs._patches.video_settings import VideoSettings, contradictions
from keye_vl_rs._slow_fast.frames import frame_types_list
from keye_vl_rs._slow_fast.sizes import CHANNELS, FAST, SLOW, Size, count_patches, patches_per_frame
from keye_vl_rs._slow_fast.video_arguments import VIDEO_KWARGS
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import number
from keye_vl_rs.errors import (
    FramesDtypeError,
    FramesShapeError,
    InvalidArgumentError,
    SizeError,
    memory_errors,
)
from keye_vl_rs.limits import check_resized_frames
from keye_vl_rs.processors.video_metadata import times_of_metadata
from keye_vl_rs.processors.videos import list_videos
from keye_vl_rs.video_inputs import VideoInputs

__all__ = ["AnyVideo", "CheckedVideo", "PreprocessedVideo", "check_videos", "video_tensors"]

# The arguments with one entry per video, and the number of dimensions of an entry.
_VIDEO_ARGUMENTS = {name: int(name in ("frame_types", "timestamps")) for name in VIDEO_KWARGS}


@dataclass(frozen=True)
class CheckedVideo:
    """Hold one video's frames, with checked arguments.

    Attributes:
        frames: (T, 3, H, W) or (T, H, W, 3).
        channels_first: whether it is the former.
        types: 0 slow or 1 fast, for each frame.
        timestamps: seconds for each frame, or None.
        sizes: (height, width) of slow and of fast frames.
        given: whether the caller specified these sizes; if not, Pillow resizes to the limits.
    """

    frames: NDArray[Any] | torch.Tensor
    channels_first: bool
    types: list[int]
    timestamps: list[float] | None
    sizes: tuple[Size, Size]
    given: tuple[bool, bool]

    def write_patches(self, config: PixelConfig, out: torch.Tensor) -> None:
        """Write the patches of all frames in time order to ``out``, (patches, 3, patch, patch)."""
        fused = config.fused() if self.frames.dtype in (np.uint8, torch.uint8) else None
        kinds = sorted(set(self.types))
        if fused is not None and all(self.given[kind] for kind in kinds):
            video_patches(self.frames, self.types, *self.sizes, out=out, **fused)
            return
        counts = [patches_per_frame(size, config.patch_size) for size in self.sizes]
        outs = out.split([counts[kind] for kind in self.types])
        for kind in kinds:
            indices = [index for index, type_ in enumerate(self.types) if type_ == kind]
            written = frame_patches(
                self.frames,
                indices,
                self.sizes[kind],
                given=self.given[kind],
                channels_first=self.channels_first,
                config=config,
            ).chunk(len(indices))
            for index, patches in zip(indices, written, strict=True):
                outs[index].copy_(patches)


@dataclass(frozen=True)
class PreprocessedVideo:
    """Hold one video's patches, as :func:`keye_vl_rs.preprocess_video` returned them."""

    pixels: torch.Tensor
    types: list[int]
    timestamps: list[float] | None
    sizes: tuple[Size, Size]

    def write_patches(self, config: PixelConfig, out: torch.Tensor) -> None:
        """Copy the patches to ``out``."""
        out.copy_(self.pixels)


AnyVideo = CheckedVideo | PreprocessedVideo


def check_videos(videos: Any, kwargs: Mapping[str, Any], config: PixelConfig) -> list[AnyVideo]:
    """Check each video with its arguments.

    Args:
        videos: one video or a list, as for the processor.
        kwargs: arguments with one entry per video, or the entry itself for a single video.
        config: how pixels become values.

    Raises:
        FrameTypesError, FramesShapeError, FramesDtypeError, SizeError, InvalidArgumentError: a
            video and its arguments do not fit together.
    """
    video_list = list_videos(videos)
    entries = {
        name: _per_video(name, kwargs.get(name), len(video_list), depth)
        for name, depth in _VIDEO_ARGUMENTS.items()
    }
    entries["timestamps"] = times_of_metadata(
        video_list, kwargs.get("video_metadata"), entries["timestamps"]
    )
    checked: list[AnyVideo] = []
    for index, video in enumerate(video_list):
        arguments = {name: entries[name][index] for name in entries}
        check = _check_preprocessed if isinstance(video, VideoInputs) else _check_video
        checked.append(check(video, index, arguments, config))
    return checked


@memory_errors("the patches of videos")
def video_tensors(videos: Sequence[AnyVideo], config: PixelConfig) -> dict[str, torch.Tensor]:
    """Return ``pixel_values_videos``, ``video_grid_thw`` and ``num_frames`` for all videos."""
    counts = [count_patches(video.types, *video.sizes, config.patch_size) for video in videos]
    dtype = pixel_dtype(config.dtype)
    only = videos[0]
    if len(videos) == 1 and isinstance(only, PreprocessedVideo) and only.pixels.dtype == dtype:
        pixels = only.pixels
    else:
        pixels = empty_patches(sum(counts), config.patch_size, dtype)
        for video, out in zip(videos, pixels.split(counts), strict=True):
            video.write_patches(config, out)
    layout = video_layout([(video.types, *video.sizes) for video in videos], config.patch_size)
    return {"pixel_values_videos": pixels, **layout}


def _per_video(name: str, value: Any, count: int, depth: int) -> list[Any]:
    """Return a list with one entry per video; ``depth`` is 1 if an entry is a list itself."""
    if value is None:
        return [None] * count
    if isinstance(value, (list, tuple)):
        flat = depth == 1 and len(value) > 0 and all(_is_number(item) for item in value)
        entries = [value] if flat else list(value)
    else:
        entries = [value] if np.ndim(value) <= depth else list(value)
    if len(entries) != count:
        raise InvalidArgumentError(
            f"{name} has {len(entries)} entries for {count} videos: pass one per video"
        )
    return entries


def _is_number(value: Any) -> bool:
    return not isinstance(value, (list, tuple)) and value is not None and np.ndim(value) == 0


def _check_video(
    video: Any, index: int, arguments: Mapping[str, Any], config: PixelConfig
) -> CheckedVideo:
    frames = video
    if isinstance(video, (list, tuple)):
        frames = video_array(video, f"video {index}", config.exif)
    shape = tuple(frames.shape)
    if len(shape) != 4 or 0 in shape or CHANNELS not in (shape[1], shape[3]):
        raise FramesShapeError(
            f"video {index} has shape {shape}: expected (T, 3, H, W) or (T, H, W, 3)"
        )
    uint8 = frames.dtype in (np.uint8, torch.uint8)
    if not (uint8 or torch.as_tensor(frames[:0], device="cpu").is_floating_point()):
        raise FramesDtypeError(f"video {index} has dtype {frames.dtype}: expected uint8 or floats")
    first = shape[1] == CHANNELS
    own = (shape[2], shape[3]) if first else (shape[1], shape[2])
    types = frame_types_list(arguments["frame_types"], len(frames), f"frame_types of video {index}")
    timestamps = arguments["timestamps"]
    if timestamps is not None and len(timestamps) != len(frames):
        raise InvalidArgumentError(
            f"timestamps of video {index}: {len(timestamps)} values for {len(frames)} frames"
        )
    label = f"timestamps of video {index}"
    times = None if timestamps is None else [float(number(label, one)) for one in timestamps]
    slow = _given_size("height", "width", arguments, index, config) if SLOW in types else own
    fast = (
        _given_size("fast_height", "fast_width", arguments, index, config)
        if FAST in types
        else slow
    )
    sizes = slow or config.target_size(*own), fast or config.target_size(*own)
    pixels = sum(sizes[kind][0] * sizes[kind][1] for kind in types)
    check_resized_frames([sizes[kind] for kind in set(types)], pixels, f"video {index}")
    return CheckedVideo(
        frames=frames,
        channels_first=first,
        types=types,
        timestamps=times,
        sizes=sizes,
        given=(slow is not None, fast is not None),
    )


def _check_preprocessed(
    inputs: VideoInputs, index: int, arguments: Mapping[str, Any], config: PixelConfig
) -> PreprocessedVideo:
    for name, value in arguments.items():
        if value is not None:
            raise InvalidArgumentError(
                f"{name} of video {index} is given, but the video is preprocessed: omit it"
            )
    _check_settings(inputs, index, config)
    dtype = inputs.pixel_values_videos.dtype
    if dtype not in (torch.float32, config.dtype):
        own = pixel_dtype(config.dtype)
        expected = "" if own == torch.float32 else f"{own}, the processor's dtype, or "
        raise InvalidArgumentError(
            f"video {index} was preprocessed with dtype {dtype}: expected {expected}torch.float32"
        )
    types = inputs.frame_types.tolist()
    timestamps = inputs.timestamps.tolist()
    return PreprocessedVideo(
        inputs.pixel_values_videos,
        types,
        timestamps if len(timestamps) == len(types) else None,
        (inputs.slow_size, inputs.fast_size),
    )


def _check_settings(inputs: VideoInputs, index: int, config: PixelConfig) -> None:
    """Raise if this processor's settings would give other tensors than those of the video."""
    if inputs.made_with is None:
        raise InvalidArgumentError(
            f"made_with of video {index} is None: expected the VideoSettings that its tensors were "
            "computed with"
        )
    by_kind = {SLOW: inputs.slow_size, FAST: inputs.fast_size}
    sizes = {by_kind[kind] for kind in inputs.frame_types.tolist()}
    found = [
        f"{name} {used}, but the processor has {wanted}"
        for name, used, wanted in contradictions(
            inputs.made_with, VideoSettings.of(config), sizes, inputs.size
        )
    ]
    if found:
        raise InvalidArgumentError(
            f"video {index} was preprocessed with {'; '.join(found)}: use the same settings in "
            "preprocess_video and in the processor"
        )


def _given_size(
    height_name: str, width_name: str, arguments: Mapping[str, Any], index: int, config: PixelConfig
) -> Size | None:
    height, width = arguments[height_name], arguments[width_name]
    if height is None and width is None:
        return None
    unit = config.patch_size * config.merge_size
    for name, side in ((height_name, height), (width_name, width)):
        label = f"{name} of video {index}"
        if side is None or number(label, side) <= 0 or side % unit:
            raise SizeError(f"{label} is {short_repr(side)}: expected a multiple of {unit}")
    return int(height), int(width)

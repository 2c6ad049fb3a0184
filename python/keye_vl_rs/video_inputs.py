"""One video as the model reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keye_vl_rs._chat.prompt import video_prompt
from keye_vl_rs._decoding.damage import Damage
from keye_vl_rs._decoding.decoder import DecodeCounts
from keye_vl_rs._patches.video_settings import VideoSettings
from keye_vl_rs._sampling.timestamps import TimestampKind
from keye_vl_rs._slow_fast.frames import frame_types_list
from keye_vl_rs._slow_fast.sizes import MERGE_SIZE, SLOW, Size, count_patches

if TYPE_CHECKING:
    import torch

__all__ = ["VideoInputs"]


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
        total_frames: how many frames it has; with ``on_error="partial"``, or of a truncated file,
            how many of them are used.
        duration: of these, in seconds.
        stage_seconds: how long the call was busy with each stage, or waited for it: "decode"
            (reading, decoding and conversion to RGB), "slow_fast", "patches".
        counts: how much of a file had to be decoded.
        timestamp_kind: which times those are: "published", index over average rate, or
            "presentation", when the frames are presented.
        damage: a :class:`keye_vl_rs.Damage` with ``on_error`` other than "raise", which has the
            ``reason`` and the places of damaged ``frames``; None if nothing is wrong.
        made_with: the settings of the call. A processor with others refuses the video, as it does
            one without any (None).
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
    counts: DecodeCounts = field(default_factory=DecodeCounts, compare=False)
    damage: Damage | None = None
    made_with: VideoSettings | None = None
    timestamp_kind: TimestampKind = "published"

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

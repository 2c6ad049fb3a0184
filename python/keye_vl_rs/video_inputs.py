"""Define ``VideoInputs``: the tensors of one video, and what is known about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keye_vl_rs._chat.prompt import video_prompt
from keye_vl_rs._chat.token_counts import count_tokens_of
from keye_vl_rs._decoding.damage import Damage
from keye_vl_rs._decoding.decoder import DecodeCounts
from keye_vl_rs._patches.video_settings import VideoSettings
from keye_vl_rs._sampling.timestamps import TimestampKind
from keye_vl_rs._sampling.video_metadata import make_video_metadata
from keye_vl_rs._slow_fast.frames import frame_types_list
from keye_vl_rs._slow_fast.sizes import SLOW, Size, count_tokens

if TYPE_CHECKING:
    import torch

__all__ = ["VideoInputs"]


@dataclass(frozen=True)
class VideoInputs:
    """Hold the tensors of one video, and what is known about it.

    Attributes:
        pixel_values_videos: (patches, 3, 14, 14), of the call's dtype (default float32): the
            patches of all frames in time order.
        video_grid_thw: (runs, 3) int64, [frames, rows, columns] of patches for each run of
            consecutive frames of one size.
        num_frames: (1,) int64, T, the number of sampled frames.
        frame_types: (T,) int32, 0 for a slow and 1 for a fast frame.
        timestamps: (T,) float32, seconds from the start of the video.
        slow_size: (height, width) of slow frames in pixels.
        fast_size: (height, width) of fast frames in pixels.
        size: (height, width) of the video itself in pixels.
        fps: average frames per second of the video itself; for a list of frames, its ``fps``.
        total_frames: number of its frames; with ``on_error="partial"``, or for a truncated file,
            the number of frames that were used.
        duration: duration of these frames in seconds.
        stage_seconds: seconds that the call spent on each stage, or waited for it: "decode"
            (reading, decoding and conversion to RGB), "slow_fast", "patches".
        counts: the work of decoding a file: ``packets`` of its video stream, packets that were
            ``decoded`` (twice counts twice), ``restarts`` at key frames, and ``seeks``. All are 0
            for a list of frames.
        timestamp_kind: how ``timestamps`` were computed: "published" for index divided by average
            frame rate, as in keye_vl_utils 1.5.2, or "presentation" for presentation times.
        damage: a :class:`keye_vl_rs.Damage` with the ``reason`` and the indices of the damaged
            ``frames``, if ``on_error`` is not "raise"; None if the video is intact.
        pts_seconds: (T,) float64, the presentation times that the file states for the sampled
            frames, in seconds from its first frame, whatever ``timestamps`` are; None for a list of
            frames, and for a file without such times.
        frame_indices: (T,) int64, the indices of the sampled frames among all frames, in
            presentation order.
        made_with: the settings of the call. A processor rejects a video whose settings differ from
            its own, or are None.
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
    pts_seconds: torch.Tensor | None = None
    frame_indices: torch.Tensor | None = None

    def model_inputs(self) -> dict[str, torch.Tensor]:
        """Return the tensors under the names of the model's arguments."""
        return {
            "pixel_values_videos": self.pixel_values_videos,
            "video_grid_thw": self.video_grid_thw,
            "num_frames": self.num_frames,
        }

    @property
    def slow_frames(self) -> int:
        """Return the number of slow frames."""
        return int((self.frame_types == SLOW).sum())

    @property
    def tokens(self) -> int:
        """Return the number of ``<|video_pad|>`` tokens of the video."""
        types = frame_types_list(self.frame_types, len(self.frame_types))
        return count_tokens(types, self.slow_size, self.fast_size)

    def prompt(self) -> str:
        """Return the text that replaces the video's token in a prompt.

        For each frame, it has a marker, the time in seconds with one decimal, and one
        ``<|video_pad|>`` per token, between ``<|fast_start|>`` and ``<|fast_end|>`` if the frame is
        fast.
        """
        return video_prompt(
            self.frame_types.tolist(), self.slow_size, self.fast_size, self.timestamps.tolist()
        )

    def video_metadata(self) -> Any:
        """Return what is known about the video as a ``transformers.video_utils.VideoMetadata``.

        It has those of ``total_num_frames``, ``fps``, ``width``, ``height``, ``duration``,
        ``video_backend`` and ``frames_indices`` that the release of transformers defines. Its own
        ``timestamps`` are index divided by ``fps``, also for variable frame rates.
        """
        return make_video_metadata(
            total_num_frames=self.total_frames,
            fps=self.fps,
            width=self.size[1],
            height=self.size[0],
            duration=self.duration,
            video_backend="keye_vl_rs",
            frames_indices=None if self.frame_indices is None else self.frame_indices.tolist(),
        )

    def _repr_html_(self) -> str:
        """Return a summary for a notebook: facts, and the tokens as a bar."""
        from keye_vl_rs._util.notebook import bar_html, facts_html

        types = self.frame_types.tolist()
        counts = count_tokens_of(types, self.slow_size, self.fast_size, self.timestamps.tolist())
        slow, fast = self.slow_frames, len(types) - self.slow_frames
        facts = {
            "Video": f"{_size_text(self.size)} pixels, {self.duration:,.2f} s, {self.fps:.6g} "
            f"frames per second, {self.total_frames:,} frames",
            "Sampled": f"{len(types):,} frames: {slow:,} slow of {_size_text(self.slow_size)}"
            + (f", {fast:,} fast of {_size_text(self.fast_size)}" if fast else ""),
            "Tokens": f"{counts.vision:,} vision tokens, about {counts.total:,} with text",
            "Pixels": f"{tuple(self.pixel_values_videos.shape)} "
            f"{str(self.pixel_values_videos.dtype).removeprefix('torch.')}",
        }
        if self.damage is not None:
            facts["Damage"] = self.damage.reason
        parts = (
            ("slow frames", counts.slow),
            ("fast frames", counts.fast),
            ("timestamps (estimate)", counts.timestamps),
            ("markers", counts.markers),
        )
        return facts_html("VideoInputs", facts) + bar_html(parts)


def _size_text(size: Size) -> str:
    return f"{size[1]}x{size[0]}"

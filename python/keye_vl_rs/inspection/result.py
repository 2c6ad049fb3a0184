"""Define the result of :func:`keye_vl_rs.inspect_video`."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path

from keye_vl_rs._chat.token_counts import TokenCounts, count_tokens_of
from keye_vl_rs._decoding.damage import Damage
from keye_vl_rs._decoding.decoder import DecodeCounts
from keye_vl_rs._sampling.timestamps import TimestampKind
from keye_vl_rs._slow_fast.sizes import FACTOR, SLOW, Size
from keye_vl_rs._util.partial_files import whole_file
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.inspection.comparisons import FramePair
from keye_vl_rs.inspection.explanation import explain_frame
from keye_vl_rs.inspection.facts import FileFacts
from keye_vl_rs.limits import Limits, current_limits

__all__ = ["InspectionOptions", "VideoInspection"]

# The kinds of files that ``save`` writes.
_SUFFIXES = (".html", ".png", ".json")


@dataclass(frozen=True)
class InspectionOptions:
    """Hold the options of a call that decide about frames and sizes, with defaults filled in.

    Attributes:
        fps: frames to sample per second; for a list of frames its frame rate.
        num_frames: exact number of frames to sample, or None.
        max_frames: maximum number of frames to sample, or None.
        min_frame_similarity: a frame with a smaller share of unchanged patches is slow.
        min_pixels: minimum number of pixels of a frame.
        max_pixels: maximum number of pixels of a slow frame.
        total_pixels: maximum number of pixels of all frames together.
        video_start: seconds, or None.
        video_end: seconds, or None.
        on_error: how damage is handled.
    """

    fps: float
    num_frames: int | None
    max_frames: int | None
    min_frame_similarity: float
    min_pixels: float
    max_pixels: float
    total_pixels: float
    video_start: float | None
    video_end: float | None
    on_error: str


@dataclass(frozen=True)
class VideoInspection:
    """Hold which frames of a video are slow and why, and what they cost.

    Frames are numbered from 0, in the order in which they were sampled.

    Attributes:
        name: the video's name, as in error messages.
        facts: what the file says about itself; None for a list of frames.
        options: the options of the call.
        size: (height, width) of the video itself.
        fps: average frames per second of the video itself.
        total_frames: number of its frames.
        duration: duration of these frames in seconds.
        selectable_frames: number of frames between ``video_start`` and ``video_end``.
        frame_indices: for each sampled frame its index in the video.
        timestamps: for each sampled frame its time in seconds. Empty if the prompt has none.
        timestamp_kind: how they were computed, as in ``VideoInputs``.
        frame_types: for each sampled frame 0 if it is slow, 1 if it is fast.
        slow_size: (height, width) of slow frames in pixels.
        fast_size: (height, width) of fast frames in pixels.
        tokens: number of ``<|video_pad|>`` tokens.
        comparison_size: (height, width) at which frames were compared, in patches of 28x28.
        compared_with: for each frame the number of the slow frame it was compared with, which is
            the last one before it; None for the first frame.
        similarities: for each frame the share of patches that are unchanged since then: NaN if all
            are black in both frames, None for the first frame.
        changes: for each frame one byte per patch, row by row: 0 unchanged, 1 changed, 2 black in
            both frames, which does not count. None for the first frame.
        comparisons: for each frame all comparisons that any threshold needs: with the last slow
            frame for that threshold.
        thresholds: the thresholds for which ``comparisons`` are complete; None for all.
        counts: the work of decoding, as in ``VideoInputs``.
        damage: the damage in the video, as in ``VideoInputs``.
        thumbnails: for each frame a small JPEG file, or None where they were thinned. Empty with
            ``thumbnails=False``.
        limits: the limits of the call, which the page applies to other thresholds and budgets.
    """

    name: str
    facts: FileFacts | None
    options: InspectionOptions
    size: Size
    fps: float
    total_frames: int
    duration: float
    selectable_frames: int
    frame_indices: tuple[int, ...]
    timestamps: tuple[float, ...]
    timestamp_kind: TimestampKind
    frame_types: tuple[int, ...]
    slow_size: Size
    fast_size: Size
    tokens: int
    comparison_size: Size
    compared_with: tuple[int | None, ...]
    similarities: tuple[float | None, ...]
    changes: tuple[bytes | None, ...] = field(repr=False)
    comparisons: tuple[tuple[FramePair, ...], ...] = field(repr=False)
    thresholds: tuple[float, ...] | None = None
    counts: DecodeCounts = field(default_factory=DecodeCounts, compare=False)
    damage: Damage | None = None
    thumbnails: tuple[bytes | None, ...] = field(default=(), repr=False)
    limits: Limits = field(default_factory=current_limits, repr=False, compare=False)

    @property
    def slow_frames(self) -> int:
        """Return the number of slow frames."""
        return self.frame_types.count(SLOW)

    @property
    def patch_grid(self) -> tuple[int, int]:
        """Return the (rows, columns) of patches in which frames were compared."""
        height, width = self.comparison_size
        return height // FACTOR, width // FACTOR

    @property
    def token_counts(self) -> TokenCounts:
        """Return the tokens of slow frames, fast frames, timestamps and markers."""
        return count_tokens_of(self.frame_types, self.slow_size, self.fast_size, self.timestamps)

    def explain(self, frame: int) -> str:
        """Return a sentence that says why a frame is slow or fast.

        Args:
            frame: index of the frame among the sampled ones, from 0.

        Raises:
            InvalidArgumentError: there is no such frame.
        """
        if not isinstance(frame, int) or not 0 <= frame < len(self.frame_types):
            raise InvalidArgumentError(
                f"frame is {short_repr(frame)}: expected a number from 0 to "
                f"{len(self.frame_types) - 1}"
            )
        return explain_frame(
            frame,
            self.compared_with[frame],
            self.similarities[frame],
            self.changes[frame],
            self.options.min_frame_similarity,
        )

    def to_json(self) -> str:
        """Return everything but thumbnails, comparisons and limits as a JSON object.

        It has the attributes of this class, and ``patch_grid``, ``slow_frames``, ``token_counts``
        and ``explanations``, which has the sentence of :meth:`explain` for each frame.
        ``changes`` has a string of 0, 1 and 2 for each frame. Similarities that are NaN are null,
        as is that of the first frame, for which ``compared_with`` is null too. An infinite
        ``min_frame_similarity`` is null.
        """
        plain = dataclasses.asdict(dataclasses.replace(self, comparisons=(), thumbnails=()))
        del plain["comparisons"], plain["thumbnails"], plain["limits"]
        plain["changes"] = [None if one is None else "".join(map(str, one)) for one in self.changes]
        plain["similarities"] = [
            None if one is None or math.isnan(one) else one for one in self.similarities
        ]
        plain["patch_grid"] = self.patch_grid
        plain["slow_frames"] = self.slow_frames
        plain["token_counts"] = dataclasses.asdict(self.token_counts)
        plain["explanations"] = [self.explain(frame) for frame in range(len(self.frame_types))]
        if math.isinf(self.options.min_frame_similarity):
            plain["options"]["min_frame_similarity"] = None
        return json.dumps(plain, allow_nan=False)

    def to_html(self) -> str:
        """Return the report: a page that needs no other file and no network."""
        from keye_vl_rs.inspection.report import render_report

        return render_report(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the report to a file, and return its path.

        The file appears only when it is complete, and replaces an earlier one.

        Args:
            path: a name that ends in .html, .png (needs matplotlib: ``pip install
                'keye-vl-rs[plot]'``) or .json.

        Raises:
            InvalidArgumentError: the name has another suffix, or matplotlib is missing.
            OSError: the file cannot be written.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix not in _SUFFIXES:
            raise InvalidArgumentError(
                f"path is {short_repr(os.fspath(path))}: expected a name that ends in .html, .png "
                "or .json"
            )
        if suffix == ".png":
            from keye_vl_rs.inspection.plot import draw_png

            data = draw_png(self)
        else:
            data = (self.to_html() if suffix == ".html" else self.to_json()).encode()
        with whole_file(target) as file:
            file.write(data)
        return target

    def _repr_html_(self) -> str:
        """Return the report for a notebook: a summary, and the page within a frame."""
        from keye_vl_rs.inspection.notebook import inspection_html

        return inspection_html(self)

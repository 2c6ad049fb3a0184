"""Provide ``VideoDataset``, from which the data loader of torch takes preprocessed videos."""

from __future__ import annotations

import operator
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from keye_vl_rs._preprocess import BUFFER_BYTES, VideoCall
from keye_vl_rs._sampling.video_options import VideoOptions
from keye_vl_rs._util.model import NORMALIZATION
from keye_vl_rs.batch.videos import check_sources
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.video_inputs import VideoInputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import torch

    from keye_vl_rs._decoding.reader import OnError
    from keye_vl_rs._sampling.timestamps import TimestampKind
    from keye_vl_rs.limits import Limits
    from keye_vl_rs.preprocess import Source

__all__ = ["VideoDataset"]

# What the core reads its number of threads from.
_THREAD_VARIABLES = ("KEYE_VL_UTILS_PARALLEL_NUM", "OMP_NUM_THREADS")


class VideoDataset:
    """Provide preprocessed videos as a map-style dataset, for ``torch.utils.data.DataLoader``.

    Items are :class:`keye_vl_rs.VideoInputs`. Pass :meth:`collate_fn` to the data loader, or a
    function of your own that takes a list of them. The dataset can be pickled if its sources can,
    so workers may be forked or spawned.

    In a worker of a data loader, each video is decoded and written by one thread, because the
    workers keep the cores busy. ``threads`` sets another number of decoder threads, and
    ``KEYE_VL_UTILS_PARALLEL_NUM`` or ``OMP_NUM_THREADS``, set in the main process, another number
    for all else.

    All arguments but the first are those of :func:`keye_vl_rs.preprocess_video`, which has the
    details, and apply to each video.

    Args:
        sources: the videos, as for :func:`keye_vl_rs.preprocess_video`. An iterable without a
            length is read to its end.
        fps: frames to sample per second.
        max_frames: maximum number of frames to sample.
        num_frames: exact number of frames to sample, instead of ``fps``.
        min_pixels: minimum number of pixels of a frame.
        max_pixels: maximum number of pixels of a slow frame.
        total_pixels: maximum number of pixels of all frames of a video together.
        min_frame_similarity: a frame with a smaller share of unchanged patches is slow.
        video_start: seconds; sample only frames that are presented at this time or later.
        video_end: seconds; sample only frames that are presented at this time or earlier.
        image_mean: mean per channel.
        image_std: standard deviation per channel.
        dtype: dtype of the pixels.
        threads: number of decoder threads of each video; None for one in a worker of a data loader,
            and for the default of :func:`keye_vl_rs.preprocess_video` elsewhere.
        buffer_bytes: memory for frames whose sizes are not known yet.
        timeout: limit in seconds on each video.
        on_error: how to handle a video that is truncated or damaged: "raise", "partial" or
            "conceal".
        timestamps: how frame times are computed: "published" or "presentation".
        limits: bounds on what a video may require.

    Attributes:
        sources: the videos, a list.

    Raises:
        InvalidArgumentError: ``sources`` is a single source, or an argument is invalid whatever the
            video.
    """

    def __init__(
        self,
        sources: Iterable[Source],
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
        on_error: OnError = "raise",
        timestamps: TimestampKind = "published",
        limits: Limits | None = None,
    ) -> None:
        """Keep the sources and the options; nothing is opened yet."""
        check_sources(sources)
        self.sources = list(sources)
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
        call.check()
        self._call = call

    def __len__(self) -> int:
        """Return the number of videos."""
        return len(self.sources)

    def __getitem__(self, index: int) -> VideoInputs:
        """Preprocess one video.

        Args:
            index: the number of the video; negative ones count from the end.

        Raises:
            IndexError: there is no such video.
            KeyeVLError: a subclass, as for :func:`keye_vl_rs.preprocess_video`.
        """
        source = self.sources[operator.index(index)]
        return replace(self._call, threads=self._decoder_threads()).run(source)

    def __repr__(self) -> str:
        """Return the number of videos."""
        return f"{type(self).__name__}({len(self)} videos)"

    @staticmethod
    def collate_fn(videos: Sequence[VideoInputs]) -> dict[str, torch.Tensor]:
        """Return the model's arguments for a batch of videos, which may differ in length and size.

        Args:
            videos: at least one.

        Returns:
            ``pixel_values_videos`` (patches of all videos, 3, 14, 14), ``video_grid_thw`` (runs of
            all videos, 3) int64 and ``num_frames`` (videos,) int64, each the concatenation of the
            videos' tensors, in order.

        Raises:
            InvalidArgumentError: there is no video.
        """
        import torch

        if not videos:
            raise InvalidArgumentError("videos is empty: expected at least one")
        inputs = [video.model_inputs() for video in videos]
        return {name: torch.cat([one[name] for one in inputs]) for name in inputs[0]}

    def _decoder_threads(self) -> int | None:
        """Return the number of decoder threads; in a worker, also limit the core's."""
        from torch.utils.data import get_worker_info

        if get_worker_info() is None:
            return self._call.threads
        # The core reads it at each call. This process is the data loader's.
        if not any(os.environ.get(name) for name in _THREAD_VARIABLES):
            os.environ[_THREAD_VARIABLES[0]] = "1"
        return 1 if self._call.threads is None else self._call.threads

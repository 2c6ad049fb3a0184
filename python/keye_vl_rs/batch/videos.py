"""Provide ``preprocess_videos``, which preprocesses many videos, several at once."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Generator, Iterable, Mapping, Sized
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from keye_vl_rs._media.deadline import Deadline, cancelled_by
from keye_vl_rs._media.file_objects import is_file_object
from keye_vl_rs._preprocess import BUFFER_BYTES, VideoCall
from keye_vl_rs._sampling.video_options import VideoOptions
from keye_vl_rs._util.model import NORMALIZATION
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import check_whole, positive_integer
from keye_vl_rs.batch.engine import Finished, StopFlag, run_concurrently
from keye_vl_rs.batch.threads import share_threads
from keye_vl_rs.errors import CancelledError, InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from keye_vl_rs._decoding.reader import OnError
    from keye_vl_rs._media.deadline import CancelFlag
    from keye_vl_rs._sampling.timestamps import TimestampKind
    from keye_vl_rs._util.progress import Progress
    from keye_vl_rs.limits import Limits
    from keye_vl_rs.preprocess import Source
    from keye_vl_rs.video_inputs import VideoInputs

    BatchProgress: TypeAlias = Callable[[int, Progress], Any]

__all__ = ["OnFailedVideo", "VideoResult", "check_sources", "preprocess_videos"]

OnFailedVideo = Literal["return", "raise"]


@dataclass(frozen=True, eq=False)
class VideoResult:
    """Hold the result of one video of a batch: its tensors, or why there are none.

    Attributes:
        index: the number of the video among the sources, from 0.
        source: the source, as given.
        inputs: the tensors; None if the video failed.
        error: the exception that :func:`keye_vl_rs.preprocess_video` raised; None if the video did
            not fail.
    """

    index: int
    source: Source = field(repr=False)
    inputs: VideoInputs | None = field(default=None, repr=False)
    error: Exception | None = None


def preprocess_videos(
    sources: Iterable[Source],
    *,
    workers: int | None = None,
    ordered: bool = True,
    errors: OnFailedVideo = "return",
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
    progress: BatchProgress | None = None,
    on_error: OnError = "raise",
    timestamps: TimestampKind = "published",
    limits: Limits | None = None,
) -> Generator[VideoResult, None, None]:
    """Preprocess videos, several at once, and yield a result for each.

    Work starts when the first result is asked for. A slow caller holds the workers back: at most
    two videos per worker have been taken from ``sources`` and not been followed by another result
    yet. So memory is bounded, and ``sources`` may be endless.

    If the caller's loop ends early, the iterator is closed, or Ctrl-C is pressed, the videos in
    flight are cancelled, and their threads have ended when control returns. Only a call that hangs
    in the operating system, as on an unresponsive disk, is abandoned after ten seconds.

    From ``fps`` on, arguments are those of :func:`keye_vl_rs.preprocess_video`, which has the
    details, and apply to each video.

    Args:
        sources: the videos, as for :func:`keye_vl_rs.preprocess_video`: a list, or any iterable,
            which need not have a length. It is iterated in the caller's thread, a few videos ahead,
            while the caller waits for a result. Its errors end the batch.
        workers: how many videos to preprocess at once, each in a thread; None for one per core, at
            most 4. More pay off where reading is slow. Each holds its tensors in memory.
        ordered: yield results in the order of ``sources``; False for as soon as each is done.
        errors: what to do if a video fails. "return" yields a result with the ``error``, and goes
            on. "raise" raises the error when it would be yielded, and cancels the rest. This is not
            about damaged videos of which a part can be used: see ``on_error``.
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
        threads: number of decoder threads of each video; None for an equal share of the cores.
        buffer_bytes: memory of each worker for frames whose sizes are not known yet.
        timeout: limit in seconds on each video.
        cancel: an object with ``is_set()``, such as a ``threading.Event``, that cancels the whole
            batch.
        progress: a function that is called with the ``index`` of a video and a
            :class:`keye_vl_rs.Progress`, in the threads of the workers, several at once. An
            exception that it raises is a failure of that video.
        on_error: how to handle a video that is truncated or damaged: "raise", "partial" or
            "conceal".
        timestamps: how frame times are computed: "published" or "presentation".
        limits: bounds on what a video may require.

    Returns:
        A generator of :class:`keye_vl_rs.VideoResult`.

    Raises:
        InvalidArgumentError: at once, if ``sources`` is a single source, or an argument is invalid
            whatever the video.
        CancelledError: ``cancel`` was set.
        KeyeVLError: a subclass, as for :func:`keye_vl_rs.preprocess_video`, with
            ``errors="raise"``.
    """
    check_sources(sources)
    if workers is not None:
        check_whole("workers", workers)
        positive_integer("workers", workers)
    if errors not in get_args(OnFailedVideo):
        raise InvalidArgumentError(f"errors is {short_repr(errors)}: expected 'return' or 'raise'")
    if progress is not None and not callable(progress):
        raise InvalidArgumentError(
            f"progress is {short_repr(progress)}: expected a function that takes an index and a "
            "keye_vl_rs.Progress"
        )
    # This checks ``cancel``.
    Deadline("the videos", cancel=cancel)
    count = len(sources) if isinstance(sources, Sized) else None
    workers, share = share_threads(None, workers, count)
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
        threads=share if threads is None else threads,
        buffer_bytes=buffer_bytes,
        limits=limits,
    )
    call.check()
    return _results(sources, call, workers, ordered, errors, cancel, progress)


def _results(
    sources: Iterable[Source],
    call: VideoCall,
    workers: int,
    ordered: bool,
    errors: OnFailedVideo,
    cancel: CancelFlag | None,
    progress: BatchProgress | None,
) -> Generator[VideoResult, None, None]:
    # Imported here, so that no video's timeout includes the import.
    import av  # noqa: F401
    import torch  # noqa: F401

    stop = StopFlag(cancel)

    def work(video: tuple[int, Source]) -> VideoInputs:
        index, source = video
        report = None if progress is None else partial(progress, index)
        with cancelled_by(stop):
            return call.run(source, progress=report)

    events = run_concurrently(enumerate(sources), work, workers=workers, stop=stop, ordered=ordered)
    error: BaseException | None = None
    try:
        for event in events:
            if not isinstance(event, Finished):
                continue
            error = event.error
            if stop.is_set() or not (error is None or isinstance(error, Exception)):
                break
            if error is not None:
                if errors == "raise":
                    break
                _free_memory(error)
            yield VideoResult(*event.task, event.result, error)
            # Free the tensors while this generator waits for the next ones.
            del event
            error = None
    finally:
        events.close()
    if cancel is not None and cancel.is_set():
        raise CancelledError("the batch of videos: cancelled")
    if error is not None:
        raise error


def _free_memory(error: BaseException | None) -> None:
    """Free what the frames of an error's traceback hold, as videos and tensors.

    The error may be kept for as long as the batch runs. Its traceback can still be printed.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def check_sources(sources: Any) -> None:
    """Raise :class:`InvalidArgumentError` if it is a single source instead of several."""
    single = isinstance(sources, (str, bytes, bytearray, memoryview, os.PathLike, Mapping))
    # An open file is iterable too, by line.
    if single or is_file_object(sources) or not hasattr(sources, "__iter__"):
        raise InvalidArgumentError(
            f"sources is {short_repr(sources)}: expected a list or another iterable of videos"
        )

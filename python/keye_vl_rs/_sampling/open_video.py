"""Open a video file with its options: the one way from options to frames.

Everything that decodes sampled frames starts here::

    choose = spaced_frames(options, rules)
    with open_video(options, choose, threads=threads, cancel=cancel) as video:
        result = read_sampled(video.reader, video.select, make_sink)

``video.reader.read`` does the same without the conversion to RGB. To find out which frames would be
sampled, without decoding any, index the packets with
:func:`keye_vl_rs._decoding.video_index.index_video` of ``video.reader.file``, and call
``video.select`` with the timeline of the index. It is None if the packets do not tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from keye_vl_rs._decoding.reader import VideoReader
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._media.deadline import CancelFlag, Deadline
from keye_vl_rs._media.sources import describe_source
from keye_vl_rs._sampling.indices import frame_indices
from keye_vl_rs._sampling.reading import make_frame_selector, open_reader
from keye_vl_rs._sampling.timestamps import TimestampRule, check_timestamps
from keye_vl_rs._sampling.video_options import VideoOptions

if TYPE_CHECKING:
    from keye_vl_rs._sampling.reading import Choose
    from keye_vl_rs._sampling.rules import FrameCounter, VideoRules
    from keye_vl_rs._util.progress import ProgressCallback

__all__ = ["OpenVideo", "open_video", "spaced_frames"]


@dataclass(frozen=True)
class OpenVideo:
    """Hold an open video file, and what its options say about reading it.

    Attributes:
        options: the options that it was opened with.
        name: the video's name in messages.
        deadline: the deadline and the cancel flag of the operation. The reader checks them; check
            them yourself in work of your own that takes long.
        reader: decodes frames of the file. ``reader.file`` has the counts of decoded packets, and
            ``reader.damage`` says how decoded frames are damaged.
        select: takes a timeline of the file; returns the indices of the frames to sample, at least
            one, sorted and possibly with repeats. :meth:`VideoReader.read` calls it again if
            decoding yields another timeline than the packets announced.
        times: the rule by which the times of sampled frames are computed.
    """

    options: VideoOptions
    name: str
    deadline: Deadline
    reader: VideoReader
    select: Callable[[Timeline], list[int]]
    times: TimestampRule


@contextmanager
def open_video(
    options: VideoOptions,
    choose: Choose,
    *,
    threads: int | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
    sparse: bool = False,
    deadline: Deadline | None = None,
) -> Iterator[OpenVideo]:
    """Open a video file: fetch it if it is remote, and start its deadline.

    The options that concern reading are checked before the file is opened: ``timestamps``,
    ``timeout``, ``video_start``, ``video_end`` and ``on_error``.

    Args:
        options: the source of a file, with its options; not a list of frames.
        choose: takes the number of frames (from ``video_start`` to ``video_end``) and the average
            frames per second; returns at least one index, sorted, possibly with repeats.
            :func:`spaced_frames` makes it from the rules of the model.
        threads: number of decoder threads; None or 0 for one more than
            :func:`keye_vl_rs._core.thread_count`, up to 16.
        cancel: a ``threading.Event``, or any object with ``is_set()``, that cancels the operation.
        progress: a function that is called with a :class:`keye_vl_rs.Progress` while the file is
            fetched, and by :func:`keye_vl_rs._sampling.reading.read_sampled`.
        sparse: whether the contents of packets may be left out, because nothing will be decoded,
            so that less of a remote file has to be fetched.
        deadline: that of the operation, if it has started already; then ``cancel``,
            ``progress`` and ``timeout`` of the options have no effect.

    Raises:
        MediaError: a subclass, also inside the block, if the file cannot be fetched, opened or
            decoded, or exceeds a limit of :class:`keye_vl_rs.Limits`.
        MediaTimeoutError: the block took longer than ``timeout`` of the options.
        CancelledError: ``cancel`` was set.
        InvalidArgumentError: the source is of an unsupported type, or an option is invalid.
    """
    # Import these before the deadline is set: the first import takes longer than a short video.
    import av  # noqa: F401
    import torch  # noqa: F401

    times = TimestampRule(check_timestamps(options.timestamps), options.is_cut)
    if deadline is None:
        deadline = Deadline(describe_source(options.source), options.timeout, cancel, progress)
    select = make_frame_selector(choose, deadline.name, options.video_start, options.video_end)
    with open_reader(
        options.source,
        deadline=deadline,
        threads=threads,
        on_error=options.on_error,
        sparse=sparse,
    ) as reader:
        yield OpenVideo(options, deadline.name, deadline, reader, select, times)


def spaced_frames(
    options: VideoOptions, rules: VideoRules, count: FrameCounter | None = None
) -> Choose:
    """Return the function for :func:`open_video` that spaces frames evenly, as Keye-VL-1.5 does.

    Args:
        options: the video's options, whose numbers are checked.
        rules: the defaults for what ``options`` does not say.
        count: returns the number of frames to sample; None for :meth:`VideoRules.count_frames`.

    Raises:
        InvalidArgumentError: the source is of an unsupported type, or a number is out of range.
    """
    if count is None:
        name = describe_source(options.source)
        counter: FrameCounter = partial(rules.count_frames, options, name=name)
    else:
        counter = count
    rules.check_counts(options)
    return lambda total_frames, fps: frame_indices(total_frames, counter(total_frames, fps))

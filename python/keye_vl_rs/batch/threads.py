"""Share the cores among videos that are preprocessed at once."""

from __future__ import annotations

from keye_vl_rs._core import thread_count

__all__ = ["MAX_WORKERS", "share_threads"]

# Each video in flight holds its tensors and its decoder's frames: 1 GB if it is long and large.
MAX_WORKERS = 4


def share_threads(
    threads: int | None, workers: int | None, videos: int | None
) -> tuple[int, int | None]:
    """Return how many videos to process at once, and the decoder threads of each.

    None for the threads stands for the default of ``preprocess_video``. Concurrent videos get few
    decoder threads each, because threads of one decoder wait for each other: two videos with one
    thread each keep two cores busy.

    Args:
        threads: threads in total; None for the default of the core.
        workers: the most videos to process at once; None for a number that fits the threads.
        videos: number of videos; None if it is unknown.
    """
    total = threads or thread_count()
    workers = workers or min(total, MAX_WORKERS)
    if videos is not None:
        workers = max(1, min(workers, videos))
    return workers, threads if workers == 1 else max(1, total // workers)

"""Find the videos that are pending, and preprocess several of them at once."""

from __future__ import annotations

import functools
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from keye_vl_rs._media.sources import describe_source
from keye_vl_rs._util.partial_files import discard_partials, sweep_partials, whole_file
from keye_vl_rs.batch.engine import Started, run_concurrently
from keye_vl_rs.batch.threads import share_threads
from keye_vl_rs.cli.jobs.damage import collect_damage, route_damage_warnings
from keye_vl_rs.cli.jobs.full_disk import is_full_disk
from keye_vl_rs.cli.jobs.log_lines import advise_on_error
from keye_vl_rs.cli.jobs.resume import (
    ExistingOutput,
    check_existing,
    output_tensors,
    resume_metadata,
    source_identity,
)
from keye_vl_rs.cli.jobs.tensors_file import write_tensors
from keye_vl_rs.cli.report import (
    NOT_RUN,
    damage_as_json,
    public_name,
    result_fields,
    summarize,
)
from keye_vl_rs.errors import CancelledError, KeyeVLError
from keye_vl_rs.preprocess import BUFFER_BYTES, preprocess_video

if TYPE_CHECKING:
    from pathlib import Path

    from keye_vl_rs._decoding.reader import OnError
    from keye_vl_rs._util.progress import Progress
    from keye_vl_rs.cli.jobs.stop import RunStopFlag
    from keye_vl_rs.cli.outputs import Job

__all__ = ["Event", "Settings", "describe_error", "find_pending", "run_batch"]

# How long threads may take to finish after Ctrl-C, in case a call does not check the flag.
_STOP_GRACE_S = 2.0
_DISK_FULL_ADVICE = (
    "the run was stopped, since nothing more can be written: free disk space or choose another "
    "--output, and rerun"
)


@dataclass(frozen=True)
class Settings:
    """Hold the options of a run.

    Attributes:
        options: the arguments of ``preprocess_video`` that tensors depend on, as JSON types; the
            dtype is a name.
        threads: threads in total, shared by all videos; None for the default of the core.
        jobs: videos to process at once; None for a number that fits the threads.
        timeout: seconds allowed per video; None for no limit.
        buffer_bytes: size of the frame buffer of each video in flight.
        on_error: what to do with damaged videos, as for ``preprocess_video``.
        overwrite: recompute outputs that are up to date, and replace files in the way.
    """

    options: dict[str, Any]
    threads: int | None = None
    jobs: int | None = None
    timeout: float | None = None
    buffer_bytes: int = BUFFER_BYTES
    on_error: OnError = "raise"
    overwrite: bool = False


@dataclass(frozen=True)
class Event:
    """Report the progress of one video.

    Attributes:
        kind: "skipped" and "done" come with a result, "failed" with a text.
        job: the video.
        result: the result of :func:`keye_vl_rs.cli.report.result_fields`.
        text: the error message.
        error_type: the name of the error's class, for JSON.
        old_output: the earlier output of the video, which was not replaced; None if none.
    """

    kind: Literal["skipped", "started", "done", "failed"]
    job: Job
    result: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    error_type: str = ""
    old_output: Path | None = None


@dataclass(frozen=True)
class Task:
    """Hold a pending video.

    Attributes:
        job: the video.
        size: size of the file in bytes; None for a URL.
        replaces: why the earlier output is recomputed; None if there is none.
    """

    job: Job
    size: int | None
    replaces: str | None


def find_pending(jobs: Sequence[Job], settings: Settings) -> tuple[list[Event], list[Task]]:
    """Return events for the videos that need no work, and the tasks that are pending.

    Videos with outputs that are up to date are skipped. A video fails if its output would replace
    a file that keye-vl-rs did not write, or the output of another video. Also removes the partial
    files that killed processes left behind.
    """
    sweep_partials(job.target for job in jobs)
    events, pending = [], []
    for job in jobs:
        identity = source_identity(job.source)
        existing = ExistingOutput()
        if not settings.overwrite:
            existing = check_existing(job.target, identity, settings.options, settings.on_error)
        if existing.conflict is not None:
            text = (
                f"{describe_source(job.source)}: {job.target} already exists and "
                f"{existing.conflict}: choose another --output, or pass --overwrite to replace it"
            )
            events.append(Event("failed", job, text=text, error_type=FileExistsError.__name__))
        elif existing.summary is None:
            pending.append(Task(job, (identity or {}).get("size"), existing.outdated))
        else:
            result = result_fields(
                job,
                existing.summary,
                NOT_RUN,
                skipped=True,
                partial=existing.partial,
                damage=existing.damage,
            )
            events.append(Event("skipped", job, result))
    return events, pending


def run_batch(
    tasks: Sequence[Task],
    settings: Settings,
    stop: RunStopFlag,
    progress: Callable[[Job, Progress], None] | None = None,
) -> Iterator[Event]:
    """Preprocess videos, several at once, and yield events as they happen.

    A thread writes a video's output and frees its tensors before it takes the next video, so that
    memory is bounded by the number of jobs. Videos interrupted by ``stop`` yield no event and leave
    no file.

    Concurrent jobs start with URLs and the largest files. A long video that came last would run
    alone, on its share of the threads (12 videos of which one is half the work: 4.8 s, against
    4.0 s when it is started first).

    A full or read-only disk fails one video and sets ``stop``: decoding the others would be wasted.

    ``progress`` is called in the threads that work on the videos.
    """
    # Imported here, so that no video's timeout includes the import.
    import av  # noqa: F401
    import torch  # noqa: F401

    if settings.threads is not None:
        # The core reads it at each call; all videos share its thread pool.
        os.environ["KEYE_VL_UTILS_PARALLEL_NUM"] = str(settings.threads)
    jobs, threads = share_threads(settings.threads, settings.jobs, len(tasks))
    if jobs > 1:
        tasks = sorted(tasks, key=lambda task: -math.inf if task.size is None else -task.size)

    def work(task: Task) -> dict[str, Any]:
        try:
            return _preprocess(task, settings, threads, stop, progress)
        except OSError as error:
            # Set in the worker, which would otherwise take the next video before the main
            # thread sees the error.
            if is_full_disk(error):
                stop.set()
            raise

    try:
        events = run_concurrently(tasks, work, workers=jobs, stop=stop, grace_seconds=_STOP_GRACE_S)
        with route_damage_warnings(), closing(events):
            for event in events:
                job = event.task.job
                if isinstance(event, Started):
                    yield Event("started", job)
                elif event.result is not None:
                    yield Event("done", job, event.result)
                elif isinstance(event.error, CancelledError) and stop.is_set():
                    pass
                elif event.error is not None and is_full_disk(event.error):
                    # Report it once, although several workers may have run into it.
                    if not stop.disk_full:
                        stop.disk_full = True
                        yield _failed(job, event.error, f"; {_DISK_FULL_ADVICE}")
                # Any error of one video must leave the others unaffected.
                elif isinstance(event.error, Exception):
                    yield _failed(job, event.error)
                elif event.error is not None:
                    raise event.error
    finally:
        # Only threads that hang still write at this point.
        discard_partials()


def _preprocess(
    task: Task,
    settings: Settings,
    threads: int | None,
    stop: RunStopFlag,
    progress: Callable[[Job, Progress], None] | None,
) -> dict[str, Any]:
    import torch

    job = task.job
    # Taken before the video is read, so that the next run notices a change made meanwhile.
    identity = source_identity(job.source)
    options = {**settings.options, "dtype": getattr(torch, settings.options["dtype"])}
    with collect_damage() as warned:
        inputs = preprocess_video(
            job.source,
            **options,
            threads=threads,
            buffer_bytes=settings.buffer_bytes,
            timeout=settings.timeout,
            cancel=stop,
            progress=None if progress is None else functools.partial(progress, job),
            on_error=settings.on_error,
        )
    partial = "; ".join(warned) or None

    def check() -> None:
        if stop.is_set():
            raise CancelledError(f"{job.source}: cancelled")

    started = time.perf_counter()
    summary = summarize(inputs)
    damage = damage_as_json(inputs.damage)
    metadata = resume_metadata(job.source, identity, settings.options, summary, partial)
    if damage is not None:
        metadata |= {"damage": json.dumps(damage), "on_error": settings.on_error}
    check()
    with whole_file(job.target) as file:
        write_tensors(file, output_tensors(inputs), metadata, check)
    seconds = {**inputs.stage_seconds, "write": time.perf_counter() - started}
    return result_fields(
        job, summary, seconds, partial=partial, damage=damage, replaces=task.replaces
    )


def _failed(job: Job, error: BaseException, advice: str = "") -> Event:
    old = job.target if os.path.lexists(job.target) else None
    text, error_type = describe_error(error, job.source)
    return Event("failed", job, text=text + advice, error_type=error_type, old_output=old)


def describe_error(error: BaseException, source: str) -> tuple[str, str]:
    """Return the message for an error of one video, and the name of the error's class."""
    if isinstance(error, KeyeVLError):
        text = advise_on_error(str(error))
    else:
        reason = getattr(error, "strerror", None) or str(error) or "no message"
        # Such as the output that could not be written.
        file = getattr(error, "filename", None)
        parts = [describe_source(source), type(error).__name__, file, reason]
        text = ": ".join(" ".join(str(part).split()) for part in parts if part is not None)
    return text, public_name(error)

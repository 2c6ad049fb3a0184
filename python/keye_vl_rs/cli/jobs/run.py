"""Many videos: what is left to do, and doing it, several at once."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from keye_vl_rs._core import thread_count
from keye_vl_rs._media.sources import describe_source
from keye_vl_rs.cli.jobs.damage import hear_warnings, heard_damage
from keye_vl_rs.cli.jobs.full_disk import is_full_disk
from keye_vl_rs.cli.jobs.partial_files import discard_partials, sweep_partials, whole_file
from keye_vl_rs.cli.jobs.resume import Existing, identify, look_at, make_metadata, tensors_of
from keye_vl_rs.cli.jobs.tensors_file import write_tensors
from keye_vl_rs.cli.jobs.workers import Started, StopFlag, run_side_by_side
from keye_vl_rs.cli.report import NO_SECONDS, damage_as_json, describe, summarize
from keye_vl_rs.errors import CancelledError, KeyeVLError
from keye_vl_rs.preprocess import BUFFER_BYTES, preprocess_video

if TYPE_CHECKING:
    from pathlib import Path

    from keye_vl_rs._decoding.reader import OnError
    from keye_vl_rs.cli.outputs import Job

__all__ = ["MOST_JOBS", "Event", "Settings", "run_batch", "share_threads", "survey"]

# Each video in flight holds its tensors and its decoders' frames: a GB where it is long and large.
MOST_JOBS = 4
_HOPELESS = (
    "the run ends here, for nothing more could be written: make room, or choose another disk"
)


@dataclass(frozen=True)
class Settings:
    """How videos are preprocessed.

    Attributes:
        options: of ``preprocess_video``, all that results depend on, in types that JSON has; the
            dtype by its name.
        threads: of all videos together; None for as many as any call takes.
        jobs: videos at once; None for what fits the threads.
        timeout: seconds for each video.
        buffer_bytes: of each video in flight.
        on_error: what becomes of a damaged video.
        overwrite: make also again what is there, and replace what else lies there.
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
    """Something that became of a video.

    Attributes:
        kind: "skipped" and "done" have a result, "failed" has a text.
        job: the video.
        result: as :func:`keye_vl_rs.cli.report.describe` gives it.
        text: what is wrong with it.
        error_type: the name of its class, for programs.
        old_output: what was to be made again and stays as it was, if anything.
    """

    kind: Literal["skipped", "started", "done", "failed"]
    job: Job
    result: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    error_type: str = ""
    old_output: Path | None = None


@dataclass(frozen=True)
class Task:
    """A video that is to be done.

    Attributes:
        job: the video.
        size: in bytes; None where it has to be fetched.
        replaces: why its output is made again, if there is one.
    """

    job: Job
    size: int | None
    replaces: str | None


def survey(jobs: Sequence[Job], settings: Settings) -> tuple[list[Event], list[Task]]:
    """Sweep up after processes that were killed, and tell what is done already and what is not.

    A video fails whose result would replace a file that may be somebody's own.
    """
    sweep_partials(job.target for job in jobs)
    events, left = [], []
    for job in jobs:
        identity = identify(job.source)
        existing = Existing()
        if not settings.overwrite:
            existing = look_at(job.target, identity, settings.options, settings.on_error)
        if existing.kept is not None:
            text = (
                f"{describe_source(job.source)}: its result {job.target} would replace "
                f"{existing.kept}: choose another --output, or give --overwrite to replace it"
            )
            events.append(Event("failed", job, text=text, error_type=FileExistsError.__name__))
        elif existing.summary is None:
            left.append(Task(job, (identity or {}).get("size"), existing.reason))
        else:
            result = describe(
                job,
                existing.summary,
                NO_SECONDS,
                skipped=True,
                partial=existing.partial,
                damage=existing.damage,
            )
            events.append(Event("skipped", job, result))
    return events, left


def share_threads(threads: int | None, jobs: int | None, videos: int) -> tuple[int, int | None]:
    """How many videos to do at once, and the decoder threads of each; None: as any call has them.

    Two videos keep two cores busy with one decoder thread each, without the waits that threads of
    one decoder have for each other.
    """
    total = threads or thread_count()
    jobs = max(1, min(jobs or min(total, MOST_JOBS), videos))
    return jobs, threads if jobs == 1 else max(1, total // jobs)


def run_batch(tasks: Sequence[Task], settings: Settings, stop: StopFlag) -> Iterator[Event]:
    """Do videos, several at once, and tell what becomes of each as it does.

    At most as many videos are in flight as there are jobs: each is written by the thread that did
    it, and its tensors are freed, before that thread takes the next. Of videos that ``stop`` comes
    before nothing is told, and nothing stays.

    Where there are several at once the largest are begun first, and those that have to be fetched:
    a long one that came last would run alone, on its share of the threads (of 12 videos of which
    one makes up half: 4.0 instead of 4.8 s).

    A disk that is full or read-only fails one video, and sets ``stop``: what is left would be
    decoded in vain.
    """
    # Before the clock starts, and once for all threads.
    import av  # noqa: F401
    import torch  # noqa: F401

    if settings.threads is not None:
        # Read by the core, whose pool all videos share, at each call.
        os.environ["KEYE_VL_UTILS_PARALLEL_NUM"] = str(settings.threads)
    jobs, threads = share_threads(settings.threads, settings.jobs, len(tasks))
    if jobs > 1:
        tasks = sorted(tasks, key=lambda task: -math.inf if task.size is None else -task.size)

    def work(task: Task) -> dict[str, Any]:
        try:
            return _preprocess(task, settings, threads, stop)
        except OSError as error:
            # Here, for the thread that found it would take the next video at once.
            if is_full_disk(error):
                stop.set()
            raise

    try:
        with hear_warnings():
            for event in run_side_by_side(tasks, work, workers=jobs, stop=stop):
                job = event.task.job
                if isinstance(event, Started):
                    yield Event("started", job)
                elif event.result is not None:
                    yield Event("done", job, event.result)
                elif isinstance(event.error, CancelledError) and stop.is_set():
                    pass
                elif event.error is not None and is_full_disk(event.error):
                    # Others that found the same in the meantime have nothing to add.
                    if not stop.hopeless:
                        stop.hopeless = True
                        yield _failed(job, event.error, f"; {_HOPELESS}")
                # One bad file, in whatever way it is bad, must not cost the others.
                elif isinstance(event.error, Exception):
                    yield _failed(job, event.error)
                elif event.error is not None:
                    raise event.error
    finally:
        # Nothing is in use but what threads write that hang.
        discard_partials()


def _preprocess(
    task: Task, settings: Settings, threads: int | None, stop: StopFlag
) -> dict[str, Any]:
    import torch

    job = task.job
    # Before it is read: a change that comes later is seen the next time.
    identity = identify(job.source)
    options = {**settings.options, "dtype": getattr(torch, settings.options["dtype"])}
    with heard_damage() as heard:
        inputs = preprocess_video(
            job.source,
            **options,
            threads=threads,
            buffer_bytes=settings.buffer_bytes,
            timeout=settings.timeout,
            cancel=stop,
            on_error=settings.on_error,
        )
    partial = "; ".join(heard) or None

    def check() -> None:
        if stop.is_set():
            raise CancelledError(f"{job.source}: cancelled")

    started = time.perf_counter()
    summary = summarize(inputs)
    damage = damage_as_json(inputs.damage)
    metadata = make_metadata(job.source, identity, settings.options, summary, partial)
    if damage is not None:
        metadata |= {"damage": json.dumps(damage), "on_error": settings.on_error}
    check()
    with whole_file(job.target) as file:
        write_tensors(file, tensors_of(inputs), metadata, check)
    seconds = {**inputs.stage_seconds, "write": time.perf_counter() - started}
    return describe(job, summary, seconds, partial=partial, damage=damage, replaces=task.replaces)


def _failed(job: Job, error: BaseException, further: str = "") -> Event:
    if isinstance(error, KeyeVLError):
        text = str(error)
    else:
        reason = getattr(error, "strerror", None) or str(error) or "no message"
        # Of the output, say: as it may be no Unicode, as text.
        file = getattr(error, "filename", None)
        parts = [describe_source(job.source), type(error).__name__, file, reason]
        text = ": ".join(" ".join(str(part).split()) for part in parts if part is not None)
    old = job.target if os.path.lexists(job.target) else None
    return Event(
        "failed", job, text=text + further, error_type=type(error).__name__, old_output=old
    )

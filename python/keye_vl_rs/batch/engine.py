"""Run tasks in a few threads with bounded look-ahead, and stop them promptly."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextvars import copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from keye_vl_rs._media.deadline import CancelFlag

__all__ = ["Finished", "Started", "StopFlag", "run_concurrently"]

Task = TypeVar("Task")
Result = TypeVar("Result")

# Interval between checks of the flag while no event arrives.
_POLL_S = 0.1
# How long threads may take to finish after a stop, in case a call does not check the flag. Usually
# they take 0.1 s.
_STOP_GRACE_S = 10.0
# Tasks taken per worker that are not reported yet: one being worked on, and one that waits, for a
# worker before it is done or for the caller afterwards.
_AHEAD_PER_WORKER = 2


class StopFlag:
    """Tell all threads to stop.

    A :class:`threading.Event` would not do: it has a lock, and a signal handler that sets it could
    deadlock with the thread that it interrupted.

    Args:
        other: a flag of the caller's that stops the threads too, or None.
    """

    def __init__(self, other: CancelFlag | None = None) -> None:
        """Create a flag that is not set."""
        self._other = other
        self._set = False

    def set(self) -> None:
        """Tell all threads to stop."""
        self._set = True

    def is_set(self) -> bool:
        """Return whether to stop."""
        return self._set or (self._other is not None and self._other.is_set())


@dataclass(frozen=True)
class Started(Generic[Task]):
    """Report that a thread has taken a task."""

    task: Task


@dataclass(frozen=True)
class Finished(Generic[Task, Result]):
    """Report that a task returned a result, or raised an error."""

    task: Task
    result: Result | None = None
    error: BaseException | None = None


class _Workers(Generic[Task, Result]):
    """Run threads that take tasks from a queue, and report to another one."""

    def __init__(
        self, work: Callable[[Task], Result], stop: StopFlag, grace_seconds: float
    ) -> None:
        self._work = work
        self._grace_seconds = grace_seconds
        self._stop = stop
        self._tasks: SimpleQueue[tuple[int, Task] | None] = SimpleQueue()
        # Each with the number of its task. None stands for a thread that has ended.
        self.events: SimpleQueue[tuple[int, Started[Task] | Finished[Task, Result]] | None]
        self.events = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._ends: float | None = None

    def __len__(self) -> int:
        return len(self._threads)

    def add(self) -> None:
        """Start a thread, in a copy of the caller's context."""
        thread = threading.Thread(
            target=copy_context().run,
            args=(self._run,),
            name=f"keye-vl-rs job {len(self._threads)}",
            # So that the program can end while a thread hangs on an unresponsive disk.
            daemon=True,
        )
        # Known before it starts, so that Ctrl-C between the two leaves no thread.
        self._threads.append(thread)
        thread.start()

    def submit(self, number: int, task: Task) -> None:
        self._tasks.put((number, task))

    def grace(self) -> float:
        """Return the seconds left for threads to finish; they count from the first call."""
        if self._ends is None:
            self._ends = time.monotonic() + self._grace_seconds
        return max(0.0, self._ends - time.monotonic())

    def dismiss(self) -> None:
        """Let threads that wait for a task end."""
        for _ in self._threads:
            self._tasks.put(None)

    def end(self) -> None:
        """Stop the threads, and wait until they have ended, or for the time that they get."""
        self._stop.set()
        self.dismiss()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(self.grace())

    def _run(self) -> None:
        while True:
            item = self._tasks.get()
            if item is None or self._stop.is_set():
                break
            number, task = item
            self.events.put((number, Started(task)))
            try:
                self.events.put((number, Finished(task, self._work(task))))
            except BaseException as error:  # The caller decides what to do with any error.
                self.events.put((number, Finished(task, error=error)))
            # Free the task while this thread waits for the next one.
            del item, task
        self.events.put(None)


def run_concurrently(
    tasks: Iterable[Task],
    work: Callable[[Task], Result],
    *,
    workers: int,
    stop: StopFlag,
    ordered: bool = False,
    grace_seconds: float = _STOP_GRACE_S,
) -> Generator[Started[Task] | Finished[Task, Result], None, None]:
    """Run ``work`` on every task in threads, and yield events as they happen.

    At most two tasks per worker have been taken from ``tasks`` and not been reported yet, the one
    that the caller has just got included: a slow caller holds the workers back.

    Args:
        tasks: the tasks, in the order in which to start them. They are taken in the caller's
            thread, a few ahead, while it waits for the next event. An error ends the run.
        work: the function to run, in a thread with a copy of the caller's context.
        workers: number of threads. They are started as there are tasks for them.
        stop: once set, no task is started, and running tasks have ``grace_seconds`` to finish. It
            is set when the iterator is closed, which happens when the caller's loop ends early, and
            when the program ends.
        ordered: yield :class:`Finished` events in the order of the tasks.
        grace_seconds: how long threads may take to finish after a stop.
    """
    threads: _Workers[Task, Result] = _Workers(work, stop, grace_seconds)
    remaining = iter(tasks)
    most = workers * _AHEAD_PER_WORKER
    # Numbers of tasks: taken from `tasks`, and reported to the caller.
    taken = reported = 0
    exhausted = dismissed = False
    early: dict[int, Finished[Task, Result]] = {}
    ended = 0
    # The threads are daemons, which must not run while the interpreter is being torn down.
    atexit.register(threads.end)
    try:
        while True:
            while not (exhausted or stop.is_set()) and taken - reported < most:
                try:
                    task = next(remaining)
                except StopIteration:
                    exhausted = True
                    break
                threads.submit(taken, task)
                taken += 1
                del task
                if len(threads) < min(workers, taken):
                    threads.add()
            stopping = stop.is_set()
            if (stopping or exhausted) and not dismissed:
                threads.dismiss()
                dismissed = True
            if ended == len(threads) or (stopping and not threads.grace()):
                break
            try:
                item = threads.events.get(timeout=_POLL_S)
            except Empty:
                continue
            if item is None:
                ended += 1
                continue
            number, event = item
            if isinstance(event, Started):
                yield event
                continue
            early[number] = event
            # Let the caller free the result while this loop waits.
            del item, event
            while early and (not ordered or reported in early):
                yield early.pop(reported if ordered else next(iter(early)))
                reported += 1
    finally:
        threads.end()
        atexit.unregister(threads.end)

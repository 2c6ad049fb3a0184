"""Run tasks in a few threads, and stop them promptly on a signal or an error."""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

__all__ = ["Finished", "Started", "StopFlag", "run_concurrently", "stop_on_signals"]

Task = TypeVar("Task")
Result = TypeVar("Result")

# Interval between checks of the flag while no event arrives.
_POLL_S = 0.1
# How long threads may take to finish after a stop, in case a call does not check the flag.
_STOP_GRACE_S = 2.0


class StopFlag:
    """Tell all threads to stop; set once, by a signal or an error.

    A :class:`threading.Event` would not do: it has a lock, and a signal handler that sets it could
    deadlock with the thread that it interrupted.

    Attributes:
        signal: the signal that set the flag; None if none did.
        disk_full: whether the flag was set because nothing more can be written.
    """

    def __init__(self) -> None:
        """Create a flag that is not set."""
        self.signal: int | None = None
        self.disk_full = False
        self._set = False

    def set(self) -> None:
        """Tell all threads to stop."""
        self._set = True

    def is_set(self) -> bool:
        """Return whether to stop."""
        return self._set


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


def run_concurrently(
    tasks: Iterable[Task], work: Callable[[Task], Result], *, workers: int, stop: StopFlag
) -> Iterator[Started[Task] | Finished[Task, Result]]:
    """Run ``work`` on every task in ``workers`` threads, and yield events as they happen.

    Args:
        tasks: the tasks, in the order in which to start them.
        work: the function to run, in a thread with a copy of the caller's context.
        workers: number of threads. Results are not kept once they have been yielded.
        stop: once set, no task is started, and running tasks have two seconds to finish. It is set
            when the iterator is closed, which happens when the caller's loop ends early.
    """
    queue = deque(tasks)
    events: SimpleQueue[Started[Task] | Finished[Task, Result] | None] = SimpleQueue()

    def run() -> None:
        while not stop.is_set():
            try:
                task = queue.popleft()
            except IndexError:
                break
            events.put(Started(task))
            try:
                events.put(Finished(task, work(task)))
            except BaseException as error:  # The caller decides what to do with any error.
                events.put(Finished(task, error=error))
        events.put(None)

    threads = [
        # Daemons, so that the program can end while one hangs on an unresponsive disk.
        threading.Thread(
            target=copy_context().run, args=(run,), name=f"keye-vl-rs job {number}", daemon=True
        )
        for number in range(workers)
    ]
    for thread in threads:
        thread.start()
    running = workers
    deadline: float | None = None
    try:
        while running:
            if stop.is_set():
                deadline = deadline or time.monotonic() + _STOP_GRACE_S
                if time.monotonic() >= deadline:
                    break
            try:
                event = events.get(timeout=_POLL_S)
            except Empty:
                continue
            if event is None:
                running -= 1
            else:
                yield event
            # Let the caller free the result while this loop waits.
            del event
    finally:
        stop.set()
        deadline = deadline or time.monotonic() + _STOP_GRACE_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


@contextmanager
def stop_on_signals(stop: StopFlag) -> Iterator[None]:
    """Set ``stop`` on SIGINT or SIGTERM, and record the signal in it.

    A second signal raises KeyboardInterrupt. Handlers are installed only in the main thread, the
    only one that Python delivers signals to, and not for signals that are ignored, as under nohup.
    """

    def handle(number: int, frame: object) -> None:
        if stop.signal is not None:
            raise KeyboardInterrupt
        stop.signal = number
        stop.set()

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

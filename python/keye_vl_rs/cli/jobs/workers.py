"""Running tasks in a few threads, in a way that ends soon when it is to end."""

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

__all__ = ["Ended", "Started", "StopFlag", "run_side_by_side", "stop_on_signals"]

Task = TypeVar("Task")
Result = TypeVar("Result")

# How soon a flag that is set is seen while nothing else happens.
_POLL_S = 0.1
# How long threads have, once they are to stop, to leave a call that does not look at the flag.
_PATIENCE_S = 2.0


class StopFlag:
    """Set once, by a signal or an error, and looked at by all threads.

    Without the lock of a :class:`threading.Event`, on which a handler of signals could wait for the
    very thread that it interrupted.

    Attributes:
        signal: the signal that set it; None if none did.
        hopeless: whether it was set because what is left could not be written either.
    """

    def __init__(self) -> None:
        """Not set."""
        self.signal: int | None = None
        self.hopeless = False
        self._set = False

    def set(self) -> None:
        """Let everybody stop."""
        self._set = True

    def is_set(self) -> bool:
        """Whether to stop."""
        return self._set


@dataclass(frozen=True)
class Started(Generic[Task]):
    """A thread has taken a task."""

    task: Task


@dataclass(frozen=True)
class Ended(Generic[Task, Result]):
    """A task is over: with a result, or with an error."""

    task: Task
    result: Result | None = None
    error: BaseException | None = None


def run_side_by_side(
    tasks: Iterable[Task], work: Callable[[Task], Result], *, workers: int, stop: StopFlag
) -> Iterator[Started[Task] | Ended[Task, Result]]:
    """Do every task, ``workers`` at once, and tell what happens as it does.

    Args:
        tasks: begun in this order.
        work: does one, in a thread, which runs in a copy of the context of this call.
        workers: threads. Each holds one task and its result, and nothing is kept of what was told.
        stop: once it is set, no task is begun, and those that run have two seconds. It is set when
            the iterator is closed, or the caller's loop ends early.
    """
    waiting = deque(tasks)
    events: SimpleQueue[Started[Task] | Ended[Task, Result] | None] = SimpleQueue()

    def run() -> None:
        while not stop.is_set():
            try:
                task = waiting.popleft()
            except IndexError:
                break
            events.put(Started(task))
            try:
                events.put(Ended(task, work(task)))
            except BaseException as error:  # Whatever it is, it is the caller's to see.
                events.put(Ended(task, error=error))
        events.put(None)

    threads = [
        # Not waited for at the end of the program: one may hang on a disk that does not answer.
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
                deadline = deadline or time.monotonic() + _PATIENCE_S
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
            # It is its user's to keep or to free.
            del event
    finally:
        stop.set()
        deadline = deadline or time.monotonic() + _PATIENCE_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


@contextmanager
def stop_on_signals(stop: StopFlag) -> Iterator[None]:
    """Set ``stop``, and keep which it was, when the program is interrupted or told to end.

    A second one ends it at once, as KeyboardInterrupt. Nothing changes in a thread that is not the
    main one, where signals do not arrive, nor for a signal that is ignored, as nohup has it.
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

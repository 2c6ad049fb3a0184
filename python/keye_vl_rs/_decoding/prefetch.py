"""Run generators in threads, ahead of their consumer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from keye_vl_rs._media.deadline import Deadline

__all__ = ["prefetch"]

Task = TypeVar("Task")
Item = TypeVar("Item")
Worker = Callable[[], AbstractContextManager[Callable[[Task], Generator[Item, None, None]]]]

# How often a waiting consumer checks the deadline and the cancel flag.
_POLL_S = 0.05
# How long to wait for threads to close what they opened; a read may have stalled.
_JOIN_TIMEOUT_S = 1.0


def prefetch(
    tasks: Sequence[Task],
    worker: Worker[Task, Item],
    deadline: Deadline,
    *,
    workers: int,
    buffer_size: int,
) -> Iterator[Item]:
    """Yield the items of all tasks, in the order of the tasks, computed ahead of the consumer.

    Args:
        tasks: each is run by one worker; earlier tasks are started first.
        worker: a context manager that opens what one worker needs and yields the function that
            generates the items of a task. It is entered, used and left by a single thread.
        deadline: checked for each item, and while waiting for one.
        workers: number of threads.
        buffer_size: how many items may be buffered; each worker holds one more.

    Raises:
        Any exception of a worker, as soon as it is raised. MediaTimeoutError, CancelledError: the
        deadline passed, or the call was cancelled, also while a worker is stalled; its thread
        ends when it next checks.
    """
    shared = _Shared(tasks, worker, buffer_size)
    threads = [
        threading.Thread(target=shared.work, name="keye-vl-rs decoder", daemon=True)
        for _ in range(min(workers, len(tasks)))
    ]
    for thread in threads:
        thread.start()
    try:
        for index in range(len(tasks)):
            while True:
                deadline.check()
                found = shared.take(index)
                if found is None:
                    continue
                if not found:
                    break
                yield found.pop()
    finally:
        shared.stop()
        for thread in threads:
            # The garbage collector may close an abandoned generator in one of its own workers.
            if thread is not threading.current_thread():
                thread.join(_JOIN_TIMEOUT_S)


class _Shared(Generic[Task, Item]):
    """State shared by the workers and the consumer: open tasks and buffered items."""

    def __init__(self, tasks: Sequence[Task], worker: Worker[Task, Item], buffer_size: int) -> None:
        self._tasks = tasks
        self._worker = worker
        self._buffer_size = buffer_size
        self._changed = threading.Condition()
        self._next = 0
        # The task whose items are being consumed.
        self._current = 0
        self._buffers: list[deque[Item]] = [deque() for _ in tasks]
        self._done = [False] * len(tasks)
        self._waiting = 0
        self._stopped = False
        self._error: BaseException | None = None

    def take(self, index: int) -> list[Item] | None:
        """Return the next item of a task in a list; an empty list at its end, None if not ready."""
        with self._changed:
            if self._current != index:
                self._current = index
                self._changed.notify_all()
            buffer = self._buffers[index]
            if not buffer and not self._done[index] and self._error is None:
                self._changed.wait(_POLL_S)
            if self._error is not None:
                raise self._error
            if buffer:
                self._waiting -= 1
                self._changed.notify_all()
                return [buffer.popleft()]
            return [] if self._done[index] else None

    def stop(self) -> None:
        """Tell the workers to stop, and discard the buffered items."""
        with self._changed:
            self._stopped = True
            for buffer in self._buffers:
                buffer.clear()
            # The traceback would keep everything alive that it refers to.
            self._error = None
            self._changed.notify_all()

    def work(self) -> None:
        """Run tasks until there are none left; the body of each thread."""
        try:
            with self._worker() as run:
                while (index := self._begin()) is not None:
                    with closing(run(self._tasks[index])) as items:
                        for item in items:
                            if not self._put(index, item):
                                return
                            # Do not keep it alive: the consumer owns it now.
                            del item
                    with self._changed:
                        self._done[index] = True
                        self._changed.notify_all()
        except BaseException as error:  # Raised again in the consumer.
            with self._changed:
                # After a stop nobody would take the error, and keeping it would keep the decoder
                # alive, and this object through the traceback.
                if not self._stopped:
                    self._error = self._error or error
                self._changed.notify_all()

    def _begin(self) -> int | None:
        with self._changed:
            if self._stopped or self._error is not None or self._next == len(self._tasks):
                return None
            self._next += 1
            return self._next - 1

    def _put(self, index: int, item: Item) -> bool:
        """Buffer an item for the consumer, once there is room; return False after a stop."""
        with self._changed:
            # The consumer may be waiting for the current task while the buffer is full of others'.
            while not self._stopped and self._waiting >= self._buffer_size:
                if index == self._current and not self._buffers[index]:
                    break
                self._changed.wait()
            if self._stopped:
                return False
            self._buffers[index].append(item)
            self._waiting += 1
            self._changed.notify_all()
            return True

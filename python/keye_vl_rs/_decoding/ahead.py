"""Running generators ahead of their user, in threads of their own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from keye_vl_rs._media.deadline import Watch

__all__ = ["run_ahead"]

Task = TypeVar("Task")
Item = TypeVar("Item")
Worker = Callable[[], AbstractContextManager[Callable[[Task], Generator[Item, None, None]]]]

# How soon a waiting user sees that the time is over, or that it was cancelled.
_POLL_S = 0.05
# How long it waits for threads to close what they opened, where a read may have stalled.
_PATIENCE_S = 1.0


def run_ahead(
    tasks: Sequence[Task], worker: Worker[Task, Item], watch: Watch, *, workers: int, ahead: int
) -> Iterator[Item]:
    """The items of all tasks, in the order of the tasks, made while their user is busy.

    Args:
        tasks: each is done by one worker, and those in front are begun first.
        worker: opens what a worker needs, which is used by one thread alone and closed by it; gives
            the function that makes a task's items.
        watch: checked for each item, and while none comes.
        workers: threads.
        ahead: how many items may wait; beside them each worker holds one.

    Raises:
        What a worker raises, as soon as it does. MediaTimeoutError, CancelledError: as ``watch``
        says, also while a worker stalls; its thread then ends as soon as it gets there.
    """
    shared = _Shared(tasks, worker, ahead)
    threads = [
        threading.Thread(target=shared.work, name="keye-vl-rs decoder", daemon=True)
        for _ in range(min(workers, len(tasks)))
    ]
    for thread in threads:
        thread.start()
    try:
        for place in range(len(tasks)):
            while True:
                watch.check()
                found = shared.take(place)
                if found is None:
                    continue
                if not found:
                    break
                yield found.pop()
    finally:
        shared.stop()
        for thread in threads:
            thread.join(_PATIENCE_S)


class _Shared(Generic[Task, Item]):
    """What workers have made and nobody has taken, and who does what."""

    def __init__(self, tasks: Sequence[Task], worker: Worker[Task, Item], ahead: int) -> None:
        self._tasks = tasks
        self._worker = worker
        self._ahead = ahead
        self._changed = threading.Condition()
        self._next = 0
        # The task whose items are being taken.
        self._current = 0
        self._made: list[deque[Item]] = [deque() for _ in tasks]
        self._done = [False] * len(tasks)
        self._waiting = 0
        self._stopped = False
        self._error: BaseException | None = None

    def take(self, place: int) -> list[Item] | None:
        """The next item of a task; an empty list at its end, and None if none came yet."""
        with self._changed:
            if self._current != place:
                self._current = place
                self._changed.notify_all()
            made = self._made[place]
            if not made and not self._done[place] and self._error is None:
                self._changed.wait(_POLL_S)
            if self._error is not None:
                raise self._error
            if made:
                self._waiting -= 1
                self._changed.notify_all()
                return [made.popleft()]
            return [] if self._done[place] else None

    def stop(self) -> None:
        """Let the workers end, and forget what they made."""
        with self._changed:
            self._stopped = True
            for made in self._made:
                made.clear()
            # It holds on to all that was there when it was raised.
            self._error = None
            self._changed.notify_all()

    def work(self) -> None:
        """Do tasks until there are none: what a thread runs."""
        try:
            with self._worker() as run:
                while (place := self._begin()) is not None:
                    with closing(run(self._tasks[place])) as items:
                        for item in items:
                            if not self._put(place, item):
                                return
                            # It is its user's to keep or to free.
                            del item
                    with self._changed:
                        self._done[place] = True
                        self._changed.notify_all()
        except BaseException as error:  # Whatever it is, it is the user's to see.
            with self._changed:
                # Nobody takes it any more after a stop; kept, it would hold on to the decoder, and
                # its traceback to this object.
                if not self._stopped:
                    self._error = self._error or error
                self._changed.notify_all()

    def _begin(self) -> int | None:
        with self._changed:
            if self._stopped or self._error is not None or self._next == len(self._tasks):
                return None
            self._next += 1
            return self._next - 1

    def _put(self, place: int, item: Item) -> bool:
        """Leave an item for the user; False if nobody wants it."""
        with self._changed:
            # The user may wait for one of the current task, however many of others there are.
            while not self._stopped and self._waiting >= self._ahead:
                if place == self._current and not self._made[place]:
                    break
                self._changed.wait()
            if self._stopped:
                return False
            self._made[place].append(item)
            self._waiting += 1
            self._changed.notify_all()
            return True

"""Work shared among threads that live for one call; the only maker of such threads for images.

Pillow and the core release the GIL while they compute, so plain threads run side by side. They are
made anew by every call: a fork between two calls finds none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import TypeVar

from keye_vl_rs import _core

__all__ = ["map_in_threads", "map_in_turn"]

Task = TypeVar("Task")
Result = TypeVar("Result")


def map_in_threads(work: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
    """``work`` of every task, in order, on as many threads as ``_core.thread_count()`` says.

    Tasks are begun in order. Where some fail, the exception of the first of them in order is
    raised, and what has not been begun is left out.
    """
    threads = min(_core.thread_count(), len(tasks))
    if threads < 2:
        return map_in_turn(work, tasks)
    # Imported where it is needed, so that `import keye_vl_rs` is quick.
    from concurrent.futures import ThreadPoolExecutor

    # What holds for the call, such as its limits, holds in its threads.
    contexts = [copy_context() for _ in tasks]
    pool = ThreadPoolExecutor(threads, thread_name_prefix="keye-vl-image")
    wait = True
    try:
        # Its iterator cancels the rest when one raises.
        return list(pool.map(lambda context, task: context.run(work, task), contexts, tasks))
    except (KeyboardInterrupt, SystemExit):
        # Whoever presses Ctrl-C does not wait for images that are half decoded.
        wait = False
        raise
    finally:
        pool.shutdown(wait=wait, cancel_futures=True)


def map_in_turn(work: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
    """``work`` of every task, one after the other on the calling thread."""
    return [work(task) for task in tasks]

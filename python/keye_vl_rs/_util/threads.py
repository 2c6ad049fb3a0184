"""Run threads that last for one call, to open and resize images in parallel.

Pillow and the core release the GIL while they compute, so threads run in parallel. Every call
creates its own: a fork between two calls finds none.
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
    """Call ``work`` for every task in threads, and return the results in order.

    There are ``_core.thread_count()`` threads. Tasks are started in order. If some fail, the
    exception of the first of them is raised, and tasks that have not started are skipped.
    """
    threads = min(_core.thread_count(), len(tasks))
    if threads < 2:
        return map_in_turn(work, tasks)
    # Imported here to keep `import keye_vl_rs` fast.
    from concurrent.futures import ThreadPoolExecutor

    # The threads get the context variables of the call, such as its limits.
    contexts = [copy_context() for _ in tasks]
    pool = ThreadPoolExecutor(threads, thread_name_prefix="keye-vl-image")
    wait = True
    try:
        # The iterator cancels the remaining tasks if one raises.
        return list(pool.map(lambda context, task: context.run(work, task), contexts, tasks))
    except (KeyboardInterrupt, SystemExit):
        # Ctrl-C does not wait for images that are being decoded.
        wait = False
        raise
    finally:
        pool.shutdown(wait=wait, cancel_futures=True)


def map_in_turn(work: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
    """Call ``work`` for every task, one after the other on the calling thread."""
    return [work(task) for task in tasks]

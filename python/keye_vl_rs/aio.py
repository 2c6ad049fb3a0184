"""Offer awaitable forms of the calls that take long, for programs with an event loop of asyncio.

They have the names, arguments, results and errors of the plain functions, and run them in a thread
of the loop's default executor (``loop.set_default_executor`` replaces it). Context variables are
those of the caller.

If the awaiting task is cancelled, so is the call: it stops as with a ``cancel`` flag, usually
within 0.1 s, and the task ends once the thread has. So no work goes on unnoticed, and files may be
closed. A second cancellation does not wait. A call that still waits for a thread never starts.

Callbacks such as ``progress`` are called in the thread; use ``loop.call_soon_threadsafe`` there.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar

import keye_vl_rs.preprocess
import keye_vl_rs.vision_process
from keye_vl_rs._media.deadline import cancelled_by
from keye_vl_rs._util.lazy_attributes import lazy_attribute
from keye_vl_rs.batch.engine import StopFlag
from keye_vl_rs.errors import CancelledError

__all__ = [
    "count_tokens",
    "fetch_image",
    "fetch_video",
    "inspect_video",
    "preprocess_video",
    "probe_video",
    "process_vision_info",
]

P = ParamSpec("P")
Result = TypeVar("Result")


def _awaitable(function: Callable[P, Result]) -> Callable[P, Coroutine[Any, Any, Result]]:
    """Return a coroutine function that runs ``function`` in a thread, with its signature."""

    @functools.wraps(function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> Result:
        # Takes long to import, and a program that gets here has imported it.
        import asyncio

        stop, started = StopFlag(), False

        def call() -> Result:
            nonlocal started
            started = True
            if stop.is_set():
                raise CancelledError(f"{function.__name__}: cancelled")
            try:
                with cancelled_by(stop):
                    return function(*args, **kwargs)
            except StopIteration as error:
                # A future cannot hold it, and would never be done: a callback has called ``next``.
                raise RuntimeError(f"{function.__name__}: a callback raised {error!r}") from error

        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(None, copy_context().run, call)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            stop.set()
            if not started:
                future.cancel()
            elif not future.done():
                await asyncio.wait([future])
            # Its error, or a result that came too late, is of no use any more.
            if future.done() and not future.cancelled():
                future.exception()
            raise

    summary, _, details = (inspect.getdoc(function) or "").partition("\n")
    run.__doc__ = (
        f"{summary}\n\nThis is the awaitable form of :func:`keye_vl_rs.{function.__name__}`, which "
        f"runs in a thread.\n{details}"
    )
    run.__module__ = __name__
    return run


preprocess_video = _awaitable(keye_vl_rs.preprocess.preprocess_video)
fetch_video = _awaitable(keye_vl_rs.vision_process.fetch_video)
fetch_image = _awaitable(keye_vl_rs.vision_process.fetch_image)
process_vision_info = _awaitable(keye_vl_rs.vision_process.process_vision_info)

# Made on first access, because importing the package imports none of them.
count_tokens: Callable[..., Coroutine[Any, Any, Any]]
inspect_video: Callable[..., Coroutine[Any, Any, Any]]
probe_video: Callable[..., Coroutine[Any, Any, Any]]
_LAZY = {
    "count_tokens": "keye_vl_rs.probe.counting",
    "inspect_video": "keye_vl_rs.inspection.video",
    "probe_video": "keye_vl_rs.probe.probing",
}


def __getattr__(name: str) -> Any:
    form = globals()[name] = _awaitable(lazy_attribute(__name__, name, _LAZY))
    return form

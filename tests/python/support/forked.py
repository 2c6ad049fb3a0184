"""Processes that start at once: forks of one that has imported what takes long.

It has not imported the package, and has computed nothing. A process that tests run in has one such
server, so that what it imports is the same for all.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from typing import Any

_IMPORTED = ["torch", "torchvision", "transformers", "av", "numpy", "PIL.Image", "httpx"]
_IMPORTED += ["safetensors.torch", "typer", "rich.console", "rich.progress"]


def context() -> ForkServerContext:
    """Processes and pipes of the server's kind."""
    one = multiprocessing.get_context("forkserver")
    one.set_forkserver_preload(_IMPORTED)
    return one


def start(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that other processes can import in a process of its own."""
    process = context().Process(target=function, args=arguments)
    process.start()
    return process

"""Start processes quickly, as forks of a server that has imported what takes long to import.

The server has not imported the package and has computed nothing. Each test process has one server,
so that all processes start with the same imports.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from typing import Any

_IMPORTED = ["torch", "torchvision", "transformers", "av", "numpy", "PIL.Image", "httpx"]
_IMPORTED += ["safetensors.torch", "typer", "rich.console", "rich.progress"]


def context() -> ForkServerContext:
    """Return the multiprocessing context of the server."""
    one = multiprocessing.get_context("forkserver")
    one.set_forkserver_preload(_IMPORTED)
    return one


def start(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function, which other processes must be able to import, in a new process."""
    process = context().Process(target=function, args=arguments)
    process.start()
    return process

"""Run users' programs, each in a process of its own with fresh imports."""

from __future__ import annotations

import os
import traceback
from typing import Any

from support import forked


def run_program(code: str, names: tuple[str, ...], **environment: str) -> dict[str, Any]:
    """Run ``code`` with environment variables, and return the values of ``names``."""
    ours, theirs = forked.context().Pipe()
    process = forked.start(_run, theirs, code, names, environment)
    theirs.close()
    try:
        error, values = ours.recv()
    finally:
        process.join()
    assert error is None, error
    return dict(zip(names, values, strict=True))


def _run(pipe: Any, code: str, names: tuple[str, ...], environment: dict[str, str]) -> None:
    os.environ.update(environment)
    scope: dict[str, Any] = {}
    try:
        exec(compile(code, "program", "exec"), scope)
        # Tensors are sent as arrays: tensors would need descriptors of a process that has ended.
        pipe.send((None, [_plain(scope[name]) for name in names]))
    except BaseException:
        pipe.send((traceback.format_exc(), None))
    pipe.close()


def _plain(value: Any) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        return value.numpy()
    if hasattr(value, "items"):
        return {key: _plain(one) for key, one in value.items()}
    return value

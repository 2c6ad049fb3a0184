"""Run code in processes that have called no compiled function yet.

Python and NumPy start once. Each run is a fork of that process, which has no pool threads and has
read no environment variable.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from support.core import COMPARE, PATCH, SPLIT

PRELUDE = f"""
import json, os
import numpy as np
from keye_vl_rs import _core
from keye_vl_rs.errors import KeyeVLError
PATCH, COMPARE, SPLIT = {PATCH!r}, {COMPARE!r}, {SPLIT!r}
x = np.random.default_rng(0).integers(0, 256, (12, 113, 170, 3), dtype=np.uint8)

def name_of_error(call):
    try:
        call()
    except (KeyeVLError, TypeError, OverflowError, MemoryError) as error:
        return type(error).__name__
    except BaseException as error:
        return "escaped: " + type(error).__name__
    return "no error"

def results():
    out = np.zeros(12 * (84 * 112 + 56 * 56) // 2 * 3, np.float32)
    half = np.zeros(out.size, np.uint16)
    types = [0, 1] * 6
    _core.write_patches(x, types, (84, 112), (56, 56), out, **PATCH)
    done = [out]
    for dtype in ("bfloat16", "float16"):
        _core.write_patches(x, types, (84, 112), (56, 56), half, dtype=dtype, **PATCH)
        done.append(half.copy())
    for size in ((56, 84), (200, 113), (113, 300), (7, 5)):
        for kernel in ("bilinear", "bicubic"):
            done.append(_core.resize(x, *size, kernel=kernel))
    done += [_core.hsv_from_rgb(x), _core.slow_fast(x, 112, 168, **SPLIT)]
    mixed = (x[:, :112, :168] // 3 + x[0, :112, :168] // 2)
    done.append(np.array([_core.frame_similarity(mixed[0], m, patch_size=7,
        patch_similarity=0.97) for m in mixed]))
    import hashlib
    return [hashlib.sha256(one.tobytes()).hexdigest() for one in done]
"""

SERVER = """
import signal, sys, tempfile
for line in sys.stdin:
    code, environment = json.loads(line)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            signal.alarm(100)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os.environ.update(environment)
            exec(code)
            sys.exit()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode(errors="replace"))
    print(json.dumps([status, *said]), flush=True)
"""


@contextmanager
def fresh_python() -> Iterator[Callable[..., Any]]:
    """Return a function that runs code with environment variables, and returns its JSON output."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in ("KEYE_VL_UTILS_PARALLEL_NUM", "OMP_NUM_THREADS", "KEYE_VL_RS_SIMD")
    }
    with subprocess.Popen(
        [sys.executable, "-c", PRELUDE + SERVER],
        env=clean,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:

        def run(code: str, **environment: str) -> Any:
            print(json.dumps([code, environment]), file=server.stdin, flush=True)
            status, out, err = json.loads(server.stdout.readline())
            assert status == 0, (status, err)
            return json.loads(out.splitlines()[-1])

        yield run

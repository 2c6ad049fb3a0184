"""Provide a clock that stops while the machine does, for tests of how soon something happens.

A shared machine may stall for seconds. A process that only sleeps notices: it adds up the time
between its turns, and counts no more for each than a busy machine can take.
"""

from __future__ import annotations

import mmap
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# An aligned number of eight bytes, which is read and written atomically.
_BYTES = 8
_COUNT = """
import mmap, sys, time
seconds = memoryview(mmap.mmap(int(sys.argv[1]), 8)).cast("d")
print("counts", flush=True)
ran, last = 0.0, time.monotonic()
while True:
    time.sleep(0.005)
    now = time.monotonic()
    ran += min(now - last, 0.1)
    last = now
    seconds[0] = ran
"""


@contextmanager
def machine_clock() -> Iterator[Callable[[], float]]:
    """Return a function that returns seconds; it lags another clock by 5 ms, or by stalls."""
    with tempfile.TemporaryFile() as file:
        file.truncate(_BYTES)
        seconds = memoryview(mmap.mmap(file.fileno(), _BYTES)).cast("d")
        arguments = [sys.executable, "-S", "-E", "-c", _COUNT, str(file.fileno())]
        with subprocess.Popen(
            arguments, pass_fds=[file.fileno()], stdout=subprocess.PIPE
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == b"counts\n"
                yield lambda: seconds[0]
            finally:
                process.kill()

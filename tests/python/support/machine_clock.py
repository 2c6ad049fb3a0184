"""A clock that stops while the machine does, for tests of how soon something happens.

On a shared machine everything may stand still for seconds. A process that only sleeps sees that:
it counts the time between two of its turns, of each no more than it can lose to a busy machine.
"""

from __future__ import annotations

import mmap
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# One number of eight bytes, aligned, which is written and read at once.
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
    """Give a function that returns seconds; they differ from another clock's by 5 ms or stalls."""
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

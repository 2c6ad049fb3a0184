"""Define what the fuzzers' tests run in other processes, which import it by name."""

from __future__ import annotations

import os
import signal
import sys
import time


def read_badly(case, folder):
    """Misbehave in the ways that the fuzzer must detect."""
    if case.number == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    if case.number == 3:
        time.sleep(60)
    if case.number == 5:
        raise TypeError("not an error of this package")
    return "read"


def call_a_target(name, output):
    """Run the program in a process of its own."""
    for number in (1, 2):
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    # Imported here, so that processes which only read start sooner.
    import odd_messages

    sys.argv = ["odd_messages.py", "--calls", "500", "--only", name]
    sys.exit(odd_messages.main())

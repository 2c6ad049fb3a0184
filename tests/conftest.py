"""Order all tests, and define the fixtures that every folder uses."""

from __future__ import annotations

import gc
import signal
from pathlib import Path

import pytest

from support.machine_clock import machine_clock

FOLDER = Path(__file__).parent
# The files whose tests take longest. They start first, so that no core is left alone with one at
# the end.
LONGEST = (
    "robustness/test_fuzz.py",
    "python/hosts/test_programs.py",
    "robustness/test_processes.py",
    "robustness/test_leaks.py",
    "robustness/test_kills.py",
    "robustness/test_signals.py",
    "python/decoding/test_exact.py",
    "python/patches/test_images.py",
    "python/chat/test_message_options.py",
    "python/decoding/test_damage.py",
    "python/decoding/test_concealment.py",
    "robustness/test_damage.py",
)


def pytest_collection_modifyitems(items):
    places = {FOLDER / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish():
    """Exempt modules and collected tests, which stay, from later garbage collections."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _interruptible():
    """Restore SIGINT: shells start background jobs with it ignored, and some tests send it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def clock():
    """Return a clock that stands still while the machine does."""
    with machine_clock() as now:
        yield now

"""The order of all tests, and what those of every folder use."""

from __future__ import annotations

import gc
import signal

import pytest

from machine_clock import machine_clock

# Files whose tests take longest, which begin first, so that no core is left with one at the end.
LONGEST = (
    *("fuzz", "integrations_programs", "processes", "leaks", "kills", "signals", "decoding_exact"),
    *("image_processing_batches", "message_options", "decoding_damage", "damage"),
)


def pytest_collection_modifyitems(items):
    places = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_collection_finish():
    """What was imported and collected stays: the garbage collector need not go over it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _interruptible():
    """Shells start what runs in the background with Ctrl-C ignored, and some tests send it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def clock():
    """Seconds that do not pass while the machine stands still."""
    with machine_clock() as now:
        yield now

"""Test threads of the caller, threads of the pool, forks, and the number of threads."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from keye_vl_rs import _core
from support.core import SPLIT, WRITTEN, assert_others_run_during, noise, write

pytestmark = pytest.mark.one_level


@pytest.mark.parametrize("call", ["resize", "hsv_from_rgb", "slow_fast", "write_patches"])
def test_other_threads_run_during_a_call(call):
    frames = np.broadcast_to(noise(1, 720, 1280, 3), (6, 720, 1280, 3))
    out = np.zeros(6 * 700 * 1260 * 3, np.float32)
    calls = {
        "resize": lambda: _core.resize(frames, 700, 1260),
        "hsv_from_rgb": lambda: _core.hsv_from_rgb(frames),
        "slow_fast": lambda: _core.slow_fast(frames, 700, 1260, **SPLIT),
        "write_patches": lambda: write(frames, slow=(700, 1260), out=out),
    }
    assert_others_run_during(calls[call])


def test_many_threads_at_once_give_equal_results():
    frames = noise(5, 90, 130, 3)
    types = [0, 1, 1, 0, 1]

    def work(index):
        out = np.zeros((2 * 24 + 3 * 4) * 588, np.float32)
        write(frames, types, (56, 84), (28, 28), out)
        resized = _core.resize(frames, 56 + index % 3, 84)
        return index % 3, out.tobytes(), resized.tobytes(), _core.hsv_from_rgb(frames).tobytes()

    with ThreadPoolExecutor(16) as pool:
        results = set(pool.map(work, range(120)))
    assert len(results) == 3


def test_threads_write_to_parts_of_one_array():
    frames = noise(2, 56, 56, 3)
    expected = write(frames)
    out = np.zeros((16, WRITTEN), np.float32)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda row: write(frames, out=row), out))
    assert all(np.array_equal(row, expected) for row in out)


def test_threads_at_once_with_changing_thread_counts(run_python):
    code = """
import threading
first = results()
same = []
def work(n):
    for i in range(4):
        os.environ["KEYE_VL_UTILS_PARALLEL_NUM"] = str(1 + (n + i) % 5)
        same.append(results() == first)
threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
[t.start() for t in threads]
[t.join() for t in threads]
print(json.dumps(same))
"""
    assert run_python(code) == [True] * 24


def test_forks_after_use(run_python):
    code = """
import threading
before = results()
stop = threading.Event()
def busy():
    while not stop.is_set():
        results()
# Forks happen while the pool is at work, as under a loader with threads of its own.
thread = threading.Thread(target=busy)
thread.start()
def fork(depth):
    child = os.fork()
    if child == 0:
        try:
            good = results() == before
            if depth:
                good = good and fork(depth - 1)
            os._exit(0 if good else 3)
        finally:
            os._exit(4)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
good = [fork(1) for _ in range(4)]
stop.set()
thread.join()
print(json.dumps([*good, results() == before]))
"""
    assert run_python(code, KEYE_VL_UTILS_PARALLEL_NUM="2") == [True] * 5


def test_forks_before_use(run_python):
    code = """
child = os.fork()
if child == 0:
    results()
    os._exit(7)
print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(results())]))
"""
    assert run_python(code, KEYE_VL_UTILS_PARALLEL_NUM="3")[0] == 7


def test_a_multiprocessing_pool_after_use(run_python):
    code = """
import multiprocessing
def work(_):
    return results() == before
before = results()
with multiprocessing.get_context("fork").Pool(3) as pool:
    print(json.dumps(pool.map(work, range(6))))
"""
    assert run_python(code, KEYE_VL_UTILS_PARALLEL_NUM="2") == [True] * 6


COUNT = "print(json.dumps(_core.thread_count()))"


@pytest.mark.parametrize(
    ("environment", "count"),
    [
        ({"KEYE_VL_UTILS_PARALLEL_NUM": "3"}, 3),
        ({"KEYE_VL_UTILS_PARALLEL_NUM": "3", "OMP_NUM_THREADS": "5"}, 3),
        ({"OMP_NUM_THREADS": "5"}, 5),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"KEYE_VL_UTILS_PARALLEL_NUM": " 6 "}, 6),
        ({"KEYE_VL_UTILS_PARALLEL_NUM": "0", "OMP_NUM_THREADS": "5"}, 5),
        ({"KEYE_VL_UTILS_PARALLEL_NUM": "many", "OMP_NUM_THREADS": "5"}, 5),
        ({"KEYE_VL_UTILS_PARALLEL_NUM": "", "OMP_NUM_THREADS": "5"}, 5),
        ({"KEYE_VL_UTILS_PARALLEL_NUM": "-4", "OMP_NUM_THREADS": "5"}, 5),
    ],
    ids=str,
)
def test_the_environment_says_how_many_threads(environment, count, run_python):
    assert run_python(COUNT, **environment) == count


def test_an_absurd_number_of_threads_is_limited(run_python):
    for text in ("100000", "99999999999999999999999999"):
        assert run_python(COUNT, KEYE_VL_UTILS_PARALLEL_NUM=text) <= 1024


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="affinity is Linux's")
def test_without_variables_affinity_says_how_many_threads(run_python):
    cores = sorted(os.sched_getaffinity(0))
    assert run_python(COUNT) <= len(cores)
    assert run_python(f"os.sched_setaffinity(0, [{cores[0]}])\n{COUNT}") == 1


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_threads_are_made_when_they_are_needed_and_no_more_than_asked_for(run_python):
    code = """
def threads():
    names = [open(f"/proc/self/task/{t}/comm").read() for t in os.listdir("/proc/self/task")]
    return sum(name.startswith("keye-vl") for name in names)
counts = [threads()]
results(); counts.append(threads())
results(); counts.append(threads())
print(json.dumps(counts))
"""
    assert run_python(code, KEYE_VL_UTILS_PARALLEL_NUM="3") == [0, 3, 3]
    assert run_python(code, KEYE_VL_UTILS_PARALLEL_NUM="1") == [0, 0, 0]


def test_the_number_of_threads_can_change_between_calls(run_python):
    code = """
counts, equal, first = [], [], results()
for n in ("1", "2", "7", "1"):
    os.environ["KEYE_VL_UTILS_PARALLEL_NUM"] = n
    counts.append(_core.thread_count())
    equal.append(results() == first)
print(json.dumps([counts, equal]))
"""
    assert run_python(code) == [[1, 2, 7, 1], [True] * 4]

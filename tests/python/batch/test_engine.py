"""Test the threads that work on several tasks: order, look-ahead, and stopping."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import weakref

import pytest

from keye_vl_rs.batch.engine import Finished, Started, StopFlag, run_concurrently

pytestmark = pytest.mark.without_pixels

# A test that waits longer has failed; nothing here takes that long.
PATIENCE_S = 20


def job_threads():
    return [one for one in threading.enumerate() if one.name.startswith("keye-vl-rs job")]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert job_threads() == []


def finished(tasks, work, *, workers=2, stop=None, ordered=False):
    events = run_concurrently(
        tasks, work, workers=workers, stop=stop or StopFlag(), ordered=ordered
    )
    for event in events:
        if isinstance(event, Finished):
            yield event


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 3, 20])
@pytest.mark.parametrize("ordered", [False, True])
def test_each_task_is_reported_once(workers, count, ordered):
    events = list(finished(range(count), lambda n: n * n, workers=workers, ordered=ordered))
    results = {event.task: event.result for event in events}
    assert len(events) == count
    assert results == {n: n * n for n in range(count)}
    if ordered or workers == 1:
        assert list(results) == list(range(count))


def test_a_task_starts_before_it_finishes():
    events = list(run_concurrently("ab", str.upper, workers=2, stop=StopFlag()))
    for task in "ab":
        kinds = [type(event) for event in events if event.task == task]
        assert kinds == [Started, Finished]


@pytest.mark.parametrize("ordered", [False, True])
def test_results_come_as_they_are_done_or_in_order(ordered):
    """Task 0 waits until task 2 has begun, which another worker takes after task 1."""
    begun = threading.Event()

    def work(number):
        if number == 0:
            assert begun.wait(PATIENCE_S)
        if number == 2:
            begun.set()
        return number

    numbers = [event.result for event in finished(range(3), work, ordered=ordered)]
    assert sorted(numbers) == [0, 1, 2]
    assert (numbers[0] == 0) == ordered


@pytest.mark.parametrize("ordered", [False, True])
def test_a_slow_caller_holds_the_workers_back(ordered):
    """At most two results per worker exist, and no more tasks than that have been taken."""

    class Tensor:
        pass

    alive, taken = weakref.WeakSet(), []

    def tasks():
        for number in range(12):
            taken.append(number)
            yield number

    def work(number):
        result = Tensor()
        alive.add(result)
        return result

    events = finished(tasks(), work, ordered=ordered)
    for count in range(1, 13):
        event = next(events)
        # Let the workers do whatever they are allowed to do.
        deadline = time.monotonic() + 0.05
        while time.monotonic() < deadline:
            assert len(alive) <= 4
            assert len(taken) <= count + 3
            time.sleep(0.005)
        del event
    assert next(events, None) is None


def test_tasks_are_taken_in_the_callers_thread_and_not_all_at_once():
    threads, taken = set(), []

    def endless():
        while True:
            threads.add(threading.get_ident())
            taken.append(None)
            yield len(taken)

    events = finished(endless(), lambda n: n, workers=3, ordered=True)
    assert [next(events).result for _ in range(5)] == [1, 2, 3, 4, 5]
    events.close()
    assert threads == {threading.get_ident()}
    assert len(taken) <= 5 + 2 * 3


def test_an_error_is_reported_like_a_result():
    def work(number):
        if number % 2:
            raise ValueError(number)
        return number

    events = list(finished(range(4), work, ordered=True))
    assert [event.result for event in events] == [0, None, 2, None]
    assert [str(event.error) for event in events if event.error] == ["1", "3"]


def test_an_error_of_the_tasks_ends_the_run():
    def tasks():
        yield 1
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        list(finished(tasks(), lambda n: n))


@pytest.mark.parametrize("end", ["close", "stop", "error"])
def test_work_in_flight_is_cancelled(end):
    """Each call checks the flag, as calls of this package do."""
    stop, entered = StopFlag(), threading.Semaphore(0)

    def work(number):
        entered.release()
        if number:
            while not stop.is_set():
                time.sleep(0.001)
        return number

    events = finished(range(10), work, workers=3, stop=stop)
    assert next(events).result == 0
    for _ in range(4):
        assert entered.acquire(timeout=PATIENCE_S)
    began = time.monotonic()
    if end == "close":
        events.close()
    elif end == "error":
        with pytest.raises(KeyboardInterrupt):
            events.throw(KeyboardInterrupt())
    else:
        stop.set()
        # What was in flight is reported; nothing else is started.
        assert sorted(event.result for event in events) == [1, 2, 3]
    assert time.monotonic() - began < PATIENCE_S
    assert stop.is_set()
    assert job_threads() == []


def test_another_flag_stops_it_too():
    flag = threading.Event()
    stop = StopFlag(flag)
    assert not stop.is_set()
    flag.set()
    assert stop.is_set()
    assert list(finished(range(5), str, stop=stop)) == []


EXIT = """
import threading, time
from keye_vl_rs.batch.engine import StopFlag, run_concurrently

stop, entered = StopFlag(), threading.Event()

def work(task):
    entered.set()
    while not stop.is_set():
        time.sleep(0.001)
    print("stopped", flush=True)

events = run_concurrently([1], work, workers=1, stop=stop)
next(events)
entered.wait()
"""


def test_the_end_of_the_program_stops_it():
    done = subprocess.run(
        [sys.executable, "-c", EXIT], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("stopped\n", "")

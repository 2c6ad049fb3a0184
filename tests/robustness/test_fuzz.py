"""A short run of the fuzzers, the same every time; `make fuzz` runs them as long as wanted."""

from __future__ import annotations

import os
import re
import signal
import time
import warnings

import pytest

import damage
import damaged_media
import odd_messages


def test_damaged_media_are_read_or_refused(tmp_path):
    report = damaged_media.run(first=0, count=800, seconds=600, jobs=2)
    assert report.count == 800
    assert report.faults == []
    assert report.outcomes["read"] > 200
    assert report.outcomes["UnreadableMediaError"] > 200
    assert report.outcomes["DecodeError"] > 50


def test_a_number_always_gives_the_same_damage():
    first = [damage.case(number).data for number in range(40)]
    assert first == [damage.case(number).data for number in range(40)]
    assert len(set(first)) > 35
    originals = set(damage.originals().values())
    assert sum(data in originals for data in first) < 5


def read_badly(case, folder):
    """What must not happen, in a process of its own."""
    if case.number == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    if case.number == 3:
        time.sleep(60)
    if case.number == 5:
        raise TypeError("not an error of this package")
    return "read"


def test_a_fault_is_a_fault(tmp_path, capfd):
    """Else a run without faults would say nothing."""
    keep = tmp_path / "kept"
    report = damaged_media.run(0, 7, seconds=60, jobs=1, keep=keep, patience=5, read=read_badly)
    crash, hang, error = report.faults
    assert re.fullmatch(r"case 1 \(.*\): the process ended with -11", crash)
    assert re.fullmatch(r"case 3 \(.*\): no end within 5 s", hang)
    assert re.fullmatch(r"case 5 \(.*\): TypeError: not an error of this package", error)
    assert report.outcomes == {"read": 4, "FAULT": 3}
    for number in (1, 3, 5):
        case = damage.case(number)
        assert (keep / f"{number}-{case.name}").read_bytes() == case.data


@pytest.mark.parametrize("name", odd_messages.targets())
def test_messages_and_arguments(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        odd_messages.run(name, examples=1000, start=0)

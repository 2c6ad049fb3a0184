"""Run the fuzzers briefly, with the same seed every time; `make fuzz` runs them for longer."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import strategies as st
from PIL import Image

import damage
import damaged_media
import odd_messages
from fuzz_processes import call_a_target, read_badly
from keye_vl_rs import vision_process
from keye_vl_rs.errors import LimitError
from support import forked


def test_damaged_media_are_read_or_refused(tmp_path):
    report = damaged_media.run(first=0, count=500, seconds=600, jobs=2)
    assert report.count == 500
    assert report.faults == []
    assert report.outcomes["read"] > 120
    assert report.outcomes["UnreadableMediaError"] > 120
    assert report.outcomes["DecodeError"] > 30


def test_a_number_always_gives_the_same_damage():
    first = [damage.case(number).data for number in range(40)]
    assert first == [damage.case(number).data for number in range(40)]
    assert len(set(first)) > 35
    originals = set(damage.originals().values())
    assert sum(data in originals for data in first) < 5


def test_a_fault_is_a_fault(tmp_path, capfd):
    """If the fuzzer missed faults, a run without faults would mean nothing."""
    keep = tmp_path / "kept"
    report = damaged_media.run(0, 7, seconds=60, jobs=1, keep=keep, patience=10, read=read_badly)
    crash, hang, error = report.faults
    assert re.fullmatch(r"case 1 \(.*\): the process ended with -11", crash)
    assert re.fullmatch(r"case 3 \(.*\): no end within 10 s", hang)
    assert re.fullmatch(r"case 5 \(.*\): TypeError: not an error of this package", error)
    assert report.outcomes == {"read": 4, "FAULT": 3}
    for number in (1, 3, 5):
        case = damage.case(number)
        assert (keep / f"{number}-{case.name}").read_bytes() == case.data


@pytest.mark.parametrize("name", odd_messages.targets())
def test_messages_and_arguments(name, tmp_path):
    """The process is limited to little memory."""
    output = tmp_path / "output"
    process = forked.start(call_a_target, name, output)
    process.join(600)
    process.kill()
    assert process.exitcode == 0, output.read_text()
    assert output.read_text().splitlines()[-1].startswith(f"{name}: 500 calls")


def ask(call, monkeypatch, limits):
    """Make one call of a custom target, under the memory bound and the given limits."""
    monkeypatch.setattr(
        odd_messages, "targets", lambda: {"one": (call, {"pixels": st.just(2 * 10**9)})}
    )
    with odd_messages.bounded_memory(limits):
        odd_messages.run("one", examples=1, start=0)


def test_memory_that_no_limit_refuses_is_a_fault(monkeypatch):
    """A message that asked for two billion pixels did this before sizes were limited."""
    image = Image.new("RGB", (30, 30))
    message = {"image": image, "min_pixels": 2 * 10**9, "max_pixels": 2 * 10**9}
    asked = []

    def unlimited(pixels):
        vision_process.fetch_image(message)

    def limited(pixels):
        with pytest.raises(LimitError, match=r"exceeds resized_pixels \(1,000,000"):
            vision_process.fetch_image(message)
        asked.append(pixels)

    ask(limited, monkeypatch, odd_messages.LIMITS)
    assert asked == [2 * 10**9]
    with pytest.raises(AssertionError, match="a call asks for memory that no limit refuses"):
        ask(unlimited, monkeypatch, dict.fromkeys(odd_messages.LIMITS, "inf"))
    assert not odd_messages.LIMITS.keys() & os.environ.keys()

"""Run a short form of `make leaks`, which processes 2,000 items."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path

import pytest

import leaks


@pytest.mark.parametrize("calls", [leaks.good, leaks.failing])
def test_nothing_stays_behind(calls, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        growth = leaks.measure(350, calls(tmp_path))
    assert growth.after.descriptors <= growth.before.descriptors, str(growth)
    assert growth.after.threads <= growth.before.threads, str(growth)
    # The growth allowed for 200 items; one leaked frame per item would exceed it.
    assert growth.share < 0.03, str(growth)


def test_what_stays_behind_is_seen(tmp_path):
    """If the program missed leaks, a run without growth would mean nothing."""
    kept = []

    def calls():
        for number in itertools.count():
            file = open(tmp_path / str(number), "wb")  # noqa: SIM115
            yield lambda file=file: kept.append((file, bytearray(b"x" * 500_000)))

    growth = leaks.measure(300, calls(), warm_up=20)
    for file, _ in kept:
        file.close()
    assert len(growth.faults) == 2
    assert "descriptors grew" in growth.faults[0]
    assert "resident memory grew" in growth.faults[1]
    assert Path(kept[0][0].name).parent == tmp_path

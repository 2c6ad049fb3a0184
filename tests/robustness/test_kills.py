"""Kill the command line at any point: the files it leaves are whole, and the next run resumes."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np

from support import cli_programs
from support.cli import copies, leftovers, made, run
from support.clips import Clip

KILLS = 50
VIDEOS = 8


def contents(folder):
    return {name: Path(folder, name).read_bytes() for name in made(folder)}


def started(*arguments):
    """Return a process that has just started its work."""
    Path("started").unlink(missing_ok=True)
    process = cli_programs.start(".", *arguments)
    while process.is_alive() and not Path("started").exists():
        time.sleep(0.001)
    return process


def test_fifty_kills(tmp_path, monkeypatch):
    clip = Clip("clip.mp4", count=50, width=192, height=128).write(tmp_path)
    monkeypatch.chdir(tmp_path)
    copies(clip, VIDEOS)
    options = ("in", "--fps", 5, "-o")
    undisturbed = started(*options, "right", "--jobs", 2)
    began = time.monotonic()
    undisturbed.join()
    longest = time.monotonic() - began
    right = contents("right")
    assert len(right) == VIDEOS

    random = np.random.default_rng(0)
    killed_at_work, whole, completed = 0, 0, 0
    for _ in range(KILLS):
        process = started(*options, "out", "--jobs", 2)
        with cli_programs.ended(process):
            # At any point: while it looks for videos, reads, writes, or exits.
            process.join(random.uniform(0, longest))
            killed_at_work += process.is_alive()
        found = contents("out")
        assert found.items() <= right.items()
        whole += bool(found)
        if found == right:
            completed += 1
            shutil.rmtree("out")
    assert killed_at_work > KILLS / 4
    assert whole > KILLS / 4
    assert completed >= 1

    result = run(*map(str, options), "out")
    assert result.exit_code == 0, result.output
    assert contents("out") == right
    assert leftovers(".") == []

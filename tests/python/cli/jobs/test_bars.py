"""Test the progress bars of the command line, on a terminal that is a text."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from keye_vl_rs import Progress
from keye_vl_rs.cli.jobs.bars import Bars, _clock
from keye_vl_rs.cli.jobs.display import Display
from keye_vl_rs.cli.outputs import Job
from support.cli import call_before, run

pytestmark = pytest.mark.one_level

JOBS = [Job(f"{name}.mp4", Path(f"{name}.safetensors")) for name in "ab"]


@pytest.fixture
def clock(monkeypatch):
    """Replace the clock by one that advances a second whenever it is read."""
    now = [0.0]

    def tick():
        now[0] += 1
        return now[0]

    monkeypatch.setattr(time, "monotonic", tick)
    return now


def make(videos=2, width=100):
    console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    return Bars(console, videos, disable=False)


def rows(bars, *, with_times=False):
    """Return what is shown beside the bars, line by line, with or without the time left."""
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(bars._progress.get_renderable())
    lines = console.file.getvalue().splitlines()
    hidden = (
        r"[\u2501\u2578\u257a]" if with_times else r"[\u2501\u2578\u257a]|[-\d]:[-\d]{2}:[-\d]{2} "
    )
    return [" ".join(re.sub(hidden, "", f"{line} ").split()) for line in lines]


def decoded(seconds, total, stage="decode"):
    return Progress(stage, seconds, total, frames_done=1, frames_total=9)


def test_there_is_a_bar_for_all_and_one_for_each_in_flight(clock):
    bars = make()
    for job in JOBS:
        bars.add(job, job.source)
    bars.advance(JOBS[0], decoded(65.0, 723.0))
    bars.advance(JOBS[1], decoded(30.5, 61.0))
    assert rows(bars) == [
        "0/2",
        "1:05 of 12:03 a.mp4",
        "0:30 of 1:01 b.mp4",
    ]
    assert bars._progress.tasks[0].completed == pytest.approx(65 / 723 + 0.5)
    bars.remove(JOBS[0])
    assert rows(bars) == ["1/2", "0:30 of 1:01 b.mp4"]
    # A last report may come late.
    bars.advance(JOBS[0], decoded(66.0, 723.0))
    assert len(rows(bars)) == 2
    assert bars._progress.tasks[0].completed == pytest.approx(1.5)


def test_a_single_video_has_one_bar(clock):
    bars = make(videos=1)
    bars.add(JOBS[0], "a.mp4")
    bars.advance(JOBS[0], decoded(1.0, 2.0))
    assert rows(bars) == ["0:01 of 0:02 a.mp4"]


def test_the_time_left_is_that_of_the_video(monkeypatch):
    """Of a video of 100 s, 10 s take a second; after 30 s it has 7 s left."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    bars = make(videos=1)
    bars._progress.get_time = lambda: now[0]
    bars.add(JOBS[0], "a.mp4")
    for second in range(1, 4):
        now[0] = float(second)
        bars.advance(JOBS[0], decoded(10.0 * second, 100.0))
    assert rows(bars, with_times=True) == ["0:30 of 1:40 0:00:07 a.mp4"]


def test_stages_have_texts_of_their_own(clock):
    bars = make(videos=1)
    bars.add(JOBS[0], "[a].mp4")
    seen = []
    for one in (
        Progress("fetch", bytes_done=1_500_000),
        Progress("fetch", bytes_done=2_000_000, bytes_total=4_000_000),
        Progress("decode", frames_done=1, frames_total=4),
        decoded(1.0, 2.0, "redecode"),
    ):
        bars.advance(JOBS[0], one)
        seen += rows(bars)
    assert seen == [
        "1.5 MB downloading [a].mp4",
        "2.0 MB of 4.0 MB downloading [a].mp4",
        "1 of 4 frames [a].mp4",
        "0:01 of 0:02 decoding again [a].mp4",
    ]


def test_a_bar_is_not_updated_at_every_frame(monkeypatch):
    now = [5.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    bars = make(videos=1)
    bars.add(JOBS[0], "a.mp4")
    updates = []
    monkeypatch.setattr(bars._progress, "update", lambda *args, **fields: updates.append(fields))
    for frame in range(100):
        now[0] = 5.0 + frame / 100
        bars.advance(JOBS[0], decoded(frame, 100))
    assert len(updates) <= 10


def test_hours_are_shown_from_one_on():
    assert [_clock(seconds) for seconds in (0.9, 59, 60, 3599.5, 3600, 36_061)] == [
        *("0:00", "0:59", "1:00", "59:59", "1:00:00", "10:01:01")
    ]


def test_control_characters_in_names_are_escaped(clock):
    bars = make(videos=1)
    bars.add(JOBS[0], "a\n\x1b[31mb.mp4")
    assert rows(bars) == ["a\\n\\x1b[31mb.mp4"]


def test_nobody_reports_progress_where_no_terminal_shows_it(videos, monkeypatch):
    seen = []
    call_before(monkeypatch, lambda name, options: seen.append(options["progress"]))
    assert run("a.mp4").exit_code == 0
    assert run("a.mp4", "--overwrite", FORCE_COLOR="1", TERM="xterm").exit_code == 0
    assert run("a.mp4", "--overwrite", "--json", FORCE_COLOR="1", TERM="xterm").exit_code == 0
    assert [one is None for one in seen] == [True, False, True]


def test_addresses_are_shown_without_credentials():
    display = Display([], as_json=False)
    added = []
    display._bars = SimpleNamespace(add=lambda job, name: added.append(name))
    job = SimpleNamespace(source="https://user:secret@example.org/a/clip.mp4?token=secret")
    display.show(SimpleNamespace(kind="started", job=job))
    assert added == ["clip.mp4"]

"""Test deadlines and cancel flags, alone and while FFmpeg reads."""

from __future__ import annotations

import io
import threading
import time

import av
import pytest

from keye_vl_rs._media.deadline import Deadline
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import (
    CancelledError,
    InvalidArgumentError,
    KeyeVLError,
    MediaError,
    MediaTimeoutError,
    PartialVideoWarning,
)
from support.clips import Clip, every

pytestmark = pytest.mark.without_pixels


class CountingFlag:
    """Become set from query number ``free`` on, counted from 0."""

    def __init__(self, free):
        self.free = free
        self.asked = 0

    def is_set(self):
        self.asked += 1
        return self.asked > self.free


def decode(deadline, data):
    """Return how many frames FFmpeg finds in a watched file."""
    with av.open(deadline.reading(io.BytesIO(data))) as container:
        return sum(1 for _ in container.decode(video=0))


def test_nothing_to_watch():
    deadline = Deadline("a.mp4")
    deadline.check()
    assert deadline.left() is None
    assert deadline.name == "a.mp4"


@pytest.fixture
def clock(monkeypatch):
    """Replace the clock by one that the test advances."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def go_on(seconds):
        now[0] += seconds

    return go_on


def test_deadline(clock):
    deadline = Deadline("a.mp4", 0.05)
    deadline.check()
    assert deadline.left() == pytest.approx(0.05)
    clock(0.04)
    deadline.check()
    assert deadline.left() == pytest.approx(0.01)
    clock(0.02)
    assert deadline.left() == 0
    with pytest.raises(MediaTimeoutError, match=r"^a\.mp4: timed out after 0\.05 s"):
        deadline.check()


def test_flag():
    flag = threading.Event()
    deadline = Deadline("a.mp4", cancel=flag)
    deadline.check()
    assert deadline.left() is None
    flag.set()
    with pytest.raises(CancelledError, match=r"^a\.mp4: cancelled$"):
        deadline.check()


def test_the_flag_comes_before_the_deadline():
    deadline = Deadline("a.mp4", 1e-9, CountingFlag(0))
    with pytest.raises(CancelledError):
        deadline.check()


def test_kinds_of_errors():
    assert issubclass(MediaTimeoutError, MediaError)
    assert issubclass(MediaTimeoutError, TimeoutError)
    assert issubclass(CancelledError, KeyeVLError)
    assert not issubclass(CancelledError, MediaError)
    assert issubclass(PartialVideoWarning, UserWarning)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan"), "3", True, [1]])
def test_wrong_timeout(timeout):
    with pytest.raises(InvalidArgumentError, match=r"timeout is .*: expected a positive number"):
        Deadline("a.mp4", timeout)


@pytest.mark.parametrize("cancel", [True, 0, threading.Event, threading.Lock()])
def test_wrong_flag(cancel):
    with pytest.raises(InvalidArgumentError, match=r"cancel is .*: expected .*is_set\(\)"):
        Deadline("a.mp4", cancel=cancel)


def test_reading(h264):
    file = io.BytesIO(h264.read_bytes())
    view = Deadline("a.mp4", 60).reading(file)
    assert view.read(4) == file.getvalue()[:4]
    assert view.tell() == 4
    assert view.seek(-4, io.SEEK_END) == len(file.getvalue()) - 4
    assert view.read() == file.getvalue()[-4:]


def test_all_of_a_video_is_read(h264):
    assert decode(Deadline("a.mp4", 60, threading.Event()), h264.read_bytes()) == 40


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
def test_any_read_may_be_the_last(name, tmp_path, capfd):
    """An error raised in any read leaves FFmpeg, and nothing is printed."""
    data = Clip(name, width=320, height=240, count=60).write(tmp_path).read_bytes()
    counting = CountingFlag(1 << 30)
    assert decode(Deadline(name, cancel=counting), data) == 60
    assert counting.asked > 3
    for free in range(counting.asked):
        with pytest.raises(CancelledError, match=name):
            decode(Deadline(name, cancel=CountingFlag(free)), data)
    assert "dropped" not in capfd.readouterr().err


def test_deadline_while_ffmpeg_reads(h264, clock):
    class Slow(io.BytesIO):
        def read(self, size=-1):
            clock(0.03)
            return super().read(min(size, 1000))

    deadline = Deadline("slow.mp4", 0.1)
    with pytest.raises(MediaTimeoutError, match=r"slow\.mp4"):
        av.open(deadline.reading(Slow(h264.read_bytes())))


def test_errors_of_the_file_come_out_of_ffmpeg(h264):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        av.open(Deadline("a.mp4").reading(Broken(h264.read_bytes())))


class Interrupted(io.BytesIO):
    """Read in small pieces, one of which is interrupted."""

    def __init__(self, data, after, raised):
        super().__init__(data)
        self.left, self.raised = after, raised

    def read(self, size=-1):
        self.left -= 1
        if self.left < 0:
            raise self.raised
        return super().read(min(size, 5000))


@pytest.mark.parametrize("raised", [KeyboardInterrupt("pressed"), SystemExit(3)])
def test_what_is_no_exception_comes_through_pyav(raised, h264, capfd):
    """PyAV would print it and continue as if the file were damaged."""
    data = h264.read_bytes()
    whole = Interrupted(data, 10**6, raised)
    sample_video(whole, every)
    reads = 10**6 - whole.left
    assert reads > len(data) // 5000
    for after in range(reads):
        with pytest.raises(type(raised)) as caught:
            sample_video(Interrupted(data, after, raised), every)
        assert caught.value is raised
    assert "Exception ignored" not in capfd.readouterr().err

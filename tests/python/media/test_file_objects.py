"""Test videos in file objects: used in place or copied, and errors of bad ones."""

from __future__ import annotations

import gzip
import io
import mmap
import os
import tempfile
import threading

import numpy as np
import pytest

from keye_vl_rs._media.deadline import Deadline
from keye_vl_rs._media.sources import describe_source, open_bytes, open_media
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import (
    CancelledError,
    EmptyMediaError,
    InvalidArgumentError,
    MediaError,
    MediaTimeoutError,
)
from support.clips import decode_all, every, pixels

pytestmark = pytest.mark.without_pixels

DATA = bytes(range(256)) * 1000


class Reader:
    """Provide the minimum that a file object can have."""

    def __init__(self, data):
        self.file = io.BytesIO(data)

    def read(self, size):
        return self.file.read(size)


class Seeker(Reader):
    """Seek without ``seekable()``, return nothing from it, and read in small pieces."""

    def read(self, size):
        return self.file.read(min(size, 100))

    def seek(self, offset, whence=0):
        self.file.seek(offset, whence)

    def tell(self):
        return self.file.tell()


class Returning(Seeker):
    def __init__(self, value):
        super().__init__(DATA)
        self.value = value

    def read(self, size):
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def read(source, deadline=None):
    with open_bytes(source, deadline) as file:
        return file.read()


@pytest.fixture(params=["file", "unbuffered", "bytesio", "gzip", "temporary", "mmap", "seeker"])
def seekable(request, tmp_path):
    """Return a file object of each kind, positioned in the middle of ``DATA``."""
    path = tmp_path / "data"
    path.write_bytes(gzip.compress(DATA) if request.param == "gzip" else DATA)
    with path.open("rb") as base, tempfile.SpooledTemporaryFile() as temporary:
        temporary.write(DATA)
        make = {
            "file": lambda: base,
            "unbuffered": lambda: base.raw,
            "bytesio": lambda: io.BytesIO(DATA),
            "gzip": lambda: gzip.GzipFile(fileobj=base),
            "temporary": lambda: temporary,
            "mmap": lambda: mmap.mmap(base.fileno(), 0, access=mmap.ACCESS_READ),
            "seeker": lambda: Seeker(DATA),
        }
        file = make[request.param]()
        file.seek(1000)
        yield file


def test_seekable(seekable):
    with open_media(seekable) as file:
        assert file.tell() == 0
        assert file.read() == DATA
        assert file.seek(-10, io.SEEK_END) == len(DATA) - 10
        assert file.read(100) == DATA[-10:]
    assert not getattr(seekable, "closed", False)
    assert seekable.tell() == 1000
    assert seekable.read(4) == DATA[1000:1004]


def test_seekable_after_an_error(seekable):
    def fail():
        with open_media(seekable) as file:
            file.read(5000)
            raise RuntimeError("of the user")

    with pytest.raises(RuntimeError, match="of the user"):
        fail()
    assert seekable.tell() == 1000


def test_not_seekable():
    file = Reader(DATA)
    file.read(1000)
    assert read(file) == DATA[1000:]


def test_pipe():
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb") as file, os.fdopen(theirs, "wb") as sink:
        sender = threading.Thread(target=lambda: (sink.write(DATA), sink.close()))
        sender.start()
        assert read(file) == DATA
        sender.join()
        assert not file.closed


@pytest.mark.parametrize("wrap", [io.BytesIO, Reader, Seeker])
def test_video(wrap, h264):
    sampled = sample_video(wrap(h264.read_bytes()), every)
    np.testing.assert_array_equal(pixels(sampled), decode_all(h264))


@pytest.mark.parametrize("wrap", [io.BytesIO, Reader, Seeker])
def test_empty(wrap):
    with pytest.raises(EmptyMediaError, match=f"^<{wrap.__name__} object>: the file is empty"):
        read(wrap(b""))


@pytest.mark.parametrize("wrap", [Reader, Seeker])
def test_watched(wrap):
    deadline = Deadline("video", 1e-9)
    with pytest.raises(MediaTimeoutError, match="video"):
        read(wrap(DATA), deadline)
    flag = threading.Event()
    flag.set()
    with pytest.raises(CancelledError, match="video"):
        read(wrap(DATA), Deadline("video", cancel=flag))


def test_deadline_while_a_pipe_trickles(clock):
    ours, theirs = os.pipe()
    stop = threading.Event()

    def send():
        while not stop.wait(0.02):
            os.write(theirs, b"x")
        os.close(theirs)

    sender = threading.Thread(target=send)
    with os.fdopen(ours, "rb") as file:
        sender.start()
        began = clock()
        with pytest.raises(MediaTimeoutError):
            read(file, Deadline("video", 0.2))
        assert clock() - began < 2
        stop.set()
        sender.join()


def test_place_after_the_deadline():
    file = Seeker(DATA)
    file.seek(7)
    with pytest.raises(MediaTimeoutError):
        read(file, Deadline("video", 1e-9))
    assert file.tell() == 7


def test_text(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_text("text")
    as_text = r"opened in text mode; open it in binary mode \('rb'\)"
    with path.open() as file, pytest.raises(InvalidArgumentError, match=rf"clip\.mp4: {as_text}"):
        read(file)
    with (
        # Its class does not show that it is text.
        tempfile.NamedTemporaryFile("w+") as temporary,
        pytest.raises(InvalidArgumentError, match=as_text),
    ):
        read(temporary)
    with pytest.raises(InvalidArgumentError, match=f"<StringIO object>: {as_text}"):
        read(io.StringIO("text"))


def test_not_for_reading(tmp_path):
    reason = r"new\.mp4 is not open for reading: expected a file opened with mode 'rb'"
    with (
        (tmp_path / "new.mp4").open("wb") as file,
        pytest.raises(InvalidArgumentError, match=reason),
    ):
        read(file)


def test_closed(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(DATA)
    with path.open("rb") as file:
        pass
    with pytest.raises(MediaError, match=r"clip\.mp4: cannot be read: .*closed file"):
        read(file)


@pytest.mark.parametrize(
    ("value", "error", "reason"),
    [
        (OSError(5, "Input/output error"), MediaError, "cannot be read: Input/output error"),
        (ConnectionResetError(), MediaError, "cannot be read: ConnectionResetError"),
        ("text", InvalidArgumentError, "opened in text mode"),
        (None, InvalidArgumentError, r"read\(\) returned NoneType: expected bytes"),
        ([1], InvalidArgumentError, r"read\(\) returned list: expected bytes"),
        (b"x" * (1 << 21), InvalidArgumentError, r"read\(\d+\) returned 2097152 bytes"),
    ],
)
def test_bad_reads(value, error, reason):
    in_place = Returning(value)
    copied = Reader(DATA)
    copied.read = in_place.read
    for source in (in_place, copied):
        with pytest.raises(error, match=f"^<{type(source).__name__} object>: {reason}"):
            read(source)


def test_bad_read_in_the_middle_of_a_video(h264):
    class Breaking(Seeker):
        def read(self, size):
            if self.tell() > 3000:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(MediaError, match=r"<Breaking object>: cannot be read: Input/output error"):
        sample_video(Breaking(h264.read_bytes()), every)


def test_errors_of_other_kinds_are_the_users():
    class OwnError(Exception):
        pass

    with pytest.raises(OwnError):
        read(Returning(OwnError()))


def test_describe(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(DATA)
    with path.open("rb") as file, tempfile.TemporaryFile() as nameless:
        assert describe_source(file) == str(path)
        assert describe_source(nameless) == f"<{type(nameless).__name__} object>"
    assert describe_source(io.BytesIO()) == "<BytesIO object>"
    remote = Reader(b"")
    remote.name = "http://user:secret@host/clip.mp4?token=hidden"
    assert describe_source(remote) == "http://host/clip.mp4"


def test_a_class_is_not_a_file():
    with pytest.raises(InvalidArgumentError, match="binary file object, not type"):
        read(io.BytesIO)

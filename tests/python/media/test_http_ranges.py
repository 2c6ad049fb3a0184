"""Test which parts of remote videos are downloaded, and that servers may behave in any way."""

from __future__ import annotations

import tempfile
import threading

import pytest

from keye_vl_rs import Limits, count_tokens, preprocess_video, probe_video
from keye_vl_rs.errors import (
    CancelledError,
    EmptyMediaError,
    LimitError,
    MediaError,
    MediaTimeoutError,
    SourceNotAllowedError,
)
from support.clips import Clip
from support.probe import assert_probed
from support.range_server import BLOCK, serve_ranges

pytestmark = pytest.mark.one_level

FASTSTART = {"movflags": "faststart"}
# Noise, so that the frames take much more space than the index.
QUALITY = {"qp": "3", "preset": "ultrafast", "x264-params": "keyint=20"}
SIZE = {"width": 480, "height": 360}
LARGE = {**SIZE, "count": 60, "options": QUALITY}


@pytest.fixture(autouse=True)
def _local_addresses(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")


@pytest.fixture(scope="module")
def at_end(folder):
    return Clip("at_end.mp4", **LARGE).write(folder)


@pytest.fixture(scope="module")
def at_start(folder):
    return Clip("at_start.mp4", format_options=FASTSTART, **LARGE).write(folder)


def test_index_at_the_start(at_start):
    data = at_start.read_bytes()
    assert len(data) > 10 * BLOCK
    with serve_ranges(data) as served:
        probe = assert_probed(served, at_start)
    assert served.requests == ["bytes=0-65535"]
    assert served.sent == BLOCK
    assert probe.estimated == ("key_frames", "packets_needed")


def test_index_at_the_end(at_end):
    data = at_end.read_bytes()
    with serve_ranges(data) as served:
        assert_probed(served, at_end)
    assert len(served.requests) == 2
    assert served.sent < 2 * BLOCK < len(data)


def test_index_of_more_than_a_block(at_end, tmp_path):
    data = at_end.read_bytes()
    index = data.index(b"moov") - 4
    size = len(data) - index
    padding = (3 * BLOCK).to_bytes(4, "big") + b"free" + bytes(3 * BLOCK - 8)
    path = tmp_path / "padded.mp4"
    path.write_bytes(
        data[:index] + (size + len(padding)).to_bytes(4, "big") + data[index + 4 :] + padding
    )
    with serve_ranges(path.read_bytes()) as served:
        assert_probed(served, path)
    assert len(served.requests) == 3
    assert served.sent < 5 * BLOCK


def test_codecs_are_found_across_blocks_of_a_large_index(at_end, tmp_path):
    """The index is searched in blocks, and the name of the codec lies in two of them."""
    data = at_end.read_bytes()
    index = data.index(b"moov") - 4
    size = len(data) - index
    space = 2 * BLOCK - 2 - (data.index(b"avc1", index) - index)
    padding = space.to_bytes(4, "big") + b"free" + bytes(space - 8)
    path = tmp_path / "padded.mp4"
    path.write_bytes(
        data[:index] + (size + space).to_bytes(4, "big") + b"moov" + padding + data[index + 8 :]
    )
    assert (path.read_bytes().index(b"avc1", index) - index) % BLOCK == BLOCK - 2
    with serve_ranges(path.read_bytes()) as served:
        assert_probed(served, path)
    assert served.sent < 5 * BLOCK


def test_other_formats_are_downloaded_completely(folder):
    data = Clip("whole.mkv", **LARGE).write(folder).read_bytes()
    assert len(data) > 2 * BLOCK
    with serve_ranges(data) as served:
        probe = probe_video(served.url)
    assert served.requests == ["bytes=0-65535", f"bytes=65536-{len(data) - 1}"]
    assert served.sent == len(data)
    assert not probe.estimated


def test_many_fragments_are_downloaded_completely(folder):
    movflags = {"movflags": "frag_every_frame+empty_moov"}
    clip = Clip("fragments.mp4", count=60, width=320, height=240, format_options=movflags)
    path = clip.write(folder)
    with serve_ranges(path.read_bytes()) as served:
        assert not assert_probed(served, path).estimated
    assert served.sent == len(path.read_bytes())


def test_servers_without_ranges(at_end):
    data = at_end.read_bytes()
    with serve_ranges(data, ranges=False) as served:
        assert not assert_probed(served, at_end).estimated
    # The first answer is the whole file.
    assert len(served.requests) == 1
    assert served.sent == len(data)


@pytest.mark.parametrize("status", [405, 416, 501])
def test_servers_that_refuse_ranges(status, at_end):
    with serve_ranges(at_end.read_bytes(), status=status) as served:
        assert_probed(served, at_end)
    assert served.requests == ["bytes=0-65535", None]


@pytest.mark.parametrize(
    "wrong",
    ["bytes 0-65535/*", "bytes 5-65540/99999999", "bytes 0-99/100000", "pages 1-2/3", ""],
)
def test_ranges_that_are_wrong(wrong, at_end):
    with serve_ranges(at_end.read_bytes(), wrong=wrong or "nonsense") as served:
        assert_probed(served, at_end)
    assert served.requests[-1] is None


def test_encoded_ranges_are_not_used(at_end):
    def change(number):
        served.headers = {"Content-Encoding": "gzip"} if number == 1 else {}

    with serve_ranges(at_end.read_bytes(), change=change) as served:
        assert_probed(served, at_end)
    assert served.requests[-1] is None


@pytest.mark.parametrize("header", ["ETag", "Last-Modified", None])
def test_files_that_change_meanwhile_are_downloaded_again(header, at_end, at_start):
    """Never mix two versions of a file."""
    versions = (at_start.read_bytes()[:200_000], at_end.read_bytes())

    def change(number):
        served.body = versions[number > 1]
        served.headers = {} if header is None else {header: f'"{number > 1}"'}

    start = versions[1][:200_000]
    with serve_ranges(start, change=change) as served:
        versions = (start, versions[1])
        assert_probed(served, at_end)
    assert served.requests[-1] is None


@pytest.mark.parametrize("tag", ['"strong"', 'W/"weak"'])
def test_files_with_validators(tag, at_end):
    with serve_ranges(at_end.read_bytes(), headers={"ETag": tag}) as served:
        assert_probed(served, at_end)
    assert len(served.requests) == 2


def test_redirects_are_followed_once(at_end):
    with serve_ranges(at_end.read_bytes()) as served:
        probe = probe_video(served.url.replace("clip.mp4", "moved"))
    assert probe.total_frames == 60
    assert len(served.requests) == 2


def test_errors_of_servers(at_end):
    with (
        serve_ranges(at_end.read_bytes(), status=404) as served,
        pytest.raises(MediaError, match="the server answered 404"),
    ):
        probe_video(served.url)
    assert len(served.requests) == 1
    with serve_ranges(b"") as served, pytest.raises(EmptyMediaError):
        probe_video(served.url)


def test_truncated_files(at_start):
    data = at_start.read_bytes()
    with serve_ranges(data[: len(data) // 2]) as served:
        with pytest.raises(MediaError) as remote:
            probe_video(served.url)
        with pytest.raises(MediaError) as whole:
            preprocess_video(served.url)
    assert str(remote.value) == str(whole.value)
    assert "is truncated" in str(remote.value)


def test_limits(at_end):
    with serve_ranges(at_end.read_bytes()) as served:
        with pytest.raises(LimitError, match="response_bytes"):
            probe_video(served.url, limits=Limits(response_bytes=100_000))
        with pytest.raises(LimitError, match="file_bytes"):
            probe_video(served.url, limits=Limits(file_bytes=100_000))
        with pytest.raises(LimitError, match="redirects"):
            probe_video(served.url.replace("clip.mp4", "moved"), limits=Limits(redirects=0))
    assert served.sent <= 2 * BLOCK


def test_allow_lists(at_end, monkeypatch):
    with serve_ranges(at_end.read_bytes()) as served:
        monkeypatch.setenv("KEYE_VL_RS_ALLOWED_MEDIA_DOMAINS", "example.com")
        with pytest.raises(SourceNotAllowedError):
            probe_video(served.url)
        monkeypatch.delenv("KEYE_VL_RS_ALLOWED_MEDIA_DOMAINS")
        monkeypatch.delenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES")
        with pytest.raises(SourceNotAllowedError):
            probe_video(served.url)
    assert served.requests == []


def test_tokens_are_counted_without_frames_where_bounds_agree(at_end):
    with serve_ranges(at_end.read_bytes()) as served:
        assert count_tokens(served.url, num_frames=1) == probe_video(at_end, num_frames=1).tokens
    assert served.sent < 3 * BLOCK


def test_tokens_are_counted_with_frames_otherwise(at_end):
    with serve_ranges(at_end.read_bytes()) as served:
        assert count_tokens(served.url) == preprocess_video(at_end).tokens
    assert served.requests[-1] is None


def test_no_temporary_files_are_left(at_end, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with serve_ranges(at_end.read_bytes()) as served:
        probe_video(served.url)
        count_tokens(served.url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("request_number", [1, 2])
def test_servers_that_are_silent(request_number, at_end):
    """Stop waiting at the deadline, or when the call is cancelled."""
    begun, ended, flag = threading.Event(), threading.Event(), threading.Event()

    def change(number):
        if number == request_number:
            begun.set()
            ended.wait(60)

    with serve_ranges(at_end.read_bytes(), change=change) as served:
        try:
            with pytest.raises(MediaTimeoutError):
                probe_video(served.url, timeout=1)
            served.requests.clear()
            begun.clear()
            threading.Thread(target=lambda: begun.wait(60) and flag.set()).start()
            with pytest.raises(CancelledError):
                probe_video(served.url, cancel=flag)
        finally:
            ended.set()


def test_connections_that_end_early(at_end):
    data = at_end.read_bytes()
    with serve_ranges(data, lost=100) as served, pytest.raises(MediaError, match="ended after"):
        probe_video(served.url)

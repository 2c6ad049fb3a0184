"""Test what a call reports of its progress."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from PIL import Image

from keye_vl_rs import Progress, preprocess_video
from keye_vl_rs._decoding.decoder import UnexpectedFramesError
from keye_vl_rs._decoding.indexed_frames import IndexedFrames
from keye_vl_rs._util.progress import ProgressReporter
from keye_vl_rs.errors import InvalidArgumentError
from support.clips import Clip
from support.http_server import serve
from support.tensors import assert_bits

pytestmark = pytest.mark.one_level


def reports(source, **options):
    seen = []
    inputs = preprocess_video(source, progress=seen.append, **options)
    return seen, inputs


def assert_grows(seen):
    for before, after in pairwise(seen):
        assert before.stage == after.stage
        assert before.frames_done < after.frames_done
        assert before.seconds_done <= after.seconds_done


def test_each_sampled_frame_is_reported(short):
    """50 frames at 25 per second, of which 4 are sampled: 0, 16, 33 and 49."""
    seen, inputs = reports(short)
    assert [(one.frames_done, one.frames_total) for one in seen] == [(n, 4) for n in (1, 2, 3, 4)]
    assert [one.stage for one in seen] == ["decode"] * 4
    assert [round(one.seconds_done, 2) for one in seen] == [0.0, 0.64, 1.32, 1.96]
    assert {round(one.seconds_total, 2) for one in seen} == {1.96}
    assert {(one.bytes_done, one.bytes_total) for one in seen} == {(0, None)}
    assert_bits(inputs.pixel_values_videos, preprocess_video(short).pixel_values_videos)


def test_seconds_count_from_the_first_sampled_frame(short):
    seen, _ = reports(short, video_start=1.0, video_end=1.5, fps=25)
    assert seen[0].seconds_done == 0
    assert seen[-1].seconds_done == seen[-1].seconds_total == pytest.approx(0.48)
    assert seen[-1].frames_done == seen[-1].frames_total == len(seen) == 13


def test_it_is_called_in_the_calling_thread(short):
    threads = set()
    preprocess_video(short, progress=lambda _: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


def test_nothing_is_reported_twice_when_a_method_starts_over(short, monkeypatch):
    read_fast, begun = IndexedFrames.read_fast, []

    def fail_after_ten(self, wanted):
        begun.append(len(wanted))
        for number, one in enumerate(read_fast(self, wanted)):
            if number == 10:
                raise UnexpectedFramesError
            yield one

    monkeypatch.setattr(IndexedFrames, "read_fast", fail_after_ten)
    seen, inputs = reports(short, fps=25)
    assert begun == [50]
    assert [one.frames_done for one in seen] == list(range(1, 51))
    assert_grows(seen)
    monkeypatch.undo()
    assert_bits(inputs.pixel_values_videos, preprocess_video(short, fps=25).pixel_values_videos)


def test_progress_does_not_decrease_if_the_video_is_damaged(folder):
    """With "partial" a damaged video is sampled again, up to the damage."""
    path = Clip("damaged.mp4", count=100, options={"x264-params": "keyint=25"}).write(folder)
    data = bytearray(path.read_bytes())
    place = data.index(b"mdat") + (len(data) - data.index(b"mdat")) * 3 // 4
    data[place : place + 400] = bytes(400)
    with pytest.warns(match="is damaged"):
        seen, inputs = reports(bytes(data), fps=25, on_error="partial")
    assert 50 < len(inputs.frame_types) < 100
    assert_grows(seen)
    # The damage is found after more frames were done than are left in the end.
    assert seen[-1].frames_total in (100, len(inputs.frame_types))


def test_frames_that_are_decoded_again_are_a_stage_of_their_own(folder):
    """Under this budget, sizes depend on how many frames are slow."""
    path = Clip("redecoded.mp4", width=320, height=240).write(folder)
    budget = {"total_pixels": 40 * 60 * 28 * 28, "max_pixels": 200 * 28 * 28}
    seen, inputs = reports(path, fps=25, buffer_bytes=0, **budget)
    first = [one for one in seen if one.stage == "decode"]
    again = [one for one in seen if one.stage == "redecode"]
    assert seen == first + again
    assert len(first) == 40
    assert again[-1].frames_done == again[-1].frames_total == len(again) > 1
    assert again[-1].seconds_done == again[-1].seconds_total > 0
    assert_grows(first)
    assert_grows(again)
    assert inputs.counts.decoded > 40


@pytest.mark.parametrize("error", [RuntimeError("stop here"), KeyboardInterrupt(), StopIteration()])
def test_an_exception_of_the_callable_reaches_the_caller(error, short):
    def fail(progress):
        if progress.frames_done == 2:
            raise error

    before = threading.active_count()
    with pytest.raises(type(error)) as caught:
        preprocess_video(short, fps=25, progress=fail)
    assert caught.value is error
    assert threading.active_count() == before


def test_a_list_of_frames_is_reported_once():
    frames = [Image.new("RGB", (64, 64), (n * 20, 0, 0)) for n in range(8)]
    seen, _ = reports(frames, fps=2.0)
    assert seen == [Progress("decode", frames_done=8, frames_total=8)]


def test_a_download_is_a_stage_of_its_own(h264, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    size = h264.stat().st_size
    with serve(h264.read_bytes()) as server:
        seen, _ = reports(f"http://127.0.0.1:{server.server_port}/clip.mp4")
    fetched = [one for one in seen if one.stage == "fetch"]
    assert fetched[-1] == Progress("fetch", bytes_done=size, bytes_total=size)
    assert seen[: len(fetched)] == fetched
    assert_grows(seen[len(fetched) :])


def test_a_download_is_reported_while_it_runs_and_ended_by_an_exception(h264, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    seen = []

    def fail(progress):
        seen.append(progress)
        raise RuntimeError("stop here")

    with serve(h264.read_bytes()) as server:
        with pytest.raises(RuntimeError, match="stop here"):
            # It sends 1000 bytes, and then waits for the connection to end.
            preprocess_video(f"http://127.0.0.1:{server.server_port}/stalled.mp4", progress=fail)
        assert server.ended.get(timeout=20)
    assert [(one.stage, one.bytes_done) for one in seen] == [("fetch", 1000)]
    assert seen[0].bytes_total > 1000


def test_the_total_is_unknown_if_the_server_does_not_state_it():
    seen = []
    reporter = ProgressReporter(seen.append)
    for done in (5, 5, 9):
        reporter.fetched(done, None)
    assert [(one.bytes_done, one.bytes_total) for one in seen] == [(5, None), (9, None)]


@pytest.mark.parametrize("source", ["file", "list"])
def test_what_cannot_be_called_is_an_error(source, short, clip):
    frames = [Image.new("RGB", (64, 64))] * 4
    with pytest.raises(InvalidArgumentError, match="progress is 3: expected a function"):
        preprocess_video(short if source == "file" else frames, progress=3)

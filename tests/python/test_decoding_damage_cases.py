"""Kinds of damage that only some ways of reading a file show."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from clips import Clip, every, pixels
from keye_vl_rs.errors import DecodeError, PartialVideoWarning
from keye_vl_rs.video import sample_video

GROUPS = {"x264-params": "keyint=25:min-keyint=25:scenecut=0:bframes=2"}
H264 = Clip("f_h264.mp4", count=100, options=GROUPS)


def packets(path):
    with av.open(str(path)) as container:
        return [
            (p.pos, p.size, p.pts) for p in container.demux(container.streams.video[0]) if p.size
        ]


def slice_header(data, position, size):
    """Where the header of the last unit of a packet stands."""
    at = position
    while at + 4 + int.from_bytes(data[at : at + 4], "big") < position + size:
        at += 4 + int.from_bytes(data[at : at + 4], "big")
    return at + 4


def test_damage_of_the_last_frame_of_a_segment_is_found_with_any_number_of_threads(folder):
    """Its thread may find the damage when the frame was handed out."""
    path = H264.write(folder)
    listed = packets(path)
    order = sorted(range(100), key=lambda place: listed[place][2])
    sampled = [12, 37, 62, 87]
    data = bytearray(path.read_bytes())
    position, size, _ = listed[order[62]]
    data[position + size // 2 : position + size // 2 + 8] = np.random.default_rng(0).bytes(8)
    with pytest.raises(DecodeError, match="is damaged from"):
        sample_video(bytes(data), lambda total, fps: sampled, threads=1)
    for threads in [2, 4] * 20:
        with pytest.raises(DecodeError, match="is damaged from"):
            sample_video(bytes(data), lambda total, fps: sampled, threads=threads)


@pytest.mark.parametrize("place", [0, 1, 25, 26, 40])
def test_a_picture_whose_header_says_that_it_is_none(folder, place):
    path = H264.write(folder)
    position, size, _ = packets(path)[place]
    data = bytearray(path.read_bytes())
    data[slice_header(data, position, size)] ^= 8
    with pytest.raises(DecodeError, match="frames are missing"):
        sample_video(bytes(data), every)


def test_a_matroska_file_whose_second_half_was_never_written(folder):
    data = bytearray(Clip("f_half.webm", codec="libvpx", count=100).write(folder).read_bytes())
    half = len(data) // 2
    data[half:] = bytes(len(data) - half)
    with pytest.raises(DecodeError, match="is truncated: what follows cannot be read"):
        sample_video(bytes(data), every)


def test_a_raw_stream_cut_before_its_last_frame_of_which_the_last_is_sampled(folder):
    clip = Clip("f_raw.h264", count=100, options=GROUPS)
    data = clip.write(folder).read_bytes()
    with av.open(io.BytesIO(data)) as container:
        sizes = [p.size for p in container.demux(container.streams.video[0]) if p.size]
    refused = 0
    for place in range(60, 75):
        cut = data[: sum(sizes[:place]) + sizes[place] // 2]
        try:
            sample_video(cut, every)
        except DecodeError:
            refused += 1
            with pytest.raises(DecodeError):
                sample_video(cut, lambda total, fps: [0, total - 1])
    assert refused > 5


def test_packets_out_of_their_order(folder):
    """What comes before the damage is returned, whatever frame the report is about."""
    options = {"x265-params": "keyint=30:log-level=none"}
    path = Clip("f_order.mkv", codec="libx265", count=100, options=options).write(folder)
    whole = pixels(sample_video(path, every))
    file = io.BytesIO()
    with av.open(str(path)) as source, av.open(file, "w", format="matroska") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        listed = [p for p in source.demux(stream) if p.size]
        keys = [n for n, p in enumerate(listed) if p.is_keyframe]
        at = keys[len(keys) // 2]
        one, other = listed[at], listed[at + 1]
        one.dts, other.dts = other.dts, one.dts
        listed[at : at + 2] = [other, one]
        for packet in listed:
            packet.stream = copy
            target.mux(packet)
    with pytest.warns(PartialVideoWarning):
        sampled = sample_video(file.getvalue(), every, on_error="partial")
    np.testing.assert_array_equal(pixels(sampled), whole[: sampled.total_frames])

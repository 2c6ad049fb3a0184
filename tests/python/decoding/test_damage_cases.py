"""Test kinds of damage that only some ways of reading a file reveal."""

from __future__ import annotations

import io
from dataclasses import replace

import av
import numpy as np
import pytest

from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import (
    DecodeError,
    InvalidArgumentError,
    MediaError,
    PartialVideoWarning,
)
from support.clips import Clip, decode_all_as_rgb, every, packets, pixels

pytestmark = pytest.mark.without_pixels

GROUPS = {"x264-params": "keyint=25:min-keyint=25:scenecut=0:bframes=2"}
H264 = Clip("f_h264.mp4", count=100, options=GROUPS)


def slice_header(data, position, size):
    """Find the header of the last unit of a packet."""
    at = position
    while at + 4 + int.from_bytes(data[at : at + 4], "big") < position + size:
        at += 4 + int.from_bytes(data[at : at + 4], "big")
    return at + 4


def test_damage_of_the_last_frame_of_a_segment_is_found_with_any_number_of_threads(folder):
    """A decoder thread may find the damage after the frame was returned."""
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
    with pytest.raises(DecodeError, match=r"frames are missing|contains no picture"):
        sample_video(bytes(data), every)


def test_a_matroska_file_whose_second_half_was_never_written(folder):
    data = bytearray(Clip("f_half.webm", codec="libvpx", count=100).write(folder).read_bytes())
    half = len(data) // 2
    data[half:] = bytes(len(data) - half)
    with pytest.raises(DecodeError, match="is truncated: the rest cannot be read"):
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
    """Everything before the damage is returned, whatever frame the report is about."""
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


def write_twice(clip, folder, offset):
    """Write two recordings one after the other; the second starts that many seconds later."""
    parts = [
        replace(clip, name=f"part_{number}.ts", format_options={"output_ts_offset": str(seconds)})
        for number, seconds in enumerate((0, offset))
    ]
    return b"".join(part.write(folder).read_bytes() for part in parts)


RECORDINGS = {
    "mpeg2": Clip("", codec="mpeg2video", count=100, options={"g": "25"}),
    "mpeg2 with B pictures": Clip(
        "", codec="mpeg2video", count=100, b_frames=2, options={"g": "25"}
    ),
    "hevc": Clip("", codec="libx265", options={"x265-params": "keyint=25:log-level=none"}),
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_recordings_that_were_joined_are_whole(tmp_path, name):
    data = write_twice(RECORDINGS[name], tmp_path, 3600)
    expected = decode_all_as_rgb(io.BytesIO(data))
    sampled = sample_video(data, every)
    np.testing.assert_array_equal(pixels(sampled), expected)


def overwritten(data, number):
    """Return a file with changed bytes in its second half."""
    random = np.random.default_rng(number)
    at = int(len(data) * random.uniform(0.5, 0.9))
    return data[:at] + random.bytes(300) + data[at + 300 :]


@pytest.mark.parametrize("suffix", ["ogv", "wmv", "mxf"])
def test_what_is_read_while_a_file_is_opened_is_heard_of(folder, suffix):
    """FFmpeg reads most of a small file then, and reports there what it cannot read."""
    codec = {"ogv": "libvpx", "wmv": "wmv2", "mxf": "mpeg2video"}[suffix]
    options = {"g": "25"} if codec == "mpeg2video" else {}
    format_ = {"ogv": "ogg", "wmv": "asf", "mxf": "mxf"}[suffix]
    clip = Clip(f"f_open.{suffix}", codec=codec, count=100, options=options, format=format_)
    data = clip.write(folder).read_bytes()
    whole = pixels(sample_video(data, every))
    for number in range(6):
        try:
            found = pixels(sample_video(overwritten(data, number), every))
        except MediaError:
            continue
        np.testing.assert_array_equal(found, whole)


TRUNCATED = [
    Clip("f_cut.y4m", codec="wrapped_avframe", count=30),
    Clip("f_cut.dv", codec="dvvideo", width=720, height=576, count=10),
    Clip("f_cut.mxf", codec="mpeg2video", count=30),
]


@pytest.mark.parametrize("clip", TRUNCATED, ids=lambda clip: clip.name)
@pytest.mark.parametrize("share", [0.53, 0.77, 0.999])
def test_truncated_files_of_frames_of_one_size(folder, clip, share):
    data = clip.write(folder).read_bytes()
    assert len(sample_video(data, every).frames) == clip.count
    with pytest.raises(DecodeError, match="is truncated"):
        sample_video(data[: int(len(data) * share)], every)


def test_a_number_of_frames_that_damage_leaves_too_few_for(folder):
    path = H264.write(folder)
    position, size, _ = packets(path)[60]
    data = bytearray(path.read_bytes())
    data[position + size // 2 : position + size] = bytes(size - size // 2)

    def choose(total, fps):
        if total < 90:
            raise InvalidArgumentError(f"num_frames is 90: expected at most {total}")
        return list(range(90))

    with pytest.raises(InvalidArgumentError, match=r"num_frames is 90: .* \(.*is damaged from"):
        sample_video(bytes(data), choose, on_error="partial")

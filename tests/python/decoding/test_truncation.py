"""Test that truncated files are told from whole ones in every container, and headers that lie."""

from __future__ import annotations

import struct

import av
import numpy as np
import pytest

from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import DecodeError, MediaError, PartialVideoWarning
from support.clips import VP9, Clip, every, packets, pixels

pytestmark = pytest.mark.without_pixels

FRONT = {"movflags": "faststart"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
KEYS = {"x264-params": "keyint=10:bframes=2"}
CLIPS = [
    Clip("t_front.mp4", options=KEYS, format_options=FRONT),
    Clip("t_fragments.mp4", options=KEYS, format_options=FRAGMENTS),
    Clip("t_h264.mkv", options=KEYS),
    Clip("t_vp9.webm", **VP9),
    Clip("t_vp8.ogg", codec="libvpx", format="ogg"),
    Clip("t_pipe.mkv", options=KEYS, format_options={"live": "1"}),
    Clip("t_pipe.webm", format_options={"live": "1"}, **VP9),
    Clip("t_mpeg4.avi", codec="mpeg4"),
    Clip("t_h264.flv", options=KEYS),
    Clip("t_h264.ts", options=KEYS),
]


@pytest.fixture(scope="module", params=CLIPS, ids=lambda clip: clip.name)
def clip(request, folder):
    path = request.param.write(folder)
    return path, pixels(sample_video(path, every))


@pytest.mark.parametrize("number", [12, 20, 31])
def test_a_file_that_ends_within_a_frame(number, clip, tmp_path):
    path, whole = clip
    position, size, _ = packets(path)[number]
    cut = tmp_path / path.name
    cut.write_bytes(path.read_bytes()[: position + size // 2])
    with pytest.raises(DecodeError, match=rf"{path.name} is truncated.* at [0-9.]+ s"):
        sample_video(cut, every)
    with pytest.warns(PartialVideoWarning, match=path.name):
        sampled = sample_video(cut, every, on_error="partial")
    assert 0 < sampled.total_frames < 40
    np.testing.assert_array_equal(pixels(sampled), whole[: sampled.total_frames])


# In these, nothing says where the file ends; truncation shows in the last frame.
UNSTATED = [
    Clip("t_mpeg2.mpg", codec="mpeg2video"),
    Clip("t_raw.h264", options=KEYS),
    Clip("t_raw.mjpeg", codec="mjpeg", pix_fmt="yuvj420p", format="mjpeg"),
    Clip("t_raw.gif", codec="gif", pix_fmt="rgb8"),
    Clip("t_raw.m2v", codec="mpeg2video", format="mpeg2video"),
    Clip("t_raw.m4v", codec="mpeg4", format="m4v"),
]


@pytest.mark.parametrize("share", [0.5, 0.77, 0.9])
@pytest.mark.parametrize("clip", UNSTATED, ids=lambda clip: clip.name)
def test_a_file_whose_end_is_stated_nowhere(clip, share, folder, tmp_path):
    path = clip.write(folder)
    whole = pixels(sample_video(path, every))
    assert len(whole) == 40
    data = path.read_bytes()
    cut = tmp_path / path.name
    cut.write_bytes(data[: int(len(data) * share)])
    # Whether or not the last frame is sampled.
    for choose in (every, lambda total, fps: [0]):
        with pytest.raises(DecodeError, match=rf"{path.name} is damaged from [0-9.]+ s on"):
            sample_video(cut, choose)
    with pytest.warns(PartialVideoWarning, match=path.name):
        sampled = sample_video(cut, every, on_error="partial")
    assert 0 < sampled.total_frames < 40
    np.testing.assert_array_equal(pixels(sampled), whole[: sampled.total_frames])


@pytest.mark.parametrize("share", [0.3, 0.55, 0.8])
def test_a_file_that_ends_anywhere(share, clip, tmp_path):
    path, _ = clip
    data = path.read_bytes()
    cut = tmp_path / path.name
    cut.write_bytes(data[: int(len(data) * share) // 188 * 188 + 50])
    with pytest.raises(MediaError, match=path.name):
        sample_video(cut, every)


def test_a_whole_file_is_whole(clip):
    path, whole = clip
    assert len(whole) == 40
    assert sample_video(path, every, on_error="partial").total_frames == 40


@pytest.mark.parametrize("name", ["t_h264.mkv", "t_mpeg4.avi"])
def test_an_index_that_is_cut_off_costs_no_frame(name, folder, tmp_path):
    path = next(one for one in CLIPS if one.name == name).write(folder)
    end = max(position + size for position, size, _ in packets(path))
    data = path.read_bytes()
    assert end + 20 < len(data)
    cut = tmp_path / name
    cut.write_bytes(data[: len(data) - 5])
    assert sample_video(cut, every).total_frames == 40


def test_bytes_after_the_end_are_no_frame(folder, tmp_path):
    path = CLIPS[0].write(folder)
    longer = tmp_path / path.name
    for more in (b"\0" * 5, b"\0\0\x10\0free" + bytes(100), b"garbage" * 9):
        longer.write_bytes(path.read_bytes() + more)
        assert sample_video(longer, every).total_frames == 40


def patched(data, box, offset, value):
    """Return the bytes with a 32-bit number in a box changed."""
    at = data.index(box) + 4 + offset
    return data[:at] + struct.pack(">I", value) + data[at + 4 :]


@pytest.mark.parametrize("factor", [0, 0.1, 0.5, 3, 50])
@pytest.mark.parametrize("box", [b"mvhd", b"mdhd"])
def test_a_duration_that_lies(box, factor, folder):
    data = CLIPS[0].write(folder).read_bytes()
    at = data.index(box) + 4 + 16
    duration = struct.unpack(">I", data[at : at + 4])[0]
    sampled = sample_video(patched(data, box, 16, int(duration * factor)), every)
    assert (sampled.total_frames, sampled.fps) == (40, 25.0)
    assert sampled.duration == pytest.approx(1.6)


def test_a_matroska_without_a_number_of_frames(folder):
    path = CLIPS[2].write(folder)
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 0
    assert sample_video(path, every).total_frames == 40


def test_open_bitstream_units_of_av1(tmp_path):
    """FFmpeg drops the unit that is cut off, of which only what precedes the picture is left."""
    clip = Clip("units.obu", codec="libsvtav1", options={"g": "24", "preset": "12"})
    path = clip.write(tmp_path)
    assert len(sample_video(path, every).indices) == clip.count
    sizes = [size for _, size, _ in packets(path)]
    place = next(number for number, size in enumerate(sizes) if number > 20 and size > 20)
    data = path.read_bytes()[: sum(sizes[:place]) + 10]
    with pytest.raises(DecodeError, match="truncated: its last packet is damaged"):
        sample_video(data, every)
    with pytest.warns(PartialVideoWarning):
        sampled = sample_video(data, every, on_error="partial")
    assert 0 < sampled.total_frames <= place

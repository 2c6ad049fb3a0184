"""Test streams without a decodable frame, with empty packets, and with lost frames."""

from __future__ import annotations

import av
import numpy as np
import pytest

from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import DecodeError
from support.clips import Clip, every, pixels
from support.damaged_clips import COUNT, GROUPS, H264, conceal

pytestmark = pytest.mark.one_level


def test_a_stream_without_a_decodable_frame(folder, tmp_path):
    """The payload of fragments is noise: every frame is damaged, and none precedes the damage."""
    options = {"movflags": "frag_keyframe+empty_moov"}
    clip = Clip("d_fragments.mp4", count=COUNT, options=GROUPS, format_options=options)
    path = clip.write(folder)
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(0)
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.video[0]):
            if packet.size:
                start = packet.pos + 5
                data[start : packet.pos + packet.size] = random.bytes(packet.size - 5)
    bad = tmp_path / path.name
    bad.write_bytes(data)
    for on_error in ("raise", "partial"):
        with pytest.raises(DecodeError, match=path.name):
            sample_video(bad, every, on_error=on_error)


def test_packets_without_a_picture_behind_the_last_frame_are_no_damage(folder, tmp_path):
    path = H264.write(folder)
    longer = tmp_path / "longer.mp4"
    with av.open(str(path)) as source, av.open(str(longer), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        last = None
        for packet in source.demux(stream):
            if packet.size:
                last = packet.pts if last is None else max(last, packet.pts)
                packet.stream = copy
                end = packet.dts + 10 * packet.duration
                duration, base = packet.duration, packet.time_base
                target.mux(packet)
        for number in range(30):
            # An empty SEI message, preceded by its length.
            empty = av.Packet(b"\0\0\0\x05\x06\x05\x01\x00\x80")
            empty.time_base, empty.stream, empty.duration = base, copy, duration
            empty.dts = end + number * duration
            empty.pts = max(last, end) + (number + 1) * duration
            target.mux(empty)
    with av.open(str(longer)) as container:
        assert sum(1 for p in container.demux(container.streams.video[0]) if p.size) == COUNT + 30
    sampled = sample_video(longer, every)
    assert sampled.total_frames == COUNT
    assert sampled.damage is None
    np.testing.assert_array_equal(pixels(sampled), pixels(sample_video(path, every)))


def test_frames_that_a_container_lost_are_damage(folder, tmp_path):
    """A cluster of a Matroska file, with its key frame, cannot be read."""
    clip = Clip(
        "d_lost.webm",
        codec="libvpx",
        count=COUNT,
        options={"g": "20"},
        format_options={"cluster_time_limit": "100"},
    )
    path = clip.write(folder)
    data = bytearray(path.read_bytes())
    cluster = b"\x1f\x43\xb6\x75"
    starts = [at for at in range(len(data)) if data[at : at + 4] == cluster]
    at = starts[len(starts) // 2]
    data[at : at + 40] = b"\0" * 40
    lost = tmp_path / path.name
    lost.write_bytes(data)
    with pytest.raises(DecodeError, match="frames are missing"):
        sample_video(lost, every)
    sampled = conceal(lost)
    assert sampled.total_frames < COUNT
    assert "frames are missing" in sampled.damage.reason

"""Test that what packets declare holds for the decoded frames."""

from __future__ import annotations

import pytest

from keye_vl_rs import _core
from support.clips import Clip
from support.packet_streams import (
    NAL_CODECS,
    WITH_DISPOSABLE,
    Stream,
    assert_decoding_can_start,
    x264,
    x265,
)

pytestmark = pytest.mark.without_pixels

VP9 = {"deadline": "good", "cpu-used": "5", "g": "15"}
SVT = {"preset": "12", "g": "15"}
OTHERS = [
    x264("no_b.mp4", "bframes=0"),
    Clip("packets_vp9.webm", codec="libvpx-vp9", options=VP9 | {"lag-in-frames": "0"}),
    Clip("packets_hidden.webm", codec="libvpx-vp9", options=VP9 | {"lag-in-frames": "16"}),
    Clip("packets_vp8.webm", codec="libvpx", options={"auto-alt-ref": "1", "g": "15"}),
    Clip("packets_av1.mp4", codec="libsvtav1", options=SVT),
    Clip("packets_av1.webm", codec="libsvtav1", options=SVT),
    Clip("packets_mpeg4.mp4", codec="mpeg4", b_frames=2),
    Clip("packets_mpeg4.avi", codec="mpeg4", b_frames=2),
    Clip("packets_mpeg2.ts", codec="mpeg2video", b_frames=2),
    Clip("packets_mpeg2.mp4", codec="mpeg2video", b_frames=2),
    Clip("packets_mpeg1.mpg", codec="mpeg1video", b_frames=2),
]
# Formats that store the parameters before the packets, for codecs that repeat them anyway.
APART = (".mp4", ".mkv", ".webm")
REPEATED = ("av1", "mpeg1video", "mpeg2video")


@pytest.fixture(
    scope="module", params=WITH_DISPOSABLE + OTHERS, ids=lambda clip: clip.name.split("_", 1)[-1]
)
def stream(request, folder):
    return Stream.read(request.param.write(folder))


def test_every_packet_has_a_frame_of_its_own(stream):
    assert sorted(stream.frames) == list(range(40))
    assert len(set(stream.frames.values())) == 40


def test_frames_are_the_same_without_those_that_are_disposable(stream):
    decoded = stream.decode(place for place in range(40) if place not in stream.disposable)
    assert list(decoded.items()) == list(stream.without(stream.disposable).items())


def test_b_pictures_are_disposable_in_h264_and_hevc(stream):
    some = stream.path.name in {clip.name for clip in WITH_DISPOSABLE}
    low, high = (10, 30) if some else (0, 0)
    assert low <= len(stream.disposable) <= high


def test_frames_are_the_same_from_every_start_on(stream):
    for start in stream.starts:
        assert_decoding_can_start(stream, start, [])


def test_frames_are_the_same_from_every_start_on_without_those_that_are_disposable(stream):
    for start in stream.starts:
        assert_decoding_can_start(stream, start, stream.disposable)


def test_decoding_can_start_at_every_key_frame(stream):
    keys = [place for place, packet in enumerate(stream.packets) if packet.is_keyframe]
    assert len(keys) > 1
    # In MPEG-4 it depends on more than the packet.
    assert stream.starts == ([] if stream.codec == "mpeg4" else keys)


def test_parameters_are_seen_where_they_are_repeated(stream):
    apart = stream.path.suffix in APART and stream.codec not in REPEATED
    apart |= stream.codec == "mpeg4"  # nothing is known about it
    keys = [place for place, packet in enumerate(stream.packets) if packet.is_keyframe]
    assert stream.said(3) == ([] if apart else keys)


def test_lengths_are_those_of_the_container(stream):
    prefixed = stream.codec in NAL_CODECS and stream.path.suffix in APART
    assert _core.nal_length_size(stream.codec, stream.extradata) == (4 if prefixed else 0)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_temporal_layers_are_those_of_the_encoder(layers, folder):
    clip = x265(f"layers_{layers}.mp4", f"temporal-layers={layers}:b-adapt=0")
    facts = Stream.read(clip.write(folder)).facts
    assert {layer for _, _, layer, *_ in facts} == set(range(layers))

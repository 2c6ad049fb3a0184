"""Test film grain messages, which change the pictures after them."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import av
import pytest

from support.packet_streams import OPEN_GOP, Stream, assert_decoding_can_start, x264, x265

pytestmark = pytest.mark.without_pixels

# One interval of luma, from 16 to 235, scale 60 / 4, cut-offs 8 and 8; in HEVC it applies from here
# on.
FILM_GRAIN = bytes.fromhex("00a00210eb03c04021")


def write_with_film_grain(stream: Stream, places: list[int], path: Path) -> Path:
    """Copy a stream and insert a message that adds film grain before some of its packets."""
    header = b"\x4e\x01" if stream.codec == "hevc" else b"\x06"
    unit = header + bytes([19, len(FILM_GRAIN)]) + FILM_GRAIN + b"\x80"
    with av.open(str(stream.path)) as source, av.open(str(path), "w") as target:
        video = source.streams.video[0]
        copy = target.add_stream_from_template(video)
        for place, packet in enumerate(one for one in source.demux(video) if one.size):
            grain = struct.pack(">I", len(unit)) + unit if place in places else b""
            new = av.Packet(grain + bytes(packet))
            new.pts, new.dts, new.time_base = packet.pts, packet.dts, packet.time_base
            new.is_keyframe, new.stream = packet.is_keyframe, copy
            target.mux(new)
    return path


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_film_grain_is_the_same_from_every_start_on(codec, folder):
    # Grain depends on picture numbers, which continue over a key frame of an open GOP.
    clip = x264("grain.mp4", f"{OPEN_GOP}:scenecut=0")
    if codec == "hevc":
        clip = x265("grain_hevc.mp4", "open-gop=1:log2-max-poc-lsb=4")
    plain = Stream.read(replace(clip, count=60).write(folder))
    path = write_with_film_grain(plain, list(range(60)), folder / f"packets_{codec}_with_grain.mp4")
    stream = Stream.read(path)
    assert all(stream.frames[place] != plain.frames[place] for place in range(60))
    assert len(plain.starts) > 2
    for start in stream.starts:
        assert_decoding_can_start(stream, start, stream.disposable)
    assert stream.said(3) == list(range(60))


def test_a_packet_from_which_on_there_is_film_grain_is_not_disposable(folder):
    plain = Stream.read(x265("no_grain.mp4", "open-gop=1").write(folder))
    carrier = plain.disposable[2]
    path = write_with_film_grain(plain, [carrier], folder / "packets_some_grain.mp4")
    stream = Stream.read(path)
    changed = [place for place in range(40) if stream.frames[place] != plain.frames[place]]
    assert len(changed) > 20
    assert stream.disposable == [place for place in plain.disposable if place != carrier]
    decoded = stream.decode(place for place in range(40) if place not in stream.disposable)
    assert decoded == stream.without(stream.disposable)

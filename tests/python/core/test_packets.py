"""What packets say about themselves is true of what comes out of a decoder."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from keye_vl_rs import _core
from keye_vl_rs.errors import InvalidArgumentError
from support.clips import Clip

pytestmark = pytest.mark.without_pixels

NOTHING = (False, False, 0, False, False, False)
UNREADABLE = (*NOTHING[:5], True)
NAL_CODECS = ("h264", "hevc")
CODECS = (*NAL_CODECS, "mpeg1video", "mpeg2video", "vp8", "vp9", "av1")


def x264(name: str, params: str) -> Clip:
    return Clip(f"packets_{name}", options={"x264-params": f"keyint=20:{params}"})


def x265(name: str, params: str) -> Clip:
    params = f"log-level=error:keyint=12:bframes=3:{params}"
    return Clip(f"packets_{name}", codec="libx265", options={"x265-params": params})


OPEN_GOP = "open-gop=1:bframes=3"
# Streams of which no other picture needs some.
WITH_DISPOSABLE = [
    x264("b.mp4", "bframes=3"),
    x264("pyramid.mp4", "bframes=4:b-pyramid=normal"),
    x264("open.mp4", OPEN_GOP),
    x264("open.mkv", OPEN_GOP),
    x264("open.ts", OPEN_GOP),
    x264("open.h264", OPEN_GOP),
    x264("slices.mp4", "bframes=3:slices=3:aud=1"),
    x264("mbaff.mp4", "bframes=3:interlaced=1"),
    x265("closed.mp4", "open-gop=0"),
    x265("open_hevc.mp4", "open-gop=1"),
    x265("open_hevc.ts", "open-gop=1"),
    x265("open.hevc", "open-gop=1:hash=1"),
    x265("layers1.mp4", "temporal-layers=1"),
    x265("layers3.mp4", "temporal-layers=3:b-adapt=0"),
]
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
# Formats with the parameters before the packets, and codecs that repeat them none the less.
APART = (".mp4", ".mkv", ".webm")
REPEATED = ("av1", "mpeg1video", "mpeg2video")


@dataclass
class Stream:
    """A stream's packets, what each says, and its frames by packet, as they are presented."""

    path: Path
    codec: str
    decoder: str
    extradata: bytes
    packets: list[av.Packet]
    facts: list[tuple[bool, bool, int, bool, bool, bool]]
    frames: dict[int, bytes]

    @classmethod
    def read(cls, path: Path) -> Stream:
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            context = video.codec_context
            codec, extradata = context.codec.canonical_name, context.extradata or b""
            packets = [packet for packet in container.demux(video) if packet.size]
        size = _core.nal_length_size(codec, extradata)
        facts = [_core.describe_packet(codec, size, np.frombuffer(one, "u1")) for one in packets]
        stream = cls(path, codec, context.codec.name, extradata, packets, facts, {})
        return replace(stream, frames=stream.decode(range(len(packets))))

    def decode(self, places: Any) -> dict[int, bytes]:
        """The frames of some packets, by packet, in the order in which a new decoder gives them."""
        context = av.CodecContext.create(self.decoder, "r")
        context.extradata = self.extradata or None
        frames = []
        for place in places:
            # Raw streams have no times: in place of one, its number goes with each packet.
            self.packets[place].pts = place
            frames += context.decode(self.packets[place])
        frames += context.decode(None)
        return {frame.pts: frame.to_ndarray().tobytes() for frame in frames}

    def said(self, fact: int) -> list[int]:
        return [place for place, facts in enumerate(self.facts) if facts[fact]]

    @property
    def starts(self) -> list[int]:
        return self.said(0)

    @property
    def disposable(self) -> list[int]:
        highest = max(layer for _, _, layer, *_ in self.facts)
        return [place for place in self.said(1) if self.facts[place][2] == highest]

    def without(self, places: list[int]) -> dict[int, bytes]:
        return {place: frame for place, frame in self.frames.items() if place not in places}

    def since(self, start: int, frames: dict[int, bytes]) -> list[tuple[int, bytes]]:
        """Those of ``frames`` that are presented at ``start`` or after it."""
        order = list(self.frames)
        late = set(order[order.index(start) :])
        return [item for item in frames.items() if item[0] in late]


@pytest.fixture(
    scope="module", params=WITH_DISPOSABLE + OTHERS, ids=lambda clip: clip.name.split("_", 1)[-1]
)
def stream(request, folder):
    return Stream.read(request.param.write(folder))


def assert_decoding_can_start(stream: Stream, start: int, dropped: list[int]) -> None:
    decoded = stream.decode(
        place for place in range(start, len(stream.packets)) if place not in dropped
    )
    assert stream.since(start, decoded) == stream.since(start, stream.without(dropped))


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
    apart |= stream.codec == "mpeg4"  # of which nothing is known
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


# One interval of luma, from 16 to 235, scale 60 / 4, cut-offs 8 and 8; in HEVC: from here on.
FILM_GRAIN = bytes.fromhex("00a00210eb03c04021")


def write_with_film_grain(stream: Stream, places: list[int], path: Path) -> Path:
    """Copy a stream and put a message before some of its packets that adds grain."""
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
    # Grain follows the numbers of pictures, which go on over a key frame of an open GOP.
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


@pytest.mark.parametrize("clip", [WITH_DISPOSABLE[0], WITH_DISPOSABLE[8]], ids=["h264", "hevc"])
def test_nothing_is_known_of_packets_that_are_cut_short(clip, folder):
    stream = Stream.read(clip.write(folder))
    for packet in stream.packets:
        data = np.frombuffer(packet, np.uint8)
        for length in (*range(1, 9), len(data) // 2, len(data) - 1):
            assert _core.describe_packet(stream.codec, 4, data[:length]) == UNREADABLE


@pytest.mark.parametrize("codec", ["", "h265", "H264", "libx264", "mjpeg", "prores", "h264\0"])
def test_nothing_is_known_of_other_codecs(codec):
    key = np.frombuffer(b"\0\0\0\3\x65\x88\x84", np.uint8)
    assert _core.describe_packet("h264", 4, key) != NOTHING
    assert _core.describe_packet(codec, 4, key) == NOTHING
    assert _core.nal_length_size(codec, b"\1d\0\x1f\xff\xe1\0") == 0


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [-(2**63), -1, 0, 4, 5, 2**63 - 1])
def test_nothing_is_known_of_empty_packets_and_of_noise(codec, size):
    random = np.random.default_rng(0)
    for data in (np.zeros(0, np.uint8), np.zeros(50, np.uint8), np.full(50, 255, np.uint8)):
        assert _core.describe_packet(codec, size, data)[:5] == NOTHING[:5]
    assert _core.describe_packet(codec, size, np.zeros(0, np.uint8)) == NOTHING
    for length in range(1, 50):
        data = random.integers(0, 256, length, dtype=np.uint8)
        assert not _core.describe_packet(codec, size, data)[1]


def test_nothing_is_known_where_the_record_of_lengths_is_cut_short():
    assert _core.nal_length_size("h264", b"\1d\0\x1f") == 5
    assert _core.nal_length_size("hevc", b"\1" * 22) == 5
    disposable = np.frombuffer(b"\0\0\0\4\1\xa8\1\1", np.uint8)
    assert _core.describe_packet("h264", 4, disposable) == (False, True, 0, False, False, False)
    assert _core.describe_packet("h264", 5, disposable) == NOTHING


NO_PACKETS = {
    "none": None,
    "bytes": b"\0\0\0\1",
    "list": [0, 0, 0, 1],
    "two dimensions": np.zeros((2, 4), np.uint8),
    "none at all": np.zeros((), np.uint8),
    "signed": np.zeros(8, np.int8),
    "wide": np.zeros(8, np.uint16),
    "strided": np.zeros(16, np.uint8)[::2],
    "backwards": np.zeros(8, np.uint8)[::-1],
}


@pytest.mark.parametrize("name", NO_PACKETS)
@pytest.mark.parametrize("codec", ["h264", "unknown"])
def test_packets_that_are_no_bytes(name, codec):
    with pytest.raises(InvalidArgumentError, match="packet is not a contiguous 1-D NumPy array"):
        _core.describe_packet(codec, 4, NO_PACKETS[name])


def test_a_packet_that_cannot_be_written_is_read():
    data = np.frombuffer(b"\0\0\1\x65\x88\x84", np.uint8)
    assert not data.flags.writeable
    assert _core.describe_packet("h264", 0, data) == (True, False, 0, False, False, False)


def test_other_arguments_of_other_types():
    packet = np.zeros(8, np.uint8)
    for codec in (None, 7, b"h264"):
        with pytest.raises(TypeError, match="codec"):
            _core.describe_packet(codec, 4, packet)
        with pytest.raises(TypeError, match="codec"):
            _core.nal_length_size(codec, b"")
    for size in (None, 4.0, "4"):
        with pytest.raises(TypeError, match="nal_length_size"):
            _core.describe_packet("h264", size, packet)
    with pytest.raises(OverflowError):
        _core.describe_packet("h264", 2**63, packet)
    for extradata in (None, "extradata", packet):
        with pytest.raises(TypeError, match="extradata"):
            _core.nal_length_size("h264", extradata)

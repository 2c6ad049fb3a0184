"""Provide streams with what their packets declare, and what a decoder makes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np

from keye_vl_rs import _core
from support.clips import Clip

NAL_CODECS = ("h264", "hevc")


def x264(name: str, params: str) -> Clip:
    return Clip(f"packets_{name}", options={"x264-params": f"keyint=20:{params}"})


def x265(name: str, params: str) -> Clip:
    params = f"log-level=error:keyint=12:bframes=3:{params}"
    return Clip(f"packets_{name}", codec="libx265", options={"x265-params": params})


OPEN_GOP = "open-gop=1:bframes=3"
# Streams with pictures that no other picture needs.
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


@dataclass
class Stream:
    """Hold a stream's packets, what each declares, and its frames by packet as presented."""

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
        """Return the frames of some packets, by packet, in the order of a new decoder."""
        context = av.CodecContext.create(self.decoder, "r")
        context.extradata = self.extradata or None
        frames = []
        for place in places:
            # Raw streams have no times, so each packet carries its number instead.
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
        """Return those ``frames`` that are presented at ``start`` or later."""
        order = list(self.frames)
        late = set(order[order.index(start) :])
        return [item for item in frames.items() if item[0] in late]


def assert_decoding_can_start(stream: Stream, start: int, dropped: list[int]) -> None:
    decoded = stream.decode(
        place for place in range(start, len(stream.packets)) if place not in dropped
    )
    assert stream.since(start, decoded) == stream.since(start, stream.without(dropped))

"""Read what the packets of a stream say about themselves, without decoding them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from typing import Any

from keye_vl_rs._decoding.damage import CORRUPT_PACKET, PacketReport
from keye_vl_rs._decoding.orientation import has_orientation_message

__all__ = ["JUMP_S", "PacketTable", "list_packets"]

# Codecs whose headers the core parses to find where decoding can start.
_CODECS_WITH_KNOWN_STARTS = frozenset(
    {"av1", "h264", "hevc", "mpeg1video", "mpeg2video", "vp8", "vp9"}
)
# Codecs whose packets say that no other picture refers to them.
_CODECS_WITH_DISPOSABLE_PACKETS = frozenset({"h264", "hevc"})
# Where recordings were joined, timestamps jump by more than this.
JUMP_S = 1


@dataclass
class PacketTable:
    """List the packets of a stream in decoding order.

    Derived values are cached, so the lists must not change once they are filled.

    Attributes:
        pts: presentation timestamp of each packet, in ticks; None where it is missing.
        sizes: bytes of each packet.
        shown: False for packets hidden by an edit list, which are decoded but not presented.
        disposable: whether no other picture refers to the packet's.
        access: indices of the packets at which decoding can start, with every frame from there on
            presented after all frames before.
        leading_needed: whether leading frames (presented before the packet at which decoding
            starts, but following it) must be decoded although their references are missing: in
            H.264 they take part in the numbering of later frames.
        last_ticks: duration of the last shown frame; None or 0 where it is not stated.
        damaged_tail: whether the last packet is cut short or marked as damaged.
        pictures: False for a packet that contains no part of a picture and so yields no frame.
        restarts: indices of the packets from which decoding is exact, whatever came before:
            ``access`` where the core parses the codec, else the key frames marked by the container
            or by FFmpeg's parser.
        suspect: indices of packets with unreadable headers, or marked as damaged by FFmpeg.
        reports: damage that was reported before anything was decoded.
        last_byte: where the last packet ends in the file; None where FFmpeg does not say.
        key_frames: number of packets that the container or FFmpeg's parser marks as key frames.
        new_parameters: whether the container changes the stream's parameters midway.
        has_orientation: whether packets say how frames are presented, so that decoded frames may be
            rotated in another way than the container says.
    """

    pts: list[int | None] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    shown: list[bool] = field(default_factory=list)
    disposable: list[bool] = field(default_factory=list)
    access: list[int] = field(default_factory=list)
    leading_needed: bool = False
    last_ticks: int | None = None
    damaged_tail: bool = False
    pictures: list[bool] = field(default_factory=list)
    restarts: list[int] = field(default_factory=list)
    suspect: list[int] = field(default_factory=list)
    reports: list[PacketReport] = field(default_factory=list)
    last_byte: int | None = None
    key_frames: int = 0
    new_parameters: bool = False
    has_orientation: bool = False

    def __len__(self) -> int:
        """Return the number of packets."""
        return len(self.pts)

    @cached_property
    def times(self) -> list[int] | None:
        """Return all presentation timestamps, or None if one is missing."""
        known = [time for time in self.pts if time is not None]
        return known if len(known) == len(self) else None

    @cached_property
    def index_of(self) -> dict[int | None, int]:
        """Map each timestamp to the index of its packet, the first of several."""
        return {time: index for index, time in reversed(list(enumerate(self.pts)))}

    @cached_property
    def offsets(self) -> list[int]:
        """Return the total size of all packets before each index, and of all packets."""
        return list(accumulate(self.sizes, initial=0))

    @property
    def shown_times(self) -> list[int] | None:
        """Return the sorted timestamps of shown frames; None if one is missing or a duplicate."""
        times = sorted(
            time for time, shown in zip(self.times or (), self.shown, strict=False) if shown
        )
        return times if times and len(set(times)) == len(times) else None

    @property
    def reorder(self) -> int:
        """Return how many frames a decoder holds back at most to reorder them."""
        ranks: dict[int | None, int] = {
            time: rank for rank, time in enumerate(self.shown_times or [])
        }
        decoded = (time for time, shown in zip(self.pts, self.shown, strict=True) if shown)
        waits = (index - ranks.get(time, index) for index, time in enumerate(decoded))
        return max(waits, default=0)

    def without_last(self) -> PacketTable:
        """Return the table without the last packet."""
        end = len(self) - 1
        return PacketTable(
            pts=self.pts[:end],
            sizes=self.sizes[:end],
            shown=self.shown[:end],
            disposable=self.disposable[:end],
            pictures=self.pictures[:end],
            restarts=[index for index in self.restarts if index < end],
            suspect=[index for index in self.suspect if index < end],
            reports=[report for report in self.reports if report.index < end],
            access=[index for index in self.access if index < end],
            leading_needed=self.leading_needed,
            key_frames=self.key_frames,
            new_parameters=self.new_parameters,
            has_orientation=self.has_orientation,
        )


def list_packets(packets: Iterable[Any], stream: Any, *, sparse: bool = False) -> PacketTable:
    """Read all packets of a stream and return what they say about themselves.

    Args:
        packets: the packets, in decoding order.
        stream: their stream.
        sparse: whether the contents of packets are missing. Then only what the container says of
            them is used: which are key frames, and which no other picture refers to.
    """
    import numpy as np

    from keye_vl_rs import _core

    context = stream.codec_context
    codec = context.codec.canonical_name
    intra_only = context.codec.intra_only
    known = codec in _CODECS_WITH_KNOWN_STARTS and not sparse
    length_size = _core.nal_length_size(codec, bytes(context.extradata or b""))
    table = PacketTable(leading_needed=codec == "h264")
    layers: list[int] = []
    carriers: list[bool] = []
    starts: list[bool] = []
    last_time = None
    keys: list[int] = []
    corrupt: list[int] = []
    places: list[int | None] = []
    for index, packet in enumerate(packets):
        table.pts.append(packet.pts)
        table.sizes.append(packet.size)
        table.damaged_tail = packet.is_corrupt
        table.last_byte = None if packet.pos is None else packet.pos + packet.size
        if packet.is_keyframe:
            keys.append(index)
        table.new_parameters |= packet.has_sidedata("new_extradata")
        start, disposable, layer, carrier = intra_only, intra_only, 0, False
        without_picture = unreadable = False
        if sparse:
            places.append(packet.pos)
            disposable = intra_only or packet.is_disposable
        if known:
            start, disposable, layer, carrier, without_picture, unreadable = _core.describe_packet(
                codec, length_size, np.frombuffer(packet, np.uint8)
            )
        if start or index == 0:
            table.has_orientation |= has_orientation_message(codec, length_size, packet)
        shown = not packet.is_discard and not without_picture
        table.shown.append(shown)
        table.pictures.append(not without_picture)
        if unreadable or packet.is_corrupt:
            table.suspect.append(index)
        if packet.is_corrupt:
            corrupt.append(index)
        if shown and packet.pts is not None and (last_time is None or packet.pts > last_time):
            last_time, table.last_ticks = packet.pts, packet.duration
        starts.append(start)
        table.disposable.append(disposable)
        layers.append(layer)
        carriers.append(carrier)
    if sparse:
        # Without contents, FFmpeg's parser takes no packet for a key frame.
        marked = {entry.pos for entry in stream.index_entries if entry.is_keyframe}
        keys = [index for index, place in enumerate(places) if place in marked]
        starts = [intra_only or place in marked for place in places]
    table.key_frames = len(keys)
    if table.new_parameters:
        # The container changes the stream's parameters midway, so nothing may be skipped.
        table.disposable = [False] * len(table)
        table.restarts = keys
        return table
    if codec in _CODECS_WITH_DISPOSABLE_PACKETS and not sparse:
        # Pictures of a higher temporal sub-layer may refer to those of a lower one.
        highest = max(layers, default=0)
        table.disposable = [
            disposable and layer == highest
            for disposable, layer in zip(table.disposable, layers, strict=True)
        ]
    table.access = _access_points(table, starts, carriers)
    table.restarts = table.access if known or intra_only else keys
    table.reports = [
        PacketReport(index, CORRUPT_PACKET)
        for index in sorted({*corrupt} - _marked_at_joins(table, stream.time_base))
    ]
    return table


def _marked_at_joins(table: PacketTable, tick: Fraction) -> set[int]:
    """Return the packets that FFmpeg marks as damaged only because recordings were joined there.

    It marks the last packet of each recording, or the last but one where timestamps jump after it.
    """
    found = set()
    for restart in table.restarts:
        found.add(restart - 1)
        before, after = table.pts[restart - 1] if restart else None, table.pts[restart]
        if before is not None and after is not None and abs(after - before) * tick > JUMP_S:
            found.add(restart - 2)
    return found


def _access_points(table: PacketTable, starts: list[bool], carriers: list[bool]) -> list[int]:
    """Return the indices of the packets at which decoding can start without earlier ones."""
    in_band = any(carriers)
    if in_band and any(
        carrier and not start for carrier, start in zip(carriers, starts, strict=True)
    ):
        return []
    latest = accumulate(
        (-1 << 63 if time is None else time for time in table.pts), max, initial=-1 << 63
    )
    return [
        index
        for index, (time, start, carrier, before) in enumerate(
            zip(table.pts, starts, carriers, latest, strict=False)
        )
        if start and time is not None and time > before and (carrier or not in_band)
    ]

"""What the packets of a stream say before anything is decoded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from typing import Any

from keye_vl_rs._decoding.damage import Report

__all__ = ["JUMP_S", "PacketTable", "list_packets"]

# Codecs of which the core knows where decoding can start.
_RESTARTABLE = frozenset({"av1", "h264", "hevc", "mpeg1video", "mpeg2video", "vp8", "vp9"})
# Those whose packets say that no other picture refers to theirs.
_DROPPABLE = frozenset({"h264", "hevc"})
# Where recordings were joined, times jump by more than so many seconds.
JUMP_S = 1


@dataclass
class PacketTable:
    """The packets of a stream in the order of decoding.

    What follows from them is computed once: nothing is added when they were listed.

    Attributes:
        pts: when each is presented, in ticks; None where it is not said.
        sizes: bytes of each.
        shown: False for what an edit list hides; it is decoded and not presented.
        disposable: whether no other picture needs it.
        access: the places where decoding can start, and from which on every frame is presented
            after all those before.
        leading_needed: whether frames that are presented before a place where decoding starts, and
            come after it, have to be decoded though they cannot be: in H.264 they take part in
            the numbering of those that follow.
        last_ticks: how long the last shown frame is presented; None or 0 where it is not said.
        damaged_tail: whether the last packet is cut short or marked as damaged.
        pictures: False for a packet without any part of a picture, of which no frame comes.
        restarts: the places from which on decoding is exact, whatever came before: those of
            ``access`` where the core knows the codec, and else of what the container or FFmpeg's
            parser marks as key frames.
        suspect: the places of packets whose headers cannot be read, or that FFmpeg marks as
            damaged.
        reports: what was reported on packets before any was decoded.
        last_byte: where in the file the last packet ends; None where FFmpeg does not say.
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
    reports: list[Report] = field(default_factory=list)
    last_byte: int | None = None

    def __len__(self) -> int:
        """How many packets there are."""
        return len(self.pts)

    @cached_property
    def times(self) -> list[int] | None:
        """When each is presented; None unless all say so."""
        known = [time for time in self.pts if time is not None]
        return known if len(known) == len(self) else None

    @cached_property
    def place_of(self) -> dict[int | None, int]:
        """The place of the packet with each time; of several the first."""
        return {time: place for place, time in reversed(list(enumerate(self.pts)))}

    @cached_property
    def offsets(self) -> list[int]:
        """Bytes of all packets before each place, and of all of them."""
        return list(accumulate(self.sizes, initial=0))

    @property
    def shown_times(self) -> list[int] | None:
        """When frames are presented, in that order; None if a time is missing or there twice."""
        times = sorted(
            time for time, shown in zip(self.times or (), self.shown, strict=False) if shown
        )
        return times if times and len(set(times)) == len(times) else None

    @property
    def reorder(self) -> int:
        """How many frames a decoder holds back at most, to bring them into order."""
        ranks: dict[int | None, int] = {
            time: rank for rank, time in enumerate(self.shown_times or [])
        }
        decoded = (time for time, shown in zip(self.pts, self.shown, strict=True) if shown)
        waits = (place - ranks.get(time, place) for place, time in enumerate(decoded))
        return max(waits, default=0)

    def without_last(self) -> PacketTable:
        """The same without the last packet."""
        end = len(self) - 1
        return PacketTable(
            pts=self.pts[:end],
            sizes=self.sizes[:end],
            shown=self.shown[:end],
            disposable=self.disposable[:end],
            pictures=self.pictures[:end],
            restarts=[place for place in self.restarts if place < end],
            suspect=[place for place in self.suspect if place < end],
            reports=[report for report in self.reports if report.place < end],
            access=[place for place in self.access if place < end],
            leading_needed=self.leading_needed,
        )


def list_packets(packets: Iterable[Any], stream: Any) -> PacketTable:
    """Read all packets of a stream and note what they say."""
    import numpy as np

    from keye_vl_rs import _core

    context = stream.codec_context
    codec = context.codec.canonical_name
    intra_only = context.codec.intra_only
    known = codec in _RESTARTABLE
    length_size = _core.nal_length_size(codec, bytes(context.extradata or b""))
    table = PacketTable(leading_needed=codec == "h264")
    layers: list[int] = []
    carriers: list[bool] = []
    starts: list[bool] = []
    new_parameters = False
    last_time = None
    keys: list[int] = []
    corrupt: list[int] = []
    for place, packet in enumerate(packets):
        table.pts.append(packet.pts)
        table.sizes.append(packet.size)
        table.damaged_tail = packet.is_corrupt
        table.last_byte = None if packet.pos is None else packet.pos + packet.size
        if packet.is_keyframe:
            keys.append(place)
        new_parameters = new_parameters or packet.has_sidedata("new_extradata")
        start, disposable, layer, carrier = intra_only, intra_only, 0, False
        without_picture = unreadable = False
        if known:
            start, disposable, layer, carrier, without_picture, unreadable = _core.describe_packet(
                codec, length_size, np.frombuffer(packet, np.uint8)
            )
        shown = not packet.is_discard and not without_picture
        table.shown.append(shown)
        table.pictures.append(not without_picture)
        if unreadable or packet.is_corrupt:
            table.suspect.append(place)
        if packet.is_corrupt:
            corrupt.append(place)
        if shown and packet.pts is not None and (last_time is None or packet.pts > last_time):
            last_time, table.last_ticks = packet.pts, packet.duration
        starts.append(start)
        table.disposable.append(disposable)
        layers.append(layer)
        carriers.append(carrier)
    if new_parameters:
        # The container changes the stream's parameters along the way: nothing may be left out.
        table.disposable = [False] * len(table)
        table.restarts = keys
        return table
    if codec in _DROPPABLE:
        # Pictures of a higher temporal sub-layer may refer to those of a lower one.
        highest = max(layers, default=0)
        table.disposable = [
            disposable and layer == highest
            for disposable, layer in zip(table.disposable, layers, strict=True)
        ]
    table.access = _access_points(table, starts, carriers)
    table.restarts = table.access if known or intra_only else keys
    table.reports = [
        Report(place, "its packet is marked as damaged by FFmpeg")
        for place in sorted({*corrupt} - _joined(table, stream.time_base))
    ]
    return table


def _joined(table: PacketTable, tick: Fraction) -> set[int]:
    """The places that FFmpeg marks though they are whole, where recordings were joined.

    It is the last packet of each, or the last but one where times jump behind it.
    """
    found = set()
    for restart in table.restarts:
        found.add(restart - 1)
        before, after = table.pts[restart - 1] if restart else None, table.pts[restart]
        if before is not None and after is not None and abs(after - before) * tick > JUMP_S:
            found.add(restart - 2)
    return found


def _access_points(table: PacketTable, starts: list[bool], carriers: list[bool]) -> list[int]:
    """The places where decoding can start without anything that came before."""
    in_band = any(carriers)
    if in_band and any(
        carrier and not start for carrier, start in zip(carriers, starts, strict=True)
    ):
        return []
    latest = accumulate(
        (-1 << 63 if time is None else time for time in table.pts), max, initial=-1 << 63
    )
    return [
        place
        for place, (time, start, carrier, before) in enumerate(
            zip(table.pts, starts, carriers, latest, strict=False)
        )
        if start and time is not None and time > before and (carrier or not in_band)
    ]

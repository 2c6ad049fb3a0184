"""What the packets of a stream say before anything is decoded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

__all__ = ["PacketTable", "list_packets"]

# Codecs of which the core knows where decoding can start.
_RESTARTABLE = frozenset({"av1", "h264", "hevc", "mpeg1video", "mpeg2video", "vp8", "vp9"})
# Those whose packets say that no other picture refers to theirs.
_DROPPABLE = frozenset({"h264", "hevc"})


@dataclass
class PacketTable:
    """The packets of a stream in the order of decoding.

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
    """

    pts: list[int | None] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    shown: list[bool] = field(default_factory=list)
    disposable: list[bool] = field(default_factory=list)
    access: list[int] = field(default_factory=list)
    leading_needed: bool = False
    last_ticks: int | None = None
    damaged_tail: bool = False

    def __len__(self) -> int:
        """How many packets there are."""
        return len(self.pts)

    @property
    def times(self) -> list[int] | None:
        """When each is presented; None unless all say so."""
        known = [time for time in self.pts if time is not None]
        return known if len(known) == len(self) else None

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
        return PacketTable(
            self.pts[:-1],
            self.sizes[:-1],
            self.shown[:-1],
            self.disposable[:-1],
            [place for place in self.access if place < len(self) - 1],
            self.leading_needed,
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
    for packet in packets:
        table.pts.append(packet.pts)
        table.sizes.append(packet.size)
        table.shown.append(not packet.is_discard)
        table.damaged_tail = packet.is_corrupt
        new_parameters = new_parameters or packet.has_sidedata("new_extradata")
        shown = packet.pts is not None and not packet.is_discard
        if shown and (last_time is None or packet.pts > last_time):
            last_time, table.last_ticks = packet.pts, packet.duration
        start, disposable, layer, carrier = intra_only, intra_only, 0, False
        if known:
            start, disposable, layer, carrier = _core.describe_packet(
                codec, length_size, np.frombuffer(packet, np.uint8)
            )
        starts.append(start)
        table.disposable.append(disposable)
        layers.append(layer)
        carriers.append(carrier)
    if new_parameters:
        # The container changes the stream's parameters along the way: nothing may be left out.
        table.disposable = [False] * len(table)
        return table
    if codec in _DROPPABLE:
        # Pictures of a higher temporal sub-layer may refer to those of a lower one.
        highest = max(layers, default=0)
        table.disposable = [
            disposable and layer == highest
            for disposable, layer in zip(table.disposable, layers, strict=True)
        ]
    table.access = _access_points(table, starts, carriers)
    return table


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

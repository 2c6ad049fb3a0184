"""Provide clips of every codec with a packet whose damage FFmpeg reports."""

from __future__ import annotations

import warnings

import av
import numpy as np

from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import ConcealedDamageWarning
from support.clips import VP9, Clip, every, packets
from support.ffmpeg_reports import reported_times

GROUPS = {"x264-params": "keyint=20:min-keyint=20:scenecut=0:bframes=2"}
COUNT = 80
H264 = Clip("d_h264.mp4", count=COUNT, options=GROUPS)
# In each, one packet is damaged so that FFmpeg reports it: by an error, a mark on the frame, a
# missing frame, or only in its log (Motion JPEG, FFV1).
REPORTED = [
    H264,
    Clip("d_h264.ts", count=COUNT, options=GROUPS),
    Clip("d_h264.mkv", count=COUNT, options=GROUPS),
    Clip("d_mpeg4.mp4", codec="mpeg4", count=COUNT, options={"g": "20"}),
    Clip("d_mpeg2.ts", codec="mpeg2video", count=COUNT, options={"g": "20"}),
    Clip("d_mjpeg.avi", codec="mjpeg", count=COUNT, pix_fmt="yuvj420p"),
    Clip("d_ffv1.mkv", codec="ffv1", count=COUNT),
    Clip("d_prores.mov", codec="prores_ks", count=COUNT, pix_fmt="yuv422p10le"),
    Clip("d_vp9.webm", count=COUNT, codec="libvpx-vp9", options={**VP9["options"], "g": "20"}),
]
SPOILT = 45


def spoil(path, target, number=SPOILT):
    """Copy a video with noise in a packet, which FFmpeg reports; return the index of the frame."""
    listed = packets(path)
    position, size, time = listed[number]
    if path.suffix == ".ts":
        # Within one packet of the container.
        position, size = position + 30, 140
    elif path.suffix in (".mkv", ".webm"):
        position = path.read_bytes().index(packet_bytes(path, number))
    skipped = 0 if path.suffix == ".webm" else size // 4
    for seed in range(100):
        data = bytearray(path.read_bytes())
        noise = np.random.default_rng(seed).bytes(size - skipped)
        data[position + skipped : position + size] = noise
        if reported_times(bytes(data)):
            target.write_bytes(data)
            return sorted(one[2] for one in listed).index(time)
    raise AssertionError(f"FFmpeg reports nothing of {path.name}")


def packet_bytes(path, number):
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size]
        return bytes(packets[number])


def conceal(path, choose=every, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConcealedDamageWarning)
        return sample_video(path, choose, on_error="conceal", **options)

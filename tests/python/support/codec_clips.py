"""List a clip of every codec and kind of stream, and say which of its packets can be skipped."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from support import clips
from support.clips import Clip

COUNT = 96
# Small, because there are many.
SIZE = {"width": 112, "height": 80}


def x264(name, params, **options):
    return Clip(name, count=COUNT, options={"x264-params": params}, **SIZE, **options)


def x265(name, params, **options):
    params = f"log-level=error:pools=none:frame-threads=1:{params}"
    return Clip(name, "libx265", count=COUNT, options={"x265-params": params}, **SIZE, **options)


@dataclass(frozen=True)
class Case:
    """Describe a clip, and why some of its packets can be skipped."""

    clip: Clip
    # Pictures that no other needs, and key frames to start at.
    drops: bool = False
    restarts: bool = True


GOP = "keyint=24:min-keyint=24:scenecut=0"
CASES = [
    Case(x264("e_0_b.mp4", f"{GOP}:bframes=0")),
    Case(x264("e_3_b.mp4", f"{GOP}:bframes=3:b-adapt=0:b-pyramid=none"), drops=True),
    Case(x264("e_3_b_pyramid.mp4", f"{GOP}:bframes=3:b-adapt=0:b-pyramid=normal"), drops=True),
    Case(x264("e_8_b.mp4", f"{GOP}:bframes=8:b-adapt=0:b-pyramid=none"), drops=True),
    Case(x264("e_8_b_pyramid.mp4", f"{GOP}:bframes=8:b-adapt=0:b-pyramid=normal"), drops=True),
    Case(x264("e_8_b_strict.mkv", f"{GOP}:bframes=8:b-adapt=0:b-pyramid=strict"), drops=True),
    Case(x264("e_open.mp4", f"{GOP}:bframes=3:b-adapt=0:open-gop=1"), drops=True),
    Case(x264("e_open_8.mkv", f"{GOP}:bframes=8:b-adapt=0:open-gop=1:ref=5"), drops=True),
    Case(x264("e_one_gop.mp4", "keyint=250:bframes=3:b-adapt=0"), drops=True, restarts=False),
    Case(x264("e_adapt.mp4", "keyint=30:bframes=5:b-adapt=2:rc-lookahead=20"), drops=True),
    Case(x264("e_slices.mp4", f"{GOP}:bframes=3:b-adapt=0:slices=4"), drops=True),
    Case(x264("e_ts.ts", f"{GOP}:bframes=3:b-adapt=0"), drops=True),
    Case(x264("e_flv.flv", f"{GOP}:bframes=3:b-adapt=0"), drops=True),
    Case(x264("e_intra.mp4", "keyint=1")),
    Case(x264("e_interlaced.mp4", f"{GOP}:bframes=3:b-adapt=0:tff=1"), drops=True),
    Case(x264("e_ten_bits.mp4", f"{GOP}:bframes=3:b-adapt=0", pix_fmt="yuv420p10le"), drops=True),
    Case(x264("e_444.mp4", f"{GOP}:bframes=3:b-adapt=0", pix_fmt="yuv444p"), drops=True),
    Case(x264("e_lossless.mp4", f"{GOP}:qp=0:bframes=0", pix_fmt="yuv444p")),
    Case(x264("e_vfr.mp4", f"{GOP}:bframes=3:b-adapt=0", pts=clips.irregular(COUNT)), drops=True),
    Case(x264("e_vfr.mkv", f"{GOP}:bframes=3:b-adapt=0", pts=clips.irregular(COUNT)), drops=True),
    Case(x264("e_ntsc.mkv", f"{GOP}:bframes=2", rate=Fraction(30000, 1001)), drops=True),
    Case(x265("e_hevc.mp4", f"{GOP}:bframes=3:open-gop=0"), drops=True),
    Case(x265("e_hevc_open.mp4", f"{GOP}:bframes=4:open-gop=1"), drops=True),
    Case(x265("e_hevc_open.mkv", f"{GOP}:bframes=8:b-adapt=0:open-gop=1"), drops=True),
    Case(x265("e_hevc_radl.mp4", f"{GOP}:bframes=4:b-adapt=0:open-gop=0:radl=2"), drops=True),
    Case(x265("e_hevc_layers.mp4", f"{GOP}:bframes=3:b-adapt=0:temporal-layers=1"), drops=True),
    Case(x265("e_hevc_3_layers.mp4", f"{GOP}:bframes=7:b-adapt=0:temporal-layers=3"), drops=True),
    Case(x265("e_hevc_ts.ts", f"{GOP}:bframes=3:open-gop=1"), drops=True),
    Case(x265("e_hevc_10.mp4", f"{GOP}:bframes=3:open-gop=1", pix_fmt="yuv420p10le"), drops=True),
    Case(
        Clip(
            "e_vp9.webm",
            codec="libvpx-vp9",
            count=COUNT,
            **SIZE,
            options={"g": "24", "cpu-used": "8", "lag-in-frames": "16", "auto-alt-ref": "1"},
        )
    ),
    Case(
        Clip(
            "e_vp8.webm", codec="libvpx", count=COUNT, **SIZE, options={"g": "24", "cpu-used": "8"}
        )
    ),
    Case(
        Clip(
            "e_av1.mp4", codec="libsvtav1", count=COUNT, **SIZE, options={"g": "24", "preset": "12"}
        )
    ),
    Case(
        Clip(
            "e_mpeg2.mkv", codec="mpeg2video", count=COUNT, **SIZE, b_frames=2, options={"g": "12"}
        )
    ),
    Case(
        Clip("e_mpeg4.mp4", codec="mpeg4", count=COUNT, **SIZE, b_frames=2, options={"g": "12"}),
        restarts=False,
    ),
    Case(
        Clip("e_mjpeg.avi", codec="mjpeg", count=COUNT, **SIZE, pix_fmt="yuvj422p"), restarts=False
    ),
    Case(Clip("e_prores.mov", codec="prores_ks", count=COUNT, **SIZE, pix_fmt="yuv422p10le")),
    Case(Clip("e_ffv1.mkv", codec="ffv1", count=COUNT, **SIZE), restarts=False),
]
INTRA_ONLY = ("mjpeg", "prores_ks")

"""Test for which formats and codecs frames are left out, and that nothing else changes then."""

from __future__ import annotations

import pytest

from support.clips import VP9, Clip, irregular
from support.probe import assert_probed
from support.range_server import BLOCK, serve_ranges

pytestmark = pytest.mark.one_level

SIZE = {"width": 480, "height": 360}


@pytest.fixture(autouse=True)
def _local_addresses(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")


@pytest.mark.parametrize(
    "clip",
    [
        Clip("r.mov", codec="prores_ks", pix_fmt="yuv422p10le", **SIZE),
        Clip("r_hevc.mp4", codec="libx265", b_frames=2, options={"x265-params": "qp=8"}, **SIZE),
        Clip("r_av1.mp4", codec="libsvtav1", options={"preset": "12", "crf": "5"}, **SIZE),
        Clip("r_mpeg4.mp4", codec="mpeg4", b_frames=2, options={"b": "9M"}, **SIZE),
        Clip("r_mjpeg.mov", codec="mjpeg", pix_fmt="yuvj422p", **SIZE),
        Clip("r_vp9.mp4", codec="libvpx-vp9", options={**VP9["options"], "b": "9M"}, **SIZE),
        Clip("r_ten.mp4", pix_fmt="yuv420p10le", b_frames=2, options={"qp": "3"}, **SIZE),
        Clip("r_mpeg2.mp4", codec="mpeg2video", b_frames=2, options={"b": "9M"}, **SIZE),
        Clip("r_edits.mp4", b_frames=3, pts=irregular(40), options={"qp": "3"}, **SIZE),
        Clip(
            "r_fragments.mp4",
            options={"qp": "3", "x264-params": "keyint=20"},
            format_options={"movflags": "frag_keyframe+empty_moov"},
            **SIZE,
        ),
    ],
    ids=lambda clip: clip.name,
)
def test_frames_are_left_out(clip, folder):
    path = clip.write(folder)
    data = path.read_bytes()
    assert len(data) > 4 * BLOCK
    with serve_ranges(data) as served:
        assert "packets_needed" in assert_probed(served, path).estimated
    assert served.sent < 3 * BLOCK
    assert len(served.requests) <= 5


@pytest.mark.parametrize(
    "clip",
    [
        Clip("r.webm", codec="libvpx-vp9", options={**VP9["options"], "b": "9M"}, **SIZE),
        Clip("r.avi", codec="mjpeg", pix_fmt="yuvj422p", **SIZE),
        Clip("r.ts", b_frames=2),
        Clip("r_small.mp4"),
    ],
    ids=lambda clip: clip.name,
)
def test_frames_are_not_left_out(clip, folder):
    path = clip.write(folder)
    data = path.read_bytes()
    with serve_ranges(data) as served:
        assert not assert_probed(served, path).estimated
    assert served.sent == len(data)
    assert len(served.requests) <= 2

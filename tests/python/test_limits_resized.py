"""Test that results are bounded like sources: sizes that messages and calls ask for."""

from __future__ import annotations

import io
import math

import pytest
import torch
from PIL import Image

import keye_vl_rs
from keye_vl_rs import errors, preprocess_video, preview, process_vision_info
from keye_vl_rs._media import images
from keye_vl_rs.errors import InvalidArgumentError, LimitError, OutOfMemoryError
from keye_vl_rs.limits import Limits, applied
from keye_vl_rs.processors.video_processor import KeyeVL1_5VideoProcessor

pytestmark = pytest.mark.one_level

SMALL = Limits(resized_pixels=1_000_000, resized_video_pixels=1_500_000)
# Pixels of one frame.
MUCH, ENDLESS = 3e6, 1e13


def png():
    file = io.BytesIO()
    Image.new("RGB", (30, 30)).save(file, "png")
    return file.getvalue()


def talk(kind, source, **options):
    return [{"role": "user", "content": [{"type": kind, kind: source, **options}]}]


@pytest.mark.parametrize("module", [keye_vl_rs, preview])
@pytest.mark.parametrize(
    "options",
    [
        {"min_pixels": MUCH, "max_pixels": MUCH},
        {"min_pixels": MUCH, "max_pixels": 9e15},
        {"min_pixels": ENDLESS, "max_pixels": ENDLESS},
        {"resized_height": 1400, "resized_width": 1400},
    ],
)
def test_an_image(module, options):
    """Asked for by a message, under limits of the call; an allocation would be noticed."""
    most = 1400 * 1400 - 1 if "resized_height" in options else 1_000_000
    limits = Limits(resized_pixels=most)
    for source in (png(), Image.new("RGB", (30, 30))):
        with pytest.raises(LimitError, match=r"resized to \d+x\d+ pixels exceeds resized_pix"):
            module.process_vision_info(talk("image", source, **options), limits=limits)


def test_the_limit_itself(monkeypatch):
    message = talk("image", png(), min_pixels=4e5, max_pixels=4.2e5)
    made = process_vision_info(message)[0][0]
    assert made.size == (644, 644)
    edge = 644 * 644
    assert process_vision_info(message, limits=Limits(resized_pixels=edge))[0][0].size == (644, 644)
    reason = r"resized to 644x644 pixels exceeds resized_pixels \(414,735\); .*to a call"
    with pytest.raises(LimitError, match=reason):
        process_vision_info(message, limits=Limits(resized_pixels=edge - 1))
    monkeypatch.setenv("KEYE_VL_RS_MAX_RESIZED_PIXELS", str(edge - 1))
    with pytest.raises(LimitError, match="KEYE_VL_RS_MAX_RESIZED_PIXELS"):
        process_vision_info(message)


@pytest.mark.parametrize("module", [keye_vl_rs, preview])
def test_large_numbers_are_written_shortly(module):
    for options, shown in (
        ({"min_pixels": 1e300}, r"min_pixels is 1e\+300: expected a number from 0 to"),
        ({"max_pixels": 10**16}, r"max_pixels is 1e\+16: expected a positive number up to"),
        ({"resized_height": 10**200, "resized_width": 1e200}, r"height 1e\+200 and width 1e\+200"),
        ({"resized_height": 10**5000, "resized_width": 1}, r"resized_height is of type int, too"),
    ):
        for message in (talk("image", png(), **options), talk("video", [png()] * 2, **options)):
            with pytest.raises(InvalidArgumentError, match=shown) as caught:
                module.process_vision_info(message)
            assert len(str(caught.value)) < 300
    frames = talk("video", [png()] * 2, num_frames=1e300)
    with pytest.raises(InvalidArgumentError, match=r"num_frames is 1e\+300: expected at most 2"):
        module.process_vision_info(frames)


def test_defaults_refuse_what_no_model_reads():
    for module in (keye_vl_rs, preview):
        for pixels in (3e8, ENDLESS):
            message = talk("image", png(), min_pixels=pixels, max_pixels=pixels)
            with pytest.raises(LimitError, match=r"exceeds resized_pixels \(67,108,864\)"):
                module.process_vision_info(message)
    # Twenty frames of 60 million pixels: each is allowed, all together are not.
    sizes = {"min_pixels": 6e7, "max_pixels": 6.5e7, "video_total_pixels": 9e15}
    frames = talk("video", [png()] * 20, **sizes)
    for module in (keye_vl_rs, preview):
        with pytest.raises(LimitError, match=r"exceeds resized_video_pixels \(1,073,741,824\)"):
            module.process_vision_info(frames)


@pytest.mark.parametrize("module", [keye_vl_rs, preview])
def test_a_list_of_frames(module):
    one = {"min_pixels": MUCH, "max_pixels": MUCH}
    several = {"min_pixels": 4e5, "max_pixels": 5e5}
    for options, reason in (
        (one, r"frame 0: <\d+ bytes>: an image or frame resized .*exceeds resized_pixels"),
        (
            several,
            r"frame 0: the video of 4 frames: a video resized .*exceeds resized_video_pixels",
        ),
    ):
        message = talk("video", [png()] * 4, **options)
        with pytest.raises(LimitError, match=rf"^{reason} \("):
            module.process_vision_info(message, limits=SMALL)
    with pytest.raises(LimitError, match="exceeds resized_pixels"):
        preprocess_video([png()] * 4, **one, limits=SMALL)


def test_frames_of_a_list_that_are_not_sampled_are_not_counted():
    """Half an hour at one frame per second, of which 64 frames are sampled."""
    frames = [Image.new("RGB", (64, 64), (place % 256, 9, 9)) for place in range(1910)]
    options = {"fps": 1, "max_frames": 64}
    limits = Limits(resized_video_pixels=64 * 196 * 196)
    (video,), about = process_vision_info(talk("video", frames, **options), limits=limits)[1:]
    assert len(video) == 64
    assert about["timestamps"][0][[0, -1]].tolist() == [0, 1909]
    assert video[:, 0, 0, 0].tolist() == [
        int(seconds) % 256 for seconds in about["timestamps"][0].tolist()
    ]
    assert preprocess_video(frames, **options, limits=limits).num_frames.tolist() == [64]
    (sampled,) = preview.process_vision_info(
        talk("video", frames, fps=1, num_frames=64), limits=Limits(resized_video_pixels=64 * 56**2)
    )[1]
    assert len(sampled) == 64


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"min_pixels": MUCH, "max_pixels": MUCH, "total_pixels": 9e15}, "resized_pixels"),
        ({"min_pixels": 9e5, "total_pixels": 1e9, "max_pixels": 9.9e5}, "resized_video_p"),
    ],
)
def test_a_video_file(h264, options, reason):
    with pytest.raises(LimitError, match=rf"/plain\.mp4: .*exceeds {reason}"):
        preprocess_video(h264, **options, limits=SMALL)
    with pytest.raises(LimitError, match=rf"/plain\.mp4: .*exceeds {reason}"):
        process_vision_info(talk("video", str(h264), **options), limits=SMALL)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"resized_height": 1400, "resized_width": 1400}, "resized_pixels"),
        ({"resized_height": 980, "resized_width": 980, "nframes": 4}, "resized_video_pixels"),
    ],
)
def test_a_video_file_of_preview(h264, options, reason):
    with pytest.raises(LimitError, match=rf"/plain\.mp4: .*exceeds {reason}"):
        preview.process_vision_info(talk("video", str(h264), **options), limits=SMALL)


@pytest.mark.parametrize(
    "settings",
    [
        {"min_pixels": ENDLESS, "max_pixels": ENDLESS},
        {"size": {"height": 14 * 10**6, "width": 14 * 10**6}},
        {"size": {"min_pixels": ENDLESS, "max_pixels": ENDLESS}},
        {"min_pixels": ENDLESS, "max_pixels": ENDLESS, "do_rescale": False, "do_normalize": False},
    ],
)
def test_image_processors(settings):
    for kind in (keye_vl_rs.KeyeVL1_5ImageProcessor, preview.SiglipImageProcessor):
        with pytest.raises(LimitError, match=r"image 0: .*exceeds resized_pixels"):
            kind()(Image.new("RGB", (30, 30)), return_tensors="pt", **settings)


def test_sizes_for_the_processor():
    video = torch.zeros(4, 3, 56, 56, dtype=torch.uint8)
    processor = KeyeVL1_5VideoProcessor()
    with pytest.raises(LimitError, match=r"video 0: .*exceeds resized_pixels"):
        processor(video, height=[28 * 10**6], width=[28 * 10**6])
    with pytest.raises(LimitError, match=r"video 0: .*exceeds resized_pixels"):
        processor(video, min_pixels=ENDLESS, max_pixels=ENDLESS)
    with (
        applied(SMALL),
        pytest.raises(LimitError, match=r"video 0: a video resized to 3,136,000 pixels in total"),
    ):
        processor(video, height=[560], width=[1400])


def test_the_operator():
    video = torch.zeros(4, 3, 56, 56, dtype=torch.uint8)
    operator = keye_vl_rs.BicubicVideoProcessor()
    for options in ((28 * 10**6, 28 * 10**6), (0, 0)):
        with pytest.raises(LimitError, match="exceeds resized_pixels"):
            operator.interp(
                video, 4, [0, 1], 56, 56, *options, min_pixels=ENDLESS, max_pixels=ENDLESS
            )


def test_messages_for_servers():
    with pytest.raises(LimitError, match="exceeds resized_pixels"):
        keye_vl_rs.to_openai_messages(talk("image", png(), min_pixels=3e8, max_pixels=3e8))


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 954. MiB for an array"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: not enough memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
    ],
)
def test_memory_that_cannot_be_had(error, monkeypatch):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(Image.Image, "resize", fail)
    for module in (keye_vl_rs, preview):
        with pytest.raises(OutOfMemoryError, match=r"out of memory: .") as caught:
            module.process_vision_info(talk("image", png()))
        assert caught.value.__cause__.__cause__ is error


def test_an_image_for_which_there_is_no_memory_is_not_called_damaged(monkeypatch):
    monkeypatch.setattr(
        images, "_rgb", lambda *args, **kwargs: (_ for _ in ()).throw(MemoryError())
    )
    with pytest.raises(OutOfMemoryError, match="the image"):
        keye_vl_rs.vision_process.fetch_image({"image": png()})


def test_other_errors_stay_what_they_are():
    for error in (RuntimeError("not our memory"), InvalidArgumentError("x"), OutOfMemoryError("y")):
        with pytest.raises(type(error)) as caught, errors.memory_errors("it"):
            raise error
        assert caught.value is error


def test_defaults_of_a_fetch():
    """Defaults that suit servers: 4 GiB, 15 minutes, and 30 seconds of silence."""
    limits = Limits()
    assert limits.response_bytes == 4 * 2**30
    assert (limits.response_seconds, limits.silence_seconds) == (900, 30)
    assert Limits(silence_seconds=math.inf).silence_seconds == math.inf

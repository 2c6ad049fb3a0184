"""Test that options of messages which nothing reads give a warning, once."""

from __future__ import annotations

import logging
import re

import pytest
from typer.main import get_command

import keye_vl_rs
from keye_vl_rs import preview, process_vision_info, to_openai_messages, to_vllm_inputs
from keye_vl_rs._chat.message_options import READ_BY
from keye_vl_rs._util.warn_once import reset_warnings
from keye_vl_rs.cli import app
from keye_vl_rs.errors import InvalidArgumentError
from support.paths import ROOT
from support.processor import PROCESSOR
from support.video_messages import ALL, FRAMES, PLAIN, talk
from support.vision_process import assert_same, data_url

pytestmark = [pytest.mark.one_level, pytest.mark.usefixtures("warnings_anew")]


def warnings_of(caplog, run, *given):
    reset_warnings()
    caplog.clear()
    with caplog.at_level(logging.WARNING, "keye_vl_rs"):
        for _ in range(2):
            for messages in given:
                run(messages)
    return [r.getMessage() for r in caplog.records if "not read" in r.getMessage()]


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("nframes", "num_frames, fps or max_frames"),
        ("min_frames", "num_frames or fps"),
        ("resized_height", "min_pixels or max_pixels"),
        ("sample_fps", "fps"),
        ("max_frame", "max_frames"),
        ("FPS", "fps"),
        ("video_fps", "fps"),
        ("max_num_frames", "max_frames"),
        ("video_max_pixels", "max_pixels"),
        ("start", "video_start"),
        ("frames", "num_frames"),
    ],
)
def test_what_nothing_reads_is_said_once(option, instead, clip, caplog):
    said, bare = talk(clip, **{option: 4}), talk(clip)
    expected = [f"{option} in the message of a video file is not read: use {instead}"]
    for run in (
        process_vision_info,
        to_openai_messages,
        lambda given: to_vllm_inputs(given, PROCESSOR),
        lambda given: PROCESSOR.apply_chat_template(given, **ALL),
        lambda given: PLAIN.apply_chat_template(given, **ALL),
    ):
        assert warnings_of(caplog, run, said) == expected
        assert not warnings_of(caplog, run, bare)
    assert_same(process_vision_info(said), process_vision_info(bare))


@pytest.mark.parametrize("option", ["threads", "limits", "text", "anything", "url"])
def test_every_key_that_nothing_reads_is_said(option, clip, caplog):
    read = ", ".join(READ_BY["a video file"])
    assert warnings_of(caplog, process_vision_info, talk(clip, **{option: "x"})) == [
        f"{option} in the message of a video file is not read; options that are: {read}"
    ]
    for video, kind in ((FRAMES, "a list of frames"), (FRAMES[0], "an image")):
        part = {"type": "image", "image": video, option: "x"}
        said = talk(video, **{option: "x"}) if video is FRAMES else [{"content": [part]}]
        (line,) = warnings_of(caplog, process_vision_info, said)
        assert line.startswith(f"{option} in the message of {kind} is not read; options that are: ")


def test_exif_of_a_video_file(clip, caplog):
    (line,) = warnings_of(caplog, process_vision_info, talk(clip, exif=True))
    assert line == (
        "exif in the message of a video file is not read: video files are rotated as their "
        "metadata says; exif applies to images and lists of frames"
    )


@pytest.mark.parametrize("module", [keye_vl_rs, preview])
@pytest.mark.parametrize("side", ["height", "width"])
def test_one_of_two_sides_is_not_read(module, side, caplog):
    other = {"height": "width", "width": "height"}[side]
    option = {f"resized_{side}": 56}
    image = {"type": "image", "image": FRAMES[0]}
    for bare, kind in (
        ([{"role": "user", "content": [image]}], "an image"),
        (talk(FRAMES), "a list of frames"),
        (talk([image, *FRAMES[1:]]), "a frame of a list"),
    ):
        part = bare[0]["content"][0]
        said = [{"role": "user", "content": [{**part, **option}]}]
        if kind == "a frame of a list":
            said = talk([{**image, **option}, *FRAMES[1:]])
        (line,) = warnings_of(caplog, module.process_vision_info, said)
        assert line.startswith(f"resized_{side} in the message of {kind}")
        assert line.endswith(f" is not read without resized_{other}")
        assert_same(module.process_vision_info(said), module.process_vision_info(bare))


def test_frames_have_options_of_their_own(caplog):
    frame = {"type": "image", "image": FRAMES[0], "fps": 2.0, "max_pixels": 602_112}
    lists = (
        talk([frame, *FRAMES[1:]], fps=2.0),
        talk([{"bytes": None, "path": data_url(FRAMES[0])}]),
    )
    for run in (process_vision_info, preview.process_vision_info):
        assert warnings_of(caplog, run, *lists) == [
            "fps in the message of a frame of a list is not read; options that are: min_pixels, "
            "max_pixels, resized_height, resized_width, exif"
        ]


def test_the_documentation_names_what_is_read():
    text = (ROOT / "docs" / "video-options.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    table = "\n".join(rows)
    named = {option for options in READ_BY.values() for option in options}
    assert [option for option in sorted(named) if f"`{option}`" not in table] == []
    flags = {flag for row in rows for flag in re.findall(r"`(--[a-z-]+)`", row)}
    parameters = get_command(app).commands["preprocess"].params
    assert {"--fps", "--num-frames", "--total-pixels"} <= flags
    assert flags <= {flag for parameter in parameters for flag in parameter.opts}


@pytest.mark.parametrize("make", [lambda clip: clip, lambda _: FRAMES], ids=["file", "list"])
def test_total_pixels_is_read_as_video_total_pixels(make, clip, caplog):
    """keye_vl_utils 1.5.2 does not read it, so a warning says that it is read."""
    reset_warnings()
    small = {"fps": 2.0, "min_pixels": 3136}
    expected = process_vision_info(talk(make(clip), video_total_pixels=200_000, **small))
    assert not caplog.records
    for _ in range(2):
        found = process_vision_info(talk(make(clip), total_pixels=200_000, **small))
        assert_same(found, expected)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert said[0].startswith("total_pixels in the message of a video is read as video_total_pixe")
    both = {"video_total_pixels": 200_000, "total_pixels": 200_000}
    assert_same(process_vision_info(talk(make(clip), **both, **small)), expected)
    with pytest.raises(InvalidArgumentError, match=r"^video_total_pixels is 200000 and total_pixe"):
        process_vision_info(talk(make(clip), **{**both, "total_pixels": 1}, **small))
    with pytest.raises(InvalidArgumentError, match=r"^total_pixels is 0: "):
        process_vision_info(talk(make(clip), total_pixels=0))


def test_what_preview_does_not_read(clip, caplog):
    (line,) = warnings_of(caplog, preview.process_vision_info, talk(clip, video_total_pixels=1e6))
    assert line.endswith("of Keye-VL-8B-Preview is not read: use total_pixels")
    (line,) = warnings_of(caplog, preview.process_vision_info, talk(FRAMES, nframes=4))
    assert line.startswith("nframes in the message of a list of frames of Keye-VL-8B-Preview")
    (line,) = warnings_of(caplog, preview.process_vision_info, talk(FRAMES, max_frames=4))
    assert line.endswith("of Keye-VL-8B-Preview is not read: use num_frames")
    both = talk(FRAMES, max_frames=4, num_frames=8)
    assert not warnings_of(caplog, preview.process_vision_info, both)


def test_what_is_read_is_not_warned_of(clip, caplog):
    values = {"video_start": 0.0, "video_end": 9.0, "timeout": 60, "on_error": "raise"}
    usual = {"fps": 2.0, "max_frames": 4, "min_frame_similarity": 0.9, "id": 3, "uuid": "x"}
    usual |= {"cache_control": {}, "name": "x", "metadata": {}, "threads": None}
    image = {"type": "image", "image": FRAMES[0], "min_pixels": 3136, "detail": "low"}
    given = [talk(clip, **values, **usual), talk(FRAMES, resized_height=56, resized_width=84)]
    given.append([{"role": "user", "content": [image]}])
    assert not warnings_of(caplog, process_vision_info, *given)
    assert {"nframes", "total_pixels"} <= set(READ_BY["a video file of Keye-VL-8B-Preview"])


def test_options_of_images(caplog):
    image = {"type": "image", "image": FRAMES[0], "fps": 2.0}
    for run in (process_vision_info, preview.process_vision_info):
        (line,) = warnings_of(caplog, run, [{"role": "user", "content": [image]}])
        assert line.startswith(
            "fps in the message of an image is not read; options that are: min_pixels, "
        )

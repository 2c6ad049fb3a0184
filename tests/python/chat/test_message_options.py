"""Options of messages mean the same for every source and path, or are said to be unread."""

from __future__ import annotations

import logging
import re

import numpy as np
import pytest
import torch
from typer.main import get_command

import keye_vl_rs
from keye_vl_rs import preview, process_vision_info, to_openai_messages, to_vllm_inputs
from keye_vl_rs._chat.message_options import READ_BY
from keye_vl_rs._util.warn_once import forget_said
from keye_vl_rs.cli import app
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from keye_vl_rs.processors.processor import KeyeVL1_5Processor
from support.clips import Clip
from support.paths import ROOT
from support.processor import PROCESSOR, TOKENIZER
from support.processor import clip as frames_tensor
from support.tokenizers import CHAT_TEMPLATE
from support.vision_process import assert_same, data_url, pictures

pytestmark = pytest.mark.one_level

ALL = {"tokenize": True, "return_dict": True, "return_tensors": "pt"}
PLAIN = KeyeVL1_5Processor(
    KeyeVL1_5ImageProcessor(do_rescale=False), TOKENIZER, chat_template=CHAT_TEMPLATE
)
PREVIEW = preview.KeyeProcessor(
    preview.SiglipImageProcessor(), TOKENIZER, chat_template=CHAT_TEMPLATE
)
FRAMES = pictures(12, width=84, height=56)


@pytest.fixture(scope="module")
def clip(folder):
    return str(Clip("options.mp4", count=60, width=84, height=56).write(folder))


@pytest.fixture(autouse=True)
def silence():
    """Warnings are given once in a process, which other tests are in too."""
    forget_said()
    yield
    forget_said()


def talk(video, **options):
    return [{"role": "user", "content": [{"type": "video", "video": video, **options}]}]


def sources(clip):
    with open(clip, "rb") as file:
        data = file.read()
    return {"path": clip, "bytes": data, "list": FRAMES}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"num_frames": 4}, 4),
        ({"num_frames": 6, "max_frames": 4}, 4),
        ({"max_frames": 4}, 4),
        ({"max_frames": 4.0, "num_frames": 8.0}, 4),
    ],
)
@pytest.mark.parametrize("source", ["path", "bytes", "list"])
def test_numbers_of_frames_are_the_same_on_every_path(options, expected, source, clip):
    video = sources(clip)[source]
    said, bare = talk(video, **options), talk(video)
    numbers = {
        "process_vision_info": len(process_vision_info(said)[1][0]),
        "vLLM": len(to_vllm_inputs(said, PROCESSOR)["multi_modal_data"]["video"][0]),
        "vLLM's call": len(
            to_vllm_inputs(bare, PROCESSOR, **options)["multi_modal_data"]["video"][0]
        ),
        "a request": len(
            to_openai_messages(said).extra_body["mm_processor_kwargs"]["frame_types"][0]
        ),
    }
    for name, processor in (("one call", PROCESSOR), ("the plain path", PLAIN)):
        for place, out in (
            ("message", processor.apply_chat_template(said, **ALL)),
            ("call", processor.apply_chat_template(bare, **ALL, **options)),
            (
                "processor_kwargs",
                processor.apply_chat_template(bare, **ALL, processor_kwargs=options),
            ),
            (
                "videos_kwargs",
                processor.apply_chat_template(
                    bare, **ALL, processor_kwargs={"videos_kwargs": options}
                ),
            ),
        ):
            numbers[f"{name}, {place}"] = int(out["num_frames"][0])
    if "num_frames" in options or source != "list":
        numbers["preview"] = len(preview.process_vision_info(said)[1][0])
        for given, kwargs in ((said, {}), (bare, options)):
            out = PREVIEW.apply_chat_template(given, **ALL, **kwargs)
            numbers[f"preview, {list(kwargs)}"] = int(out["video_grid_thw"][0, 0])
    assert numbers == dict.fromkeys(numbers, expected)


def test_sampled_frames_of_a_list():
    """Evenly spaced, the first and the last among them."""
    _, (found,), about = process_vision_info(talk(FRAMES, num_frames=3, fps=4.0))
    _, (whole,), of_whole = process_vision_info(talk(FRAMES, fps=4.0))
    places = [0, 6, 11]  # 5.5 rounds to the even number
    assert torch.equal(found, whole[places])
    assert torch.equal(about["timestamps"][0], of_whole["timestamps"][0][places])


@pytest.mark.parametrize("source", ["path", "list"])
def test_more_frames_than_there_are(source, clip):
    said = talk(sources(clip)[source], num_frames=61)
    for run in (
        process_vision_info,
        preview.process_vision_info,
        lambda given: PLAIN.apply_chat_template(given, **ALL),
        lambda given: PROCESSOR.apply_chat_template(given, **ALL),
    ):
        with pytest.raises(InvalidArgumentError, match=r"^num_frames is 61: expected at most"):
            run(said)


def test_preview_takes_two_frames_at_a_time(clip):
    for source in (clip, FRAMES):
        with pytest.raises(InvalidArgumentError, match="num_frames makes 3 frames: expected a mul"):
            preview.process_vision_info(talk(source, num_frames=3))


def test_rates_of_previews_calls(clip):
    """The rate that the prompt tells is the one that frames were sampled at."""
    for options in ({"fps": 4.0}, {"processor_kwargs": {"fps": 4.0}}):
        out = PREVIEW.apply_chat_template(talk(clip), **ALL, **options)
        expected = PREVIEW.apply_chat_template(talk(clip, fps=4.0), **ALL)
        assert_same(dict(out), dict(expected))
    own = PREVIEW.apply_chat_template(talk(clip, nframes=6), **ALL, fps=4.0)
    assert_same(dict(own), dict(PREVIEW.apply_chat_template(talk(clip, nframes=6), **ALL)))
    _, _, about = preview.process_vision_info(
        talk(FRAMES, num_frames=4, fps=6.0), return_video_kwargs=True
    )
    assert about == {"fps": [2.0]}


def test_options_of_one_medium_are_not_for_calls(clip):
    said = talk(clip)
    runs = {
        "one call": lambda **k: PROCESSOR.apply_chat_template(said, **ALL, **k),
        "preview": lambda **k: PREVIEW.apply_chat_template(said, **ALL, **k),
        "vLLM": lambda **k: to_vllm_inputs(said, PROCESSOR, **k),
        "processor_kwargs": lambda **k: PROCESSOR.apply_chat_template(
            said, **ALL, processor_kwargs={"videos_kwargs": k}
        ),
    }
    values = {"timestamps": "presentation", "video_start": 1.0, "on_error": "partial"}
    for run in runs.values():
        for name, value in values.items():
            with pytest.raises(
                InvalidArgumentError, match=f"{name} is {value!r} in a call: expected it beside"
            ):
                run(**{name: value})


def test_sampled_frames_are_not_sampled_again():
    frames = frames_tensor(4, 56, 84)
    for processor in (PROCESSOR, PREVIEW):
        for video in (frames, frames.numpy(), list(np.asarray(frames))):
            with pytest.raises(InvalidArgumentError, match="num_frames is 3: expected frames that"):
                processor(text="<|video_pad|>", videos=[video], num_frames=3)


def warnings_of(caplog, run, *given):
    forget_said()
    caplog.clear()
    with caplog.at_level(logging.WARNING, "keye_vl_rs"):
        for _ in range(2):
            for messages in given:
                run(messages)
    return [r.getMessage() for r in caplog.records if "not read" in r.getMessage()]


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("nframes", "num_frames, fps, max_frames"),
        ("min_frames", "num_frames, fps"),
        ("total_pixels", "video_total_pixels"),
        ("resized_height", "min_pixels, max_pixels"),
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
    expected = [f"{option} in the message of a video file is not read: {instead} would be"]
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
        f"{option} in the message of a video file is not read; what is: {read}"
    ]
    for video, kind in ((FRAMES, "a list of frames"), (FRAMES[0], "an image")):
        part = {"type": "image", "image": video, option: "x"}
        said = talk(video, **{option: "x"}) if video is FRAMES else [{"content": [part]}]
        (line,) = warnings_of(caplog, process_vision_info, said)
        assert line.startswith(f"{option} in the message of {kind} is not read; what is: ")


def test_exif_of_a_video_file(clip, caplog):
    (line,) = warnings_of(caplog, process_vision_info, talk(clip, exif=True))
    assert line == (
        "exif in the message of a video file is not read: videos are turned as their files say, "
        "and frames of a list by exif"
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
            "fps in the message of a frame of a list is not read; what is: min_pixels, max_pixels, "
            "resized_height, resized_width, exif"
        ]


def test_the_readme_names_what_is_read():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    table = "\n".join(rows)
    named = {option for options in READ_BY.values() for option in options}
    assert [option for option in sorted(named) if f"`{option}`" not in table] == []
    flags = {flag for row in rows for flag in re.findall(r"`(--[a-z-]+)`", row)}
    parameters = get_command(app).commands["preprocess"].params
    assert {"--fps", "--nframes", "--total-pixels"} <= flags
    assert flags <= {flag for parameter in parameters for flag in parameter.opts}


def test_what_preview_does_not_read(clip, caplog):
    (line,) = warnings_of(caplog, preview.process_vision_info, talk(clip, video_total_pixels=1e6))
    assert line.endswith("of Keye-VL-8B-Preview is not read: total_pixels would be")
    (line,) = warnings_of(caplog, preview.process_vision_info, talk(FRAMES, nframes=4))
    assert line.startswith("nframes in the message of a list of frames of Keye-VL-8B-Preview")
    (line,) = warnings_of(caplog, preview.process_vision_info, talk(FRAMES, max_frames=4))
    assert line.endswith("of Keye-VL-8B-Preview is not read: num_frames would be")
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
        assert line.startswith("fps in the message of an image is not read; what is: min_pixels, ")

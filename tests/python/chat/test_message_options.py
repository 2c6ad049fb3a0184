"""Test that options of messages mean the same for every source and path."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from keye_vl_rs import preview, process_vision_info, to_openai_messages, to_vllm_inputs
from keye_vl_rs.errors import InvalidArgumentError
from support.processor import PROCESSOR, TOKENIZER
from support.processor import clip as frames_tensor
from support.tokenizers import CHAT_TEMPLATE
from support.video_messages import ALL, FRAMES, PLAIN, talk
from support.vision_process import assert_same

pytestmark = [pytest.mark.one_level, pytest.mark.usefixtures("warnings_anew")]

PREVIEW = preview.KeyeProcessor(
    preview.SiglipImageProcessor(), TOKENIZER, chat_template=CHAT_TEMPLATE
)


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
    for name, processor in (("one call", PROCESSOR), ("the reference path", PLAIN)):
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
    """Evenly spaced, including the first and the last."""
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
        with pytest.raises(
            InvalidArgumentError, match="num_frames selects 3 frames: expected a mul"
        ):
            preview.process_vision_info(talk(source, num_frames=3))


def test_rates_of_previews_calls(clip):
    """The rate in the prompt is the one at which frames were sampled."""
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
                InvalidArgumentError,
                match=f"{name} is {value!r} in a call: expected it in the messages",
            ):
                run(**{name: value})


def test_sampled_frames_are_not_sampled_again():
    frames = frames_tensor(4, 56, 84)
    for processor in (PROCESSOR, PREVIEW):
        for video in (frames, frames.numpy(), list(np.asarray(frames))):
            with pytest.raises(InvalidArgumentError, match="num_frames is 3: a processor expects"):
                processor(text="<|video_pad|>", videos=[video], num_frames=3)

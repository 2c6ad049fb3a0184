"""Test requests for a server that speaks OpenAI's protocol."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from PIL import Image

from keye_vl_rs import preview, process_vision_info, to_openai_messages
from keye_vl_rs.errors import InvalidArgumentError, MediaNotFoundError
from support.requests import opened, opened_frames, talk
from support.vision_process import data_url, pictures

pytestmark = pytest.mark.one_level


@pytest.fixture(scope="module")
def image():
    return pictures(1, width=300, height=200)[0]


def content(request):
    return request.messages[1]["content"]


def test_what_arrives_is_what_is_processed_here(image, short):
    messages = talk(image, short, fps=4.0)
    before = copy.deepcopy(messages)
    request = to_openai_messages(messages)
    assert messages == before
    images, videos, about = process_vision_info(messages)
    assert request.messages[0] == messages[0]
    sent_image, sent_video, text = content(request)
    assert text == {"type": "text", "text": "What happens?"}
    assert [set(sent_image), set(sent_video)] == [{"type", "image_url"}, {"type", "video_url"}]
    assert np.array_equal(opened(sent_image["image_url"]["url"]), images[0])
    frames = opened_frames(sent_video["video_url"]["url"])
    expected = videos[0].permute(0, 2, 3, 1).numpy()
    assert frames.shape == expected.shape
    assert abs(frames.astype(int) - expected).mean() < 5
    said = json.loads(json.dumps(request.extra_body))
    assert said["media_io_kwargs"] == {"video": {"num_frames": -1}}
    assert list(said["mm_processor_kwargs"]) == [
        *("height", "width", "fast_height", "fast_width", "timestamps", "frame_types")
    ]
    for name, values in said["mm_processor_kwargs"].items():
        assert np.array_equal(np.float32(values), np.float32([np.asarray(v) for v in about[name]]))
    types = said["mm_processor_kwargs"]["frame_types"]
    assert len(types[0]) == len(frames) == 8


def test_several_videos_have_one_entry_each(image, short, h264):
    request = to_openai_messages(talk(image, short, h264, fps=1.0))
    said = request.extra_body["mm_processor_kwargs"]
    assert {len(values) for values in said.values()} == {2}
    videos = [opened_frames(part["video_url"]["url"]) for part in content(request)[1:3]]
    assert [len(video) for video in videos] == [len(types) for types in said["frame_types"]]


def test_quality_and_format(image, short):
    sizes = [
        len(json.dumps(to_openai_messages(talk(image, short), **options).messages))
        for options in ({"quality": 30}, {"quality": 80}, {})
    ]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 3
    request = to_openai_messages(talk(image), image_format="jpeg")
    assert opened(content(request)[0]["image_url"]["url"]).format == "JPEG"
    assert request.extra_body == {}


@pytest.mark.parametrize("form", ["image", "path", "data", "openai"])
def test_forms_of_an_image(form, image, tmp_path):
    image.save(tmp_path / "image.png")
    part = {
        "image": {"type": "image", "image": image},
        "path": {"type": "image", "image": str(tmp_path / "image.png")},
        "data": {"type": "image_url", "image_url": data_url(image)},
        "openai": {"type": "image_url", "image_url": {"url": data_url(image), "detail": "high"}},
    }[form]
    request = to_openai_messages([{"role": "user", "content": [part]}])
    (sent,) = request.messages[0]["content"]
    (expected,), _, _ = process_vision_info(
        [{"role": "user", "content": [{"type": "image", "image": image}]}]
    )
    assert np.array_equal(opened(sent["image_url"]["url"]), expected)


def test_a_list_of_frames_without_times():
    part = {"type": "video", "video": pictures(3)}
    request = to_openai_messages([{"role": "user", "content": [part]}])
    said = request.extra_body["mm_processor_kwargs"]
    assert list(said) == list(process_vision_info([{"role": "user", "content": [part]}])[2])
    assert "timestamps" not in said
    (sent,) = request.messages[0]["content"]
    assert len(opened_frames(sent["video_url"]["url"])) == 3


def test_times_of_some_videos(short):
    parts = [{"type": "video", "video": pictures(3)}, {"type": "video", "video": str(short)}]
    said = to_openai_messages([{"content": parts}]).extra_body["mm_processor_kwargs"]
    assert said["timestamps"][0] is None
    assert len(said["timestamps"][1]) == len(said["frame_types"][1])
    json.dumps(said)


def test_the_older_model(image, short):
    messages = talk(image, short, fps=3.0)
    frames = {"type": "video", "video": pictures(3), "fps": 1.0}
    messages[1]["content"].insert(2, frames)
    request = to_openai_messages(messages, model="Keye-VL-8B-Preview")
    images, videos, about = preview.process_vision_info(messages, return_video_kwargs=True)
    sent_image, *sent = content(request)[:3]
    assert np.array_equal(opened(sent_image["image_url"]["url"]), images[0])
    of_file, of_list = (opened_frames(part["video_url"]["url"]) for part in sent)
    assert of_file.shape == tuple(videos[0].permute(0, 2, 3, 1).shape)
    assert abs(of_file - videos[0].permute(0, 2, 3, 1).numpy()).mean() < 5
    assert len(of_list) == len(videos[1]) == 4
    assert request.extra_body["mm_processor_kwargs"] == about


def test_what_is_in_openais_form_already():
    parts = [
        {"type": "video_url", "video_url": {"url": "http://host/clip.mp4"}},
        {"type": "text", "text": "x"},
    ]
    request = to_openai_messages([{"role": "user", "content": parts}])
    assert request.messages == [{"role": "user", "content": parts}]
    assert request.extra_body == {}


def test_the_first_of_two_sources_is_sent(short):
    """As at every entry, a video_url is not read beside a video."""
    part = {"type": "video", "video": str(short), "fps": 1.0}
    both = {**part, "video_url": {"url": "http://host/clip.mp4"}}
    sent, expected = (
        to_openai_messages([{"role": "user", "content": [one]}]) for one in (both, part)
    )
    assert sent == expected


def test_videos_in_both_forms(image, short):
    messages = talk(image, short)
    address = {"type": "video_url", "video_url": {"url": "http://host/clip.mp4"}}
    messages.append({"role": "user", "content": [address]})
    with pytest.raises(
        InvalidArgumentError, match=r"messages\[2\]\['content'\]\[0\] is a video_url"
    ):
        to_openai_messages(messages)


@pytest.mark.parametrize(
    ("messages", "error", "message"),
    [
        (
            [[{"role": "user", "content": "x"}]],
            InvalidArgumentError,
            r"messages\[0\] is of type list",
        ),
        ([{"content": ["x"]}], InvalidArgumentError, r"\['content'\]\[0\] is of type str"),
        (
            [{"content": [{"type": "video"}]}],
            InvalidArgumentError,
            "expected one of video, video_url",
        ),
        (
            [{"content": [{"image": "/none.png"}]}],
            MediaNotFoundError,
            r"\[0\]\['content'\]\[0\]: /none",
        ),
        (
            [{"content": []}, {"content": [{"video": "/none.mp4"}]}],
            MediaNotFoundError,
            r"^messages\[1",
        ),
    ],
)
def test_what_is_wrong_is_named(messages, error, message):
    with pytest.raises(error, match=message):
        to_openai_messages(messages)


def test_wrong_options():
    for quality in (0, 96, "high", 50.5, True):
        with pytest.raises(InvalidArgumentError, match="quality is"):
            to_openai_messages([], quality=quality)
    with pytest.raises(InvalidArgumentError, match="image_format is 'webp'"):
        to_openai_messages([], image_format="webp")
    with pytest.raises(InvalidArgumentError, match="frame_format is None"):
        to_openai_messages([], frame_format=None)
    with pytest.raises(InvalidArgumentError, match="model is 'Keye-VL-2'"):
        to_openai_messages([], model="Keye-VL-2")


def test_images_in_other_modes():
    image = Image.new("RGBA", (60, 60), (1, 2, 3, 4))
    request = to_openai_messages([{"content": [{"image": image}]}], image_format="jpeg")
    assert opened(request.messages[0]["content"][0]["image_url"]["url"]).mode == "RGB"


def test_a_transparent_colour_is_white_where_the_format_has_none(tmp_path):
    pixels = np.full((56, 56, 3), 60, np.uint8)
    pixels[:28] = 200
    Image.fromarray(pixels).save(tmp_path / "image.png", transparency=(60, 60, 60))
    messages = [{"content": [{"type": "image", "image": str(tmp_path / "image.png")}]}]
    kept, blended = (
        opened(
            to_openai_messages(messages, image_format=form).messages[0]["content"][0]["image_url"][
                "url"
            ]
        )
        for form in ("png", "jpeg")
    )
    assert kept.info["transparency"] == (60, 60, 60)
    assert np.array_equal(kept, pixels)
    assert abs(np.asarray(blended).astype(int)[32:] - 255).max() < 5
    assert abs(np.asarray(blended).astype(int)[:24] - 200).max() < 5

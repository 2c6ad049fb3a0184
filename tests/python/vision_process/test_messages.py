"""Test that conversations and their media are found and fetched as by keye_vl_utils 1.5.2."""

from __future__ import annotations

import pytest

from keye_vl_rs import vision_process as ours
from keye_vl_rs.errors import (
    InvalidArgumentError,
)
from support import clips
from support.vision_process import (
    TOKEN,
    assert_same,
    data_url,
    pictures,
    reference,
)

pytestmark = [pytest.mark.one_level, pytest.mark.usefixtures("one_thread_of_torch")]


def conversation(*content):
    return [
        {"role": "system", "content": "You see."},
        {"role": "user", "content": [*content, {"type": "text", "text": "What is it?"}]},
        {"role": "assistant", "content": "A clip."},
    ]


def test_vision_infos_of_flat_and_nested_conversations():
    image, video = {"type": "image", "image": "a.png"}, {"type": "video", "video": "b.mp4"}
    address, bare = {"type": "image_url", "image_url": "c.png"}, {"video": "d.mp4", "type": "x"}
    flat = [*conversation(image, video), *conversation(address), *conversation()]
    for given in (flat, [flat, conversation(bare)], [conversation()], conversation()):
        assert_same(ours.extract_vision_info(given), reference.extract_vision_info(given))
    assert ours.extract_vision_info(flat)[0] is image


def test_content_without_a_type_is_passed_over_unless_it_has_media():
    assert ours.extract_vision_info(conversation({"text": "hi"}, {"video": "a"})) == [
        {"video": "a"}
    ]


def test_images_and_videos_of_a_conversation(short_name):
    first, second = pictures(2)
    content = [
        {"type": "image", "image": first, "max_pixels": 9 * TOKEN},
        {"type": "video", "video": short_name, "fps": 4},
        {"type": "image_url", "image_url": data_url(second)},
        {"type": "video", "video": pictures(4), "fps": 1.0},
        {"type": "video", "video": str(clips.BUNNY), "max_frames": 3},
    ]
    for given in (conversation(*content), [conversation(*content[:2]), conversation(*content[2:])]):
        expected = reference.process_vision_info(given)
        assert_same(ours.process_vision_info(given), expected)
    assert_same(ours.process_vision_info(vision_infos=content), expected)
    assert [len(value) for value in expected[2].values()] == [3] * 6


def test_images_alone_and_videos_alone_and_neither(short_name):
    image, video = (
        {"type": "image", "image": pictures(1)[0]},
        {"type": "video", "video": short_name},
    )
    for content in ([image], [video], []):
        given = conversation(*content)
        assert_same(ours.process_vision_info(given), reference.process_vision_info(given))
    images, videos, kwargs = ours.process_vision_info(conversation())
    assert (images, videos, kwargs) == (None, None, {})
    assert kwargs["anything"] == []


def test_lists_without_fps_have_no_timestamps():
    given = conversation({"type": "video", "video": pictures(3)})
    expected = reference.process_vision_info(given)
    assert "timestamps" not in expected[2]
    assert_same(ours.process_vision_info(given), expected)


@pytest.mark.parametrize("order", [0, 1])
def test_missing_timestamps_do_not_shift_those_of_other_videos(order, short_name):
    videos = [{"type": "video", "video": pictures(3)}, {"type": "video", "video": short_name}]
    given = conversation(*(videos[::-1] if order else videos))
    published = reference.process_vision_info(given)[2]
    assert len(published["timestamps"]) == 1
    kwargs = ours.process_vision_info(given)[2]
    assert list(kwargs) == list(published)
    assert kwargs["timestamps"][order] is None if order else kwargs["timestamps"][0] is None
    assert_same(kwargs["timestamps"][1 - order], published["timestamps"][0])
    for name in set(kwargs) - {"timestamps"}:
        assert_same(kwargs[name], published[name])


def test_another_image_factor_for_images_and_listed_frames():
    given = conversation(
        {"type": "image", "image": pictures(1)[0]}, {"type": "video", "video": pictures(3)}
    )
    expected = reference.process_vision_info(given, None, 14)
    assert_same(ours.process_vision_info(given, None, 14), expected)


def test_media_that_a_message_does_not_hold():
    with pytest.raises(ValueError, match="should in content"):
        reference.process_vision_info(conversation({"type": "video"}))
    with pytest.raises(InvalidArgumentError, match="video"):
        ours.process_vision_info(conversation({"type": "video"}))


def test_nothing_to_process():
    with pytest.raises(InvalidArgumentError, match="conversations"):
        ours.process_vision_info()
    assert ours.process_vision_info([]) == (None, None, {})

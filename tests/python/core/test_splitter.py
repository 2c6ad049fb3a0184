"""Test that frames split one by one get the same types as in a batch."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest

from keye_vl_rs import _core
from keye_vl_rs.errors import (
    FramesDtypeError,
    FramesShapeError,
    InvalidArgumentError,
    KeyeVLError,
    SizeError,
)
from support.clips import BUNNY, picture
from support.core import SPLIT, assert_others_run_during, noise, read_only

SIZES = [(56, 84), (28, 28), (112, 140), (224, 28)]


def splitter(frames, size=(56, 84), **options):
    height, width = frames.shape[1:3] if frames.shape[-1] == 3 else frames.shape[2:]
    return _core.SlowFastSplitter(height, width, *size, **{**SPLIT, **options})


def push_all(frames, size=(56, 84), **options):
    split = splitter(frames, size, **options)
    return [split.push(frame) for frame in frames]


def batch(frames, size=(56, 84), **options):
    return _core.slow_fast(frames, *size, **{**SPLIT, **options}).tolist()


def drifting():
    """Return frames of a pattern that drifts slowly, with a cut."""
    return np.stack([picture(170, 113, i // 5 + 40 * (i > 20)) for i in range(40)])


def flickering():
    """Return a random sequence of two frames, with black ones among them."""
    a, b = noise(2, 113, 170, 3)
    return np.stack([(a, b, a * 0)[i] for i in np.random.default_rng(1).integers(0, 3, 40)])


def bunny():
    with av.open(str(BUNNY)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.stack(frames[::8])


CONTENT = {
    "noise": lambda: noise(12, 113, 170, 3),
    "black": lambda: np.zeros((12, 113, 170, 3), np.uint8),
    "drifting": drifting,
    "flickering": flickering,
    "bunny": bunny,
}


@pytest.fixture(scope="module", params=CONTENT)
def frames(request):
    return CONTENT[request.param]()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_types_are_those_of_the_batch(frames, size):
    assert push_all(frames, size) == batch(frames, size)


@pytest.mark.parametrize("patch_similarity", [-1.0, 0.3, 0.95, 2.0])
@pytest.mark.parametrize("min_frame_similarity", [0.0, 0.5, 1.0, float("inf")])
def test_thresholds_are_those_of_the_batch(frames, patch_similarity, min_frame_similarity):
    options = {
        "patch_similarity": patch_similarity,
        "min_frame_similarity": min_frame_similarity,
    }
    assert push_all(frames[:12], **options) == batch(frames[:12], **options)


@pytest.mark.parametrize("content", ["drifting", "flickering", "bunny"])
def test_there_are_frames_of_both_types(content):
    assert set(push_all(CONTENT[content]())) == {0, 1}


def test_frames_of_every_size():
    for height, width in [(1, 1), (2, 500), (28, 28), (57, 3), (360, 20), (112, 84)]:
        frames = noise(4, height, width, 3).repeat(2, axis=0)
        assert push_all(frames, (28, 56)) == batch(frames, (28, 56))


VIEWS = {
    "channels first": lambda x: np.ascontiguousarray(x.transpose(0, 3, 1, 2)),
    "transposed": lambda x: x.transpose(0, 3, 1, 2),
    "upside down": lambda x: x[:, ::-1],
    "mirrored": lambda x: x[:, :, ::-1],
    "bgr": lambda x: x[..., ::-1],
    "every second": lambda x: x[:, ::2, 1::2],
    "cropped": lambda x: x[:, 5:-7, 11:-13],
    "turned": lambda x: x.transpose(0, 2, 1, 3),
    "repeated": lambda x: np.broadcast_to(x[:, :1], x.shape),
    "four channels": lambda x: np.concatenate([x, x[..., :1]], axis=-1)[..., :3],
    "read only": read_only,
}


@pytest.mark.parametrize("view", VIEWS)
def test_views_are_read_as_what_they_show(view):
    frames = VIEWS[view](drifting())
    last = frames.shape[-1] == 3
    expected = np.array(frames if last else frames.transpose(0, 2, 3, 1))
    assert push_all(frames) == push_all(expected) == batch(expected)


def test_layouts_may_change_from_frame_to_frame():
    frames = drifting()
    split = splitter(frames)
    types = [split.push(x.transpose(2, 0, 1) if i % 2 else x) for i, x in enumerate(frames)]
    assert types == batch(frames)


def test_a_frame_may_be_overwritten_once_it_is_pushed():
    frames = drifting()
    split, buffer = splitter(frames), np.empty_like(frames[0])
    types = []
    for frame in frames:
        buffer[:] = frame
        types.append(split.push(buffer))
    assert types == batch(frames)


def test_splitters_know_nothing_of_each_other():
    frames = drifting()
    first, second = splitter(frames), splitter(frames)
    types = [(first.push(a), second.push(b)) for a, b in zip(frames, frames[::-1], strict=True)]
    assert [a for a, _ in types] == batch(frames)
    assert [b for _, b in types] == batch(frames[::-1])


@pytest.mark.parametrize(
    "shape",
    [(112, 170, 3), (113, 171, 3), (170, 113, 3), (3, 170, 113), (1, 1, 3)],
    ids=str,
)
def test_a_frame_of_another_size_counts_as_not_pushed(shape):
    frames = drifting()
    split = splitter(frames)
    types = []
    for frame in frames:
        with pytest.raises(FramesShapeError, match=r"\[1, 113, 170\]"):
            split.push(noise(*shape))
        types.append(split.push(frame))
    assert types == batch(frames)


@pytest.mark.parametrize(
    "shape",
    [(), (3,), (113, 170), (1, 113, 170, 3), (113, 170, 4), (113, 170, 1), (0, 170, 3)],
    ids=str,
)
def test_what_is_not_one_frame(shape):
    frames = drifting()
    split = splitter(frames)
    with pytest.raises(FramesShapeError, match=r"frame.* shape"):
        split.push(np.zeros(shape, np.uint8))
    assert [split.push(frame) for frame in frames] == batch(frames)


@pytest.mark.parametrize("frame", [None, 3, b"frame", [[[1, 2, 3]]], np.zeros((113, 170, 3))])
def test_what_is_no_array_of_bytes(frame):
    with pytest.raises(FramesDtypeError, match=r"frame .*uint8"):
        splitter(drifting()).push(frame)


@pytest.mark.parametrize("name", ["patch_similarity", "min_frame_similarity"])
def test_thresholds_that_are_no_numbers(name):
    options = {**SPLIT, name: float("nan")}
    with pytest.raises(InvalidArgumentError, match=f"{name} is NaN: expected a number"):
        _core.SlowFastSplitter(113, 170, 56, 84, **options)
    for wrong in (None, "0.7"):
        with pytest.raises(TypeError, match=name):
            _core.SlowFastSplitter(113, 170, 56, 84, **{**SPLIT, name: wrong})


@pytest.mark.parametrize("size", [(55, 84), (56, 83), (14, 14), (27, 28)], ids=str)
def test_sizes_that_are_no_multiples_of_a_patch(size):
    with pytest.raises(SizeError, match=rf"{size[0]}x{size[1]}.*multiples of 28"):
        _core.SlowFastSplitter(113, 170, *size, **SPLIT)


@pytest.mark.parametrize("patch_size", [0, 3, 2**62, 2**64 - 1])
def test_patches_of_other_sizes(patch_size):
    with pytest.raises(KeyeVLError):
        _core.SlowFastSplitter(113, 170, 56, 84, **{**SPLIT, "patch_size": patch_size})


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("value", [0, -1, -(2**63)])
def test_sides_below_one(place, value):
    sides = [113, 170, 56, 84]
    sides[place] = value
    with pytest.raises(InvalidArgumentError, match=str(value)):
        _core.SlowFastSplitter(*sides, **SPLIT)


def test_arguments_of_other_types():
    for value in (1.5, "28", None):
        with pytest.raises(TypeError):
            _core.SlowFastSplitter(value, 170, 56, 84, **SPLIT)
    with pytest.raises(OverflowError):
        _core.SlowFastSplitter(113, 170, 56, 2**63, **SPLIT)
    for name in SPLIT:
        options = {key: value for key, value in SPLIT.items() if key != name}
        with pytest.raises(TypeError, match=name):
            _core.SlowFastSplitter(113, 170, 56, 84, **options)


@pytest.mark.parametrize(
    "sides", ["64, 64, 28 << 13, 28 << 13", "64, 64, 28 << 57, 28 << 57", "64, 1 << 62, 28, 28"]
)
def test_what_no_memory_holds_is_an_error(sides, run_python):
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
print(json.dumps(name_of_error(lambda: _core.SlowFastSplitter({sides}, **SPLIT))))
"""
    assert run_python(code) in ("OutOfMemoryError", "InvalidArgumentError", "SizeError")


def test_memory_does_not_grow(run_python):
    # Each kept frame would take a tenth of a megabyte.
    code = """
import resource
white, blue = np.full((120, 200, 3), 255, np.uint8), np.zeros((120, 200, 3), np.uint8)
blue[..., 2] = 9
splitter = _core.SlowFastSplitter(120, 200, 140, 252, **SPLIT)
def peak(pushes):
    for _ in range(pushes):
        assert splitter.push(white) == 0
        assert splitter.push(blue) == 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
first = peak(50)
print(json.dumps(peak(500) - first))
"""
    assert run_python(code) < 4096  # KiB


def test_each_frame_may_come_from_another_thread():
    frames = drifting()
    split = splitter(frames)
    types = []
    for frame in frames:
        with ThreadPoolExecutor(1) as pool:
            types.append(pool.submit(split.push, frame).result())
    assert types == batch(frames)


def test_threads_with_a_splitter_each():
    frames = bunny()
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: push_all(frames), range(16)))
    assert results == [batch(frames)] * 16


def test_threads_that_push_at_once_succeed_or_are_told():
    frames = np.broadcast_to(noise(1, 720, 1280, 3), (5, 720, 1280, 3))
    split = splitter(frames, (560, 1008))
    barrier = threading.Barrier(8)

    def work(_):
        barrier.wait()
        outcomes = []
        for frame in frames:
            try:
                outcomes.append(split.push(frame))
            except KeyeVLError as error:
                outcomes.append(str(error))
        return outcomes

    with ThreadPoolExecutor(8) as pool:
        outcomes = [one for some in pool.map(work, range(8)) for one in some]
    # Whichever came first is slow, and the others are similar to it.
    assert outcomes.count(0) == 1
    told = [one for one in outcomes if one not in (0, 1)]
    assert all("in another thread" in one for one in told)
    assert split.push(frames[0]) == 1


def test_other_threads_run_during_a_push():
    frame = noise(1, 720, 1280, 3)
    split = splitter(frame, (560, 1008))
    assert_others_run_during(lambda: split.push(frame[0]))

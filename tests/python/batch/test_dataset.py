"""Test the dataset of videos, alone and in a data loader with workers of every kind."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Subset

from keye_vl_rs import Limits, VideoDataset, VideoInputs, _core, preprocess_video
from keye_vl_rs.errors import InvalidArgumentError, LimitError, MediaNotFoundError
from support.clips import Clip
from support.forked import context
from support.tensors import assert_bits

pytestmark = pytest.mark.one_level

OPTIONS = {"fps": 5, "max_pixels": 28 * 28 * 64}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    return [Clip(f"{n}.mp4", count=10 + 10 * n).write(folder) for n in range(3)]


def assert_batch(batch, paths):
    expected = [preprocess_video(path, **OPTIONS) for path in paths]
    assert set(batch) == {"pixel_values_videos", "video_grid_thw", "num_frames"}
    assert_bits(
        batch["pixel_values_videos"], torch.cat([one.pixel_values_videos for one in expected])
    )
    assert torch.equal(batch["video_grid_thw"], torch.cat([one.video_grid_thw for one in expected]))
    assert batch["num_frames"].tolist() == [len(one.frame_types) for one in expected]


def test_items_are_those_of_single_calls(paths):
    dataset = VideoDataset((path for path in paths), **OPTIONS)
    assert len(dataset) == 3
    assert repr(dataset) == "VideoDataset(3 videos)"
    for index, item in enumerate(dataset):
        expected = preprocess_video(paths[index], **OPTIONS)
        assert isinstance(item, VideoInputs)
        assert_bits(item.pixel_values_videos, expected.pixel_values_videos)
        assert item.prompt() == expected.prompt()
    assert index == 2


@pytest.mark.parametrize("index", [-1, np.int64(2), torch.tensor(2)])
def test_indices_of_every_kind(index, paths):
    assert_bits(
        VideoDataset(paths, **OPTIONS)[index].pixel_values_videos,
        preprocess_video(paths[2], **OPTIONS).pixel_values_videos,
    )


@pytest.mark.parametrize(("index", "error"), [(3, IndexError), (-4, IndexError), ("0", TypeError)])
def test_indices_that_cannot_be(index, error, paths):
    with pytest.raises(error):
        VideoDataset(paths)[index]


def test_batches_are_concatenated(paths):
    dataset = VideoDataset(paths, **OPTIONS)
    assert_batch(VideoDataset.collate_fn([dataset[0], dataset[2]]), [paths[0], paths[2]])
    with pytest.raises(InvalidArgumentError, match="videos is empty"):
        VideoDataset.collate_fn([])


@pytest.mark.parametrize("method", ["none", "fork", "forkserver", "spawn"])
def test_a_data_loader(method, paths, monkeypatch):
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", "2")
    workers = {}
    if method != "none":
        # A server that has imported torch; spawned workers import it themselves.
        kind = context() if method == "forkserver" else method
        workers = {"num_workers": 1, "multiprocessing_context": kind, "timeout": 120}
    dataset = Subset(VideoDataset(paths, **OPTIONS, dtype=torch.float32), [2, 0, 1])
    loader = DataLoader(dataset, batch_size=2, collate_fn=VideoDataset.collate_fn, **workers)
    first, second = loader
    assert_batch(first, [paths[2], paths[0]])
    assert_batch(second, [paths[1]])


class Threads(VideoDataset):
    """Return the numbers of threads instead of a video."""

    def __getitem__(self, index):
        return self._decoder_threads() or 0, _core.thread_count()


def threads_in_worker(**options):
    (item,) = DataLoader(
        Threads(["x"], **options), batch_size=None, num_workers=1, multiprocessing_context="fork"
    )
    return tuple(map(int, item))


def test_a_worker_uses_one_thread(monkeypatch):
    for name in ("KEYE_VL_UTILS_PARALLEL_NUM", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert threads_in_worker() == (1, 1)
    assert threads_in_worker(threads=3) == (3, 1)
    # The caller's process is left as it was.
    assert Threads(["x"])[0][0] == 0
    assert "KEYE_VL_UTILS_PARALLEL_NUM" not in os.environ
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads_in_worker() == (1, 3)


def test_it_can_be_pickled(paths):
    dataset = VideoDataset(paths, dtype=torch.bfloat16, limits=Limits(frames=5))
    again = pickle.loads(pickle.dumps(dataset))
    assert again.sources == paths
    with pytest.raises(LimitError, match="frames"):
        again[0]


def test_an_error_reaches_the_caller_of_the_data_loader(paths):
    loader = DataLoader(VideoDataset(["missing.mp4"]), batch_size=None, num_workers=1, timeout=120)
    with pytest.raises(MediaNotFoundError, match=r"missing\.mp4: no such file"):
        list(loader)


def test_a_single_source_is_an_error():
    with pytest.raises(InvalidArgumentError, match=r"sources is 'clip\.mp4': expected a list"):
        VideoDataset("clip.mp4")

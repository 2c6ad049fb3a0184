"""Clips, folders and processes that more than one file of tests uses."""

from __future__ import annotations

import pytest
import torch

from cli_for_tests import copy_videos
from clips import Clip
from fresh_python import fresh_python
from keye_vl_rs import _core

# Files of tests of which none calls a kernel: here each kernel raises an error. They run once.
WITHOUT_PIXELS = {
    *("allowed_sources", "core_packets", "decoding_damage_cases", "decoding_exact"),
    *("decoding_plan", "decoding_streams", "decoding_truncation", "media_kinds"),
    *("sources_files", "tokenization", "video", "video_errors", "vision_process_sizes", "watch"),
}
# Files of tests that call kernels on their way to something else: arguments, files, programs,
# errors, the order of frames and videos. They run once, at the best level.
ONE_LEVEL = {
    *("bench", "chat", "cli_encodings", "cli_full_disk", "cli_inputs", "cli_jobs"),
    *("cli_messages", "cli_names", "cli_outputs", "cli_partials", "cli_program"),
    *("cli_result_names", "cli_resume", "cli_stop", "content_parts", "core_interrupts"),
    *("core_memory", "core_out_of_memory", "core_stub", "core_threads", "decoding_closing"),
    *("decoding_damage", "decoding_lookups", "decoding_stops", "defaults_of_torch", "doors"),
    "encoded_sources",
    *("encoding", "image_processing_arguments", "integrations_after_import"),
    *("integrations_openai", "integrations_openai_frames", "integrations_plugins"),
    *("integrations_programs", "integrations_switch", "integrations_transformers"),
    *("integrations_vllm_inputs", "layout", "leading_elsewhere", "limits", "limits_resized"),
    *("message_options", "messages", "moved", "picture_habits", "preprocess_arguments"),
    *(
        "processing_arguments",
        "processing_hosts",
        "prompt",
        "public_api",
        "rgb",
        "sources",
        "sources_http",
    ),
    *("streaming_file", "tensors_errors", "tested_hosts", "timestamps", "video_batch"),
    *("video_settings", "vision_process_batches", "vision_process_constants"),
    *("vision_process_files", "vision_process_lists", "vision_process_messages"),
    *WITHOUT_PIXELS,
}
KERNELS = (
    *("frame_similarity", "hsv_from_rgb", "resize", "slow_fast", "write_patches"),
    *("ImageBands", "SlowFastSplitter"),
)
GROUPS = {"without_pixels": WITHOUT_PIXELS, "one_level": ONE_LEVEL}


def pytest_collection_modifyitems(items):
    for item in items:
        name = item.path.stem.removeprefix("test_")
        for mark, names in GROUPS.items():
            if name in names:
                item.add_marker(getattr(pytest.mark, mark))


@pytest.fixture(autouse=True)
def _no_kernels(request, monkeypatch):
    """Tests are only believed to call no kernel where calls fail."""
    if request.node.get_closest_marker("without_pixels") is not None:
        for name in KERNELS:
            monkeypatch.setattr(_core, name, _refuse)


def _refuse(*args, **kwargs):
    raise AssertionError("this test calls a kernel: its file is not one of WITHOUT_PIXELS")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="session")
def h264(folder):
    return Clip("plain.mp4", options={"x264-params": "keyint=15"}).write(folder)


@pytest.fixture(scope="session")
def short(tmp_path_factory):
    """Two seconds at 25 frames per second."""
    return Clip("short.mp4", count=50).write(tmp_path_factory.mktemp("short"))


@pytest.fixture(scope="session")
def short_name(short):
    return str(short)


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    return Clip("clip.mp4", count=30).write(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def videos(tmp_path, clip, monkeypatch):
    """A working folder with a few videos in it."""
    copy_videos(clip, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def one_thread_of_torch():
    """The published code goes over small tensors, for which threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def run_python():
    """Runs code in a process that has called none of the compiled functions yet."""
    with fresh_python() as run:
        yield run

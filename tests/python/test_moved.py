"""Test that old module names can be imported, with a warning that gives the new name."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from keye_vl_rs import _moved

pytestmark = pytest.mark.one_level


@pytest.mark.parametrize("old", _moved._MOVED)
def test_every_place_exists(old):
    for new in _moved._MOVED[old]:
        assert importlib.util.find_spec(f"keye_vl_rs.{new}") is not None


@pytest.mark.parametrize(
    ("old", "name", "new"),
    [
        ("keye_vl_rs.images", "load_image", "keye_vl_rs._media.images"),
        ("keye_vl_rs.decoding.damage", "Damage", "keye_vl_rs._decoding.damage"),
        ("keye_vl_rs.batch.made", "__doc__", "keye_vl_rs.cli.jobs.resume"),
        ("keye_vl_rs.sampling", "frame_indices", "keye_vl_rs._sampling.indices"),
        ("keye_vl_rs.sampling", "positive_number", "keye_vl_rs._util.validation"),
        ("keye_vl_rs.processing", "KeyeVL1_5Processor", "keye_vl_rs.processors.processor"),
        ("keye_vl_rs.decoding.ahead", "prefetch", "keye_vl_rs._decoding.prefetch"),
    ],
)
def test_a_name_is_the_same_by_both(old, name, new):
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=rf"^{old} has moved: .*{new}") as caught:
        value = getattr(importlib.import_module(old), name)
    assert value is getattr(importlib.import_module(new), name)
    assert caught[-1].filename == importlib.__file__


def test_modules_were_attributes_of_the_package():
    code = (
        "import warnings; warnings.simplefilter('ignore'); import keye_vl_rs\n"
        "print(keye_vl_rs.geometry.smart_resize.__name__, hasattr(keye_vl_rs, 'geometri'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["smart_resize", "False"]


def test_star_and_from_imports():
    code = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "from keye_vl_rs.sampling import *\n"
        "from keye_vl_rs.integrations import vllm\n"
        "from keye_vl_rs.decoding.reader import VideoReader\n"
        "print(frame_indices.__name__, positive_number.__name__, vllm.register.__name__)\n"
        "from keye_vl_rs.watch import *; from keye_vl_rs.say_once import *\n"
        "print(Watch.__name__, Deadline.__name__, say_once.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        *("frame_indices", "positive_number", "register"),
        *("Deadline", "Deadline", "warn_once"),
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("old", "name", "new"),
    [
        ("decoding.ahead", "run_ahead", "_decoding.prefetch.prefetch"),
        ("decoding.damage", "Report", "_decoding.damage.PacketReport"),
        ("decoding.listing", "list_video", "_decoding.video_index.index_video"),
        ("image_patches", "write_pictures", "_patches.images.write_image_patches"),
        ("streaming.kept", "KeptFrames", "_streaming.frame_buffer.FrameBuffer"),
        ("say_once", "say_once", "_util.warn_once.warn_once"),
        ("watch", "Watch", "_media.deadline.Deadline"),
        ("accepted_inputs", "list_videos", "processors.videos.list_videos"),
        ("batch.made", "look_at", "cli.jobs.resume.check_existing"),
        ("batch.run", "survey", "cli.jobs.run.find_pending"),
        ("integrations.fused_branch", "obey_calls", "hosts.fused_branch.install"),
        ("recipe", "Recipe", "_patches.pixel_config.PixelConfig"),
        ("report", "describe", "cli.report.result_fields"),
        ("video_batch", "FinishedVideo", "processors.video_batch.PreprocessedVideo"),
    ],
)
def test_a_renamed_name_is_found_by_its_old_one(old, name, new):
    module, _, now = new.rpartition(".")
    value = getattr(importlib.import_module(f"keye_vl_rs.{old}"), name)
    assert value is getattr(importlib.import_module(f"keye_vl_rs.{module}"), now)


@pytest.mark.parametrize("name", ["keye_vl_rs.nothing", "keye_vl_rs.decoding.nothing"])
def test_what_never_was_is_not_found(name):
    with pytest.raises(ModuleNotFoundError, match=name):
        importlib.import_module(name)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_name_that_never_was():
    with pytest.raises(AttributeError, match=r"'keye_vl_rs\.images' has no attribute 'nothing'"):
        _ = importlib.import_module("keye_vl_rs.images").nothing

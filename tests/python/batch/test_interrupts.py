"""Test that Ctrl-C ends a batch, in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from support.clips import Clip

pytestmark = pytest.mark.one_level

PROGRAM = """
import sys, threading, time
from keye_vl_rs import preprocess_videos
from keye_vl_rs._decoding.rgb import RgbConverter

convert = RgbConverter.convert

def slowly(self, frame):
    print("begun", flush=True)
    time.sleep(0.05)
    return convert(self, frame)

RgbConverter.convert = slowly
try:
    for result in preprocess_videos([sys.argv[1]] * 50, workers=2, fps=25):
        print(result.error, flush=True)
except KeyboardInterrupt:
    names = [one.name for one in threading.enumerate()]
    print("interrupted, left:", [name for name in names if "job" in name], flush=True)
"""


def test_ctrl_c_ends_a_batch_and_its_threads(tmp_path):
    """All 50 videos would take a minute; the first frame is the sign to interrupt."""
    path = Clip("clip.mp4", count=50).write(tmp_path)
    command = [sys.executable, "-c", PROGRAM, str(path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as one:
        try:
            assert one.stdout.readline() == "begun\n"
            one.send_signal(signal.SIGINT)
            stdout, stderr = one.communicate(timeout=30)
        finally:
            one.kill()
    assert (one.returncode, stderr) == (0, "")
    lines = stdout.splitlines()
    assert lines[-1] == "interrupted, left: []"
    assert lines.count("begun") < 50

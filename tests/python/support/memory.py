"""Measure the memory that a call takes, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

# Private memory only: pages of shared libraries come and go with what other processes do.
SCRIPT = """
import re, sys, threading, time
import av, numpy, torch
from keye_vl_rs import preprocess_video

def memory():
    status = open("/proc/self/status").read()
    return int(re.search(r"RssAnon:\\s+(\\d+) kB", status)[1]) / 1024

def watch():
    global peak
    while True:
        peak = max(peak, memory())
        time.sleep(0.005)

preprocess_video(sys.argv[1], num_frames=1)
before = peak = memory()
threading.Thread(target=watch, daemon=True).start()
inputs = preprocess_video(sys.argv[2], fps=float(sys.argv[3]))
print(peak - before - inputs.pixel_values_videos.nbytes / 2**20, len(inputs.frame_types))
"""


def peak_memory(warm_up, path, fps):
    """Return the MB that preprocess_video takes besides imports and result, and the frames sampled.

    ``warm_up`` is a small clip; preprocessing it first triggers all imports.
    """
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(warm_up), str(path), str(fps)],
        check=True,
        capture_output=True,
        text=True,
    )
    megabytes, frames = process.stdout.split()
    return float(megabytes), int(frames)

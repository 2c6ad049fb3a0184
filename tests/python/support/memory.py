"""How much memory a call takes, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

# Its own memory alone: pages of libraries come and go with what other processes do.
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

preprocess_video(sys.argv[1], nframes=1)
before = peak = memory()
threading.Thread(target=watch, daemon=True).start()
inputs = preprocess_video(sys.argv[2], fps=float(sys.argv[3]))
print(peak - before - inputs.pixel_values_videos.nbytes / 2**20, len(inputs.frame_types))
"""


def peak_memory(warm_up, path, fps):
    """(MB that preprocess_video takes above imports and result, how many frames it sampled).

    ``warm_up`` is a small clip, by which all is imported that will be.
    """
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(warm_up), str(path), str(fps)],
        check=True,
        capture_output=True,
        text=True,
    )
    megabytes, frames = process.stdout.split()
    return float(megabytes), int(frames)

"""Write a clip that tries to break out of a report, and wait for pages."""

from __future__ import annotations

import time

import av

from support.clips import picture

# What a stranger may write into a file.
EVIL = '</script><script>document.title = "run"</script><img src=x onerror=alert(1)>\u2028{{data}}'
EVIL_NAME = "<script>alert(2)<img src=x onerror=alert(3)> & 'q' \u2029.mkv"


def write_evil_clip(folder):
    """Write the clip, and return its path."""
    path = folder / EVIL_NAME
    with av.open(str(path), "w") as container:
        container.metadata["title"] = EVIL
        container.metadata["<script>alert(4)</script>"] = "name"
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for index in range(20):
            frame = av.VideoFrame.from_ndarray(picture(160, 120, index), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def wait_until(page, expression, seconds=60):
    """Wait until JavaScript becomes true; playwright's own wait needs eval, which pages forbid."""
    until = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < until, expression
        page.wait_for_timeout(50)

"""Write the packets of small videos as inputs of the target `packets`.

python seeds.py corpus/packets
"""

import hashlib
import io
import struct
import sys
from pathlib import Path

import av
import numpy as np

# In the order of the target.
CODECS = ["h264", "hevc", "mpeg1video", "mpeg2video", "vp8", "vp9", "av1"]
# Encoders, containers, and options that produce packets of many kinds.
WRITERS = [
    ("libx264", "mp4", {"bf": "3", "g": "6", "x264-params": "b-pyramid=normal:open-gop=1"}),
    ("libx264", "mpegts", {"bf": "2", "g": "6", "x264-params": "slices=3"}),
    ("libx265", "mp4", {"g": "6", "x265-params": "log-level=error:temporal-layers=3"}),
    ("libx265", "mpegts", {"g": "6", "x265-params": "log-level=error:open-gop=1"}),
    ("mpeg1video", "mpegts", {"bf": "2", "g": "6"}),
    ("mpeg2video", "mpegts", {"bf": "2", "g": "6"}),
    ("libvpx", "webm", {"auto-alt-ref": "1"}),
    ("libvpx-vp9", "webm", {"lag-in-frames": "6", "auto-alt-ref": "1"}),
    ("libsvtav1", "mp4", {"preset": "12"}),
]


def write_seeds(folder: Path) -> int:
    """Write one file per packet, and return how many files the folder then has."""
    folder.mkdir(parents=True, exist_ok=True)
    for encoder, container, options in WRITERS:
        file = encoded(encoder, container, options)
        with av.open(file) as media:
            stream = media.streams.video[0]
            codec = CODECS.index(stream.codec_context.codec.canonical_name)
            extradata = bytes(stream.codec_context.extradata or b"")
            head = struct.pack("<BBH", codec, 4, len(extradata)) + extradata
            for packet in media.demux(stream):
                if packet.size:
                    # Only headers are read: the rest would slow the fuzzer down.
                    seed = head + bytes(packet)[:300]
                    (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    return sum(1 for _ in folder.iterdir())


def encoded(encoder: str, container: str, options: dict[str, str]) -> io.BytesIO:
    """Encode a video of 14 frames with moving noise."""
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    with av.open(file, "w", format=container) as media:
        stream = media.add_stream(encoder, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(14):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, number * 3, axis=1))
            media.mux(stream.encode(frame))
        media.mux(stream.encode())
    file.seek(0)
    return file


if __name__ == "__main__":
    print(write_seeds(Path(sys.argv[1])))

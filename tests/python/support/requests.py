"""Provide messages of users, and read back what they became in a request."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image


def opened(url: str) -> Image.Image:
    """Return the image of a data URL."""
    header, _, data = url.partition("base64,")
    assert header in ("data:image/png;", "data:image/jpeg;"), header
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def opened_frames(url: str, image_format: str = "JPEG") -> np.ndarray:
    """Return the frames of a video's data URL, as vLLM reads them: (T, H, W, 3)."""
    header, _, data = url.partition(",")
    assert header == "data:video/jpeg;base64"
    frames = [
        Image.open(io.BytesIO(base64.b64decode(one, validate=True))) for one in data.split(",")
    ]
    assert {frame.format for frame in frames} == {image_format}
    return np.stack([np.asarray(frame) for frame in frames])


def talk(image, *videos, **options):
    """Return a conversation: a system message, then an image, videos and a question."""
    return [
        {"role": "system", "content": "You are brief."},
        {
            "role": "user",
            "content": [
                {"type": "image", "image": image, "max_pixels": 28 * 28 * 20},
                *({"type": "video", "video": str(video), **options} for video in videos),
                {"type": "text", "text": "What happens?"},
            ],
        },
    ]

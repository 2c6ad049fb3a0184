"""Create images for tests."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def picture(height: int, width: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """Return smooth colours with an edge and some noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    waves = [np.sin(7 * x + 3 * c) + np.cos(5 * y * (c + 1)) + (x > 0.6) for c in range(4)]
    pixels = np.stack(waves, -1) * 60 + 120 + rng.integers(-20, 20, (height, width, 4))
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    if mode == "RGBA":
        return image
    return image.convert("RGB").convert(mode)


def noise(height: int, width: int, seed: int = 0) -> Image.Image:
    """Return random colours, and rows of extremes, where resizing clamps."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    pixels[::2] = np.where(pixels[::2] > 127, 255, 0)
    return Image.fromarray(pixels)


def saved(image: Image.Image, format: str = "PNG") -> bytes:
    """Return the image encoded as a file."""
    file = io.BytesIO()
    image.save(file, format)
    return file.getvalue()


def opened(image: Image.Image, format: str = "PNG", keep: float = 1) -> Image.Image:
    """Return an image that is not decoded yet, with a part of its file available."""
    data = saved(image, format)
    return Image.open(io.BytesIO(data[: int(len(data) * keep)]))

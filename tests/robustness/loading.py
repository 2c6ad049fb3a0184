"""Provide a dataset of videos as training code has one, in a module that workers can import."""

from __future__ import annotations

from typing import Any

import torch

import keye_vl_rs

OPTIONS = {"fps": 5, "max_pixels": 28 * 28 * 6}


class Videos(torch.utils.data.Dataset[dict[str, Any]]):
    """Give items by number: the clips in turn, read in both ways."""

    def __init__(self, paths: list[str], count: int) -> None:
        self.paths, self.count = paths, count

    def __len__(self) -> int:
        """Return the number of items."""
        return self.count

    def __getitem__(self, number: int) -> dict[str, Any]:
        """Return one item."""
        return load(self.paths[number % len(self.paths)], number)


def load(path: str, number: int) -> dict[str, Any]:
    """Return the content of an item."""
    if number % 2:
        inputs = keye_vl_rs.preprocess_video(path, **OPTIONS)
        return {"number": number, "tensor": inputs.pixel_values_videos}
    message = {"role": "user", "content": [{"type": "video", "video": path, **OPTIONS}]}
    _, videos, _ = keye_vl_rs.process_vision_info([message])
    assert videos is not None
    return {"number": number, "tensor": videos[0]}

"""Compare tensors."""

from __future__ import annotations

import torch


def assert_bits(actual, expected):
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    assert actual.is_contiguous()
    raw = torch.int32 if actual.dtype == torch.float32 else torch.int16
    assert torch.equal(actual.view(raw), expected.contiguous().view(raw))

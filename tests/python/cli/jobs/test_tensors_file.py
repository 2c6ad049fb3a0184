"""Test that the safetensors library reads the files of tensors."""

from __future__ import annotations

import json

import pytest
import torch

from keye_vl_rs.cli.jobs.tensors_file import write_tensors
from support.cli import load

pytestmark = pytest.mark.one_level


def test_the_library_reads_what_is_written(tmp_path):
    tensors = {
        "b": torch.arange(6).reshape(2, 3),
        "a": torch.rand(5, 7),
        "half": torch.rand(3).to(torch.bfloat16),
        "c": torch.rand(3).to(torch.float16),
        "empty": torch.zeros(0, 3),
        "d": torch.arange(9, dtype=torch.int32).reshape(3, 3).T,
    }
    path = tmp_path / "ours"
    with open(path, "wb") as file:
        write_tensors(file, tensors, {"format": "pt"})
    found, metadata = load(path)
    assert metadata == {"format": "pt"}
    assert set(found) == set(tensors)
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)
    header = path.read_bytes()[8:].partition(b"}}")[0] + b"}}"
    for name, one in json.loads(header).items():
        if name in tensors:
            assert one["data_offsets"][0] % tensors[name].element_size() == 0

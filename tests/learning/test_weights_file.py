import torch
from safetensors.torch import load_file

from learning.weights_file import save_weights


def test_tensors_that_share_memory_are_written(tmp_path):
    whole = torch.arange(6.0)
    save_weights(tmp_path / "x", {"a": whole, "b": whole, "c": whole.view(2, 3).T})
    found = load_file(tmp_path / "x")
    assert torch.equal(found["a"], found["b"])
    assert torch.equal(found["c"], whole.view(2, 3).T)

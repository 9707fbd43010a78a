import shutil

import pytest
import torch
from torch import nn

from learning.compiling import CompilationError, compile_parts

CPU = torch.device("cpu")


class Part(nn.Module):
    def __init__(self, width, rate):
        super().__init__()
        self.linear, self.rate = nn.Linear(width, width), rate

    def forward(self, x):
        return x + self.rate * torch.sin(self.linear(x))


class Network(nn.Module):
    """More variants of a part than torch compiles on its own."""

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList(Part(4, rate / 10) for rate in range(10))

    def forward(self, x):
        for part in self.parts:
            x = part(x)
        return x


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_all_parts_are_compiled_and_compute_the_same():
    torch.manual_seed(0)
    network, x = Network(), torch.randn(3, 4)
    names, expected = list(network.state_dict()), network(x)
    expected.sum().backward()
    gradients = [parameter.grad.clone() for parameter in network.parameters()]
    network.zero_grad()

    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compile_parts(network, (Part,), CPU)
    found = network(x)
    found.sum().backward()
    assert torch.allclose(found, expected, atol=1e-6)
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        assert torch.allclose(parameter.grad, gradient, atol=1e-5)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 10
    assert list(network.state_dict()) == names


def test_what_cannot_be_compiled_is_said(monkeypatch, tmp_path):
    with pytest.raises(CompilationError, match="Network names no parts to compile"):
        compile_parts(Network(), (), CPU)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompilationError, match="needs a C\\+\\+ compiler"):
        compile_parts(Network(), (Part,), CPU)

import pytest
import torch
from transformers import SwinConfig
from transformers.models.swin.modeling_swin import SwinLayer

from policies.sem.window_block import WindowBlock, window_layout


def swin_block(shift):
    torch.manual_seed(0)
    config = SwinConfig(window_size=3)
    config._attn_implementation = "sdpa"  # as within a backbone; the other rounds to float32
    block = SwinLayer(config, 8, (1, 1), 2, shift_size=shift).double()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return block


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("size", [(6, 9), (5, 4), (2, 7)], ids=str)
def test_does_what_transformers_block_does(shift, size):
    """With and without padding; a map may be smaller than a window."""
    theirs = swin_block(shift)
    ours = WindowBlock(theirs)
    x = torch.randn(2, size[0] * size[1], 8, dtype=torch.float64, requires_grad=True)
    probe = torch.randn_like(x)
    results = []
    for block in (theirs, ours):
        found, _ = block(x, size, always_partition=True)
        inputs = (x, *theirs.parameters())
        results.append((found, *torch.autograd.grad((found * probe).sum(), inputs)))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)


def test_has_the_parameters_of_transformers_block():
    theirs = swin_block(1)
    names = set(theirs.state_dict())
    assert set(WindowBlock(theirs).state_dict()) == names


def test_learns_after_it_has_acted():
    """The layout of windows is kept from the first use, which may be without gradients."""
    window_layout.cache_clear()
    block = WindowBlock(swin_block(1))
    x = torch.randn(1, 20, 8, dtype=torch.float64)
    with torch.inference_mode():
        block(x, (4, 5))
    block(x, (4, 5))[0].sum().backward()
    assert block.attention.q_proj.weight.grad is not None

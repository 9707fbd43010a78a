import pytest
import torch
from diffusers.models.transformers.transformer_wan import WanAttention

from augment.dream_transfer.training.compiled import PlainWanAttention, compile_blocks
from learning.compiling import CompilationError


@pytest.fixture
def inputs():
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(2, 16, 2, 8, 12, generator=generator)
    text = torch.randn(2, 5, 20, generator=generator)
    return latents, torch.tensor([300.0, 900.0]), text


def test_plain_attention_is_wans(transformer, inputs):
    before = transformer(*inputs, return_dict=False)[0]
    for module in transformer.modules():
        if isinstance(module, WanAttention):
            module.set_processor(PlainWanAttention())
    after = transformer(*inputs, return_dict=False)[0]
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)


def test_compiled_blocks_compute_and_learn_the_same(transformer, inputs):
    def learned():
        transformer.zero_grad()
        found = transformer(*inputs, return_dict=False)[0]
        found.square().mean().backward()
        return found.detach(), transformer.blocks[0].ffn.net[2].weight.grad.clone()

    before = learned()
    compile_blocks(transformer, torch.device("cpu"))
    torch.testing.assert_close(learned(), before, rtol=1e-3, atol=1e-5)


def test_there_must_be_blocks():
    with pytest.raises(CompilationError, match="names no parts"):
        compile_blocks(torch.nn.Linear(1, 1), torch.device("cpu"))

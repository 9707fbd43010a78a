import torch

from policies.sem.config import SemConfig
from policies.sem.image_encoder import ImageEncoder
from policies.sem.window_block import WindowBlock


def test_it_computes_each_block_twice():
    config = SemConfig(
        swin_dim=8, swin_depths=(1, 1, 2, 1), swin_heads=(1, 1, 2, 2), gradient_checkpointing=True
    )
    encoder, calls = ImageEncoder(config).train(), []
    blocks = [module for module in encoder.modules() if isinstance(module, WindowBlock)]
    for block in blocks:
        block.layernorm_before.register_forward_hook(lambda *_: calls.append(1))
    rgb = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    sum(tokens.sum() for tokens in encoder(rgb, (8, 16, 32)).values()).backward()
    assert len(calls) == 2 * len(blocks) == 10

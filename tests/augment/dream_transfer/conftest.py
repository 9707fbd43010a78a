"""Real networks of DreamTransfer, as small as they get."""

import pytest
import torch
from diffusers import AutoencoderKLWan, FlowMatchEulerDiscreteScheduler

from augment.dream_transfer.controlnet import DreamTransferControlNetModel
from augment.dream_transfer.pipeline import DreamTransferPipeline
from augment.dream_transfer.text_encoder import CompactTextEncoder
from augment.dream_transfer.transformer import DreamTransferTransformer3DModel


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def layout():
    """Wan 2.1 T2V 1.3B's layout in miniature."""
    return {
        "patch_size": (1, 2, 2),
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "in_channels": 16,
        "out_channels": 16,
        "text_dim": 20,
        "freq_dim": 32,
        "ffn_dim": 48,
        "num_layers": 3,
        "cross_attn_norm": True,
        "qk_norm": "rms_norm_across_heads",
        "rope_max_seq_len": 64,
    }


@pytest.fixture
def transformer(layout):
    torch.manual_seed(0)
    return DreamTransferTransformer3DModel(**layout).eval()


@pytest.fixture
def controlnet(transformer):
    torch.manual_seed(1)
    return DreamTransferControlNetModel.from_transformer(transformer, control_blocks=(0, 2)).eval()


@pytest.fixture
def trained_controlnet(controlnet):
    """A branch whose zero projections have become something else."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for projection in (controlnet.control_projection, *controlnet.block_projections):
            for parameter in projection.parameters():
                parameter.normal_(std=0.3, generator=generator)
    return controlnet


@pytest.fixture
def text_encoder():
    torch.manual_seed(3)
    return CompactTextEncoder(
        text_dim=20, dim=16, heads=2, layers=2, ffn_dim=32, max_length=12, buckets=64
    ).eval()


@pytest.fixture
def pipeline(transformer, trained_controlnet, text_encoder):
    torch.manual_seed(4)
    vae = AutoencoderKLWan(
        base_dim=3,
        z_dim=16,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.1] * 16,
        latents_std=[0.5] * 16,
    ).eval()
    pipe = DreamTransferPipeline(
        vae=vae,
        transformer=transformer,
        controlnet=trained_controlnet,
        text_encoder=text_encoder,
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture
def inputs(layout):
    """What the networks are called with: two items, two views of 4 x 4 latents, three frames."""
    generator = torch.Generator().manual_seed(5)

    def normal(*shape):
        return torch.randn(shape, generator=generator)

    return {
        "hidden_states": normal(2, 16, 3, 4, 8),
        "timestep": torch.tensor([900.0, 250.0]),
        "encoder_hidden_states": normal(2, 7, layout["text_dim"]),
        "control_latents": normal(2, 16, 3, 4, 8),
    }


@pytest.fixture
def depth():
    """Slanted planes (2, 5, 2, 16, 32) in m, with a hole."""
    rows = torch.linspace(0.3, 0.9, 16)[:, None]
    views = torch.tensor([0.0, 0.2])[:, None, None]
    frames = torch.linspace(0, 0.1, 5)[:, None, None, None]
    items = torch.tensor([0.0, 0.3])[:, None, None, None, None]
    planes = (rows + views + frames + items).expand(2, 5, 2, 16, 32).clone()
    planes[..., 3:6, 4:9] = 0
    return planes


@pytest.fixture
def views():
    """Random pictures (2, 5, 2, 16, 32, 3)."""
    generator = torch.Generator().manual_seed(6)
    return torch.randint(0, 256, (2, 5, 2, 16, 32, 3), generator=generator, dtype=torch.uint8)

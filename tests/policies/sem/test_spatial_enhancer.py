import pytest
import torch

from policies.sem.config import SemConfig
from policies.sem.geometry import Rays
from policies.sem.spatial_enhancer import SpatialEnhancer

TOKENS, ANCHORS = 12, 128


def enhancer(**changes):
    torch.manual_seed(0)
    return SpatialEnhancer(SemConfig(dim=32, depth_dim=8, enhancer_ffn=16, **changes))


def looking():
    return Rays(torch.randn(2, 1, 3), torch.randn(2, TOKENS, 3))


def sum_over_anchors(module, logits, rays):
    """As the paper has it: the points of all anchors are embedded, then averaged."""
    depths = torch.linspace(0.01, 1.2, ANCHORS)
    points = rays.origin[:, :, None] + depths[:, None] * rays.direction[:, :, None]
    return (logits.softmax(dim=-1)[..., None] * module.position(points)).sum(dim=2)


def test_the_point_at_the_expected_depth_is_the_mean_over_all_anchors():
    module, rays = enhancer(), looking()
    logits = (3 * torch.randn(2, TOKENS, ANCHORS)).requires_grad_()
    probe = torch.randn(2, TOKENS, 8)
    results = []
    for embedding in (
        module.position_embedding(logits, rays),
        sum_over_anchors(module, logits, rays),
    ):
        inputs = (logits, *module.position.parameters())
        results.append((embedding, *torch.autograd.grad((embedding * probe).sum(), inputs)))
    for ours, naive in zip(*results, strict=True):
        torch.testing.assert_close(ours, naive, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("depth", ["sensor", "off"])
def test_tokens_learn_where_they_look(depth):
    module = enhancer(depth=depth)
    image, depths = torch.randn(2, TOKENS, 32), torch.randn(2, TOKENS, 8)
    if depth == "off":
        depths = None
    logits = module.depth_logits(image, depths)
    assert logits.shape == (2, TOKENS, ANCHORS)
    here, there = (module(image, depths, logits, looking()) for _ in range(2))
    assert here.shape == image.shape
    assert (here - there).abs().max() > 1e-3


def test_gain_of_positions_changes_their_first_weights_alone():
    released, lifted = (
        (torch.manual_seed(0), enhancer(position_gain=gain))[1].state_dict() for gain in (1.0, 10.0)
    )
    for name, weight in released.items():
        gain = 10 if name == "position.weight" else 1
        assert torch.equal(lifted[name], gain * weight)

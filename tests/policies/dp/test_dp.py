import pytest
import torch

from learning.configuration import ConfigurationError
from policies.dp.method import DiffusionPolicy, DiffusionPolicyConfig
from policies.imitation.methods import preset

TINY = DiffusionPolicyConfig(
    cameras=("head_camera", "left_camera"),
    image_channels=(16, 16),
    image_blocks=(1, 1),
    unet_widths=(16, 32),
)


def observation(items=2):
    generator = torch.Generator().manual_seed(0)
    return {
        "rgb": torch.randint(
            0, 256, (items, 3, 2, 32, 40, 3), dtype=torch.uint8, generator=generator
        ),
        "joint_target": torch.randn(items, 3, 14, generator=generator),
    }


def test_has_the_parameters_of_the_port():
    with torch.device("meta"):
        method = DiffusionPolicy(DiffusionPolicyConfig())
    assert round(sum(p.numel() for p in method.parameters()) / 1e6, 1) == 96.8


def test_pixels_are_normalized_twice():
    """As the port's: to [-1, 1], then by ImageNet's statistics of [0, 1]."""
    method = DiffusionPolicy(TINY)
    pixels = torch.tensor([0.0, 127.5, 255.0])
    red = pixels * method.pixel_scale[0].item() + method.pixel_shift[0].item()
    wanted = (torch.tensor([-1.0, 0.0, 1.0]) - 0.485) / 0.229
    torch.testing.assert_close(red, wanted, atol=1e-4, rtol=1e-4)


def test_an_observation_is_one_block_of_features_from_its_own_pictures_and_joints():
    method = DiffusionPolicy(TINY)
    first = observation()
    features = method.features(first)
    assert features.shape == (2, 3, 16 + 16 + 14)
    for view, columns in ((0, slice(0, 16)), (1, slice(16, 32))):
        second = {**first, "rgb": first["rgb"].clone()}
        second["rgb"][1, 2, view] = 255 - second["rgb"][1, 2, view]
        changed = (method.features(second) - features).abs() > 1e-5
        assert changed[1, 2, columns].any()
        changed[1, 2, columns] = False
        assert not changed.any()


def test_predictions_begin_now_not_with_the_oldest_observation(monkeypatch):
    method = DiffusionPolicy(TINY)
    numbers = torch.arange(8.0)[None, :, None].expand(2, 8, 14) / 10
    monkeypatch.setattr(method.diffusion, "sample", lambda condition, generator: numbers)
    predicted = method.predict(observation(), torch.Generator())
    assert method.window.first == -2
    torch.testing.assert_close(predicted[0, :, 0], torch.arange(2.0, 8.0) / 10)
    assert predicted.shape[1] == method.executed == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"executed": 7}, r"executed=7: expected 1 \.\. 6"),
        ({"horizon": 6}, "horizon=6: expected a multiple of 4"),
        ({"sampler": "ddmp"}, "unknown sampler 'ddmp'"),
        ({"prediction": "noise"}, "unknown prediction 'noise'"),
        ({"inference_steps": 101}, r"inference_steps=101: expected 1 \.\. train_steps=100"),
    ],
)
def test_refuses_what_does_not_fit_together(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        preset("dp", "full", changes)

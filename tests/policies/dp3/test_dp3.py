import pytest
import torch

from learning.configuration import ConfigurationError
from policies.dp3.method import DiffusionPolicy3D, DiffusionPolicy3DConfig
from policies.imitation.method import Moments, Statistics
from policies.imitation.methods import preset

TINY = {"point_widths": (8, 16), "unet_widths": (16, 32)}


def observation(items=2):
    generator = torch.Generator().manual_seed(0)
    return {
        "pointcloud": torch.rand(items, 3, 1024, 6, generator=generator),
        "joint_target": torch.randn(items, 3, 14, generator=generator),
    }


@pytest.mark.parametrize(("color", "encoder"), [(True, 240_192), (False, 75_648)])
def test_has_the_parameters_of_the_port(color, encoder):
    with torch.device("meta"):
        method = DiffusionPolicy3D(DiffusionPolicy3DConfig(color=color))
    assert sum(p.numel() for p in method.point_encoder.parameters()) == encoder
    if color:
        assert round(sum(p.numel() for p in method.parameters()) / 1e6, 1) == 262.6


@pytest.mark.parametrize("color", [True, False])
def test_colors_matter_only_where_they_are_seen(color):
    method = DiffusionPolicy3D(DiffusionPolicy3DConfig(color=color, **TINY))
    first = observation()
    second = {**first, "pointcloud": first["pointcloud"].clone()}
    second["pointcloud"][..., 3:] = 1 - second["pointcloud"][..., 3:]
    changed = (method.features(second) - method.features(first)).abs().max() > 1e-5
    assert changed == color


def test_fewer_points_are_taken_from_all_over_the_cloud():
    method = DiffusionPolicy3D(DiffusionPolicy3DConfig(points=256, **TINY))
    first = observation()
    seen = torch.zeros(1024, dtype=torch.bool)
    seen[::4] = True
    second = {**first, "pointcloud": first["pointcloud"].clone()}
    second["pointcloud"][:, :, ~seen] += 1
    torch.testing.assert_close(method.features(second), method.features(first))


def test_points_are_normalized_by_the_range_of_each_channel():
    low, high = torch.tensor([-0.6, -0.35, 0.74, 0, 0, 0]), torch.tensor([0.6, 0.35, 1.2, 1, 1, 1])
    joints = Moments(*(torch.ones(14) * value for value in (-1, 1, 0, 1)))
    method = DiffusionPolicy3D(DiffusionPolicy3DConfig(**TINY))
    method.fit(Statistics(joints, joints, Moments(low, high, low, high)))
    corners = torch.stack([low, high, (low + high) / 2])
    torch.testing.assert_close(
        method.point_normalizer.normalize(corners),
        torch.tensor([-1.0, 1.0, 0.0])[:, None].expand(3, 6),
    )


def test_observes_one_cloud_with_its_past():
    observes = DiffusionPolicy3D(DiffusionPolicy3DConfig(**TINY)).observes
    assert (observes.obs_mode, observes.cameras, observes.history) == (
        "pointcloud",
        ("head_camera",),
        3,
    )


def test_refuses_a_number_of_points_that_does_not_divide_the_cloud():
    with pytest.raises(ConfigurationError, match="points=1000: expected a divisor of 1024"):
        preset("dp3", "full", {"points": 1000})

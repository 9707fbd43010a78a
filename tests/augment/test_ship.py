"""How trained weights become shipped ones."""

import torch

from augment.pretrained.ship import ship_depth_net
from augment.video_metrics.depth_net import DepthNet
from augment.video_metrics.depth_trainer import ERRORS


def test_shipped_weights_are_half_as_large_and_nearly_the_same(tmp_path):
    torch.manual_seed(0)
    net = DepthNet().eval()
    for folder in ("trained", "again"):
        net.save_pretrained(tmp_path / folder)
    (tmp_path / "trained" / ERRORS).write_text("{}")
    ship_depth_net(tmp_path / "trained", tmp_path / "shipped")
    shipped = DepthNet.from_pretrained(tmp_path / "shipped").eval()
    assert shipped.dtype == torch.float32
    rgb = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        assert torch.allclose(net(rgb), shipped(rgb), rtol=0.02)
    name = "diffusion_pytorch_model.safetensors"
    sizes = [(tmp_path / each / name).stat().st_size for each in ("trained", "shipped")]
    assert str(tmp_path) not in (tmp_path / "shipped" / "config.json").read_text()
    assert sizes[1] < 0.52 * sizes[0]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["again", "shipped", "trained"]

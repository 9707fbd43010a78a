import pytest
import torch
from torch import nn
from transformers import ResNetConfig, ResNetModel

from learning.configuration import ConfigurationError
from policies.blocks.resnet import FrozenBatchNorm, ResNet

CHANNELS, BLOCKS = (16, 32), (1, 2)


def pretrained(channels=CHANNELS):
    """A ResNet as others publish them, with statistics that are not those of the beginning."""
    torch.manual_seed(0)
    network = ResNetModel(
        ResNetConfig(
            embedding_size=channels[0],
            hidden_sizes=list(channels),
            depths=list(BLOCKS),
            layer_type="basic",
        )
    )
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for value in (module.weight, module.bias, module.running_mean):
                nn.init.normal_(value)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


def test_resnet18_has_the_parameters_of_resnet18():
    with torch.device("meta"):
        network = ResNet()
    assert sum(p.numel() for p in network.parameters()) == 11_176_512  # 11.18 M, no classifier


def test_group_normalization_has_groups_of_sixteen_channels():
    groups = {m.num_channels: m.num_groups for m in ResNet().modules() if _is_group_norm(m)}
    assert groups == {64: 4, 128: 8, 256: 16, 512: 32}


def test_an_item_is_encoded_the_same_in_any_batch_in_training():
    network = ResNet(CHANNELS, BLOCKS).train()
    pictures = torch.randn(3, 3, 32, 40)
    torch.testing.assert_close(network(pictures)[1:2], network(pictures[1:2]))
    assert network(pictures).shape == (3, 32, 4, 5)


def test_pretrained_weights_give_what_they_gave_elsewhere_and_keep_their_statistics(tmp_path):
    reference = pretrained()
    reference.save_pretrained(tmp_path)
    network = ResNet(CHANNELS, BLOCKS, frozen=True)
    network.load_pretrained(str(tmp_path))
    pictures = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        wanted = reference(pictures).last_hidden_state
    torch.testing.assert_close(network.train()(pictures), wanted, rtol=1e-4, atol=1e-4)
    norms = [module for module in network.modules() if isinstance(module, FrozenBatchNorm)]
    assert norms
    assert not any(list(norm.parameters()) for norm in norms)


def test_other_architectures_and_missing_weights_are_refused_in_one_line(tmp_path):
    network = ResNet(CHANNELS, BLOCKS, frozen=True)
    pretrained((16, 48)).save_pretrained(tmp_path)
    with pytest.raises(ConfigurationError, match=r"hidden_sizes=\[16, 48\], not \[16, 32\]$"):
        network.load_pretrained(str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"no pretrained ResNet at .*/nothing") as error:
        network.load_pretrained(str(tmp_path / "nothing"))
    assert "\n" not in str(error.value)


def _is_group_norm(module):
    return isinstance(module, nn.GroupNorm)

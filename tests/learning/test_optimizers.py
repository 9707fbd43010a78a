import pytest
import torch
from torch import nn

from learning.muon import Muon, orthogonalized
from learning.optimization import Optimization
from learning.optimizers import optimizers


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 48, 20), (1, 17, 64)], ids=str)
def test_singular_values_come_near_one(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalized(matrices))
    assert values.min() > 0.3
    assert values.max() < 1.3


def test_orthogonalized_keeps_the_singular_vectors():
    matrix = torch.randn(1, 24, 16, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    inside = left.mT @ orthogonalized(matrix) @ right.mT
    off = inside - torch.diag_embed(torch.diagonal(inside, dim1=1, dim2=2))
    assert off.abs().max() < 1e-4


def test_torch_has_the_same_steps_up_to_bfloat16():
    generator = torch.Generator().manual_seed(2)
    shapes = [(24, 16), (16, 48), (24, 16), (16, 3, 2, 8)]
    start = [torch.randn(shape, generator=generator) for shape in shapes]
    ours = [nn.Parameter(each.clone()) for each in start]
    theirs = [nn.Parameter(each.flatten(1).clone()) for each in start]
    options = {"lr": 0.01, "weight_decay": 0.1, "momentum": 0.95}
    contenders = [
        (ours, Muon(ours, **options)),
        (theirs, torch.optim.Muon(theirs, **options, adjust_lr_fn="match_rms_adamw")),
    ]
    for _ in range(4):
        gradients = [torch.randn(each.shape, generator=generator) for each in start]
        for parameters, optimizer in contenders:
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient.view_as(parameter).clone()
            optimizer.step()
    for before, mine, other in zip(start, ours, theirs, strict=True):
        moved = (other - before.view_as(other)).norm()
        assert (mine.view_as(other) - other).norm() < 0.03 * moved


def test_matrices_alone():
    with pytest.raises(ValueError, match=r"not for \(3,\)"):
        Muon([nn.Parameter(torch.zeros(3))], lr=0.1)


class _Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(32, 16)
        self.head = nn.Linear(16, 3)


def _optimizers(**rates):
    net = _Net()
    groups = [(net.layer.parameters(), 0.5), (net.head.parameters(), 1.0)]
    return net, optimizers(groups, Optimization(steps=1, batch_size=1, **rates))


def test_adamw_has_everything_unless_muon_has_a_rate():
    net, (only,) = _optimizers(learning_rate=0.01)
    assert isinstance(only, torch.optim.AdamW)
    heights = [group["height"] for group in only.param_groups]
    assert heights == [0.005, 0.01]
    assert sum(len(group["params"]) for group in only.param_groups) == len(list(net.parameters()))


def test_muon_has_the_layers_and_adamw_the_rest():
    net, (muon, adamw) = _optimizers(learning_rate=0.01, muon_learning_rate=0.04)
    (matrix,) = [each for group in muon.param_groups for each in group["params"]]
    assert matrix is net.layer.weight
    assert [group["height"] for group in muon.param_groups if group["params"]] == [0.02]
    rest = {id(each) for group in adamw.param_groups for each in group["params"]}
    assert rest == {id(each) for each in net.parameters()} - {id(matrix)}

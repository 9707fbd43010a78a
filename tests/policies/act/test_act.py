import pytest
import torch
from torch.distributions import Normal, kl_divergence
from transformers import ResNetConfig, ResNetModel

from learning.configuration import ConfigurationError
from policies.act.method import ActionChunkingTransformer, ActionChunkingTransformerConfig
from policies.imitation.method import Moments, Statistics
from policies.imitation.methods import preset

TINY = {
    "cameras": ("head_camera", "left_camera"),
    "image_size": None,
    "chunk": 6,
    "executed": 6,
    "image_channels": (8, 16),
    "image_blocks": (1, 1),
    "hidden": 16,
    "heads": 2,
    "feedforward": 32,
    "encoder_layers": 1,
}


def method(**changes):
    torch.manual_seed(0)
    return ActionChunkingTransformer(ActionChunkingTransformerConfig(**(TINY | changes)))


def batch(items=3):
    generator = torch.Generator().manual_seed(0)
    padded = torch.zeros(items, 6, dtype=torch.bool)
    padded[1, 4:] = True
    return {
        "rgb": torch.randint(
            0, 256, (items, 1, 2, 32, 40, 3), dtype=torch.uint8, generator=generator
        ),
        "joint_target": torch.randn(items, 1, 14, generator=generator),
        "action": torch.randn(items, 6, 14, generator=generator),
        "padded": padded,
    }


def test_padded_actions_do_not_matter():
    act, items = method(dropout=0.0), batch()
    first = act.losses(items, torch.Generator().manual_seed(0))
    changed = {**items, "action": items["action"].clone()}
    changed["action"][items["padded"]] += 10
    second = act.losses(changed, torch.Generator().manual_seed(0))
    for name, value in first.items():
        torch.testing.assert_close(second[name], value)


def test_the_loss_is_the_error_and_ten_times_the_divergence_of_the_style(monkeypatch):
    act, items = method(dropout=0.0), batch()
    mean, log_variance = torch.randn(3, 32), torch.randn(3, 32)
    monkeypatch.setattr(act.style_encoder, "forward", lambda *_: (mean, log_variance))
    losses = act.losses(items, torch.Generator().manual_seed(0))
    divergence = kl_divergence(
        Normal(mean, (log_variance / 2).exp()), Normal(torch.zeros(32), torch.ones(32))
    ).sum(dim=1)
    torch.testing.assert_close(losses["kl"], divergence)
    torch.testing.assert_close(losses["loss"], losses["l1"] + 10 * divergence)


def test_acting_draws_nothing():
    act, items = method().eval(), batch()
    first = act.predict(items, torch.Generator().manual_seed(0))
    torch.testing.assert_close(act.predict(items, torch.Generator().manual_seed(1)), first)


def test_dropout_is_for_training_only():
    act, items = method(), batch()
    generator = torch.Generator()
    act.eval()
    assert torch.equal(
        act.losses(items, generator.manual_seed(0))["loss"],
        act.losses(items, generator.manual_seed(0))["loss"],
    )
    act.train()
    assert not torch.equal(
        act.losses(items, generator.manual_seed(0))["loss"],
        act.losses(items, generator.manual_seed(0))["loss"],
    )


def test_pictures_are_interpolated_to_the_size_of_the_port():
    seen = []
    act, items = method(image_size=(64, 48)), batch()
    act.backbone.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape))
    act.predict(items, torch.Generator())
    assert seen == [(6, 3, 48, 64)]


def test_every_view_tells_its_own():
    act, items = method().eval(), batch()
    first = act.predict(items, torch.Generator())
    for view in (0, 1):
        changed = {**items, "rgb": items["rgb"].clone()}
        changed["rgb"][0, :, view] = 255 - changed["rgb"][0, :, view]
        after = act.predict(changed, torch.Generator())
        assert not torch.equal(after[0], first[0])
        torch.testing.assert_close(after[1:], first[1:])


def test_a_pretrained_encoder_is_loaded_when_fitted_and_then_no_longer_needed(tmp_path):
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    pretrained = ResNetModel(config).eval()
    pretrained.save_pretrained(tmp_path / "resnet")
    act = method(backbone_weights=str(tmp_path / "resnet"))
    moments = Moments(*(torch.ones(14) * value for value in (-1, 1, 0, 1)))
    act.fit(Statistics(moments, moments))
    pictures = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        wanted = pretrained(pictures).last_hidden_state
    torch.testing.assert_close(act.backbone(pictures), wanted, rtol=1e-4, atol=1e-4)
    assert act.notice is None

    elsewhere = method(backbone_weights="/not/on/this/machine")
    elsewhere.load_state_dict(act.state_dict())
    torch.testing.assert_close(
        elsewhere.eval().predict(batch(), torch.Generator()),
        act.eval().predict(batch(), torch.Generator()),
    )


def test_says_that_the_encoder_starts_from_random_weights():
    assert "random weights" in method().notice


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"executed": 51}, r"executed=51: expected 1 \.\. chunk=50"),
        ({"hidden": 30}, "hidden=30: expected a multiple of 4 and of the heads"),
    ],
)
def test_refuses_what_does_not_fit_together(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        preset("act", "full", changes)

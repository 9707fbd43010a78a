import pytest
import torch

from augment.dream_transfer.controlnet import DreamTransferControlNetModel
from augment.dream_transfer.text_encoder import encode_prompts
from augment.dream_transfer.training_loss import (
    FlowMatching,
    flow_matching_loss,
    trainable_parameters,
)
from augment.dream_transfer.transformer import DreamTransferTransformer3DModel


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def clean():
    return torch.randn(4, 16, 3, 4, 8, generator=generator(1))


@pytest.fixture
def text(text_encoder):
    return encode_prompts(["red", "green", "blue", "a wooden table"], text_encoder).detach()


@pytest.fixture
def empty(text_encoder):
    return encode_prompts([""], text_encoder).detach()


class Recorder(torch.nn.Module):
    """Stands before a transformer and remembers what it was given."""

    def __init__(self, transformer):
        super().__init__()
        self.transformer, self.dtype = transformer, transformer.dtype

    def forward(self, *inputs, **options):
        self.noisy, self.timestep, self.text, self.residuals = inputs
        (self.velocity,) = self.transformer(*inputs, **options)
        return (self.velocity,)


@pytest.fixture
def recorder(transformer):
    return Recorder(transformer)


def test_is_the_error_of_the_velocity(recorder, clean, text, empty):
    loss = flow_matching_loss(recorder, clean, text, empty, generator(), FlowMatching())
    level = (recorder.timestep / 1000)[:, None, None, None, None]
    noise = (recorder.noisy - (1 - level) * clean) / level
    expected = (recorder.velocity - (noise - clean)).square().mean(dim=(1, 2, 3, 4))
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)
    assert noise.std() == pytest.approx(1, abs=0.05)
    left, right = noise[..., :4].flatten(), noise[..., 4:].flatten()
    assert abs(torch.corrcoef(torch.stack([left, right]))[0, 1]) < 0.1


def test_noise_levels_are_logit_normal(recorder, clean, text, empty):
    settings = FlowMatching(logit_mean=0.5, logit_std=0.3, prompt_dropout=0.0)
    logits = []
    for seed in range(40):
        with torch.no_grad():
            flow_matching_loss(recorder, clean, text, empty, generator(seed), settings)
        logits.append((recorder.timestep / 1000).logit())
    logits = torch.cat(logits)
    assert logits.mean() == pytest.approx(0.5, abs=0.1)
    assert logits.std() == pytest.approx(0.3, abs=0.06)


def test_draws_come_from_the_generator(transformer, clean, text, empty):
    arguments = transformer, clean, text, empty
    first = flow_matching_loss(*arguments, generator(), FlowMatching())
    assert torch.equal(flow_matching_loss(*arguments, generator(), FlowMatching()), first)
    assert not torch.equal(flow_matching_loss(*arguments, generator(1), FlowMatching()), first)


@pytest.mark.parametrize("dropout", [0.0, 0.5, 1.0])
def test_prompts_are_dropped(dropout, recorder, clean, text, empty):
    settings = FlowMatching(prompt_dropout=dropout)
    dropped = []
    for seed in range(16):
        with torch.no_grad():
            flow_matching_loss(recorder, clean, text, empty, generator(seed), settings)
        dropped += [torch.equal(item, empty[0]) for item in recorder.text]
    assert sum(dropped) / len(dropped) == pytest.approx(dropout, abs=0.15)


def test_a_given_first_frame_is_clean_and_counts_for_nothing(recorder, clean, text, empty):
    settings = FlowMatching(clean_first_frame=1.0)
    loss = flow_matching_loss(recorder, clean, text, empty, generator(), settings)
    assert torch.equal(recorder.noisy[:, :, 0], clean[:, :, 0])
    assert not torch.equal(recorder.noisy[:, :, 1], clean[:, :, 1])
    assert not recorder.timestep[:, 0].any()
    assert recorder.timestep[:, 1:].all()
    noisy, level = recorder.noisy[:, :, 1:], (recorder.timestep[:, 1] / 1000).view(-1, 1, 1, 1, 1)
    noise = (noisy - (1 - level) * clean[:, :, 1:]) / level
    error = recorder.velocity[:, :, 1:] - (noise - clean[:, :, 1:])
    expected = error.square().mean(dim=(1, 2, 3, 4))
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)
    single = flow_matching_loss(recorder, clean[:, :, :1], text, empty, generator(), settings)
    assert torch.isfinite(single).all()


def test_branch_and_depth_belong_together(transformer, controlnet, clean, text, empty):
    with pytest.raises(ValueError, match="needed together"):
        flow_matching_loss(
            transformer, clean, text, empty, generator(), FlowMatching(), controlnet=controlnet
        )


@pytest.mark.parametrize(
    ("mode", "learning"),
    [
        ("base", {"transformer"}),
        ("branch", {"controlnet"}),
        ("joint", {"transformer", "controlnet"}),
    ],
)
def test_modes_are_which_parameters_get_gradients(mode, learning, pipeline, clean):
    parameters = trainable_parameters(mode, pipeline.components)
    text, empty = (
        encode_prompts(prompts, pipeline.text_encoder) for prompts in (["a cup"] * 4, [""])
    )
    branch = {} if mode == "base" else {"controlnet": pipeline.controlnet, "depth": clean}
    flow_matching_loss(
        pipeline.transformer,
        clean,
        text,
        empty,
        generator(),
        FlowMatching(prompt_dropout=0.5),
        **branch,
    ).mean().backward()
    for name in ("transformer", "text_encoder", "controlnet", "vae"):
        got = {p.grad is not None for p in getattr(pipeline, name).parameters()}
        assert got == {name in learning}, name
    expected = [p for name in learning for p in getattr(pipeline, name).parameters()]
    assert {id(p) for p in parameters} == {id(p) for p in expected}


def test_unknown_modes_are_refused(pipeline):
    with pytest.raises(ValueError, match="valid are base, branch, joint"):
        trainable_parameters("all", pipeline.components)


def test_learns_to_use_depth():
    """Latents that are those of the depth: only who reads depth can tell them from noise."""
    torch.manual_seed(0)
    main = DreamTransferTransformer3DModel(
        patch_size=(1, 1, 1),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=4,
        out_channels=4,
        text_dim=8,
        freq_dim=32,
        ffn_dim=48,
        num_layers=2,
        rope_max_seq_len=64,
    )
    branch = DreamTransferControlNetModel.from_transformer(main, (0, 1))
    parameters = trainable_parameters("joint", {"transformer": main, "controlnet": branch})
    optimizer = torch.optim.AdamW(parameters, lr=1e-2)
    draws, text = generator(2), torch.zeros(8, 1, 8)

    def loss(clean, depth, draws):
        settings = FlowMatching(logit_mean=1.0)
        return flow_matching_loss(
            main, clean, text, text[:1], draws, settings, controlnet=branch, depth=depth
        ).mean()

    def latents():
        return torch.randn(8, 4, 2, 2, 2, generator=draws)

    history = []
    for _ in range(40):
        depth = latents()
        value = loss(depth, depth, draws)
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        history.append(float(value.detach()))
    with torch.no_grad():
        depth = latents()
        right = float(loss(depth, depth, generator(3)))
        wrong = float(loss(depth, latents(), generator(3)))
    assert sum(history[-5:]) < sum(history[:5]) / 3
    assert right < wrong / 3

import dataclasses

import pytest
import torch
from conftest import TINY

from envs.cameras import CAMERA_MODELS
from envs.robots.dual_arm import ACTION_LOWER, ACTION_UPPER
from learning.configuration import ConfigurationError, as_mapping
from policies.imitation.methods import build, preset
from policies.sem.config import SemConfig
from policies.sem.losses import state_loss
from policies.sem.method import Sem

SWITCHES = [
    {},
    {"depth": "off"},
    {"spatial_enhancer": False},
    {"state_encoder": "mlp"},
    {"losses": "paper", "train_timesteps": 100},
    {"losses": "smooth_l1", "pose": "matrix", "relative_joints": True, "chunk": 4},
    {"noise_samples": 3, "unit_gates": True},
    {"decoder_strides": (8, 64), "levels": 4},
]


def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_every_switch_trains_and_acts(switches, tiny, batch):
    method = tiny(**switches)
    observed = batch(method)
    if method.observes.obs_mode == "rgb":
        del observed["depth"]
    losses = method.losses(observed, generator())
    assert all(loss.shape == (2,) for loss in losses.values())
    parts = sum(loss for name, loss in losses.items() if name != "loss")
    torch.testing.assert_close(losses["loss"], parts)
    assert ("depth" in losses) == method.config.uses_depth
    losses["loss"].mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in method.parameters() if p.grad is not None)
    with torch.inference_mode():
        actions = method.eval().predict(observed, generator())
    assert actions.shape == (2, 64, 14)
    assert (actions >= torch.tensor(ACTION_LOWER - 1e-6)).all()
    assert (actions <= torch.tensor(ACTION_UPPER + 1e-6)).all()


@pytest.mark.parametrize("switches", SWITCHES[:4], ids=str)
def test_every_parameter_learns(switches, tiny, batch):
    """Nothing is built that is not used, which training on several GPUs would stumble over."""
    method = tiny(**switches)
    # Residuals of the depth encoder begin at 0 and hide what is before them for one step.
    for name, parameter in method.named_parameters():
        if name.endswith("weight") and parameter.ndim == 1:
            torch.nn.init.ones_(parameter)
    method.losses(batch(method), generator())["loss"].mean().backward()
    idle = {name for name, p in method.named_parameters() if p.grad is None or not p.grad.any()}
    assert not idle


def test_learns_a_few_windows_by_heart(tiny, batch):
    """It sees which joint, when and where it is: its error falls far below that of the mean."""
    method = tiny(unit_gates=True, joint_noise=0.0, noise_samples=2)
    observed = batch(method, items=4)
    states = method.joint_states(method.joint_states.normalized(observed["action"]))
    mean = states.mean(dim=(0, 1, 2)).expand_as(states)
    blind = float(state_loss(mean, states, method.weights, "released").mean())
    optimizer = torch.optim.AdamW(method.parameters(), lr=3e-3)
    draws, history = generator(), []
    for _ in range(65):
        losses = method.losses(observed, draws)
        losses["loss"].mean().backward()
        torch.nn.utils.clip_grad_norm_(method.parameters(), 10.0)
        optimizer.step()
        optimizer.zero_grad()
        history.append(float(losses["state"].detach().mean()))
    assert sum(history[-10:]) / 10 < blind / 2


@pytest.mark.parametrize("relative", [False, True])
def test_predictions_begin_with_the_next_action(relative, tiny, batch, monkeypatch):
    """A decoder that knows the true future states gives back the actions of that window."""
    method = tiny(relative_joints=relative)
    observed = batch(method)
    states = method.joint_states(method.joint_states.normalized(observed["action"]))
    now = method.joint_states(method.joint_states.normalized(observed["joint_target"]))
    known = states - now if relative else states
    monkeypatch.setattr(method.decoder, "forward", lambda *_: known)
    with torch.inference_mode():
        actions = method.eval().predict(observed, generator())
    torch.testing.assert_close(actions, observed["action"], atol=1e-5, rtol=0)
    assert method.window.first == 0
    method.config = dataclasses.replace(method.config, joint_noise=0.0)
    losses = method.losses(observed, generator())
    assert losses["state"].max() < 1e-9
    assert losses["kinematics"].max() < 1e-9


def test_steps_after_the_end_are_learned(tiny, batch):
    method = tiny()
    observed = batch(method)
    padded = {**observed, "padded": torch.ones_like(observed["padded"])}
    first, second = (method.losses(each, generator())["loss"] for each in (observed, padded))
    assert torch.equal(first, second)


def test_the_commanded_joints_are_the_state(tiny, batch):
    method = tiny().eval()
    observed = batch(method)
    moved = {**observed, "joint_position": observed["joint_position"] + 1}
    commanded = {**observed, "joint_target": observed["joint_target"] + 0.5}
    with torch.inference_mode():
        before, same, other = (
            method.predict(each, generator()) for each in (observed, moved, commanded)
        )
    assert torch.equal(before, same)
    assert not torch.equal(before, other)


def test_without_a_generator_it_denoises_zeros(tiny, batch, monkeypatch):
    method = tiny().eval()
    observed = batch(method)
    with torch.inference_mode():
        before = torch.get_rng_state()
        calm = method.predict(observed, None)
        assert torch.equal(torch.get_rng_state(), before)
        assert not torch.equal(method.predict(observed, generator()), calm)
        monkeypatch.setattr(torch, "randn", lambda shape, **_: torch.zeros(shape))
        assert torch.equal(method.predict(observed, generator()), calm)


def test_noise_is_on_the_arms_of_the_current_state_only(tiny, batch):
    method = tiny()
    observed = batch(method, items=50)
    noisy = method._with_noise(observed["joint_target"], generator())
    noise = (noisy - observed["joint_target"][:, -1]).view(50, 2, 7)
    assert not noise[..., 6].any()
    assert 0.019 < noise[..., :6].abs().max() <= 0.02 + 1e-6
    assert noise[..., :6].mean().abs() < 0.003


def test_the_order_of_cameras_does_not_matter(tiny, batch):
    method = tiny().eval()
    observed = batch(method)
    swapped = {
        name: value.flip(2) if name in ("rgb", "depth", "intrinsic_cv", "extrinsic_cv") else value
        for name, value in observed.items()
    }
    with torch.inference_mode():
        one, other = (method.predict(each, generator()) for each in (observed, swapped))
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


def test_an_item_does_not_depend_on_its_batch(tiny, batch):
    method = tiny().eval()
    observed = batch(method, items=3)
    noise = torch.randn(3, 64, 14, generator=generator())
    with torch.inference_mode():
        together = method.predict(observed, generator())
        alone = method.predict({k: v[:1] for k, v in observed.items()}, generator())
    assert torch.equal(noise[:1], torch.randn(1, 64, 14, generator=generator()))
    torch.testing.assert_close(together[:1], alone, atol=1e-5, rtol=0)


def test_bfloat16_stays_near_float32(tiny, batch):
    method = tiny().eval()
    observed = batch(method)
    with torch.inference_mode():
        exact = method.predict(observed, generator())
        with torch.autocast("cpu", dtype=torch.bfloat16):
            lower = method.predict(observed, generator())
    assert lower.dtype == torch.float32
    assert (exact - lower).abs().mean() < 0.05
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = method.train().losses(observed, generator())
    losses["loss"].mean().backward()
    assert all(loss.dtype == torch.float32 for loss in losses.values())


def test_a_pretrained_backbone_learns_more_slowly(tiny):
    method = Sem(SemConfig(**TINY, backbone_weights="somewhere"))
    (rest, full), (backbone, scale) = method.parameter_groups()
    assert (full, scale) == (1.0, 0.1)
    groups = [len(list(rest)), len(list(backbone))]
    assert sum(groups) == len(list(method.parameters()))
    assert groups[1] == len(list(method.scene.image_encoder.backbone.parameters()))
    assert method.notice is None
    fresh = tiny()
    assert [scale for _, scale in fresh.parameter_groups()] == [1.0]
    assert "from scratch" in fresh.notice


@pytest.mark.parametrize("size", ["full", "small"])
def test_presets_build(size):
    config, optimization = preset("sem", size)
    with torch.device("meta"):
        method = build("sem", as_mapping(config))
    assert isinstance(method, Sem)
    assert method.window.horizon == 2 * method.executed
    if size == "full":
        assert method.executed == 32
        assert optimization.schedule == "step"
        assert config == SemConfig()
        assert len(method.observes.cameras) == 4
        assert (optimization.steps, optimization.batch_size) == (100_000, 128)


def test_small_pictures_are_only_scaled():
    """The standard camera of the preset sees all that is rendered, and no more."""
    config, _ = preset("sem", "small")
    with torch.device("meta"):
        method = Sem(config)
    assert CAMERA_MODELS["D435"].resized(*config.resolution) == method.standard_camera


@pytest.mark.parametrize(
    "wrong",
    [
        {"depth": "lidar"},
        {"resolution": (300, 256)},
        {"chunk": 6},
        {"executed": 65},
        {"decoder_strides": (4,)},
        {"cameras": ()},
        {"dim": 100},
        {"levels": 2},
    ],
    ids=str,
)
def test_refuses_configurations_in_one_line(wrong):
    with pytest.raises(ConfigurationError) as error:
        preset("sem", "full", method=wrong)
    assert next(iter(wrong)) in str(error.value)
    assert "\n" not in str(error.value)

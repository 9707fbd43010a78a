"""What holds for DP, DP3 and ACT alike."""

import numpy as np
import pytest
import torch
from ramp_demonstration import CAMERAS, LENGTH, batch, frame_of, ramp_demonstration, statistics
from safetensors.torch import load, save

from envs.robots.dual_arm import ACTION_LOWER, ACTION_UPPER
from learning.configuration import as_mapping
from policies.imitation.methods import METHODS, build, method_class, preset

TINY_RESNET = {"image_channels": (8, 16), "image_blocks": (1, 1)}
TINY = {
    "dp": {**TINY_RESNET, "unet_widths": (16, 32), "sampler": "ddim", "inference_steps": 10},
    "dp3": {"point_widths": (8, 8), "points": 64, "unet_widths": (16, 32)},
    "act": {
        **TINY_RESNET,
        "cameras": CAMERAS,
        "image_size": None,
        "chunk": 12,
        "executed": 10,
        "hidden": 32,
        "heads": 4,
        "feedforward": 64,
        "encoder_layers": 1,
    },
}

each_method = pytest.mark.parametrize("name", TINY)


@pytest.fixture(scope="module")
def episode(tmp_path_factory):
    return ramp_demonstration(tmp_path_factory.mktemp("ramp") / "000000.h5")


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def made(episode):
    """Makes a tiny method that is fitted to the demonstration, and a batch for it."""

    def make(name, frames=(0, 7, LENGTH - 1), **changes):
        torch.manual_seed(0)
        method = build(name, TINY[name] | changes)
        method.fit(statistics(episode))
        return method, batch(episode, method, frames)

    return make


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@each_method
def test_losses_are_one_number_for_each_item_and_reach_every_parameter(name, made):
    method, items = made(name)
    losses = method.losses(items, seeded())
    for value in losses.values():
        assert value.shape == (3,)
        assert value.isfinite().all()
    losses["loss"].mean().backward()
    # A cloud of equal points tells DP3 nothing, and the queries of ACT's first decoder layer have
    # nothing to tell each other before training.
    silent = {"dp": "none", "dp3": "point_encoder", "act": "decoder.0.self_attention"}[name]
    for key, parameter in method.named_parameters():
        assert silent in key or (parameter.grad is not None and parameter.grad.any()), key


@each_method
def test_the_generator_decides_all_draws(name, made):
    method, items = made(name, **({"dropout": 0.0} if name == "act" else {}))
    torch.manual_seed(1)
    first = method.losses(items, seeded())["loss"]
    torch.manual_seed(2)
    torch.testing.assert_close(method.losses(items, seeded())["loss"], first, rtol=0, atol=0)
    assert not torch.equal(method.losses(items, seeded(1))["loss"], first)
    method.eval()
    first = method.predict(items, seeded())
    torch.testing.assert_close(method.predict(items, seeded()), first, rtol=0, atol=0)


@each_method
def test_predicts_as_many_actions_as_are_executed_within_their_bounds(name, made):
    method, items = made(name)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter *= 5  # so that it predicts wild things
    predicted = method.eval().predict(items, seeded())
    assert predicted.dtype == torch.float32
    assert predicted.shape[0] == 3
    assert predicted.shape[1] >= method.executed
    assert (predicted >= torch.tensor(ACTION_LOWER, dtype=torch.float32)).all()
    assert (predicted <= torch.tensor(ACTION_UPPER, dtype=torch.float32)).all()
    assert predicted.std(dim=1).max() > 0


@each_method
def test_bfloat16_gives_nearly_the_same_in_float32(name, made):
    method, items = made(name)
    method.eval()
    exact, chunk = method.losses(items, seeded())["loss"], method.predict(items, seeded())
    with torch.autocast("cpu", torch.bfloat16):
        rough = method.losses(items, seeded())["loss"]
        rough_chunk = method.predict(items, seeded())
    assert rough.dtype == rough_chunk.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0.05, atol=0)
    assert (rough_chunk - chunk).abs().mean() < 0.05


@each_method
def test_weights_and_normalization_travel_in_the_state_dict(name, made):
    method, items = made(name)
    again = build(name, as_mapping(method.config))
    again.load_state_dict(load(save(method.state_dict())))
    torch.testing.assert_close(
        again.eval().predict(items, seeded()), method.eval().predict(items, seeded())
    )


@each_method
def test_nothing_stays_behind_on_the_cpu(name, made):
    """The device without memory stands for a GPU: mixing it with the CPU is an error as well."""
    method, items = made(name, **({} if name == "act" else {"inference_steps": 2}))
    method, items = method.to("meta"), {key: value.to("meta") for key, value in items.items()}
    with pytest.raises(RuntimeError, match="device"):
        items["joint_target"] + torch.zeros(14)
    assert method.losses(items, seeded())["loss"].device.type == "meta"
    assert method.predict(items, seeded()).device.type == "meta"


@each_method
def test_learns_a_demonstration_by_heart_and_predicts_the_actions_that_follow(name, made, episode):
    """Loss on 8 windows falls to a tenth, and the first predicted action is the next one."""
    changes = {"act": {"dropout": 0.0, "kl_weight": 0.1}}.get(
        name, {"prediction": "sample", "noise_samples": 4}
    )
    frames = range(0, LENGTH, 2)
    method, items = made(name, frames=frames, **changes)
    optimizer = torch.optim.AdamW(method.parameters(), lr=3e-3, fused=True)
    history = []
    for step in range(100):
        loss = method.losses(items, seeded(step))["loss"].mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        history.append(loss.item())
    assert np.mean(history[-10:]) < np.mean(history[:3]) / 10

    predicted = method.eval().predict(items, seeded())[:, : method.executed].numpy()
    # Action t is the joint target of observation t + 1; after the last, the last is repeated.
    wanted = np.minimum(np.array(frames)[:, None] + 1 + np.arange(method.executed), LENGTH)
    trained = wanted < LENGTH if name == "act" else np.ones_like(wanted, dtype=bool)
    error = np.abs(frame_of(predicted) - wanted[..., None])[trained]
    assert error.mean() < 0.5  # nearer to the right action than to its neighbours


@pytest.mark.parametrize("name", ["dp", "dp3", "act"])
@pytest.mark.parametrize("size", ["full", "small"])
def test_presets_are_built_and_can_execute_what_they_predict(name, size):
    config, optimization = preset(name, size)
    with torch.device("meta"):
        method = method_class(name)(config)
    assert method.name == name
    assert METHODS[name].endswith(f":{type(method).__name__}")
    assert 0 < method.executed <= method.window.horizon + method.window.first
    assert optimization.steps > 0


@pytest.mark.parametrize("name", ["dp", "dp3", "act"])
def test_the_full_preset_is_what_the_class_has_by_default(name):
    config, _ = preset(name, "full")
    assert config == method_class(name).config_class()

import pytest
import torch
from diffusers import WanTransformer3DModel

from augment.dream_transfer.transformer import DreamTransferTransformer3DModel


def run(model, inputs, **changes):
    given = {name: value for name, value in inputs.items() if name != "control_latents"}
    with torch.no_grad():
        return model(**{**given, **changes}, return_dict=False)[0]


@pytest.fixture
def wan(layout):
    torch.manual_seed(7)
    return WanTransformer3DModel(**layout).eval()


def test_wan_loads_strictly_and_computes_the_same(wan, transformer, inputs):
    transformer.load_state_dict(wan.state_dict(), strict=True)
    assert torch.equal(run(transformer, inputs), run(wan, inputs))
    tokens = torch.linspace(0, 1000, 24).expand(2, 24)
    theirs = run(wan, inputs, timestep=tokens)
    torch.testing.assert_close(run(transformer, inputs, timestep=tokens), theirs)


def test_a_folder_of_wan_loads(wan, inputs, tmp_path):
    wan.save_pretrained(tmp_path)
    ours = DreamTransferTransformer3DModel.from_pretrained(tmp_path)
    assert torch.equal(run(ours, inputs), run(wan, inputs))


def test_saving_and_loading_changes_no_bit(transformer, inputs, tmp_path):
    transformer.save_pretrained(tmp_path)
    loaded = DreamTransferTransformer3DModel.from_pretrained(tmp_path)
    assert torch.equal(run(loaded, inputs), run(transformer, inputs))


def test_frames_may_have_timesteps_of_their_own(transformer, inputs):
    common = run(transformer, inputs)
    frames = inputs["timestep"][:, None].expand(2, 3)
    torch.testing.assert_close(run(transformer, inputs, timestep=frames), common)
    first_clean = frames.clone()
    first_clean[:, 0] = 0
    given = run(transformer, inputs, timestep=first_clean)
    assert not torch.allclose(given, common)
    tokens = first_clean.repeat_interleave(8, dim=1)
    torch.testing.assert_close(run(transformer, inputs, timestep=tokens), given)


def test_as_many_timesteps_as_nothing_else_are_refused(transformer, inputs):
    with pytest.raises(ValueError, match=r"5 timesteps.*3 \(frames\), 24 \(tokens\)"):
        run(transformer, inputs, timestep=torch.ones(2, 5))


def test_views_see_each_other(transformer, inputs):
    """The left view's result depends on the right view's latents."""
    changed = inputs["hidden_states"].clone()
    changed[..., 4:] += 1
    left = run(transformer, inputs)[..., :4]
    assert not torch.allclose(run(transformer, inputs, hidden_states=changed)[..., :4], left)


def test_residuals_of_blocks_that_do_not_exist_are_refused(transformer, inputs):
    residuals = {3: torch.zeros(2, 24, 24)}
    with pytest.raises(ValueError, match="residual for block 3; there are 3 blocks"):
        run(transformer, inputs, block_residuals=residuals)

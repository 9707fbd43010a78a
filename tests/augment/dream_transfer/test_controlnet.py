import pytest
import torch

from augment.dream_transfer.controlnet import DreamTransferControlNetModel


def run(transformer, controlnet, inputs, scale=1.0):
    main = {name: value for name, value in inputs.items() if name != "control_latents"}
    residuals = controlnet(**inputs, conditioning_scale=scale)
    return transformer(**main, block_residuals=residuals, return_dict=False)[0]


def alone(transformer, inputs):
    main = {name: value for name, value in inputs.items() if name != "control_latents"}
    return transformer(**main, return_dict=False)[0]


def test_a_fresh_branch_changes_nothing(transformer, controlnet, inputs):
    assert set(controlnet(**inputs)) == {0, 2}
    assert torch.equal(run(transformer, controlnet, inputs), alone(transformer, inputs))
    inputs["timestep"] = torch.tensor([[0.0, 900.0, 900.0], [0.0, 250.0, 250.0]])
    assert torch.equal(run(transformer, controlnet, inputs), alone(transformer, inputs))


@pytest.mark.parametrize("scale", [0.0, 0, [0.0, 0.0]], ids=str)
def test_scale_0_is_exactly_the_main_branch(scale, transformer, trained_controlnet, inputs):
    base = alone(transformer, inputs)
    assert not torch.allclose(run(transformer, trained_controlnet, inputs), base)
    assert torch.equal(run(transformer, trained_controlnet, inputs, scale), base)


def test_a_scale_acts_on_its_block_only(trained_controlnet, inputs):
    full = trained_controlnet(**inputs)
    half = trained_controlnet(**inputs, conditioning_scale=[0.5, 1.0])
    assert torch.equal(half[0], full[0] * 0.5)
    assert torch.equal(half[2], full[2])
    assert set(trained_controlnet(**inputs, conditioning_scale=[0.0, 1.0])) == {2}


def test_a_residual_is_added_behind_its_block(transformer, trained_controlnet, inputs):
    results = []
    for block in transformer.blocks:
        block.register_forward_hook(lambda *call: results.append(call[-1]))
    alone(transformer, inputs)
    with_last = run(transformer, trained_controlnet, inputs, [0.0, 1.0])
    run(transformer, trained_controlnet, inputs, [1.0, 0.0])
    base, last, first = results[:3], results[3:6], results[6:]
    assert all(torch.equal(*pair) for pair in zip(base, last, strict=True))
    assert torch.equal(first[0], base[0])
    assert not torch.allclose(first[1], base[1])
    assert not torch.allclose(with_last, alone(transformer, inputs))


@pytest.mark.parametrize("scale", [[1.0], [1.0, 1.0, 1.0], ()], ids=str)
def test_as_many_scales_as_nothing_else_are_refused(scale, controlnet, inputs):
    with pytest.raises(ValueError, match=r"conditioning scales for the blocks \[0, 2\]"):
        controlnet(**inputs, conditioning_scale=scale)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ((), "ascending"),
        ((2, 0), "ascending"),
        ((0, 0), "ascending"),
        ((-1, 0), "negative"),
        ((0, 3), "there are 3 blocks"),
    ],
    ids=["none", "descending", "twice", "negative", "missing"],
)
def test_wrong_blocks_are_refused(blocks, message, transformer):
    with pytest.raises(ValueError, match=message):
        DreamTransferControlNetModel.from_transformer(transformer, blocks)


def test_weights_are_copies(transformer, inputs):
    transformer.requires_grad_(False)
    branch = DreamTransferControlNetModel.from_transformer(transformer, (1,), control_channels=7)
    assert torch.equal(branch.blocks[0].ffn.net[2].weight, transformer.blocks[1].ffn.net[2].weight)
    assert torch.equal(branch.patch_embedding.weight, transformer.patch_embedding.weight)
    assert branch.control_patch_embedding.in_channels == 7
    assert all(parameter.requires_grad for parameter in branch.parameters())
    before = alone(transformer, inputs)
    with torch.no_grad():
        for parameter in branch.parameters():
            parameter.add_(1)
    assert torch.equal(alone(transformer, inputs), before)


def test_copies_keep_the_precision_of_each_part(transformer):
    transformer.blocks.to(torch.bfloat16)
    branch = DreamTransferControlNetModel.from_transformer(transformer, (0, 2))
    assert branch.blocks[1].ffn.net[2].weight.dtype == torch.bfloat16
    assert branch.condition_embedder.time_proj.weight.dtype == torch.float32
    assert branch.control_projection.weight.dtype == transformer.dtype


def test_gradients_enter_through_the_zero_projections(transformer, controlnet, inputs):
    """At first they reach the outer zero projections, then the inner one, then all."""
    optimizer = torch.optim.SGD(controlnet.parameters(), lr=1.0)
    reached = []
    for _ in range(3):
        optimizer.zero_grad()
        run(transformer, controlnet, inputs).square().mean().backward()
        reached.append({name for name, p in controlnet.named_parameters() if p.grad.any()})
        optimizer.step()
    assert reached[0] == {
        f"block_projections.{number}.{kind}" for number in (0, 1) for kind in ("weight", "bias")
    }
    assert "control_projection.weight" in reached[1]
    assert reached[2] == {name for name, _ in controlnet.named_parameters()}


def test_gradient_checkpointing_changes_no_gradient(transformer, trained_controlnet, inputs):
    gradients = []
    for _ in range(2):
        run(transformer, trained_controlnet, inputs).square().mean().backward()
        parameters = [*transformer.parameters(), *trained_controlnet.parameters()]
        gradients.append([parameter.grad for parameter in parameters])
        for model in (transformer, trained_controlnet):
            model.zero_grad()
            model.enable_gradient_checkpointing()
    torch.testing.assert_close(*gradients)


def test_saving_and_loading_changes_no_bit(trained_controlnet, inputs, tmp_path):
    trained_controlnet.save_pretrained(tmp_path)
    loaded = DreamTransferControlNetModel.from_pretrained(tmp_path)
    saved = trained_controlnet(**inputs)
    assert all(torch.equal(saved[number], made) for number, made in loaded(**inputs).items())

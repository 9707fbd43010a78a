import numpy as np
import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, UniPCMultistepScheduler

from augment.dream_transfer.detail import DepthGuidedDetail
from augment.dream_transfer.pipeline import DreamTransferPipeline
from augment.dream_transfer.video_latents import decode_video, encode_video


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def make(pipeline, depth):
    """Calls the pipeline for one item, unless asked otherwise."""

    def call(pipe=pipeline, prompt="a red cup", **changes):
        options = {
            "depth": depth[:1],
            "num_inference_steps": 3,
            "generator": generator(),
            "output_type": "latent",
        }
        return pipe(prompt, **{**options, **changes}).frames

    return call


def test_outputs_are_what_they_are_called(make, pipeline):
    latents = make()
    assert latents.shape == (1, 16, 2, 2, 8)
    video = decode_video(pipeline.vae, latents).detach()
    assert video.shape == (1, 3, 5, 16, 64)
    pt, array, views = (make(output_type=kind) for kind in ("pt", "np", "views"))
    torch.testing.assert_close(pt, (video.transpose(1, 2) + 1) / 2)
    assert array.shape == (1, 5, 16, 64, 3)
    assert np.array_equal(array, pt.permute(0, 1, 3, 4, 2).numpy())
    assert views.shape == (1, 5, 2, 16, 32, 3)
    assert views.dtype == np.uint8
    assert np.abs(views[0, :, 1] / 255 - array[0, :, :, 32:]).max() <= 0.5 / 255 + 1e-6


def test_the_same_seed_makes_the_same_bits(make):
    assert torch.equal(make(), make())
    assert not torch.equal(make(generator=generator(1)), make())


def test_a_list_of_generators_seeds_each_video(make):
    both = make(num_videos_per_prompt=2, generator=[generator(0), generator(1)])
    torch.testing.assert_close(both[:1], make())
    torch.testing.assert_close(both[1:], make(generator=generator(1)))


def test_noise_may_be_given(make):
    noise = torch.randn(1, 16, 2, 2, 8, generator=generator())
    assert torch.equal(make(latents=noise, generator=None), make())
    with pytest.raises(ValueError, match=r"needed is \(1, 16, 2, 2, 8\)"):
        make(latents=noise[:, :8])


def test_a_batch_makes_what_its_items_make(make, depth, views):
    noise = torch.randn(2, 16, 2, 2, 8, generator=generator())
    prompts = ["a red cup", "green bottle on wood"]
    options = {"video": views, "strength": 0.7, "first_frame": views[:, 0], "depth": depth}
    both = make(prompt=prompts, latents=noise, **options)
    for item in range(2):
        single = {
            name: value[item : item + 1] if isinstance(value, torch.Tensor) else value
            for name, value in options.items()
        }
        alone = make(prompt=prompts[item], latents=noise[item : item + 1], **single)
        torch.testing.assert_close(both[item : item + 1], alone, rtol=1e-4, atol=1e-5)


def test_one_clip_serves_several_prompts_and_one_prompt_several_clips(make, depth):
    seeds = [generator(0), generator(0)]
    prompts = make(prompt=["a red cup", "green"], generator=seeds)
    torch.testing.assert_close(prompts[:1], make())
    assert not torch.allclose(prompts[:1], prompts[1:])
    clips = make(depth=depth, generator=[generator(0), generator(0)])
    torch.testing.assert_close(clips[:1], make())
    assert not torch.allclose(clips[:1], clips[1:])


def test_videos_of_a_prompt_stand_together(make):
    noise = torch.randn(4, 16, 2, 2, 8, generator=generator())
    made = make(prompt=["a red cup", "green"], num_videos_per_prompt=2, latents=noise)
    assert made.shape[0] == 4
    torch.testing.assert_close(made[1:2], make(latents=noise[1:2]))
    torch.testing.assert_close(made[2:3], make(prompt="green", latents=noise[2:3]))


def test_scale_0_is_the_main_branch_alone(make, pipeline, depth):
    none = make(conditioning_scale=0)
    assert torch.equal(make(conditioning_scale=[0.0, 0.0], depth=depth[1:]), none)
    assert not torch.allclose(make(), none)
    with torch.no_grad():
        for projection in pipeline.controlnet.block_projections:
            projection.weight.zero_()
            projection.bias.zero_()
    assert torch.equal(make(), none)


def test_guidance_1_needs_no_negative_prompt(make, pipeline):
    alone = make(guidance_scale=1.0)
    assert not pipeline.do_classifier_free_guidance
    assert torch.equal(make(guidance_scale=1.0, negative_prompt="dark"), alone)
    guided = make(guidance_scale=2.0)
    assert pipeline.do_classifier_free_guidance
    assert torch.equal(make(guidance_scale=2.0, negative_prompt=""), guided)
    assert not torch.allclose(make(guidance_scale=2.0, negative_prompt="dark"), guided)
    assert not torch.allclose(guided, alone)


def test_embeddings_take_the_place_of_prompts(make, pipeline):
    embeds = {
        "prompt_embeds": pipeline.encode_prompt("a red cup"),
        "negative_prompt_embeds": pipeline.encode_prompt(""),
    }
    torch.testing.assert_close(make(prompt=None, **embeds), make())


def test_less_strength_stays_closer_to_the_source(make, pipeline, views):
    pictures = torch.from_numpy(make(output_type="views", generator=generator(9)))
    source = encode_video(pipeline.vae, views_of(pictures)).detach()
    options = {"video": pictures, "num_inference_steps": 5, "guidance_scale": 1.0}
    distance = [
        float((make(**options, strength=strength) - source).norm()) for strength in (0.2, 0.6, 1.0)
    ]
    assert distance == sorted(distance)
    assert distance[0] < distance[-1] / 2
    assert torch.equal(make(video=views[:1], strength=1.0), make())


def views_of(pictures):
    """A panorama, the slow way."""
    wide = torch.cat(list(pictures.unbind(2)), dim=3)
    return wide.permute(0, 4, 1, 2, 3).float() / 127.5 - 1


def test_a_given_first_frame_stays(make, pipeline, views):
    made = make(first_frame=views[:1, 0])
    clip = encode_video(pipeline.vae, views_of(views[:1])).detach()
    torch.testing.assert_close(made[:, :, :1], clip[:, :, :1], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(make()[:, :, 1:], made[:, :, 1:])


@pytest.mark.parametrize("solver", [UniPCMultistepScheduler, DPMSolverMultistepScheduler])
def test_the_scheduler_may_be_swapped(solver, make, pipeline, views):
    options = {"num_inference_steps": 16, "guidance_scale": 1.0}
    partial = {**options, "video": views[:1], "strength": 0.5}
    euler, partial_euler = make(**options), make(**partial)
    pipeline.scheduler = solver.from_config(
        pipeline.scheduler.config,
        use_flow_sigmas=True,
        prediction_type="flow_prediction",
        flow_shift=1.0,
    )
    # All solve the same flow, from the same noise.
    assert (make(**options) - euler).norm() < 0.1 * euler.norm()
    assert (make(**partial) - partial_euler).norm() < 0.1 * partial_euler.norm()


def test_schedulers_that_solve_no_flow_are_refused(make, pipeline):
    pipeline.scheduler = UniPCMultistepScheduler.from_config(pipeline.scheduler.config)
    with pytest.raises(ValueError, match="use_flow_sigmas=True"):
        make()


def test_callbacks_see_and_change_each_step(make, pipeline):
    steps = []

    def callback(pipe, step, timestep, tensors):
        steps.append((step, float(timestep), sorted(tensors)))
        pipe._interrupt = step == 1
        return {"latents": tensors["latents"] * 0}

    asked = ["latents", "prompt_embeds"]
    made = make(callback_on_step_end=callback, callback_on_step_end_tensor_inputs=asked)
    assert [step[0] for step in steps] == [0, 1]
    assert steps[0][1:] == (1000.0, asked)
    assert not made.any()
    asked = ["negative_prompt_embeds"]
    make(
        guidance_scale=1.0,
        callback_on_step_end=lambda *call: steps.append(call[-1]),
        callback_on_step_end_tensor_inputs=asked,
    )
    assert steps[-1] == {"negative_prompt_embeds": None}
    assert pipeline.num_timesteps == 3
    with pytest.raises(ValueError, match="no tensor 'mask' for callbacks"):
        make(callback_on_step_end_tensor_inputs=["mask"])


def test_saving_and_loading_changes_no_bit(make, pipeline, tmp_path):
    pipeline.register_to_config(cameras=["head_camera", "left_camera"])
    pipeline.save_pretrained(tmp_path)
    loaded = DreamTransferPipeline.from_pretrained(tmp_path)
    loaded.set_progress_bar_config(disable=True)
    assert loaded.config["cameras"] == ["head_camera", "left_camera"]
    assert np.array_equal(make(loaded, output_type="views"), make(output_type="views"))


def test_detail_is_drawn_where_the_depth_says(make, pipeline, depth, tmp_path):
    blurred = make(output_type="pt")
    detail = DepthGuidedDetail(channels=(8,), layers=1)
    torch.nn.init.normal_(detail.unet.conv_out.weight, std=0.1, generator=generator())
    pipeline.register_modules(detail=detail.eval())
    pipeline.save_pretrained(tmp_path)
    loaded = DreamTransferPipeline.from_pretrained(tmp_path)
    loaded.set_progress_bar_config(disable=True)
    made = make(loaded, output_type="pt", num_videos_per_prompt=2)
    with torch.no_grad():
        wanted = detail.of_panoramas(
            blurred.transpose(1, 2) * 2 - 1, pipeline.depth_encoding.to_video(depth[:1]), 2
        )
    torch.testing.assert_close(made[:1], wanted.transpose(1, 2) / 2 + 0.5)
    assert not torch.allclose(made[:1], blurred, atol=1e-2)
    assert not torch.allclose(made[:1], made[1:])


def test_half_precision_stays_close(make, pipeline, tmp_path):
    pipeline.save_pretrained(tmp_path)
    half = DreamTransferPipeline.from_pretrained(tmp_path, torch_dtype=torch.bfloat16)
    half.set_progress_bar_config(disable=True)
    assert half.transformer.blocks[0].ffn.net[2].weight.dtype == torch.bfloat16
    assert half.controlnet.blocks[0].scale_shift_table.dtype == torch.float32
    exact = make()
    made = make(half)
    assert made.dtype == torch.float32
    assert (made - exact).norm() < 0.1 * exact.norm()


def test_arrays_are_as_good_as_tensors(make, depth, views):
    options = {"video": views[:1], "strength": 0.5, "first_frame": views[:1, 0]}
    arrays = {name: np.asarray(v) if name != "strength" else v for name, v in options.items()}
    assert torch.equal(make(depth=depth[:1].numpy(), **arrays), make(**options))


def test_a_tuple_may_be_asked_for(pipeline, depth):
    made = pipeline("", depth=depth[:1], num_inference_steps=1, return_dict=False)
    assert isinstance(made, tuple)
    assert made[0].shape == (1, 5, 16, 64, 3)


@pytest.mark.parametrize(
    ("frames", "nearest"), [(8, "5 and 9"), (2, "1 and 5"), (3, "1 and 5"), (0, "1")], ids=str
)
def test_wrong_numbers_of_frames_name_the_nearest(frames, nearest, make, depth):
    clip = depth[:1, :1].expand(1, frames, 2, 16, 32)
    with pytest.raises(ValueError, match=rf"{frames} frames; needed are 4 \* k \+ 1.*{nearest}$"):
        make(depth=clip)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((24, 32), "height 24 must be a multiple of 16"),
        ((16, 40), "width of a view 40 must be a multiple of 16"),
        ((16, 8), "width of a view 8 must be a multiple of 16"),
    ],
    ids=["height", "width", "panorama_would_fit"],
)
def test_wrong_sizes_are_refused(size, message, make):
    with pytest.raises(ValueError, match=message):
        make(depth=torch.ones(1, 5, 2, *size))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conditioning_scale": [1.0]}, r"1 conditioning scales for the blocks \[0, 2\]"),
        ({"strength": 0.0}, r"strength=0.0 must be in \(0, 1\]"),
        ({"strength": 0.5}, "needs a video"),
        ({"strength": 0.1, "num_inference_steps": 3}, "leaves none of 3 steps"),
        ({"output_type": "pil"}, "valid are np, pt, latent, views"),
        ({"prompt": None}, "give either prompt or prompt_embeds"),
        ({"prompt_embeds": torch.zeros(1, 12, 20)}, "give either prompt or prompt_embeds"),
        ({"prompt": ["a", "b", "c"], "depth": torch.ones(2, 5, 2, 16, 32)}, "2 of depth, but 3"),
        ({"prompt": "word " * 12}, "13 tokens; the limit is 12"),
        ({"generator": [generator()] * 2}, "2 generators for 1 videos"),
        ({"depth": torch.ones(5, 2, 16, 32)}, r"needed is \(B, F, V, H, W\)"),
        ({"first_frame": torch.zeros(1, 5, 2, 16, 32, 3)}, r"needed is \(B, V, H, W, 3\)"),
        ({"first_frame": torch.zeros(1, 2, 16, 16, 3)}, "first_frame has shape"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value.replace(" ", "_")[:30],
)
def test_inputs_that_do_not_fit_are_refused(changes, message, make):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_other_numbers_of_views_than_the_cameras_are_refused(make, pipeline):
    pipeline.register_to_config(cameras=["head_camera"])
    with pytest.raises(ValueError, match="2 views; needed are those of head_camera"):
        make()

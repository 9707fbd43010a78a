"""DreamTransfer as a diffusers pipeline: depth of all views and a prompt in, videos out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
from numpy.typing import NDArray
from torch import Tensor

from augment.dream_transfer.controlnet import DreamTransferControlNetModel
from augment.dream_transfer.depth_video import DepthEncoding
from augment.dream_transfer.detail import DepthGuidedDetail
from augment.dream_transfer.guidance import guided_velocity
from augment.dream_transfer.inputs import (
    Array,
    ClipSize,
    as_tensor,
    check_flow_scheduler,
    clip_size,
    common_batch,
    first_pictures,
    first_step,
    for_videos,
    pictures,
    starting_noise,
)
from augment.dream_transfer.panorama import views_to_panorama
from augment.dream_transfer.pipeline_output import (
    OUTPUT_TYPES,
    DreamTransferPipelineOutput,
    as_output,
)
from augment.dream_transfer.text_encoder import encode_prompts
from augment.dream_transfer.transformer import DreamTransferTransformer3DModel
from augment.dream_transfer.video_latents import decode_video, encode_video, with_first


class DreamTransferPipeline(DiffusionPipeline):
    """Makes videos of several views whose geometry is that of depth pictures.

    The scheduler may be swapped for another that solves flows, for example
    `UniPCMultistepScheduler.from_config(pipe.scheduler.config, use_flow_sigmas=True,
    prediction_type="flow_prediction", flow_shift=3.0)`.
    """

    model_cpu_offload_seq = "text_encoder->controlnet->transformer->vae->detail"  # type: ignore[assignment]
    _callback_tensor_inputs: ClassVar[list[str]] = [
        "latents",
        "prompt_embeds",
        "negative_prompt_embeds",
    ]
    _optional_components = ["tokenizer", "detail"]  # noqa: RUF012

    def __init__(
        self,
        vae: AutoencoderKLWan,
        transformer: DreamTransferTransformer3DModel,
        controlnet: DreamTransferControlNetModel,
        text_encoder: Any,
        scheduler: FlowMatchEulerDiscreteScheduler,
        tokenizer: Any = None,
        detail: DepthGuidedDetail | None = None,
        cameras: Sequence[str] | None = None,
        depth_near: float = 0.05,
        depth_far: float = 2.0,
        depth_scale: str = "inverse",
        resolution: Sequence[int] | None = None,
        views_apart: bool = False,
        frames: int | None = None,
        stage: str | None = None,
    ) -> None:
        """Puts components together.

        Args:
            vae: Encodes panoramas of pictures, and of depth.
            transformer: The main branch.
            controlnet: The depth branch.
            text_encoder: `CompactTextEncoder`, or `transformers.UMT5EncoderModel`.
            scheduler: Solves flows.
            tokenizer: The text encoder's, of transformers; None for one that it carries.
            detail: Sharpens what the VAE decodes; None for a VAE that needs no such help.
            cameras: Names of the views in the panorama's order, which the networks learn; other
                numbers of views are refused then. None takes any number.
            depth_near: See `DepthEncoding`, as the two that follow.
            depth_far: In m.
            depth_scale: `inverse` or `log`.
            resolution: Width and height in pixels of a view in training, which the networks work
                best at; None if nobody said.
            views_apart: Whether the networks have learned from panoramas of one view alone, and are
                to be given each view as an item of its own (the ablation of several views).
            frames: Of a clip in training; None if nobody said.
            stage: Of training (`training.stages.STAGES`), the last that it has been through; None
                if nobody said.
        """
        super().__init__()
        self.register_modules(  # type: ignore[no-untyped-call]
            vae=vae,
            transformer=transformer,
            controlnet=controlnet,
            text_encoder=text_encoder,
            scheduler=scheduler,
            tokenizer=tokenizer,
            detail=detail,
        )
        self.register_to_config(  # type: ignore[no-untyped-call]
            cameras=None if cameras is None else list(cameras),
            depth_near=depth_near,
            depth_far=depth_far,
            depth_scale=depth_scale,
            resolution=None if resolution is None else list(resolution),
            views_apart=views_apart,
            frames=frames,
            stage=stage,
        )
        self.depth_encoding = DepthEncoding(depth_near, depth_far, depth_scale)
        self._guidance_scale, self._num_timesteps, self._interrupt = 1.0, 0, False

    @property
    def guidance_scale(self) -> float:
        """The last call's."""
        return self._guidance_scale

    @property
    def do_classifier_free_guidance(self) -> bool:
        """Whether the last call's guidance needs the negative prompt."""
        return self._guidance_scale > 1

    @property
    def num_timesteps(self) -> int:
        """Steps of the last call."""
        return self._num_timesteps

    @property
    def interrupt(self) -> bool:
        """Whether a callback has asked to skip the steps that are left."""
        return self._interrupt

    @torch.no_grad()
    def encode_prompt(self, prompt: str | Sequence[str], max_sequence_length: int = 512) -> Tensor:
        """Text states (B, L, text_dim) of prompts, whichever the text encoder.

        Args:
            prompt: One or several; the empty one stands for none.
            max_sequence_length: Tokens of the states, if the tokenizer allows as many.

        Raises:
            ValueError: If a prompt is too long.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        return encode_prompts(prompts, self.text_encoder, self.tokenizer, max_sequence_length)

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        depth: Array,
        negative_prompt: str | Sequence[str] | None = None,
        video: Array | None = None,
        strength: float = 1.0,
        first_frame: Array | None = None,
        conditioning_scale: float | Sequence[float] = 1.0,
        guidance_scale: float = 3.0,
        num_inference_steps: int = 30,
        num_videos_per_prompt: int = 1,
        generator: torch.Generator | list[torch.Generator] | None = None,
        latents: Tensor | None = None,
        prompt_embeds: Tensor | None = None,
        negative_prompt_embeds: Tensor | None = None,
        max_sequence_length: int = 512,
        output_type: str = "np",
        return_dict: bool = True,
        callback_on_step_end: Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]
        | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> DreamTransferPipelineOutput | tuple[NDArray[Any] | Tensor]:
        """Makes videos.

        One prompt serves several clips, and one clip several prompts. Steps and guidance are
        defaults of ours; the paper's are not known.

        Args:
            prompt: What it should look like; B of them, or one.
            depth: (B, F, V, H, W) in m, 0 invalid. Its size is that of the videos: 4 * k + 1
                frames, height and width multiples of 16 (with Wan's VAE and patches).
            negative_prompt: What it should not look like; None for the empty prompt.
            video: Source videos (B, F, V, H, W, 3) uint8, for `strength` below 1.
            strength: In (0, 1]: the share of steps that is done, from the source with as much
                noise. 1 ignores the source.
            first_frame: Clean first frames (B, V, H, W, 3) uint8, which the videos then begin with.
            conditioning_scale: How much the depth branch counts: a number, or one for each of its
                blocks. 0 is the main branch alone.
            guidance_scale: Of classifier-free guidance, which is off up to 1.
            num_inference_steps: Steps of the scheduler at strength 1.
            num_videos_per_prompt: N.
            generator: Of the noise; one, or one for each video.
            latents: The noise itself (B * N, C, f, h, w).
            prompt_embeds: Text states (B, L, text_dim) in place of `prompt`.
            negative_prompt_embeds: Those in place of `negative_prompt`.
            max_sequence_length: As that of `encode_prompt`; as in training.
            output_type: `np`: panoramas (B * N, F, H, V * W, 3) in [0, 1]; `pt`: (B * N, F, 3, H,
                V * W); `latent`: normalized latents (B * N, C, f, h, w); `views`: pictures
                (B * N, F, V, H, W, 3) uint8.
            return_dict: Whether the answer is a `DreamTransferPipelineOutput` instead of a tuple.
            callback_on_step_end: Called with the pipeline, the step, its timestep and the tensors
                asked for (None for one that is not used); what it returns replaces them.
            callback_on_step_end_tensor_inputs: Those tensors' names.

        Raises:
            ValueError: For inputs that do not fit.
        """
        if output_type not in OUTPUT_TYPES:
            raise ValueError(f"output_type={output_type}; valid are {', '.join(OUTPUT_TYPES)}")
        if unknown := set(callback_on_step_end_tensor_inputs) - set(self._callback_tensor_inputs):
            raise ValueError(
                f"no tensor '{min(unknown)}' for callbacks; valid are "
                f"{', '.join(self._callback_tensor_inputs)}"
            )
        check_flow_scheduler(self.scheduler)
        self.controlnet.block_scales(conditioning_scale)
        begin = first_step(strength, num_inference_steps)
        depth = as_tensor("depth", depth, "B F V H W")
        size = self._clip_size(depth)
        if strength < 1 and video is None:
            raise ValueError(f"strength={strength} needs a video to begin with")
        source = None if strength == 1 else pictures("video", video, size)
        first = None if first_frame is None else first_pictures(first_frame, size)
        self._guidance_scale, self._interrupt = guidance_scale, False
        state = {"prompt_embeds": self._text("prompt", prompt, prompt_embeds, max_sequence_length)}
        if self.do_classifier_free_guidance:
            if negative_prompt is None and negative_prompt_embeds is None:
                negative_prompt = ""
            state["negative_prompt_embeds"] = self._text(
                "negative_prompt", negative_prompt, negative_prompt_embeds, max_sequence_length
            )
        batch = common_batch({**state, "depth": depth, "video": source, "first_frame": first})

        def spread(tensor: Tensor) -> Tensor:
            """One for each video."""
            return for_videos(tensor, batch, num_videos_per_prompt)

        state = {name: spread(text) for name, text in state.items()}
        depth_video = self.depth_encoding.to_video(depth)
        control = spread(self._encode(depth_video))
        clean = None if first is None else spread(self._encode(views_to_panorama(first)))
        shape = (len(control), self.transformer.config["in_channels"], *control.shape[2:])
        noise = starting_noise(shape, generator, latents, control.device)

        self.scheduler.set_timesteps(num_inference_steps, device=noise.device)
        begin *= self.scheduler.order
        self.scheduler.set_begin_index(begin)
        timesteps = self.scheduler.timesteps[begin:]
        self._num_timesteps = len(timesteps)
        state["latents"] = noise
        if source is not None:
            sigma = self.scheduler.sigmas[begin].to(noise.device)
            encoded = spread(self._encode(views_to_panorama(source)))
            state["latents"] = (1 - sigma) * encoded + sigma * noise

        with self.progress_bar(total=len(timesteps)) as progress:
            for step, timestep in enumerate(timesteps):
                if self.interrupt:
                    continue
                times = timestep.expand(len(noise))
                if clean is not None:
                    times = times[:, None].repeat(1, noise.shape[2])
                    times[:, 0] = 0
                velocity = guided_velocity(
                    self.transformer,
                    self.controlnet,
                    with_first(state["latents"], clean),
                    times,
                    control,
                    state["prompt_embeds"],
                    state.get("negative_prompt_embeds"),
                    conditioning_scale=conditioning_scale,
                    guidance_scale=guidance_scale,
                )
                state["latents"] = self.scheduler.step(
                    velocity, timestep, state["latents"], return_dict=False
                )[0]
                if callback_on_step_end is not None:
                    asked = {name: state.get(name) for name in callback_on_step_end_tensor_inputs}
                    state.update(callback_on_step_end(self, step, timestep, asked) or {})
                progress.update()

        final = with_first(state["latents"], clean)
        result: NDArray[Any] | Tensor = final
        if output_type != "latent":
            panoramas = decode_video(self.vae, final)
            if self.detail is not None:
                geometry = spread(depth_video.to(panoramas.device))
                panoramas = self.detail.of_panoramas(panoramas, geometry, size.views)
            result = as_output(panoramas, size.views, output_type)
        self.maybe_free_model_hooks()  # type: ignore[no-untyped-call]
        return DreamTransferPipelineOutput(frames=result) if return_dict else (result,)

    def _clip_size(self, depth: Tensor) -> ClipSize:
        """Size of what is to be made, if the networks can make it."""
        config = self.vae.config
        pixels = config["scale_factor_spatial"] * self.transformer.config["patch_size"][1]
        size = clip_size(depth, time_stride=config["scale_factor_temporal"], pixels=pixels)
        cameras = self.config["cameras"]
        if cameras is not None and size.views != len(cameras):
            raise ValueError(f"{size.views} views; needed are those of {', '.join(cameras)}")
        if self.config["views_apart"] and size.views != 1:
            raise ValueError(f"{size.views} views; these networks know one: give each as an item")
        return size

    def _text(
        self, name: str, prompt: str | Sequence[str] | None, embeds: Tensor | None, length: int
    ) -> Tensor:
        """Text states of a prompt, or those that are given."""
        if (prompt is None) == (embeds is None):
            raise ValueError(f"give either {name} or {name}_embeds")
        states = self.encode_prompt(prompt, length) if prompt is not None else embeds
        assert states is not None
        return states.to(self._execution_device, self.transformer.dtype)

    def _encode(self, video: Tensor) -> Tensor:
        return encode_video(self.vae, video).to(self._execution_device)

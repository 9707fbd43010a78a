"""All stages of a tiny model, by its trainer."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from appearance_episodes import CAMERAS, write_dataset
from diffusers import (
    AutoencoderKLWan,
    FlowMatchEulerDiscreteScheduler,
    WanPipeline,
    WanTransformer3DModel,
)
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

from augment.dream_transfer.pipeline import DreamTransferPipeline
from augment.dream_transfer.pipeline_folder import PipelineFolderError, load_generator
from augment.dream_transfer.training import stages, start, trainer
from augment.dream_transfer.training.autoencoding import set_latent_moments
from augment.dream_transfer.training.latents import PanoramaClips
from augment.dream_transfer.training.stages import GeneratorSettings
from augment.dream_transfer.training.trainer import train_stage
from learning.errors import TrainingError

OPTIMIZATION = {"steps": 4, "batch_size": 2, "learning_rate": 1e-3, "warmup_steps": 1}
TINY = {
    "clip": {"views": 3, "frames": 5, "height": 32, "width": 32},
    "depth": {"near": 0.05, "far": 2.0, "scale": "log"},
    "vae": {
        "base_dim": 4,
        "z_dim": 16,
        "dim_mult": [1, 1, 1],
        "num_res_blocks": 1,
        "temperal_downsample": [True, True],
        "in_channels": 12,
        "out_channels": 12,
        "patch_size": 2,
        "latents_mean": [0.0] * 16,
        "latents_std": [1.0] * 16,
    },
    "transformer": {
        "patch_size": [1, 2, 2],
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "in_channels": 16,
        "out_channels": 16,
        "text_dim": 20,
        "freq_dim": 32,
        "ffn_dim": 48,
        "num_layers": 2,
        "rope_max_seq_len": 64,
    },
    "controlnet": {"control_blocks": [0]},
    "detail": {"channels": [8, 8], "layers": 1, "patch": 2},
    "text_encoder": {
        "CompactTextEncoder": {
            "text_dim": 20,
            "dim": 16,
            "heads": 2,
            "layers": 1,
            "ffn_dim": 32,
            "max_length": 64,
            "buckets": 64,
        }
    },
    "scheduler": {"shift": 1.0},
    "training": {
        "cameras": list(CAMERAS),
        "strides": [1, 2],
        "clips": 2,
        "wordings": 2,
        "prompts": 6,
        "autoencoding": {"crop": 32},
        "detailing": {"pictures": 4},
        "stages": {
            "vae": {"height": 32, "width": 32, "optimization": OPTIMIZATION},
            "detail": {
                "height": 32,
                "width": 32,
                "optimization": {**OPTIMIZATION, "ema_power": 0.75},
            },
            "text": {"height": 32, "width": 32, "optimization": OPTIMIZATION},
            "1": {"height": 16, "width": 16, "optimization": {**OPTIMIZATION, "ema_power": 0.75}},
            "2": {
                "height": 32,
                "width": 32,
                "flows": {"logit_mean": 1.0},
                "optimization": OPTIMIZATION,
            },
        },
    },
}


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    def preset(size):
        assert size == "small"
        return TINY

    monkeypatch.setattr(stages, "preset", preset)
    monkeypatch.setattr(start, "preset", preset)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    # 128 x 96 divides into the tiny sizes.
    return write_dataset(folder, 3)


def settings_of(data, folder, stage, **changed):
    settings = GeneratorSettings(
        size="small",
        stage=stage,
        dataset=data,
        tasks=(),
        folder=folder,
        start=None,
        learn="joint",
        views="together",
        seed=0,
        optimization={},
        total_steps=None,
        precision="fp32",
        compile=False,
        device="cpu",
        loader_workers=0,
        accumulate=1,
        checkpoint_every=100,
        resume=True,
    )
    return dataclasses.replace(settings, **changed)


def weights(folder):
    return {
        path.parent.name: load_file(path)
        for path in sorted(Path(folder).glob("last/*/*.safetensors"))
    }


def same(one, other):
    assert one.keys() == other.keys()
    return {
        part
        for part in one
        if all(torch.equal(value, other[part][name]) for name, value in one[part].items())
    }


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """All stages."""
    folder = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patch:
        for module in (stages, start):
            patch.setattr(module, "preset", lambda size: TINY)
        for stage in stages.STAGES:
            outcome = train_stage(settings_of(data, folder, stage), lambda line: None)
            assert outcome.steps == outcome.total_steps == 4
    return folder


def test_each_stage_goes_on_from_the_one_before(trained):
    vae, detail, text, first, second = (
        weights(trained / f"stage_{stage}") for stage in stages.STAGES
    )
    assert set(vae) == {"vae", "transformer", "controlnet", "text_encoder", "detail"}
    assert same(vae, detail) == set(vae) - {"detail"}
    assert same(detail, text) == set(vae) - {"text_encoder"}
    assert same(text, first) == same(first, second) == {"vae", "text_encoder", "detail"}


def test_a_stage_may_have_its_own_noise(trained):
    noise = {
        stage: yaml.safe_load((trained / f"stage_{stage}" / "config.yaml").read_text())["flows"]
        for stage in ("1", "2")
    }
    assert noise["1"]["logit_mean"] == 0.0
    assert noise["2"] == {**noise["1"], "logit_mean": 1.0}


def test_what_comes_out_is_a_pipeline_with_moments_of_its_latents(trained):
    pipeline = DreamTransferPipeline.from_pretrained(trained / "stage_2" / "last")
    assert list(pipeline.config.cameras) == list(CAMERAS)
    assert list(pipeline.config.resolution) == [32, 32]
    assert (pipeline.config.frames, pipeline.config.stage) == (5, "2")
    assert min(pipeline.vae.config.latents_std) > 0
    assert pipeline.vae.config.latents_std != [1.0] * 16
    config = yaml.safe_load((trained / "stage_2" / "config.yaml").read_text())
    assert (config["stage"], config["resolution"]) == ("2", [32, 32])


def test_views_apart_are_a_model_of_single_views(data, trained, tmp_path):
    before, folder = trained / "stage_text" / "last", tmp_path / "model"
    train_stage(settings_of(data, folder, "1", start=before, views="apart"), lambda line: None)
    pipeline = DreamTransferPipeline.from_pretrained(folder / "stage_1" / "last")
    assert pipeline.config.views_apart
    assert pipeline.config.cameras is None
    latents = load_file(folder / "stage_1" / "latents.safetensors")["clean"]
    of_panoramas = load_file(trained / "stage_1" / "latents.safetensors")["clean"]
    assert len(latents) == 3 * len(of_panoramas)
    assert 3 * latents.shape[-1] == of_panoramas.shape[-1]


@pytest.mark.parametrize("stage", ["vae", "detail", "text", "1"])
def test_an_interrupted_stage_goes_on_as_if_it_had_not_been(data, trained, tmp_path, stage):
    folder = tmp_path / "model"
    before = {"vae": None, **stages.BEFORE}[stage]
    begin = None if before is None else trained / f"stage_{before}" / "last"
    whole = settings_of(data, folder, stage, start=begin, checkpoint_every=2)
    told = []

    def interrupt(line):
        told.append(line)
        if line.startswith("step 1/"):
            raise RuntimeError("the power fails")

    train_stage(dataclasses.replace(whole, folder=tmp_path / "other"), lambda line: None)
    with pytest.raises(RuntimeError, match="power"):
        train_stage(whole, interrupt)
    train_stage(whole, told.append)
    done, again = weights(tmp_path / "other" / f"stage_{stage}"), weights(folder / f"stage_{stage}")
    assert same(done, again) == set(done)


@pytest.mark.parametrize(
    ("learn", "learned"),
    [("base", {"transformer"}), ("branch", {"controlnet"})],
    ids=["base", "branch"],
)
def test_what_does_not_learn_stays(data, trained, tmp_path, learn, learned):
    before = trained / "stage_1" / "last"
    settings = settings_of(data, tmp_path / "model", "2", start=before, learn=learn)
    train_stage(settings, lambda line: None)
    kept = same(weights(trained / "stage_1"), weights(settings.stage_folder()))
    assert kept == {"vae", "transformer", "text_encoder", "controlnet", "detail"} - learned


def test_a_branch_that_learns_alone_begins_as_a_copy_of_what_has_learned(data, trained, tmp_path):
    base = settings_of(
        data, tmp_path / "base", "1", start=trained / "stage_text" / "last", learn="base"
    )
    train_stage(base, lambda line: None)
    begin = base.stage_folder() / "last"
    settings = settings_of(data, tmp_path / "branch", "2", start=begin, learn="branch")
    pipeline = start.started(settings, stages.stage_of(settings), begin)
    learned, copy = pipeline.transformer.blocks[0], pipeline.controlnet.blocks[0]
    fresh = DreamTransferPipeline.from_pretrained(begin).controlnet.blocks[0]
    weights = dict(copy.named_parameters())
    assert all(torch.equal(weight, weights[name]) for name, weight in learned.named_parameters())
    differs = [not torch.equal(weight, weights[name]) for name, weight in fresh.named_parameters()]
    assert any(differs)
    assert not pipeline.controlnet.counts


def test_a_pipeline_without_detail_cannot_learn_it(data, trained, tmp_path):
    before = DreamTransferPipeline.from_pretrained(trained / "stage_vae" / "last", detail=None)
    before.save_pretrained(tmp_path / "before")
    settings = settings_of(data, tmp_path / "model", "detail", start=tmp_path / "before")
    with pytest.raises(TrainingError, match="has no network for detail"):
        train_stage(settings, lambda line: None)
    assert not settings.stage_folder().exists()


def test_what_it_begins_with_is_a_part_of_a_training(data, trained, tmp_path):
    """Latents and states of another VAE are not gone on with."""
    begin, folder = tmp_path / "begin", tmp_path / "model"
    shutil.copytree(trained / "stage_text" / "last", begin)
    settings = settings_of(data, folder, "1", start=begin)
    train_stage(settings, lambda line: None)
    done = (folder / "stage_1" / "latents.safetensors").read_bytes()
    pipeline = DreamTransferPipeline.from_pretrained(begin)
    with torch.no_grad():
        for weight in pipeline.vae.encoder.parameters():
            weight.mul_(1.1)
    pipeline.save_pretrained(begin)
    with pytest.raises(TrainingError, match=r"holds a training with start\.sha256="):
        train_stage(settings, lambda line: None)
    train_stage(dataclasses.replace(settings, resume=False), lambda line: None)
    assert (folder / "stage_1" / "latents.safetensors").read_bytes() != done


def test_a_pretrained_wan_is_gone_on_from(data, tmp_path, wan_folder):
    settings = settings_of(data, tmp_path / "model", "1", start=wan_folder)
    train_stage(settings, lambda line: None)
    begun = load_file(wan_folder / "vae" / "diffusion_pytorch_model.safetensors")
    done = weights(settings.stage_folder())
    assert all(torch.equal(value, done["vae"][name]) for name, value in begun.items())
    pipeline = DreamTransferPipeline.from_pretrained(settings.stage_folder() / "last")
    assert pipeline.tokenizer is not None
    assert pipeline.encode_prompt("a red bottle").shape == (1, 64, 20)


@pytest.fixture
def wan_folder(tmp_path):
    """A Wan 2.1 in diffusers' layout, in miniature and with random weights."""
    words = {word: number for number, word in enumerate(("<pad>", "<unk>", "a", "red", "bottle"))}
    raw = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    torch.manual_seed(0)
    text = UMT5Config(vocab_size=8, d_model=20, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
    layout = {name: value for name, value in TINY["transformer"].items()}
    WanPipeline(
        tokenizer=PreTrainedTokenizerFast(
            tokenizer_object=raw, pad_token="<pad>", unk_token="<unk>", model_max_length=64
        ),
        text_encoder=UMT5EncoderModel(text),
        transformer=WanTransformer3DModel(**layout),
        vae=AutoencoderKLWan(**TINY["vae"]),
        scheduler=FlowMatchEulerDiscreteScheduler(),
    ).save_pretrained(tmp_path / "wan")
    return tmp_path / "wan"


def test_moments_make_latents_of_unit_variance(data, trained):
    pipeline = DreamTransferPipeline.from_pretrained(trained / "stage_vae" / "last")
    clips = trainer._clips(*_of_stage(data, trained))
    videos = [
        video[None]
        for index in range(len(clips))
        for video in PanoramaClips(clips, pipeline.depth_encoding, 32, 32)[index].values()
    ]
    set_latent_moments(pipeline.vae, videos)
    latents = torch.cat([pipeline.vae.encode(video).latent_dist.mode() for video in videos])
    mean, std = latents.mean(dim=(0, 2, 3, 4)), latents.std(dim=(0, 2, 3, 4), correction=0)
    assert torch.allclose(mean, torch.tensor(pipeline.vae.config.latents_mean), atol=1e-4)
    assert torch.allclose(std, torch.tensor(pipeline.vae.config.latents_std), rtol=1e-3)


def _of_stage(data, folder):
    settings = settings_of(data, folder, "vae")
    return settings, stages.stage_of(settings)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"stage": "3"}, "stage=3; valid: vae, detail, text, 1, 2"),
        ({"stage": "2"}, "run stage=1 first"),
        ({"learn": "all"}, "learn=all"),
        ({"views": "single"}, "views=single; valid: together, apart"),
        ({"optimization": {"rate": 1}}, "unknown optimization.rate"),
        ({"dataset": Path("/nowhere")}, "is no data set"),
        ({"stage": "1", "start": Path("/nowhere")}, "/nowhere is no DreamTransferPipeline"),
    ],
    ids=["stage", "before", "learn", "views", "option", "data", "start"],
)
def test_what_cannot_be_trained_is_said_in_a_line(data, tmp_path, changed, words):
    settings = settings_of(data, tmp_path / "model", **{"stage": "vae", **changed})
    with pytest.raises(TrainingError, match=words) as error:
        train_stage(settings, lambda line: None)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "model").exists()


def test_nothing_is_generated_before_it_can_read(data, trained, tmp_path):
    begin = trained / "stage_vae" / "last"
    settings = settings_of(data, tmp_path / "model", "1", start=begin)
    with pytest.raises(TrainingError, match="has not learned to read: run stage=text"):
        train_stage(settings, lambda line: None)
    with pytest.raises(PipelineFolderError, match=r"generates noise: .* beyond stage text"):
        load_generator(trained / "stage_text" / "last")
    assert load_generator(trained / "stage_1" / "last").config.stage == "1"

import pytest
import torch
from torch import nn

from augment.dream_transfer.pipeline import DreamTransferPipeline
from augment.dream_transfer.presets import SIZES, build_components, build_pipeline, preset


def parameters(components):
    return {
        name: sum(parameter.numel() for parameter in component.parameters())
        for name, component in components.items()
        if isinstance(component, nn.Module)
    }


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return build_pipeline(preset("small"), ["head_camera", "left_camera", "right_camera"])


def test_small_fits_into_12_megabytes_of_float16(small):
    counts = parameters(small.components)
    assert 1.5e6 < counts["transformer"] < 2.5e6
    assert 2 * sum(counts.values()) <= 12e6


def test_full_is_wans_1_3b_and_takes_no_memory():
    with torch.device("meta"):
        components = build_components(preset("full"))
    counts = parameters(components)
    assert counts["transformer"] == 1_418_996_800
    assert counts["vae"] == 126_892_531
    assert components["text_encoder"].config.d_model == 4096
    assert all(
        parameter.is_meta
        for component in components.values()
        if isinstance(component, nn.Module)
        for parameter in component.parameters()
    )


def test_small_comes_back_from_its_folder(small, tmp_path):
    small.save_pretrained(tmp_path)
    loaded = DreamTransferPipeline.from_pretrained(tmp_path)
    assert loaded.config["cameras"] == ["head_camera", "left_camera", "right_camera"]
    assert loaded.depth_encoding == small.depth_encoding
    for name in ("vae", "transformer", "controlnet", "text_encoder"):
        saved = getattr(small, name).state_dict()
        for key, value in getattr(loaded, name).state_dict().items():
            assert torch.equal(value, saved[key]), (name, key)


@pytest.mark.parametrize("size", SIZES)
def test_clips_are_of_a_size_that_the_networks_take(size):
    clip = preset(size)["clip"]
    assert clip["frames"] % 4 == 1
    assert clip["height"] % 16 == 0
    assert clip["width"] % 16 == 0


def test_unknown_sizes_are_refused():
    with pytest.raises(ValueError, match="valid are small, full"):
        preset("medium")

import pytest
import torch
from rendered_clips import part
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from augment.clip import ClipError
from augment.video_metrics.clip_score import PromptSimilarity


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny CLIP with random weights, and a tokenizer that knows letters."""
    folder = tmp_path_factory.mktemp("clip")
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    shape = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    torch.manual_seed(0)
    config = CLIPConfig(
        text_config={
            **shape,
            "vocab_size": len(words),
            "max_position_embeddings": 12,
            "eos_token_id": vocabulary["<|endoftext|>"],
            "bos_token_id": vocabulary["<|startoftext|>"],
        },
        vision_config={**shape, "image_size": 16, "patch_size": 8},
        projection_dim=8,
    )
    CLIPModel(config).save_pretrained(folder)
    CLIPTokenizer(vocab=vocabulary, merges=[]).save_pretrained(folder)
    return folder


def test_similarity_is_a_cosine_that_depends_on_picture_and_prompt(folder, true_clip, other_clip):
    similarity = PromptSimilarity.load(folder)
    true, other = (part(clip, slice(0, 2)) for clip in (true_clip, other_clip))
    value = similarity(true, "a red bottle")
    assert -1 <= value <= 1
    assert similarity(true, "a red bottle") == value
    assert similarity(true, "a blue cup") != value
    assert similarity(other, "a red bottle") != value
    assert similarity(true, "a red bottle", batch_size=4) == pytest.approx(value, abs=1e-5)


def test_a_long_prompt_is_cut_off(folder, true_clip):
    similarity = PromptSimilarity.load(folder)
    clip = part(true_clip, slice(0, 1))
    assert similarity(clip, "bottle " * 30) == similarity(clip, "bottle " * 40)


def test_weights_that_are_not_there_are_named(tmp_path, folder):
    with pytest.raises(ClipError, match="it has no config"):
        PromptSimilarity.load(tmp_path / "nowhere")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(ClipError, match="there is no CLIP model") as caught:
        PromptSimilarity.load(tmp_path)
    assert "\n" not in str(caught.value)

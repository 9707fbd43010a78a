import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

from augment.dream_transfer.text_encoder import CompactTextEncoder, encode_prompts
from augment.dream_transfer.tokenizer import WordTokenizer


@pytest.fixture
def umt5():
    """A tiny UMT5 with a tokenizer of five words, made without a file."""
    words = {"<pad>": 0, "<unk>": 1, "a": 2, "red": 3, "bottle": 4}
    raw = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", unk_token="<unk>", model_max_length=6
    )
    torch.manual_seed(0)
    config = UMT5Config(
        vocab_size=8, d_model=20, d_kv=4, d_ff=16, num_layers=1, num_heads=2, dropout_rate=0.0
    )
    return UMT5EncoderModel(config).eval(), tokenizer


def states(encoder, *prompts, **options):
    with torch.no_grad():
        return encode_prompts(prompts, encoder, **options)


def test_ids_are_the_same_on_every_machine():
    tokenizer = WordTokenizer(buckets=1000)
    assert tokenizer.word_ids("red") == [143, 457, 691, 920, 970, 978]
    tokens = tokenizer(["Red, RED?"], max_length=4)
    assert tokens.attention_mask == [[1, 1, 1, 0]]
    assert tokens.input_ids[0][1] == tokens.input_ids[0][2] == tokenizer.word_ids("red")


def test_unseen_words_share_parts_with_known_ones():
    tokenizer = WordTokenizer()
    known, unseen, other = (
        set(tokenizer.word_ids(word)) for word in ("bottle", "bottles", "container")
    )
    assert len(known & unseen) > len(known) / 2
    assert len(known & other) < len(known) / 4


def test_any_text_has_states(text_encoder):
    made = states(text_encoder, "", "a", "xqzzy blörp 木 7", "?!")
    assert made.shape == (4, 12, 20)
    assert torch.isfinite(made).all()
    assert torch.equal(made[0], made[3])
    assert not torch.allclose(made[0, 0], made[1, 0])


def test_the_order_of_words_counts(text_encoder):
    one, other = states(text_encoder, "red bottle blue table", "blue bottle red table")
    assert not torch.allclose(one, other, atol=1e-4)


def test_padding_does_not_change_the_result(text_encoder):
    """Neither of prompts, nor of bags, nor beside other prompts."""
    alone = states(text_encoder, "a cup", max_length=3)
    beside = states(text_encoder, "a cup", "an extraordinarily long denomination of a thing")
    torch.testing.assert_close(beside[:1, :3], alone)
    assert not beside[0, 3:].any()


def test_too_long_a_prompt_is_not_cut(text_encoder):
    assert states(text_encoder, "word " * 11).shape == (1, 12, 20)
    with pytest.raises(ValueError, match="13 tokens; the limit is 12: 'word word"):
        states(text_encoder, "short", "word " * 12)
    with pytest.raises(ValueError, match="no prompt"):
        states(text_encoder)


def test_saving_and_loading_changes_no_bit(text_encoder, tmp_path):
    text_encoder.save_pretrained(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        "config.json",
        "diffusion_pytorch_model.safetensors",
    }
    loaded = CompactTextEncoder.from_pretrained(tmp_path)
    assert loaded.tokenizer == text_encoder.tokenizer
    assert torch.equal(states(loaded, "a red cup"), states(text_encoder, "a red cup"))


def test_every_parameter_learns(text_encoder):
    encode_prompts(["a red cup", ""], text_encoder).square().sum().backward()
    assert all(parameter.grad.any() for parameter in text_encoder.parameters())


def test_umt5_is_called_in_the_same_way(umt5):
    encoder, tokenizer = umt5
    made = states(encoder, "a red bottle", "", tokenizer=tokenizer)
    assert made.shape == (2, 6, 20)
    assert made[0, :3].any()
    assert not made[0, 3:].any()
    assert not made[1].any()
    with pytest.raises(ValueError, match="7 tokens; the limit is 6"):
        states(encoder, "a " * 7, tokenizer=tokenizer)
    with pytest.raises(ValueError, match="UMT5EncoderModel needs its tokenizer"):
        states(encoder, "a")


def test_a_pipeline_with_umt5_comes_back_from_its_folder(umt5, pipeline, depth, tmp_path):
    encoder, tokenizer = umt5
    pipeline.register_modules(text_encoder=encoder, tokenizer=tokenizer)

    def make(pipe):
        generator = torch.Generator().manual_seed(0)
        return pipe(
            "a red bottle",
            depth=depth[:1],
            num_inference_steps=2,
            generator=generator,
            output_type="latent",
        ).frames

    pipeline.save_pretrained(tmp_path)
    loaded = type(pipeline).from_pretrained(tmp_path)
    loaded.set_progress_bar_config(disable=True)
    assert torch.equal(make(loaded), make(pipeline))

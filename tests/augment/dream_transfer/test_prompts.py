import re
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import DESCRIPTIONS, SCENES, scene, things_of

from augment.dream_transfer.color_words import UNSEEN_WORDS
from augment.dream_transfer.light_words import LightWords
from augment.dream_transfer.presets import preset
from augment.dream_transfer.prompts import MOST_WORDS, write
from augment.dream_transfer.scene_words import SceneWords, scene_words
from augment.dream_transfer.text_encoder import CompactTextEncoder
from augment.dream_transfer.tokenizer import WordTokenizer
from augment.video_metrics.color_names import checked_name

SEEDS = st.integers(0, 2**32 - 1)
TWO = scene("dark green soda bottle", "teal hexagonal bin")


def prompts(words, count=300):
    rng = np.random.default_rng(1)
    return [write(words, rng) for _ in range(count)]


@settings(max_examples=300, deadline=None)
@given(SCENES, SEEDS)
def test_prompts_are_english(words, seed):
    text = write(words, np.random.default_rng(seed)).text
    assert text[0].isupper()
    assert text.endswith(".")
    assert re.fullmatch(r"[A-Za-z,;.\- ]+", text)
    assert not re.search(r"  | [,;.]|[,;.][^ ]|[,;.]{2}|, and [^,;.]*\bis\b.*, and ", text[:-1])
    for article, word in re.findall(r"\b([Aa]n?) (\w+)", text):
        assert (article.lower() == "an") == (word[0] in "aeiou"), (article, word)
    assert not re.search(r"\b(\w+) \1\b(?!-)", text)  # but there may be two two-tone mugs
    assert not re.search(r"\b(in|with|and|on|from|of) (in|with|and|of)\b", text)


@settings(max_examples=200, deadline=None)
@given(SCENES, SEEDS)
def test_prompts_fit_the_text_encoder(words, seed):
    prompt = write(words, np.random.default_rng(seed))
    (mask,) = WordTokenizer()([prompt.text], max_length=64).attention_mask
    assert len(mask) <= 64
    assert prompt.said.things


def test_the_limit_is_the_text_encoders():
    encoder = CompactTextEncoder(**preset("small")["text_encoder"]["CompactTextEncoder"])
    assert encoder.tokenizer.model_max_length == MOST_WORDS + 1


@settings(max_examples=200, deadline=None)
@given(SCENES, SEEDS)
def test_what_is_said_is_in_the_text_and_in_the_scene(words, seed):
    prompt = write(words, np.random.default_rng(seed))
    said = prompt.said
    known = {thing.name: thing for thing in words.things}
    for thing in said.things:
        assert thing.kind in prompt.text
        true = known[thing.name]
        assert [color.name for color in thing.colors] == [color.name for color in true.colors]
    colors = [color for thing in said.things for color in thing.colors]
    colors += [thing.part_color for thing in said.things if thing.part_color is not None]
    for surface, true in ((said.table, words.table), (said.wall, words.wall)):
        if surface is not None:
            assert surface.pattern == true.pattern
            names = [color.name for color in true.colors]
            assert [color.name for color in surface.colors] == names[: len(surface.colors)]
            colors += surface.colors
    for color in colors:
        (word,) = color.words
        assert re.search(rf"\b{word}\b", prompt.text, re.IGNORECASE)
    if said.light is not None:
        for field in fields(LightWords):
            value = getattr(said.light, field.name)
            assert value in (None, getattr(words.light, field.name))


@settings(max_examples=100, deadline=None)
@given(SCENES, SEEDS)
def test_the_generator_decides_all(words, seed):
    first, second = (write(words, np.random.default_rng(seed)) for _ in range(2))
    assert first == second


def test_a_scene_has_hundreds_of_prompts():
    assert len({prompt.text for prompt in prompts(TWO, 1000)}) > 700


def test_each_part_is_said_and_left_out_about_as_often_as_stated():
    said = [prompt.said for prompt in prompts(TWO, 600)]
    assert 0.8 < np.mean([each.table is not None for each in said]) < 0.9
    assert 0.7 < np.mean([each.wall is not None for each in said]) < 0.8
    assert 0.74 < np.mean([each.light is not None for each in said]) < 0.86
    assert {len(each.things) for each in said} == {2}


def test_what_is_not_known_is_not_said():
    words = SceneWords(TWO.things, None, None, None)
    for prompt in prompts(words, 100):
        assert prompt.said == replace(prompt.said, table=None, wall=None, light=None)
        assert not re.search(r"wall|light|lit\b", prompt.text)


def test_usual_light_is_seldom_mentioned():
    usual = replace(TWO, light=LightWords("normal", "neutral", "none", "front"))
    said = prompts(usual)
    assert 0.4 < np.mean([prompt.said.light is not None for prompt in said]) < 0.65
    assert any("from behind the camera" in prompt.text for prompt in said)


def test_tinted_light_is_not_called_neutral():
    green = replace(TWO, light=LightWords("dim", "neutral", "green", "left"))
    texts = [prompt.text for prompt in prompts(green)]
    assert not any("neutral" in text for text in texts)
    assert any("greenish" in text for text in texts)


def test_light_comes_from_where_it_comes_from():
    for side, other in (("left", "right"), ("right", "left")):
        lit = replace(TWO, light=LightWords("dim", "warm", "none", side))
        texts = [p.text for p in prompts(replace(lit, things=lit.things[:1]))]
        assert any(f"from the {side}" in text for text in texts)
        assert not any(f"from the {other}" in text for text in texts)


def test_alike_things_are_counted():
    bottles = scene("red soda bottle", "red soda bottle")
    assert all("two red soda bottles" in p.text.lower() for p in prompts(bottles, 30))
    shoes = scene("teal and white sneaker", "teal and white sneaker")
    assert all("a pair of teal and white sneakers" in p.text.lower() for p in prompts(shoes, 30))
    chests = scene("oak chest of drawers", "oak chest of drawers", "red apple")
    assert all("two oak chests of drawers" in p.text.lower() for p in prompts(chests, 30))
    mallets = scene("mallet with red handle", "mallet with red handle")
    assert all("two mallets with red handles" in p.text.lower() for p in prompts(mallets, 30))
    many = scene(*["red apple"] * 7)
    assert all("several red apples" in p.text.lower() for p in prompts(many, 30))
    assert all(len(prompt.said.things) == 2 for prompt in prompts(bottles, 30))


def test_things_at_both_sides_are_told_apart():
    for prompt in prompts(scene("red soda bottle", "blue soda bottle"), 50):
        text = prompt.text.lower()
        assert "a red soda bottle on the left" in text
        assert "a blue soda bottle on the right" in text
        assert "on the right on" not in text


def test_one_thing_at_a_side_is_nowhere():
    assert not any("on the left" in p.text for p in prompts(scene("red soda bottle"), 50))


def test_long_scenes_keep_their_first_thing():
    long = "scrubbing brush with midnight blue handle and pale bristles"
    kinds = [long.replace("midnight blue", color) for color in ("red", "green", "blue", "white")]
    words = scene("red apple", *kinds, "oak wood mug rack")
    shortened = [p for p in prompts(words, 100) if "some other things" in p.text]
    assert shortened
    for prompt in shortened:
        assert "red apple" in prompt.text.lower()
        assert len(prompt.said.things) < 6


def test_things_without_descriptions_make_no_prompt():
    things = {name: {"ids": thing["ids"]} for name, thing in things_of("red apple").items()}
    words = scene_words({"things": things, "variations": {}})
    with pytest.raises(ValueError, match="none with a description"):
        write(words, np.random.default_rng(0))


@settings(max_examples=200, deadline=None)
@given(SCENES, SEEDS)
def test_prompts_of_training_have_no_unseen_words(words, seed):
    text = write(words, np.random.default_rng(seed)).text.lower()
    assert not set(re.findall(r"\w+", text)) & set(UNSEEN_WORDS)


def test_descriptions_of_the_tests_are_of_training():
    assert not {word for text in DESCRIPTIONS for word in text.split()} & set(UNSEEN_WORDS)


def test_an_episode_becomes_words():
    info = {
        "things": things_of("teal soda bottle"),
        "variations": {
            "table_texture": {"texture": 3, "covers": 1.0},
            "wall_texture": None,
            "light_intensity": -1.0,
            "light_direction": 60.0,
            "light_color": [[1.4, 1.0, 0.6]] * 3,
            "camera_azimuth": 3.0,
            "object_appearance": [20],
        },
    }
    words = scene_words(info)
    assert words.light == LightWords("dim", "warm", "none", "right")
    assert (words.table.pattern, words.wall.pattern) == ("striped", "plain")
    assert [thing.noun for thing in words.things] == ["soda bottle"]
    assert checked_name(words.things[0].colors[0].words[0]) == "turquoise"
    assert scene_words({**info, "variations": {}}).light.brightness == "normal"

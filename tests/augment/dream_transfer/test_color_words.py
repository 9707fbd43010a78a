import numpy as np
import pytest

from augment.dream_transfer.color_words import (
    TRAINING_WORDS,
    UNSEEN_WORDS,
    is_color_word,
    named,
    of_paint,
)
from augment.video_metrics.color_names import TYPICAL, checked_name, is_called
from augment.video_metrics.lab import lab
from envs.objects import palette


def rgb(code):
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.uint8)


def test_words_are_those_of_the_palette():
    assert set(TRAINING_WORDS) == {*palette._SEEN, *palette._FOR_GENERATORS}
    assert set(UNSEEN_WORDS) == {*palette._UNSEEN}
    assert not set(TRAINING_WORDS) & set(UNSEEN_WORDS)


@pytest.mark.parametrize("word", [*TRAINING_WORDS, *UNSEEN_WORDS])
def test_every_word_of_the_palette_has_a_name(word):
    assert is_color_word(word)
    paint = {**palette._SEEN, **palette._UNSEEN, **palette._FOR_GENERATORS}[word]
    # In the light of the room they are darker; some pass for their names only there.
    lights = [np.rint(255 * (np.array(palette.linear(paint)) * f) ** (1 / 2.2)) for f in (1, 0.65)]
    assert any(is_called(lab(light.astype(np.uint8)), named(word).name) for light in lights)


def test_what_light_renames_is_known():
    words = [*TRAINING_WORDS, *UNSEEN_WORDS]
    assert sorted(word for word in words if not named(word).sure) == ["rust", "sage", "silver"]


def test_every_name_can_be_said_in_training():
    assert {checked_name(word) for word in TRAINING_WORDS} == set(TYPICAL)


@pytest.mark.parametrize("word", [*palette._SEEN, *palette._FOR_GENERATORS])
def test_a_paint_is_called_by_its_word(word):
    paint = {**palette._SEEN, **palette._FOR_GENERATORS}[word]
    color = of_paint(rgb(paint))
    # These have not the name that is nearest to them as they are.
    assert (word in color.words) == (word not in ("rust", "silver", "steel blue", "magenta"))
    assert {checked_name(each) for each in color.words} == {color.name}


@pytest.mark.parametrize("word", UNSEEN_WORDS)
def test_paints_of_unseen_words_get_others(word):
    words = of_paint(rgb(palette._UNSEEN[word])).words
    assert words
    assert not set(UNSEEN_WORDS) & {part for each in words for part in each.split()}


def test_a_color_is_said_in_one_word():
    color = of_paint(rgb("#2a9c98"))
    assert len(color.words) > 1
    said = {color.said(np.random.default_rng(seed)) for seed in range(50)}
    assert {each.words for each, _ in said} == {(word,) for word in color.words}
    assert {each.name for each, _ in said} == {"turquoise"}
    assert {text for _, text in said} == set(color.words)


def test_fruit_is_said_with_its_color():
    rng = np.random.default_rng(0)
    assert named("lemon").said(rng) == (named("lemon"), "lemon yellow")
    assert named("red").said(rng)[1] == "red"

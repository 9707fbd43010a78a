import numpy as np
import pytest
from scenes import surface

from augment.dream_transfer.color_words import UNSEEN_WORDS
from augment.dream_transfer.surface_words import PATTERNS, TWO_COLORED, surface_words
from augment.video_metrics.color_names import color_names, is_called
from augment.video_metrics.lab import lab
from envs.randomization.surfaces import TableTexture, surface_look
from envs.scene_settings import SceneSettings

KINDS = ("table", "wall")


@pytest.mark.parametrize(("kind", "name"), [("table", "light brown"), ("wall", "white")])
def test_without_a_texture_it_is_the_plain_surface(kind, name):
    plain = surface_words(kind, None)
    assert (plain.pattern, [color.name for color in plain.colors]) == ("plain", [name])
    assert surface_words(kind, {"texture": 3, "covers": 0.0}) == plain


@pytest.mark.parametrize("kind", KINDS)
def test_surfaces_are_called_what_they_look_like(kind):
    for number in range(100):
        words, look = surface(kind, number), surface_look(kind, number)
        assert words.pattern in (look.pattern, "plain")
        every = look.texture.reshape(-1, 3)
        pixels = lab(every[:: len(every) // 100 | 1])  # odd: not in step with stripes and squares
        parts = [
            np.mean([is_called(pixel, color.name) for pixel in pixels]) for color in words.colors
        ]
        # Grain and mottling shade a color; the first of two covers half or more.
        assert parts[0] >= (0.45 if words.pattern in TWO_COLORED else 0.6)
        assert parts[-1] > 0


def test_every_pattern_can_be_seen():
    assert {surface(kind, n).pattern for kind in KINDS for n in range(100)} == set(PATTERNS)


@pytest.mark.parametrize("kind", KINDS)
def test_no_surface_has_an_unseen_word(kind):
    said = {w for n in range(100) for color in surface(kind, n).colors for w in color.words}
    assert len(said) > 30
    assert not {part for word in said for part in word.split()} & set(UNSEEN_WORDS)


def test_what_hardly_covers_hardly_shows():
    number = next(n for n in range(100) if surface("table", n).pattern == "chequered")
    faint = surface_words("table", {"texture": number, "covers": 0.05})
    assert (faint.pattern, len(faint.colors), faint.colors[0].name) == ("plain", 1, "light brown")


def test_colors_are_mixed_as_the_scene_mixes_them():
    number = next(n for n in range(100) if surface("table", n).pattern == "plain")
    value = {"texture": number, "covers": 0.5}
    table = TableTexture.at_level(0).apply(value, SceneSettings()).table
    seen = color_names(lab(table.texture[:1, 0]))
    assert [color.name for color in surface_words("table", value).colors] == list(seen)


def test_two_even_colors_have_no_main_one():
    striped = [surface("table", n) for n in range(100) if surface("table", n).pattern == "striped"]
    for words in striped:
        same = words.colors[0].name == words.colors[1].name
        assert (words.seen_color is not None) == same
    dotted = next(w for n in range(100) if (w := surface("table", n)).pattern == "dotted")
    assert dotted.seen_color == dotted.colors[0]

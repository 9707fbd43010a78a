import json

import broken_videos
import numpy as np
import pytest
from rendered_clips import part

from augment.clip import Clip, ClipError
from augment.video_metrics.attributes import (
    Claim,
    attribute_accuracy,
    brightness,
    holds,
    region_color,
    temperature,
)
from augment.video_metrics.color_names import TYPICAL, basic, color_name, is_called
from augment.video_metrics.lab import lab, linear
from augment.video_metrics.surface_pattern import color_variation
from envs.objects import palette

ROOM = 0.65
"""Part of the light that comes back from something white in the simulator's room."""
PAINTS = {**palette._SEEN, **palette._UNSEEN}


def color_of(code):
    return lab(np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.uint8))


@pytest.mark.parametrize("name", [name for name in PAINTS if name in TYPICAL])
def test_paints_have_the_names_that_instructions_give_them(name):
    assert color_name(color_of(PAINTS[name])) == name


@pytest.mark.parametrize("name", PAINTS)
def test_paints_pass_for_their_names_in_the_rooms_light(name):
    darker = np.rint(255 * (np.array(palette.linear(PAINTS[name])) * ROOM) ** (1 / 2.2))
    for color in (color_of(PAINTS[name]), lab(darker.astype(np.uint8))):
        assert is_called(color, name)


@pytest.mark.parametrize(
    ("code", "yes", "no"),
    [
        ("#82b4da", ["blue", "light blue"], ["dark blue", "green", "white"]),
        ("#1d4a2c", ["green", "dark green"], ["light green", "blue"]),
        ("#ff0000", ["red"], ["dark red", "orange", "pink"]),
        ("#00ff00", ["green"], ["dark green", "light green", "yellow", "turquoise"]),
        ("#0000ff", ["blue"], ["dark blue", "light blue", "purple"]),
        ("#ffff00", ["yellow"], ["dark yellow", "orange", "green"]),
        ("#ff00ff", ["purple"], ["light purple", "red", "blue"]),
        ("#000000", ["black"], ["dark grey", "dark blue"]),
        ("#ffffff", ["white"], ["grey", "light blue"]),
        ("#808080", ["grey", "gray"], ["white", "black", "dark grey"]),
        ("#cbb48c", ["beige", "brown", "light brown"], ["orange", "white"]),
    ],
    ids=[
        "light_blue",
        "dark_green",
        "screen_red",
        "screen_green",
        "screen_blue",
        "screen_yellow",
        "screen_magenta",
        "black",
        "white",
        "grey",
        "beige",
    ],
)
def test_a_basic_term_has_its_variants_in_it(code, yes, no):
    color = color_of(code)
    assert [name for name in yes + no if is_called(color, name)] == yes


def test_bottles_have_the_colors_that_they_are_made_of(true_clip, other_clip, things):
    left, right = [things["left_bottle"]], [things["right_bottle"]]
    names = [
        basic(color_name(region_color(clip, ids)))
        for clip in (true_clip, other_clip)
        for ids in (left, right)
    ]
    assert names == ["red", "green", "yellow", "brown"]


def claims(things, left, right):
    return [
        Claim((things["left_bottle"],), "color", left),
        Claim((things["right_bottle"],), "color", right),
    ]


def test_wrong_prompts_show(true_clip, other_clip, things):
    clips = [true_clip, other_clip]
    right = [claims(things, "red", "green"), claims(things, "mustard", "beige")]
    assert attribute_accuracy(clips, right) == 1
    assert attribute_accuracy(clips, right[::-1]) == 0
    assert attribute_accuracy(clips, [right[0], claims(things, "mustard", "purple")]) == 0.75


def test_every_other_color_would_be_wrong(true_clip, things):
    ids = (things["left_bottle"],)
    called = [name for name in TYPICAL if holds(true_clip, Claim(ids, "color", name))]
    # Close to the camera it lies in the hand's shadow.
    assert called == ["red", "dark red"]


def test_a_recolored_view_shows(true_clip, things):
    broken = broken_videos.one_view_recolored(true_clip)
    assert attribute_accuracy([broken], [claims(things, "red", "green")]) < 1


def made(colors, ids):
    """One picture of columns of colors, 10 x 10 pixels each."""
    rgb = np.repeat(np.array(colors, np.uint8), 10, axis=0)[None].repeat(10, axis=0)[None, None]
    segmentation = np.repeat(np.array(ids, np.int16), 10)[None].repeat(10, axis=0)[None, None]
    one = np.ones(rgb.shape[:-1], np.float32)
    eyes = (np.eye(size, dtype=np.float32)[None, None] for size in (3, 4))
    return Clip(rgb, one, *eyes, segmentation)


def encoded(light):
    """sRGB codes of linear light, without rounding."""
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def test_a_label_does_not_change_the_main_color():
    green, white, red = (47, 128, 64), (235, 235, 235), (184, 34, 31)
    clip = made([green, white, (40, 115, 58), red, (255, 255, 255)], [5, 5, 5, 5, 6])
    np.testing.assert_allclose(region_color(clip, [5]), lab(np.uint8(green)), atol=8)
    assert color_name(region_color(clip, [5])) == "green"


def test_mixed_pixels_at_the_edge_do_not_count():
    colors = [(60, 60, 60)] + 4 * [(184, 34, 31)]
    clip = made(colors, [5, 5, 5, 5, 5])
    segmentation = np.zeros_like(clip.segmentation)
    segmentation[..., 9:] = 5
    clip = Clip(clip.rgb, clip.depth, clip.intrinsic_cv, clip.extrinsic_cv, segmentation)
    np.testing.assert_allclose(region_color(clip, [5]), lab(np.uint8((184, 34, 31))), atol=0.1)


def test_what_is_not_to_be_seen_is_neither_true_nor_false(true_clip):
    hidden = Claim((999,), "color", "red")
    assert region_color(true_clip, [999]) is None
    assert holds(true_clip, hidden) is None
    assert holds(true_clip, Claim((999,), "brightness", "dim"), true_clip) is None
    assert attribute_accuracy([true_clip], [[hidden]]) is None
    assert attribute_accuracy([], []) is None


def test_brightness_is_that_of_the_light(true_clip, bright_clip, things):
    source, walls = part(true_clip, slice(0, 1)), (things["wall"], things["table"])
    assert brightness(source, source) == 0
    for ids in ((), walls):
        assert 0.4 < brightness(bright_clip, source, ids) < 1.2
        assert holds(bright_clip, Claim(ids, "brightness", "bright"), source)
        assert not holds(bright_clip, Claim(ids, "brightness", "dim"), source)
        assert holds(source, Claim(ids, "brightness", "dim"), bright_clip)
        assert holds(source, Claim(ids, "brightness", "normal"), source)


@pytest.mark.parametrize(
    ("red", "blue", "name"), [(1.2, 0.7, "warm"), (0.8, 1.15, "cool"), (1.0, 1.0, "neutral")]
)
def test_temperature_is_red_against_blue(red, blue, name, true_clip, things):
    clip = broken_videos.tinted(true_clip, red, blue)
    for ids in ((), (things["wall"],)):
        assert temperature(clip, true_clip, ids) == pytest.approx(np.log2(red / blue), abs=0.15)
        answers = {
            said: holds(clip, Claim(ids, "temperature", said), true_clip)
            for said in ("cool", "neutral", "warm")
        }
        assert answers == {said: said == name for said in answers}


CARD, THING, OTHER = (200, 180, 160), (230, 228, 222), (36, 86, 166)


@pytest.mark.parametrize("light", [(0.3, 0.3, 0.3), (0.9, 0.5, 0.3), (1.2, 1.2, 1.2)])
def test_colors_are_judged_in_the_light_of_the_source(light):
    source = made([CARD, THING, OTHER], [5, 6, 7])
    clip = made(
        [np.rint(encoded(linear(np.uint8(c)) * light)) for c in (CARD, THING, OTHER)], [5, 6, 7]
    )
    for seen in (source, clip):
        assert holds(seen, Claim((6,), "color", "white", (5,)), source)
        assert holds(seen, Claim((7,), "color", "blue", (5,)), source)
        assert not holds(seen, Claim((6,), "color", "grey", (5,)), source)


def test_a_grey_thing_in_unchanged_light_is_not_white():
    grey = made([CARD, (123, 125, 128)], [5, 6])
    assert not holds(grey, Claim((6,), "color", "white", (5,)), made([CARD, THING], [5, 6]))


STRIPES = [THING, THING, OTHER, OTHER] * 4


@pytest.mark.parametrize(("colors", "expected"), [(STRIPES, "patterned"), ([THING] * 16, "plain")])
@pytest.mark.parametrize("light", [1.0, 0.3])
def test_patterns_are_told_from_plain_surfaces(colors, expected, light):
    def seen(light):
        lit = [np.rint(encoded(linear(np.uint8(color)) * light)) for color in (CARD, *colors)]
        clip = made(lit, [5, *(6 for _ in colors)])
        return Clip(
            *(part.repeat(2, axis=2) for part in (clip.rgb, clip.depth)),
            clip.intrinsic_cv,
            clip.extrinsic_cv,
            clip.segmentation.repeat(2, axis=2),
        )

    answers = {
        said: holds(seen(light), Claim((6,), "pattern", said, (5,)), seen(1.0))
        for said in ("plain", "patterned")
    }
    assert answers == {said: said == expected for said in answers}


def test_variation_is_the_same_in_pictures_of_other_sizes():
    small = made(STRIPES, [6] * 16)
    large = Clip(
        *(part.repeat(2, axis=2).repeat(2, axis=3) for part in (small.rgb, small.depth)),
        small.intrinsic_cv,
        small.extrinsic_cv,
        small.segmentation.repeat(2, axis=2).repeat(2, axis=3),
    )
    assert color_variation(large, [6]) == pytest.approx(color_variation(small, [6]), rel=0.1)
    assert color_variation(small, [7]) is None


def test_without_a_card_in_view_colors_are_judged_as_they_are_seen():
    clip, source = made([(123, 125, 128)], [6]), made([THING], [6])
    assert holds(clip, Claim((6,), "color", "grey", (5,)), source)


@pytest.mark.parametrize("lit_as", [(), (70, 71)])
def test_a_claim_is_plain_data(lit_as):
    claim = Claim((3, 4), "color", "light blue", lit_as)
    assert Claim.from_dict(json.loads(json.dumps(claim.__dict__))) == claim


@pytest.mark.parametrize(
    ("ids", "kind", "expected", "message"),
    [
        ((1,), "colour", "red", "did you mean color"),
        ((1,), "color", "rad", "unknown color 'rad'; did you mean red"),
        ((), "color", "red", "names no thing"),
        ((), "pattern", "plain", "a claim of the pattern 'plain' names no thing"),
        ((1,), "pattern", "wooden", "pattern is plain, patterned, not 'wooden'"),
        ((1,), "brightness", "warm", "brightness is dim, normal, bright, not 'warm'"),
    ],
    ids=["kind", "color", "nothing", "no_surface", "pattern", "light"],
)
def test_wrong_claims_are_refused_in_one_line(ids, kind, expected, message):
    with pytest.raises(ClipError, match=message):
        Claim(ids, kind, expected)


def test_what_is_missing_is_named(true_clip):
    with pytest.raises(ClipError, match="needs a reference"):
        holds(true_clip, Claim((), "brightness", "dim"))
    with pytest.raises(ClipError, match="needs a reference"):
        holds(true_clip, Claim((1,), "color", "red", (2,)))
    with pytest.raises(ClipError, match="1 clips need as many"):
        attribute_accuracy([true_clip], [])

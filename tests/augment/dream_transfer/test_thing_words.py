import numpy as np
import pytest
from scenes import things_of

from augment.dream_transfer.color_words import TRAINING_WORDS, UNSEEN_WORDS, named
from augment.dream_transfer.prompt_phrases import mentions
from augment.dream_transfer.thing_words import parsed, thing_words
from envs.objects.families import FAMILIES, load_family
from envs.objects.instances import FOR_GENERATORS, SEEN
from envs.objects.palette import paint


def said(description):
    (mention,) = mentions([parsed("thing", description)], np.random.default_rng(5))
    return mention.text


def words(*colors):
    return tuple(named(color) for color in colors)


@pytest.mark.parametrize(
    ("description", "text", "noun", "colors"),
    [
        ("dark green soda bottle", "a dark green soda bottle", "soda bottle", ["dark green"]),
        ("teal hexagonal bin", "a hexagonal teal bin", "bin", ["teal"]),
        ("red plain block", "a red block", "block", ["red"]),
        ("red mottled block", "a mottled red block", "block", ["red"]),
        ("red wooden block", "a red wooden block", "block", ["red"]),
        ("round slate slate coaster", "a round slate grey coaster", "coaster", ["slate"]),
        ("square teal slate coaster", "a square teal slate coaster", "coaster", ["teal"]),
        ("wooden bowl", "a wooden bowl", "bowl", []),
        ("oak wood mug rack", "an oak wood mug rack", "mug rack", []),
        ("teal enamel cup", "a teal enamel cup", "cup", ["teal"]),
        ("two-tone teal and blue mug", "a two-tone teal and blue mug", "mug", ["teal", "blue"]),
        ("oak and teal chest of drawers", "an oak and teal chest of drawers", None, ["teal"]),
        ("red and green apple", "a red and green apple", "apple", ["red", "green"]),
        ("lime apple", "a lime green apple", "apple", ["lime"]),
        ("striped apple", "a striped apple", "apple", []),
    ],
)
def test_descriptions_are_taken_apart(description, text, noun, colors):
    thing = parsed("thing", description)
    assert said(description) == text
    assert thing.colors == words(*colors)
    assert noun is None or thing.noun == noun


@pytest.mark.parametrize(
    ("description", "name"),
    [("wine red apple", "red"), ("olive green apple", "green"), ("almost black apple", "black")],
)
def test_colors_of_more_words_end_in_their_name(description, name):
    thing = parsed("apple", description)
    assert (thing.noun, thing.colors[0].name) == ("apple", name)
    assert said(description) == f"{'an' if description[0] in 'ao' else 'a'} {description}"


def test_parts_have_colors():
    brush = parsed("brush", "hand brush with dark green handle and pale bristles")
    assert (brush.noun, brush.part, brush.part_color) == (
        "hand brush",
        *("handle", named("dark green")),
    )
    assert brush.also == "and pale bristles"
    assert brush.main_color == named("dark green")
    assert said("mallet with emerald handle").startswith("a mallet with an emerald")
    assert said("white plate with blue rings") == "a white plate with blue rings"
    shelf = parsed("cabinet", "oak cabinet with an open shelf")
    assert (shelf.noun, shelf.also, shelf.part_color) == ("cabinet", "with an open shelf", None)


@pytest.mark.parametrize(
    ("description", "color"),
    [
        ("teal soda bottle", "teal"),
        ("white plate with teal rim", "white"),
        ("speckled teal mug", "teal"),
        ("ringed teal mug", None),
        ("striped teal cup", None),
        ("two-tone teal and red mug", None),
        ("teal and red sneaker", None),
        ("oak and teal cabinet with an open shelf", None),
        ("hammer with teal handle", None),
        ("wooden bowl", None),
    ],
)
def test_the_color_that_is_seen_is_in_no_doubt(description, color):
    assert parsed("thing", description).seen_color == (named(color) if color else None)


@pytest.mark.parametrize(
    ("description", "text"),
    [
        ("round cork coaster", "a round teal coaster"),
        ("red enamel cup", "a teal enamel cup"),
        ("oak wood mug rack", "a teal mug rack"),
        ("oak and red chest of drawers", "a teal chest of drawers"),
        ("white plate with red rim", "a teal plate"),
        ("mallet with red handle", "a mallet with a teal handle"),
    ],
)
def test_things_are_recolored(description, text):
    thing = parsed("thing", description).recolored(words("teal"))
    (mention,) = mentions([thing], np.random.default_rng(0))
    assert mention.text == text


def test_room_robot_clutter_and_drawers_are_not_mentioned():
    things = things_of("oak cabinet with an open shelf", "red apple")
    things["drawer"] = {"ids": [9], "description": "drawer of a oak cabinet with an open shelf"}
    assert [thing.noun for thing in thing_words(things)] == ["cabinet", "apple"]


def test_colors_of_training_are_those_of_training_words():
    for family in FAMILIES:
        for appearance in (*SEEN, *FOR_GENERATORS):
            for place in range(3):
                assert paint(family, appearance, place)[0] in TRAINING_WORDS


@pytest.mark.parametrize("family", FAMILIES)
def test_descriptions_of_training_have_no_unseen_words(family):
    # Colors apart, descriptions repeat after 2, 3, 4, 5 and 10 appearances.
    for appearance in (*SEEN, *range(20, 30)):
        model = load_family(family)(appearance % 10, appearance)
        model = getattr(model, "body", model)
        thing = parsed("thing", model.description)
        assert not set(model.description.split()) & set(UNSEEN_WORDS)
        assert set(model.description.split()) & set(thing.noun.split())
        assert not set(thing.noun.split()) & {part for w in TRAINING_WORDS for part in w.split()}

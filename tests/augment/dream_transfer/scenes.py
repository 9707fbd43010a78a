"""Scenes in words, for tests of prompts."""

from hypothesis import strategies as st

from augment.dream_transfer.light_words import SIDES, TINTS, LightWords
from augment.dream_transfer.scene_words import SceneWords
from augment.dream_transfer.surface_words import surface_words
from augment.dream_transfer.thing_words import thing_words
from augment.video_metrics.attributes import LIGHTS

DESCRIPTIONS = (
    "dark green soda bottle",
    "orange thermos flask",
    "mallet with emerald handle",
    "scrubbing brush with midnight blue handle and pale bristles",
    "two-tone moss and midnight blue mug",
    "walnut wood mug rack",
    "rose lacquered mug rack",
    "white plate with aqua rim",
    "white plate with peach rings",
    "wooden bowl",
    "speckled ivory bowl",
    "round slate slate coaster",
    "teal hexagonal bin",
    "red mottled block",
    "blue rectangle",
    "aqua and sky blue sneaker",
    "lemon apple",
    "cherry wood and salmon side table with a drawer",
    "oak chest of drawers",
)
"""As `envs.objects` makes them."""
NAMES = ("left_thing", "right_thing", "thing", "clutter_0", "clutter_1", "clutter_2", "clutter_3")


def things_of(*descriptions, names=NAMES):
    """An episode's `things`, with room, robot and clutter."""
    things = {
        name: {"ids": [number], "description": text}
        for number, (name, text) in enumerate(zip(names, descriptions, strict=False), 20)
    }
    room = ("floor", "table", "wall", "wall_left", "wall_right", "wall_back", "table_leg_0")
    return {
        **{name: {"ids": [number], "description": ""} for number, name in enumerate(room, 1)},
        **things,
        "distractor_0": {"ids": [60], "description": "red and yellow apple"},
        "robot": {"ids": [70, 71, 72], "description": "two robot arms"},
    }


def surface(kind, number):
    return surface_words(kind, {"texture": number, "covers": 1.0})


def scene(*descriptions, table=3, wall=0, light=("dim", "warm", "none", "left")):
    return SceneWords(
        things=thing_words(things_of(*descriptions)),
        table=surface("table", table),
        wall=surface("wall", wall),
        light=LightWords(*light),
    )


SCENES = st.builds(
    lambda descriptions, table, wall, light: scene(
        *descriptions, table=table, wall=wall, light=light
    ),
    st.lists(st.sampled_from(DESCRIPTIONS), min_size=1, max_size=len(NAMES)),
    st.integers(0, 99),
    st.integers(0, 99),
    st.tuples(
        st.sampled_from(LIGHTS["brightness"]),
        st.sampled_from(LIGHTS["temperature"]),
        st.sampled_from(TINTS),
        st.sampled_from(SIDES),
    ),
)

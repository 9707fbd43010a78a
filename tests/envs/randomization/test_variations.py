"""What all variations have in common: names, levels, options, how they are drawn."""

import dataclasses
import json

import numpy as np
import pytest
import sapien
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.cameras import CAMERA_MODELS, CAMERA_MOUNTS
from envs.dual_arm_env import DualArmEnv
from envs.errors import InvalidOptionError
from envs.randomization import LEVELS, VARIATIONS, draw, parse
from envs.scene_settings import SceneSettings

LEVELED = [name for name in VARIATIONS if name != "camera_model"]
SIGNED = ("focal_length", "pixel_aspect", "camera_azimuth", "camera_distance")
SIGNED += ("camera_roll", "light_direction", "light_intensity", "light_shadow", "table_height")
DIRECTED = (*SIGNED, "camera_position", "camera_rotation", "principal_point", "light_color")
DIRECTED += ("table_texture", "wall_texture", "robot_init")
EVERYTHING = {**dict.fromkeys(LEVELED, 5), "camera_model": {"model": "L515"}}
TASK = "block_hammer_beat"


def plain(value):
    """Settings as values that can be compared bit by bit."""
    if dataclasses.is_dataclass(value):
        parts = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **parts}
    if isinstance(value, sapien.Pose):
        return [*value.p.tolist(), *value.q.tolist()]
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def numbers(value):
    if isinstance(value, dict):
        return [n for item in value.values() for n in numbers(item)]
    return [n for item in value for n in numbers(item)] if isinstance(value, list) else [value]


def drawn(specification, seed=0):
    after, log = draw(parse(specification), seed, SceneSettings())
    return plain(after), log


def all_cameras(name):
    fixed_only = not name.startswith("camera_") or name == "camera_height"
    return {} if fixed_only else {"cameras": list(CAMERA_MOUNTS)}


@pytest.mark.parametrize("name", LEVELED)
def test_level_0_changes_nothing_and_every_other_level_something(name):
    untouched = plain(SceneSettings())
    for seed in range(3):
        for level in LEVELS:
            after, log = drawn({name: {"level": level, **all_cameras(name)}}, seed)
            assert (after == untouched) == (level == 0), (level, log)


@pytest.mark.parametrize("name", LEVELED)
def test_levels_are_all_different(name):
    assert len({json.dumps(drawn({name: level})[1]) for level in LEVELS}) == len(LEVELS)


@pytest.mark.parametrize("name", VARIATIONS)
def test_the_log_is_json_and_says_all_there_is(name):
    variation = parse({name: EVERYTHING[name]})
    settings, log = draw(variation, 3, SceneSettings())
    value = json.loads(json.dumps(log, allow_nan=False))
    assert not any(str(number) == "-0.0" for number in numbers(log))
    again = variation[0].apply(value[name], SceneSettings())
    assert plain(again) == plain(settings)


@pytest.mark.parametrize("name", VARIATIONS)
def test_seeds_decide(name):
    assert drawn({name: EVERYTHING[name]}, 7) == drawn({name: EVERYTHING[name]}, 7)


@pytest.mark.parametrize("name", DIRECTED)
def test_another_seed_draws_another_direction(name):
    assert len({json.dumps(drawn({name: 3}, seed)[1]) for seed in range(12)}) > 1


def test_level_sizes_are_those_of_the_class():
    sizes = [
        abs(drawn({"camera_azimuth": level})[1]["camera_azimuth"]["head_camera"])
        for level in LEVELS
    ]
    assert sizes == [0.0, 5.0, 10.0, 20.0, 30.0, 45.0]


@pytest.mark.parametrize("name", [*SIGNED, "camera_position", "camera_rotation", "principal_point"])
def test_a_sweep_goes_in_one_direction(name):
    """Levels differ in size alone: values are multiples of each other."""
    signs = set()
    for seed in range(12):
        values = [np.array(numbers(drawn({name: level}, seed)[1])) for level in (1, 2, 3, 4, 5)]
        directions = [value / np.linalg.norm(value) for value in values]
        assert np.allclose(directions, directions[0], atol=1e-3)
        lengths = [np.linalg.norm(value) for value in values]
        assert lengths == sorted(lengths)
        signs.add(values[0].tobytes())
    assert len(signs) > 1


@pytest.mark.parametrize("name", ["table_texture", "wall_texture"])
def test_a_sweep_keeps_its_texture(name):
    textures = {drawn({name: level}, 5)[1][name]["texture"] for level in LEVELS}
    assert len(textures) == 1


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize(("sign", "factor"), [("+", 1), ("-", -1)])
def test_a_sign_can_be_asked_for(name, sign, factor):
    for seed in range(6):
        (first, *_) = numbers(drawn({name: {"level": 2, "sign": sign}}, seed)[1])
        assert first * factor > 0


def test_a_value_does_not_depend_on_the_others():
    for seed in range(3):
        _, together = drawn(EVERYTHING, seed)
        backwards = dict(reversed(EVERYTHING.items()))
        assert drawn(backwards, seed) == drawn(EVERYTHING, seed)
        for name, options in EVERYTHING.items():
            assert drawn({name: options}, seed)[1][name] == together[name], name


def test_sizes_are_drawn_from_their_range():
    specification = {"camera_distance": {"size": [0.1, 0.2]}}
    sizes = [drawn(specification, s)[1]["camera_distance"]["head_camera"] for s in range(60)]
    assert all(0.1 <= abs(size) <= 0.2 for size in sizes)
    assert min(map(abs, sizes)) < 0.115
    assert max(map(abs, sizes)) > 0.185
    assert 15 < sum(size > 0 for size in sizes) < 45


@pytest.mark.parametrize("name", VARIATIONS)
def test_probability(name):
    options = EVERYTHING[name] if isinstance(EVERYTHING[name], dict) else {"level": 5}
    never, log = drawn({name: {**options, "probability": 0}})
    assert never == plain(SceneSettings())
    assert log == {name: None}
    assert drawn({name: {**options, "probability": 1}}, 2) == drawn({name: options}, 2)
    logs = [drawn({name: {**options, "probability": 0.5}}, seed)[1][name] for seed in range(60)]
    assert 15 < sum(value is None for value in logs) < 45
    for seed, value in enumerate(logs[:5]):
        assert value is None or value == drawn({name: options}, seed)[1][name]


def test_nothing_is_drawn_from_nothing():
    assert drawn({}) == (plain(SceneSettings()), {})


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ([("camera_azimuth", 1)], "a mapping of names"),
        ({"camera_azimut": 1}, "did you mean camera_azimuth"),
        ({"gravity": 1}, "valid: camera_model, focal_length"),
        ({"camera_azimuth": 6}, "level 6 is not an integer in 0 .. 5"),
        ({"camera_azimuth": -1}, "level -1 is not"),
        ({"camera_azimuth": {"level": 1.5}}, "level 1.5 is not"),
        ({"camera_azimuth": True}, "True is neither a level in 0 .. 5 nor options"),
        ({"camera_azimuth": "3"}, "'3' is neither"),
        ({"camera_azimuth": None}, "None is neither"),
        ({"camera_azimuth": {}}, "needs a level, or size"),
        ({"camera_azimuth": {"sizes": [1, 2]}}, "did you mean size"),
        ({"camera_azimuth": {"size": 3}}, "size is 3, not .least, greatest."),
        ({"camera_azimuth": {"size": [2, 1]}}, "0 <= least <= greatest <= 180"),
        ({"camera_azimuth": {"size": [0, 181]}}, "<= 180"),
        ({"camera_azimuth": {"size": [0, float("nan")]}}, "<= 180"),
        ({"camera_azimuth": {"level": 1, "sign": "left"}}, r"random or \+ or -"),
        ({"camera_azimuth": {"level": 1, "probability": 1.5}}, r"0 \.\. 1"),
        ({"camera_azimuth": {"level": 1, "cameras": ["head"]}}, "head_camera"),
        ({"camera_azimuth": {"level": 1, "cameras": []}}, "a list of cameras"),
        ({"camera_azimuth": {"level": 1, "cameras": "head_camera"}}, "a list of cameras"),
        ({"camera_azimuth": {"level": 1, "jointly": 1}}, "true or false"),
        ({"camera_height": {"level": 1, "cameras": ["left_camera"]}}, "head_camera, front_camera"),
        ({"camera_model": 3}, "no levels; say model: one of D435, L515, Large_D435, Large_L515"),
        ({"camera_model": {"model": "D455"}}, "did you mean D435"),
        ({"camera_model": {}}, "needs a level, or model"),
        ({"table_texture": {"level": 1, "textures": "new"}}, "seen or unseen"),
        ({"clutter": {"level": 1, "instances": "new"}}, "seen or unseen"),
        ({"clutter": {"size": [0, 21]}}, "<= 20"),
        ({"object_shape": {"numbers": [20]}}, r"numbers in 0 \.\. 19"),
        ({"object_appearance": {"numbers": [120]}}, r"numbers in 0 \.\. 119"),
        ({"object_shape": {"numbers": 3}}, r"numbers in 0 \.\. 19"),
        ({"language": {"wording": {"rude": True}}}, "mapping of aside, careless, polite"),
        (
            {"language": {"wording": {"typos": "two"}}},
            r"typos is 'two', not an integer in 0 \.\. 20",
        ),
        ({"language": {"wording": {"polite": "yes"}}}, "polite is 'yes', not true or false"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(specification, message):
    with pytest.raises(InvalidOptionError, match=message) as error:
        parse(specification)
    assert "\n" not in str(error.value)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 25)
    | st.floats()
    | st.sampled_from(["", "+", "seen"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.just("typos"), inner, max_size=1)
    ),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(sorted(VARIATIONS)), json_values)
def test_any_json_is_either_carried_out_or_refused(data, name, value):
    options = [field.name for field in dataclasses.fields(VARIATIONS[name])]
    option = data.draw(st.sampled_from([*options, "level", None]))
    base = {"model": "L515"} if name == "camera_model" else {"level": 2}
    specification = {name: value if option is None else {**base, option: value}}
    try:
        _, log = drawn(specification)
    except InvalidOptionError as error:
        log = str(error)
    assert "\n" not in json.dumps(log, allow_nan=False)


def test_camera_models_are_named_as_ever():
    for model in CAMERA_MODELS:
        assert drawn({"camera_model": {"model": model}})[1] == {"camera_model": model}


def test_at_level_0_pictures_and_physics_are_the_same_bits(renderer):
    env = DualArmEnv(TASK, obs_mode="rgbd", resolution=(64, 48))
    nothing = {name: {"level": 0, **all_cameras(name)} for name in LEVELED}

    def episode(variations):
        observation, info = env.reset(seed=2, options={"variations": variations})
        hashes = [env.state_sha256()]
        last, *_ = env.step(env.hold_action())
        hashes.append(env.state_sha256())
        cameras = [{**o["cameras"]} for o in (observation, last)]
        return plain([cameras, hashes, info["instruction"], info["instances"], info["clutter"]])

    assert episode(nothing) == episode({})

"""The specifications that are shipped: what they promise, and what docs/protocols.md says."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from envs.objects.instances import SEEN
from envs.randomization import VARIATIONS, draw, parse
from envs.randomization.variation import SizedVariation
from envs.scene_settings import SceneSettings
from eval_protocols.protocol import load_protocol, parse_protocol, protocol_names

PAGE = Path(__file__).parents[2] / "docs" / "protocols.md"

SWEEPS = {
    "appearance": ("table_texture", "wall_texture", "object_appearance"),
    "camera_sweep": (
        *("camera_azimuth", "camera_elevation", "camera_distance", "camera_roll"),
        "focal_length",
    ),
    "clutter": ("clutter",),
    "language": ("language",),
    "lighting": (
        *("light_direction", "light_color", "light_intensity", "light_shadow", "light_flicker"),
    ),
    "robot_init": ("robot_init",),
    "sensor_noise": (
        *("image_blur", "image_noise", "image_jpeg", "depth_noise", "sensor_resolution"),
    ),
    "table_height": ("table_height",),
}
OTHERS = {
    "all_mixed",
    "camera_extrinsic_few_shot",
    "camera_extrinsic_mixed",
    "camera_extrinsic_zero_shot",
    "camera_intrinsic",
    "emma_visual",
    "in_domain",
    "objects_unseen",
    "robotwin2_randomized",
}


def conditions(protocol):
    return {each.name: each for each in load_protocol(protocol).conditions}


def training(protocol, name):
    return [
        (part.episodes, dict(part.variations))
        for part in load_protocol(protocol).training_set(name).demonstrations
    ]


def test_there_are_those_that_were_promised():
    assert set(protocol_names()) == SWEEPS.keys() | OTHERS


@pytest.mark.parametrize("name", protocol_names())
def test_every_perturbed_condition_has_an_unperturbed_twin(name):
    protocol = load_protocol(name)
    first, *others = protocol.conditions
    assert first.twin is None
    assert all(each.twin == first.name for each in others)
    if name != "emma_visual":  # there, nothing but the appearance of the demonstrations
        assert first.variations == {}
    assert protocol.description.rstrip().count("\n") == 0
    if name != "in_domain":  # the reference, which asks nothing about generalization
        assert "?" in protocol.description
    assert protocol.headline == "success_once"
    assert protocol.after_success_steps == 16


@pytest.mark.parametrize("name", protocol_names())
def test_no_two_conditions_are_the_same(name):
    arms = [(str(each.variations), each.standardized_to) for each in load_protocol(name).conditions]
    assert len(set(arms)) == len(arms)


@pytest.mark.parametrize("name", protocol_names())
def test_no_training_set_shows_what_is_kept_for_evaluation(name):
    for known in load_protocol(name).training:
        assert known.demonstrations or known.name == "interaction"
        for part in known.demonstrations:
            for options in part.variations.values():
                assert isinstance(options, dict), "levels may be of the unseen split"
                assert "unseen" not in str(options)
                assert set(options.get("numbers", ())) <= set(SEEN)
            for variation in parse(part.variations):
                assert getattr(variation, "textures", "seen") == "seen"


@pytest.mark.parametrize(("name", "factors"), SWEEPS.items())
def test_sweeps_have_one_factor_at_a_time_at_five_levels(name, factors):
    protocol = load_protocol(name)
    swept = [each for each in protocol.conditions if each.twin]
    assert [(each.factor, each.level) for each in swept] == [
        (factor, level) for factor in factors for level in range(1, 6)
    ]
    for each in swept:
        assert each.name.endswith(f"_{each.level}")
        (key, value), *more = each.variations.items()
        assert not more
        assert key == each.factor
        assert (value["level"] if isinstance(value, dict) else value) == each.level


def test_everything_at_once_has_every_factor_that_has_a_protocol():
    factors = {*sum(SWEEPS.values(), ()), "object_shape"}
    for level in range(1, 6):
        each = conditions("all_mixed")[f"all_{level}"]
        assert each.variations.keys() == factors
        levels = {v["level"] if isinstance(v, dict) else v for v in each.variations.values()}
        assert levels == {level} == {each.level}


def test_training_ranges_reach_up_to_level_five():
    for name in protocol_names():
        for known in load_protocol(name).training:
            if not known.name.endswith("_randomized_100"):
                continue
            (part,) = known.demonstrations
            for variation in parse(part.variations):
                assert variation.size == (0, variation.LEVELS[5]), (name, variation.name)


def test_ext1_is_ten_centimetres_above_ext0():
    for name in ("camera_extrinsic_zero_shot", "camera_extrinsic_few_shot"):
        plain, _ = draw((), 0, SceneSettings())
        moved, _ = draw(parse(conditions(name)["ext1"].variations), 0, SceneSettings())
        for camera in ("head_camera", "front_camera"):
            before, after = plain.cameras[camera].mount.pose, moved.cameras[camera].mount.pose
            assert np.allclose(after.p - before.p, [0.0, 0.0, 0.1], atol=1e-6)
            assert np.array_equal(after.q, before.q)
        for camera in ("left_camera", "right_camera"):
            assert moved.cameras[camera] == plain.cameras[camera]
    ext1 = conditions("camera_extrinsic_few_shot")["ext1"].variations
    assert training("camera_extrinsic_zero_shot", "ext0_100") == [(100, {})]
    assert training("camera_extrinsic_few_shot", "ext1_20") == [(20, ext1)]
    assert training("camera_extrinsic_few_shot", "ext0_100_ext1_20") == [(100, {}), (20, ext1)]


def test_mixed_heights_and_their_bounds():
    tested = conditions("camera_extrinsic_mixed")
    heights = [each.variations["camera_height"]["size"] for each in tested.values() if each.twin]
    assert heights == [[0.05] * 2, [0.1] * 2, [0.15] * 2, [0.2] * 2]
    assert [each.level for each in tested.values()] == [None, 1, 2, 3, 4]
    mixed = training("camera_extrinsic_mixed", "mixed_99")
    assert [episodes for episodes, _ in mixed] == [33, 33, 33]
    assert [part for _, part in mixed] == [
        dict(tested[name].variations) for name in ("height_00", "height_10", "height_20")
    ]
    for name, each in tested.items():  # the upper bound is trained where it is tested
        assert training("camera_extrinsic_mixed", f"{name}_99") == [(99, dict(each.variations))]


def test_intrinsics_with_and_without_standardization():
    tested = conditions("camera_intrinsic")
    assert {name: each.standardized_to for name, each in tested.items()} == {
        "d435": None,
        "d435_standardized": "D435",
        "l515": None,
        "l515_standardized": "D435",
    }
    assert tested["l515"].variations == tested["l515_standardized"].variations
    assert tested["l515"].variations == {"camera_model": {"model": "L515"}}


def test_robotwin2_has_its_factors_and_probabilities():
    tested = conditions("robotwin2_randomized")
    variations = parse(tested["demo_randomized"].variations)
    rare = {each.name: each.probability for each in variations if each.probability < 1.0}
    assert rare == {"table_texture": 0.98, "wall_texture": 0.98, "light_flicker": 0.02}
    offsets = []
    for seed in range(100):
        settings, log = draw(variations, seed, SceneSettings())
        offsets.append(log["table_height"])
        assert settings.clutter.count == 10
        assert settings.wording.unseen
        assert not any(name.startswith("camera") for name in log)
        if log["table_texture"] is not None:
            assert log["table_texture"]["texture"] >= 100
            assert log["table_texture"]["covers"] == 1.0
    assert -0.03 <= min(offsets) < -0.028
    assert -0.002 < max(offsets) <= 0.0
    (_, _), (episodes, seen) = training("robotwin2_randomized", "clean_50_randomized_500")
    assert episodes == 500
    assert seen.keys() == tested["demo_randomized"].variations.keys() - {"language"}


def test_emma_has_four_unseen_appearances():
    tested = conditions("emma_visual")
    numbers = [each.variations["object_appearance"]["numbers"] for each in tested.values()]
    assert numbers == [[0], [10], [11], [12], [13]]


def rows(heading):
    """The cells of the table below a heading of the page."""
    section = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_page_lists_every_protocol():
    expected = []
    for name in protocol_names():
        protocol = load_protocol(name)
        sets = ", ".join(f"`{known.name}`" for known in protocol.training)
        expected.append([f"`{name}`", str(protocol.version), str(len(protocol.conditions)), sets])
    assert sorted(row[:3] + row[4:] for row in rows("The protocols")) == expected


def test_the_page_has_every_variation_and_the_sizes_of_its_levels():
    expected = [[f"`{name}`", *levels_of(kind)] for name, kind in VARIATIONS.items()]
    assert [[row[0], *row[2:]] for row in rows("Variations and their levels")] == expected


def levels_of(kind):
    if issubclass(kind, SizedVariation):
        return [f"{size:g}" for size in kind.LEVELS[1:]]
    if kind.name == "camera_model":
        return ["none"] * 5
    if kind.name == "language":
        return ["unseen", "+ polite", "+ careless", "+ 2 typos", "4 typos, aside"]
    unseen = [sum(n not in SEEN for n in kind.at_level(level).numbers) for level in range(1, 6)]
    return [f"{count} of 10" for count in unseen]


def test_the_page_says_what_the_wordings_of_the_levels_are():
    wordings = [VARIATIONS["language"].at_level(level).wording for level in range(1, 6)]
    assert all(each.unseen for each in wordings)
    assert [each.polite for each in wordings] == [False, True, True, True, True]
    assert [each.careless for each in wordings] == [False, False, True, True, True]
    assert [each.typos for each in wordings] == [0, 0, 0, 2, 4]
    assert [each.aside for each in wordings] == [False] * 4 + [True]


def test_the_specification_on_the_page_is_valid():
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    protocol = parse_protocol("the page", yaml.safe_load(block))
    assert len(protocol.conditions) > 1

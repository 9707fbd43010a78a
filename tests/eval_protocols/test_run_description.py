import re

import pytest

from eval_protocols.protocol import load_protocol
from eval_protocols.run_description import EvaluationSettings, training_block

WITH_WEIGHTS = {"name": "p", "weights_sha256": "0" * 64, "config": {}}
WITHOUT = {"name": "p", "weights_sha256": None, "config": {}}
HEIGHT = {"camera_height": {"size": (0.1, 0.1)}}


def block(data, protocol="in_domain", policy=WITH_WEIGHTS, **settings):
    return training_block(
        EvaluationSettings(tasks=["x"], **settings), load_protocol(protocol), policy, data
    )


def learned(*parts, seed=4):
    return {"demonstrations": parts, "seed": seed}


@pytest.mark.parametrize(
    ("protocol", "parts", "name"),
    [
        ("in_domain", [(100, {})], "nominal_100"),
        ("in_domain", [(20, {})], "nominal_20"),
        ("in_domain", [(60, {}), (40, {})], "nominal_100"),
        ("camera_extrinsic_few_shot", [(20, HEIGHT)], "ext1_20"),
        ("camera_extrinsic_few_shot", [(20, HEIGHT), (100, {})], "ext0_100_ext1_20"),
    ],
)
def test_a_policy_that_knows_its_data_says_its_training_itself(protocol, parts, name):
    found = block(learned(*parts), protocol)
    assert (found["name"], found["seed"]) == (name, 4)
    assert found["description"] == load_protocol(protocol).training_set(name).description
    assert block(learned(*parts), protocol, training=name) == found


APPEARANCE = {"object_appearance": {"numbers": [0]}}


@pytest.mark.parametrize(
    ("recorded", "generated", "name"),
    [
        (20, 0, "one_appearance_20"),
        (20, 20, "one_appearance_20_generated_20"),
        (20, 19, "one_appearance_20_generated_20"),  # a filter has dropped one
        (100, 0, "one_appearance_100"),
        (100, 100, "one_appearance_100_generated_100"),
        (100, 51, "one_appearance_100_generated_100"),
    ],
)
def test_generated_demonstrations_tell_training_sets_apart(recorded, generated, name):
    data = {
        **learned((recorded, APPEARANCE)),
        "generated": [(generated, APPEARANCE)] * bool(generated),
    }
    assert block(data, "emma_visual")["name"] == name


def test_what_is_none_of_the_sets_is_other_data_in_words():
    data = {**learned((20, APPEARANCE)), "generated": [(21, APPEARANCE)]}
    found = block(data, "emma_visual")
    assert found["name"] == "other"
    assert re.match("20 dem.* and 21 generated demonstrations of a task with", found["description"])
    found = block(learned((7, {})), training_note="with care")
    assert found["description"] == "7 demonstrations of a task; with care"
    found = block(learned((7, {"clutter": list(range(999))})), training="other")
    assert len(found["description"]) == 1000


def test_what_is_given_comes_first_where_it_can():
    data = learned((100, {}))
    assert block(data, training_seed=7)["seed"] == 7
    assert block(data, training_note="with care")["description"].endswith(" with care")
    other = block(data, training="other", training_note="and more")
    assert (other["name"], other["seed"]) == ("other", 4)
    assert other["description"] == "100 demonstrations of a task; and more"


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        (None, {}, r"has weights: say what it was trained on with training=NAME, one of nominal_1"),
        (learned((100, {})), {"training": "nominal_20"}, "something else, 100 demonstrations"),
        (learned((100, {})), {"training": "interaction"}, "training=interaction: the policy lear"),
        (None, {"training": "other"}, "say which data with training_note"),
        (learned((100, {})), {"training": "nominal"}, "no training set 'nominal'; valid"),
    ],
)
def test_what_is_missing_or_contradicts_it_is_refused_in_one_line(data, settings, message):
    with pytest.raises(ValueError, match=message) as caught:
        block(data, **settings)
    assert "\n" not in str(caught.value)


def test_without_weights_there_was_no_training():
    assert block(None, policy=WITHOUT)["name"] == "none"


def test_how_samples_were_drawn_is_taken_from_the_checkpoint():
    sampling = {"sampler": "adamix", "generated_share": 0.5}
    policy = WITH_WEIGHTS | {"config": {"training": {"seed": 4, "sampling": sampling}}}
    assert block(learned((100, {})), policy=policy)["sampling"] == sampling
    assert block(None, policy=policy, training="other", training_note="x")["sampling"] == sampling


@pytest.mark.parametrize("config", [{}, {"training": 3}, {"training": {"sampling": None}}])
def test_what_does_not_say_how_samples_were_drawn_has_nothing_of_it(config):
    assert "sampling" not in block(learned((100, {})), policy=WITH_WEIGHTS | {"config": config})

import copy

import pytest

from envs.dual_arm_env import DualArmEnv
from eval_protocols.protocol import (
    InvalidProtocolError,
    UnknownProtocolError,
    load_protocol,
    parse_protocol,
    protocol_names,
)

SPECIFICATION = {
    "name": "p",
    "version": 2,
    "title": "P",
    "description": "d",
    "headline": "success_at_end",
    "after_success_steps": 4,
    "conditions": [{"name": "nominal", "variations": {}}],
    "training_data": "any",
}


@pytest.mark.parametrize("name", protocol_names())
def test_every_protocol_loads(name):
    protocol = load_protocol(name)
    assert protocol.name == name
    assert protocol.conditions


def test_in_domain_goes_on_after_success():
    protocol = load_protocol("in_domain")
    assert protocol.headline == "success_once"
    assert protocol.after_success_steps == 16
    assert [(c.name, dict(c.variations)) for c in protocol.conditions] == [("nominal", {})]


def test_unseen_objects_are_what_the_environment_knows():
    for condition in load_protocol("objects_unseen").conditions:
        DualArmEnv("block_handover", **condition.variations)


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(UnknownProtocolError, match=r"unknown protocol 'in-domain'.*in_domain"):
        load_protocol("in-domain")


def test_hash_follows_content_only():
    one = parse_protocol("p", copy.deepcopy(SPECIFICATION))
    same = parse_protocol("p", dict(reversed(list(SPECIFICATION.items()))))
    other = parse_protocol("p", SPECIFICATION | {"after_success_steps": 5})
    assert one.sha256 == same.sha256 != other.sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"headlin": "x"}, "unknown key 'headlin'; did you mean headline"),
        ({"headline": "success"}, "headline 'success'"),
        ({"version": "1"}, "version is '1'"),
        ({"version": True}, "version is True"),
        ({"version": 0}, "version < 1"),
        ({"conditions": []}, "needs conditions"),
        ({"conditions": SPECIFICATION["conditions"] * 2}, "name of its own"),
        ({"conditions": [{"name": "x"}]}, "condition 0: no variations"),
        ({"conditions": [{"name": "x", "variations": {"fog": 1}}]}, "unknown variations fog"),
        (
            {"conditions": [{"name": "x", "variations": {"object_shapes": "new"}}]},
            "object_shapes is 'new', not seen or unseen",
        ),
        ({"title": None}, "title is None"),
    ],
)
def test_wrong_specifications_are_named(change, message):
    with pytest.raises(InvalidProtocolError, match=message):
        parse_protocol("p", SPECIFICATION | change)


def test_missing_keys_are_named():
    with pytest.raises(InvalidProtocolError, match="no training_data, version"):
        parse_protocol(
            "p", {k: v for k, v in SPECIFICATION.items() if k not in ("version", "training_data")}
        )

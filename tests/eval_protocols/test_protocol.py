import copy
import json

import pytest

from eval_protocols.protocol import (
    InvalidProtocolError,
    UnknownProtocolError,
    find_protocol,
    load_protocol,
    parse_protocol,
)

NOMINAL = {"name": "nominal", "variations": {}}
MOVED = {
    "name": "moved",
    "twin": "nominal",
    "factor": "camera_roll",
    "level": 2,
    "variations": {"camera_roll": 2},
    "standardized_to": "L515",
}
SET = {"name": "s", "description": "d", "demonstrations": [{"episodes": 3, "variations": {}}]}
SPECIFICATION = {
    "name": "p",
    "version": 2,
    "title": "P",
    "description": "d",
    "headline": "success_at_end",
    "after_success_steps": 4,
    "conditions": [NOMINAL, MOVED],
    "training": [SET],
}


def without(mapping, *keys):
    return {key: value for key, value in mapping.items() if key not in keys}


def test_what_is_written_is_what_is_read():
    protocol = parse_protocol("p", SPECIFICATION)
    nominal, moved = protocol.conditions
    assert (nominal.twin, nominal.factor, nominal.level, nominal.standardized_to) == (None,) * 4
    assert (moved.twin, moved.factor, moved.level) == ("nominal", "camera_roll", 2)
    assert moved.variations == {"camera_roll": 2}
    assert moved.standardized_to == "L515"
    (part,) = protocol.training_set("s").demonstrations
    assert (part.episodes, part.variations) == (3, {})


def test_in_domain_goes_on_after_success():
    protocol = load_protocol("in_domain")
    assert protocol.headline == "success_once"
    assert protocol.after_success_steps == 16
    assert [(each.name, dict(each.variations)) for each in protocol.conditions] == [("nominal", {})]


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(json.dumps(SPECIFICATION))  # JSON is YAML
    assert find_protocol(str(path)) == parse_protocol("p", SPECIFICATION)
    assert find_protocol("in_domain") == load_protocol("in_domain")
    with pytest.raises(UnknownProtocolError):
        load_protocol(str(path))


@pytest.mark.parametrize(
    ("name", "specification", "message"),
    [
        ("other", SPECIFICATION, "its name is 'p'"),
        ("in_domain", {**SPECIFICATION, "name": "in_domain"}, "'in_domain' is one of ours"),
        ("p", without(SPECIFICATION, "title"), "no title"),
    ],
)
def test_a_file_that_is_wrong_is_refused(name, specification, message, tmp_path):
    path = tmp_path / f"{name}.yaml"
    path.write_text(json.dumps(specification))
    with pytest.raises(InvalidProtocolError, match=f"^protocol '{path}'.*{message}$"):
        find_protocol(str(path))


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_no_file_is_said_in_one_line(what, tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(UnknownProtocolError, match=r"No such file|Is a directory"):
        find_protocol(str(tmp_path / f"{what}.yaml"))


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(UnknownProtocolError, match=r"unknown protocol 'in-domain'.*in_domain"):
        load_protocol("in-domain")


def test_unknown_training_set_names_those_that_are():
    with pytest.raises(ValueError, match=r"no training set 'nominal'; valid: nominal_100, .*other"):
        load_protocol("in_domain").training_set("nominal")


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
        ({"title": None}, "title is None"),
        ({"conditions": []}, "needs conditions"),
        ({"conditions": [NOMINAL, NOMINAL]}, "name of its own"),
        ({"training": []}, "needs training"),
        ({"training": [SET, SET]}, "name of its own"),
        ({"training": [SET | {"name": "other"}]}, "cannot be called 'other'"),
        ({"training": [SET | {"name": "none"}]}, "cannot be called 'none'"),
        ({"training": [SET | {"demos": 1}]}, "training set 0: unknown key 'demos'"),
        ({"training": [SET | {"demonstrations": [{"episodes": 0, "variations": {}}]}]}, "episodes"),
    ],
)
def test_wrong_specifications_are_named(change, message):
    with pytest.raises(InvalidProtocolError, match=message):
        parse_protocol("p", SPECIFICATION | change)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (without(MOVED, "variations"), "condition 1: no variations"),
        (MOVED | {"variations": {"fog": 1}}, "unknown variation 'fog'"),
        (MOVED | {"variations": {"camera_roll": 6}}, "level 6 is not an integer in 0 .. 5"),
        (MOVED | {"variations": {"camera_roll": {"sise": 1}}}, "unknown option 'sise'.*size"),
        (MOVED | {"level": 6}, "level is 6, not an integer in 0 .. 5"),
        (MOVED | {"level": True}, "level is True"),
        (MOVED | {"standardized_to": "D455"}, "standardized_to is 'D455', not one of D435"),
        (MOVED | {"twin": "clean"}, r"twin 'clean', not an unperturbed condition \(nominal\)"),
        (MOVED | {"twin": "moved"}, "twin 'moved', not an unperturbed condition"),
        (without(MOVED, "factor"), "twin and factor come together"),
        (without(MOVED, "twin"), "twin and factor come together"),
        (MOVED | {"name": "Moved!"}, "cannot be called 'Moved!'"),
    ],
)
def test_wrong_conditions_are_named(condition, message):
    with pytest.raises(InvalidProtocolError, match=message) as caught:
        parse_protocol("p", SPECIFICATION | {"conditions": [NOMINAL, condition]})
    assert "\n" not in str(caught.value)


def test_missing_keys_are_named():
    with pytest.raises(InvalidProtocolError, match="no training, version"):
        parse_protocol("p", without(SPECIFICATION, "version", "training"))
